"""`history.anchor`: once a day the clock says how far the chain has come."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from house_of_cases import NOW
from signed_in import make_desk
from sqlalchemy import text

from tracker.audit.verifying import read_anchors
from tracker.base.db import WRITES, db
from tracker.clockwork.kinds import PartlyFailed
from tracker.history.steps import ANCHORS, anchor


def test_it_adds_one_a_day(app: Flask, instance: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert anchor(NOW) == {"made": 0}, "nothing has been done yet"
    make_desk()
    made = [anchor(NOW + timedelta(hours=hours))["made"] for hours in (0, 1, 23, 24, 25, 49)]
    assert made == [1, 0, 0, 1, 0, 1]
    path = instance / ANCHORS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(read_anchors(path, db.session(), app.extensions["sealer"])) == 3


def test_it_says_when_the_chain_does_not_fit(app: Flask, instance: Path) -> None:
    make_desk()
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(text("UPDATE chain_head SET hash = 'x'"))
    with pytest.raises(PartlyFailed, match="tracker audit verify"):
        anchor(NOW)
    assert not (instance / ANCHORS).exists()
