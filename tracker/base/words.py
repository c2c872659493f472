"""How dates, times and spans are said to a person: each takes its `now` and its zone, and speaks the language of the
page or mail unless `locale` names another. Each is a template filter of the same name.

Days are counted by the calendar of the named zone: a hearing at 00:30 tomorrow in Jerusalem is "tomorrow" there, even
half an hour before it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache, wraps
from typing import ParamSpec

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import gettext as _
from flask_babel import ngettext

from tracker.base.dates import instant_of, today_in, wall_of
from tracker.base.labels import label
from tracker.base.languages import name_of_language, speaking, spoken
from tracker.base.sentences import read_record, speak_with

P = ParamSpec("P")

#: First-strong isolate and its end: what stands between keeps its own direction, in text and in HTML alike.
_ISOLATE, _END = "\u2068", "\u2069"


def set_up(app: Flask) -> None:
    """Make these functions template filters."""
    for said in (*_FILTERS, label, name_of_language):
        app.jinja_env.filters[said.__name__] = said


def _in_language(said: Callable[P, str]) -> Callable[P, str]:
    """Let `said` take `locale="ar"`: speak that language for this one sentence."""

    @wraps(said)
    def with_language(*args: P.args, **kwargs: P.kwargs) -> str:
        code = kwargs.get("locale")
        if code is None:
            return said(*args, **kwargs)
        with speaking(str(code)):
            return said(*args, **kwargs)

    return with_language


@lru_cache(maxsize=4096)
def _formatted(day: date, pattern: str, locale: str) -> str:
    return format_date(day, pattern, locale=Locale.parse(locale))


def _say(day: date, pattern: str) -> str:
    return _formatted(day, pattern, str(spoken()))


@_in_language
def say_date(day: date, locale: str | None = None) -> str:
    """`Wednesday 8 April 2026`."""
    return _say(day, "EEEE d MMMM y" if spoken().language == "en" else "full")


@_in_language
def say_short_date(day: date, locale: str | None = None) -> str:
    """`Wed 8 Apr 2026`, for lists."""
    return _say(day, "EEE d MMM y")


@_in_language
def say_weekday(day: date, locale: str | None = None) -> str:
    """`Wed`, for what is less than a week off."""
    return _say(day, "EEE")


@_in_language
def say_day_of_month(day: date, locale: str | None = None) -> str:
    """`Wed 8 Apr`, for what is less than a year off."""
    return _say(day, "EEE d MMM")


@_in_language
def say_plain_date(day: date, locale: str | None = None) -> str:
    """`8 April 2026`, for what lies far back."""
    return _say(day, "d MMMM y")


def say_date_of_letter(day: date, language: str) -> str:
    """`8 April 2026` in the language of a letter, whether or not pages speak it; as digits where it is not known."""
    try:
        return _formatted(day, "d MMMM y", language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return day.isoformat()


@_in_language
def say_month(day: date, locale: str | None = None) -> str:
    """`April 2026`."""
    return _say(day, "MMMM y")


@_in_language
def say_stated(on: date | None, precision: str = "day", locale: str | None = None) -> str:
    """A date as precisely as it was stated: `8 April 2026`, `April 2026`, `2026`, `about 8 April 2026`, `date not
    stated, known by 8 April 2026`. None: `date not stated`."""
    if on is None:
        return _("date not stated")
    match precision:
        case "month":
            return say_month(on)
        case "year":
            return _say(on, "y")
        case "about":
            return _("about %(date)s", date=say_plain_date(on))
        case "by":
            return _("date not stated, known by %(date)s", date=say_plain_date(on))
    return say_plain_date(on)


def say_time(at: time | datetime) -> str:
    """`09:30`, in 24 hours, everywhere."""
    return f"{at.hour:02d}:{at.minute:02d}"


@_in_language
def say_zone(zone: str, locale: str | None = None) -> str:
    """The zone's own name, kept apart from the writing around it: `Asia/Jerusalem`."""
    return isolate(zone) if spoken().text_direction == "rtl" else zone


@_in_language
def countdown(day: date, now: datetime, zone: str, locale: str | None = None) -> str:
    """How far `day` is by the calendar of `zone`: `in 6 days`, `tomorrow`, `today`, `yesterday`, `3 days ago`."""
    return count_days((day - today_in(zone, now)).days)


@_in_language
def count_days(days: int, locale: str | None = None) -> str:
    """Days from today in words; negative lies behind."""
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    if days == -1:
        return _("yesterday")
    if days > 0:
        return ngettext("in %(num)d day", "in %(num)d days", days)
    return ngettext("%(num)d day ago", "%(num)d days ago", -days)


@_in_language
def say_days(days: int, locale: str | None = None) -> str:
    """A span: `1 day`, `6 days`."""
    return ngettext("%(num)d day", "%(num)d days", days)


@_in_language
def ago(at: datetime, now: datetime, zone: str = "UTC", locale: str | None = None) -> str:
    """How long since an instant: `just now`, `5 minutes ago`, `3 hours ago`, `2 days ago`. From a full day on, days are
    counted by the calendar of `zone`. What lies ahead of `now` (clocks of two machines differ a little) is `just now`
    too."""
    minutes = int((now - at) / timedelta(minutes=1))
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("%(num)d minute ago", "%(num)d minutes ago", minutes)
    if minutes < 24 * 60:
        return ngettext("%(num)d hour ago", "%(num)d hours ago", minutes // 60)
    # 24 hours lie within one day of the calendar where a clock goes back.
    days = max((today_in(zone, now) - today_in(zone, at)).days, 1)
    return ngettext("%(num)d day ago", "%(num)d days ago", days)


@_in_language
def say_when(
    day: date,
    at: time | None,
    zone: str,
    now: datetime,
    reader_zone: str | None = None,
    fold: int | None = None,
    locale: str | None = None,
) -> str:
    """A day and time where it happens, how far off, and what the reader's clock shows then, where that differs:
    `Wednesday 8 April 2026, 09:30 Asia/Jerusalem (in 3 days; 07:30 for you)`. Without a time: `…, time not announced`.
    """
    there = say_date(day)
    far = countdown(day, now, zone)
    if at is None:
        return _(
            "%(date)s, time not announced, %(zone)s (%(countdown)s)", date=there, zone=say_zone(zone), countdown=far
        )
    yours = say_for_reader(day, at, zone, reader_zone, fold)
    said = _("%(date)s, %(time)s %(zone)s", date=there, time=say_time(at), zone=say_zone(zone))
    if yours:
        return _("%(when)s (%(countdown)s; %(yours)s for you)", when=said, countdown=far, yours=yours)
    return _("%(when)s (%(countdown)s)", when=said, countdown=far)


@_in_language
def say_for_reader(
    day: date, at: time, zone: str, reader_zone: str | None, fold: int | None = None, locale: str | None = None
) -> str:
    """What the reader's clock shows at that wall time: `07:30`, with the weekday where the day differs (`Tue 23:30`).
    Empty where it shows the same, or where the reader's zone is not known."""
    if reader_zone is None or reader_zone == zone:
        return ""
    there = instant_of(day, at, zone, 0 if fold is None else fold)
    here = wall_of(there, reader_zone)
    if here.date() == day:
        return "" if here.time() == at else say_time(here)
    return f"{_say(here.date(), 'EEE')} {say_time(here)}"


@_in_language
def say_window(precision: str, earliest: date | None, latest: date | None, locale: str | None = None) -> str:
    """A hearing's date where no day is known: `in the week of Monday 6 April 2026`, `in April 2026`, `between … and …`,
    `date to be notified`."""
    if earliest is None:
        return _("date to be notified")
    if precision == "week":
        return _("in the week of %(date)s", date=say_date(earliest))
    if precision == "month":
        return _("in %(month)s", month=say_month(earliest))
    if latest is not None and latest != earliest:
        return _("between %(first)s and %(last)s", first=say_date(earliest), last=say_date(latest))
    return _("date to be notified") if precision == "not_set" else say_date(earliest)


@_in_language
def say_instant(at: datetime, zone: str, locale: str | None = None) -> str:
    """An instant on the clock of `zone`: `Wed 8 Apr 2026, 09:30`. The zone itself is not said."""
    there = wall_of(at, zone)
    return _("%(date)s, %(time)s", date=say_short_date(there.date()), time=say_time(there))


@_in_language
def say_list(items: Iterable[object], locale: str | None = None) -> str:
    """`Amira, Khaled and Walid`; each is kept apart from the writing around it."""
    said = [isolate(str(item)) for item in items]
    british = Locale("en", "GB") if spoken().language == "en" else spoken()  # no comma before the last
    return format_list(said, locale=british) if said else ""


@_in_language
def say_number(number: int | float, locale: str | None = None) -> str:
    """`12,500`, grouped as the language does."""
    return format_decimal(number, locale=spoken())


def say_record(stored: str) -> str:
    """What was written down in English (`base.sentences.on_record`), in the language spoken now. Words that come from
    elsewhere, as a relay's do, stay as they are: no catalogue has them."""
    words, places = read_record(stored)
    return _(words, **{place: say_record(of) for place, of in places.items()}) if stored else ""


def isolate(text: str) -> str:
    """`text` in a direction of its own, for names inside a sentence of plain text. HTML uses `<bdi>` instead."""
    return f"{_ISOLATE}{text}{_END}"


def _say_sentence(words: str, places: Mapping[str, object]) -> str:
    """A sentence of what is pure, in the language spoken now."""
    return _(words, **{name: say_date(of) if isinstance(of, date) else of for name, of in places.items()})


speak_with(_say_sentence)

_FILTERS: tuple[Callable[..., str], ...] = (
    say_date,
    say_short_date,
    say_weekday,
    say_day_of_month,
    say_plain_date,
    say_date_of_letter,
    say_month,
    say_stated,
    say_time,
    say_zone,
    countdown,
    count_days,
    say_days,
    ago,
    say_when,
    say_for_reader,
    say_window,
    say_instant,
    say_list,
    say_number,
    say_record,
    isolate,
)
