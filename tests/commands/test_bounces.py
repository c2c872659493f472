"""`tracker bounces read`: mailboxes of three kinds, what is left in them, and what cannot be read."""

import mailbox
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from returned_mail import Returned, answer, complaint, report
from signed_in import make_account
from sqlalchemy import select

from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.outbox.models import Envelope, Recipient
from tracker.outbox.return_path import return_path
from tracker.outbox.service import recipient_for

pytestmark = pytest.mark.one_engine

NOTHING = {"read": 0, "hard": 0, "soft": 0, "ignored": 0, "suppressed": 0, "unrecognised": 0}


@pytest.fixture
def tracker_env(tracker_env: dict[str, str]) -> dict[str, str]:
    """The settings, with a mailbox for what comes back."""
    return {**tracker_env, "TRACKER_BOUNCE_TO": "bounces@example.org"}


@pytest.fixture
def sender(app: Flask) -> str:
    """The sender of a mail that has left."""
    user, now = make_account("reader@example.net"), datetime(2024, 4, 1, 5, tzinfo=UTC)
    with short_transaction() as session:
        left = Envelope(
            recipient_id=recipient_for(session, user.id).id,
            state="sent",
            message_id="<1@example.org>",
            not_before=now,
            sent_at=now,
            created_at=now,
        )
        session.add(left)
        session.flush()
        return return_path(app.extensions["settings"], left.id, left.message_id)


def test_a_maildir_is_read_and_left_as_it_is(run_tracker: Any, sender: str, tmp_path: Path) -> None:
    box = Returned(tmp_path / "back")
    box.put(report(sender, "4.2.2"))
    box.put(report(sender), "cur")
    box.put(answer(sender, auto_submitted="auto-replied"))
    box.put(answer(sender))
    box.put(report("bounces+1.aaaaaaaaaaaaa@example.org"))
    box.put(b"\x00\x01 nothing")
    (box.path / "new" / ".hidden").write_text("x")
    first = run_tracker("bounces", "read", str(box.path), "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json == {"read": 6, "hard": 1, "soft": 1, "ignored": 2, "suppressed": 1, "unrecognised": 2}
    again = run_tracker("bounces", "read", str(box.path), "--json").json
    assert again == {**NOTHING, "read": 6, "ignored": 2, "unrecognised": 2}
    assert box.left() == 7
    cleared = run_tracker("bounces", "read", str(box.path), "--delete-read")
    assert cleared.code == 0
    assert "Read 6" in cleared.out
    # Somebody's letter, the two that were not recognised, and the one that is none.
    assert box.left() == 4


def test_an_mbox_and_one_mail_are_read(run_tracker: Any, sender: str, tmp_path: Path) -> None:
    path = tmp_path / "returned"
    box = mailbox.mbox(path)
    box.add(report(sender, "5.7.1"))
    box.add(complaint(sender))
    box.add(answer(sender))
    box.close()
    before = path.read_bytes()
    done = run_tracker("bounces", "read", str(path), "--json")
    assert done.json == {"read": 3, "hard": 1, "soft": 1, "ignored": 1, "suppressed": 1, "unrecognised": 0}
    assert path.read_bytes() == before
    assert run_tracker("bounces", "read", str(path), "--delete-read", "--json").json["read"] == 3
    with closing(mailbox.mbox(path)) as left:
        assert [mail["Subject"] for mail in left] == ["Re: Tomorrow"]
    one = tmp_path / "one.eml"
    one.write_bytes(report(sender, "5.1.3"))
    assert run_tracker("bounces", "read", str(one), "--json").json["hard"] == 1
    assert one.exists()
    assert run_tracker("bounces", "read", str(one), "--delete-read").code == 0
    assert not one.exists()


def test_what_is_no_mailbox_is_refused_in_one_line(run_tracker: Any, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "folder").mkdir()
    for path, said in (("missing", "no mailbox"), ("picture", "neither"), ("folder", "no Maildir")):
        done = run_tracker("bounces", "read", str(tmp_path / path), "--json")
        assert (done.code, done.out) == (2, ""), path
        assert said in done.err
        assert len(done.err.strip().splitlines()) == 1
    assert run_tracker("bounces", "read").code == 2


def test_an_empty_or_broken_mailbox_is_no_failure(run_tracker: Any, tmp_path: Path) -> None:
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.write_bytes(b"")
    broken.write_bytes(b"From nobody\nFrom \n\xff\xfe\nFrom x Mon Apr  1 05:00:04 2024\nSubject: =?\n\nFrom \n")
    assert run_tracker("bounces", "read", str(empty), "--json").json == NOTHING
    done = run_tracker("bounces", "read", str(broken), "--json")
    assert done.code == 0
    assert done.json["unrecognised"] == done.json["read"] > 0
    assert broken.stat().st_size == len(broken.read_bytes())


def test_another_address_is_reached_whatever_the_old_one_sent_back(
    run_tracker: Any, sender: str, tmp_path: Path, app: Flask
) -> None:
    one = tmp_path / "one.eml"
    one.write_bytes(report(sender))
    assert run_tracker("bounces", "read", str(one), "--json").json["suppressed"] == 1
    make_account("taken@example.org")
    for wrong, said in (("taken@example.org", "already"), ("no address", "address")):
        refused = run_tracker("accounts", "address", "reader@example.net", wrong)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
    done = run_tracker("accounts", "address", "reader@example.net", "New@example.net", "--json")
    assert (done.code, done.json["before"]) == (0, "reader@example.net")
    # A later report about a mail to the old one is known for what it is.
    one.write_bytes(report(sender, "5.1.2"))
    assert run_tracker("bounces", "read", str(one), "--json").json == {**NOTHING, "read": 1, "hard": 1}
    db.session.rollback()
    reached = db.session.scalars(select(Recipient.suppressed_at).order_by(Recipient.id)).first()
    assert reached is None
