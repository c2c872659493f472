"""Cases that can be looked for."""

from house_of_cases import lived

__all__ = ["lived"]
