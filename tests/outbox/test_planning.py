"""Planning, taking back, packing and reading: rows only, nothing is sent."""

import note_kind
import pytest
from outbox_ground import NOW, Outbox, later
from sqlalchemy import func, select

from tracker.base.db import db
from tracker.base.work import COMMAND, short_transaction, unit_of_work
from tracker.outbox import queries
from tracker.outbox.models import Envelope, Message, Recipient
from tracker.outbox.packing import Due, list_packable, pack
from tracker.outbox.service import cancel_messages, end_messages, ensure_recipients, plan_messages, recipient_for


def test_planning_the_same_again_plans_nothing(outbox: Outbox) -> None:
    assert outbox.plan(*range(1200)) == 1200
    assert outbox.plan(*range(1100, 1300)) == 100
    db.session.rollback()
    assert db.session.scalar(select(func.count(Message.id))) == 1300
    assert outbox.plan() == 0


def test_a_message_is_planned_at_the_instant_of_its_act(outbox: Outbox) -> None:
    recipient = outbox.add_recipient("a@example.org")
    row = note_kind.row(1, recipient, NOW)
    del row["created_at"]
    with unit_of_work("test.plan", COMMAND, now=later(minutes=5)):
        assert plan_messages(db.session(), [row]) == 1
    (message,) = outbox.messages()
    assert (message.created_at, message.ended_at, message.state) == (later(minutes=5), None, "waiting")


def test_what_another_message_serves_is_recorded_as_skipped(outbox: Outbox) -> None:
    outbox.plan(1, state="skipped", reason="one mail tells both")
    (message,) = outbox.messages()
    assert (message.state, message.reason, message.ended_at) == ("skipped", "one mail tells both", NOW)
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 0}


def test_an_account_becomes_a_recipient_once(outbox: Outbox) -> None:
    first = outbox.add_recipient("a@example.org")
    with short_transaction() as session:
        user_id = session.scalar(select(Recipient.user_id).where(Recipient.id == first))
        assert user_id is not None
        assert recipient_for(session, user_id).id == first
        ensure_recipients(session, [user_id, user_id])
        ensure_recipients(session, [])
        assert session.scalar(select(func.count(Recipient.id))) == 1


def test_taking_back_meets_only_what_waits(outbox: Outbox) -> None:
    outbox.plan(1, 2)
    outbox.deliver()
    outbox.plan(3, 4, due_at=later(days=1))
    with short_transaction() as session:
        assert cancel_messages(session, Message.subject_id.in_([1, 3]), "moved", later(hours=1)) == 1
    assert outbox.states() == ["sent", "sent", "cancelled", "waiting"]
    third = outbox.messages()[2]
    assert (third.reason, third.ended_at) == ("moved", later(hours=1))
    with short_transaction() as session:
        assert end_messages(session, Message.subject_id == 4, "skipped", "served by another", NOW) == 1


def test_messages_may_share_an_envelope(outbox: Outbox, mail_sink: object) -> None:
    outbox.plan(1, 2, 3)
    outbox.plan(9, to=outbox.add_recipient("other@example.org"))
    with short_transaction() as session:
        ready, more = list_packable(session, NOW)
        assert more is None

        def by_recipient(due: "list[Due]") -> "list[list[Due]]":
            return [[m for m in due if m.recipient_id == r] for r in {m.recipient_id for m in due}]

        assert pack(session, ready, "example.org", NOW, by_recipient) == 2  # type: ignore[arg-type]  # lists are sequences
    outbox.move(2)
    assert outbox.deliver() == {"sent": 3, "failed": 0, "waiting": 0}
    assert outbox.states() == ["sent", "skipped", "sent", "sent"]
    told = sorted(m.text.split("\r\n")[0] for m in mail_sink.mails)  # type: ignore[attr-defined]  # a sink
    assert told == ["note 1, note 3", "note 9"]


def test_one_that_cannot_be_composed_does_not_take_its_companions_along(outbox: Outbox, mail_sink: object) -> None:
    outbox.plan(1, 3)
    outbox.plan(2, tells={"breaks": True})
    with short_transaction() as session:
        ready, _ = list_packable(session, NOW)
        assert pack(session, ready, "example.org", NOW, lambda due: [due]) == 1
    outbox.deliver()
    outbox.deliver(later(minutes=1))
    outbox.deliver(later(minutes=3))
    outbox.deliver(later(minutes=10))
    assert outbox.states() == ["sent", "not_delivered", "sent"]


def test_packing_twice_makes_one_envelope(outbox: Outbox) -> None:
    outbox.plan(1)
    with short_transaction() as session:
        ready, _ = list_packable(session, NOW)
        assert pack(session, ready, "example.org", NOW) == 1
        assert pack(session, ready, "example.org", NOW) == 0
        assert session.scalar(select(func.count(Envelope.id))) == 1


def test_pages_of_what_waits_for_the_morning_do_not_hide_what_is_behind_them(outbox: Outbox) -> None:
    outbox.plan(*range(600), tells={"night": True})
    outbox.plan(1000)
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 600}


def test_staff_see_what_is_planned_what_went_and_what_needs_them(outbox: Outbox) -> None:
    outbox.plan(1, due_at=later(days=6, hours=23))
    outbox.plan(2, due_at=later(days=7))
    outbox.plan(3)
    outbox.plan(4, give_up_at=later(minutes=-1))
    outbox.deliver()
    session = db.session()
    (waiting,) = queries.next_week(session, NOW)
    assert (waiting.subject_id, waiting.kind, waiting.name, waiting.address, waiting.cause, waiting.due_at) == (
        *(1, "test.note", "Some One", "reader@example.org", "owner"),
        later(days=6, hours=23),
    )
    (sent,) = queries.recently_sent(session)
    assert (sent.subject_id, sent.sent_at, sent.attempts) == (3, NOW, 1)
    (bad,) = queries.needing_a_human(session)
    assert (bad.subject_id, bad.state, bad.reason) == (
        4,
        "not_delivered",
        "it was too late: it could not be sent in time",
    )
    assert queries.needing_a_human(session, since=NOW) == []
    assert queries.recently_sent(session, sees=Message.subject_id == 9) == []
    assert [r.subject_id for r in queries.list_messages(session)] == [3, 4, 1, 2]
    assert [r.subject_id for r in queries.list_messages(session, "sent")] == [3]
    assert queries.relay_state(session, configured=False).state == "unset"


@pytest.mark.one_engine
def test_another_database_makes_other_message_ids(outbox: Outbox) -> None:
    from tracker.base.house import write_fact
    from tracker.outbox.packing import NAMESPACE

    outbox.plan(1)
    with short_transaction() as session:
        ready, _ = list_packable(session, NOW)
        pack(session, ready, "example.org", NOW)
    first = outbox.envelopes()[0].message_id
    outbox.plan(2)
    with short_transaction() as session:
        write_fact(session, NAMESPACE, "00000000-0000-0000-0000-000000000001")
        session.flush()
        ready, _ = list_packable(session, NOW)
        pack(session, [Due(ready[0].id, "note:1:1", ready[0].kind, ready[0].recipient_id, NOW)], "example.org", NOW)
    assert outbox.envelopes()[1].message_id != first
