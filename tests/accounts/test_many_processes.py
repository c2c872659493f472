"""Several web processes over one database share one limit of tries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signed_in import give_app, make_account, sign_in, wait
from sqlalchemy import delete

from tracker.accounts import trying
from tracker.accounts.models import SignInTry
from tracker.base.work import short_transaction

PROCESSES = 4
CHILD = Path(__file__).resolve().parent.parent / "try_often.py"


#: What is tried, by which name its limit goes, how often each process tries, and what it is answered within the limit.
TRIED = (
    ("password", "TRIES_OF_ACCOUNT", 6, 422),
    ("factor", "TRIES_OF_FACTOR", 4, 422),
    ("forgotten", "TRIES_OF_ACCOUNT", 6, 200),
    ("lookup", "LOOKUPS_OF_ACCOUNT", 6, 200),
)


@pytest.mark.slow
def test_four_processes_trip_one_limit(app: Flask, tracker_env: dict[str, str]) -> None:
    user = make_account("amal@example.org")
    give_app(user)
    cookies = {what: cookie_of(sign_in(app, user) if what == "lookup" else wait(app, user)) for what, *_ in TRIED}
    children = [
        subprocess.Popen(
            [sys.executable, str(CHILD)],
            env={**tracker_env, "PYTHONPATH": str(CHILD.parent.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for what, limit, each, answer in TRIED:
        with short_transaction() as session:
            session.execute(delete(SignInTry))
        allowed = getattr(trying, limit)
        for child in children:
            assert child.stdin
            child.stdin.write(f"{what} {cookies[what]} {each}\n")
            child.stdin.flush()
        seen = [status for child in children if child.stdout for status in json.loads(child.stdout.readline())]
        assert PROCESSES * each > allowed
        assert (seen.count(answer), seen.count(429)) == (allowed, PROCESSES * each - allowed), what
    for child in children:
        child.communicate(timeout=60)


def cookie_of(browser: FlaskClient) -> str:
    """What tells who is signed in, or waits to be."""
    cookie = browser.get_cookie("tracker")
    assert cookie
    return str(cookie.value)
