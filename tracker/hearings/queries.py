"""Reading hearings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.audit.kinds import concerned, rungs
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.hearings.models import Appearance, Hearing
from tracker.people.models import Person
from tracker.timeline.models import Entry


@dataclass(slots=True)
class HearingSeen:
    """A hearing as one reader may see it: with the people of the cases in which they may know of it."""

    hearing: Hearing
    appearances: list[tuple[Appearance, Case, Person]] = field(default_factory=list)


def list_hearings(
    session: Session,
    *,
    case_ids: Sequence[int] | None = None,
    hearing_id: int | None = None,
    user: User | None = None,
    ahead_at: datetime | None = None,
    limit: int = 500,
) -> list[HearingSeen]:
    """Hearings by when they start, undated ones last; of these cases, this one alone, or all; for this reader, or
    (None) for a command. With `ahead_at`: those alone that are still to come, or under way, at that instant, or have no
    date. Two statements, however many."""
    wanted = select(Appearance.hearing_id).join(Case, Case.id == Appearance.case_id)
    if case_ids is not None:
        wanted = wanted.where(Appearance.case_id.in_(case_ids))
    if hearing_id is not None:
        wanted = wanted.where(Appearance.hearing_id == hearing_id)
    if user is not None:
        wanted = wanted.where(level(user.id) <= Hearing.audience).join(Hearing, Hearing.id == Appearance.hearing_id)
    chosen = select(Hearing).where(Hearing.id.in_(wanted))
    if ahead_at is not None:
        chosen = chosen.where(
            Hearing.state == "scheduled", or_(Hearing.outcome_due_at.is_(None), Hearing.outcome_due_at > ahead_at)
        )
    hearings = session.scalars(
        chosen.order_by(Hearing.starts_at.is_(None), Hearing.starts_at, Hearing.id).limit(limit)
    ).all()
    seen = {h.id: HearingSeen(h) for h in hearings}
    rows = (
        select(Appearance, Case, Person)
        .join(Case, Case.id == Appearance.case_id)
        .join(Person, Person.id == Appearance.person_id)
        .where(Appearance.hearing_id.in_(list(seen)))
        .order_by(Appearance.id)
    )
    if user is not None:
        rows = rows.join(Hearing, Hearing.id == Appearance.hearing_id).where(level(user.id) <= Hearing.audience)
    for appearance, case, person in session.execute(rows):
        seen[appearance.hearing_id].appearances.append((appearance, case, person))
    return list(seen.values())


def get_hearing_in(session: Session, case: Case, rung: Audience, public_id: str) -> Hearing:
    """A hearing of this case, for a reader who sees the case from `rung`. NotFound otherwise."""
    found = session.scalar(
        select(Hearing)
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .where(Hearing.public_id == public_id, Appearance.case_id == case.id, Hearing.audience >= rung)
        .limit(1)
    )
    if found is None:
        raise NotFound("There is no such hearing in this case.")
    return found


def last_changes(session: Session, hearing_ids: Sequence[int]) -> dict[int, datetime]:
    """When each of these hearings last changed in any way, by what was logged of it. One statement."""
    if not hearing_ids:
        return {}
    cases = select(Appearance.case_id).where(Appearance.hearing_id.in_(hearing_ids))
    rows = session.execute(
        select(Entry.payload, Entry.recorded_at)
        .where(Entry.case_id.in_(cases), Entry.kind.like("hearing.%"))
        .order_by(Entry.recorded_at)
    )
    wanted = set(hearing_ids)
    return {number: at for payload, at in rows if (number := payload["hearing_id"]) in wanted}


def hearings_as_known(session: Session, case_id: int, known_at: datetime) -> list[dict[str, Any]]:
    """The hearings of a case as the entries recorded by `known_at` tell them: the last snapshot of each. Who may see
    one is never a thing of the past: `audience` is the stricter of then and now."""
    known: dict[int, dict[str, Any]] = {}
    for payload in session.scalars(
        select(Entry.payload)
        .where(Entry.case_id == case_id, Entry.kind.like("hearing.%"), Entry.recorded_at <= known_at)
        .order_by(Entry.recorded_at, Entry.id)
    ):
        known[payload["hearing_id"]] = {"id": payload["hearing_id"], **payload["after"]}
    now = {h.id: h.audience for h in session.scalars(select(Hearing).where(Hearing.id.in_(known)))}
    for number, snapshot in known.items():
        snapshot["audience"] = min(snapshot["audience"], int(now[number]))
    return [known[number] for number in sorted(known)]


@concerned.adds("hearings")
def cases_of_hearings(session: Session, ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The cases whose people appear at each of these hearings."""
    found: dict[int, set[int]] = {}
    appear = select(Appearance.hearing_id, Appearance.case_id).where(Appearance.hearing_id.in_(ids)).distinct()
    for hearing_id, case_id in session.execute(appear):
        found.setdefault(hearing_id, set()).add(case_id)
    return found


@rungs.adds("hearings")
def rungs_of_hearings(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """To which rung each of these hearings is open."""
    rows = session.execute(select(Hearing.id, Hearing.audience).where(Hearing.id.in_(ids)))
    return {row.id: row.audience for row in rows}


@rungs.adds("appearances")
def rungs_of_appearances(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """The same for who appears at them, and with which outcome."""
    within = select(Appearance.id, Hearing.audience).join(Hearing, Hearing.id == Appearance.hearing_id)
    return {row.id: row.audience for row in session.execute(within.where(Appearance.id.in_(ids)))}
