"""A mail about a hearing did not arrive, or may not have: somebody hears of it while it still helps."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.flags.queries import list_flags
from tracker.flags.sweep import sweep_flags
from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import move_hearing
from tracker.outbox.models import Message
from tracker.pages.health import unsettled
from tracker.reminders.planning import plan_step

ZONE = "Asia/Jerusalem"


def at(text: str) -> datetime:
    """An instant, written in ISO 8601."""
    return datetime.fromisoformat(text)


def end(state: str, when: str, **more: Any) -> None:
    """Every mail that waits ends so."""
    with short_transaction() as session:
        waits = Message.state == "waiting"
        session.execute(update(Message).where(waits).values(state=state, ended_at=at(when), reason="a fault", **more))


def raised(now: str) -> list[int]:
    """Severities of the flag on all cases, after a sweep."""
    sweep_flags(at(now))
    db.session.rollback()
    found = [f.severity for f in list_flags(db.session(), at(now)) if f.rule == "mail-not-delivered"]
    db.session.rollback()
    return found


@pytest.mark.parametrize("state", ["not_delivered", "may_have_arrived"])
def test_the_flag_mail_not_delivered_stands_until_somebody_has_seen_to_it_or_it_is_over(court: Any, state: str) -> None:
    court.follower("amal@example.org")
    court.follower("basel@example.org")
    court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8), at("2024-04-08T09:30").time()))
    court.hearing(court.case(), on_day(ZONE, date(2024, 5, 8)))
    plan_step(at("2024-03-31T06:00Z"))
    assert raised("2024-04-01T06:00Z") == []
    with short_transaction() as session:
        session.execute(update(Message).where(Message.days_before != 7).values(state="cancelled"))
    end(state, "2024-04-01T06:00Z")
    # Two readers of one hearing are one flag: 72 hours before, it is urgent.
    assert raised("2024-04-01T06:01Z") == [2]
    assert raised("2024-04-05T06:29:59Z") == [2]
    assert raised("2024-04-05T06:30Z") == [3]
    assert raised("2024-04-08T06:29:59Z") == [3]
    assert raised("2024-04-08T06:30Z") == []
    with short_transaction() as session:
        session.execute(update(Message).where(Message.state == state).values(seen_to_at=at("2024-04-05T08:00Z")))
    assert raised("2024-04-05T08:00Z") == []


def test_without_a_time_it_is_urgent_until_noon_of_the_day(court: Any) -> None:
    court.follower("amal@example.org")
    court.hearing(court.case())
    court.tick("2024-04-07T06:00Z")
    end("not_delivered", "2024-04-07T06:00Z")
    with short_transaction() as session:
        session.execute(update(Message).values(state="not_delivered", ended_at=at("2024-04-07T06:00Z")))
    for now, urgent in (("2024-04-07T21:30Z", 1), ("2024-04-08T08:59:59Z", 1), ("2024-04-08T09:00Z", 0)):
        assert min(1, unsettled(db.session(), at(now))) == urgent, now
        db.session.rollback()


def test_that_a_date_was_lost_is_urgent_for_three_days(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8), at("2024-04-08T09:30").time()))
    court.tick("2024-04-01T06:00Z")
    assert len(court.mails(user)) == 1
    court.act("2024-04-02T06:00Z", move_hearing, hearing, in_window(ZONE, "not_set"))
    end("not_delivered", "2024-04-02T06:00Z")
    lost = at("2024-04-02T06:00Z")
    for span, urgent in ((timedelta(0), 1), (timedelta(hours=72, seconds=-1), 1), (timedelta(hours=72), 0)):
        assert unsettled(db.session(), lost + span) == urgent
        db.session.rollback()
    assert raised("2024-04-02T06:01Z") == [3]


def test_news_that_waited_until_it_was_history_does_not_leave(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8), at("2024-04-08T09:30").time()))
    court.tick("2024-04-01T06:00Z")
    court.mails(user)
    court.act("2024-04-02T06:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 4), at("2024-04-04T09:30").time()))
    # The relay could not be reached until a week after the later of both dates.
    court.tick("2024-04-15T06:30Z")
    assert court.mails(user) == []
    assert court.plan_of(user, "hearing.changed")[0][1] == "not_delivered"
