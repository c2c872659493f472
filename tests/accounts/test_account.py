"""One's own account: zone, language, sign-ins."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from signed_in import form_token, make_account, make_desk, sign_in
from sqlalchemy import select

from tracker.accounts import queries
from tracker.accounts.models import SignIn
from tracker.base import clock
from tracker.base.db import db

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)


def test_zone_and_language_are_kept_and_spoken_at_once(app: Flask) -> None:
    make_desk()
    user = make_account(desk="iopt")
    browser = sign_in(app, user)
    answer = browser.post(
        "/account", data={"csrf_token": form_token(browser), "zone": "Africa/Cairo", "language": "ar"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    db.session.expire_all()
    assert (user.zone, user.language, user.version) == ("Africa/Cairo", "ar", 2)
    page = browser.get("/account").text
    assert '<html lang="ar" dir="rtl">' in page
    assert 'value="Africa/Cairo"' in page


@pytest.mark.one_engine
def test_a_zone_there_is_not_is_said_beside_its_field_and_stays_typed(app: Flask) -> None:
    browser = sign_in(app, make_account())
    token = form_token(browser)
    for zone in ("Mars/Olympus", "../etc/passwd", "Jerusalem"):
        answer = browser.post("/account", data={"csrf_token": token, "zone": zone, "language": "en"})
        assert answer.status_code == 422
        assert "There is no time zone called" in answer.text
        assert f'value="{zone}"' in answer.text
    assert browser.post("/account", data={"csrf_token": token, "zone": "", "language": "xx"}).status_code == 422


@pytest.mark.one_engine
def test_a_form_changes_nothing_it_does_not_ask_for(app: Flask) -> None:
    user = make_account("vera@example.org", "volunteer")
    browser = sign_in(app, user)
    data = {"csrf_token": form_token(browser), "zone": "", "language": "en", "role": "admin", "email": "x@example.org"}
    assert browser.post("/account", data=data).status_code == 303
    db.session.expire_all()
    assert (user.role, user.email) == ("volunteer", "vera@example.org")


def test_ones_own_sign_ins_are_listed_and_ended_one_by_one(app: Flask) -> None:
    user, other = make_account(), make_account("other@example.org")
    here, phone = sign_in(app, user, NOW), sign_in(app, user, NOW - timedelta(hours=1))
    theirs = sign_in(app, other, NOW)
    sign_in(app, user, NOW - timedelta(hours=12))
    with clock.fixed_at(NOW):
        page = here.get("/account").text
        assert page.count("End this one") == 2, "the one that has run out is not listed"
        assert page.count("(this one)") == 1
        token = form_token(here)
        rows = {r.user_id: r.id for r in db.session.scalars(select(SignIn).order_by(SignIn.created_at))}
        old = queries.list_sign_ins(db.session(), user.id, NOW)[1]
        not_mine = here.post(f"/account/sign-ins/{rows[other.id]}/end", data={"csrf_token": token})
        assert not_mine.status_code == 404
        assert theirs.get("/account").status_code == 200
        answer = here.post(f"/account/sign-ins/{old.id}/end", data={"csrf_token": token})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
        assert phone.get("/account").status_code == 303
        assert "That sign-in has ended." in here.get("/account").text
        assert here.post(f"/account/sign-ins/{old.id}/end", data={"csrf_token": token}).status_code == 404
        mine = queries.list_sign_ins(db.session(), user.id, NOW)[0]
        answer = here.post(f"/account/sign-ins/{mine.id}/end", data={"csrf_token": token})
        assert answer.headers["Location"] == "/sign-in"
        assert here.get("/account").status_code == 303
