"""What commands print and pages show together, read from many rooms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.base.audience import Audience
from tracker.base.dates import window_precision, zone_of
from tracker.cases.models import Case, CaseFace, Involvement
from tracker.hearings.models import Hearing
from tracker.hearings.queries import HearingSeen, hearings_as_known, list_hearings
from tracker.pages.casefile import end_of_known
from tracker.people.models import Person
from tracker.timeline.codes import headline, label
from tracker.timeline.queries import EntrySeen, read_timeline
from tracker.timeline.rules import stand


def cases_as_json(session: Session, desk: Desk | None = None) -> list[dict[str, Any]]:
    """Every case, or a desk's, as `tracker cases list --json` prints them. Four statements, however many."""
    chosen = select(Case, CaseFace).join(
        CaseFace, (CaseFace.case_id == Case.id) & (CaseFace.audience == Audience.NAMED)
    )
    if desk is not None:
        chosen = chosen.where(Case.desk_id == desk.id)
    rows = session.execute(chosen.order_by(Case.ref)).all()
    ids = [case.id for case, _face in rows]
    people = _people(session, ids)
    courts = _courts(session, [face.next_subject_id for _case, face in rows if face.next_kind == "hearing"])
    return [_case(case, face, people.get(case.id, []), courts) for case, face in rows]


def case_as_json(
    session: Session, case: Case, desk: Desk, known_on: date | None = None, *, now: datetime
) -> dict[str, Any]:
    """One case with its timeline and hearings, as `tracker cases show` prints it; with `known_on`, as it was known at
    the end of that day at the desk: what cannot be known of then is null. Refused for a day that lies ahead."""
    known_at = end_of_known(known_on, desk, now) if known_on else None
    face = session.get(CaseFace, (case.id, Audience.NAMED))
    assert face is not None
    people = _people(session, [case.id]).get(case.id, [])
    shown = _case(case, face, people, _courts(session, [face.next_subject_id] if face.next_kind == "hearing" else []))
    timeline = read_timeline(session, case.id, Audience.NAMED, known_at)
    names = {person.id: person.name for _involvement, person in people}
    if known_at is not None:
        people = [pair for pair in people if pair[1].created_at <= known_at]
        standing = stand(
            [seen.told for seen in timeline],
            {seen.entry.id: seen.meaning for seen in timeline},
            [person.id for _i, person in people],
        )
        shown["people"] = [
            {
                "name": names[person],
                "status": headline(where.custody, where.proceedings),
                "custody": where.custody,
                "proceedings": where.proceedings,
            }
            for person, where in standing.items()
        ]
        shown["status_line"] = "; ".join(f"{p['name']}: {label(p['status'])}" for p in shown["people"])
        known = [_hearing_as_known(snapshot, case) for snapshot in hearings_as_known(session, case.id, known_at)]
        shown["hearings"] = sorted(known, key=lambda h: (h["starts_at"] is None, h["starts_at"] or "", h["id"]))
        shown |= {"stage": None, "risk": None, "flags": None, "version": None}
        shown["next_date"] = _next_as_known(shown["hearings"], known_on)
    else:
        shown["hearings"] = [hearing_as_json(seen) for seen in list_hearings(session, case_ids=[case.id])]
    shown["timeline"] = [_entry(seen, names) for seen in timeline]
    return shown


def hearing_as_json(seen: HearingSeen) -> dict[str, Any]:
    """A hearing as `tracker hearings list --json` prints it; with what is known of its date."""
    hearing = seen.hearing
    return {
        "id": hearing.id,
        "cases": sorted({case.ref for _a, case, _p in seen.appearances}),
        "kind": hearing.kind,
        "court": hearing.court,
        "date": _iso(hearing.local_date),
        "time": _clock(hearing.local_time),
        "zone": hearing.zone,
        "state": hearing.state,
        "schedule_rev": hearing.schedule_rev,
        "starts_at": _instant(hearing.starts_at),
        "earliest": _iso(hearing.earliest_on),
        "latest": _iso(hearing.latest_on),
        "precision": hearing.precision,
        "certainty": hearing.certainty,
        "confirmed_at": _instant(hearing.confirmed_at),
    }


def _hearing_as_known(snapshot: Mapping[str, Any], case: Case) -> dict[str, Any]:
    """A snapshot in the words of `hearing_as_json`. Null: whoever else appeared, and who had made sure, is not kept."""
    first, at = snapshot["earliest_on"], snapshot["local_time"]
    starts_at = None
    if first:
        wall = datetime.combine(date.fromisoformat(first), time.fromisoformat(at) if at else time())
        # As with every stored wall time: an hour that has come to be skipped since means the one after it.
        starts_at = wall.replace(tzinfo=zone_of(snapshot["zone"]), fold=snapshot["fold"] or 0).astimezone(UTC)
    return {
        "id": snapshot["id"],
        "cases": [case.ref],
        "kind": snapshot["kind"],
        "court": snapshot["court"],
        "date": snapshot["local_date"],
        "time": at,
        "zone": snapshot["zone"],
        "state": snapshot["state"],
        "schedule_rev": snapshot["schedule_rev"],
        "starts_at": _instant(starts_at),
        "earliest": first,
        "latest": snapshot["latest_on"],
        "precision": snapshot["precision"],
        "certainty": snapshot["certainty"],
        "confirmed_at": None,
    }


def _next_as_known(hearings: Sequence[Mapping[str, Any]], known_on: date | None) -> dict[str, Any] | None:
    """The next date among hearings as known on a day: the first that could still be after it."""
    after = known_on.isoformat() if known_on else ""
    ahead = [h for h in hearings if h["state"] == "scheduled" and h["latest"] and h["latest"] > after]
    found = min(ahead, key=lambda h: (h["latest"], h["date"] is None, h["starts_at"], h["id"]), default=None)
    if found is None:
        return None
    earliest, latest = (date.fromisoformat(found[end]) for end in ("earliest", "latest"))
    when = earliest, latest, window_precision(earliest, latest)
    return _next_date("hearing", when, found["time"], found["zone"], found["court"])


def _case(
    case: Case, face: CaseFace, people: Sequence[tuple[Involvement, Person]], courts: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "ref": case.ref,
        "title": case.title,
        "nickname": case.nickname,
        "stage": case.stage,
        "risk": case.risk,
        "audience": case.audience.code,
        "status_line": "; ".join(f"{person.name}: {label(involved.status)}" for involved, person in people),
        "people": [
            {
                "name": person.name,
                "status": involved.status,
                "custody": involved.custody,
                "proceedings": involved.proceedings,
            }
            for involved, person in people
        ],
        "next_date": _next_date(
            face.next_kind,
            (face.next_on, face.next_until, face.next_precision or "day"),
            _clock(face.next_time),
            face.next_zone,
            courts.get(face.next_subject_id or 0, ""),
        )
        if face.next_kind
        else None,
        "flags": face.flags,
        "version": case.version,
    }


def _next_date(
    kind: str, when: tuple[date | None, date | None, str], at: str | None, zone: str | None, court: str
) -> dict[str, Any]:
    """`when`: first and last possible day, and how it is known. Of a window no day is `date`: its ends stand beside."""
    earliest, latest, precision = when
    known = precision == "day"
    return {
        "kind": kind,
        "date": _iso(earliest) if known else None,
        "time": at,
        "zone": zone,
        "court": court,
        **({} if known else {"precision": precision, "earliest": _iso(earliest), "latest": _iso(latest)}),
    }


def _entry(seen: EntrySeen, names: Mapping[int, str]) -> dict[str, Any]:
    entry = seen.entry
    shown = {
        "id": entry.public_id,
        "kind": entry.kind,
        "date": _iso(entry.happened_on),
        "precision": entry.precision,
        "time": _clock(entry.local_time),
        "zone": entry.zone,
        "sentence": seen.sentence,
        "text": entry.text,
        "persons": [names[p] for p in sorted(seen.told.persons) if p in names],
        "confidence": entry.confidence,
        "accepted": seen.meaning.accepted,
        "counts": seen.meaning.counts,
        "superseded": seen.meaning.superseded_by is not None,
        "withdrawn": seen.meaning.withdrawn_by is not None,
        "audience": seen.meaning.audience.code,
        "recorded_at": _instant(entry.recorded_at),
        "sources": [
            {
                "kind": source.kind,
                "address": source.address,
                "published": _iso(source.published_on),
                "quote": source.quote,
                "start": source.quote_start,
                "end": source.quote_end,
            }
            for source in seen.sources
        ],
    }
    if entry.precision == "by":
        shown["by"] = entry.latest_on.isoformat()
    return shown


def _people(session: Session, case_ids: Sequence[int]) -> dict[int, list[tuple[Involvement, Person]]]:
    people: dict[int, list[tuple[Involvement, Person]]] = {}
    for involved, person in session.execute(
        select(Involvement, Person)
        .join(Person, Person.id == Involvement.person_id)
        .where(Involvement.case_id.in_(case_ids))
        .order_by(Involvement.case_id, Involvement.position, Involvement.id)
    ):
        people.setdefault(involved.case_id, []).append((involved, person))
    return people


def _courts(session: Session, hearing_ids: Sequence[int | None]) -> dict[int, str]:
    wanted = [i for i in hearing_ids if i is not None]
    return {
        row.id: row.court for row in session.execute(select(Hearing.id, Hearing.court).where(Hearing.id.in_(wanted)))
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _clock(at: time | None) -> str | None:
    return f"{at:%H:%M}" if at else None


def _instant(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
