"""Reading what is open to everybody. Nobody is asked who they are here: `_OPEN` says which cases the open web knows,
and of them only what the rung `public` may see is read."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, case, cast, false, func, or_, select
from sqlalchemy.orm import Session, joinedload

from tracker.accounts.models import Desk, Membership, User
from tracker.actions.models import UrgentAction
from tracker.actions.queries import called, can_be_taken, list_of_case
from tracker.audit.kinds import concerned, rungs
from tracker.base.audience import Audience
from tracker.base.dates import today_in
from tracker.base.errors import NotFound
from tracker.base.labels import label
from tracker.cases.models import Case, CaseFace, Involvement
from tracker.hearings.models import Appearance, Hearing
from tracker.people.models import Person
from tracker.people.rules import outward_name
from tracker.publishing.models import CountryPage, Publication, PublicationCase, PublicCase
from tracker.publishing.rules import (
    GOOD_NEWS,
    is_good_still,
    may_tell,
    paragraphs,
    payload_shown,
    tells,
    words_of_names,
)
from tracker.steps.queries import total_told
from tracker.steps.rules import public_count
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntryPerson, EntryState
from tracker.timeline.queries import read_timeline
from tracker.timeline.rules import stand

#: The rung of the open web.
RUNG = Audience.PUBLIC

#: Entries on the first page of a desk; older ones stand on the pages of their years.
LATEST = 60

#: Good news in one list.
MOST_GOOD_NEWS = 200

#: Entries among which what a desk published as good news is looked for.
MOST_LISTED = 2000

#: Which cases the open web knows of.
_OPEN = and_(Case.audience == RUNG, Case.publicity_stopped_at.is_(None), Case.stage != "draft")


def is_open() -> ColumnElement[bool]:
    """SQL beside `cases`: whether the open web knows of the case."""
    return _OPEN


# A case ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonShown:
    """Somebody in a case as everybody may know them, and where they stand."""

    name: str
    status: str | None
    since: date | None
    precision: str
    proceedings: str | None
    conditions: tuple[str, ...]
    #: Status codes of what is reported and not confirmed.
    reported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryShown:
    """An entry of the timeline as everybody may read it."""

    public_id: str
    kind: str
    payload: tuple[tuple[str, Any], ...]
    on: date
    precision: str
    at: time | None
    zone: str
    text: str
    is_reported: bool
    #: Whom of several it concerns; empty: everybody in the case.
    names: tuple[str, ...]
    recorded_at: datetime

    @property
    def sentence(self) -> str:
        """What happened, in one line, in the language spoken now."""
        return kind_of(self.kind).sentence(dict(self.payload))

    @property
    def confidence(self) -> str:
        """How sure it is, by its code."""
        return "reported" if self.is_reported else "confirmed"


@dataclass(frozen=True, slots=True)
class HearingShown:
    """A hearing as everybody may know it."""

    public_id: str
    kind: str
    court: str
    place: str
    local_date: date | None
    local_time: time | None
    fold: int | None
    zone: str
    precision: str
    earliest_on: date | None
    latest_on: date | None
    certainty: str
    state: str
    schedule_rev: int
    created_at: datetime

    def is_ahead(self, today: date) -> bool:
        """Whether it is still to come, by the calendar of the desk."""
        return self.state == "scheduled" and (self.latest_on is None or self.latest_on >= today)


@dataclass(frozen=True, slots=True)
class Told:
    """What a desk published about a case."""

    public_id: str
    kind: str
    on: date
    title: str
    paragraphs: tuple[str, ...]
    #: How the action stands for which it asks people to write; empty: it asks for nothing, or they may.
    state: str


def _on_day(action: "ActionShown | UrgentAction", today: date) -> str:
    return "expired" if action.state == "active" and action.act_until < today else action.state


@dataclass(frozen=True, slots=True)
class ActionShown:
    """An urgent action as everybody may know it."""

    public_id: str
    #: `UA 52/24`; empty: it has no number.
    number: str
    title: str
    summary: str
    cautions: str
    issued_on: date
    act_until: date
    state: str
    reason: str
    #: What staff chose to say of a hold, a stop or the end; empty: the words of the reason.
    words: str

    def stands(self, today: date) -> str:
        """Its state on a day at the desk: once its last day is over it has expired, written down or not."""
        return _on_day(self, today)

    def said(self, today: date) -> str:
        """What everybody is told of one that may not be taken, in the language spoken now."""
        stands = self.stands(today)
        return self.words or _withdrawn_words(stands, self.reason)


def _withdrawn_words(state: str, reason: str) -> str:
    key = "death" if reason in ("death", "death_reported") else "stopped" if state == "active" else state
    return label(key, "action_public_words")


@dataclass(frozen=True, slots=True)
class CaseShown:
    """All that the open web is shown of a case, in codes and values: no language yet, and no instant of reading."""

    public_id: str
    title: str
    country: str | None
    stage: str
    closed_reason: str | None
    status: str | None
    people: tuple[PersonShown, ...]
    #: Newest first.
    timeline: tuple[EntryShown, ...]
    hearings: tuple[HearingShown, ...]
    #: Newest first.
    told: tuple[Told, ...]
    #: What can be taken first, then the latest.
    actions: tuple[ActionShown, ...]
    desk: str
    desk_code: str

    @property
    def revision(self) -> str:
        """Names all of it: 32 letters that change when anything of it does."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]

    def ahead(self, today: date) -> list[HearingShown]:
        """Hearings to come, the next one first, those without a date last."""
        return [h for h in self.hearings if h.is_ahead(today)]

    def past(self, today: date) -> list[HearingShown]:
        """The others, the last one first."""
        return [h for h in self.hearings if not h.is_ahead(today)][::-1]


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
            _on_day(max(actions, key=lambda a: (a.issued_on, a.id)), today) if actions else "active",
        ),
        actions=tuple(_action(action, public_title(of), hidden) for action in actions),
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


def _hidden_by_case(session: Session, cases: Collection[int]) -> Mapping[int, frozenset[str]]:
    """The same for each of these cases. One statement."""
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
    return tuple(_hearing(hearing, hidden) for hearing in found)


def _hearing(hearing: Hearing, hidden: frozenset[str]) -> HearingShown:
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
            () if _ended(p.kind, state) else paragraphs(p.text),
            _ended(p.kind, state),
        )
        for p in found
        if not tells(f"{p.title} {p.text}", hidden)
    )


def _action(action: UrgentAction, title: str, hidden: frozenset[str]) -> ActionShown:
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
    return said or _withdrawn_words(action.state, action.state_reason)


def read_public_action(session: Session, action: UrgentAction, of: Case) -> ActionShown:
    """An action of a case that is open to everybody, without what would tell a name. One statement."""
    return _action(action, public_title(of), _hidden_names(_involved(session, [of.id])))


@dataclass(frozen=True, slots=True)
class ActionListed:
    """An action that can be taken, in a list."""

    shown: ActionShown
    case: str
    changed_at: datetime


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
    hidden = _hidden_by_case(session, {of.id for _action_row, of in rows})
    return [
        ActionListed(
            _action(action, public_title(of), hidden.get(of.id, frozenset())), of.public_id, action.state_since
        )
        for action, of in rows
    ]


# A desk ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeskFound:
    """A desk with a page of its own, before anything on it is read."""

    desk: Desk
    page: CountryPage
    #: Those who coordinate it, by what strangers may call them; empty where the page names nobody.
    coordinators: tuple[str, ...]

    def mark(self) -> tuple[object, ...]:
        """What decides how its pages look."""
        page = self.page
        return (self.desk.name, self.desk.countries, page.revision, page.version, self.coordinators)

    def today(self, now: datetime) -> date:
        """The day it is there."""
        return today_in(self.desk.zone, now)

    @property
    def updated_on(self) -> date:
        """The day on which what it shows last changed."""
        return today_in(self.desk.zone, self.page.changed_at)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a country page."""

    kind: str
    on: date
    #: None: its name is not to be told, and `status` says what there is to say.
    title: str
    status: str | None
    paragraphs: tuple[str, ...]
    #: How the urgent action about it stands; empty: there is none, or it can be taken.
    state: str
    #: The case it is about, where that has a page.
    case: str
    #: What it is called for good.
    key: str
    changed_at: datetime
    #: Whether good news still is some for anybody it is about.
    is_good: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """What a country page lists, newest first, and the years of which there is something."""

    items: tuple[Item, ...]
    years: tuple[int, ...]
    #: Whether there is more than is listed.
    has_more: bool = False


def get_country_page(session: Session, code: str) -> DeskFound:
    """The page of a desk. NotFound alike when there is no such desk and when it has no open page. One statement."""
    called = func.coalesce(User.alias, User.name)
    named = (
        select(func.aggregate_strings(called, "\n"))
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .where(Membership.desk_id == Desk.id, Membership.coordinator, User.active, User.invited.is_(False))
        .correlate(Desk)
        .scalar_subquery()
    )
    row = session.execute(
        select(Desk, CountryPage, case((CountryPage.names_coordinators, named)))
        .join(CountryPage, CountryPage.desk_id == Desk.id)
        .where(Desk.code == code, CountryPage.is_open)
    ).first()
    if row is None:
        raise NotFound("There is no such page.")
    return DeskFound(row[0], row[1], tuple(sorted((row[2] or "").split("\n"))) if row[2] else ())


def list_country_pages(session: Session) -> list[tuple[Desk, CountryPage]]:
    """Every desk with an open page, by name. One statement."""
    rows = session.execute(
        select(Desk, CountryPage)
        .join(CountryPage, CountryPage.desk_id == Desk.id)
        .where(CountryPage.is_open)
        .order_by(Desk.name, Desk.id)
    )
    return [(desk, page) for desk, page in rows]


def list_items(session: Session, desk: Desk, today: date, year: int | None = None, most: int = LATEST) -> Listing:
    """What a country page lists on a day at the desk: what the desk published, and every public case it has not
    published anything about. An entry about cases is listed while all of them are open to everybody. Five statements,
    however many entries."""
    open_cases = {
        of.id: (of, face, listed)
        for of, face, listed in session.execute(
            select(Case, CaseFace, PublicCase)
            .outerjoin(CaseFace, and_(CaseFace.case_id == Case.id, CaseFace.audience == RUNG))
            .outerjoin(PublicCase, PublicCase.case_id == Case.id)
            .where(Case.desk_id == desk.id, _OPEN)
        )
    }
    about: dict[int, list[int]] = {}
    of_desk = select(Publication.id).where(Publication.desk_id == desk.id, Publication.withdrawn_at.is_(None))
    for publication_id, case_id in session.execute(
        select(PublicationCase.publication_id, PublicationCase.case_id)
        .where(PublicationCase.publication_id.in_(of_desk))
        .order_by(PublicationCase.case_id)
    ):
        about.setdefault(publication_id, []).append(case_id)
    hidden = _hidden_by_case(session, open_cases)
    actions: dict[int, list[UrgentAction]] = {}
    for action in session.scalars(
        select(UrgentAction)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(Case.desk_id == desk.id, _OPEN, UrgentAction.audience >= RUNG, UrgentAction.activated_at.is_not(None))
        .order_by(UrgentAction.issued_on, UrgentAction.id)
    ):
        actions.setdefault(action.case_id, []).append(action)
    items = []
    spoken_of: set[int] = set()
    said_on: set[tuple[int, date]] = set()
    for published in session.scalars(
        select(Publication)
        .where(Publication.desk_id == desk.id, Publication.withdrawn_at.is_(None))
        .order_by(Publication.published_on.desc(), Publication.position, Publication.id)
    ):
        cases = about.get(published.id, [])
        if not all(case_id in open_cases for case_id in cases):
            continue
        spoken_of.update(cases)
        said_on.update((case_id, published.published_on) for case_id in cases)
        state = next((_on_day(actions[case_id][-1], today) for case_id in cases if case_id in actions), "active")
        unsaid = frozenset(word for case_id in cases for word in hidden.get(case_id, ()))
        items.append(_item(published, [open_cases[case_id] for case_id in cases], unsaid, state))
    for case_id, issued in actions.items():
        spoken_of.add(case_id)
        items += [
            _item_of_action(action, open_cases[case_id][0], hidden.get(case_id, frozenset()), today)
            for action in issued
            if (case_id, action.issued_on) not in said_on
        ]
    for case_id, (of, face, listed) in open_cases.items():
        if case_id not in spoken_of:
            items.append(_item_of_case(of, face, listed, desk.zone))
    items.sort(key=lambda item: item.on, reverse=True)
    years = tuple(sorted({item.on.year for item in items}, reverse=True))
    if year is not None:
        return Listing(tuple(item for item in items if item.on.year == year), years)
    return Listing(tuple(items[:most]), years, len(items) > most)


def _item(
    published: Publication,
    cases: Sequence[tuple[Case, CaseFace | None, PublicCase | None]],
    hidden: frozenset[str],
    state: str,
) -> Item:
    """A published entry as everybody may read it: where it holds a name that is not to be shown, what the case is
    called outside stands for its heading, and its text is left out."""
    keeps_quiet = tells(f"{published.title} {published.text}", hidden)
    ended = _ended(published.kind, state)
    first, face = (cases[0][0], cases[0][1]) if cases else (None, None)
    return Item(
        published.kind,
        published.published_on,
        public_title(first) if keeps_quiet and first else published.title,
        face.status if keeps_quiet and face else None,
        () if keeps_quiet or ended else paragraphs(published.text),
        ended,
        first.public_id if first else "",
        published.public_id,
        published.recorded_at,
        _is_good_for_anybody([face for _of, face, _listed in cases]),
    )


def _is_good_for_anybody(faces: Sequence[CaseFace | None]) -> bool:
    """Whether good news about these cases still is some: an entry does not say about whom of a case it is, so it is
    while anybody in them stands well; about nobody of a case it stays."""
    standing = [told["status"] for face in faces if face for told in face.statuses]
    return not standing or any(is_good_still([status]) for status in standing)


def _ended(kind: str, state: str) -> str:
    """How the action stands for which an entry of a page asks people to write; empty: it asks for nothing, or they may
    write. What asks for letters is withdrawn with the letter."""
    return state if kind in ("urgent_action", "update") and state != "active" else ""


def _item_of_case(of: Case, face: CaseFace | None, listed: PublicCase | None, zone: str) -> Item:
    on = (face.last_entry_on if face else None) or today_in(zone, of.created_at)
    changed_at = listed.changed_at if listed else of.created_at
    status = face.status if face else None
    return Item("case", on, public_title(of), status, (), "", of.public_id, of.public_id, changed_at)


def _item_of_action(action: UrgentAction, of: Case, hidden: frozenset[str], today: date) -> Item:
    shown = _action(action, public_title(of), hidden)
    stands = shown.stands(today)
    return Item(
        "update" if action.update_number else "urgent_action",
        shown.issued_on,
        shown.title,
        None,
        paragraphs(shown.summary) if stands == "active" else (),
        "" if stands == "active" else stands,
        of.public_id,
        shown.public_id,
        action.state_since,
    )


@dataclass(frozen=True, slots=True)
class GoodNews:
    """A release, an acquittal, charges dropped; or what the desk published as good news."""

    #: What happened, in the language spoken now.
    said: str
    on: date
    precision: str
    title: str
    #: The case it is about; empty: it is about none.
    case: str
    key: str


def list_good_news(session: Session, desk: Desk, today: date) -> list[GoodNews]:
    """The good news of the desk's public cases, and what it published as such, that still is good news, newest first.
    Six statements."""
    found = [
        GoodNews(
            item.paragraphs[0] if item.paragraphs else label(item.status, "status") if item.status else "",
            item.on,
            "day",
            item.title,
            item.case,
            item.key,
        )
        for item in list_items(session, desk, today, most=MOST_LISTED).items
        if item.kind == "good_news" and item.is_good
    ]
    published = {(news.case, news.on) for news in found}
    persons = (
        select(func.aggregate_strings(cast(EntryPerson.person_id, String), ","))
        .where(EntryPerson.entry_id == Entry.id)
        .correlate(Entry)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Entry, Case, CaseFace.statuses, persons)
        .join(EntryState, EntryState.entry_id == Entry.id)
        .join(Case, Case.id == EntryState.case_id)
        .join(CaseFace, and_(CaseFace.case_id == Case.id, CaseFace.audience == RUNG))
        .where(
            Case.desk_id == desk.id,
            _OPEN,
            Entry.kind.in_(GOOD_NEWS),
            EntryState.audience >= RUNG,
            EntryState.counts,
        )
        .order_by(EntryState.latest_on.desc(), EntryState.entry_id.desc())
        .limit(MOST_GOOD_NEWS)
    )
    for entry, of, statuses, of_persons in rows:
        whom = set(map(int, of_persons.split(","))) if of_persons else None
        on = entry.happened_on or entry.latest_on
        if (of.public_id, on) in published:
            continue
        if is_good_still([s["status"] for s in statuses if whom is None or s["person"] in whom]):
            # Neither places nor anything else that was typed: the page of the case weighs what may be told.
            said = kind_of(entry.kind).sentence({})
            found.append(GoodNews(said, on, entry.precision, public_title(of), of.public_id, entry.public_id))
    return sorted(found, key=lambda news: news.on, reverse=True)[:MOST_GOOD_NEWS]


def list_public_hearings(session: Session, desk: Desk) -> list[tuple[HearingShown, Case]]:
    """Hearings with a date that everybody may know of, of the desk's public cases. Two statements."""
    rows = session.execute(
        select(Hearing, Case)
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .where(Case.desk_id == desk.id, _OPEN, Hearing.audience >= RUNG, Hearing.earliest_on.is_not(None))
        .distinct()
        .order_by(Hearing.starts_at, Hearing.id, Case.id)
    ).all()
    hidden = _hidden_by_case(session, {of.id for _hearing_row, of in rows})
    return [(_hearing(hearing, hidden.get(of.id, frozenset())), of) for hearing, of in rows]


def list_indexed(session: Session) -> list[tuple[str, datetime]]:
    """The public ids of the cases that search engines may list, with when each last changed. One statement."""
    rows = session.execute(
        select(Case.public_id, PublicCase.changed_at)
        .join(PublicCase, PublicCase.case_id == Case.id)
        .where(_OPEN, PublicCase.indexed)
        .order_by(Case.id)
    )
    return [(public_id, changed_at) for public_id, changed_at in rows]


# For those who keep it ------------------------------------------------------------------------------------------------


def find_page(session: Session, desk: Desk) -> CountryPage | None:
    """How a desk's page is set up; None: it never was."""
    return session.get(CountryPage, desk.id, populate_existing=True)


def list_published(session: Session, desk: Desk) -> Sequence[Publication]:
    """What the desk has put on its page and not taken off again, newest first."""
    return session.scalars(
        select(Publication)
        .where(Publication.desk_id == desk.id, Publication.withdrawn_at.is_(None))
        .order_by(Publication.published_on.desc(), Publication.position, Publication.id)
    ).all()


@concerned.adds("publications")
def cases_of_publications(session: Session, ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The cases that each of these entries is about."""
    found: dict[int, set[int]] = {}
    for publication_id, case_id in session.execute(
        select(PublicationCase.publication_id, PublicationCase.case_id).where(PublicationCase.publication_id.in_(ids))
    ):
        found.setdefault(publication_id, set()).add(case_id)
    return found


@rungs.adds("publications")
def rungs_of_publications(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """Who publishes does it for everybody; the case caps it."""
    rows = session.scalars(select(Publication.id).where(Publication.id.in_(ids)))
    return dict.fromkeys(rows, int(RUNG))


def numbers_of_hearings(session: Session, public_ids: Sequence[str]) -> dict[str, int]:
    """The row numbers of hearings that everybody may know of, by their public ids."""
    rows = session.execute(
        select(Hearing.public_id, Hearing.id).where(Hearing.public_id.in_(public_ids), Hearing.audience >= RUNG)
    )
    return {row.public_id: row.id for row in rows}
