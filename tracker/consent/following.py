"""What follows from consent: the columns that say how far each person and title may be shown, so that reading costs
nothing, and open cases that close when somebody's word or a death stands against it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.agenda.service import chunks
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.labels import announce
from tracker.base.work import CLOCK, settles, touch, unit_of_work
from tracker.cases.models import Case, Involvement
from tracker.clockwork.kinds import clock_step
from tracker.consent.queries import read_standing
from tracker.consent.rules import SUBJECTS, Standing
from tracker.people.models import PersonName

#: Cases that are looked at again in one run of the clock's step.
AT_MOST = 1000


@settles("act")
def follow_consent(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Write anew what may be shown of everybody in `cases`; with None, in those where an agreement has run out."""
    for chunk in chunks(_run_out(session, now) if cases is None else cases):
        found = read_standing(session, chunk, now)
        for _number, rows in groupby(found, key=lambda row: row[0].id):
            _follow(session, list(rows))


announce("step", {"consent.follow": _l("follows what people agreed to as it runs out")})


@clock_step("consent.follow", every=timedelta(seconds=60))
def look_again(now: datetime) -> Mapping[str, int]:
    """Look again at cases in which an agreement has run out: names and titles go at once, lists, search and mail with
    them. Answers {"due"}."""
    due = _run_out(db.session(), now)
    if due:
        with unit_of_work("consent.follow", CLOCK, now=now):
            touch(*due)
    return {"due": len(due)}


def _run_out(session: Session, now: datetime) -> Sequence[int]:
    return session.scalars(
        select(Involvement.case_id).where(Involvement.consent_changes_at <= now).distinct().limit(AT_MOST)
    ).all()


def _follow(session: Session, rows: Sequence[tuple[Case, Involvement, Standing]]) -> None:
    """Bring one case up to date."""
    case, named = rows[0][0], False
    if any(standing.closes for _case, _involvement, standing in rows):
        # Whoever opens it at this moment holds the row: it is waited for, and closed after them.
        session.refresh(case, with_for_update={"key_share": True})
        if case.audience > Audience.DESK:
            case.audience = Audience.DESK
            case.version += 1
    for _case, involvement, standing in rows:
        named |= involvement.name_up_to != standing.up_to["name"]
        for subject in SUBJECTS:
            setattr(involvement, f"{subject}_up_to", standing.up_to[subject])
        involvement.consent_changes_at = standing.changes_at
        involvement.consent_review_at = _review_at(case, standing)
    title_up_to = _title_up_to(session, [involvement for _case, involvement, _standing in rows])
    if (named or title_up_to != case.title_up_to) and case.audience >= Audience.PUBLIC:
        # A mail that was written by name is written anew.
        case.version += 1
    case.title_up_to = title_up_to


def _review_at(case: Case, standing: Standing) -> datetime | None:
    """From when somebody must look: when it is asked anew; and of a case that is open without what it needs, since that
    ran out, or since there is the case where nobody ever agreed."""
    instants = [standing.look_at]
    if case.audience > Audience.DESK and standing.lacks(case.audience):
        instants.append(standing.lost_at or case.created_at)
    return min((at for at in instants if at is not None), default=None)


def _title_up_to(session: Session, involved: Sequence[Involvement]) -> Audience:
    """A title tends to name everybody by their real names."""
    up_to = min((i.name_up_to for i in involved), default=Audience.DESK)
    if up_to <= Audience.DESK:
        return Audience.DESK
    published = select(PersonName.id).where(
        PersonName.person_id.in_([i.person_id for i in involved]), PersonName.kind == "pseudonym"
    )
    return Audience.DESK if session.scalar(published.limit(1)) else Audience(up_to)
