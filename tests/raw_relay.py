"""An SMTP server that misbehaves on purpose: it drops the line where it is told to, answers what it is told, waits.

Written on bare sockets, because a server that cannot do these things by accident cannot do them by order either.
"""

import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Arrival:
    """One mail that was taken. `rcpt_at`, on a clock that never jumps: its recipient was accepted then, so that the
    last look before it left came later."""

    message_id: str
    to: str
    rcpt_at: float
    mail: Message


@dataclass(slots=True)
class RawRelay:
    """`drops` names where connections end (banner, tls, EHLO, MAIL, RCPT, DATA, middle, dot, kept), one word for each
    connection or mail in turn; `kept` takes the mail and ends before it answers. `answers` by verb (and `dot`,
    `banner`), used up one after the other. `reset`: with RST instead of FIN. `at`: what to do, each once, when a verb
    was heard and before it is answered (`middle`: within a mail; `dot`: when it is whole)."""

    drops: list[str] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    tls_at_once: bool = False
    reset: bool = False
    #: Seconds before the answer to a verb.
    slow: dict[str, float] = field(default_factory=dict)
    #: Seconds between two bytes of an answer to RCPT; 0: all at once.
    byte_by_byte: float = 0
    at: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    #: Called with each mail when it is whole, before it is answered.
    sees: Callable[[Arrival], None] | None = None
    arrivals: list[Arrival] = field(default_factory=list)
    #: Message-IDs whose answer was lost on the way.
    unanswered: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    #: How many connections it bears at a time; None: any number. Others are told so (421), and ended.
    most: int | None = None
    port: int = 0
    _open: int = 0
    _listening: socket.socket = field(init=False)
    #: Two lines are two threads.
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        """For `TRACKER_SMTP_URL`."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def mails(self) -> list[Message]:
        """What was taken."""
        return [arrival.mail for arrival in self.arrivals]

    def copies(self) -> dict[str, int]:
        """How often each Message-ID was taken."""
        return dict(Counter(arrival.message_id for arrival in self.arrivals))

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _must_drop(self, where: str) -> bool:
        with self._lock:
            if self.drops and self.drops[0] == where:
                self.drops.pop(0)
                return True
        return False

    def _breaks_off(self, connection: socket.socket) -> bool:
        """Within the handshake: a piece of an answer to the client's first word, and nothing more."""
        if not self._must_drop("tls"):
            return False
        connection.recv(64)
        connection.sendall(b"\x16\x03\x03\x00\x40\x02")
        return True

    def _do(self, verb: str) -> None:
        with self._lock:
            waiting = self.at.get(verb)
            does = waiting.pop(0) if waiting else None
        if does is not None:
            does()

    def _answer(self, verb: str, usual: str) -> bytes:
        self._do(verb)
        time.sleep(self.slow.get(verb, 0))
        with self._lock:
            waiting = self.answers.get(verb)
            said = waiting.pop(0) if waiting else usual
        return f"{said}\r\n".encode()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open += 1
        try:
            if self.most is not None and self._open > self.most:
                connection.sendall(b"421 4.7.0 too many connections\r\n")
                return
            if self.tls is not None and self.tls_at_once:
                if self._breaks_off(connection):
                    return
                with self.tls.wrap_socket(connection, server_side=True) as sealed:
                    self._talk(sealed)
            else:
                self._talk(connection)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= 1
            if self.reset:
                with suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def _talk(self, connection: socket.socket) -> None:
        if self._must_drop("banner"):
            return
        connection.sendall(self._answer("banner", "220 relay.test ready"))
        self._hear(connection, connection.makefile("rb"))

    def _hear(self, connection: socket.socket, held: BinaryIO) -> None:
        to, rcpt_at = "", 0.0
        while line := held.readline():
            command = line.decode().strip()
            verb = command.split(" ")[0].upper()
            self.commands.append(verb)
            if self._must_drop(verb):
                return
            if verb in ("EHLO", "HELO"):
                offers = [*self.offers, *(["STARTTLS"] if self.tls and not self.tls_at_once else [])]
                for offer in ["relay.test", *offers][:-1]:
                    connection.sendall(f"250-{offer}\r\n".encode())
                connection.sendall(f"250 {['relay.test', *offers][-1]}\r\n".encode())
            elif verb == "STARTTLS":
                connection.sendall(b"220 go on\r\n")
                assert self.tls
                if self._breaks_off(connection):
                    return
                with self.tls.wrap_socket(connection, server_side=True) as sealed:
                    self._hear(sealed, sealed.makefile("rb"))
                return
            elif verb == "DATA":
                answer = self._answer("DATA", "354 go on")
                connection.sendall(answer)
                if answer.startswith(b"354") and not self._take(connection, held, to, rcpt_at):
                    return
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                answer = self._answer(verb, "250 OK")
                if verb == "RCPT":
                    to, rcpt_at = command.partition("<")[2].partition(">")[0], time.monotonic()
                    while self.byte_by_byte and answer:
                        connection.sendall(answer[:1])
                        time.sleep(self.byte_by_byte)
                        answer = answer[1:]
                connection.sendall(answer)

    def _take(self, connection: socket.socket, held: BinaryIO, to: str, rcpt_at: float) -> bool:
        lines: list[bytes] = []
        while (line := held.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
            self._do("middle")
            if not line or self._must_drop("middle"):
                return False
        if self._must_drop("dot"):
            return False
        answer = self._answer("dot", "250 kept")
        message_id = ""
        if answer.startswith(b"2"):
            mail = message_from_bytes(b"".join(lines), policy=policy.default)
            message_id = str(mail["Message-ID"])
            arrival = Arrival(message_id, to, rcpt_at, mail)
            self.arrivals.append(arrival)
            if self.sees is not None:
                self.sees(arrival)
        if self._must_drop("kept"):
            self.unanswered.append(message_id)
            return False
        connection.sendall(answer)
        return True
