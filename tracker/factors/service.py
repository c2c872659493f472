"""Setting factors up, accepting what they show once, and taking them away. Nothing here commits."""

import secrets
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import CursorResult, Update, delete, select, update
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.accounts.service import end_sign_ins, tell_changed
from tracker.base.errors import NotAllowed, NotFound, Refused
from tracker.base.rotation import Sealed, sealed_columns
from tracker.base.work import Change, current_work
from tracker.factors import rules
from tracker.factors.models import CodeApp, Passkey, RecoveryCode
from tracker.factors.passkeys import Made, Shown
from tracker.factors.queries import must_have, read_factors

# Setting up -----------------------------------------------------------------------------------------------------------


def add_app(session: Session, user: User, secret: str, step: int) -> list[str]:
    """Give an account an app that makes codes, which has shown a right one of time `step`; in place of one it has.
    Returns new recovery codes where this is its first factor. Its sign-ins end, and its owner is told."""
    _lock(session, user)
    known = read_factors(session, user.id)
    if known.app is not None:
        session.delete(known.app)
        session.flush()
    sealed = current_app.extensions["sealer"].keyring.seal(secret.encode(), _place(user.id))
    now = current_work(session).now
    session.add(CodeApp(user_id=user.id, secret_sealed=sealed, last_step=step, created_at=now))
    return _added(session, user, first=not known.any)


def add_passkey(session: Session, user: User, made: Made, name: str, otherwise: str) -> list[str]:
    """Give an account a passkey that its owner's device has made; the same otherwise. Refused (`name`), or when there
    are too many, or the key is somebody's already."""
    _lock(session, user)
    known = read_factors(session, user.id)
    if len(known.passkeys) >= rules.PASSKEYS_MAX:
        raise Refused(_("An account has no more than 10 passkeys. Remove one first."))
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == made.credential_id)) is not None:
        raise Refused(_("This passkey is set up already."))
    name = rules.check_passkey_name(name, [p.name for p in known.passkeys], otherwise)
    session.add(
        Passkey(
            user_id=user.id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            created_at=current_work(session).now,
        )
    )
    return _added(session, user, first=not known.any)


def renew_codes(session: Session, user: User) -> list[str]:
    """Give an account new recovery codes; the old ones work no more. Its sign-ins end, and its owner is told. Refused
    when it has no factor that they could stand for."""
    _lock(session, user)
    if not read_factors(session, user.id).any:
        raise Refused(_("Set up a second factor first: recovery codes stand for a lost one."))
    codes = _new_codes(session, user)
    _changed(session, user, "codes_renewed")
    return codes


# Showing --------------------------------------------------------------------------------------------------------------


def find_secret(app: CodeApp) -> str:
    """The secret of an app. Misconfigured when it was moved here from another account."""
    return str(current_app.extensions["sealer"].keyring.unseal(app.secret_sealed, _place(app.user_id)).decode())


def accept_code(session: Session, user: User, code: str) -> str | None:
    """Accept a code of an account's app, or one of its recovery codes, once. Returns which it was, `app` or
    `recovery`; None when it is not right, or was accepted before, however it was written then."""
    code = rules.normalise_code(code)
    if rules.is_recovery_code(code):
        return "recovery" if _use_up(session, user, rules.hash_code(user.id, code)) else None
    app = read_factors(session, user.id).app
    step = rules.find_step(find_secret(app), code, current_work(session).now) if app is not None else None
    if step is None:
        return None
    later = update(CodeApp).where(CodeApp.user_id == user.id, CodeApp.last_step < step).values(last_step=step)
    return "app" if _changes_one(session, later) else None


def _use_up(session: Session, user: User, code_hash: str) -> bool:
    work = current_work(session)
    used = session.scalar(
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user.id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
        .values(used_at=work.now)
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    )
    if used is None:
        return False
    # One statement decides who was first; that it was used stands in the audit all the same.
    work.changes.append(Change("recovery_codes", used, None, "changed", {"used_at": (None, work.now)}))
    return True


def accept_passkey(session: Session, user: User, shown: Shown) -> bool:
    """Accept what a passkey has signed, once: whether it is the account's still, and nobody was faster."""
    used = (
        update(Passkey)
        .where(
            Passkey.id == shown.passkey_id, Passkey.user_id == user.id, Passkey.sign_count == shown.sign_count_before
        )
        .values(sign_count=shown.sign_count, used_at=current_work(session).now)
    )
    return _changes_one(session, used)


# Taking away ----------------------------------------------------------------------------------------------------------


def remove_app(session: Session, user: User) -> None:
    """Take the app from an account. Refused when there is none, or when it must keep one factor and this is it."""
    _lock(session, user)
    app = read_factors(session, user.id).app
    if app is None:
        raise Refused(_("There is no app to remove."))
    _remove(session, user, app)


def remove_passkey(session: Session, user: User, passkey_id: int) -> None:
    """Take a passkey from an account; the same otherwise. NotFound when it has no such one."""
    _lock(session, user)
    passkey = session.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user.id))
    if passkey is None:
        raise NotFound("There is no such passkey.")
    _remove(session, user, passkey)


def forget_factors(session: Session, user: User, by: User | None) -> int:
    """Take all factors and recovery codes from an account whose owner has lost them, once somebody has made sure who
    asks. Its sign-ins end; it sets up a new factor right after its password; its owner is told. `by`: an admin who is
    somebody else, or None for the command line; NotAllowed for others (ASVS 5.0 V6.4.4). Returns how many there
    were."""
    if by is not None and (by.role != "admin" or by.id == user.id):
        raise NotAllowed(_("Only another admin takes lost factors from an account."))
    _lock(session, user)
    known = read_factors(session, user.id)
    for row in (*known.passkeys, *([known.app] if known.app else [])):
        session.delete(row)
    _forget_codes(session, user)
    _changed(session, user, "factors_forgotten")
    return known.count


def _remove(session: Session, user: User, row: CodeApp | Passkey) -> None:
    last = read_factors(session, user.id).count == 1
    if last and must_have(session, user):
        raise Refused(_("Your account must keep a second factor. Set up another one first."))
    session.delete(row)
    if last:
        _forget_codes(session, user)
    _changed(session, user, "factor_removed")


def _added(session: Session, user: User, *, first: bool) -> list[str]:
    codes = _new_codes(session, user) if first else []
    _changed(session, user, "factor_added")
    return codes


def _changed(session: Session, user: User, what: str) -> None:
    now = current_work(session).now
    user.version += 1
    end_sign_ins(session, user, now)
    tell_changed(session, user, what, now)


def _new_codes(session: Session, user: User) -> list[str]:
    _forget_codes(session, user)
    codes = ["".join(secrets.choice(rules.ALPHABET) for _ in range(rules.CODE_LENGTH)) for _ in range(rules.CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=rules.hash_code(user.id, code)) for code in codes)
    session.flush()
    return codes


def _forget_codes(session: Session, user: User) -> None:
    session.execute(
        delete(RecoveryCode).where(RecoveryCode.user_id == user.id).execution_options(synchronize_session=False)
    )


def _lock(session: Session, user: User) -> None:
    """One change of an account's factors at a time."""
    session.get(User, user.id, populate_existing=True, with_for_update={"of": User})


def _changes_one(session: Session, statement: Update) -> bool:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return cast(CursorResult[Any], done).rowcount == 1


def _place(user_id: int) -> str:
    return f"code_apps|{user_id}|secret_sealed"


sealed_columns.add("code_apps.secret_sealed", Sealed(CodeApp.secret_sealed, CodeApp.user_id, CodeApp.user_id, _place))
