"""What was taken back, or left out because something else said it, and then turned: its reader hears after all."""

from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import select, update

from tracker.accounts.models import Desk, User
from tracker.base.db import db
from tracker.base.work import COMMAND, short_transaction, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.catching_up.queries import read_report
from tracker.clockwork.models import Outage
from tracker.hearings.rules import on_day
from tracker.hearings.service import Confirmation, confirm_hearing, edit_hearing, move_hearing, record_outcome
from tracker.outbox import pausing
from tracker.outbox.bounces import reach_again, stop_sending
from tracker.outbox.deliver import deliver
from tracker.outbox.models import Message, Recipient
from tracker.outbox.protocol import TOO_LATE
from tracker.outbox.queries import needing_a_human
from tracker.reminders import service
from tracker.reminders.rules import SERVED_BY_NOTICE

ZONE = "Asia/Jerusalem"
NINE_THIRTY = on_day(ZONE, date(2024, 4, 8), time(9, 30))

#: When the relay is back, and some times later, until the hearing has begun.
AFTERWARDS = ("2024-04-07T05:20Z", "2024-04-07T06:20Z", "2024-04-07T12:20Z", "2024-04-08T05:00Z", "2024-04-08T06:31Z")


def instant(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text)


def subjects(court: Any, user: User) -> list[str]:
    """How the subjects of what came for somebody begin."""
    return [str(mail.message["Subject"]).split(":")[0] for mail in court.mails(user)]


def with_relay_down(court: Any, user: User) -> None:
    """The reminder of the day before is due, in a mail, and cannot leave."""
    court.tick("2024-04-04T05:00Z")
    court.mails(user)
    court.sink.stop()
    court.tick("2024-04-07T05:00Z")


def back_up(court: Any) -> None:
    """The relay is back, and time goes on."""
    court.sink.start()
    for now in AFTERWARDS:
        court.tick(now)


def test_closed_and_reopened_while_its_mail_waits_for_the_relay_it_goes_out_once(court: Any) -> None:
    user = court.follower("amal@example.org")
    case = court.case()
    court.hearing(case, NINE_THIRTY)
    with_relay_down(court, user)
    with unit_of_work("cases.close", COMMAND, now=instant("2024-04-07T05:05Z")):
        desk = db.session.get_one(Desk, court.desk.id)
        cases.close_case(db.session(), db.session.get_one(Case, case.id), desk, reason="resolved")
    assert court.plan_of(user)[-1] == (1, "cancelled", "the case is not in hand")
    with unit_of_work("cases.reopen", COMMAND, now=instant("2024-04-07T05:06Z")):
        desk = db.session.get_one(Desk, court.desk.id)
        cases.reopen_case(db.session(), db.session.get_one(Case, case.id), desk, words="closed by mistake")
    back_up(court)
    assert subjects(court, user) == ["Tomorrow 09"]
    assert court.plan_of(user)[-1] == (1, "sent", "")


def test_reached_again_while_its_mail_waits_for_the_relay_it_goes_out_once(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), NINE_THIRTY)
    with_relay_down(court, user)
    who = db.session.scalars(select(Recipient.id).where(Recipient.user_id == user.id)).one()
    with unit_of_work("tests", COMMAND, now=instant("2024-04-07T05:05Z")):
        stop_sending(db.session(), db.session.get_one(Recipient, who), "it came back", instant("2024-04-07T05:05Z"))
    assert court.plan_of(user)[-1][1] == "cancelled"
    with unit_of_work("tests", COMMAND, now=instant("2024-04-07T05:10Z")):
        reach_again(db.session(), who, instant("2024-04-07T05:10Z"))
    back_up(court)
    assert subjects(court, user) == ["Tomorrow 09"]
    assert court.plan_of(user)[-1] == (1, "sent", "")


# Served by a notice, and the notice was withdrawn ---------------------------------------------------------------------


def unsure_again(court: Any, user: User, hearing: Any) -> None:
    """Made sure of while the relay is down, so that a notice serves the reminder of the day before; then not so sure,
    so that the notice is withdrawn; then the relay is back."""
    court.sink.stop()
    court.act("2024-04-07T04:30Z", confirm_hearing, hearing, Confirmation("the lawyer"))
    court.tick("2024-04-07T04:30Z")
    court.tick("2024-04-07T05:00Z")
    assert court.plan_of(user)[-1] == (1, "skipped", SERVED_BY_NOTICE)
    court.act("2024-04-07T05:10Z", edit_hearing, hearing, certainty="provisional")
    assert court.plan_of(user, "hearing.changed")[-1][1] == "cancelled"
    back_up(court)


def test_a_reminder_goes_out_after_all_when_the_notice_that_served_it_is_withdrawn(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY, certainty="provisional")
    court.tick("2024-04-04T05:00Z")
    court.mails(user)
    unsure_again(court, user, hearing)
    assert subjects(court, user) == ["Tomorrow 09"]


def test_so_it_does_where_an_earlier_notice_of_the_same_date_was_told(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 10)), certainty="provisional")
    court.tick("2024-04-03T05:00Z")
    court.act("2024-04-03T10:00Z", move_hearing, hearing, NINE_THIRTY)
    court.tick("2024-04-03T10:00Z")
    court.tick("2024-04-04T05:00Z")
    court.mails(user)
    unsure_again(court, user, hearing)
    assert subjects(court, user) == ["Tomorrow 09"]


def test_a_reminder_stays_served_by_a_notice_that_left(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY, certainty="provisional")
    court.tick("2024-04-04T05:00Z")
    court.mails(user)
    court.act("2024-04-07T05:00Z", confirm_hearing, hearing, Confirmation("the lawyer"))
    court.tick("2024-04-07T05:00Z")
    assert subjects(court, user) == ["Confirmed"]
    court.act("2024-04-07T05:10Z", edit_hearing, hearing, certainty="provisional")
    for now in AFTERWARDS:
        court.tick(now)
    assert subjects(court, user) == []


# Due, never left, and then the hearing was over -----------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["took_place", "adjourned", "not_known"])
def test_paused_over_the_hearing_it_was_not_delivered_whatever_became_of_it(court: Any, outcome: str) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-04-04T05:00Z")
    court.mails(user)
    with short_transaction() as session:
        pausing.pause(session, instant("2024-04-07T04:00Z"), "by_hand", "the operator")
    court.tick("2024-04-07T05:00Z")
    court.act("2024-04-08T09:00Z", record_outcome, hearing, outcome)
    with short_transaction() as session:
        pausing.release(session, instant("2024-04-08T10:00Z"))
    court.tick("2024-04-08T10:00Z")
    assert court.plan_of(user)[-1] == (1, "not_delivered", TOO_LATE)
    assert len(needing_a_human(db.session())) == 1


def test_an_outcome_recorded_while_the_clock_stands_still_is_one_mail_not_delivered(court: Any) -> None:
    user, owner = court.follower("amal@example.org"), court.staff("owner@example.org")
    case = court.case(owner=owner)
    hearing = court.hearing(case, NINE_THIRTY)
    court.tick("2024-04-01T05:00Z")
    with unit_of_work("reminders.stop", COMMAND, now=instant("2024-04-01T06:00Z")) as now:
        service.stop(db.session(), owner, case=db.session.get_one(Case, case.id), now=now)
    court.act("2024-04-08T09:00Z", record_outcome, hearing, "took_place")
    court.tick("2024-04-08T10:00Z")
    # The 3-day reminder stood behind the one of the day before.
    assert [row[1] for row in court.plan_of(user)] == ["sent", "skipped", "not_delivered"]
    assert len(needing_a_human(db.session())) == 1
    with unit_of_work("tests", COMMAND):
        outage = Outage(began_at=instant("2024-04-01T07:00Z"), ended_at=instant("2024-04-08T10:00Z"))
        db.session.add(outage)
    report = read_report(db.session(), db.session.merge(owner), outage)
    assert [found.id for found, _case in report.unreminded] == [hearing.id]


def test_recorded_while_it_was_being_handed_over_in_vain_it_was_not_delivered(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    with_relay_down(court, user)
    of = Message.state == "waiting"
    with short_transaction() as session:
        session.execute(update(Message).where(of).values(state="sending"))
    court.act("2024-04-08T09:00Z", record_outcome, hearing, "took_place")
    with short_transaction() as session:
        session.execute(update(Message).where(Message.state == "sending").values(state="waiting"))
    deliver(instant("2024-04-08T09:01Z"))
    assert court.plan_of(user)[-1][1] == "not_delivered"


def test_a_reminder_not_yet_due_of_what_is_over_is_taken_back(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8)))
    court.tick("2024-04-04T05:00Z")
    court.act("2024-04-08T05:00Z", record_outcome, hearing, "postponed")
    assert court.plan_of(user)[-1][1:] == ("cancelled", "the hearing is no longer ahead")
