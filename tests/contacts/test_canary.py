"""Nothing sealed gets out but in the one answer that was asked for, and nothing of a case for named people but to them:
looked for in every answer, mail, feed, log line and byte of the database."""

import functools
import re
from pathlib import Path
from typing import Any

import pytest
from canaries import SOON, TELLS, Canaries, World, make_world
from contacts_ground import address_of, press, token_of
from crawl import ENDS_THE_WALK, every_address
from flask import Flask
from house_of_cases import Browser, Lived
from mail_sink import MailSink
from sqlalchemy import text

from tracker.base import clock
from tracker.base.db import Model, db
from tracker.base.mode import read_mode
from tracker.calendar.service import renew_feed

#: The kinds that are searched for.
TWO = ("family", "medical_note")


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


@pytest.fixture
def world(app: Flask, lived: Lived) -> World:
    """Canaries in their places; a fault is a page as it is for people."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return make_world(app, lived)


def asked(world: World) -> list[str]:
    """Searches for canaries, and pages with more said in the address than their route. Half of a word is searched for:
    the page may repeat what was typed."""
    family, note = (world.of_contact[c.public_id].words for c in world.contacts(world.restricted) if c.kind in TWO)
    sealed = [*list(family.values())[:2], *list(note.values())[:1]]
    halves = sorted({word[: len(word) // 2] for word in (*sealed, *TELLS.values())})
    return [
        *(f"/cases?q={half}" for half in halves),
        *(f"/cases?q={half}&scope=others" for half in halves[::4]),
        *(f"/cases?{said}" for said in ("sort=next", "sort=worst", "stage=all", "scope=others&stage=all")),
        *(f"/cases/{case.ref}?known-on=2024-04-06" for case in (world.restricted, world.opened)),
    ]


@pytest.mark.one_engine
def test_no_page_shows_what_is_sealed_or_meant_for_others(app: Flask, world: World, capsys: Any, caplog: Any) -> None:
    pages = [address for _endpoint, address in world.addresses(app)]
    assert len(pages) > 80
    found, seen_by_named = [], set()
    for name, browser in (*world.strangers.items(), ("named", world.named)):
        for address in (*pages, *asked(world)):
            answer = browser.get(address)
            assert answer.status_code != 500, (name, address)
            out = world.sealed.in_answer(answer)
            told = world.told.in_answer(answer)
            # What stands in the tab stands in the browser's history, too, whoever it was open to.
            tab = re.search(r"<title>(.*?)</title>", answer.get_data(as_text=True), re.DOTALL)
            if tab and world.told.in_(tab[1]):
                found.append(f"{name}: {address}: its title says {tab[1]}")
            if name == "named":
                seen_by_named |= told
                told = set()
            if out or told:
                found.append(f"{name}: {address} ({answer.status_code}): {', '.join(sorted(out | told))}")
    assert not found, "\n".join(found)
    assert seen_by_named == set(TELLS), "the crawl was blind to what it looks for"
    written = "\n".join((*capsys.readouterr(), caplog.text))
    assert not world.sealed.in_(written) | world.told.in_(written)


@pytest.mark.one_engine
def test_a_value_is_in_the_one_answer_that_was_asked_for(world: World) -> None:
    """Of each contact every value, and none of another's: to whoever keeps the case, from a rung that may open it."""
    entitled = {"staff", "coordinator"}
    for name, browser in (("named", world.named), *world.strangers.items()):
        token = token_of(browser)
        for case in (world.restricted, world.opened):
            for contact in world.contacts(case):
                for what, fields in (("reveal", {"reason": "checking"}), ("open", {})):
                    answer = browser.send(address_of(case, contact, what), fields | token)
                    shown = world.sealed.in_answer(answer)
                    mine = set(world.of_contact[contact.public_id].words)
                    may = name == "named" or (name in entitled and case is world.opened and contact.audience == 1)
                    assert shown == (mine if may else set()), (name, case.ref, contact.kind, what)
                    assert answer.headers["Cache-Control"] == "no-store"
                    assert may == (answer.status_code == 200)


@pytest.mark.one_engine
def test_no_form_leads_strangers_to_what_is_sealed(app: Flask, world: World) -> None:
    """Whatever is sent by whoever may not: no answer holds anything, and nothing of the contacts changes."""
    cases = (world.restricted, world.opened)
    sealed = {c.public_id: c.sealed for case in cases for c in world.contacts(case)}
    said = {"reason": "calling", "label": "sister", "audience": "desk", "sealed-asked": "+970 55 040 7391 82"}
    forms = [(endpoint, address) for endpoint, address in world.addresses(app, "POST") if endpoint not in ENDS_THE_WALK]
    assert len(forms) > 120
    found = []
    for name in ("anonymous", "volunteer", "staff of another desk", "admin", "disabled"):
        browser = world.strangers[name]
        token = token_of(browser)
        for _endpoint, address in forms:
            answer = browser.send(address, said | token)
            assert answer.status_code != 500, (name, address)
            if out := world.sealed.in_answer(answer) | world.told.in_answer(answer):
                found.append(f"{name}: POST {address} ({answer.status_code}): {', '.join(sorted(out))}")
        if name not in ("anonymous", "disabled"):
            assert browser.get("/account").status_code == 200, (
                f"{name} was sent out on the way: the rest proves nothing"
            )
    assert not found, "\n".join(found)
    assert {c.public_id: c.sealed for case in cases for c in world.contacts(case)} == sealed
    # The house is as it was: who may is answered, to the same fields.
    assert read_mode(db.session()).state == "open"
    for case in cases:
        for contact in world.contacts(case):
            shown = press(world.named, address_of(case, contact), **said)
            assert world.sealed.in_answer(shown) == set(world.of_contact[contact.public_id].words)


@pytest.mark.one_engine
def test_nothing_leaves_by_mail_or_calendar(app: Flask, world: World, mail_sink: MailSink) -> None:
    assert mail_sink.to("owner@example.org")
    assert mail_sink.to("colleague@example.org")
    for mail in mail_sink.mails:
        for said in (mail.raw, mail.text, mail.html, str(mail.message["Subject"])):
            assert not world.sealed.in_(said)
            assert mail.recipients == ("owner@example.org",) or not world.told.in_(said)
    feeds = {}
    for user in (world.lived.owner, world.lived.colleague):
        with world.lived.at(SOON) as session:
            secret = renew_feed(session, session.merge(user), SOON)
        feeds[user.name] = Browser(app.test_client(), SOON).get(f"/calendar/{secret}.ics")
        assert not world.sealed.in_answer(feeds[user.name])
    unfolded = {name: answer.text.replace("\r\n ", "") for name, answer in feeds.items()}
    assert world.told.in_(unfolded["Amal"])
    assert "plain words" in unfolded["Basel"]
    assert not world.told.in_(unfolded["Basel"])


@pytest.mark.one_engine
def test_no_error_page_repeats_what_was_typed_to_be_sealed(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, capsys: Any, caplog: Any
) -> None:
    """What fails in every way, with canaries in the form and in the address."""
    contact = world.contacts(world.restricted)[0]
    words = dict(zip(("name", "phone", "email", "address", "note"), world.sealed.words.values(), strict=False))
    typed = {f"sealed-{name}": word for name, word in words.items()}
    base = f"/cases/{world.restricted.ref}/contacts"
    own = {"Sec-Fetch-Site": "same-origin"}
    browser, client = world.named, world.named.client
    token = token_of(browser)
    answers: dict[int, Any] = {}
    with clock.fixed_at(SOON):
        for address in (f"{base}/new/family", f"{base}/{contact.public_id}/edit", "/contacts/whose", "/cases/new"):
            answers[400] = client.post(address, data=typed, headers=own)
            _is_empty(world.sealed, answers[400], 400)
        answers[404] = client.post(f"{base}/no-such-contact/edit", data=typed | token, headers=own)
        answers[405] = client.delete(f"{base}/{contact.public_id}/edit", data=typed, headers=own)
        answers[422] = client.post(f"{base}/{contact.public_id}/reveal", data=typed | token, headers=own)

        @functools.wraps(app.view_functions["contacts.add"])
        def fails(**_: Any) -> None:
            raise ValueError(" ".join(typed.values()))

        monkeypatch.setitem(app.view_functions, "contacts.add", fails)
        answers[500] = client.post(f"{base}/new/family", data=typed | token, headers=own)
        app.config["MAX_CONTENT_LENGTH"] = 2000
        answers[413] = client.post(f"{base}/new/family", data=typed | token | {"more": "x" * 3000}, headers=own)
        app.config["MAX_CONTENT_LENGTH"] = 1_000_000
        stranger = app.test_client()
        page = stranger.get("/sign-in").text
        known = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        for _try in range(40):
            wrong = {"email": "owner@example.org", "password": "wrong", "csrf_token": known[1] if known else ""}
            answers[429] = stranger.post("/sign-in", data=typed | wrong, headers=own)
            if answers[429].status_code == 429:
                break
    for code, answer in answers.items():
        _is_empty(world.sealed, answer, code)
    written = "\n".join((*capsys.readouterr(), caplog.text))
    assert "request.failed" in written
    assert not world.sealed.in_(written)
    assert browser.get(f"/cases/{world.restricted.ref}").status_code == 200


def test_the_database_and_the_files_beside_it_hold_nothing_readable(app: Flask, world: World, instance: Path) -> None:
    """After everything was also looked at, changed and removed: every table, and on SQLite every byte of the files."""
    case = world.restricted
    first, second, *_rest = world.contacts(case)
    shown = press(world.named, address_of(case, first, "open"))
    held = world.named.held(shown.text) | {"sealed-note": [world.sealed.words["open family note"]]}
    assert world.named.send(address_of(case, first, "edit"), held).status_code == 303
    assert world.named.fill(address_of(case, second, "remove")).status_code == 303
    press(world.named, "/contacts/whose", **{"sealed-asked": world.sealed.words["restricted family phone"]})
    db.session.rollback()
    looked_at = 0
    for table in Model.metadata.sorted_tables:
        rows = str(db.session.execute(text(f'SELECT * FROM "{table.name}"')).all())
        looked_at += len(rows)
        assert not world.sealed.in_(rows), table.name
        if table.name in ("acts", "data_keys", "once_tokens", "sign_ins", "contacts"):
            assert not world.told.in_(rows), table.name
    assert looked_at > 10_000
    db.session.rollback()
    files = [file for file in instance.rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert not world.sealed.in_(file.read_bytes()), file.name
    if db.engine.dialect.name == "sqlite":
        assert any(world.told.in_(file.read_bytes()) for file in files), "the files looked at are those of the database"


@pytest.mark.one_engine
def test_the_crawler_names_a_route_it_cannot_fill(app: Flask, lived: Lived) -> None:
    with pytest.raises(
        AssertionError, match=r"/cases/<ref>/hearings/<public_id>/move \(hearings.move\): public_id, ref"
    ):
        every_address(app, {})


def test_a_canary_is_found_in_any_spelling() -> None:
    bird = Canaries({"note": "qzvfamilynote <open>", "phone": "+970 55 040 7391 82"})
    for said in (
        "x QZVfamilynote <open> y",
        "qzvfamilynote &lt;open&gt;",
        "qzvfamilynote%20%3Copen%3E",
        b"qzvfamilynote <open>".hex(),
        "eHF6dmZhbWlseW5vdGUgPG9wZW4+IHk=",
        "cXp2ZmFtaWx5bm90ZSA8b3Blbj4=",
    ):
        assert bird.in_(said) == {"note"}, said
    assert bird.in_("tel:0550407 391") == bird.in_("a qzv of a family") == set()
    assert bird.in_("tel:+97055040739182") == {"phone"}


def _is_empty(sealed: Canaries, answer: Any, code: int) -> None:
    assert answer.status_code == code
    assert not sealed.in_answer(answer), code
