"""What is decided about writing: the address that opens a mail program, how long it may be, what may be counted and
shown. Pure."""

from collections.abc import Mapping, Sequence
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


def best_letter(languages: Sequence[str], wanted: Sequence[str]) -> str:
    """The language of the letter to show: the first that is wanted and there, else the first there is."""
    return next((language for language in wanted if language in languages), languages[0])


def why_not_counted(
    count: int, done_on: date, *, first: date, last: date, many: bool, today_said: int, said_of_it_today: int
) -> str:
    """Why a step is not taken down, as a code: `count`, `early`, `late`, `often`; empty: it is.

    `first`, `last`: the days between which it can have been done. `many`: it is a group's or staff's word.
    `today_said`, `said_of_it_today`: how often whoever is counted has spoken within a day; of staff 0.
    """
    if not 1 <= count <= (MOST_OF_A_GROUP if many else MOST_AT_ONCE):
        return "count"
    if done_on < first:
        return "early"
    if done_on > last:
        return "late"
    if said_of_it_today >= PER_ACTION_A_DAY or today_said >= PER_DAY:
        return "often"
    return ""


def public_count(total: int) -> int | None:
    """The count as everybody may read it; None: it is too small to be shown."""
    return total if total >= PUBLIC_FROM else None


def split(parts: Mapping[str, int]) -> dict[str, int | None]:
    """A count split into parts, those under five hidden (None). The total is known, so what is hidden can be worked out
    from the rest: at least two parts are hidden, and together they are five or more; the next smallest are hidden with
    them until that is so."""
    shown: dict[str, int | None] = {name: number if number >= SMALLEST_PART else None for name, number in parts.items()}
    by_size = sorted(parts, key=lambda name: (parts[name], name))
    while (hidden := [name for name in by_size if shown[name] is None]) and (
        len(hidden) == 1 or sum(parts[name] for name in hidden) < SMALLEST_PART
    ):
        following = next((name for name in by_size if shown[name] is not None), None)
        if following is None:
            break
        shown[following] = None
    return shown


def few(number: int) -> int | None:
    """A number of people as it may be said; None: so few that somebody might be found by it."""
    return number if number >= SMALLEST_PART else None
