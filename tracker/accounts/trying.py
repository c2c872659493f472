"""Trying a password or a code, asking whose a number is: the same answer in the same time whoever was meant, and not
for ever.

Tries are counted in the database, so that several processes share one limit, and before the password is hashed: a hash
costs a fifth of a second and 64 MiB, and would be a weapon otherwise.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from flask import current_app
from flask_security import hash_password
from flask_security.utils import verify_password
from sqlalchemy import CursorResult, Insert, Update, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tracker.accounts.models import SignInTry, User
from tracker.accounts.queries import find_account
from tracker.accounts.rules import email_key, normalise_password
from tracker.base.db import db, note, noted

#: Tries are counted over this long, from the first.
TRIES_SPAN = timedelta(minutes=15)

#: Tries in that span: with one address, from one network, and altogether. A group of volunteers may sit behind one
#: network; an account that is somebody's target must not be closed by a few wrong tries.
TRIES_OF_ACCOUNT, TRIES_OF_NETWORK, TRIES_OF_ALL = 20, 60, 600

#: Tries in that span of one account's second factor. Three of a million codes hold at a time: whoever knows the
#: password and never rests needs eight months for an even chance. The right password forgives none of them.
TRIES_OF_FACTOR = 10

#: Look-ups in that span that find nobody: of one account, and of all together. Somebody who mistypes needs three; who
#: goes through numbers to learn which of them we know needs thousands.
LOOKUPS_OF_ACCOUNT, LOOKUPS_OF_ALL = 20, 200

#: Times in that span that somebody asks to follow a case without an account: with one address, from one network, and
#: altogether. Each is a mail to somebody who may have nothing to do with it.
FOLLOWS_OF_ADDRESS, FOLLOWS_OF_NETWORK, FOLLOWS_OF_ALL = 3, 20, 200

#: Links to another address that an account asks for in that span.
ADDRESSES_OF_ACCOUNT = 5

#: Aliases that an account tries in that span: each answer tells whether others see somebody called so.
ALIASES_OF_ACCOUNT = 5


@dataclass(frozen=True, slots=True)
class Proof:
    """A password was right for the account as it stood."""

    #: Whose.
    user_id: int
    #: What they are called, for the audit.
    name: str
    #: The stored hash it was right for.
    stored: str
    #: A hash by today's parameters where the stored one is weaker.
    better: str | None

    def account(self, session: Session) -> User | None:
        """The account, read again inside the unit of work; None when it was closed or its password changed since."""
        user = session.get(User, self.user_id, populate_existing=True)
        if user is None or not user.active or user.password != self.stored:
            return None
        if self.better is not None:
            user.password = self.better
        return user


def check_password(session: Session, email: str, password: str) -> Proof | None:
    """Who this is, or None. An address nobody has costs one hash like any other."""
    password = normalise_password(password)
    user = find_account(session, email)
    if user is None:
        hash_password(password)
        return None
    if not verify_password(password, user.password) or not user.active:
        return None
    weak = current_app.extensions["security"].pwd_context.needs_update(user.password)
    return Proof(user.id, user.name, user.password, hash_password(password) if weak else None)


def refuse_too_many(email: str, address: str, now: datetime) -> bool:
    """Count this try of a password, in a note of its own and before anything is hashed; True when there were too many
    with this address, from this network or altogether."""
    return _too_many({_key_of_account(email): TRIES_OF_ACCOUNT}, address, now)


def refuse_too_many_factors(user_id: int, address: str, now: datetime) -> bool:
    """The same for a try of an account's second factor, whether it signs in with it or shows again that it is them."""
    return _too_many({_key_of_factor(user_id): TRIES_OF_FACTOR}, address, now)


def refuse_too_many_lookups(user_id: int, now: datetime) -> bool:
    """Count this look-up as one that finds nobody, before anything is looked for; True when there were too many by this
    account or by all together. `found_somebody` takes it off again."""
    keys = _lookup_keys(user_id)
    return _over(dict(zip(keys, (LOOKUPS_OF_ACCOUNT, LOOKUPS_OF_ALL), strict=True)), now)


def refuse_too_many_addresses(user_id: int, now: datetime) -> bool:
    """Count that an account asks for a link to another address; True when it was too often: each is a mail to somebody
    who may have nothing to do with it."""
    return _over({_blind(f"address:{user_id}"): ADDRESSES_OF_ACCOUNT}, now)


def refuse_too_many_aliases(user_id: int, now: datetime) -> bool:
    """Count that an account asks to be shown under another alias; True when it was too often."""
    return _over({_blind(f"alias:{user_id}"): ALIASES_OF_ACCOUNT}, now)


def count_follow(email: str, address: str, now: datetime) -> Literal["", "address", "many"]:
    """Count that somebody asks to follow a case without an account. `many`: too often from this network or altogether;
    `address`: too often for this address alone, which nobody may be told, because it says that others asked."""
    own = _blind(f"follow:{email_key(email.strip())}")
    shared = {
        _blind(f"follow network:{network_of(address)}"): FOLLOWS_OF_NETWORK,
        _blind("follow all"): FOLLOWS_OF_ALL,
    }
    counted = _counted([own, *shared], now)
    if any(counted[key] > most for key, most in shared.items()):
        return "many"
    return "address" if counted[own] > FOLLOWS_OF_ADDRESS else ""


def found_somebody(user_id: int) -> None:
    """A look-up that found somebody does not count; those before it do."""
    note(_one_less(_lookup_keys(user_id)))


def lookups_just_passed(user_id: int) -> bool:
    """Whether the last look-up of this account was the first too many: what goes on record once."""
    own, _all = _lookup_keys(user_id)
    with db.engine.connect() as reading:
        counted = reading.scalar(select(SignInTry.tries).where(SignInTry.key == own))
    return counted == LOOKUPS_OF_ACCOUNT + 1


def limits_just_passed(session: Session, email: str, address: str) -> list[str]:
    """Which limits the last try was the first to pass: what goes on record once, and not with each try after it."""
    keys = dict(zip((_key_of_account(email), *_shared_keys(address)), ("account", "network", "all"), strict=True))
    limits = dict(zip(keys, (TRIES_OF_ACCOUNT, TRIES_OF_NETWORK, TRIES_OF_ALL), strict=True))
    counted = session.execute(
        select(SignInTry.key, SignInTry.tries).where(SignInTry.key.in_(keys)).execution_options(populate_existing=True)
    )
    return sorted(keys[key] for key, tries in counted if tries == limits[key] + 1)


def forgive(session: Session, email: str, address: str) -> None:
    """A try that was right does not count, and those with this address before it count no more."""
    _forgive(session, _key_of_account(email), address)


def forgive_factors(session: Session, user_id: int, address: str) -> None:
    """The same for the second factor of an account."""
    _forgive(session, _key_of_factor(user_id), address)


def _too_many(limits: dict[str, int], address: str, now: datetime) -> bool:
    return _over(limits | dict(zip(_shared_keys(address), (TRIES_OF_NETWORK, TRIES_OF_ALL), strict=True)), now)


def _over(limits: dict[str, int], now: datetime) -> bool:
    """Count one for each of these keys; True when any was counted more often than it may be."""
    counted = _counted(list(limits), now)
    return any(counted[key] > most for key, most in limits.items())


def _counted(keys: Sequence[str], now: datetime) -> Mapping[str, int]:
    """Count one for each of these keys, and how often each was counted with it. What was counted is answered by the
    statement that counts: of several processes each goes by its own."""
    rows = noted(_count(list(keys), now).returning(SignInTry.key, SignInTry.tries))
    if rows is None:
        # Not in the session: what it has read in this request already may stand, on SQLite, for what there was before.
        with db.engine.connect() as reading:
            rows = [*reading.execute(select(SignInTry.key, SignInTry.tries).where(SignInTry.key.in_(keys)))]
    return dict.fromkeys(keys, 0) | {row.key: row.tries for row in rows}


def _forgive(session: Session, own: str, address: str) -> None:
    session.execute(delete(SignInTry).where(SignInTry.key == own).execution_options(synchronize_session=False))
    session.execute(_one_less(_shared_keys(address)))


def _one_less(keys: Sequence[str]) -> Update:
    """One statement that takes a try off each key."""
    return (
        update(SignInTry)
        .where(SignInTry.key.in_(keys), SignInTry.tries > 0)
        .values(tries=SignInTry.tries - 1)
        .execution_options(synchronize_session=False)
    )


def forget_old_tries(session: Session, now: datetime) -> int:
    """Remove what no longer counts; returns how many rows."""
    gone = session.execute(delete(SignInTry).where(SignInTry.since <= now - TRIES_SPAN))
    return cast(CursorResult[Any], gone).rowcount


def network_of(address: str) -> str:
    """The network an address counts for: one household or office has a /24 or, with IPv6, a /56."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "elsewhere"
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 56), strict=False))


def _key_of_account(email: str) -> str:
    return _blind(f"account:{email_key(email.strip())}")


def _key_of_factor(user_id: int) -> str:
    return _blind(f"factor:{user_id}")


def _lookup_keys(user_id: int) -> tuple[str, str]:
    return _blind(f"lookup:{user_id}"), _blind("lookup:all")


def _shared_keys(address: str) -> tuple[str, str]:
    return _blind(f"network:{network_of(address)}"), _blind("all")


def _blind(what: str) -> str:
    return str(current_app.extensions["sealer"].keyring.blind(what, "sign-in tries"))


def _count(keys: list[str], now: datetime) -> Insert:
    """One statement that counts a try for each key, and begins anew where the span is over."""
    dialect = db.session.get_bind().dialect.name
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    insert = build(SignInTry).values([{"key": key, "since": now, "tries": 1} for key in sorted(keys)])
    over = SignInTry.since <= now - TRIES_SPAN
    return insert.on_conflict_do_update(
        index_elements=[SignInTry.key],
        set_={
            "tries": case((over, 1), else_=SignInTry.tries + 1),
            "since": case((over, insert.excluded.since), else_=SignInTry.since),
        },
    )
