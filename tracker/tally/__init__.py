"""What was done for an action, added up for the staff who keep it."""
