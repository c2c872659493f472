"""`follow.reminder`, `follow.changed`, `follow.stopped`, planned by `following.plan`: what is public and stands is
told once, and nothing else leaves. What `stop:following` does."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from follow_ground import ADDRESS, DAY_BEFORE, NOW, WEEK_BEFORE, Follow
from house_of_cases import ZONE, utc
from returned_mail import report

from tracker.base.audience import Audience
from tracker.base.work import short_transaction
from tracker.cases.models import Case
from tracker.cases.service import edit_case
from tracker.consent.service import stop_publicity
from tracker.following.planning import forget_step, plan_step
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import on_day
from tracker.outbox.bounces import take_in
from tracker.outbox.pausing import pause, release
from tracker.outbox.reports import read_report

MINUTE = timedelta(minutes=1)
LATER = WEEK_BEFORE + timedelta(hours=2)


@pytest.fixture
def told(followed: Any) -> Any:
    """Somebody follows, and was reminded seven days before."""
    followed.of = followed.open_case()
    followed.follow(followed.of)
    followed.tick(WEEK_BEFORE)
    assert followed.kinds() == ["follow.confirm", "follow.reminder"]
    return followed


def change(followed: Any, how: str, *given: Any, at: Any = LATER, by: Any = None) -> None:
    """Something is done to the hearing."""
    with followed.lived.at(at, by) as session:
        hearing = session.get_one(Hearing, followed.trial.id, populate_existing=True)
        getattr(hearings, how)(session, hearing, *given, version=hearing.version)


def new_day(day: int) -> Any:
    """A day in April, at ten."""
    return on_day(ZONE, date(2024, 4, day), time(10))


def last(followed: Any) -> Any:
    """The mail that came last."""
    return followed.sink.to(ADDRESS)[-1]


def test_one_that_moved_is_told_once_and_reminded_of_anew(told: Any) -> None:
    change(told, "move_hearing", new_day(15))
    for minutes in (0, 1, 30):
        told.tick(LATER + minutes * MINUTE)
    assert told.kinds()[2:] == ["follow.changed"]
    assert last(told).message["Subject"] == "A date you follow has changed"
    assert "We told you: Monday 8 April 2024, 09:30" in last(told).text
    assert "It is now: Monday 15 April 2024, 10:00" in last(told).text
    told.tick(DAY_BEFORE)
    assert len(told.kinds()) == 3, "nothing of the old date"
    told.tick(utc("2024-04-08T05:00"))
    told.tick(utc("2024-04-14T05:00"))
    assert told.kinds()[3:] == ["follow.reminder"] * 2


def test_what_was_moved_in_a_page_and_undone_within_three_minutes_is_never_told(told: Any) -> None:
    change(told, "move_hearing", new_day(15), by=told.lived.owner)
    told.tick(LATER + MINUTE)
    change(told, "undo_reschedule", at=LATER + 2 * MINUTE, by=told.lived.owner)
    told.tick(LATER + 10 * MINUTE)
    assert len(told.kinds()) == 2
    change(told, "move_hearing", new_day(15), by=told.lived.owner)
    told.tick(LATER + 3 * MINUTE - timedelta(seconds=1))
    assert len(told.kinds()) == 2
    told.tick(LATER + 3 * MINUTE)
    assert told.kinds()[2:] == ["follow.changed"]


def test_one_that_moved_into_a_lead_is_told_by_the_notice_alone(told: Any) -> None:
    change(told, "move_hearing", new_day(2))
    told.tick(LATER)
    told.tick(LATER + 5 * MINUTE)
    assert told.kinds()[2:] == ["follow.changed"]


def test_one_that_is_off_is_told_and_not_reminded_of(told: Any) -> None:
    change(told, "cancel_hearing")
    told.tick(LATER)
    assert told.kinds()[2:] == ["follow.changed"]
    assert "This hearing was cancelled" in last(told).text
    told.tick(DAY_BEFORE)
    assert len(told.kinds()) == 3
    change(told, "reinstate_hearing", at=DAY_BEFORE)
    told.tick(DAY_BEFORE + MINUTE)
    assert "This hearing is on again" in last(told).text


def test_that_it_took_place_is_told_to_who_was_told_of_it_in_the_morning_and_says_no_more_than_the_page(
    told: Any,
) -> None:
    night, morning = utc("2024-04-08T19:00"), utc("2024-04-09T05:00")
    told.tick(DAY_BEFORE)
    change(told, "record_outcome", "took_place", at=night)
    told.tick(night)
    assert told.kinds()[2:] == ["follow.reminder"], "news of what is over can wait for the morning"
    for minutes in (0, 1, 30):
        told.tick(morning + minutes * MINUTE)
    assert told.kinds()[3:] == ["follow.changed"]
    assert last(told).message["Subject"] == "A date you follow is over"
    assert "This hearing took place." in last(told).text
    assert "When: Monday 8 April 2024, 09:30" in last(told).text
    assert "otherwise" not in last(told).text


def test_an_outcome_that_was_told_wrongly_is_put_right(told: Any) -> None:
    change(told, "record_outcome", "took_place", at=utc("2024-04-08T12:00"))
    told.tick(utc("2024-04-08T12:00"))
    change(told, "reinstate_hearing", at=utc("2024-04-08T13:00"))
    change(told, "record_outcome", "postponed", at=utc("2024-04-08T13:01"))
    told.tick(utc("2024-04-08T13:01"))
    assert told.kinds()[2:] == ["follow.changed"] * 2
    assert "This hearing was postponed" in last(told).text


def test_one_that_is_closed_to_the_public_is_neither_reminded_of_nor_told(told: Any) -> None:
    with told.lived.at(LATER) as session:
        hearing = session.get_one(Hearing, told.trial.id, populate_existing=True)
        hearings.edit_hearing(session, hearing, version=hearing.version, audience=Audience.DESK)
    change(told, "move_hearing", new_day(15))
    told.tick(LATER)
    told.tick(utc("2024-04-14T06:00"))
    assert len(told.kinds()) == 2
    assert len(told.rows(Follow)) == 1, "the case is followed still"


@pytest.mark.parametrize("how", ["closed", "stopped"])
def test_a_case_that_is_not_public_any_more_is_followed_by_nobody_after_one_mail(told: Any, how: str) -> None:
    """What waits, under a pause, is left out at once; the one mail names nothing."""
    with told.lived.at(DAY_BEFORE - MINUTE) as session:
        pause(session, DAY_BEFORE - MINUTE, "operator", "a test")
    change(told, "move_hearing", new_day(9), at=DAY_BEFORE - MINUTE)
    told.tick(DAY_BEFORE)
    waiting = [m for m in told.messages() if m.state in ("waiting", "paused")]
    assert waiting
    with told.lived.at(DAY_BEFORE + MINUTE) as session:
        case = session.get_one(Case, told.of.id)
        if how == "closed":
            edit_case(session, case, version=case.version, audience=Audience.DESK)
        else:
            stop_publicity(session, case, reason="asked")
    assert told.rows(Follow) == []
    now_so = {m.id: m for m in told.messages()}
    assert {now_so[m.id].state for m in waiting} == {"skipped"}
    with told.lived.at(DAY_BEFORE + 2 * MINUTE) as session:
        release(session, DAY_BEFORE + 2 * MINUTE)
    told.tick(DAY_BEFORE + 3 * MINUTE)
    assert told.kinds()[2:] == ["follow.stopped"]
    said = last(told).text + last(told).html + last(told).message["Subject"]
    assert "please do not write or post" in said
    for word in (told.of.nickname, told.of.ref, told.of.public_id, "Haifa", "Ahmad", "/follow/"):
        assert word not in said
    forget_step(DAY_BEFORE + 4 * MINUTE)
    assert told.addresses() == [], "nothing needs the address any more"
    told.tick(utc("2024-04-08T06:00"))
    assert len(told.kinds()) == 3


def test_whoever_asked_hears_nothing_of_a_case_that_closed_meanwhile(followed: Any) -> None:
    case = followed.open_case()
    followed.ask(case)
    followed.tick()
    link = followed.link()
    followed.ask(case, "second@elsewhere.example")
    followed.close(case)
    followed.tick(NOW + MINUTE)
    assert followed.kinds("second@elsewhere.example") == [], "the link that waits is left out"
    assert followed.kinds() == ["follow.confirm"]
    assert followed.open(link).status_code == followed.post(link).status_code == 404
    assert followed.rows(Follow) == []


def test_a_name_is_told_only_as_everybody_may_know_it(followed: Any) -> None:
    case = followed.open_case(title="Ahmad Khalefa must go home")
    followed.follow(case)
    followed.tick(WEEK_BEFORE)
    assert "Ahmad" not in last(followed).text + last(followed).html
    followed.agrees(case, "name", now=WEEK_BEFORE + MINUTE)
    followed.tick(DAY_BEFORE)
    shown = followed.get(f"/cases/{case.public_id}", now=DAY_BEFORE).text
    assert ("Ahmad Khalefa must go home" in shown) == ("Ahmad Khalefa must go home" in last(followed).text)
    assert "Ahmad Khalefa must go home" in last(followed).text


def test_many_get_one_each_in_their_language_and_only_the_days_they_chose(followed: Any) -> None:
    case = followed.open_case()
    for number in range(4):
        followed.follow(case, f"reader{number}@elsewhere.example", days=(1,) if number == 3 else (7,), language="ar")
    for at in (WEEK_BEFORE, WEEK_BEFORE + MINUTE, DAY_BEFORE):
        followed.tick(at)
    came = {n: followed.sink.to(f"reader{n}@elsewhere.example") for n in range(4)}
    assert [[mail.kind for mail in mails[1:]] for mails in came.values()] == [["follow.reminder"]] * 4
    for mail in came[0]:
        assert 'dir="rtl"' in mail.html
        assert "You" not in mail.text
        assert "want" not in mail.text


def test_an_address_that_does_not_work_is_forgotten(told: Any) -> None:
    with told.lived.at(LATER) as session:
        raw = report(last(told).sender, reader=ADDRESS)
        assert take_in(session, read_report(raw), LATER).what == "hard"
    plan_step(LATER + MINUTE)
    assert (told.rows(Follow), told.addresses()) == ([], [])
    told.tick(DAY_BEFORE)
    assert len(told.kinds()) == 2


def test_an_address_that_the_relay_turns_down_is_forgotten(followed: Any) -> None:
    case = followed.open_case()
    followed.follow(case)
    followed.sink.answers.rcpt = "550 5.1.1 no such user"
    followed.tick(WEEK_BEFORE)
    followed.tick(WEEK_BEFORE + MINUTE)
    assert (followed.rows(Follow), followed.addresses()) == ([], [])


def test_what_goes_to_followers_stands_in_no_list_that_staff_read(told: Any) -> None:
    """Mails to followers stand in no list that staff read, whatever becomes of them."""
    page = told.lived.browser(told.lived.admin, LATER)
    for address in ("/service", "/service/dry-run"):
        answer = page.get(address)
        assert answer.status_code == 200
        assert "public hearing" not in answer.text
        assert "elsewhere.example" not in answer.text
    for message in told.messages():
        assert page.get(f"/service/mails/{message.id}").status_code == 404


def test_a_case_that_is_closed_while_somebody_says_yes_is_followed_by_nobody(followed: Any) -> None:
    """`following.plan` ends what began at the very moment in which the case was closed."""
    case = followed.open_case()
    followed.follow(case)
    recipient = followed.addresses()[0].id
    followed.close(case)
    assert followed.rows(Follow) == []
    with short_transaction() as session:
        session.add(Follow(recipient_id=recipient, case_id=case.id, days_before=[7], since=NOW))
    plan_step(NOW + MINUTE)
    assert followed.rows(Follow) == []
    followed.tick(NOW + 2 * MINUTE)
    assert followed.kinds()[1:] == ["follow.stopped"]


def test_a_hearing_of_two_cases_is_one_mail_and_one_click_ends_both(followed: Any) -> None:
    one, two = (followed.case(title=title) for title in ("One", "Two"))
    followed.trial = followed.hearing(one, two)
    for case in (one, two):
        followed.follow(case)
    followed.tick(WEEK_BEFORE)
    assert followed.kinds() == ["follow.confirm", "follow.confirm", "follow.reminder"]
    assert one.nickname in last(followed).text
    assert two.nickname in last(followed).text
    out = followed.link()
    assert two.nickname in followed.open(out, WEEK_BEFORE).text
    followed.post(out, WEEK_BEFORE, **{"List-Unsubscribe": "One-Click"})
    assert (followed.rows(Follow), followed.addresses()) == ([], [])


def test_a_link_out_is_good_in_a_language_that_is_not_spoken_any_more(told: Any) -> None:
    out = told.link().replace("/follow/en/", "/follow/he/")
    assert told.open(out, LATER).status_code == 200
    assert told.post(out, LATER).status_code == 303
    assert told.rows(Follow) == []
