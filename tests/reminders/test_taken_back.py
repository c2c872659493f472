"""What was taken back, or left out because something else said it, and then turned: its reader hears after all."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select

from tracker.accounts.models import Desk, User
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.hearings.rules import on_day
from tracker.outbox.bounces import reach_again, stop_sending
from tracker.outbox.models import Recipient

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
