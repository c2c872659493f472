"""Cases as people keep them."""

from house_of_cases import lived

__all__ = ["lived"]
