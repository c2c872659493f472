"""Languages of pages and mail: which one is spoken now, which way it runs, and where its words are kept.

Catalogues are `translations/<language>/LC_MESSAGES/messages.po`. They are compiled at start into the instance folder,
under a name made from their content, so that there is no build step and two processes never read half a file.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, current_app, has_request_context, request
from flask_babel import Babel, force_locale, get_locale

from tracker.base.errors import Misconfigured
from tracker.base.resources import resource

#: Where the catalogues lie in the source.
CATALOGUES = resource("translations")


def set_up(app: Flask, settings: Any) -> None:
    """Speak `settings.languages`, the first by default. Misconfigured when one of them is no language."""
    for code in settings.languages:
        try:
            Locale.parse(code)
        except (ValueError, UnknownLocaleError) as fault:
            raise Misconfigured(f"TRACKER_LANGUAGES: {code[:20]!r} is no language. Write en,ar.") from fault
    app.config["BABEL_DEFAULT_LOCALE"] = settings.languages[0]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(compile_catalogues(CATALOGUES, settings.instance))
    app.extensions["languages"] = tuple(settings.languages)
    Babel(app, locale_selector=_choose)
    app.jinja_env.globals.update(language=language_tag, direction=direction, known_languages=known_languages)


def known_languages() -> tuple[tuple[str, str], ...]:
    """What people may choose: (code, the language's name for itself)."""
    codes: tuple[str, ...] = current_app.extensions["languages"]
    return tuple((code, Locale.parse(code).get_display_name() or code) for code in codes)


def spoken() -> Locale:
    """The language spoken now: of the account, else of the browser, else the first of the settings."""
    found = get_locale()
    return found if found is not None else Locale("en")


def language_tag() -> str:
    """The language spoken now as a BCP 47 tag, for `lang`: `en`, `ar-PS`."""
    return str(spoken()).replace("_", "-")


def direction() -> str:
    """`rtl` or `ltr`: which way the language spoken now runs."""
    return spoken().text_direction


def right_to_left(code: str) -> bool:
    """Whether a language, by its ISO 639 code, is written from right to left; one nobody knows is not."""
    try:
        return Locale.parse(code).text_direction == "rtl"
    except (UnknownLocaleError, ValueError):
        return False


def name_of_language(code: str) -> str:
    """A language by its own name, as its readers look for it: `Deutsch`, `العربية`; its code where nobody knows it."""
    try:
        own = Locale.parse(code)
    except (UnknownLocaleError, ValueError):
        return code
    return str(own.get_display_name(own) or code)


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """Speak `code` for the block: for mail, which goes to somebody else than who asks. None, or a language that is not
    among the settings, leaves the language as it is."""
    if code is None or code not in current_app.extensions["languages"]:
        yield
        return
    with force_locale(code):
        yield


def _choose() -> str | None:
    """The language that the address names, else the account's, else the best of what the browser asks for."""
    if not has_request_context():
        return None
    codes: tuple[str, ...] = current_app.extensions["languages"]
    named = (request.view_args or {}).get("lang")
    if named in codes:
        return str(named)
    if hasattr(current_app, "login_manager"):
        from flask_login import current_user  # only where there are accounts at all

        own = getattr(current_user, "language", None)
        if own in codes:
            return str(own)
    return from_browser(codes)


def from_browser(codes: tuple[str, ...]) -> str:
    """The best of `codes` for the Accept-Language of this request; the first when none suits."""
    wanted = [tag.replace("-", "_") for tag, quality in request.accept_languages if quality > 0 and tag != "*"]
    return negotiate_locale(wanted, list(codes), aliases={}) or codes[0]


def compile_catalogues(source: Path, instance: Path) -> Path:
    """Compile every `messages.po` below `source` and return the folder of the compiled ones.

    The folder's name is the hash of what it was made from, and it appears whole or not at all.
    """
    files = sorted(source.glob("*/LC_MESSAGES/messages.po"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.parent.parent.name.encode() + b"\0" + file.read_bytes() + b"\0")

    def fill(folder: Path) -> None:
        for file in files:
            code = file.parent.parent.name
            with file.open("rb") as text:
                catalogue = read_po(text, locale=code)
            compiled = folder / code / "LC_MESSAGES" / "messages.mo"
            compiled.parent.mkdir(parents=True)
            with compiled.open("wb") as out:
                write_mo(out, catalogue)

    return made_once(instance, f"translations-{digest.hexdigest()[:16]}", fill)


def made_once(instance: Path, name: str, fill: Any) -> Path:
    """The folder `instance/made/<name>`, filled by `fill(folder)` when it is not there yet.

    It is filled beside and then renamed, so that processes that start together never read half of it. Where the
    instance folder cannot be written (a read-only container), it is made anew in the system's temporary folder.
    """
    target = instance / "made" / name
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    except OSError:
        target = Path(tempfile.mkdtemp(prefix="tracker-")) / name
        beside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        fill(beside)
        os.replace(beside, target)
    except OSError:
        if not target.is_dir():  # not another process that was faster
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target
