"""`tracker accounts list|invite|disable|enable|revoke`."""

from typing import Any

import pytest
from flask import Flask
from signed_in import make_account, make_desk, sign_in

from tracker.accounts.models import User
from tracker.base.db import db


@pytest.fixture
def people(app: Flask) -> dict[str, User]:
    """An admin, staff, a volunteer."""
    make_desk()
    return {
        "admin": make_account("admin@example.org", "admin"),
        "staff": make_account("staff@example.org", desk="iopt"),
        "volunteer": make_account("vera@example.org", "volunteer"),
    }


def test_an_account_is_listed_closed_and_opened(run_tracker: Any, people: dict[str, User], app: Flask) -> None:
    browser = sign_in(app, people["staff"])
    listed = run_tracker("accounts", "list", "--json").json
    assert [one["email"] for one in listed] == ["admin@example.org", "staff@example.org", "vera@example.org"]
    assert listed[1]["desks"] == [{"code": "iopt", "coordinator": False, "deputy": False}]
    assert listed[1]["seen_at"]
    assert {one["state"] for one in listed} == {"active"}
    closed = run_tracker("accounts", "disable", "STAFF@example.org", "--json")
    assert closed.json == {"email": "staff@example.org", "active": False, "to_see_to": []}
    assert browser.get("/account").status_code == 303
    assert run_tracker("accounts", "list", "--json").json[1]["state"] == "closed"
    again = run_tracker("accounts", "disable", "staff@example.org")
    assert (again.code, again.out) == (2, "")
    assert "closed already" in again.err
    assert run_tracker("accounts", "enable", "staff@example.org", "--json").json["active"] is True
    assert "open already" in run_tracker("accounts", "enable", "staff@example.org").err
    assert "staff@example.org: Staff, staff, iopt, active" in run_tracker("accounts", "list").out


def test_all_that_lets_somebody_in_is_ended(run_tracker: Any, people: dict[str, User], app: Flask) -> None:
    browser = sign_in(app, people["volunteer"])
    assert run_tracker("accounts", "revoke", "vera@example.org").code == 0
    assert browser.get("/account").status_code == 303
    db.session.rollback()
    assert db.session.get_one(User, people["volunteer"].id, populate_existing=True).active


def test_somebody_is_invited_and_taken_back(run_tracker: Any, people: dict[str, User]) -> None:
    done = run_tracker("accounts", "invite", "new@example.org", "--role", "staff", "--desk", "iopt", "--json")
    assert done.json.items() >= {"email": "new@example.org", "role": "staff", "desk": "iopt"}.items()
    assert run_tracker("accounts", "list", "--json").json[1].items() >= {"role": None, "state": "invited"}.items()
    assert "was invited" in run_tracker("accounts", "enable", "new@example.org").err
    assert run_tracker("accounts", "disable", "new@example.org").code == 0
    assert "no invitation is open" in run_tracker("accounts", "disable", "new@example.org").err


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("disable", "nobody@example.org"), "no account nobody@example.org"),
        (("enable", "nobody@example.org"), "no account"),
        (("revoke", "nobody@example.org"), "no account"),
        (("disable", "admin@example.org"), "the last admin"),
        (("invite", "no address", "--role", "staff"), "not a mail address"),
        (("invite", "x@example.org", "--role", "king"), "--help"),
        (("invite", "x@example.org"), "--role"),
        (("invite", "x@example.org", "--role", "staff", "--desk", "nowhere"), "no desk nowhere"),
        (("invite", "x@example.org", "--role", "volunteer", "--desk", "iopt"), "belongs to no desk"),
        (("invite", "x@example.org", "--role", "staff", "--coordinator"), "say which"),
        (("invite", "x@example.org", "--role", "staff", "--language", "tlh"), "do not come in"),
        (("invite", "vera@example.org", "--role", "staff"), "There is an account"),
    ],
)
def test_wrong_input_is_said_in_one_line(
    run_tracker: Any, people: dict[str, User], arguments: tuple[str, ...], said: str
) -> None:
    done = run_tracker("accounts", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
