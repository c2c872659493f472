"""The same for programs: what feeds, calendars and JSON say of a case and of a country page. Reads only."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.base.labels import label
from tracker.base.languages import language_tag
from tracker.base.words import say_stated
from tracker.hearings.ics import Event, Status, uid_of
from tracker.hearings.queries import last_changes
from tracker.hearings.rules import when_of
from tracker.publishing import queries
from tracker.publishing.feeds import Post
from tracker.publishing.shown import CaseShown, EntryShown, HearingShown, Item

#: States in which a calendar shows a hearing as off.
_OFF = ("cancelled", "postponed")


def post_of(entry: EntryShown, page: str, opened_at: datetime) -> Post:
    """An entry of a case in its feed: as new as the case is public, at most."""
    return Post(
        entry.public_id,
        _reported(entry),
        "\n\n".join(filter(None, (say_stated(entry.on, entry.precision), entry.text))),
        f"{page}#entry-{entry.public_id}",
        max(entry.recorded_at, opened_at),
        entry.on,
    )


def item_as_post(item: Item, url: str) -> Post:
    """What stands on a country page in its feed."""
    return Post(
        item.key,
        item.title if item.status is None else f"{item.title}: {label(item.status, 'status')}",
        "\n\n".join(item.paragraphs) or label(item.state or item.kind, "action_state" if item.state else "publication"),
        url,
        max(item.changed_at, datetime.combine(item.on, time(), UTC)),
        item.on,
    )


def _reported(entry: EntryShown) -> str:
    return _("Reported, not confirmed: %(what)s", what=entry.sentence) if entry.is_reported else entry.sentence


def changes_of(session: Session, hearings: Sequence[HearingShown]) -> dict[str, datetime]:
    """When each of these hearings last changed, by its public id."""
    numbers = queries.numbers_of_hearings(session, [h.public_id for h in hearings])
    changes = last_changes(session, list(numbers.values()))
    return {public_id: changes[number] for public_id, number in numbers.items() if number in changes}


def event_of(hearing: HearingShown, title: str, url: str, changed_at: datetime) -> Event:
    """A hearing in a calendar that anybody may read: its case by the name everybody knows it by."""
    is_off = hearing.state in _OFF
    status: Status = "CANCELLED" if is_off else "TENTATIVE" if hearing.certainty == "provisional" else "CONFIRMED"
    kind = label(hearing.kind, "hearing_kind")
    said = _("%(kind)s: %(cases)s", kind=kind[:1].upper() + kind[1:], cases=title)
    court = _(", ").join(filter(None, (hearing.court, hearing.place)))
    return Event(
        uid=uid_of(hearing.public_id, current_app.extensions["settings"].base_url),
        when=when_of(hearing),
        revision=hearing.schedule_rev,
        changed_at=changed_at,
        status=status,
        summary=said,
        description="\n".join(filter(None, (court, label(hearing.state, "hearing_state"), url))),
        url=url,
        is_public=True,
    )


def as_json(shown: CaseShown, found: queries.Found, today: date, url: str) -> dict[str, Any]:
    """A case in codes, with the words of the language that was asked for beside them."""

    def day(of: Any) -> str | None:
        return of.isoformat() if of else None

    return {
        "id": shown.public_id,
        "url": url,
        "language": language_tag(),
        "title": shown.title,
        "desk": {"code": shown.desk_code, "name": shown.desk},
        "country": shown.country,
        "closed": shown.closed_reason if shown.stage == "closed" else None,
        "changed_at": found.changed_at.isoformat(),
        "people": [
            {
                "name": person.name,
                "status": person.status,
                "status_in_words": label(person.status, "status"),
                "since": day(person.since),
                "since_precision": person.precision if person.since else None,
                "proceedings": person.proceedings,
                "conditions": list(person.conditions),
                "reported": list(person.reported),
            }
            for person in shown.people
        ],
        "timeline": [
            {
                "id": entry.public_id,
                "kind": entry.kind,
                "on": day(entry.on),
                "precision": entry.precision,
                "what": entry.sentence,
                "text": entry.text,
                "confirmed": not entry.is_reported,
                "people": list(entry.names),
            }
            for entry in shown.timeline
        ],
        "hearings": [
            {
                "id": hearing.public_id,
                "kind": hearing.kind,
                "court": hearing.court,
                "place": hearing.place,
                "date": day(hearing.local_date),
                "time": hearing.local_time.strftime("%H:%M") if hearing.local_time else None,
                "zone": hearing.zone,
                "precision": hearing.precision,
                "earliest": day(hearing.earliest_on),
                "latest": day(hearing.latest_on),
                "certainty": hearing.certainty,
                "state": hearing.state,
            }
            for hearing in shown.hearings
        ],
        "actions": [
            {
                "id": action.public_id,
                "number": action.number or None,
                "title": action.title,
                "issued_on": day(action.issued_on),
                "act_until": day(action.act_until),
                "state": action.stands(today),
                "words": None if action.stands(today) == "active" else action.said(today),
            }
            for action in shown.actions
        ],
        "published": [
            {
                "id": told.public_id,
                "kind": told.kind,
                "on": day(told.on),
                "title": told.title,
                "text": "\n\n".join(told.paragraphs),
                "state": told.state or None,
            }
            for told in shown.told
        ],
    }
