"""Commands with wrong input: one clear line on standard error, nothing on standard output, exit code 2."""

from typing import Any

import pytest

pytestmark = pytest.mark.one_engine


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tick", "--at", "2020-01-01T00:00Z"), "--rehearsal"),
        (("tick", "--at", "2020-01-01T00:00"), "which time zone"),
        (("tick", "--at", "yesterday"), "not an instant"),
        (("hearings", "move", "1", "--date", "31/06/2024"), "no such day"),
        (("hearings", "move", "99", "--date", "2030-01-01"), "no hearing 99"),
        (("hearings", "move", "abc", "--date", "2030-01-01"), "--help"),
        (("hearings", "move", "9" * 20, "--date", "2030-01-01"), "--help"),
        (("hearings", "outcome", "1", "maybe"), "--help"),
        (("cases", "show", "NONE-1"), "no case NONE-1"),
        (("cases", "show", "NONE-1", "--as-known-on", "soon"), "no case"),
        (("desks", "add", "iopt", "--name", "x", "--country", "ZZ", "--zone", "Asia/Jerusalem"), "no country"),
        (("desks", "add", "iopt", "--name", "x", "--country", "IL", "--zone", "Mars/Base"), "no time zone"),
        (("follow", "nobody@example.org", "--desk", "iopt"), "nobody@example.org"),
        (("follow", "nobody@example.org"), "--desk or --case"),
        (("intake", "import", "missing.txt", "--desk", "iopt"), "missing.txt"),
        (("hearings", "outcome", "1", "adjourned", "--next-time", "09:00"), "--next"),
        (("nonsense",), "nonsense"),
        (("cases", "set", "\udcff", "--audience", "desk"), "UTF-8"),
        (("cases", "stop-publicity", "IOPT-\udcff", "--reason", "asked"), "UTF-8"),
        (("accounts", "disable", "\udcff@example.org"), "UTF-8"),
        (("cases", "set", "IOPT-0001", "--named", "\udcff@example.org"), "UTF-8"),
    ],
)
def test_it_is_refused_in_one_line(run_tracker: Any, arguments: tuple[str, ...], said: str) -> None:
    done = run_tracker(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_an_unknown_setting_is_named(run_tracker: Any) -> None:
    done = run_tracker("cases", "list", env={"TRACKER_SMTP_ULR": "smtp://x"})
    assert (done.code, done.out) == (2, "")
    assert "TRACKER_SMTP_ULR" in done.err


def test_plain_http_is_for_this_machine_alone(run_tracker: Any) -> None:
    done = run_tracker("cases", "list", env={"TRACKER_BASE_URL": "http://tracker.example.org"})
    assert done.code == 2
    assert "https" in done.err


def test_a_database_that_is_away_is_a_failure_in_one_line(run_tracker: Any) -> None:
    done = run_tracker("cases", "list", env={"TRACKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert (done.code, done.out) == (1, "")
    assert "cannot be reached" in done.err


def test_a_new_database_says_what_to_run(run_tracker: Any, tmp_path: Any) -> None:
    done = run_tracker("cases", "list", env={"TRACKER_DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"})
    assert done.code == 1
    assert "tracker db upgrade" in done.err
