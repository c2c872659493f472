"""The desk and its people, for the tests of the mode of the house."""

from house_of_cases import lived

__all__ = ["lived"]
