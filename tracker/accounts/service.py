"""Making and changing accounts, desks and sign-ins. Nothing here commits."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from flask_security import hash_password
from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.orm import Session

from tracker.accounts import rules
from tracker.accounts.kinds import access_ends, desk_clock_changes
from tracker.accounts.models import ROLES, Desk, Membership, SignIn, User
from tracker.accounts.queries import find_account, find_desk
from tracker.base.countries import check_country
from tracker.base.dates import MONDAY_TO_FRIDAY, zone_of
from tracker.base.errors import NotAllowed, NotFound, Refused, VersionConflict
from tracker.base.work import note_done
from tracker.outbox.bounces import reach_again
from tracker.outbox.models import Recipient
from tracker.outbox.protocol import end_untrue_of
from tracker.outbox.service import former_address, plan_messages, recipient_for

#: After this long, that an account was changed is no news.
CHANGE_TOLD_WITHIN = timedelta(days=7)

#: The clocks of a desk that may be changed: column → whether it counts working days.
THRESHOLDS = ("stale_critical_days", "stale_high_working_days", "stale_medium_days", "stale_low_days")


def add_desk(
    session: Session,
    code: str,
    name: str,
    countries: Iterable[str],
    zone: str,
    working_days: Iterable[int] = MONDAY_TO_FRIDAY,
    *,
    now: datetime,
) -> Desk:
    """Make a desk. `countries`: ISO 3166-1 alpha-2; `zone`: IANA; `working_days`: ISO weekday numbers in week order.

    Refused, naming the field (`code`, `name`, `country`, `zone`, `working_days`), when something cannot be or the code
    is taken.
    """
    code = rules.check_desk_code(code)
    listed = list(dict.fromkeys(check_country(c) for c in countries))
    if not listed:
        raise Refused(_("A desk keeps the cases of one country at least."), "country")
    zone_of(zone)
    if find_desk(session, code) is not None:
        raise Refused(_("There is a desk %(code)s already.", code=code), "code")
    desk = Desk(
        code=code,
        name=rules.check_name(name),
        countries=listed,
        zone=zone,
        working_days=rules.check_working_days(working_days),
        created_at=now,
    )
    session.add(desk)
    session.flush()
    return desk


def change_desk(
    session: Session,
    code: str,
    *,
    version: int,
    thresholds: dict[str, int],
    working_days: Iterable[int],
    now: datetime,
) -> Desk:
    """Change when cases of a desk go stale. `thresholds`: days by column (THRESHOLDS; others stay as they are).

    VersionConflict, with the stored values, when somebody else changed the desk since `version` was read; Refused when
    a number or the days cannot be; NotFound when there is no such desk.
    """
    desk = session.scalar(
        select(Desk).where(Desk.code == code).with_for_update(of=Desk).execution_options(populate_existing=True)
    )
    if desk is None:
        raise NotFound(f"There is no desk {code[:20]}.")
    if desk.version != version:
        stored = {column: getattr(desk, column) for column in THRESHOLDS}
        raise VersionConflict(
            _("Somebody else changed these settings while you were editing."),
            {**stored, "working_days": list(desk.working_days), "version": desk.version},
        )
    wanted: dict[str, object] = {c: rules.check_threshold(days, c) for c, days in thresholds.items() if c in THRESHOLDS}
    wanted["working_days"] = rules.check_working_days(working_days)
    changed = {column: value for column, value in wanted.items() if getattr(desk, column) != value}
    if changed:
        for column, value in changed.items():
            setattr(desk, column, value)
        desk.version += 1
        session.flush()
        for part in desk_clock_changes:
            part(session, desk.id, now)
    return desk


def add_account(
    session: Session,
    email: str,
    name: str | None,
    role: str,
    password: str,
    desk: str | None = None,
    coordinator: bool = False,
    *,
    now: datetime,
) -> User:
    """Make an account mail can go to. `name` None: taken from the address; `desk`: the code of the desk it joins.

    Refused, naming the field (`email`, `name`, `role`, `password`, `desk`, `coordinator`).
    """
    address = rules.normalise_email(email)
    if role not in ROLES:
        raise Refused(_("“%(role)s” is no role: %(roles)s.", role=role[:20], roles=", ".join(ROLES)), "role")
    if desk and role == "volunteer":
        raise Refused(_("A volunteer belongs to no desk: only staff and admins do."), "desk")
    if coordinator and not desk:
        raise Refused(_("A coordinator coordinates a desk: say which."), "coordinator")
    joined = find_desk(session, desk) if desk else None
    if desk and joined is None:
        raise Refused(_("There is no desk %(code)s.", code=desk[:20]), "desk")
    known = find_account(session, address)
    if known is not None:
        if known.invited:
            raise Refused(
                _("%(address)s was invited, and chooses a name and a password by the link.", address=address), "email"
            )
        raise Refused(_("There is an account %(address)s already.", address=address), "email")
    called = rules.check_name(name if name else rules.name_from_email(address))
    user = User(
        email=address,
        email_key=rules.email_key(address),
        name=called,
        password=hash_password(rules.check_password(password, (address, called))),
        fs_uniquifier=secrets.token_hex(32),
        role=role,
        created_at=now,
    )
    session.add(user)
    session.flush()
    session.add(Recipient(user_id=user.id))
    if joined is not None:
        user.memberships.append(Membership(desk_id=joined.id, coordinator=coordinator))
    session.flush()
    return user


def change_own(session: Session, user: User, *, zone: str, language: str, languages: Iterable[str]) -> None:
    """Change one's own zone (empty: the desk's) and language. Refused (`zone`, `language`) when there is none such."""
    zone = zone.strip()
    if zone:
        zone_of(zone)
    if language not in tuple(languages):
        raise Refused(_("Pages do not come in “%(language)s”.", language=language[:12]), "language")
    user.zone, user.language = zone or None, language
    user.version += 1
    session.flush()


def say_away(session: Session, user: User, until: date | None, now: datetime) -> None:
    """Say until which day, the last one included, an account is away; None: it is here. Refused (`away_until`) for a
    day that has passed on its calendar, or lies over a year ahead."""
    until = rules.check_away_until(until, user.reading_zone, now)
    if until != user.away_until:
        user.away_until = until
        user.version += 1
        session.flush()


def change_address(session: Session, user: User, email: str, now: datetime) -> None:
    """Give an account another address: it signs in with that one from now on, everywhere anew, and mail goes there,
    whatever the old one sent back. The old one is told. Refused (`email`) when it is none, or somebody else's."""
    address = rules.normalise_email(email)
    known = find_account(session, address)
    if known is not None and known.id != user.id:
        raise Refused(_("There is an account %(address)s already.", address=address), "email")
    before = user.email
    user.email, user.email_key = address, rules.email_key(address)
    user.version += 1
    end_sign_ins(session, user, now)
    recipient = recipient_for(session, user.id)
    if recipient.suppressed_at is None and rules.email_key(before) != user.email_key:
        tell_changed(session, user, "address", now, former=before)
    reach_again(session, recipient.id, now)


def change_password(session: Session, user: User, hashed: str, now: datetime) -> None:
    """Give an account another password, of which the hash is made already, and end its sign-ins. Its owner is told."""
    user.password = hashed
    user.version += 1
    end_sign_ins(session, user, now)
    tell_changed(session, user, "password", now)


def tell_changed(session: Session, user: User, what: str, now: datetime, *, former: str = "") -> None:
    """Plan the mail that says how an account signs in was changed: `what` is one of those `mails.say_change` has words
    for. `former`: the address it had until now, to which the mail goes instead."""
    key = f"account.changed:{user.id}:{secrets.token_hex(8)}"
    plan_messages(
        session,
        [
            {
                "dedupe_key": key,
                "kind": "account.changed",
                "subject_kind": "account",
                "subject_id": user.id,
                "subject_rev": user.version,
                "recipient_id": recipient_for(session, user.id).id,
                "cause": "own account",
                "tells": {"what": what, "at": now.isoformat()},
                "due_at": now,
                "give_up_at": now + CHANGE_TOLD_WITHIN,
                "address_sealed": former_address(current_app.extensions["sealer"], key, former) if former else None,
            }
        ],
    )


def show_as(session: Session, user: User, *, alias: str, discreet: bool) -> None:
    """Say under which alias others see an account (empty: under its name), and whether it keeps it discreet. Refused
    (`alias`) when others see somebody else called so: nobody speaks under another's name. The name behind an alias is
    not asked for: whoever tries it would learn that its bearer is here."""
    called = rules.check_name(alias, "alias", rules.ALIAS_MAX) if alias.strip() else None
    if called is not None:
        others = (User.id != user.id, func.lower(func.coalesce(User.alias, User.name)) == called.lower())
        if session.scalar(select(User.id).where(*others).limit(1)) is not None:
            raise Refused(_("Somebody here is called so. Choose another one."), "alias")
    user.alias, user.discreet = called, discreet
    user.version += 1
    session.flush()


# What an account may do ----------------------------------------------------------------------------------------------


def hold_access(session: Session, user: User) -> User:
    """Let nobody else change who may do what until this unit of work ends; returns the account as it is now.

    Always in this order, by number: active admins, desks, the account. So two acts wait for one another and never in a
    ring, and the second sees what the first did. (SQLite has one writer anyhow.) All desks, because an account may be
    put on another one at this very moment; there are few, and such acts are rare.
    """
    admins = select(User.id).where(User.role == "admin", User.active).order_by(User.id)
    session.execute(admins.with_for_update(key_share=True)).all()
    session.execute(select(Desk.id).order_by(Desk.id).with_for_update(key_share=True)).all()
    held = select(User).where(User.id == user.id).with_for_update(of=User, key_share=True)
    return session.scalars(held.execution_options(populate_existing=True)).one()


def change_role(session: Session, user: User, role: str, now: datetime) -> list[str]:
    """Give an account another role, from this moment on: it signs in anew, and what the old one held ends. Refused
    (`role`) for no role, and where the house would have no admin or a desk no coordinator left. Returns what somebody
    must see to now, in sentences."""
    if role not in ROLES:
        raise Refused(_("“%(role)s” is no role: %(roles)s.", role=role[:20], roles=", ".join(ROLES)), "role")
    user = hold_access(session, user)
    if role == user.role:
        return []
    if role != "admin":
        _check_admin_left(session, user, "role")
    if role == "volunteer":
        for membership in list(user.memberships):
            _check_coordinator_left(session, user, membership, "role")
            user.memberships.remove(membership)
            session.delete(membership)
    user.role = role
    user.version += 1
    return end_access(session, user, now)


def disable(session: Session, user: User, now: datetime) -> list[str]:
    """Let nobody in with this account any more, from this moment. Its name stays in histories. Refused where the house
    would have no admin or a desk no coordinator left. Returns what somebody must see to now, in sentences."""
    user = hold_access(session, user)
    _check_admin_left(session, user)
    for membership in user.memberships:
        _check_coordinator_left(session, user, membership)
    user.active = False
    user.version += 1
    return end_access(session, user, now)


def enable(session: Session, user: User) -> None:
    """Let an account in again. What had ended stays so: it signs in anew, and takes up cases anew. Refused for one that
    was invited and has not come: it needs an invitation."""
    user = hold_access(session, user)
    if user.invited:
        raise Refused(_("This account was invited and has not come yet. Send the invitation again."))
    user.active = True
    user.version += 1
    session.flush()


def join_desk(session: Session, user: User, code: str) -> None:
    """Put an account on a desk. Refused (`desk`) for volunteers, for a desk there is not, and when it is on it."""
    desk = find_desk(session, code)
    if desk is None:
        raise Refused(_("There is no desk %(code)s.", code=code[:20]), "desk")
    user = hold_access(session, user)
    if not user.is_staff:
        raise Refused(_("A volunteer belongs to no desk: only staff and admins do."), "desk")
    if any(m.desk_id == desk.id for m in user.memberships):
        raise Refused(_("%(name)s is on that desk already.", name=user.name), "desk")
    user.memberships.append(Membership(desk_id=desk.id))
    user.version += 1
    session.flush()


def leave_desk(session: Session, user: User, code: str, now: datetime) -> list[str]:
    """Take an account off a desk, from this moment on: it signs in anew, and what it held through the desk ends.
    NotFound when it is not on it; Refused for its last coordinator. Returns what somebody must see to now."""
    user = hold_access(session, user)
    membership = _membership(user, code)
    _check_coordinator_left(session, user, membership)
    left = membership.desk_id
    user.memberships.remove(membership)
    session.delete(membership)
    user.version += 1
    return end_access(session, user, now, left)


def set_duty(session: Session, user: User, code: str, duty: str, now: datetime) -> list[str]:
    """Let an account coordinate a desk it is on, stand in there, or neither (`duty`: one of rules.DUTIES). NotFound
    when it is not on it; Refused for the last coordinator. Taking a duty away ends what came with it. Returns what
    somebody must see to now."""
    if duty not in rules.DUTIES:
        raise Refused(_("Choose what they are on this desk."), "duty")
    user = hold_access(session, user)
    membership = _membership(user, code)
    if duty != "coordinator":
        _check_coordinator_left(session, user, membership)
    had_more = (membership.coordinator or membership.deputy) and duty == "member"
    membership.coordinator, membership.deputy = duty == "coordinator", duty == "deputy"
    user.version += 1
    session.flush()
    return end_access(session, user, now) if had_more else []


def end_access(session: Session, user: User, now: datetime, left: int | None = None) -> list[str]:
    """End all that lets an account in or speaks to it by what it could do until now: sign-ins, what rooms above gave it
    (`access_ends`), mail that waits and may not go there any more. `left`: the desk it has just left, by number.
    Returns what somebody must see to now."""
    end_sign_ins(session, user, now)
    said = [sentence for part in access_ends for sentence in part(session, user, now, left)]
    session.flush()
    end_untrue_of(session, recipient_for(session, user.id).id, now)
    return said


def _membership(user: User, code: str) -> Membership:
    found = next((m for m in user.memberships if m.desk.code == code.strip().lower()), None)
    if found is None:
        raise NotFound(f"{user.name} is not on the desk {code[:20]}.")
    return found


def _check_admin_left(session: Session, user: User, field: str | None = None) -> None:
    """Refused when this account is the last active admin. Under `hold_access` only."""
    if user.role != "admin" or not user.active:
        return
    others = select(User.id).where(User.role == "admin", User.active, User.id != user.id)
    if session.scalar(others.limit(1)) is None:
        raise Refused(_("This is the last admin: make somebody else one first."), field)


def _check_coordinator_left(session: Session, user: User, membership: Membership, field: str | None = None) -> None:
    """Refused when this account is the last active coordinator of a desk. Under `hold_access` only."""
    if not membership.coordinator or not user.active or not user.is_staff:
        return
    others = (
        select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.desk_id == membership.desk_id,
            Membership.coordinator,
            User.active,
            User.role.in_(("staff", "admin")),
            User.id != user.id,
        )
    )
    if session.scalar(others.limit(1)) is None:
        name = membership.desk.name
        raise Refused(
            _("This is the last coordinator of %(desk)s: let somebody else coordinate it first.", desk=name), field
        )


# Sign-ins -------------------------------------------------------------------------------------------------------------


def begin_sign_in(session: Session, user: User, *, token: str, data_sealed: str, device: str, now: datetime) -> SignIn:
    """Write down a new sign-in. `token`: the cookie's value, of which only the hash is kept."""
    row = SignIn(
        token_hash=hash_token(token),
        user_id=user.id,
        data_sealed=data_sealed,
        created_at=now,
        seen_at=now,
        proved_at=now,
        expires_at=now + rules.idle_span(user.role),
        device=device,
    )
    session.add(row)
    session.flush()
    note_done("sign_ins", row.id, user_id=user.id, device=device, begun=now.isoformat())
    return row


def begin_waiting(session: Session, user: User, *, token: str, data_sealed: str, now: datetime) -> SignIn:
    """Write down that the password of an account was right, and its second factor has yet to be shown. Nobody is signed
    in by it."""
    row = SignIn(
        token_hash=hash_token(token),
        pending_user_id=user.id,
        data_sealed=data_sealed,
        created_at=now,
        seen_at=now,
        expires_at=now + rules.PENDING_LASTS,
    )
    session.add(row)
    session.flush()
    return row


def end_waiting(session: Session, sign_in_id: int, now: datetime) -> None:
    """End the wait for a second factor. NotAllowed when it is over: of two answers at once, one is let in."""
    ended = session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, SignIn.pending_user_id.is_not(None), SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast(CursorResult[Any], ended).rowcount == 0:
        raise NotAllowed(_("This sign-in is over. Start again."))


def prove_sign_in(
    session: Session, sign_in_id: int, *, token: str, fresh_token: str, data_sealed: str, now: datetime
) -> None:
    """Write down that the owner of a sign-in has shown again that it is them: it goes on under another cookie value,
    the old one opens nothing any more (ASVS 5.0 V7.2.4). NotAllowed when it has ended, or goes on so already."""
    proved = session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, SignIn.token_hash == hash_token(token), SignIn.ended_at.is_(None))
        .values(token_hash=hash_token(fresh_token), data_sealed=data_sealed, proved_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast(CursorResult[Any], proved).rowcount == 0:
        raise NotAllowed(_("This sign-in is over. Start again."))


def end_sign_in(session: Session, user: User, sign_in_id: int, now: datetime) -> None:
    """End one of an account's own sign-ins. NotFound when it has no such one that holds."""
    ended = session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, SignIn.user_id == user.id, SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast(CursorResult[Any], ended).rowcount == 0:
        raise NotFound("That sign-in has ended already.")
    note_done("sign_ins", sign_in_id, user_id=user.id, ended=1)


def end_sign_ins(session: Session, user: User, now: datetime) -> None:
    """End every sign-in of an account, and what waits for its second factor, whatever requests of it are running."""
    user.fs_uniquifier = secrets.token_hex(32)
    session.flush()
    ended = session.execute(
        update(SignIn)
        .where(or_(SignIn.user_id == user.id, SignIn.pending_user_id == user.id), SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    note_done("sign_ins", None, user_id=user.id, ended=cast(CursorResult[Any], ended).rowcount)


def hash_token(token: str) -> str:
    """What is stored of a cookie's value: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
