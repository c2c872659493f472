"""Cases that are kept, with their people."""

from house_of_cases import lived

__all__ = ["lived"]
