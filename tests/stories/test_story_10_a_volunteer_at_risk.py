"""A volunteer in the country itself: who sits beside them, or takes the phone, learns from neither pages nor mail what
they do; nor does who works with them learn what they are called."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from browsing import press_and_wait
from flask import Flask
from house_of_cases import NOW, Lived, enter
from mail_sink import Mail
from signed_in import PASSWORD, form_token, make_account

from tracker.accounts.models import User
from tracker.accounts.service import show_as
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.people.models import Person

#: What would tell anybody what it is about.
TELLING = re.compile(
    r"urgent|action|tracker|case|hearing|prison|human rights|password|account|IOPT|Dora", re.IGNORECASE
)


def heads(mail: Mail) -> str:
    """What a list of mails, a locked screen and whoever carries the mail show of it."""
    kept = ("From", "To", "Subject", "Reply-To", "List-Id", "X-Tracker-Kind")
    said = "\n".join(f"{name}: {mail.message[name]}" for name in kept if mail.message[name])
    return said.replace("tracker@example.org", "").replace("X-Tracker-Kind", "")


def discreet(lived: Lived, language: str = "en") -> None:
    """As they chose on the page of their account."""
    with lived.at() as session:
        mine = session.get_one(User, lived.volunteer.id)
        show_as(session, mine, alias="Wren", discreet=True)
        mine.language = language


def test_chosen_in_a_minute_and_every_title_says_notes(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Samir Haddad", audience=Audience.VOLUNTEERS)
    live_server.at = NOW
    enter(page, live_server, lived.volunteer.email)
    page.goto(f"{live_server.url}/account")
    assert page.title() != "Notes"
    page.get_by_label("Alias").fill("Wren")
    page.get_by_label("Keep it discreet").check()
    press_and_wait(page.locator("form[action='/account/shown'] button[type=submit]"))
    page.get_by_text("Saved.").wait_for()
    for where in ("/", "/account", "/cases", f"/cases/{case.ref}", "/hearings", "/nowhere"):
        page.goto(live_server.url + where)
        assert page.title() == "Notes", where


def test_no_mail_shows_outside_what_it_is_about(
    lived: Lived, app: Flask, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    """They forget their password at a strange computer, and set another one: two mails."""
    discreet(lived)
    stranger = app.test_client()
    with clock.fixed_at(NOW):
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', stranger.get("/password/forgotten").text)[0]
        asked = stranger.post("/password/forgotten", data={"csrf_token": token, "email": lived.volunteer.email})
    assert asked.status_code == 200
    (link,) = mails_at(NOW)
    path = re.findall(r"https?://[^/\s]+(/password/new/\S+)", link.text)[0]
    with clock.fixed_at(NOW):
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', stranger.get(path).text)[0]
        chosen = {"csrf_token": token, "password": "quiet " + PASSWORD}
        assert stranger.post(path, data=chosen).status_code == 303
    (told,) = mails_at(NOW + timedelta(minutes=1))
    for mail in (link, told):
        assert mail.recipients == (lived.volunteer.email,)
        assert mail.message["Subject"] == "A note for you"
        assert str(mail.message["From"]).startswith("Notes <")
        assert mail.kind == "note"
        assert not TELLING.search(heads(mail)), heads(mail)


def test_in_their_own_language_too(lived: Lived, app: Flask, mails_at: Callable[[datetime], list[Mail]]) -> None:
    discreet(lived, "ar")
    browser = lived.browser(lived.fresh(lived.volunteer))
    with clock.fixed_at(NOW):
        token = form_token(browser.client)
    browser.send("/password/forgotten", {"csrf_token": token, "email": lived.volunteer.email})
    (mail,) = mails_at(NOW)
    assert mail.message["Subject"] == "ملاحظة لك"
    page = browser.get("/")
    assert re.findall(r"<title>(.*?)</title>", page.text, re.S) == ["ملاحظات"]
    assert 'dir="rtl"' in page.text


def test_who_works_with_them_reads_the_alias_and_who_answers_for_them_the_name(lived: Lived) -> None:
    """Also where what they did is on record: the whole desk reads that."""
    chief = make_account("chief@example.org", desk="iopt", coordinator=True)
    case = lived.case("Samir Haddad", audience=Audience.VOLUNTEERS)
    with lived.at() as session:
        mine = session.get_one(User, lived.owner.id)
        mine.name = "Quetzalina"
        show_as(session, mine, alias="Wren", discreet=True)
    person = db.session.get_one(Person, lived.person(case)).public_id
    where = f"/cases/{case.ref}"
    owner = lived.browser(lived.fresh(lived.owner))
    said = {"answer": "agreed", "speaker": "family", "subjects": ["name"], "how": "call", "up_to": "volunteers"}
    assert owner.fill(f"{where}/people/{person}/consent/new", **said).status_code == 303
    lived.tell(case, "case.news", by=lived.fresh(lived.owner), text="Something", audience=Audience.VOLUNTEERS)
    for page in ("/", where, "/cases"):
        assert "Quetzalina" not in lived.browser(lived.volunteer).get(page).text, page
    assert owner.fill(f"{where}/stop-publicity", reason="asked").status_code == 303
    assert owner.fill(f"{where}/resume-publicity").status_code == 303
    names = (f"{where}/people/{person}/consent", f"{where}/resume-publicity", f"{where}/history")
    for page in (*names, where, f"{where}/looks", f"{where}/edit", "/cases", "/", "/service"):
        answer = lived.browser(lived.colleague).get(page)
        assert answer.status_code == 200, page
        assert "Quetzalina" not in answer.text, page
        assert page not in names or "Wren" in answer.text, page
    for page in names:
        assert "Quetzalina" in lived.browser(chief).get(page).text, page


def test_what_all_staff_read_on_top_of_each_page_says_the_alias(
    lived: Lived, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    """Who paused the mail, and who closed the house."""
    mails_at(NOW)
    chief = make_account("chief@example.org", desk="iopt", coordinator=True, name="Quetzalina")
    with lived.at() as session:
        for user, alias in ((chief, "Wren"), (lived.admin, "Heron")):
            show_as(session, session.get_one(User, user.id), alias=alias, discreet=True)
        session.get_one(User, lived.admin.id).name = "Zenobia"
    assert lived.browser(lived.fresh(chief)).fill("/service/pause", reason="a test").status_code == 303
    page = lived.browser(lived.colleague).get("/").text
    assert "Wren" in page
    assert "Quetzalina" not in page
    colleague = lived.browser(lived.colleague)
    answer = lived.browser(lived.fresh(lived.admin)).fill("/safety", state="read-only", reason="a test")
    assert answer.status_code == 303
    page = colleague.get("/").text
    assert "Heron" in page
    assert "Quetzalina" not in page
    assert "Zenobia" not in page
