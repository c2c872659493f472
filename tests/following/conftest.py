"""A public case, and whoever follows it without an account."""

from follow_ground import followed, lived, tracker_env

__all__ = ["followed", "lived", "tracker_env"]
