"""What volunteers do about an action: read it, write, call, print, and say that they did."""
