"""What every command stands on: the group they belong to, the application they run in, how a refusal is said."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from itertools import chain
from typing import Any, NoReturn, TypeVar

import click
from flask import has_app_context
from sqlalchemy.exc import OperationalError, ProgrammingError

from tracker.app import build
from tracker.base import clock, dates
from tracker.base.db import db
from tracker.base.errors import Refused, TrackerError
from tracker.base.house import read_fact

C = TypeVar("C", bound=Callable[..., Any])

#: How far an instant given with --at may be from the true clock outside a rehearsal.
AT_SLACK = timedelta(minutes=2)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="urgent-action-tracker")
def tracker() -> None:
    """The urgent action case tracker."""


def _check_text(*given: Iterable[Any]) -> None:
    """Refused for words that are no text: bytes of a terminal that are not UTF-8 reach us as halves of letters, which
    no database takes."""
    for value in chain.from_iterable(given):
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str) and any("\ud800" <= c <= "\udfff" for c in text):
                raise Refused(f"“{ascii(text)[1:-1][:80]}” is no text in UTF-8.")


def in_house(command: C) -> C:
    """Run a command inside the application, at the instant --at gives where the command takes it; a refusal is one line
    and exit code 2, a lost database one line and 1."""

    @wraps(command)
    def run(*args: Any, at: str | None = None, **options: Any) -> Any:
        try:
            _check_text(args, options.values())
            with _house(), _instant(at):
                return command(*args, **options)
        except TrackerError as refusal:
            refuse(refusal)
        except (OperationalError, ProgrammingError) as fault:
            words = str(fault.orig).splitlines()[0] if fault.orig else "no answer"
            if "no such table" in words or isinstance(fault, ProgrammingError):
                click.echo(f"tracker: the database is not up to date ({words}). Run: tracker db upgrade", err=True)
            else:
                click.echo(f"tracker: the database cannot be reached: {words}", err=True)
            sys.exit(1)

    return run  # type: ignore[return-value]  # a wrapper of the same shape


@contextmanager
def _house() -> Iterator[None]:
    """The application this runs in, or one of its own, whose connections are closed in the end."""
    if has_app_context():
        yield
        return
    with build().app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def refuse(refusal: TrackerError) -> NoReturn:
    """Say why, in one line, and end with 2."""
    click.echo(f"tracker: {refusal.message}", err=True)
    sys.exit(2)


@contextmanager
def _instant(at: str | None) -> Iterator[None]:
    if at is None:
        yield
        return
    instant = dates.parse_instant(at)
    if abs(instant - clock.true_now()) > AT_SLACK and read_fact(db.session(), "rehearsal") is None:
        raise Refused(
            "--at may be at most two minutes off the true clock, except in a database made with "
            "tracker db upgrade --rehearsal.",
            "at",
        )
    with clock.fixed_at(instant):
        yield


at_option = click.option("--at", "at", metavar="INSTANT", help="Pretend it is this instant, such as 2024-04-01T07:00Z.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def say(as_json: bool, document: Any, words: str) -> None:
    """Print a document, or its words for people."""
    click.echo(
        json.dumps(document, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) if as_json else words
    )
