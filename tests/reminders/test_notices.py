"""A date that has become sure, a hearing that took place: told once to whoever was told of it, and to nobody else."""

from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import select, update

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, Actor, unit_of_work
from tracker.cases.models import Involvement
from tracker.hearings import service as hearings
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.rules import on_day
from tracker.hearings.service import (
    Confirmation,
    cancel_hearing,
    confirm_hearing,
    correct_hearing,
    edit_hearing,
    move_hearing,
    record_outcome,
    reinstate_hearing,
    undo_reschedule,
)
from tracker.outbox.models import Envelope, Message
from tracker.people.service import NameGiven, add_person

ZONE = "Asia/Jerusalem"
NINE_THIRTY = on_day(ZONE, date(2024, 4, 8), time(9, 30))
LAWYER = Confirmation("the lawyer")


def instant(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text)


def provisional(court: Any, *users: Any, when: Any = NINE_THIRTY, **about: Any) -> Any:
    """A hearing told a week before as provisional, the mails of which have been looked at."""
    hearing = court.hearing(court.case(), when, certainty="provisional", **about)
    court.tick("2024-04-01T05:00Z")
    for user in users:
        (mail,) = court.mails(user)
        assert "The date is provisional." in mail.text
    return hearing


def subjects(court: Any, user: Any) -> list[str]:
    """How the subjects of what came for somebody begin."""
    return [str(mail.message["Subject"]).split(":")[0] for mail in court.mails(user)]


def by(court: Any, user: Any, now: str, what: Any, hearing: Any, *args: Any, **how: Any) -> None:
    """Do something with a hearing as an account, in a page."""
    with unit_of_work("hearings.act", Actor("user", user.id, user.name), now=instant(now)):
        fresh = hearings.get_hearing(db.session(), hearing.id)
        what(db.session(), fresh, *args, version=fresh.version, **how)


# A date that has become sure ------------------------------------------------------------------------------------------


def test_who_was_told_it_was_provisional_learns_once_that_it_is_sure(court: Any) -> None:
    told, late = court.follower("told@example.org"), court.staff("late@example.org")
    hearing = provisional(court, told)
    court.act("2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    for _again in range(3):
        court.tick("2024-04-02T10:00Z")
    (mail,) = court.mails(told)
    assert mail.kind == "hearing.changed"
    assert str(mail.message["Subject"]).startswith("Confirmed: Mon 8 Apr 2024 09:30 Haifa: hearing, ")
    assert mail.text.startswith("The date of this hearing is sure now: we had told it as provisional.")
    assert "When: Monday 8 April 2024, 09:30 Asia/Jerusalem" in mail.text
    assert "by: the lawyer." in mail.text
    assert "we had told you the date as provisional" in mail.text
    assert court.mails(late) == []
    court.act("2024-04-03T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-03T10:01Z")
    assert court.mails(told) == [], "made sure of once more"
    court.tick("2024-04-04T05:00Z")
    assert [m.kind for m in court.mails(told)] == ["hearing.reminder"]


@pytest.mark.one_engine
def test_who_was_told_nothing_is_told_nothing_of_its_being_sure(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), certainty="provisional")
    court.act("2024-03-25T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-03-25T10:01Z")
    assert court.plan_of(user, "hearing.changed") == []


@pytest.mark.one_engine
def test_who_was_told_a_sure_date_is_not_told_that_it_is_sure(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T10:01Z")
    assert court.plan_of(user, "hearing.changed") == []


def test_who_made_sure_of_it_is_not_told_so_whoever_had_told_them(court: Any) -> None:
    one, other = court.follower("one@example.org"), court.follower("other@example.org")
    hearing = provisional(court, one, other)
    by(court, one, "2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T10:03Z")
    assert [subjects(court, u) for u in (one, other)] == [[], ["Confirmed"]]
    assert court.plan_of(one, "hearing.changed") == [(None, "skipped", "they said so themselves")]
    by(court, other, "2024-04-03T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-03T10:04Z")
    assert [subjects(court, u) for u in (one, other)] == [[], []], "both know"


@pytest.mark.one_engine
def test_what_is_made_sure_of_in_a_page_is_told_three_minutes_later(court: Any) -> None:
    user, colleague = court.follower("amal@example.org"), court.staff("colleague@example.org")
    hearing = provisional(court, user)
    by(court, colleague, "2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T10:02:59Z")
    assert court.mails(user) == []
    court.tick("2024-04-02T10:03Z")
    assert subjects(court, user) == ["Confirmed"]


@pytest.mark.one_engine
def test_a_move_and_its_being_sure_within_the_time_of_undo_are_one_mail(court: Any) -> None:
    user, colleague = court.follower("amal@example.org"), court.staff("colleague@example.org")
    hearing = provisional(court, user)
    by(court, colleague, "2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 22), time(9, 30)))
    by(court, colleague, "2024-04-02T10:02Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T10:06Z")
    (mail,) = court.mails(user)
    assert str(mail.message["Subject"]).startswith("Moved: now Mon 22 Apr 2024")
    assert "provisional" not in mail.text


@pytest.mark.one_engine
def test_taken_back_within_the_time_of_undo_it_tells_nobody(court: Any) -> None:
    user, colleague = court.follower("amal@example.org"), court.staff("colleague@example.org")
    hearing = provisional(court, user)
    by(court, colleague, "2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    by(court, colleague, "2024-04-02T10:01Z", edit_hearing, hearing, certainty="provisional")
    court.tick("2024-04-02T10:06Z")
    assert court.plan_of(user, "hearing.changed") == []


def test_sure_and_unsure_and_sure_again_is_told_as_often_as_it_was_told_otherwise(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user)
    court.act("2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T10:00Z")
    assert subjects(court, user) == ["Confirmed"]
    court.act("2024-04-02T11:00Z", edit_hearing, hearing, certainty="provisional")
    court.act("2024-04-02T12:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T12:00Z")
    assert subjects(court, user) == [], "nobody was told that it was provisional again"
    court.act("2024-04-03T11:00Z", edit_hearing, hearing, certainty="provisional")
    court.tick("2024-04-04T05:00Z")
    assert "The date is provisional." in court.mails(user)[0].text
    court.act("2024-04-04T12:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-04T12:00Z")
    assert subjects(court, user) == ["Confirmed"]


@pytest.mark.one_engine
def test_made_sure_of_twice_while_a_notice_waits_for_the_morning_is_one_notice(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user)
    for minute in (0, 10):
        court.act(f"2024-04-02T20:{minute:02}Z", confirm_hearing, hearing, LAWYER)
        court.tick(f"2024-04-02T20:{minute:02}Z")
    assert court.mails(user) == []
    court.act("2024-04-02T20:20Z", edit_hearing, hearing, certainty="provisional")
    assert court.plan_of(user, "hearing.changed") == [(None, "cancelled", "it changed again")]
    court.act("2024-04-02T20:30Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-03T03:59Z")
    assert court.mails(user) == []
    court.tick("2024-04-03T04:00Z")
    assert subjects(court, user) == ["Confirmed"]


@pytest.mark.one_engine
def test_no_longer_sure_at_the_last_look_it_does_not_leave(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user)
    court.sink.stop()
    court.act("2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T10:00Z")
    court.sink.start()
    with unit_of_work("test", COMMAND):
        db.session.execute(update(Hearing).values(certainty="provisional"))
    court.tick("2024-04-02T10:05Z")
    assert court.mails(user) == []
    assert court.plan_of(user, "hearing.changed") == [(None, "skipped", "it changed again")]


@pytest.mark.one_engine
@pytest.mark.parametrize(("now", "told"), [("2024-04-08T06:29:59Z", ["Confirmed"]), ("2024-04-08T06:30Z", [])])
def test_that_a_date_is_sure_is_told_until_it_begins(court: Any, now: str, told: list[str]) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user)
    court.tick("2024-04-07T05:00Z")
    court.mails(user)
    court.act(now, confirm_hearing, hearing, LAWYER)
    court.tick(now)
    assert subjects(court, user) == told


@pytest.mark.one_engine
def test_a_notice_that_waits_for_the_morning_and_misses_the_start_is_left_out(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user, when=on_day(ZONE, date(2024, 4, 8), time(6, 30)))
    court.tick("2024-04-07T05:00Z")
    court.mails(user)
    court.act("2024-04-07T20:00Z", confirm_hearing, hearing, LAWYER)
    for now in ("2024-04-07T20:00Z", "2024-04-08T04:00Z"):
        court.tick(now)
    assert court.mails(user) == []
    assert court.plan_of(user, "hearing.changed") == [(None, "skipped", "the hearing has begun")]


def test_a_reminder_that_is_due_with_it_is_served_by_the_notice(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user)
    court.act("2024-04-04T05:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-04T05:00Z")
    assert subjects(court, user) == ["Confirmed"]
    assert court.plan_of(user)[1] == (3, "skipped", "served by the notice of the change")


@pytest.mark.one_engine
def test_a_reminder_planned_before_it_was_sure_says_so_and_is_followed_by_no_notice(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY, certainty="provisional")
    court.tick("2024-03-31T05:00Z")
    court.act("2024-03-31T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(user)
    assert "provisional" not in mail.text
    court.act("2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    court.tick("2024-04-02T10:00Z")
    assert court.mails(user) == []


@pytest.mark.one_engine
@pytest.mark.parametrize("what", [{"note": "ask the lawyer"}, {"observer": "the embassy"}])
def test_a_note_or_an_observer_tells_nobody(court: Any, what: dict[str, str]) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user)
    court.act("2024-04-02T10:00Z", edit_hearing, hearing, **what)
    court.tick("2024-04-02T10:05Z")
    assert court.mails(user) == []
    assert court.plan_of(user, "hearing.changed") == []


# What became of it ----------------------------------------------------------------------------------------------------


def told_of(court: Any, *users: Any, case: Any = None, **about: Any) -> Any:
    """A hearing told the day before, the mails of which have been looked at."""
    hearing = court.hearing(case or court.case(), NINE_THIRTY, **about)
    court.tick("2024-04-07T05:00Z")
    for user in users:
        assert len(court.mails(user)) == 1
    return hearing


def test_who_was_told_of_it_learns_once_that_it_took_place(court: Any) -> None:
    told = court.follower("told@example.org")
    hearing = told_of(court, told)
    late = court.follower("late@example.org", now=instant("2024-04-08T08:00Z"))
    court.act("2024-04-08T09:00Z", record_outcome, hearing, "took_place", words="Nadia Halabi was acquitted")
    for now in ("2024-04-08T09:00Z", "2024-04-08T09:01Z", "2024-04-09T09:00Z"):
        court.tick(now)
    (mail,) = court.mails(told)
    assert mail.kind == "hearing.changed"
    assert str(mail.message["Subject"]).startswith("Took place: Mon 8 Apr 2024 09:30 Haifa: hearing, ")
    assert "What became of it: took place" in mail.text
    assert "It stands on the page of the case" in mail.text
    assert "because we had told you of this hearing" in mail.text
    assert "Halabi" not in mail.raw.decode()
    assert "acquitted" not in mail.raw.decode()
    assert court.mails(late) == []


@pytest.mark.one_engine
def test_who_said_what_became_of_it_is_not_told_so(court: Any) -> None:
    one, other = court.follower("one@example.org"), court.follower("other@example.org")
    hearing = told_of(court, one, other)
    by(court, one, "2024-04-08T09:00Z", record_outcome, hearing, "took_place", told_by="the lawyer")
    court.tick("2024-04-08T09:02:59Z")
    assert court.mails(other) == []
    court.tick("2024-04-08T09:03Z")
    assert [subjects(court, u) for u in (one, other)] == [[], ["Took place"]]
    assert court.plan_of(one, "hearing.changed") == [(None, "skipped", "they said so themselves")]


@pytest.mark.one_engine
def test_that_nobody_knows_is_no_outcome_to_write_about(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = told_of(court, user)
    court.act("2024-04-08T09:00Z", record_outcome, hearing, "not_known")
    court.tick("2024-04-08T09:01Z")
    assert court.mails(user) == []
    court.act("2024-04-09T09:00Z", record_outcome, hearing, "took_place")
    court.tick("2024-04-09T09:01Z")
    assert subjects(court, user) == ["Took place"]


@pytest.mark.one_engine
@pytest.mark.parametrize(("now", "told"), [("2024-04-15T06:29:59Z", ["Took place"]), ("2024-04-15T06:30Z", [])])
def test_what_became_of_it_a_week_ago_is_history(court: Any, now: str, told: list[str]) -> None:
    user = court.follower("amal@example.org")
    hearing = told_of(court, user)
    court.act(now, record_outcome, hearing, "took_place")
    court.tick(now)
    assert subjects(court, user) == told


@pytest.mark.one_engine
def test_an_outcome_waits_for_the_morning(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = told_of(court, user)
    court.act("2024-04-08T20:00Z", record_outcome, hearing, "took_place")
    court.tick("2024-04-09T03:59Z")
    assert court.mails(user) == []
    court.tick("2024-04-09T04:00Z")
    assert subjects(court, user) == ["Took place"]


@pytest.mark.one_engine
def test_an_outcome_put_right_is_told_and_one_taken_back_too(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = told_of(court, user)
    for now, what, args in (
        ("2024-04-08T09:00Z", record_outcome, ("took_place",)),
        ("2024-04-08T10:00Z", record_outcome, ("adjourned",)),
        ("2024-04-08T11:00Z", record_outcome, ("took_place",)),
        ("2024-04-08T12:00Z", reinstate_hearing, ()),
        ("2024-04-08T13:00Z", record_outcome, ("took_place",)),
    ):
        court.act(now, what, hearing, *args)
        court.tick(now)
    assert subjects(court, user) == ["Took place", "Adjourned", "Took place", "On again", "Took place"]


@pytest.mark.one_engine
def test_a_cancelled_hearing_is_told_once_and_took_no_place(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = told_of(court, user)
    court.act("2024-04-07T10:00Z", cancel_hearing, hearing)
    court.tick("2024-04-07T10:01Z")
    assert subjects(court, user) == ["Cancelled"]


@pytest.mark.one_engine
def test_where_it_was_not_the_same_for_all_it_says_so_case_by_case_and_names_nobody(court: Any) -> None:
    user, named = court.follower("amal@example.org"), court.staff("named@example.org")
    case, hidden = court.case(), court.case(owner=named, audience=Audience.NAMED)
    with unit_of_work("cases.involve", COMMAND, now=instant("2024-03-22T09:00Z")):
        from tracker.cases import service as cases
        from tracker.cases.models import Case

        session = db.session()
        for name in ("Omar Odeh", "Lina Khoury"):
            cases.involve(session, session.get_one(Case, case.id), add_person(session, [NameGiven(name)]).id)
    hearing = told_of(court, user, case=[case, hidden])
    db.session.rollback()
    people = list(db.session.scalars(select(Involvement.person_id).where(Involvement.case_id == case.id)))
    court.act(
        "2024-04-08T09:00Z",
        record_outcome,
        hearing,
        "took_place",
        each={(case.id, people[0]): "adjourned"},
        next_when=on_day(ZONE, date(2024, 5, 8), time(11)),
    )
    court.tick("2024-04-08T09:01Z")
    (mail,) = court.mails(user)
    assert f"({case.ref}): took place for 2 people, adjourned for 1 person" in mail.text
    assert "Next: Wednesday 8 May 2024, 11:00 Asia/Jerusalem" in mail.text
    assert hidden.ref not in mail.raw.decode()
    for name in ("Halabi", "Odeh", "Khoury"):
        assert name not in mail.raw.decode()
    db.session.rollback()
    assert db.session.scalar(select(Appearance.outcome).where(Appearance.case_id == hidden.id)) == "took_place"


# Who may have it ------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
def test_what_may_have_told_it_as_provisional_keeps_what_it_told(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = provisional(court, user)
    with unit_of_work("test", COMMAND):
        sent = db.session.scalars(select(Message).where(Message.state == "sent")).one()
        db.session.get_one(Envelope, sent.envelope_id).ambiguous_attempts = 1
        sent.state, sent.sent_at, sent.ended_at = "waiting", None, None
    court.act("2024-04-02T10:00Z", confirm_hearing, hearing, LAWYER)
    assert [row[1] for row in court.plan_of(user, "hearing.changed")] == ["waiting"]


# A slip of the hand ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [move_hearing, correct_hearing])
def test_a_change_undone_just_before_three_minutes_are_over_is_told_to_nobody(court: Any, what: Any) -> None:
    user, colleague = court.follower("amal@example.org"), court.staff("basel@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    by(court, colleague, "2024-04-02T10:00Z", what, hearing, on_day(ZONE, date(2024, 4, 24), time(9, 30)))
    court.tick("2024-04-02T10:02:59Z")
    by(court, colleague, "2024-04-02T10:02:59.999999Z", undo_reschedule, hearing)
    for later in ("2024-04-02T10:03Z", "2024-04-02T10:05:59Z", "2024-04-02T10:06Z", "2024-04-02T12:00Z"):
        court.tick(later)
        assert court.mails(user) == [], later
    assert court.plan_of(user, "hearing.changed") == []
    court.tick("2024-04-04T05:00Z")
    (mail,) = court.mails(user)
    assert mail.kind == "hearing.reminder"
    assert "Monday 8 April 2024, 09:30" in mail.text


def test_what_was_told_at_three_minutes_is_not_undone(court: Any) -> None:
    user, colleague = court.follower("amal@example.org"), court.staff("basel@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    by(court, colleague, "2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 24), time(9, 30)))
    court.tick("2024-04-02T10:03Z")
    assert subjects(court, user) == ["Moved"]
    with pytest.raises(Refused, match="three minutes have passed"):
        by(court, colleague, "2024-04-02T10:03Z", undo_reschedule, hearing)


@pytest.mark.one_engine
def test_the_notice_of_an_earlier_move_says_moved_when_a_correction_after_it_was_undone(court: Any) -> None:
    user, colleague = court.follower("amal@example.org"), court.staff("basel@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    by(court, colleague, "2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 24), time(9, 30)))
    by(court, colleague, "2024-04-02T10:01Z", correct_hearing, hearing, on_day(ZONE, date(2024, 4, 25), time(9, 30)))
    by(court, colleague, "2024-04-02T10:02Z", undo_reschedule, hearing)
    court.tick("2024-04-02T10:04:59Z")
    assert court.mails(user) == []
    court.tick("2024-04-02T10:05Z")
    (mail,) = court.mails(user)
    assert str(mail.message["Subject"]).startswith("Moved")
    assert "24 April 2024" in mail.text
