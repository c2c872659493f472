"""What a spreadsheet is handed, and how long a bar is. Pure."""

#: What spreadsheets take for the beginning of a formula; also after blanks, which some leave out as they read.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # wide ones, too

#: How long the longest bar is.
FULL = 100


def safe_cell(text: str) -> str:
    """A text as it may stand in a table that a spreadsheet opens: one that would be a formula begins with an apostrophe
    (OWASP: CSV injection), and everything else stays as it is."""
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) or text.lstrip().startswith(_BEGINS_FORMULA) else text


def length_of(number: int, largest: int) -> int:
    """How long the bar of a number is, in hundredths of the largest one's: at least one where there is anything."""
    if number <= 0 or largest <= 0:
        return 0
    return max(1, round(FULL * number / largest))
