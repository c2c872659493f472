"""What is done with hearings. Each act logs one entry per case touched; the row is that log's projection.

*Correct* (we had it wrong) and *move* (the court moved it) are two acts: history and mail say different things.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.dates import StatedDate, today_in
from tracker.base.db import hold
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.words import say_number
from tracker.base.work import current_work, touch
from tracker.cases.models import Case
from tracker.cases.service import check_not_stopped
from tracker.hearings.models import KINDS, Appearance, Hearing
from tracker.hearings.rules import When, ask_twice, instants, when_of
from tracker.timeline.models import Entry, EntryState
from tracker.timeline.service import Source, change_entry_audience, record_entry

#: Notices of what was done in a page wait so long, so that it can be undone.
UNDO = timedelta(minutes=3)

#: Columns that make the when, the where and the state: a change of one moves schedule_rev.
SCHEDULE = (
    "local_date",
    "local_time",
    "fold",
    "zone",
    "precision",
    "earliest_on",
    "latest_on",
    "court",
    "place",
    "state",
)

#: What can become of a hearing.
OUTCOMES = ("took_place", "adjourned", "postponed", "not_known")

#: States of a hearing whose day is done with: its date can still be put right on record, and it can be put back.
OVER = ("took_place", "adjourned", "postponed")

#: Outcomes after which the matter goes on at another hearing.
GOES_ON = frozenset({"adjourned", "postponed"})

#: What is logged of a new when, and can be undone in a page.
RESCHEDULED = ("hearing.moved", "hearing.corrected")

#: What a snapshot keeps.
SNAPSHOT = (*SCHEDULE, "kind", "certainty", "observer", "schedule_rev", "audience")


@dataclass(frozen=True, slots=True)
class Appears:
    """A person of a case."""

    case_id: int
    person_id: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who made sure of a date: an account, or a source by its role or name."""

    told_by: str = ""
    user_id: int | None = None


def schedule_hearing(
    session: Session,
    when: When,
    *,
    kind: str,
    appearing: Sequence[Appears],
    court: str = "",
    place: str = "",
    certainty: str = "confirmed",
    confirmation: Confirmation | None = None,
    audience: Audience = Audience.DESK,
    open_already: Audience = Audience.DESK,
    observer: str = "",
    note: str = "",
    state: str = "scheduled",
    unlikely_is_meant: bool = False,
    sitting_days: Sequence[int] | None = None,
    sources: Sequence[Source] = (),
    origin: str = "human",
    import_id: str | None = None,
) -> Hearing:
    """Record a hearing of these people. NeedsConfirmation for an unlikely date unless `unlikely_is_meant`. While
    publicity of one of their cases is stopped it is not more open than the desk, or than what it follows from
    (`open_already`)."""
    work = current_work(session)
    if not unlikely_is_meant:
        ask_twice(when, work.now, sitting_days)
    if kind not in KINDS:
        raise Refused(_("“%(code)s” is no kind of hearing.", code=kind[:30]), "kind")
    if not appearing:
        raise Refused(_("Say whose hearing it is."), "appearing")
    _check_not_stopped(session, {a.case_id for a in appearing}, audience, open_already)
    if certainty not in ("confirmed", "provisional"):
        raise Refused(_("A date is confirmed or provisional."), "certainty")
    _check_text(court=court, place=place, observer=observer)
    hearing = Hearing(
        public_id=new_public_id(),
        kind=kind,
        court=court.strip(),
        place=place.strip(),
        certainty=certainty,
        audience=audience,
        observer=observer.strip(),
        note=note.strip(),
        state=state,
        schedule_rev=1,
        created_at=work.now,
        last_change="",
        tell_from=work.now,
    )
    _set_when(hearing, when)
    if confirmation is not None:
        hearing.confirmed_at = work.now
        hearing.confirmed_by = confirmation.user_id
        hearing.confirmed_from = confirmation.told_by.strip()[:120]
    session.add(hearing)
    session.flush()
    session.add_all(
        Appearance(hearing_id=hearing.id, case_id=a.case_id, person_id=a.person_id) for a in dict.fromkeys(appearing)
    )
    session.flush()
    _log(session, hearing, "hearing.scheduled", before={}, sources=sources, origin=origin, import_id=import_id)
    return hearing


def move_hearing(session: Session, hearing: Hearing, when: When, *, version: int, **options: Any) -> None:
    """The court moved it. Options as of `correct_hearing`."""
    _reschedule(session, hearing, when, "moved", version, **options)


def correct_hearing(session: Session, hearing: Hearing, when: When, *, version: int, **options: Any) -> None:
    """We had its date, time or place wrong. Options: court, place (None leaves them), confirmation, unlikely_is_meant,
    sitting_days, words, sources, origin, import_id. Of a hearing that is over the record is put right and nobody is
    told; one whose outcome nobody knows is awaited again where the right date lies ahead. Refused for a hearing that is
    off, for one that sat when the new date lies ahead, and when nothing changes."""
    _reschedule(session, hearing, when, "corrected", version, **options)


def _reschedule(
    session: Session,
    hearing: Hearing,
    when: When,
    how: str,
    version: int,
    *,
    court: str | None = None,
    place: str | None = None,
    confirmation: Confirmation | None = None,
    unlikely_is_meant: bool = False,
    sitting_days: Sequence[int] | None = None,
    words: str = "",
    sources: Sequence[Source] = (),
    origin: str = "human",
    import_id: str | None = None,
) -> None:
    work = current_work(session)
    _check_version(session, hearing, version)
    if hearing.state == "cancelled":
        if how == "moved":
            raise Refused(_("This hearing was cancelled; record the new one instead."))
        raise Refused(_("This hearing was cancelled. If it is on after all, put it back first, then correct its date."))
    if hearing.state in OVER and how == "moved":
        raise Refused(_("This hearing is over; what comes next is a hearing of its own."))
    if not unlikely_is_meant:
        ask_twice(when, work.now, sitting_days)
    before = {**snapshot(hearing), **_made_sure(hearing)}
    _check_text(court=court or "", place=place or "")
    _set_when(hearing, when)
    if court is not None:
        hearing.court = court.strip()
    if place is not None:
        hearing.place = place.strip()
    ahead = hearing.starts_at is None or hearing.starts_at > work.now
    if ahead and hearing.state in ("took_place", "adjourned"):
        raise Refused(_("This hearing sat, so it cannot lie ahead. Put it back first, then correct its date."), "date")
    if hearing.state == "not_known" and (ahead or how == "moved"):
        _await_again(session, hearing)
    if all(snapshot(hearing)[name] == before[name] for name in SCHEDULE):
        raise Refused(_("Nothing would change: that is when it stands already."), "date")
    hearing.confirmed_at = work.now
    hearing.confirmed_by = confirmation.user_id if confirmation else work.actor.user_id
    hearing.confirmed_from = confirmation.told_by.strip()[:120] if confirmation else ""
    _changed(session, hearing, how, before)
    _log(
        session,
        hearing,
        f"hearing.{how}",
        before=before,
        words=words,
        sources=sources,
        origin=origin,
        import_id=import_id,
    )


def undo_reschedule(session: Session, hearing: Hearing, *, version: int) -> None:
    """Take back a move or a correction made in a page less than `UNDO` ago: the earlier date, time and place stand
    again, with who had made sure of them, and nobody is told anything. Refused afterwards, and when something else was
    recorded of the hearing since."""
    work = current_work(session)
    _check_version(session, hearing, version)
    logged = last_logged(session, hearing)
    if logged is None or not can_undo(hearing, logged, work.now):
        raise Refused(
            _(
                "This can be undone no more: three minutes have passed, or something else was recorded since. "
                "If the date is wrong, put it right with “We had it wrong”."
            )
        )
    before, earlier = {**snapshot(hearing), **_made_sure(hearing)}, logged.payload["before"]
    _set_when(hearing, _when_kept(earlier))
    hearing.court, hearing.place = earlier["court"], earlier["place"]
    hearing.confirmed_at = datetime.fromisoformat(earlier["confirmed_at"]) if earlier["confirmed_at"] else None
    hearing.confirmed_by, hearing.confirmed_from = earlier["confirmed_by"], earlier["confirmed_from"]
    # What an earlier change was called is what its notice, if it still waits, goes by.
    _changed(session, hearing, earlier["last_change"], before)
    _log(session, hearing, "hearing.undone", before=before)


def can_undo(hearing: Hearing, logged: Entry, now: datetime) -> bool:
    """Whether `logged`, the last entry of a hearing, is a move or correction made in a page of which nobody hears yet.
    One that took back an outcome with it is not undone: what was recorded about whom is said anew."""
    return (
        logged.kind in RESCHEDULED
        and hearing.tell_from is not None
        # The instant may have been set anew since, by the plan or by a command.
        and now < hearing.tell_from == logged.recorded_at + UNDO
        and logged.payload["before"]["state"] == hearing.state
        and "last_change" in logged.payload["before"]
    )


def last_logged(session: Session, hearing: Hearing) -> Entry | None:
    """The last entry of a hearing, of any of its cases."""
    entries = session.scalars(
        select(Entry)
        .where(Entry.case_id.in_(case_ids(session, hearing.id)), Entry.kind.like("hearing.%"))
        .order_by(Entry.id.desc())
    )
    return next((entry for entry in entries if entry.payload["hearing_id"] == hearing.id), None)


def confirm_hearing(session: Session, hearing: Hearing, confirmation: Confirmation, *, version: int) -> None:
    """Somebody made sure of the date; a provisional one becomes confirmed, and then whoever was told it as provisional
    is looked at again. Making sure of a date once more tells nobody: their next reminder says how sure it is."""
    work = current_work(session)
    _check_version(session, hearing, version)
    if hearing.state != "scheduled":
        raise Refused(_("Only a hearing that lies ahead can be confirmed."))
    before = snapshot(hearing)
    hearing.confirmed_at, hearing.confirmed_by = work.now, confirmation.user_id
    hearing.confirmed_from = confirmation.told_by.strip()[:120]
    if hearing.certainty != "confirmed":
        hearing.certainty = "confirmed"
        tell_from = work.now + UNDO if work.actor.by_hand else work.now
        hearing.tell_from = max(hearing.tell_from or tell_from, tell_from)
    hearing.version += 1
    touch(*case_ids(session, hearing.id))
    _log(session, hearing, "hearing.confirmed", before=before, payload={"told_by": hearing.confirmed_from})


def cancel_hearing(session: Session, hearing: Hearing, *, version: int, words: str = "") -> None:
    """It will not take place, and no other date was given. Refused when it is over or off already."""
    _check_version(session, hearing, version)
    if hearing.state == "cancelled":
        raise Refused(_("This hearing is cancelled already."))
    if hearing.state in OVER:
        raise Refused(_("This hearing is over; it cannot be cancelled."))
    before = snapshot(hearing)
    hearing.state = "cancelled"
    _changed(session, hearing, "cancelled", before)
    _log(session, hearing, "hearing.cancelled", before=before, words=words)


def reinstate_hearing(session: Session, hearing: Hearing, *, version: int, words: str = "") -> None:
    """It is on again, or what was recorded of it was wrong: it is awaited as before, without an outcome, and the
    hearing its outcome had opened is off. Done within `UNDO` of the act it takes back, it tells nobody anything.
    Refused for a hearing that is awaited already."""
    _check_version(session, hearing, version)
    if hearing.state == "scheduled":
        raise Refused(_("This hearing is on already."))
    before = snapshot(hearing)
    _await_again(session, hearing)
    _drop_following(session, hearing)
    _changed(session, hearing, "reinstated", before)
    _log(session, hearing, "hearing.reinstated", before=before, words=words)


def _await_again(session: Session, hearing: Hearing) -> None:
    """Scheduled once more, with no outcome for anybody."""
    hearing.state = "scheduled"
    # Row by row, so that the audit keeps what each outcome was; they leave in one statement all the same.
    for appearance in session.scalars(select(Appearance).where(Appearance.hearing_id == hearing.id)):
        appearance.outcome, appearance.recorded_at = None, None
        appearance.outcome_reason = appearance.outcome_text = appearance.told_by = ""
    session.flush()


def _drop_following(session: Session, hearing: Hearing) -> None:
    """What opened the hearing that follows is no longer so: where nothing has become of that one yet, it is off."""
    held = get_hearing(session, hearing.next_hearing_id) if hearing.next_hearing_id else None
    if held is not None and held.state == "scheduled":
        cancel_hearing(session, held, version=held.version)
        hearing.next_hearing_id = None


def record_outcome(
    session: Session,
    hearing: Hearing,
    outcome: str,
    *,
    version: int,
    reason: str = "",
    told_by: str = "",
    words: str = "",
    each: Mapping[tuple[int, int], str] | None = None,
    next_when: When | None = None,
    unlikely_is_meant: bool = False,
    sitting_days: Sequence[int] | None = None,
) -> Hearing | None:
    """What became of a hearing: took_place, adjourned, postponed, not_known. The same for all who appear, but for the
    exceptions in `each` ((case id, person id) → outcome). `next_when` opens the hearing that follows, for those whose
    matter goes on, or puts its date right where it is on record; returns it. An outcome put right after which nobody's
    matter goes on cancels the hearing that the earlier one opened. Refused before the hearing has begun, but for
    `postponed`."""
    work = current_work(session)
    _check_version(session, hearing, version)
    said = {outcome, *(each or {}).values()}
    if not said <= set(OUTCOMES):
        raise Refused(_("The outcome is one of took-place, adjourned, postponed, not-known."), "outcome")
    if hearing.state == "cancelled":
        raise Refused(_("This hearing was cancelled."))
    if said != {"postponed"} and hearing.starts_at and hearing.starts_at > work.now:
        raise Refused(_("This hearing has not begun; it cannot have sat. If the court moved it, move it."), "outcome")
    if next_when is not None and said == {"not_known"}:
        raise Refused(_("Say what became of this hearing before the next one."), "outcome")
    before = snapshot(hearing)
    appearing = list(session.scalars(select(Appearance).where(Appearance.hearing_id == hearing.id)))
    earlier = {appearance.outcome for appearance in appearing}
    for appearance in appearing:
        appearance.outcome = (each or {}).get((appearance.case_id, appearance.person_id), outcome)
        appearance.outcome_reason = reason.strip()[:200]
        appearance.told_by = told_by.strip()[:120]
        appearance.outcome_text = words.strip()
        appearance.recorded_at = work.now
    session.flush()
    hearing.state = outcome
    _changed(session, hearing, outcome, before)
    following = None
    if next_when is None and said != earlier and not said & GOES_ON:
        _drop_following(session, hearing)
    if next_when is not None:
        following = _go_on(
            session,
            hearing,
            next_when,
            appearing=_whose_goes_on(appearing),
            confirmation=Confirmation(told_by, None if told_by.strip() else work.actor.user_id),
            unlikely_is_meant=unlikely_is_meant,
            sitting_days=sitting_days,
        )
    _log(
        session,
        hearing,
        "hearing.outcome_recorded",
        before=before,
        words=words,
        payload={"outcome": outcome, "reason": reason.strip()[:200], "told_by": told_by.strip()[:120]},
        on=min(hearing.local_date or hearing.latest_on or date.max, today_in(hearing.zone, work.now)),
        by_outcome=True,
    )
    return following


def _whose_goes_on(appearing: Sequence[Appearance]) -> list[Appears]:
    """Those whose hearing was adjourned or postponed; where nobody's was, those who sat; where nobody did, all."""
    for outcomes in (("adjourned", "postponed"), ("took_place",), OUTCOMES):
        if found := [Appears(a.case_id, a.person_id) for a in appearing if a.outcome in outcomes]:
            return found
    return []


def _go_on(
    session: Session,
    hearing: Hearing,
    when: When,
    *,
    appearing: Sequence[Appears],
    confirmation: Confirmation,
    unlikely_is_meant: bool,
    sitting_days: Sequence[int] | None,
) -> Hearing:
    """The hearing that follows from an outcome: a new one, or the one on record with its date put right."""
    work = current_work(session)
    held = get_hearing(session, hearing.next_hearing_id) if hearing.next_hearing_id else None
    if held is not None and held.state == "scheduled":
        if when_of(held) != when:
            correct_hearing(
                session,
                held,
                when,
                version=held.version,
                confirmation=confirmation,
                unlikely_is_meant=unlikely_is_meant,
                sitting_days=sitting_days,
            )
        return held
    following = schedule_hearing(
        session,
        when,
        kind=hearing.kind,
        court=hearing.court,
        place=hearing.place,
        audience=hearing.audience,
        open_already=hearing.audience,
        appearing=appearing,
        confirmation=confirmation,
        unlikely_is_meant=unlikely_is_meant,
        sitting_days=sitting_days,
    )
    if work.actor.by_hand:
        following.tell_from = work.now + UNDO
    hearing.next_hearing_id = following.id
    return following


def edit_hearing(session: Session, hearing: Hearing, *, version: int, **fields: Any) -> None:
    """Change kind, observer, note, audience. A changed note logs nothing and tells nobody. Closed to a rung, it takes
    what it logged with it."""
    _check_version(session, hearing, version)
    if fields.get("kind", hearing.kind) not in KINDS:
        raise Refused(_("That is no kind of hearing."), "kind")
    audience = fields.get("audience", hearing.audience)
    _check_not_stopped(session, case_ids(session, hearing.id), audience, hearing.audience)
    _check_text(**{k: v for k, v in fields.items() if k in ("observer",)})
    before = snapshot(hearing)
    for name, value in fields.items():
        setattr(hearing, name, value.strip() if isinstance(value, str) else value)
    hearing.version += 1
    touch(*case_ids(session, hearing.id))
    if snapshot(hearing) != before:
        if hearing.audience < before["audience"]:
            _close_entries(session, hearing)
        _log(session, hearing, "hearing.edited", before=before)


def _check_not_stopped(session: Session, cases: Collection[int], audience: Audience, before: Audience) -> None:
    if audience > Audience.DESK:
        for case in session.scalars(select(Case).where(Case.id.in_(cases))):
            check_not_stopped(case, audience, before)


def _close_entries(session: Session, hearing: Hearing) -> None:
    """What the hearing logged so far is open to nobody to whom the hearing is closed."""
    logged = session.execute(
        select(Entry, EntryState.audience)
        .join(EntryState, EntryState.entry_id == Entry.id)
        .where(Entry.case_id.in_(case_ids(session, hearing.id)), Entry.kind.like("hearing.%"))
    ).all()
    for entry, audience in logged:
        if entry.payload["hearing_id"] == hearing.id and audience > hearing.audience:
            today = today_in(hearing.zone, current_work(session).now)
            change_entry_audience(session, entry, to=hearing.audience, audience=hearing.audience, on=today)


def get_hearing(session: Session, hearing_id: int) -> Hearing:
    """The hearing with this number. NotFound when there is none."""
    found = session.get(Hearing, hearing_id, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no hearing {hearing_id}.")
    return found


def case_ids(session: Session, hearing_id: int) -> list[int]:
    """The cases whose people appear."""
    return list(session.scalars(select(Appearance.case_id).where(Appearance.hearing_id == hearing_id).distinct()))


def snapshot(hearing: Hearing) -> dict[str, Any]:
    """The hearing as it stands, in JSON's words: what its entries keep."""
    kept = {name: getattr(hearing, name) for name in SNAPSHOT}
    kept["local_time"] = f"{hearing.local_time:%H:%M}" if hearing.local_time else None
    for name in ("local_date", "earliest_on", "latest_on"):
        kept[name] = kept[name].isoformat() if kept[name] else None
    kept["audience"] = int(hearing.audience)
    return kept


def _made_sure(hearing: Hearing) -> dict[str, Any]:
    """Who had made sure of the date, and what the last change was called, in JSON's words: so that it can be undone."""
    return {
        "confirmed_at": hearing.confirmed_at.isoformat() if hearing.confirmed_at else None,
        "confirmed_by": hearing.confirmed_by,
        "confirmed_from": hearing.confirmed_from,
        "last_change": hearing.last_change,
    }


def _when_kept(kept: Mapping[str, Any]) -> When:
    """The when of a snapshot. Not looked at anew: it stood."""
    local_date, earliest_on, latest_on = (
        date.fromisoformat(kept[name]) if kept[name] else None for name in ("local_date", "earliest_on", "latest_on")
    )
    local_time = time.fromisoformat(kept["local_time"]) if kept["local_time"] else None
    return When(kept["zone"], local_date, local_time, kept["fold"], kept["precision"], earliest_on, latest_on)


def derive_instants(hearing: Hearing) -> None:
    """Write the instants that follow from the wall time, by the zone's present rules."""
    derived = instants(when_of(hearing))
    hearing.starts_at, hearing.outcome_due_at = derived.starts_at, derived.outcome_due_at


def _set_when(hearing: Hearing, when: When) -> None:
    for name in ("zone", "local_date", "local_time", "fold", "precision", "earliest_on", "latest_on"):
        setattr(hearing, name, getattr(when, name))
    derive_instants(hearing)


def _changed(session: Session, hearing: Hearing, how: str, before: Mapping[str, Any]) -> None:
    """Count the change; where the when, the where or the state moved, those who were told are looked at again."""
    work = current_work(session)
    hearing.version += 1
    after = snapshot(hearing)
    if any(after[name] != before[name] for name in SCHEDULE):
        hearing.schedule_rev += 1
        hearing.last_change = how
        hearing.tell_from = work.now + UNDO if work.actor.by_hand else work.now
    touch(*case_ids(session, hearing.id))


def _check_version(session: Session, hearing: Hearing, version: int) -> None:
    hold(session, hearing)
    if hearing.version != version:
        raise VersionConflict(_("Somebody changed this hearing in the meantime."), _as_stored(hearing))


def _as_stored(hearing: Hearing) -> dict[str, object]:
    """The hearing in the words of its forms."""
    stored = {
        "precision": hearing.precision,
        "day": hearing.local_date or hearing.earliest_on,
        "until": hearing.latest_on if hearing.precision == "week" else None,
        "at_time": hearing.local_time,
        "told_by": hearing.confirmed_from,
        **{name: getattr(hearing, name) for name in ("zone", "fold", "court", "place", "kind", "observer", "audience")},
        "note": hearing.note,
    }
    return stored if hearing.state == "scheduled" else {**stored, "outcome": hearing.state}


def _check_text(**fields: str) -> None:
    for name, text in fields.items():
        if len(text) > 200:
            raise Refused(_("That is longer than 200 characters (%(count)s).", count=say_number(len(text))), name)
        if any(ord(c) < 32 for c in text):
            raise Refused(_("That holds a character that cannot be shown."), name)


def _log(
    session: Session,
    hearing: Hearing,
    kind: str,
    *,
    before: dict[str, Any],
    payload: dict[str, Any] | None = None,
    words: str = "",
    sources: Sequence[Source] = (),
    on: date | None = None,
    by_outcome: bool = False,
    origin: str = "human",
    import_id: str | None = None,
) -> None:
    """One entry per case touched, with the people of that case who appear; `by_outcome`: one for each outcome that a
    case's people had."""
    work = current_work(session)
    appearing: dict[tuple[int, str | None], list[int]] = {}
    for appearance in session.scalars(
        select(Appearance).where(Appearance.hearing_id == hearing.id).order_by(Appearance.id)
    ):
        group = (appearance.case_id, appearance.outcome if by_outcome else None)
        appearing.setdefault(group, []).append(appearance.person_id)
    cases = select(Case).where(Case.id.in_({case_id for case_id, _outcome in appearing}))
    held = {case.id: case for case in session.scalars(cases)}
    for (case_id, outcome), persons in appearing.items():
        told = {**(payload or {}), **({"outcome": outcome} if outcome else {})}
        record_entry(
            session,
            case_id=case_id,
            kind=kind,
            date_stated=StatedDate(on or today_in(hearing.zone, work.now)),
            audience=min(hearing.audience, held[case_id].audience, key=int),
            payload={"hearing_id": hearing.id, "before": before, "after": snapshot(hearing), **told},
            persons=persons,
            text=words,
            sources=sources,
            origin=origin,
            import_id=import_id,
        )
