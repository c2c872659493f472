"""Writing the timeline: entries are added, never changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.dates import StatedDate
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.words import say_number
from tracker.base.work import current_work, touch
from tracker.timeline import rules
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import CONFIDENCES, SOURCE_KINDS, Entry, EntryPerson, EntrySource, EntryState

#: Longest text of an entry, in characters.
LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an entry comes from, as given."""

    kind: str
    address: str = ""
    told_by: str = ""
    published_on: date | None = None
    quote: str = ""
    quote_start: int | None = None
    quote_end: int | None = None
    document_id: int | None = None


def record_entry(
    session: Session,
    *,
    case_id: int,
    kind: str,
    date_stated: StatedDate,
    audience: Audience,
    payload: dict[str, Any] | None = None,
    persons: Sequence[int] = (),
    text: str = "",
    confidence: str = "confirmed",
    sources: Iterable[Source] = (),
    local_time: time | None = None,
    zone: str | None = None,
    supersedes_id: int | None = None,
    about_id: int | None = None,
    origin: str = "human",
    import_id: str | None = None,
) -> Entry:
    """Add an entry. Refused when its kind, confidence, text or date cannot be; VersionConflict when the entry it puts
    right was put right by somebody else already: its `theirs` is empty, `latest_correction` has the other's words."""
    work = current_work(session)
    if confidence not in CONFIDENCES:
        raise Refused(_("“%(code)s” is no confidence: confirmed or reported.", code=confidence[:20]), "confidence")
    if len(text) > LONGEST_TEXT:
        raise Refused(_("The text is longer than %(most)s characters.", most=say_number(LONGEST_TEXT)), "text")
    kind_of(kind)
    # Somewhere on earth it is already tomorrow; what lies further ahead has not happened.
    earliest = date_stated.earliest_on or date_stated.on
    if earliest > work.now.date() + timedelta(days=1) and origin != "system":
        raise Refused(_("That day has not come yet. What lies ahead is a hearing, not an entry."), "date")
    if supersedes_id is not None:
        supersedes_id = _end_of_chain(session, supersedes_id)
    entry = Entry(
        public_id=new_public_id(),
        case_id=case_id,
        kind=kind,
        payload=payload or {},
        happened_on=None if date_stated.precision == "by" else date_stated.on,
        precision=date_stated.precision,
        latest_on=date_stated.latest_on,
        local_time=local_time,
        zone=zone,
        recorded_at=work.now,
        recorded_by=work.actor.user_id,
        text=text.strip(),
        confidence=confidence,
        audience=audience,
        supersedes_id=supersedes_id,
        about_id=about_id,
        origin=origin,
        import_id=import_id,
    )
    session.add(entry)
    try:
        session.flush()
    except IntegrityError as fault:
        if supersedes_id is None:
            raise
        # Two corrections at the same instant: the database lets one of them through.
        raise _put_right_already() from fault
    session.add_all(EntryPerson(entry_id=entry.id, person_id=p) for p in dict.fromkeys(persons))
    for source in sources:
        if source.kind not in SOURCE_KINDS:
            raise Refused(_("“%(code)s” is no kind of source.", code=source.kind[:20]), "source_kind")
        session.add(
            EntrySource(
                entry_id=entry.id,
                kind=source.kind,
                address=source.address.strip()[:500],
                told_by=source.told_by.strip()[:120],
                published_on=source.published_on,
                quote=source.quote,
                quote_start=source.quote_start,
                quote_end=source.quote_end,
                document_id=source.document_id,
            )
        )
    touch(case_id)
    return entry


def _end_of_chain(session: Session, entry_id: int) -> int:
    """Where a correction of this entry hangs: at the entry, or at the last of its corrections that were withdrawn."""
    while (later := session.scalar(select(Entry).where(Entry.supersedes_id == entry_id))) is not None:
        state = session.get(EntryState, later.id)
        if state is None or not state.withdrawn_by:
            raise _put_right_already()
        entry_id = later.id
    return entry_id


def _put_right_already() -> VersionConflict:
    return VersionConflict(_("Somebody has put this entry right in the meantime."), {})


def latest_correction(session: Session, entry: Entry) -> Entry:
    """The entry that stands in this one's place: the last correction that was not withdrawn, or the entry itself."""
    stands = entry
    while (later := session.scalar(select(Entry).where(Entry.supersedes_id == entry.id))) is not None:
        state = session.get(EntryState, later.id)
        if state is None or not state.withdrawn_by:
            stands = later
        entry = later
    return stands


def get_entry(session: Session, case_id: int, public_id: str) -> Entry:
    """An entry of this very case. NotFound otherwise: a child answers only under its parent."""
    found = session.scalar(select(Entry).where(Entry.public_id == public_id, Entry.case_id == case_id))
    if found is None:
        raise NotFound("There is no such entry in this case.")
    return found


def accept_entry(session: Session, entry: Entry, *, reason: str, audience: Audience, on: date) -> Entry:
    """Let a reported entry count from now on. Refused when it counts already, or no longer stands."""
    state = session.get(EntryState, entry.id)
    if state is None or state.counts:
        raise Refused(_("This entry already counts."))
    if state.superseded_by or state.withdrawn_by:
        raise Refused(_("This entry was put right or withdrawn; accept the one that stands instead."))
    return _speak_of(session, entry, rules.ACCEPTED, audience, on, reason)


def withdraw_entry(session: Session, entry: Entry, *, reason: str, audience: Audience, on: date) -> Entry:
    """Take an entry back: it stays readable and no longer counts. Refused without a reason, or twice."""
    if not reason.strip():
        raise Refused(_("Say why it is withdrawn."), "reason")
    state = session.get(EntryState, entry.id)
    if state is not None and state.withdrawn_by:
        raise Refused(_("This entry is withdrawn already."))
    if state is not None and state.superseded_by:
        raise Refused(_("This entry was put right; withdraw the one that stands in its place."))
    return _speak_of(session, entry, rules.WITHDRAWN, audience, on, reason)


def change_entry_audience(session: Session, entry: Entry, *, to: Audience, audience: Audience, on: date) -> Entry:
    """Open or close an entry to a rung of the ladder. It is never more open than its case."""
    return _speak_of(session, entry, rules.AUDIENCE_CHANGED, audience, on, "", {"to": int(to)})


def _speak_of(
    session: Session,
    entry: Entry,
    kind: str,
    audience: Audience,
    on: date,
    reason: str,
    payload: dict[str, Any] | None = None,
) -> Entry:
    return record_entry(
        session,
        case_id=entry.case_id,
        kind=kind,
        date_stated=StatedDate(on),
        audience=audience,
        text=reason,
        about_id=entry.id,
        payload=payload,
        persons=list(session.scalars(select(EntryPerson.person_id).where(EntryPerson.entry_id == entry.id))),
    )


def load_told(session: Session, cases: Sequence[int]) -> dict[int, list[rules.Told]]:
    """The entries of these cases as the fold wants them, by case: two statements, however many cases."""
    concerned: dict[int, set[int]] = {}
    for entry_id, person_id in session.execute(
        select(EntryPerson.entry_id, EntryPerson.person_id)
        .join(Entry, Entry.id == EntryPerson.entry_id)
        .where(Entry.case_id.in_(cases))
    ):
        concerned.setdefault(entry_id, set()).add(person_id)
    told: dict[int, list[rules.Told]] = {case: [] for case in cases}
    for entry in session.scalars(select(Entry).where(Entry.case_id.in_(cases)).order_by(Entry.id)):
        told[entry.case_id].append(tell(entry, frozenset(concerned.get(entry.id, ()))))
    return told


def tell(entry: Entry, persons: frozenset[int]) -> rules.Told:
    """One entry as the fold wants it."""
    kind = kind_of(entry.kind)
    to = entry.payload.get("to")
    return rules.Told(
        id=entry.id,
        kind=entry.kind,
        latest_on=entry.latest_on,
        recorded_at=entry.recorded_at,
        happened_on=entry.happened_on,
        precision=entry.precision,
        local_time=f"{entry.local_time:%H:%M}" if entry.local_time else "",
        confidence=entry.confidence,
        audience=entry.audience,
        supersedes_id=entry.supersedes_id,
        about_id=entry.about_id,
        new_audience=Audience(to) if entry.kind == rules.AUDIENCE_CHANGED and to is not None else None,
        persons=persons,
        custody=kind.custody,
        proceedings=kind.proceedings,
        conditions=kind.conditions + tuple(entry.payload.get("conditions", ())),
        clears_conditions=kind.clears_conditions,
        public_id=entry.public_id,
    )


def write_states(session: Session, case_id: int, told: Sequence[rules.Told], meaning: dict[int, rules.Meaning]) -> None:
    """Rewrite what the entries of one case now mean; only rows that differ are touched."""
    held = {s.entry_id: s for s in session.scalars(select(EntryState).where(EntryState.case_id == case_id))}
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for entry in told:
        means = meaning[entry.id]
        row = {
            "entry_id": entry.id,
            "case_id": case_id,
            "audience": means.audience,
            "counts": means.counts,
            "accepted": means.accepted,
            "superseded_by": means.superseded_by,
            "withdrawn_by": means.withdrawn_by,
            "latest_on": entry.latest_on,
            "local_time": entry.local_time,
            "recorded_at": entry.recorded_at,
        }
        state = held.get(entry.id)
        if state is None:
            fresh.append(row)
        elif any(getattr(state, name) != value for name, value in row.items()):
            changed.append(row)
    if fresh:
        session.execute(insert(EntryState), fresh)
    if changed:
        session.execute(update(EntryState), changed)
    gone = held.keys() - {entry.id for entry in told}
    if gone:
        session.execute(delete(EntryState).where(EntryState.entry_id.in_(gone)))
