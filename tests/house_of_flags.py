"""A small house of desks, cases and hearings, written through the models alone: what flags look at."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from tracker.accounts.models import Desk, Membership, User
from tracker.agenda.models import AgendaItem
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.dates import instant_of
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.faces import settle_faces
from tracker.cases.models import Case
from tracker.flags.models import Flag
from tracker.flags.sweep import Swept, sweep
from tracker.outbox.models import Recipient

#: Before every date of these tests.
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """An instant written in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)


class House:
    """Makes rows and asks for flags. What it makes is committed at once."""

    def __init__(self) -> None:
        self._count = 0
        self.desk = self.add(
            Desk(code="iopt", name="Desk", countries=["IL"], zone="Asia/Jerusalem", created_at=LONG_AGO)
        )
        self.owner = self.user("owner@example.org")

    def add(self, *rows: Any) -> Any:
        """Keep new rows; returns the first."""
        db.session.rollback()
        db.session.add_all(rows)
        db.session.commit()
        return rows[0]

    def change(self, row: Any, **values: Any) -> None:
        """Set columns of a stored row."""
        db.session.rollback()
        found = db.session.merge(row)
        for name, value in values.items():
            setattr(found, name, value)
        db.session.commit()

    def user(self, email: str, role: str = "staff", on_desk: bool = True) -> User:
        """An account, on the desk."""
        user: User = self.add(
            User(
                email=email,
                email_key=email,
                name=email.split("@")[0].capitalize(),
                password="",
                fs_uniquifier=new_public_id(),
                role=role,
                created_at=LONG_AGO,
            )
        )
        self.add(Recipient(user_id=user.id))
        if on_desk:
            self.add(Membership(user_id=user.id, desk_id=self.desk.id))
        return user

    def case(self, **values: Any) -> Case:
        """A case that raises no flag by itself."""
        self._count += 1
        given = {
            "ref": f"IOPT-{self._count:04}",
            "public_id": new_public_id(),
            "nickname": "Cedar",
            "title": "A case",
            "desk_id": self.desk.id,
            "stage": "open",
            "risk": "medium",
            "audience": Audience.DESK,
            "created_at": LONG_AGO,
            "owner_id": self.owner.id,
            **values,
        }
        made: Case = self.add(Case(**given))
        # As every case has from its first moment on: how it looks to each audience.
        settle_faces(db.session(), LONG_AGO, [made.id])
        db.session.commit()
        return made

    def hearing(
        self,
        case: Case,
        day: str,
        clock: str | None = None,
        zone: str = "Asia/Jerusalem",
        last_day: str | None = None,
        **values: Any,
    ) -> AgendaItem:
        """A hearing as the agenda has it: on a day, or in a window from `day` to `last_day`; confirmed for good."""
        self._count += 1
        first = date.fromisoformat(day)
        last = date.fromisoformat(last_day) if last_day else first
        hour = time.fromisoformat(clock) if clock else None
        given = {
            "kind": "hearing",
            "subject_id": self._count,
            "rev": 1,
            "case_id": case.id,
            "lead_kind": "hearing",
            "audience": Audience.DESK,
            "zone": zone,
            "local_date": None if last_day else first,
            "local_time": hour,
            "earliest_on": first,
            "latest_on": last,
            "starts_at": instant_of(first, hour, zone),
            "outcome_due_at": instant_of(last + timedelta(days=1), None, zone),
            "certainty": "confirmed",
            "confirmed_at": datetime(2999, 1, 1, tzinfo=UTC),
            "state": "scheduled",
            **values,
        }
        made: AgendaItem = self.add(AgendaItem(**given))
        return made

    def sweep(self, now: str | datetime, cases: Sequence[int] | None = None) -> Swept:
        """Sweep at an instant, in a unit of work."""
        instant = at(now) if isinstance(now, str) else now
        with unit_of_work("flags.sweep", COMMAND, now=instant):
            return sweep(db.session(), instant, cases)

    def open_of(self, case: Case, now: str | datetime) -> dict[str, int]:
        """The open flags of one case, after a sweep of it at `now`: rule → severity."""
        self.sweep(now, [case.id])
        found = select(Flag.rule, Flag.severity).where(Flag.case_id == case.id, Flag.cleared_at.is_(None))
        return dict(db.session.execute(found).all())

    def open(self, now: str | datetime | None = None) -> dict[tuple[str, str], int]:
        """The open flags, after a sweep at `now`: (case, rule) → severity."""
        if now is not None:
            self.sweep(now)
        return {(case.ref, flag.rule): flag.severity for case, flag in self.flags() if flag.cleared_at is None}

    def flags(self) -> list[tuple[Case, Flag]]:
        """Every flag there has been, in the order they were raised, read afresh."""
        db.session.rollback()
        db.session.expire_all()
        rows = db.session.execute(select(Case, Flag).join(Flag, Flag.case_id == Case.id).order_by(Flag.id))
        return [(case, flag) for case, flag in rows]

    def flag(self) -> Flag:
        """The only flag there has been."""
        [(_case, flag)] = self.flags()
        return flag
