"""Style sheets, pictures and the small script: made ready once, served by WhiteNoise, kept by browsers for a year.

The packaged Bootstrap knows one direction of writing. Its sheet is rewritten to logical properties (inline-start, not
left), so that one file serves both; parts no page uses are left out, and its dark colours follow the reader's system.
Result and own files lie, compressed beside, in a folder of the instance named by the hash of all that went in.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Flask
from whitenoise import WhiteNoise

from tracker.base.headers import STRICT_TRANSPORT_SECURITY
from tracker.base.languages import made_once
from tracker.base.resources import PACKAGE

#: Our own files.
OWN = PACKAGE / "static"

#: Where they are served.
PREFIX = "/static/"

#: Seconds a browser may keep a file: its address changes when the file does.
_YEAR = 365 * 24 * 60 * 60

#: Components of Bootstrap that no page uses: they need scripts of their own, or we have a plainer one.
_UNUSED = (
    "accordion|carousel|offcanvas|modal|tooltip|popover|bs-popover|bs-tooltip|toast|spinner|placeholder|dropdown|dropup|"
    "dropend|dropstart|navbar|collapsing|collapse|ratio|form-floating|form-range|form-control-color|progress|btn-close|"
    "btn-check|btn-info|btn-light|btn-dark|btn-outline-(?:info|light|dark)|nav-pills|nav-underline|tab-content|tab-pane|"
    "list-group-horizontal|list-group-item-|object-fit|focus-ring|icon-link|link-|bg-opacity|text-opacity|"
    "border-opacity|translate-middle|opacity|fade|popper|card-header-|card-img|card-group|alert-dismissible|fixed-|vw-|"
    "vh-|min-vh|min-vw|row-cols|order-|offset-|user-select|pe-none|pe-auto|float-|display-|initialism|img-|figure"
)
_UNUSED_CLASS = re.compile(rf"\.(?:{_UNUSED})")

#: Widths beyond which our pages do not change any more, and classes for them.
_TOO_WIDE = re.compile(r"min-width:\s*1[24]00px|max-width:\s*1[13]99|\.[\w-]+-(?:xl|xxl)(?:-|\b)")


def set_up(app: Flask, settings: Any) -> None:
    """Serve the static files, and let templates name them with `static_url('tracker.css')`."""
    folder = prepare(settings.instance)
    hashes = {file.name: content_hash(file.read_bytes()) for file in folder.iterdir() if file.suffix != ".gz"}

    def static_url(name: str) -> str:
        """The address of a static file, with the hash of its content. KeyError when there is no such file."""
        return f"{PREFIX}{name}?v={hashes[name]}"

    app.jinja_env.globals["static_url"] = static_url
    app.context_processor(lambda: {"service_banner": None, "navigation": None, "account": None})
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(folder),
        prefix=PREFIX,
        max_age=_YEAR,
        immutable_file_test=lambda path, url: True,
        add_headers_function=partial(_add_headers, https=settings.https),
        allow_all_origins=False,
    )


def _add_headers(headers: Any, path: str, url: str, *, https: bool) -> None:
    """Static files do not pass the application, so what it says of every answer is said here too."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    if https:
        headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY


def content_hash(content: bytes) -> str:
    """What stands behind `?v=`."""
    return hashlib.sha256(content).hexdigest()[:12]


def prepare(instance: Path) -> Path:
    """The folder to serve: the rewritten Bootstrap and our own files, each with a compressed copy beside it."""
    packaged = bootstrap_css()
    own = sorted(file for file in OWN.iterdir() if file.suffix in (".css", ".js", ".svg"))
    digest = hashlib.sha256(packaged.encode())
    for source in (Path(__file__), *own):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")

    def fill(folder: Path) -> None:
        contents = {file.name: file.read_bytes() for file in own}
        contents["bootstrap.css"] = rewrite(packaged).encode()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=9, mtime=0))

    return made_once(instance, f"static-{digest.hexdigest()[:16]}", fill)


def bootstrap_css() -> str:
    """The sheet as the Bootstrap-Flask package brings it."""
    sheet = files("flask_bootstrap") / "static" / "bootstrap5" / "css" / "bootstrap.min.css"
    return sheet.read_text(encoding="utf-8")


def rewrite(css: str) -> str:
    """Bootstrap's sheet for both directions, without what no page uses, dark where the reader's system is dark."""
    licence = re.search(r"/\*!.*?\*/", css, re.DOTALL)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).replace('@charset "UTF-8";', "")
    kept = [(head, body) for head, body in blocks(css) if _is_used(head)]
    light = "".join(_written(head, body) for head, body in kept)
    return (licence[0] + "\n" if licence else "") + light


def _written(head: str, body: str) -> str:
    if head.startswith(("@media", "@supports")):
        inner = "".join(_written(h, b) for h, b in blocks(body) if _is_used(h))
        return f"{head}{{{inner}}}" if inner else ""
    if head.startswith("@"):  # keyframes, font faces: as they are
        return f"{head}{{{body}}}"
    if "[data-bs-theme=dark]" in head:
        dark = head.replace("[data-bs-theme=dark]", ":root").replace(":root:root", ":root")
        return f"@media (prefers-color-scheme:dark){{{_one_rule(dark, body)}}}"
    return _one_rule(head.replace(",[data-bs-theme=light]", ""), body)


def _one_rule(head: str, body: str) -> str:
    selectors = [s for s in head.split(",") if not _UNUSED_CLASS.search(s) and not _TOO_WIDE.search(s)]
    return f"{','.join(selectors)}{{{logical(body)}}}" if selectors else ""


def _is_used(head: str) -> bool:
    if head.startswith("@media"):
        return not _TOO_WIDE.search(head)
    return not head.startswith("@keyframes")


def blocks(css: str) -> Iterator[tuple[str, str]]:
    """(selector or at-rule, what stands in its braces) for each outermost block of a minified sheet."""
    position = 0
    while (opening := css.find("{", position)) >= 0:
        depth, end = 1, opening + 1
        while depth:
            brace = css[end]
            depth += (brace == "{") - (brace == "}")
            end += 1
        yield css[position:opening].strip(), css[opening + 1 : end - 1]
        position = end


_SIDE = {"left": "start", "right": "end"}
_CORNERS = {
    "top-left": "start-start",
    "top-right": "start-end",
    "bottom-left": "end-start",
    "bottom-right": "end-end",
}

_Substitution = Callable[["re.Match[str]"], str]
_PHYSICAL: tuple[tuple[re.Pattern[str], _Substitution], ...] = (
    (
        re.compile(r"(?<![\w-])((?:scroll-)?(?:margin|padding)|border)-(left|right)(?=[-:])"),
        lambda m: f"{m[1]}-inline-{_SIDE[m[2]]}",
    ),
    (
        re.compile(r"(?<![\w-])border-(top-left|top-right|bottom-left|bottom-right)-radius"),
        lambda m: f"border-{_CORNERS[m[1]]}-radius",
    ),
    (re.compile(r"(?<![\w-])(left|right):"), lambda m: f"inset-inline-{_SIDE[m[1]]}:"),
    (
        re.compile(r"(?<![\w-])(text-align|float):(left|right)"),
        lambda m: f"{m[1]}:{'inline-' if m[1] == 'float' else ''}{_SIDE[m[2]]}",
    ),
)


def logical(declarations: str) -> str:
    """Declarations that name the sides of the screen, as ones that name the start and end of the line.

    Two things cannot be said so, the arrow of a select and the knob of a switch: they have rules in our own sheet.
    """
    for pattern, replacement in _PHYSICAL:
        declarations = pattern.sub(replacement, declarations)
    return declarations
