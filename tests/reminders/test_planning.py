"""From a hearing to mails in a mailbox: each due thing once, whatever happens in between."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from sqlalchemy import event, select, update

from tracker.accounts.models import Membership, User
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import CLOCK, COMMAND, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.hearings.models import Hearing
from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import (
    cancel_hearing,
    correct_hearing,
    edit_hearing,
    move_hearing,
    record_outcome,
    reinstate_hearing,
)
from tracker.reminders import service

ZONE = "Asia/Jerusalem"


def test_two_followers_get_each_lead_once_over_many_ticks(court: Any) -> None:
    first, second = court.follower("amal@example.org"), court.follower("bina@example.org")
    court.hearing(court.case())
    assert court.tick("2024-03-31T12:00Z")["sent"] == 0
    for _again in range(5):
        court.tick("2024-04-01T07:00Z")
    for user in (first, second):
        (mail,) = court.mails(user)
        assert mail.kind == "hearing.reminder"
        assert mail.message["Subject"].startswith("In 7 days, Mon 8 Apr 2024 Haifa: hearing, ")
    for _again in range(2):
        court.tick("2024-04-05T07:00Z")  # due on Thursday, because Friday is free: late, and once
    assert [len(court.mails(u)) for u in (first, second)] == [1, 1]
    court.tick("2024-04-06T07:00Z")
    assert court.mails(first) == []
    court.tick("2024-04-07T07:00Z")
    (mail,) = court.mails(first)
    assert mail.message["Subject"].startswith("Tomorrow Haifa: hearing, ")
    for later in ("2024-04-08T05:00Z", "2024-04-08T12:00Z", "2024-04-09T12:00Z"):
        court.tick(later)
    assert court.mails(first) == []
    assert [row[1] for row in court.plan_of(first)] == ["sent", "sent", "sent"]


@pytest.mark.one_engine
def test_a_lead_on_a_free_day_goes_on_the_working_day_before(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    assert court.tick("2024-04-04T04:59Z")["sent"] == 0
    assert court.tick("2024-04-04T05:00Z")["sent"] == 1


def test_the_clock_was_down_and_one_mail_says_what_is_left(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())
    court.tick("2024-03-27T08:00Z")  # the first of three stands in the plan
    court.tick("2024-04-07T10:00Z")
    (mail,) = court.mails(user)
    assert mail.text.startswith("Tomorrow: hearing")
    assert [row[:2] for row in court.plan_of(user)] == [(7, "skipped"), (3, "skipped"), (1, "sent")]
    assert all("served by" in reason for _days, state, reason in court.plan_of(user) if state == "skipped")


@pytest.mark.one_engine
def test_a_deliverer_that_runs_before_the_plan_leaves_the_longer_lead_to_it(court: Any) -> None:
    from tracker.base import clock
    from tracker.outbox.deliver import deliver

    user = court.follower("amal@example.org")
    court.hearing(court.case())
    court.tick("2024-03-27T08:00Z")
    late = court_at("2024-04-07T10:00+00:00")
    with clock.fixed_at(late):
        assert deliver(late)["sent"] == 0
    assert court.plan_of(user) == [(7, "skipped", "served by a later reminder")]
    court.tick("2024-04-07T10:00Z")
    assert len(court.mails(user)) == 1


@pytest.mark.one_engine
def test_a_hearing_that_passed_unreminded_is_on_record(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())
    court.sink.stop()
    court.tick("2024-04-07T05:00Z")
    court.sink.start()
    court.tick("2024-04-08T09:00Z")
    assert court.mails(user) == []
    assert court.plan_of(user)[-1][:2] == (1, "not_delivered")


@pytest.mark.one_engine
def test_nothing_goes_out_after_the_hearing(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())
    court.tick("2024-04-08T09:00Z")  # noon there: over for reminding
    assert court.mails(user) == []


@pytest.mark.one_engine
def test_entered_inside_its_last_lead_it_goes_at_once(court: Any) -> None:
    user = court.follower("amal@example.org")
    case = court.case()
    when = on_day(ZONE, date(2024, 4, 8), time(9, 30))
    with_time = court.hearing(case, when, now=court_at("2024-04-08T04:30Z"))
    court.tick("2024-04-08T04:31Z")
    (mail,) = court.mails(user)
    assert mail.text.startswith("Today, in 1 hour: hearing")
    assert [row[:2] for row in court.plan_of(user)] == [(7, "skipped"), (3, "skipped"), (1, "sent")]
    assert with_time.starts_at == court_at("2024-04-08T06:30Z")


def court_at(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text)


def test_a_follower_who_comes_late_gets_every_lead_not_yet_past(court: Any) -> None:
    court.hearing(court.case())
    court.tick("2024-04-02T07:00Z")
    late = court.follower("late@example.org", now=court_at("2024-04-02T08:00Z"))
    court.tick("2024-04-02T08:01Z")
    (mail,) = court.mails(late)
    assert "In 6 days" in mail.text
    court.tick("2024-04-04T05:00Z")
    assert len(court.mails(late)) == 1


def test_a_window_is_reminded_before_its_first_day(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), in_window(ZONE, "week", date(2024, 4, 10)))
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(user)
    assert "in the week of Monday 8 April 2024" in mail.text
    assert "In 7 days at the earliest" in mail.text


@pytest.mark.one_engine
def test_a_date_to_be_notified_is_not_reminded_of(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), in_window(ZONE, "not_set"))
    court.tick("2024-04-07T05:00Z")
    assert court.plan_of(user) == []


def test_owner_and_deputy_follow_without_a_row_and_others_do_not(court: Any) -> None:
    owner, deputy, other = (court.staff(f"{n}@example.org") for n in ("owner", "deputy", "other"))
    court.hearing(court.case(owner=owner, deputy=deputy))
    court.tick("2024-04-01T05:00Z")
    assert "because you keep this case" in court.mails(owner)[0].text
    assert "because you stand in for" in court.mails(deputy)[0].text
    assert court.mails(other) == []


def test_one_hearing_of_many_cases_is_one_mail_naming_those_a_reader_may_see(court: Any) -> None:
    user, named = court.follower("amal@example.org"), court.staff("named@example.org")
    open_ones = [court.case() for _n in range(2)]
    hidden = court.case(owner=named, audience=Audience.NAMED)
    court.hearing([*open_ones, hidden])
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(user)
    assert all(case.ref in mail.text for case in open_ones)
    assert hidden.ref not in mail.text
    assert [hidden.ref in m.text for m in court.mails(named)] == [True]
    assert [row[0] for row in court.plan_of(user)] == [7, 3, 1]


@pytest.mark.one_engine
def test_a_hearing_for_named_people_is_not_told_to_the_desk(court: Any) -> None:
    owner, user = court.staff("owner@example.org"), court.follower("amal@example.org")
    court.hearing(court.case(owner=owner), audience=Audience.NAMED)
    court.tick("2024-04-01T05:00Z")
    assert len(court.mails(owner)) == 1
    assert court.mails(user) == []


@pytest.mark.one_engine
def test_a_draft_is_not_reminded_of(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(stage="draft"))
    court.tick("2024-04-01T05:00Z")
    assert court.mails(user) == []


# Changes --------------------------------------------------------------------------------------------------------------


def test_a_move_tells_those_who_were_told_and_takes_back_what_waits(court: Any) -> None:
    told, late = court.follower("told@example.org"), court.staff("late@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(told)
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 22), time(9, 30)))
    assert [row[1:] for row in court.plan_of(told)] == [("sent", ""), *[("cancelled", "the hearing moved")] * 2]
    for _again in range(3):
        court.tick("2024-04-02T10:00Z")
    (mail,) = court.mails(told)
    assert mail.kind == "hearing.changed"
    assert mail.message["Subject"].startswith("Moved: now Mon 22 Apr 2024 09:30 Haifa: hearing, ")
    assert "We told you: Monday 8 April 2024, time not announced, Asia/Jerusalem" in mail.text
    assert "It is now: Monday 22 April 2024, 09:30 Asia/Jerusalem" in mail.text
    assert court.mails(late) == []
    court.tick("2024-04-07T05:00Z")  # the day before the old date
    assert court.mails(told) == []
    court.tick("2024-04-15T05:00Z")  # seven days before the new one
    assert [m.kind for m in court.mails(told)] == ["hearing.reminder"]


@pytest.mark.one_engine
def test_who_was_told_nothing_is_told_nothing_of_a_move(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.act("2024-03-25T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 5, 22)))
    court.tick("2024-03-25T10:01Z")
    assert court.plan_of(user, "hearing.changed") == []


@pytest.mark.one_engine
def test_a_correction_says_that_we_were_wrong(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-01T10:00Z", correct_hearing, hearing, on_day(ZONE, date(2024, 5, 8)))
    court.tick("2024-04-01T10:01Z")
    (mail,) = court.mails(user)
    assert mail.message["Subject"].startswith("Corrected: it is Wed 8 May 2024 Haifa")
    assert mail.text.startswith("We gave a wrong date.")
    assert "It is: Wednesday 8 May 2024" in mail.text


def test_a_cancelled_hearing_is_told_and_nothing_more_follows(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-03T10:00Z", cancel_hearing, hearing)
    court.tick("2024-04-03T10:01Z")
    (mail,) = court.mails(user)
    assert mail.message["Subject"].startswith("Cancelled: Mon 8 Apr 2024 Haifa")
    court.tick("2024-04-07T05:00Z")
    assert court.mails(user) == []


@pytest.mark.one_engine
def test_adjourned_says_that_it_sat_and_when_it_goes_on(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8), time(9, 30)))
    court.tick("2024-04-07T05:00Z")
    court.mails(user)
    following = on_day(ZONE, date(2024, 5, 8), time(11))
    court.act("2024-04-08T09:00Z", record_outcome, hearing, "adjourned", next_when=following)
    court.tick("2024-04-08T09:01Z")
    (mail,) = court.mails(user)
    assert mail.message["Subject"].startswith("Adjourned: Mon 8 Apr 2024 09:30 Haifa")
    assert "the court sat, and goes on another day" in mail.text
    assert "Next: Wednesday 8 May 2024, 11:00 Asia/Jerusalem" in mail.text


@pytest.mark.one_engine
def test_postponed_says_that_it_did_not_sit(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8), time(9, 30)))
    court.tick("2024-04-07T05:00Z")
    court.mails(user)
    court.act("2024-04-08T09:00Z", record_outcome, hearing, "postponed")
    court.tick("2024-04-08T09:01Z")
    (mail,) = court.mails(user)
    assert "the court did not sit" in mail.text
    assert "Next: No new date is known yet." in mail.text


def test_what_is_done_in_a_page_is_told_three_minutes_later(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 9)), by_hand=True)
    court.tick("2024-04-02T10:02:59Z")
    assert court.mails(user) == []
    court.tick("2024-04-02T10:03Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.changed"]
    court.tick("2024-04-02T10:04Z")
    assert court.mails(user) == []


def test_a_move_there_and_back_tells_nobody(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 9)), by_hand=True)
    court.act("2024-04-02T10:01Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 8)), by_hand=True)
    court.tick("2024-04-02T10:10Z")
    assert court.mails(user) == []
    court.tick("2024-04-04T05:00Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.reminder"]
    assert [row for row in court.plan_of(user) if row[1] == "skipped"] == [
        (7, "skipped", "told already, with the same date and place")
    ]


def test_quick_changes_collapse_into_the_last(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.sink.stop()
    for day in (9, 10, 11):
        court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, day)))
        court.tick("2024-04-02T10:00Z")
    court.sink.start()
    court.tick("2024-04-02T11:00Z")
    (mail,) = court.mails(user)
    assert "Thu 11 Apr 2024" in mail.message["Subject"]
    assert [row[1:] for row in court.plan_of(user, "hearing.changed")] == [
        ("cancelled", "it changed again"),
        ("cancelled", "it changed again"),
        ("sent", ""),
    ]


def test_a_notice_serves_every_lead_already_due(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-03T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 5), time(12)))
    court.tick("2024-04-03T10:01Z")
    (mail,) = court.mails(user)
    assert mail.kind == "hearing.changed"
    served = [row for row in court.plan_of(user) if row[2] == "served by the notice of the change"]
    assert [row[0] for row in served] == [7, 3]
    court.tick("2024-04-04T05:00Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.reminder"]


def test_a_mail_under_way_while_it_moved_is_followed_by_a_notice(court: Any) -> None:
    from tracker.outbox.models import Message

    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-03-31T12:00Z")
    with unit_of_work("test", COMMAND):
        db.session.execute(update(Message).where(Message.days_before == 7).values(state="sending"))
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 22)))
    with unit_of_work("test", COMMAND):
        db.session.execute(
            update(Message)
            .where(Message.state == "sending")
            .values(state="sent", sent_at=court_at("2024-04-02T10:00:05+00:00"))
        )
    court.tick("2024-04-02T10:01Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.changed"]
    db.session.rollback()
    assert db.session.get_one(Hearing, hearing.id, populate_existing=True).tell_from is None


@pytest.mark.one_engine
def test_a_note_tells_nobody(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-02T10:00Z", edit_hearing, hearing, note="ask the lawyer")
    court.tick("2024-04-02T10:05Z")
    assert court.mails(user) == []


# Readers who come and go ----------------------------------------------------------------------------------------------


def test_closing_takes_reminders_back_and_reopening_revives_them(court: Any) -> None:
    user = court.follower("amal@example.org")
    case = court.case()
    court.hearing(case)
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    with unit_of_work("cases.close", COMMAND, now=court_at("2024-04-02T05:00+00:00")):
        found = db.session.get_one(Case, case.id)
        cases.close_case(db.session(), found, db.session.get_one(type(court.desk), court.desk.id), reason="resolved")
    assert court.plan_of(user)[1:] == [(days, "cancelled", "the case is not in hand") for days in (3, 1)]
    court.tick("2024-04-04T05:00Z")
    assert court.mails(user) == []
    with unit_of_work("cases.reopen", COMMAND, now=court_at("2024-04-04T06:00+00:00")):
        found = db.session.get_one(Case, case.id)
        cases.reopen_case(db.session(), found, db.session.get_one(type(court.desk), court.desk.id), words="an appeal")
    court.tick("2024-04-04T06:01Z")
    assert len(court.mails(user)) == 1


def test_who_lost_access_is_passed_over_at_the_last_look(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())
    court.tick("2024-03-31T12:00Z")
    with unit_of_work("accounts.leave", COMMAND):
        db.session.query(Membership).filter_by(user_id=user.id).delete()
    court.tick("2024-04-01T05:00Z")
    assert court.mails(user) == []
    assert court.plan_of(user)[0] == (7, "skipped", "they may no longer see it")


@pytest.mark.one_engine
def test_an_account_that_is_not_active_gets_nothing(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())
    court.tick("2024-03-31T12:00Z")
    with unit_of_work("accounts.disable", COMMAND):
        db.session.get_one(User, user.id).active = False
    court.tick("2024-04-01T05:00Z")
    assert court.mails(user) == []


def test_a_stop_ends_even_what_an_owner_gets_and_resuming_brings_it_back(court: Any) -> None:
    owner = court.staff("owner@example.org")
    case = court.case(owner=owner)
    court.hearing(case)
    court.tick("2024-03-31T12:00Z")
    stop(owner, case, "2024-03-31T13:00+00:00")
    assert {row[1:] for row in court.plan_of(owner)} == {("cancelled", "they no longer follow it")}
    court.tick("2024-04-01T05:00Z")
    assert court.mails(owner) == []
    with unit_of_work("reminders.resume", COMMAND, now=court_at("2024-04-01T06:00+00:00")) as now:
        recipient_id = service.recipient_for(db.session(), owner.id).id
        service.resume_for(db.session(), recipient_id, [case.id], now)
    court.tick("2024-04-01T06:01Z")
    assert len(court.mails(owner)) == 1


def test_who_stopped_hears_of_no_change_and_who_only_ceased_to_own_does(court: Any) -> None:
    stopped, former, heir = (court.staff(f"{n}@example.org") for n in ("stopped", "former", "heir"))
    case = court.case(owner=former, deputy=stopped)
    hearing = court.hearing(case)
    court.tick("2024-04-01T05:00Z")
    court.sink.clear()
    stop(stopped, case, "2024-04-01T06:00+00:00")
    with unit_of_work("cases.edit", COMMAND, now=court_at("2024-04-01T07:00+00:00")):
        found = db.session.get_one(Case, case.id)
        cases.edit_case(db.session(), found, version=found.version, owner_id=heir.id)
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 22)))
    court.tick("2024-04-02T10:01Z")
    assert [[m.kind for m in court.mails(u)] for u in (stopped, former)] == [[], ["hearing.changed"]]


def stop(user: User, case: Case, now: str) -> None:
    """Stop an account's reminders of a case."""
    with unit_of_work("reminders.stop", COMMAND, now=court_at(now)) as instant:
        service.stop(db.session(), user, case=db.session.get_one(Case, case.id), now=instant)


def test_days_of_ones_own_replace_those_of_the_kind(court: Any) -> None:
    user = court.staff("amal@example.org")
    case = court.case()
    court.hearing(case)
    with unit_of_work("reminders.follow", COMMAND, now=court_at("2024-03-23T10:00+00:00")) as now:
        found = db.session.get_one(Case, case.id)
        service.follow(db.session(), user, case=found, now=now, days_before=[14, 2])
    court.tick("2024-03-25T06:00Z")  # fourteen days before
    assert len(court.mails(user)) == 1
    court.tick("2024-04-01T05:00Z")
    assert court.mails(user) == []
    court.tick("2024-04-06T05:00Z")
    assert len(court.mails(user)) == 1


def test_days_chosen_later_take_back_the_others_and_given_up_bring_them_back(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())

    def choose(now: str, days: list[int]) -> None:
        with unit_of_work("reminders.follow", COMMAND, now=court_at(now)) as instant:
            service.follow(db.session(), db.session.merge(user), desk=court.desk, now=instant, days_before=days)

    court.tick("2024-03-31T05:00Z")
    choose("2024-03-31T06:00Z", [1])
    assert [row[1] for row in court.plan_of(user)] == ["cancelled", "cancelled", "waiting"]
    court.tick("2024-04-01T05:00Z")
    assert court.mails(user) == []
    choose("2024-04-02T06:00Z", [3, 1])
    court.tick("2024-04-04T05:00Z")
    assert [str(m.message["Subject"])[:9] for m in court.mails(user)] == ["In 4 days"]
    court.tick("2024-04-07T05:00Z")
    assert [str(m.message["Subject"])[:8] for m in court.mails(user)] == ["Tomorrow"]


@pytest.mark.parametrize(("day", "planned_on"), [(8, "2024-03-30T05:00Z"), (13, "2024-03-31T05:00Z")])
def test_another_kind_of_hearing_takes_back_the_days_it_does_not_have(court: Any, day: int, planned_on: str) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, day)))
    court.tick(planned_on)
    assert (7, "waiting", "") in court.plan_of(user)
    court.act("2024-03-31T06:00Z", edit_hearing, hearing, kind="mention")
    assert (7, "cancelled", "other days are chosen for it") in court.plan_of(user)
    court.act("2024-03-31T07:00Z", edit_hearing, hearing, kind="hearing")
    assert (7, "waiting", "") in court.plan_of(user)


def test_with_days_of_ones_own_what_is_entered_on_the_evening_before_is_told_that_evening(court: Any) -> None:
    user = court.follower("amal@example.org")
    with unit_of_work("reminders.follow", COMMAND) as now:
        service.follow(db.session(), db.session.merge(user), desk=court.desk, now=now, days_before=[7, 3])
    early = on_day(ZONE, date(2024, 4, 8), time(6, 30))
    court.hearing(court.case(), early, now=datetime(2024, 4, 7, 18, 30, tzinfo=UTC))
    court.tick("2024-04-07T18:31Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.reminder"]


def test_an_account_that_became_a_volunteers_is_reminded_of_nothing(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(audience=Audience.VOLUNTEERS), audience=Audience.VOLUNTEERS)
    court.tick("2024-04-01T12:00Z")
    assert len(court.mails(user)) == 1
    with unit_of_work("accounts.change", COMMAND):
        db.session.get_one(User, user.id).role = "volunteer"
    court.tick("2024-04-04T05:00Z")
    assert court.mails(user) == []


def test_who_gets_access_back_is_reminded_at_the_next_look(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case())
    with unit_of_work("accounts.leave", COMMAND):
        db.session.query(Membership).filter_by(user_id=user.id).delete()
    court.tick("2024-04-01T07:00Z")
    assert court.mails(user) == []
    with unit_of_work("accounts.join", COMMAND):
        db.session.add(Membership(user_id=user.id, desk_id=court.desk.id))
    court.tick("2024-04-01T07:01Z")
    assert len(court.mails(user)) == 1


# Cost -----------------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
def test_a_tick_with_nothing_to_plan_costs_the_same_few_statements(court: Any) -> None:
    from tracker.reminders.planning import plan

    for number in range(3):
        court.follower(f"amal{number}@example.org")
    for _number in range(4):
        court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with unit_of_work("reminders.plan", CLOCK, now=court_at("2024-04-01T05:01+00:00")) as now:
            assert plan(db.session(), now) == {"planned": 0, "cancelled": 0}
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len([s for s in said if not s.startswith(("BEGIN", "PRAGMA"))]) == 5, said


@pytest.mark.one_engine
@pytest.mark.parametrize(("hearings", "followers"), [(1, 1), (6, 5)])
def test_planning_costs_statements_by_kind_and_not_by_row(court: Any, hearings: int, followers: int) -> None:
    from tracker.reminders.planning import plan

    for number in range(followers):
        court.follower(f"amal{number}@example.org")
    for _number in range(hearings):
        court.hearing(court.case())
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with unit_of_work("reminders.plan", CLOCK, now=court_at("2024-03-31T12:00+00:00")) as now:
            assert plan(db.session(), now)["planned"] >= hearings * followers
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len([s for s in said if not s.startswith(("BEGIN", "PRAGMA"))]) <= 14, said


@pytest.mark.one_engine
def test_a_date_put_right_of_what_is_off_is_not_told_again(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8), time(9, 30)))
    court.tick("2024-04-07T05:00Z")
    court.mails(user)
    court.act("2024-04-08T09:00Z", record_outcome, hearing, "postponed")
    court.tick("2024-04-08T09:01Z")
    assert len(court.mails(user)) == 1
    court.act(
        "2024-04-08T10:00Z",
        correct_hearing,
        hearing,
        on_day(ZONE, date(2024, 4, 9), time(9, 30)),
        unlikely_is_meant=True,
    )
    court.tick("2024-04-08T10:01Z")
    assert court.mails(user) == []


@pytest.mark.one_engine
@pytest.mark.parametrize(("back", "told"), [("2024-04-02T10:02:59Z", []), ("2024-04-02T11:00Z", ["On again"])])
def test_a_cancellation_taken_back_in_time_tells_nobody(court: Any, back: str, told: list[str]) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-02T10:00Z", cancel_hearing, hearing, by_hand=True)
    if told:
        court.tick("2024-04-02T10:03Z")
        assert [m.message["Subject"].split(":")[0] for m in court.mails(user)] == ["Cancelled"]
    court.act(back, reinstate_hearing, hearing, by_hand=True)
    court.tick("2024-04-02T11:10Z")
    assert [m.message["Subject"].split(":")[0] for m in court.mails(user)] == told
    court.tick("2024-04-04T05:00Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.reminder"], "the three-day lead goes out as ever"


@pytest.mark.one_engine
def test_who_may_have_a_mail_whose_try_went_unanswered_hears_of_the_change(court: Any) -> None:
    from tracker.outbox.models import Envelope, Message

    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case())
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    with unit_of_work("test", COMMAND):
        sent = db.session.scalars(select(Message).where(Message.state == "sent")).one()
        db.session.get_one(Envelope, sent.envelope_id).ambiguous_attempts = 1
        sent.state, sent.sent_at, sent.ended_at = "waiting", None, None
    court.act("2024-04-02T10:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 22)))
    db.session.rollback()
    assert [row[1] for row in court.plan_of(user, "hearing.changed")] == ["waiting"]
