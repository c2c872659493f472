"""Reading flags, for pages and for the list of a command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import User
from tracker.accounts.queries import name_to
from tracker.agenda.models import AgendaItem
from tracker.agenda.service import chunks
from tracker.audit.kinds import rungs
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.flags.models import Flag

#: How the subject of a flag about an account begins; its number follows.
ACCOUNT = "account:"


@dataclass(frozen=True, slots=True)
class FlagShown:
    """An open flag with what a sentence about it needs. `item`: the hearing or other dated thing it is about;
    `checked_at`: when its case was last checked, or recorded; `asks`: neither seen nor out of sight; `who`: the name of
    the account it is about."""

    flag: Flag
    case: Case
    item: AgendaItem | None
    checked_at: datetime
    acknowledged_by: str | None
    asks: bool
    who: str | None = None

    @property
    def rule(self) -> str:
        """The rule's code."""
        return self.flag.rule

    @property
    def severity(self) -> int:
        """1 to 3, 3 worst."""
        return self.flag.severity


def open_flags_for_cases(
    session: Session, cases: Sequence[int], now: datetime, rung: Audience = Audience.DESK
) -> dict[int, list[FlagShown]]:
    """The open flags of some cases, for a reader who sees them from `rung`: by case id, those that ask for somebody
    first, then worst first, then by the instant they are about. Every case has a list."""
    found: dict[int, list[FlagShown]] = {case_id: [] for case_id in cases}
    for chunk in chunks(list(cases)):
        for shown in _shown(session, now, [Flag.case_id.in_(chunk), Flag.audience >= rung]):
            found[shown.flag.case_id].append(shown)
    return found


def list_flags(
    session: Session,
    now: datetime,
    *,
    reader: User | None = None,
    among: ColumnElement[bool] | None = None,
    first: ColumnElement[bool] | None = None,
    asking: bool = False,
    limit: int | None = None,
) -> list[FlagShown]:
    """Open flags in the same order: of the cases `reader` may see (None: all), `among` those a condition names,
    those that `first` names before others, only those `asking` for somebody now, at most `limit`."""
    where: list[ColumnElement[bool]] = []
    if reader is not None:
        where.append(level(reader.id) <= Flag.audience)
    if among is not None:
        where.append(among)
    if asking:
        where.append(_asking(now))
    return _shown(session, now, where, limit, first)


def describe(shown: FlagShown) -> dict[str, Any]:
    """A flag as the command lists it: {"case", "code", "severity", "due_at", "raised_at"}, instants in ISO 8601."""
    flag = shown.flag
    return {
        "case": shown.case.ref,
        "code": flag.rule,
        "severity": flag.severity,
        "due_at": _iso(flag.due_at),
        "raised_at": _iso(flag.raised_at),
    }


def get_flag(session: Session, user: User, flag_id: int) -> tuple[Flag, Case]:
    """A flag this account may act on, and its case. NotFound alike when there is none and when the account may not know
    of it: flags are for those who see the case from the desk's rung or nearer."""
    row = session.execute(
        select(Flag, Case)
        .join(Case, Case.id == Flag.case_id)
        .where(Flag.id == flag_id, level(user.id) <= Flag.audience)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("There is no such flag that you may see.")
    return row[0], row[1]


def _asking(now: datetime) -> ColumnElement[bool]:
    return and_(Flag.acknowledged_at.is_(None), or_(Flag.snoozed_until.is_(None), Flag.snoozed_until <= now))


def _shown(
    session: Session,
    now: datetime,
    where: Sequence[ColumnElement[bool]],
    limit: int | None = None,
    first: ColumnElement[bool] | None = None,
) -> list[FlagShown]:
    asks = _asking(now)
    about = AgendaItem.kind + ":" + cast(AgendaItem.subject_id, String)
    concerned = aliased(User)
    rows = (
        select(
            Flag,
            Case,
            AgendaItem,
            func.coalesce(Case.last_checked_at, Case.created_at, type_=Case.created_at.type),
            name_to(None),
            asks.label("asks"),
            name_to(None, concerned),
        )
        .join(Case, Case.id == Flag.case_id)
        .outerjoin(AgendaItem, and_(AgendaItem.case_id == Flag.case_id, about == Flag.subject))
        .outerjoin(User, User.id == Flag.acknowledged_by)
        .outerjoin(concerned, concerned.id == _account())
        .where(Flag.cleared_at.is_(None), *where)
        .order_by(
            case((first, 0), else_=1) if first is not None else literal(0),
            case((asks, 0), else_=1),
            Flag.severity.desc(),
            case((Flag.due_at.is_(None), 1), else_=0),
            Flag.due_at,
            Flag.id,
        )
    )
    if limit is not None:
        rows = rows.limit(limit)
    return [FlagShown(*row) for row in session.execute(rows)]


def _account() -> ColumnElement[int]:
    """SQL: the account a flag is about, by its subject `account:12`; NULL where it is about something else."""
    number = cast(func.substr(Flag.subject, len(ACCOUNT) + 1), BigInteger)
    return case((Flag.subject.startswith(ACCOUNT), number), else_=None)


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None


@rungs.adds("flags")
def rungs_of_flags(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """To which rung each of these flags is open."""
    return {row.id: row.audience for row in session.execute(select(Flag.id, Flag.audience).where(Flag.id.in_(ids)))}
