"""A relay that takes every mail and forgets it, in a process of its own: fast, so that what is measured is the sender.

It announces what relays announce, and answers as they do; it reads no address and keeps no mail but a count.
"""

import multiprocessing
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized

_EHLO = b"250-relay.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n"


def _serve(listening: socket.socket, taken: "Synchronized[int]") -> None:
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_talk, args=(connection, taken), daemon=True).start()


def _talk(connection: socket.socket, taken: "Synchronized[int]") -> None:
    with connection:
        _hear(connection, taken)


def _hear(connection: socket.socket, taken: "Synchronized[int]") -> None:
    connection.sendall(b"220 relay.test\r\n")
    held = b""
    while True:
        while b"\r\n" not in held:
            more = connection.recv(65536)
            if not more:
                return
            held += more
        line, _, held = held.partition(b"\r\n")
        verb = line[:4].upper()
        if verb == b"DATA":
            connection.sendall(b"354 go on\r\n")
            while b"\r\n.\r\n" not in held:
                more = connection.recv(65536)
                if not more:
                    return
                held += more
            _mail, _, held = held.partition(b"\r\n.\r\n")
            with taken.get_lock():
                taken.value += 1
            connection.sendall(b"250 2.0.0 kept\r\n")
        elif verb == b"QUIT":
            connection.sendall(b"221 bye\r\n")
            return
        else:
            connection.sendall(_EHLO if verb == b"EHLO" else b"250 2.0.0 fine\r\n")


@contextmanager
def sink() -> Iterator[tuple[int, "Synchronized[int]"]]:
    """A running one: its port, and the count of mails it took."""
    listening = socket.create_server(("127.0.0.1", 0))
    context = multiprocessing.get_context("fork")
    taken = context.Value("q", 0)
    process = context.Process(target=_serve, args=(listening, taken), daemon=True)
    process.start()
    port = listening.getsockname()[1]
    listening.close()
    try:
        yield port, taken
    finally:
        process.terminate()
        process.join()
