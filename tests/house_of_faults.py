"""Who counts when something breaks: copies by Message-ID, ends by message, and the table of all faults of a run."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from tracker.outbox.models import STATES

#: Where a message may not stay.
NO_ENDS = ("waiting", "sending")

#: P4: how long after it was due, or could go again, a mail leaves.
SOON = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the messages that were due. `lost`: they have no end, or their end is not what the relay saw."""

    messages: int
    states: Mapping[str, int]
    lost: int
    #: Copies beyond the first.
    doubled: int
    #: Messages that ended as may have arrived.
    unsure: int


def judge(engine: Engine, copies: Mapping[str, int], now: datetime | None = None) -> Verdict:
    """Compare what the database says with the copies that arrived, by Message-ID; and hold the promises that hold
    after any fault: P1 (each has an end, with its reason) and P2 (a second copy only where an answer was lost, and
    never a third). `now`: what falls due later is passed over; None: everything was due."""
    with engine.connect() as connection:
        messages = connection.execute(
            text("""
                SELECT m.id, m.state, m.reason, m.due_at, e.message_id, e.state AS held_as, e.ambiguous_attempts,
                       e.lease_token
                FROM messages m LEFT JOIN envelopes e ON e.id = m.envelope_id ORDER BY m.id
            """)
        ).all()
        unsure = {
            row.message_id: row.times
            for row in connection.execute(
                text("""
                    SELECT e.message_id, count(*) AS times FROM attempts a JOIN envelopes e ON e.id = a.envelope_id
                    WHERE a.outcome = 'unsure' GROUP BY e.message_id
                """)
            )
        }
    # A mail of several messages leaves without those that were taken back before.
    told = {m.message_id for m in messages if m.state in ("sent", "may_have_arrived")}
    lost = 0
    counted: list[str] = []
    for number, state, reason, due_at, message_id, envelope_state, ambiguous, token in messages:
        assert state in STATES
        assert token is None or state in NO_ENDS, f"message {number} has ended and its mail is still held"
        came = copies.get(message_id, 0)
        if now is not None and state in NO_ENDS and _instant(due_at) > now:
            continue
        counted.append(state)
        if state in NO_ENDS or (state == "sent" and not came) or (came and message_id not in told):
            lost += 1
        if state in ("skipped", "cancelled", "not_delivered", "may_have_arrived"):
            assert reason, f"message {number} ended as {state} and nobody knows why"
        if state == "sent":
            assert envelope_state == "sent"
        assert ambiguous <= 2 if ambiguous is not None else True
    for message_id, came in copies.items():
        assert came <= 1 + min(1, unsure.get(message_id, 0)), f"{came} copies of {message_id}"
    return Verdict(
        len(counted),
        Counter(counted),
        lost,
        sum(came - 1 for came in copies.values()),
        counted.count("may_have_arrived"),
    )


def late(engine: Engine, could_go_at: datetime) -> list[int]:
    """P4 on the instants on record: messages sent later than two minutes after they were due, or after everything
    worked again. Those whose answer was lost are passed over: they go again after ten minutes on purpose."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("""
                SELECT m.id, m.due_at, m.sent_at FROM messages m JOIN envelopes e ON e.id = m.envelope_id
                WHERE m.state = 'sent' AND e.ambiguous_attempts = 0
            """)
        ).all()
    return [r.id for r in rows if _instant(r.sent_at) - max(_instant(r.due_at), could_go_at) > SOON]


def _instant(stored: datetime | str) -> datetime:
    return stored if isinstance(stored, datetime) else datetime.fromisoformat(stored)


# The table ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """One fault over all runs of it."""

    runs: int = 0
    messages: int = 0
    lost: int = 0
    doubled: int = 0
    unsure: int = 0


@dataclass(slots=True)
class FaultTable:
    """Fault by fault, what it cost. Written between two marks of the file that FAULT_TABLE names."""

    rows: dict[str, Row] = field(default_factory=dict)

    def add(self, fault: str, verdict: Verdict, runs: int = 1) -> Verdict:
        """Count a run; returns the verdict."""
        row = self.rows.setdefault(fault, Row())
        row.runs += runs
        row.messages += verdict.messages
        row.lost += verdict.lost
        row.doubled += verdict.doubled
        row.unsure += verdict.unsure
        return verdict

    def lines(self) -> Iterable[str]:
        """As Markdown."""
        yield "| fault | times | messages | lost | doubled | may have arrived |"
        yield "|---|---|---|---|---|---|"
        for fault, row in sorted(self.rows.items()):
            yield f"| {fault} | {row.runs} | {row.messages} | {row.lost} | {row.doubled} | {row.unsure} |"

    def write(self) -> None:
        """Write it where FAULT_TABLE says, between `<!-- faults -->` and `<!-- /faults -->`."""
        wanted = os.environ.get("FAULT_TABLE")
        if not wanted or not self.rows:
            return
        path = Path(wanted)
        said = path.read_text() if path.exists() else "<!-- faults -->\n<!-- /faults -->\n"
        before, begin, rest = said.partition("<!-- faults -->\n")
        _old, end, after = rest.partition("<!-- /faults -->")
        path.write_text(before + begin + "\n".join(["", *self.lines(), "", ""]) + end + after)
