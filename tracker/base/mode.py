"""The mode of the house: open, read-only (pages can be read, nothing is changed) or closed (only admins get in).

One fact of the house, which every request and every command reads afresh: it holds for all processes from the next
request on, and none of them need be told. What goes on in which mode, the views say (`guard.in_safety`); commands are
stopped here, as their unit of work begins.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tracker.base.errors import HouseReadOnly
from tracker.base.house import HouseFact, read_fact, write_fact
from tracker.base.work import Actor, Change, Work, admits_acts, current_work

#: The fact that holds the mode; there is none while the house is open.
FACT = "mode"

#: What the house can be, from the least to the most.
MODES = ("open", "read-only", "closed")

#: What commands may do although the house is not open, by how the act begins: the switch itself, what goes out and what
#: came back, the machine's clock, the audit and the keys; and what only takes away, for which a house is closed.
GOES_ON = (
    "house.",
    "outbox.",
    "bounces.",
    "clock.",
    "audit.",
    "keys.",
    "accounts.disable",
    "accounts.revoke",
    "consent.stop",
)


@dataclass(frozen=True, slots=True)
class Mode:
    """The mode that holds."""

    #: One of MODES.
    state: str = "open"
    #: Since when; None while the house is open.
    since: datetime | None = None
    #: Who put it there.
    by: str = ""
    #: Why, as they put it: for staff, never for volunteers or strangers.
    words: str = ""

    @property
    def is_open(self) -> bool:
        """Whether all goes on as usual."""
        return self.state == "open"

    @property
    def is_closed(self) -> bool:
        """Whether only admins get in."""
        return self.state == "closed"


OPEN = Mode()


def mode_column() -> Any:
    """SQL: the fact, to be read beside something else in one statement; NULL while the house is open."""
    return select(HouseFact.value).where(HouseFact.key == FACT).scalar_subquery()


def mode_of(value: str | None) -> Mode:
    """What the fact says."""
    if value is None:
        return OPEN
    known = json.loads(value)
    return Mode(known["mode"], datetime.fromisoformat(known["since"]), known["by"], known["words"])


def read_mode(session: Session) -> Mode:
    """The mode that holds now."""
    return mode_of(read_fact(session, FACT))


def write_mode(session: Session, mode: Mode) -> None:
    """Let `mode` hold from the next request on, everywhere, and put it on record with its reason."""
    before = read_mode(session)
    if mode.is_open:
        session.execute(delete(HouseFact).where(HouseFact.key == FACT).execution_options(synchronize_session=False))
    else:
        assert mode.since is not None
        said = {"mode": mode.state, "since": mode.since.isoformat(), "by": mode.by, "words": mode.words}
        write_fact(session, FACT, json.dumps(said))
    # By hand: facts of the house are not watched.
    fields: dict[str, tuple[object, object]] = {"mode": (before.state, mode.state), "reason": (None, mode.words)}
    current_work(session).changes.append(Change("house_facts", FACT, None, "changed", fields))


@admits_acts
def refuse_commands(session: Session, work: Work) -> None:
    """Commands change nothing while the house is not open, but for what goes on. HouseReadOnly. The clock goes on."""
    if not _is_stopped(work.act, work.actor):
        return
    mode = read_mode(session)
    if not mode.is_open:
        raise HouseReadOnly(f"The house is {mode.state}: nothing was changed. To open it: tracker house mode open")


def _is_stopped(act: str, actor: Actor) -> bool:
    return actor.kind == "command" and not act.startswith(GOES_ON)
