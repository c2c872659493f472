"""What a code is, whether it is right, and who must have a second factor. Pure: values and `now` in, decisions out."""

import hashlib
import ipaddress
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from passlib.exc import InvalidTokenError, MalformedTokenError, UsedTokenError
from passlib.totp import TOTP

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_

#: Seconds of a time step, and how far the clock of a phone may be off: the step before and the one after count too.
STEP_SECONDS = WINDOW_SECONDS = 30

#: Letters and digits of recovery codes: none looks like another, in print or in handwriting.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

#: Recovery codes an account has, and how many characters each.
CODES, CODE_LENGTH = 10, 16

#: Passkeys one account may have.
PASSKEYS_MAX = 10


@dataclass(frozen=True, slots=True)
class Site:
    """What passkeys are bound to: the name of the host, and where pages come from."""

    host: str
    origin: str


def site_of(base_url: str) -> Site | None:
    """The site of this address; None where passkeys cannot be: browsers want a name, not a number, and https or this
    machine (WebAuthn 5.1.3; Secure Contexts 3.1)."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return None
    if not host or (parts.scheme != "https" and host != "localhost"):
        return None
    usual = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return Site(host, f"{parts.scheme}://{host}{port}")


def must_have_factor(role: str, *, only_offered: bool) -> bool:
    """Whether an account of this role signs in with a second factor only. `only_offered`: the house is a demo or a
    rehearsal, which holds nobody's data."""
    return role in ("staff", "admin") and not only_offered


def normalise_code(text: str) -> str:
    """A code as it is compared: lower case, ASCII digits whatever keyboard they were typed on, no spaces or dashes."""
    written = unicodedata.normalize("NFKC", text).lower()
    kept = (c for c in written if not c.isspace() and unicodedata.category(c) not in ("Pd", "Cf"))
    return "".join(str(unicodedata.decimal(c, c)) for c in kept)


def new_secret() -> str:
    """The secret of a new app: 160 random bits (RFC 4226 R6), base32."""
    return str(TOTP.new().base32_key)


def address_of_app(secret: str, account: str, house: str) -> str:
    """The address that an app reads from the QR code."""
    return str(TOTP(key=secret, format="base32").to_uri(label=account.replace(":", " "), issuer=house))


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step this code of an app belongs to; None when it is not right now. Whether that step was used already
    is for whoever keeps the last one to say, in one statement."""
    code = normalise_code(code)
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return None
    app = TOTP(key=secret, format="base32", period=STEP_SECONDS)
    try:
        return int(app.match(code, time=now, window=WINDOW_SECONDS).counter)
    except (InvalidTokenError, MalformedTokenError, UsedTokenError):
        return None


def in_fours(text: str) -> str:
    """A secret or a code in groups of four, as one reads it to somebody."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def is_recovery_code(text: str) -> bool:
    """Whether this has the shape of a recovery code (normalised)."""
    return len(text) == CODE_LENGTH and set(text) <= set(ALPHABET)


def hash_code(user_id: int, code: str) -> str:
    """What is kept of a recovery code (normalised) of an account."""
    return hashlib.sha256(f"{user_id}:{code}".encode()).hexdigest()


def check_passkey_name(text: str, taken: Sequence[str], otherwise: str) -> str:
    """What its owner calls a passkey, trimmed; `otherwise` where they call it nothing, with a number where that is
    taken. Refused (`name`) when too long, with control characters, or taken."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(name) > 60:
        raise Refused(N_("That name is too long: 60 characters at most."), "name")
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise Refused(N_("That name holds control characters."), "name")
    if not name:
        return next(n for i in range(1, 1000) if (n := otherwise if i == 1 else f"{otherwise} {i}") not in taken)
    if name in taken:
        raise Refused(N_("You have a passkey of that name already."), "name")
    return name
