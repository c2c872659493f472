"""What a device keeps, and no account knows: in which countries its reader is, or travels to, and from where they
write. And what is drawn for paper."""

from collections.abc import Callable, Collection
from datetime import timedelta

import segno
from flask import Response, current_app, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.cases.models import Case

#: The cookie of the countries somebody is in, or travels to.
HERE = "here"

#: The cookie of the country somebody writes from, whose embassies get the copies.
FROM = "from"

#: How long a device keeps them.
KEPT_FOR = timedelta(days=365)

#: Sizes of paper.
PAPERS = ("a4", "letter")


def heres() -> set[str]:
    """The countries the reader is in, or travels to, by the word of this device."""
    said = request.cookies.get(HERE, "")[:200].split()
    return {code for code in said if _is_code(code)}


def countries_of(case: Case) -> set[str]:
    """The countries in which it is dangerous to write for a case."""
    return {code for code in (case.country, case.responsible_state) if code}


def is_here(case: Case) -> bool:
    """Whether this device belongs to somebody in a country of the case."""
    return bool(heres() & countries_of(case))


def writes_from() -> str | None:
    """The country this device writes from; empty: it said none; None: it has not said."""
    kept = request.cookies.get(FROM)
    return None if kept is None else kept if _is_code(kept) else ""


#: Says in which country an account is at home, as far as that is known; empty: it is not.
Home = Callable[[Session, User], str]
_home: list[Home] = []


def knows_home(home: Home) -> Home:
    """Announce who knows from which country an account writes, for devices that have not said."""
    _home[:] = [home]
    return home


def chosen_country(session: Session, user: User) -> str:
    """The country whose embassy gets the copy: what the address says (`?from=`), else what this device keeps, else
    where the account is at home; empty: none."""
    if "from" in request.args:
        said = request.args["from"].strip().upper()
        return said if _is_code(said) else ""
    kept = writes_from()
    if kept is not None:
        return kept
    return _home[0](session, user) if _home else ""


def keep_heres(response: Response, countries: Collection[str]) -> None:
    """Let the device keep these countries, and no others; or nothing."""
    if countries:
        _keep(response, HERE, " ".join(sorted(countries)))
    else:
        response.delete_cookie(HERE, path=url_for("steps.write_now"))


def keep_writes_from(response: Response, country: str) -> None:
    """Let the device keep from which country its reader writes; empty: that no copy goes to an embassy."""
    _keep(response, FROM, country or "-")


def qr(address: str) -> Markup:
    """An address as a QR code, drawn without a style of its own, which the content policy would not let through."""
    drawn = segno.make_qr(address, error="m").svg_inline(omitsize=True, border=2, svgclass="qr", lineclass=None)
    return Markup(drawn)  # noqa: S704  # only squares, drawn here


def _is_code(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()


def _keep(response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=KEPT_FOR,
        path=url_for("steps.write_now"),
        secure=current_app.extensions["settings"].https,
        httponly=True,
        samesite="Lax",
    )
