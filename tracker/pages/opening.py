"""What opening a case to more people would reveal: what the file shows from each new rung, and what stays closed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.cases.opening import Revealed, count_readers, tells_what_opening_reveals
from tracker.pages.casefile import CaseFile, read_case_file


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody on one rung would read, and who that would be."""

    #: The file as it would be read from there.
    file: CaseFile
    #: How many accounts could open it that cannot now, rungs nearer to it included.
    readers: int
    #: How much of what the reader of this list sees would stay closed to that rung.
    closed_entries: int
    closed_hearings: int
    closed_flags: int

    @property
    def to(self) -> Audience:
        """The rung."""
        return self.file.rung

    @property
    def spells_names(self) -> bool:
        """Whether titles, names with their spellings, sources, notes and the summary are read there as the desk reads
        them."""
        return self.file.may_change


@tells_what_opening_reveals
def what_opening_reveals(session: Session, user: User, ref: str, to: Audience, now: datetime) -> Revealed:
    """The difference between the file as the widest rung reads it now and as each rung up to `to` would read it. Who is
    on a new rung sees nothing now, so everything the file shows from there is new to them."""
    mine = read_case_file(session, user, ref, now)
    case = mine.case
    before = count_readers(session, case, case.audience)
    steps = []
    for rung in (a for a in Audience if case.audience < a <= to):
        file = read_case_file(session, user, ref, now, seen_as=rung, as_if_open=True)
        steps.append(
            Step(
                file,
                count_readers(session, case, rung) - before,
                len(mine.timeline) - len(file.timeline),
                len(mine.hearings) - len(file.hearings),
                len(mine.flags) - len(file.flags),
            )
        )
    return Revealed(case, to, steps, _mark(to, steps))


def _mark(to: Audience, steps: list[Step]) -> str:
    """A fingerprint of everything on the list."""
    lines: list[Any] = [int(to)]
    for step in steps:
        file = step.file
        lines += [int(step.to), file.title, file.case.summary if step.spells_names else ""]
        lines += [
            (seen.person.id, seen.name, seen.standing.status, str(seen.standing.reported)) for seen in file.people
        ]
        lines += [(seen.entry.id, seen.meaning) for seen in file.timeline]
        lines += [
            (listed.hearing.id, listed.hearing.version, [(of.id, name) for _a, of, name in listed.appearing])
            for listed in file.hearings
        ]
        lines += [shown.flag.id for shown in file.flags]
    return hashlib.sha256(repr(lines).encode()).hexdigest()[:32]
