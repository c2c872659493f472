"""Dates as texts print them: found by the words of a language, settled by what stands around them.

A date that cannot be (31 June) is no date; `DateFinder.impossible` names it. A year that is not printed is worked out
from the dates beside it and from the day of publication, and marked as inferred; where neither helps, the date stays
unsettled.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import cache

from tracker.base.dates import FIRST_YEAR, LAST_YEAR
from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_
from tracker.intake.reading.language import Language, get_language

#: Beside another date, a day up to this long after the publication is taken for one to come.
_SOON_DAYS = 180


@dataclass(frozen=True, slots=True)
class Stated:
    """A date as printed, at `start` to `end` of its sentence. Parts that are not printed are None.

    `shift` is a number of days from another date (`two days later`), `shift_from` which one: `near` (the date before it
    in the text) or `published`.
    """

    start: int
    end: int
    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    shift: int | None = None
    shift_from: str = ""
    until: bool = False
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A date made out: `precision` is day, month or year; `inferred` what the text did not print, or None."""

    on: date
    precision: str
    inferred: str | None


def day_of(year: int, month: int, day: int) -> date | None:
    """The day, or None when there is no such day or its year cannot be meant."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


_CLOCK = (
    r"(?:,?\s(?:at|around|about|at around|at about)\s|\s*,\s*)"
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s?(?P<half>am|pm)?(?![\w:])"
)


class DateFinder:
    """Finds the dates in a sentence of one language."""

    def __init__(self, language: Language) -> None:
        words = language.dates
        months, weekdays = _either(language.months), _either(language.weekdays)
        weekday = rf"(?:(?P<weekday>{weekdays})\.?,?\s{{1,5}}(?:the\s)?)?"
        endings = rf"(?:{_either(words['day_endings'])})?"
        links = rf"(?:(?:{_either(words['links'])})\s{{1,5}})?"
        year = r"(?:,?\s{1,20}(?P<year>\d{4})(?![\d/]))?"
        number = rf"(?P<number>\d{{1,3}}|{_either(words['numbers'])})"
        unit = rf"(?:(?P<days>{_either(words['day_units'])})|(?P<weeks>{_either(words['week_units'])}))"
        self._months, self._weekdays = language.months, language.weekdays
        self._numbers: dict[str, int] = words["numbers"]
        not_after_day = r"(?<!\d\s)" + "".join(rf"(?<!\d{re.escape(e)}\s)" for e in words["day_endings"])
        # Two digits after a day and month are a short year or a count: neither may be taken for a date without a year.
        not_short_year = r"(?!\s{1,3}\d{1,3}(?![\d:.]))"
        self._patterns = [
            re.compile(pattern)
            for pattern in (
                rf"(?<![\w./]){weekday}(?P<day>\d{{1,2}}){endings}\s{{1,20}}{links}(?P<month>{months})(?!\w)\.?{year}{not_short_year}",
                rf"(?<!\w){weekday}{not_after_day}(?P<month>{months})\.?\s{{1,20}}(?P<day>\d{{1,2}}){endings}(?![\w:]){year}",
                r"(?<![\w./-])(?P<year>\d{4})[-/.](?P<month_number>\d{1,2})[-/.](?P<day>\d{1,2}|dd|xx|00)(?![\w/]|-\d)",
                r"(?<![\w./-])(?P<day>\d{1,2})[-/.](?P<month_number>\d{1,2})[-/.](?P<year>\d{4})(?![\w/]|-\d)",
                rf"(?<!\w){not_after_day}(?P<month>{months})\.?,?\s{{1,20}}(?P<year>\d{{4}})(?![\w/])",
                rf"(?<!\w)(?:{_either(words['in_words'])})\s(?:(?:{_either(words['parts'])})\s)?(?P<year>(?:19|20)\d\d)(?![\w/-]|\.\d)",
                rf"(?<!\w){number}\s{unit}\s(?:(?P<later>{_either(words['later'])})|(?P<earlier>{_either(words['earlier'])})"
                rf"|(?P<ago>{_either(words['ago'])}))(?!\w)",
                rf"(?<!\w)(?:(?P<same>{_either(words['same_day'])})|(?P<today>{_either(words['today'])})"
                rf"|(?P<yesterday>{_either(words['yesterday'])})|(?P<tomorrow>{_either(words['tomorrow'])}))(?!\w)",
                rf"(?<!\w)(?:(?P<next>{_either(words['next'])})|(?P<last>{_either(words['last'])}))\s(?P<weekday>{weekdays})(?!\w)",
            )
        ]
        self._day_before = re.compile(rf"(?<![\w./])(\d{{1,2}}){endings}\s(?:{_either(words['joins'])}|-|–)\s$")
        self._join = re.compile(rf"^,?\s(?:{_either(words['joins'])})\s(?:on\s)?$")
        self._until = re.compile(rf"(?<!\w)(?:{_either(words['until'])})\s(?:{weekdays},?\s)?$")
        self._clock = re.compile(_CLOCK)
        relative = ("today", "yesterday", "tomorrow", "same_day", "next", "last", "later", "earlier", "ago")
        self._any = re.compile(r"\d|" + _either([word for table in relative for word in words[table]]))

    def find(self, text: str, low: str) -> list[Stated]:
        """The dates in a sentence, in order. `low` is `text` in lower case, of the same length."""
        if not self._any.search(low):
            return []
        found: list[Stated] = []
        for pattern in self._patterns:
            for match in pattern.finditer(low):
                if all(match.end() <= f.start or match.start() >= f.end for f in found):
                    stated = self._stated(match, text, low)
                    if stated is not None:
                        found.append(stated)
        found.sort(key=lambda f: f.start)
        return list(self._with_shared_parts(found, low))

    def impossible(self, text: str, low: str) -> str | None:
        """The first date of a sentence, as printed, that has a day no month of its year has; None where all can be. A
        year out of reach, or a day that is left open (`2024-06-dd`), is none of these."""
        for pattern in self._patterns[:4]:
            for match in pattern.finditer(low):
                parts = match.groupdict()
                named = parts.get("month")
                month = self._months[named] if named else int(parts["month_number"])
                said_day = parts["day"]
                year = int(parts["year"]) if parts.get("year") else 2024
                if not said_day.isdigit() or not int(said_day) or not FIRST_YEAR <= year <= LAST_YEAR:
                    continue
                if day_of(year, month, int(said_day)) is None if 1 <= month <= 12 else parts.get("year") is not None:
                    return text[match.start() : match.end()].strip()
        return None

    def _stated(self, match: re.Match[str], text: str, low: str) -> Stated | None:
        parts = match.groupdict()
        start, end = match.span()
        until = bool(self._until.search(low[max(0, start - 30) : start]))
        clock = self._time(low, end)
        weekday = self._weekdays.get(parts.get("weekday") or "")
        if parts.get("number"):
            said = parts["number"]
            count = (int(said) if said.isdigit() else self._numbers[said]) * (7 if parts.get("weeks") else 1)
            if parts.get("ago"):
                return Stated(start, end, shift=-count, shift_from="published")
            return Stated(start, end, shift=count if parts.get("later") else -count, shift_from="near")
        for word, shift, base in (("same", 0, "near"), ("today", 0, "published"), ("yesterday", -1, "published"),
                                  ("tomorrow", 1, "published")):  # fmt: skip
            if parts.get(word):
                return Stated(start, end, shift=shift, shift_from=base, until=until, at=clock)
        if parts.get("next") or parts.get("last"):
            return Stated(
                start, end, weekday=weekday, shift=1 if parts.get("next") else -1, shift_from="weekday", at=clock
            )
        year = int(parts["year"]) if parts.get("year") else None
        month = self._months[parts["month"]] if parts.get("month") else None
        if parts.get("month_number"):
            month = int(parts["month_number"])
        said_day = parts.get("day") or ""
        day = int(said_day) if said_day.isdigit() and int(said_day) else None
        if month is not None and not 1 <= month <= 12:
            return None
        if day is not None and month is not None and day_of(year or 2024, month, day) is None:
            return None
        if day is not None and year is None and self._is_part_of_a_name(text, end):
            return None
        if parts.get("month") and text[match.start("month")].islower() and day is None:
            return None  # "may 2024 ..." in running text: a month is written with a capital
        return Stated(start, end, year, month, day, weekday, until=until, at=clock)

    @staticmethod
    def _is_part_of_a_name(text: str, end: int) -> bool:
        """`6 April Youth Movement`, `7 October attacks by ...`: a capital right behind it makes it a name."""
        return bool(re.match(r"\s[^\W\d_a-zß-öø-ÿ][^\W\d_]+", text[end : end + 30]))

    def _time(self, low: str, end: int) -> time | None:
        match = self._clock.match(low, end)
        if match is None or (match["minute"] is None and match["half"] is None):
            return None
        hour = int(match["hour"]) % 12 + 12 * (match["half"] == "pm") if match["half"] else int(match["hour"])
        minute = int(match["minute"] or 0)
        return time(hour, minute) if hour < 24 and minute < 60 else None

    def _with_shared_parts(self, found: list[Stated], low: str) -> Iterator[Stated]:
        """Give `10` its month in `10 and 16 October`, and `29 April` its year in `29 April and 30 May 2014`."""
        for i, stated in enumerate(found):
            following = found[i + 1] if i + 1 < len(found) else None
            if (
                stated.day
                and low[stated.start].isdigit()
                and (match := self._day_before.search(low[max(0, stated.start - 20) : stated.start]))
            ):
                day = int(match[1])
                if stated.month and day_of(stated.year or 2024, stated.month, day):
                    start = max(0, stated.start - 20) + match.start()
                    yield replace(stated, start=start, end=start + len(match[1]), day=day, weekday=None, at=None)
            shares = stated.day and stated.year is None and following and following.day and following.year
            if shares and following and self._join.match(low[stated.end : following.start]):
                yield replace(stated, year=following.year)
            else:
                yield stated


def _either(words: object) -> str:
    return "|".join(re.escape(w.lower()) for w in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


@cache
def finder_for(code: str) -> DateFinder:
    """The finder of the language called `code`."""
    return DateFinder(get_language(code))


def settle(
    stated: Stated, near: date | None, published: date | None, ahead: bool, loose: date | None = None
) -> Settled | None:
    """Make out which day a stated date is; None where the text does not allow it.

    `near` is the date before it in the same paragraph, `loose` any date of the same text, `ahead` whether the sentence
    speaks of what is to come.
    """
    if stated.shift is not None:
        return _settle_relative(stated, near, published)
    if stated.month is None:
        return Settled(date(stated.year, 1, 1), "year", "month") if stated.year else None
    if stated.year is not None:
        day = day_of(stated.year, stated.month, stated.day or 1)
        return Settled(day, "day" if stated.day else "month", None if stated.day else "month") if day else None
    if stated.day is None:
        return None
    base = near or published or loose
    if base is None:
        return None
    days = [d for y in range(base.year - 1, base.year + 2) if (d := day_of(y, stated.month, stated.day))]
    if stated.weekday is not None:
        days = [d for d in days if d.isoweekday() == stated.weekday] or days
    if ahead:
        later = [d for d in days if d >= base] or days
        return Settled(min(later, key=lambda d: abs(d - base)), "day", "year") if later else None
    latest = published if near is None else published and published + timedelta(days=_SOON_DAYS)
    days = [d for d in days if latest is None or d <= latest] or days
    if not days:
        return None
    # A text goes forward more often than back: a day before the date told last counts as twice as far.
    return Settled(min(days, key=lambda d: (d - base).days if d >= base else 2 * (base - d).days), "day", "year")


def _settle_relative(stated: Stated, near: date | None, published: date | None) -> Settled | None:
    shift = stated.shift or 0
    try:
        if stated.shift_from == "weekday":
            if published is None or stated.weekday is None:
                return None
            away = (stated.weekday - published.isoweekday()) % 7 or 7
            return Settled(published + timedelta(days=away if shift > 0 else (away - 7 or -7)), "day", "weekday")
        base = near if stated.shift_from == "near" else published
        return Settled(base + timedelta(days=shift), "day", "relative") if base else None
    except OverflowError:
        return None


def only_date(text: str, language: Language) -> date | None:
    """The day a short text states (a header field, a line of its own): the first full date in it, or None."""
    for stated in finder_for(language.code).find(text, text.lower()):
        if stated.day and stated.year and stated.month:
            return day_of(stated.year, stated.month, stated.day)
    return None


def header_date(text: str, line: str) -> date:
    """The day `07/06/2024` at the end of a header line, day first. Refused, naming the line, when there is none."""
    day, month, year = (int(part) for part in re.split(r"[/.]", text))
    found = day_of(year, month, day)
    if found is None:
        raise Refused(
            N_("There is no such day as %(text)s: it stands in the line “%(line)s”.", text=text, line=line[:120]),
            "document",
        )
    return found
