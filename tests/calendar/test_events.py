"""What stands in a calendar: read back as a calendar program reads it, by the zones the file itself brings."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from house_of_cases import NOW, ZONE, Lived, statements, utc
from icalendar import Calendar, Event

from tracker.accounts.models import Desk, User
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.hearings import ics
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import When, between, in_window, instants, on_day
from tracker.reminders import service as reminders

MakesAddress = Callable[..., str]


def events_in(data: bytes) -> list[Event]:
    """The events of a file, in its order; the file must be one that a program takes."""
    calendar = Calendar.from_ical(data)
    assert not calendar.errors
    found: list[Event] = list(calendar.walk("VEVENT"))
    assert not any(event.errors for event in found)
    return found


def by_case(answer: Any) -> dict[str, Event]:
    """The events by the first case reference in their summary."""
    assert answer.status_code == 200
    events = events_in(answer.data)
    found = {str(e["SUMMARY"]).partition("(")[2].partition(")")[0]: e for e in events}
    assert len(found) == len(events)
    return found


def instant_by_the_file(data: bytes, uid: str) -> datetime:
    """When an event begins by the rules the file itself brings, whatever this machine knows of that zone."""
    calendar = Calendar.from_ical(data)
    zones = {str(z["TZID"]): z.to_tz(lookup_tzid=False) for z in calendar.walk("VTIMEZONE")}
    (event,) = (e for e in calendar.walk("VEVENT") if e["UID"] == uid)
    start = event["DTSTART"]
    if "TZID" not in start.params:
        assert start.dt.tzinfo is not None
        return start.dt.astimezone(UTC)
    wall = start.dt.replace(tzinfo=None)
    return wall.replace(tzinfo=zones[start.params["TZID"]]).astimezone(UTC)


def act(lived: Lived, now: datetime, what: Any, hearing: Hearing, *args: Any, **how: Any) -> None:
    """Do something with a hearing at an instant."""
    with unit_of_work("hearings.act", COMMAND, now=now):
        fresh = hearings.get_hearing(db.session(), hearing.id)
        what(db.session(), fresh, *args, version=fresh.version, **how)


def test_a_hearing_with_a_time(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    case = lived.case("Nadia Halabi", title="A title that names nobody")
    hearing = lived.hearing(
        case, place="Haifa", kind="trial_session", confirmation=hearings.Confirmation("lawyer", None)
    )
    (event,) = by_case(reads(address_of(lived.owner))).values()
    assert event["UID"] == f"hearing-{hearing.public_id}@127.0.0.1"
    assert event["SEQUENCE"] == 1
    assert event["STATUS"] == "CONFIRMED"
    assert event["CLASS"] == "PRIVATE"
    assert event["SUMMARY"] == f"Trial session: {case.nickname} ({case.ref}), Haifa"
    assert event["DTSTART"].params["TZID"] == ZONE
    assert event["DTSTART"].dt == datetime(2024, 4, 8, 9, 30, tzinfo=ZoneInfo(ZONE))
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == NOW
    assert event["URL"] == f"http://127.0.0.1:8000/cases/{case.ref}"
    said = str(event["DESCRIPTION"]).split("\n")
    assert said[0] == "Monday 8 April 2024, 09:30 Asia/Jerusalem"
    assert said[1] == "Confirmed on 18 March 2024."
    assert "lawyer" not in said
    assert said[-1] == f"http://127.0.0.1:8000/cases/{case.ref}"
    for name in ("ATTENDEE", "ORGANIZER", "LOCATION", "DTEND", "DURATION"):
        assert name not in event


def test_a_day_without_a_time_a_window_and_no_date(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    day, week, month, span, never = (lived.case() for _n in range(5))
    lived.hearing(day, when=on_day(ZONE, date(2024, 4, 8)))
    lived.hearing(week, when=in_window(ZONE, "week", date(2024, 4, 10)))
    lived.hearing(month, when=in_window(ZONE, "month", date(2024, 4, 10)), certainty="provisional")
    lived.hearing(span, when=between(ZONE, date(2024, 4, 10), date(2024, 4, 12)))
    lived.hearing(never, when=in_window(ZONE, "not_set"))
    answer = reads(address_of(lived.owner))
    found = by_case(answer)
    days = {ref: (e["DTSTART"].dt, e["DTEND"].dt - timedelta(days=1)) for ref, e in found.items()}
    assert days == {
        day.ref: (date(2024, 4, 8), date(2024, 4, 8)),
        week.ref: (date(2024, 4, 8), date(2024, 4, 14)),
        month.ref: (date(2024, 4, 1), date(2024, 4, 30)),
        span.ref: (date(2024, 4, 10), date(2024, 4, 12)),
    }
    assert {e["DTSTART"].params["VALUE"] for e in found.values()} == {"DATE"}
    assert {e["TRANSP"] for e in found.values()} == {"TRANSPARENT"}
    assert found[month.ref]["STATUS"] == "TENTATIVE"
    assert str(found[month.ref]["SUMMARY"]).endswith(" (some day in April 2024) (provisional)")
    assert "The date is provisional." in found[month.ref]["DESCRIPTION"]
    assert "time not announced" in found[day.ref]["DESCRIPTION"]
    assert b"VTIMEZONE" not in answer.data


AROUND_CHANGES = [
    on_day("Asia/Jerusalem", date(2024, 3, 28), time(9, 30)),
    on_day("Asia/Jerusalem", date(2024, 3, 29), time(1, 59)),
    on_day("Asia/Jerusalem", date(2024, 3, 29), time(3, 0)),
    on_day("Asia/Jerusalem", date(2024, 3, 29), time(9, 30)),
    on_day("Asia/Jerusalem", date(2024, 10, 27), time(1, 30), 0),
    on_day("Asia/Jerusalem", date(2024, 10, 27), time(1, 30), 1),
    on_day("Asia/Jerusalem", date(2024, 10, 27), time(9, 30)),
    on_day("Africa/Cairo", date(2024, 4, 25), time(23, 59)),
    on_day("Africa/Cairo", date(2024, 4, 26), time(1, 0)),
    on_day("Africa/Cairo", date(2024, 4, 26), time(9, 30)),
    on_day("Africa/Cairo", date(2024, 10, 31), time(23, 30), 0),
    on_day("Africa/Cairo", date(2024, 10, 31), time(23, 30), 1),
    on_day("Africa/Cairo", date(2024, 11, 1), time(0, 0)),
    on_day("Africa/Casablanca", date(2025, 3, 2), time(9, 0)),
    on_day("Africa/Casablanca", date(2025, 2, 20), time(9, 0)),
    on_day("Asia/Tehran", date(2024, 6, 1), time(9, 0)),
    on_day("UTC", date(2024, 6, 1), time(9, 0)),
    on_day("Europe/London", date(2039, 7, 1), time(9, 0)),
    on_day("America/Santiago", date(2024, 9, 8), time(9, 0)),
]


@pytest.mark.parametrize("when", AROUND_CHANGES, ids=lambda w: f"{w.zone}-{w.local_date}-{w.local_time:%H%M}-{w.fold}")
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among others"])
def test_the_instant_is_right_around_a_change_of_the_clocks(when: When, alone: bool) -> None:
    others = [] if alone else [w for w in AROUND_CHANGES if w != when]

    def event(number: int, at: When) -> ics.Event:
        return ics.Event(f"{number}@x", at, 1, NOW, "CONFIRMED", "s", "d", "https://t.example/cases/A-1")

    data = ics.write_feed([event(0, when), *(event(n + 1, w) for n, w in enumerate(others))], "Mine")
    assert instant_by_the_file(data, "0@x") == instants(when).starts_at
    (known,) = (e for e in events_in(data) if e["UID"] == "0@x")
    assert known["DTSTART"].dt.astimezone(UTC) == instants(when).starts_at


def test_a_hearing_that_moves_stays_the_same_event(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    hearing = lived.hearing(lived.case())
    path = address_of(lived.owner)
    (before,) = by_case(reads(path)).values()
    moved_at = NOW + timedelta(days=1)
    act(lived, moved_at, hearings.move_hearing, hearing, on_day(ZONE, date(2024, 4, 15), time(9, 30)))
    (after,) = by_case(reads(path, moved_at)).values()
    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (1, 2)
    assert after["DTSTART"].dt.date() == date(2024, 4, 15)
    assert after["LAST-MODIFIED"].dt == after["DTSTAMP"].dt == moved_at


@pytest.mark.parametrize("state", ["cancelled", "postponed"])
def test_what_is_off_stays_for_thirty_days_and_goes(
    lived: Lived, address_of: MakesAddress, reads: Any, state: str
) -> None:
    hearing = lived.hearing(lived.case(), when=on_day(ZONE, date(2024, 6, 10), time(9, 0)))
    path = address_of(lived.owner)
    (before,) = by_case(reads(path)).values()
    off_at = utc("2024-04-01T10:00")
    if state == "cancelled":
        act(lived, off_at, hearings.cancel_hearing, hearing)
    else:
        act(lived, off_at, hearings.record_outcome, hearing, "postponed")
    (after,) = by_case(reads(path, off_at)).values()
    assert (after["UID"], after["STATUS"], after["SEQUENCE"]) == (before["UID"], "CANCELLED", 2)
    assert str(after["SUMMARY"]).startswith(f"{state.capitalize()}: Hearing")
    assert "This hearing was" in after["DESCRIPTION"]
    thirty = timedelta(days=30)
    assert len(by_case(reads(path, off_at + thirty - timedelta(seconds=1)))) == 1
    assert by_case(reads(path, off_at + thirty)) == {}


def test_a_hearing_that_sat_stays_until_thirty_days_after_its_day(
    lived: Lived, address_of: MakesAddress, reads: Any
) -> None:
    adjourned, sat = lived.hearing(lived.case()), lived.hearing(lived.case())
    path = address_of(lived.owner)
    said_at = utc("2024-04-08T12:00")
    act(lived, said_at, hearings.record_outcome, adjourned, "adjourned")
    act(lived, said_at, hearings.record_outcome, sat, "took_place")
    events = {e["UID"]: e for e in by_case(reads(path, said_at)).values()}
    first, second = (events[f"hearing-{h.public_id}@127.0.0.1"] for h in (adjourned, sat))
    assert {first["STATUS"], second["STATUS"]} == {"CONFIRMED"}  # the court sat
    assert str(first["SUMMARY"]).startswith("Adjourned: ")
    assert str(second["SUMMARY"]).startswith("Hearing: ")
    day_over = utc("2024-04-08T21:00")
    assert len(by_case(reads(path, day_over + timedelta(days=30) - timedelta(seconds=1)))) == 2
    assert by_case(reads(path, day_over + timedelta(days=30))) == {}


def test_lines_end_in_crlf_and_fold_at_75_octets_in_arabic(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    with lived.at() as session:
        session.get_one(User, lived.owner.id).language = "ar"
    case = lived.case()
    with lived.at() as session:
        session.get_one(Case, case.id).nickname = "أرز الجبل العالي فوق الغيم"
    lived.hearing(case, place="المحكمة الكبرى، حيفا; القاعة \\ الثانية " * 3, kind="detention_review")
    data = reads(address_of(lived.owner)).data
    lines = data.split(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no letter is cut in two
    (event,) = events_in(data)
    assert "أرز الجبل العالي فوق الغيم" in event["SUMMARY"]
    assert "القاعة \\ الثانية" in event["SUMMARY"]


def test_no_name_of_a_person_stands_in_it(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    case = lived.case("Nadia Halabi", title="Nadia Halabi held")
    lived.hearing(case, court="Court of Halabi", observer="Nadia's cousin", note="Halabi", place="Haifa")
    data = reads(address_of(lived.owner)).data
    assert b"Haifa" in data
    assert b"Halabi" not in data
    assert b"Nadia" not in data
    assert b"example.org" not in data


def test_a_hearing_of_several_cases_names_those_that_are_followed_and_seen(
    lived: Lived, address_of: MakesAddress, reads: Any
) -> None:
    mine = [lived.case() for _n in range(4)]
    others = lived.case(owner=False, audience=Audience.NAMED)
    unfollowed = lived.case(owner=False)
    lived.hearing(*mine, others, unfollowed)
    (event,) = events_in(reads(address_of(lived.owner)).data)
    for case in mine:
        assert case.ref in event["DESCRIPTION"]
    assert str(event["SUMMARY"]).endswith(f"({mine[2].ref}) and 1 more")
    assert others.ref not in event["DESCRIPTION"]
    assert unfollowed.ref not in event["DESCRIPTION"]


def test_each_reading_asks_again_what_may_be_seen(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    def follow(user: User, **what: Any) -> None:
        with lived.at() as session:
            reminders.follow(session, session.get_one(User, user.id), now=NOW, **what)

    case, handed_over, closed, stopped = (lived.case(owner=False) for _n in range(4))
    for each in (case, handed_over, closed, stopped):
        lived.hearing(each)
    follow(lived.colleague, desk=lived.desk)
    path = address_of(lived.colleague)
    assert set(by_case(reads(path))) == {c.ref for c in (case, handed_over, closed, stopped)}
    with lived.at() as session:
        reminders.stop(session, session.get_one(User, lived.colleague.id), case=stopped, now=NOW)
    assert stopped.ref not in by_case(reads(path))
    with lived.at() as session:
        session.get_one(Case, handed_over.id).audience = Audience.NAMED
    assert handed_over.ref not in by_case(reads(path))
    with lived.at() as session:
        fresh = session.get_one(Case, closed.id)
        cases.close_case(session, fresh, session.get_one(Desk, lived.desk.id), reason="released")
    assert set(by_case(reads(path))) == {case.ref}
    with lived.at() as session:
        for membership in session.get_one(User, lived.colleague.id).memberships:
            session.delete(membership)
    assert by_case(reads(path)) == {}


def test_it_costs_the_same_with_one_hearing_and_with_a_hundred(
    lived: Lived, address_of: MakesAddress, reads: Any
) -> None:
    case = lived.case()
    path = address_of(lived.owner)
    lived.hearing(case)
    reads(path)  # notes that it was read

    def count(hearings_there: int) -> int:
        db.session.rollback()
        with statements() as counted:
            assert len(events_in(reads(path).data)) == hearings_there
        return len(counted.said)

    one = count(1)
    appearing = [hearings.Appears(case.id, lived.person(case))]
    with lived.at() as session:
        for number in range(99):
            day = on_day(ZONE, date(2024, 4, 9) + timedelta(days=number % 60), time(9, number % 60))
            hearings.schedule_hearing(session, day, appearing=appearing, kind="mention", court="A court")
    # One of them asks which mode the house is in.
    assert count(100) == one <= 4
