"""What the end of a process does to a mail, beside others, with the database locked. `tests/faults/test_kill.py` ends
processes at every step."""

import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
from mail_sink import MailSink
from outbox_ground import NOW, TESTS, Outbox, WatchedSink
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from tracker.base import clock
from tracker.base.db import WRITES, db
from tracker.base.work import short_transaction
from tracker.outbox import holder, protocol
from tracker.outbox.models import Envelope


def copies(sink: MailSink) -> list[int]:
    """How many copies of each mail arrived."""
    return sorted(Counter(str(m.message["Message-ID"]) for m in sink.mails).values())


def test_killed_after_the_mark_a_kind_that_waits_is_not_sent_again(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.rehearse()
    outbox.plan(1, kind="test.account")
    outbox.kill_at("after_data")
    assert outbox.deliver() == {"sent": 0, "failed": 1, "waiting": 0}
    assert copies(mail_sink) == [1]
    assert outbox.states() == ["may_have_arrived"]


@pytest.mark.one_engine
def test_a_mail_that_ends_its_deliverers_is_given_up_and_the_others_go(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.rehearse()
    outbox.plan(1)
    at = NOW
    deaths = 0
    while deaths < 5:
        # Every second one finds that it has to wait a little.
        deaths += outbox.dies_at("after_claim", at)
        at += timedelta(minutes=20)
    outbox.plan(2)
    assert outbox.deliver(at) == {"sent": 1, "failed": 1, "waiting": 0}
    first = outbox.messages()[0]
    assert (first.state, first.reason) == ("not_delivered", "5 deliverers ended while composing it")
    assert outbox.attempts().count(("claimed", "died")) == 4


@pytest.mark.one_engine
def test_a_failpoint_does_nothing_outside_rehearsals(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1)
    child = outbox.child(failpoint="after_mark")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert '"sent": 1' in out


def test_two_deliverers_send_fifty_mails_fifty_times(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(*range(50))
    children = [outbox.child(NOW) for _ in range(2)]
    answers = [child.communicate(timeout=120) for child in children]
    assert [c.returncode for c in children] == [0, 0], answers
    outbox.deliver()
    assert copies(mail_sink) == [1] * 50
    assert outbox.states() == ["sent"] * 50


def test_a_deliverer_whose_lease_was_taken_sends_nothing(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1)
    with clock.fixed_at(NOW):
        outbox.pack()
        slow = outbox.claim()[0]
    with short_transaction() as session:
        session.execute(update(Envelope).values(lease_until=NOW))
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 0}
    ids = [outbox.messages()[0].id]
    with pytest.raises(protocol.NoLonger), short_transaction() as session:
        protocol.mark(session, slow, "test.note", ids, "reader@example.org", NOW, NOW)
    with pytest.raises(protocol.Fenced), short_transaction() as session:
        protocol.settle_sent(session, slow.dispatching, "250", NOW)
    assert copies(mail_sink) == [1]
    assert outbox.attempts() == [("claimed", "died"), ("answered", "sent")]


def test_only_who_holds_the_token_moves_an_envelope(outbox: Outbox) -> None:
    outbox.plan(1)
    with clock.fixed_at(NOW):
        outbox.pack()
        first = outbox.claim()[0]
    with short_transaction() as session:
        protocol.reap(session, first, NOW, 0.5)
    with short_transaction() as session:
        (second,) = protocol.claim(session, NOW, clock.true_now(), tried=True)
    ids = [outbox.messages()[0].id]
    with short_transaction() as session:
        protocol.give_back(session, [first])
    with pytest.raises(protocol.Fenced), short_transaction() as session:
        protocol.mark(session, first, "test.note", ids, "reader@example.org", NOW, NOW)
    with short_transaction() as session:
        marked = protocol.mark(session, second, "test.note", ids, "reader@example.org", NOW, NOW)
    with pytest.raises(protocol.Fenced), short_transaction() as session:
        protocol.settle_sent(session, first.dispatching, "250", NOW)
    assert outbox.states() == ["sending"]
    with short_transaction() as session:
        assert protocol.settle_sent(session, marked, "250", NOW).sent == 1


def test_a_marked_mail_is_not_put_back_by_who_saw_it_before_the_mark(outbox: Outbox) -> None:
    outbox.plan(1)
    with clock.fixed_at(NOW):
        outbox.pack()
        claimed = outbox.claim()[0]
    ids = [outbox.messages()[0].id]
    with short_transaction() as session:
        marked = protocol.mark(session, claimed, "test.note", ids, "reader@example.org", NOW, NOW)
    with pytest.raises(protocol.Fenced), short_transaction() as session:
        protocol.reap(session, claimed, NOW, 0.5)
    with short_transaction() as session:
        protocol.give_back(session, [claimed])
    assert outbox.states() == ["sending"]
    with short_transaction() as session:
        assert protocol.settle_sent(session, marked, "250", NOW).sent == 1
    assert outbox.states() == ["sent"]


def test_a_mail_being_handed_over_is_too_late_to_take_back(outbox: Outbox) -> None:
    outbox.plan(1)
    with clock.fixed_at(NOW):
        outbox.pack()
        claimed = outbox.claim()[0]
    ids = [outbox.messages()[0].id]
    with short_transaction() as session:
        protocol.mark(session, claimed, "test.note", ids, "reader@example.org", NOW, NOW)
    assert outbox.cancel(1) == 0
    assert outbox.states() == ["sending"]


def test_a_living_deliverer_keeps_what_it_claimed_until_its_lease_ends(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1)
    with clock.fixed_at(NOW):
        outbox.pack()
        outbox.claim()
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 1}
    assert mail_sink.mails == []


@pytest.mark.one_engine
def test_a_locked_database_breaks_nothing(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 2)
    with outbox.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=200")
    with outbox.engine.connect().execution_options(**{WRITES: True}) as locker:
        locker.begin()
        db.session.connection().exec_driver_sql("PRAGMA busy_timeout=200")
        db.session.rollback()
        with pytest.raises(OperationalError, match="locked"):
            outbox.deliver()
        locker.rollback()
    assert mail_sink.mails == []
    assert outbox.deliver() == {"sent": 2, "failed": 0, "waiting": 0}
    assert copies(mail_sink) == [1, 1]


def test_a_lost_database_connection_breaks_nothing(outbox: Outbox, mail_sink: WatchedSink) -> None:
    outbox.plan(1, 2)
    # A file has no connection to lose.
    lose = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
    lose = lose + "current_database()" if outbox.engine.dialect.name == "postgresql" else "SELECT 1"
    mail_sink.at_rcpt.append(lambda: outbox.write_beside(text(lose)))
    outbox.deliver()
    outbox.deliver()
    assert copies(mail_sink) == [1, 1]
    assert outbox.states() == ["sent", "sent"]


@pytest.mark.one_engine
def test_a_dead_process_is_known_and_a_living_or_foreign_one_is_not() -> None:
    code = "from tracker.outbox.holder import new_token; print(new_token())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TESTS.parent)
    token = done.stdout.strip()
    assert len(token) <= 32
    assert holder.is_dead(token)
    assert not holder.is_dead(holder.new_token())
    assert not holder.is_dead(token.replace(token[:10], "0123456789"))
    for nonsense in (None, "", "x", "..", f"{token[:10]}.x.y"):
        assert not holder.is_dead(nonsense)
