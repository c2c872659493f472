"""The address a mail comes back to: it names the mail, and nobody else can make one.

A report that a mail did not arrive may say anything about anybody; what it was delivered *to* is the one thing in it
that is known to be ours. It has lower-case letters and digits only, because the part before @ may lose its case on
the way.
"""

import base64
import re
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from flask import current_app

from tracker.outbox.channels.email import split_sender

#: Letters and digits of the signature: 65 bits, and with the longest number and the longest name that can be set the
#: part before @ stays within the 64 characters of RFC 5321 4.5.3.1.1.
MAC_LENGTH = 13

_SIGNED = re.compile(r"[^\s@+]{1,30}\+(\d{1,19})\.([a-z2-7]{13})@[^\s@]{1,255}")


#: Highest row number there can be.
_HIGHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Named:
    """What such an address says: the number of an envelope, and a signature that need not be ours."""

    envelope_id: int
    signature: str

    def is_of(self, message_id: str) -> bool:
        """Whether the address was made here for this envelope, with this Message-ID."""
        return compare_digest(_mac(self.envelope_id, message_id), self.signature)


def return_path(settings: Any, envelope_id: int, message_id: str) -> str:
    """The address that reports about this envelope come to: `bounces+12.k3l…@example.org` where the setting `bounce_to`
    names a mailbox, else the plain address mail is sent from. Its Message-ID is signed with the number, because a
    database that came back from a backup gives the number out again, to another mail."""
    if settings.bounce_to is None:
        return split_sender(settings.mail_from)[1]
    local, _at, domain = settings.bounce_to.rpartition("@")
    return f"{local}+{envelope_id}.{_mac(envelope_id, message_id)}@{domain}"


def read_return_path(address: str) -> Named | None:
    """What an address of this form says, still to be held against the envelope; None for any other address.

    Only the part between + and @ is looked at: a mail server may write its own name after it, and the mailbox may have
    been called otherwise when the mail left.
    """
    found = _SIGNED.fullmatch(address.strip().lower())
    if found is None:
        return None
    number = int(found[1])
    return Named(number, found[2]) if str(number) == found[1] and number <= _HIGHEST else None


def _mac(envelope_id: int, message_id: str) -> str:
    blinded: str = current_app.extensions["sealer"].keyring.blind(f"{envelope_id} {message_id}", "return-path")
    return base64.b32encode(bytes.fromhex(blinded)).decode()[:MAC_LENGTH].lower()
