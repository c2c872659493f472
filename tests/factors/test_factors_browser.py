"""The second factor in a real browser: an app's code, a passkey on a device that Chromium pretends, a recovery code."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from browsing import press_and_wait
from flask import Flask
from signed_in import PASSWORD, code_of, make_account, make_desk

from tracker.accounts.models import User
from tracker.base import clock

pytestmark = pytest.mark.one_engine

STEP = timedelta(seconds=30)


@pytest.fixture
def user(app: Flask) -> User:
    """Staff, without a factor."""
    make_desk()
    return make_account("amal@example.org", desk="iopt")


@pytest.fixture
def home(app: Flask, live_server: Any) -> str:
    """The tracker at an address that passkeys can be bound to."""
    address = live_server.url.replace("127.0.0.1", "localhost")
    app.extensions["settings"] = replace(app.extensions["settings"], base_url=address)
    return str(address)


@pytest.fixture
def device(page: Any) -> Iterator[Any]:
    """A device with a fingerprint reader, as the browser pretends."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    yield cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    cdp.detach()


def write_password(page: Any, home: str) -> None:
    """Show the first factor."""
    page.goto(f"{home}/sign-in?next=/account")
    page.get_by_label("E-mail").fill("amal@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    press_and_wait(page.get_by_role("button", name="Sign in"))


def leave(page: Any) -> None:
    """Sign out."""
    page.locator("details.account summary").click()
    press_and_wait(page.get_by_role("button", name="Sign out"))
    page.get_by_label("E-mail").wait_for()


def test_an_app_its_codes_and_the_day_on_which_the_phone_is_lost(
    app: Flask, live_server: Any, page: Any, user: User
) -> None:
    """Where the address is a number there are no passkeys, and none is offered."""
    home = live_server.url
    live_server.at = now = clock.now()
    write_password(page, home)
    page.wait_for_url(f"{home}/sign-in/enrol")
    assert page.get_by_role("button", name="passkey").count() == 0
    assert page.locator("svg.qr").bounding_box()["width"] > 150
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    page.get_by_label("The code it shows now").fill(code_of(secret, now))
    press_and_wait(page.get_by_role("button", name="Set up the app"))
    page.wait_for_url(f"{home}/account/factors/codes")
    codes = page.locator("ol.codes code").all_inner_texts()
    assert len(codes) == 10
    press_and_wait(page.get_by_role("button", name="I have kept them"))
    page.wait_for_url(f"{home}/account")
    leave(page)

    write_password(page, home)
    page.get_by_label("Code").fill(code_of(secret, now))
    press_and_wait(page.get_by_role("button", name="Sign in"))
    assert "was used already" in page.get_by_role("alert").inner_text()
    live_server.at = now + STEP
    page.get_by_label("Code").fill(code_of(secret, now + STEP))
    press_and_wait(page.get_by_role("button", name="Sign in"))
    page.wait_for_url(f"{home}/account")
    leave(page)

    write_password(page, home)
    page.get_by_label("Code").fill(codes[0])
    press_and_wait(page.get_by_role("button", name="Sign in"))
    page.wait_for_url(f"{home}/account")
    page.get_by_text("9 are left").wait_for()


def test_a_passkey_is_set_up_lets_in_and_answers_when_asked_again(
    app: Flask, live_server: Any, home: str, page: Any, device: Any, user: User
) -> None:
    write_password(page, home)
    page.wait_for_url(f"{home}/sign-in/enrol")
    page.get_by_label("What do you call it?").fill("my phone")
    press_and_wait(page.get_by_role("button", name="Set up a passkey"))
    page.wait_for_url(f"{home}/account/factors/codes")
    press_and_wait(page.get_by_role("button", name="I have kept them"))
    page.wait_for_url(f"{home}/account")
    leave(page)

    write_password(page, home)
    page.wait_for_url(f"{home}/sign-in/factor")
    press_and_wait(page.get_by_role("button", name="Use my passkey"))
    page.wait_for_url(f"{home}/account")

    live_server.at = clock.now() + 11 * timedelta(minutes=1)
    press_and_wait(page.get_by_role("link", name="Change my password"))
    page.wait_for_url(f"{home}/confirm?next=/account/password")
    press_and_wait(page.get_by_role("button", name="Use my passkey"))
    page.wait_for_url(f"{home}/account/password")


def test_without_the_device_the_browser_says_so_and_the_page_still_works(
    app: Flask, live_server: Any, home: str, page: Any, user: User
) -> None:
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": False}
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": False}})
    page.add_init_script("navigator.credentials.create = async () => { throw new DOMException('no') }")
    write_password(page, home)
    page.wait_for_url(f"{home}/sign-in/enrol")
    page.get_by_role("button", name="Set up a passkey").click()
    page.get_by_text("has not given a passkey").wait_for()
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    live_server.at = now = clock.now()
    page.get_by_label("The code it shows now").fill(code_of(secret, now))
    press_and_wait(page.get_by_role("button", name="Set up the app"))
    page.wait_for_url(f"{home}/account/factors/codes")
