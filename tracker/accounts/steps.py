"""What the clock does for accounts: it forgets sign-ins that are over."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_

from tracker.accounts.models import SignIn
from tracker.accounts.trying import forget_old_tries
from tracker.base.work import short_transaction
from tracker.clockwork.kinds import clock_step

#: Days a sign-in that is over is kept, for the case that somebody asks where an account was used.
SIGN_INS_KEPT_DAYS = 90


@clock_step("accounts.forget", every=timedelta(hours=6))
def forget(now: datetime) -> Mapping[str, int]:
    """Remove sign-ins that ended long ago and tries that no longer count. Counts: `sign_ins`, `tries`."""
    long_ago = now - timedelta(days=SIGN_INS_KEPT_DAYS)
    with short_transaction() as session:
        gone = session.execute(delete(SignIn).where(or_(SignIn.ended_at < long_ago, SignIn.expires_at < long_ago)))
        return {"sign_ins": cast(CursorResult[Any], gone).rowcount, "tries": forget_old_tries(session, now)}
