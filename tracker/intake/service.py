"""From a document to proposals, and from proposals to cases.

Reading changes nothing but the list of proposals. Each is decided once: accepted (as read, or edited), or rejected; and
what was decided is not proposed again, whichever edition of the page says it.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, not_, or_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, User
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.dates import StatedDate, parse_date, parse_time, today_in
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.work import current_work
from tracker.cases.models import Case, CaseFace, Involvement
from tracker.cases.queries import level
from tracker.cases.service import involve, open_case
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.rules import When, in_window, on_day, when_of
from tracker.hearings.service import (
    Appears,
    Confirmation,
    correct_hearing,
    move_hearing,
    schedule_hearing,
)
from tracker.intake.models import Document, Proposal
from tracker.intake.reading import fingerprint
from tracker.intake.reading.model import EntryRead, Reading
from tracker.intake.reading.names import fold
from tracker.intake.reading.page import heading_of
from tracker.intake.rules import (
    KIND_OF_STATUS,
    HeldEntry,
    HeldHearing,
    Suggested,
    cut,
    entry_of_event,
    hearing_of,
    moved_hearing,
    same_name,
    status_reached,
    tells_known,
    words_of_case,
)
from tracker.people.models import PersonName
from tracker.people.service import NameGiven, add_person
from tracker.search.rules import name_key
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntryState
from tracker.timeline.service import Source, record_entry

#: First stale dates of one import are spread over so many working days, so that they do not all come due at once.
SPREAD = 10

#: Rows asked for at once: both engines take that many values in a statement.
CHUNK = 500


@dataclass(slots=True)
class Proposed:
    """What a reading led to: the proposals it made, and how many it passed over (`known`), because the desk was asked
    about them before or holds them already."""

    document: Document
    fresh: list[Proposal] = field(default_factory=list)
    known: int = 0
    general: int = 0


@dataclass(slots=True)
class Accepted:
    """What accepting led to: the case, how many proposals went into it, and those left open with the reason."""

    case: Case
    count: int = 0
    left_open: list[tuple[Proposal, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Held:
    """A case of the desk that a page may speak of, and what it holds already."""

    case: Case
    #: Names by person.
    people: dict[int, list[str]] = field(default_factory=dict)
    #: Where they stand, as far as whoever reads may know.
    statuses: set[str | None] = field(default_factory=set)
    #: Kind and day of entries that state a day.
    entries: set[tuple[str, dt.date]] = field(default_factory=set)
    #: What counts, dated or not.
    standing: list[HeldEntry] = field(default_factory=list)
    hearings: list[HeldHearing] = field(default_factory=list)


def published_on(reading: Reading, given: dt.date | None = None) -> dt.date | None:
    """The day a page was published: as somebody said, else as it says itself, else the day of its newest entry."""
    return given or reading.updated or max((e.published for e in reading.entries if e.published), default=None)


def keep_document(session: Session, desk: Desk, text: str, name: str, published: dt.date | None) -> Document:
    """Keep the text that was given; the same text again is the same document."""
    work = current_work(session)
    _one_reader(session, desk)
    digest = hashlib.sha256(text.encode()).hexdigest()
    same = select(Document).where(Document.desk_id == desk.id, Document.sha256 == digest)
    held = session.scalar(same.execution_options(populate_existing=True))
    if held is not None:
        held.published_on = held.published_on or published
        return held
    document = Document(
        public_id=new_public_id(),
        desk_id=desk.id,
        sha256=digest,
        name=cut("".join(c for c in name if c.isprintable()), 200) or "Pasted text",
        text=text,
        published_on=published,
        received_at=work.now,
        received_by=work.actor.user_id,
    )
    session.add(document)
    session.flush()
    return document


def _one_reader(session: Session, desk: Desk) -> None:
    """Let two readings of one desk wait for each other: neither may propose what the other is proposing."""
    session.execute(select(Desk.id).where(Desk.id == desk.id).with_for_update())


def propose(session: Session, desk: Desk, document: Document, reading: Reading) -> Proposed:
    """Write down what the reading proposes and this desk has not been asked before.

    An entry about people whose case the desk keeps goes into that case, one about people of another entry that still
    waits goes with that entry. People are taken for the same only where every name has its like (`same_name`).
    """
    _one_reader(session, desk)
    outcome = Proposed(document)
    known_on = reading.updated or document.published_on or today_in(desk.zone, current_work(session).now)
    entries = [e for e in reading.entries if e.individual_case]
    outcome.general = len(reading.entries) - len(entries)
    waiting = _waiting_groups(session, desk)
    actor = current_work(session).actor.user_id
    belongs = _groups_of(session, desk, [fingerprint.of_entry(e) for e in entries], actor)
    went_into = [case_id for _state, case_id, _group in belongs.values() if case_id is not None]
    held, by_id = _held_cases(session, desk, [p.name for e in entries for p in e.persons], went_into, actor)
    planned: list[tuple[str, Case | None, list[Suggested]]] = []
    for entry in entries:
        names = [p.name for p in entry.persons]
        own = fingerprint.of_entry(entry)
        # Where the desk put this very entry before, or else the case of the same people.
        about = by_id.get(belongs[own][1] or 0) if own in belongs else None
        about = about or _case_about(names, held)
        group = belongs[own][2] if own in belongs else own
        if own not in belongs and about is None:
            group = waiting.find(names) or own
            if group == own:
                waiting.add(own, [[p.name, *p.variants] for p in entry.persons])
        first = group == own and about is None
        suggested, passed = _suggest(entry, about, entry.published or known_on, make_case=first)
        # The case this very entry proposed is there.
        outcome.known += passed + (own in belongs and not first)
        planned.append((group, about.case if about else None, suggested))
    wanted = [s.fingerprint for _g, _c, all_of in planned for s in all_of]
    asked = _asked(session, desk, wanted, actor)
    _set_apart(session, desk, [*wanted, *(g for g, _c, _all_of in planned)], actor)
    turned_down = {group for state, _case, group in belongs.values() if state == "rejected"}
    position = 0
    for group, case, suggested in planned:
        fresh = [s for s in suggested if s.fingerprint not in asked]
        # Nothing of it is new but the case itself: it was asked about under another entry.
        told = [s for s in suggested if s.kind != "case"]
        if group in turned_down or (told and all(s.kind == "case" for s in fresh)):
            fresh = []
        outcome.known += len(suggested) - len(fresh)
        for one in fresh:
            if one.fingerprint in asked:
                outcome.known += 1
                continue
            asked.add(one.fingerprint)
            position += 1
            proposal = Proposal(
                public_id=new_public_id(),
                desk_id=desk.id,
                document_id=document.id,
                fingerprint=one.fingerprint,
                group_key=group,
                kind=one.kind,
                position=position,
                payload=one.payload,
                quote=one.quote,
                quote_start=one.start,
                quote_end=one.end,
                case_id=case.id if case else None,
            )
            session.add(proposal)
            outcome.fresh.append(proposal)
    session.flush()
    return outcome


def _suggest(entry: EntryRead, held: _Held | None, said_on: dt.date, *, make_case: bool) -> tuple[list[Suggested], int]:
    """What an entry proposes, and how much of it the case holds already."""
    suggested, passed = [], 0
    if make_case:
        title, start = entry.title, entry.start
        suggested.append(
            Suggested("case", fingerprint.of_entry(entry), words_of_case(entry), title, start, start + len(title))
        )
    moves = []
    for event in entry.events:
        payload = entry_of_event(event, entry, said_on)
        kind = kind_of(payload["kind"])
        moves.append(((payload["date"], payload["precision"] == "by"), (kind.custody, kind.proceedings)))
        # What the case holds already on that very day needs no second telling; of several people it may be another's.
        alone = held if held is not None and len(held.people) == 1 else None
        if alone is not None and (
            (event.precision == "day" and (payload["kind"], event.date) in alone.entries)
            or (payload["precision"] == "by" and tells_known(payload["kind"], said_on, alone.standing))
        ):
            passed += 1
            continue
        own = fingerprint.of_event(event, entry)
        suggested.append(Suggested("event", own, payload, event.quote, event.start, event.end))
    reached = status_reached([move for _on, move in sorted(moves, key=lambda m: m[0])])
    status_kind, status = KIND_OF_STATUS.get(entry.status or "", (None, None))
    stands_so = held is not None and held.statuses == {status}
    says_status = status_kind and reached != status and entry.status_from is not None
    passed += bool(says_status and stands_so)
    if says_status and entry.status_from is not None and not stands_so:
        said = entry.status_from
        payload = {
            "kind": status_kind,
            "date": said_on.isoformat(),
            "precision": "by",
            "payload": {},
            "text": " ".join(said.quote.split()),
            "persons": [],
            "inferred": None,
        }
        suggested.append(Suggested("event", fingerprint.of_status(entry), payload, said.quote, said.start, said.end))
    ahead = list(_hearings(entry, held, said_on))
    return suggested + ahead, passed + len(entry.hearings) - len(ahead)


def _hearings(entry: EntryRead, held: _Held | None, said_on: dt.date) -> Iterator[Suggested]:
    known = list(held.hearings) if held else []
    named = [h.date for h in entry.hearings if h.date]
    for hearing in entry.hearings:
        if hearing.date and any(h.on == hearing.date and h.state != "cancelled" for h in known):
            continue
        payload = hearing_of(hearing)
        payload["moves"] = moved_hearing(hearing, known, said_on, named)
        # One hearing moves to one date: a second date on the page is a second hearing.
        known = [h for h in known if h.id != payload["moves"]]
        own = fingerprint.of_hearing(hearing, entry)
        yield Suggested("hearing", own, payload, hearing.quote, hearing.start, hearing.end)


#: Between a fingerprint and the number that sets it apart; no fingerprint has it.
_APART = "~"


def _rung(user_id: int | None) -> Any:
    """SQL beside `cases`: from which rung this account looks; a command looks as the desk."""
    return Audience.DESK if user_id is None else level(user_id)


def _in_sight(user_id: int | None) -> ColumnElement[bool]:
    """SQL: cases this account may see from the desk's rung; None is a command, which acts for the whole desk."""
    return Case.audience >= Audience.DESK if user_id is None else level(user_id) <= Audience.DESK


def _within_sight(user_id: int | None, audience: Any) -> ColumnElement[bool]:
    """SQL beside `cases`: what a case holds, open to `audience`, and may be known of: it shows by no silence either."""
    return audience >= _rung(user_id)


def _asked_of(desk: Desk, user_id: int | None) -> Select[Any]:
    """Proposals of the desk that may answer for others: those in no case, or in one this account may see. Anything else
    would tell by its silence that there is a case."""
    return (
        select(Proposal)
        .outerjoin(Case, Case.id == Proposal.case_id)
        .where(Proposal.desk_id == desk.id, or_(Proposal.case_id.is_(None), _in_sight(user_id)))
    )


def _plain(stored: str) -> str:
    return stored.partition(_APART)[0]


def _asked(session: Session, desk: Desk, fingerprints: Sequence[str], user_id: int | None) -> set[str]:
    """Those of these fingerprints that the desk was asked about, as far as this account may see."""
    return {
        _plain(found)
        for part in _chunks(fingerprints)
        for found in session.scalars(
            _asked_of(desk, user_id)
            .with_only_columns(Proposal.fingerprint)
            .where(func.substr(Proposal.fingerprint, 1, fingerprint.LENGTH).in_(part))
        )
    }


def _groups_of(
    session: Session, desk: Desk, entries: Sequence[str], user_id: int | None
) -> dict[str, tuple[str, int | None, str]]:
    """For entries the desk was asked about, as far as this account may see: what became of the case each proposed,
    which it became, and its group."""
    return {
        _plain(key): (state, case_id, group)
        for part in _chunks(entries)
        for key, state, case_id, group in session.execute(
            _asked_of(desk, user_id)
            .with_only_columns(Proposal.fingerprint, Proposal.state, Proposal.case_id, Proposal.group_key)
            .where(func.substr(Proposal.fingerprint, 1, fingerprint.LENGTH).in_(part), Proposal.kind == "case")
            .order_by(Proposal.id)
        )
    }


def _set_apart(session: Session, desk: Desk, keys: Sequence[str], user_id: int | None) -> None:
    """Give proposals in cases this account may not see keys of their own, where it is about to use theirs: what it
    proposes is neither refused as asked before nor taken into that case."""
    for part in _chunks(sorted(set(keys))):
        for hidden in session.scalars(
            select(Proposal)
            .join(Case, Case.id == Proposal.case_id)
            .where(
                Proposal.desk_id == desk.id,
                or_(Proposal.fingerprint.in_(part), Proposal.group_key.in_(part)),
                not_(_in_sight(user_id)),
            )
        ):
            hidden.fingerprint = f"{_plain(hidden.fingerprint)}{_APART}{hidden.id}"
            hidden.group_key = f"{_plain(hidden.group_key)}{_APART}{hidden.case_id}"
    # Before the rows that take over their keys are written.
    session.flush()


class _Waiting:
    """The people of cases that are proposed and not decided, to be found by their names."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[tuple[str, Sequence[Sequence[str]]]]] = {}

    def add(self, group: str, people: Sequence[Sequence[str]]) -> None:
        """Remember the people of a group: for each all spellings."""
        for key in {name_key(spelling) for spellings in people for spelling in spellings}:
            self._by_key.setdefault(key, []).append((group, people))

    def find(self, names: Sequence[str]) -> str | None:
        """The first group about exactly these people, or None."""
        likely = self._by_key.get(name_key(names[0]), ()) if names else ()
        return next((group for group, people in likely if _same_people(names, people)), None)


def _waiting_groups(session: Session, desk: Desk) -> _Waiting:
    waiting = _Waiting()
    for group, payload in session.execute(
        select(Proposal.group_key, Proposal.payload)
        .where(Proposal.desk_id == desk.id, Proposal.state == "open", Proposal.kind == "case")
        .order_by(Proposal.id)
    ):
        waiting.add(group, [[p["name"], *p.get("variants", ())] for p in payload["persons"]])
    return waiting


def _same_people(names: Sequence[str], people: Sequence[Sequence[str]]) -> bool:
    """Whether these are exactly those people: each name is like a spelling of one of them, and nobody is left over."""
    if not names or len(names) != len(people):
        return False
    alike = [{i for i, spellings in enumerate(people) if any(same_name(name, s) for s in spellings)} for name in names]
    return all(alike) and set().union(*alike) == set(range(len(people)))


def _case_about(names: Sequence[str], held: Mapping[str, Sequence[_Held]]) -> _Held | None:
    """The one open case whose people include all of these by name, or None: several, and a human chooses."""
    likely = {h.case.id: h for name in names for h in held.get(name_key(name), ())}
    about = [
        h
        for h in likely.values()
        if h.case.stage != "closed"
        and all(any(same_name(name, spelling) for known in h.people.values() for spelling in known) for name in names)
    ]
    return about[0] if len(about) == 1 else None


def _held_cases(
    session: Session, desk: Desk, names: Iterable[str], also: Sequence[int], user_id: int | None
) -> tuple[dict[str, list[_Held]], dict[int, _Held]]:
    """The desk's cases with people of like names, and those in `also`, with what they hold, by name key and by number:
    few statements for a page. Only those this account may see: no other may show by what is left out."""
    keys = sorted({name_key(name) for name in names} - {""})
    cases: dict[int, _Held] = {}
    looked_for = [Case.id.in_(part) for part in _chunks(sorted(set(also)))] + [
        Case.id.in_(
            select(Involvement.case_id)
            .join(PersonName, PersonName.person_id == Involvement.person_id)
            .where(PersonName.name_key.in_(part))
        )
        for part in _chunks(keys)
    ]
    for condition in looked_for:
        for case in session.scalars(select(Case).where(Case.desk_id == desk.id, condition, _in_sight(user_id))):
            cases.setdefault(case.id, _Held(case))
    by_key: dict[str, list[_Held]] = {}
    for part in _chunks(sorted(cases)):
        # Where people stand as this account's rung sees it: what moved them in confidence shows by no silence.
        faces = select(CaseFace.case_id, CaseFace.statuses).join(Case, Case.id == CaseFace.case_id)
        for case_id, statuses in session.execute(
            faces.where(CaseFace.case_id.in_(part), CaseFace.audience == _rung(user_id))
        ):
            cases[case_id].statuses.update(standing["status"] for standing in statuses)
        for case_id, person_id, text, key in session.execute(
            select(Involvement.case_id, Involvement.person_id, PersonName.text, PersonName.name_key)
            .join(PersonName, PersonName.person_id == Involvement.person_id)
            .where(Involvement.case_id.in_(part))
            .order_by(Involvement.position, PersonName.position)
        ):
            cases[case_id].people.setdefault(person_id, []).append(text)
            if cases[case_id] not in by_key.setdefault(key, []):
                by_key[key].append(cases[case_id])
        dated = (
            select(Entry.case_id, Entry.kind, Entry.happened_on)
            .join(EntryState, EntryState.entry_id == Entry.id)
            .join(Case, Case.id == Entry.case_id)
            .where(Entry.precision == "day", _within_sight(user_id, EntryState.audience))
        )
        for case_id, kind, on in session.execute(dated.where(Entry.case_id.in_(part))):
            if on:
                cases[case_id].entries.add((kind, on))
        counting = (
            select(EntryState.case_id, Entry.kind, EntryState.latest_on)
            .join(Entry, Entry.id == EntryState.entry_id)
            .join(Case, Case.id == EntryState.case_id)
            .where(EntryState.case_id.in_(part), EntryState.counts, _within_sight(user_id, EntryState.audience))
        )
        for case_id, kind, latest_on in session.execute(counting):
            means = kind_of(kind)
            cases[case_id].standing.append(HeldEntry(kind, latest_on, means.custody, means.proceedings))
        for case_id, hearing in session.execute(
            select(Appearance.case_id, Hearing)
            .join(Hearing, Hearing.id == Appearance.hearing_id)
            .join(Case, Case.id == Appearance.case_id)
            .where(Appearance.case_id.in_(part), _within_sight(user_id, Hearing.audience))
            .distinct()
            .order_by(Hearing.id)
        ):
            confirmed = today_in(hearing.zone, hearing.confirmed_at) if hearing.confirmed_at else None
            cases[case_id].hearings.append(
                HeldHearing(hearing.id, hearing.kind, hearing.local_date, hearing.state, confirmed)
            )
    return by_key, cases


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def open_groups(session: Session, document: Document, user_id: int | None = None) -> dict[str, list[Proposal]]:
    """The document's undecided proposals, by group, in the order of the page: those in no case, or in one that this
    account may see (None: a command, which acts for the whole desk)."""
    groups: dict[str, list[Proposal]] = {}
    for proposal in session.scalars(
        select(Proposal)
        .outerjoin(Case, Case.id == Proposal.case_id)
        .where(
            Proposal.document_id == document.id,
            Proposal.state == "open",
            or_(Proposal.case_id.is_(None), _in_sight(user_id)),
        )
        .order_by(Proposal.position, Proposal.id)
    ):
        groups.setdefault(proposal.group_key, []).append(proposal)
    return groups


def accept(
    session: Session,
    desk: Desk,
    proposals: Sequence[Proposal],
    *,
    owner: User | None,
    unread: bool = False,
    place: int = 0,
    import_id: str | None = None,
    edits: Mapping[int, Mapping[str, Any]] | None = None,
    into: Case | None = None,
    unlikely_is_meant: bool = True,
) -> Accepted:
    """Take these proposals of one group: the case is made when it is not there yet, then its entries and hearings.

    `unread`: taken by command without a look at each; what cannot be written stays open. `place`: position in the
    import, for spreading first stale dates. `edits`: changed payloads by proposal id. `into`: a case of the desk to use
    instead of making one. VersionConflict when one was decided already; Refused when one cannot be written.
    """
    _lock(session, proposals)
    for proposal in proposals:
        changed = {**proposal.payload, **(edits or {}).get(proposal.id, {})}
        if changed != proposal.payload:
            proposal.payload = {**changed, "edited": True}
    case = _case_for(session, desk, proposals, owner, place, unread=unread, into=into)
    _all_belong(session, proposals[0], case)
    document = session.get(Document, proposals[0].document_id)
    assert document is not None
    makes_case = session.scalar(
        select(Proposal.id).where(
            Proposal.desk_id == desk.id, Proposal.group_key == proposals[0].group_key, Proposal.kind == "case"
        )
    )
    writing = _Writing(
        session,
        case,
        desk,
        document,
        _people_of(session, case),
        import_id,
        # News that a person has read into a case they keep is a look at it; the making of the case is not.
        "import" if unread or makes_case is not None else "human",
        unlikely_is_meant,
    )
    outcome = Accepted(case)
    for proposal in proposals:
        try:
            with session.begin_nested():
                writing.write(proposal)
        except Refused as refusal:
            if not unread:
                raise
            outcome.left_open.append((proposal, refusal.message))
            continue
        _decide(session, proposal, "accepted_unread" if unread else "accepted", case)
        outcome.count += 1
    return outcome


def reject(session: Session, proposals: Sequence[Proposal]) -> None:
    """Turn proposals down: they do not come back. Turning a case down leaves out all of its group."""
    _lock(session, proposals)
    for proposal in proposals:
        _decide(session, proposal, "rejected", None)
        if proposal.kind == "case":
            for other in session.scalars(
                select(Proposal).where(
                    Proposal.desk_id == proposal.desk_id,
                    Proposal.group_key == proposal.group_key,
                    Proposal.state == "open",
                    Proposal.id.not_in([p.id for p in proposals]),
                )
            ):
                _decide(session, other, "left_out", None)


def _lock(session: Session, proposals: Sequence[Proposal]) -> None:
    """Let those who decide about one group wait for each other, and look again. VersionConflict when one of these was
    decided already."""
    if not proposals:
        raise NotFound("There is nothing left to decide here.")
    groups = {(p.desk_id, p.group_key) for p in proposals}
    if len(groups) != 1:
        raise ValueError("proposals of one group are decided together")
    desk_id, group = groups.pop()
    session.scalars(
        select(Proposal)
        .where(Proposal.desk_id == desk_id, Proposal.group_key == group)
        .order_by(Proposal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for proposal in proposals:
        if proposal.state != "open":
            raise VersionConflict(_("This proposal was decided in the meantime."), {"state": proposal.state})


def _all_belong(session: Session, one: Proposal, case: Case) -> None:
    """Let the whole group follow its case, decided or not: who may not see the case sees none of it."""
    for sibling in session.scalars(
        select(Proposal).where(
            Proposal.desk_id == one.desk_id, Proposal.group_key == one.group_key, Proposal.case_id.is_(None)
        )
    ):
        sibling.case_id = case.id


def _decide(session: Session, proposal: Proposal, state: str, case: Case | None) -> None:
    work = current_work(session)
    proposal.state = state
    proposal.decided_at, proposal.decided_by = work.now, work.actor.user_id
    proposal.case_id = case.id if case else proposal.case_id
    proposal.version += 1


def _case_for(
    session: Session,
    desk: Desk,
    proposals: Sequence[Proposal],
    owner: User | None,
    place: int,
    *,
    unread: bool,
    into: Case | None,
) -> Case:
    first = proposals[0]
    group = select(Proposal).where(Proposal.desk_id == desk.id, Proposal.group_key == first.group_key)
    sibling = session.scalar(group.where(Proposal.case_id.is_not(None)).order_by(Proposal.id).limit(1))
    case_id = first.case_id or (sibling.case_id if sibling else None)
    if case_id is not None:
        case = session.get(Case, case_id)
        if case is None or case.desk_id != desk.id:
            raise NotFound("The case these proposals belong to is gone.")
        return case
    proposed = session.scalar(group.where(Proposal.kind == "case", Proposal.state == "open"))
    if proposed is None:
        raise Refused(_("The case these belong to was turned down: nothing can be taken into it."))
    if into is not None and into.desk_id != desk.id:
        raise NotFound("That case is kept by another desk.")
    case = into or _open(session, desk, proposed.payload, owner, place)
    _put_people_in(session, case, proposed.payload["persons"])
    if proposed not in proposals:
        _decide(session, proposed, "accepted_unread" if unread else "accepted", case)
    return case


def _open(session: Session, desk: Desk, words: Mapping[str, Any], owner: User | None, place: int) -> Case:
    """Make a case of the words a proposal has for it."""
    return open_case(
        session,
        desk,
        title=str(words["title"]),
        risk=str(words["risk"]),
        owner=owner,
        country=_one_country(words.get("country"), desk),
        origin="import",
        stale_grace_working_days=place % SPREAD,
    )


def _put_people_in(session: Session, case: Case, persons: Sequence[Mapping[str, Any]]) -> None:
    """Record those of these people who are not in the case by the key of a name."""
    held = _people_of(session, case)
    for person in persons:
        names = [NameGiven(person["name"])] + [NameGiven(v, "known_as") for v in person.get("variants", ())]
        if not any(_find(held, name.text) for name in names):
            involve(session, case, add_person(session, names).id)


def _one_country(read: str | None, desk: Desk) -> str | None:
    """The country of a page, where it names just one; several leave it to a human."""
    codes = [c for c in (read or "").split("/") if len(c) == 2]
    if len(codes) == 1:
        return codes[0]
    return desk.countries[0] if not codes and len(desk.countries) == 1 else None


def _people_of(session: Session, case: Case) -> dict[str, int]:
    """The people of a case, by each of their names as spelled and by its key; of two with one key, the first."""
    people: dict[str, int] = {}
    for person_id, text, key in session.execute(
        select(Involvement.person_id, PersonName.text, PersonName.name_key)
        .join(PersonName, PersonName.person_id == Involvement.person_id)
        .where(Involvement.case_id == case.id)
        .order_by(Involvement.position)
    ):
        people.setdefault(_spelled(text), person_id)
        people.setdefault(key, person_id)
    return people


def _spelled(name: str) -> str:
    return f"={fold(name)}"


def _find(people: Mapping[str, int], name: str) -> int | None:
    """The person of a case called so: by the very spelling before all."""
    return people.get(_spelled(name)) or people.get(name_key(name))


@dataclass(slots=True)
class _Writing:
    """Writes what proposals say into one case."""

    session: Session
    case: Case
    desk: Desk
    document: Document
    people: dict[str, int]
    import_id: str | None
    origin: str
    unlikely_is_meant: bool

    def write(self, proposal: Proposal) -> None:
        """Write one proposal. Refused when it cannot be; the sentence says which it is."""
        if proposal.kind == "event":
            proposal.entry_id = self._event(proposal).id
        elif proposal.kind == "hearing":
            self._hearing(proposal)

    def _whom(self, names: Sequence[str]) -> list[int]:
        """Those named; nobody in particular when the sentence names nobody. Refused when none of them is in the case:
        what happened to somebody else must not be told of everybody."""
        found = list(dict.fromkeys(person for name in names if (person := _find(self.people, name))))
        if names and not found:
            raise Refused(
                _("This is about %(name)s, who is not in the case. Edit whom it concerns.", name=names[0][:80]),
                "persons",
            )
        return found

    def _source(self, proposal: Proposal) -> Source:
        return Source(
            kind="ngo",
            address=self.document.name,
            published_on=self.document.published_on,
            quote=proposal.quote,
            quote_start=proposal.quote_start,
            quote_end=proposal.quote_end,
            document_id=proposal.document_id,
        )

    def _event(self, proposal: Proposal) -> Entry:
        payload = proposal.payload
        return record_entry(
            self.session,
            case_id=self.case.id,
            kind=payload["kind"],
            date_stated=StatedDate(parse_date(payload["date"]), payload["precision"]),
            audience=min(Audience.DESK, self.case.audience),
            payload=dict(payload.get("payload") or {}),
            persons=self._whom(payload.get("persons") or ()),
            text=payload["text"],
            sources=[self._source(proposal)],
            origin=self.origin,
            import_id=self.import_id,
        )

    def _hearing(self, proposal: Proposal) -> None:
        payload = proposal.payload
        if payload.get("no_such_day"):
            raise Refused(
                _("%(day)s: there is no such day. Edit the date before you accept it.", day=payload["no_such_day"]),
                "day",
            )
        when = _when(payload, payload.get("zone") or self.desk.zone)
        kept: dict[str, Any] = {
            "confirmation": Confirmation(told_by=_told_by(self.document)),
            "unlikely_is_meant": self.unlikely_is_meant,
            "sources": [self._source(proposal)],
            "origin": self.origin,
            "import_id": self.import_id,
        }
        changed = self._changed(payload.get("moves"))
        if changed is not None:
            if when_of(changed) != when:
                change = correct_hearing if payload.get("how") == "corrected" else move_hearing
                change(self.session, changed, when, version=changed.version, court=payload["court"] or None, **kept)
                self._as_fresh_as_the_page(changed)
            return
        appearing = self._whom(payload.get("persons") or ()) or list(dict.fromkeys(self.people.values()))
        hearing = schedule_hearing(
            self.session,
            when,
            kind=payload["kind"],
            court=payload["court"],
            appearing=[Appears(self.case.id, person) for person in appearing],
            audience=min(Audience.DESK, self.case.audience),
            state="took_place" if payload["tense"] == "past" else "scheduled",
            **kept,
        )
        self._as_fresh_as_the_page(hearing)

    def _changed(self, hearing_id: int | None) -> Hearing | None:
        """The hearing a proposal moves, where it still lies ahead and whoever accepts may see it; else the proposal is
        a hearing of its own: nobody changes what they cannot compare, and those who see both put them together."""
        if hearing_id is None:
            return None
        found = self.session.scalar(
            select(Hearing)
            .join(Appearance, Appearance.hearing_id == Hearing.id)
            .join(Case, Case.id == Appearance.case_id)
            .where(
                Hearing.id == hearing_id,
                Case.id == self.case.id,
                Hearing.state == "scheduled",
                _within_sight(current_work(self.session).actor.user_id, Hearing.audience),
            )
            .limit(1)
            .execution_options(populate_existing=True)
        )
        return found

    def _as_fresh_as_the_page(self, hearing: Hearing) -> None:
        """A date is as fresh as the page that says it, not as our reading of it."""
        published, now = self.document.published_on, current_work(self.session).now
        if published is not None:
            hearing.confirmed_at = min(now, dt.datetime.combine(published, dt.time(12), tzinfo=dt.UTC))


def _told_by(document: Document) -> str:
    """A page as somebody who told a date: what it calls itself, never the name of a file, and its day."""
    heading = cut(heading_of(document.text), 80)
    page, on = f"{heading} page" if heading else "a page that was read", document.published_on
    return f"{page}, {on.day} {on:%B %Y}" if on else page


def _when(payload: Mapping[str, Any], zone: str) -> When:
    if not payload["date"]:
        return in_window(zone, "not_set")
    day = parse_date(payload["date"])
    if payload["precision"] in ("week", "month"):
        return in_window(zone, payload["precision"], day)
    at, fold = payload.get("time"), payload.get("fold")
    # A page does not say which of two equal hours it means: the first, unless somebody chose.
    return on_day(zone, day, parse_time(at) if at else None, (fold or 0) if at else None)
