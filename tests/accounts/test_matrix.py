"""Every route × everybody who may ask: what a mark says is what happens, and what is refused a page of ours says."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signed_in import form_token, make_account, make_desk, sign_in, wait
from werkzeug.routing import Rule

from tracker.accounts import service
from tracker.accounts.guard import MARKS, mark_of
from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work

pytestmark = pytest.mark.one_engine

#: Who asks. Each but the stranger has an account; that of `disabled` was closed while it was signed in, and of
#: `halfway` only the password was right until now.
ASKERS = ("stranger", "halfway", "volunteer", "staff elsewhere", "staff", "coordinator", "admin", "disabled")

#: Views that let in fewer than their mark: endpoint → who of those it names is refused by the view itself.
NARROWER = {
    "accounts.desk_settings": {"staff", "staff elsewhere"},
    "accounts.change_desk_settings": {"staff", "staff elsewhere"},
    "pages.service_release": {"staff", "staff elsewhere"},
    "consent.stop_any": {"staff", "staff elsewhere"},
    "consent.do_stop_any": {"staff", "staff elsewhere"},
    "administration.index": {"staff", "staff elsewhere"},
    "invitations.index": {"staff", "staff elsewhere"},
    **{
        f"publishing.{name}": {"staff", "staff elsewhere"}
        for name in ("set_up", "change_page", "offered", "list_them", "new", "write", "withdraw")
    },
    "invitations.invite": {"staff", "staff elsewhere"},
    "invitations.again": {"staff", "staff elsewhere"},
    "invitations.revoke": {"staff", "staff elsewhere"},
}


#: What is sent without a form token: the signed token of a mail stands in the address, and mail programs send it.
WITHOUT_FORM_TOKEN = {
    *("reminders.stop_now", "reminders.resume_now", "digests.stop_now", "digests.resume_now"),
    *("following.confirm_now", "following.out_now", "following.forget_now"),
}


#: Answers to machines: what is bad is said in a word or as JSON, not as a page.
FOR_MACHINES = {"pages.healthz", "pages.healthz_reminders"}


@pytest.fixture
def accounts(app: Flask) -> dict[str, User]:
    """An account for each who asks."""
    make_desk()
    make_desk("egypt", "Egypt", ("EG",), "Africa/Cairo")
    return {
        "volunteer": make_account("volunteer@example.org", "volunteer"),
        "staff elsewhere": make_account("elsewhere@example.org", desk="egypt"),
        "staff": make_account("staff@example.org", desk="iopt"),
        "coordinator": make_account("coordinator@example.org", desk="iopt", coordinator=True),
        "admin": make_account("admin@example.org", "admin", desk="iopt"),
        "disabled": make_account("disabled@example.org", "admin", desk="iopt"),
    }


def browser_of(app: Flask, accounts: dict[str, User], asker: str) -> tuple[FlaskClient, str]:
    """A browser of somebody, and the form token they have."""
    if asker == "stranger":
        return app.test_client(), ""
    if asker == "halfway":
        browser = wait(app, accounts["admin"])
        page = browser.get("/sign-in/enrol").text
        return browser, page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
    browser = sign_in(app, accounts[asker])
    token = form_token(browser)
    if asker == "disabled":
        with unit_of_work("accounts.disable", COMMAND):
            service.disable(db.session(), db.session.merge(accounts[asker]), clock.now())
    return browser, token


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route there is with each of its methods."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def address(app: Flask, rule: Rule) -> str:
    """An address of a route: the desk of these tests, and otherwise something there is not."""
    values: dict[str, Any] = {}
    for name in rule.arguments:
        kind = type(rule._converters[name]).__name__
        values[name] = "iopt" if name == "code" else 999_999 if kind == "Concealed" else "none-such"
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, values, method=next(iter(rule.methods or ())))


def expected(mark: str | None, role: str | None, method: str) -> str:
    """The class of answer: let in, sent to sign in, refused, no such page, form not taken."""
    if mark is not None and ("anyone" in MARKS[mark] or role in MARKS[mark]):
        return "let in"
    if mark == "halfway" and role is not None and method == "GET":
        return "sent home"
    if role == "halfway":
        return "no such page" if mark is None else "sent to sign in"
    if role is None:
        if method != "GET":
            return "form not taken"
        return "no such page" if mark is None else "sent to sign in"
    return "refused"


def seen(answer: Any) -> str:
    """The class of an answer."""
    if answer.status_code == 303 and answer.headers["Location"].partition("?")[0] == "/sign-in":
        return "sent to sign in"
    if answer.status_code == 303 and answer.headers["Location"] == "/":
        return "sent home"
    if answer.status_code == 400 and "The form was open too long" in answer.text:
        return "form not taken"
    return {403: "refused", 404: "no such page"}.get(answer.status_code, "let in")


def is_ours(answer: Any) -> bool:
    """Whether an error is said by our own page, under our own headers."""
    return (
        answer.mimetype == "text/html"
        and "Urgent action tracker</title>" in answer.text
        and "default-src 'none'" in answer.headers["Content-Security-Policy"]
        and answer.headers["Cache-Control"] == "no-store"
    )


@pytest.mark.parametrize("asker", ASKERS)
def test_every_route_lets_in_whom_its_mark_names_and_nobody_else(
    app: Flask, accounts: dict[str, User], asker: str
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False  # a fault is an answer like others, and the rest is looked at too
    role = None if asker in ("stranger", "disabled") else asker if asker == "halfway" else accounts[asker].role
    wrong = []
    browser, token = browser_of(app, accounts, asker)
    for rule, method in routes(app):
        answer = browser.open(
            address(app, rule), method=method, data={"csrf_token": token} if method != "GET" else None
        )
        wanted, found = expected(mark_of(app, rule.endpoint), role, method), seen(answer)
        if asker in NARROWER.get(rule.endpoint, ()):
            wanted = "refused"
        if wanted == "let in" and (found == "sent home" or rule.endpoint == "accounts.sign_out"):
            found = "let in"  # where the view leads afterwards
        if wanted == "let in" and found == "no such page" and rule.arguments:
            found = "let in"  # the view itself has looked, and found nothing of that name
        if wanted == "let in" and role is None and method != "GET" and found == "form not taken":
            found = "let in"  # a form that strangers may send, sent without having been opened
        if rule.endpoint == "accounts.sign_out" and role is not None:
            browser, token = browser_of(app, accounts, asker)
        if found != wanted:
            wrong.append(f"{method} {rule.rule}: {found} ({answer.status_code}), not {wanted}")
        if rule.endpoint in FOR_MACHINES:
            continue
        if answer.status_code >= 500 or (answer.status_code >= 400 and not is_ours(answer)):
            wrong.append(f"{method} {rule.rule}: {answer.status_code} is not a page of ours")
    assert not wrong, "\n".join(wrong)


def test_every_route_has_a_mark(app: Flask) -> None:
    assert not [rule.rule for rule, _method in routes(app) if mark_of(app, rule.endpoint) is None]


def test_a_route_without_a_mark_is_closed_to_everybody(app: Flask, accounts: dict[str, User]) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret", methods=["GET", "POST"])
    for asker in ASKERS:
        browser, token = browser_of(app, accounts, asker)
        strange = asker in ("stranger", "disabled")
        assert browser.get("/forgotten").status_code == (404 if strange or asker == "halfway" else 403)
        answer = browser.post("/forgotten", data={"csrf_token": token})
        assert answer.status_code == (400 if strange else 404 if asker == "halfway" else 403)
        assert "secret" not in answer.text


def test_no_form_is_taken_without_a_token(app: Flask, accounts: dict[str, User]) -> None:
    taken = []
    browser, _token = browser_of(app, accounts, "admin")
    for rule, method in routes(app):
        if method == "GET":
            continue
        if browser.open(address(app, rule), method=method).status_code != 400:
            taken.append(rule.endpoint)
    assert set(taken) == WITHOUT_FORM_TOKEN
    assert not app.extensions["csrf"]._exempt_blueprints


def test_no_page_that_is_only_read_changes_anything_by_its_method(app: Flask) -> None:
    assert not [r.rule for r in app.url_map.iter_rules() if (r.methods or set()) & {"PUT", "PATCH", "DELETE"}]
