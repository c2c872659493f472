"""Logs: one JSON line an event, to standard error; nothing in them says who, and nothing can break a line.

Left out on purpose: addresses, query strings, secrets in paths, bodies, and what an exception says (databases put the
refused values into their messages). An exception is told by its classes and the places it passed.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from tracker.base.resources import PACKAGE

_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
#: Addresses in which a word lets whoever has it in: a calendar, an invitation, a new password, another address,
#: following a case, and the links of mails that stop them.
_SECRET = re.compile(
    r"(/(?:calendar|invitations/accept|password/new|account/address|(?:reminders|digests)/(?:stop|resume)"
    r"|follow/[^/\s]+/(?:confirm|out|forget))/)[^\s\"'?#]+"
)
_QUERY = re.compile(r"\?[^\s\"']*=[^\s\"']*")
_LONGEST = 500


class _StandardError(logging.Handler):
    """Writes to the standard error of the moment, also when it was replaced since."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a log that cannot be written stops nobody."""
        stream: TextIO = sys.stderr
        try:
            stream.write(self.format(record) + "\n")
            stream.flush()
        except (OSError, ValueError):
            pass


def set_up(level: int = logging.INFO) -> None:
    """Let structlog and the standard library write the same lines. Once a process; more calls change nothing."""
    root = logging.getLogger()
    if any(isinstance(handler, _StandardError) for handler in root.handlers):
        return
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        tell_exception,
        tidy,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=True),
            ],
        )
    )
    root.addHandler(handler)
    root.setLevel(level)
    for chatty in ("waitress.queue", "apscheduler", "alembic.runtime.migration", "mail.log"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def tell_exception(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put in place of an exception its classes and the places it passed, without what it says."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    fault: BaseException | None = None
    if isinstance(given, BaseException):
        fault = given
    elif isinstance(given, tuple):
        fault = given[1]
    elif given:
        fault = sys.exc_info()[1]
    if fault is not None:
        event["exception"] = classes_of(fault)
        event["where"] = places_of(fault)
    return event


def classes_of(fault: BaseException) -> list[str]:
    """The exception's class and those of what caused it, outermost first."""
    found, seen = [], set()
    at: BaseException | None = fault
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        found.append(f"{type(at).__module__}.{type(at).__qualname__}")
        at = at.__cause__ or at.__context__
    return found


def places_of(fault: BaseException) -> list[str]:
    """`folder/file.py:line function`, outermost first: every place in our own code, and the four innermost of any."""
    frames = list(traceback.extract_tb(fault.__traceback__))
    return [
        f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}"
        for number, frame in enumerate(frames)
        if number >= len(frames) - 4 or Path(frame.filename).is_relative_to(PACKAGE)
    ]


def tidy(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take addresses, query strings, secrets, line breaks and excess out of everything that is text."""
    for key, value in event.items():
        if key.startswith("_"):
            continue
        if isinstance(value, str):
            event[key] = tidy_text(value)
        elif isinstance(value, list | tuple):
            event[key] = [tidy_text(str(item)) for item in value]
        elif value is not None and not isinstance(value, bool | int | float | dict):
            event[key] = tidy_text(str(value))
    return event


def tidy_text(text: str) -> str:
    """One line of at most 500 characters, without mail addresses, query strings and secrets in paths."""
    text = _QUERY.sub("?…", _ADDRESS.sub("[address]", _SECRET.sub(r"\1…", text)))
    text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\u2028", "\\n").replace("\u2029", "\\n")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def get_logger(name: str) -> Any:
    """A logger: `log.warning("mail.refused", message=12, attempt=3)`. Events are `noun.verbed`, values plain."""
    return structlog.stdlib.get_logger(name)
