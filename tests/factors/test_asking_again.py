"""Who has not shown for a while that it is them is asked again where a view says so, and nothing is done before."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from signed_in import PASSWORD, code_of, form_token, give_app, make_account, sign_in
from sqlalchemy import select, update

from tracker.accounts import trying
from tracker.accounts.guard import open_to
from tracker.accounts.models import SignIn, User
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import NotAllowed
from tracker.base.work import COMMAND, unit_of_work

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def done(app: Flask) -> list[str]:
    """What a view that asks again has done."""
    seen: list[str] = []

    @open_to("signed_in", fresh=True)
    def guarded() -> str:
        seen.append("done")
        return "done"

    app.add_url_rule("/guarded", "guarded", guarded, methods=["GET", "POST"])
    return seen


@pytest.fixture
def user(app: Flask) -> User:
    """Somebody with an account."""
    return make_account("vera@example.org", "volunteer")


def confirm(browser: FlaskClient, at: datetime, **fields: str) -> Any:
    """Open the page that asks, fill it in, send it."""
    with clock.fixed_at(at):
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/confirm").text)
        assert token
        return browser.post("/confirm", data={"csrf_token": token[1], **fields})


@pytest.mark.parametrize(
    ("method", "after", "passes"),
    [
        ("GET", 10 * MINUTE - SECOND, True), ("GET", 10 * MINUTE, False), ("GET", 11 * MINUTE, False),
        ("POST", 30 * MINUTE - SECOND, True), ("POST", 30 * MINUTE, False),
    ],
)  # fmt: skip
@pytest.mark.one_engine
def test_it_is_asked_after_ten_minutes_and_a_form_may_be_sent_for_thirty(
    app: Flask, user: User, done: list[str], method: str, after: timedelta, passes: bool
) -> None:
    browser = sign_in(app, user, NOW)
    with clock.fixed_at(NOW):
        token = form_token(browser)
    with clock.fixed_at(NOW + after):
        data = {"csrf_token": token} if method == "POST" else None
        answer = browser.open("/guarded?x=1", method=method, data=data)
    assert (answer.status_code, bool(done)) == ((200, True) if passes else (303, False))
    if method == "GET" and not passes:
        assert answer.headers["Location"] == "/confirm?next=/guarded?x%3D1"


def test_the_password_opens_it_and_the_sign_in_goes_on_under_another_id(
    app: Flask, user: User, done: list[str]
) -> None:
    browser = sign_in(app, user, NOW)
    old = browser.get_cookie("tracker").value  # type: ignore[union-attr]
    later = NOW + 20 * MINUTE
    answer = confirm(browser, later, password="not-the-password", next="/guarded")
    assert answer.status_code == 422
    assert "not your password" in answer.text
    answer = confirm(browser, later, password=PASSWORD, next="/guarded")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/guarded")
    with clock.fixed_at(later):
        assert browser.get("/guarded").text == "done"
    db.session.rollback()
    row = db.session.scalars(select(SignIn)).one()
    assert (row.proved_at, row.created_at) == (later, NOW)
    browser.set_cookie("tracker", old)
    with clock.fixed_at(later):
        assert browser.get("/account").status_code == 303, "the old id opens nothing"


@pytest.mark.one_engine
def test_a_code_opens_it_once(app: Flask, user: User, done: list[str]) -> None:
    secret = give_app(user)
    browser, later = sign_in(app, user, NOW), NOW + 20 * MINUTE
    code = code_of(secret, later)
    assert confirm(browser, later, code=code, next="/guarded").headers["Location"] == "/guarded"
    assert confirm(browser, later, code=f" {code} ", next="/guarded").status_code == 422
    assert confirm(browser, later).status_code == 422


@pytest.mark.one_engine
def test_what_was_sent_too_late_is_not_done_and_leads_back_to_its_page(app: Flask, user: User, done: list[str]) -> None:
    browser = sign_in(app, user, NOW)
    with clock.fixed_at(NOW):
        token = form_token(browser)
    for referrer, back in (
        ("http://localhost/account?x=1", "/confirm?next=/account?x%3D1"),
        ("http://evil.example/account", "/confirm"),
        ("http://localhost//evil.example", "/confirm?next=/"),
        ("", "/confirm"),
    ):
        with clock.fixed_at(NOW + 31 * MINUTE):
            answer = browser.post("/guarded", data={"csrf_token": token}, headers={"Referer": referrer})
            assert (answer.status_code, answer.headers["Location"]) == (303, back)
            assert "Nothing was done yet" in browser.get("/confirm").text
    assert not done


@pytest.mark.one_engine
def test_it_leads_to_a_page_of_ours_only(app: Flask, user: User) -> None:
    browser = sign_in(app, user, NOW)
    for asked in ("//evil.example", "/\\evil.example", "https://evil.example/", "/nowhere"):
        assert confirm(browser, NOW, password=PASSWORD, next=asked).headers["Location"] == "/"


@pytest.mark.one_engine
def test_asking_again_shares_the_limit_of_signing_in(app: Flask, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "TRIES_OF_ACCOUNT", 3)
    browser = sign_in(app, user, NOW)
    sent = [confirm(browser, NOW, password="not-the-password").status_code for _ in range(4)]
    assert sent == [422, 422, 422, 429]
    assert confirm(browser, NOW, password=PASSWORD).status_code == 429


def test_a_sign_in_from_before_is_not_taken_as_fresh(app: Flask, user: User, done: list[str]) -> None:
    browser = sign_in(app, user, NOW)
    db.session.execute(update(SignIn).values(proved_at=None))
    db.session.commit()
    with clock.fixed_at(NOW):
        assert browser.get("/guarded").status_code == 303
    assert not done


def test_an_answer_that_was_under_way_does_not_spoil_what_goes_on_under_another_id(app: Flask, user: User) -> None:
    browser = sign_in(app, user, NOW)
    cookie = browser.get_cookie("tracker").value  # type: ignore[union-attr]
    later = NOW + 20 * MINUTE
    with clock.fixed_at(later), app.test_request_context("/account", headers={"Cookie": f"tracker={cookie}"}):
        session["flashed"] = "on its way"
        confirm(browser, later, password=PASSWORD)
        app.process_response(app.response_class("done"))
    with clock.fixed_at(later):
        assert browser.get("/account").status_code == 200


def test_a_sign_in_that_was_ended_meanwhile_is_not_brought_back_by_asking_again(app: Flask, user: User) -> None:
    from tracker.accounts import service

    sign_in(app, user, NOW)
    row = db.session.scalars(select(SignIn)).one()
    with unit_of_work("accounts.disable", COMMAND, now=NOW):
        service.end_sign_ins(db.session(), user, NOW)
    with pytest.raises(NotAllowed), unit_of_work("accounts.confirm", COMMAND, now=NOW):
        service.prove_sign_in(db.session(), row.id, token="t", fresh_token="f", data_sealed=row.data_sealed, now=NOW)
