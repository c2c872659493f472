"""A time in which no clock worked, noticed when one works again."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tracker.base.db import db
from tracker.base.house import HouseFact
from tracker.base.work import short_transaction
from tracker.clockwork.models import Outage
from tracker.clockwork.queries import latest_outage
from tracker.clockwork.runner import Clock, Pace
from tracker.clockwork.service import note_end, note_outage, note_start

NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)


def outages() -> list[tuple[datetime, datetime]]:
    """Those that are kept."""
    db.session.rollback()
    return [(o.began_at, o.ended_at) for o in db.session.scalars(select(Outage).order_by(Outage.began_at))]


@pytest.mark.parametrize(("minutes", "kept"), [(9.9, False), (10, False), (10.1, True), (2 * 24 * 60, True)])
def test_more_than_ten_minutes_without_a_step_are_kept_once(app: Flask, minutes: float, kept: bool) -> None:
    note_end("flags.sweep", NOW - timedelta(days=3), NOW - timedelta(days=3))
    note_start("outbox.deliver", NOW)
    now = NOW + timedelta(minutes=minutes)
    assert note_outage(now) is kept
    # Another clock that notices it at the same moment.
    assert not (kept and note_outage(now + timedelta(seconds=5)))
    assert outages() == ([(NOW, now)] if kept else [])


@pytest.mark.one_engine
def test_the_first_start_is_no_end_of_anything(app: Flask) -> None:
    assert not note_outage(NOW)
    assert outages() == []


@pytest.mark.one_engine
def test_a_demo_is_stopped_on_purpose(app: Flask) -> None:
    note_start("outbox.deliver", NOW)
    with short_transaction() as session:
        session.add(HouseFact(key="demo", value="yes"))
    assert not note_outage(NOW + timedelta(days=2))


@pytest.mark.one_engine
def test_a_process_notices_it_at_its_first_step_and_after_it_slept(app: Flask) -> None:
    note_start("outbox.deliver", NOW)
    clock = Clock(app, Pace())
    began = NOW + timedelta(days=2)
    clock.notice_outage(began)
    note_start("outbox.deliver", began)
    clock.notice_outage(began + timedelta(minutes=5))
    assert outages() == [(NOW, began)]
    woke = began + timedelta(hours=8)
    clock.notice_outage(woke)
    assert outages() == [(NOW, began), (began, woke)]


@pytest.mark.one_engine
def test_what_another_clock_did_meanwhile_is_no_stop(app: Flask) -> None:
    clock = Clock(app, Pace())
    clock.notice_outage(NOW)
    note_start("outbox.deliver", NOW + timedelta(hours=3))
    clock.notice_outage(NOW + timedelta(hours=3, minutes=1))
    assert outages() == []


@pytest.mark.one_engine
def test_the_latest_is_found_until_it_is_long_ago(app: Flask) -> None:
    note_start("outbox.deliver", NOW)
    ended = NOW + timedelta(hours=1)
    assert note_outage(ended)
    day = timedelta(days=1)
    session = db.session()
    session.rollback()
    found = latest_outage(session, ended + day - timedelta(seconds=1) - day)
    assert found is not None
    assert found.ended_at == ended
    assert latest_outage(session, ended) is None
