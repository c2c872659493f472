"""Service health: what leaves, what left, what did not, and the one line when something is wrong."""

from datetime import timedelta

import pytest
from house_of_cases import NOW, Lived
from sqlalchemy import update

from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.clockwork.models import Heartbeat
from tracker.outbox.models import Message
from tracker.reminders.planning import plan_step
from tracker.reminders.service import follow


def beat(lived: Lived, ago: timedelta) -> None:
    """The clock last ran so long ago."""
    with short_transaction() as session:
        session.merge(Heartbeat(step="flags.sweep", started_at=NOW - ago, ended_at=NOW - ago, failures=0, fault=""))
    lived.app.extensions.pop("service_seen", None)


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("ago", "warned"),
    [
        (timedelta(minutes=4, seconds=59), False),
        (timedelta(minutes=5), True),
        (timedelta(minutes=5, seconds=1), True),
    ],
)
def test_a_clock_silent_for_five_minutes_is_told_on_every_page(lived: Lived, ago: timedelta, warned: bool) -> None:
    beat(lived, ago)
    page = lived.browser(lived.owner).get("/cases").text
    assert ("The clock last ran" in page) is warned


@pytest.mark.one_engine
def test_a_clock_that_never_ran_is_told_and_volunteers_are_spared(lived: Lived) -> None:
    assert "The clock has never run" in lived.browser(lived.owner).get("/cases").text
    assert "The clock has never run" not in lived.browser(lived.volunteer).get("/cases").text


@pytest.mark.one_engine
def test_without_a_relay_staff_are_told_what_to_set(lived: Lived) -> None:
    beat(lived, timedelta())
    assert "TRACKER_SMTP_URL" in lived.browser(lived.owner).get("/cases").text


def test_the_mail_of_the_next_week_is_listed_with_why(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.hearing(case)
    with lived.at() as session:
        follow(session, session.merge(lived.colleague), desk=session.merge(lived.desk), now=NOW)
    later = NOW + timedelta(days=10)
    plan_step(later)
    beat(lived, timedelta(days=-10))
    page = lived.browser(lived.owner, later).get("/service").text
    week = page.split('id="week"')[1].split("</section>")[0]
    assert "Basel" in week
    assert "follows the desk" in week
    assert "keeps the case" in week
    assert "Khalefa" not in week
    assert "7-day reminder" in week
    assert "Times are those of Asia/Jerusalem." in page


def test_what_was_not_delivered_stands_on_top(lived: Lived) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(NOW + timedelta(days=10))
    with short_transaction() as session:
        session.execute(update(Message).values(state="not_delivered", reason="the mailbox is full", ended_at=NOW))
    page = lived.browser(lived.owner).get("/service").text
    stuck = page.split('id="stuck"')[1].split("</section>")[0]
    assert "the mailbox is full" in stuck
    assert "Amal" in stuck


def test_other_desks_learn_nothing_of_our_mail(lived: Lived) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(NOW + timedelta(days=10))
    page = lived.browser(lived.outsider, NOW + timedelta(days=10)).get("/service").text
    assert "IOPT-0001" not in page
    assert "Amal" not in page
    db.session.rollback()
