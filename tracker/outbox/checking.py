"""Trying the relay as a deliverer would, and saying what was found: the steps, the certificate, the DNS records that
the domain of the sender needs, and in one sentence what to set when it does not work."""

import ipaddress
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from tracker.base.errors import Refused
from tracker.outbox.channels import RelayUnavailable, SendFailed, Unsure
from tracker.outbox.channels.email import (
    Addressed,
    EmailLine,
    Relay,
    compose,
    needs_utf8,
    plain_address,
    split_sender,
)
from tracker.outbox.kinds import Mail

#: What the mail that tries it calls itself.
KIND = "test"


#: The address in the default of the setting TRACKER_MAIL_FROM.
UNSET_SENDER = "tracker@localhost"


class CheckFailed(Exception):
    """It does not work. `words`: one sentence, and what to set."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class Record:
    """A record to set in DNS."""

    name: str
    type: str
    value: str
    #: What it is for, and what to mind.
    why: str


@dataclass(slots=True)
class Checked:
    """What was found so far, each step in one line."""

    steps: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    #: Where the mail went that tried it; empty: nowhere yet.
    sent_to: str = ""


def check_relay(settings: Any, to: str | None, now: datetime, tell: Callable[[str], None]) -> Checked:
    """Reach the relay of the settings, sign in, and send a mail to `to` (else to the sender's own address). `tell` gets
    each step as it is done. How it stands with the relay is for a deliverer to say: the clock may have other settings.
    CheckFailed; Refused when `to` is no address."""
    found = Checked()

    def step(words: str) -> None:
        found.steps.append(words)
        tell(words)

    try:
        address = plain_address(to) if to is not None else ""
    except ValueError as fault:
        raise Refused(f"“{to}” is no mail address: {fault}.", "to") from fault
    try:
        _name, sender = split_sender(settings.mail_from)
    except ValueError as fault:
        raise CheckFailed(
            f"TRACKER_MAIL_FROM holds no mail address ({fault}). Set it, such as Tracker <tracker@example.org>"
        ) from fault
    if sender == UNSET_SENDER:
        step(
            f"Warning: TRACKER_MAIL_FROM is not set, so mail would come from {sender}, which nobody can answer and "
            "most mail servers refuse. Set it, such as Tracker <tracker@example.org>."
        )
    address = address or sender
    found.records += list_records(settings)
    if settings.smtp_url is None:
        raise CheckFailed("No relay is set. Set TRACKER_SMTP_URL, such as smtps://user:password@mail.example.org")
    relay = Relay.parse(settings.smtp_url)
    where = f"{relay.host}:{relay.port}"
    kept = "TLS from the first byte" if relay.tls else "STARTTLS" if relay.starttls else "without TLS"
    step(f"Relay: {where}, {kept}, {'signing in as ' + relay.user if relay.user else 'without signing in'}.")
    try:
        line = EmailLine(relay)
    except RelayUnavailable as fault:
        words = relay.without_password(fault.words)
        raise CheckFailed(_why_unreached(relay, where, fault.state, words, fault.code)) from fault
    try:
        for words in _met(line, relay):
            step(words)
        sender = settings.bounce_to or sender
        utf8 = needs_utf8(sender, address)
        if utf8 and not line.takes_utf8:
            raise CheckFailed(f"{where} takes no addresses in this script (no SMTPUTF8): write to another address.")
        _hand_over(settings, line, sender, address, utf8, relay, now, step)
    finally:
        line.close()
    found.sent_to = address
    return found


def _met(line: EmailLine, relay: Relay) -> list[str]:
    """What was found on the other side."""
    met = line.describe()
    said = []
    if met.tls:
        said.append(
            f"Certificate: of {met.certificate_of}, issued by {met.issued_by}, until {met.valid_until}; {met.tls}."
        )
    elif not _is_here(relay.host):
        said.append("Warning: password and mail go over the network in the open. Use smtps:// or ?starttls=1.")
    if relay.user:
        said.append(f"Signed in as {relay.user}.")
    offered = {
        "PIPELINING": met.pipelining,
        "SMTPUTF8": line.takes_utf8,
        "STARTTLS": met.starttls,
    }
    said.append("Offered: " + ", ".join(f"{name} {'yes' if yes else 'no'}" for name, yes in offered.items()) + ".")
    return said


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hand_over(
    settings: Any,
    line: EmailLine,
    sender: str,
    address: str,
    utf8: bool,
    relay: Relay,
    now: datetime,
    step: Callable[[str], None],
) -> None:
    domain = sender.rpartition("@")[2]
    text = (
        f"This mail was sent by `tracker mail check` to see whether mail of {settings.base_url} arrives.\n"
        "Nothing need be done.\n"
    )
    mail = Mail("Mail of the urgent action tracker arrives", text, f"<p>{escape(text)}</p>")
    addressed = Addressed(settings.mail_from, "", address, f"<{uuid.uuid4()}@{domain}>", KIND)
    try:
        line.prepare(sender, address, utf8, lambda: None)
        step(f"The relay takes mail from {sender} to {address}.")
        said = line.send(compose(mail, addressed, now))
    except RelayUnavailable as fault:
        words = relay.without_password(fault.words)
        raise CheckFailed(
            f"The relay refuses the sender {sender} ({words}). Set TRACKER_MAIL_FROM"
            f"{' and TRACKER_BOUNCE_TO' if settings.bounce_to else ''} to an address it lets this account use."
            if fault.state == "refused"
            else f"The relay does not take mail now ({words}). Nothing need be set: waiting mail goes by itself."
        ) from fault
    except SendFailed as fault:
        words = relay.without_password(fault.words)
        what = f"the address {address}" if fault.phase == "recipient" else "the mail"
        raise CheckFailed(
            f"The relay refuses {what} ({words}). Try another address with --to."
            if fault.code
            else f"The relay ended the connection ({words}). Try again."
        ) from fault
    except Unsure as fault:
        words = relay.without_password(fault.words)
        raise CheckFailed(f"The relay took the mail and did not say so ({words}): see whether it arrived.") from fault
    step(f"Sent to {address}: {relay.without_password(said)}")


def _why_unreached(relay: Relay, where: str, state: str, words: str, code: int | None) -> str:
    if words.startswith("user or password"):
        return (
            f"{where} refuses {words}. Set user and password in TRACKER_SMTP_URL; special characters are written as "
            "%40 for @, %3A for :, %2F for /."
        )
    if "WRONG_VERSION_NUMBER" in words or "record layer failure" in words:
        return f"{where} does not speak TLS from the first byte. Set TRACKER_SMTP_URL to smtp://…?starttls=1"
    if words.startswith("TLS:"):
        return (
            f"The certificate of {relay.host} is not trusted ({words.removeprefix('TLS: ')}). Set in TRACKER_SMTP_URL "
            "the name it was made for, or let SSL_CERT_FILE name the authority that issued it."
        )
    if "STARTTLS" in words:
        return f"{where} offers no STARTTLS. Set TRACKER_SMTP_URL to smtps://… or another port."
    if "AUTH" in words and code is None:
        return f"{where} offers no sign-in ({words}). Use TLS, or leave user and password out of TRACKER_SMTP_URL."
    if state == "down" and code is None:
        return (
            f"{where} cannot be reached ({words}). Set host and port in TRACKER_SMTP_URL, and let this machine through."
        )
    if state == "down":
        return f"{where} takes no mail now ({words}). Nothing need be set: waiting mail goes by itself."
    return f"{where} will not have us ({words}). Ask who runs it, and set TRACKER_SMTP_URL."


def list_records(settings: Any) -> list[Record]:
    """The DNS records the sender's domain needs so that its mail is believed, and those by which mail comes back."""
    domain = split_sender(settings.mail_from)[1].rpartition("@")[2]
    bounce = settings.bounce_to
    sends_as = bounce.rpartition("@")[2] if bounce else domain
    host = Relay.parse(settings.smtp_url).host if settings.smtp_url else "mail.example.org"
    # An address is no name that a record could point to.
    spf = "ip6" if ":" in host else "ip4" if host.replace(".", "").isdigit() else "a"
    records = [
        Record(
            sends_as,
            "TXT",
            f"v=spf1 {spf}:{host} ~all",
            "SPF: who may send for this domain. Where there is one already, add the middle part to it; a provider may "
            "ask for an include: of its own instead.",
        ),
        Record(
            f"SELECTOR._domainkey.{domain}",
            "TXT",
            "v=DKIM1; k=rsa; p=…",
            "DKIM: made by the relay, which signs the mail: it says selector and key. The tracker signs nothing.",
        ),
        Record(
            f"_dmarc.{domain}",
            "TXT",
            "v=DMARC1; p=quarantine",
            "DMARC: what others do with mail that pretends to come from here. Begin with p=none until both hold.",
        ),
    ]
    if bounce:
        records.append(
            Record(
                sends_as,
                "MX",
                f"10 {host}.",
                f"Mail that does not arrive comes back to {bounce} with + and a mark before the @: let a mail server "
                "take these addresses too, into one mailbox, or forward them there, and let `tracker bounces read` "
                "read it.",
            )
        )
    return records
