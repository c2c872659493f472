"""The settler of the phase `faces`: how each case looks to each audience, one row each, so that lists compute nothing.

A face is folded only from what its audience may see: entries, hearings and flags of a stricter audience leave no trace
in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from tracker.agenda.kinds import kinds_of_next_dates
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.agenda.service import chunks
from tracker.base.audience import Audience
from tracker.base.dates import window_precision
from tracker.base.db import db
from tracker.base.work import CLOCK, settles, unit_of_work
from tracker.cases.folding import restarting
from tracker.cases.models import Case, CaseFace, Involvement
from tracker.clockwork.kinds import clock_step
from tracker.timeline.codes import weight
from tracker.timeline.kinds import kind_of
from tracker.timeline.rules import meanings, stand
from tracker.timeline.service import load_told

#: Sorts after every instant: nothing lies ahead.
LAST = "9999"

#: An open flag as the faces need it: (case id, audience, rule, severity or 0 while it asks for nobody, due_at).
FlagSeen = tuple[int, Audience, str, int, datetime | None]


#: Reads the open flags of some cases: (session, now, cases) → rows of FlagSeen.
ReadsFlags = Callable[[Session, datetime, Sequence[int]], Iterable[FlagSeen]]

_open_flags: list[ReadsFlags] = []


def tells_open_flags(reader: ReadsFlags) -> ReadsFlags:
    """Announce where faces learn which flags are open: by flags, which lie above."""
    _open_flags[:] = [reader]
    return reader


@settles("faces")
def settle_faces(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Bring the faces of `cases` up to date; with None, of those whose next date has passed."""
    if cases is None:
        cases = session.scalars(select(CaseFace.case_id).where(CaseFace.next_ends_at <= now).distinct()).all()
    for chunk in chunks(cases):
        _faces(session, now, chunk)


@clock_step("faces.refresh", every=timedelta(seconds=60), turn="faces")
def refresh(now: datetime) -> Mapping[str, int]:
    """Look again at cases whose next date has passed. Answers {"due"}."""
    due = db.session.scalars(select(CaseFace.case_id).where(CaseFace.next_ends_at <= now).distinct().limit(5000)).all()
    if due:
        with unit_of_work("faces.refresh", CLOCK, now=now):
            settle_faces(db.session(), now, due)
    return {"due": len(due)}


def follow_flags(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Bring only what faces say of flags up to date: three statements a chunk, and no timeline is read. For the sweep,
    which changes nothing else."""
    for chunk in chunks(cases):
        flags = _flags(session, now, chunk)
        changed = []
        for face in session.execute(
            select(
                CaseFace.case_id,
                CaseFace.audience,
                CaseFace.flags,
                CaseFace.severities,
                CaseFace.worst_sort,
                CaseFace.worst_flag,
            ).where(CaseFace.case_id.in_(chunk))
        ):
            told = _of_flags([f for f in flags[face.case_id] if f[1] >= face.audience])
            if any(getattr(face, name) != told[name] for name in ("flags", "severities", "worst_sort", "worst_flag")):
                changed.append({"case_id": face.case_id, "audience": face.audience, **told})
        if changed:
            session.execute(update(CaseFace), changed)


def _flags(session: Session, now: datetime, cases: Sequence[int]) -> dict[int, list[FlagSeen]]:
    flags: dict[int, list[FlagSeen]] = {case_id: [] for case_id in cases}
    if _open_flags:
        for row in _open_flags[0](session, now, cases):
            flags[row[0]].append(row)
    return flags


def _of_flags(flags: Sequence[FlagSeen]) -> dict[str, Any]:
    """The columns of a face that speak of flags, from those its audience may see."""
    asking = [f for f in flags if f[3] > 0]
    worst = max(asking, key=lambda f: (f[3], -f[4].timestamp() if f[4] else 0.0), default=None)
    return {
        "worst_flag": worst[2] if worst else None,
        "worst_severity": worst[3] if worst else 0,
        "flags": sorted({f[2] for f in flags}),
        "severities": {f[2]: f[3] for f in sorted(flags, key=lambda f: f[3])},
        "worst_sort": f"{9 - worst[3]}|{_sortable(worst[4])}" if worst else f"9|{LAST}",
    }


def _faces(session: Session, now: datetime, cases: Sequence[int]) -> None:
    found = session.scalars(select(Case).where(Case.id.in_(cases))).all()
    people: dict[int, list[Involvement]] = {case_id: [] for case_id in cases}
    for involvement in session.scalars(
        select(Involvement).where(Involvement.case_id.in_(cases)).order_by(Involvement.position, Involvement.id)
    ):
        people[involvement.case_id].append(involvement)
    ahead: dict[int, list[AgendaItem]] = {case_id: [] for case_id in cases}
    for item in session.scalars(
        select(AgendaItem)
        .where(
            AgendaItem.case_id.in_(cases),
            AgendaItem.state == OPEN_STATE,
            AgendaItem.outcome_due_at > now,
            AgendaItem.kind.in_(kinds_of_next_dates()),
        )
        # By its last possible day, a known day first: a long window hides no day that lies within it.
        .order_by(AgendaItem.outcome_due_at, AgendaItem.local_date.is_(None), AgendaItem.starts_at, AgendaItem.id)
    ):
        ahead[item.case_id].append(item)
    flags = _flags(session, now, cases)
    told = load_told(session, cases)
    restarts = restarting(session, cases)
    wanted = {}
    for case in found:
        entries = told[case.id]
        meaning = meanings(entries)
        for audience in (a for a in Audience if a <= case.audience or a == Audience.NAMED):
            standing = stand(entries, meaning, [i.person_id for i in people[case.id]], audience)
            seen = [
                e
                for e in entries
                if meaning[e.id].audience >= audience and meaning[e.id].counts and kind_of(e.kind).news
            ]
            wanted[(case.id, audience)] = _face(
                case,
                audience,
                [
                    {
                        "person": i.person_id,
                        "role": i.role,
                        "status": standing[i.person_id].status,
                        "since": _iso(standing[i.person_id].status_since[0]),
                        "reported": standing[i.person_id].reported,
                    }
                    for i in people[case.id]
                ],
                next((item for item in ahead[case.id] if item.audience >= audience), None),
                max((e.latest_on for e in seen), default=None),
                max(
                    (
                        e.recorded_at
                        for e in entries
                        if e.id in restarts and meaning[e.id].audience >= audience and not meaning[e.id].withdrawn_by
                    ),
                    default=None,
                ),
                [f for f in flags[case.id] if f[1] >= audience],
            )
    _write(session, cases, wanted)


def _face(
    case: Case,
    audience: Audience,
    statuses: list[dict[str, Any]],
    ahead: AgendaItem | None,
    last_entry_on: date | None,
    last_checked_at: datetime | None,
    flags: Sequence[FlagSeen],
) -> dict[str, Any]:
    at_risk = [s for s in statuses if s["role"] == "at_risk"] or statuses
    worst_off = max(at_risk, key=lambda s: weight(s["status"]), default=None)
    return {
        "case_id": case.id,
        "audience": audience,
        "desk_id": case.desk_id,
        "stage": case.stage,
        "risk": case.risk,
        "owner_id": case.owner_id,
        "status": worst_off["status"] if worst_off else None,
        "statuses": statuses,
        "status_since": _date(worst_off["since"]) if worst_off else None,
        "next_kind": ahead.kind if ahead else None,
        "next_subject_id": ahead.subject_id if ahead else None,
        **_when(ahead),
        "next_time": ahead.local_time if ahead else None,
        "next_zone": ahead.zone if ahead else None,
        "next_ends_at": ahead.outcome_due_at if ahead else None,
        "last_entry_on": last_entry_on,
        "last_checked_at": last_checked_at,
        **_of_flags(flags),
        "next_sort": _sortable(ahead.starts_at if ahead else None),
        "checked_sort": _sortable(last_checked_at or case.created_at),
        "ref_sort": case.ref,
    }


def _when(ahead: AgendaItem | None) -> dict[str, Any]:
    """The columns of a face that say on which day, or within which window, the next date is."""
    first = (ahead.local_date or ahead.earliest_on) if ahead else None
    last = (ahead.local_date or ahead.latest_on or first) if ahead else None
    return {
        "next_on": first,
        "next_until": last,
        "next_precision": window_precision(first, last) if first and last else None,
    }


def _write(session: Session, cases: Sequence[int], wanted: dict[tuple[int, Audience], dict[str, Any]]) -> None:
    held = {
        (row.case_id, row.audience): row
        for row in session.execute(select(CaseFace.__table__).where(CaseFace.case_id.in_(cases)))
    }
    for case_id, audience in held.keys() - wanted.keys():
        session.execute(delete(CaseFace).where(CaseFace.case_id == case_id, CaseFace.audience == audience))
    fresh = [row for key, row in wanted.items() if key not in held]
    if fresh:
        session.execute(insert(CaseFace), fresh)
    changed = [
        row
        for key, row in wanted.items()
        if key in held and any(getattr(held[key], name) != value for name, value in row.items())
    ]
    if changed:
        session.execute(update(CaseFace), changed)


def _sortable(instant: datetime | None) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if instant else LAST


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
