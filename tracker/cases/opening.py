"""Before more people may see a case, whoever opens it reads what they would see. The list is made by pages, which see
every room; here it is only asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.cases.models import Case
from tracker.cases.queries import NOTHING, level


@dataclass(frozen=True, slots=True)
class Revealed:
    """What opening a case as far as `to` would reveal: for each rung that is new to it, what would be read there.
    `mark` stands for the whole list: another list has another mark, so that nobody agrees to what they never read."""

    case: Case
    to: Audience
    steps: Sequence[Any]
    mark: str


#: Reads the list: (session, who opens it, reference, how far, now) → Revealed.
ReadsOpening = Callable[[Session, User, str, Audience, datetime], Revealed]

_reads: list[ReadsOpening] = []


def tells_what_opening_reveals(reader: ReadsOpening) -> ReadsOpening:
    """Announce where it is read what opening a case would reveal: by pages, which lie above."""
    _reads[:] = [reader]
    return reader


def what_opening_reveals(session: Session, user: User, ref: str, to: Audience, now: datetime) -> Revealed:
    """What whoever is on the rungs up to `to` would newly see of a case that this account keeps."""
    return _reads[0](session, user, ref, to, now)


def count_readers(session: Session, case: Case, audience: Audience) -> int:
    """How many accounts could open the case if it were open to `audience`: the one expression, asked of a case that is
    like this one but for that."""
    as_if = (
        select(
            Case.id,
            Case.owner_id,
            Case.deputy_id,
            Case.desk_id,
            literal(int(audience)).label("audience"),
        )
        .where(Case.id == case.id)
        .subquery()
    )
    readers = select(func.count()).select_from(User).join(as_if, level(User.id, as_if.c) < NOTHING)
    return session.scalar(readers) or 0
