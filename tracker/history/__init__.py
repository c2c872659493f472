"""What was done in a case, and who looked at what was sealed in it: the audit, for those who keep the case."""
