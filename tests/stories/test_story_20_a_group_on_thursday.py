"""A group of fifteen, Thursday evening: actions chosen on Monday, looked at once more two hours before, one print for
all, and one log."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from actions_ground import LETTER, act, action, minister, open_case
from browsing import press_and_wait
from groups_ground import LATER, a_group, an_evening, another
from house_of_cases import Lived, enter, utc
from mail_sink import Mail
from sqlalchemy import select

from tracker.actions.models import UrgentAction
from tracker.actions.service import LetterGiven
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.groups import service
from tracker.groups.models import Group, GroupEvening, GroupMember
from tracker.groups.rules import CHECKED_BEFORE, TOLD_UNTIL
from tracker.outbox.models import Message
from tracker.steps.models import Step

Ticks = Callable[[datetime], list[Mail]]

#: Thursday at seven in Leeds, while it is winter there.
BEGINS = utc("2024-03-21T19:00")


def told(mails: list[Mail]) -> list[Mail]:
    """Those that say how an evening looks."""
    return [mail for mail in mails if mail.kind == "evening.checked"]


def test_all_good_is_said_two_hours_before_and_once(lived: Lived, mails_at: Ticks) -> None:
    group = a_group(lived, another(1))
    evening = an_evening(lived, group, action(lived, open_case(lived)))
    assert evening.starts_at == BEGINS
    assert told(mails_at(BEGINS - CHECKED_BEFORE - timedelta(seconds=1))) == []
    (mail,) = told(mails_at(BEGINS - CHECKED_BEFORE))
    assert list(mail.recipients) == [lived.volunteer.email]
    assert "All good" in mail.text
    assert "UA 52/24" in mail.text
    # A mail may be read over a shoulder: neither the title nor a name stands in it.
    assert "surgeon" not in mail.text + str(mail.message["Subject"])
    assert f"/actions/groups/{group.public_id}/evenings/{evening.public_id}" in mail.text
    for minutes in (1, 60, 119, 121):
        assert told(mails_at(BEGINS - CHECKED_BEFORE + timedelta(minutes=minutes))) == []


def test_number_two_is_left_out_and_what_changes_afterwards_is_told_once_more(lived: Lived, mails_at: Ticks) -> None:
    case, target = open_case(lived), minister(lived)
    first, second = action(lived, case, target), action(lived, case, target, ua_number="UA 53/24")
    group = a_group(lived)
    evening = an_evening(lived, group, first, second)
    act(lived, second, "stop", now=LATER, reason="asked")
    (mail,) = told(mails_at(BEGINS - timedelta(hours=1, minutes=30)))
    assert "Leave out number 2; the others are good." in mail.text
    browser = lived.browser(lived.volunteer, BEGINS - timedelta(hours=1))
    address = f"/actions/groups/{group.public_id}/evenings/{evening.public_id}"
    page = browser.get(address).text
    assert "Leave out number 2" in page
    assert "stopped for good" in page
    act(lived, first, "hold", now=BEGINS - timedelta(minutes=50), reason="checking", words="")
    assert "None of the actions can be taken" in browser.get(address).text
    (mail,) = told(mails_at(BEGINS - timedelta(minutes=40)))
    assert "None of the actions can be taken" in mail.text
    act(lived, first, "resume", now=BEGINS - timedelta(minutes=30), reason="checked")
    (mail,) = told(mails_at(BEGINS - timedelta(minutes=20)))
    assert "Leave out number 2; the others are good." in mail.text
    # While it goes on it is told as well, and not any more after that.
    act(lived, first, "hold", now=BEGINS + TOLD_UNTIL - timedelta(minutes=1), reason="checking", words="")
    assert told(mails_at(BEGINS + TOLD_UNTIL)) == []


def test_an_action_whose_last_day_ends_before_the_evening_is_left_out(lived: Lived, mails_at: Ticks) -> None:
    written = action(lived, open_case(lived), act_until=date(2024, 3, 21))
    # The day is over in Jerusalem at ten in the evening of London.
    late = an_evening(lived, a_group(lived), written, at=time(22))
    assert late.starts_at == lived.fresh(written).act_until_at
    (mail,) = told(mails_at(late.starts_at - CHECKED_BEFORE))
    assert "None of the actions" in mail.text


def test_a_case_that_is_closed_to_volunteers_is_left_out_and_not_named(lived: Lived, mails_at: Ticks) -> None:
    case = open_case(lived)
    group = a_group(lived)
    evening = an_evening(lived, group, action(lived, case))
    with lived.at(LATER) as session:
        session.get_one(Case, case.id).audience = Audience.DESK
    assert "None of the actions" in told(mails_at(BEGINS - CHECKED_BEFORE))[0].text
    browser = lived.browser(lived.volunteer, BEGINS)
    address = f"/actions/groups/{group.public_id}/evenings/{evening.public_id}"
    for page in (browser.get(address).text, browser.get(f"{address}/print").text):
        assert not [word for word in ("surgeon", "UA 52/24", "Please say where he is") if word in page]


def test_an_evening_that_is_changed_is_looked_at_anew(lived: Lived, mails_at: Ticks) -> None:
    written = action(lived, open_case(lived))
    group = a_group(lived)
    evening = an_evening(lived, group, written)
    begins = evening.starts_at
    assert len(told(mails_at(begins - CHECKED_BEFORE))) == 1
    act(lived, written, "stop", now=begins - timedelta(minutes=90), reason="asked")
    with lived.at(begins - timedelta(minutes=80), lived.volunteer) as session:
        held = session.get_one(GroupEvening, evening.id)
        service.change_evening(
            session,
            session.get_one(Group, group.id),
            held,
            [session.get_one(UrgentAction, written.id)],
            version=held.version,
            on=date(2024, 3, 28),
            at=time(19),
        )
    assert told(mails_at(begins - timedelta(minutes=60))) == []
    (mail,) = told(mails_at(utc("2024-03-28T17:00")))
    assert "None of the actions can be taken" in mail.text


@pytest.mark.parametrize("what", ["called off", "no coordinator any more", "ended"])
def test_who_need_not_know_any_more_gets_no_mail(lived: Lived, mails_at: Ticks, what: str) -> None:
    group = a_group(lived, another(1))
    evening = an_evening(lived, group, action(lived, open_case(lived)))
    with lived.at(LATER) as session:
        if what == "called off":
            service.cancel_evening(session, session.get_one(GroupEvening, evening.id))
        elif what == "ended":
            service.end_group(session, session.get_one(Group, group.id))
        else:
            for row in session.scalars(select(GroupMember)):
                row.coordinator = not row.coordinator
    mails = told(mails_at(BEGINS - CHECKED_BEFORE))
    wanted = ["member1@example.org"] if what == "no coordinator any more" else []
    assert [mail.recipients[0] for mail in mails] == wanted


def test_a_mail_that_waited_and_is_not_true_any_more_stays_here(lived: Lived, mails_at: Ticks, mail_sink: Any) -> None:
    written = action(lived, open_case(lived))
    an_evening(lived, a_group(lived), written)
    mail_sink.stop()
    assert mails_at(BEGINS - CHECKED_BEFORE) == []
    act(lived, written, "stop", now=BEGINS - timedelta(minutes=90), reason="asked")
    mail_sink.start()
    (mail,) = told(mails_at(BEGINS - timedelta(minutes=60)))
    assert "None of the actions" in mail.text
    db.session.rollback()
    states = db.session.scalars(select(Message.state).where(Message.kind == "evening.checked").order_by(Message.id))
    assert list(states) == ["skipped", "sent"]


@pytest.mark.one_engine
def test_when_an_evening_can_be_and_when_not(lived: Lived) -> None:
    group = a_group(lived)
    written = action(lived, open_case(lived))
    browser = lived.browser(lived.volunteer, LATER)
    address = f"/actions/groups/{group.public_id}/evenings/new"
    for day, at, why in (
        ("2024-03-18", "09:00", "That is over"),
        ("2025-06-18", "19:00", "more than a year ahead"),
        ("2024-03-31", "01:30", "does not exist"),
        ("", "19:00", "Say which day"),
        ("2024-03-21", "", "Say what time"),
    ):
        answer = browser.fill(address, actions=[written.public_id], local_date=day, local_time=at)
        assert answer.status_code == 422, (day, at)
        assert why in answer.text, (day, at)
    none = browser.fill(address, local_date="2024-03-21", local_time="19:00")
    assert "Choose at least one action" in none.text
    assert (
        browser.fill(address, actions=[written.public_id], local_date="2024-03-18", local_time="09:01").status_code
        == 303
    )


@pytest.mark.browser
def test_from_the_choice_to_the_log_with_one_print_for_all(
    lived: Lived, live_server: Any, page: Any, mails_at: Ticks
) -> None:
    case, target = open_case(lived), minister(lived)
    in_arabic = (LetterGiven("ar", "أين هو؟ أرجو أن تجيبوا.", subject="أين هو؟"), LetterGiven("en", LETTER))
    justice = minister(lived, name="", office="وزارة العدل", language="ar", salutation="معالي الوزير،", postal="القدس")
    first = action(lived, case, target)
    second = action(lived, case, justice, ua_number="UA 53/24", title="Ask for a visit", letters=in_arabic)
    third = action(lived, case, target, ua_number="UA 54/24", title="Ask for his medicine")
    group = a_group(lived, another(1))
    home = f"{live_server.url}/actions/groups/{group.public_id}"
    live_server.at = LATER
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, live_server, lived.volunteer.email)
    page.goto(home)
    press_and_wait(page.get_by_role("link", name="Choose an evening"))
    for title in ("Say where the surgeon is", "Ask for a visit", "Ask for his medicine"):
        page.get_by_label(title).check()
    page.get_by_label("Day").fill("2024-03-21")
    page.get_by_label("Time", exact=True).fill("19:00")
    press_and_wait(page.get_by_role("button", name="Choose"))
    page.wait_for_url(f"{home}/evenings/*")
    assert "All good" in page.inner_text("main")
    assert "17:00 it is looked at once more" in page.inner_text("main")

    act(lived, third, "stop", now=LATER, reason="asked")
    assert len(told(mails_at(BEGINS - CHECKED_BEFORE))) == 1
    live_server.at = BEGINS - timedelta(minutes=30)
    page.reload()
    assert "Leave out number 3" in page.inner_text("main")
    assert "Looked at once more on" in page.inner_text("main")

    press_and_wait(page.get_by_role("link", name="Print all letters"))
    page.wait_for_url("**/print")
    assert page.locator(".letter-page").count() == 2
    assert "number 3: leave it out (stopped for good)" in page.inner_text("main")
    assert page.locator(".sheet").nth(1).get_attribute("dir") == "rtl"
    assert "21 March 2024" in page.locator(".sheet").nth(0).inner_text()
    assert "21 مارس 2024" in page.locator(".sheet").nth(1).inner_text()
    for place, written in enumerate((first, second)):
        foot = page.locator(".check").nth(place)
        assert f"{live_server.url}/c/{lived.fresh(written).short_code}" in foot.inner_text()
        assert foot.locator("svg").count() == 1
    # A page for what is left out, and one for each letter.
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 3
    press_and_wait(page.get_by_role("link", name="Large print"))
    page.wait_for_url("**large=yes**")
    assert page.locator("body.large-print").count() == 1

    live_server.at = BEGINS + timedelta(hours=2)
    page.goto(home)
    press_and_wait(page.get_by_role("link", name="Thursday 21 March 2024"))
    press_and_wait(page.get_by_role("link", name="Write down the result"))
    page.locator("[name=letter_1]").fill("12")
    page.locator("[name=email_1]").fill("3")
    page.locator("[name=letter_2]").fill("15")
    press_and_wait(page.get_by_role("button", name="Write it down"))
    page.wait_for_url(f"{home}#log")
    assert "Taken down: 30 in all" in page.inner_text("main")
    assert "e-mail 3 · letter 27" in page.inner_text("main")
    db.session.rollback()
    rows = db.session.execute(select(Step.action_id, Step.channel, Step.count, Step.done_on).order_by(Step.id)).all()
    assert [tuple(row) for row in rows] == [
        (first.id, "letter", 12, date(2024, 3, 21)),
        (first.id, "email", 3, date(2024, 3, 21)),
        (second.id, "letter", 15, date(2024, 3, 21)),
    ]


@pytest.mark.one_engine
def test_a_result_is_written_down_from_when_it_began_and_what_was_stopped_before_is_refused(lived: Lived) -> None:
    case, target = open_case(lived), minister(lived)
    first, second = action(lived, case, target), action(lived, case, target, ua_number="UA 53/24")
    group = a_group(lived)
    evening = an_evening(lived, group, first, second)
    act(lived, second, "stop", now=LATER, reason="asked")
    address = f"/actions/groups/{group.public_id}/evenings/{evening.public_id}/result"
    browser = lived.browser(lived.volunteer, BEGINS - timedelta(seconds=1))
    assert "It has not begun yet" in browser.fill(address, letter_1="2").text
    browser.now = BEGINS + timedelta(hours=1)
    assert "Say how many" in browser.fill(address).text
    refused = browser.fill(address, letter_1="2", letter_2="9")
    assert refused.status_code == 422
    assert "It was stopped by then" in refused.text
    assert 'value="9"' in refused.text
    db.session.rollback()
    assert db.session.scalars(select(Step)).all() == []
    assert browser.fill(address, letter_1="2").status_code == 303


@pytest.mark.one_engine
def test_who_is_in_the_country_prints_nothing_of_it(lived: Lived) -> None:
    import re

    case = open_case(lived, country="IL")
    written = action(lived, case)
    group = a_group(lived)
    evening = an_evening(lived, group, written)
    phone = lived.browser(lived.volunteer, BEGINS)
    token = re.search(r'name="csrf_token" value="([^"]+)"', phone.get(f"/actions/{written.public_id}").text)
    assert token
    phone.send(f"/actions/{written.public_id}/here", {"csrf_token": token[1]})
    page = phone.get(f"/actions/groups/{group.public_id}/evenings/{evening.public_id}/print").text
    assert "Please say where he is" not in page
    assert "you are in, or travel to, its country" in page
    assert "<title>Notes" in page
