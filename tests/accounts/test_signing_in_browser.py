"""Signing in and out in a real browser, which says where forms come from and keeps to the content policy."""

from typing import Any

import pytest
from browsing import press_and_wait
from flask import Flask
from signed_in import PASSWORD, make_account, make_desk


@pytest.mark.rehearsal
def test_in_on_to_the_page_that_was_asked_for_and_out_again(app: Flask, live_server: Any, page: Any) -> None:
    make_desk()
    make_account("amal@example.org", desk="iopt", coordinator=True)
    page.goto(f"{live_server.url}/desks/iopt/settings")
    assert page.url.startswith(f"{live_server.url}/sign-in?next=")
    page.get_by_label("E-mail").fill("amal@example.org")
    page.get_by_label("Password").fill("not-the-password")
    press_and_wait(page.get_by_role("button", name="Sign in"))
    assert page.get_by_role("alert").inner_text().count("is not right") == 1
    assert page.get_by_label("E-mail").input_value() == "amal@example.org"
    assert page.get_by_label("Password").input_value() == ""
    page.get_by_label("Password").fill(PASSWORD)
    press_and_wait(page.get_by_role("button", name="Sign in"))
    page.wait_for_url(f"{live_server.url}/desks/iopt/settings")
    page.get_by_label("Low risk").fill("90")
    page.get_by_label("Friday").uncheck()
    page.get_by_label("Sunday").check()
    press_and_wait(page.get_by_role("button", name="Save"))
    page.get_by_text("Saved.").wait_for()
    assert page.get_by_label("Low risk").input_value() == "90"
    assert page.get_by_label("Sunday").is_checked()
    page.locator("details.account summary").click()
    press_and_wait(page.get_by_role("button", name="Sign out"))
    page.wait_for_url(f"{live_server.url}/sign-in")
    page.goto(f"{live_server.url}/account")
    assert page.url.startswith(f"{live_server.url}/sign-in")
