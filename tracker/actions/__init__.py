"""Urgent actions: what volunteers are asked to write, until when, and when they must stop."""
