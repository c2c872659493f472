"""Which factors an account has, and whether it must have one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.house import read_fact
from tracker.factors.models import CodeApp, Passkey, RecoveryCode
from tracker.factors.rules import must_have_factor


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account can show beside its password."""

    app: CodeApp | None
    passkeys: Sequence[Passkey]
    #: Recovery codes that were not used yet.
    codes_left: int

    @property
    def any(self) -> bool:
        """Whether there is one. Recovery codes stand for a factor and are none."""
        return self.app is not None or bool(self.passkeys)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.passkeys) + (self.app is not None)


def read_factors(session: Session, user_id: int) -> Factors:
    """The factors of an account."""
    fresh = {"populate_existing": True}
    return Factors(
        session.scalar(select(CodeApp).where(CodeApp.user_id == user_id).execution_options(**fresh)),
        session.scalars(
            select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id).execution_options(**fresh)
        ).all(),
        session.scalar(select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)))
        or 0,
    )


def must_have(session: Session, user: User) -> bool:
    """Whether an account must sign in with a second factor here."""
    only_offered = any(read_fact(session, fact) is not None for fact in ("demo", "rehearsal"))
    return must_have_factor(user.role, only_offered=only_offered)
