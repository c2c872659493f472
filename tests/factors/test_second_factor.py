"""Signing in with a second factor: who is asked, what opens meanwhile, and that nothing is accepted twice."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signed_in import PASSWORD, code_of, form_token, give_app, make_account, make_desk, sign_in, wait
from sqlalchemy import func, select, update

from tracker.accounts import service as accounts
from tracker.accounts import trying
from tracker.accounts.kinds import steps_between
from tracker.accounts.models import SignIn, User
from tracker.audit.models import Act
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import Misconfigured, NotAllowed, Refused
from tracker.base.work import COMMAND, Actor, unit_of_work
from tracker.factors import rules, service
from tracker.factors.models import CodeApp, RecoveryCode
from tracker.factors.queries import read_factors
from tracker.outbox.models import Message

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STEP = timedelta(seconds=30)


@pytest.fixture
def user(app: Flask) -> User:
    """Staff of a desk, without a factor."""
    make_desk()
    return make_account("amal@example.org", desk="iopt")


def send(browser: FlaskClient, path: str, at: datetime = NOW, page: str = "", **fields: str) -> Any:
    """Open a page, fill its form in, send it."""
    with clock.fixed_at(at):
        shown = browser.get(page or path).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', shown)
        assert token, shown
        return browser.post(path, data={"csrf_token": token[1], **fields})


def password(browser: FlaskClient, user: User, at: datetime = NOW, **more: str) -> Any:
    """Send the first factor."""
    return send(browser, "/sign-in", at, email=user.email, password=PASSWORD, **more)


def is_in(browser: FlaskClient, at: datetime = NOW) -> bool:
    """Whether the browser is let in."""
    with clock.fixed_at(at):
        return browser.get("/account").status_code == 200


def secret_on(page: str) -> str:
    """The secret that a page shows as text."""
    return re.search(r'class="secret"[^>]*>([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]


def codes_on(page: str) -> list[str]:
    """The recovery codes that a page shows."""
    return re.findall(r'<code class="secret">([^<]+)</code>', page)


def left(user: User) -> int:
    """How many recovery codes can still be used."""
    db.session.rollback()
    return read_factors(db.session(), user.id).codes_left


# Setting up before anything else --------------------------------------------------------------------------------------


def test_staff_without_a_factor_set_one_up_before_anything_else_opens(client: FlaskClient, user: User) -> None:
    answer = password(client, user, next="/desks/iopt/settings")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in/enrol")
    assert not is_in(client)
    with clock.fixed_at(NOW):
        assert client.get("/sign-in/factor").status_code == 200, "a page of the waiting room, which asks for nothing"
        page = client.get("/sign-in/enrol").text
        waiting = client.get_cookie("tracker").value  # type: ignore[union-attr]
    secret = secret_on(page)
    assert "<svg" in page
    assert "style=" not in page
    answer = send(client, "/sign-in/enrol/app", page="/sign-in/enrol", code="000000")
    assert answer.status_code == 422
    assert secret_on(answer.text) == secret, "the same secret: the phone has it already"
    answer = send(client, "/sign-in/enrol/app", page="/sign-in/enrol", code=code_of(secret, NOW))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/factors/codes")
    assert client.get_cookie("tracker").value != waiting  # type: ignore[union-attr]
    with clock.fixed_at(NOW):
        codes = codes_on(client.get("/account/factors/codes").text)
    assert (len(set(codes)), left(user)) == (10, 10)
    answer = send(client, "/account/factors/codes/kept", page="/account/factors/codes")
    assert answer.headers["Location"] == "/desks/iopt/settings", "on to the page that was asked for"
    with clock.fixed_at(NOW):
        assert client.get("/account/factors/codes").status_code == 303, "shown once"
    kept = db.session.scalars(select(CodeApp)).one()
    assert secret not in kept.secret_sealed
    assert not set(codes) & set(db.session.scalars(select(RecoveryCode.code_hash)))


def test_the_secret_of_another_account_does_not_open(app: Flask, user: User) -> None:
    other = make_account("other@example.org")
    give_app(user), give_app(other)
    mine, theirs = (db.session.get_one(CodeApp, u.id) for u in (user, other))
    db.session.execute(update(CodeApp).where(CodeApp.user_id == user.id).values(secret_sealed=theirs.secret_sealed))
    db.session.commit()
    db.session.refresh(mine)
    with pytest.raises(Misconfigured):
        service.find_secret(mine)


@pytest.mark.one_engine
def test_the_step_is_announced(app: Flask, user: User) -> None:
    assert "second factor" in steps_between.codes()
    step = steps_between.get("second factor")
    assert step(db.session(), user) == "factors.enrol"
    give_app(user)
    assert step(db.session(), user) == "factors.ask"


@pytest.mark.one_engine
def test_volunteers_may_have_a_factor_and_need_not(client: FlaskClient, app: Flask) -> None:
    vera = make_account("vera@example.org", "volunteer")
    assert password(client, vera).headers["Location"] == "/"
    give_app(vera)
    assert password(app.test_client(), vera).headers["Location"] == "/sign-in/factor", "who has one shows it"


@pytest.mark.rehearsal
@pytest.mark.one_engine
def test_a_rehearsal_only_offers_it(client: FlaskClient, user: User) -> None:
    assert password(client, user).headers["Location"] == "/"
    give_app(user)
    with unit_of_work("factors.remove_app", COMMAND, now=NOW):
        service.remove_app(db.session(), user)
    assert not read_factors(db.session(), user.id).any


# Showing it -----------------------------------------------------------------------------------------------------------


def test_a_code_lets_in_once_whatever_stands_around_it(app: Flask, user: User) -> None:
    secret = give_app(user)
    code = code_of(secret, NOW)
    first, second = app.test_client(), app.test_client()
    for browser in (first, second):
        assert password(browser, user).headers["Location"] == "/sign-in/factor"
        assert not is_in(browser)
    assert send(first, "/sign-in/factor", code=f" {code[:3]} {code[3:]}").headers["Location"] == "/"
    assert is_in(first)
    for typed in (code, f" {code}", f"{code[:3]} {code[3:]}", "".join(chr(0x660 + int(c)) for c in code)):
        assert send(second, "/sign-in/factor", code=typed).status_code == 422
    earlier = code_of(secret, NOW - STEP)
    assert send(second, "/sign-in/factor", code=earlier).status_code == 422, "nor one from before it"
    later = NOW + STEP
    assert send(second, "/sign-in/factor", at=later, code=code_of(secret, later)).status_code == 303


def test_the_code_that_set_an_app_up_lets_nobody_in(app: Flask, user: User) -> None:
    secret = give_app(user, NOW)
    browser = app.test_client()
    password(browser, user)
    assert send(browser, "/sign-in/factor", code=code_of(secret, NOW)).status_code == 422


def test_what_follows_the_factor_has_an_id_of_its_own_and_the_wait_is_over(client: FlaskClient, user: User) -> None:
    secret = give_app(user)
    password(client, user)
    waited = client.get_cookie("tracker").value  # type: ignore[union-attr]
    send(client, "/sign-in/factor", code=code_of(secret, NOW))
    assert client.get_cookie("tracker").value != waited  # type: ignore[union-attr]
    client.set_cookie("tracker", waited)
    with clock.fixed_at(NOW):
        assert client.get("/sign-in/factor").status_code == 303
    db.session.rollback()
    one, two = db.session.scalars(select(SignIn).order_by(SignIn.id))
    assert (one.user_id, one.pending_user_id, one.ended_at, one.proved_at) == (None, user.id, NOW, None)
    assert (two.user_id, two.pending_user_id, two.ended_at, two.proved_at) == (user.id, None, None, NOW)


@pytest.mark.parametrize(("after", "open_"), [(10 * MINUTE - STEP, True), (10 * MINUTE, False)])
@pytest.mark.one_engine
def test_the_wait_is_short_and_looking_at_it_makes_it_no_longer(
    app: Flask, user: User, after: timedelta, open_: bool
) -> None:
    give_app(user)
    browser = wait(app, user, NOW)
    for at in (NOW + 5 * MINUTE, NOW + after):
        with clock.fixed_at(at):
            answer = browser.get("/sign-in/factor")
    assert (answer.status_code == 200) is open_


@pytest.mark.parametrize("how", ["disable", "role", "password", "forgotten", "sign-ins"])
def test_what_ends_sign_ins_ends_the_wait(app: Flask, user: User, how: str) -> None:
    secret = give_app(user)
    browser = wait(app, user, NOW)
    with clock.fixed_at(NOW):
        page = browser.get("/sign-in/factor").text
    token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
    with unit_of_work("test", COMMAND, now=NOW) as now:
        {
            "disable": lambda: accounts.disable(db.session(), user, now),
            "role": lambda: accounts.change_role(db.session(), user, "volunteer", now),
            "password": lambda: accounts.change_password(db.session(), user, "x", now),
            "forgotten": lambda: service.forget_factors(db.session(), user, None),
            "sign-ins": lambda: accounts.end_sign_ins(db.session(), user, now),
        }[how]()
    with clock.fixed_at(NOW):
        assert browser.get("/sign-in/factor").status_code == 303
        answer = browser.post("/sign-in/factor", data={"csrf_token": token, "code": code_of(secret, NOW)})
    assert answer.status_code == 400
    assert not is_in(browser)


def test_of_two_answers_at_once_one_is_let_in(app: Flask, user: User) -> None:
    """Both have passed the guard with the same row, before either is done."""
    give_app(user)
    wait(app, user, NOW)
    row = db.session.scalars(select(SignIn)).one()
    with unit_of_work("first", COMMAND, now=NOW):
        accounts.end_waiting(db.session(), row.id, NOW)
    with pytest.raises(NotAllowed), unit_of_work("second", COMMAND, now=NOW):
        accounts.end_waiting(db.session(), row.id, NOW)


def test_a_recovery_code_lets_in_once_and_says_how_many_are_left(app: Flask, user: User) -> None:
    give_app(user)
    with unit_of_work("factors.renew_codes", COMMAND, now=NOW):
        codes = service.renew_codes(db.session(), user)
    shown = rules.in_fours(codes[3]).upper()
    first, second = app.test_client(), app.test_client()
    password(first, user), password(second, user)
    assert send(first, "/sign-in/factor", code=shown).headers["Location"] == "/"
    with clock.fixed_at(NOW):
        assert "9 are left" in first.get("/account").text
    assert send(second, "/sign-in/factor", code=shown.replace(" ", "-")).status_code == 422
    assert left(user) == 9
    act = db.session.scalars(select(Act).order_by(Act.seq.desc())).first()
    assert act is not None
    assert (act.act, act.actor_id) == ("accounts.sign_in", user.id), "that one was used stands in the audit"


@pytest.mark.one_engine
def test_new_recovery_codes_take_the_place_of_the_old(app: Flask, user: User) -> None:
    give_app(user)
    with unit_of_work("factors.renew_codes", COMMAND, now=NOW):
        old = service.renew_codes(db.session(), user)
    browser = sign_in(app, user, NOW)
    answer = send(browser, "/account/factors/codes/renew", page="/account/factors")
    assert answer.headers["Location"] == "/account/factors/codes"
    with clock.fixed_at(NOW):
        new = [rules.normalise_code(code) for code in codes_on(browser.get("/account/factors/codes").text)]
    assert (len(new), left(user)) == (10, 10)
    with unit_of_work("test", COMMAND, now=NOW):
        assert service.accept_code(db.session(), user, old[0]) is None
        assert service.accept_code(db.session(), user, new[0]) == "recovery"
    with clock.fixed_at(NOW + 11 * MINUTE):
        assert browser.get("/account/factors/codes").status_code == 303, "no longer than ten minutes"


@pytest.mark.one_engine
def test_recovery_codes_of_another_account_do_not_help(app: Flask, user: User) -> None:
    other = make_account("other@example.org")
    give_app(user), give_app(other)
    with unit_of_work("test", COMMAND, now=NOW):
        codes = service.renew_codes(db.session(), other)
        assert service.accept_code(db.session(), user, codes[0]) is None


# Too many tries, and nothing learned by them --------------------------------------------------------------------------


def test_too_many_codes_close_the_second_factor_and_the_right_password_does_not_open_it(
    app: Flask, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "TRIES_OF_FACTOR", 3)
    secret = give_app(user)
    browser = app.test_client()
    password(browser, user)
    assert [send(browser, "/sign-in/factor", code="000000").status_code for _ in range(4)] == [422, 422, 422, 429]
    again = app.test_client()
    assert password(again, user).status_code == 303
    assert send(again, "/sign-in/factor", code=code_of(secret, NOW)).status_code == 429
    later = NOW + 15 * MINUTE
    third = app.test_client()
    password(third, user, later)
    assert send(third, "/sign-in/factor", at=later, code=code_of(secret, later)).status_code == 303


@pytest.mark.parametrize("page", ["/sign-in/factor/passkey", "/confirm", "/confirm/passkey"])
@pytest.mark.one_engine
def test_every_way_to_show_it_counts(app: Flask, user: User, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setattr(trying, "TRIES_OF_FACTOR", 2)
    give_app(user)
    asks = "/sign-in/factor" if page.startswith("/sign-in") else "/confirm"
    browser = wait(app, user, NOW) if asks == "/sign-in/factor" else sign_in(app, user, NOW)
    sent = [send(browser, page, page=asks, code="000000", credential="{}").status_code for _ in range(3)]
    assert sent == [422, 422, 429]


def without_tokens(page: str) -> str:
    """A page without what differs each time."""
    return re.sub(r'value="[^"]*"', "", page)


@pytest.mark.one_engine
def test_a_factor_in_place_tells_strangers_nothing(app: Flask, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words, the same status, and one hash for each try: that is what takes the time."""
    closed, bare = make_account("closed@example.org"), make_account("bare@example.org")
    for one in (user, closed):
        give_app(one)
    with unit_of_work("accounts.disable", COMMAND):
        accounts.disable(db.session(), closed, clock.now())
    hashed: list[str] = []

    def counted(called: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            hashed.append(called.__name__)
            return called(*given)

        return call

    monkeypatch.setattr(trying, "hash_password", counted(trying.hash_password))
    monkeypatch.setattr(trying, "verify_password", counted(trying.verify_password))
    answers = []
    for email, said in (
        (user.email, "not-the-password"),
        (bare.email, "not-the-password"),
        (closed.email, PASSWORD),
        (closed.email, "not-the-password"),
        ("nobody@example.org", PASSWORD),
    ):
        hashed.clear()
        answers.append(send(app.test_client(), "/sign-in", email=email, password=said))
        assert len(hashed) == 1, email
    assert {a.status_code for a in answers} == {422}
    assert len({without_tokens(a.text) for a in answers}) == 1
    assert len({tuple(name for name, _value in a.headers if name != "Set-Cookie") for a in answers}) == 1


# One's own, and an admin's part ---------------------------------------------------------------------------------------


def test_the_last_factor_that_must_be_stays(app: Flask, user: User) -> None:
    give_app(user)
    browser = sign_in(app, user, NOW)
    answer = send(browser, "/account/factors/app/remove", page="/account/factors")
    assert answer.status_code == 422
    assert "must keep a second factor" in answer.text
    assert is_in(browser)


def test_a_change_of_factors_ends_all_other_sign_ins_and_is_told(app: Flask, user: User) -> None:
    here, elsewhere = sign_in(app, user, NOW), sign_in(app, user, NOW)
    with clock.fixed_at(NOW):
        secret = secret_on(here.get("/account/factors/app").text)
    answer = send(here, "/account/factors/app", code=code_of(secret, NOW))
    assert answer.headers["Location"] == "/account/factors/codes"
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    assert [m.tells["what"] for m in db.session.scalars(select(Message))] == ["factor_added"]
    assert db.session.scalar(select(func.count()).select_from(CodeApp)) == 1


def test_another_app_takes_the_place_of_the_first_and_the_codes_stay(app: Flask, user: User) -> None:
    old = give_app(user)
    browser = sign_in(app, user, NOW)
    with clock.fixed_at(NOW):
        new = secret_on(browser.get("/account/factors/app").text)
    assert send(browser, "/account/factors/app", code=code_of(new, NOW)).headers["Location"] == "/account/factors"
    assert left(user) == 10
    later = NOW + STEP
    with unit_of_work("test", COMMAND, now=later):
        assert service.accept_code(db.session(), user, code_of(old, later)) is None
        assert service.accept_code(db.session(), user, code_of(new, later)) == "app"


def test_another_admin_takes_lost_factors_away(app: Flask, user: User) -> None:
    admin, staff = make_account("admin@example.org", "admin"), make_account("staff@example.org")
    give_app(user)
    browser = sign_in(app, user, NOW)
    for by in (staff, user):
        with pytest.raises(NotAllowed), unit_of_work("accounts.forget_factors", COMMAND, now=NOW):
            service.forget_factors(db.session(), user, by)
    with unit_of_work("accounts.forget_factors", Actor("user", admin.id, admin.name), now=NOW):
        service.forget_factors(db.session(), user, admin)
    assert (left(user), read_factors(db.session(), user.id).any) == (0, False)
    assert db.session.scalars(select(Act.act).order_by(Act.seq.desc())).first() == "accounts.forget_factors"
    assert not is_in(browser)
    assert password(app.test_client(), user).headers["Location"] == "/sign-in/enrol"
    assert {m.tells["what"] for m in db.session.scalars(select(Message))} == {"factor_added", "factors_forgotten"}
    with pytest.raises(NotAllowed), unit_of_work("accounts.forget_factors", COMMAND, now=NOW):
        service.forget_factors(db.session(), admin, admin)


@pytest.mark.one_engine
def test_recovery_codes_stand_for_a_factor_there_is(app: Flask, user: User) -> None:
    with pytest.raises(Refused), unit_of_work("factors.renew_codes", COMMAND, now=NOW):
        service.renew_codes(db.session(), user)


@pytest.mark.one_engine
def test_nothing_secret_reaches_the_audit_or_the_outbox(app: Flask, user: User) -> None:
    secret = give_app(user)
    sealer = app.extensions["sealer"]
    for act in db.session.scalars(select(Act)):
        said = sealer.unseal_for(db.session(), "house", act.changes_sealed, f"acts|{act.seq}|changes").decode()
        assert secret not in said
        for sealed in db.session.scalars(select(CodeApp.secret_sealed)):
            assert sealed not in said
    assert form_token(sign_in(app, user))


def test_the_command_line_takes_lost_factors_away(app: Flask, user: User, run_tracker: Callable[..., Any]) -> None:
    give_app(user)
    done = run_tracker("accounts", "forget-factors", user.email, "--json")
    assert (done.code, done.json) == (0, {"email": user.email})
    db.session.rollback()
    assert not read_factors(db.session(), user.id).any
    assert run_tracker("accounts", "forget-factors", "nobody@example.org").code == 2
