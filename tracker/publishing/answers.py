"""How public pages are answered: the same for everybody, kept by browsers and caches, and asked about each time.

The tag of an answer names all that it is made of (the revision of what it shows, the day, the program itself), so that
whoever holds the answer learns from one row that it still stands. No cookie is read or given: see
`signing_in.NOBODY_ASKED`.
"""

import gzip
import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

from flask import Response, current_app, make_response, render_template, request
from flask_babel import get_locale

from tracker.base.resources import PACKAGE, resource

#: Kept by whoever likes, used by nobody without asking: what is closed is closed with the next request.
CACHE_CONTROL = "public, no-cache"

#: Smaller answers are not worth packing.
WORTH_PACKING = 600


def answer(
    makes: Callable[[], str | bytes],
    *parts: object,
    today: date,
    mimetype: str = "text/html",
    indexed: bool = False,
    filename: str = "",
) -> Response:
    """The answer whose content `makes` gives, or 304 where the browser holds it. `parts` decide with `today`, which is
    the only clock that content may look at, how it reads."""
    packs = request.accept_encodings.quality("gzip") > 0
    tag = _tag(mimetype, str(get_locale()), today, indexed, *parts)
    held = request.if_none_match
    if held.contains_weak(tag) or held.contains_weak(f"{tag}-gz"):
        response = Response(status=304)
        packed = held.contains_weak(f"{tag}-gz")
    else:
        content = makes()
        data = content.encode() if isinstance(content, str) else content
        packed = packs and len(data) >= WORTH_PACKING
        # No secret stands beside what somebody else might have put there, so packing gives nothing away. A fixed time:
        # the same content is the same bytes.
        response = Response(gzip.compress(data, 6, mtime=0) if packed else data, mimetype=mimetype)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        if filename:
            response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
        if not indexed:
            response.headers["X-Robots-Tag"] = "noindex"
    response.set_etag(f"{tag}-gz" if packed else tag)
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.vary.add("Accept-Encoding")
    return response


def missing() -> Response:
    """What is not there, or not for everybody: one answer for both."""
    response = make_response(render_template("publishing/missing.html"), 404)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _tag(*parts: object) -> str:
    return hashlib.sha256(repr((_program(), *parts)).encode()).hexdigest()[:24]


def _program() -> str:
    """Names the program and all its words: another version may make another page of the same rows."""
    known: str | None = current_app.extensions.get("publishing")
    if known is None:
        digest = hashlib.sha256(str(current_app.extensions["settings"].base_url).encode())
        for folder, pattern in (
            (PACKAGE, "*.py"),
            (PACKAGE / "translations", "*.po"),
            (PACKAGE / "static", "*"),
            (Path(resource("templates")), "*"),
        ):
            for file in sorted(folder.rglob(pattern)):
                if file.is_file():
                    digest.update(file.name.encode() + file.read_bytes())
        known = current_app.extensions["publishing"] = digest.hexdigest()
    return known
