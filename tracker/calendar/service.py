"""Making, renewing and ending the address of a calendar; letting a program in that asks with it."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, lazyload

from tracker.accounts.kinds import access_ends
from tracker.accounts.models import User
from tracker.base.db import note
from tracker.base.errors import NotFound, Refused
from tracker.calendar.models import Feed
from tracker.outbox.service import recipient_for
from tracker.reminders.queries import REMINDED_ROLES

#: Bytes of the secret in an address: 192 random bits.
SECRET_BYTES = 24

#: An address nobody has read for so long ends.
LASTS = timedelta(days=180)

#: How exactly it is kept when an address was last read.
NOTED_EVERY = timedelta(hours=1)


def renew_feed(session: Session, user: User, now: datetime) -> str:
    """Make an account's address, or another in place of the one it has, which ends at once. Returns the secret: only
    its hash is kept, so that nobody can ever show it again. Refused for volunteers, who are told of no hearings."""
    if user.role not in REMINDED_ROLES:
        raise Refused(_("A calendar of hearings is for staff."))
    # Who follows what is asked of the recipient; whoever makes a calendar before the first mail has none yet.
    recipient_for(session, user.id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    feed = _own(session, user.id) or _added(session, user.id, secret, now)
    feed.token_hash, feed.created_at, feed.read_at, feed.expires_at = hash_secret(secret), now, None, now + LASTS
    session.flush()
    return secret


def end_feed(session: Session, user: User) -> None:
    """End an account's address; what programs have read of it is theirs. Nothing where there is none."""
    feed = _own(session, user.id)
    if feed is not None:
        session.delete(feed)
        session.flush()


@access_ends.adds("calendar.address")
def end_with_access(session: Session, user: User, _now: datetime, _left: int | None) -> Sequence[str]:
    """The address ends with whatever else let its owner in; who may still have one makes a new one."""
    end_feed(session, user)
    return ()


def admit(session: Session, secret: str, now: datetime) -> User:
    """The account whose calendar this secret opens. NotFound alike when there is none, when it has ended, and when the
    account is closed or may not have one any more. The hash is looked up in an index: how long that takes says nothing
    about a secret."""
    row = session.execute(
        select(Feed, User)
        .join(User, User.id == Feed.user_id)
        .options(lazyload(User.memberships))
        .where(
            Feed.token_hash == hash_secret(secret),
            Feed.expires_at > now,
            User.active,
            User.role.in_(REMINDED_ROLES),
        )
    ).first()
    if row is None:
        raise NotFound("There is no such calendar.")
    feed, user = row
    if feed.read_at is None or feed.read_at <= now - NOTED_EVERY:
        seen = (Feed.id == feed.id, Feed.token_hash == feed.token_hash)
        note(update(Feed).where(*seen).values(read_at=now, expires_at=now + LASTS))
    return user


def hash_secret(secret: str) -> str:
    """SHA-256 of a secret, hex. Nothing slower is needed: it is random and long, so nobody guesses it from its hash."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _own(session: Session, user_id: int) -> Feed | None:
    return session.scalar(select(Feed).where(Feed.user_id == user_id).execution_options(populate_existing=True))


def _added(session: Session, user_id: int, secret: str, now: datetime) -> Feed:
    """A new row; or the one another request has made at this very moment."""
    feed = Feed(user_id=user_id, token_hash=hash_secret(secret), created_at=now, expires_at=now + LASTS)
    try:
        with session.begin_nested():
            session.add(feed)
            session.flush()
    except IntegrityError:
        there = _own(session, user_id)
        if there is None:
            raise
        return there
    return feed
