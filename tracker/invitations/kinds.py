"""The mails that carry a link: an invitation, and the way to a new password."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, User
from tracker.base import labels
from tracker.base.labels import label
from tracker.base.languages import speaking
from tracker.base.sentences import on_record
from tracker.base.words import isolate, say_instant
from tracker.invitations.models import AccountLink
from tracker.invitations.rules import hash_word
from tracker.invitations.service import make_word
from tracker.outbox.kinds import Mail, NoLonger, message_kind
from tracker.outbox.models import Message

labels.announce(
    "act",
    {
        "invitations.invite": _l("invited somebody"),
        "invitations.again": _l("sent an invitation again"),
        "invitations.revoke": _l("took an invitation back"),
        "invitations.accept": _l("accepted an invitation"),
        "invitations.ask_reset": _l("asked for a new password"),
        "invitations.answer": _l("answered who asked for a new password"),
        "invitations.set_password": _l("set a new password by a link"),
        "invitations.ask_address": _l("asked for another mail address"),
        "invitations.take_address": _l("confirmed another mail address"),
    },
)
labels.announce(
    "step",
    {
        "invitations.answer": _l("answers who asked for a new password"),
        "invitations.forget": _l("forgets links that have run out"),
    },
)
labels.announce(
    "message_kind",
    {
        "account.invited": _l("invitation to an account"),
        "account.reset": _l("link for a new password"),
        "account.address": _l("link for another mail address"),
    },
)
labels.announce(
    "cause",
    {
        "invited": _l("was invited"),
        "asked for a new password": _l("a new password was asked for"),
        "asked for another address": _l("another mail address was asked for"),
    },
)
labels.announce(
    "link_state", {"open": _l("open"), "used": _l("used"), "ended": _l("taken back"), "expired": _l("has run out")}
)


def _lets_in(now: datetime, fits: ColumnElement[bool]) -> ColumnElement[bool]:
    """SQL on `messages`: its link lets somebody in at `now`, at the address it was made for."""
    return exists(
        select(AccountLink.id)
        .join(User, User.id == AccountLink.user_id)
        .where(
            AccountLink.id == Message.subject_id,
            AccountLink.used_at.is_(None),
            AccountLink.ended_at.is_(None),
            AccountLink.expires_at > now,
            User.email_key == AccountLink.email_key,
            fits,
        )
        .correlate(Message)
    )


def _why_not(session: Session, message: Message, now: datetime) -> str:
    link = session.get(AccountLink, message.subject_id)
    if link is not None and link.used_at is None and link.ended_at is None and link.expires_at <= now:
        return on_record("its link has run out")
    return on_record("its link has been used, or has ended")


def _read(session: Session, message: Message) -> tuple[AccountLink, User, str]:
    """The link of a mail, whom it is for, and its address. NoLonger when the keyring that made it is another one now:
    such a link would let nobody in."""
    row = session.execute(
        select(AccountLink, User)
        .join(User, User.id == AccountLink.user_id)
        .where(AccountLink.id == message.subject_id)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NoLonger
    link, user = row
    word = make_word(link.purpose, link.nonce)
    if hash_word(word) != link.token_hash:
        raise NoLonger
    path = {"invite": "invitations/accept", "reset": "password/new", "address": "account/address"}[link.purpose]
    return link, user, f"{current_app.extensions['settings'].base_url}/{path}/{word}"


def _write(name: str, subject: str, **what: Any) -> Mail:
    environment = current_app.jinja_env
    return Mail(
        subject=" ".join(subject.split()),
        text=environment.get_template(f"invitations/{name}.txt").render(**what),
        html=environment.get_template(f"invitations/{name}.html").render(subject=subject, **what),
    )


@message_kind("account.invited", if_unsure="wait")
class Invited:
    """An invitation, with the link by which it is accepted once. The link is made as the mail is written."""

    to_invited = True

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the invitation is open, and goes to the address it was made for."""
        return _lets_in(now, User.invited.is_(True))

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        link, user, address = _read(session, messages[0])
        desk = session.get(Desk, link.desk_id) if link.desk_id is not None else None
        with speaking(user.language):
            zone = desk.zone if desk else "UTC"
            return _write(
                "invited",
                _("Invitation to the urgent action tracker"),
                address=address,
                role=label(link.role, "role"),
                desk=isolate(desk.name) if desk else "",
                until=say_instant(link.expires_at, zone),
            )

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why it is not sent."""
        return _why_not(session, message, now)


@message_kind("account.reset", if_unsure="wait")
class ResetAsked:
    """The link by which somebody sets a new password, once. It is made as the mail is written."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the link is open, and goes to the address it was made for."""
        return _lets_in(now, User.active.is_(True))

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        link, user, address = _read(session, messages[0])
        with speaking(user.language):
            return _write(
                "reset",
                _("A new password for the urgent action tracker"),
                address=address,
                by_admin=link.made_by is not None,
                until=say_instant(link.expires_at, user.reading_zone),
            )

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why it is not sent."""
        return _why_not(session, message, now)


@message_kind("account.address", if_unsure="wait")
class AddressAsked:
    """The link by which somebody says that another mail address is theirs, to that address. It is made as the mail is
    written."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the link is open, and nobody has the address it goes to."""
        theirs = aliased(User)
        taken = select(theirs.id).where(theirs.email_key == AccountLink.email_key).correlate(AccountLink)
        return exists(
            select(AccountLink.id)
            .join(User, User.id == AccountLink.user_id)
            .where(
                AccountLink.id == Message.subject_id,
                AccountLink.used_at.is_(None),
                AccountLink.ended_at.is_(None),
                AccountLink.expires_at > now,
                User.active.is_(True),
                ~exists(taken),
            )
            .correlate(Message)
        )

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        link, user, address = _read(session, messages[0])
        with speaking(user.language):
            return _write(
                "address_mail",
                _("Is this your address?"),
                address=address,
                until=say_instant(link.expires_at, user.reading_zone),
            )

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why it is not sent; the same where somebody has the address: staff who read it learn nothing of that."""
        return _why_not(session, message, now)
