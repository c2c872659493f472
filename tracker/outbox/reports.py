"""What a mail that came back says: pure, from bytes to a verdict.

Reports of mail servers have fields for machines (RFC 3464), complaints too (RFC 5965); only those are read. What is
written for people, and the copy of the mail that comes with it, can be made by anybody and is not looked at.

What a status means (RFC 3463; the extended list is kept by IANA, RFC 5248):

* `5.1.x` speaks of the address, `5.2.1` of a mailbox that was closed: *hard*, trying again is of no use. `5.1.7` and
  `5.1.8` are the exception: they speak of the sender's address, which is ours.
* Everything else that failed is *soft*: a full mailbox (`x.2.2`) is emptied, a system (`x.3.x`) or a route (`x.4.x`) is
  mended, and a policy (`x.7.x`) is more often about us than about them. One of those must not silence a hearing; only
  mail that comes back on several days does.
* `delayed` means that it is still being tried.

A status that says nothing (`5.0.0`, as some servers write for everything) is looked for in the diagnostic field beside
it, where the other server's own words begin with one.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import Any

from tracker.base.sentences import on_record

#: Longest report that is read, in bytes: a report is a few kilobytes, and the mail it speaks of a few more.
LONGEST = 1_000_000

#: A verdict with the status it was read from.
_WITH_STATUS = on_record("%(words)s (%(status)s)")

#: Most parts of a mail with parts: a report has three.
MOST_PARTS = 60

#: The headers that say where a mail was delivered to, the surest first: the mailbox's own server writes the first ones.
DELIVERED_TO = ("X-Original-To", "Delivered-To", "X-Delivered-To", "Envelope-To", "X-Envelope-To", "X-RCPT-To", "To")

#: Verdicts, worst first. `hard`: the address does not work. `complaint`: they do not want our mail. `soft`: this mail
#: did not arrive, another may. `delayed`: it is still being tried. `fine`: it arrived. `answer`: somebody, or
#: something, wrote back. `unrecognised`: nothing that can be read.
VERDICTS = ("hard", "complaint", "soft", "delayed", "fine", "answer", "unrecognised")

#: How deep a report may lie in a mail: what was passed on by a list or looked at for viruses is wrapped once or twice.
DEEPEST = 3

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]{1,64}@[^\s<>()\[\],;:\"]{1,255}")
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_ABOUT_THE_SENDER = ("5.1.7", "5.1.8")


@dataclass(frozen=True, slots=True)
class Report:
    """What came back: where it was delivered to (addresses, the surest first), what it says, with which status (empty:
    none), and its fingerprint (SHA-256, hex)."""

    delivered_to: tuple[str, ...]
    verdict: str
    status: str
    fingerprint: str
    #: Written by a machine, so that nobody misses it.
    automatic: bool = True
    #: Whom it says the mail was for, addresses as they stand there; empty: it does not say.
    about: tuple[str, ...] = ()


def read_report(raw: bytes) -> Report:
    """Read a mail that came to the address for returned mail. Never raises: what cannot be read is `unrecognised`."""
    fingerprint = hashlib.sha256(raw).hexdigest()
    if len(raw) > LONGEST or len(re.findall(rb"(?im)^(?:content-type:|\s).*boundary\s*=", raw)) > MOST_PARTS:
        return Report((), "unrecognised", "", fingerprint)
    try:
        mail = message_from_bytes(raw)
        verdict, status = _verdict(mail)
        automatic = verdict != "answer" or _is_automatic(mail)
        return Report(_delivered_to(mail), verdict, status, fingerprint, automatic, _about(mail))
    except (Exception, RecursionError):
        # The library has faults of its own with what nobody meant to send.
        return Report((), "unrecognised", "", fingerprint)


def in_words(verdict: str, status: str) -> str:
    """Why mail to an address came back, in words for staff: never the server's own, which hold the address."""
    if verdict == "complaint":
        return on_record("they, or their mail service, reported it as unwanted")
    return _WITH_STATUS % {"words": _words(status), "status": status} if status else _words(status)


def _words(status: str) -> str:
    if status in _ABOUT_THE_SENDER:
        return on_record("its mail server does not take our address as the sender")
    if status in ("5.1.2", "5.1.10") or status.endswith(".4.4"):
        return on_record("there is no mail server for what stands after @ in the address")
    if status in ("5.1.1", "5.1.0", "5.1.6"):
        return on_record("its mail server says there is no such address")
    if status.startswith("5.1."):
        return on_record("its mail server does not take this address")
    if status == "5.2.1":
        return on_record("its mailbox is closed")
    of = {
        "2.2": on_record("its mailbox is full"),
        "2.3": on_record("the mail is larger than its mailbox takes"),
        "4.7": on_record("it could not be handed over in time"),
    }
    subject = status.partition(".")[2]
    if subject in of:
        return of[subject]
    return {
        "2": on_record("its mailbox does not take mail at the moment"),
        "3": on_record("its mail server has a fault"),
        "4": on_record("its mail server could not be reached"),
        "6": on_record("its mail server does not take mail of this form"),
        "7": on_record("its mail server refuses our mail by a rule of its own"),
    }.get(subject.partition(".")[0], on_record("its mail server sent it back"))


# Reading --------------------------------------------------------------------------------------------------------------


def _delivered_to(mail: Message) -> tuple[str, ...]:
    said = [str(value)[:2000] for name in DELIVERED_TO for value in mail.get_all(name, [])]
    return tuple(dict.fromkeys(address for value in said for address in _ADDRESS.findall(value)))[:20]


def _verdict(mail: Message) -> tuple[str, str]:
    of: dict[str, Message] = {}
    for part in _parts(mail):
        of.setdefault(part.get_content_type(), part)
    report = of.get("multipart/report")
    kind = str(report.get_param("report-type") or "").lower() if report is not None else ""
    complaint = of.get("message/feedback-report")
    if complaint is not None or kind == "feedback-report":
        return _complaint(complaint)
    status = of.get("message/delivery-status") or of.get("message/global-delivery-status")
    if status is not None or kind == "delivery-status":
        return _delivery(status)
    return "answer", ""


def _parts(mail: Message, depth: int = 0) -> Iterator[Message]:
    """The mail and its parts, but nothing of a mail it carries: that may be a report itself, and about another one."""
    yield mail
    if mail.get_content_maintype() == "multipart" and mail.is_multipart() and depth < DEEPEST:
        payload: Any = mail.get_payload()
        for part in payload:
            yield from _parts(part, depth + 1)


def _complaint(part: Message | None) -> tuple[str, str]:
    block = next(_blocks(part), None)
    if block is None:
        return "unrecognised", ""
    # "not-spam" takes a complaint back; "auth-failure" is about signatures, and no person's wish.
    said = _field(block, "Feedback-Type").lower()
    return ("complaint", "") if said in ("abuse", "fraud", "opt-out", "other", "virus") else ("answer", "")


def _delivery(part: Message | None) -> tuple[str, str]:
    """The worst that is said of any recipient: there was one, and what is further down lies behind a forwarding."""
    found = [_of_recipient(block) for block in _blocks(part) if _field(block, "Action")]
    if not found:
        return "unrecognised", ""
    return min(found, key=lambda said: VERDICTS.index(said[0]))


def _about(mail: Message) -> tuple[str, ...]:
    """Where it failed, and where it was sent before somebody forwarded it (RFC 3464 2.3.1, 2.3.2)."""
    types = ("message/delivery-status", "message/global-delivery-status")
    status = next((part for part in _parts(mail) if part.get_content_type() in types), None)
    said = (_field(block, name) for block in _blocks(status) for name in ("Final-Recipient", "Original-Recipient"))
    of_mail = (value.partition(";") for value in said)
    found = (address.strip(" <>") for kind, _sign, address in of_mail if kind.strip().lower() == "rfc822")
    return tuple(dict.fromkeys(address for address in found if "@" in address))[:20]


def _of_recipient(block: Message) -> tuple[str, str]:
    action = _field(block, "Action").lower().split(" ")[0]
    status = _status(_field(block, "Status"), _field(block, "Diagnostic-Code"))
    if action == "delayed":
        return "delayed", status
    if action in ("delivered", "relayed", "expanded"):
        return "fine", status
    if action != "failed":
        return "unrecognised", ""
    return ("hard" if is_hard(status) else "soft"), status


def is_hard(status: str) -> bool:
    """Whether an enhanced status (RFC 3463) says that the address does not work."""
    return (status.startswith("5.1.") and status not in _ABOUT_THE_SENDER) or status == "5.2.1"


def _status(said: str, diagnostic: str) -> str:
    found = _STATUS.search(said)
    status = ".".join(found.groups()) if found else ""
    if not status or status.endswith(".0.0"):
        closer = _STATUS.search(diagnostic)
        if closer and not closer[0].endswith(".0.0"):
            return ".".join(closer.groups())
    return status


def _blocks(part: Message | None) -> Iterator[Message]:
    """The groups of fields of a machine's part. The library makes a mail of each group, or of the first alone."""
    if part is None:
        return
    payload: Any = part.get_payload()
    for block in payload if isinstance(payload, list) else (part,):
        if not isinstance(block, Message):
            continue
        if block is not part:
            yield block
        rest = block.get_payload()
        if isinstance(rest, str):
            yield from (
                message_from_string(group.strip()) for group in re.split(r"\r?\n\s*\r?\n", rest) if group.strip()
            )


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())


def _is_automatic(mail: Message) -> bool:
    """Whether a machine wrote it: out of office, a ticket's number (RFC 3834)."""
    said = str(mail.get("Auto-Submitted", "no")).lower()
    marks: Sequence[str] = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")
    return not said.startswith("no") or any(mail.get(mark) for mark in marks)
