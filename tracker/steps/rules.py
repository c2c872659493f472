"""What is decided about writing: the address that opens a mail program, how long it may be, what may be counted and
shown. Pure."""

from collections.abc import Mapping
from datetime import date
from urllib.parse import quote

#: Up to here every mail program takes a `mailto:` address whole; beyond 2,000 characters Outlook on Windows and some
#: browsers cut it, so the letter is copied instead (the amber and red of Amnesty France's own gauge).
FITS, AT_MOST = 1600, 2000

#: A count is shown to the public from here on …
PUBLIC_FROM = 50

#: … and nothing is split into parts smaller than this, so that nobody is found by a number.
SMALLEST_PART = 5

#: One account says at most so many letters at once; a group or staff say more.
MOST_AT_ONCE, MOST_OF_A_GROUP = 20, 2000

#: One account speaks of one action so often a day, and of all so often; what asks more often is a script.
PER_ACTION_A_DAY, PER_DAY = 6, 40


def mailto(to: str, *, cc: str = "", subject: str = "", body: str = "") -> str:
    """The address that opens a mail program with a letter in it (RFC 6068). Lines end with CRLF, and parameters that
    are empty are left out: Outlook puts the body where an empty subject was."""
    lines = "\r\n".join(body.replace("\r\n", "\n").split("\n"))
    given = {"cc": cc, "subject": subject, "body": lines}
    query = "&".join(
        f"{name}={quote(value, safe='@' if name == 'cc' else '')}" for name, value in given.items() if value
    )
    return f"mailto:{quote(to, safe='@')}" + (f"?{query}" if query else "")


def gauge(address: str) -> str:
    """Whether a mail program takes an address whole: `fits`, `tight` (some cut it), `long` (copy the letter)."""
    if len(address) <= FITS:
        return "fits"
    return "tight" if len(address) <= AT_MOST else "long"


def whole_letter(salutation: str, body: str) -> str:
    """The letter with its first line."""
    return f"{salutation}\n\n{body}" if salutation else body


def why_not_counted(
    count: int, done_on: date, *, first: date, last: date, many: bool, today_said: int, said_of_it_today: int
) -> str:
    """Why a step is not taken down, as a code: `count`, `early`, `late`, `often`; empty: it is.

    `first`, `last`: the days between which it can have been done. `many`: it is a group's or staff's word.
    """
    if not 1 <= count <= (MOST_OF_A_GROUP if many else MOST_AT_ONCE):
        return "count"
    if done_on < first:
        return "early"
    if done_on > last:
        return "late"
    if not many and (said_of_it_today >= PER_ACTION_A_DAY or today_said >= PER_DAY):
        return "often"
    return ""


def public_count(total: int) -> int | None:
    """The count as everybody may read it; None: it is too small to be shown."""
    return total if total >= PUBLIC_FROM else None


def split(parts: Mapping[str, int]) -> dict[str, int | None]:
    """A count split into parts, those under five hidden (None). Where one part alone would be hidden, it could be
    worked out from the others, so the next smallest is hidden with it."""
    shown: dict[str, int | None] = {name: number if number >= SMALLEST_PART else None for name, number in parts.items()}
    hidden = [name for name, number in shown.items() if number is None]
    if len(hidden) == 1 and len(parts) > 1:
        smallest = min((name for name in parts if name not in hidden), key=lambda name: (parts[name], name))
        shown[smallest] = None
    return shown
