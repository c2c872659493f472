"""Emptying the outbox: the one clock step through which anything leaves.

Nothing is held across the network: each step that is written down commits before the next goes out. Nothing is charged
to a mail for what is the relay's fault: then all of them wait, and staff are told (`queries.relay_state`).
"""

import logging
import secrets
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy import exists, func, select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from tracker.base import clock, failpoints
from tracker.base.db import db
from tracker.base.house import read_fact
from tracker.base.work import short_transaction
from tracker.clockwork.kinds import clock_step, progress
from tracker.outbox import packing, protocol, rules
from tracker.outbox.channels import Line, RelayUnavailable, SendFailed, Unsure, channels
from tracker.outbox.channels.email import Addressed, compose, needs_utf8, plain_address, split_sender
from tracker.outbox.kinds import NoLonger, kinds
from tracker.outbox.models import Envelope, Message, Recipient, accounts
from tracker.outbox.protocol import Claimed, Ended, Fenced
from tracker.outbox.relay import Circuit, say_relay
from tracker.outbox.return_path import return_path

log = logging.getLogger(__name__)

#: After so many connections in a row that ended in the middle, it is not the mail.
DROPS = 3

#: After so many mails in a row of which nobody knows whether they arrived, the others are kept from the same fate.
UNSURE_IN_A_ROW = 2

#: Seconds between the tries to write down what became of a mail that has left. Every one is worth it: without that line
#: nobody knows.
INSIST = (0.5, 1, 2, 4, 8, 16)

#: A mail that quiet hours hold back after it was packed is looked at again after this.
HOLD = timedelta(minutes=10)

_circuit = Circuit()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A composed mail."""

    kind: str
    message_ids: tuple[int, ...]
    address: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Outlook:
    """What there is to do. `waiting` counts the messages that are due."""

    waiting: int
    packable: bool
    due: bool
    sending: bool
    too_late: bool

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do at all."""
        return not (self.packable or self.due or self.sending or self.too_late)


@clock_step("outbox.deliver", every=timedelta(seconds=5), turn="deliver")
def deliver(now: datetime) -> Mapping[str, int]:
    """Send what is due until nothing more is. Answers with messages: `sent`; `failed`, which were not delivered or may
    have arrived; `waiting`, which are due and could not go yet.

    The clock is read afresh at each claim, mark and settle, because minutes may pass between them.
    """
    outlook = look(now)
    if outlook.idle:
        return {"sent": 0, "failed": 0, "waiting": outlook.waiting}
    run = _Run()
    try:
        run.go(outlook)
    finally:
        run.hang_up()
    waiting = look(clock.now()).waiting
    return {"sent": run.ended.sent, "failed": run.ended.failed, "waiting": waiting}


def look(now: datetime) -> Outlook:
    """What there is to do, in one SELECT answered by indexes."""
    waits = (Message.state == "waiting", Message.due_at <= now)
    row = _read(
        lambda session: session.execute(
            select(
                select(func.count(Message.id)).where(*waits).scalar_subquery(),
                exists(select(Message.id).where(*waits, Message.envelope_id.is_(None))),
                exists(select(Envelope.id).where(Envelope.state == "waiting", Envelope.not_before <= now)),
                exists(select(Envelope.id).where(Envelope.state == "sending")),
                exists(select(Message.id).where(*waits, Message.give_up_at <= now)),
            )
        ).one()
    )
    return Outlook(row[0], *(bool(found) for found in row[1:]))


def _read(reader: Callable[[Session], T]) -> T:
    """Read, and end the read: a snapshot held while mail is sent would be an old one."""
    session = db.session()
    try:
        return reader(session)
    finally:
        session.rollback()


def _spread() -> float:
    return secrets.randbelow(1000) / 1000


@dataclass(slots=True)
class _Run:
    """One run of the step."""

    ended: Ended = field(default_factory=Ended)
    settings: Any = field(default_factory=lambda: current_app.extensions["settings"])
    line: Line | None = None
    #: Whether the line has carried a mail, so that a connection that ended may just have been idle too long.
    line_used: bool = False
    works: bool = False
    drops: int = 0
    unsure: int = 0

    def go(self, outlook: Outlook) -> None:
        """Take back, give up, pack, send."""
        if failpoints.WANTED:
            failpoints.arm(_read(lambda session: read_fact(session, "rehearsal")) is not None)
        if outlook.sending:
            self.take_back()
        if outlook.too_late:
            self.give_up()
        if outlook.packable:
            self.pack()
        if look(clock.now()).due:
            self.send_all()

    # What others left -------------------------------------------------------------------------------------------------

    def take_back(self) -> None:
        """Take back what deliverers left behind that ended."""
        for left in _read(lambda session: protocol.list_left_behind(session, clock.true_now())):
            with suppress(Fenced):
                with short_transaction() as session:
                    ended = protocol.reap(session, left, clock.now(), _spread())
                self.ended.add(ended)

    def give_up(self) -> None:
        """End what comes too late."""
        words = "it was too late: it could not be sent in time"
        while True:
            with short_transaction() as session:
                ended = protocol.end_too_late(session, words, clock.now())
            self.ended.add(ended)
            if ended.failed + ended.skipped == 0:
                return

    def pack(self) -> None:
        """Put what is due into envelopes."""
        domain = split_sender(self.settings.mail_from)[1].rpartition("@")[2]
        after: packing.Rest = None
        while True:
            now = clock.now()
            reading: Session = db.session()
            ready, after = packing.list_packable(reading, now, after)
            reading.rollback()
            if ready:
                with short_transaction() as session:
                    packing.pack(session, ready, domain, now)
            if after is None:
                return

    # Sending ----------------------------------------------------------------------------------------------------------

    def send_all(self) -> None:
        """Send until nothing more is due, or until the relay will not have it."""
        if self.settings.smtp_url is None:
            say_relay("unset", "no relay is configured: TRACKER_SMTP_URL", clock.now())
            return
        if _circuit.is_open(self.settings.smtp_url):
            return
        try:
            self.call()
            while not progress.must_end() and self.send_batch(tried=False) + self.send_batch(tried=True):
                progress.made()
        except RelayUnavailable as fault:
            _circuit.failed(self.settings.smtp_url)
            say_relay(fault.state, fault.words, clock.now())

    def call(self) -> Line:
        """The open line to the relay, reached anew where there is none."""
        if self.line is None or not self.line.is_open:
            self.hang_up()
            self.line = channels.get("email").connect(self.settings.smtp_url)
            self.line_used = False
        return self.line

    def relay_answers(self) -> None:
        """The relay has said yes or no to one mail: it works for the others."""
        if not self.works:
            self.works = True
            _circuit.worked()
            say_relay("ok", "", clock.now())

    def hang_up(self) -> None:
        """Close the line."""
        if self.line is not None:
            self.line.close()
            self.line = None

    def send_batch(self, *, tried: bool) -> int:
        """Claim a few and send them, one after the other. Returns how many were claimed."""
        with short_transaction() as session:
            batch = protocol.claim(session, clock.now(), clock.true_now(), tried=tried)
            if batch:
                failpoints.point("in_claim")
        if batch:
            failpoints.point("after_claim")
        for position, claimed in enumerate(batch):
            progress.made()
            try:
                out_of_time = clock.true_now() > claimed.lease_until - protocol.CLAIM_MARGIN
                if out_of_time or progress.must_end():
                    # What is left of the lease is too short for one more: claim these again, now or after a restart.
                    _give_back(batch[position:])
                    break
                self.send_one(claimed)
            except RelayUnavailable:
                _give_back(batch[position:])
                raise
            except BaseException:
                # This one only if it has not been marked: what may have left stays where it is.
                with suppress(SQLAlchemyError):
                    _give_back(batch[position:])
                raise
        return len(batch)

    def send_one(self, claimed: Claimed) -> None:
        """One envelope from claim to settle."""
        # Each round something in it has changed meanwhile: a message taken back, an address.
        for _round in range(5):
            try:
                parcel = self.compose(claimed)
            except Fenced:
                return
            if parcel is None:
                return
            if not self.prepare(claimed, parcel):
                return
            failpoints.point("after_rcpt")
            try:
                marked = self.mark(claimed, parcel)
            except Fenced:
                log.warning("envelope %s was taken over before its mark", claimed.id)
                return
            except NoLonger:
                with short_transaction() as session:
                    ended = protocol.end_untrue(session, claimed, clock.now())
                self.ended.add(ended)
                continue
            failpoints.point("after_mark")
            self.hand_over(marked, parcel)
            return
        _give_back([claimed], clock.now() + rules.FIRST_WAIT)

    def compose(self, claimed: Claimed) -> Parcel | None:
        """The mail as things stand now; None when there is none to send (which is then settled). Fenced."""
        now = clock.now()
        silent = held = False
        reading: Session = db.session()
        try:
            messages = reading.scalars(
                select(Message)
                .where(Message.envelope_id == claimed.id, Message.state == "waiting")
                .order_by(Message.due_at, Message.id)
            ).all()
            to = reading.execute(
                select(accounts.c.name, accounts.c.email, accounts.c.active, Recipient.suppressed_at)
                .join(Recipient, Recipient.user_id == accounts.c.id)
                .where(Recipient.id == claimed.recipient_id)
            ).first()
            ids = [m.id for m in messages]
            held = bool(messages) and all(packing.is_held(m, now) for m in messages)
            if messages and not held and to is not None and to.active and to.suppressed_at is None:
                kind = kinds.get(messages[0].kind)
                mail = kind.render(reading, messages, now)
                addressed = Addressed(self.settings.mail_from, to.name, to.email, claimed.message_id, kind.code)
                return Parcel(kind.code, tuple(ids), to.email, compose(mail, addressed, now))
        except OperationalError:
            raise
        except NoLonger:
            silent = True
        except Exception as fault:
            reading.rollback()
            self.cannot_compose(claimed, fault, ids[0] if ids else 0)
            return None
        finally:
            reading.rollback()
        if held:
            _give_back([claimed], now + HOLD)
            return None
        with short_transaction() as session:
            ended = protocol.end_untrue(session, claimed, now, at_least_one=silent)
            protocol.settle_empty(session, claimed, now + rules.FIRST_WAIT)
        self.ended.add(ended)
        return None

    def cannot_compose(self, claimed: Claimed, fault: Exception, first: int) -> None:
        """Charge it to this mail alone. What the fault says may be content: only its name and place are kept."""
        frames = traceback.extract_tb(fault.__traceback__)
        place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
        log.error("envelope %s cannot be composed: %s at %s", claimed.id, type(fault).__name__, place)
        with short_transaction() as session:
            protocol.split(session, claimed, first)
            tries = protocol.count_attempts(session, claimed, "retry") + 1
            ended = protocol.settle_failed(
                session,
                claimed,
                reason=f"it could not be composed ({type(fault).__name__})",
                detail=f"could not be composed: {type(fault).__name__} at {place}",
                permanent=tries >= rules.COMPOSE_TRIES,
                reached="claimed",
                code=None,
                now=clock.now(),
                spread=_spread(),
            )
        self.ended.add(ended)

    def prepare(self, claimed: Claimed, parcel: Parcel) -> bool:
        """Name sender and recipient to the relay. False when that failed for this mail, which is then settled.
        RelayUnavailable when no mail would fare better."""
        while True:
            line = self.call()
            fresh, self.line_used = not self.line_used, True
            try:
                sender = split_sender(return_path(self.settings, claimed.id))[1]
                address = plain_address(parcel.address)
                utf8 = needs_utf8(sender, address)
                if utf8 and not line.takes_utf8:
                    words = "the relay takes no addresses in this script"
                    raise SendFailed(words, permanent=True, code=None, phase="connected")
                line.prepare(sender, address, utf8)
            except SendFailed as fault:
                if fault.dropped and not fresh:
                    # Kept connections end when nobody speaks for a while: that is nobody's failure.
                    continue
                if fault.code:
                    self.relay_answers()
                self.failed(claimed, fault)
                return False
            self.relay_answers()
            return True

    def mark(self, claimed: Claimed, parcel: Parcel) -> Claimed:
        """The last look. Fenced, NoLonger."""
        try:
            with short_transaction() as session:
                marked = protocol.mark(
                    session,
                    claimed,
                    parcel.kind,
                    parcel.message_ids,
                    parcel.address,
                    clock.now(),
                    clock.true_now(),
                )
                failpoints.point("in_mark")
            return marked
        except SQLAlchemyError:
            # Perhaps committed and perhaps not; for certain nothing has left.
            with suppress(SQLAlchemyError):
                _give_back([claimed, claimed.dispatching])
            raise

    def hand_over(self, claimed: Claimed, parcel: Parcel) -> None:
        """DATA, and what became of it."""
        assert self.line is not None
        try:
            said = self.line.send(parcel.raw)
        except SendFailed as fault:
            self.failed(claimed, fault)
            return
        except Unsure as fault:
            log.warning("envelope %s may have arrived: %s", claimed.id, fault.words)
            words = fault.words
            self._settle(claimed, lambda session: protocol.settle_unsure(session, claimed, words, clock.now()))
            self.unsure += 1
            if self.unsure >= UNSURE_IN_A_ROW:
                raise RelayUnavailable("down", f"it takes mail and does not answer: {words}") from fault
            return
        failpoints.point("after_data")
        self.drops = self.unsure = 0
        self._settle(claimed, lambda session: protocol.settle_sent(session, claimed, said, clock.now()), said)
        failpoints.point("after_settle")

    def failed(self, claimed: Claimed, fault: SendFailed) -> None:
        """It did not leave, and that is certain."""
        now = clock.now()
        where = "the address" if fault.phase == "recipient" else "it"
        reason = f"the relay refused {where}: {fault.words}" if fault.code else fault.words
        self._settle(
            claimed,
            lambda session: protocol.settle_failed(
                session,
                claimed,
                reason=reason,
                detail=fault.words,
                permanent=fault.permanent,
                reached=fault.phase,
                code=fault.code,
                now=now,
                spread=_spread(),
            ),
        )
        self.drops = self.drops + 1 if fault.dropped else 0
        if self.drops >= DROPS:
            raise RelayUnavailable("down", fault.words) from fault

    def _settle(self, claimed: Claimed, write: Callable[[Session], Ended], sent: str | None = None) -> None:
        """Write down what became of it, and insist: a mail whose end is not on record is one nobody knows about.
        `sent`: the relay's answer, if it took the mail."""
        for pause in (*INSIST, None):
            try:
                with short_transaction() as session:
                    ended = write(session)
                    failpoints.point("in_settle")
                self.ended.add(ended)
                return
            except Fenced:
                log.warning("envelope %s was settled by another deliverer", claimed.id)
                if sent is not None:
                    with short_transaction() as session:
                        settled = protocol.note_fenced(session, claimed, sent)
                    self.ended.sent += int(settled)
                return
            except (OperationalError, InterfaceError):
                if pause is None:
                    raise
                time.sleep(pause)


def _give_back(claimed: Sequence[Claimed], not_before: datetime | None = None) -> None:
    if claimed:
        with short_transaction() as session:
            protocol.give_back(session, claimed, not_before)
