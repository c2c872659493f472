"""What every answer says to the browser, and which hosts and proxies are listened to."""

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from signed_in import make_account, sign_in

pytestmark = pytest.mark.one_engine

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.fixture
def over_https(tracker_env: dict[str, str]) -> None:
    """The tracker's address begins with https, behind one proxy."""
    tracker_env.update(TRACKER_BASE_URL="https://tracker.example.org", TRACKER_PROXIES="1")


def test_pages_and_errors_say_the_same(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/breaks", "breaks", lambda: 1 / 0)
    app.view_functions["breaks"].opened_to = "anyone"  # type: ignore[attr-defined]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answers = {
        200: client.get("/sign-in"),
        303: client.get("/account"),
        400: client.post("/sign-in"),
        403: client.post("/sign-in", headers={"Origin": "https://evil.example"}),
        404: client.get("/nowhere"),
        405: client.get("/sign-out"),
        413: client.post("/sign-in", data={"email": "x" * (app.config["MAX_CONTENT_LENGTH"] + 1)}),
        500: client.get("/breaks"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in answer.headers, "nobody said https"


def test_what_is_drawn_for_somebody_is_kept_by_nobody(app: Flask) -> None:
    app.add_url_rule("/kept", "kept", lambda: ("x", {"Cache-Control": "public, max-age=60"}))
    app.view_functions["kept"].opened_to = "anyone"  # type: ignore[attr-defined]
    assert app.test_client().get("/kept").headers["Cache-Control"] == "public, max-age=60"
    answer = sign_in(app, make_account()).get("/kept")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.vary


def test_a_host_nobody_named_is_not_listened_to(client: FlaskClient) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a b"):
        answer = client.get("/sign-in", headers={"Host": host})
        assert answer.status_code == 400, host
        assert "evil" not in answer.text
        assert answer.headers["Content-Security-Policy"] == POLICY
    for host in ("localhost", "localhost:8000", "127.0.0.1:61234"):
        assert client.get("/sign-in", headers={"Host": host}).status_code == 200


def test_without_proxies_nobody_is_believed_about_where_they_come_from(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/whence", "whence", lambda: f"{request.remote_addr} {request.url}")
    app.view_functions["whence"].opened_to = "anyone"  # type: ignore[attr-defined]
    forged = {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    assert client.get("/whence", headers=forged).text == "127.0.0.1 http://localhost/whence"


def test_a_named_proxy_is_believed_for_its_own_hop(over_https: None, app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/whence", "whence", lambda: f"{request.remote_addr} {request.url}")
    app.view_functions["whence"].opened_to = "anyone"  # type: ignore[attr-defined]
    forwarded = {
        "X-Forwarded-For": "203.0.113.1, 192.0.2.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "tracker.example.org",
    }
    answer = client.get("/whence", headers=forwarded)
    assert answer.text == "192.0.2.9 https://tracker.example.org/whence"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
