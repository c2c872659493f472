"""The guard: every route is denied until a mark on its view opens it."""

import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tracker.accounts.models import User
from tracker.accounts.rules import is_fresh
from tracker.base.work import Actor

V = TypeVar("V", bound=Callable[..., Any])

#: Where somebody is asked again that it is them: a page of a room above.
ASK_AGAIN = "factors.confirm"

#: Roles by the mark that lets them in. `anyone` needs no account; `halfway` is whoever has shown a password and has yet
#: to show a second factor, and only these pages are open to them.
MARKS = {
    "anyone": frozenset({"anyone"}),
    "halfway": frozenset({"halfway"}),
    "signed_in": frozenset({"admin", "staff", "volunteer"}),
    "staff": frozenset({"admin", "staff"}),
    "admin": frozenset({"admin"}),
}


def open_to(mark: str, *, fresh: bool = False) -> Callable[[V], V]:
    """Mark a view as open to `anyone`, `signed_in`, `staff` or `admin`. What they see in it, its queries decide.
    `fresh`: only for somebody who has just shown that it is them; others are asked again first."""
    if mark not in MARKS:
        raise ValueError(f"{mark} is no mark")

    def put(view: V) -> V:
        view.opened_to = mark  # type: ignore[attr-defined]  # the mark lives on the function, where a test finds it
        view.asks_again = fresh  # type: ignore[attr-defined]  # beside it
        return view

    return put


def in_safety(*, read_only: bool = False, closed: str = "") -> Callable[[V], V]:
    """Mark a view that goes on although the house is not open (`base/mode.py`). `read_only`: what it takes, it takes
    although nothing may be changed. `closed`: to strangers and to those who are no admins it `answers` as always, or as
    if what they ask for were `missing`; left out, they see the one page that everybody sees."""
    if closed not in ("", "answers", "missing"):
        raise ValueError(f"{closed} is nothing a closed house does")

    def put(view: V) -> V:
        view.goes_on = read_only  # type: ignore[attr-defined]  # the marks live on the function, as above
        view.when_closed = closed  # type: ignore[attr-defined]
        return view

    return put


def mark_of(app: Flask, endpoint: str) -> str | None:
    """The mark of an endpoint's view, or None: closed to everybody."""
    return getattr(app.view_functions.get(endpoint), "opened_to", None)


def check_route() -> Any:
    """Before each request: let in whom the mark names; send strangers to sign in; nothing else passes."""
    if request.endpoint is None or request.endpoint == "static":
        return None
    mark = mark_of(current_app, request.endpoint)
    if mark == "anyone" or (mark == "halfway" and getattr(session, "waiting", None) is not None):
        return None
    if not current_user.is_authenticated:
        if mark is None:
            abort(404)
        return redirect(url_for("accounts.sign_in", next=_way_back()), 303)
    if mark == "halfway" and request.method == "GET":  # signed in since, and gone back in the browser
        return redirect("/", 303)
    if mark is None or viewer().role not in MARKS[mark]:
        abort(403)
    if getattr(current_app.view_functions[request.endpoint], "asks_again", False):
        return _ask_again()
    return None


def _ask_again() -> Any:
    """Let pass who has shown a short while ago that it is them; others are asked, and come back to the page. What they
    sent is not done: it is they who do it, once it is known that it is them."""
    sends = request.method not in ("GET", "HEAD")
    if is_fresh(getattr(session, "proved_at", None), session.now, sends=sends):  # type: ignore[attr-defined]
        return None
    if not sends:
        return redirect(url_for(ASK_AGAIN, next=_way_back()), 303)
    flash(_("Nothing was done yet. Confirm that it is you, and then do it once more."), "warning")
    return redirect(url_for(ASK_AGAIN, next=_page_before()), 303)


def _page_before() -> str | None:
    """The page of ours from which a form was sent; None where the browser does not say, or it is none of ours."""
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host:
        return None
    return safe_address(f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path)


def _way_back() -> str | None:
    """The page a stranger asked for; None for the first page, and for what was sent, which cannot be sent again."""
    asked = request.full_path.rstrip("?")
    return asked if request.method == "GET" and asked != "/" else None


def safe_address(asked: str | None, otherwise: str = "/") -> str:
    """`asked` where it is a page of ours (a path that a GET answers), else `otherwise`.

    `/\\evil.example` and `///evil.example` have no host for `urlsplit`, and browsers go there all the same: a second
    slash, any backslash and any control character are refused before anything is parsed (ASVS 5.0 V3.7.2).
    """
    if not asked or not asked.startswith("/") or asked.startswith("//") or "\\" in asked or len(asked) > 2000:
        return otherwise
    if any(unicodedata.category(c) == "Cc" for c in asked):
        return otherwise
    try:
        current_app.url_map.bind("").match(unquote(urlsplit(asked).path), method="GET")
    except RequestRedirect:  # a page of ours but for its last slash
        return asked
    except (HTTPException, ValueError):
        return otherwise
    return asked


def viewer() -> User:
    """The account that asks. 401 when nobody is signed in: call it only behind a mark."""
    user = current_user._get_current_object()
    if not isinstance(user, User):
        abort(401)
    return user


def acting() -> Actor:
    """The account that asks, as the actor of a unit of work."""
    return Actor("user", viewer().id, viewer().name)
