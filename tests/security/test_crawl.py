"""What every answer says to a browser, looked at on every page there is: over links as people go, and over routes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, abort
from signed_in import form_token, make_account, sign_in
from sqlalchemy.exc import OperationalError
from walking import HERE, Answer, addresses, browser_of, contents, endpoint_of, page_of, walk

from tracker.accounts.guard import open_to
from tracker.accounts.models import User
from tracker.accounts.signing_in import NOBODY_ASKED
from tracker.base.errors import HouseClosed, HouseReadOnly, Refused, VersionConflict
from tracker.base.headers import CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY
from tracker.digests.service import stop_word
from tracker.publishing.answers import CACHE_CONTROL
from tracker.reminders.tokens import stop_token

pytestmark = pytest.mark.one_engine

#: Errors somebody can be shown.
CODES = (400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 500, 501, 503)


def wrong_with(answer: Any) -> Iterator[str]:
    """What an answer of the application does not say, or says wrongly. What everybody reads may be kept, and is asked
    about each time."""
    said = answer.headers
    public = answer.request.path.startswith(NOBODY_ASKED)
    if public and ("Set-Cookie" in said or "Cookie" in said.get("Vary", "")):
        yield "a page for everybody that asks who reads it"
    if said.get("Content-Security-Policy") != CONTENT_SECURITY_POLICY:
        yield f"policy {said.get('Content-Security-Policy')}"
    for name, values in {
        "X-Content-Type-Options": {"nosniff"},
        "Referrer-Policy": {"same-origin", "no-referrer"},
        "Cross-Origin-Opener-Policy": {"same-origin"},
        "Cross-Origin-Resource-Policy": {"same-origin"},
        "Cache-Control": {"no-store", "private, no-store", CACHE_CONTROL}
        if public
        else {"no-store", "private, no-store"},
        "Strict-Transport-Security": {STRICT_TRANSPORT_SECURITY},
    }.items():
        if said.get(name) not in values:
            yield f"{name}: {said.get(name)}"
    if "Access-Control-Allow-Origin" in said:
        yield "open to other sites"
    for given in said.getlist("Set-Cookie"):
        deleted = "Max-Age=0" in given
        if not re.match(r"__Host-tracker(-form)?=", given):
            yield f"cookie {given.partition('=')[0]}"
        if not all(flag in given for flag in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax")) or "Domain" in given:
            yield f"cookie {given if deleted else given.partition(';')[2]}"
    if answer.mimetype == "text/html" and answer.text:
        page = page_of(answer.text)
        yield from page.inline
        yield from (f"loads {a}" for a in page.loads if not re.match(r"(/(?![/\\])|#|$)", a))
        if len(page.ids) != len(set(page.ids)):
            yield f"one id twice: {sorted({i for i in page.ids if page.ids.count(i) > 1})}"
        if answer.status_code not in range(300, 400) and not re.search(
            r"<html lang=\"\w[^>]*>.*<h1", answer.text, re.DOTALL
        ):
            yield "neither language nor heading"


def told(answers: Iterator[Answer]) -> str:
    """Everything that is wrong, a line each."""
    return "\n".join(f"{got}: {fault}" for got in answers for fault in wrong_with(got.answer))


@pytest.mark.slow
def test_every_page_says_what_a_browser_must_be_told_and_reading_changes_nothing(
    demo: Flask, people: dict[str, User | None]
) -> None:
    browsers = {who: browser_of(demo, user) for who, user in people.items()}
    before = contents()
    opened: set[str] = set()
    wrong: list[str] = []
    for who, browser in browsers.items():
        for got in walk(demo, who, browser):
            wrong += [f"{got}: {fault}" for fault in wrong_with(got.answer)]
            if got.answer.status_code >= 500 and not got.address.startswith("/healthz"):  # no clock runs here
                wrong.append(f"{got}: a fault")
            if got.answer.status_code == 200:
                opened.add(endpoint_of(demo, got.address))
    after = contents()
    assert not wrong, "\n".join(wrong)
    # Who opened an action is written down, so that they are told when it is stopped; nothing else is.
    assert {name for name in before if before[name] != after[name]} == {"action_readings"}
    assert len(opened) > 30, "the walk led somewhere"
    assert {"pages.case_file", "hearings.move", "intake.review", "pages.service_mail", "entries.correct"} <= opened


def test_what_is_refused_says_it_too(demo: Flask, people: dict[str, User | None]) -> None:
    """What is sent, as everybody; what asks about an address or is taken by none, as a stranger and as an admin."""
    about = {"HEAD", "OPTIONS", "TRACE", "PUT"}
    taken: dict[str, set[str]] = {}
    for path, methods in addresses(demo):
        taken.setdefault(path, set()).update(methods - about - {"GET"})

    def answers() -> Iterator[Answer]:
        for who, user in people.items():
            browser = browser_of(demo, user)
            more = about if who in ("a stranger", "an admin") else set()
            for path, methods in taken.items():
                for method in sorted(methods | more):
                    yield Answer(who, method, path, browser.open(path, method=method, base_url=HERE))

    assert told(answers()) == ""


def test_every_error_says_it_too(demo: Flask) -> None:
    def failing(name: str, error: BaseException | None, code: int = 0) -> None:
        def view() -> str:
            if error is not None:
                raise error
            abort(code)

        demo.add_url_rule(f"/fails/{name}", f"fails.{name}", open_to("anyone")(view))

    for code in CODES:
        failing(str(code), None, code)
    failing("refused", Refused("No such day."))
    failing("conflict", VersionConflict("Changed.", {}))
    failing("read-only", HouseReadOnly(""))
    failing("closed", HouseClosed(""))
    failing("database", OperationalError("SELECT 1", {}, Exception("refused")))
    failing("fault", ValueError("x"))
    client = demo.test_client()
    paths = [r.rule for r in demo.url_map.iter_rules() if r.rule.startswith("/fails/")]
    got = {path: client.get(path, base_url=HERE) for path in paths}
    assert {answer.status_code for answer in got.values()} == {*CODES}
    assert told(iter([Answer("a stranger", "GET", path, answer) for path, answer in got.items()])) == ""


def test_static_files_say_it_too(demo: Flask) -> None:
    client = demo.test_client()
    page = client.get("/sign-in", base_url=HERE)
    loaded = {a.partition("#")[0] for a in page_of(page.text).loads if a.startswith("/static/")}
    assert len(loaded) > 3
    for path in (*loaded, "/static/icons.svg"):
        answer = client.get(path, base_url=HERE, buffered=True)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Strict-Transport-Security"] == STRICT_TRANSPORT_SECURITY
        assert "Set-Cookie" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert told(iter([Answer("a stranger", "GET", "", client.get("/static/none-such", base_url=HERE))])) == ""


def test_a_sign_in_by_hand_gives_cookies_of_this_host_alone(demo: Flask) -> None:
    from tracker.demo.accounts import PASSWORD as OF_THE_DEMO

    client = demo.test_client()
    page = client.get("/sign-in", base_url=HERE)
    token = page.text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    data = {"csrf_token": token, "email": "staff@example.org", "password": OF_THE_DEMO}
    answer = client.post("/sign-in", data=data, base_url=HERE, headers={"Referer": f"{HERE}/sign-in"})
    assert answer.status_code == 303
    assert told(iter([Answer("", "GET", "", page), Answer("", "POST", "/sign-in", answer)])) == ""
    given = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in given} == {"__Host-tracker", "__Host-tracker-form"}


# Methods --------------------------------------------------------------------------------------------------------------


def test_head_and_options_tell_no_more_than_get_and_are_let_in_no_further(
    demo: Flask, people: dict[str, User | None]
) -> None:
    stranger, admin = demo.test_client(), browser_of(demo, people["an admin"])
    for path, methods in addresses(demo):
        if "GET" not in methods:
            continue
        for method in ("HEAD", "OPTIONS"):
            answer = stranger.open(path, method=method, base_url=HERE)
            assert answer.status_code == stranger.get(path, base_url=HERE).status_code or (
                method == "OPTIONS" and answer.status_code == 200
            ), (method, path)
            assert not answer.data or method == "OPTIONS", path
    asked = admin.options("/cases", base_url=HERE)
    assert (asked.status_code, set(asked.headers["Allow"].split(", "))) == (200, {"GET", "HEAD", "OPTIONS"})
    assert not asked.data
    assert stranger.options("/cases", base_url=HERE).status_code == 303


# Tokens ---------------------------------------------------------------------------------------------------------------


def test_what_is_taken_without_a_form_token_needs_its_signed_word(app: Flask, lived: Any) -> None:
    """One exception, for links of mails: whoever opens them has no cookie, so there is nothing for another site to use;
    what they may do stands in the word, and with a cookie they may do no more."""
    free = {str(name).removeprefix("tracker.").replace(".views.", ".") for name in app.extensions["csrf"]._exempt_views}
    assert free == {
        *("reminders.stop_now", "reminders.resume_now", "digests.stop_now", "digests.resume_now"),
        *("following.confirm_now", "following.out_now", "following.forget_now"),
    }
    signed = sign_in(app, lived.owner)
    real = {"token": stop_token(lived.owner.id, [lived.case().id]), "word": stop_word(lived.owner.id)}
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in free:
            continue
        (name,) = rule.arguments - {"lang"}
        given = {"lang": "en"} if "lang" in rule.arguments else {}
        forged = [real[name][:-1] + ("0" if real[name][-1] != "0" else "1"), "none-such", real["token"].split(".")[0]]
        for word in forged:
            address = app.url_map.bind("localhost").build(rule.endpoint, given | {name: word}, method="POST")
            for browser in (signed, app.test_client()):
                assert browser.post(address).status_code == 404, address


# Hosts and links ------------------------------------------------------------------------------------------------------


def test_no_page_and_no_mail_names_a_host_that_was_only_asked_for(demo: Flask, demo_env: dict[str, str]) -> None:
    client = demo.test_client()
    for host in ("evil.example", "tracker.example.org.evil.example", "tracker.example.org@evil.example", "", "[::1]"):
        answer = client.get("/sign-in", base_url=HERE, headers={"Host": host})
        assert answer.status_code == 400, host
        assert "evil" not in answer.text
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Host": "evil.example"}
    moved = client.get("/cases", base_url=HERE, headers=forged)
    assert moved.headers["Location"].startswith("/sign-in")
    from urllib.parse import urlsplit

    from sqlalchemy import select

    from tracker.base.clock import now
    from tracker.base.db import db
    from tracker.outbox.models import Message
    from tracker.outbox.preview import preview

    waiting = db.session.scalars(select(Message).where(Message.state == "waiting").limit(20)).all()
    assert waiting
    with demo.test_request_context("/", base_url="https://evil.example"):
        written = [preview(db.session(), message, now()) for message in waiting]
    links = {
        found
        for shown in written
        for found in re.findall(r"https?://[^\s\"'<>)]+", f"{getattr(shown, 'text', '')} {getattr(shown, 'html', '')}")
    }
    assert {urlsplit(link).netloc for link in links} <= {"tracker.example.org"}
    assert links, "mails lead somewhere"


# Forms ----------------------------------------------------------------------------------------------------------------


def test_only_a_form_that_brings_a_document_may_be_large(app: Flask, lived: Any) -> None:
    takers = {e for e, view in app.view_functions.items() if getattr(view, "takes_documents", False)}
    assert takers == {"intake.take"}
    browser = sign_in(app, lived.owner)
    token = form_token(browser)

    def sends(path: str, size: int) -> int:
        data = {"csrf_token": token, "text": "x" * size, "document": "x" * size, "desk_id": str(lived.desk.id)}
        return int(browser.post(path, data=data).status_code)

    assert sends("/account", 600_000) == 413
    assert sends("/account", 400_000) == 422
    assert sends("/intake/paste", 700_000) in (303, 422)
    assert sends("/intake/paste", 4_000_000) == 413


def test_a_form_of_a_thousand_fields_is_not_read(app: Flask, lived: Any) -> None:
    browser = sign_in(app, lived.owner)
    token = form_token(browser)
    parts: dict[str, Any] = {f"f{i}": "x" for i in range(1_001)}
    answer = browser.post("/account", data=parts | {"csrf_token": token}, content_type="multipart/form-data")
    assert answer.status_code == 413


def test_an_emptied_browser_keeps_nothing_after_signing_out(app: Flask) -> None:
    user = make_account("vera@example.org", "volunteer")
    for act in ("/sign-out", ""):
        browser = sign_in(app, user)
        (own,) = set(re.findall(r'action="(/account/sign-ins/[^"]+/end)"', browser.get("/account").text))
        answer = browser.post(act or own, data={"csrf_token": form_token(browser)})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
        assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
