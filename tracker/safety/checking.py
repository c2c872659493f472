"""Asked before every request: does it go on in the mode the house is in? And the line that every page carries then."""

from typing import Any

from flask import Flask, abort, current_app, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from tracker.accounts.models import User
from tracker.accounts.signing_in import house_mode
from tracker.base.errors import HouseClosed, HouseReadOnly
from tracker.base.mode import Mode
from tracker.base.words import isolate, say_instant
from tracker.base.work import COMMAND

#: Methods that ask for something and change nothing.
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def set_up(app: Flask) -> None:
    """Ask before form tokens and marks are looked at: of a closed house nobody learns even what they may not do."""
    app.before_request(check_mode)
    app.context_processor(lambda: {"house_banner": banner()})


def check_mode() -> None:
    """Let go on what may. HouseClosed, HouseReadOnly; 404 for what answers as if it were not there."""
    view = current_app.view_functions.get(request.endpoint or "")
    when_closed, reads = getattr(view, "when_closed", ""), request.method in _READING
    if reads and when_closed == "answers":
        return
    mode = house_mode()
    if mode.is_open:
        return
    if mode.is_closed:
        if when_closed == "answers" or getattr(current_user, "role", None) == "admin":
            return
        if when_closed == "missing":
            abort(404)
        raise HouseClosed("Only admins get in for the moment.")
    if not reads and not getattr(view, "goes_on", False):
        raise HouseReadOnly("Nothing can be changed for the moment.")


def banner() -> dict[str, Any] | None:
    """The line on every page while the house is not open: its words, and for admins the way to the switch."""
    mode = house_mode()
    found = current_user._get_current_object()
    user = found if isinstance(found, User) else None
    if mode.is_open:
        return None
    return {
        "text": say_mode(mode, user.reading_zone) if user and user.is_staff else say_briefly(mode),
        "url": url_for("safety.mode") if user and user.role == "admin" else "",
    }


def say_briefly(mode: Mode) -> str:
    """What everybody may know: neither who nor why."""
    if mode.is_closed:
        return _("The tracker is closed for the moment.")
    return _("The tracker is read-only for the moment: pages can be read, nothing can be changed.")


def say_mode(mode: Mode, zone: str) -> str:
    """What staff read: since when, by whom and why; times on the clock of `zone`."""
    who = _("an operator") if mode.by == COMMAND.name else isolate(mode.by)
    assert mode.since is not None, "an open house needs no words"
    told = {"who": who, "when": say_instant(mode.since, zone), "why": isolate(mode.words.rstrip("."))}
    if mode.is_closed:
        return _("The tracker is closed since %(when)s (%(who)s): only admins get in. Why: %(why)s.", **told)
    return _("The tracker is read-only since %(when)s (%(who)s): nothing can be changed. Why: %(why)s.", **told)
