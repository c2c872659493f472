"""Cases whose people are asked what may be shown of them."""

from house_of_cases import lived

__all__ = ["lived"]
