"""Who is told of a stop of the clock, of which cases, and what of them."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import pytest
from house_of_cases import ZONE, Lived, lived, utc
from signed_in import make_account
from sqlalchemy import select, update

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.languages import speaking
from tracker.base.work import short_transaction
from tracker.catching_up.mails import say_parts, say_span
from tracker.catching_up.queries import Report, list_concerned, read_report
from tracker.catching_up.reporting import report_step
from tracker.clockwork.kinds import in_turn
from tracker.clockwork.models import Outage
from tracker.clockwork.service import note_end
from tracker.hearings.models import Hearing
from tracker.hearings.rules import on_day
from tracker.outbox.models import Message
from tracker.reminders.planning import plan_step

__all__ = ["lived"]

STOPPED, BACK = utc("2024-04-04T04:30:00"), utc("2024-04-06T09:00:00")


def sits(lived: Lived, day: int, *of: object, **more: object) -> Hearing:
    """A hearing in April, at ten, its reminders planned before the stop."""
    hearing = lived.hearing(*of, when=on_day(ZONE, date(2024, 4, day), time(10)), **more)  # type: ignore[arg-type]
    plan_step(STOPPED - timedelta(hours=1))
    return hearing


def stop(reported: bool = False) -> Outage:
    """The stop, kept."""
    with short_transaction() as session:
        outage = Outage(began_at=STOPPED, ended_at=BACK, reported_at=BACK if reported else None)
        session.add(outage)
    return outage


def end(state: str, hearing: Hearing, reason: str = "", at: datetime = BACK) -> None:
    """What was due of a hearing while the clock stood still ends so."""
    with short_transaction() as session:
        due = (Message.subject_id == hearing.id, Message.due_at > STOPPED, Message.due_at <= BACK)
        sent_at = at if state == "sent" else None
        session.execute(update(Message).where(*due).values(state=state, reason=reason, ended_at=at, sent_at=sent_at))


def report(lived: Lived, outage: Outage, who: str = "owner") -> Report:
    """What somebody is told."""
    db.session.rollback()
    return read_report(db.session(), getattr(lived, who), outage)


def test_late_left_out_and_passed_are_told_apart(lived: Lived) -> None:
    one, two, three = (lived.case(name) for name in ("Amira Said", "Khaled Al Serr", "Ahmad Khalefa"))
    end("sent", sits(lived, 8, one))
    end("skipped", sits(lived, 11, two), "served by the 1-day reminder")
    passed = sits(lived, 5, three)
    end("not_delivered", passed, "it was too late")
    told = report(lived, stop())
    assert [c.case.id for c in told.late] == [one.id]
    # A week before the 11th is the day the clock stood still.
    assert [(c.case.id, c.message.reason) for c in told.left_out] == [(two.id, "served by the 1-day reminder")]
    assert [(hearing.id, case.id) for hearing, case in told.unreminded] == [(passed.id, three.id)]
    assert [case.id for case in told.cases] == [one.id, two.id, three.id]


@pytest.mark.one_engine
def test_why_something_was_left_out_is_said_in_the_language_of_the_reader(lived: Lived) -> None:
    end("skipped", sits(lived, 11, lived.case("Khaled Al Serr")), "served by the 1-day reminder")
    told = report(lived, stop())
    with speaking("ar"):
        said = str(say_parts(told, ZONE))
    assert "يغني عنه التذكير قبل أيام، عددها 1" in said
    assert "served by" not in said


def test_what_ended_before_or_was_due_before_is_no_matter_of_it(lived: Lived) -> None:
    case = lived.case("Amira Said")
    end("sent", sits(lived, 8, case), at=STOPPED)
    assert report(lived, stop()).is_empty


def test_what_still_waits_is_told_as_late(lived: Lived) -> None:
    sits(lived, 8, lived.case("Amira Said"))
    (waits,) = report(lived, stop()).late
    assert waits.message.state == "waiting"


def test_a_hearing_nobody_was_ever_told_of_passed_unreminded(lived: Lived) -> None:
    case = lived.case("Amira Said")
    hearing = lived.hearing(case, when=on_day(ZONE, date(2024, 4, 5), time(10)))
    with short_transaction() as session:
        session.execute(Message.__table__.delete())  # type: ignore[attr-defined]
    assert [h.id for h, _case in report(lived, stop()).unreminded] == [hearing.id]


@pytest.mark.parametrize("state", ["cancelled", "postponed"])
def test_a_hearing_that_did_not_pass_is_not_told(lived: Lived, state: str) -> None:
    sits(lived, 5, lived.case("Amira Said"))
    with short_transaction() as session:
        session.execute(update(Hearing).values(state=state))
        session.execute(Message.__table__.delete())  # type: ignore[attr-defined]
    assert report(lived, stop()).is_empty


def test_owners_hear_of_their_own_and_coordinators_of_what_nobody_keeps(lived: Lived) -> None:
    head = make_account("head@example.org", desk="iopt", coordinator=True, name="Farid")
    kept, unkept = lived.case("Amira Said"), lived.case("Ahmad Khalefa", owner=False)
    sits(lived, 5, kept)
    sits(lived, 5, unkept)
    outage = stop()
    session = db.session()
    session.rollback()

    def told(people: Sequence[object]) -> list[str]:
        return [user.email for user in people]  # type: ignore[attr-defined]

    assert told(list_concerned(session, outage)) == ["owner@example.org", "head@example.org"]
    assert [case.id for case in read_report(session, lived.owner, outage).cases] == [kept.id]
    assert [case.id for case in read_report(session, head, outage).cases] == [unkept.id]
    assert read_report(session, lived.colleague, outage).is_empty
    session.rollback()
    with lived.at() as writing:
        writing.merge(lived.owner).active = False
    assert told(list_concerned(session, outage)) == ["head@example.org"]
    assert [case.id for case in read_report(session, head, outage).cases] == [kept.id, unkept.id]


def test_nobody_hears_of_a_case_they_may_not_see(lived: Lived) -> None:
    head = make_account("head@example.org", desk="iopt", coordinator=True)
    case = lived.case("Amira Said", owner=False, audience=Audience.NAMED)
    sits(lived, 5, case, audience=Audience.NAMED)
    assert report(lived, stop()).is_empty
    assert read_report(db.session(), head, db.session.scalars(select(Outage)).one()).is_empty


def test_it_is_planned_once_and_not_before_plan_and_delivery_have_run(lived: Lived) -> None:
    sits(lived, 5, lived.case("Amira Said"))
    stop()
    assert report_step(BACK) == {"reported": 0}
    note_end("reminders.plan", BACK, BACK)
    note_end("outbox.deliver", BACK - timedelta(seconds=1), BACK - timedelta(microseconds=1))
    assert report_step(BACK) == {"reported": 0}
    note_end("outbox.deliver", BACK, BACK)
    assert report_step(BACK) == {"reported": 1}
    assert report_step(BACK + timedelta(minutes=1)) == {"reported": 0}
    db.session.rollback()
    (mail,) = db.session.scalars(select(Message).where(Message.kind == "outage.report")).all()
    assert mail.due_at == BACK + timedelta(minutes=5)


def test_nothing_is_planned_when_nothing_was_concerned(lived: Lived) -> None:
    lived.case("Amira Said")
    outage = stop()
    for step in ("reminders.plan", "outbox.deliver"):
        note_end(step, BACK, BACK)
    assert report_step(BACK) == {"reported": 0}
    assert lived.fresh(outage).reported_at == BACK


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(minutes=11), "11 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_how_long_is_said_in_one_unit(lived: Lived, span: timedelta, said: str) -> None:
    assert say_span(span) == said


@pytest.mark.one_engine
def test_the_step_runs_after_what_was_kept_back_has_left(lived: Lived) -> None:
    codes = [step.code for step in in_turn()]
    assert codes.index("catching_up.report") > codes.index("outbox.deliver") > codes.index("reminders.plan")
