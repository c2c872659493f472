"""Two lines of one deliverer to the relay, where the database lets two write at once: whatever befalls either of them,
each mail is the matter of one."""

import threading
import time
from datetime import timedelta

import pytest
from house_of_faults import FaultTable, judge
from outbox_ground import NOW, Outbox
from raw_relay import RawRelay
from sqlalchemy import text
from zygote import Zygote

from tracker.base import failpoints
from tracker.base.db import db
from tracker.outbox import deliver as delivering
from tracker.outbox import protocol, queries

pytestmark = pytest.mark.only_postgres

#: More than one line claims at once, and not so many that it takes long.
MAILS = 3 * protocol.BATCH


def recovered(outbox: Outbox, relay: RawRelay) -> dict[str, int]:
    """Everything works again, and every wait is over: the copies of each mail."""
    outbox.write_beside(text("UPDATE envelopes SET lease_until = NULL WHERE state = 'sending'"))
    for minutes in (4, 5, 16, 30):
        outbox.deliver(NOW + timedelta(minutes=minutes))
    return relay.copies()


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
def test_many_mails_go_over_two_lines_and_few_over_one(
    outbox: Outbox, relay: RawRelay, offers: tuple[str, ...]
) -> None:
    relay.offers = offers
    outbox.plan(*range(protocol.BATCH - 1))
    assert outbox.deliver() == {"sent": protocol.BATCH - 1, "failed": 0, "waiting": 0}
    assert relay.connections == 1
    outbox.plan(*range(100, 100 + MAILS))
    assert outbox.deliver() == {"sent": MAILS, "failed": 0, "waiting": 0}
    assert relay.connections == 3
    assert set(relay.copies().values()) == {1}


def wait_for_both(relay: RawRelay) -> None:
    """Let the line that comes first wait for the other: each has something in hand from then on."""
    until = time.monotonic() + 25
    while relay.commands.count("MAIL") < 2 and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("step", "doubled"),
    [("after_rcpt*30", 2), ("in_mark*30", 2), ("after_mark*30", 1), ("after_data*30", 2), ("in_settle*30", 2)],
)
def test_killed_with_two_lines_in_flight_at_most_one_mail_of_each_goes_once_more(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, fault_table: FaultTable, step: str, doubled: int
) -> None:
    """At most one mail of a line is between the relay's answer and its being written down. At the mark of a line that
    one is written down; the other line may be anywhere."""
    outbox.plan(*range(MAILS))
    relay.at["RCPT"] = [lambda: wait_for_both(relay)]
    assert zygote.start("deliver", outbox.env, NOW, failpoint=step).wait() == -9
    assert relay.connections == 2
    recovered(outbox, relay)
    verdict = fault_table.add(f"`kill -9` with two lines: {step}", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.lost) == ({"sent": MAILS}, 0)
    assert verdict.doubled <= doubled


def test_a_relay_that_bears_one_line_gets_all_over_that_and_no_mail_is_charged(
    outbox: Outbox, relay: RawRelay, fault_table: FaultTable
) -> None:
    relay.most = 1
    outbox.plan(*range(MAILS))
    assert outbox.deliver() == {"sent": MAILS, "failed": 0, "waiting": 0}
    assert outbox.attempts() == [("answered", "sent")] * MAILS
    db.session.rollback()
    assert queries.relay_state(db.session()).state == "ok"
    verdict = fault_table.add("two lines: the relay bears one", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.doubled) == ({"sent": MAILS}, 0)


def test_a_relay_that_ends_its_service_on_both_lines_charges_no_mail(
    outbox: Outbox, relay: RawRelay, fault_table: FaultTable
) -> None:
    outbox.plan(*range(MAILS))
    relay.at["RCPT"] = [lambda: None] * 24 + [lambda: relay.answers.update(MAIL=["421 4.3.2 closing"] * MAILS)]
    answer = outbox.deliver()
    assert answer["failed"] == 0
    assert answer["waiting"] == MAILS - answer["sent"] > 0
    assert {e.attempts for e in outbox.envelopes() if e.state == "waiting"} == {0}
    assert [e.id for e in outbox.envelopes() if e.state == "sending"] == []
    relay.answers.clear()
    recovered(outbox, relay)
    verdict = fault_table.add("two lines: the relay ends its service (421)", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.doubled) == ({"sent": MAILS}, 0)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "dot"])
def test_a_relay_that_puts_mails_off_on_both_lines_gets_each_once(
    outbox: Outbox, relay: RawRelay, fault_table: FaultTable, verb: str, offers: tuple[str, ...]
) -> None:
    relay.offers = offers
    outbox.plan(*range(MAILS))
    relay.at["RCPT"] = [lambda: None] * 24 + [lambda: relay.answers.update({verb: ["451 4.3.0 later"] * 2})]
    answer = outbox.deliver()
    assert answer["failed"] == 0
    relay.answers.clear()
    recovered(outbox, relay)
    verdict = fault_table.add("two lines: the relay puts mails off (451)", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.doubled) == ({"sent": MAILS}, 0)


@pytest.mark.parametrize("where", ["RCPT", "DATA", "dot", "kept"])
def test_lines_that_end_in_the_middle_lose_nothing_and_keep_the_others_from_it(
    outbox: Outbox, relay: RawRelay, fault_table: FaultTable, where: str
) -> None:
    outbox.plan(*range(MAILS))
    relay.at["RCPT"] = [lambda: None] * 24 + [lambda: relay.drops.extend([where] * MAILS)]
    outbox.deliver()
    # Two in a row, and the one that the other line has in hand.
    unsure = outbox.attempts().count(("dispatching", "unsure"))
    assert unsure <= (delivering.UNSURE_IN_A_ROW + 1 if where in ("dot", "kept") else 0)
    relay.drops.clear()
    recovered(outbox, relay)
    verdict = fault_table.add(f"two lines: both end at {where}", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.lost) == ({"sent": MAILS}, 0)
    assert verdict.doubled <= (unsure if where == "kept" else 0)


def test_what_goes_wrong_with_the_second_line_is_told_and_loses_nothing(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch, fault_table: FaultTable
) -> None:
    first = threading.current_thread()
    left = ["after_mark"]

    def passed(name: str) -> None:
        if left and name in left and threading.current_thread() is not first:
            left.clear()
            raise MemoryError("on the second line")

    monkeypatch.setattr(failpoints, "point", passed)
    outbox.plan(*range(MAILS))
    relay.at["RCPT"] = [lambda: wait_for_both(relay)]
    with pytest.raises(MemoryError):
        outbox.deliver()
    assert left == []
    recovered(outbox, relay)
    verdict = fault_table.add("two lines: the second fails", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.lost, verdict.doubled) == ({"sent": MAILS}, 0, 0)
