"""What comes too late while it is being sent does not leave any more."""

from datetime import datetime

import pytest
from mail_sink import MailSink
from outbox_ground import NOW, Outbox, WatchedSink, later
from sqlalchemy import update

from tracker.outbox.models import Message


@pytest.mark.parametrize(
    ("give_up_at", "state"),
    [(later(seconds=-1), "not_delivered"), (NOW, "not_delivered"), (later(seconds=1), "sent")],
    ids=["before", "at", "after"],
)
def test_a_mail_whose_time_ends_between_recipient_and_mark_does_not_leave(
    outbox: Outbox, mail_sink: MailSink, give_up_at: datetime, state: str
) -> None:
    assert isinstance(mail_sink, WatchedSink)
    outbox.plan(1)
    mail_sink.at_rcpt.append(lambda: outbox.write_beside(update(Message).values(give_up_at=give_up_at)))
    told = outbox.deliver()
    assert outbox.states() == [state]
    assert len(mail_sink.mails) == told["sent"] == int(state == "sent")
    assert told["failed"] == int(state != "sent")
    assert [e.state for e in outbox.envelopes()] == [state]
    assert outbox.messages()[0].reason == ("" if state == "sent" else "it was too late: it could not be sent in time")


def test_what_shares_the_mail_and_is_in_time_leaves_without_it(outbox: Outbox, mail_sink: MailSink) -> None:
    assert isinstance(mail_sink, WatchedSink)
    outbox.plan(1, 2, 3, tells={"shares": True})
    first = Message.subject_id == 1
    mail_sink.at_rcpt.append(lambda: outbox.write_beside(update(Message).where(first).values(give_up_at=NOW)))
    outbox.deliver()
    assert outbox.states() == ["not_delivered", "sent", "sent"]
