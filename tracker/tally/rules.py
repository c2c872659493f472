"""What a spreadsheet is handed, and how long a bar is. Pure."""

import unicodedata

#: What spreadsheets take for the beginning of a formula, or of a call to another program.
_BEGINS_FORMULA = frozenset("=+-@|%\t\r\n＝＋－＠｜％")  # wide ones, too

#: Quotation marks that may stand before it.
_QUOTES = frozenset("\"'`‘’“”«»")

#: How long the longest bar is.
FULL = 100


def safe_cell(text: str) -> str:
    """A text as it may stand in a table that a spreadsheet opens: one that would be a formula begins with an apostrophe
    (OWASP: CSV injection), also after blanks, quotation marks and marks that do not show, which some leave out as they
    read; and everything else stays as it is."""
    begins = next((c for c in text if c in _BEGINS_FORMULA or not _may_stand_before(c)), "")
    return f"'{text}" if begins in _BEGINS_FORMULA else text


def _may_stand_before(character: str) -> bool:
    return character in _QUOTES or character.isspace() or unicodedata.category(character) in ("Cf", "Cc")


def length_of(number: int, largest: int) -> int:
    """How long the bar of a number is, in hundredths of the largest one's: at least one where there is anything."""
    if number <= 0 or largest <= 0:
        return 0
    return max(1, round(FULL * number / largest))
