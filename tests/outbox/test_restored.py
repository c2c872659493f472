"""A database that came back from a backup: nothing leaves by itself, and nothing a second time."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mail_sink import MailSink
from outbox_ground import NOW, Outbox, later
from sqlalchemy import make_url, select

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import HouseFact, read_fact, write_fact
from tracker.base.work import short_transaction
from tracker.outbox import restored
from tracker.outbox.ledger import NAME
from tracker.outbox.models import Message
from tracker.outbox.pausing import Pause, pause, read_pause, release
from tracker.outbox.restored import SENT_BEFORE, TROUBLE

#: Backs the database up; what it returns puts it back.
BackUp = Callable[[], Callable[[], None]]


@pytest.fixture
def back_up(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BackUp]:
    """As an operator does it: SQLite's backup, into the file in use; a copy of the database on the server."""
    if database_url.startswith("sqlite"):
        file, kept = str(make_url(database_url).database), str(tmp_path / "backup.db")

        def copy(source: str, target: str) -> None:
            db.session.remove()
            db.engine.dispose()
            with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
                one.backup(other)

        def back_up_file() -> Callable[[], None]:
            copy(file, kept)
            return lambda: copy(kept, file)

        yield back_up_file
        return
    server: Any = request.getfixturevalue("postgres")

    def back_up_database() -> Callable[[], None]:
        db.session.remove()
        db.engine.dispose()
        copied = server.copy_of(database_url)

        def put_back() -> None:
            db.session.remove()
            db.engine.dispose()
            server.put_back(database_url, copied)

        return put_back

    yield back_up_database


def standing() -> Pause | None:
    """The pause."""
    db.session.rollback()
    return read_pause(db.session())


def let_go(at: Any = NOW) -> None:
    """What an operator's `tracker outbox release` does."""
    with short_transaction() as session:
        release(session, at)


def start_anew(outbox: Outbox) -> None:
    """As if the process had ended and another had begun."""
    outbox.app.extensions.pop("restored", None)


def test_after_a_restore_nothing_leaves_until_released_and_then_only_what_never_left(
    outbox: Outbox, mail_sink: MailSink, back_up: BackUp
) -> None:
    outbox.plan(1)
    assert outbox.deliver()["sent"] == 1
    outbox.plan(2, 3, 4, due_at=later(hours=1))
    outbox.plan(5, due_at=later(days=1))
    put_back = back_up()
    # The fourth had not left when the disk died.
    with short_transaction() as session:
        session.execute(Message.__table__.update().where(Message.subject_id == 4).values(due_at=later(hours=30)))  # type: ignore[attr-defined]
    assert outbox.deliver_in_child(later(hours=2))["sent"] == 2
    assert len(mail_sink.mails) == 3
    put_back()

    mail_sink.clear()
    for _start in range(2):
        assert outbox.deliver_in_child(later(hours=3))["sent"] == 0
    assert mail_sink.mails == []
    held = standing()
    assert held is not None
    assert held.why == "restored"
    assert outbox.states() == ["sent", "sent", "sent", "paused", "paused"]
    assert [m.reason for m in outbox.messages()][1:3] == [SENT_BEFORE] * 2
    assert [m.sent_at for m in outbox.messages()][1:3] == [later(hours=2)] * 2

    let_go(later(hours=4))
    assert outbox.deliver_in_child(later(hours=4))["sent"] == 1
    assert [mail.message["Subject"] for mail in mail_sink.mails] == ["Notes: note 4"]
    # It stays so: the next start finds nothing new.
    assert outbox.deliver_in_child(later(days=1))["sent"] == 1
    assert standing() is None
    assert outbox.states() == ["sent"] * 5


def test_what_is_planned_again_after_the_restore_is_known_to_be_sent(
    outbox: Outbox, mail_sink: MailSink, back_up: BackUp
) -> None:
    outbox.plan(1)
    outbox.deliver()
    put_back = back_up()
    # Planned after the backup, so that the restored database has never heard of them.
    outbox.plan(2, 3, due_at=later(hours=1))
    outbox.deliver(later(hours=1))
    put_back()
    mail_sink.clear()
    start_anew(outbox)
    outbox.deliver(later(hours=2))
    outbox.plan(2, due_at=later(hours=1))
    # The same hearing under the same number, but somebody said something else this time.
    outbox.plan(3, due_at=later(hours=1), tells={"text": "another date"})
    outbox.deliver(later(hours=2, minutes=1))
    assert outbox.states() == ["sent", "sent", "paused"]
    let_go(later(hours=3))
    outbox.deliver(later(hours=3))
    assert [mail.message["Subject"] for mail in mail_sink.mails] == ["Notes: another date"]


def test_a_backup_that_is_put_back_twice_is_noticed_twice(outbox: Outbox, mail_sink: MailSink, back_up: BackUp) -> None:
    outbox.plan(1)
    outbox.deliver()
    put_back = back_up()
    outbox.plan(2, due_at=later(hours=1))
    outbox.deliver(later(hours=1))
    for _time in range(2):
        put_back()
        start_anew(outbox)
        outbox.deliver(later(hours=2))
        assert standing() is not None
        let_go(later(hours=2))
        start_anew(outbox)
        outbox.deliver(later(hours=2))
        assert standing() is None


@pytest.mark.parametrize("begins_anew", [True, False])
def test_what_a_release_has_settled_is_looked_for_no_more_under_a_later_pause(
    outbox: Outbox, back_up: BackUp, begins_anew: bool
) -> None:
    outbox.plan(1)
    outbox.deliver()
    put_back = back_up()
    outbox.plan(2, due_at=later(hours=1))
    outbox.deliver(later(hours=1))
    put_back()
    start_anew(outbox)
    outbox.deliver(later(hours=2))
    let_go(later(hours=2))
    if begins_anew:
        start_anew(outbox)
    outbox.deliver(later(hours=2))
    with short_transaction() as session:
        pause(session, later(hours=3), "by_hand", "Amal")
    outbox.plan(2, due_at=later(hours=1))
    start_anew(outbox)
    outbox.deliver(later(hours=3))
    assert outbox.states() == ["sent", "paused"]


def test_an_hour_later_a_running_process_notices_it_too(
    outbox: Outbox, mail_sink: MailSink, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.plan(1)
    outbox.deliver()
    put_back = back_up()
    outbox.plan(2, due_at=later(hours=1))
    outbox.deliver(later(hours=1))
    put_back()
    true = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: true + 3601)
    assert outbox.deliver(later(hours=2))["sent"] == 0
    assert standing() is not None


def test_a_pause_by_hand_stays_by_hand_and_nothing_goes_twice_after_it(
    outbox: Outbox, mail_sink: MailSink, back_up: BackUp
) -> None:
    outbox.plan(1)
    outbox.deliver()
    outbox.plan(2, due_at=later(hours=1))
    with short_transaction() as session:
        pause(session, NOW, "by_hand", "Amal")
    put_back = back_up()
    let_go()
    outbox.deliver(later(hours=1))
    put_back()
    mail_sink.clear()
    start_anew(outbox)
    outbox.deliver(later(hours=2))
    held = standing()
    assert held is not None
    assert held.why == "by_hand"
    let_go(later(hours=3))
    outbox.deliver(later(hours=3))
    assert mail_sink.mails == []
    assert outbox.states() == ["sent", "sent"]


def test_a_database_that_lies_elsewhere_starts_paused(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 2)
    outbox.deliver()
    with short_transaction() as session:
        write_fact(session, "home", "file 1" if db.engine.dialect.name == "sqlite" else "server 1, database 1")
    outbox.plan(3)
    start_anew(outbox)
    assert outbox.deliver()["sent"] == 0
    held = standing()
    assert held is not None
    assert "lies elsewhere" in held.words
    let_go()
    start_anew(outbox)
    assert outbox.deliver()["sent"] == 1


@pytest.mark.one_engine
def test_a_new_database_beside_an_old_record_sends_at_once(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1)
    outbox.deliver()
    restored.watch_of().ledger.note("another database", "<9@example.org>", ["x#1"], NOW)
    start_anew(outbox)
    outbox.plan(2)
    assert outbox.deliver()["sent"] == 1
    assert standing() is None


@pytest.mark.one_engine
def test_a_demo_is_never_paused(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1)
    outbox.deliver()
    with short_transaction() as session:
        session.merge(HouseFact(key="demo", value="yes"))
        session.merge(HouseFact(key="home", value="elsewhere"))
    outbox.plan(2)
    start_anew(outbox)
    assert outbox.deliver()["sent"] == 1


@pytest.mark.one_engine
def test_one_killed_before_its_answer_was_written_down_is_no_restore(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.rehearse()
    outbox.plan(1)
    outbox.kill_at("after_data")
    outbox.deliver_in_child(later(seconds=1))
    assert standing() is None
    outbox.deliver_in_child(later(minutes=20))
    assert standing() is None


@pytest.mark.one_engine
def test_a_record_that_cannot_be_written_stops_no_mail_and_is_told(outbox: Outbox, mail_sink: MailSink) -> None:
    path = Path(outbox.env["TRACKER_INSTANCE"]) / NAME
    path.mkdir()
    outbox.plan(1)
    assert outbox.deliver()["sent"] == 1
    db.session.rollback()
    assert read_fact(db.session(), TROUBLE) == os.strerror(21)
    path.rmdir()
    outbox.plan(2)
    assert outbox.deliver()["sent"] == 1
    db.session.rollback()
    assert read_fact(db.session(), TROUBLE) is None
    assert len(db.session.scalars(select(Message)).all()) == 2
