"""Service health: what leaves, what left, what did not, and the one line when something is wrong."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from house_of_cases import NOW, Browser, Lived, enter, utc
from signed_in import make_account
from sqlalchemy import select, update

from tracker.accounts.models import Membership, User
from tracker.agenda.models import AgendaItem
from tracker.audit.models import Act
from tracker.base.audience import Audience
from tracker.base.concealed import conceal
from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.clockwork.models import Heartbeat
from tracker.clockwork.queries import PULSE
from tracker.clockwork.service import note_start
from tracker.hearings.models import Hearing
from tracker.outbox.bounces import CAME_BACK
from tracker.outbox.models import Message
from tracker.outbox.pausing import pause, read_pause
from tracker.outbox.relay import say_relay
from tracker.outbox.reports import in_words
from tracker.pages.health import service_now
from tracker.pages.outgoing import paused_line
from tracker.reminders.planning import plan_step
from tracker.reminders.service import follow


def beat(lived: Lived, ago: timedelta) -> None:
    """The clock last ran so long ago."""
    with short_transaction() as session:
        session.merge(Heartbeat(step="flags.sweep", started_at=NOW - ago, ended_at=NOW - ago, failures=0, fault=""))
    lived.app.extensions.pop("service_seen", None)


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("ago", "warned"),
    [
        (timedelta(minutes=4, seconds=59), False),
        (timedelta(minutes=5), True),
        (timedelta(minutes=5, seconds=1), True),
    ],
)
def test_a_clock_silent_for_five_minutes_is_told_on_every_page(lived: Lived, ago: timedelta, warned: bool) -> None:
    beat(lived, ago)
    page = lived.browser(lived.owner).get("/cases").text
    assert ("The clock last ran" in page) is warned


@pytest.mark.one_engine
def test_a_clock_that_never_ran_is_told_and_volunteers_are_spared(lived: Lived) -> None:
    assert "The clock has never run" in lived.browser(lived.owner).get("/cases").text
    assert "The clock has never run" not in lived.browser(lived.volunteer).get("/cases").text


@pytest.mark.one_engine
def test_without_a_relay_staff_are_told_what_to_set(lived: Lived) -> None:
    beat(lived, timedelta())
    assert "TRACKER_SMTP_URL" in lived.browser(lived.owner).get("/cases").text


@pytest.mark.one_engine
def test_a_sign_of_life_has_no_end_that_could_be_missing(lived: Lived) -> None:
    beat(lived, timedelta())
    note_start(PULSE, NOW)
    note_start("outbox.deliver", NOW)
    steps = lived.browser(lived.owner).get("/service").text.split('id="steps"')[1].split("</section>")[0]
    rows = {row.split("</td>")[0]: row for row in steps.split('<tr><td data-label="Step">')[1:]}
    assert "never" not in rows["the clock process lives"]
    assert [name for name, row in rows.items() if "never" in row] == ["sends mail"]


def test_the_mail_of_the_next_week_is_listed_with_why(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.hearing(case)
    with lived.at() as session:
        follow(session, session.merge(lived.colleague), desk=session.merge(lived.desk), now=NOW)
    later = NOW + timedelta(days=10)
    plan_step(later)
    beat(lived, timedelta(days=-10))
    page = lived.browser(lived.owner, later).get("/service").text
    week = page.split('id="week"')[1].split("</section>")[0]
    assert "Basel" in week
    assert "follows the desk" in week
    assert "keeps the case" in week
    assert "Khalefa" not in week
    assert "7-day reminder" in week
    assert "Times are those of Asia/Jerusalem." in page


def test_what_was_not_delivered_stands_on_top(lived: Lived) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(NOW + timedelta(days=10))
    with short_transaction() as session:
        session.execute(update(Message).values(state="not_delivered", reason="the mailbox is full", ended_at=NOW))
    page = lived.browser(lived.owner).get("/service").text
    stuck = page.split('id="stuck"')[1].split("</section>")[0]
    assert "the mailbox is full" in stuck
    assert "Amal" in stuck


@pytest.mark.one_engine
def test_why_it_was_not_delivered_is_said_in_the_language_of_the_page(lived: Lived) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(NOW + timedelta(days=10))
    with short_transaction() as session:
        stored = CAME_BACK % {"words": in_words("hard", "5.1.1")}
        session.execute(update(Message).values(state="not_delivered", reason=stored, ended_at=NOW))
        session.execute(update(User).values(language="ar"))
    page = lived.browser(lived.owner).get("/service").text
    stuck = page.split('id="stuck"')[1].split("</section>")[0]
    assert "عادت الرسالة: خادم بريده يقول إنه لا يوجد عنوان كهذا (5.1.1)" in stuck
    assert "came back" not in page


def test_other_desks_learn_nothing_of_our_mail(lived: Lived) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(NOW + timedelta(days=10))
    page = lived.browser(lived.outsider, NOW + timedelta(days=10)).get("/service").text
    assert "IOPT-0001" not in page
    assert "Amal" not in page
    db.session.rollback()


# Looking before it leaves ---------------------------------------------------------------------------------------------

#: When the reminders of a hearing on 8 April are planned, and when the first of them is due.
PLANNED = NOW + timedelta(days=10)
DUE = datetime.fromisoformat("2024-04-01T05:00Z")


@pytest.fixture
def reminded(lived: Lived) -> Message:
    """The first reminder of the owner of a case."""
    lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(PLANNED)
    beat(lived, NOW - PLANNED)
    db.session.rollback()
    return db.session.scalars(select(Message).order_by(Message.due_at)).all()[0]


def press(browser: Browser, address: str) -> Any:
    """The answer to a button, followed to where it leads."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/account").text)
    assert token is not None
    answer = browser.send(address, {"csrf_token": token[1]})
    return browser.get(answer.headers["Location"]) if answer.status_code == 303 else answer


def state_of(message: Message) -> str:
    """Where a message stands now."""
    db.session.rollback()
    return db.session.get_one(Message, message.id, populate_existing=True).state


def shown(page: str) -> str:
    """What a page says to who reads it, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_preview_shows_the_mail_as_it_would_be_written_without_what_is_its_readers_alone(
    lived: Lived, reminded: Message
) -> None:
    browser = lived.browser(lived.colleague, DUE)
    assert f"/service/mails/{conceal('mail', reminded.id)}" in browser.get("/service").text
    page = browser.get(f"/service/mails/{conceal('mail', reminded.id)}").text
    assert "In 7 days, Mon 8 Apr 2024 09:30" in page
    assert "owner@example.org" in page
    assert "You get this because you keep this case." in page
    assert "X-Tracker-Kind: hearing.reminder" in page
    assert "/reminders/stop/…" in page
    assert not re.search(r"/reminders/stop/[A-Za-z0-9]", page)
    assert "Khalefa" not in page
    assert 'href="http' not in page.split('class="mail-text"')[1]


@pytest.mark.one_engine
def test_a_preview_says_why_a_mail_would_not_go(lived: Lived, reminded: Message) -> None:
    with lived.at(PLANNED) as session:
        session.merge(lived.owner).active = False
    page = lived.browser(lived.colleague, DUE).get(f"/service/mails/{conceal('mail', reminded.id)}").text
    assert "It would not go: the account is not active any more." in shown(page)
    assert "mail-text" not in page


@pytest.mark.one_engine
def test_a_preview_is_for_those_who_may_see_all_that_it_says(lived: Lived) -> None:
    ours, theirs = lived.case("Ahmad Khalefa"), lived.case("Sara Halabi", desk=lived.other_desk, owner=False)
    with lived.at() as session:
        session.add(Membership(user_id=lived.owner.id, desk_id=lived.other_desk.id))
    lived.hearing(ours, theirs)
    plan_step(PLANNED)
    db.session.rollback()
    of_owner = db.session.scalars(select(Message).order_by(Message.id)).all()[0]
    both = f"{theirs.ref}"
    assert both in lived.browser(lived.owner, DUE).get(f"/service/mails/{conceal('mail', of_owner.id)}").text
    page = lived.browser(lived.colleague, DUE).get(f"/service/mails/{conceal('mail', of_owner.id)}").text
    assert "speaks of a case you may not see" in page
    assert both not in page


@pytest.mark.one_engine
@pytest.mark.parametrize("what", ["", "/send-again", "/cancel", "/seen-to"])
def test_other_desks_and_strange_numbers_are_no_mails(lived: Lived, reminded: Message, what: str) -> None:
    browser = lived.browser(lived.outsider, DUE)
    for number in (reminded.id, 999_999):
        address = f"/service/mails/{conceal('mail', number)}{what}"
        answer = press(browser, address) if what else browser.get(address)
        assert answer.status_code == 404
    assert state_of(reminded) == "waiting"


@pytest.mark.one_engine
def test_those_not_named_do_not_see_the_mail_of_a_case_for_named_people(lived: Lived) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"), audience=Audience.NAMED)
    plan_step(PLANNED)
    db.session.rollback()
    number = db.session.scalars(select(Message.id)).first()
    assert lived.browser(lived.owner, DUE).get(f"/service/mails/{conceal('mail', number)}").status_code == 200
    assert lived.browser(lived.colleague, DUE).get(f"/service/mails/{conceal('mail', number)}").status_code == 404


def test_a_dry_run_says_what_would_go_and_changes_nothing(lived: Lived, reminded: Message) -> None:
    page = lived.browser(lived.owner, DUE).get("/service/dry-run").text
    assert "would wait no mail relay is set" in shown(page)
    assert "No mail is due." in lived.browser(lived.outsider, DUE).get("/service/dry-run").text
    assert "No mail is due." in lived.browser(lived.owner, DUE - timedelta(seconds=1)).get("/service/dry-run").text
    with short_transaction() as session:
        session.execute(update(AgendaItem).values(state="cancelled"))
        session.execute(update(Hearing).values(state="cancelled"))
    page = lived.browser(lived.owner, DUE).get("/service/dry-run").text
    assert "would be left out" in shown(page)
    assert state_of(reminded) == "waiting"


@pytest.mark.one_engine
def test_what_waits_is_taken_back_from_its_preview(lived: Lived, reminded: Message) -> None:
    browser = lived.browser(lived.colleague, DUE)
    assert (
        "It is taken back: it will not go."
        in press(browser, f"/service/mails/{conceal('mail', reminded.id)}/cancel").text
    )
    assert state_of(reminded) == "cancelled"
    assert "cannot be taken back" in press(browser, f"/service/mails/{conceal('mail', reminded.id)}/cancel").text


# What needs a human ---------------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(reminded: Message) -> Message:
    """The same, of which nobody knows whether it arrived."""
    with short_transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == reminded.id)
            .values(state="may_have_arrived", reason="the relay never said", ended_at=DUE)
        )
    return reminded


def test_what_did_not_arrive_goes_again_at_one_press(lived: Lived, stuck: Message) -> None:
    browser = lived.browser(lived.colleague, DUE)
    assert "Send again" in browser.get("/service").text
    assert "It goes again at once." in press(browser, f"/service/mails/{conceal('mail', stuck.id)}/send-again").text
    assert state_of(stuck) == "waiting"


@pytest.mark.one_engine
def test_what_is_no_longer_true_does_not_go_again_and_the_page_says_why(lived: Lived, stuck: Message) -> None:
    with short_transaction() as session:
        session.execute(update(Message).where(Message.id == stuck.id).values(give_up_at=DUE))
    assert (
        "its time is over"
        in press(lived.browser(lived.owner, DUE), f"/service/mails/{conceal('mail', stuck.id)}/send-again").text
    )
    assert state_of(stuck) == "may_have_arrived"


def test_who_told_the_reader_in_another_way_says_so_and_it_stands_there_no_longer(lived: Lived, stuck: Message) -> None:
    browser = lived.browser(lived.colleague, DUE)
    page = press(browser, f"/service/mails/{conceal('mail', stuck.id)}/seen-to").text
    assert "Noted: they heard in another way." in page
    assert 'id="stuck"' not in page
    assert state_of(stuck) == "may_have_arrived"
    act = db.session.execute(select(Act.act, Act.actor_id, Act.subject).order_by(Act.seq.desc())).first()
    assert act == ("outbox.seen_to", lived.colleague.id, f"message:{stuck.id}")


# Pausing --------------------------------------------------------------------------------------------------------------


def pause_by_hand(browser: Browser, reason: str) -> Any:
    """The answer to the form that pauses all mail."""
    return browser.fill("/service/pause", reason=reason)


def test_anybody_on_the_staff_stops_all_mail_and_every_page_says_so(lived: Lived, reminded: Message) -> None:
    outsider = lived.browser(lived.outsider, DUE)
    assert pause_by_hand(outsider, "The relay forwards to a stranger.").status_code == 303
    assert state_of(reminded) == "paused"
    standing = read_pause(db.session())
    assert standing is not None
    beat(lived, NOW - DUE - timedelta(hours=2))
    assert (standing.by, standing.words, standing.since) == ("Carol", "The relay forwards to a stranger.", DUE)
    for address in ("/service", "/cases"):
        line = shown(lived.browser(lived.owner, DUE + timedelta(hours=2)).get(address).text)
        assert "Mail has been paused by Carol, 2 hours ago. Why: The relay forwards to a stranger." in line
        assert "1 mail waits." in line
        assert "The first hearing among them: Monday 8 April 2024, 09:30 Asia/Jerusalem." in line
    page = lived.browser(lived.owner, DUE).get("/service").text
    assert page.index("Mail has been paused") < page.index("Times are those of")
    assert "Mail has been paused" not in lived.browser(lived.volunteer, DUE).get("/cases").text


@pytest.mark.parametrize(("before", "waits"), [(timedelta(seconds=1), "0 mails wait."), (timedelta(), "1 mail waits.")])
def test_of_paused_mail_only_what_is_due_is_said_to_wait(
    lived: Lived, reminded: Message, before: timedelta, waits: str
) -> None:
    with short_transaction() as session:
        pause(session, DUE - timedelta(days=1), "by_hand", "Amal")
    assert state_of(reminded) == "paused"
    line = paused_line(db.session(), reminded.due_at - before)
    assert line is not None
    said = line.to(db.session(), lived.owner)
    assert waits in said
    assert ("first hearing" in said) is (before == timedelta())


@pytest.mark.parametrize("why", ["paused", "down"])
def test_of_a_hearing_they_may_not_see_staff_read_nothing_closer_than_72_hours(
    lived: Lived, reminded: Message, why: str
) -> None:
    """Its day and time may be what must not be known."""
    if why == "paused":
        with short_transaction() as session:
            pause(session, DUE - timedelta(days=1), "by_hand", "Amal")
    else:
        settings = lived.app.extensions["settings"]
        lived.app.extensions["settings"] = replace(settings, smtp_url="smtp://127.0.0.1:1")
        say_relay("down", "no answer", DUE)
    hearing = db.session.get_one(Hearing, reminded.subject_id)
    begins = hearing.starts_at
    assert begins is not None
    second = timedelta(seconds=1)
    for now, soon in ((begins - timedelta(hours=72) - second, False), (begins - timedelta(hours=72), True)):
        with short_transaction() as session:
            session.merge(Heartbeat(step="flags.sweep", started_at=now, ended_at=now, failures=0, fault=""))
        lived.app.extensions.pop("service_seen", None)
        for address in ("/cases", "/service"):
            keeper = shown(lived.browser(lived.owner, now).get(address).text)
            other = shown(lived.browser(lived.outsider, now).get(address).text)
            assert re.search(r"8 April 2024, 09:30|Mon(day)? 09:30", keeper), address
            assert not re.search(r"8 Apr|09:30|Haifa", other), address
            assert ("a hearing within 72 hours" in other) is soon, address
            assert "1 mail waits" in other or "1 reminder waits" in other, address
    with lived.at() as session:
        session.get_one(Hearing, hearing.id).audience = Audience.NAMED
    now = begins - timedelta(hours=1)
    with short_transaction() as session:
        session.merge(Heartbeat(step="flags.sweep", started_at=now, ended_at=now, failures=0, fault=""))
    lived.app.extensions.pop("service_seen", None)
    assert "09:30" not in shown(lived.browser(lived.colleague, now).get("/cases").text)
    assert "09:30" in shown(lived.browser(lived.owner, now).get("/cases").text)


# A relay that is down -------------------------------------------------------------------------------------------------


@pytest.fixture
def down(lived: Lived) -> Lived:
    """A relay is set, which cannot be reached."""
    settings = lived.app.extensions["settings"]
    lived.app.extensions["settings"] = replace(settings, smtp_url="smtp://127.0.0.1:1")
    say_relay("down", "no answer", DUE)
    return lived


def said_of(lived: Lived, now: datetime) -> str:
    """What whoever keeps the case reads."""
    with short_transaction() as session:
        session.merge(Heartbeat(step="flags.sweep", started_at=now, ended_at=now, failures=0, fault=""))
    db.session.rollback()
    return service_now(db.session(), now).to(db.session(), lived.owner)


def test_only_reminders_are_called_reminders(down: Lived, reminded: Message) -> None:
    now = reminded.due_at
    assert "1 reminder waits, first hearing" in said_of(down, now)
    with short_transaction() as session:
        session.execute(update(Message).where(Message.id == reminded.id).values(kind="hearing.changed"))
    said = said_of(down, now)
    assert "1 mail waits, first hearing" in said
    assert "reminder" not in said
    assert said.endswith("Look with: tracker mail check. It resumes by itself.")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("now", "said"),
    [
        # The hearing is on Monday 8 April, 09:30; Jerusalem is three hours ahead.
        ("2024-04-01T20:59:59", "first hearing Mon 8 Apr 09:30"),
        ("2024-04-01T21:00:00", "first hearing Mon 09:30"),
    ],
)
def test_a_hearing_a_week_off_is_named_with_its_date(down: Lived, reminded: Message, now: str, said: str) -> None:
    with short_transaction() as session:
        session.execute(update(Message).values(due_at=utc("2024-03-20T00:00:00")))
    assert said in said_of(down, utc(now))


@pytest.mark.one_engine
@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_a_pause_without_a_reason_in_one_line_is_refused(lived: Lived, reminded: Message, reason: str) -> None:
    assert pause_by_hand(lived.browser(lived.owner, DUE), reason).status_code == 422
    assert read_pause(db.session()) is None
    assert state_of(reminded) == "waiting"


@pytest.mark.one_engine
def test_only_coordinators_and_admins_let_it_go_on(lived: Lived, reminded: Message) -> None:
    pause_by_hand(lived.browser(lived.owner, DUE), "A test of the alarm")
    refused = lived.browser(lived.owner, DUE)
    assert "Release all mail" not in refused.get("/service").text
    assert "A coordinator or an admin lets it go on." in refused.get("/service").text
    assert press(refused, "/service/release").status_code == 403
    assert state_of(reminded) == "paused"
    coordinator = make_account("coordinator@example.org", desk="iopt", coordinator=True)
    for user in (coordinator, lived.admin):
        with short_transaction() as session:
            pause(session, DUE, "by_hand", "Amal")
        browser = lived.browser(user, DUE)
        assert "Release all mail" in browser.get("/service").text
        assert "1 mail goes on." in press(browser, "/service/release").text
        assert state_of(reminded) == "waiting"
        assert read_pause(db.session()) is None


@pytest.mark.one_engine
def test_a_pause_that_stands_is_not_asked_for_again(lived: Lived) -> None:
    with short_transaction() as session:
        pause(session, DUE, "restored", "")
    browser = lived.browser(lived.owner, DUE)
    assert browser.get("/service/pause").headers["Location"] == "/service"
    assert "Why: the database came back from a backup" in shown(browser.get("/service").text)
    assert "Pause all mail" not in browser.get("/service").text


@pytest.mark.one_engine
def test_a_press_without_the_token_of_the_page_does_nothing(lived: Lived, reminded: Message) -> None:
    client: FlaskClient = lived.browser(lived.admin, DUE).client
    for address in ("/service/release", f"/service/mails/{conceal('mail', reminded.id)}/cancel"):
        assert client.post(address).status_code == 400
    assert state_of(reminded) == "waiting"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_on_a_phone_to_whom_why_and_the_state_of_each_mail_are_seen_without_scrolling_sideways(
    lived: Lived, live_server: Any, page: Any, language: str
) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"))
    with lived.at() as session:
        session.get_one(User, lived.owner.id).language = language
    later = NOW + timedelta(days=10)
    plan_step(later)
    beat(lived, timedelta(days=-10))
    live_server.at = later
    enter(page, live_server)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{live_server.url}/service")
    assert page.locator("html").get_attribute("lang") == language
    for cell in page.locator("#week tbody tr >> nth=0").locator("td").all() + page.locator("#steps td").all():
        place = cell.bounding_box()
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 360
        said = cell.evaluate("e => getComputedStyle(e, '::before').content")
        assert said == f'"{cell.get_attribute("data-label")}"', "the head of its column stands before it"
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.locator("#week tbody tr >> nth=0").evaluate("e => getComputedStyle(e).display") == "table-row"
