"""What is decided about a try: when the next one is, when to stop trying, and what staff read about it. Pure."""

import re
from datetime import datetime, timedelta

#: The first wait after a refusal that may pass, and the longest: whatever is mended, mail leaves within two minutes.
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(seconds=100)

#: How long a mail without an end of its own is tried for.
PATIENCE = timedelta(days=3)

#: After so many tries a mail that cannot be composed is given up.
COMPOSE_TRIES = 3

#: After so many deliverers that ended while they had it, a mail is taken to be what ended them. The first of them may
#: have had dozens of others in hand, and somebody may have ended a few on purpose: so it is not one or two.
DEATHS = 5

#: Answers that speak of us or of the relay, not of one mail: its service ends, we must sign in, the sender is not ours.
_ABOUT_US = (421, 530, 534, 535, 538)

#: Words of a refusal of a recipient that is often meant for us: many relays keep what they have against the sender, or
#: against our using them at all, until an address is named. A policy, or the sender (RFC 3463), or words for it.
_OF_US = re.compile(r"\d{3}[ -](5\.(7\.\d+|1\.[78])\b|(?!5\.\d).*\b(relay|sender\b|rcpthosts\b))", re.IGNORECASE)

#: After so many tries a mail is given up whose address alone a relay refuses in such words: about forty minutes.
REFUSALS = 30


def next_try(now: datetime, tries: int, spread: float) -> datetime:
    """When to try again after `tries` (1, 2 …) that failed. `spread` (0 to 1) keeps many mails from coming together:
    the wait is between half and all of 30 s doubled with each try, at most 100 s."""
    whole = min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries - 1, 10)))
    return now + whole * (0.5 + 0.5 * spread)


def is_about_us(code: int) -> bool:
    """Whether an answer would be the same for every mail, so that all of them wait."""
    return code in _ABOUT_US


def speaks_of_us(code: int, words: str) -> bool:
    """Whether a refusal of a recipient, as `554 5.7.1 relay access denied`, may be meant for us: then other addresses
    fare no better."""
    return 500 <= code < 600 and _OF_US.match(words) is not None


def is_hopeless(created_at: datetime, give_up_at: datetime | None, next_at: datetime) -> bool:
    """Whether a next try at `next_at` would come too late."""
    return next_at >= (give_up_at or created_at + PATIENCE)


def scrubbed(said: str | bytes) -> str:
    """A relay's words fit to be kept: one line, at most 200 characters, no addresses in it."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    text = re.sub(r"\S+@\S+", "…", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
