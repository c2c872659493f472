"""Mail over SMTP: one kept connection, one recipient per transaction, every wait with an end.

The standard library's client is used for its commands, not for its `send_message`: with two recipients of whom one is
refused it raises nothing, by default it waits for ever, and its own TLS context believes any certificate.
"""

import base64
import binascii
import re
import secrets
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tracker.base import clock
from tracker.base.sentences import on_record
from tracker.clockwork.kinds import progress
from tracker.outbox.channels import RelayUnavailable, SendFailed, Unsure, channels
from tracker.outbox.kinds import Mail
from tracker.outbox.rules import is_about_us, scrubbed, speaks_of_us

#: Seconds for each answer up to the one after RCPT: a fault there costs nothing.
ANSWER_SECONDS = 30

#: Seconds after which an answer is one to be waited for, so that something else is done first.
SOON = 0.05

#: Seconds for the answer after the final dot: RFC 5321 4.5.3.2.6 asks for ten minutes, and giving up earlier is what
#: makes a mail that arrived look as if nobody knew.
ACCEPT_SECONDS = 600

#: Longest Subject, in characters.
SUBJECT_LENGTH = 200

#: Longest line of a mail, in octets without its end (RFC 5322 2.1.1).
LINE_LENGTH = 998

#: Longest address (RFC 5321 4.5.3.1.3, without its angle brackets).
ADDRESS_LENGTH = 254

_LOCAL_PART = re.compile(r"[^\s\x00-\x20\x7f<>()\[\]\\,;:@\"]{1,64}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,200}>")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")

_CALENDAR = (
    b'Content-Type: text/calendar; charset="utf-8"; method="PUBLISH"\r\n'
    b'Content-Disposition: attachment; filename="hearings.ics"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n"
)

#: How a line ended, in words for staff.
_ENDED = on_record("the connection ended: %(fault)s")
_NO_ANSWER = on_record("no answer after the mail was handed over: %(fault)s")
_MEANS_NOTHING = on_record("an answer that means nothing: %(answer)s")

#: Headers that only this file writes.
_OURS = frozenset(
    (
        *("from", "to", "cc", "bcc", "sender", "reply-to", "return-path", "resent-to", "resent-from"),
        *("subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress", "x-tracker-kind"),
        *("mime-version", "content-type", "content-transfer-encoding"),
    )
)


# The mail itself ------------------------------------------------------------------------------------------------------


def plain_address(address: str) -> str:
    """One address as mail servers want it: a local part, and a domain in ASCII (an international one as punycode).

    ValueError for anything that is not exactly one address, such as a list or a name with one.
    """
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError as fault:
        raise ValueError("the part after @ is no name of a mail server") from fault
    if len(local) + len(ascii_domain) >= ADDRESS_LENGTH:
        raise ValueError("that address is longer than any mail server takes")
    if not at or not _LOCAL_PART.fullmatch(local) or not re.fullmatch(r"[A-Za-z0-9.-]+", ascii_domain):
        raise ValueError("that is not exactly one mail address")
    return f"{local}@{ascii_domain}"


def needs_utf8(*addresses: str) -> bool:
    """Whether only a relay that takes addresses in any script can carry these plain addresses."""
    return not "".join(addresses).isascii()


@lru_cache(maxsize=8)
def split_sender(mail_from: str) -> tuple[str, str]:
    """The setting `Tracker <tracker@example.org>` as (name, plain address). ValueError when there is no address."""
    name, address = parseaddr(mail_from)
    return name, plain_address(address)


@dataclass(frozen=True, slots=True)
class Addressed:
    """What stands on an envelope: everything about a mail that its message kind does not write."""

    mail_from: str
    name: str
    address: str
    message_id: str
    kind: str


def compose(mail: Mail, addressed: Addressed, now: datetime) -> bytes:
    """The mail as bytes, ready for the relay: text first, HTML beside it.

    Written here rather than with the library's `EmailMessage`, which takes twenty times as long: a mail of ours has a
    few headers and two parts, always the same. ValueError when a header would not be what it says: nothing a person
    typed can add one.
    """
    sender_name, sender = split_sender(addressed.mail_from)
    if not _MESSAGE_ID.fullmatch(addressed.message_id):
        raise ValueError("that is no Message-ID")
    headers = [
        _address("From", _one_line(sender_name), sender),
        _address("To", _one_line(addressed.name), plain_address(addressed.address)),
        _header("Subject", _one_line(mail.subject)[:SUBJECT_LENGTH]),
        f"Date: {format_datetime(now)}",
        f"Message-ID: {addressed.message_id}",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        _header("X-Tracker-Kind", addressed.kind),
    ]
    for name, value in mail.headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"a message kind may not write the header {name[:40]}")
        if not value.isprintable():
            raise ValueError(f"the header {name} holds what is no text")
        headers.append(_header(name, value.strip()))
    body = _multipart("alternative", [_part("plain", mail.text), _part("html", mail.html)])
    if mail.calendar:
        body = _multipart("mixed", [body, _CALENDAR + base64.encodebytes(mail.calendar).replace(b"\n", b"\r\n")])
    return "\r\n".join((*headers, "MIME-Version: 1.0", "")).encode() + body


def _multipart(subtype: str, parts: Sequence[bytes]) -> bytes:
    """Parts with their headers as one part with its own."""
    # Neither of the two encodings of a part can bring forth "=_", so that the boundary stands in none.
    boundary = f"=_{secrets.token_hex(12)}"
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n'.encode()
    between = f"\r\n--{boundary}\r\n".encode()
    return head + b"".join(between + part for part in parts) + f"\r\n--{boundary}--\r\n".encode()


def _part(subtype: str, text: str) -> bytes:
    """A part with its headers, encoded by what is shorter: what is mostly ASCII stays readable, any script goes over a
    relay that knows ASCII only, and no line is longer than 76 octets."""
    body = _no_controls(text).rstrip("\n").replace("\n", "\r\n").encode() + b"\r\n"
    quoted = binascii.b2a_qp(body)
    encoding = "quoted-printable"
    if len(quoted) > len(body) * 1.4:
        encoding, quoted = "base64", base64.encodebytes(body).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + quoted


def _address(header: str, name: str, plain: str) -> str:
    """`To: Some One <some@example.org>`. Only the address may hold other letters than ASCII (on a relay that takes
    them)."""
    if not name:
        return f"{header}: {plain}"
    if not _is_plain(name) or len(name) > 60:
        said = _words(name, len(header) + 2)
    elif _ATOMS.fullmatch(name):
        said = name
    else:
        said = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    fold = "" if len(header) + len(said) + len(plain) < 70 else "\r\n"
    return f"{header}: {said}{fold} <{plain}>"


def _header(name: str, value: str) -> str:
    """A header of one line's text, folded where it is long and encoded where it is not plain ASCII."""
    lines = [f"{name}:"]
    for word in value.split(" "):
        # Only a space before something may become a fold: what unfolds it finds the very same text.
        if word and len(lines[-1]) + len(word) > 76 and len(lines[-1]) > len(name) + 1:
            lines.append("")
        lines[-1] += f" {word}"
    if not _is_plain(value) or max(map(len, lines)) > LINE_LENGTH:
        return f"{name}: {_words(value, len(name) + 2)}"
    return "\r\n".join(lines)


def _is_plain(text: str) -> bool:
    """Whether it can stand in a header as it is, and is not read as something encoded."""
    return text.isascii() and text.isprintable() and "=?" not in text


def _words(text: str, used: int) -> str:
    """Text as encoded words (RFC 2047), none longer than 75 characters, on lines of at most 76, of the first of which
    so many are used."""
    chunks, held, room = [], b"", max(6, (64 - used) // 4 * 3)
    for letter in text:
        more = letter.encode()
        if len(held) + len(more) > room:
            chunks.append(held)
            held, room = b"", 45
        held += more
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=" for chunk in (*chunks, held))


def _one_line(text: str) -> str:
    if not text.isprintable():
        text = "".join(c if ord(c) >= 32 and c not in "\x7f\u2028\u2029\x85" else " " for c in text)
    return " ".join(text.split())


def _no_controls(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text.replace("\r\n", "\n"))


# The connection -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay as `TRACKER_SMTP_URL` names it."""

    host: str
    port: int
    #: TLS from the first byte.
    tls: bool
    #: TLS from STARTTLS on, without which nothing is said.
    starttls: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, address: str) -> "Relay":
        """Read `smtp://user:password@host:port`, `smtps://…`, `…?starttls=1`. Ports left out: 25, 465, 587."""
        parts = urlsplit(address)
        tls = parts.scheme == "smtps"
        starttls = parse_qs(parts.query).get("starttls", ["0"])[-1].lower() in ("1", "true", "yes", "on")
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or (465 if tls else 587 if starttls else 25),
            tls=tls,
            starttls=starttls and not tls,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    def without_password(self, words: str) -> str:
        """The relay's words without our password, should it repeat it."""
        return words.replace(self.password, "…") if self.password else words


class _Answers:
    """Reads answers with one deadline for the whole of each, so that a relay that sends a byte now and then does not
    hold us for ever."""

    def __init__(self, sock: socket.socket, client: "_Client") -> None:
        self._sock = sock
        self._client = client
        self._held = b""

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._held and len(self._held) < limit:
            left = self._client.deadline - clock.monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time")
            meanwhile = self._client.meanwhile
            self._sock.settimeout(min(left, ANSWER_SECONDS if meanwhile is None else SOON))
            try:
                more = self._sock.recv(4096)
            except TimeoutError:
                if meanwhile is not None:
                    began, self._client.meanwhile = clock.monotonic(), None
                    meanwhile()
                    self._client.deadline += clock.monotonic() - began
                # A wait with an end is no standing still.
                progress.made()
                continue
            if not more:
                break
            self._held += more
        end = self._held.find(b"\n") + 1 or len(self._held)
        line, self._held = self._held[:end][:limit], self._held[end:]
        return line

    def close(self) -> None:
        """Nothing is held open beside the socket."""


class _Client(smtplib.SMTP):
    """The library's client, with deadlines."""

    deadline = 0.0

    #: What to do once when an answer does not come soon.
    meanwhile: Callable[[], None] | None = None

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Answers(self._socket(), self)
        return super().getreply()

    def send(self, s: Any) -> None:
        self._socket().settimeout(ANSWER_SECONDS)
        self.deadline = clock.monotonic() + ANSWER_SECONDS
        super().send(s)

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        return self.sock

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        self.deadline = clock.monotonic() + 2 * ANSWER_SECONDS
        return super().connect(host, port, source_address)


class _TLSClient(_Client, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


@dataclass(frozen=True, slots=True)
class Met:
    """What was found on the other side of a connection."""

    #: Such as `TLSv1.3`; empty: nothing is sealed.
    tls: str
    #: Whose certificate it is, who issued it, and until when it holds; empty without TLS.
    certificate_of: str
    issued_by: str
    valid_until: str
    pipelining: bool
    #: Whether it was offered, or is used already.
    starttls: bool


class EmailLine:
    """An open SMTP connection. See `Line`."""

    def __init__(self, relay: Relay) -> None:
        try:
            self._client = self._open(relay)
        except smtplib.SMTPResponseException as fault:
            words = f"{fault.smtp_code} {scrubbed(fault.smtp_error)}"
            if isinstance(fault, smtplib.SMTPAuthenticationError):
                words = f"user or password: {words}"
            state = "down" if 400 <= fault.smtp_code < 500 else "refused"
            raise RelayUnavailable(state, words, fault.smtp_code) from fault
        except smtplib.SMTPNotSupportedError as fault:
            raise RelayUnavailable("refused", scrubbed(str(fault))) from fault
        except ssl.SSLError as fault:
            raise RelayUnavailable("refused", f"TLS: {scrubbed(str(fault))}") from fault
        except (OSError, smtplib.SMTPException) as fault:
            raise RelayUnavailable("down", scrubbed(str(fault)) or type(fault).__name__) from fault
        self.takes_utf8: bool = self._client.has_extn("smtputf8")
        self._pipelines: bool = self._client.has_extn("pipelining")
        #: A mail was begun and did not come to its dot.
        self._begun = False
        #: The relay has taken an address on this line: so it takes mail from us.
        self._takes_ours = False

    @staticmethod
    def _open(relay: Relay) -> _Client:
        # Reading whom this machine trusts takes 30 ms, ten times what a mail does.
        context = ssl.create_default_context() if relay.tls or relay.starttls else None
        # Left to itself the library asks the name service who we are, which may take its time.
        own_name = socket.gethostname()
        own_name = own_name if "." in own_name else "[127.0.0.1]"
        client: _Client = (
            _TLSClient(local_hostname=own_name, timeout=ANSWER_SECONDS, context=context)
            if relay.tls
            else _Client(local_hostname=own_name, timeout=ANSWER_SECONDS)
        )
        # The library checks a certificate against the name kept here, which it sets only when it connects by itself.
        client._host = relay.host  # type: ignore[attr-defined]
        try:
            code, said = client.connect(relay.host, relay.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            client.ehlo_or_helo_if_needed()
            if relay.starttls:
                client.starttls(context=context)
                client.ehlo_or_helo_if_needed()
            if relay.user is not None:
                client.login(relay.user, relay.password or "")
        except BaseException:
            client.close()
            raise
        return client

    @property
    def is_open(self) -> bool:
        """Whether the next mail can go over it."""
        return self._client.sock is not None

    def describe(self) -> Met:
        """What was found on the other side."""
        client, sock = self._client, self._client.sock
        sealed = sock if isinstance(sock, ssl.SSLSocket) else None
        known: dict[str, Any] = (sealed.getpeercert() if sealed else None) or {}
        names = [value for _type, value in known.get("subjectAltName", ())]
        return Met(
            tls=(sealed.version() or "") if sealed else "",
            certificate_of=", ".join(names[:5]) or _certificate_name(known.get("subject", ())),
            issued_by=_certificate_name(known.get("issuer", ())),
            valid_until=known.get("notAfter", ""),
            pipelining=client.has_extn("pipelining"),
            starttls=client.has_extn("starttls") or (sealed is not None and not isinstance(client, _TLSClient)),
        )

    def prepare(self, sender: str, recipient: str, utf8: bool, meanwhile: Callable[[], None]) -> None:
        """MAIL and RCPT, in one write where the relay lets us."""
        commands = ["RSET"] if self._begun else []
        commands.append(f"MAIL FROM:<{sender}>{' SMTPUTF8 BODY=8BITMIME' if utf8 else ''}")
        commands.append(f"RCPT TO:<{recipient}>")
        self._begun = True
        self._client.command_encoding = "utf-8" if utf8 else "ascii"
        try:
            self._client.meanwhile = meanwhile
            if self._pipelines:
                self._client.send("".join(f"{command}\r\n" for command in commands))
                # All answers are read, whatever the first of them says: the line is used again.
                answers = [self._client.getreply() for _ in commands]
                for command, answer in zip(commands, answers, strict=True):
                    self._expect(*answer, about_sender=not command.startswith("RCPT"))
            else:
                for command in commands:
                    self._expect(*self._client.docmd(command), about_sender=not command.startswith("RCPT"))
        except (OSError, smtplib.SMTPException) as fault:
            self._drop()
            raise SendFailed(
                _ENDED % {"fault": scrubbed(str(fault))},
                permanent=False,
                code=None,
                phase="connected",
                dropped=True,
            ) from fault
        finally:
            self._client.meanwhile = None
        self._takes_ours = True

    def _expect(self, code: int, said: bytes, *, about_sender: bool) -> None:
        if 200 <= code < 300:
            return
        words = f"{code} {scrubbed(said)}"
        if code == 421:
            self._drop()
        if is_about_us(code) or (about_sender and code >= 500 and code != 552):
            raise RelayUnavailable("refused" if code >= 500 else "down", words, code)
        raise SendFailed(
            words,
            permanent=code >= 500,
            code=code,
            phase="connected" if about_sender else "recipient",
            perhaps_us=not about_sender and not self._takes_ours and speaks_of_us(code, words),
        )

    def send(self, raw: bytes) -> str:
        """DATA, the mail, the dot, and the answer to it."""
        try:
            code, said = self._client.docmd("DATA")
        except (OSError, smtplib.SMTPException) as fault:
            # Not a byte of the mail was sent yet.
            self._drop()
            words = _ENDED % {"fault": scrubbed(str(fault))}
            raise SendFailed(words, permanent=False, code=None, phase="dispatching", dropped=True) from fault
        if code != 354:
            if code == 421:
                self._drop()
            raise SendFailed(f"{code} {scrubbed(said)}", permanent=code >= 500, code=code, phase="dispatching")
        try:
            self._client.send(_dotted(raw))
            self._client.deadline = clock.monotonic() + ACCEPT_SECONDS
            code, said = self._client.getreply()
            self._begun = False
        except (OSError, smtplib.SMTPException) as fault:
            self._drop()
            raise Unsure(_NO_ANSWER % {"fault": scrubbed(str(fault))}) from fault
        if 200 <= code < 300:
            return f"{code} {scrubbed(said)}"
        if code == 421:
            self._drop()
        if not 400 <= code < 600:
            self._drop()
            raise Unsure(_MEANS_NOTHING % {"answer": f"{code} {scrubbed(said)}"})
        raise SendFailed(f"{code} {scrubbed(said)}", permanent=code >= 500, code=code, phase="answered")

    def close(self) -> None:
        """QUIT."""
        with suppress(OSError, smtplib.SMTPException):
            self._client.docmd("QUIT")
        self._drop()

    def _drop(self) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self._client.close()


def _certificate_name(parts: Any) -> str:
    """The name in a certificate's subject or issuer: the organisation, else the common name."""
    said = dict(pair for part in parts for pair in part)
    return str(said.get("organizationName") or said.get("commonName") or "nobody named")


def _dotted(raw: bytes) -> bytes:
    """The mail with CRLF at each end of line, no line that is a single dot, and the dot that ends it."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    return lines + (b".\r\n" if lines.endswith(b"\r\n") else b"\r\n.\r\n")


class EmailChannel:
    """Mail over SMTP."""

    def connect(self, address: str) -> EmailLine:
        """Reach the relay at `address`, a `TRACKER_SMTP_URL`. RelayUnavailable."""
        return EmailLine(Relay.parse(address))


email = channels.add("email", EmailChannel())
