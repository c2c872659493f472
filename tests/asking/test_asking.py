"""What happened in court? Asked of one person after the other, each once, until somebody has said."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from house_of_cases import statements

from tracker.accounts.models import User
from tracker.asking import planning
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.clockwork.kinds import steps
from tracker.hearings.rules import between, on_day
from tracker.hearings.service import cancel_hearing, move_hearing, record_outcome, reinstate_hearing
from tracker.outbox.kinds import kinds
from tracker.outbox.models import Recipient
from tracker.outbox.service import recipient_for

ZONE = "Asia/Jerusalem"

#: Everybody in line for a hearing of Monday 8 April 2024, 09:30, at a desk that works from Sunday to Thursday.
ALL = [
    ("2024-04-08T14:00", "owner"),
    ("2024-04-09T06:00", "owner"),
    ("2024-04-10T06:00", "deputy"),
    ("2024-04-11T06:00", "coordinator"),
]


def test_the_kinds_and_the_step_are_announced(line: Any) -> None:
    assert kinds.get("hearing.outcome_asked").if_unsure == "retry_once"
    assert kinds.get("hearing.date_asked").if_unsure == "retry_once"
    assert steps.get("asking.plan").turn == "plan"


def test_each_in_line_is_asked_once_however_often_the_clock_ticks(line: Any) -> None:
    line.hearing(line.usual_case())
    assert line.ticks("2024-04-08T06:00Z", "2024-04-13T06:00Z", minutes=60) == ALL
    assert [mail.kind for mail in line.sink.mails] == ["hearing.outcome_asked"] * 4
    assert line.ticks("2024-04-13T06:10Z", "2024-05-20T06:00Z", minutes=24 * 60) == []


@pytest.mark.parametrize(
    ("said_at", "asked"),
    [
        ("2024-04-08T13:59Z", []),
        ("2024-04-08T14:30Z", ALL[:1]),
        ("2024-04-09T08:00Z", ALL[:2]),
        ("2024-04-10T08:00Z", ALL[:3]),
    ],
)
def test_an_outcome_in_between_stops_the_rest(line: Any, said_at: str, asked: Any) -> None:
    hearing = line.hearing(line.usual_case())
    found = line.ticks("2024-04-08T06:00Z", said_at)
    line.act(said_at, record_outcome, hearing, "took_place")
    assert found + line.ticks(said_at, "2024-04-13T06:00Z") == asked


def test_nobody_knows_yet_is_an_answer_too(line: Any) -> None:
    hearing = line.hearing(line.usual_case())
    line.tick("2024-04-08T14:00Z")
    line.act("2024-04-08T15:00Z", record_outcome, hearing, "not_known")
    assert line.ticks("2024-04-08T15:00Z", "2024-04-13T06:00Z") == []


def test_a_question_that_waits_for_the_morning_is_taken_back_by_the_answer(line: Any) -> None:
    line.change(line.owner, zone="Asia/Tokyo")
    hearing = line.hearing(line.usual_case())
    assert line.tick("2024-04-08T14:00Z") == []
    assert line.questions() == [("owner", "first", "waiting", "")]
    line.act("2024-04-08T15:00Z", record_outcome, hearing, "took_place")
    assert line.questions() == [("owner", "first", "cancelled", "somebody said what happened")]


def test_a_move_takes_the_question_back_and_the_new_day_asks_anew(line: Any) -> None:
    line.change(line.owner, zone="Asia/Tokyo")
    hearing = line.hearing(line.usual_case())
    line.tick("2024-04-08T14:00Z")
    line.act("2024-04-08T15:00Z", move_hearing, hearing, on_day(ZONE, date(2024, 4, 15)))
    assert line.questions() == [("owner", "first", "cancelled", "the hearing moved")]
    assert line.ticks("2024-04-08T15:00Z", "2024-04-15T06:00Z", minutes=24 * 60) == []
    # 17:00 in Haifa is 23:00 in Tokyo, and seven in the morning there 22:00 UTC.
    assert line.ticks("2024-04-15T14:00Z", "2024-04-15T23:00Z", minutes=60) == [("2024-04-15T22:00", "owner")]


def test_a_hearing_that_is_off_asks_nobody(line: Any) -> None:
    line.change(line.owner, zone="Asia/Tokyo")
    hearing = line.hearing(line.usual_case())
    line.tick("2024-04-08T14:00Z")
    line.act("2024-04-08T15:00Z", cancel_hearing, hearing)
    assert line.questions() == [("owner", "first", "cancelled", "the hearing is off")]
    assert line.ticks("2024-04-08T15:00Z", "2024-04-13T06:00Z") == []


def test_an_outcome_that_is_taken_back_is_asked_for_again(line: Any) -> None:
    hearing = line.hearing(line.usual_case())
    line.tick("2024-04-08T14:00Z")
    line.act("2024-04-08T15:00Z", record_outcome, hearing, "took_place")
    line.act("2024-04-08T15:10Z", reinstate_hearing, hearing)
    assert line.tick("2024-04-08T15:10Z") == ["owner"]
    assert line.ticks("2024-04-08T18:00Z", "2024-04-13T06:00Z") == ALL[1:]


# Who is asked ---------------------------------------------------------------------------------------------------------


def test_whoever_is_away_is_passed_over_at_the_same_instants(line: Any) -> None:
    line.hearing(line.usual_case())
    line.change(line.owner, away_until=date(2024, 4, 30))
    assert line.ticks("2024-04-08T06:00Z", "2024-04-13T06:00Z") == [
        ("2024-04-08T14:00", "deputy"),
        ("2024-04-09T06:00", "deputy"),
        ("2024-04-10T06:00", "coordinator"),
    ]


def test_who_is_back_is_asked_again(line: Any) -> None:
    line.hearing(line.usual_case())
    line.change(line.owner, away_until=date(2024, 4, 8))
    found = line.ticks("2024-04-08T06:00Z", "2024-04-13T06:00Z")
    assert found == [("2024-04-08T14:00", "deputy"), *ALL[1:]]


@pytest.mark.parametrize(
    ("coordinated", "asked"),
    [(True, ALL[2:]), (False, ALL[2:3])],
)
def test_who_goes_away_after_being_asked_leaves_the_next_in_line(line: Any, coordinated: bool, asked: Any) -> None:
    line.hearing(line.usual_case())
    if not coordinated:
        line.change(line.coordinator, away_until=date(2024, 6, 1))
    assert line.ticks("2024-04-08T14:00Z", "2024-04-09T14:00Z") == ALL[:2]
    line.change(line.owner, away_until=date(2024, 6, 1))
    assert line.ticks("2024-04-09T18:00Z", "2024-04-30T14:00Z") == asked


@pytest.mark.parametrize(
    ("people", "asked"),
    [
        (("deputy",), [ALL[0], ALL[1]]),
        (("owner",), ALL[:2]),
        ((), []),
    ],
)
def test_those_who_are_there_are_asked(line: Any, people: tuple[str, ...], asked: Any) -> None:
    line.change(line.coordinator, active=False)
    line.hearing(line.case(*(getattr(line, p) if p in people else None for p in ("owner", "deputy"))))
    found = line.ticks("2024-04-08T06:00Z", "2024-04-13T06:00Z")
    assert found == [(when, people[0]) for when, _who in asked]


def test_without_owner_and_deputy_the_coordinators_are_asked_and_who_stands_in_only_for_them(line: Any) -> None:
    other, standing = line.staff("other@example.org", coordinator=True), line.staff("standing@example.org")
    line.stand_in(standing)
    line.hearing(line.case())
    assert sorted(line.tick("2024-04-08T14:00Z")) == ["coordinator", "other"]
    for one in (line.coordinator, other):
        line.change(one, away_until=date(2024, 4, 9))
    assert line.tick("2024-04-09T06:00Z") == ["standing"]


def test_somebody_who_is_several_things_to_a_case_stands_in_line_once(line: Any) -> None:
    line.hearing(line.case(line.coordinator, line.coordinator))
    assert line.ticks("2024-04-08T06:00Z", "2024-04-13T06:00Z") == [
        ("2024-04-08T14:00", "coordinator"),
        ("2024-04-09T06:00", "coordinator"),
    ]


def test_who_takes_the_case_over_is_asked_in_stead_of_who_kept_it(line: Any) -> None:
    line.change(line.owner, zone="Asia/Tokyo")
    case = line.usual_case()
    line.hearing(case)
    new = line.staff("new@example.org")
    assert line.tick("2024-04-08T14:00Z") == []
    line.change(case, owner_id=new.id)
    # Held back until the owner's morning in Tokyo, and then not theirs any more; in Jerusalem it is night until four.
    assert line.ticks("2024-04-08T22:00Z", "2024-04-09T04:00Z", minutes=60) == [("2024-04-09T04:00", "new")]
    assert line.tick("2024-04-09T06:00Z") == ["new"]
    assert line.questions()[0] == ("owner", "first", "skipped", "they are not the one to ask any more")


def test_mail_that_comes_back_is_no_question(line: Any) -> None:
    line.hearing(line.usual_case())
    line.change(find_recipient(line.owner), suppressed_at=clock.now())
    assert line.tick("2024-04-08T14:00Z") == ["deputy"]


def find_recipient(user: User) -> Recipient:
    """Where mail to somebody goes."""
    found = recipient_for(db.session(), user.id)
    db.session.commit()
    return found


def test_coordinators_who_may_not_see_it_are_not_asked(line: Any) -> None:
    line.hearing(line.usual_case(audience=Audience.NAMED))
    assert line.ticks("2024-04-08T06:00Z", "2024-04-13T06:00Z") == ALL[:3]


def test_a_case_that_is_closed_asks_nobody(line: Any) -> None:
    case = line.usual_case()
    line.hearing(case)
    line.change(case, stage="closed")
    assert line.ticks("2024-04-08T06:00Z", "2024-04-13T06:00Z") == []


# When -----------------------------------------------------------------------------------------------------------------


def test_after_a_stop_of_the_clock_one_question_goes_to_who_knows_best(line: Any) -> None:
    line.hearing(line.usual_case())
    assert line.tick("2024-04-10T07:00Z") == ["owner"]
    assert line.ticks("2024-04-10T10:00Z", "2024-04-13T06:00Z") == [("2024-04-11T06:00", "deputy")]
    missed = "missed while the clock stood still; a later question asks it"
    assert line.questions() == [
        ("owner", "first", "skipped", missed),
        ("owner", "again", "skipped", missed),
        ("owner", "deputy", "sent", ""),
        ("deputy", "coordinator", "sent", ""),
    ]


def test_questions_that_could_not_leave_become_the_last_of_them(line: Any) -> None:
    line.hearing(line.usual_case())
    line.sink.stop()
    assert line.tick("2024-04-08T14:00Z") == line.tick("2024-04-09T06:00Z") == []
    line.sink.start()
    assert line.tick("2024-04-09T07:00Z") == ["owner"]
    assert line.questions() == [
        ("owner", "first", "skipped", "a later question asks it"),
        ("owner", "again", "sent", ""),
    ]


def test_the_last_question_that_could_not_leave_for_a_week_was_not_delivered(line: Any) -> None:
    line.change(line.coordinator, active=False)
    line.hearing(line.case(line.owner, None))
    line.sink.stop()
    for now in ("2024-04-08T14:00Z", "2024-04-09T06:00Z", "2024-04-18T05:59Z", "2024-04-18T06:00Z"):
        assert line.tick(now) == []
    assert [(step, state) for _who, step, state, _why in line.questions()] == [
        ("first", "skipped"),
        ("again", "not_delivered"),
    ]


def test_a_question_is_not_said_to_be_asked_later_when_nobody_is_left_for_that(line: Any) -> None:
    line.change(line.coordinator, active=False)
    line.hearing(line.usual_case())
    line.sink.stop()
    line.tick("2024-04-09T06:00Z")
    line.change(line.deputy, away_until=date(2024, 6, 1))
    line.tick("2024-04-10T06:30Z")
    assert line.questions()[-1][1:3] == ("again", "not_delivered")


def test_what_is_long_past_is_a_flag_and_no_question(line: Any) -> None:
    line.hearing(line.usual_case())
    assert line.tick("2024-04-18T06:00Z") == []
    assert line.questions() == []


def test_what_is_long_past_only_just_is_asked_still(line: Any) -> None:
    line.hearing(line.usual_case())
    assert line.tick("2024-04-18T05:59Z") == ["owner"]


def test_a_window_is_asked_about_after_its_last_day_began_to_end(line: Any) -> None:
    line.hearing(line.usual_case(), between(ZONE, date(2024, 4, 7), date(2024, 4, 9)))
    assert line.ticks("2024-04-07T06:00Z", "2024-04-09T18:00Z") == [
        ("2024-04-07T06:00", "owner"),  # the week's question for the date
        ("2024-04-09T14:00", "owner"),
    ]
    assert [mail.kind for mail in line.sink.mails] == ["hearing.date_asked", "hearing.outcome_asked"]


def test_what_was_just_done_in_a_page_can_be_undone_before_anybody_is_asked(line: Any) -> None:
    hearing = line.hearing(line.usual_case(), on_day(ZONE, date(2024, 4, 20)))
    past = on_day(ZONE, date(2024, 4, 8))
    line.act("2024-04-08T15:00Z", move_hearing, hearing, past, by_hand=True, unlikely_is_meant=True)
    assert line.tick("2024-04-08T15:02Z") == []
    assert line.tick("2024-04-08T15:03Z") == ["owner"]


# Many -----------------------------------------------------------------------------------------------------------------


def test_one_hearing_of_many_cases_is_one_question_naming_them(line: Any) -> None:
    cases = [line.usual_case() for _ in range(11)]
    line.hearing(cases)
    assert line.tick("2024-04-08T14:00Z") == ["owner"]
    for case in cases:
        assert f"{case.nickname} ({case.ref})" in line.sink.mails[0].text


def test_each_owner_of_one_hearing_is_asked_about_what_they_may_see(line: Any) -> None:
    other = line.staff("other@example.org")
    mine, theirs = line.usual_case(), line.case(other, audience=Audience.NAMED)
    line.hearing([mine, theirs])
    assert sorted(line.tick("2024-04-08T14:00Z")) == ["other", "owner"]
    [seen] = [mail for mail in line.sink.mails if line.name(mail) == "owner"]
    assert mine.ref in seen.text
    assert theirs.ref not in f"{seen.text} {seen.html}"


def test_a_day_with_many_hearings_is_one_mail(line: Any) -> None:
    for _ in range(4):
        line.hearing(line.usual_case())
    assert line.tick("2024-04-08T14:00Z") == ["owner"]
    [mail] = line.sink.mails
    assert str(mail.message["Subject"]).endswith("and 3 more")
    assert mail.text.count("/outcome") == 4


def test_the_cost_of_a_look_does_not_grow_with_what_is_asked(line: Any) -> None:
    with statements() as nothing:
        planning.plan_step(datetime(2024, 4, 8, 13, tzinfo=UTC))
    # Its own five, and those of the unit of work around them.
    assert len(nothing.said) <= 9
    for _ in range(30):
        line.hearing(line.usual_case())
    with statements() as many:
        planning.plan_step(datetime(2024, 4, 8, 14, tzinfo=UTC))
    assert len(many.said) <= 16
