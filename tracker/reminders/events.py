"""Hearings as events of somebody's calendar, in words: in the feed, and in the file that goes with a mail.

Calendars are kept by other companies and shown to whoever stands beside: a nickname, a reference, a kind and a city
stand in them, never a person, a court or a charge.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from flask_babel import gettext as _

from tracker.base.labels import label
from tracker.base.words import say_date, say_plain_date, say_time, say_window, say_zone
from tracker.cases.models import Case
from tracker.hearings.ics import Event, Status, uid_of
from tracker.hearings.models import Hearing
from tracker.hearings.rules import When, when_of

#: States in which a hearing is shown as off: it did not sit, or will not.
OFF = ("cancelled", "postponed")

#: Cases named in one line; further ones are counted.
NAMED = 3


def events_of(
    hearings: Sequence[tuple[Hearing, Sequence[Case]]],
    changes: Mapping[int, datetime],
    base_url: str,
    told: Mapping[int, When] | None = None,
) -> list[Event]:
    """These hearings with the cases their reader may know of, as events in the language spoken now. `changes`: when
    each last changed, by its id.

    A hearing without a date is no event, but where `told` (hearing id → when) says what stands in the reader's
    calendar: that date is off.
    """
    events = []
    for hearing, cases in hearings:
        when, is_off = when_of(hearing), hearing.state in OFF
        if when.earliest_on is None and told is not None and hearing.id in told:
            when, is_off = told[hearing.id], True
        if when.earliest_on is not None:
            events.append(_event(hearing, cases, when, is_off, changes.get(hearing.id, hearing.created_at), base_url))
    return events


def when_told(tells: Mapping[str, Any]) -> When:
    """When a hearing is, as a message has told it."""
    first, last = (date.fromisoformat(tells[key]) if tells.get(key) else None for key in ("earliest", "latest"))
    day = date.fromisoformat(tells["date"]) if tells.get("date") else None
    at = time.fromisoformat(tells["time"]) if tells.get("time") else None
    return When(tells["zone"], day, at, tells.get("fold"), tells["precision"], first or day, last or day)


def _event(
    hearing: Hearing, cases: Sequence[Case], when: When, is_off: bool, changed_at: datetime, base_url: str
) -> Event:
    provisional = hearing.certainty == "provisional"
    status: Status = "CANCELLED" if is_off else "TENTATIVE" if provisional else "CONFIRMED"
    return Event(
        uid=uid_of(hearing.public_id, base_url),
        when=when,
        revision=hearing.schedule_rev,
        changed_at=changed_at,
        status=status,
        summary=_summary(hearing, cases, when),
        description="\n".join(_description(hearing, cases, when, is_off, base_url)),
        url=f"{base_url}/cases/{cases[0].ref}",
    )


def _summary(hearing: Hearing, cases: Sequence[Case], when: When) -> str:
    """`Hearing: Cedar (IOPT-0004), Haifa (provisional)`; what is off, or goes on another day, begins with that."""
    names = _names(cases)
    kind = label(hearing.kind, "hearing_kind")
    said = _("%(kind)s: %(cases)s", kind=kind[:1].upper() + kind[1:], cases=names)
    if hearing.place:
        said = _("%(first)s, %(second)s", first=said, second=hearing.place)
    if when.local_date is None:
        window = say_window(when.precision, when.earliest_on, when.latest_on)
        said = _("%(what)s (some day %(window)s)", what=said, window=window)
    if hearing.certainty == "provisional":
        said = _("%(what)s (provisional)", what=said)
    return {
        "cancelled": _("Cancelled: %(what)s", what=said),
        "postponed": _("Postponed: %(what)s", what=said),
        "adjourned": _("Adjourned: %(what)s", what=said),
    }.get(hearing.state, said)


def _names(cases: Sequence[Case]) -> str:
    names = [f"{case.nickname} ({case.ref})" for case in cases[:NAMED]]
    joined = _(", ").join(names)
    more = len(cases) - NAMED
    return joined if more <= 0 else _("%(names)s and %(number)d more", names=joined, number=more)


def _description(hearing: Hearing, cases: Sequence[Case], when: When, is_off: bool, base_url: str) -> list[str]:
    lines = [_at_the_court(when)]
    if is_off:
        lines.append(_off(hearing))
    elif hearing.state == "adjourned":
        lines.append(_("The court sat, and goes on another day."))
    else:
        lines += _how_sure(hearing)
    lines.append("")
    lines.append(_("More, after signing in:"))
    lines += [f"{base_url}/cases/{case.ref}" for case in cases]
    return lines


def _at_the_court(when: When) -> str:
    zone = say_zone(when.zone)
    if when.local_date is None:
        window = say_window(when.precision, when.earliest_on, when.latest_on)
        return _("%(window)s, %(zone)s", window=window[:1].upper() + window[1:], zone=zone)
    day = say_date(when.local_date)
    if when.local_time is None:
        return _("%(date)s, time not announced, %(zone)s", date=day, zone=zone)
    return _("%(date)s, %(time)s %(zone)s", date=day, time=say_time(when.local_time), zone=zone)


def _off(hearing: Hearing) -> str:
    if hearing.state == "cancelled":
        return _("This hearing was cancelled: it will not take place.")
    if hearing.state == "postponed":
        return _("This hearing was postponed: the court did not sit on it.")
    return _("No new date is known yet.")


def _how_sure(hearing: Hearing) -> list[str]:
    """How sure the date is, counted from no day: nobody knows when a calendar is looked at."""
    said = [_("The date is provisional.")] if hearing.certainty == "provisional" else []
    if hearing.confirmed_at is None:
        said.append(_("Nobody has confirmed this date."))
    elif hearing.certainty == "provisional":
        said.append(_("Last told on %(date)s.", date=say_plain_date(hearing.confirmed_at.date())))
    else:
        said.append(_("Confirmed on %(date)s.", date=say_plain_date(hearing.confirmed_at.date())))
    return said
