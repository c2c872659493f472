"""The lease: one clock works, and another takes over."""

import threading
from datetime import timedelta

from flask import Flask
from sqlalchemy import update

from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.clockwork.models import Lease
from tracker.clockwork.service import CLOCK, give_lease_back, take_lease

LONG = timedelta(seconds=60)


def test_one_holds_it_and_keeps_it(app: Flask) -> None:
    assert take_lease("one", LONG)
    assert not take_lease("two", LONG)
    assert take_lease("one", LONG)


def test_when_it_has_run_out_another_takes_it(app: Flask) -> None:
    assert take_lease("one", LONG)
    assert not take_lease("two", LONG)
    with short_transaction() as session:
        session.execute(update(Lease).values(until=clock.true_now() - timedelta(seconds=1)))
    assert take_lease("two", LONG)
    assert not take_lease("one", LONG)


def test_given_back_it_is_free_at_once(app: Flask) -> None:
    assert take_lease("one", LONG)
    give_lease_back("two")
    assert not take_lease("two", LONG)
    give_lease_back("one")
    assert take_lease("two", LONG)
    db.session.rollback()
    held = db.session.get(Lease, CLOCK)
    assert held is not None
    assert held.holder == "two"


def test_of_many_who_ask_at_once_one_gets_it(app: Flask) -> None:
    ready = threading.Barrier(6)
    got: list[bool] = []

    def ask(name: str) -> None:
        with app.app_context():
            ready.wait()
            got.append(take_lease(name, LONG))

    askers = [threading.Thread(target=ask, args=(f"clock {n}",)) for n in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(got) == [False] * 5 + [True]
