"""What changes after a mail was written and before it may leave: it is written again."""

from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any

import pytest
from mail_sink import MailSink
from outbox_ground import WatchedSink
from signed_in import make_desk

from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.hearings.rules import on_day
from tracker.hearings.service import Confirmation, cancel_hearing, confirm_hearing, edit_hearing

NINE_THIRTY = on_day("Asia/Jerusalem", date(2024, 4, 8), time(9, 30))
FOUR_DAYS_BEFORE, DAY_BEFORE = "2024-04-04T05:00Z", "2024-04-07T05:00Z"


@pytest.fixture
def mail_sink() -> Iterator[MailSink]:
    """A mail server during whose answer to RCPT something else happens: words are found by then, nothing has left."""
    sink = WatchedSink()
    sink.start()
    yield sink
    sink.stop()


def meanwhile(court: Any, change: Callable[[], None]) -> None:
    """Let this happen before the next mail may leave."""

    def elsewhere() -> None:
        with court.app.app_context():
            change()
            db.session.remove()

    court.sink.at_rcpt.append(elsewhere)


def to_another_desk(case: Case) -> None:
    other = make_desk("OTHR")
    with unit_of_work("cases.change", COMMAND):
        db.session.get_one(Case, case.id).desk_id = other.id


def test_a_case_its_reader_may_no_longer_see_is_not_named_beside_another(court: Any) -> None:
    user = court.follower("amal@example.org")
    one, two = court.case(), court.case()
    court.hearing([one, two], NINE_THIRTY)
    meanwhile(court, lambda: to_another_desk(two))
    court.tick(FOUR_DAYS_BEFORE)
    (mail,) = court.mails(user)
    assert one.ref in mail.text
    assert two.ref not in mail.raw.decode()


def test_a_date_that_became_sure_is_not_told_as_provisional(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY, certainty="provisional")
    meanwhile(court, lambda: court.act(FOUR_DAYS_BEFORE, confirm_hearing, hearing, Confirmation("the lawyer")))
    court.tick(FOUR_DAYS_BEFORE)
    (mail,) = court.mails(user)
    assert "by: the lawyer" in mail.text
    assert "provisional" not in mail.text


def test_a_place_put_right_is_told_as_it_is(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    meanwhile(court, lambda: court.act(FOUR_DAYS_BEFORE, edit_hearing, hearing, kind="verdict"))
    court.tick(FOUR_DAYS_BEFORE)
    (mail,) = court.mails(user)
    assert "erdict" in mail.message["Subject"]


def test_a_notice_names_no_case_its_reader_may_no_longer_see(court: Any) -> None:
    user = court.follower("amal@example.org")
    one, two = court.case(), court.case()
    hearing = court.hearing([one, two], NINE_THIRTY)
    court.tick(FOUR_DAYS_BEFORE)
    court.mails(user)
    court.act(DAY_BEFORE, cancel_hearing, hearing)
    meanwhile(court, lambda: to_another_desk(two))
    court.tick(DAY_BEFORE)
    (mail,) = court.mails(user)
    assert mail.kind == "hearing.changed"
    assert one.ref in mail.text
    assert two.ref not in mail.raw.decode()


def test_several_hearings_in_one_mail_are_each_as_they_are(court: Any) -> None:
    user = court.follower("amal@example.org")
    court_cases = [court.case() for _ in range(4)]
    made = [court.hearing(case, NINE_THIRTY) for case in court_cases]
    meanwhile(court, lambda: court.act(FOUR_DAYS_BEFORE, edit_hearing, made[2], kind="verdict"))
    court.tick(FOUR_DAYS_BEFORE)
    (mail,) = court.mails(user)
    assert all(case.ref in mail.text for case in court_cases)
    assert mail.text.count("verdict") + mail.text.count("Verdict") > 0
