"""The settings of a desk: who may change them, what is refused, two people at once."""

import re
from typing import Any

import pytest
from flask import Flask
from signed_in import SET_UP_AT, form_token, make_account, make_desk, sign_in

from tracker.accounts.models import Desk
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.service import close_case, open_case

PAGE = "/desks/iopt/settings"


@pytest.fixture
def desk(app: Flask) -> Desk:
    """A desk."""
    return make_desk()


def filled(browser: Any, **changed: Any) -> dict[str, Any]:
    """The form as it is sent."""
    return {
        "csrf_token": form_token(browser), "version": "1", "stale_critical_days": "3", "stale_high_working_days": "7",
        "stale_medium_days": "21", "stale_low_days": "60", "working_days": ["1", "2", "3", "4", "5"], **changed,
    }  # fmt: skip


def test_a_coordinator_changes_them(app: Flask, desk: Desk) -> None:
    browser = sign_in(app, make_account(desk="iopt", coordinator=True))
    assert browser.get(PAGE).status_code == 200
    answer = browser.post(PAGE, data=filled(browser, stale_low_days="90", working_days=["1", "7", "2", "4", "3"]))
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    db.session.expire_all()
    assert (desk.stale_low_days, desk.version) == (90, 2)
    assert desk.working_days == [7, 1, 2, 3, 4], "in the order of their week"


def test_open_cases_of_the_desk_go_stale_by_the_new_days_at_once(app: Flask, desk: Desk) -> None:
    """`cases.stale`"""
    elsewhere = make_desk("egypt", "Egypt", ("EG",), "Africa/Cairo")
    with unit_of_work("cases.open", COMMAND, now=SET_UP_AT):
        mine, closed, theirs = (
            open_case(db.session(), of, title="A case", risk="low") for of in (desk, desk, elsewhere)
        )
    with unit_of_work("cases.close", COMMAND, now=SET_UP_AT):
        close_case(db.session(), closed, desk, reason="resolved")
    before = mine.stale_at, theirs.stale_at
    assert before[0] is not None
    browser = sign_in(app, make_account(desk="iopt", coordinator=True))
    assert browser.post(PAGE, data=filled(browser, stale_low_days="90")).status_code == 303
    db.session.rollback()
    db.session.expire_all()
    assert mine.stale_at is not None
    assert (mine.stale_at - before[0]).days in (29, 30), "thirty days later, an hour less where clocks go forward"
    assert theirs.stale_at == before[1]
    assert closed.stale_at is None


@pytest.mark.one_engine
def test_others_of_the_desk_do_not(app: Flask, desk: Desk) -> None:
    browser = sign_in(app, make_account(desk="iopt"))
    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, data=filled(browser, stale_low_days="90")).status_code == 403
    db.session.expire_all()
    assert desk.stale_low_days == 60
    admin = sign_in(app, make_account("admin@example.org", "admin"))
    assert admin.get(PAGE).status_code == 200
    assert admin.get("/desks/nowhere/settings").status_code == 404


@pytest.mark.one_engine
def test_what_cannot_be_is_said_and_stays_typed(app: Flask, desk: Desk) -> None:
    browser = sign_in(app, make_account(desk="iopt", coordinator=True))
    for wrong in ("0", "366", "-1", "soon", ""):
        answer = browser.post(PAGE, data=filled(browser, stale_medium_days=wrong))
        assert answer.status_code == 422, wrong
        assert "from 1 to 365" in answer.text
    assert browser.post(PAGE, data=filled(browser, working_days=[])).status_code == 422
    assert browser.post(PAGE, data=filled(browser, working_days=["9"])).status_code == 422
    db.session.expire_all()
    assert (desk.stale_medium_days, desk.version) == (21, 1)


def test_two_at_once_see_both_versions_and_nothing_is_lost(app: Flask, desk: Desk) -> None:
    first = sign_in(app, make_account("first@example.org", desk="iopt", coordinator=True))
    second = sign_in(app, make_account("second@example.org", "admin"))
    assert first.post(PAGE, data=filled(first, stale_low_days="90")).status_code == 303
    answer = second.post(PAGE, data=filled(second, stale_low_days="45", working_days=["7", "1", "2", "3", "4"]))
    assert answer.status_code == 409
    assert "Somebody changed this while you were writing" in answer.text
    assert re.search(r"<td[^>]*>(<bdi>)?45(</bdi>)?</td>\s*<td[^>]*>(<bdi>)?90", answer.text)
    assert "Sunday, Monday" in answer.text
    assert 'name="version" type="hidden" value="2"' in answer.text, "saving again means: mine, knowing theirs"
    again = filled(second, stale_low_days="45", version="2")
    assert second.post(PAGE, data=again).status_code == 303
    db.session.expire_all()
    assert (desk.stale_low_days, desk.version) == (45, 3)
