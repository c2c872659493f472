"""Which messages are one mail, and what becomes of a mail that carries several."""

import sys
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from mail_sink import MailSink
from outbox_ground import NOW, Outbox, later
from sqlalchemy import event, select

from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.outbox.models import Envelope, Message
from tracker.outbox.packing import Due, bundled, list_packable, pack

SHARES = {"shares": True, "reader_zone": "Asia/Jerusalem"}


def due(number: int, to: int = 1, kind: str = "a", shares: bool = True, at: datetime = NOW) -> Due:
    """A message that is due."""
    return Due(number, f"key:{number}", kind, to, at, shares, "UTC")


def numbers(groups: Iterable[Iterable[Due]]) -> list[list[int]]:
    """The messages of each mail."""
    return [[m.id for m in group] for group in groups]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("left", "count", "mails"),
    [
        (0, 1, [[1]]),
        (0, 2, [[1], [2]]),
        (0, 3, [[1, 2, 3]]),
        (1, 1, [[1]]),
        (1, 2, [[1, 2]]),
        (2, 1, [[1]]),
        (9, 2, [[1, 2]]),
    ],
)
def test_from_three_mails_a_day_on_what_may_share_a_mail_does(left: int, count: int, mails: list[list[int]]) -> None:
    assert numbers(bundled([due(n + 1) for n in range(count)], {1: left, 2: 50})) == mails


@pytest.mark.one_engine
def test_what_stands_for_itself_counts_and_goes_alone() -> None:
    there = [due(1, shares=False), due(2), due(3)]
    assert numbers(bundled(there, {})) == [[1], [2, 3]]
    assert numbers(bundled([due(n, shares=False) for n in (1, 2, 3)], {})) == [[1], [2], [3]]


@pytest.mark.one_engine
def test_a_mail_is_of_one_reader_and_one_kind_and_begins_with_what_was_due_first() -> None:
    there = [
        due(1, at=later(minutes=1)),
        due(2),
        due(3, to=2),
        due(4, kind="b"),
        due(5, kind="b"),
        due(6, to=2),
    ]
    assert numbers(bundled(there, {})) == [[2, 1], [4, 5], [3], [6]]


def test_a_morning_with_many_is_one_mail(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 2, 3, 4, tells=SHARES)
    outbox.plan(5)
    assert outbox.deliver() == {"sent": 5, "failed": 0, "waiting": 0}
    assert sorted(m.text.split("\r\n")[0] for m in mail_sink.mails) == ["note 1, note 2, note 3, note 4", "note 5"]


def test_one_that_comes_late_goes_at_once_and_alone(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 2, tells=SHARES)
    assert outbox.deliver()["sent"] == 2
    outbox.plan(3, tells=SHARES, due_at=later(hours=2))
    assert outbox.deliver(later(hours=2))["sent"] == 1
    assert len(mail_sink.mails) == 3
    outbox.plan(4, 5, tells=SHARES, due_at=later(hours=3))
    outbox.deliver(later(hours=3))
    assert len(mail_sink.mails) == 4


@pytest.mark.parametrize(("clock", "mails"), [("21:59:59", 2), ("22:00:00", 3)])
def test_a_day_is_the_readers_own(outbox: Outbox, mail_sink: MailSink, clock: str, mails: int) -> None:
    """Midnight in Jerusalem is 21:00 of the same day in summer: what left before it is of another day."""
    outbox.plan(1, tells=SHARES, due_at=datetime.fromisoformat("2026-04-07T20:59:59Z"))
    outbox.deliver(datetime.fromisoformat("2026-04-07T20:59:59Z"))
    at = datetime.fromisoformat(f"2026-04-07T{clock}Z") - timedelta(hours=1)
    outbox.plan(2, 3, tells=SHARES, due_at=at)
    outbox.deliver(at)
    assert len(mail_sink.mails) == mails


def test_nobodys_messages_are_torn_between_pages(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[list_packable.__module__], "CHUNK", 4)
    readers = [outbox.add_recipient(f"r{n}@example.org") for n in range(4)]
    for number in range(6):
        for reader in readers[:3]:
            outbox.plan(number, to=reader, tells=SHARES)
    outbox.plan(9, to=readers[3], tells=SHARES)
    pages: list[set[int]] = []
    rest = None
    while True:
        with short_transaction() as session:
            ready, rest = list_packable(session, NOW, rest)
            pages.append({m.recipient_id for m in ready})
            pack(session, ready, "example.org", NOW)
        if rest is None:
            break
    assert [len(page) for page in pages] == [1, 1, 1, 1]
    assert set().union(*pages) == set(readers)
    assert len(outbox.envelopes()) == 4


def test_packing_costs_the_same_for_few_and_for_many(outbox: Outbox) -> None:
    counts = []
    for many in (2, 60):
        reader = outbox.add_recipient(f"r{many}@example.org")
        for _other in range(many // 2):
            outbox.plan(many, to=outbox.add_recipient(f"r{many}-{_other}@example.org"))
        outbox.plan(*range(many), to=reader, tells=SHARES)
        said: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object, said: list[str] = said) -> None:
            said.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            outbox.pack_at(NOW)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        counts.append(len([s for s in said if s.startswith(("SELECT", "UPDATE"))]))
    assert counts[1] <= counts[0]


def test_one_that_is_no_longer_true_is_left_out_of_its_mail(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 2, 3, tells=SHARES)
    outbox.pack_at(NOW)
    outbox.move(1)
    assert outbox.deliver() == {"sent": 2, "failed": 0, "waiting": 0}
    (mail,) = mail_sink.mails
    assert mail.text.startswith("note 2, note 3")
    assert outbox.states() == ["skipped", "sent", "sent"]


def test_a_mail_of_which_nothing_is_true_does_not_leave(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 2, 3, tells=SHARES)
    outbox.pack_at(NOW)
    for number in (1, 2, 3):
        outbox.move(number)
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 0}
    assert mail_sink.mails == []
    assert [m.reason for m in outbox.messages()] == [f"subject {n} was moved" for n in (1, 2, 3)]
    assert [e.state for e in outbox.envelopes()] == ["skipped"]


def test_a_mail_of_several_killed_after_its_mark_goes_once_more_as_a_whole(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.rehearse()
    outbox.plan(1, 2, 3, tells=SHARES)
    outbox.kill_at("after_data")
    (envelope,) = outbox.envelopes()
    outbox.deliver(later(minutes=1))
    assert outbox.states() == ["waiting"] * 3
    outbox.deliver(later(minutes=15))
    assert outbox.states() == ["sent"] * 3
    assert [m.text.split("\r\n")[0] for m in mail_sink.mails] == ["note 1, note 2, note 3"] * 2
    assert {m.message["Message-ID"] for m in mail_sink.mails} == {envelope.message_id}
    outbox.deliver(later(hours=1))
    assert len(mail_sink.mails) == 2


def test_a_message_that_lent_its_key_to_a_mail_that_left_without_it_gets_one_of_its_own(outbox: Outbox) -> None:
    outbox.plan(1, 2, 3, tells=SHARES)
    outbox.pack_at(NOW)
    with short_transaction() as session:
        first = session.scalars(select(Message).where(Message.subject_id == 1)).one()
        first.envelope_id = None
        session.scalars(select(Envelope)).one().state = "sent"
    outbox.pack_at(NOW)
    one, other = (e.message_id for e in outbox.envelopes())
    assert one != other


def test_one_that_has_nothing_to_say_takes_no_other_along(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.plan(1, 3, tells=SHARES)
    outbox.plan(2, tells={**SHARES, "silent": True})
    for minutes in range(0, 10, 2):
        outbox.deliver(later(minutes=minutes))
    assert outbox.states() == ["sent", "skipped", "sent"]
    assert sorted(number for mail in mail_sink.mails for number in (1, 2, 3) if f"note {number}" in mail.text) == [1, 3]


def test_a_mail_that_may_have_arrived_is_never_taken_apart(outbox: Outbox, mail_sink: MailSink) -> None:
    outbox.rehearse()
    outbox.plan(1, 2, 3, tells=SHARES)
    outbox.kill_at("after_data")
    with short_transaction() as session:
        session.scalars(select(Message).where(Message.subject_id == 2)).one().tells = {**SHARES, "breaks": True}
    for minutes in (1, 15, 20, 30, 45):
        outbox.deliver(later(minutes=minutes))
    assert outbox.states() == ["may_have_arrived"] * 3
    assert len(mail_sink.mails) == 1
