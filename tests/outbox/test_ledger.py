"""The record of sent mail outside the database: what stands in it, who may read it, and what does not stop it."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tracker.outbox.ledger import KEPT_FOR, Ledger, carried

NOW = datetime(2026, 4, 7, 6, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A new one."""
    return Ledger(tmp_path / "sent.log")


def test_a_line_holds_when_which_and_what_and_nobody_else_may_read_it(ledger: Ledger) -> None:
    said = carried("hearing.reminder:1:1:7:3", {"date": "2026-04-08", "place": "Haifa"})
    ledger.note("a database", "<1@example.org>", [said], NOW)
    (line,) = ledger.read("a database")
    assert (line.at, line.message_id, line.carried) == (NOW, "<1@example.org>", (said,))
    assert ledger.read("another") == []
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    assert "Haifa" not in ledger.path.read_text()
    assert len(ledger.name()) == 12
    assert Ledger(ledger.path).name() == ledger.name()


def test_the_same_key_with_other_content_is_another_message() -> None:
    one, other = carried("a:1", {"date": "2026-04-08", "time": None}), carried("a:1", {"date": "2026-04-09"})
    assert one != other
    assert one == carried("a:1", {"time": None, "date": "2026-04-08"})


def test_only_what_follows_a_mail_is_read(ledger: Ledger) -> None:
    for number in range(4):
        ledger.note("db", f"<{number}>", [], NOW)
    assert [line.message_id for line in ledger.read("db", "<1>")] == ["<2>", "<3>"]
    assert len(ledger.read("db", "<trimmed long ago>")) == 4


def test_sixty_days_are_kept(ledger: Ledger) -> None:
    name = ledger.name()
    second = timedelta(seconds=1)
    for number, age in enumerate((KEPT_FOR + second, KEPT_FOR, KEPT_FOR - second, timedelta())):
        ledger.note("db", f"<{number}>", [], NOW - age)
    ledger.trim(NOW)
    assert [line.message_id for line in ledger.read("db")] == ["<2>", "<3>"]
    assert ledger.name() == name
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in ledger.path.parent.iterdir()] == ["sent.log"]


def test_half_a_line_that_a_power_cut_left_is_passed_over(ledger: Ledger) -> None:
    ledger.note("db", "<1>", [], NOW)
    with ledger.path.open("ab") as file:
        file.write(b'{"at": "2026-04\n')
    ledger.note("db", "<2>", [], NOW)
    assert [line.message_id for line in ledger.read("db")] == ["<1>", "<2>"]
    ledger.trim(NOW)
    assert all(json.loads(raw) for raw in ledger.path.read_bytes().splitlines())


def test_what_many_write_at_once_while_one_trims_is_all_there(ledger: Ledger) -> None:
    ledger.note("db", "<old>", [], NOW - KEPT_FOR - timedelta(days=1))

    def write(who: int) -> None:
        own = Ledger(ledger.path)
        for number in range(50):
            own.note("db", f"<{who}.{number}>", ["x" * 100], NOW)
            if number % 10 == 0:
                own.trim(NOW)

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len({line.message_id for line in ledger.read("db")}) == 200


def test_a_file_that_cannot_be_written_raises_nothing_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "sent.log").mkdir()
    ledger = Ledger(tmp_path / "sent.log")
    ledger.note("db", "<1>", [], NOW)
    ledger.keep()
    ledger.trim(NOW)
    assert ledger.trouble == os.strerror(21)
    assert ledger.read("db") == []
    assert ledger.name() == ""
    (tmp_path / "sent.log").rmdir()
    ledger.note("db", "<2>", [], NOW)
    assert ledger.trouble == ""
