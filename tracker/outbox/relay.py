"""How it stands with the relay: a fact for staff, and a circuit that spares a relay which is down."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import read_fact, write_fact
from tracker.base.work import short_transaction

#: The fact that says how it stands.
FACT = "relay"

#: Failures in a row after which it is tried once a minute only.
FAILURES = 5

#: Seconds until the next trial then.
PROBE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RelayState:
    """How it stands with the relay. `state`: `untried`, `ok`, `down` (not reached, or not now), `refused` (it will not
    have us: password, certificate, sender) or `unset` (none is configured). In the last three all mail waits, and goes
    by itself when the relay is back."""

    state: str
    #: Since when; None before the first mail.
    since: datetime | None
    #: What the relay or the network said, without addresses.
    words: str

    @property
    def is_bad(self) -> bool:
        """Whether staff must know."""
        return self.state in ("down", "refused", "unset")


def read_relay(session: Session) -> RelayState:
    """How it stands."""
    known = read_fact(session, FACT)
    if known is None:
        return RelayState("untried", None, "")
    fact = json.loads(known)
    return RelayState(fact["state"], datetime.fromisoformat(fact["since"]), fact["words"])


def say_relay(state: str, words: str, now: datetime) -> None:
    """Record how it stands, in a transaction of its own; nothing is written while it stands as it stood."""
    reading: Session = db.session()
    before = read_relay(reading)
    reading.rollback()
    if (before.state, before.words) == (state, words):
        return
    since = before.since if before.since is not None and before.state == state else now
    with short_transaction() as session:
        write_fact(session, FACT, json.dumps({"state": state, "since": since.isoformat(), "words": words}))


class Circuit:
    """Remembers, in this process, how often a relay has failed in a row."""

    def __init__(self) -> None:
        self._address = ""
        self._failures = 0
        self._probe_at = 0.0
        self._refused: set[str] = set()

    def is_open(self, address: str) -> bool:
        """Whether this relay is to be left alone for now. The address is the setting: another one is tried at once."""
        return address == self._address and self._failures >= FAILURES and clock.monotonic() < self._probe_at

    def failed(self, address: str) -> None:
        """It failed."""
        if address != self._address:
            self._address, self._failures, self._refused = address, 0, set()
        self._failures += 1
        self._probe_at = clock.monotonic() + PROBE_SECONDS

    def refuses(self, address: str, recipient: str) -> bool:
        """It refused a recipient in words that may be meant for us. Whether it refused another one so, too, and took
        none between them."""
        if address != self._address:
            self._address, self._failures, self._refused = address, 0, set()
        self._refused.add(recipient)
        return len(self._refused) > 1

    def worked(self) -> None:
        """It can be reached, and takes mail from us."""
        self._failures = 0
        self._refused.clear()
