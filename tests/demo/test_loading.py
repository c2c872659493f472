"""What the demo fills, what it keeps, and what it leaves alone."""

import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from conftest import made_app
from flask import Flask
from forked import ForkedCommands
from sqlalchemy import select, text

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import write_fact
from tracker.demo.accounts import PASSWORD
from tracker.flags.kinds import finders

Run = Callable[..., Any]

LOADED_ANEW = "Making the demo's database."


@pytest.mark.slow
def test_a_second_run_keeps_what_was_changed_and_a_reset_does_not(run_tracker: Run, instance: Path) -> None:
    first = run_tracker("demo", "--once", "--json")
    assert first.code == 0, first.err
    assert set(first.json) == {"flags", "reminders", "outbox"}
    assert first.json["flags"]["open"] > 10
    assert LOADED_ANEW in first.err
    assert run_tracker("demo", "--once", "--json").json["reminders"] == {"planned": 0, "cancelled": 0}

    anchors = instance / "audit.anchors"
    of_this = anchors.read_text()
    of_another = of_this.replace('"database":"', '"database":"another')
    assert of_another != of_this
    anchors.write_text(of_this + of_another)
    assert run_tracker("audit", "verify").code == 0

    noga = _hearing(run_tracker, "Military court of appeals")
    assert run_tracker("hearings", "cancel", str(noga["id"])).code == 0
    again = run_tracker("demo", "--once", "--json")
    assert again.code == 0, again.err
    assert LOADED_ANEW not in again.err
    assert _hearing(run_tracker, "Military court of appeals")["state"] == "cancelled"

    afresh = run_tracker("demo", "--once", "--reset", "--json")
    assert afresh.code == 0, afresh.err
    assert LOADED_ANEW in afresh.err
    assert _hearing(run_tracker, "Military court of appeals")["state"] == "scheduled"
    assert anchors.read_text() == of_another, "the chain began anew; what is not this demo's is left alone"
    anchors.unlink()
    assert run_tracker("demo", "--once").code == 0
    assert run_tracker("audit", "verify", "--anchor", str(anchors)).code == 0


def _hearing(run_tracker: Run, court: str) -> Any:
    return next(h for h in run_tracker("hearings", "list", "--json").json if h["court"] == court)


@pytest.mark.parametrize("reset", [(), ("--reset",)])
def test_a_database_that_is_not_a_demos_is_left_alone(run_tracker: Run, reset: tuple[str, ...]) -> None:
    made = run_tracker("desks", "add", "iopt", "--name", "Ours", "--country", "IL", "--zone", "Asia/Jerusalem")
    assert made.code == 0
    done = run_tracker("demo", "--once", "--json", *reset)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "tracker: This database is not a demo's, so the demo leaves it alone. "
        "Choose another one with TRACKER_INSTANCE or TRACKER_DATABASE_URL."
    ]
    assert run_tracker("cases", "list", "--desk", "iopt", "--json").json == []


@pytest.mark.one_engine
def test_tables_of_another_program_are_left_alone(run_tracker: Run, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    with sqlite3.connect(theirs) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    done = run_tracker("demo", "--once", "--reset", env={"TRACKER_DATABASE_URL": f"sqlite:///{theirs}"})
    assert done.code == 2
    assert "not a demo's" in done.err
    with sqlite3.connect(theirs) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


def test_a_demo_that_runs_is_not_emptied(app: Flask, run_tracker: Run) -> None:
    write_fact(db.session(), "demo", "2026-04-08T12:00:00+00:00")
    db.session.commit()
    # Whatever runs on it holds a connection like this one.
    with db.engine.connect() as held:
        held.execute(text("SELECT 1"))
        held.rollback()
        done = run_tracker("demo", "--once", "--reset")
    assert done.code == 2
    assert done.err.splitlines() == ["tracker: The demo still runs somewhere. End it there with Ctrl-C, then reset it."]


@pytest.mark.one_engine
@pytest.mark.slow
def test_a_loading_that_was_broken_off_is_told_again(run_tracker: Run, loaded_demo: Path, tmp_path: Path) -> None:
    there = tmp_path / "demo"
    shutil.copytree(loaded_demo, there, symlinks=True)
    with sqlite3.connect(there / "tracker.db") as connection:
        assert connection.execute("UPDATE house_facts SET value = 'loading' WHERE key = 'demo'").rowcount == 1
    connection.close()
    mails = there / "mails"
    mails.mkdir(exist_ok=True)
    (mails / "of the demo before.eml").write_text("Subject: gone with it")
    again = run_tracker("demo", "--once", env={"TRACKER_INSTANCE": str(there), "TRACKER_DATABASE_URL": ""})
    assert again.code == 0, again.err
    assert LOADED_ANEW in again.err
    assert not list(mails.iterdir())


# What there is to see -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(demo_env: dict[str, str], forked_commands: ForkedCommands) -> dict[str, Any]:
    """What its commands print: `cases` (shown in full), `hearings`, `flags`, and `then` to ask what was known."""
    from tracker.accounts.models import Desk
    from tracker.cases.models import Case
    from tracker.pages.queries import case_as_json

    with made_app(demo_env):
        session, now = db.session(), clock.now()
        desks = {desk.id: desk for desk in session.scalars(select(Desk))}
        kept = session.scalars(select(Case).order_by(Case.ref)).all()
        (daqqah,) = (case for case in kept if case.title.startswith("Walid"))
        return {
            "cases": [case_as_json(session, case, desks[case.desk_id], now=now) for case in kept],
            "hearings": json.loads(forked_commands.run(["hearings", "list", "--json"], demo_env, "")[1]),
            "flags": json.loads(forked_commands.run(["flags", "list", "--json"], demo_env, "")[1]),
            "rules": finders.codes(),
            "then": {
                day: case_as_json(session, daqqah, desks[daqqah.desk_id], date.fromisoformat(day), now=now)
                for day in ("2024-04-07", "2024-04-08")
            },
        }


def _shown(house: dict[str, Any], title: str) -> Any:
    return next(c for c in house["cases"] if c["title"].startswith(title))


def test_every_flag_rule_has_a_case(house: dict[str, Any]) -> None:
    found = house["flags"]
    # As a demo begins no mail of it has come to its end.
    assert {f["code"] for f in found} == set(house["rules"]) - {"mail-not-delivered", "stop-not-delivered"}
    assert {f["severity"] for f in found if f["code"] == "hearing-soon"} == {2, 3}
    assert {f["severity"] for f in found if f["code"] == "stale-case"} == {1, 2, 3}
    assert {f["severity"] for f in found if f["code"] == "no-owner"} == {1, 2}


def test_every_stage_risk_and_audience_has_a_case(house: dict[str, Any]) -> None:
    assert {c["stage"] for c in house["cases"]} == {"draft", "open", "monitoring", "closed"}
    assert {c["risk"] for c in house["cases"]} == {"critical", "high", "medium", "low"}
    assert {c["audience"] for c in house["cases"]} == {"named", "desk", "volunteers", "public"}


def test_hearings_lie_ahead_are_over_and_are_off(house: dict[str, Any]) -> None:
    found = house["hearings"]
    assert {h["state"] for h in found} >= {"scheduled", "adjourned", "postponed", "cancelled"}
    assert [h for h in found if len(h["cases"]) == 2], "one hearing of two cases"
    assert [h for h in found if not h["date"] and h["earliest"]], "one in a window"


def test_one_hearing_is_of_eleven_people(house: dict[str, Any]) -> None:
    march = [c for c in house["cases"] if "reservoir march" in c["title"]]
    assert sum(len(c["people"]) for c in march) == 11
    assert len({c["next_date"]["date"] for c in march}) == 1


@pytest.mark.parametrize(
    ("title", "kinds"),
    [
        ("Yusuf", {"hearing.moved", "person.released"}),
        ("Hadas", {"hearing.corrected", "entry.withdrawn"}),
        ("Adam", {"entry.accepted", "person.sentenced_to_death"}),
        ("Layla", {"hearing.confirmed", "hearing.outcome_recorded"}),
        ("Tal", {"hearing.cancelled", "case.closed"}),
    ],
)
def test_what_can_be_done_was_done_to_somebody(house: dict[str, Any], title: str, kinds: set[str]) -> None:
    assert kinds <= {e["kind"] for e in _shown(house, title)["timeline"]}


def test_a_reported_release_stands_beside_the_status(house: dict[str, Any]) -> None:
    shown = _shown(house, "Yusuf")
    assert shown["people"][0]["status"] == "administrative_detention"
    assert [e["counts"] for e in shown["timeline"] if e["kind"] == "person.released"] == [False]


# Real people ----------------------------------------------------------------------------------------------------------

#: What the page of 2024 states of each: status, and (kind, date or None, by or None).
STATED = {
    "Ahmad Khalefa": (
        "house_arrest",
        {
            ("person.arrested", "2023-10-19", None),
            ("person.charged", None, "2024-03-21"),
            ("person.placed_under_house_arrest", None, "2024-03-21"),
        },
    ),
    "Munther Amira": (
        "released",
        {
            ("person.arrested", "2023-12-18", None),
            ("person.detention_ordered", "2024-01-11", None),
            ("person.released", "2024-02-29", None),
        },
    ),
    "Walid Daqqah": ("died_in_custody", {("person.died_in_custody", None, "2024-04-08")}),
    "Khaled Al Serr": (
        "enforced_disappearance",
        {("person.arrested", "2024-03-24", None), ("person.disappeared", "2024-03-24", None)},
    ),
}


@pytest.mark.parametrize("name", STATED)
def test_of_real_people_stands_what_the_page_states_and_nothing_else(house: dict[str, Any], name: str) -> None:
    status, stated = STATED[name]
    shown = _shown(house, name)
    assert [(p["name"], p["status"]) for p in shown["people"]] == [(name, status)], "nobody stands beside them"
    told = {(e["kind"], e["date"], e.get("by")) for e in shown["timeline"] if e["kind"].startswith("person.")}
    assert told == stated
    others = {e["kind"] for e in shown["timeline"] if not e["kind"].startswith("person.")}
    # Nobody is said to have agreed to anything: the desk opened what is open without a name.
    assert others <= {"case.opened", "hearing.scheduled", "consent.without_name"}


def test_the_real_hearing_is_the_one_announced(house: dict[str, Any]) -> None:
    (hearing,) = _shown(house, "Ahmad Khalefa")["hearings"]
    assert (hearing["date"], hearing["time"], hearing["court"]) == ("2024-04-08", None, "Haifa magistrate's court")


def test_what_was_known_then_can_be_asked(house: dict[str, Any]) -> None:
    assert house["then"]["2024-04-07"]["people"] == [], "nothing of it was recorded yet"
    assert house["then"]["2024-04-08"]["people"][0]["status"] == "died_in_custody"


# Running it -----------------------------------------------------------------------------------------------------------


def test_it_runs_with_mail_of_its_own_and_lets_its_accounts_in(demo_env: dict[str, str], tmp_path: Path) -> None:
    port, said = _free_port(), tmp_path / "said"
    mails = Path(demo_env["TRACKER_INSTANCE"]) / "mails"
    relay = {"TRACKER_SMTP_URL": "smtp://relay.invalid:25"}
    with said.open("w") as file:
        demo = subprocess.Popen(
            [str(Path(sys.executable).with_name("tracker")), "demo", "--port", str(port)],
            env={**demo_env, **relay},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until(lambda: "Sign in with the password" in said.read_text())
        assert LOADED_ANEW not in said.read_text()
        _sign_in(port, "coordinator@example.org")
        _wait_until(lambda: list(mails.glob("*.eml")))
        _wait_until(lambda: "Mail hearing.reminder to " in said.read_text())
        first = min(mails.glob("*.eml"))
        assert (mails.stat().st_mode & 0o777, first.stat().st_mode & 0o777) == (0o700, 0o600)
        mail = message_from_bytes(first.read_bytes(), policy=policy.default)
        text_part = mail.get_body(("plain",))
        assert text_part is not None
        assert f"http://127.0.0.1:{port}/" in text_part.get_content(), "links lead to this very demo"
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=30) == 0


def _sign_in(port: int, email: str) -> None:
    jar = HTTPCookieProcessor()
    browser = build_opener(jar)
    form = browser.open(f"http://127.0.0.1:{port}/sign-in", timeout=60).read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token
    sent = urlencode({"csrf_token": token[1], "email": email, "password": PASSWORD}).encode()
    page = browser.open(f"http://127.0.0.1:{port}/sign-in", sent, timeout=60).read().decode()
    assert "Layla al-Mithal" in page or "IOPT-" in page, page[:2000]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until(what: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.2)
