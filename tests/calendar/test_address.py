"""The address of a calendar: made, shown once, renewed, ended; what it says of itself, and to whom it opens."""

import logging
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from house_of_cases import NOW, Lived
from signed_in import form_token
from sqlalchemy import select, text

from tracker.accounts import service as accounts
from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.db import db
from tracker.calendar.models import Feed

MakesAddress = Callable[..., str]


def feed() -> Feed | None:
    """The one address that is stored, as it is now."""
    db.session.rollback()
    return db.session.scalar(select(Feed).execution_options(populate_existing=True))


def test_an_address_is_shown_once_and_only_its_hash_is_kept(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    path = address_of(lived.owner)
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    assert len(secret) == 32  # 192 bits
    stored = feed()
    assert stored is not None
    assert stored.token_hash == sha256(secret.encode()).hexdigest()
    page = lived.browser(lived.owner).get("/calendar").text
    assert secret not in page
    assert "Make a new address" in page
    assert "not yet" in page
    assert reads(path).status_code == 200


def test_the_page_that_made_it_shows_it_no_second_time(app: Flask, lived: Lived) -> None:
    browser = lived.browser(lived.owner)
    with clock.fixed_at(NOW):
        fields = {"csrf_token": form_token(browser.client)}
    browser.send("/calendar/renew", fields)
    assert ".ics" in browser.get("/calendar").text
    assert ".ics" not in browser.get("/calendar").text


def test_nothing_stored_holds_the_secret(app: Flask, lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    path = address_of(lived.owner)
    reads(path)
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    stored = feed()
    assert stored is not None
    db.session.rollback()
    for table in ("acts", "calendar_feeds", "sign_ins"):
        rows = db.session.execute(text(f"SELECT * FROM {table}")).all()
        assert rows
        assert secret not in str(rows)
        assert table == "calendar_feeds" or stored.token_hash not in str(rows)


def test_renewing_ends_the_old_address_at_once(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    old, new = address_of(lived.owner), address_of(lived.owner)
    assert old != new
    assert [reads(old).status_code, reads(new).status_code] == [404, 200]


def test_an_ended_address_opens_nothing(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    path = address_of(lived.owner)
    browser = lived.browser(lived.owner)
    with clock.fixed_at(NOW):
        fields = {"csrf_token": form_token(browser.client)}
    assert browser.send("/calendar/end", fields).status_code == 303
    assert browser.send("/calendar/end", fields).status_code == 303  # nothing more to end
    assert "has no address yet" in browser.get("/calendar").text
    assert reads(path).status_code == 404


def test_wrong_ended_closed_and_cut_answer_the_very_same(
    app: Flask, lived: Lived, address_of: MakesAddress, reads: Any
) -> None:
    closed, cut, late = (address_of(u) for u in (lived.colleague, lived.outsider, lived.owner))
    with lived.at() as session:
        accounts.disable(session, session.get_one(User, lived.colleague.id), NOW)
    with lived.at() as session:
        session.get_one(User, lived.outsider.id).role = "volunteer"
    answers = [
        reads("/calendar/none-such.ics"),
        reads("/calendar/%00.ics"),
        reads("/calendar/%D8%B3%ff.ics"),
        reads(closed),
        reads(cut),
        reads(late, NOW + timedelta(days=181)),
    ]
    assert {a.status_code for a in answers} == {404}
    assert len({a.data for a in answers}) == 1


def test_an_address_lasts_180_days_from_when_it_was_last_read(
    lived: Lived, address_of: MakesAddress, reads: Any
) -> None:
    path = address_of(lived.owner)
    almost = NOW + timedelta(days=180) - timedelta(seconds=1)
    assert reads(path, almost).status_code == 200
    assert reads(path, NOW + timedelta(days=180)).status_code == 200
    unread = almost + timedelta(days=180)
    assert reads(path, unread).status_code == 404
    page = lived.browser(lived.owner, unread).get("/calendar").text
    assert "no program had read it for 180 days" in page
    assert "Make an address" in page


def test_when_it_was_read_is_noted_at_most_once_an_hour(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    path = address_of(lived.owner)
    seen = []
    for minutes in (1, 30, 60, 61):
        reads(path, NOW + timedelta(minutes=minutes))
        stored = feed()
        assert stored is not None
        assert stored.read_at is not None
        seen.append((stored.read_at - NOW).total_seconds() / 60)
        assert stored.expires_at == stored.read_at + timedelta(days=180)
    assert seen == [1, 1, 1, 61]
    assert "Mon 18 Mar 2024, 11:01" in lived.browser(lived.owner, NOW + timedelta(hours=2)).get("/calendar").text


@pytest.mark.one_engine
def test_what_it_says_of_itself(lived: Lived, address_of: MakesAddress, reads: Any) -> None:
    answer = reads(address_of(lived.owner))
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert "Location" not in answer.headers
    head = reads(address_of(lived.owner), method="HEAD")
    assert (head.status_code, head.data) == (200, b"")


@pytest.mark.one_engine
def test_a_secret_stands_in_no_log_even_when_reading_fails(
    app: Flask, lived: Lived, address_of: MakesAddress, capsys: Any
) -> None:
    path = address_of(lived.owner)
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.view_functions["calendar.read"].opened_to = "anyone"  # type: ignore[attr-defined]

    def breaks(secret: str) -> Any:
        logging.getLogger("waitress").error("Exception while serving %s", f"/calendar/{secret}.ics")
        raise RuntimeError(secret)

    breaks.opened_to = "anyone"  # type: ignore[attr-defined]
    app.view_functions["calendar.read"] = breaks
    assert app.test_client().get(path).status_code == 500
    said = capsys.readouterr().err
    assert "request.failed" in said
    assert "Exception while serving" in said
    assert secret not in said


@pytest.mark.one_engine
def test_volunteers_have_no_calendar(lived: Lived) -> None:
    browser = lived.browser(lived.volunteer)
    assert browser.get("/calendar").status_code == 403
    assert "/calendar" not in browser.get("/account").text
    assert 'href="/calendar"' in lived.browser(lived.owner).get("/account").text


@pytest.mark.one_engine
def test_a_browser_that_is_signed_in_reads_the_calendar_of_the_address(lived: Lived, address_of: MakesAddress) -> None:
    lived.hearing(lived.case(), place="Haifa")
    path = address_of(lived.owner)
    answer = lived.browser(lived.volunteer).get(path)
    assert b"Haifa" in answer.data
