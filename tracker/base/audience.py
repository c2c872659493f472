"""The one audience ladder: named people · desk · volunteers · public. Pure.

A case, an entry, a hearing and a flag each carry one; the strictest on the way wins, which is the smallest number.
"""

from enum import IntEnum

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_


class Audience(IntEnum):
    """Who may see a thing. Greater is more open; a viewer of level L sees what has audience >= L."""

    NAMED = 0
    DESK = 1
    VOLUNTEERS = 2
    PUBLIC = 3

    @property
    def code(self) -> str:
        """The word used in URLs, JSON and commands: `named`, `desk`, `volunteers`, `public`."""
        return self.name.lower()

    @classmethod
    def from_code(cls, code: str) -> "Audience":
        """The audience called `code`. Refused when there is none."""
        try:
            return cls[code.strip().upper()]
        except KeyError:
            raise Refused(
                N_("“%(code)s” is no audience: named, desk, volunteers or public.", code=code[:30]), "audience"
            ) from None


#: What may be chosen. A case is opened beyond its desk only as far as consent goes (`cases.kinds.opening_checks`), and
#: what stands in it is never more open than the case.
CHOOSABLE = tuple(Audience)
