"""What an account shows beside its password: an app's codes, passkeys, and codes for the day on which both are lost."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model


class CodeApp(Model):
    """An app that makes codes (TOTP, RFC 6238); one for an account."""

    __tablename__ = "code_apps"
    audit_hides = frozenset({"secret_sealed", "last_step"})

    #: Whose; the row is theirs alone, and the secret is bound to it.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, autoincrement=False)
    #: The secret shared with the app, sealed.
    secret_sealed: Mapped[str] = mapped_column(Text)
    #: The time step of the last code that was accepted: no code of it or before it is accepted any more.
    last_step: Mapped[int] = mapped_column(BigInteger)
    #: When it was set up.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Passkey(Model):
    """A key in a device of its owner (WebAuthn). It answers this site only, whatever a page looks like."""

    __tablename__ = "passkeys"
    audit_hides = frozenset({"public_key"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Whose.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: What the device calls it, base64url; as long as WebAuthn allows.
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    #: The key its signatures are checked with (COSE), base64url. It opens nothing.
    public_key: Mapped[str] = mapped_column(Text)
    #: How often the device says it has signed; stays 0 where it does not count.
    sign_count: Mapped[int] = mapped_column(BigInteger)
    #: What its owner calls it.
    name: Mapped[str] = mapped_column(String(60))
    #: When it was set up.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was last used; None: not yet.
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RecoveryCode(Model):
    """A code that stands for a lost factor, once. Only its hash is kept: 79 random bits need no slow one."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("uq_recovery_codes_user_id_code_hash", "user_id", "code_hash", unique=True),)
    audit_hides = frozenset({"code_hash"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Whose.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: SHA-256 of the account's number and the code, hex.
    code_hash: Mapped[str] = mapped_column(String(64))
    #: When it was used; None: it can be.
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
