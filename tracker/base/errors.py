"""What can go wrong in a way a person should hear about. Pure."""

from collections.abc import Mapping

from tracker.base.sentences import Sentence


class TrackerError(Exception):
    """A fault with a sentence for the person it concerns. The sentence never holds sealed data."""

    def __init__(self, message: str | Sentence) -> None:
        super().__init__(message)
        self._said = message

    @property
    def message(self) -> str:
        """The sentence; one of what is pure is said in the language spoken now."""
        return str(self._said)


class Refused(TrackerError):
    """The input cannot be accepted. `field` names the form field or option it belongs to (422, exit code 2)."""

    def __init__(self, message: str | Sentence, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NeedsConfirmation(Refused):
    """The input is possible but unlikely (a past date, one over 12 months off): ask, then accept the same input."""


class NotFound(TrackerError):
    """No such thing, or none this person may know of: the two answer alike (404, exit code 2)."""


class NotAllowed(TrackerError):
    """A known person asks for what their role does not hold (403)."""


class VersionConflict(TrackerError):
    """Somebody changed the same thing in between. `theirs` holds the stored values by field (409)."""

    def __init__(self, message: str | Sentence, theirs: Mapping[str, object]) -> None:
        super().__init__(message)
        self.theirs = dict(theirs)


class HouseReadOnly(TrackerError):
    """The house is read-only for the moment: pages can be read, nothing is changed (503, exit code 2)."""


class HouseClosed(TrackerError):
    """The house is closed to this person for the moment. The message is not shown (503)."""


class Misconfigured(TrackerError):
    """A setting is missing or cannot be. The message names the variable (exit code 2)."""
