"""Accounts, sign-ins, desks and who belongs to them."""

from datetime import date, datetime

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.base.columns import BigId, JSONText, UTCDateTime
from tracker.base.dates import MONDAY_TO_FRIDAY
from tracker.base.db import Model

#: What an account may be. What it may see follows from desks and audiences, not from this alone.
ROLES = ("admin", "staff", "volunteer")


class Role(RoleMixin):
    """A role as Flask-Security asks for it. Ours is a word on the account; it carries no permissions of its own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_permissions(self) -> set[str]:
        """None: what an account may do follows from the marks on views and from what it may see."""
        return set()


class Desk(Model):
    """A country group: the cases of some countries and the people who keep them."""

    __tablename__ = "desks"

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Short word used in addresses, commands and case references, lower case: `iopt`.
    code: Mapped[str] = mapped_column(String(20), unique=True)
    #: What people call it.
    name: Mapped[str] = mapped_column(String(120))
    #: ISO 3166-1 alpha-2 codes of its countries.
    countries: Mapped[list[str]] = mapped_column(JSONText, default=list)
    #: IANA zone: its working days, its mornings, and the default of its courts.
    zone: Mapped[str] = mapped_column(String(60))
    #: ISO weekday numbers in the order of its week.
    working_days: Mapped[list[int]] = mapped_column(JSONText, default=lambda: list(MONDAY_TO_FRIDAY))
    #: Days without a check until a critical case is stale.
    stale_critical_days: Mapped[int] = mapped_column(default=3)
    #: Working days without a check until a case of high risk is stale.
    stale_high_working_days: Mapped[int] = mapped_column(default=7)
    #: Days until one of medium risk is stale.
    stale_medium_days: Mapped[int] = mapped_column(default=21)
    #: Days until one of low risk is stale.
    stale_low_days: Mapped[int] = mapped_column(default=60)
    #: Number of the last case reference given out: IOPT-0004 is followed by IOPT-0005.
    last_case_number: Mapped[int] = mapped_column(default=0)
    #: When it was made.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)

    memberships: Mapped[list["Membership"]] = relationship(back_populates="desk")


class User(Model, UserMixin):
    """An account. The columns Flask-Security asks for are ours, typed."""

    __tablename__ = "users"
    audit_hides = frozenset({"password", "fs_uniquifier"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Address as the person wrote it; mail goes there.
    email: Mapped[str] = mapped_column(String(254))
    #: The address lower-cased, for finding and for uniqueness.
    email_key: Mapped[str] = mapped_column(String(254), unique=True)
    #: What colleagues call them; shown in histories.
    name: Mapped[str] = mapped_column(String(120))
    #: argon2id hash.
    password: Mapped[str] = mapped_column(String(255))
    #: Whether they may sign in.
    active: Mapped[bool] = mapped_column(default=True)
    #: Whether they were invited and have not come yet: nobody can sign in, and only the invitation goes there.
    invited: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Random; changing it ends every sign-in.
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    #: One of ROLES.
    role: Mapped[str] = mapped_column(String(20))
    #: What others than admins and the coordinators of their desks see in place of the name; None: the name.
    alias: Mapped[str | None] = mapped_column(String(60))
    #: Whether titles of pages, senders and subjects of mail say nothing of what they are about.
    discreet: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Language of pages and mail.
    language: Mapped[str] = mapped_column(String(12), default="en")
    #: Their own IANA zone; None: the desk's.
    zone: Mapped[str | None] = mapped_column(String(60))
    #: The last day they are away, on their own calendar: until it is over deputies are asked. None: they are here.
    away_until: Mapped[date | None]
    #: When it was made.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)

    memberships: Mapped[list["Membership"]] = relationship(back_populates="user", lazy="selectin")

    @property
    def roles(self) -> list[RoleMixin]:  # type: ignore[override]  # Flask-Security thinks of a column
        """The one role, in the shape Flask-Security asks for."""
        return [Role(self.role)]

    @property
    def called(self) -> str:
        """What everybody may read them called: the alias where they chose one."""
        return self.alias or self.name

    @property
    def is_staff(self) -> bool:
        """Whether they keep cases (staff and admins)."""
        return self.role in ("staff", "admin")

    @property
    def reading_zone(self) -> str:
        """IANA zone in which times are told to them: their own, else their desk's, else UTC."""
        return self.zone or next((m.desk.zone for m in self.memberships), "UTC")

    def desk_ids(self) -> tuple[int, ...]:
        """Desks they belong to. Volunteers belong to none, whatever rows say."""
        return tuple(m.desk_id for m in self.memberships) if self.is_staff else ()


class Membership(Model):
    """An account on a desk."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "desk_id"),)

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Who.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: Where.
    desk_id: Mapped[int] = mapped_column(ForeignKey("desks.id"), index=True)
    #: Whether they coordinate the desk.
    coordinator: Mapped[bool] = mapped_column(default=False)
    #: Whether they stand in for the coordinator.
    deputy: Mapped[bool] = mapped_column(default=False)

    user: Mapped[User] = relationship(back_populates="memberships")
    desk: Mapped[Desk] = relationship(back_populates="memberships", lazy="joined")


class SignIn(Model):
    """A sign-in kept on the server: the cookie holds only its random id, here only as a hash."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_expires_at", "expires_at"),)
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: SHA-256 of the cookie's value, hex.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: Whose; None between the first factor and the second.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    #: Whose password was right while the second factor has yet to be shown; None once somebody is signed in.
    pending_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    #: What the session holds (CSRF token, freshness), sealed; bound to this row's token hash.
    data_sealed: Mapped[str] = mapped_column(Text)
    #: When it began.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was last used, to the minute.
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When its owner last showed that it is them; None: not within this sign-in.
    proved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it ends by itself unless used.
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was ended (signed out, disabled, role cut).
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Browser and system in a few words, for the list of one's own sign-ins.
    device: Mapped[str] = mapped_column(String(120), default="")


class SignInTry(Model):
    """Tries to sign in, counted by whom or where from. Keys are keyed fingerprints: nobody's address stands here."""

    __tablename__ = "sign_in_tries"
    audited = False

    #: Fingerprint of an address, a network, or of all.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: When the first of these tries was made.
    since: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    #: How many.
    tries: Mapped[int] = mapped_column()
