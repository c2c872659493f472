"""What the clock does for the audit: once a day it says how far the chain has come."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app

from tracker.audit.verifying import keep_anchor, last_kept, make_anchor
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.logs import get_logger
from tracker.clockwork.kinds import PartlyFailed, clock_step

log = get_logger(__name__)

#: The file in the instance folder to which anchors are added; it is to be copied elsewhere.
ANCHORS = "audit.anchors"

#: An anchor is made when the last one is so old.
MADE_EVERY = timedelta(days=1)


@clock_step("history.anchor", every=timedelta(hours=1))
def anchor(now: datetime) -> Mapping[str, int]:
    """Add an anchor of the chain to `audit.anchors` and to the log, once a day. Counts: `made`."""
    path = Path(current_app.instance_path) / ANCHORS
    last = last_kept(path)
    if last is not None and datetime.fromisoformat(last.at) > now - MADE_EVERY:
        return {"made": 0}
    session = db.session()
    try:
        made = make_anchor(session, current_app.extensions["sealer"], now)
    except Refused as refused:
        if not refused.field:  # nothing has been done here yet
            return {"made": 0}
        raise PartlyFailed(refused.message, {"made": 0}) from refused
    finally:
        session.rollback()
    keep_anchor(made, path)
    log.info("audit.anchored", seq=made.seq, hash=made.hash, count=made.count, mac=made.mac)
    return {"made": 1}
