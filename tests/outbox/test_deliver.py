"""One mail from plan to mailbox, and everything that may change its mind on the way."""

import re
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from mail_sink import MailSink
from outbox_ground import NOW, Outbox, WatchedSink, later
from sqlalchemy import event, func, insert, select, update

from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import HouseFact
from tracker.base.work import COMMAND, short_transaction, unit_of_work
from tracker.clockwork.kinds import steps
from tracker.outbox.by_hand import retry_message
from tracker.outbox.models import Attempt, Message, Recipient
from tracker.outbox.service import cancel_messages


@pytest.mark.one_engine
def test_the_clock_delivers_every_five_seconds(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1)
    step = steps.get("outbox.deliver")
    assert step.every == timedelta(seconds=5)
    with clock.fixed_at(NOW):
        assert step.run(NOW) == {"sent": 1, "failed": 0, "waiting": 0}


def test_what_is_due_goes_out_once_however_often_the_step_runs(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1)
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 0}
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 0}
    (mail,) = mail_sink.to("reader@example.org")
    assert mail.kind == "test.note"
    assert mail.sender == "tracker@example.org"
    assert mail.text.replace("\r\n", "\n").strip() == "note 1\n.\nat 06:00"
    assert mail.html.strip() == "<p>note 1</p>"
    (envelope,), (message,) = outbox.envelopes(), outbox.messages()
    assert mail.message["Message-ID"] == envelope.message_id
    assert re.fullmatch(r"<[0-9a-f-]{36}@example\.org>", envelope.message_id)
    assert (envelope.state, envelope.phase, envelope.lease_token, envelope.attempts) == ("sent", None, None, 1)
    assert (message.state, message.sent_at, message.ended_at) == ("sent", NOW, NOW)
    assert outbox.attempts() == [("answered", "sent")]


def test_nothing_goes_before_it_is_due(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, due_at=later(hours=1))
    just_before = later(hours=1) - timedelta(microseconds=1)
    assert outbox.deliver(just_before) == {"sent": 0, "failed": 0, "waiting": 0}
    assert outbox.deliver(later(hours=1))["sent"] == 1


def test_one_connection_carries_many_mails(outbox: Outbox, mail_sink: MailSink) -> None:
    others = [outbox.add_recipient(f"r{n}@example.org") for n in range(3)]
    for recipient in others:
        outbox.plan(*range(15), to=recipient)
    assert outbox.deliver() == {"sent": 45, "failed": 0, "waiting": 0}
    assert len({m.message["Message-ID"] for m in mail_sink.mails}) == 45
    assert all(len(m.recipients) == 1 for m in mail_sink.mails)


def test_a_run_with_nothing_due_is_one_select(outbox: Outbox) -> None:
    # The first of a process looks whether the database came back from a backup, and one that sends begins the record.
    outbox.plan(1)
    outbox.deliver()
    outbox.plan(2, due_at=later(days=1))
    outbox.deliver()
    said: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", keep)
    try:
        outbox.deliver()
    finally:
        event.remove(db.engine, "before_cursor_execute", keep)
    assert [s.split()[0] for s in said if s != "BEGIN"] == ["SELECT"]


def test_the_one_select_is_answered_by_indexes(outbox: Outbox) -> None:
    said: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        said.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", keep)
    try:
        outbox.deliver()
    finally:
        event.remove(db.engine, "before_cursor_execute", keep)
    statement, parameters = next(s for s in said if s[0].startswith("SELECT"))
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        plan = [str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        assert not [line for line in plan if "SCAN messages" in line or "SCAN envelopes" in line], plan
    else:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = [str(row) for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
        assert not [line for line in plan if "Seq Scan" in line], plan
    db.session.rollback()


def test_what_is_no_longer_true_is_skipped_with_its_reason(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 2)
    outbox.move(1)
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 0}
    first, second = outbox.messages()
    assert (first.state, first.reason, first.ended_at) == ("skipped", "subject 1 was moved", NOW)
    assert second.state == "sent"
    assert len(mail_sink.mails) == 1


def test_a_cancelled_message_does_not_go_even_when_it_was_packed(outbox: Outbox, mail_sink: MailSink) -> None:
    mail_sink.stop()
    outbox.plan(1, 2)
    assert outbox.deliver()["waiting"] == 2
    with short_transaction() as session:
        assert cancel_messages(session, Message.subject_id == 1, "the hearing was moved", NOW) == 1
        assert cancel_messages(session, Message.subject_id == 1, "again", NOW) == 0
    mail_sink.start()
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 0}
    assert outbox.states() == ["cancelled", "sent"]
    assert [e.state for e in outbox.envelopes()] == ["cancelled", "sent"]
    assert [m.text.split()[1] for m in mail_sink.mails] == ["2"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (update(User).values(active=False), "the account is not active any more"),
        (update(Recipient).values(suppressed_at=NOW), "mail to this address was stopped because it came back"),
    ],
)
def test_nothing_goes_to_whom_it_must_not(outbox: Outbox, mail_sink: MailSink, change: Any, why: str) -> None:
    outbox.plan(1)
    with short_transaction() as session:
        session.execute(change)
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 0}
    assert [(m.state, m.reason) for m in outbox.messages()] == [("skipped", why)]
    assert not mail_sink.mails


def test_what_changes_after_rcpt_stops_the_mail(outbox: Outbox, mail_sink: WatchedSink) -> None:
    outbox.plan(1, 2)
    mail_sink.at_rcpt.append(lambda: outbox.write_beside(insert(HouseFact).values(key="moved:1", value="yes")))
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 0}
    assert outbox.states() == ["skipped", "sent"]
    assert [m.text.split()[1] for m in mail_sink.mails] == ["2"]


def test_what_is_taken_back_after_rcpt_does_not_go(outbox: Outbox, mail_sink: WatchedSink) -> None:
    outbox.plan(1)
    taken_back = update(Message).values(state="cancelled", reason="moved", ended_at=NOW)
    mail_sink.at_rcpt.append(lambda: outbox.write_beside(taken_back))
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 0}
    assert [(e.state, e.reason) for e in outbox.envelopes()] == [("cancelled", "moved")]
    assert not mail_sink.mails


def test_an_address_changed_after_rcpt_gets_the_mail(outbox: Outbox, mail_sink: WatchedSink) -> None:
    outbox.plan(1)
    mail_sink.at_rcpt.append(lambda: outbox.write_beside(update(User).values(email="new@example.org")))
    assert outbox.deliver()["sent"] == 1
    assert [m.recipients for m in mail_sink.mails] == [("new@example.org",)]


def test_who_loses_the_account_after_rcpt_gets_nothing(outbox: Outbox, mail_sink: WatchedSink) -> None:
    outbox.plan(1)
    mail_sink.at_rcpt.append(lambda: outbox.write_beside(update(User).values(active=False)))
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 0}
    assert outbox.states() == ["skipped"]
    assert not mail_sink.mails


def test_a_mail_that_cannot_be_composed_blocks_no_other_and_ends_after_three_tries(
    outbox: Outbox, mail_sink: MailSink, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.plan(1, tells={"breaks": True})
    outbox.plan(2)
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 1}
    assert outbox.deliver(later(minutes=1)) == {"sent": 0, "failed": 0, "waiting": 1}
    assert outbox.deliver(later(minutes=3)) == {"sent": 0, "failed": 1, "waiting": 0}
    first = outbox.messages()[0]
    assert (first.state, first.reason) == ("not_delivered", "it could not be composed (ValueError)")
    assert "nobody may read" not in caplog.text
    db.session.rollback()
    details = db.session.scalars(select(Attempt.detail).where(Attempt.reached == "claimed")).all()
    assert len(details) == 3
    assert not [d for d in details if "nobody may read" in d]


def test_a_mail_that_is_sent_again_has_all_of_its_tries(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, tells={"breaks": True})
    for minutes in (0, 1, 3):
        outbox.deliver(later(minutes=minutes))
    assert outbox.states() == ["not_delivered"]
    again = later(hours=1)
    with unit_of_work("outbox.retry", COMMAND, now=again):
        retry_message(db.session(), outbox.messages()[0].id, again)
    for minutes, state in ((60, "waiting"), (80, "waiting"), (100, "not_delivered")):
        outbox.deliver(later(minutes=minutes))
        assert outbox.states() == [state]


def test_a_kind_nobody_announced_blocks_no_other(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, kind="test.of-a-newer-version")
    outbox.plan(2)
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 1}
    assert outbox.states() == ["waiting", "sent"]


def test_a_kind_that_has_nothing_to_say_when_composing_is_skipped(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, tells={"silent": True})
    outbox.plan(2)
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 0}
    first = outbox.messages()[0]
    assert (first.state, first.reason) == ("skipped", "there is nothing to say")


def test_quiet_hours_hold_a_mail_back_until_they_end(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, tells={"night": True})
    outbox.plan(2)
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 1}
    assert outbox.deliver(later(minutes=59)) == {"sent": 0, "failed": 0, "waiting": 1}
    assert outbox.messages()[0].envelope_id is None
    assert outbox.deliver(later(hours=1)) == {"sent": 1, "failed": 0, "waiting": 0}


def test_quiet_hours_hold_back_what_was_packed_before_them(outbox: Outbox, mail_sink: MailSink) -> None:
    evening = later(hours=14)
    outbox.plan(1, tells={"night": True})
    mail_sink.stop()
    outbox.deliver(evening)
    mail_sink.start()
    assert outbox.deliver(later(days=1)) == {"sent": 0, "failed": 0, "waiting": 1}
    assert outbox.deliver(later(days=1, hours=1))["sent"] == 1
    assert outbox.attempts() == [("answered", "sent")]


@pytest.mark.parametrize(("early", "ends"), [(timedelta(microseconds=1), "sent"), (timedelta(0), "not_delivered")])
def test_what_comes_too_late_is_not_sent_and_a_human_hears_of_it(
    outbox: Outbox, mail_sink: MailSink, early: timedelta, ends: str
) -> None:
    outbox.plan(1)
    answer = outbox.deliver(later(days=2) - early)
    assert outbox.states() == [ends]
    assert answer["failed"] == (1 if ends == "not_delivered" else 0)
    assert len(mail_sink.mails) == (1 if ends == "sent" else 0)


def test_what_comes_too_late_and_is_untrue_anyway_is_skipped(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.move(1)
    assert outbox.deliver(later(days=3)) == {"sent": 0, "failed": 0, "waiting": 0}
    assert [(m.state, m.reason) for m in outbox.messages()] == [("skipped", "subject 1 was moved")]


def test_attempts_are_evidence_and_cannot_be_changed(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    with pytest.raises(Exception, match="append-only"), short_transaction() as session:
        session.execute(update(Attempt).values(outcome="unsure"))
    db.session.rollback()
    assert db.session.scalar(select(func.count(Attempt.id)).where(Attempt.outcome == "sent")) == 1


# One commit between two mails -----------------------------------------------------------------------------------------


def test_a_mail_costs_one_commit_and_a_few_statements(outbox: Outbox, mail_sink: MailSink) -> None:
    recipients = [outbox.add_recipient(f"r{n}@example.org") for n in range(40)]
    for recipient in recipients:
        outbox.plan(1, to=recipient)
    said: Counter[str] = Counter()

    def statement(_connection: Any, _cursor: Any, text: str, *_more: Any) -> None:
        said["reads" if text.startswith("SELECT") else "writes"] += 1

    def commit(_connection: Any) -> None:
        said["commits"] += 1

    event.listen(db.engine, "before_cursor_execute", statement)
    event.listen(db.engine, "commit", commit)
    try:
        assert outbox.deliver()["sent"] == 40
    finally:
        event.remove(db.engine, "before_cursor_execute", statement)
        event.remove(db.engine, "commit", commit)
    # What belongs to a batch, or to the run, counts as a part of one here.
    assert said["commits"] <= 1.6 * 40
    assert said["reads"] <= 1 * 40
    assert said["writes"] <= 8 * 40


def test_the_next_mail_turning_untrue_does_not_hold_up_what_is_known_of_this_one(
    outbox: Outbox, mail_sink: WatchedSink
) -> None:
    outbox.plan(1, 2, 3)
    moved = insert(HouseFact).values(key="moved:2", value="yes")
    mail_sink.at_rcpt += [lambda: None, lambda: outbox.write_beside(moved)]
    assert outbox.deliver() == {"sent": 2, "failed": 0, "waiting": 0}
    assert outbox.states() == ["sent", "skipped", "sent"]
    assert [m.text.split()[1] for m in mail_sink.mails] == ["1", "3"]
    assert [outcome for _, outcome in outbox.attempts()] == ["sent", "skipped", "sent"]


def test_what_is_known_of_one_mail_does_not_wait_for_the_relay_to_take_the_next(
    outbox: Outbox, mail_sink: WatchedSink
) -> None:
    outbox.plan(1, 2)
    seen: list[str] = []

    def be_slow() -> None:
        until = time.monotonic() + 25
        while seen[:1] != ["sent"] and time.monotonic() < until:
            with outbox.engine.connect() as connection:
                seen[:] = connection.scalars(select(Message.state).order_by(Message.subject_id))

    mail_sink.at_rcpt += [lambda: None, be_slow]
    assert outbox.deliver()["sent"] == 2
    assert seen == ["sent", "waiting"]


def test_the_last_mail_is_written_down_when_the_relay_goes_away_before_the_next(
    outbox: Outbox, mail_sink: WatchedSink
) -> None:
    outbox.plan(1, 2)
    mail_sink.answers.rcpt_of["second@example.org"] = "421 closing"
    outbox.plan(3, to=outbox.add_recipient("second@example.org"), due_at=NOW)
    assert outbox.deliver() == {"sent": 2, "failed": 0, "waiting": 1}
    assert outbox.states() == ["sent", "sent", "waiting"]
    assert [outcome for _, outcome in outbox.attempts()] == ["sent", "sent"]


def test_one_row_that_somebody_holds_stops_no_other(outbox: Outbox, mail_sink: MailSink) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite locks no rows")
    outbox.plan(1, 2, 3)
    outbox.pack()
    with outbox.engine.connect() as stuck:
        stuck.execute(select(Message.id).where(Message.subject_id == 1).with_for_update())
        assert outbox.deliver() == {"sent": 2, "failed": 0, "waiting": 1}
    assert outbox.states() == ["waiting", "sent", "sent"]
    assert outbox.deliver(later(seconds=29))["sent"] == 0
    assert outbox.deliver(later(seconds=30))["sent"] == 1
