"""Any history of acts, ticks and faults keeps the promises: nothing lost, nothing twice, nothing that is not so.

A failing history is printed in its shortest form, with the line that repeats it.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import Postgres
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from land import START, ZONE, Land, day_from
from raw_relay import RawRelay
from sqlalchemy import select
from sqlalchemy.engine import make_url

from tracker.base import failpoints
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.hearings import service as hearings
from tracker.outbox import deliver as delivering
from tracker.outbox.models import Envelope, Message

#: The steps at which the deliverer may end.
POINTS = ("in_claim", "after_claim", "after_rcpt", "in_mark", "after_mark", "after_data", "in_settle", "after_settle")

#: Where a connection may end.
DROPS = ("banner", "EHLO", "MAIL", "RCPT", "DATA", "middle", "dot", "kept")

ZONES = ("", "Asia/Jerusalem", "Europe/London", "America/New_York", "Asia/Kathmandu", "Africa/Cairo")

#: How many histories, at random, for who has the time; without it the suite runs the same few each time.
MANY = int(os.environ.get("HISTORIES", "0"))


class Crash(BaseException):
    """The process ends here: nothing that a living one would still write may be written."""


class Histories(RuleBasedStateMachine):
    """Acts, ticks and faults, in any order."""

    land: Land
    restore: Callable[[], None]

    @initialize(days=st.tuples(st.integers(1, 9), st.integers(1, 9)), hour=st.sampled_from((None, 9)))
    def begins(self, days: tuple[int, int], hour: int | None) -> None:
        """The desk, with a hearing in each of its cases."""
        type(self).restore()
        self.land.begin()
        self.land.lost_answers = Counter()
        self.land.relay.drops.clear()
        self.land.relay.answers.clear()
        self.land.relay.at.clear()
        self.now = START
        self.hearings: list[int] = []
        for case, ahead in enumerate(days):
            self.announce(case, ahead, hour)

    # Acts -------------------------------------------------------------------------------------------------------------

    @rule(
        case=st.integers(0, 1), days=st.integers(0, 16), hour=st.sampled_from((None, 7, 9, 14)), by_hand=st.booleans()
    )
    def a_hearing_is_announced(self, case: int, days: int, hour: int | None, by_hand: bool) -> None:
        self.announce(case, days, hour, by_hand)

    def announce(self, case: int, days: int, hour: int | None, by_hand: bool = False) -> None:
        made = self.land.schedule(self.now, day_from(self.now, days, hour), case, by_hand)
        if made is not None:
            self.hearings.append(made)

    def change(self, which: int, what: Any, *args: Any, by_hand: bool = False, **how: Any) -> None:
        number = self.hearings[which % len(self.hearings)]
        self.land.act(self.now, self.land.change(number, what, *args, **how), by_hand)

    known = precondition(lambda self: self.hearings)
    which = st.integers(0, 3)

    @known
    @rule(which=which, days=st.integers(0, 16), hour=st.sampled_from((None, 9)), by_hand=st.booleans())
    def it_moves(self, which: int, days: int, hour: int | None, by_hand: bool) -> None:
        when = day_from(self.now, days, hour)
        self.change(which, hearings.move_hearing, when, by_hand=by_hand, unlikely_is_meant=True)

    @known
    @rule(which=which, days=st.integers(0, 16), hour=st.sampled_from((None, 9)), by_hand=st.booleans())
    def we_had_it_wrong(self, which: int, days: int, hour: int | None, by_hand: bool) -> None:
        when = day_from(self.now, days, hour)
        self.change(which, hearings.correct_hearing, when, by_hand=by_hand, unlikely_is_meant=True)

    @known
    @rule(which=which, by_hand=st.booleans())
    def it_is_cancelled(self, which: int, by_hand: bool) -> None:
        self.change(which, hearings.cancel_hearing, by_hand=by_hand)

    @known
    @rule(which=which, by_hand=st.booleans())
    def it_is_on_again(self, which: int, by_hand: bool) -> None:
        self.change(which, hearings.reinstate_hearing, by_hand=by_hand)

    @known
    @rule(which=which)
    def somebody_makes_sure(self, which: int) -> None:
        self.change(which, hearings.confirm_hearing, hearings.Confirmation("the court"))

    @known
    @rule(which=which, outcome=st.sampled_from(("took_place", "adjourned", "postponed", "not_known")))
    def its_outcome_is_known(self, which: int, outcome: str) -> None:
        self.change(which, hearings.record_outcome, outcome)

    @rule(user=st.integers(0, 3), case=st.sampled_from((None, 0, 1)))
    def somebody_follows(self, user: int, case: int | None) -> None:
        self.land.follow(user, case, self.now)

    @rule(user=st.integers(0, 3), case=st.sampled_from((None, 0, 1)))
    def somebody_stops(self, user: int, case: int | None) -> None:
        self.land.act(self.now, self.land.stop(user, case)(self.now))

    @rule(case=st.integers(0, 1), named=st.integers(0, 3), open_again=st.booleans())
    def a_case_is_for_few(self, case: int, named: int, open_again: bool) -> None:
        self.land.act(self.now, self.land.restrict(case, named, Audience.DESK if open_again else Audience.NAMED))

    @rule(user=st.integers(0, 3))
    def somebody_leaves_or_comes_back(self, user: int) -> None:
        self.land.act(self.now, self.land.leave(user))

    @rule(user=st.integers(0, 3))
    def an_account_is_closed_or_opened(self, user: int) -> None:
        self.land.act(self.now, self.land.switch(user, self.now))

    @rule(user=st.integers(0, 3), zone=st.sampled_from(ZONES))
    def somebody_lives_elsewhere(self, user: int, zone: str) -> None:
        self.land.act(self.now, self.land.dwell(user, zone))

    # The clock --------------------------------------------------------------------------------------------------------

    def tick(self, plans: bool = True) -> None:
        self.land.tick(self.now, plans)

    @rule(minutes=st.sampled_from((1, 3, 10, 60, 240, 600, 1440, 3 * 1440)))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.tick()

    @rule(minutes=st.sampled_from((0, 1, 600)))
    def only_the_deliverer_runs(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.tick(plans=False)

    @rule(minutes=st.sampled_from((1, 10, 600, 1440)), where=st.lists(st.sampled_from(DROPS), min_size=1, max_size=3))
    def the_line_ends(self, minutes: int, where: list[str]) -> None:
        self.now += timedelta(minutes=minutes)
        self.land.relay.drops[:] = where
        self.tick()
        self.land.relay.drops.clear()

    @rule(
        minutes=st.sampled_from((1, 10, 600, 1440)),
        verb=st.sampled_from(("banner", "MAIL", "RCPT", "DATA", "dot")),
        code=st.sampled_from(("421", "450", "451")),
    )
    def the_relay_is_busy(self, minutes: int, verb: str, code: str) -> None:
        self.now += timedelta(minutes=minutes)
        self.land.relay.answers[verb] = [f"{code} not now"] * 2
        self.tick()
        self.land.relay.answers.clear()

    @rule(minutes=st.sampled_from((1, 10, 600, 1440)), point=st.sampled_from(POINTS), times=st.integers(1, 2))
    def the_deliverer_ends(self, minutes: int, point: str, times: int) -> None:
        self.now += timedelta(minutes=minutes)
        left = times
        ended = False

        def passed(name: str) -> None:
            nonlocal left, ended
            left -= name == point
            if name == point and left == 0:
                ended = True
                raise Crash

        def nothing_more() -> Any:
            if ended:
                raise Crash
            return written()

        written = delivering.short_transaction
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(failpoints, "point", passed)
            patch.setattr(delivering, "short_transaction", nothing_more)
            try:
                self.tick()
            except Crash:
                db.session.rollback()
                self.land.note_unwritten()

    @known
    @rule(
        minutes=st.sampled_from((1, 10, 600, 1440)),
        which=which,
        what=st.sampled_from(("move", "cancel", "few", "close", "leave", "stop")),
        user=st.integers(0, 3),
    )
    def something_changes_while_mail_leaves(self, minutes: int, which: int, what: str, user: int) -> None:
        """Just before the last look at the first mail."""
        self.now += timedelta(minutes=minutes)
        number = self.hearings[which % len(self.hearings)]
        act = {
            "move": self.land.change(number, hearings.move_hearing, day_from(self.now, 5), unlikely_is_meant=True),
            "cancel": self.land.change(number, hearings.cancel_hearing),
            "few": self.land.restrict(which % 2, user, Audience.NAMED),
            "close": self.land.switch(user, self.now),
            "leave": self.land.leave(user),
            "stop": self.land.stop(user, which % 2)(self.now),
        }[what]
        self.land.relay.at["RCPT"] = [lambda: self.land.elsewhere(self.now, act)]
        self.tick()
        self.land.relay.at.clear()

    # What holds -------------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_twice_and_nothing_untrue(self) -> None:
        if hasattr(self, "now"):
            self.land.hold()

    @rule()
    def everything_works_for_a_while(self) -> None:
        """Until the middle of a working day there, all waits over."""
        self.now += timedelta(minutes=20)
        self.tick()
        self.now += timedelta(minutes=20)
        while not 8 <= self.now.hour < 13:
            self.now += timedelta(minutes=30)
        self.tick()
        self.land.caught_up(self.now)

    def teardown(self) -> None:
        """In the end everything has an end."""
        if not hasattr(self, "now"):
            return
        for days in (0, 1, 1, 2, 3, 5, 6, 8):
            self.now += timedelta(days=days)
            self.everything_works_for_a_while()
        self.land.hold()
        db.session.rollback()
        due = db.session.scalars(select(Message).where(Message.due_at <= self.now)).all()
        endless = [(m.dedupe_key, m.state) for m in due if m.state in ("waiting", "sending", "paused")]
        assert endless == []
        assert [m.dedupe_key for m in due if not m.reason and m.state != "sent"] == []
        held = db.session.scalars(select(Envelope).where(Envelope.not_before <= self.now)).all()
        assert [e.message_id for e in held if e.state in ("waiting", "sending") or e.lease_token] == []


@pytest.fixture
def land(app: Flask, relay: RawRelay) -> Land:
    """The desk."""
    return Land(app, relay)


@pytest.fixture
def restore(land: Land, database_url: str, request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """Puts the database back to where nothing has happened."""

    def let_go() -> None:
        db.session.remove()
        db.engine.dispose()
        # What this machine remembers of mail belongs to the history that is over.
        land.app.extensions.pop("restored", None)
        for record in Path(land.app.instance_path).glob("sent.log*"):
            record.unlink()

    let_go()
    if database_url.startswith("sqlite"):
        file = Path(str(make_url(database_url).database))
        kept = file.with_suffix(".kept")
        shutil.copyfile(file, kept)

        def again() -> None:
            let_go()
            for beside in (f"{file}-wal", f"{file}-shm"):
                Path(beside).unlink(missing_ok=True)
            shutil.copyfile(kept, file)

        yield again
        return
    server: Postgres = request.getfixturevalue("postgres")
    copy = server.copy_of(database_url)

    def afresh() -> None:
        let_go()
        server.put_back(database_url, copy)

    yield afresh
    let_go()
    server.drop(copy)


def test_a_reader_who_moves_house_is_left_alone_at_night_by_their_new_clock(land: Land) -> None:
    """Found by a history: a reminder that waited kept the quiet hours of where its reader no longer lived."""
    land.begin()
    land.act(START, land.dwell(2, "America/New_York"))
    assert land.schedule(START, day_from(START, 9), 1) is not None
    land.tick(START + timedelta(minutes=1))
    land.act(START + timedelta(minutes=2), land.dwell(2, ""))
    land.tick(START + timedelta(minutes=3))
    # Eight in the morning in Jerusalem, two at night in New York.
    morning = START.replace(hour=6, minute=0) + timedelta(days=2)
    land.tick(morning)
    assert {g.user_id for g in land.got} == {land.users[0], land.users[1], land.users[2]}


@pytest.mark.slow
def test_any_history_keeps_the_promises(land: Land, restore: Callable[[], None], database_url: str) -> None:
    histories = type("AnyHistory", (Histories,), {"land": land, "restore": staticmethod(restore)})
    few = 8 if database_url.startswith("sqlite") else 3
    run_state_machine_as_test(
        histories,
        settings=settings(
            max_examples=MANY or few,
            derandomize=not MANY,
            database=None,
            stateful_step_count=25,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            # The suite says at once that something is wrong; the shortest history is for who has the time.
            phases=(Phase.generate, Phase.shrink) if MANY else (Phase.generate,),
        ),
    )


#: Where the desk's readers live unless they say otherwise.
__all__ = ["ZONE", "Histories"]
