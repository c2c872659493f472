"""The world changes under the plan: clocks, zones, stops, pauses. Each due thing goes out once, or says why not."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from zone_ground import come_into_force, other_rules

from tracker.accounts.models import Membership, User
from tracker.base.db import db
from tracker.base.work import COMMAND, short_transaction, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.clockwork.kinds import rederivers
from tracker.clockwork.zones import follow_zone_rules
from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import cancel_hearing, move_hearing, record_outcome
from tracker.outbox import pausing, queries
from tracker.outbox.models import Message
from tracker.reminders import service
from tracker.reminders.planning import plan, plan_anew

__all__ = ["other_rules"]

pytestmark = pytest.mark.one_engine

ZONE = "Asia/Jerusalem"
NINE_THIRTY = on_day(ZONE, date(2024, 4, 8), time(9, 30))

#: Seven days before 8 April, at the desk's eight o'clock.
MORNING = "2024-04-01T05:00Z"


def instant(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text)


def waiting() -> dict[str, datetime]:
    """When what waits or is paused is due, by its key."""
    db.session.rollback()
    rows = db.session.execute(
        select(Message.dedupe_key, Message.due_at).where(Message.state.in_(("waiting", "paused")))
    )
    return {row.dedupe_key: row.due_at for row in rows}


# Zones ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("court_zone", [ZONE, "Europe/London"])
def test_other_rules_of_a_zone_move_what_waits_and_tell_nobody(court: Any, other_rules: Path, court_zone: str) -> None:
    assert rederivers.get("reminders") is plan_anew
    user = court.follower("amal@example.org")
    court.hearing(court.case(), on_day(court_zone, date(2024, 4, 8), time(9, 30)))
    follow_zone_rules(instant("2024-03-30T09:00Z"))
    court.tick(MORNING)
    assert len(court.mails(user)) == 1
    before = waiting()
    assert set(before.values()) == {instant("2024-04-04T05:00Z"), instant("2024-04-07T05:00Z")}
    come_into_force(other_rules)
    follow_zone_rules(instant("2024-04-02T09:00Z"))
    after = waiting()
    assert set(after) == set(before)
    assert set(after.values()) == {instant("2024-04-04T03:00Z"), instant("2024-04-07T03:00Z")}
    court.tick("2024-04-02T09:01Z")
    court.tick("2024-04-04T02:59:59Z")
    assert court.mails(user) == []
    for now in ("2024-04-04T03:00Z", "2024-04-04T05:00Z", "2024-04-07T03:00Z", "2024-04-07T05:00Z"):
        court.tick(now)
    assert [m.kind for m in court.mails(user)] == ["hearing.reminder"] * 2


def test_a_night_in_which_the_clocks_go_forward(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), on_day(ZONE, date(2024, 3, 31), time(9, 30)), now=instant("2024-03-26T09:00Z"))
    court.tick("2024-03-26T09:00Z")  # the longer leads, late
    court.mails(user)
    for now, mails in (
        ("2024-03-28T05:59:59Z", 0),
        ("2024-03-28T06:00Z", 1),  # Thursday, 08:00 at two hours
        ("2024-03-30T04:59:59Z", 0),
        ("2024-03-30T05:00Z", 1),  # Saturday, 08:00 at three
        ("2024-03-30T06:00Z", 0),
        ("2024-03-31T06:29:59Z", 0),
    ):
        court.tick(now)
        assert len(court.mails(user)) == mails, now


# Clocks ---------------------------------------------------------------------------------------------------------------


def test_a_clock_that_goes_back_an_hour_sends_nothing_twice(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    for now in (MORNING, "2024-04-01T04:00Z", "2024-04-01T04:30Z", MORNING, "2024-04-01T05:01Z"):
        court.tick(now)
    assert len(court.mails(user)) == 1
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 22)))
    for now in ("2024-04-02T10:00Z", "2024-04-02T09:00Z", "2024-04-02T10:01Z"):
        court.tick(now)
    assert [m.kind for m in court.mails(user)] == ["hearing.changed"]


def test_a_stop_across_one_lead_makes_it_late_and_no_more(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), NINE_THIRTY)
    court.tick(MORNING)
    court.mails(user)
    court.tick("2024-04-06T09:00Z")
    (mail,) = court.mails(user)
    assert mail.text.startswith("In 2 days: hearing")
    court.tick("2024-04-07T05:00Z")
    assert len(court.mails(user)) == 1
    assert [row[:2] for row in court.plan_of(user)] == [(7, "sent"), (3, "sent"), (1, "sent")]


@pytest.mark.parametrize(("now", "ends"), [("2024-04-08T06:29:59Z", "sent"), ("2024-04-08T06:30Z", "not_delivered")])
def test_a_stop_across_the_hearing_itself_is_told_to_a_human_and_to_nobody_else(
    court: Any, now: str, ends: str
) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-03-31T12:00Z")
    court.tick(now)
    assert len(court.mails(user)) == (1 if ends == "sent" else 0)
    days, state, reason = court.plan_of(user)[-1]
    assert (days, state) == (1, ends)
    db.session.rollback()
    seen = [(row.days_before, row.reason) for row in queries.needing_a_human(db.session())]
    assert seen == ([] if ends == "sent" else [(1, "it was too late: it could not be sent in time")])
    assert reason == ("" if ends == "sent" else seen[0][1])
    court.tick("2024-04-09T09:00Z")
    assert court.mails(user) == []


@pytest.mark.parametrize(("now", "mails"), [("2024-04-08T06:29:59Z", 1), ("2024-04-08T06:30Z", 0)])
def test_entered_at_the_last_moment_it_is_told_until_it_begins(court: Any, now: str, mails: int) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), NINE_THIRTY, now=instant(now))
    court.tick(now)
    assert len(court.mails(user)) == mails


@pytest.mark.parametrize(("now", "mails"), [("2024-04-08T08:59:59Z", 1), ("2024-04-08T09:00Z", 0)])
def test_a_window_is_over_for_reminding_at_noon_of_its_first_day(court: Any, now: str, mails: int) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), in_window(ZONE, "week", date(2024, 4, 10)), now=instant(now))
    court.tick(now)
    assert len(court.mails(user)) == mails


# Pauses ---------------------------------------------------------------------------------------------------------------


def paused(court: Any, user: Any) -> None:
    """Pause what waits of a hearing of which the first reminder went out."""
    court.tick(MORNING)
    assert len(court.mails(user)) == 1
    with short_transaction() as session:
        assert pausing.pause(session, instant("2024-04-01T06:00Z"), "by_hand", "the operator").paused == 2


def release(now: str) -> None:
    """Lift the pause."""
    with short_transaction() as session:
        pausing.release(session, instant(now))


@pytest.mark.parametrize(
    ("what", "args", "told", "reason"),
    [
        (move_hearing, [on_day(ZONE, date(2024, 5, 20), time(9, 30))], ["hearing.changed"], "the hearing moved"),
        (cancel_hearing, [], ["hearing.changed"], "the hearing is no longer ahead"),
        (record_outcome, ["postponed"], ["hearing.changed"], "the hearing is no longer ahead"),
    ],
)
def test_what_is_paused_is_taken_back_when_it_is_no_longer_so(
    court: Any, what: Any, args: list[Any], told: list[str], reason: str
) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    paused(court, user)
    court.act("2024-04-02T05:00Z", what, hearing, *args)
    assert [row[1:] for row in court.plan_of(user)] == [("sent", ""), *[("cancelled", reason)] * 2]
    court.tick("2024-04-02T05:00Z")
    assert court.mails(user) == []
    release("2024-04-02T06:00Z")
    court.tick("2024-04-02T06:00Z")
    court.tick("2024-04-07T06:00Z")
    assert [m.kind for m in court.mails(user)] == told


def test_what_is_paused_is_taken_back_with_its_case_and_its_follower(court: Any) -> None:
    user, other = court.follower("amal@example.org"), court.follower("bina@example.org")
    case = court.case()
    court.hearing(case, NINE_THIRTY)
    court.tick(MORNING)
    with short_transaction() as session:
        pausing.pause(session, instant("2024-04-01T06:00Z"), "by_hand", "the operator")
    with unit_of_work("reminders.stop", COMMAND, now=instant("2024-04-01T07:00Z")) as now:
        service.stop(db.session(), user, case=db.session.get_one(Case, case.id), now=now)
    assert [row[1:] for row in court.plan_of(user)[1:]] == [("cancelled", "they no longer follow it")] * 2
    assert [row[1] for row in court.plan_of(other)[1:]] == ["paused"] * 2
    with unit_of_work("cases.close", COMMAND, now=instant("2024-04-02T05:00Z")):
        found = db.session.get_one(Case, case.id)
        cases.close_case(db.session(), found, db.session.get_one(type(court.desk), court.desk.id), reason="resolved")
    assert [row[1:] for row in court.plan_of(other)[1:]] == [("cancelled", "the case is not in hand")] * 2


def test_whoever_lost_access_under_a_pause_gets_nothing_after_it(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), NINE_THIRTY)
    paused(court, user)
    with unit_of_work("accounts.leave", COMMAND):
        db.session.query(Membership).filter_by(user_id=user.id).delete()
    release("2024-04-04T06:00Z")
    court.tick("2024-04-04T06:00Z")
    assert court.mails(user) == []
    assert court.plan_of(user)[1] == (3, "skipped", "they may no longer see it")


def test_after_a_long_pause_one_mail_says_what_is_left(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), NINE_THIRTY)
    paused(court, user)
    court.tick("2024-04-07T05:00Z")
    assert court.mails(user) == []
    release("2024-04-07T06:00Z")
    court.tick("2024-04-07T06:00Z")
    (mail,) = court.mails(user)
    assert mail.text.startswith("Tomorrow, in 24 hours: hearing")
    assert [row[:2] for row in court.plan_of(user)] == [(7, "sent"), (3, "skipped"), (1, "sent")]


def test_what_is_paused_moves_with_its_instant_and_stays_paused(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), NINE_THIRTY)
    paused(court, user)
    with unit_of_work("accounts.change", COMMAND):
        db.session.get_one(User, user.id).zone = "Europe/London"
    with unit_of_work("test", COMMAND, now=instant("2024-04-02T05:00Z")) as now:
        assert plan_anew(db.session(), now) == 2
    assert set(waiting().values()) == {instant("2024-04-04T07:00Z"), instant("2024-04-07T07:00Z")}
    assert [row[1] for row in court.plan_of(user)[1:]] == ["paused"] * 2


# Cost -----------------------------------------------------------------------------------------------------------------


def test_planning_fifty_hearings_costs_the_statements_of_one(court: Any) -> None:
    court.follower("amal@example.org")
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "WITH")):
            said.append(statement)

    def planned(now: str, of: Any) -> int:
        """How many statements a look at a case costs."""
        said.clear()
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            with unit_of_work("reminders.plan", COMMAND, now=instant(now)) as at:
                plan(db.session(), at, [of.id])
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(said)

    one, many = court.case(), court.case()
    hearings: dict[int, list[Any]] = {one.id: [], many.id: []}
    for case, count in ((one, 1), (many, 50)):
        for n in range(count):
            when = on_day(ZONE, date(2024, 4, 8), time(8 + n // 60, n % 60))
            hearings[case.id].append(court.hearing(case, when, certainty="provisional"))
    court.tick(MORNING)
    assert planned("2024-04-01T06:00Z", many) == planned("2024-04-01T06:00Z", one)
    for case in (one, many):
        for hearing in hearings[case.id]:
            with unit_of_work("test", COMMAND, now=instant("2024-04-01T07:00Z")):
                held = db.session.get_one(type(hearing), hearing.id)
                held.certainty, held.confirmed_at = "confirmed", instant("2024-04-01T07:00Z")
    assert planned("2024-04-01T08:00Z", many) == planned("2024-04-01T08:00Z", one)
    assert len(court.plan_of(db.session.query(User).one(), "hearing.changed")) == 51
