"""Reading what is open to everybody. Nobody is asked who they are here: `_OPEN` says which cases the open web knows,
and of them only what the rung `public` may see is read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, false, func, or_, select
from sqlalchemy.orm import Session, joinedload

from tracker.accounts.models import Desk
from tracker.actions.models import UrgentAction
from tracker.actions.queries import called, can_be_taken, list_of_case
from tracker.base.audience import Audience
from tracker.base.dates import today_in
from tracker.base.errors import NotFound
from tracker.cases.models import Case, Involvement
from tracker.hearings.models import Appearance, Hearing
from tracker.people.models import Person
from tracker.people.rules import outward_name
from tracker.publishing.models import CountryPage, Publication, PublicationCase, PublicCase
from tracker.publishing.rules import (
    may_tell,
    paragraphs,
    payload_shown,
    tells,
    words_of_names,
)
from tracker.publishing.shown import (
    ActionListed,
    ActionShown,
    CaseShown,
    EntryShown,
    HearingShown,
    PersonShown,
    Told,
    ended,
    on_day,
    words_of_end,
)
from tracker.steps.queries import total_told
from tracker.steps.rules import public_count
from tracker.timeline.kinds import kind_of
from tracker.timeline.queries import read_timeline
from tracker.timeline.rules import stand

#: The rung of the open web.
RUNG = Audience.PUBLIC

#: Which cases the open web knows of.
_OPEN = and_(Case.audience == RUNG, Case.publicity_stopped_at.is_(None), Case.stage != "draft")


def is_open() -> ColumnElement[bool]:
    """SQL beside `cases`: whether the open web knows of the case."""
    return _OPEN


# A case ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A case of the open web, before anything in it is read."""

    case_id: int
    public_id: str
    created_at: datetime
    desk_name: str
    desk_code: str
    #: Where the day is the desk's.
    zone: str
    #: Empty: it was not worked out yet.
    revision: str
    #: Whether search engines may list it.
    indexed: bool
    opened_at: datetime
    changed_at: datetime
    #: Whether its desk has a page of its own.
    page_is_open: bool

    def mark(self) -> tuple[object, ...]:
        """What decides beside the revision how its page looks."""
        return (self.desk_name, self.desk_code, self.page_is_open)

    def today(self, now: datetime) -> date:
        """The day it is at the desk."""
        return today_in(self.zone, now)


@cache
def _finding() -> Any:
    """The one statement that every answer about a case asks, put together once: its parts take longer than it does."""
    return (
        select(
            Case.id,
            Case.public_id,
            Case.created_at,
            Desk.name,
            Desk.code,
            Desk.zone,
            func.coalesce(PublicCase.revision, ""),
            func.coalesce(PublicCase.indexed, false()),
            PublicCase.opened_at,
            PublicCase.changed_at,
            func.coalesce(CountryPage.is_open, false()),
        )
        .join(Desk, Desk.id == Case.desk_id)
        .outerjoin(PublicCase, PublicCase.case_id == Case.id)
        .outerjoin(CountryPage, CountryPage.desk_id == Case.desk_id)
        .where(Case.public_id == bindparam("public_id"), _OPEN)
    )


def get_public_case(session: Session, public_id: str) -> Found:
    """The case of this address. NotFound alike when there is none and when it is not open to everybody, for whatever
    reason. One statement."""
    row = session.execute(_finding(), {"public_id": public_id}).first()
    if row is None:
        raise NotFound("There is no such case that is open to everybody.")
    number, called_so, created_at, name, code, zone, revision, indexed, opened_at, changed_at, page_is_open = row
    return Found(
        number,
        called_so,
        created_at,
        name,
        code,
        zone,
        revision,
        bool(indexed),
        opened_at or created_at,
        changed_at or created_at,
        bool(page_is_open),
    )


def read_found(session: Session, found: Found, now: datetime) -> CaseShown:
    """All that everybody may see of it. Six statements."""
    of, desk = session.execute(
        select(Case, Desk).join(Desk, Desk.id == Case.desk_id).where(Case.id == found.case_id, _OPEN)
    ).one()
    return read_public_case(session, of, desk, found.today(now))


def public_title(of: Case) -> str:
    """What everybody may call a case: titles tend to name people, so it is the nickname where not all may be named."""
    return of.title if of.title_up_to >= RUNG else of.nickname


def read_public_case(session: Session, of: Case, desk: Desk, today: date = date.min) -> CaseShown:
    """All that everybody may see of a case that is open to them, on a day at the desk; its revision is that of no day,
    and asks for none. Five statements, however long the timeline."""
    involved = _involved(session, [of.id])
    hidden = _hidden_names(involved)
    names = {p.id: outward_name(p.name, p.pseudonym, i.name_up_to >= RUNG) for i, p in involved}
    health, place = (
        {p.id: getattr(i, column) >= RUNG for i, p in involved} for column in ("medical_up_to", "location_up_to")
    )
    timeline = read_timeline(session, of.id, RUNG)
    standing = stand(
        [seen.told for seen in timeline],
        {seen.entry.id: seen.meaning for seen in timeline},
        list(names),
        RUNG,
    )
    shown = []
    for seen in timeline:
        entry, meaning = seen.entry, seen.meaning
        concerned_ids = seen.told.persons or frozenset(names)
        may_place = all(place.get(p, False) for p in concerned_ids)
        may_health = all(health.get(p, False) for p in concerned_ids)
        if (
            not kind_of(entry.kind).news
            or entry.kind.startswith("hearing.")
            or meaning.superseded_by is not None
            or meaning.withdrawn_by is not None
            or not may_tell(entry.kind, may_health, may_place)
        ):
            continue
        text = "" if seen.told_in_quote or tells(entry.text, hidden) else entry.text
        shown.append(
            EntryShown(
                entry.public_id,
                entry.kind,
                tuple(sorted(payload_shown(entry.kind, entry.payload, may_place, hidden).items())),
                entry.happened_on or entry.latest_on,
                entry.precision,
                entry.local_time,
                entry.zone or "",
                text,
                entry.confidence == "reported" and not meaning.accepted,
                tuple(names[p] for p in sorted(seen.told.persons) if p in names) if len(names) > 1 else (),
                entry.recorded_at,
            )
        )
    actions = [action for action in list_of_case(session, of, RUNG) if action.activated_at is not None]
    people = tuple(
        PersonShown(
            names[person.id],
            standing[person.id].status,
            standing[person.id].status_since[0],
            standing[person.id].status_since[1],
            standing[person.id].proceedings,
            tuple(standing[person.id].conditions),
            tuple(str(c.get("custody") or c.get("proceedings")) for c in standing[person.id].reported),
        )
        for _involvement, person in involved
    )
    return CaseShown(
        public_id=of.public_id,
        title=public_title(of),
        country=of.country,
        stage=of.stage,
        closed_reason=of.closed_reason,
        status=next((p.status for p in people if p.status), None),
        people=people,
        timeline=tuple(shown[::-1]),
        hearings=_hearings(session, of, hidden),
        told=_told(
            session,
            of,
            hidden,
            on_day(max(actions, key=lambda a: (a.issued_on, a.id)), today) if actions else "active",
        ),
        actions=tuple(show_action(action, public_title(of), hidden) for action in actions),
        desk=desk.name,
        desk_code=desk.code,
    )


def _involved(session: Session, cases: Collection[int]) -> list[tuple[Involvement, Person]]:
    rows = session.execute(
        select(Involvement, Person)
        .join(Person, Person.id == Involvement.person_id)
        .options(joinedload(Person.names))
        .where(Involvement.case_id.in_(cases))
        .order_by(Involvement.case_id, Involvement.position, Involvement.id)
    ).unique()
    return [(involvement, person) for involvement, person in rows]


def _hidden_names(involved: Sequence[tuple[Involvement, Person]]) -> frozenset[str]:
    """The words of all names that everybody may not read."""
    return words_of_names(
        name.text for i, p in involved if p.pseudonym or i.name_up_to < RUNG for name in p.real_names
    ) - words_of_names(outward_name(p.name, p.pseudonym, i.name_up_to >= RUNG) for i, p in involved)


def hidden_by_case(session: Session, cases: Collection[int]) -> Mapping[int, frozenset[str]]:
    """The words of all names that everybody may not read, for each of these cases. One statement."""
    involved: dict[int, list[tuple[Involvement, Person]]] = {}
    for involvement, person in _involved(session, cases):
        involved.setdefault(involvement.case_id, []).append((involvement, person))
    return {case_id: _hidden_names(rows) for case_id, rows in involved.items()}


def _hearings(session: Session, of: Case, hidden: frozenset[str]) -> tuple[HearingShown, ...]:
    """The hearings of a case that everybody may know of, by when they are, those without a date last."""
    mine = select(Appearance.hearing_id).where(Appearance.case_id == of.id)
    found = session.scalars(
        select(Hearing)
        .where(Hearing.id.in_(mine), Hearing.audience >= RUNG)
        .order_by(Hearing.starts_at.is_(None), Hearing.starts_at, Hearing.id)
    )
    return tuple(show_hearing(hearing, hidden) for hearing in found)


def show_hearing(hearing: Hearing, hidden: frozenset[str]) -> HearingShown:
    """A hearing without a court or a place that would tell a name."""
    return HearingShown(
        **{name: getattr(hearing, name) for name in HearingShown.__dataclass_fields__}
        | {name: "" for name in ("court", "place") if tells(getattr(hearing, name), hidden)}
    )


def read_public_hearings(session: Session, of: Case) -> Mapping[str, HearingShown]:
    """What everybody may know of the hearings of a case that is open to them, by their addresses. Two statements."""
    hidden = _hidden_names(_involved(session, [of.id]))
    return {hearing.public_id: hearing for hearing in _hearings(session, of, hidden)}


def _told(session: Session, of: Case, hidden: frozenset[str], state: str) -> tuple[Told, ...]:
    """What the desk published about this case and no other; `state`: of its latest action."""
    others = select(PublicationCase.publication_id).where(PublicationCase.case_id != of.id)
    found = session.scalars(
        select(Publication)
        .join(PublicationCase, PublicationCase.publication_id == Publication.id)
        .where(
            PublicationCase.case_id == of.id,
            Publication.desk_id == of.desk_id,
            Publication.withdrawn_at.is_(None),
            Publication.id.not_in(others),
        )
        .order_by(Publication.published_on.desc(), Publication.position, Publication.id)
    )
    return tuple(
        Told(
            p.public_id,
            p.kind,
            p.published_on,
            p.title,
            () if ended(p.kind, state) else paragraphs(p.text),
            ended(p.kind, state),
        )
        for p in found
        if not tells(f"{p.title} {p.text}", hidden)
    )


def show_action(action: UrgentAction, title: str, hidden: frozenset[str]) -> ActionShown:
    """An action without what would tell a name: what its case is called outside stands for its title then."""
    said = {name: getattr(action, name) for name in ("summary", "cautions", "public_words")}
    shown = {name: "" if tells(words, hidden) else words for name, words in said.items()}
    return ActionShown(
        action.public_id,
        called(action) if action.ua_sequence is not None else "",
        title if tells(action.title, hidden) else action.title,
        shown["summary"],
        shown["cautions"],
        action.issued_on,
        action.act_until,
        action.state,
        action.state_reason,
        shown["public_words"],
    )


@dataclass(frozen=True, slots=True)
class ActionFound:
    """An action somebody asks for by its address."""

    action: UrgentAction
    #: Its case, where everybody may know of both; None: only that it was withdrawn.
    case: Case | None
    #: The revision of the case.
    revision: str
    zone: str
    #: How many wrote, by what they say; None: too few to be said.
    count: int | None

    def mark(self) -> tuple[object, ...]:
        """What decides how its page looks."""
        of = self.action
        says = (of.version, of.state, of.state_reason, of.public_words, self.count)
        return (of.public_id, says, self.case is not None, self.revision)

    def today(self, now: datetime) -> date:
        """The day it is at the desk."""
        return today_in(self.zone, now)


def get_public_action(session: Session, public_id: str) -> ActionFound:
    """The action of this address, while everybody may know of it; and, of one that once was open to everybody and may
    not be taken any more, that it is withdrawn and nothing else. NotFound otherwise. One statement."""
    row = session.execute(
        select(
            UrgentAction,
            Case,
            Desk.zone,
            PublicCase.revision,
            is_open().label("open"),
            total_told(UrgentAction.id).label("total"),
        )
        .join(Case, Case.id == UrgentAction.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .outerjoin(PublicCase, PublicCase.case_id == Case.id)
        .where(
            UrgentAction.public_id == public_id,
            UrgentAction.activated_at.is_not(None),
            or_(and_(_OPEN, UrgentAction.audience >= RUNG), UrgentAction.shown_to >= RUNG),
        )
    ).first()
    if row is None:
        raise NotFound("There is no such action that is open to everybody.")
    action, of, zone, revision, knows, total = row
    known = of if knows and action.audience >= RUNG else None
    return ActionFound(action, known, revision or "", zone, public_count(int(total)))


def withdrawn_words(session: Session, action: UrgentAction) -> str:
    """What everybody is told of an action whose case is closed to them: no name of anybody in it."""
    hidden = words_of_names(n.text for _i, p in _involved(session, [action.case_id]) for n in p.names)
    said = "" if tells(action.public_words, hidden) else action.public_words
    return said or words_of_end(action.state, action.state_reason)


def read_public_action(session: Session, action: UrgentAction, of: Case) -> ActionShown:
    """An action of a case that is open to everybody, without what would tell a name. One statement."""
    return show_action(action, public_title(of), _hidden_names(_involved(session, [of.id])))


def list_public_actions(session: Session, now: datetime, desk: Desk | None = None) -> list[ActionListed]:
    """Actions that everybody may know of and that can be taken, of a desk or of all, the nearest last day first. Two
    statements."""
    chosen = (
        select(UrgentAction, Case)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(_OPEN, UrgentAction.audience >= RUNG, can_be_taken(now))
        .order_by(UrgentAction.act_until, UrgentAction.id)
    )
    if desk is not None:
        chosen = chosen.where(Case.desk_id == desk.id)
    rows = session.execute(chosen).all()
    hidden = hidden_by_case(session, {of.id for _action_row, of in rows})
    return [
        ActionListed(
            show_action(action, public_title(of), hidden.get(of.id, frozenset())), of.public_id, action.state_since
        )
        for action, of in rows
    ]


def list_indexed(session: Session) -> list[tuple[str, datetime]]:
    """The public ids of the cases that search engines may list, with when each last changed. One statement."""
    rows = session.execute(
        select(Case.public_id, PublicCase.changed_at)
        .join(PublicCase, PublicCase.case_id == Case.id)
        .where(_OPEN, PublicCase.indexed)
        .order_by(Case.id)
    )
    return [(public_id, changed_at) for public_id, changed_at in rows]


def numbers_of_hearings(session: Session, public_ids: Sequence[str]) -> dict[str, int]:
    """The row numbers of hearings that everybody may know of, by their public ids."""
    rows = session.execute(
        select(Hearing.public_id, Hearing.id).where(Hearing.public_id.in_(public_ids), Hearing.audience >= RUNG)
    )
    return {row.public_id: row.id for row in rows}
