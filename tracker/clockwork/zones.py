"""Time zone rules change by decree, sometimes days ahead: what was derived from local times is then derived anew."""

import hashlib
import zoneinfo
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

from tracker.base.db import db
from tracker.base.house import read_fact, write_fact
from tracker.base.work import CLOCK, unit_of_work
from tracker.clockwork.kinds import clock_step, rederivers

#: The fact that holds which rules the stored instants were derived from.
FACT = "tzdata"


def rules_in_force() -> str:
    """A hash over the rules of every zone, as this machine would read them now: from the system, else from the package
    `tzdata`. Equal hashes: every local time means the same instant."""
    said = hashlib.sha256()
    for name in sorted(zoneinfo.available_timezones()):
        said.update(name.encode() + b"\0" + (_file_of(name) or b"") + b"\0")
    return said.hexdigest()


def _file_of(name: str) -> bytes | None:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    packaged = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    return packaged.read_bytes() if packaged.is_file() else None


@clock_step("clockwork.zones", every=timedelta(hours=1))
def follow_zone_rules(now: datetime) -> Mapping[str, int]:
    """Derive instants anew when the rules differ from those they were derived from. Answers {"rederived"}: rows.

    Web processes that run on keep the rules they have read: restart them after an update of the system's zones.
    """
    rules = rules_in_force()
    if read_fact(db.session(), FACT) == rules:
        return {"rederived": 0}
    zoneinfo.ZoneInfo.clear_cache()
    with unit_of_work("clockwork.zones", CLOCK, now=now):
        session = db.session()
        changed = sum(rederive(session, now) for rederive in rederivers)
        write_fact(session, FACT, rules)
    return {"rederived": changed}
