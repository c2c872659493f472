"""Changing the secret key: what was under way can be ended, and nothing new is signed with the old one."""

from typing import Any

import pytest
from conftest import made_app
from flask import Flask
from flask.testing import FlaskClient
from house_of_cases import Lived
from itsdangerous import BadSignature, URLSafeTimedSerializer
from signed_in import PASSWORD, sign_in

from tracker.app import settings_module
from tracker.digests.service import stop_word
from tracker.reminders.tokens import stop_token

pytestmark = pytest.mark.one_engine

OLD = "a secret of the tests, and of nothing else"
NEW = "another secret, made when the first one was seen"


def changed(environment: dict[str, str], old: str = "") -> dict[str, str]:
    """The settings after the key was changed."""
    return environment | {"TRACKER_SECRET_KEY": NEW, "TRACKER_SECRET_KEY_OLD": old}


def token_of(page: Any) -> str:
    """The form token of a page."""
    return str(page.text.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0])


def moved(browser: FlaskClient, app: Flask) -> FlaskClient:
    """The same browser, asking the application after the change."""
    other = app.test_client()
    for name in ("tracker", "tracker-form"):
        cookie = browser.get_cookie(name)
        if cookie is not None:
            other.set_cookie(name, cookie.value)
    return other


def test_an_open_form_can_still_be_sent(lived: Lived, tracker_env: dict[str, str]) -> None:
    browser = sign_in(lived.app, lived.owner)
    form = {"csrf_token": token_of(browser.get("/account")), "zone": "Europe/Lisbon", "language": "en"}
    with made_app(changed(tracker_env, OLD)) as after:
        assert moved(browser, after).post("/account", data=form).status_code == 303
    with made_app(changed(tracker_env)) as without:
        assert moved(browser, without).post("/account", data=form).status_code == 400


def test_an_open_sign_in_form_can_still_be_sent(lived: Lived, tracker_env: dict[str, str]) -> None:
    browser = lived.app.test_client()
    form = {
        "csrf_token": token_of(browser.get("/sign-in")),
        "email": lived.owner.email,
        "password": PASSWORD,
    }
    with made_app(changed(tracker_env, OLD)) as after:
        assert moved(browser, after).post("/sign-in", data=form).status_code == 303
    with made_app(changed(tracker_env)) as without:
        assert moved(browser, without).post("/sign-in", data=form).status_code == 400


def test_only_the_new_key_signs(lived: Lived, tracker_env: dict[str, str]) -> None:
    with made_app(changed(tracker_env, OLD)) as after:
        token = token_of(sign_in(after, lived.owner).get("/account"))
        browser = after.test_client()
        browser.get("/sign-in")
        cookie = browser.get_cookie("tracker-form")
        assert cookie is not None
        for signed, salt in ((token, "wtf-csrf-token"), (cookie.value, "sign-in form")):
            assert URLSafeTimedSerializer(NEW, salt=salt).loads(signed)
            with pytest.raises(BadSignature):
                URLSafeTimedSerializer(OLD, salt=salt).loads(signed)


def test_nobody_is_signed_out_and_links_in_mails_go_on_working(lived: Lived, tracker_env: dict[str, str]) -> None:
    """Neither depends on this key: sign-ins are rows, and links are signed with the keyring."""
    case = lived.case()
    browser = sign_in(lived.app, lived.owner)
    links = [f"/reminders/stop/{stop_token(lived.owner.id, [case.id])}", f"/digests/stop/{stop_word(lived.owner.id)}"]
    before = [lived.app.test_client().get(link).status_code for link in links]
    with made_app(changed(tracker_env)) as after:
        assert moved(browser, after).get("/account").status_code == 200
        assert [after.test_client().get(link).status_code for link in links] == before


def test_the_one_before_may_be_left_out() -> None:
    load = settings_module().load
    given = {"TRACKER_SECRET_KEY": "new", "TRACKER_INSTANCE": "/nowhere"}
    assert load(given).secret_keys == ["new"]
    assert load(given | {"TRACKER_SECRET_KEY_OLD": ""}).secret_keys == ["new"]
    assert load(given | {"TRACKER_SECRET_KEY_OLD": "one, with a comma"}).secret_keys == ["one, with a comma", "new"]
