"""A morning with many hearings is one mail, and every promise holds for each hearing in it."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.hearings.rules import on_day
from tracker.hearings.service import cancel_hearing, move_hearing

ZONE = "Asia/Jerusalem"

#: Seven days before 8 April, at the desk's eight o'clock.
MORNING = "2024-04-01T05:00Z"


def four(court: Any, hour: int = 9) -> list[Any]:
    """Four hearings on 8 April, one of each of four cases, an hour apart."""
    return [court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8), time(hour + n, 30))) for n in range(4)]


def test_four_hearings_are_one_mail_that_says_first_what_is_in_it(court: Any) -> None:
    user = court.follower("amal@example.org")
    four(court)
    court.tick(MORNING)
    (mail,) = court.mails(user)
    db.session.rollback()
    of = db.session.query(Case).order_by(Case.ref).all()
    assert mail.message["Subject"] == (
        f"4 hearings: first Mon 8 Apr 2024 09:30 Haifa, {of[0].nickname} ({of[0].ref}), and 3 more"
    )
    text = mail.text.replace("\r\n", "\n")
    assert text.startswith(
        "".join(f"- Mon 8 Apr 2024 {9 + n:02}:30 Haifa: hearing, {of[n].nickname} ({of[n].ref})\n" for n in range(4))
    )
    details = [text.index(f"When: Monday 8 April 2024, {9 + n:02}:30") for n in range(4)]
    assert details == sorted(details)
    assert text.count("/reminders/stop/") == 4
    assert mail.html.count("<li>Mon 8 Apr 2024") == 4
    assert [row[:2] for row in court.plan_of(user) if row[0] == 7] == [(7, "sent")] * 4
    assert "Halabi" not in mail.raw.decode()


def test_two_hearings_are_two_mails(court: Any) -> None:
    user = court.follower("amal@example.org")
    for _n in range(2):
        court.hearing(court.case())
    court.tick(MORNING)
    assert len(court.mails(user)) == 2


@pytest.mark.one_engine
def test_the_day_before_each_has_a_mail_of_its_own(court: Any) -> None:
    user = court.follower("amal@example.org")
    four(court)
    court.tick("2024-04-07T05:00Z")
    assert len(court.mails(user)) == 4


@pytest.mark.one_engine
def test_one_entered_later_on_the_day_goes_at_once_and_alone(court: Any) -> None:
    user = court.follower("amal@example.org")
    for _n in range(2):
        court.hearing(court.case())
    court.tick(MORNING)
    court.mails(user)
    court.hearing(court.case(), now=datetime(2024, 4, 1, 7, tzinfo=UTC))
    court.tick("2024-04-01T07:00Z")
    (mail,) = court.mails(user)
    assert str(mail.message["Subject"]).startswith("In 7 days, Mon 8 Apr 2024")


@pytest.mark.one_engine
def test_each_reader_has_a_mail_of_their_own(court: Any) -> None:
    users = [court.follower(f"amal{n}@example.org") for n in range(3)]
    four(court)
    assert court.tick(MORNING)["sent"] == 12
    assert [len(court.mails(u)) for u in users] == [1, 1, 1]


def packed(court: Any, user: Any) -> list[Any]:
    """Four hearings of which one mail waits, because the relay is down."""
    hearings = four(court)
    court.sink.stop()
    court.tick(MORNING)
    court.sink.start()
    assert court.mails(user) == []
    return hearings


def test_a_hearing_that_moved_meanwhile_is_left_out(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearings = packed(court, user)
    court.act("2024-04-01T05:01Z", move_hearing, hearings[0], on_day(ZONE, date(2024, 5, 20), time(9, 30)))
    court.tick("2024-04-01T05:02Z")
    (mail,) = court.mails(user)
    assert str(mail.message["Subject"]).startswith("3 hearings: first Mon 8 Apr 2024 10:30")
    assert "09:30" not in mail.text
    assert [row[1:] for row in court.plan_of(user) if row[0] == 7] == [
        ("cancelled", "the hearing moved"),
        *[("sent", "")] * 3,
    ]


def test_a_case_they_may_no_longer_see_is_left_out(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearings = packed(court, user)
    db.session.rollback()
    hidden = db.session.query(Case).order_by(Case.ref).first()
    keeper = court.staff("keeper@example.org")
    with unit_of_work("cases.edit", COMMAND):
        found = db.session.get_one(Case, hidden.id)
        cases.edit_case(db.session(), found, version=found.version, audience=Audience.NAMED, owner_id=keeper.id)
        ref = found.ref
    court.tick("2024-04-01T05:02Z")
    court.tick("2024-04-01T05:04Z")
    (mail,) = court.mails(user)
    assert ref not in mail.raw.decode()
    assert mail.text.count("/reminders/stop/") == 3
    assert len(hearings) == 4
    assert ("skipped", "they may no longer see it") in [row[1:] for row in court.plan_of(user) if row[0] == 7]


def test_where_nothing_is_true_any_more_nothing_leaves(court: Any) -> None:
    user = court.follower("amal@example.org")
    for hearing in packed(court, user):
        court.act("2024-04-01T05:01Z", cancel_hearing, hearing)
    for minute in (2, 4, 20):
        court.tick(f"2024-04-01T05:{minute:02}Z")
    assert court.mails(user) == []
    assert {row[1] for row in court.plan_of(user)} == {"cancelled"}


def test_of_two_that_are_left_one_that_is_alone_is_an_ordinary_mail(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearings = packed(court, user)
    for hearing in hearings[1:]:
        court.act("2024-04-01T05:01Z", cancel_hearing, hearing)
    court.tick("2024-04-01T05:02Z")
    (mail,) = court.mails(user)
    assert str(mail.message["Subject"]).startswith("In 7 days, Mon 8 Apr 2024 09:30 Haifa: hearing")
    assert mail.text.startswith("In 7 days: hearing")
