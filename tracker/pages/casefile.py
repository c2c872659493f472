"""The case file: everything about one case that its reader may see, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, false, literal, or_, select, true
from sqlalchemy.orm import Session, aliased, joinedload, lazyload

from tracker.accounts.models import Desk, User
from tracker.accounts.queries import name_to
from tracker.accounts.rules import is_away
from tracker.actions.queries import ActionTold, actions_told, read_actions_told
from tracker.agenda.models import OPEN_STATE
from tracker.base.audience import Audience
from tracker.base.dates import instant_of, today_in
from tracker.base.errors import NotAllowed, NotFound, Refused
from tracker.cases.models import Case, CaseFace, Involvement
from tracker.cases.queries import NOTHING, level
from tracker.contacts.queries import ContactsOfCase, contacts_told, read_told, reason_given
from tracker.flags.queries import FlagShown, open_flags_for_cases
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.queries import hearings_as_known
from tracker.hearings.service import can_undo
from tracker.people.models import Person
from tracker.people.rules import initials, outward_name
from tracker.timeline.kinds import kind_of
from tracker.timeline.queries import EntrySeen, read_timeline
from tracker.timeline.rules import WhereTheyStand, stand


class SeenByNobody(Exception):
    """A case is not open to the rung from which somebody who keeps it asked to see it."""

    def __init__(self, case: Case, desk: Desk) -> None:
        super().__init__()
        self.case = case
        self.desk = desk


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """A person as this reader may know them, and where they stand."""

    involvement: Involvement
    person: Person
    #: The name; beyond the desk the one for publication, or the name as far as they agreed to that, or initials.
    name: str
    standing: WhereTheyStand


@dataclass(frozen=True, slots=True)
class HearingInCase:
    """A hearing with those who appear for the cases this reader may see."""

    hearing: Hearing
    appearing: list[tuple[Appearance, Case, str]]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What the page shows."""

    case: Case
    desk: Desk
    rung: Audience
    #: None: what the file would be, were the case open to that rung.
    face: CaseFace | None
    owner: User | None
    deputy: User | None
    people: Sequence[PersonSeen]
    timeline: Sequence[EntrySeen]
    hearings: Sequence[HearingInCase]
    flags: Sequence[FlagShown]
    names: Mapping[int, str]
    #: Accounts that wrote something here, by number.
    writers: Mapping[int, str]
    known_on: date | None
    #: What the reader sees owner and deputy called; empty: there is none.
    owner_name: str
    deputy_name: str
    #: When it is read.
    now: datetime
    #: For those who keep the case; empty for others, and in the past.
    contacts: ContactsOfCase
    #: Urgent actions this reader may see; none in the past.
    actions: Sequence[ActionTold] = ()
    #: As known on that day: the last snapshot of each hearing.
    known_hearings: Sequence[Mapping[str, Any]] = ()
    #: The rung from which somebody who keeps it looks at it for once; None: from their own.
    seen_as: Audience | None = None

    @property
    def may_change(self) -> bool:
        """Whether the reader keeps it: the desk's rung or nearer."""
        return self.rung <= Audience.DESK

    @property
    def title(self) -> str:
        """What the reader calls it."""
        return shown_title(self.case, self.rung)

    @property
    def last_entry_on(self) -> date | None:
        """Day of the last news the reader may see."""
        if self.face is not None:
            return self.face.last_entry_on
        news = (s for s in self.timeline if s.meaning.counts and kind_of(s.entry.kind).news)
        return max((s.told.latest_on for s in news), default=None)

    def away_until(self, person: User) -> date | None:
        """The last day on which owner or deputy is away; None: they are here."""
        away = is_away(person.away_until, person.zone or self.desk.zone, self.now)
        return person.away_until if away else None

    @property
    def next(self) -> Hearing | None:
        """The hearing that comes next, or is under way: by its last possible day, a known day before a window."""
        return min((h for h in self._open if self._due(h) > self.now), key=self._order, default=None)

    @property
    def awaits(self) -> Hearing | None:
        """The last hearing of which somebody should know the outcome by now, and nobody has said."""
        return max((h for h in self._open if self._due(h) <= self.now), key=self._order, default=None)

    def may_undo(self, hearing: Hearing) -> bool:
        """Whether the last thing recorded of a hearing is a new date of which nobody hears yet."""
        if hearing.tell_from is None or hearing.tell_from <= self.now:
            return False
        entries = (seen.entry for seen in self.timeline if seen.entry.kind.startswith("hearing."))
        mine = (entry for entry in entries if entry.payload["hearing_id"] == hearing.id)
        logged = max(mine, key=lambda entry: entry.id, default=None)
        return logged is not None and can_undo(hearing, logged, self.now)

    @property
    def _open(self) -> list[Hearing]:
        return [h.hearing for h in self.hearings if h.hearing.state == OPEN_STATE and h.hearing.outcome_due_at]

    @staticmethod
    def _due(hearing: Hearing) -> datetime:
        return hearing.outcome_due_at or hearing.created_at

    def _order(self, hearing: Hearing) -> tuple[datetime, bool, datetime, int]:
        started = hearing.starts_at or hearing.created_at
        return self._due(hearing), hearing.local_date is None, started, hearing.id


def read_case_file(
    session: Session,
    user: User,
    ref: str,
    now: datetime,
    known_on: date | None = None,
    *,
    seen_as: Audience | None = None,
    as_if_open: bool = False,
) -> CaseFile:
    """Read the file for this reader, as it stands or as it was known at the end of a day at the desk. NotFound alike
    when there is no such case and when the reader may not know of it; Refused for a day that lies ahead. Six
    statements, however long the timeline.

    `seen_as`: for one who keeps the case, the very file that somebody on that rung reads (NotAllowed for whoever does
    not keep it, and for a rung nearer than their own). SeenByNobody where the case is not open to that rung, unless it
    is read `as_if_open`.
    """
    owner, deputy = aliased(User), aliased(User)
    rung_read = level(user.id) if seen_as is None else literal(int(seen_as))
    row = session.execute(
        select(
            Case,
            Desk,
            level(user.id),
            CaseFace,
            owner,
            deputy,
            contacts_told(Case.id),
            reason_given(user.id, Case.id),
            name_to(user, owner),
            name_to(user, deputy),
            actions_told(Case.id),
        )
        .join(Desk, Desk.id == Case.desk_id)
        .outerjoin(CaseFace, (CaseFace.case_id == Case.id) & (CaseFace.audience == rung_read))
        .outerjoin(owner, owner.id == Case.owner_id)
        .outerjoin(deputy, deputy.id == Case.deputy_id)
        .options(lazyload(owner.memberships), lazyload(deputy.memberships))
        .where(Case.ref == ref.upper())
    ).first()
    if row is None or row[2] >= NOTHING:
        raise NotFound(f"There is no case {ref[:30]} that you may see.")
    case, desk, rung = row[0], row[1], Audience(row[2])
    if seen_as is not None:
        if not user.is_staff or rung > Audience.DESK or seen_as < rung:
            raise NotAllowed(_("Only those who keep a case see it as others do, and never from nearer than their own."))
        if seen_as > case.audience and not as_if_open:
            raise SeenByNobody(case, desk)
        rung = seen_as
    known_at = end_of_known(known_on, desk, now) if known_on else None
    timeline = read_timeline(session, case.id, rung, known_at)
    involved = (
        session.execute(
            select(Involvement, Person)
            .join(Person, Person.id == Involvement.person_id)
            .options(joinedload(Person.names))
            .where(Involvement.case_id == case.id, Person.created_at <= known_at if known_at else true())
            .order_by(Involvement.position, Involvement.id)
        )
        .unique()
        .all()
    )
    standing = stand(
        [seen.told for seen in timeline],
        {seen.entry.id: seen.meaning for seen in timeline},
        [person.id for _involvement, person in involved],
        rung,
    )
    people = [
        PersonSeen(involvement, person, shown_name(involvement, person, rung), standing[person.id])
        for involvement, person in involved
    ]
    return CaseFile(
        case=case,
        desk=desk,
        rung=rung,
        face=row[3],
        owner=row[4],
        deputy=row[5],
        owner_name=row[8] or "",
        deputy_name=row[9] or "",
        people=people,
        timeline=timeline[::-1],
        hearings=_hearings(session, user, case, rung, people, seen_as) if known_at is None else (),
        flags=() if known_at else open_flags_for_cases(session, [case.id], now, rung)[case.id],
        names={seen.person.id: seen.name for seen in people},
        writers=_writers(session, user, timeline),
        known_on=known_on,
        seen_as=seen_as,
        now=now,
        actions=read_actions_told(None if known_at else row[10], desk.zone, rung),
        contacts=read_told(None if known_at else row[6], row[7], user, rung, now),
        known_hearings=[
            {**snapshot, **{end: _day(snapshot[end]) for end in ("earliest_on", "latest_on")}}
            for snapshot in (hearings_as_known(session, case.id, known_at) if known_at else ())
            if snapshot["audience"] >= rung
        ],
    )


def end_of_known(known_on: date, desk: Desk, now: datetime) -> datetime:
    """The last instant of a day at the desk. Refused when that day has not begun there."""
    if known_on > today_in(desk.zone, now):
        raise Refused(
            _("%(day)s lies ahead: nobody knows yet what will be known then.", day=known_on.isoformat()), "known_on"
        )
    return instant_of(known_on + timedelta(days=1), None, desk.zone) - timedelta(microseconds=1)


def _day(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


def shown_title(case: Case, rung: Audience) -> str:
    """A case's title as a rung may know it: titles tend to name people, so beyond the desk it is read only as far as
    everybody in the case may be named; else the nickname stands for it."""
    return case.title if rung <= max(Audience.DESK, case.title_up_to) else case.nickname


def shown_name(involvement: Involvement, person: Person, rung: Audience) -> str:
    """A person's name as a rung may know it in this case."""
    if rung <= Audience.DESK:
        return person.name
    return outward_name(person.name, person.pseudonym, involvement.name_up_to >= rung)


def _hearings(
    session: Session,
    user: User,
    case: Case,
    rung: Audience,
    people: Sequence[PersonSeen],
    seen_as: Audience | None,
) -> list[HearingInCase]:
    """The hearings of a case with all who appear and may be known of, those ahead first. `people`: who is in the case,
    as its reader may know them; those of other cases are listed for their own desk alone."""
    names = {seen.person.id: seen.name for seen in people}
    others = and_(level(user.id) <= Audience.DESK, level(user.id) <= Hearing.audience)
    if seen_as is not None:
        # A colleague at the desk knows of the desk's other cases; whoever stands further away is shown none of them.
        on_desk = and_(Case.desk_id == case.desk_id, Case.audience >= Audience.DESK)
        others = and_(others, on_desk) if seen_as <= Audience.DESK else false()
    mine = select(Appearance.hearing_id).where(Appearance.case_id == case.id)
    chosen = (
        select(Hearing, Appearance, Case, Person, level(user.id))
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .join(Person, Person.id == Appearance.person_id)
        .options(joinedload(Person.names))
        .where(
            Hearing.id.in_(mine),
            Hearing.audience >= rung,
            or_(Case.id == case.id, others),
        )
        .order_by(Appearance.id)
    )
    found: dict[int, HearingInCase] = {}
    for hearing, appearance, of, person, seen_from in session.execute(chosen).unique():
        listed = found.setdefault(hearing.id, HearingInCase(hearing, []))
        inner = of.id != case.id and (seen_from if seen_as is None else seen_as) <= Audience.DESK
        name = person.name if inner else names.get(person.id, initials(person.name))
        listed.appearing.append((appearance, of, name))
    ahead = sorted(
        (h for h in found.values() if h.hearing.state == OPEN_STATE),
        key=lambda h: (h.hearing.starts_at is None, h.hearing.starts_at or h.hearing.created_at),
    )
    past = sorted(
        (h for h in found.values() if h.hearing.state != OPEN_STATE),
        key=lambda h: h.hearing.starts_at or h.hearing.created_at,
        reverse=True,
    )
    return ahead + past


def _writers(session: Session, user: User, timeline: Sequence[EntrySeen]) -> dict[int, str]:
    wanted = {seen.entry.recorded_by for seen in timeline if seen.entry.recorded_by}
    called = select(User.id, name_to(user).label("name")).where(User.id.in_(wanted))
    return {row.id: row.name for row in session.execute(called)}
