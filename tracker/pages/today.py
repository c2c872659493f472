"""What the first page shows: what is in court, what needs the reader, what lies ahead when nothing does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.base.audience import Audience
from tracker.base.dates import today_in
from tracker.cases.models import Case, CaseFace
from tracker.cases.queries import level
from tracker.flags.queries import FlagShown, list_flags
from tracker.hearings.models import Hearing

#: Rows of "Needs me" at most: more is a list, not a morning.
MOST_NEEDS = 7

#: Flags that are looked at for it.
MOST_READ = 200


@dataclass(frozen=True, slots=True)
class InCourt:
    """A hearing of today or tomorrow, by the court's own calendar; or one that began and has no outcome yet."""

    hearing: Hearing
    cases: Sequence[Case]
    #: 0 today, 1 tomorrow, there.
    days: int
    begun: bool


@dataclass(frozen=True, slots=True)
class Need:
    """A case that needs the reader: its worst flag, the hearing or the action it is about, and how many flags more it
    has."""

    shown: FlagShown
    hearing: Hearing | None
    more: int
    action: UrgentAction | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is true when nothing needs anybody."""

    next_case: Case | None
    next_face: CaseFace | None
    oldest_check: datetime | None


def in_court(session: Session, user: User, now: datetime) -> list[InCourt]:
    """Hearings of today and tomorrow at their courts, of the desks' cases the reader may see, by when they start."""
    rows = session.execute(
        select(AgendaItem, Hearing, Case)
        .join(Hearing, Hearing.id == AgendaItem.subject_id)
        .join(Case, Case.id == AgendaItem.case_id)
        .where(
            AgendaItem.kind == "hearing",
            AgendaItem.state == OPEN_STATE,
            # No court is further than 26 hours from the reader; the exact day is looked at below.
            AgendaItem.starts_at > now - timedelta(hours=26),
            AgendaItem.starts_at < now + timedelta(hours=50),
            AgendaItem.local_date.is_not(None),
            Case.stage.in_(("open", "monitoring")),
            Case.desk_id.in_(user.desk_ids()) | (Case.owner_id == user.id) | (Case.deputy_id == user.id),
            level(user.id) <= AgendaItem.audience,
        )
        .order_by(AgendaItem.starts_at, AgendaItem.subject_id, Case.ref)
    ).all()
    by_hearing: dict[int, tuple[AgendaItem, Hearing, list[Case]]] = {}
    for item, hearing, case in rows:
        by_hearing.setdefault(hearing.id, (item, hearing, []))[2].append(case)
    found = []
    for item, hearing, cases in by_hearing.values():
        assert item.local_date is not None
        assert item.starts_at is not None
        days = (item.local_date - today_in(item.zone, now)).days
        if days in (0, 1):
            found.append(InCourt(hearing, cases, days, item.starts_at <= now))
    return found


def needs_me(session: Session, user: User, now: datetime, shown: Collection[int] = ()) -> list[Need]:
    """What asks for the reader: flags of cases they keep, and of their desks' cases that nobody keeps; coordinators see
    those of all their desks' cases after their own. Worst first, one row a case; that a hearing is soon is not repeated
    of those `shown` above (by number). Two statements, and one more where an action needs somebody."""
    own = or_(Case.owner_id == user.id, Case.deputy_id == user.id)
    coordinated = [m.desk_id for m in user.memberships if m.coordinator]
    among = or_(own, Case.desk_id.in_(coordinated), Case.desk_id.in_(user.desk_ids()) & Case.owner_id.is_(None))
    by_case: dict[int, list[FlagShown]] = {}
    for flag in list_flags(session, now, reader=user, among=among, first=own, asking=True, limit=MOST_READ):
        if not (flag.rule == "hearing-soon" and flag.item and flag.item.subject_id in shown):
            by_case.setdefault(flag.case.id, []).append(flag)
    about = {
        flags[0].item.subject_id for flags in by_case.values() if flags[0].item and flags[0].item.kind == "hearing"
    }
    hearings = {h.id: h for h in session.scalars(select(Hearing).where(Hearing.id.in_(about)))}
    of_actions = {number for flags in by_case.values() if (number := _action_of(flags[0]))}
    actions = (
        {a.id: a for a in session.scalars(select(UrgentAction).where(UrgentAction.id.in_(of_actions)))}
        if of_actions
        else {}
    )
    return [
        Need(flags[0], hearings.get(_hearing_of(flags[0])), len(flags) - 1, actions.get(_action_of(flags[0])))
        for flags in by_case.values()
    ]


def _hearing_of(shown: FlagShown) -> int:
    """The number of the hearing a flag is about; 0: about none."""
    return shown.item.subject_id if shown.item is not None and shown.item.kind == "hearing" else 0


def _action_of(shown: FlagShown) -> int:
    """The number of the action a flag is about; 0: about none."""
    kind, _colon, number = shown.flag.subject.partition(":")
    return int(number) if kind == "action" else 0


def quiet(session: Session, user: User) -> Quiet:
    """The next date and the oldest check among the cases of the reader's desks."""
    faces = (
        select(CaseFace, Case)
        .join(Case, Case.id == CaseFace.case_id)
        .where(
            CaseFace.audience == Audience.DESK,
            CaseFace.desk_id.in_(user.desk_ids()),
            CaseFace.stage.in_(("open", "monitoring")),
        )
    )
    ahead = session.execute(faces.where(CaseFace.next_on.is_not(None)).order_by(CaseFace.next_sort).limit(1)).first()
    oldest = session.execute(faces.order_by(CaseFace.checked_sort).limit(1)).first()
    return Quiet(
        ahead[1] if ahead else None,
        ahead[0] if ahead else None,
        (oldest[1].last_checked_at or oldest[1].created_at) if oldest else None,
    )
