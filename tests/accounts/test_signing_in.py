"""Signing in and out: what the browser gets, what the server keeps, and when it ends."""

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, session
from flask.testing import FlaskClient
from signed_in import PASSWORD, form_token, make_account, make_desk, sign_in
from sqlalchemy import event, func, select, update

from tracker.accounts import service, trying
from tracker.accounts.guard import safe_address
from tracker.accounts.models import SignIn, SignInTry, User
from tracker.accounts.service import hash_token
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.clockwork.kinds import steps

#: Where a second factor is only offered: of one that must be, tests/factors tells.
pytestmark = pytest.mark.rehearsal

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def user(app: Flask) -> User:
    """Staff of a desk."""
    make_desk()
    return make_account("amal@example.org", desk="iopt")


@pytest.fixture
def over_https(tracker_env: dict[str, str]) -> None:
    """The tracker's address begins with https."""
    tracker_env["TRACKER_BASE_URL"] = "https://tracker.example.org"


def fill_in(browser: FlaskClient, email: str, password: str, **more: str) -> Any:
    """Open the form, fill it in, send it."""
    page = browser.get("/sign-in").text
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)
    assert token
    return browser.post("/sign-in", data={"csrf_token": token[1], "email": email, "password": password, **more})


def rows() -> list[SignIn]:
    """All sign-ins there are, as stored now."""
    db.session.rollback()
    return list(db.session.scalars(select(SignIn).order_by(SignIn.id).execution_options(populate_existing=True)))


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    sent: list[str] = []

    def on_execute(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", on_execute)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", on_execute)


def is_signed_in(browser: FlaskClient) -> bool:
    """Whether the browser is let in."""
    return browser.get("/account").status_code == 200


# In -------------------------------------------------------------------------------------------------------------------


def test_who_knows_the_password_is_signed_in(client: FlaskClient, user: User) -> None:
    answer = fill_in(client, " Amal@Example.org ", PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert is_signed_in(client)
    (row,) = rows()
    cookie = client.get_cookie("tracker")
    assert cookie
    assert len(cookie.value) == 43
    assert (row.user_id, row.token_hash, row.ended_at) == (user.id, hash_token(cookie.value), None)
    assert row.expires_at - row.created_at == 12 * HOUR
    assert cookie.value not in row.data_sealed
    assert user.fs_uniquifier not in row.data_sealed, "what the session holds is sealed"
    assert client.get_cookie("tracker-form") is None, "the form's cookie is taken back"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient, user: User) -> None:
    answer = fill_in(client, user.email, PASSWORD)
    (given,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("tracker=")]
    assert re.fullmatch(r"tracker=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", given)


@pytest.mark.one_engine
def test_over_https_the_cookie_belongs_to_this_host_alone(over_https: None, client: FlaskClient, user: User) -> None:
    there = {"base_url": "https://tracker.example.org"}
    page = client.get("/sign-in", **there)
    assert "__Host-tracker-form=" in page.headers["Set-Cookie"]
    token = page.text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    data = {"csrf_token": token, "email": user.email, "password": PASSWORD}
    assert client.post("/sign-in", data=data, **there).status_code == 400, "a form of https says where it came from"
    sent_from = {"Referer": "https://tracker.example.org/sign-in"}
    answer = client.post("/sign-in", data=data, headers=sent_from, **there)
    (given,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Host-tracker=")]
    assert re.fullmatch(r"__Host-tracker=[\w-]{43}; Secure; HttpOnly; Path=/; SameSite=Lax", given)


@pytest.mark.one_engine
def test_a_volunteers_cookie_outlives_the_browser(client: FlaskClient, app: Flask) -> None:
    make_account("vera@example.org", "volunteer")
    answer = fill_in(client, "vera@example.org", PASSWORD)
    (given,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("tracker=")]
    assert "Max-Age=2592000" in given


def test_a_weaker_hash_is_made_anew_by_who_knows_the_password(client: FlaskClient, user: User) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)

    def stored() -> str:
        db.session.rollback()
        return db.session.get_one(User, user.id, populate_existing=True).password

    with unit_of_work("tests", COMMAND):
        db.session.get_one(User, user.id).password = weak
    assert fill_in(client, user.email, "not the right one").status_code == 422
    assert stored() == weak
    assert fill_in(client, user.email, PASSWORD).status_code == 303
    assert stored().startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_each_sign_in_has_an_id_and_a_form_token_of_its_own(app: Flask, user: User) -> None:
    first, second = app.test_client(), app.test_client()
    for browser in (first, second):
        fill_in(browser, user.email, PASSWORD)
    assert len({row.token_hash for row in rows()}) == 2
    answer = second.post("/sign-out", data={"csrf_token": form_token(first)})
    assert answer.status_code == 400
    assert is_signed_in(second), "another sign-in's token is no token"


@pytest.mark.one_engine
def test_an_id_that_was_planted_is_not_taken_over(client: FlaskClient, user: User) -> None:
    client.set_cookie("tracker", "planted" * 6)
    fill_in(client, user.email, PASSWORD)
    assert client.get_cookie("tracker").value != "planted" * 6  # type: ignore[union-attr]
    (row,) = rows()
    assert row.token_hash != hash_token("planted" * 6)


@pytest.mark.one_engine
def test_who_is_signed_in_already_goes_on(app: Flask, user: User) -> None:
    browser = sign_in(app, user)
    assert browser.get("/sign-in?next=/account").headers["Location"] == "/account"
    answer = browser.post("/sign-in", data={"csrf_token": form_token(browser), "email": "x", "password": "y"})
    assert answer.status_code == 303
    assert len(rows()) == 1


# Not in ---------------------------------------------------------------------------------------------------------------


def without_tokens(page: str) -> str:
    """A page without what differs each time."""
    return re.sub(r'value="[^"]*"', "", page)


def test_a_wrong_address_a_wrong_password_and_a_closed_account_look_alike(app: Flask, user: User) -> None:
    closed = make_account("closed@example.org")
    with unit_of_work("accounts.disable", COMMAND):
        service.disable(db.session(), closed, clock.now())
    answers = [
        fill_in(app.test_client(), email, password)
        for email, password in (
            (user.email, "not-the-password"),
            ("nobody@example.org", PASSWORD),
            ("closed@example.org", PASSWORD),
            ("not an address", PASSWORD),
        )
    ]
    assert {a.status_code for a in answers} == {422}
    assert len({without_tokens(a.text) for a in answers}) == 1
    assert "is not right" in answers[0].text
    assert not rows()


@pytest.mark.one_engine
def test_an_address_nobody_has_takes_as_long_as_one_somebody_has(app: Flask, user: User) -> None:
    spent: dict[str, list[float]] = {user.email: [], "nobody@example.org": []}
    for _ in range(5):
        for email, times in spent.items():
            began = time.process_time()
            assert trying.check_password(db.session(), email, "not-the-password") is None
            times.append(time.process_time() - began)
    known, unknown = (statistics.median(times) for times in spent.values())
    assert 0.5 < known / unknown < 2


@pytest.mark.one_engine
def test_what_cannot_be_right_costs_no_hash_and_no_try(client: FlaskClient) -> None:
    for email, password in (("", "x"), ("amal@example.org", ""), ("a" * 255, "x"), ("a", "x" * 129)):
        assert fill_in(client, email, password).status_code == 422
    assert db.session.scalar(select(func.count()).select_from(SignInTry)) == 0


def test_a_stranger_gets_no_row_and_no_cookie_and_costs_one_short_question(client: FlaskClient, app: Flask) -> None:
    with statements() as sent:
        answer = client.get("/account?x=1")
        missing = client.get("/nowhere")
    assert (answer.status_code, missing.status_code) == (303, 404)
    assert answer.headers["Location"] == "/sign-in?next=/account?x%3D1"
    assert "Set-Cookie" not in answer.headers
    assert "Set-Cookie" not in missing.headers
    asked = [s for s in sent if s.startswith("SELECT")]
    assert len(asked) == 2, "each time whether the house is open, and nothing else"
    assert all("house_facts" in s for s in asked)
    assert not rows()


@pytest.mark.one_engine
def test_a_cookie_nobody_was_given_is_a_strangers(client: FlaskClient) -> None:
    for cookie in ("x", "x" * 4000, "ü\x00", "'; DROP TABLE users; --"):
        client.set_cookie("tracker", cookie)
        assert client.get("/account").status_code == 303


# Form tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
def test_a_sign_in_that_was_not_asked_for_here_is_refused(app: Flask, user: User) -> None:
    """Somebody else's form must not sign a person in to somebody else's account."""
    mine, theirs = app.test_client(), app.test_client()
    page = theirs.get("/sign-in").text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    data = {"csrf_token": token, "email": user.email, "password": PASSWORD}
    mine.get("/sign-in")
    answer = mine.post("/sign-in", data=data)
    assert answer.status_code == 400
    assert "The form was open too long" in answer.text
    assert PASSWORD not in answer.text
    assert app.test_client().post("/sign-in", data=data).status_code == 400
    mine.set_cookie("tracker-form", "ImZvcmdlZCI.aaaaaa.forged")
    assert mine.post("/sign-in", data=data).status_code == 400
    assert not rows()
    assert theirs.post("/sign-in", data=data).status_code == 303


@pytest.mark.one_engine
def test_the_forms_cookie_is_read_nowhere_else(client: FlaskClient, app: Flask) -> None:
    token = client.get("/sign-in").text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    assert client.post("/account", data={"csrf_token": token}).status_code == 400


#: What a browser says of where a form comes from, and the answer.
SENT_FROM: list[tuple[dict[str, str], int]] = [
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://localhost.evil.example"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 303),
    ({"Origin": "http://localhost"}, 303),
    ({}, 303),
]


@pytest.mark.one_engine
def test_what_another_site_sends_is_refused_even_with_a_token(app: Flask, user: User) -> None:
    for headers, status in SENT_FROM:
        browser = sign_in(app, user)
        data = {"csrf_token": form_token(browser)}
        assert browser.post("/sign-out", data=data, headers=headers).status_code == status, headers
        assert is_signed_in(browser) is (status == 403)


@pytest.mark.one_engine
def test_a_form_sent_after_its_sign_in_ended_comes_back_with_what_was_typed(app: Flask, user: User) -> None:
    browser = sign_in(app, user)
    data = {"csrf_token": form_token(browser), "zone": "Europe/Lisbon", "language": "en"}
    with unit_of_work("test", COMMAND):
        service.end_sign_ins(db.session(), user, clock.now())
    answer = browser.post("/account", data=data, headers={"Origin": "http://localhost"})
    assert answer.status_code == 400
    assert "Europe/Lisbon" in answer.text


# Afterwards -----------------------------------------------------------------------------------------------------------


#: Where a stranger asked to go on to, and where that leads.
GOES_ON = {
    "/account": "/account",
    "/account?x=1": "/account?x=1",
    "/desks/iopt/settings": "/desks/iopt/settings",
    "": "/",
    "account": "/",
    "//evil.example/account": "/",
    "///evil.example/account": "/",
    "/\\evil.example/account": "/",
    "\\/evil.example": "/",
    "https://evil.example/account": "/",
    "javascript:alert(1)": "/",
    "/account\r\nSet-Cookie: x=1": "/",
    "/\t/evil.example": "/",
    "/nowhere": "/",
    "/sign-out": "/",
    "/account?" + "x" * 2000: "/",
}


@pytest.mark.one_engine
def test_one_goes_on_to_a_page_of_ours_only(app: Flask, client: FlaskClient, user: User) -> None:
    assert {asked: safe_address(asked) for asked in GOES_ON} == GOES_ON
    assert fill_in(client, user.email, PASSWORD, next="/account").headers["Location"] == "/account"
    answer = fill_in(app.test_client(), user.email, PASSWORD, next="//evil.example/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_page_costs_one_statement_to_know_who_asks(app: Flask, user: User) -> None:
    browser = sign_in(app, user)
    with statements() as sent:
        assert browser.get("/nowhere").status_code == 404
    about = re.compile(r"\b(sign_ins|users|memberships|desks)\b")
    assert len([s for s in sent if about.search(s)]) == 1


def test_a_sign_in_is_marked_as_seen_once_a_minute_and_lasts_longer_for_it(app: Flask, user: User) -> None:
    browser = sign_in(app, user, NOW)
    for later, seen in ((59 * MINUTE / 60, NOW), (MINUTE, NOW + MINUTE), (1.5 * MINUTE, NOW + MINUTE)):
        with clock.fixed_at(NOW + later):
            assert is_signed_in(browser)
        (row,) = rows()
        assert (row.seen_at, row.expires_at) == (seen, seen + 12 * HOUR)


@pytest.mark.parametrize(("role", "idle"), [("staff", 12 * HOUR), ("admin", 12 * HOUR), ("volunteer", 30 * 24 * HOUR)])
def test_an_idle_sign_in_ends_by_itself(app: Flask, role: str, idle: timedelta) -> None:
    user = make_account("idle@example.org", role)
    just_before, at, after = (sign_in(app, user, NOW) for _ in range(3))
    with clock.fixed_at(NOW + idle - timedelta(microseconds=1)):
        assert is_signed_in(just_before)
    with clock.fixed_at(NOW + idle):
        assert not is_signed_in(at)
        assert is_signed_in(just_before), "it was used, and lasts on"
    with clock.fixed_at(NOW + idle + MINUTE):
        assert not is_signed_in(after)


# Out ------------------------------------------------------------------------------------------------------------------


def test_signing_out_ends_it_on_the_server(app: Flask, user: User) -> None:
    browser, thief = sign_in(app, user), app.test_client()
    thief.set_cookie("tracker", browser.get_cookie("tracker").value)  # type: ignore[union-attr]
    assert is_signed_in(thief)
    answer = browser.post("/sign-out", data={"csrf_token": form_token(browser)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert browser.get_cookie("tracker") is None
    assert not is_signed_in(thief)
    assert rows()[0].ended_at is not None


@pytest.mark.one_engine
def test_an_address_signs_nobody_out(app: Flask, user: User) -> None:
    browser = sign_in(app, user)
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out").status_code == 400
    assert is_signed_in(browser)


@pytest.mark.parametrize("how", ["disable", "role", "all"])
def test_a_closed_account_and_a_cut_role_end_every_sign_in_at_once(app: Flask, user: User, how: str) -> None:
    browsers = [sign_in(app, user) for _ in range(2)]
    with unit_of_work(f"accounts.{how}", COMMAND):
        if how == "disable":
            service.disable(db.session(), user, clock.now())
        elif how == "role":
            service.change_role(db.session(), user, "volunteer", clock.now())
        else:
            service.end_sign_ins(db.session(), user, clock.now())
    assert not any(is_signed_in(b) for b in browsers)
    assert all(row.ended_at for row in rows())


def test_an_account_closed_by_hand_in_the_database_is_not_let_in(app: Flask, user: User) -> None:
    browser = sign_in(app, user)
    db.session.execute(update(User).values(active=False))
    db.session.commit()
    assert not is_signed_in(browser)


def test_an_answer_that_ends_later_does_not_bring_a_sign_in_back(app: Flask, user: User) -> None:
    browser = sign_in(app, user, NOW)
    before = rows()[0].data_sealed
    cookie = browser.get_cookie("tracker").value  # type: ignore[union-attr]
    with clock.fixed_at(NOW + HOUR), app.test_request_context("/account", headers={"Cookie": f"tracker={cookie}"}):
        session["flashed"] = "on its way"
        with unit_of_work("accounts.end", COMMAND):
            service.end_sign_ins(db.session(), user, clock.now())
        answer = app.process_response(app.response_class("done"))
    assert "Set-Cookie" not in answer.headers
    (row,) = rows()
    assert row.ended_at == NOW + HOUR
    assert (row.data_sealed, row.seen_at) == (before, NOW), "what has ended is not written to"
    assert not is_signed_in(browser)


@pytest.mark.one_engine
def test_what_a_row_holds_opens_in_no_other_row(app: Flask, user: User) -> None:
    first, second = sign_in(app, user), sign_in(app, user)
    one, two = rows()
    db.session.execute(update(SignIn).where(SignIn.id == two.id).values(data_sealed=one.data_sealed))
    db.session.commit()
    assert is_signed_in(first)
    assert not is_signed_in(second)


# Too many tries -------------------------------------------------------------------------------------------------------


@pytest.fixture
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries are enough."""
    monkeypatch.setattr(trying, "TRIES_OF_ACCOUNT", 3)


def test_after_too_many_tries_even_the_right_password_waits(few_tries: None, client: FlaskClient, user: User) -> None:
    with clock.fixed_at(NOW):
        assert [fill_in(client, user.email, "wrong-password").status_code for _ in range(4)] == [422, 422, 422, 429]
    with clock.fixed_at(NOW + 15 * MINUTE - timedelta(seconds=1)):
        assert fill_in(client, user.email.upper(), PASSWORD).status_code == 429
        assert fill_in(client, "nobody@example.org", PASSWORD).status_code == 422, "others are not kept waiting"
    with clock.fixed_at(NOW + 15 * MINUTE):
        assert fill_in(client, user.email, PASSWORD).status_code == 303


def test_an_address_nobody_has_is_kept_waiting_alike(few_tries: None, client: FlaskClient) -> None:
    assert [fill_in(client, "no@example.org", "wrong-password").status_code for _ in range(4)] == [422, 422, 422, 429]


def test_tries_that_were_right_do_not_count(few_tries: None, app: Flask, user: User) -> None:
    for _ in range(5):
        assert fill_in(app.test_client(), user.email, PASSWORD).status_code == 303
    db.session.rollback()
    assert {t.tries for t in db.session.scalars(select(SignInTry))} == {0}


@pytest.mark.one_engine
def test_a_network_is_kept_waiting_whatever_addresses_it_tries(
    monkeypatch: pytest.MonkeyPatch, client: FlaskClient, app: Flask
) -> None:
    monkeypatch.setattr(trying, "TRIES_OF_NETWORK", 2)
    assert [fill_in(client, f"{n}@example.org", "wrong-password").status_code for n in "abc"] == [422, 422, 429]


@pytest.mark.one_engine
def test_neither_addresses_nor_networks_are_written_down(client: FlaskClient, user: User) -> None:
    fill_in(client, user.email, "wrong-password")
    kept = " ".join(db.session.scalars(select(SignInTry.key)))
    assert user.email not in kept
    assert "127.0.0" not in kept


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("", "elsewhere"),
        ("unix:", "elsewhere"),
    ],
)
def test_neighbours_share_a_network(address: str, network: str) -> None:
    assert trying.network_of(address) == network


def test_the_clock_forgets_what_is_over(app: Flask, user: User) -> None:
    """Sign-ins 90 days after their end, tries once they no longer count."""
    forget = steps.get("accounts.forget").run
    sign_in(app, user, NOW)
    sign_in(app, user, NOW - HOUR)
    trying.refuse_too_many("a@example.org", "192.0.2.1", NOW)
    later = NOW + timedelta(days=90) + 12 * HOUR
    assert forget(NOW) == {"sign_ins": 0, "tries": 0}
    assert forget(later) == {"sign_ins": 1, "tries": 3}
    assert [row.created_at for row in rows()] == [NOW]
    assert forget(later + timedelta(microseconds=1)) == {"sign_ins": 1, "tries": 0}
