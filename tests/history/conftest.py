"""Cases as people keep them, and their contacts."""

from contacts_ground import keeps
from house_of_cases import lived

__all__ = ["keeps", "lived"]
