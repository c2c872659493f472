"""Hearings as a calendar file (RFC 5545): values in, bytes out. Words are chosen by who calls.

Lines end in CRLF and are folded at 75 octets. A time stands there as the court's wall time with its zone, so that a
calendar program that learns of new rules for the zone moves the instant and not the hour on the court's door.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from icalendar import Calendar, Component, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress
from icalendar import Event as CalendarEvent

from tracker.base.dates import zone_of
from tracker.hearings.rules import When

#: What a calendar program shows an event as.
Status = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]

#: How often a program is asked to look again (RFC 7986 5.7), in hours.
LOOK_AGAIN_HOURS = 1

#: Names the program that wrote the file, as RFC 5545 3.7.3 asks.
PRODUCT = "-//Urgent action tracker//Hearings//EN"


@dataclass(frozen=True, slots=True)
class Event:
    """One hearing as a calendar shows it. `revision` counts its changes, `changed_at` is the instant of the last one;
    `summary` and `description` name no person. `is_public`: everybody may know of it."""

    uid: str
    when: When
    revision: int
    changed_at: datetime
    status: Status
    summary: str
    description: str
    url: str
    is_public: bool = False


def uid_of(public_id: str, base_url: str) -> str:
    """What a hearing is called in every calendar, for ever: `hearing-<public id>@tracker.example.org`."""
    return f"hearing-{public_id}@{urlsplit(base_url).hostname}"


def write_feed(events: Sequence[Event], name: str) -> bytes:
    """The file a calendar program fetches again and again. `name` is what the program calls the calendar. Events
    without a date are left out."""
    calendar = _calendar()
    calendar.add("x-wr-calname", _plain(name))
    calendar.add("name", _plain(name))
    calendar.add("refresh-interval", timedelta(hours=LOOK_AGAIN_HOURS), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{LOOK_AGAIN_HOURS}H")
    # Without a method, the stamp of an event says when it last changed (RFC 5545 3.8.7.2).
    return _filled(calendar, [(event, event.changed_at) for event in events], organizer="")


def write_published(events: Sequence[Event], now: datetime, organizer: str) -> bytes:
    """The file that goes with a mail; empty where no event has a date. `organizer`: the plain address the mail comes
    from, which RFC 5546 3.2.1 asks for in what is published.

    Always PUBLISH. CANCEL (3.2.5) takes back an invitation from those who were invited, and nobody is: there are no
    attendees. One mail may also tell of a date that moved and of one that is off, and a file has one method. What is
    off is published with STATUS:CANCELLED under the same UID and a higher SEQUENCE.
    """
    dated = [(event, now) for event in events if event.when.earliest_on is not None]
    if not dated:
        return b""
    calendar = _calendar()
    calendar.add("method", "PUBLISH")
    return _filled(calendar, dated, organizer)


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    return calendar


def _filled(calendar: Calendar, events: Iterable[tuple[Event, datetime]], organizer: str) -> bytes:
    years: dict[str, set[int]] = {}
    written: list[Component] = []
    for event, stamp in events:
        when = event.when
        if when.earliest_on is None or when.latest_on is None:
            continue
        written.append(_component(event, stamp, organizer))
        if _tells_its_zone(when):
            years.setdefault(when.zone, set()).update((when.earliest_on.year, when.latest_on.year))
    for zone, when_there in sorted(years.items()):
        calendar.add_component(_zone(zone, min(when_there), max(when_there)))
    for component in written:
        calendar.add_component(component)
    return bytes(calendar.to_ical())


def _component(event: Event, stamp: datetime, organizer: str) -> CalendarEvent:
    component, when = CalendarEvent(), event.when
    component.add("uid", event.uid)
    component.add("sequence", event.revision)
    component.add("dtstamp", _whole(stamp))
    component.add("last-modified", _whole(event.changed_at))
    if when.local_date is not None and when.local_time is not None:
        wall = datetime.combine(when.local_date, when.local_time)
        if _tells_its_zone(when):
            component.add("dtstart", wall, parameters={"TZID": when.zone})
        else:
            component.add("dtstart", wall.replace(tzinfo=zone_of(when.zone), fold=when.fold or 0).astimezone(UTC))
    else:
        assert when.earliest_on is not None
        assert when.latest_on is not None
        component.add("dtstart", when.earliest_on)
        component.add("dtend", when.latest_on + timedelta(days=1))
        # Nobody is busy all day with a court that has not said when.
        component.add("transp", "TRANSPARENT")
    component.add("status", event.status)
    component.add("class", "PUBLIC" if event.is_public else "PRIVATE")
    component.add("summary", _plain(event.summary))
    component.add("description", _plain(event.description))
    component.add("url", event.url)
    if organizer:
        component.add("organizer", vCalAddress(f"mailto:{organizer}"))
    return component


def _tells_its_zone(when: When) -> bool:
    """Whether the wall time can stand with its zone. A wall time that comes twice is read as the first of the two
    (RFC 5545 3.3.5), so the second is written in UTC; and UTC needs no zone."""
    return when.local_time is not None and not when.fold and when.zone != "UTC"


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _plain(text: str) -> str:
    """Without what a calendar file may not hold: control characters but the end of a line."""
    return "".join(c for c in text.replace("\r\n", "\n") if c == "\n" or (ord(c) >= 32 and c not in "\x7f\u2028\u2029"))


# Zones ----------------------------------------------------------------------------------------------------------------


def _zone(name: str, first_year: int, last_year: int) -> Timezone:
    """The rules of a zone for these years and one more on either side, by the time zone data of this machine."""
    component = Timezone()
    component.add("tzid", name)
    for change in _changes(name, first_year - 1, last_year + 1):
        part = TimezoneDaylight() if change.is_summer else TimezoneStandard()
        part.add("dtstart", change.wall)
        part.add("tzoffsetfrom", change.before)
        part.add("tzoffsetto", change.after)
        part.add("tzname", change.name)
        component.add_component(part)
    return component


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of a zone's clock: the wall time at which it comes, by the clock before it; the offsets around it."""

    wall: datetime
    before: timedelta
    after: timedelta
    name: str
    is_summer: bool


@lru_cache(maxsize=256)
def _changes(zone: str, first_year: int, last_year: int) -> tuple[_Change, ...]:
    """How the clock stands at the beginning of the first year, and every change until the end of the last."""
    tz = zone_of(zone)

    def offset(at: datetime) -> timedelta:
        return at.astimezone(tz).utcoffset() or timedelta()

    def change(at: datetime, before: timedelta) -> _Change:
        there = at.astimezone(tz)
        return _Change(
            (at + before).replace(tzinfo=None), before, offset(at), there.tzname() or zone, bool(there.dst())
        )

    day = datetime(first_year, 1, 1, tzinfo=UTC)
    end = datetime(last_year + 1, 1, 1, tzinfo=UTC)
    found = [change(day, offset(day))]
    while day < end:
        following = day + timedelta(days=1)
        if offset(following) != offset(day):
            low, high = day, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if offset(middle) == offset(day) else (low, middle)
            found.append(change(high, offset(day)))
        day = following
    return tuple(found)
