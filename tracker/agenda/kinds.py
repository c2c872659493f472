"""The registry of agenda kinds: what can lie ahead, and how many days before it people are reminded."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracker.base.registry import Registry


@dataclass(frozen=True, slots=True)
class AgendaKind:
    """A kind of thing ahead. `days_before` by lead kind; the empty key is for those not named. `is_next`: whether it
    can be a case's next date; what only asks something of those who write is not."""

    code: str
    days_before: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    is_next: bool = True

    def leads(self, lead_kind: str) -> tuple[int, ...]:
        """Days before, longest first, for this sub-kind."""
        return self.days_before.get(lead_kind, self.days_before.get("", ()))


kinds: Registry[AgendaKind] = Registry("agenda kind")


def agenda_kind(code: str, *, days_before: Mapping[str, tuple[int, ...]], is_next: bool = True) -> AgendaKind:
    """Announce a kind of thing ahead."""
    return kinds.add(code, AgendaKind(code, dict(days_before), is_next))


def kinds_of_next_dates() -> tuple[str, ...]:
    """The codes of what can be a case's next date."""
    return tuple(kind.code for kind in kinds if kind.is_next)
