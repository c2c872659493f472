"""Who could not be told of a change when it was made is told when they come back: once, and while it is news."""

from datetime import date, datetime, time
from typing import Any

import pytest
from house_of_cases import statements
from sqlalchemy import select

from tracker.accounts import service as accounts
from tracker.accounts.models import Membership, User
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.hearings.rules import on_day
from tracker.hearings.service import Confirmation, cancel_hearing, confirm_hearing, move_hearing
from tracker.outbox.bounces import reach_again, stop_sending
from tracker.outbox.models import Message, Recipient
from tracker.reminders import service
from tracker.reminders.planning import plan

ZONE = "Asia/Jerusalem"
NINE_THIRTY = on_day(ZONE, date(2024, 4, 8), time(9, 30))
LATER = on_day(ZONE, date(2024, 4, 22), time(9, 30))

#: How somebody cannot be told, and how the notice ends that was planned before.
ENDS = {
    "desk": ("skipped", "they may no longer see it"),
    "account": ("skipped", "the account is not active any more"),
    "address": ("cancelled", "mail to this address comes back"),
}


def instant(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text)


def turn(court: Any, user: User, how: str, now: str) -> None:
    """Somebody leaves the desk, their account is closed, mail to them comes back; or, the second time, all is well."""
    with unit_of_work("tests", COMMAND, now=instant(now)) as at:
        session = db.session()
        fresh = session.get_one(User, user.id)
        if how == "desk":
            held = session.scalar(select(Membership).where(Membership.user_id == user.id))
            if held is None:
                session.add(Membership(user_id=user.id, desk_id=court.desk.id, coordinator=False))
            else:
                session.delete(held)
        elif how == "account" and fresh.active:
            accounts.disable(session, fresh, at)
        elif how == "account":
            fresh.active = True
            fresh.version += 1
        else:
            recipient = session.scalars(select(Recipient).where(Recipient.user_id == user.id)).one()
            if recipient.suppressed_at is None:
                stop_sending(session, recipient, "it came back", at)
            else:
                reach_again(session, recipient.id, at)


def subjects(court: Any, user: User) -> list[str]:
    """How the subjects of what came for somebody begin."""
    return [str(mail.message["Subject"]).split(":")[0] for mail in court.mails(user)]


def told(court: Any, user: User, **about: Any) -> Any:
    """A hearing told a week before."""
    hearing = court.hearing(court.case(), NINE_THIRTY, **about)
    court.tick("2024-04-01T05:00Z")
    assert len(court.mails(user)) == 1
    return hearing


@pytest.mark.parametrize("how", ENDS)
def test_who_was_out_of_reach_when_it_was_cancelled_is_told_once_when_they_are_back(court: Any, how: str) -> None:
    user = court.follower("amal@example.org")
    hearing = told(court, user)
    turn(court, user, how, "2024-04-02T09:00Z")
    court.act("2024-04-02T10:00Z", cancel_hearing, hearing)
    for now in ("2024-04-02T10:00Z", "2024-04-02T12:00Z"):
        court.tick(now)
    assert court.plan_of(user, "hearing.changed") == []
    turn(court, user, how, "2024-04-02T12:10Z")
    court.tick("2024-04-02T12:11Z")
    assert subjects(court, user) == ["Cancelled"]
    for now in ("2024-04-02T12:12Z", "2024-04-02T14:00Z"):
        court.tick(now)
    turn(court, user, how, "2024-04-02T14:10Z")
    turn(court, user, how, "2024-04-02T14:11Z")
    court.tick("2024-04-02T14:12Z")
    assert subjects(court, user) == []
    assert court.plan_of(user, "hearing.changed") == [(None, "sent", "")]


@pytest.mark.parametrize("how", ENDS)
def test_a_notice_that_its_reader_could_not_be_told_just_then_comes_back_under_its_key(court: Any, how: str) -> None:
    user = court.follower("amal@example.org")
    hearing = told(court, user)
    court.sink.stop()
    court.act("2024-04-02T10:00Z", move_hearing, hearing, LATER)
    court.tick("2024-04-02T10:00Z")
    turn(court, user, how, "2024-04-02T10:01Z")
    court.sink.start()
    court.tick("2024-04-02T10:10Z")
    assert court.plan_of(user, "hearing.changed") == [(None, *ENDS[how])]
    db.session.rollback()
    key = db.session.scalar(select(Message.dedupe_key).where(Message.kind == "hearing.changed"))
    turn(court, user, how, "2024-04-02T10:20Z")
    for now in ("2024-04-02T10:21Z", "2024-04-02T10:22Z", "2024-04-02T12:00Z"):
        court.tick(now)
    assert subjects(court, user) == ["Moved"]
    db.session.rollback()
    rows = db.session.execute(select(Message.dedupe_key, Message.state).where(Message.kind == "hearing.changed"))
    assert [tuple(row) for row in rows] == [(key, "sent")]


@pytest.mark.one_engine
def test_what_is_due_of_a_hearing_that_moved_meanwhile_is_served_by_that_notice(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = told(court, user)
    turn(court, user, "desk", "2024-04-02T09:00Z")
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 9), time(9, 30)))
    court.tick("2024-04-02T12:00Z")
    turn(court, user, "desk", "2024-04-03T09:00Z")
    court.tick("2024-04-03T09:01Z")
    assert subjects(court, user) == ["Moved"]
    assert (7, "skipped", "served by the notice of the change") in court.plan_of(user)


@pytest.mark.parametrize(("back", "told_then"), [("2024-04-15T06:29:59Z", ["Cancelled"]), ("2024-04-15T06:30Z", [])])
@pytest.mark.parametrize("planned", [False, True])
@pytest.mark.one_engine
def test_who_comes_back_when_it_is_history_is_not_told(
    court: Any, back: str, told_then: list[str], planned: bool
) -> None:
    user = court.follower("amal@example.org")
    hearing = told(court, user)
    if planned:
        court.sink.stop()
        court.act("2024-04-02T10:00Z", cancel_hearing, hearing)
        court.tick("2024-04-02T10:00Z")
        court.sink.start()
    turn(court, user, "account", "2024-04-02T10:01Z")
    if not planned:
        court.act("2024-04-02T10:02Z", cancel_hearing, hearing)
    court.tick("2024-04-02T10:10Z")
    turn(court, user, "account", back)
    court.tick(back)
    assert subjects(court, user) == told_then


@pytest.mark.one_engine
def test_the_date_that_was_told_counts_where_the_true_one_is_long_past(court: Any) -> None:
    from tracker.hearings.service import correct_hearing

    user = court.follower("amal@example.org")
    hearing = told(court, user)
    turn(court, user, "desk", "2024-04-02T09:00Z")
    right = on_day(ZONE, date(2024, 3, 20), time(9, 30))
    court.act("2024-04-02T10:00Z", correct_hearing, hearing, right, unlikely_is_meant=True)
    court.tick("2024-04-02T10:01Z")
    turn(court, user, "desk", "2024-04-03T09:00Z")
    court.tick("2024-04-03T09:01Z")
    assert subjects(court, user) == ["Corrected"]


@pytest.mark.one_engine
def test_moved_there_and_back_while_they_were_away_is_no_news(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = told(court, user)
    turn(court, user, "desk", "2024-04-02T09:00Z")
    for hour, when in ((10, LATER), (11, NINE_THIRTY)):
        court.act(f"2024-04-02T{hour}:00Z", move_hearing, hearing, when)
        court.tick(f"2024-04-02T{hour}:01Z")
    turn(court, user, "desk", "2024-04-02T12:00Z")
    court.tick("2024-04-02T12:01Z")
    assert subjects(court, user) == []


def test_who_stopped_it_stays_untold_until_they_follow_again(court: Any) -> None:
    user = court.staff("amal@example.org")
    case = court.case(owner=user)
    hearing = court.hearing(case, NINE_THIRTY)
    court.tick("2024-04-01T05:00Z")
    assert len(court.mails(user)) == 1
    with unit_of_work("tests", COMMAND, now=instant("2024-04-02T09:00Z")) as at:
        service.stop(db.session(), user, case=db.session.get_one(Case, case.id), now=at)
    turn(court, user, "account", "2024-04-02T09:30Z")
    court.act("2024-04-02T10:00Z", cancel_hearing, hearing)
    court.tick("2024-04-02T10:01Z")
    turn(court, user, "account", "2024-04-02T10:10Z")
    for now in ("2024-04-02T10:11Z", "2024-04-02T12:00Z"):
        court.tick(now)
    assert court.plan_of(user, "hearing.changed") == []
    with unit_of_work("tests", COMMAND, now=instant("2024-04-02T12:10Z")) as at:
        service.follow(db.session(), user, case=db.session.get_one(Case, case.id), now=at)
    court.tick("2024-04-02T12:11Z")
    assert subjects(court, user) == ["Cancelled"]


@pytest.mark.parametrize(("back", "told_then"), [("2024-04-08T06:29:59Z", ["Confirmed"]), ("2024-04-08T06:30Z", [])])
def test_that_the_date_became_sure_meanwhile_is_told_until_it_begins(
    court: Any, back: str, told_then: list[str]
) -> None:
    user = court.follower("amal@example.org")
    hearing = told(court, user, certainty="provisional")
    turn(court, user, "address", "2024-04-02T09:00Z")
    court.act("2024-04-02T10:00Z", confirm_hearing, hearing, Confirmation("the lawyer"))
    court.tick("2024-04-02T10:01Z")
    turn(court, user, "address", back)
    for _again in range(2):
        court.tick(back)
    assert subjects(court, user) == told_then


@pytest.mark.one_engine
def test_telling_those_who_are_back_costs_the_same_statements_however_many(court: Any) -> None:
    users = [court.follower(f"amal{n}@example.org") for n in range(4)]
    hearings = [court.hearing(court.case(), NINE_THIRTY) for _n in range(6)]
    court.tick("2024-04-01T05:00Z")

    def look(now: str) -> int:
        with statements() as asked, unit_of_work("tests", COMMAND, now=instant(now)) as at:
            plan(db.session(), at)
        return len(asked.said)

    costs = []
    for day, (back, off) in enumerate(((users[:1], hearings[:1]), (users, hearings[1:])), 2):
        for user in back:
            turn(court, user, "account", f"2024-04-0{day}T09:00Z")
        for hearing in off:
            court.act(f"2024-04-0{day}T10:00Z", cancel_hearing, hearing)
        court.tick(f"2024-04-0{day}T10:01Z")
        nobody = look(f"2024-04-0{day}T11:00Z")
        for user in back:
            turn(court, user, "account", f"2024-04-0{day}T11:10Z")
        costs.append((nobody, look(f"2024-04-0{day}T11:11Z")))
        court.tick(f"2024-04-0{day}T11:12Z")
    assert costs[0] == costs[1]
    for user in users:
        assert subjects(court, user).count("Cancelled") == 6
