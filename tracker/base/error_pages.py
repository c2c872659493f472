"""Every error has a page of ours: what happened, in plain words, and what to do; nothing of the inside.

Faults nobody expected are logged under a number that the page shows. Refusals that no view has caught (`Refused`,
`NotFound`, `NotAllowed`, `VersionConflict`) get the page that belongs to them.
"""

import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, Response, abort, current_app, g, make_response, redirect, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from tracker.base.errors import HouseClosed, HouseReadOnly, NotAllowed, NotFound, Refused, TrackerError, VersionConflict
from tracker.base.languages import from_browser
from tracker.base.logs import get_logger
from tracker.base.once import DoneAlready
from tracker.base.sealing import SEALED

log = get_logger(__name__)

#: Status by class; what is in none of these is a fault of ours.
_STATUS: tuple[tuple[type[TrackerError], int], ...] = (
    (Refused, 422),
    (NotFound, 404),
    (NotAllowed, 403),
    (VersionConflict, 409),
)

#: Headers of an HTTP error that belong in our answer.
_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")

#: Seconds after which whoever was turned away because the house is not open may look again.
LATER_SECONDS = 300

#: Never shown again, whatever the form calls its other fields. What is kept sealed says so in its name (SealedField).
_NEVER_SHOWN = ("password", "token", "code", "secret", "credential", "once", "next", SEALED)


def set_up(app: Flask) -> None:
    """Answer every error with a page of ours, and log every fault under a number."""
    app.before_request(_refuse_nul)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _form_token_error)
    app.register_error_handler(TrackerError, _tracker_error)
    app.register_error_handler(InternalServerError, _fault)
    app.log_exception = _log_fault  # type: ignore[method-assign]


def _refuse_nul() -> None:
    """No page has a NUL in its address, and PostgreSQL takes none in a question."""
    if "\0" in unquote(request.full_path):
        abort(404)


def words_for(code: int) -> tuple[str, list[str]]:
    """Heading and sentences of an error page, in the language spoken now. A status without words of its own gets those
    of its class."""
    match code:
        case 400:
            return _("That did not arrive whole"), [
                _("The tracker could not read what your browser sent. Nothing was stored."),
                _("Go back, reload the page and try again."),
            ]
        case 401:
            return _("Please sign in"), [_("This page is only for people with an account.")]
        case 403:
            return _("Not open to your account"), [
                _("Your account may not open this page or do this. Nothing was changed."),
                _("If you need it for your work, ask a coordinator of the desk."),
            ]
        case 404:
            return _("There is nothing here"), [
                _("There is no such page, or none that your account may see."),
                _("Check the address, or look for the case by its reference or name."),
            ]
        case 405:
            return _("That cannot be done here"), [
                _("This address does not take what was sent to it. Nothing was stored."),
                _("Go back and use the button on the page."),
            ]
        case 409:
            return _("Somebody changed this in between"), [
                _("What you sent was made for an older version. It is not stored."),
                _("Go back, reload the page to see what is stored now, and make your change again."),
            ]
        case 413:
            return _("That is too large"), [
                _("The tracker takes at most %(size)d MB at once. Nothing was stored.", size=_megabytes()),
                _("Send it in smaller parts, or paste only the text."),
            ]
        case 422:
            return _("That could not be accepted"), [_("Nothing was stored."), _("Go back and correct it.")]
        case 429:
            return _("Too many attempts"), [
                _("To keep accounts safe, this is slowed down. Wait a few minutes, then try once more.")
            ]
        case 503:
            return _("The tracker cannot answer just now"), [
                _("It cannot reach its database at this moment. What you just sent may not be stored."),
                _("Wait a minute, then reload the page and look before you send anything again."),
            ]
    if code >= 500:
        return _("Something went wrong on our side"), [
            _("What you just sent is not stored. It is not your mistake, and it is logged for those who mend it."),
            _("Try again in a minute. If it happens again, tell the people who run the tracker."),
        ]
    return _("That did not work"), [_("Nothing was stored."), _("Go back and try again.")]


def _megabytes() -> int:
    return int((request.max_content_length or 0) / (1024 * 1024))


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:  # a redirect in the shape of an error
        return error
    return _page(error.code, error)


def _form_token_error(error: CSRFError) -> Response:
    heading = _("The form was open too long")
    sentences = [
        _("The tracker could not be sure that this came from your own page. Nothing was stored."),
        _("Go back, copy what you typed if it is long, reload the page and send it again."),
    ]
    return _answer(400, heading, sentences, typed=_typed())


def _tracker_error(error: TrackerError) -> Any:
    if isinstance(error, DoneAlready):
        return redirect(error.result, 303)
    if isinstance(error, HouseClosed):
        return _closed()
    if isinstance(error, HouseReadOnly):
        return _read_only()
    code = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if code == 500:
        raise error
    heading, sentences = words_for(code)
    if code in (403, 409, 422) and error.message:
        sentences = [error.message, *sentences[-1:]] if code != 422 else [error.message, *sentences]
    return _answer(code, heading, sentences)


def _read_only() -> Response:
    """The house is read-only: said within the usual frame, with all that was typed, however long it is."""
    sentences = [
        _("The tracker is read-only for the moment: pages can be read, nothing can be changed. Nothing was stored."),
        _("Keep what you typed, and send it again when the line at the top of the pages is gone."),
    ]
    return _later(_answer(503, _("Nothing can be changed just now"), sentences, _typed(longest=None), framed=True))


def _closed() -> Response:
    """The one page of a closed house. The same for everybody: it asks neither who they are nor what they want."""
    with force_locale(from_browser(current_app.extensions["languages"])):
        html = current_app.jinja_env.get_template("errors/closed.html").render()
    return _later(make_response(html, 503))


def _later(answer: Response) -> Response:
    answer.headers["Retry-After"] = str(LATER_SECONDS)
    return answer


def _fault(error: InternalServerError) -> Response:
    """The page of a fault. It asks neither the database nor the account: they may be what failed."""
    original = error.original_exception
    away = isinstance(original, OperationalError) or (
        isinstance(original, DBAPIError) and original.connection_invalidated
    )
    code = 503 if away else 500
    answer = _bare(code, *_spoken_without_account(code), fault=g.get("fault"))
    if away:
        answer.headers["Retry-After"] = "30"
    return answer


def _log_fault(exc_info: Any) -> None:
    """Log what nobody expected, under the number its page shows. Neither the address asked for nor what was sent."""
    g.fault = secrets.token_hex(4)
    log.error(
        "request.failed",
        fault=g.fault,
        method=request.method,
        endpoint=request.endpoint,
        rule=request.url_rule.rule if request.url_rule else None,
        exc_info=exc_info,
    )


def _spoken_without_account(code: int) -> tuple[str, list[str]]:
    with force_locale(from_browser(current_app.extensions["languages"])):
        return words_for(code)


def _page(code: int, error: HTTPException) -> Response:
    answer = _answer(code, *words_for(code))
    for name, value in error.get_headers():
        if name in _KEPT:
            answer.headers[name] = value
    if code == HTTPStatus.METHOD_NOT_ALLOWED and getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return answer


def _answer(
    code: int,
    heading: str,
    sentences: Sequence[str],
    typed: Sequence[tuple[str, str]] = (),
    *,
    framed: bool = False,
) -> Response:
    """The page within the usual frame (of a fault: only if `framed`); without it where the frame itself cannot be
    drawn."""
    if code >= 500 and not framed:
        return _bare(code, heading, sentences)
    try:
        html = render_template(
            "errors/error.html",
            frame="layout.html",
            code=code,
            heading=heading,
            sentences=sentences,
            fault=None,
            typed=typed,
        )
    except Exception:
        log.exception("error_page.frame_failed", code=code)
        return _bare(code, heading, sentences)
    return make_response(html, code)


def _bare(code: int, heading: str, sentences: Sequence[str], fault: str | None = None) -> Response:
    with force_locale(from_browser(current_app.extensions["languages"])):
        html = current_app.jinja_env.get_template("errors/error.html").render(
            frame="skeleton.html", code=code, heading=heading, sentences=sentences, fault=fault, typed=()
        )
    return make_response(html, code)


def _typed(longest: int | None = 20_000) -> list[tuple[str, str]]:
    """What the form carried, to be copied: only for a page of our own that sent it, never what may be secret. Each
    text up to `longest` characters; None: all of it."""
    if not _from_our_own_page():
        return []
    return [
        (name, text[:longest])
        for name, text in request.form.items(multi=True)
        if len(text.strip()) > 3 and not any(word in name.lower() for word in _NEVER_SHOWN)
    ][:40]


def _from_our_own_page() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    came_from = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return urlsplit(came_from).netloc == request.host
