"""A house in which people are invited."""

from house_of_invitations import house, tracker_env

__all__ = ["house", "tracker_env"]
