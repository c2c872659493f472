"""Hearings as calendar files beside a mail: for who asks for them, one file a mail, the same event each time."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from icalendar import Calendar
from signed_in import form_token, sign_in

from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import cancel_hearing, move_hearing, record_outcome
from tracker.reminders import service

pytestmark = pytest.mark.one_engine

NOW = datetime(2024, 3, 28, 9, tzinfo=UTC)


def with_files(court: Any, email: str = "owner@example.org") -> User:
    """An account whose mails carry calendar files."""
    user: User = court.staff(email)
    with unit_of_work("reminders.choose_files", COMMAND, now=NOW):
        service.choose_files(db.session(), user, wanted=True)
    return user


def file_of(mail: Any) -> Any:
    """The one calendar file of a mail, as a calendar program takes it."""
    said, beside = mail.message.iter_parts()
    assert said.get_content_type() == "multipart/alternative"
    assert beside.get_content_type() == "text/calendar"
    assert beside.get_param("method") == "PUBLISH"
    calendar = Calendar.from_ical(beside.get_payload(decode=True))
    assert not calendar.errors
    assert calendar["METHOD"] == "PUBLISH"
    return calendar


def events_of(mail: Any) -> list[Any]:
    """The events of its file."""
    return list(file_of(mail).walk("VEVENT"))


def test_nobody_gets_a_file_who_has_not_asked(court: Any) -> None:
    owner = court.staff("owner@example.org")
    court.hearing(court.case(owner=owner))
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(owner)
    assert mail.message.get_content_type() == "multipart/alternative"
    assert "calendar" not in mail.message.as_string()


def test_who_asks_on_the_page_gets_a_file_with_each_reminder(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    case = court.case(owner=owner)
    hearing = court.hearing(case, on_day("Asia/Jerusalem", date(2024, 4, 8), time(9, 30)))
    with clock.fixed_at(NOW):
        browser = sign_in(app, owner)
        token = form_token(browser)
        asked = browser.post("/reminders/calendar-files", data={"csrf_token": token, "with_ics": "y"})
        assert asked.status_code == 303
        (box,) = (tag for tag in browser.get("/reminders").text.split("<input") if 'name="with_ics"' in tag)
        assert "checked" in box.partition(">")[0]
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(owner)
    (event,) = events_of(mail)
    assert event["UID"] == f"hearing-{hearing.public_id}@127.0.0.1"
    assert (event["SEQUENCE"], event["STATUS"], event["CLASS"]) == (1, "CONFIRMED", "PRIVATE")
    assert event["DTSTART"].dt == datetime(2024, 4, 8, 9, 30, tzinfo=ZoneInfo("Asia/Jerusalem"))
    assert event["DTSTAMP"].dt == datetime(2024, 4, 1, 5, tzinfo=UTC)
    assert event["ORGANIZER"] == "mailto:tracker@example.org"
    assert "ATTENDEE" not in event
    assert case.ref in event["SUMMARY"]
    assert "Halabi" not in str(event)
    with clock.fixed_at(NOW):
        assert browser.post("/reminders/calendar-files", data={"csrf_token": token}).status_code == 303
    court.tick("2024-04-05T05:00Z")
    assert [m.message.get_content_type() for m in court.mails(owner)] == ["multipart/alternative"]


def test_a_change_says_the_same_event_again_with_a_higher_number(court: Any) -> None:
    owner = with_files(court)
    hearing = court.hearing(court.case(owner=owner), on_day("Asia/Jerusalem", date(2024, 4, 8), time(9, 30)))
    court.tick("2024-04-01T05:00Z")
    (told,) = events_of(court.mails(owner)[0])
    court.act("2024-04-02T09:00Z", move_hearing, hearing, on_day("Asia/Jerusalem", date(2024, 4, 15), time(9, 30)))
    court.tick("2024-04-02T09:01Z")
    (moved,) = events_of(court.mails(owner)[0])
    court.act("2024-04-03T09:00Z", cancel_hearing, hearing)
    court.tick("2024-04-03T09:01Z")
    (off,) = events_of(court.mails(owner)[0])
    assert told["UID"] == moved["UID"] == off["UID"]
    assert [e["SEQUENCE"] for e in (told, moved, off)] == [1, 2, 3]
    assert [e["STATUS"] for e in (told, moved, off)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [e["DTSTART"].dt.day for e in (told, moved, off)] == [8, 15, 15]


def test_a_date_that_is_lost_is_taken_out_of_the_calendar(court: Any) -> None:
    owner = with_files(court)
    hearing = court.hearing(court.case(owner=owner), on_day("Asia/Jerusalem", date(2024, 4, 8), time(9, 30)))
    court.tick("2024-04-01T05:00Z")
    (told,) = events_of(court.mails(owner)[0])
    court.act("2024-04-02T09:00Z", move_hearing, hearing, in_window("Asia/Jerusalem", "not_set"))
    court.tick("2024-04-02T09:01Z")
    (lost,) = events_of(court.mails(owner)[0])
    assert (lost["UID"], lost["STATUS"], lost["SEQUENCE"]) == (told["UID"], "CANCELLED", 2)
    assert lost["DTSTART"].dt == told["DTSTART"].dt
    assert "No new date is known yet." in lost["DESCRIPTION"]


def test_adjourned_sat_and_postponed_did_not(court: Any) -> None:
    owner = with_files(court)
    sat, stood = (court.hearing(court.case(owner=owner)) for _n in range(2))
    court.tick("2024-04-01T05:00Z")
    court.mails(owner)
    court.act("2024-04-08T12:00Z", record_outcome, sat, "adjourned")
    court.act("2024-04-08T12:00Z", record_outcome, stood, "postponed")
    court.tick("2024-04-08T12:01Z")
    said = {str(e["SUMMARY"]).partition(":")[0]: e["STATUS"] for m in court.mails(owner) for e in events_of(m)}
    assert said == {"Adjourned": "CONFIRMED", "Postponed": "CANCELLED"}


def test_a_mail_about_several_carries_one_file_with_all(court: Any) -> None:
    owner = with_files(court)
    found = [
        court.hearing(court.case(owner=owner), on_day("Asia/Jerusalem", date(2024, 4, 8), time(9, minute)))
        for minute in range(4)
    ]
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(owner)
    events = events_of(mail)
    assert {e["UID"] for e in events} == {f"hearing-{h.public_id}@127.0.0.1" for h in found}
    assert len(file_of(mail).walk("VTIMEZONE")) == 1


def test_who_is_staff_no_more_gets_the_news_without_a_file(court: Any) -> None:
    owner = with_files(court)
    case = court.case(owner=owner)
    hearing = court.hearing(case)
    court.tick("2024-04-01T05:00Z")
    assert len(events_of(court.mails(owner)[0])) == 1
    with unit_of_work("accounts.change", COMMAND, now=NOW):
        db.session.get_one(User, owner.id).role = "volunteer"
    court.act("2024-04-02T09:00Z", cancel_hearing, hearing)
    court.tick("2024-04-02T09:01Z")
    (mail,) = court.mails(owner)
    assert mail.message.get_content_type() == "multipart/alternative"
