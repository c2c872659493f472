"""Every error has a page of ours, says what to do, tells nothing of the inside, and is logged without saying who."""

import json
import logging
import re
from typing import Any

import pytest
import structlog
from flask import Flask, abort, request
from sqlalchemy.exc import OperationalError

from tracker.accounts.guard import open_to
from tracker.base import logs
from tracker.base.errors import NotAllowed, NotFound, Refused, VersionConflict

pytestmark = pytest.mark.one_engine

CODES = (400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 500, 501, 503)

#: Words of the inside that must never stand on a page.
INSIDE = re.compile(r"Traceback|werkzeug|sqlalchemy|Exception|\.py\b|SELECT|amira@example", re.IGNORECASE)


@pytest.fixture
def client(app: Flask) -> Any:
    """A client of an application with views that fail in every way; faults become pages, as they do for people."""
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def failing(name: str, act: Any) -> None:
        app.add_url_rule(f"/fail/{name}", f"fail.{name}", open_to("anyone")(act), methods=["GET", "POST"])

    def fail_with(error: Exception) -> Any:
        def view(**_: object) -> str:
            raise error

        return view

    for code in CODES:
        failing(str(code), lambda code=code: abort(code))
    failing("refused", fail_with(Refused("There is no such day as 31/06/2024.", "date")))
    failing("gone", fail_with(NotFound("No case IOPT-0004.")))
    failing("not-allowed", fail_with(NotAllowed("Only a coordinator may do this.")))
    failing("conflict", fail_with(VersionConflict("Amira changed the court.", {"court": "Haifa"})))
    failing("fault", fail_with(ValueError("amira@example.org is secret")))
    failing("database", fail_with(OperationalError("SELECT 1", {"name": "Amira"}, Exception("connection refused"))))
    app.add_url_rule("/only-get", "only-get", open_to("anyone")(lambda: "fine"))
    app.add_url_rule("/read", "read", open_to("anyone")(lambda: str(len(request.form))), methods=["POST"])
    return app.test_client()


@pytest.mark.parametrize("code", CODES)
def test_every_error_is_a_page_of_ours(client: Any, code: int) -> None:
    answer = client.get(f"/fail/{code}")
    assert answer.status_code == code
    assert answer.mimetype == "text/html"
    assert "Urgent action tracker" in answer.text
    assert "<h1>" in answer.text
    assert not INSIDE.search(answer.text)
    assert "Set-Cookie" not in answer.headers
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("refused", 422, "There is no such day as 31/06/2024."),
        ("not-allowed", 403, "Only a coordinator may do this."),
        ("conflict", 409, "Amira changed the court."),
        ("gone", 404, "There is no such page"),
    ],
)
def test_a_refusal_no_view_caught_says_its_sentence(client: Any, name: str, code: int, said: str) -> None:
    answer = client.get(f"/fail/{name}")
    assert answer.status_code == code
    assert said in answer.text


def test_what_is_missing_and_what_may_not_be_seen_look_alike(client: Any) -> None:
    assert client.get("/fail/gone").text == client.get("/fail/404").text
    assert "IOPT-0004" not in client.get("/fail/gone").text


def test_a_fault_shows_a_number_that_stands_in_the_log_and_nothing_else(client: Any, capsys: Any) -> None:
    answer = client.get("/fail/fault?name=amira%40example.org&note=their+secret")
    assert answer.status_code == 500
    shown = re.search(r'<code dir="ltr">([0-9a-f]{8})</code>', answer.text)
    assert shown
    assert not INSIDE.search(answer.text)
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines() if "request.failed" in line]
    assert [line["fault"] for line in lines] == [shown[1]]
    assert lines[0]["exception"] == ["builtins.ValueError"]
    assert any("test_error_pages.py" in place for place in lines[0]["where"])
    assert "amira" not in written
    assert "secret" not in written


def test_a_database_that_is_away_is_said_so(client: Any, capsys: Any) -> None:
    answer = client.get("/fail/database")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "database" in answer.text
    assert not INSIDE.search(answer.text)
    assert "Amira" not in capsys.readouterr().err


def test_a_fault_is_told_without_the_account_or_the_database(app: Flask, client: Any) -> None:
    """What draws the usual frame may be what failed."""
    app.context_processor(lambda: {"navigation": 1 / 0})
    assert client.get("/fail/fault").status_code == 500
    missing = client.get("/fail/404")
    assert missing.status_code == 404
    assert "There is nothing here" in missing.text


def test_a_method_that_is_not_taken_names_those_that_are(client: Any) -> None:
    answer = client.delete("/only-get")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_too_much_at_once_is_refused_with_the_limit(app: Flask, client: Any) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 2 * 1024 * 1024
    app.config["WTF_CSRF_ENABLED"] = False
    answer = client.post("/read", data={"text": "a" * (3 * 1024 * 1024)})
    assert answer.status_code == 413
    assert "at most 2 MB" in answer.text


def test_a_form_that_cannot_be_trusted_gives_back_what_was_typed(client: Any) -> None:
    sent = {"note": "The lawyer rang at ten.", "password": "correct horse", "csrf_token": "forged-token"}
    own = client.post("/read", data=sent, headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 400
    assert "Nothing was stored" in own.text
    assert "The lawyer rang at ten." in own.text
    assert "correct horse" not in own.text
    assert "forged-token" not in own.text


def test_a_form_from_elsewhere_cannot_write_on_our_page(client: Any) -> None:
    sent = {"note": "Call this number at once."}
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {},
    ):
        answer = client.post("/read", data=sent, headers=headers)
        assert answer.status_code in (400, 403), headers
        assert "Call this number" not in answer.text, headers


def test_the_words_of_an_error_are_in_the_readers_language(client: Any) -> None:
    for code in (404, 500, 503):
        page = client.get(f"/fail/{code}", headers={"Accept-Language": "ar"}).text
        assert '<html lang="ar" dir="rtl">' in page
        assert not re.search(r"<h1>[A-Za-z]", page)


def test_what_is_asked_for_is_never_written_into_the_page(client: Any) -> None:
    assert "script>alert" not in client.get("/<script>alert(1)</script>").text


# Logs -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines(app: Flask, capsys: Any) -> Any:
    """What was written since, line by line."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read


def test_a_log_line_is_one_line_whatever_it_is_given(lines: Any) -> None:
    logs.get_logger("test").warning("thing.happened", text="one\r\ntwo\u2028three", number=3)
    [line] = lines()
    assert line["text"] == "one\\r\\ntwo\\nthree"
    assert (line["event"], line["level"], line["number"]) == ("thing.happened", "warning", 3)
    assert line["at"].endswith("Z")


def test_addresses_and_query_strings_are_taken_out(lines: Any) -> None:
    logging.getLogger("somebody.elses").warning("GET %s for %s", "/cases?q=khaled&x=1", "Amira <amira@example.org>")
    [line] = lines()
    assert "khaled" not in json.dumps(line)
    assert "amira@" not in json.dumps(line)
    assert line["event"].startswith("GET /cases?…")


def test_secrets_in_paths_are_taken_out(lines: Any) -> None:
    for path in (
        "/calendar/s3cret_-x.ics",
        "/reminders/stop/s3cret.mac",
        "https://t.example/reminders/resume/s3cret",
        "/account/address/s3cret",
    ):
        logging.getLogger("somebody.elses").warning("Exception while serving %s", path)
    said = [line["event"] for line in lines()]
    assert said[0] == "Exception while serving /calendar/…"
    assert "s3cret" not in json.dumps(said)
    logging.getLogger("somebody.elses").warning("/calendar and /reminders/stop are pages")
    assert lines()[0]["event"] == "/calendar and /reminders/stop are pages"


def test_no_address_with_a_secret_in_it_is_forgotten(app: Flask, lines: Any) -> None:
    """Whoever adds a link by which somebody gets in, or stops something, names its path where logs are tidied."""
    secrets = {"word", "token", "secret"}
    rules = [rule for rule in app.url_map.iter_rules() if rule.arguments & secrets]
    assert len(rules) > 10
    for rule in rules:
        given = dict.fromkeys(rule.arguments, "en") | dict.fromkeys(rule.arguments & secrets, "s3cret-_x.mac")
        path = app.url_map.bind("t.example").build(rule.endpoint, given, method=min(rule.methods or ()))
        logging.getLogger("somebody.elses").warning("Exception while serving %s", path)
        [line] = lines()
        assert "s3cret" not in json.dumps(line), rule.rule


def test_an_exception_is_told_by_its_classes_and_places(lines: Any) -> None:
    try:
        try:
            raise KeyError("amira@example.org")
        except KeyError as inner:
            raise RuntimeError("Amira Haddad") from inner
    except RuntimeError:
        logging.getLogger("test").exception("it failed")
    [line] = lines()
    assert line["exception"] == ["builtins.RuntimeError", "builtins.KeyError"]
    assert "Haddad" not in json.dumps(line)


def test_a_long_text_is_cut(lines: Any) -> None:
    logs.get_logger("test").warning("x", text="a" * 10_000)
    assert len(lines()[0]["text"]) == 501


def test_setting_the_logs_up_twice_writes_each_line_once(lines: Any) -> None:
    logs.set_up()
    logs.set_up()
    structlog.stdlib.get_logger("test").warning("once")
    assert len(lines()) == 1
