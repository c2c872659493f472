"""Timelines of cases that are kept."""

from house_of_cases import lived

__all__ = ["lived"]
