"""The guard: every route is denied until a mark on its view opens it."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask_login import current_user

from tracker.accounts.models import User
from tracker.base.work import Actor

V = TypeVar("V", bound=Callable[..., Any])

#: Roles by the mark that lets them in. `anyone` needs no account.
MARKS = {
    "anyone": frozenset({"anyone"}),
    "signed_in": frozenset({"admin", "staff", "volunteer"}),
    "staff": frozenset({"admin", "staff"}),
    "admin": frozenset({"admin"}),
}


def open_to(mark: str) -> Callable[[V], V]:
    """Mark a view as open to `anyone`, `signed_in`, `staff` or `admin`. What they see in it is decided by its queries."""
    if mark not in MARKS:
        raise ValueError(f"{mark} is no mark")

    def put(view: V) -> V:
        view.opened_to = mark  # type: ignore[attr-defined]  # the mark lives on the function, where a test finds it
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
    if mark == "anyone":
        return None
    if not current_user.is_authenticated:
        if mark is None:
            abort(404)
        return redirect(url_for("security.login", next=request.full_path.rstrip("?") if request.method == "GET" else "/"))
    if mark is None or viewer().role not in MARKS[mark]:
        abort(403)
    return None


def viewer() -> User:
    """The account that asks. 401 when nobody is signed in: call it only behind a mark."""
    user = current_user._get_current_object()
    if not isinstance(user, User):
        abort(401)
    return user


def acting() -> Actor:
    """The account that asks, as the actor of a unit of work."""
    return Actor("user", viewer().id, viewer().name)
