"""Links that let somebody in once: to join, or to set a new password."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model

#: What a link is for.
PURPOSES = ("invite", "reset", "address")


class AccountLink(Model):
    """A link in a mail, to be used once. The word in it stands nowhere: it is made from `nonce` with a key of the
    keyring when the mail is written, so that whoever has the database alone cannot make it (see `rules`)."""

    __tablename__ = "account_links"
    # By hand (`service`): what strangers ask for must not make the chain grow.
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: One of PURPOSES.
    purpose: Mapped[str] = mapped_column(String(10))
    #: Whom it lets in.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: Their address when it was made, as it is found by: a link goes no further than to that one. Of one for another
    #: address: that one.
    email_key: Mapped[str] = mapped_column(String(254))
    #: 256 random bits, hex: what the word is made from.
    nonce: Mapped[str] = mapped_column(String(64))
    #: SHA-256 of the word, hex: what it is found by.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: An invitation: what they will be. None: no invitation.
    role: Mapped[str | None] = mapped_column(String(20))
    #: An invitation: the desk they will belong to; None: none.
    desk_id: Mapped[int | None] = mapped_column(ForeignKey("desks.id"))
    #: An invitation: whether they will coordinate that desk.
    coordinator: Mapped[bool] = mapped_column(default=False)
    #: Who made it; None: a command, or somebody who asked for their own.
    made_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    #: When it was made.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: From when on it lets nobody in any more.
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    #: When it was used.
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it was taken back, or another was made in its place.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ResetAsk(Model):
    """Somebody who is not signed in says that they have forgotten the password of an address. Only the clock looks
    whether anybody has it: so neither the answer nor the time it takes tells."""

    __tablename__ = "reset_asks"
    audited = False

    #: Random, hex: what the address is sealed for.
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: The address, sealed: nobody's stands here who has no account.
    address_sealed: Mapped[str] = mapped_column(Text)
    #: When.
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
