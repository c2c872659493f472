"""What is decided about contacts. Pure."""

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_

#: Why somebody looks: about to call, seeing whether it is still right, putting it right.
REASONS = ("calling", "checking", "updating")

#: For how long a reason that was given stands for the other contacts of the case (story 21).
REASON_STANDS = timedelta(minutes=15)

#: Digits by which numbers are compared: the end is the same whether it is written as at home or as from abroad, while
#: country and area are written in many ways.
COMPARED_DIGITS = 9

#: Fewer digits are an extension or an emergency number: they lead to nobody.
FEWEST_DIGITS = 6

#: A number of any country has at most so many (ITU-T E.164).
MOST_DIGITS = 15

#: The sealed text grows by steps of so many bytes, so that its length tells nothing of what is in it.
STEP = 256


def reason_stands(given_at: datetime, now: datetime) -> bool:
    """Whether a reason given then still stands now."""
    return given_at > now - REASON_STANDS


def comparable_phone(text: str) -> str | None:
    """The end of a phone number in plain digits, in whatever script and with whatever between; None: that is none."""
    digits = "".join(str(unicodedata.digit(c)) for c in text if c.isdigit())
    return digits[-COMPARED_DIGITS:] if len(digits) >= FEWEST_DIGITS else None


def to_dial(text: str) -> str:
    """A number as a telephone dials it; empty where it is none, or several in one line."""
    digits = "".join(str(unicodedata.digit(c)) for c in text if c.isdigit())
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        return ""
    return f"+{digits}" if text.strip().startswith("+") else digits


def comparable_email(text: str) -> str | None:
    """A mail address as it is compared; None: that is none."""
    plain = unicodedata.normalize("NFC", text.strip()).casefold()
    return plain if "@" in plain.strip("@") else None


def pack(values: Mapping[str, str]) -> bytes:
    """The values as they are sealed, filled up so that the length does not tell a long note from a short number."""
    plain = json.dumps(dict(values), sort_keys=True, ensure_ascii=False).encode()
    return plain + b" " * (-len(plain) % STEP)


def unpack(packed: bytes) -> dict[str, str]:
    """The values that `pack` packed."""
    values: dict[str, str] = json.loads(packed)
    return values


def check_values(values: Mapping[str, str], asked: tuple[str, ...]) -> dict[str, str]:
    """What was given of what is asked, without what is empty. Refused, naming the field, when nothing was given, when a
    number has no digits to call, or when an address is none."""
    given = {name: values[name].strip() for name in asked if values.get(name, "").strip()}
    if not given:
        raise Refused(N_("Write at least one of these: without any there is nothing to keep."), asked[0])
    if "phone" in given and not any(c.isdigit() for c in given["phone"]):
        raise Refused(N_("A phone number has digits."), "phone")
    if "email" in given and comparable_email(given["email"]) is None:
        raise Refused(N_("That is no mail address."), "email")
    return given
