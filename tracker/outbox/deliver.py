"""Emptying the outbox: the one clock step through which anything leaves.

Nothing is held across the network: each step that is written down commits before the next goes out. Nothing is charged
to a mail for what is the relay's fault: then all of them wait, and staff are told (`queries.relay_state`).

Where there is much to send, two lines do it at once (on SQLite one): each has its own session, claims its own mails and
has at most one of them between the mark and the settle.
"""

import logging
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from flask import Flask, current_app
from sqlalchemy import Connection, exists, func, or_, select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from tracker.base import clock, failpoints
from tracker.base.db import JUST_USED, WRITES, db, quick_checkout
from tracker.base.house import read_fact
from tracker.base.sentences import on_record
from tracker.base.work import end_reading, short_transaction
from tracker.clockwork.kinds import clock_step, progress
from tracker.outbox import ledger, packing, protocol, restored, rules
from tracker.outbox.bounces import refused_at_once
from tracker.outbox.channels import Line, RelayUnavailable, SendFailed, Unsure, channels
from tracker.outbox.channels.email import Addressed, Relay, compose, needs_utf8, plain_address, split_sender
from tracker.outbox.discreet import made_discreet
from tracker.outbox.kinds import NoLonger, kinds
from tracker.outbox.models import Envelope, Message, Recipient, accounts
from tracker.outbox.pausing import Pause, hold_due, read_pause
from tracker.outbox.protocol import Claimed, Ended, Fenced, Held
from tracker.outbox.relay import Circuit, read_relay, say_relay
from tracker.outbox.return_path import return_path
from tracker.outbox.service import address_of, read_former_address

log = logging.getLogger(__name__)

#: After so many connections in a row that ended in the middle, it is not the mail.
DROPS = 3

#: Nor after so many mails in a row that the relay did not take, whatever it said of each.
NOT_TAKEN = 3

#: After so many mails in a row of which nobody knows whether they arrived, the others are kept from the same fate.
UNSURE_IN_A_ROW = 2

#: Why a mail did not leave, in words for staff.
REFUSED_ADDRESS = on_record("the relay refused the address: %(words)s")
REFUSED_MAIL = on_record("the relay refused it: %(words)s")
NOT_COMPOSED = on_record("it could not be composed (%(fault)s)")

#: What is wrong with a relay that leaves us in doubt.
DOES_NOT_ANSWER = on_record("it takes mail and does not answer: %(words)s")

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
    #: Its messages as the record of sent mail spells them.
    carried: tuple[str, ...]
    address: str
    raw: bytes
    #: The pause of the house when it was composed.
    pause: Pause | None
    #: What it was written from.
    stamp: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail the relay took, which is not written down yet."""

    claimed: Claimed
    said: str
    at: datetime


#: Why there is no mail to send: quiet hours, the pause of the house, nobody to send it to or nothing in it, and nothing
#: left to say.
Why = Literal["quiet", "paused", "nothing", "silent"]


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
    restored.look(now)
    outlook = look(now)
    if outlook.idle:
        return {"sent": 0, "failed": 0, "waiting": outlook.waiting}
    run = _Run()
    try:
        with quick_checkout():
            run.go(outlook)
    finally:
        run.end()
        restored.run_ends()
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
    session: Session = db.session()
    try:
        answer = reader(session)
    except BaseException:
        session.rollback()
        raise
    end_reading(session)
    return answer


def _goes_to_invited(code: str) -> bool:
    kind = kinds.find(code)
    return kind is not None and kind.to_invited


def _spread() -> float:
    return secrets.randbelow(1000) / 1000


@dataclass(slots=True)
class _Seen:
    """What the lines of one run have seen of the relay, in a row."""

    works: bool = False
    drops: int = 0
    not_taken: int = 0
    unsure: int = 0
    #: The first line had to end: no mail is begun on the other.
    over: bool = False


@dataclass(slots=True)
class _Run:
    """One run of the step; or its second line, which only sends."""

    ended: Ended = field(default_factory=Ended)
    settings: Any = field(default_factory=lambda: current_app.extensions["settings"])
    line: Line | None = None
    #: Whether the line has carried a mail, so that a connection that ended may just have been idle too long.
    line_used: bool = False
    relay: _Seen = field(default_factory=_Seen)
    #: What sends beside this one.
    beside: "_SecondLine | None" = None
    is_second: bool = False
    #: How many envelopes are claimed together.
    at_most: int = field(default_factory=lambda: protocol.BATCH)
    #: A connection to the database, see `straight`.
    kept: Connection | None = None
    kept_at: float = 0.0
    #: The pause of the house as it was read before the claim.
    pause: Pause | None = None
    #: What the relay has just taken: its settle and the mark of the next mail are one commit.
    taken: Taken | None = None

    def go(self, outlook: Outlook) -> None:
        """Take back, give up, pack, send."""
        if failpoints.WANTED:
            failpoints.arm(_read(lambda session: read_fact(session, "rehearsal")) is not None)
        if outlook.sending:
            self.take_back()
        if outlook.too_late:
            self.give_up()
        if outlook.waiting:
            self.hold()
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
        while True:
            with short_transaction() as session:
                ended = protocol.end_too_late(session, clock.now())
            self.ended.add(ended)
            if ended.failed + ended.skipped == 0:
                return

    def hold(self) -> None:
        """Set aside what has come due under a pause of the house."""
        pause = _read(read_pause)
        if pause is not None:
            with short_transaction() as session:
                hold_due(session, pause, clock.now())

    def pack(self) -> None:
        """Put what is due into envelopes."""
        domain = split_sender(self.settings.mail_from)[1].rpartition("@")[2]
        after: packing.Rest = None
        while True:
            now = clock.now()
            reading: Session = db.session()
            ready, after = packing.list_packable(reading, now, after)
            end_reading(reading)
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
            self.relay.over = True
            _circuit.failed(self.settings.smtp_url)
            words = Relay.parse(self.settings.smtp_url).without_password(fault.words)
            say_relay(fault.state, words, clock.now())
        except BaseException:
            self.relay.over = True
            raise
        finally:
            if self.beside is not None:
                self.beside.join()
        if self.beside is not None:
            self.ended.add(self.beside.ended())

    def send_beside(self) -> None:
        """As a second line: send what has not been tried yet, while there is any and the first line sends, too. Whether
        the relay can be reached, and what follows where it cannot, is for the first to say."""
        try:
            self.call()
            while not self.is_over() and self.send_batch(tried=False):
                progress.made()
        except RelayUnavailable as fault:
            log.info("the second line to the relay ends: %s", fault.state)
        finally:
            self.end()

    def is_over(self) -> bool:
        """Whether no other mail is to be begun."""
        return progress.must_end() or (self.is_second and self.relay.over)

    def call(self) -> Line:
        """The open line to the relay, reached anew where there is none."""
        if self.line is None or not self.line.is_open:
            self.hang_up()
            self.line = channels.get("email").connect(self.settings.smtp_url)
            self.line_used = False
        return self.line

    def relay_works(self) -> None:
        """The relay took a mail, or turned down for good an address of one: it works for the others. That it let
        somebody be named says nothing yet."""
        self.relay.not_taken = 0
        _circuit.worked()
        if not self.relay.works:
            self.relay.works = True
            say_relay("ok", "", clock.now())

    def hang_up(self) -> None:
        """Close the line."""
        if self.line is not None:
            self.line.close()
            self.line = None

    def end(self) -> None:
        """Let go of the line, and of the database."""
        self.hang_up()
        if self.kept is not None:
            self.kept.close()
            self.kept = None

    def send_batch(self, *, tried: bool) -> int:
        """Claim a few and send them, one after the other. Returns how many were claimed."""
        # Before the claim: the waits of a connection may be longer than any claim should last.
        if (self.line is None or not self.line.is_open) and not look(clock.now()).due:
            return 0
        self.call()
        with short_transaction() as session:
            self.pause = read_pause(session)
            stands_still = self.pause is not None and self.pause.cut is None
            batch = []
            if not stands_still:
                now, true_now = clock.now(), clock.true_now()
                batch = protocol.claim(session, now, true_now, tried=tried, at_most=self.at_most)
            if batch:
                failpoints.point("in_claim")
        if batch:
            failpoints.point("after_claim")
        if len(batch) == protocol.BATCH and self.beside is None and not self.is_second and _takes_two():
            self.beside = _SecondLine(_Run(settings=self.settings, relay=self.relay, is_second=True))
        position = 0
        try:
            parcels = self.compose(batch)
            for position, claimed in enumerate(batch):
                progress.made()
                if claimed.id not in parcels:
                    continue
                out_of_time = clock.true_now() > claimed.lease_until - protocol.CLAIM_MARGIN
                if (out_of_time and len(batch) > 1) or self.is_over():
                    # What is left of the lease is too short for one more: claim these again, now or after a restart.
                    # Where composing them took all of it, fewer at a time; one alone goes whatever it took.
                    self.at_most = self.at_most if position else max(1, len(batch) // 2)
                    self.settle_taken()
                    _give_back(batch[position:])
                    break
                self.send_one(claimed, parcels[claimed.id])
            self.settle_taken()
        except _LineEnded:
            _give_back(batch[position:])
        except RelayUnavailable:
            self.settle_taken()
            _give_back(batch[position:])
            raise
        except BaseException:
            # Those only that have not been marked: what may have left stays where it is.
            with suppress(SQLAlchemyError):
                self.settle_taken()
            with suppress(SQLAlchemyError):
                _give_back(batch[position:])
            raise
        return len(batch)

    def send_one(self, claimed: Claimed, parcel: Parcel | None) -> None:
        """One composed mail from there to its settle."""
        # Each round something in it has changed meanwhile: a message taken back, an address.
        for _round in range(5):
            if parcel is None or not self.prepare(claimed, parcel):
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
                    self.pause = read_pause(session)
                self.ended.add(ended)
                parcel = self.compose([claimed]).get(claimed.id)
                continue
            except Held:
                log.warning("envelope %s waits: somebody holds a row of it", claimed.id)
                break
            failpoints.point("after_mark")
            self.hand_over(marked, parcel)
            return
        _give_back([claimed], clock.now() + rules.FIRST_WAIT)

    # Composing --------------------------------------------------------------------------------------------------------

    def compose(self, batch: Sequence[Claimed]) -> dict[int, Parcel]:
        """The mails of these envelopes as things stand now, by their numbers: read together, and composed before the
        first of them leaves, so that nothing is waited for between the relay's answer to one and the mark of the next.
        What there is none to send of is settled."""
        if not batch:
            return {}
        now = clock.now()
        reading: Session = db.session()
        try:
            found = self._compose(reading, batch, now)
            end_reading(reading)
        except OperationalError:
            raise
        except Exception as fault:
            reading.rollback()
            if len(batch) > 1:
                # One of them cannot be composed: each by itself, so that it shows which.
                return {key: parcel for one in batch for key, parcel in self.compose([one]).items()}
            with suppress(Fenced):
                self.cannot_compose(batch[0], fault)
            return {}
        finally:
            reading.rollback()
        parcels = {}
        for claimed in batch:
            outcome = found[claimed.id]
            if isinstance(outcome, Parcel):
                parcels[claimed.id] = outcome
                continue
            with suppress(Fenced):
                self.nothing_to_send(claimed, outcome, now)
        return parcels

    def _compose(self, reading: Session, batch: Sequence[Claimed], now: datetime) -> dict[int, Parcel | Why]:
        carried: dict[int, list[Message]] = {claimed.id: [] for claimed in batch}
        waiting = (
            select(Message)
            .where(Message.envelope_id.in_(carried), Message.state == "waiting")
            .order_by(Message.due_at, Message.id)
        )
        for message in reading.scalars(waiting):
            carried[message.envelope_id or 0].append(message)
        readers = {
            row.id: row
            for row in reading.execute(
                select(
                    Recipient.id,
                    accounts.c.name,
                    accounts.c.email,
                    accounts.c.active,
                    accounts.c.discreet,
                    accounts.c.language,
                    Recipient.address_sealed,
                    Recipient.address_index,
                )
                .outerjoin(accounts, accounts.c.id == Recipient.user_id)
                .where(
                    Recipient.id.in_({claimed.recipient_id for claimed in batch}),
                    Recipient.suppressed_at.is_(None),
                    or_(accounts.c.active, accounts.c.invited, Recipient.address_sealed.is_not(None)),
                )
            )
        }
        found: dict[int, Parcel | Why] = {}
        by_kind: dict[str, list[Claimed]] = {}
        for claimed in batch:
            messages = carried[claimed.id]
            to = readers.get(claimed.recipient_id)
            if not messages or to is None or not (to.active or to.address_sealed or _goes_to_invited(messages[0].kind)):
                found[claimed.id] = "nothing"
            elif self.pause is not None and not all(self.pause.lets(m.due_at) for m in messages):
                found[claimed.id] = "paused"
            elif all(packing.is_held(m, now) for m in messages):
                found[claimed.id] = "quiet"
            else:
                by_kind.setdefault(messages[0].kind, []).append(claimed)
        for code, those in by_kind.items():
            write = kinds.get(code).write_with(reading, [m for claimed in those for m in carried[claimed.id]])
            for claimed in those:
                messages, to = carried[claimed.id], readers[claimed.recipient_id]
                try:
                    mail = write(messages, now)
                except NoLonger:
                    found[claimed.id] = "silent"
                    continue
                address = to.email or address_of(current_app.extensions["sealer"], to)
                if messages[0].address_sealed is not None:
                    address = read_former_address(current_app.extensions["sealer"], messages[0]) or address
                addressed = Addressed(self.settings.mail_from, to.name or "", address, claimed.message_id, code)
                if to.discreet:
                    mail, addressed = made_discreet(mail, addressed, to.language)
                found[claimed.id] = Parcel(
                    code,
                    tuple(m.id for m in messages),
                    tuple(ledger.carried(m.dedupe_key, m.tells) for m in messages),
                    address,
                    compose(mail, addressed, now),
                    self.pause,
                    mail.stamp,
                )
        return found

    def nothing_to_send(self, claimed: Claimed, why: Why, now: datetime) -> None:
        """Let go of an envelope for now, or end what is in it. Fenced."""
        if why == "quiet":
            _give_back([claimed], now + HOLD)
            return
        with short_transaction() as session:
            ended = Ended()
            if why == "paused" and self.pause is not None:
                hold_due(session, self.pause, now)
            else:
                ended = protocol.end_untrue(session, claimed, now, at_least_one=why == "silent")
            protocol.settle_empty(session, claimed, now + rules.FIRST_WAIT)
        self.ended.add(ended)

    def cannot_compose(self, claimed: Claimed, fault: Exception) -> None:
        """Charge it to this mail alone. What the fault says may be content: only its name and place are kept.
        Fenced."""
        frames = traceback.extract_tb(fault.__traceback__)
        place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
        log.error("envelope %s cannot be composed: %s at %s", claimed.id, type(fault).__name__, place)
        with short_transaction() as session:
            protocol.split(session, claimed)
            tries = protocol.count_attempts(session, claimed, "retry") + 1
            ended = protocol.settle_failed(
                session,
                claimed,
                reason=NOT_COMPOSED % {"fault": type(fault).__name__},
                detail=f"could not be composed: {type(fault).__name__} at {place}",
                permanent=tries >= rules.COMPOSE_TRIES,
                reached="claimed",
                code=None,
                now=clock.now(),
                spread=_spread(),
            )
        self.ended.add(ended)

    # Over the line ----------------------------------------------------------------------------------------------------

    def prepare(self, claimed: Claimed, parcel: Parcel) -> bool:
        """Name sender and recipient to the relay. False when that failed for this mail, which is then settled.
        RelayUnavailable when no mail would fare better; _LineEnded."""
        line = self.line
        if line is None or not line.is_open:
            self.settle_taken()
            raise _LineEnded
        fresh, self.line_used = not self.line_used, True
        try:
            sender = plain_address(return_path(self.settings, claimed.id, claimed.message_id))
            address = plain_address(parcel.address)
            utf8 = needs_utf8(sender, address)
            if utf8 and not line.takes_utf8:
                words = on_record("the relay takes no addresses in this script")
                raise SendFailed(words, permanent=True, code=None, phase="connected")
            line.prepare(sender, address, utf8, self.settle_taken)
        except SendFailed as fault:
            self.settle_taken()
            if fault.dropped and not fresh:
                # Kept connections end when nobody speaks for a while: that is nobody's failure.
                raise _LineEnded from fault
            if fault.perhaps_us:
                self.refused(claimed, parcel, fault)
            elif fault.permanent and fault.code:
                self.relay_works()
            self.failed(claimed, fault)
            return False
        return True

    def refused(self, claimed: Claimed, parcel: Parcel, fault: SendFailed) -> None:
        """The relay refused the first address of a line in words that may be meant for us. Where it did so for another
        one before, or is known not to have us: RelayUnavailable, and this mail comes after the others, so that two odd
        addresses hold up nobody. Else it is tried again for a while: then it is the address."""
        if _circuit.refuses(self.settings.smtp_url, parcel.address) or _read(read_relay).state == "refused":
            _give_back([claimed], clock.now() + rules.FIRST_WAIT)
            raise RelayUnavailable("refused", fault.words, fault.code) from fault
        fault.permanent = claimed.attempts + 1 >= rules.REFUSALS

    def mark(self, claimed: Claimed, parcel: Parcel) -> Claimed:
        """The last look, in one commit with the settle of the mail before it. Fenced, NoLonger."""
        taken = self.taken
        if taken is not None:
            try:
                with self.straight() as connection:
                    ended, marked = protocol.settle_and_mark(
                        connection,
                        taken.claimed,
                        taken.said,
                        taken.at,
                        claimed,
                        parcel.kind,
                        parcel.message_ids,
                        parcel.address,
                        clock.now(),
                        clock.true_now(),
                        pause=parcel.pause,
                        stamp=parcel.stamp,
                    )
                    failpoints.point("in_settle")
                    failpoints.point("in_mark")
            except (Fenced, NoLonger):
                # Of either, or somebody holds a row of the second: the first is not held up for that.
                self.settle_taken()
            except SQLAlchemyError:
                self._unmark(claimed)
                raise
            else:
                self.taken = None
                self.ended.add(ended)
                failpoints.point("after_settle")
                return marked
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
                    pause=parcel.pause,
                    stamp=parcel.stamp,
                )
                failpoints.point("in_mark")
            return marked
        except SQLAlchemyError:
            self._unmark(claimed)
            raise

    @contextmanager
    def straight(self) -> Iterator[Connection]:
        """A transaction of what is done for every mail, on a connection that is kept for it: a session, and a look into
        the pool, would take as long as the statements."""
        if self.kept is not None and clock.monotonic() - self.kept_at > JUST_USED:
            # The relay has taken its time: the server may have hung up meanwhile, and one from the pool is tried.
            self.kept.close()
            self.kept = None
        if self.kept is None:
            self.kept = db.engine.connect().execution_options(**{WRITES: True})
        with self.kept.begin():
            yield self.kept
        self.kept_at = clock.monotonic()

    def _unmark(self, claimed: Claimed) -> None:
        """Perhaps its mark was committed and perhaps not; for certain nothing has left."""
        with suppress(SQLAlchemyError):
            self.settle_taken()
        with suppress(SQLAlchemyError):
            _give_back([claimed, claimed.dispatching])

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
            self.relay.unsure += 1
            if self.relay.unsure >= UNSURE_IN_A_ROW:
                raise RelayUnavailable("down", DOES_NOT_ANSWER % {"words": words}) from fault
            return
        failpoints.point("after_data")
        self.relay.drops = self.relay.unsure = self.relay.not_taken = 0
        _circuit.worked()
        self.taken = Taken(claimed, said, clock.now())
        restored.note_sent(claimed.message_id, parcel.carried, self.taken.at)

    def settle_taken(self) -> None:
        """Write down, now, that the relay took the last mail, if that has not been done with a mark."""
        taken, self.taken = self.taken, None
        if taken is None:
            return
        claimed, said, at = taken.claimed, taken.said, taken.at
        self._settle(claimed, lambda session: protocol.settle_sent(session, claimed, said, at), said)
        failpoints.point("after_settle")
        # Not before: nothing may come between the relay's answer and its being written down.
        self.relay_works()

    def failed(self, claimed: Claimed, fault: SendFailed) -> None:
        """It did not leave, and that is certain."""
        now = clock.now()
        reason = fault.words
        if fault.code:
            reason = (REFUSED_ADDRESS if fault.phase == "recipient" else REFUSED_MAIL) % {"words": fault.words}
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
        self.relay.drops = self.relay.drops + 1 if fault.dropped else 0
        turned_down = fault.permanent and fault.phase == "recipient"
        if turned_down:
            # Afterwards, so that this mail ends as what it is. Should it come to nothing, the next one is refused, too.
            with short_transaction() as session:
                refused_at_once(session, claimed.recipient_id, fault.words, now)
        self.relay.not_taken += int(bool(fault.code) and not turned_down)
        if self.relay.drops >= DROPS or self.relay.not_taken >= NOT_TAKEN:
            raise RelayUnavailable("down", fault.words, fault.code) from fault

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


class _LineEnded(Exception):
    """There is no line any more for what has been claimed."""


class _SecondLine:
    """Sends beside the first line, on connections of its own: while one of them waits for the disk, the other is with
    the relay. Each mail is claimed, marked and settled by one of them; a second deliverer would do no other."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._fault: BaseException | None = None
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # of Flask's proxy
        self._thread = threading.Thread(target=copy_context().run, args=(self._send, app), daemon=True)
        self._thread.start()

    def _send(self, app: Flask) -> None:
        try:
            # A context of its own: with it goes a session.
            with app.app_context():
                self._run.send_beside()
        except BaseException as fault:
            self._fault = fault

    def join(self) -> None:
        """Wait for its last mail."""
        self._thread.join()

    def ended(self) -> Ended:
        """What it has sent, once it has ended. Raises what went wrong with it."""
        if self._fault is not None:
            raise self._fault
        return self._run.ended


def _takes_two() -> bool:
    """Whether the database lets two write at once. SQLite has one lock for all."""
    return db.engine.dialect.name == "postgresql"


def _give_back(claimed: Sequence[Claimed], not_before: datetime | None = None) -> None:
    if claimed:
        with short_transaction() as session:
            protocol.give_back(session, claimed, not_before)
