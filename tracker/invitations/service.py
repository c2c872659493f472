"""Making, sending again, taking back and using links that let somebody in once. Nothing here commits."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from flask_security import hash_password
from sqlalchemy import ColumnElement, CursorResult, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.accounts import rules as accounts
from tracker.accounts.kinds import access_ends
from tracker.accounts.models import ROLES, Membership, User
from tracker.accounts.queries import coordinated, find_account, find_desk
from tracker.accounts.service import change_address, end_sign_ins, tell_changed
from tracker.base.errors import Misconfigured, NotAllowed, NotFound, Refused
from tracker.base.sentences import on_record
from tracker.base.work import Change, current_work
from tracker.invitations import rules
from tracker.invitations.models import AccountLink, ResetAsk
from tracker.outbox.models import Message
from tracker.outbox.service import end_messages, former_address, plan_messages, read_former_address, recipient_for

#: What messages call the subject they are about.
SUBJECT = "account_link"

#: Of each purpose the kind of mail it goes out with, and why.
SENT_AS = {
    "invite": ("account.invited", "invited"),
    "reset": ("account.reset", "asked for a new password"),
    "address": ("account.address", "asked for another address"),
}

#: Said alike of a link nobody made, and of one that is not for who opens it.
NOT_WHOLE = "This link is not whole. Open it from the mail once more, or copy all of it."


# Inviting -------------------------------------------------------------------------------------------------------------


def invite(
    session: Session,
    by: User | None,
    email: str,
    role: str,
    desk: str | None = None,
    coordinator: bool = False,
    language: str | None = None,
    *,
    now: datetime,
) -> AccountLink:
    """Invite somebody to an account; `by` None: a command. The mail with the link goes out with the next tick; an
    invitation they had before ends. `desk`: its code; `language`: of the mail, and of their pages at first.

    Until they come there is an account that nobody can sign in with and that belongs nowhere; role and desk stand on
    the invitation and are given when it is used. NotAllowed when `by` may not; Refused (`email`, `role`, `desk`,
    `coordinator`, `language`).
    """
    address = accounts.normalise_email(email)
    if role not in ROLES:
        raise Refused(_("“%(role)s” is no role: %(roles)s.", role=role[:20], roles=", ".join(ROLES)), "role")
    if desk and role == "volunteer":
        raise Refused(_("A volunteer belongs to no desk: only staff and admins do."), "desk")
    if coordinator and not desk:
        raise Refused(_("A coordinator coordinates a desk: say which."), "coordinator")
    if language is not None and language not in current_app.extensions["languages"]:
        raise Refused(_("Mails do not come in “%(language)s”.", language=language[:12]), "language")
    joined = find_desk(session, desk) if desk else None
    if desk and joined is None:
        raise Refused(_("There is no desk %(code)s.", code=desk[:20]), "desk")
    desk_id = joined.id if joined else None
    check_may_invite(session, by, role, desk_id, coordinator)
    user = find_account(session, address)
    if user is not None and not user.invited:
        raise Refused(_("There is an account %(address)s already.", address=address), "email")
    if user is None:
        user = User(
            email=address,
            email_key=accounts.email_key(address),
            name=accounts.name_from_email(address)[:120],
            password=_nobodys_password(),
            active=False,
            invited=True,
            fs_uniquifier=secrets.token_hex(32),
            role="volunteer",
            created_at=now,
        )
        session.add(user)
    elif by is not None and by.role != "admin":
        _check_own(session, by, user)
    user.language = language or user.language or current_app.extensions["languages"][0]
    session.flush()
    return _make(session, user, "invite", by, now, role=role, desk_id=desk_id, coordinator=coordinator)


def invite_again(session: Session, by: User, link_id: int, now: datetime) -> AccountLink:
    """Send an invitation again, with a new link; the old one ends at once. NotFound when there is none such that `by`
    may see, or when it was used."""
    link = get_invitation(session, by, link_id)
    user = session.get(User, link.user_id)
    if user is None or not user.invited or link.used_at is not None:
        raise NotFound("There is no such invitation.")
    check_may_invite(session, by, link.role or "", link.desk_id, link.coordinator)
    return _make(session, user, "invite", by, now, role=link.role, desk_id=link.desk_id, coordinator=link.coordinator)


def revoke(session: Session, by: User, link_id: int, now: datetime) -> None:
    """Take an invitation back: from this moment on its link lets nobody in. NotFound when there is none such that is
    open and that `by` may see."""
    link = get_invitation(session, by, link_id)
    if end_links(session, AccountLink.id == link.id, now, on_record("the invitation was taken back")) == 0:
        raise NotFound("There is no such invitation any more.")


def check_may_invite(session: Session, by: User | None, role: str, desk_id: int | None, coordinator: bool) -> None:
    """NotAllowed unless this account, as it is now, may invite so; None: a command, which may."""
    if by is None:
        return
    fresh = session.get(User, by.id, populate_existing=True)
    if fresh is None or not fresh.active:
        raise NotAllowed(_("This account is closed."))
    rules.check_may_invite(
        is_admin=fresh.role == "admin",
        coordinates=coordinated(fresh),
        role=role,
        desk_id=desk_id,
        coordinator=coordinator,
    )


def get_invitation(session: Session, by: User, link_id: int) -> AccountLink:
    """An invitation this account may look after. NotFound alike when there is none and when it is not theirs."""
    link = session.scalar(select(AccountLink).where(AccountLink.id == link_id, looks_after(by)))
    if link is None:
        raise NotFound("There is no such invitation.")
    return link


def looks_after(user: User) -> ColumnElement[bool]:
    """SQL on `account_links`: invitations this account may see, send again and take back: an admin all; others those
    that are theirs to make, of their desks, and of volunteers whom they invited."""
    if user.role == "admin":
        return AccountLink.purpose == "invite"
    desks = coordinated(user)
    of_desk = (AccountLink.desk_id.in_(desks)) & (AccountLink.role == "staff") & ~AccountLink.coordinator
    own = (AccountLink.role == "volunteer") & (AccountLink.made_by == user.id)
    return (AccountLink.purpose == "invite") & (of_desk | own if desks else AccountLink.id.is_(None))


@cache
def _nobodys_password() -> str:
    """The hash of a password nobody knows, once a process: trying one takes as long as with any account."""
    return hash_password(secrets.token_urlsafe(32))


def _check_own(session: Session, by: User, user: User) -> None:
    """Refused when somebody else's open invitation would end by this one: a coordinator takes no admin's away."""
    others = select(AccountLink.id).where(AccountLink.user_id == user.id, *_open(), ~looks_after(by))
    if session.scalar(others.limit(1)) is not None:
        raise Refused(_("Somebody else has invited them already."), "email")


# A new password -------------------------------------------------------------------------------------------------------


def ask_reset(session: Session, email: str, now: datetime) -> None:
    """Write down that somebody says that they have forgotten the password of this address. Whether anybody has it the
    clock will see (`answer_asks`): what is done here, and how long it takes, is the same for every address."""
    key = secrets.token_hex(16)
    sealed = current_app.extensions["sealer"].keyring.seal(email.encode(), _place(key))
    session.add(ResetAsk(key=key, address_sealed=sealed, asked_at=now))
    session.flush()


def answer_asks(session: Session, now: datetime) -> int:
    """Send a link to each address for which somebody asked, where it is that of an open account. Asking again within
    five minutes sends no second mail. Returns how many links were made."""
    made = 0
    for ask in session.scalars(select(ResetAsk).order_by(ResetAsk.asked_at, ResetAsk.key)).all():
        try:
            email = current_app.extensions["sealer"].keyring.unseal(ask.address_sealed, _place(ask.key)).decode()
        except Misconfigured:
            email = ""
        session.delete(ask)
        user = find_account(session, email) if email else None
        if user is not None and user.active and not _asked_lately(session, user, now):
            _make(session, user, "reset", None, now)
            made += 1
    session.flush()
    return made


def start_reset(session: Session, by: User | None, user: User, now: datetime) -> AccountLink:
    """Send somebody a link to set a new password: nobody sets it for them. Refused for an account that is closed."""
    if not user.active:
        raise Refused(_("This account is closed."))
    return _make(session, user, "reset", by, now)


def _place(key: str) -> str:
    return f"reset_asks|{key}|address"


def _asked_lately(session: Session, user: User, now: datetime) -> bool:
    lately = (AccountLink.purpose == "reset", AccountLink.created_at > now - rules.ASK_AGAIN_AFTER)
    return session.scalar(select(AccountLink.id).where(AccountLink.user_id == user.id, *lately, *_open())) is not None


# Another address ------------------------------------------------------------------------------------------------------


def ask_address(session: Session, user: User, email: str, now: datetime) -> AccountLink:
    """Send a link to another address, by which its owner says that it is theirs; until then nothing changes. What is
    done here is the same whoever has that address: where somebody has, the mail is left out when it is due. Refused
    (`email`) when it is none, the one they have, or while mail to that one comes back: nothing is sent to anybody then.
    """
    address = accounts.normalise_email(email)
    if accounts.email_key(address) == user.email_key:
        raise Refused(_("That is your address already."), "email")
    if recipient_for(session, user.id).suppressed_at is not None:
        raise Refused(
            _(
                "Mail to your present address comes back, so no link can be sent. Ask whoever runs the tracker to give "
                "your account the other one."
            ),
            "email",
        )
    return _make(session, user, "address", user, now, to=address)


def take_address(session: Session, user: User, word: str, now: datetime) -> User:
    """Use a link for another address: the account of `user` has it from now on, every sign-in ends, every open link of
    the account ends, and the old address is told. NotFound for a link of somebody else; Refused when it changes nothing
    any more, or somebody has that address by now."""
    link, owner = find_link(session, word, "address")
    if owner.id != user.id:
        raise NotFound(NOT_WHOLE)
    address = _address_of(session, link)
    _link, owner = _use(session, word, "address", now)
    try:
        with session.begin_nested():
            change_address(session, owner, address, now)
    except IntegrityError:
        raise Refused(_("Somebody has that address by now.")) from None
    end_links(session, AccountLink.user_id == owner.id, now, on_record("the address was changed"))
    return owner


def _address_of(session: Session, link: AccountLink) -> str:
    """The address a link went to, as it was written; where its mail is gone, as it is found by."""
    message = session.scalar(select(Message).where(Message.subject_kind == SUBJECT, Message.subject_id == link.id))
    written = read_former_address(current_app.extensions["sealer"], message) if message is not None else None
    return written if written and accounts.email_key(written) == link.email_key else link.email_key


# Using ----------------------------------------------------------------------------------------------------------------


def find_link(session: Session, word: str, purpose: str) -> tuple[AccountLink, User]:
    """The link with this word, and whom it is for. NotFound when none was made with it, or for another purpose. It is
    looked up by its hash in an index: how long that takes says nothing about a word."""
    row = session.execute(
        select(AccountLink, User)
        .join(User, User.id == AccountLink.user_id)
        .where(AccountLink.token_hash == rules.hash_word(word), AccountLink.purpose == purpose)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound(NOT_WHOLE)
    return row[0], row[1]


def link_state(link: AccountLink, user: User, now: datetime) -> str:
    """How a link stands: one of rules.STATES. It has ended, too, when its account got another address (of
    one for another address: has that one), was closed, or was opened in another way."""
    state = rules.state_of(link.expires_at, link.used_at, link.ended_at, now)
    if link.purpose == "address":
        fits = user.active and user.email_key != link.email_key
    else:
        fits = user.email_key == link.email_key and (user.invited if link.purpose == "invite" else user.active)
    return "ended" if state == "open" and not fits else state


def accept(session: Session, word: str, *, name: str, password_hash: str, now: datetime) -> User:
    """Use an invitation: the account is open from now on, with this name and what was promised. `password_hash`: made
    before the unit of work, of what `rules.check_password` let pass. Refused when the link lets nobody in any more."""
    called = accounts.check_name(name)
    link, user = _use(session, word, "invite", now)
    user.name, user.password, user.role = called, password_hash, link.role or "volunteer"
    user.active, user.invited = True, False
    user.fs_uniquifier = secrets.token_hex(32)
    user.version += 1
    if link.desk_id is not None:
        user.memberships.append(Membership(desk_id=link.desk_id, coordinator=link.coordinator))
    session.flush()
    recipient_for(session, user.id)
    end_links(session, AccountLink.user_id == user.id, now, on_record("the account is open"))
    return user


def set_password(session: Session, word: str, *, password_hash: str, now: datetime) -> User:
    """Use a link for a new password: from now on only that one holds; every sign-in of the account ends, and every
    other such link. Its second factor stays as it is, and its owner is told. Refused when the link lets nobody in any
    more."""
    _link, user = _use(session, word, "reset", now)
    user.password = password_hash
    user.version += 1
    end_sign_ins(session, user, now)
    end_links(session, AccountLink.user_id == user.id, now, on_record("the password was changed"))
    tell_changed(session, user, "password", now)
    return user


def _use(session: Session, word: str, purpose: str, now: datetime) -> tuple[AccountLink, User]:
    """Take a link, once: of two who send it at the same moment one is refused."""
    link, user = find_link(session, word, purpose)
    session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True)).all()
    session.refresh(user)
    if link_state(link, user, now) == "open":
        taken = session.execute(
            update(AccountLink)
            .where(AccountLink.id == link.id, *_open(), AccountLink.expires_at > now)
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        )
        if cast(CursorResult[Any], taken).rowcount == 1:
            _record(session, link.id, "changed", used_at=now.isoformat())
            return link, user
    raise Refused(_("This link was used already, or has ended."))


# Ending ---------------------------------------------------------------------------------------------------------------


def end_links(session: Session, condition: ColumnElement[bool], now: datetime, reason: str) -> int:
    """End the open links that meet `condition` (SQL on `account_links`), and skip their mails that wait. Returns how
    many."""
    ended = session.scalars(
        update(AccountLink)
        .where(condition, *_open())
        .values(ended_at=now)
        .returning(AccountLink.id)
        .execution_options(synchronize_session=False)
    ).all()
    if ended:
        about = (Message.subject_kind == SUBJECT) & Message.subject_id.in_(ended)
        end_messages(session, about, "skipped", reason, now)
        for link_id in ended:
            _record(session, link_id, "changed", ended_at=now.isoformat())
    return len(ended)


@access_ends.adds("invitations.links")
def end_with_access(session: Session, user: User, now: datetime, _left: int | None) -> Sequence[str]:
    """Its open links end, and the invitations it has sent: nobody comes in on the word of who has lost access."""
    theirs = or_(AccountLink.user_id == user.id, AccountLink.made_by == user.id)
    end_links(session, theirs, now, on_record("who sent it, or whom it is for, lost access"))
    return ()


def _open() -> tuple[ColumnElement[bool], ...]:
    return AccountLink.used_at.is_(None), AccountLink.ended_at.is_(None)


def _make(
    session: Session,
    user: User,
    purpose: str,
    by: User | None,
    now: datetime,
    *,
    role: str | None = None,
    desk_id: int | None = None,
    coordinator: bool = False,
    to: str = "",
) -> AccountLink:
    """A new link and its mail (`to`: to another address than the account's), in place of those there are for the same;
    but what strangers ask for (`by` None) takes away no link for a new password that somebody may be looking for."""
    if by is not None or purpose == "invite":
        same = (AccountLink.user_id == user.id) & (AccountLink.purpose == purpose)
        end_links(session, same, now, on_record("another was sent in its place"))
    nonce = secrets.token_hex(32)
    link = AccountLink(
        purpose=purpose,
        user_id=user.id,
        email_key=accounts.email_key(to) if to else user.email_key,
        nonce=nonce,
        token_hash=rules.hash_word(make_word(purpose, nonce)),
        role=role,
        desk_id=desk_id,
        coordinator=coordinator,
        made_by=by.id if by else None,
        created_at=now,
        expires_at=now + rules.LASTS[purpose],
    )
    session.add(link)
    session.flush()
    if by is not None or purpose == "invite":
        _record(
            session, link.id, "created", purpose=purpose, user_id=link.user_id, role=role, desk_id=desk_id,
            coordinator=coordinator,
        )  # fmt: skip
    kind, cause = SENT_AS[purpose]
    key = f"{kind}:{link.id}"
    message = {
        "dedupe_key": key,
        "kind": kind,
        "subject_kind": SUBJECT,
        "subject_id": link.id,
        "subject_rev": 1,
        "recipient_id": recipient_for(session, user.id).id,
        "cause": cause,
        "tells": {},
        "due_at": now,
        "give_up_at": link.expires_at,
        "address_sealed": former_address(current_app.extensions["sealer"], key, to) if to else None,
    }
    plan_messages(session, [message])
    return link


def _record(session: Session, link_id: int, how: str, **fields: object) -> None:
    """Put it on record what became of a link."""
    changed: dict[str, tuple[object, object]] = {name: (None, value) for name, value in fields.items()}
    current_work(session).changes.append(Change("account_links", link_id, None, how, changed))


def make_word(purpose: str, nonce: str) -> str:
    """The word of a link: a keyed fingerprint of its nonce. It stands nowhere, and whoever has the database but not the
    keyring cannot make it. Rotation keeps it; a link whose key has left the ring lets nobody in any more."""
    return rules.word_of(current_app.extensions["sealer"].keyring.blind(f"{purpose}|{nonce}", "account links"))
