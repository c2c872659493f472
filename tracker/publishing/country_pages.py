"""Reading what the page of a desk is made of that everybody reads: its entries, public cases, good news, hearings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import String, and_, case, cast, func, select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, Membership, User
from tracker.actions.models import UrgentAction
from tracker.audit.kinds import concerned, rungs
from tracker.base.dates import today_in
from tracker.base.errors import NotFound
from tracker.base.labels import label
from tracker.cases.models import Case, CaseFace
from tracker.hearings.models import Appearance, Hearing
from tracker.publishing.models import CountryPage, Publication, PublicationCase, PublicCase
from tracker.publishing.queries import RUNG, hidden_by_case, is_open, public_title, show_action, show_hearing
from tracker.publishing.rules import GOOD_NEWS, is_good_still, paragraphs, tells
from tracker.publishing.shown import GoodNews, HearingShown, Item, Listing, ended, on_day
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntryPerson, EntryState

#: Entries on the first page of a desk; older ones stand on the pages of their years.
LATEST = 60

#: Good news in one list.
MOST_GOOD_NEWS = 200

#: Entries among which what a desk published as good news is looked for.
MOST_LISTED = 2000


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
            .where(Case.desk_id == desk.id, is_open())
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
    hidden = hidden_by_case(session, open_cases)
    actions: dict[int, list[UrgentAction]] = {}
    for action in session.scalars(
        select(UrgentAction)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(
            Case.desk_id == desk.id, is_open(), UrgentAction.audience >= RUNG, UrgentAction.activated_at.is_not(None)
        )
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
        state = next((on_day(actions[case_id][-1], today) for case_id in cases if case_id in actions), "active")
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
    stands = ended(published.kind, state)
    first, face = (cases[0][0], cases[0][1]) if cases else (None, None)
    return Item(
        published.kind,
        published.published_on,
        public_title(first) if keeps_quiet and first else published.title,
        face.status if keeps_quiet and face else None,
        () if keeps_quiet or stands else paragraphs(published.text),
        stands,
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


def _item_of_case(of: Case, face: CaseFace | None, listed: PublicCase | None, zone: str) -> Item:
    on = (face.last_entry_on if face else None) or today_in(zone, of.created_at)
    changed_at = listed.changed_at if listed else of.created_at
    status = face.status if face else None
    return Item("case", on, public_title(of), status, (), "", of.public_id, of.public_id, changed_at)


def _item_of_action(action: UrgentAction, of: Case, hidden: frozenset[str], today: date) -> Item:
    shown = show_action(action, public_title(of), hidden)
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
            is_open(),
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
        .where(Case.desk_id == desk.id, is_open(), Hearing.audience >= RUNG, Hearing.earliest_on.is_not(None))
        .distinct()
        .order_by(Hearing.starts_at, Hearing.id, Case.id)
    ).all()
    hidden = hidden_by_case(session, {of.id for _hearing_row, of in rows})
    return [(show_hearing(hearing, hidden.get(of.id, frozenset())), of) for hearing, of in rows]


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
