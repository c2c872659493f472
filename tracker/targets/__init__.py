"""The target book: officials and embassies that urgent actions are addressed to."""
