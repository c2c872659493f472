"""From a document to proposals, and from proposals to cases.

Reading changes nothing but the list of proposals. Each is decided once: accepted (as read, or edited), or rejected; and
what was decided is not proposed again, whichever edition of the page says it.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, User
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.dates import StatedDate, parse_date, parse_time, today_in
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.work import current_work
from tracker.cases.models import Case, Involvement
from tracker.cases.rules import risk_for
from tracker.cases.service import involve, open_case
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.rules import When, in_window, on_day
from tracker.hearings.service import Appears, Confirmation, move_hearing, schedule_hearing
from tracker.intake.models import Document, Proposal
from tracker.intake.reading import fingerprint
from tracker.intake.reading.model import EntryRead, HearingRead, Reading
from tracker.intake.rules import (
    KIND_OF_HEARING,
    KIND_OF_STATUS,
    Suggested,
    entry_of_event,
    status_reached,
    words_of_case,
)
from tracker.people.models import PersonName
from tracker.people.service import NameGiven, add_person
from tracker.search.rules import name_key
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry
from tracker.timeline.service import Source, record_entry

#: First stale dates of one import are spread over so many working days, so that they do not all come due at once.
SPREAD = 10


@dataclass(slots=True)
class Proposed:
    """What a reading led to."""

    document: Document
    fresh: list[Proposal] = field(default_factory=list)
    known: int = 0
    general: int = 0


def keep_document(
    session: Session, desk: Desk, text: str, name: str, published_on: dt.date | None
) -> Document:
    """Keep the text that was given; the same text again is the same document."""
    work = current_work(session)
    digest = hashlib.sha256(text.encode()).hexdigest()
    held = session.scalar(select(Document).where(Document.desk_id == desk.id, Document.sha256 == digest))
    if held is not None:
        return held
    document = Document(
        public_id=new_public_id(),
        desk_id=desk.id,
        sha256=digest,
        name=(name.strip() or "Pasted text")[:200],
        text=text,
        published_on=published_on,
        received_at=work.now,
        received_by=work.actor.user_id,
    )
    session.add(document)
    session.flush()
    return document


def propose(session: Session, desk: Desk, document: Document, reading: Reading) -> Proposed:
    """Write down what the reading proposes and this desk has not been asked before."""
    outcome = Proposed(document)
    asked = set(session.scalars(select(Proposal.fingerprint).where(Proposal.desk_id == desk.id)))
    known_on = reading.updated or document.published_on or today_in(desk.zone, current_work(session).now)
    position = 0
    for entry in reading.entries:
        if not entry.individual_case:
            outcome.general += 1
            continue
        group = fingerprint.of_entry(entry)
        case = _case_about(session, desk, entry)
        for suggested in _suggest(session, entry, case, entry.published or known_on):
            if suggested.fingerprint in asked:
                outcome.known += 1
                continue
            asked.add(suggested.fingerprint)
            position += 1
            proposal = Proposal(
                public_id=new_public_id(),
                desk_id=desk.id,
                document_id=document.id,
                fingerprint=suggested.fingerprint,
                group_key=group,
                kind=suggested.kind,
                position=position,
                payload=suggested.payload,
                quote=suggested.quote,
                quote_start=suggested.start,
                quote_end=suggested.end,
                case_id=case.id if case else None,
            )
            session.add(proposal)
            outcome.fresh.append(proposal)
    session.flush()
    return outcome


def _suggest(session: Session, entry: EntryRead, case: Case | None, known_on: dt.date) -> list[Suggested]:
    suggested = []
    if case is None:
        heading = entry.title
        suggested.append(
            Suggested("case", fingerprint.of_entry(entry), words_of_case(entry), heading, entry.start, entry.start + len(heading))
        )
    held_entries, held_hearings = _held(session, case)
    moves = []
    for event in entry.events:
        payload = entry_of_event(event, entry, known_on)
        kind = kind_of(payload["kind"])
        moves.append(((payload["date"], payload["precision"] == "by"), (kind.custody, kind.proceedings)))
        # What the case holds already on that very day needs no second telling.
        if payload["precision"] == "day" and (payload["kind"], payload["date"]) in held_entries:
            continue
        suggested.append(Suggested("event", fingerprint.of_event(event, entry), payload, event.quote, event.start, event.end))
    reached = status_reached([move for _on, move in sorted(moves, key=lambda m: m[0])])
    status_kind, status = KIND_OF_STATUS.get(entry.status or "", (None, None))
    if status_kind and reached != status and entry.status_from is not None:
        said = entry.status_from
        suggested.append(
            Suggested(
                "event",
                fingerprint.of_status(entry),
                {
                    "kind": status_kind,
                    "date": known_on.isoformat(),
                    "precision": "by",
                    "payload": {},
                    "text": " ".join(said.quote.split()),
                    "persons": [],
                    "inferred": None,
                },
                said.quote,
                said.start,
                said.end,
            )
        )
    for hearing in entry.hearings:
        payload = _hearing_payload(hearing)
        if payload["date"] and payload["date"] in held_hearings.values():
            continue
        ahead = [number for number, on in held_hearings.items() if on]
        if hearing.tense == "upcoming" and hearing.date and len(ahead) == 1:
            payload["moves"] = ahead[0]
        suggested.append(
            Suggested("hearing", fingerprint.of_hearing(hearing, entry), payload, hearing.quote, hearing.start, hearing.end)
        )
    return suggested


def _hearing_payload(hearing: HearingRead) -> dict[str, Any]:
    return {
        "kind": KIND_OF_HEARING.get(hearing.kind, hearing.kind),
        "date": hearing.date.isoformat() if hearing.date else None,
        "precision": hearing.precision,
        "time": f"{hearing.time:%H:%M}" if hearing.time else None,
        "court": hearing.court or "",
        "tense": hearing.tense,
        "inferred": hearing.inferred,
        "persons": list(hearing.persons),
        "moves": None,
    }


def _case_about(session: Session, desk: Desk, entry: EntryRead) -> Case | None:
    """The desk's case that holds all the people of this entry by name key: exactly one, or none is taken for it."""
    keys = {name_key(p.name) for p in entry.persons} - {""}
    if not keys:
        return None
    named: dict[int, set[str]] = {}
    for case_id, key in session.execute(
        select(Case.id, PersonName.name_key)
        .join(Involvement, Involvement.case_id == Case.id)
        .join(PersonName, PersonName.person_id == Involvement.person_id)
        .where(Case.desk_id == desk.id, Case.stage != "closed", PersonName.name_key.in_(keys))
    ):
        named.setdefault(case_id, set()).add(key)
    about = [case_id for case_id, found in named.items() if found == keys]
    return session.get(Case, about[0]) if len(about) == 1 else None


def _held(session: Session, case: Case | None) -> tuple[set[tuple[str, str]], dict[int, str | None]]:
    """What a case holds: dated entries as (kind, date); scheduled hearings as number → date."""
    if case is None:
        return set(), {}
    entries = {
        (kind, on.isoformat())
        for kind, on in session.execute(
            select(Entry.kind, Entry.happened_on).where(Entry.case_id == case.id, Entry.precision == "day")
        )
        if on
    }
    hearings = {
        number: on.isoformat() if on else None
        for number, on in session.execute(
            select(Hearing.id, Hearing.local_date)
            .join(Appearance, Appearance.hearing_id == Hearing.id)
            .where(Appearance.case_id == case.id, Hearing.state == "scheduled")
        )
    }
    return entries, hearings


def open_groups(session: Session, document: Document) -> dict[str, list[Proposal]]:
    """The document's undecided proposals, by group, in the order of the page."""
    groups: dict[str, list[Proposal]] = {}
    for proposal in session.scalars(
        select(Proposal)
        .where(Proposal.document_id == document.id, Proposal.state == "open")
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
) -> Case:
    """Take these proposals of one group: the case is made when it is not there yet, then its entries and hearings.

    `unread`: taken by command without a look at each. `place`: position in the import, for spreading first stale dates.
    `edits`: changed payloads by proposal id. Refused when one was decided already.
    """
    for proposal in proposals:
        if proposal.state != "open":
            raise VersionConflict("This proposal was decided in the meantime.", {"state": proposal.state})
    payloads = {p.id: {**p.payload, **(edits or {}).get(p.id, {})} for p in proposals}
    case = _case_for(session, desk, proposals, payloads, owner, place)
    document = session.get(Document, proposals[0].document_id)
    assert document is not None
    people = _people_of(session, case)
    state = "accepted_unread" if unread else "accepted"
    for proposal in proposals:
        payload = payloads[proposal.id]
        if proposal.kind == "event":
            proposal.entry_id = _write_event(session, case, desk, document, proposal, payload, people, import_id).id
        elif proposal.kind == "hearing":
            _write_hearing(session, case, desk, document, proposal, payload, people, import_id)
        _decide(session, proposal, state, case)
    return case


def reject(session: Session, proposals: Sequence[Proposal]) -> None:
    """Turn proposals down: they do not come back. Turning a case down leaves out all of its group."""
    for proposal in proposals:
        if proposal.state != "open":
            raise VersionConflict("This proposal was decided in the meantime.", {"state": proposal.state})
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
    payloads: Mapping[int, Mapping[str, Any]],
    owner: User | None,
    place: int,
) -> Case:
    first = proposals[0]
    sibling = session.scalar(
        select(Proposal.case_id).where(
            Proposal.desk_id == desk.id, Proposal.group_key == first.group_key, Proposal.case_id.is_not(None)
        )
    )
    case_id = first.case_id or sibling
    if case_id is not None:
        case = session.get(Case, case_id)
        if case is None or case.desk_id != desk.id:
            raise NotFound("The case these proposals belong to is gone.")
        return case
    proposed = next((p for p in proposals if p.kind == "case"), None) or session.scalar(
        select(Proposal).where(
            Proposal.desk_id == desk.id, Proposal.group_key == first.group_key, Proposal.kind == "case", Proposal.state == "open"
        )
    )
    if proposed is None:
        raise Refused("The case these belong to was turned down: nothing can be taken into it.")
    words = payloads.get(proposed.id, proposed.payload)
    status = KIND_OF_STATUS.get(words["status"] or "", (None, None))[1]
    case = open_case(
        session,
        desk,
        title=str(words["title"]),
        risk=str(words.get("risk") or risk_for([status])),
        owner=owner,
        country=_one_country(words.get("country"), desk),
        origin="import",
        stale_grace_working_days=place % SPREAD,
    )
    for person in words["persons"]:
        names = [NameGiven(person["name"])] + [NameGiven(v, "known_as") for v in person.get("variants", ())]
        involve(session, case, add_person(session, names).id)
    if proposed not in proposals:
        _decide(session, proposed, "accepted", case)
    return case


def _one_country(read: str | None, desk: Desk) -> str | None:
    """The country of a page, where it names just one; several leave it to a human."""
    codes = [c for c in (read or "").split("/") if len(c) == 2]
    if len(codes) == 1:
        return codes[0]
    return desk.countries[0] if not codes and len(desk.countries) == 1 else None


def _people_of(session: Session, case: Case) -> dict[str, int]:
    """The people of a case, by each key of their names."""
    return {
        key: person_id
        for person_id, key in session.execute(
            select(Involvement.person_id, PersonName.name_key)
            .join(PersonName, PersonName.person_id == Involvement.person_id)
            .where(Involvement.case_id == case.id)
            .order_by(Involvement.position.desc())
        )
    }


def _whom(people: Mapping[str, int], names: Sequence[str]) -> list[int]:
    """Those named, or, when the sentence names nobody of the case, nobody in particular."""
    return list(dict.fromkeys(people[key] for key in map(name_key, names) if key in people))


def _source(document: Document, proposal: Proposal) -> Source:
    return Source(
        kind="ngo",
        address=document.name,
        published_on=document.published_on,
        quote=proposal.quote,
        quote_start=proposal.quote_start,
        quote_end=proposal.quote_end,
        document_id=document.id,
    )


def _write_event(
    session: Session,
    case: Case,
    desk: Desk,
    document: Document,
    proposal: Proposal,
    payload: Mapping[str, Any],
    people: Mapping[str, int],
    import_id: str | None,
) -> Entry:
    return record_entry(
        session,
        case_id=case.id,
        kind=payload["kind"],
        date_stated=StatedDate(parse_date(payload["date"]), payload["precision"]),
        audience=min(Audience.DESK, case.audience),
        payload=dict(payload.get("payload") or {}),
        persons=_whom(people, payload.get("persons") or ()),
        text=payload["text"],
        sources=[_source(document, proposal)],
        origin="import",
        import_id=import_id,
    )


def _write_hearing(
    session: Session,
    case: Case,
    desk: Desk,
    document: Document,
    proposal: Proposal,
    payload: Mapping[str, Any],
    people: Mapping[str, int],
    import_id: str | None,
) -> None:
    when = _when(payload, payload.get("zone") or desk.zone)
    confirmation = Confirmation(told_by=document.name)
    moved = session.get(Hearing, payload["moves"]) if payload.get("moves") else None
    if moved is not None and moved.state == "scheduled":
        move_hearing(
            session,
            moved,
            when,
            version=moved.version,
            court=payload["court"] or None,
            confirmation=confirmation,
            unlikely_is_meant=True,
        )
        return
    everyone = list(dict.fromkeys(people.values()))
    hearing = schedule_hearing(
        session,
        when,
        kind=payload["kind"],
        court=payload["court"],
        appearing=[Appears(case.id, person) for person in _whom(people, payload.get("persons") or ()) or everyone],
        confirmation=confirmation,
        audience=min(Audience.DESK, case.audience),
        state="took_place" if payload["tense"] == "past" else "scheduled",
        unlikely_is_meant=True,
        sources=[_source(document, proposal)],
        origin="import",
        import_id=import_id,
    )
    published = document.published_on
    if published is not None:
        # As fresh as the page, not as our reading of it.
        hearing.confirmed_at = min(hearing.created_at, dt.datetime.combine(published, dt.time(12), tzinfo=dt.UTC))


def _when(payload: Mapping[str, Any], zone: str) -> When:
    if not payload["date"]:
        return in_window(zone, "not_set")
    text = payload["date"]
    if len(text) == 7:
        return in_window(zone, "month", parse_date(f"{text}-01"))
    day = parse_date(text)
    if payload["precision"] in ("week", "month"):
        return in_window(zone, payload["precision"], day)
    return on_day(zone, day, parse_time(payload["time"]) if payload.get("time") else None, 0 if payload.get("time") else None)
