"""Stories of people who keep cases."""

from house_of_cases import lived

__all__ = ["lived"]
