"""`action.updated`, `action.ends_soon`, `action.result`: what those who write are asked and told, and when not."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from actions_ground import act, action
from house_of_cases import NOW, ZONE, Lived, utc
from mail_sink import Mail
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.consent.service import stop_publicity
from tracker.hearings.rules import on_day
from tracker.reminders.models import Subscription
from tracker.steps.service import undo_step
from tracker.telling.planning import plan_step
from tracker.telling.service import follow_case

UPDATED, SOON, RESULT = "action.updated", "action.ends_soon", "action.result"

HOUR = timedelta(hours=1)

#: The volunteers of these tests read where the desk is. Eight in the morning there, seven days before 8 April.
LAST_DAY = date(2024, 4, 8)
DUE = utc("2024-04-01T05:00")


def of(mails: list[Mail], kind: str) -> list[Mail]:
    """Those of a kind."""
    return [mail for mail in mails if mail.kind == kind]


def follows(lived: Lived, user: User, case: Case, now: datetime = NOW) -> None:
    """Somebody follows a case."""
    with lived.at(now, by=user) as session:
        follow_case(session, session.get_one(User, user.id), session.get_one(Case, case.id))


# Further information --------------------------------------------------------------------------------------------------


def test_an_update_goes_to_who_wrote_before_and_to_nobody_else(telling: Any, lived: Lived) -> None:
    first = action(lived, telling.case)
    writer, reader = telling.volunteer("Walid"), telling.volunteer("Reem")
    telling.wrote(writer, first)
    telling.read(reader, first)
    second = action(lived, telling.case, now=NOW + 2 * HOUR, previous=first, ua_number="", title="Now he is charged")
    [mail] = of(telling.tick(NOW + 2 * HOUR), UPDATED)
    assert mail.recipients[0] == writer.email
    assert str(mail.message["Subject"]) == "An update: is a letter useful again? Yes."
    assert "UA 52/24-1: Now he is charged" in mail.text
    assert "It takes about 10 minutes. There is a letter in: " in mail.text
    assert f"/actions/{second.public_id}" in mail.text
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # Of the chain, not of the one before alone; who wrote for it already is asked nothing.
    telling.wrote(writer, second, NOW + 3 * HOUR)
    late = telling.volunteer("Lama")
    telling.wrote(late, first, NOW + 3 * HOUR)
    action(lived, telling.case, now=NOW + 4 * HOUR, previous=second, ua_number="", title="A trial")
    assert {mail.recipients[0] for mail in of(telling.tick(NOW + 4 * HOUR), UPDATED)} == {writer.email, late.email}
    assert of(telling.tick(NOW + 5 * HOUR), UPDATED) == []


@pytest.mark.parametrize("opened", [True, False])
def test_who_is_told_of_an_update_is_not_told_that_it_took_a_place(telling: Any, lived: Lived, opened: bool) -> None:
    first = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), first)
    action(lived, telling.case, now=NOW + 2 * HOUR, previous=first, ua_number="", title="A trial", opened=opened)
    act(lived, first, "close", now=NOW + 2 * HOUR, reason="replaced")
    assert [mail.kind for mail in telling.tick(NOW + 2 * HOUR)] == [UPDATED if opened else "action.stopped"]


def test_what_was_opened_in_a_page_is_told_three_minutes_later(telling: Any, lived: Lived) -> None:
    first = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), first)
    second = action(lived, telling.case, previous=first, ua_number="", opened=False)
    browser = lived.browser(lived.owner, NOW + 2 * HOUR)
    address = f"/cases/{telling.case.ref}/actions/{second.public_id}"
    form = re.search(r'action="([^"]+/activate)"(.*?)</form>', browser.get(address).text, re.DOTALL)
    assert form is not None
    browser.send(form[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2])))
    assert of(telling.tick(NOW + 2 * HOUR + timedelta(seconds=179)), UPDATED) == []
    assert len(of(telling.tick(NOW + 2 * HOUR + timedelta(seconds=180)), UPDATED)) == 1


@pytest.mark.parametrize("how", ["hold", "wrote", "publicity", "stopped"])
def test_an_update_that_is_not_asked_for_any_more_is_not_told(telling: Any, lived: Lived, how: str) -> None:
    first = action(lived, telling.case)
    writer = telling.volunteer("Walid")
    telling.wrote(writer, first)
    night = NOW + 12 * HOUR
    second = action(lived, telling.case, now=night, previous=first, ua_number="", title="Now he is charged")
    assert of(telling.tick(night), UPDATED) == []
    if how == "hold":
        act(lived, second, "hold", now=night, reason="checking")
    elif how == "wrote":
        telling.wrote(writer, second, night)
    elif how == "publicity":
        with lived.at(night) as session:
            stop_publicity(session, session.get_one(Case, telling.case.id), reason="safety")
        assert [m.state for m in telling.planned(UPDATED)] == ["skipped"]
    else:
        follows(lived, writer, telling.case, night)
        with lived.at(night) as session:
            session.scalars(select(Subscription)).one().stopped_at = night
    assert of(telling.tick(night + 12 * HOUR), UPDATED) == []
    assert [m.state for m in telling.planned(UPDATED)] == ["skipped"]


# Before the last day --------------------------------------------------------------------------------------------------


def test_one_mail_seven_days_before_at_eight_where_the_reader_is(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case, act_until=LAST_DAY)
    here, there = telling.volunteer("Huda"), telling.volunteer("Tom", "America/New_York")
    for user in (here, there, telling.volunteer("Wafa"), telling.volunteer("Nour")):
        if user.name != "Nour":
            follows(lived, user, telling.case)
        if user.name == "Wafa":
            telling.wrote(user, written)
    assert of(telling.tick(DUE - timedelta(microseconds=1)), SOON) == []
    [mail] = of(telling.tick(DUE), SOON)
    assert mail.recipients[0] == here.email
    assert str(mail.message["Subject"]) == "Until Mon 8 Apr: is a letter still useful? Yes."
    assert "A letter helps until Monday 8 April 2024 (in 7 days)." in mail.text
    assert "If you wrote already, nothing is asked of you." in mail.text
    assert "Al Serr" not in f"{mail.text}{mail.html}"
    [other] = of(telling.tick(utc("2024-04-01T12:00")), SOON)
    assert other.recipients[0] == there.email
    assert of(telling.tick(utc("2024-04-04T12:00")), SOON) == []


def test_the_step_writes_it_down_once_and_then_opens_no_act(telling: Any, lived: Lived) -> None:
    """`telling.plan`."""
    action(lived, telling.case, act_until=LAST_DAY)
    follows(lived, telling.volunteer("Huda"), telling.case)
    assert [plan_step(now) for now in (DUE - HOUR, DUE, DUE, DUE + HOUR)] == [
        {"planned": 0},
        {"planned": 1},
        {"planned": 0},
        {"planned": 0},
    ]


def test_the_hearing_stands_in_the_subject_where_they_may_know_of_it(telling: Any, lived: Lived) -> None:
    action(lived, telling.case, act_until=LAST_DAY)
    follows(lived, telling.volunteer("Huda"), telling.case)
    lived.hearing(telling.case, when=on_day(ZONE, date(2024, 4, 5)), audience=Audience.DESK)
    lived.hearing(telling.case, when=on_day(ZONE, date(2024, 4, 6)), audience=Audience.VOLUNTEERS)
    [mail] = of(telling.tick(DUE), SOON)
    assert str(mail.message["Subject"]) == "Hearing on Sat 6 Apr: is a letter still useful? Yes."


@pytest.mark.parametrize("how", ["hold", "stop", "extend", "undone"])
def test_not_while_it_is_on_hold_nor_when_the_day_was_moved(telling: Any, lived: Lived, how: str) -> None:
    written = action(lived, telling.case, act_until=LAST_DAY)
    user = telling.volunteer("Huda")
    follows(lived, user, telling.case)
    if how == "undone":
        telling.wrote(user, written)
        with lived.at(NOW + 2 * HOUR, by=user) as session:
            mine = session.get_one(UrgentAction, written.id)
            from tracker.steps.models import Step

            undo_step(session, session.get_one(User, user.id), mine, session.scalars(select(Step)).one().public_id)
    else:
        reason = {"hold": {"reason": "checking"}, "stop": {"reason": "asked"}, "extend": {}}[how]
        act(lived, written, how, now=NOW + HOUR, **reason)
    assert len(of(telling.tick(DUE), SOON)) == (1 if how == "undone" else 0)
    if how == "extend":
        assert len(of(telling.tick(DUE + timedelta(days=14)), SOON)) == 1


def test_what_was_planned_and_waits_for_the_morning_is_left_out_when_the_day_is_moved(
    telling: Any, lived: Lived
) -> None:
    written = action(lived, telling.case, act_until=LAST_DAY)
    late = utc("2024-04-02T22:00")
    follows(lived, telling.volunteer("Huda"), telling.case, late)
    assert of(telling.tick(late), SOON) == []
    assert [m.state for m in telling.planned(SOON)] == ["waiting"]
    act(lived, written, "extend", now=late)
    assert of(telling.tick(late + 12 * HOUR), SOON) == []
    assert [(m.state, m.reason) for m in telling.planned(SOON)] == [
        ("skipped", "it is not so any more, or they may not know of it")
    ]


def test_they_stop_this_case_or_all_at_one_click(telling: Any, lived: Lived) -> None:
    other = lived.case("Nadia Halabi", title="A trial", audience=Audience.VOLUNTEERS)
    action(lived, telling.case, act_until=LAST_DAY)
    action(lived, other, act_until=date(2024, 4, 9), ua_number="53/24")
    user = telling.volunteer("Huda")
    for case in (telling.case, other):
        follows(lived, user, case)
    [mail] = of(telling.tick(DUE), SOON)
    assert "Stop for this case: " in mail.text
    [every] = re.findall(r"Stop all: \S+(/reminders/stop/\S+)", mail.text)
    client = telling.app.test_client()
    answer = client.post(every, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    db.session.rollback()
    assert all(row.stopped_at is not None for row in db.session.scalars(select(Subscription)))
    assert of(telling.tick(DUE + timedelta(days=1)), SOON) == []


def test_a_volunteer_follows_from_the_page_that_thanks(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case, act_until=LAST_DAY)
    browser = lived.browser(lived.volunteer, NOW + HOUR)
    address = f"/actions/{written.public_id}"
    browser.send(f"{address}/did-it", browser.filled(address, channel="email"))
    page = browser.get(f"{address}/thanks").text
    form = re.search(r'action="([^"]+/follow)"(.*?)</form>', page, re.DOTALL)
    assert form is not None
    for _twice in range(2):
        answer = browser.send(form[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2])))
        assert answer.status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(Subscription.case_id)).all() == [telling.case.id]
    page = browser.get(f"{address}/thanks").text
    assert form[1] not in page
    assert "You follow the case" in page
    with lived.at(NOW + 2 * HOUR) as session:
        session.get_one(Case, telling.case.id).audience = Audience.DESK
    answer = browser.send(form[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2])))
    assert answer.status_code == 404


# Afterwards -----------------------------------------------------------------------------------------------------------


def test_who_wrote_hears_next_morning_what_became_of_it_once_it_is_open_to_them(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    writer, reader = telling.volunteer("Walid"), telling.volunteer("Reem")
    telling.wrote(writer, written)
    telling.read(reader, written)
    freed = utc("2024-03-20T12:00")
    lived.tell(telling.case, "person.released", "2024-03-20", now=freed, sourced=True)
    assert telling.planned(RESULT) == []
    # Open to volunteers: told on the next morning.
    lived.tell(
        telling.case, "person.released", "2024-03-20", now=freed + HOUR, sourced=True, audience=Audience.VOLUNTEERS
    )
    assert of(telling.tick(utc("2024-03-21T05:59")), RESULT) == []
    [mail] = of(telling.tick(utc("2024-03-21T06:00")), RESULT)
    assert mail.recipients[0] == writer.email
    assert str(mail.message["Subject"]) == "News of somebody you wrote for"
    assert "Released, 20 March 2024." in mail.text
    assert "Al Serr" not in f"{mail.text}{mail.html}"
    assert of(telling.tick(utc("2024-03-22T06:00")), RESULT) == []


@pytest.mark.parametrize("how", ["arrested", "withdrawn", "closed", "stopped"])
def test_what_is_not_so_in_the_morning_is_not_told(telling: Any, lived: Lived, how: str) -> None:
    from tracker.cases.service import edit_case

    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), written)
    freed = utc("2024-03-20T12:00")
    lived.tell(telling.case, "person.released", "2024-03-20", now=freed, sourced=True, audience=Audience.VOLUNTEERS)
    assert [m.state for m in telling.planned(RESULT)] == ["waiting"]
    if how == "arrested":
        lived.tell(telling.case, "person.arrested", "2024-03-20", now=freed + HOUR, sourced=True)
    elif how == "stopped":
        act(lived, written, "stop", now=freed + HOUR, reason="asked")
    else:
        with lived.at(freed + HOUR) as session:
            case = session.get_one(Case, telling.case.id)
            if how == "closed":
                edit_case(session, case, version=case.version, audience=Audience.DESK)
            else:
                stop_publicity(session, case, reason="safety")
    assert of(telling.tick(utc("2024-03-21T06:00")), RESULT) == []
    assert [m.state for m in telling.planned(RESULT)] == ["skipped"]


def test_of_a_death_only_when_the_family_lets_us_and_without_thanks(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), written)
    died = utc("2024-03-20T12:00")
    lived.tell(
        telling.case, "person.died_in_custody", "2024-03-20", now=died, sourced=True, audience=Audience.VOLUNTEERS
    )
    mails = telling.tick(utc("2024-03-21T06:00"))
    assert [mail.kind for mail in mails if mail.recipients[0] == "walid@example.org"] == ["action.stopped"]
    assert telling.planned(RESULT) == []
    # The family knows, and lets us tell: the case is opened again.
    told = utc("2024-03-25T12:00")
    lived.agrees(telling.case, "public", now=told)
    with lived.at(told) as session:
        from tracker.cases.service import edit_case

        case = session.get_one(Case, telling.case.id)
        edit_case(session, case, version=case.version, audience=Audience.VOLUNTEERS)
    [mail] = of(telling.tick(utc("2024-03-26T06:00")), RESULT)
    assert str(mail.message["Subject"]) == "About somebody you wrote for"
    assert "We are sorry to have to tell you this." in mail.text
    assert "Died in custody" in mail.text
    assert "hank" not in mail.text
