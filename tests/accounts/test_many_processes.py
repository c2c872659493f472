"""Several web processes over one database share one limit of tries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from signed_in import give_app, make_account, sign_in, wait

from tracker.accounts import trying

PROCESSES = 4
CHILD = Path(__file__).resolve().parent.parent / "try_often.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "limit", "each", "answer"),
    [
        ("password", "TRIES_OF_ACCOUNT", 6, 422),
        ("factor", "TRIES_OF_FACTOR", 4, 422),
        ("forgotten", "TRIES_OF_ACCOUNT", 6, 200),
        ("lookup", "LOOKUPS_OF_ACCOUNT", 6, 200),
    ],
)
def test_four_processes_trip_one_limit(
    app: Flask, tracker_env: dict[str, str], what: str, limit: str, each: int, answer: int
) -> None:
    allowed = getattr(trying, limit)
    user = make_account("amal@example.org")
    give_app(user)
    browser = sign_in(app, user) if what == "lookup" else wait(app, user)
    cookie = browser.get_cookie("tracker")
    assert cookie
    children = [
        subprocess.Popen(
            [sys.executable, str(CHILD), what, cookie.value, str(each)],
            env={**tracker_env, "PYTHONPATH": str(CHILD.parent.parent)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    seen = [status for child in children for status in json.loads(child.communicate(timeout=120)[0])]
    assert PROCESSES * each > allowed
    assert (seen.count(answer), seen.count(429)) == (allowed, PROCESSES * each - allowed)
