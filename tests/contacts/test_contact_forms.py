"""Contacts on their pages: kept, shown one by one, changed, removed; and nothing of it anywhere else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from contacts_ground import VALUES, Keeps, acts, address_of, contacts_of, press
from flask import Flask
from house_of_cases import NOW, Lived
from sqlalchemy import select, text

from tracker.accounts import trying
from tracker.accounts.trying import LOOKUPS_OF_ACCOUNT, TRIES_SPAN
from tracker.base import work
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.once import OnceToken

pytestmark = pytest.mark.one_engine

#: The values under the names that the form's fields have on the page.
TYPED = {f"sealed-{name}": text for name, text in VALUES.items()}


def shows(page: str) -> set[str]:
    """Which of the values stand on a page."""
    return {name for name, value in VALUES.items() if value.splitlines()[0] in page}


def test_a_contact_is_kept_and_the_file_shows_its_role(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    assert "None is kept yet" in browser.get(f"/cases/{case.ref}").text
    answer = browser.fill(f"/cases/{case.ref}/contacts/new/family", label="sister", **TYPED)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/cases/{case.ref}#contacts")
    page = browser.get(f"/cases/{case.ref}").text
    assert "Sister" in page
    assert not shows(page)
    [contact] = contacts_of(case)
    assert (contact.kind, contact.label, contact.audience) == ("family", "sister", Audience.DESK)
    assert shows(press(browser, address_of(case, contact), reason="calling").text) == set(VALUES)


def test_a_form_sent_twice_keeps_one(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    address = f"/cases/{case.ref}/contacts/new/family"
    fields = browser.filled(address, **TYPED)
    assert [browser.send(address, fields).status_code for _ in range(2)] == [303, 303]
    assert len(contacts_of(case)) == 1
    assert not any(value in str(db.session.execute(select(OnceToken.__table__)).all()) for value in VALUES.values())


@pytest.mark.parametrize(
    ("code", "asked"),
    [("medical_note", {"note"}), ("safe_address", {"name", "phone", "address", "note"}), ("lawyer", set(VALUES))],
)
def test_the_form_asks_what_the_kind_has(lived: Lived, code: str, asked: set[str]) -> None:
    page = lived.browser(lived.owner).get(f"/cases/{lived.case().ref}/contacts/new/{code}").text
    assert set(re.findall(r'name="sealed-(\w+)"', page)) == asked
    assert page.count('autocomplete="off"') >= len(asked)
    assert page.count('spellcheck="false"') >= len(asked)


def test_a_kind_there_is_not_is_no_page(lived: Lived) -> None:
    assert lived.browser(lived.owner).get(f"/cases/{lived.case().ref}/contacts/new/rumour").status_code == 404


def test_what_is_refused_stands_on_its_field_and_nothing_typed_is_lost(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    address = f"/cases/{case.ref}/contacts/new/family"
    answer = browser.fill(address, **(TYPED | {"sealed-phone": "ask the lawyer"}))
    assert answer.status_code == 422
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'id="sealed-phone-error"' in answer.text
    assert shows(answer.text) == set(VALUES) - {"phone"}
    assert browser.fill(address, label="Samira").status_code == 422
    assert browser.fill(address).status_code == 422
    assert not contacts_of(case)


def test_a_value_is_shown_once_with_a_reason_and_nowhere_else(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    browser = lived.browser(lived.colleague)
    asks = browser.get(address_of(case, contact))
    assert "Why do you look at it?" in asks.text
    assert not shows(asks.text)
    silent = press(browser, address_of(case, contact))
    assert (silent.status_code, shows(silent.text)) == (422, set())
    assert press(browser, address_of(case, contact), reason="curious").status_code == 422
    assert not acts("contacts.reveal")
    shown = press(browser, address_of(case, contact), reason="calling")
    assert (shown.status_code, shows(shown.text)) == (200, set(VALUES))
    assert shown.headers["Cache-Control"] == "no-store"
    assert 'href="tel:+970599123456"' in shown.text
    assert len(acts("contacts.reveal")) == 1
    for again in (f"/cases/{case.ref}", address_of(case, contact), "/", "/account", f"/cases?q={case.ref}"):
        assert not shows(browser.get(again).text), again
    assert len(acts("contacts.reveal")) == 1


def test_within_fifteen_minutes_the_file_shows_without_asking_and_each_look_is_written_down(
    lived: Lived, keeps: Keeps
) -> None:
    case = lived.case()
    one, two = keeps(case), keeps(case, label="brother")
    press(lived.browser(lived.owner), address_of(case, one), reason="checking")
    soon, late = (lived.browser(lived.owner, NOW + timedelta(minutes=m)) for m in (14, 15))
    file = soon.get(f"/cases/{case.ref}").text
    assert f'action="{address_of(case, two)}"' in file
    assert shows(press(soon, address_of(case, two)).text)
    said = [(act.actor_id, act.case_id, act.subject, changes[0]["fields"]) for act, changes in acts("contacts.reveal")]
    assert said == [
        (lived.owner.id, case.id, f"contact:{one.id}", {"reason": [None, "checking"]}),
        (lived.owner.id, case.id, f"contact:{two.id}", {"reason": [None, "checking"]}),
    ]
    assert f'href="{address_of(case, two)}"' in late.get(f"/cases/{case.ref}").text
    assert press(late, address_of(case, two)).status_code == 422


def test_without_a_record_nothing_is_shown(
    app: Flask, lived: Lived, keeps: Keeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lived.case()
    contact = keeps(case)
    browser = lived.browser(lived.owner)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fails(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(work, "_audit_writer", [fails])
    for what, fields in (("reveal", {"reason": "calling"}), ("open", {})):
        answer = press(browser, address_of(case, contact, what), **fields)
        assert answer.status_code == 500
        assert not shows(answer.text)
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM contact_reasons")).scalar() == 0


def test_without_a_page_nothing_is_recorded(
    app: Flask, lived: Lived, keeps: Keeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lived.case()
    contact = keeps(case)
    browser = lived.browser(lived.owner)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("tracker.contacts.views.to_dial", lambda _text: 1 / 0)
    answer = press(browser, address_of(case, contact), reason="calling")
    assert (answer.status_code, shows(answer.text)) == (500, set())
    assert not acts("contacts.reveal")


def test_opening_the_form_is_a_look_and_saving_writes_it_anew(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    browser = lived.browser(lived.owner)
    assert not shows(browser.get(address_of(case, contact, "open")).text)
    assert browser.get(address_of(case, contact, "edit")).status_code == 405
    assert not acts("contacts.open")
    opened = press(browser, address_of(case, contact, "open"))
    assert shows(opened.text) == set(VALUES)
    assert acts("contacts.open")[0][1][0]["fields"] == {"reason": [None, "updating"]}
    fields = browser.held(opened.text) | {"sealed-phone": "+970 599 000 000", "label": "mother"}
    answer = browser.send(address_of(case, contact, "edit"), fields)
    assert answer.headers["Location"] == f"/cases/{case.ref}#contacts"
    [held] = contacts_of(case)
    assert (held.label, held.version) == ("mother", 2)
    assert "+970 599 000 000" in press(browser, address_of(case, held)).text
    assert "hidden" in str(acts("contacts.edit"))
    assert "000 000" not in str(acts("contacts."))


def test_what_somebody_else_saved_is_not_shown_in_a_conflict(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    mine, theirs = lived.browser(lived.owner), lived.browser(lived.colleague)
    first, second = (b.held(press(b, address_of(case, contact, "open")).text) for b in (mine, theirs))
    theirs.send(address_of(case, contact, "edit"), second | {"sealed-phone": "0599 777 777", "label": "wife"})
    answer = mine.send(address_of(case, contact, "edit"), first | {"sealed-phone": "0599 888 888"})
    assert answer.status_code == 409
    assert "0599 888 888" in answer.text
    assert "wife" in answer.text
    assert "0599 777 777" not in answer.text
    assert "What is sealed is not compared here" in answer.text
    same_role = mine.send(address_of(case, contact, "edit"), first | {"sealed-phone": "0599 888 888", "label": "wife"})
    assert "Somebody changed this while you were writing" in same_role.text


def test_removing_takes_the_value_and_leaves_the_record(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    number, shown_at = contact.id, address_of(case, contact)
    browser = lived.browser(lived.owner)
    answer = browser.fill(address_of(case, contact, "remove"))
    assert answer.headers["Location"] == f"/cases/{case.ref}#contacts"
    assert not contacts_of(case)
    assert "Removed: sister" in browser.get(f"/cases/{case.ref}").text
    [(act, changes)] = acts("contacts.remove")
    assert (act.case_id, changes[0]["how"], changes[0]["row"]) == (case.id, "deleted", number)
    assert press(browser, shown_at, reason="calling").status_code == 404


def test_a_contact_for_named_people_is_as_one_that_is_not_there(lived: Lived, keeps: Keeps) -> None:
    case, other = lived.case(), lived.case()
    closed, opened = keeps(case, audience=Audience.NAMED), keeps(other)
    colleague = lived.browser(lived.colleague)
    assert closed.public_id not in colleague.get(f"/cases/{case.ref}").text
    for contact, of in ((closed, case), (opened, case)):
        for what in ("reveal", "open", "remove"):
            assert colleague.get(address_of(of, contact, what)).status_code == 404
            assert press(colleague, address_of(of, contact, what), reason="calling").status_code == 404
        assert press(colleague, address_of(of, contact, "edit"), label="sister").status_code == 404
    assert not acts("contacts.")
    assert shows(press(lived.browser(lived.owner), address_of(case, closed), reason="calling").text)


def test_the_past_and_other_readers_have_no_panel(lived: Lived, keeps: Keeps) -> None:
    case = lived.case(audience=Audience.VOLUNTEERS)
    contact = keeps(case)
    for user, path in ((lived.owner, "?known-on=2024-03-18"), (lived.volunteer, ""), (lived.outsider, "")):
        page = lived.browser(user).get(f"/cases/{case.ref}{path}").text
        assert 'id="contacts"' not in page
        assert contact.public_id not in page


def test_whose_number_is_asked_in_no_address_and_written_down(lived: Lived, keeps: Keeps) -> None:
    case, other = lived.case(), lived.case(title="Another matter")
    keeps(case), keeps(other, label="father", kind="family")
    browser = lived.browser(lived.owner)
    assert browser.get("/contacts/whose").status_code == 200
    answer = browser.fill("/contacts/whose", **{"sealed-asked": "0599 123 456"})
    assert answer.status_code == 200
    assert (case.ref in answer.text, other.ref in answer.text) == (True, True)
    assert "0599 123 456" not in answer.text
    assert not shows(answer.text)
    assert [(act.case_id, said[0]["fields"]) for act, said in acts("contacts.find")] == [
        (case.id, {"reason": [None, "asked_whose"]}),
        (other.id, {"reason": [None, "asked_whose"]}),
    ]
    assert "No contact of a case you keep" in browser.fill("/contacts/whose", **{"sealed-asked": "0599 1"}).text
    assert browser.fill("/contacts/whose").status_code == 422
    outsider = lived.browser(lived.outsider).fill("/contacts/whose", **{"sealed-asked": "0599 123 456"})
    assert case.ref not in outsider.text


def look_up(browser: Any, asked: str) -> int:
    """Ask whose a number is; the status."""
    return int(press(browser, "/contacts/whose", **{"sealed-asked": asked}).status_code)


def test_nobody_goes_through_numbers_to_learn_which_are_known_here(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    keeps(case)
    browser = lived.browser(lived.owner)
    # What finds somebody does not count, and takes nothing off what did not.
    for number in range(LOOKUPS_OF_ACCOUNT - 1):
        assert look_up(browser, f"0599 555 {number:03}") == 200
        assert look_up(browser, VALUES["phone"]) == 200
    assert look_up(browser, "0599 555 999") == 200
    refused = press(browser, "/contacts/whose", **{"sealed-asked": VALUES["phone"]})
    assert refused.status_code == 429
    assert "Too many tries" in refused.text
    assert case.ref not in refused.text, "not even what is there"
    assert VALUES["phone"] not in refused.text
    assert look_up(browser, "0599 555 998") == 429
    (told,) = [act for act, _said in acts("contacts.refuse")]
    assert (told.actor_id, told.case_id) == (lived.owner.id, None)
    assert look_up(lived.browser(lived.colleague), VALUES["phone"]) == 200, "others go on"
    later = lived.browser(lived.owner, NOW + TRIES_SPAN)
    assert look_up(later, VALUES["phone"]) == 200


def test_several_accounts_together_go_through_no_numbers_either(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "LOOKUPS_OF_ALL", 3)
    browsers = [lived.browser(user) for user in (lived.owner, lived.colleague, lived.outsider)]
    assert [look_up(browser, "0599 555 001") for browser in browsers] == [200] * 3
    assert look_up(lived.browser(lived.admin), "0599 555 001") == 429
    assert acts("contacts.refuse") == []


def test_a_form_whose_token_is_old_is_not_written_on_the_error_page(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    browser = lived.browser(lived.owner)
    own = {"Sec-Fetch-Site": "same-origin"}
    for path in ("contacts/new/family", f"contacts/{contact.public_id}/edit", "entries/new", "no-such-page"):
        sent = TYPED | {"csrf_token": "forged", "text": "The lawyer rang at ten."}
        answer = browser.client.post(f"/cases/{case.ref}/{path}", data=sent, headers=own)
        assert answer.status_code in (400, 404)
        assert not shows(answer.text), path
        assert answer.status_code == 404 or "The lawyer rang at ten." in answer.text
