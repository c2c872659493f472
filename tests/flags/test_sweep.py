"""The sweep: what is raised, changed, cleared and left alone; by the clock and with a person's write alike."""

import random
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from house_of_flags import House, at
from sqlalchemy import Select, func, literal, select, text

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, touch, unit_of_work
from tracker.cases.models import Case, CaseFace
from tracker.clockwork.kinds import PartlyFailed
from tracker.clockwork.models import Heartbeat
from tracker.clockwork.runner import tick
from tracker.flags import prepared, sweep
from tracker.flags.kinds import Finder, finders
from tracker.flags.models import Flag
from tracker.flags.sweep import look, sweep_flags

NOW = at("2024-04-05T07:00Z")
MINUTE = timedelta(minutes=1)


def faces(case: Case, audience: Audience = Audience.DESK) -> list[str]:
    """The flags on a case's face for an audience."""
    db.session.rollback()
    db.session.expire_all()
    face = db.session.get(CaseFace, (case.id, audience))
    assert face is not None
    return face.flags


@pytest.fixture
def another_rule() -> Iterator[Callable[[str, Finder], None]]:
    """Announces a rule for the length of a test."""
    announced = []

    def announce(code: str, rule: Finder) -> None:
        finders.add(code, rule)
        announced.append(code)

    yield announce
    for code in announced:
        del finders._things[code]


def broken(now: datetime) -> Select[Any]:
    """A rule that the database refuses."""
    return select(func.no_such_function().label("case_id"))


def test_sweeping_again_writes_nothing(house: House) -> None:
    house.hearing(house.case(owner_id=None), "2024-04-08", "09:30", confirmed_at=None)
    first = house.sweep(NOW)
    assert (first.raised, first.cleared, first.open) == (3, 0, 3)
    before = [vars(flag) | {"_sa_instance_state": 0} for _case, flag in house.flags()]
    again = house.sweep(NOW + MINUTE)
    assert (again.raised, again.cleared, again.open, again.changed) == (0, 0, 3, set())
    assert [vars(flag) | {"_sa_instance_state": 0} for _case, flag in house.flags()] == before


def test_the_step_takes_no_lock_when_there_is_nothing_to_write(house: House, app: Flask) -> None:
    house.hearing(house.case(), "2024-04-08", "09:30")
    assert sweep_flags(NOW) == {"raised": 1, "cleared": 0, "open": 1}
    with db.engine.connect().execution_options(tracker_writes=True) as other, other.begin():
        other.execute(text("UPDATE flags SET severity = severity"))
        assert sweep_flags(NOW + MINUTE) == {"raised": 0, "cleared": 0, "open": 1}


def test_a_moved_hearing_reopens_what_was_seen(house: House) -> None:
    item = house.hearing(house.case(), "2024-04-10", "09:30")
    house.sweep(NOW)
    house.change(house.flag(), acknowledged_at=NOW, acknowledged_by=house.owner.id)
    assert house.sweep(NOW + MINUTE).raised == 0
    assert house.flag().acknowledged_at == NOW
    house.change(item, rev=2, starts_at=at("2024-04-11T06:30Z"))
    swept = house.sweep(NOW + 2 * MINUTE)
    assert (swept.raised, swept.added, swept.open, len(swept.changed)) == (1, 0, 1, 1)
    flag = house.flag()
    assert (flag.episode, flag.acknowledged_at, flag.acknowledged_by) == ("rev:2", None, None)
    assert (flag.raised_at, flag.due_at) == (NOW + 2 * MINUTE, at("2024-04-11T06:30Z"))


def test_a_rise_reopens_what_was_seen_and_brings_back_what_was_out_of_sight(house: House) -> None:
    house.hearing(house.case(), "2024-04-08", "09:30")
    before, after = at("2024-04-05T20:59Z"), at("2024-04-05T21:00Z")
    house.sweep(before)
    house.change(
        house.flag(),
        acknowledged_at=before,
        acknowledged_by=house.owner.id,
        snoozed_until=after + timedelta(days=3),
        snooze_reason="The lawyer is there",
    )
    assert house.sweep(after).raised == 0
    flag = house.flag()
    assert (flag.severity, flag.acknowledged_at, flag.snoozed_until) == (3, None, None)
    assert flag.snooze_reason == "The lawyer is there"
    assert flag.raised_at == before


def test_a_fall_reopens_nothing(house: House) -> None:
    case = house.case(risk="critical", owner_id=None)
    house.sweep(NOW)
    house.change(house.flag(), acknowledged_at=NOW, acknowledged_by=house.owner.id, snoozed_until=NOW + 9 * MINUTE)
    house.change(case, risk="low")
    house.sweep(NOW + MINUTE)
    flag = house.flag()
    assert (flag.severity, flag.acknowledged_at, flag.snoozed_until) == (1, NOW, NOW + 9 * MINUTE)


def test_another_occasion_leaves_out_of_sight_what_is_no_worse(house: House) -> None:
    item = house.hearing(house.case(), "2024-04-10", "09:30")
    house.sweep(NOW)
    house.change(house.flag(), snoozed_until=NOW + timedelta(days=2))
    house.change(item, rev=2)
    house.sweep(NOW + MINUTE)
    assert house.flag().snoozed_until == NOW + timedelta(days=2)


def test_what_was_out_of_sight_is_back_at_its_instant_with_its_reason(house: House) -> None:
    case = house.case(owner_id=None)
    house.sweep(NOW)
    until = NOW + timedelta(days=2)
    house.change(house.flag(), snoozed_until=until, snooze_reason="Amal is back then", snoozed_by=house.owner.id)
    assert house.sweep(until - timedelta(microseconds=1)).changed == set()
    assert house.flag().snoozed_until == until
    assert house.sweep(until).changed == {case.id}
    assert (house.flag().snoozed_until, house.flag().snooze_reason) == (None, "Amal is back then")
    assert house.sweep(until + MINUTE).changed == set()


def test_what_is_cleared_comes_back_as_another_flag(house: House) -> None:
    case = house.case(owner_id=None)
    house.sweep(NOW)
    house.change(house.flag(), acknowledged_at=NOW, snoozed_until=NOW + timedelta(days=2))
    house.change(case, owner_id=house.owner.id)
    cleared = house.sweep(NOW + MINUTE)
    assert (cleared.raised, cleared.cleared, cleared.open) == (0, 1, 0)
    assert (house.flag().cleared_at, house.flag().snoozed_until) == (NOW + MINUTE, None)
    house.change(case, owner_id=None)
    house.sweep(NOW + 2 * MINUTE)
    [(_, old), (_, new)] = house.flags()
    assert (old.cleared_at, new.cleared_at, new.acknowledged_at) == (NOW + MINUTE, None, None)


def test_a_sweep_of_some_cases_leaves_the_others_alone(house: House) -> None:
    first, second = house.case(owner_id=None), house.case(owner_id=None)
    assert house.sweep(NOW, [first.id]).open == 1
    assert house.open() == {(first.ref, "no-owner"): 1}
    house.sweep(NOW)
    for case in (first, second):
        house.change(case, owner_id=house.owner.id)
    house.sweep(NOW, [second.id])
    assert house.open() == {(first.ref, "no-owner"): 1}
    assert house.sweep(NOW, []).open == 0


def test_a_write_brings_flags_and_faces_up_to_date_with_it(house: House) -> None:
    case = house.case(owner_id=None, created_at=NOW)
    with unit_of_work("cases.edit", COMMAND, now=NOW):
        touch(case.id)
    assert house.open() == {(case.ref, "no-owner"): 1}
    assert faces(case) == ["no-owner"]
    assert faces(case, Audience.NAMED) == ["no-owner"]
    with unit_of_work("cases.edit", COMMAND, now=NOW):
        mine = db.session.get(Case, case.id)
        assert mine is not None
        mine.owner_id = house.owner.id
        touch(case.id)
    assert (house.open(), faces(case)) == ({}, [])


def test_faces_follow_what_the_clock_does(house: House) -> None:
    case = house.case(audience=Audience.VOLUNTEERS, stale_at=NOW)
    sweep_flags(NOW)
    assert faces(case) == ["stale-case"]
    assert faces(case, Audience.VOLUNTEERS) == []
    house.change(house.flag(), snoozed_until=NOW + MINUTE)
    house.change(case, stale_at=NOW + timedelta(days=1))
    sweep_flags(NOW + MINUTE)
    assert faces(case) == []


def test_the_clock_writes_in_pieces_and_leaves_nothing_behind(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "AT_MOST", 3)
    cases = [house.case(owner_id=None, stale_at=NOW) for _ in range(5)]
    assert sweep_flags(NOW) == {"raised": 10, "cleared": 0, "open": 10}
    assert [faces(case) for case in cases] == [["no-owner", "stale-case"]] * 5
    for case in cases:
        house.change(case, stage="closed")
    assert sweep_flags(NOW + MINUTE) == {"raised": 0, "cleared": 10, "open": 0}
    assert [faces(case) for case in cases] == [[]] * 5


def test_asked_for_all_or_for_each_the_rules_say_the_same(house: House) -> None:
    chance = random.Random(20240408)
    zones = ["Asia/Jerusalem", "Pacific/Kiritimati", "America/Los_Angeles", "Africa/Cairo"]
    cases = []
    for _ in range(25):
        case = house.case(
            stage=chance.choice(["draft", "open", "monitoring", "closed"]),
            risk=chance.choice(["critical", "high", "medium", "low"]),
            audience=chance.choice([Audience.NAMED, Audience.DESK, Audience.VOLUNTEERS]),
            owner_id=chance.choice([None, house.owner.id]),
            stale_at=chance.choice([None, NOW + timedelta(hours=chance.randint(-300, 300))]),
        )
        cases.append(case.id)
        for _ in range(chance.randint(0, 2)):
            house.hearing(
                case,
                (NOW + timedelta(days=chance.randint(-9, 12))).date().isoformat(),
                chance.choice([None, "09:30", "23:00"]),
                chance.choice(zones),
                state=chance.choice(["scheduled", "scheduled", "took_place"]),
                confirmed_at=chance.choice([None, NOW - timedelta(days=1)]),
            )
    for hours in (0, 7, 13, 29, 100, 300):
        now = NOW + timedelta(hours=hours)
        done_by_all = hours % 2 == 0
        house.sweep(now, None if done_by_all else cases)
        assert look(db.session(), now, cases).settled
        assert look(db.session(), now, None).settled
        db.session.rollback()


def test_two_clocks_at_once_raise_each_flag_once(house: House, app: Flask) -> None:
    for _ in range(30):
        house.case(owner_id=None, stale_at=NOW)
    db.session.remove()
    ready = threading.Barrier(4)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with app.app_context():
                ready.wait()
                sweep_flags(NOW)
        except BaseException as failure:
            failures.append(failure)

    clocks = [threading.Thread(target=run) for _ in range(4)]
    for one in clocks:
        one.start()
    for one in clocks:
        one.join()
    assert failures == []
    assert db.session.scalar(select(func.count()).select_from(Flag)) == 60


def test_a_rule_that_fails_is_shown_and_the_others_go_on(
    house: House, app: Flask, another_rule: Callable[[str, Finder], None]
) -> None:
    case = house.case(owner_id=None)
    another_rule("broken", broken)
    with pytest.raises(PartlyFailed, match="broken") as failed:
        sweep_flags(NOW)
    assert failed.value.counts == {"raised": 1, "cleared": 0, "open": 1}
    assert faces(case) == ["no-owner"]
    faults: dict[str, str] = {}
    assert tick(app, NOW, faults)["flags.sweep"] == {"raised": 0, "cleared": 0, "open": 1}
    assert list(faults) == ["flags.sweep"]
    db.session.rollback()
    beat = db.session.get(Heartbeat, "flags.sweep")
    assert beat is not None
    assert "broken" in beat.fault
    assert beat.failures == 1


def test_a_rule_that_fails_keeps_nobody_from_writing(house: House, another_rule: Callable[[str, Finder], None]) -> None:
    case = house.case(owner_id=None, created_at=NOW)
    another_rule("broken", broken)
    with unit_of_work("cases.edit", COMMAND, now=NOW):
        touch(case.id)
    assert house.open() == {(case.ref, "no-owner"): 1}


def test_every_rule_is_built_once_for_all_instants(house: House) -> None:
    house.sweep(NOW, [house.case().id])
    statement = sweep._ready[("count", *finders.codes())]
    assert statement is not None


def test_a_rule_that_looks_at_the_weekday_is_built_each_time(app: Flask) -> None:
    def build(now: datetime) -> Select[Any]:
        return select(literal(now.isoweekday()))

    assert prepared.prepare(build, db.engine.dialect) is None


def test_a_rule_that_changes_its_shape_is_built_each_time(app: Flask) -> None:
    def build(now: datetime) -> Select[Any]:
        found = select(Case.id).where(Case.stale_at <= now)
        return found.where(Case.owner_id.is_(None)) if now.year < 1900 else found

    assert prepared.prepare(build, db.engine.dialect) is None
