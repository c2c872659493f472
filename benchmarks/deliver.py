"""Sending: `outbox.deliver` with every step of its protocol, beside plain smtplib that composes each of the same mails
with `EmailMessage` and sends it over one kept connection. The same relay for both, which takes everything at once.

The plain sender is given its subjects, texts and HTML ready: it reads no database, writes none, and forgets at once
what it has sent. Ours reads them from the database, looks a last time, commits, hands over, commits what became of it;
on PostgreSQL over two connections, because it has to wait for the disk, which plain smtplib never does.
"""

import os
import smtplib
import statistics
import time
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from benchmarks._engines import application, databases
from benchmarks._sink import sink

HEARINGS, FOLLOWERS = 25, 20
MAILS = HEARINGS * FOLLOWERS
ROUNDS = 7

#: Milliseconds a mail, by the clock and by the processor time of the sender.
Cost = tuple[float, float]


def main() -> None:
    """Measure and print."""
    with sink() as (port, taken), databases(_fill) as engines:
        for engine, lend in engines.items():
            with (
                lend() as (address, folder),
                application(address, folder, TRACKER_SMTP_URL=f"smtp://127.0.0.1:{port}"),
            ):
                _measure(engine, port, taken, folder)


def _measure(engine: str, port: int, taken: Any, folder: Path) -> None:
    texts = _texts()
    plain: list[Cost] = []
    ours: list[Cost] = []
    disk: list[float] = []
    # The first round, in which both learn their way, is not counted: the clock's process lives for weeks.
    for number in range(ROUNDS + 1):
        before = taken.value
        cost = _cost(_plain, port, texts)
        assert taken.value - before == MAILS
        _again(number, folder)
        own_cost = _cost(_ours)
        assert taken.value - before == 2 * MAILS
        if number:
            plain.append(cost)
            ours.append(own_cost)
            disk.append(_to_disk(folder))
    load = os.getloadavg()[0]
    print(f"{engine}, {MAILS} mails, {ROUNDS} rounds in turn; load {load:.1f} on {os.cpu_count()} processors")
    for what, place in (("the clock", 0), ("the sender's processor", 1)):
        pairs = [(p[place], o[place]) for p, o in zip(plain, ours, strict=True)]
        print(f"  ms a mail by {what}")
        print(f"    plain smtplib   {_spread([p for p, _ in pairs])}")
        print(f"    outbox.deliver  {_spread([o for _, o in pairs])}")
        print(f"    ratio           {_spread([p / o for p, o in pairs])}   (1 and more: at least as fast)")
    print(f"  ms until 8 kB are on the disk, of which plain smtplib waits for none: {_spread(disk)}")


def _to_disk(folder: Path) -> float:
    """Milliseconds one small write takes until it is on the disk, at the middle of fifty."""
    found = []
    with (folder / "disk").open("wb", buffering=0) as file:
        for _ in range(50):
            start = time.perf_counter()
            file.write(bytes(8192))
            os.fsync(file.fileno())
            found.append((time.perf_counter() - start) * 1000)
    return statistics.median(found)


def _again(number: int, folder: Path) -> None:
    """Let all of it be due once more, as if it had never been packed or sent; mails of this round keep their place
    under a name of their own, and the machine's record of sent mail, which knows them by the old one, is emptied."""
    from sqlalchemy import update

    from tracker.base.work import short_transaction
    from tracker.outbox.ledger import NAME
    from tracker.outbox.models import Envelope, Message

    record = folder / NAME
    if record.exists():
        record.write_bytes(record.read_bytes().splitlines(keepends=True)[0])
    with short_transaction() as session:
        sent = Message.state == "sent"
        session.execute(
            update(Message).where(sent).values(state="waiting", sent_at=None, ended_at=None, envelope_id=None)
        )
        fresh = ~Envelope.message_id.contains("'")
        session.execute(update(Envelope).where(fresh).values(message_id=Envelope.message_id.concat(f"'{number}")))


def _spread(found: list[float]) -> str:
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def _cost(send: Any, *given: Any) -> Cost:
    clock, processor = time.perf_counter(), time.process_time()
    send(*given)
    each = 1000 / MAILS
    return (time.perf_counter() - clock) * each, (time.process_time() - processor) * each


def _fill() -> None:
    """Desks whose staff follow them, and in each a hearing in a few hours: one due reminder for every account."""
    from signed_in import hashed_once, make_account, make_desk
    from sqlalchemy import select

    from tracker.accounts.models import Desk
    from tracker.base.db import db
    from tracker.base.work import COMMAND, unit_of_work
    from tracker.cases import service as cases
    from tracker.hearings import service as hearings
    from tracker.hearings.rules import on_day
    from tracker.people.service import NameGiven, add_person
    from tracker.reminders import service as reminders
    from tracker.reminders.planning import plan_step

    now = datetime.now(UTC).replace(microsecond=0)
    starts = now + timedelta(hours=12)
    session = db.session()
    for n in range(HEARINGS):
        code = f"desk{chr(97 + n)}"
        make_desk(code, f"Desk {n}", ("IL",), working_days=(1, 2, 3, 4, 5, 6, 7))
        with hashed_once():
            readers = [make_account(f"reader{n}-{m}@example.org", desk=code) for m in range(FOLLOWERS)]
        with unit_of_work("hearings.schedule", COMMAND, now=now):
            desk = session.scalars(select(Desk).where(Desk.code == code)).one()
            for reader in readers:
                reminders.follow(session, reader, desk=desk, now=now)
            case = cases.open_case(session, desk, title="A trial", risk="high")
            person = add_person(session, [NameGiven(f"Somebody {n}")])
            cases.involve(session, case, person.id)
            hearings.schedule_hearing(
                session,
                on_day("UTC", starts.date(), wall_time(starts.hour, starts.minute)),
                appearing=[hearings.Appears(case.id, person.id)],
                unlikely_is_meant=True,
                kind="trial_session",
                court="Magistrates' Court",
                place="Haifa",
                confirmation=hearings.Confirmation("the lawyer"),
            )
    plan_step(datetime.now(UTC))


def _ours() -> None:
    from tracker.base import clock
    from tracker.outbox.deliver import deliver

    answer = deliver(clock.now())
    assert answer == {"sent": MAILS, "failed": 0, "waiting": 0}, answer


def _texts() -> list[tuple[str, Any]]:
    """What our mails say, as (address, mail)."""
    from sqlalchemy import select

    from tracker.base import clock
    from tracker.base.db import db
    from tracker.outbox.kinds import kinds
    from tracker.outbox.models import Message, Recipient, accounts

    rows = db.session.execute(
        select(Message, accounts.c.email)
        .join(Recipient, Recipient.id == Message.recipient_id)
        .join(accounts, accounts.c.id == Recipient.user_id)
        .where(Message.state == "waiting", Message.due_at <= clock.now())
        .order_by(Message.id)
    ).all()
    now = clock.now()
    return [(email, kinds.get(m.kind).render(db.session(), [m], now)) for m, email in rows]


def _plain(port: int, texts: list[tuple[str, Any]]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as line:
        for number, (address, mail) in enumerate(texts):
            message = EmailMessage()
            message["From"] = "Urgent action tracker <tracker@example.org>"
            message["To"] = f"Some One <{address}>"
            message["Subject"] = mail.subject
            message["Date"] = format_datetime(datetime.now(UTC))
            message["Message-ID"] = f"<{number}@example.org>"
            message["Auto-Submitted"] = "auto-generated"
            message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
            message["X-Tracker-Kind"] = "hearing.reminder"
            for name, value in mail.headers.items():
                message[name] = value
            message.set_content(mail.text)
            message.add_alternative(mail.html, subtype="html")
            line.send_message(message)
