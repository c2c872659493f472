"""An alias in place of the name, and keeping it discreet: titles, senders and subjects that say nothing."""

import re
from typing import Any

import pytest
from house_of_cases import NOW, Lived
from mail_sink import MailSink
from signed_in import form_token, make_account, sign_in
from sqlalchemy import select

from tracker.accounts import service
from tracker.accounts.models import User
from tracker.accounts.queries import get_account, name_to
from tracker.accounts.trying import ALIASES_OF_ACCOUNT, TRIES_SPAN
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.concealed import Concealed
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.invitations.service import start_reset
from tracker.outbox.deliver import deliver


def show_as(user: User, alias: str = "", discreet: bool = False) -> None:
    """As its own page does."""
    with unit_of_work("show", COMMAND, now=NOW):
        service.show_as(db.session(), get_account(db.session(), user.email), alias=alias, discreet=discreet)


def test_others_see_the_alias_admins_and_coordinators_of_the_desk_the_name(lived: Lived) -> None:
    chief = make_account("chief@example.org", desk="iopt", coordinator=True)
    elsewhere = make_account("elsewhere@example.org", desk="mena", coordinator=True)
    show_as(lived.owner, "Wren")
    seen = {
        viewer.email: db.session.scalar(select(name_to(viewer)).where(User.id == lived.owner.id))
        for viewer in (lived.admin, chief, lived.owner, lived.colleague, lived.outsider, lived.volunteer, elsewhere)
    }
    assert seen == {
        "admin@example.org": "Amal",
        "chief@example.org": "Amal",
        "owner@example.org": "Amal",
        "colleague@example.org": "Wren",
        "outsider@example.org": "Wren",
        "volunteer@example.org": "Wren",
        "elsewhere@example.org": "Wren",
    }
    assert db.session.scalar(select(name_to(None)).where(User.id == lived.owner.id)) == "Wren"


def test_no_page_of_somebody_else_holds_the_name(lived: Lived) -> None:
    with lived.at() as session:
        session.get_one(User, lived.owner.id).name = "Quetzalina"
    case = lived.case(audience=Audience.VOLUNTEERS)
    lived.hearing(case)
    lived.tell(case, "case.news", by=lived.fresh(lived.owner), text="Something")
    show_as(lived.owner, "Wren")
    pages = ("/", "/cases", f"/cases/{case.ref}", f"/cases/{case.ref}/edit", "/cases/new", "/hearings", "/service")
    for reader in (lived.colleague, lived.volunteer):
        browser = lived.browser(reader)
        for page in pages:
            answer = browser.get(page)
            assert "Quetzalina" not in answer.text, (reader.email, page)
    texts = [lived.browser(lived.colleague).get(page).text for page in pages]
    assert sum("Wren" in text for text in texts) >= 3
    admin = make_account("chief@example.org", desk="iopt", coordinator=True)
    assert "Quetzalina" in lived.browser(admin).get(f"/cases/{case.ref}").text


def test_nobody_takes_the_name_of_somebody_else(lived: Lived) -> None:
    show_as(lived.owner, "Wren")
    for taken in ("wren", "BASEL", "Basel"):
        with pytest.raises(Refused, match="called so"):
            show_as(lived.volunteer, taken)
    show_as(lived.owner, "Wren")
    with pytest.raises(Refused, match="too long"):
        show_as(lived.volunteer, "x" * 61)


def test_nobody_learns_by_trying_whether_somebody_stands_behind_an_alias(lived: Lived) -> None:
    """Who asks for the name that an alias hides is answered as for a name nobody has."""
    hidden = make_account("robin@example.org", "volunteer", name="Quetzalina Ortiz")
    show_as(hidden, "Robin")
    for tried in ("Quetzalina Ortiz", "Nobody Atall"):
        show_as(lived.volunteer, tried)
    with pytest.raises(Refused, match="called so"):
        show_as(lived.volunteer, "Robin")


def test_nobody_goes_through_names_to_learn_who_is_here(lived: Lived) -> None:
    browser = sign_in(lived.app, lived.volunteer, NOW)
    with clock.fixed_at(NOW):
        token = form_token(browser)
        codes = [
            browser.post("/account/shown", data={"csrf_token": token, "alias": alias}).status_code
            for alias in [f"Wren {number}" for number in range(ALIASES_OF_ACCOUNT)] + ["Basel"]
        ]
    assert codes == [303] * ALIASES_OF_ACCOUNT + [429]
    with clock.fixed_at(NOW + TRIES_SPAN):
        assert browser.post("/account/shown", data={"csrf_token": token, "alias": "Wren"}).status_code == 303


def test_it_is_chosen_on_ones_own_page(lived: Lived) -> None:
    browser = sign_in(lived.app, lived.volunteer, NOW)
    with clock.fixed_at(NOW):
        token = form_token(browser)
        said = {"csrf_token": token, "alias": " Wren ", "discreet": "y"}
        assert browser.post("/account/shown", data=said).status_code == 303
        stored = lived.fresh(lived.volunteer)
        assert (stored.alias, stored.discreet) == ("Wren", True)
        wrong = browser.post("/account/shown", data={"csrf_token": token, "alias": "Basel"})
        assert wrong.status_code == 422
        assert 'value="Basel"' in wrong.text
        browser.post("/account/shown", data={"csrf_token": token, "alias": ""})
    stored = lived.fresh(lived.volunteer)
    assert (stored.alias, stored.discreet) == (None, False)


def test_no_title_of_any_page_says_what_it_is_about(lived: Lived, app: Any) -> None:
    """Each page that a GET answers, error pages among them."""
    case = lived.case(audience=Audience.VOLUNTEERS)
    for reader in (lived.volunteer, lived.owner):
        show_as(reader, discreet=True)
        browser = lived.browser(lived.fresh(reader))
        seen = 0
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "pages.healthz"):
                continue
            if rule.rule.startswith("/public/"):
                continue  # Whoever reads there is not asked who they are.
            values: dict[str, Any] = dict.fromkeys(rule.arguments, "x")
            values |= {"ref": case.ref} if "ref" in values else {}
            values |= {"code": "iopt"} if "code" in values else {}
            for name, converter in rule._converters.items():
                values[name] = 1 if isinstance(converter, Concealed) else values[name]
            with app.test_request_context():
                address = app.url_map.bind("localhost").build(rule.endpoint, values, method="GET")
            answer = browser.get(address)
            if answer.mimetype == "text/html" and answer.status_code not in (302, 303, 308):
                titles = re.findall(r"<title>(.*?)</title>", answer.text, re.S)
                assert [title.strip() for title in titles[:1]] == ["Notes"], address
                seen += 1
        assert seen > 10
        assert browser.get("/nowhere").text.count("<title>Notes</title>") == 1


def test_no_mail_says_outside_what_it_is_about(lived: Lived, mail_sink: MailSink) -> None:
    show_as(lived.volunteer, discreet=True)
    for user in (lived.volunteer, lived.owner):
        with unit_of_work("reset", COMMAND, now=NOW):
            start_reset(db.session(), None, get_account(db.session(), user.email), NOW)
    with clock.fixed_at(NOW):
        assert deliver(NOW)["sent"] == 2
    (discreet,) = mail_sink.to(lived.volunteer.email)
    (plain,) = mail_sink.to(lived.owner.email)
    head = discreet.raw.decode().partition("\r\n\r\n")[0]
    assert discreet.message["From"] == "Notes <tracker@example.org>"
    assert discreet.message["To"] == "volunteer@example.org"
    assert discreet.message["Subject"] == "A note for you"
    for word in ("urgent", "Urgent", "password", "Dora", "account"):
        assert word not in head, word
    assert "new password" in discreet.text, "what the mail says is as always"
    assert plain.message["From"] == "Urgent action tracker <tracker@example.org>"
    assert "password" in plain.message["Subject"]
    assert plain.kind == "account.reset"
