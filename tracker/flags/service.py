"""What people do with flags: say that they have seen one, or put it out of sight for a while. Only the sweep raises and
clears them."""

from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, User
from tracker.base.errors import NotFound, Refused
from tracker.base.work import touch
from tracker.cases.models import Case
from tracker.flags.models import Flag
from tracker.flags.rules import snooze_ends_at, snooze_reason


def acknowledge(session: Session, flag_id: int, user: User, now: datetime) -> None:
    """Say "I have seen it". It stays open and asks for nobody, until it is about something else or gets worse.

    Who said it first is kept. NotFound when there is no such flag, Refused when it is not open any more.
    """
    flag = _open_flag(session, flag_id)
    if flag.acknowledged_at is None:
        flag.acknowledged_at, flag.acknowledged_by = now, user.id
        touch(flag.case_id)


def snooze(session: Session, flag_id: int, until_on: date | None, reason: str, user: User, now: datetime) -> None:
    """Put a flag out of sight until the first moment of `until_on` at the case's desk; sooner when it gets worse.

    Refused, on its field, without a day (`until_on`: after today there, 30 days ahead at most) or a `reason`; NotFound
    and Refused as above.
    """
    flag = _open_flag(session, flag_id)
    said = snooze_reason(reason)
    if until_on is None:
        raise Refused(_("Choose a day after today."), "until_on")
    flag.snoozed_until = snooze_ends_at(until_on, desk_zone(session, flag), now)
    flag.snooze_reason, flag.snoozed_by = said, user.id
    touch(flag.case_id)


def desk_zone(session: Session, flag: Flag) -> str:
    """The zone of the desk that keeps the flag's case."""
    case = session.get(Case, flag.case_id)
    desk = session.get(Desk, case.desk_id) if case else None
    assert desk is not None
    return desk.zone


def _open_flag(session: Session, flag_id: int) -> Flag:
    flag = session.get(Flag, flag_id, populate_existing=True)
    if flag is None:
        raise NotFound("There is no such flag.")
    if flag.cleared_at is not None:
        raise Refused(_("This is settled: the flag is not open any more."))
    return flag
