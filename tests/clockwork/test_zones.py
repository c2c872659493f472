"""What follows when the rules of time zones change."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tracker.base.db import db
from tracker.base.house import read_fact, write_fact
from tracker.base.work import COMMAND, current_work, unit_of_work
from tracker.clockwork.kinds import rederivers, rederives
from tracker.clockwork.zones import FACT, follow_zone_rules, rules_in_force

NOW = datetime(2024, 4, 5, 7, tzinfo=UTC)


@pytest.fixture
def rederived() -> Iterator[list[datetime]]:
    """When something was derived anew."""
    ran: list[datetime] = []

    @rederives("a test")
    def derive(session: Session, now: datetime) -> int:
        """Derives nothing, inside the clock's unit of work."""
        assert current_work(session).act == "clockwork.zones"
        ran.append(now)
        return 3

    yield ran
    del rederivers._things["a test"]


def fact() -> str | None:
    """The rules the stored instants come from."""
    db.session.rollback()
    return read_fact(db.session(), FACT)


def test_the_rules_have_one_name_until_they_change(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    import zoneinfo

    assert rules_in_force() == rules_in_force()
    known = rules_in_force()
    fewer = zoneinfo.available_timezones() - {"Asia/Jerusalem"}
    monkeypatch.setattr(zoneinfo, "available_timezones", lambda: fewer)
    assert rules_in_force() != known


def test_instants_are_derived_anew_once_for_new_rules(app: Flask, rederived: list[datetime]) -> None:
    with unit_of_work("set up", COMMAND):
        write_fact(db.session(), FACT, "the rules of last year")
    others = follow_zone_rules(NOW)["rederived"] - 3
    assert rederived == [NOW]
    assert others >= 0
    assert fact() == rules_in_force()
    assert follow_zone_rules(NOW) == {"rederived": 0}
    assert rederived == [NOW]


def test_what_fails_is_tried_again_and_not_taken_for_done(app: Flask, rederived: list[datetime]) -> None:
    @rederives("fails")
    def fails(session: Session, now: datetime) -> int:
        """Fails."""
        raise OSError("no such file")

    try:
        with pytest.raises(OSError, match="no such file"):
            follow_zone_rules(NOW)
    finally:
        del rederivers._things["fails"]
    assert fact() is None
    follow_zone_rules(NOW)
    assert fact() == rules_in_force()
