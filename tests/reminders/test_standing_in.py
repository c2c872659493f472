"""Somebody who keeps cases is away: whoever stands in gets what they would, and they get it too."""

from datetime import date, datetime
from typing import Any

import pytest

from tracker.accounts.models import Membership, User
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.reminders import service
from tracker.reminders.queries import away_now

#: Seven days before 8 April, at the desk's eight o'clock.
MORNING = "2024-04-01T05:00Z"


def instant(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text)


def away(user: User, until: date | None) -> None:
    """Say until when an account is away."""
    with unit_of_work("accounts.away", COMMAND):
        account = db.session.get_one(User, user.id)
        account.away_until = until
        account.version += 1


def coordinator(court: Any, email: str = "coordinator@example.org") -> User:
    """Somebody who coordinates the desk and follows nothing."""
    user: User = court.staff(email)
    with unit_of_work("accounts.join", COMMAND):
        db.session.query(Membership).filter_by(user_id=user.id).one().coordinator = True
    return user


def test_where_no_deputy_is_the_coordinator_stands_in_and_the_owner_gets_theirs(court: Any) -> None:
    owner, stands_in = court.staff("owner@example.org"), coordinator(court)
    court.hearing(court.case(owner=owner))
    away(owner, date(2024, 4, 3))
    court.tick(MORNING)
    assert len(court.mails(owner)) == 1
    (mail,) = court.mails(stands_in)
    assert "You get this because you coordinate the desk of this case, and who keeps it is away." in mail.text
    court.tick("2024-04-04T05:00Z")
    assert len(court.mails(owner)) == 1
    assert court.mails(stands_in) == [], "the owner is back"
    assert court.plan_of(stands_in) == [(7, "sent", "")]


@pytest.mark.one_engine
def test_who_comes_back_early_is_stood_in_for_no_longer(court: Any) -> None:
    owner, stands_in = court.staff("owner@example.org"), coordinator(court)
    court.hearing(court.case(owner=owner))
    away(owner, date(2024, 4, 30))
    court.tick("2024-03-31T12:00Z")
    away(owner, None)
    court.tick(MORNING)
    assert [len(court.mails(u)) for u in (owner, stands_in)] == [1, 0]
    assert court.plan_of(stands_in)[0] == (7, "skipped", "whoever keeps the case is here again")


@pytest.mark.one_engine
def test_a_deputy_who_is_here_stands_in_alone(court: Any) -> None:
    owner, deputy, other = court.staff("owner@example.org"), court.staff("deputy@example.org"), coordinator(court)
    court.hearing(court.case(owner=owner, deputy=deputy))
    away(owner, date(2024, 4, 30))
    court.tick(MORNING)
    assert [len(court.mails(u)) for u in (owner, deputy, other)] == [1, 1, 0]
    away(deputy, date(2024, 4, 30))
    court.tick("2024-04-04T05:00Z")
    assert [len(court.mails(u)) for u in (owner, deputy, other)] == [1, 1, 1]


@pytest.mark.one_engine
def test_while_nobody_is_away_a_coordinator_gets_nothing(court: Any) -> None:
    owner, other = court.staff("owner@example.org"), coordinator(court)
    court.hearing(court.case(owner=owner))
    court.tick(MORNING)
    assert [len(court.mails(u)) for u in (owner, other)] == [1, 0]


@pytest.mark.one_engine
def test_who_goes_away_after_the_plan_was_made_is_stood_in_for(court: Any) -> None:
    owner, stands_in = court.staff("owner@example.org"), coordinator(court)
    court.hearing(court.case(owner=owner))
    court.tick("2024-03-31T12:00Z")
    away(owner, date(2024, 4, 3))
    court.tick(MORNING)
    assert len(court.mails(stands_in)) == 1


@pytest.mark.one_engine
def test_a_coordinator_who_stopped_the_desk_is_left_alone(court: Any) -> None:
    owner, stands_in = court.staff("owner@example.org"), coordinator(court)
    court.hearing(court.case(owner=owner))
    with unit_of_work("reminders.stop", COMMAND, now=instant("2024-03-30T05:00Z")) as now:
        service.follow(db.session(), stands_in, desk=court.desk, now=now)
        service.stop(db.session(), stands_in, desk=court.desk, now=now)
    away(owner, date(2024, 4, 3))
    court.tick(MORNING)
    assert court.mails(stands_in) == []


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("zone", "now", "is_away"),
    [
        (None, "2024-04-03T20:59:59Z", True),  # the desk's own midnight
        (None, "2024-04-03T21:00Z", False),
        ("Pacific/Kiritimati", "2024-04-03T09:59:59Z", True),
        ("Pacific/Kiritimati", "2024-04-03T10:00Z", False),
        ("Pacific/Pago_Pago", "2024-04-04T10:59:59Z", True),
        ("Pacific/Pago_Pago", "2024-04-04T11:00Z", False),
    ],
)
def test_somebody_is_away_until_the_day_is_over_on_their_own_calendar(
    court: Any, zone: str | None, now: str, is_away: bool
) -> None:
    user = court.staff("owner@example.org", zone=zone)
    assert away_now(db.session(), instant(now)) == {}
    away(user, date(2024, 4, 3))
    assert set(away_now(db.session(), instant(now))) == ({user.id} if is_away else set())
