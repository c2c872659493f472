"""Names across scripts and spellings. Pure."""

import re
import unicodedata

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_
from tracker.search.rules import ARTICLES

#: Longest name, in characters: the longest full lineage seen in court papers has about 90.
LONGEST_NAME = 300

#: Invisible direction marks that may stand inside a pasted name; and what no name holds.
_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))


def clean_name(text: str) -> str:
    """A name as it is kept: composed, one line, without direction marks. Refused when empty, too long, or holding
    control characters."""
    name = " ".join(unicodedata.normalize("NFC", text.translate(_MARKS)).split())
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise Refused(N_("The name holds a character that cannot be shown."), "name")
    if not name:
        raise Refused(N_("Write a name."), "name")
    if len(name) > LONGEST_NAME:
        raise Refused(
            N_(
                "The name has %(count)s characters; %(most)s is the most that can be kept.",
                count=f"{len(name):,}",
                most=LONGEST_NAME,
            ),
            "name",
        )
    return name


def script_of(text: str) -> str:
    """ISO 15924 code of the script most letters are in: Latn, Arab, Hebr, Cyrl, or Zyyy for others."""
    names = [unicodedata.name(c, "").split(" ")[0] for c in text if c.isalpha()]
    known = {"LATIN": "Latn", "ARABIC": "Arab", "HEBREW": "Hebr", "CYRILLIC": "Cyrl", "GREEK": "Grek"}
    codes = [known.get(n, "Zyyy") for n in names]
    return max(set(codes), key=codes.count) if codes else "Zyyy"


def outward_name(name: str, pseudonym: str, may_be_named: bool) -> str:
    """What those beyond the desk call somebody: the name for publication where there is one, and never anything of the
    real name beside it; else the name, where its bearer agreed to that; else initials."""
    return pseudonym or (name if may_be_named else initials(name))


def initials(name: str) -> str:
    """`A.K.` for `Ahmad Khalefa`: what those see who may not see the name."""
    words = [w for w in re.split(r"[\s\-]+", name) if w and w.lower() not in ARTICLES]
    return "".join(f"{w[0].upper()}." for w in words[:3])
