"""The demo's mail server: takes every mail, keeps it as a file and sends nothing on."""

import email
import os
import re
import socket
from collections.abc import Callable
from email import policy
from pathlib import Path
from types import TracebackType
from typing import Any

import click
from aiosmtpd.controller import Controller

from tracker.base import clock

#: How a file is named: when it came, what it is, for whom.
_NOT_IN_A_NAME = re.compile(r"[^\w.@+-]+", re.ASCII)


class Mailbox:
    """An SMTP server on a free port of this machine. `url` is for TRACKER_SMTP_URL; mails are kept in `folder`.

    `say` gets one line for each mail; it goes to standard error when left out.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] | None = None) -> None:
        self.folder = folder
        self._say = say or (lambda line: click.echo(line, err=True))
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port, ready_timeout=10)

    @property
    def url(self) -> str:
        """For `TRACKER_SMTP_URL`."""
        return f"smtp://127.0.0.1:{self._port}"

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep one mail, and say so."""
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        kind = str(mail.get("X-Tracker-Kind", "mail"))
        to = ", ".join(envelope.rcpt_tos)
        self._number += 1
        name = _NOT_IN_A_NAME.sub("-", f"{clock.now():%Y%m%d-%H%M%S-%f}-{self._number:04d}-{kind}-{to}")[:120]
        handle = os.open(self.folder / f"{name}.eml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(envelope.content)
        self._say(_printable(f"Mail {kind} to {to}: {mail.get('Subject', '')}"))
        return "250 OK: kept"


def _printable(line: str) -> str:
    """What a mail says of itself must not steer the terminal it is shown in; marks of direction are of no use there."""
    return "".join(c for c in " ".join(line.split()) if c.isprintable())
