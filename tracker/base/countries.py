"""Countries by their ISO 3166-1 alpha-2 codes, with the names CLDR has for them. Pure."""

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_

#: Codes CLDR names that are no country of ISO 3166-1: groupings, exceptional reservations, private use. Kosovo (XK) is
#: one of these too, and stays: people are detained there as well.
_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})


def country_codes() -> frozenset[str]:
    """Every code that may be stored, upper case."""
    named = map(str, Locale("en").territories)
    return frozenset(code for code in named if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES)


def check_country(code: str, field: str = "country") -> str:
    """The code as it is stored. Refused when there is no such country."""
    said = code.strip().upper()
    if said not in country_codes():
        raise Refused(
            N_("“%(code)s” is no country. Write its two letters, such as IL, PS or EG.", code=code[:20]), field
        )
    return said


def country_name(code: str, language: str = "en") -> str:
    """What the country is called in a language (the code itself where CLDR has no name for it)."""
    try:
        return Locale.parse(language, sep="-").territories.get(code, code)
    except (UnknownLocaleError, ValueError):
        return Locale("en").territories.get(code, code)


def only_zone(code: str) -> str | None:
    """The IANA time zone of a country by CLDR, where it has one alone; None: it has several, or none."""
    zones = get_global("territory_zones").get(code, ())
    return str(zones[0]) if len(zones) == 1 else None
