"""A real SMTP server for tests: what the tracker sends over a socket arrives here, byte for byte."""

import socket
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Mail:
    """One accepted mail: parsed, raw, and the envelope it came in."""

    message: EmailMessage
    raw: bytes
    sender: str
    recipients: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What the tracker says it is (`X-Tracker-Kind`)."""
        return str(self.message["X-Tracker-Kind"])

    @property
    def text(self) -> str:
        """The plain text part."""
        part = self.message.get_body(("plain",))
        return "" if part is None else str(part.get_content())

    @property
    def html(self) -> str:
        """The HTML part."""
        part = self.message.get_body(("html",))
        return "" if part is None else str(part.get_content())


@dataclass(slots=True)
class Answers:
    """What the server says instead of `250`; None: it accepts. Any SMTP line, such as `451 4.7.1 try again`."""

    #: After MAIL FROM.
    mail: str | None = None
    #: After RCPT TO.
    rcpt: str | None = None
    #: After the message.
    data: str | None = None
    #: The same, for one address only.
    rcpt_of: dict[str, str] = field(default_factory=dict)


class MailSink:
    """Keeps what arrives in `mails`. `stop()` and `start()` take the server down and up again, on the same port."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answers = Answers()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """For `TRACKER_SMTP_URL`."""
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; nothing when it does already."""
        if self._controller is None:
            self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=60)
            self._controller.start()

    def stop(self) -> None:
        """Refuse connections from now on; what came so far is kept."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def clear(self) -> None:
        """Forget what came so far."""
        self.mails.clear()

    def to(self, address: str) -> list[Mail]:
        """The mails for one address, oldest first."""
        return [m for m in self.mails if address in m.recipients]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Keep the sender, or answer as told."""
        if self.answers.mail:
            return self.answers.mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Keep the recipient, or answer as told."""
        refusal = self.answers.rcpt_of.get(address) or self.answers.rcpt
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail, or answer as told."""
        if self.answers.data:
            return self.answers.data
        raw: Any = envelope.content
        self.mails.append(
            Mail(
                message_from_bytes(raw, policy=policy.default),  # type: ignore[arg-type]
                raw,
                str(envelope.mail_from),
                tuple(envelope.rcpt_tos),
            )
        )
        return "250 OK: kept"
