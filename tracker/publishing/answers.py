"""How public pages are answered: the same for everybody, kept by browsers and caches, and asked about each time.

The tag of an answer names all that it is made of (the revision of what it shows, the day, the program itself), so that
whoever holds the answer learns from one row that it still stands. No cookie is read or given: see
`signing_in.NOBODY_ASKED`.
"""

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Lock

from flask import Response, current_app, make_response, render_template, request
from flask_babel import get_locale

from tracker.base.resources import PACKAGE, resource

#: Kept by whoever likes, used by nobody without asking: what is closed is closed with the next request.
CACHE_CONTROL = "public, no-cache"

#: Smaller answers are not worth packing.
WORTH_PACKING = 600

#: Bytes of answers that a process keeps at hand.
KEPT_BYTES = 8 * 1024 * 1024


class Kept:
    """Answers by their tags, those asked for last. A tag names all that an answer is made of, and whether it may be
    read is asked before each: what is kept is never older than what would be made."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most = most
        self._held: OrderedDict[tuple[str, bool], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: tuple[str, bool]) -> bytes | None:
        """The answer of this tag, packed or not; None: it is not at hand."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def put(self, key: tuple[str, bool], data: bytes) -> None:
        """Keep an answer, and let go of those that were not asked for longest."""
        with self._lock:
            if key in self._held or len(data) > self._most // 4:
                return
            self._held[key] = data
            self._bytes += len(data)
            while self._bytes > self._most:
                _key, gone = self._held.popitem(last=False)
                self._bytes -= len(gone)


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
    tag = _tag(request.path, mimetype, str(get_locale()), today, indexed, *parts)
    held = request.if_none_match
    if held.contains_weak(tag) or held.contains_weak(f"{tag}-gz"):
        response = Response(status=304)
        packed = held.contains_weak(f"{tag}-gz")
    else:
        data, packed = _made(makes, tag, packs)
        response = Response(data, mimetype=mimetype)
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


def _made(makes: Callable[[], str | bytes], tag: str, packs: bool) -> tuple[bytes, bool]:
    """The content of this tag, and whether it is packed."""
    at_hand: Kept = current_app.extensions.setdefault("publishing.kept", Kept())
    data = at_hand.get((tag, packs))
    if data is not None:
        return data, packs and data[:2] == b"\x1f\x8b"
    content = makes()
    data = content.encode() if isinstance(content, str) else content
    packed = packs and len(data) >= WORTH_PACKING
    if packed:
        # No secret stands beside what somebody else might have put there, so packing gives nothing away. A fixed time:
        # the same content is the same bytes.
        data = gzip.compress(data, 6, mtime=0)
    at_hand.put((tag, packs), data)
    return data, packed


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
