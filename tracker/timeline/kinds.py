"""The registry of what a timeline can hold. Rooms announce their kinds as frozen dataclasses; the fold reads only what
a kind declares about custody and proceedings."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from flask_babel import gettext as _

from tracker.base.errors import Refused
from tracker.base.registry import Registry

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class EntryKind:
    """A kind: its payload class and what it does to where a person stands."""

    code: str
    payload: type[Any]
    #: Custody code it leads to; None: leaves it.
    custody: str | None
    #: Proceedings code it leads to; None: leaves it.
    proceedings: str | None
    #: Conditions it puts in force.
    conditions: tuple[str, ...]
    #: Whether earlier conditions end with it.
    clears_conditions: bool
    #: Label for choosing it in a form, said in the reader's language; empty: the system writes it.
    label: object
    #: Whether staff may choose it.
    by_hand: bool
    #: Whether it is news about the person (system entries are not).
    news: bool

    def read(self, payload: dict[str, Any]) -> Any:
        """The payload as its class. Unknown fields are passed over (a newer version wrote them)."""
        known = {f.name for f in fields(self.payload)}
        return self.payload(**{k: v for k, v in payload.items() if k in known})

    def sentence(self, payload: dict[str, Any]) -> str:
        """What it says in one line, such as `Arrested`; the entry's own words stand beside it."""
        return str(self.read(payload).sentence())


kinds: Registry[EntryKind] = Registry("timeline kind")


def entry_kind(
    code: str,
    *,
    label: object = "",
    custody: str | None = None,
    proceedings: str | None = None,
    conditions: tuple[str, ...] = (),
    clears_conditions: bool = False,
    by_hand: bool = True,
    news: bool = True,
) -> Callable[[type[K]], type[K]]:
    """Announce a kind. The decorated class is a frozen dataclass whose fields all have defaults, with `sentence()`."""

    def announce(cls: type[K]) -> type[K]:
        kinds.add(
            code,
            EntryKind(
                code, cls, custody, proceedings, conditions, clears_conditions, label, by_hand and bool(label), news
            ),
        )
        return cls

    return announce


def kind_of(code: str) -> EntryKind:
    """The kind called `code`. Refused when there is none."""
    kind = kinds.find(code)
    if kind is None:
        raise Refused(_("“%(code)s” is no kind of entry.", code=code[:60]), "kind")
    return kind
