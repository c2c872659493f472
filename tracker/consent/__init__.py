"""What the people in a case agreed to, what may be shown for it, and publicity that is stopped."""
