"""Where one can go from every page: places by their endpoint, shown when they exist and the account may open them."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from tracker.accounts.guard import MARKS, mark_of
from tracker.accounts.models import User
from tracker.accounts.queries import leads_a_desk


@dataclass(frozen=True, slots=True)
class Place:
    """One place. `shown`: main (head), thumbs (foot of a phone), menu (of the account)."""

    endpoint: str
    label: Any
    icon: str
    shown: frozenset[str]
    #: The part of the page that is meant, where it is not the whole.
    part: str = ""
    #: Whether it leads nowhere for an account without a desk.
    desk: bool = False
    #: Whether it is open only to who coordinates a desk, or to an administrator.
    leads: bool = False


def _place(endpoint: str, label: Any, icon: str, *shown: str, part: str = "", **only: bool) -> Place:
    return Place(endpoint, label, icon, frozenset(shown), part, **only)


#: In the order they are shown.
PLACES: tuple[Place, ...] = (
    _place("pages.today", _l("Today"), "today", "main", "menu"),
    _place("pages.from_call", _l("From a call"), "call", "main", "thumbs"),
    _place("intake.paste", _l("Paste"), "paste", "main", "thumbs", desk=True),
    _place("steps.write_now", _l("Write now"), "note", "main", "menu"),
    _place("pages.cases", _l("Search"), "search", "thumbs", part="f-q"),
    _place("pages.cases", _l("Cases"), "cases", "main", "thumbs"),
    _place("pages.hearings", _l("Hearings"), "hearing", "main", "menu"),
    _place("pages.service_health", _l("Service health"), "health", "main", "menu"),
    _place("contacts.whose", _l("Whose number is this?"), "call", "menu"),
    _place("consent.stop_any", _l("Stop publicity"), "warning", "menu", leads=True),
    _place("administration.index", _l("Accounts"), "person", "menu", leads=True),
    _place("groups.index", _l("Groups"), "person", "menu"),
    _place("targets.index", _l("Target book"), "cases", "menu"),
    _place("reminders.mine", _l("My reminders"), "clock", "menu"),
    _place("calendar.mine", _l("My calendar"), "hearing", "menu"),
    _place("safety.mode", _l("Safety mode"), "lock", "menu"),
    _place("accounts.account", _l("My account"), "person", "menu"),
)

#: Where the account signs in and out.
SIGN_IN, SIGN_OUT = "accounts.sign_in", "accounts.sign_out"


@dataclass(frozen=True, slots=True)
class Shown:
    """A place as the page shows it."""

    label: str
    icon: str
    url: str
    here: bool


@dataclass(frozen=True, slots=True)
class Navigation:
    """What the frame of a page needs."""

    home: str
    main: list[Shown]
    thumbs: list[Shown]
    menu: list[Shown]
    sign_in: str
    sign_out: str


def set_up(app: Flask) -> None:
    """Give every page its navigation and the account it is drawn for."""
    app.context_processor(lambda: {"navigation": navigation(), "account": signed_in()})


def signed_in() -> User | None:
    """The account that asks, or None."""
    if not hasattr(current_app, "login_manager"):
        return None
    found = current_user._get_current_object()
    return found if isinstance(found, User) else None


def navigation() -> Navigation:
    """The places this reader may go to."""
    account = signed_in()
    role = account.role if account else "anyone"
    at_desk = bool(account and account.desk_ids())
    leads = account is not None and leads_a_desk(account)
    exists = current_app.view_functions

    def shown(where: str) -> list[Shown]:
        return [
            Shown(
                str(place.label),
                place.icon,
                url_for(place.endpoint, _anchor=place.part or None),
                request.endpoint == place.endpoint and not place.part,
            )
            for place in PLACES
            if where in place.shown
            and is_open(place, role)
            and (at_desk or not place.desk)
            and (leads or not place.leads)
        ]

    def address(endpoint: str, wanted: bool) -> str:
        return url_for(endpoint) if wanted and endpoint in exists else ""

    return Navigation(
        home="/",
        main=shown("main") if account else [],
        thumbs=shown("thumbs") if account and account.is_staff else [],
        menu=shown("menu") if account else [],
        sign_in=address(SIGN_IN, account is None and request.endpoint != SIGN_IN),
        sign_out=address(SIGN_OUT, account is not None),
    )


def is_open(place: Place, role: str) -> bool:
    """Whether the place exists and is open to this role (`anyone`: a stranger)."""
    mark = mark_of(current_app, place.endpoint)
    return mark is not None and role in MARKS[mark]
