"""F1 and F12 for the plan, and F15: killed while it plans, planning beside changes, other zone rules."""

import shutil
import threading
import zoneinfo
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from house_of_faults import FaultTable, judge
from land import START, ZONE, Land, day_from
from raw_relay import RawRelay
from sqlalchemy import select
from zygote import Zygote

from tracker.base.db import db
from tracker.base.work import CLOCK, unit_of_work
from tracker.hearings.service import cancel_hearing, move_hearing
from tracker.outbox.models import Message
from tracker.reminders.planning import plan, plan_step


@pytest.fixture
def land(app: Flask, relay: RawRelay) -> Land:
    """The desk, with a hearing in a week that nobody has been told of."""
    land = Land(app, relay)
    land.begin()
    return land


def messages() -> list[Message]:
    """All of them, as they stand now."""
    db.session.rollback()
    return list(db.session.scalars(select(Message).order_by(Message.id)).all())


@pytest.mark.parametrize("where", ["INSERT INTO messages", "COMMIT after INSERT INTO messages"])
def test_killed_while_it_plans_everything_is_planned_once(
    land: Land,
    relay: RawRelay,
    zygote: Zygote,
    tracker_env: dict[str, str],
    fault_table: FaultTable,
    where: str,
) -> None:
    # Too far off for the plan when it is announced: the clock's own look brings it in.
    number = land.schedule(START, day_from(START, 16), 1)
    assert messages() == []
    due = START + timedelta(days=9, hours=1)
    for _kill in range(2 if where.startswith("INSERT") else 1):
        assert zygote.start("tick", tracker_env, due, dies_at=where).wait() == -9
        assert bool(messages()) == where.startswith("COMMIT")
        assert relay.arrivals == []
    zygote.start("tick", tracker_env, due).said()
    assert {m.subject_id for m in messages() if m.state == "sent"} == {number}
    # Its keeper, who stands in, who follows the desk.
    assert len(relay.arrivals) == 3
    verdict = fault_table.add(f"`kill -9` in the plan: {where}", judge(db.engine, relay.copies(), due))
    assert (verdict.lost, verdict.doubled) == (0, 0)
    land.caught_up(due)


@pytest.mark.slow
def test_planners_beside_changes_write_nothing_twice_and_send_nothing_old(
    land: Land, app: Flask, relay: RawRelay, fault_table: FaultTable
) -> None:
    number = land.schedule(START, day_from(START, 5), 1)
    assert number is not None
    rounds = 8
    together = threading.Barrier(3)
    faults: list[BaseException] = []

    def go(what: Any) -> None:
        with app.app_context():
            for turn in range(rounds):
                together.wait(60)
                try:
                    what(START + timedelta(minutes=turn), turn)
                except BaseException as fault:
                    faults.append(fault)
                    together.abort()
                    raise
                db.session.rollback()

    def planned(now: datetime, _turn: int) -> None:
        plan_step(now)

    def planned_for_it(now: datetime, _turn: int) -> None:
        with unit_of_work("reminders.plan", CLOCK, now=now):
            plan(db.session(), now, [land.cases[1]])

    def changed(now: datetime, turn: int) -> None:
        when = day_from(START, 4 + turn % 3, 9 + turn % 2)
        land.act(now, land.change(number, move_hearing, when, unlikely_is_meant=True))

    threads = [threading.Thread(target=go, args=(what,)) for what in (planned, planned_for_it, changed)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    land.tick(START + timedelta(hours=1))
    land.hold()
    land.caught_up(START + timedelta(hours=1))
    keys = [m.dedupe_key for m in messages()]
    assert len(keys) == len(set(keys))
    land.act(START + timedelta(hours=2), land.change(number, cancel_hearing))
    land.tick(START + timedelta(hours=2, minutes=4))
    land.hold()
    land.caught_up(START + timedelta(hours=2, minutes=4))
    verdict = fault_table.add("two planners beside a hearing that moves", judge(db.engine, relay.copies()), rounds)
    assert (verdict.lost, verdict.doubled) == (0, 0)


@pytest.mark.parametrize(
    ("zone", "like"), [(ZONE, "Asia/Tokyo"), ("Europe/London", "Africa/Cairo"), ("Pacific/Apia", "Pacific/Honolulu")]
)
@pytest.mark.one_engine
def test_other_zone_rules_shift_what_waits_and_send_nothing_twice(
    land: Land,
    relay: RawRelay,
    zygote: Zygote,
    tracker_env: dict[str, str],
    tmp_path: Path,
    fault_table: FaultTable,
    zone: str,
    like: str,
) -> None:
    land.act(START, land.dwell(1, zone))
    number = land.schedule(START, day_from(START, 9, 9, zone), 1)
    before = {m.dedupe_key: m.due_at for m in messages()}
    assert before
    rules = tmp_path / "zoneinfo"
    source = next(Path(p) for p in zoneinfo.TZPATH if Path(p, zone).is_file())
    shutil.copytree(source, rules, ignore=shutil.ignore_patterns("posix", "right"))
    (rules / zone).unlink()
    shutil.copyfile(source / like, rules / zone)
    zygote.start("zones", {**tracker_env, "PYTHONTZPATH": str(rules)}, START + timedelta(minutes=1)).said()
    after = {m.dedupe_key: m.due_at for m in messages()}
    assert after.keys() == before.keys()
    moved = [key for key in after if after[key] != before[key]]
    assert moved
    for key in moved:
        local = after[key].astimezone(zoneinfo.ZoneInfo(like))
        assert (local.hour, local.minute) == (8, 0)
    assert relay.arrivals == []
    for days in range(1, 10):
        zygote.start("tick", {**tracker_env, "PYTHONTZPATH": str(rules)}, START + timedelta(days=days)).said()
    assert set(relay.copies().values()) == {1}
    verdict = fault_table.add("other rules for a time zone", judge(db.engine, relay.copies()))
    assert (verdict.lost, verdict.doubled, verdict.unsure) == (0, 0, 0)
    assert number is not None
