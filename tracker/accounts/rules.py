"""What an account, a password, a desk and a sign-in may be. Pure: values and `now` in, decisions out."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from email_validator import EmailNotValidError, validate_email

from tracker.base.dates import today_in
from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_

#: Staff and admins who did nothing for this long sign in again: their pages hold what can hurt people.
STAFF_IDLE = timedelta(hours=12)

#: Volunteers see only what is open to volunteers, and come every few weeks, often on a slow phone.
VOLUNTEER_IDLE = timedelta(days=30)

#: A sign-in is written to at most this often, however many pages are read.
TOUCH_EVERY = timedelta(minutes=1)

#: How long the second factor may be waited for after the password: a phone is fetched from the next room.
PENDING_LASTS = timedelta(minutes=10)

#: For this long after somebody has shown that it is them, what asks again does not ask (ASVS 5.0 V7.5.1, V7.5.3).
FRESH = timedelta(minutes=10)

#: A form that was opened in that time may be sent until this long after: what was typed is not lost over it.
FRESH_TO_SEND = timedelta(minutes=30)

#: Nobody is away for longer than this without saying so again.
LONGEST_AWAY = timedelta(days=366)

#: Characters of a password. The upper bound keeps the hashing of a book from becoming a weapon.
PASSWORD_MIN, PASSWORD_MAX = 12, 128

#: What somebody who wants in here tries first. A password must have something beyond these (ASVS 5.0 V6.2.11).
CONTEXT_WORDS = (
    "urgentaction", "urgent", "action", "tracker", "amnesty", "volunteer", "coordinator", "campaign", "freedom",
    "release", "prisoner", "humanrights", "passphrase", "password", "passwort", "letmein", "welcome", "changeme",
    "secret", "admin", "staff", "demo", "qwertyuiop", "qwerty", "asdfgh", "abcdefgh", "iloveyou", "monkey", "dragon",
    "1234567890", "0123456789", "123456789", "12345678", "1234567", "123456", "12345", "1234", "987654321",
)  # fmt: skip

#: Characters that must be left of a password when those words, the name and the address are taken out.
PASSWORD_OF_ITS_OWN = 6

#: Longest alias, in characters.
ALIAS_MAX = 60

#: What somebody is on a desk.
DUTIES = ("coordinator", "deputy", "member")

#: Days a threshold may have.
THRESHOLD_MIN, THRESHOLD_MAX = 1, 365


def idle_span(role: str) -> timedelta:
    """How long a sign-in of this role lasts without being used."""
    return VOLUNTEER_IDLE if role == "volunteer" else STAFF_IDLE


def is_touch_due(seen_at: datetime, now: datetime) -> bool:
    """Whether a sign-in last seen then is to be marked as seen now."""
    return now - seen_at >= TOUCH_EVERY


def is_fresh(proved_at: datetime | None, now: datetime, *, sends: bool) -> bool:
    """Whether somebody who last showed then that it is them need not do so again now. `sends`: what they ask for is a
    form they filled in."""
    return proved_at is not None and now - proved_at < (FRESH_TO_SEND if sends else FRESH)


def normalise_email(text: str, field: str = "email") -> str:
    """One plain address, as mail is sent to it (its domain in ASCII). Refused for anything else.

    A name beside it, a list, a line break: each would let one field name several recipients. Nothing is asked of the
    network; a domain without a dot and one of a test network (`.test`) are the relay's business.
    """
    try:
        found = validate_email(
            text.strip(),
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=False,
            test_environment=True,
            strict=True,
        )
    except EmailNotValidError as fault:
        raise Refused(
            N_("“%(text)s” is not a mail address. Write it as name@example.org.", text=_shown(text)), field
        ) from fault
    address = found.ascii_email or found.normalized
    if len(address) > 254:
        raise Refused(N_("That mail address is too long: 254 characters at most."), field)
    return address


def email_key(address: str) -> str:
    """The address as it is found by: two spellings of one mailbox are one account."""
    return address.lower()


def name_from_email(address: str) -> str:
    """What to call somebody of whom only the address is known: `amal.k@…` is Amal K."""
    words = re.split(r"[._+-]+", address.partition("@")[0])
    return " ".join(w.capitalize() for w in words if w) or address


def check_name(text: str, field: str = "name", longest: int = 120) -> str:
    """A name of a person or a desk, trimmed, NFC. Refused when empty, too long or with control characters."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name:
        raise Refused(N_("Give a name."), field)
    if len(name) > longest:
        raise Refused(N_("That name is too long: %(most)s characters at most.", most=longest), field)
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise Refused(N_("That name holds control characters."), field)
    return name


def normalise_password(text: str) -> str:
    """NFC: the same letters typed on two keyboards are one password (ASVS 5.0 V6.2.9). Nothing else is changed."""
    return unicodedata.normalize("NFC", text)


def check_password(text: str, about: Iterable[str] = (), field: str = "password") -> str:
    """The password as it is hashed. Refused when short, long, or made of what anybody would try.

    `about`: words others know of the person (name, address). Length is asked for, never a mix of kinds of characters
    (ASVS 5.0 V6.2.5).
    """
    password = normalise_password(text)
    if len(password) < PASSWORD_MIN:
        raise Refused(
            N_("The password is too short: %(least)s characters at least. A few words do well.", least=PASSWORD_MIN),
            field,
        )
    if len(password) > PASSWORD_MAX:
        raise Refused(N_("The password is too long: %(most)s characters at most.", most=PASSWORD_MAX), field)
    if any(unicodedata.category(c) == "Cc" for c in password):
        raise Refused(N_("The password holds control characters, which cannot be typed everywhere."), field)
    if len(set(password)) < 5:
        raise Refused(N_("The password repeats a few characters only. A few words do well."), field)
    known = [w for phrase in about for w in re.split(r"[\W_]+", phrase.lower()) if len(w) > 2]
    left = password.lower()
    for word in sorted((*CONTEXT_WORDS, *known), key=len, reverse=True):
        left = left.replace(word, "")
    if sum(c.isalnum() for c in left) < PASSWORD_OF_ITS_OWN:
        raise Refused(N_("The password is made of words that are tried first. Add words of your own."), field)
    return password


def check_desk_code(text: str, field: str = "code") -> str:
    """The short word of a desk, lower case. Refused unless it is 2 to 12 letters and digits, a letter first."""
    code = text.strip().lower()
    if not re.fullmatch(r"[a-z][a-z0-9]{1,11}", code):
        raise Refused(
            N_(
                "“%(text)s” cannot be the code of a desk: 2 to 12 Latin letters and digits, a letter first.",
                text=_shown(text),
            ),
            field,
        )
    return code


def check_working_days(days: Iterable[int], field: str = "working_days") -> list[int]:
    """ISO weekday numbers, each once. Refused when there are none, or one that is no weekday."""
    listed = list(days)
    if not listed or len(set(listed)) != len(listed) or any(d not in range(1, 8) for d in listed):
        raise Refused(N_("Working days are one day of the week or more, each named once."), field)
    return listed


def check_threshold(days: int, field: str) -> int:
    """Days until a case is stale. Refused outside 1 to 365."""
    if not THRESHOLD_MIN <= days <= THRESHOLD_MAX:
        raise Refused(
            N_("Write a number of days from %(least)s to %(most)s.", least=THRESHOLD_MIN, most=THRESHOLD_MAX), field
        )
    return days


def check_away_until(until: date | None, zone: str, now: datetime) -> date | None:
    """The last day somebody is away; None: they are here. Refused when that day has passed in `zone`, or lies over a
    year ahead."""
    if until is None:
        return None
    today = today_in(zone, now)
    if until < today:
        raise Refused(
            N_("That day has passed. Write the last day on which you are away, or nothing if you are here."),
            "away_until",
        )
    if until > today + LONGEST_AWAY:
        raise Refused(N_("That is over a year ahead. Write a day before that, and again when it comes."), "away_until")
    return until


def is_away(away_until: date | None, zone: str, now: datetime) -> bool:
    """Whether somebody is away: until their last day away is over on their own calendar (`zone`)."""
    return away_until is not None and today_in(zone, now) <= away_until


_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def describe_device(user_agent: str) -> str:
    """Browser and system in a few words, so that people tell their own sign-ins apart; empty where none is known."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return ", ".join(word for word in (browser, system) if word)


def _shown(text: str) -> str:
    return "".join(c for c in text[:60] if c.isprintable())
