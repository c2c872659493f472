"""What the clock does for links: it answers who asked for a new password, and forgets links that are long over."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, exists, select

from tracker.base.db import db
from tracker.base.work import CLOCK, short_transaction, unit_of_work
from tracker.clockwork.kinds import clock_step
from tracker.invitations.models import AccountLink, ResetAsk
from tracker.invitations.service import answer_asks

#: Days a link that is over is kept, for the case that somebody asks how an account was let in.
LINKS_KEPT_DAYS = 90


@clock_step("invitations.answer", every=timedelta(seconds=5))
def answer(now: datetime) -> Mapping[str, int]:
    """Plan the mails of those who asked for a new password and have an account. Count: `links`."""
    session = db.session()
    asked = session.scalar(select(exists(select(ResetAsk.key))))
    session.rollback()
    if not asked:
        return {"links": 0}
    with unit_of_work("invitations.answer", CLOCK, now=now):
        return {"links": answer_asks(db.session(), now)}


@clock_step("invitations.forget", every=timedelta(hours=6))
def forget(now: datetime) -> Mapping[str, int]:
    """Remove links that ended long ago. Count: `links`."""
    with short_transaction() as session:
        gone = session.execute(
            delete(AccountLink).where(AccountLink.expires_at < now - timedelta(days=LINKS_KEPT_DAYS))
        )
        return {"links": cast(CursorResult[Any], gone).rowcount}
