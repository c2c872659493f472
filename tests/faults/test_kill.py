"""F1: processes killed with `kill -9` at every step between a due thing and its mail."""

import os
import signal
from datetime import timedelta

import pytest
from house_of_faults import FaultTable, Verdict, judge, late
from outbox_ground import NOW, Outbox
from raw_relay import RawRelay
from zygote import Zygote

#: How many processes are killed at a step before one lives.
KILLS = 3


def settled(outbox: Outbox, relay: RawRelay, zygote: Zygote) -> Verdict:
    """Let processes run that nothing happens to, until the last wait is over; hold what holds after any fault."""
    recovered = NOW + timedelta(minutes=4)
    for minutes in (4, 5, 6, 15, 30):
        zygote.start("deliver", outbox.env, NOW + timedelta(minutes=minutes)).said()
    verdict = judge(outbox.engine, relay.copies())
    assert verdict.lost == 0
    assert late(outbox.engine, recovered) == []
    return verdict


@pytest.mark.parametrize(
    "step", ["dies_at INSERT INTO envelopes", "in_claim", "after_claim", "after_rcpt", "in_mark", "after_settle"]
)
def test_killed_where_nothing_can_be_in_doubt_nothing_is_lost_and_nothing_doubled(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, fault_table: FaultTable, step: str
) -> None:
    outbox.plan(*range(6))
    statement = step.removeprefix("dies_at ")
    how = {"failpoint": step} if statement == step else {"dies_at": statement}
    for kill in range(KILLS):
        assert zygote.start("deliver", outbox.env, NOW + timedelta(minutes=kill), **how).wait() == -9
    verdict = fault_table.add(f"`kill -9`: {statement}", settled(outbox, relay, zygote), KILLS)
    assert (verdict.states, verdict.doubled) == ({"sent": 6}, 0)


@pytest.mark.parametrize(
    ("step", "doubled"),
    [
        ("after_mark", 0),
        ("after_data", KILLS),
        ("in_settle", KILLS),
        # Of the second mail: what the relay said to the first is written down with the mark of the second. Those that
        # were in hand when a process ended go one at a time from then on, so that it happens once.
        ("after_rcpt*2", 1),
        ("in_mark*2", 1),
        ("after_mark*2", 0),
    ],
)
def test_killed_after_the_mark_one_more_copy_with_the_same_message_id(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, fault_table: FaultTable, step: str, doubled: int
) -> None:
    outbox.plan(*range(6))
    for _kill in range(KILLS):
        assert zygote.start("deliver", outbox.env, NOW, failpoint=step).wait() == -9
    verdict = fault_table.add(f"`kill -9`: {step}", settled(outbox, relay, zygote), KILLS)
    assert (verdict.states, verdict.doubled) == ({"sent": 6}, doubled)


def test_killed_in_the_middle_of_a_mail_it_goes_once_more_whole(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, fault_table: FaultTable
) -> None:
    # Larger than what the network holds, so that the process is in the middle of it when it ends.
    outbox.plan(1, tells={"text": "long " * 600_000})
    outbox.plan(2)
    life = zygote.start("deliver", outbox.env, NOW)
    relay.at["middle"] = [lambda: os.kill(life.pid, signal.SIGKILL)]
    assert life.wait() == -9
    assert relay.arrivals == []
    verdict = fault_table.add("`kill -9`: within DATA", settled(outbox, relay, zygote))
    assert (verdict.states, verdict.doubled) == ({"sent": 2}, 0)


def test_killed_again_and_again_after_the_relay_took_it_a_human_hears_of_it(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, fault_table: FaultTable
) -> None:
    outbox.plan(1)
    for minutes in (0, 10):
        assert (
            zygote.start("deliver", outbox.env, NOW + timedelta(minutes=minutes), failpoint="after_data").wait() == -9
        )
        if not minutes:
            zygote.start("deliver", outbox.env, NOW).said()
    verdict = fault_table.add("`kill -9`: after_data, twice for one mail", settled(outbox, relay, zygote), 2)
    assert (verdict.states, verdict.doubled) == ({"may_have_arrived": 1}, 1)
