"""Ways out: what a channel must be able to do, and how it says that it could not.

A send has two halves, so that the committed mark can stand between them: `prepare` names sender and recipient to the
relay, where every fault is certain; `send` hands the mail over, after which a lost answer leaves nobody the wiser.
"""

from collections.abc import Callable
from typing import Protocol

from tracker.base.registry import Registry


class RelayUnavailable(Exception):
    """Nothing can be sent at all: not one mail's fault, so none of them is charged with it. `state`: down,
    refused (see `tracker.outbox.relay`); the message says what the relay or the network said."""

    def __init__(self, state: str, words: str, code: int | None = None) -> None:
        super().__init__(words)
        self.state = state
        self.words = words
        self.code = code


class SendFailed(Exception):
    """This mail certainly did not leave. `permanent`: and never will. `phase`: recipient, dispatching, answered."""

    def __init__(
        self,
        words: str,
        *,
        permanent: bool,
        code: int | None,
        phase: str,
        dropped: bool = False,
        perhaps_us: bool = False,
    ) -> None:
        super().__init__(words)
        self.words = words
        self.permanent = permanent
        self.code = code
        self.phase = phase
        #: The connection went away, rather than the relay saying no.
        self.dropped = dropped
        #: The relay may mean us rather than this address: it has taken none on this line yet.
        self.perhaps_us = perhaps_us


class Unsure(Exception):
    """The mail was handed over and the answer did not come: it may have arrived."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Line(Protocol):
    """An open connection to a relay, for one mail after the other."""

    #: Whether the relay takes addresses and headers in any script.
    takes_utf8: bool

    def prepare(self, sender: str, recipient: str, utf8: bool, meanwhile: Callable[[], None]) -> None:
        """Name sender and recipient of the next mail, and forget one that was prepared and not sent. SendFailed, or
        RelayUnavailable when no mail would fare better. `meanwhile` is called once when the relay takes its time."""

    def send(self, raw: bytes) -> str:
        """Hand over the mail that was prepared; returns the relay's answer. SendFailed, or Unsure."""

    def close(self) -> None:
        """Say goodbye; never raises, because what was accepted stays accepted."""

    @property
    def is_open(self) -> bool:
        """Whether the next mail can go over it."""


class Channel(Protocol):
    """A way out."""

    def connect(self, address: str) -> Line:
        """Reach the relay at `address` (the setting) and sign in. RelayUnavailable."""


channels: Registry[Channel] = Registry("channel")
