"""One's own account: zone, language, sign-ins."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from signed_in import form_token, make_account, make_desk, sign_in
from sqlalchemy import select

from tracker.accounts import queries
from tracker.accounts.models import SignIn
from tracker.accounts.rules import is_away
from tracker.base import clock
from tracker.base.concealed import conceal
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
        not_mine = here.post(f"/account/sign-ins/{conceal('sign-in', rows[other.id])}/end", data={"csrf_token": token})
        assert not_mine.status_code == 404
        assert theirs.get("/account").status_code == 200
        answer = here.post(f"/account/sign-ins/{conceal('sign-in', old.id)}/end", data={"csrf_token": token})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
        assert phone.get("/account").status_code == 303
        assert "That sign-in has ended." in here.get("/account").text
        assert (
            here.post(f"/account/sign-ins/{conceal('sign-in', old.id)}/end", data={"csrf_token": token}).status_code
            == 404
        )
        mine = queries.list_sign_ins(db.session(), user.id, NOW)[0]
        answer = here.post(f"/account/sign-ins/{conceal('sign-in', mine.id)}/end", data={"csrf_token": token})
        assert answer.headers["Location"] == "/sign-in"
        assert here.get("/account").status_code == 303


def test_somebody_is_away_until_a_day_is_over_and_says_when_they_are_back(app: Flask) -> None:
    make_desk()
    user = make_account(desk="iopt")
    browser = sign_in(app, user, NOW)

    def say(until: str) -> tuple[int, str]:
        with clock.fixed_at(NOW):
            fields = {"csrf_token": form_token(browser), "zone": "", "language": "en", "away_until": until}
            answer = browser.post("/account", data=fields)
        db.session.rollback()
        return answer.status_code, answer.text

    assert say("2024-04-01")[0] == 303
    assert user.away_until == date(2024, 4, 1)
    with clock.fixed_at(NOW):
        assert 'value="2024-04-01"' in browser.get("/account").text
    with clock.fixed_at(NOW + timedelta(days=1)):
        assert 'value="2024-04-01"' not in sign_in(app, user).get("/account").text
    for until, said in (("2024-03-31", "That day has passed"), ("2025-04-03", "over a year ahead")):
        status, page = say(until)
        assert (status, user.away_until) == (422, date(2024, 4, 1))
        assert said in page
    assert say("2025-04-02")[0] == 303
    assert say("")[0] == 303
    assert user.away_until is None


@pytest.mark.one_engine
def test_volunteers_are_not_asked_and_so_are_never_away(app: Flask) -> None:
    user = make_account("vera@example.org", "volunteer")
    browser = sign_in(app, user, NOW)
    with clock.fixed_at(NOW):
        assert "away_until" not in browser.get("/account").text
        fields = {"csrf_token": form_token(browser), "zone": "", "language": "en", "away_until": "2024-05-01"}
        assert browser.post("/account", data=fields).status_code == 303
    db.session.expire_all()
    assert user.away_until is None


@pytest.mark.parametrize(
    ("at", "away"),
    [("2024-04-08T20:59:59Z", True), ("2024-04-08T21:00Z", False), ("2024-04-07T23:00Z", True)],
)
def test_the_last_day_away_ends_with_midnight_where_they_are(at: str, away: bool) -> None:
    assert is_away(date(2024, 4, 8), "Asia/Jerusalem", datetime.fromisoformat(at)) is away


def test_who_said_nothing_is_here() -> None:
    assert not is_away(None, "Asia/Jerusalem", NOW)
