"""A page that came by messenger, on a phone: pasted, reviewed, a whole case taken, and its file opened."""

import re
from typing import Any

import pytest
from browsing import press_and_wait
from flask import Flask
from intake_ground import FIRST, MARCH, Desks
from signed_in import sign_in

from tracker.accounts.models import User
from tracker.base.db import db

WIDTHS = ((360, 740), (1280, 800))


def open_as(page: Any, app: Flask, user: User, url: str) -> None:
    """Give the browser the sign-in of `user`."""
    cookie = app.session_interface.cookie  # type: ignore[attr-defined]
    signed_in = sign_in(app, user, MARCH).get_cookie(cookie)
    assert signed_in
    page.context.add_cookies([{"name": cookie, "value": signed_in.value, "url": url}])


def fits(page: Any) -> bool:
    """Whether nothing is wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def small(page: Any) -> list[str]:
    """What is to be pressed and is under 44 pixels high."""
    return page.evaluate(
        """() => [...document.querySelectorAll("main button, main a.btn, main select, main input")]
        .filter(e => !["hidden", "checkbox", "radio"].includes(e.type))
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
        .map(e => e.textContent.trim().slice(0, 40) + " " + e.getBoundingClientRect().height)"""
    )


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_paste_review_accept_and_the_case_file(
    page: Any, app: Flask, live_server: Any, house: Desks, width: int, height: int, language: str
) -> None:
    house.amal.language = language
    db.session.commit()
    live_server.at = MARCH
    open_as(page, app, house.amal, live_server.url)
    page.set_viewport_size({"width": width, "height": height})

    page.goto(f"{live_server.url}/intake/paste")
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    page.locator("#document").fill("nothing that could be read")
    press_and_wait(page.locator("main button[type=submit]").last)
    assert page.locator("#document").input_value() == "nothing that could be read"
    assert page.locator("#document-error").is_visible()
    assert fits(page)
    assert small(page) == []

    page.locator("#document").fill(FIRST.read_text())
    press_and_wait(page.locator("main button[type=submit]").last)
    page.wait_for_url(re.compile("/intake/(?!paste)"))
    assert page.locator("section.panel").count() == 2
    assert page.locator("mark").first.is_visible()
    assert fits(page)
    assert small(page) == []
    review = page.url

    press_and_wait(page.locator("#group-1 a.btn[href$='/edit']").last)
    page.wait_for_url("**/edit")
    assert fits(page)
    assert small(page) == []
    page.go_back()

    press_and_wait(page.locator("#group-1 .proposal-accept button"))
    page.wait_for_url("**/cases/IOPT-0001")
    assert page.get_by_text("Ahmad Khalefa").first.is_visible()
    assert fits(page)

    page.goto(review)
    press_and_wait(page.locator("#group-2 .proposal-all .button-form button"))
    assert page.locator(".empty a[href='/cases/IOPT-0001']").is_visible()
    assert page.locator(".proposal-decided").count() == 9
    assert fits(page)

    page.goto(f"{live_server.url}/intake")
    assert page.locator(".row-item").count() == 1
    assert fits(page)


def test_it_works_without_scripts(browser: Any, app: Flask, live_server: Any, house: Desks, page: Any) -> None:
    live_server.at = MARCH
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    plain = context.new_page()
    open_as(plain, app, house.amal, live_server.url)
    plain.goto(f"{live_server.url}/intake/paste")
    plain.locator("#document").fill(FIRST.read_text())
    press_and_wait(plain.locator("main button[type=submit]").last)
    press_and_wait(plain.locator("#group-1 .proposal-accept button"))
    plain.wait_for_url("**/cases/IOPT-0001")
    context.close()
