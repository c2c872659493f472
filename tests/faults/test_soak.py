"""F18: faults at random against several deliverers, while hearings move and are cancelled.

Twenty seconds in the suite; `make soak` is ten minutes. What happens is decided by the seed, which is printed first;
how the processes meet is decided by the machine.
"""

import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from house_of_faults import FaultTable, judge, late
from land import START, Land, day_from
from raw_relay import RawRelay
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from zygote import Life, Zygote

from tracker.base.db import WRITES, db
from tracker.base.house import HouseFact
from tracker.base.work import short_transaction
from tracker.hearings.service import cancel_hearing, move_hearing

POINTS = ("in_claim", "after_claim", "after_rcpt", "in_mark", "after_mark", "after_data", "in_settle", "after_settle")

#: Claims so small that a second line opens for few mails, and tries to write something down that are soon over.
SETS: dict[str, Any] = {"tracker.outbox.protocol:BATCH": 2, "tracker.outbox.deliver:INSIST": [0.1, 0.2, 0.4]}

#: The waits of a deliverer, short enough to be waited out, where it is they that are over.
WAITS: dict[str, dict[str, Any]] = {
    "black_hole": {
        "tracker.outbox.channels.email:ANSWER_SECONDS": 0.5,
        "tracker.outbox.channels.email:ACCEPT_SECONDS": 0.5,
    },
    "locked": {"tracker.base.db:BUSY_TIMEOUT_MS": 500},
}


class Soak:
    """Rounds of things that happen and go wrong."""

    def __init__(self, land: Land, zygote: Zygote, env: dict[str, str], seed: int) -> None:
        self.land, self.zygote, self.env = land, zygote, env
        self.dice = random.Random(seed)
        self.now = START
        self.hearings: list[int] = []
        self.happened: Counter[str] = Counter()
        self.faults: tuple[Callable[[], None], ...] = (
            self.nothing,
            self.killed_at_a_step,
            self.killed_at_any_moment,
            self.refused_for_now,
            self.reset,
            self.black_hole,
            self.locked,
        )
        self.points: list[str] = []
        self.kill_after: list[float] = []
        self.disturb: Callable[[], None] | None = None
        self.wrong = ""

    # What goes wrong --------------------------------------------------------------------------------------------------

    def nothing(self) -> None:
        """A round in which everything works."""

    def killed_at_a_step(self) -> None:
        self.points = [f"{self.dice.choice(POINTS)}*{self.dice.randint(1, 4)}" for _ in range(self.dice.randint(1, 2))]

    def killed_at_any_moment(self) -> None:
        self.kill_after = [self.dice.uniform(0.1, 0.8) for _ in range(2)]

    def refused_for_now(self) -> None:
        verb = self.dice.choice(("banner", "MAIL", "RCPT", "DATA", "dot"))
        self.land.relay.answers[verb] = [f"{self.dice.choice((421, 450, 451, 452))} not now"] * self.dice.randint(1, 4)

    def reset(self) -> None:
        self.land.relay.reset = self.dice.random() < 0.7
        self.land.relay.drops[:] = self.dice.choices(
            ("RCPT", "DATA", "middle", "dot", "kept"), k=self.dice.randint(1, 3)
        )

    def black_hole(self) -> None:
        self.land.relay.slow[self.dice.choice(("banner", "RCPT", "dot"))] = 0.8

    def locked(self) -> None:
        self.disturb = self.terminate if db.engine.dialect.name == "postgresql" else self.lock

    def lock(self) -> None:
        with db.engine.connect().execution_options(**{WRITES: True}) as held:
            held.begin()
            time.sleep(0.8)
            held.rollback()

    def terminate(self) -> None:
        for _time in range(3):
            time.sleep(0.2)
            with db.engine.connect() as connection, suppress(DBAPIError):
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                    )
                )

    # What happens -----------------------------------------------------------------------------------------------------

    def acts(self) -> None:
        """Hearings are announced, move, are called off."""
        for _new in range(self.dice.randint(0, 2)):
            made = self.land.schedule(self.now, day_from(self.now, self.dice.randint(1, 7)), self.dice.randint(0, 1))
            if made is not None:
                self.hearings.append(made)
        self.change()

    def change(self) -> None:
        """One of the last hearings moves or is off, or a reader follows."""
        number = self.dice.choice(self.hearings[-5:])
        what = self.dice.choice(("move", "move", "cancel", "follow", "stop", "nothing"))
        if what == "move":
            when = day_from(self.now, self.dice.randint(1, 7))
            self.land.act(self.now, self.land.change(number, move_hearing, when, unlikely_is_meant=True))
        elif what == "cancel":
            self.land.act(self.now, self.land.change(number, cancel_hearing))
        elif what == "follow":
            self.land.follow(self.dice.randint(0, 3), None, self.now)
        elif what == "stop":
            self.land.act(self.now, self.land.stop(self.dice.randint(0, 3), None)(self.now))

    def round(self) -> None:
        """Some time, some acts, one fault, several deliverers, and a change while they work."""
        self.now += timedelta(minutes=self.dice.choice((1, 2, 5, 11)))
        if self.now.hour >= 15:
            self.now = self.now.replace(hour=8, minute=0) + timedelta(days=1)
        fault = self.dice.choice(self.faults)
        self.wrong = fault.__name__
        self.happened[self.wrong] += 1
        self.acts()
        fault()
        lives = [self.start(what, self.points.pop() if self.points else "") for what in ("tick", "mail", "mail")]
        watch = [threading.Timer(after, life.kill) for after, life in zip(self.kill_after, lives, strict=False)]
        for timer in watch:
            timer.start()
        if self.disturb is not None:
            self.disturb()
        else:
            time.sleep(self.dice.uniform(0, 0.4))
            self.change()
        for life in lives:
            code = life.wait()
            # A database that was taken away ends a step; the next one goes on.
            assert code == 0 or (code == -9 and fault in self.faults[1:3]) or fault == self.locked, life.words
        for timer in watch:
            timer.cancel()
        self.mend()

    def start(self, what: str, failpoint: str = "") -> Life:
        return self.zygote.start(what, self.env, self.now, failpoint=failpoint, sets=SETS | WAITS.get(self.wrong, {}))

    def mend(self) -> None:
        """Everything works again."""
        relay = self.land.relay
        relay.answers.clear()
        relay.drops.clear()
        relay.slow.clear()
        relay.reset = False
        self.points, self.kill_after, self.disturb, self.wrong = [], [], None, ""
        db.session.rollback()
        db.engine.dispose()

    def rest(self) -> None:
        """Until nothing is left to do; within working hours the promises of a clock that works hold."""
        for _wait in range(4):
            self.now += timedelta(minutes=16)
            self.start("tick").said()
        self.land.caught_up(self.now)
        for _day in range(9):
            self.now = self.now.replace(hour=9, minute=0) + timedelta(days=1)
            self.start("tick").said()
            self.land.caught_up(self.now)


@pytest.mark.slow
def test_faults_at_random_break_no_promise(
    app: Flask,
    relay: RawRelay,
    zygote: Zygote,
    tracker_env: dict[str, str],
    fault_table: FaultTable,
    request: pytest.FixtureRequest,
) -> None:
    seconds: Any = request.config.getoption("--soak-seconds")
    seed: Any = request.config.getoption("--soak-seed")
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    print(f"\n--soak-seed={seed} for {seconds / 2:.0f} s on {db.engine.dialect.name}")
    with short_transaction() as session:
        session.merge(HouseFact(key="rehearsal", value="yes"))
    land = Land(app, relay)
    land.begin(others=True)
    soak = Soak(land, zygote, tracker_env, seed)
    first = land.schedule(soak.now, day_from(soak.now, 3), 0)
    assert first is not None
    soak.hearings.append(first)
    end = time.monotonic() + seconds / 2
    while time.monotonic() < end:
        soak.round()
        assert land.wrong == []
    soak.rest()
    assert land.wrong == []
    verdict = judge(db.engine, relay.copies())
    fault_table.add("faults at random", verdict, sum(soak.happened.values()))
    print(f"{dict(soak.happened)}: {verdict}")
    assert verdict.lost == 0
    assert late(db.engine, soak.now) == []
