"""A small desk whose hearings, readers and relay things happen to, and an oracle that reads what mails said.

The oracle asks the database only for rows as they stand, in SQL of its own; who may hear and who follows it works out
for itself.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Flask
from raw_relay import Arrival, RawRelay
from signed_in import make_account, make_desk
from sqlalchemy import select, text, update

from tracker.accounts import service as accounts
from tracker.accounts.models import Desk, Membership, User
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, Actor, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case, Involvement
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import When, instants, on_day, when_of
from tracker.outbox import deliver as delivering
from tracker.outbox.models import Envelope
from tracker.outbox.relay import Circuit
from tracker.people.service import NameGiven, add_person
from tracker.reminders import rules
from tracker.reminders import service as following
from tracker.reminders.planning import plan_step, tells_of
from tracker.reminders.rules import Ahead, Reader

#: A Monday, eight in the morning in London, where nobody of this desk lives.
START = datetime(2024, 3, 18, 8, tzinfo=UTC)

ZONE = "Asia/Jerusalem"

#: Kinds of mail whose truth the oracle knows.
REMINDER, CHANGED = "hearing.reminder", "hearing.changed"


@dataclass(frozen=True, slots=True)
class Got:
    """One copy that arrived: of which messages, and what it told of which hearing."""

    message_id: str
    user_id: int
    #: (message, kind, hearing, version of it, days before, what it tells), of each message in it.
    carried: tuple[tuple[int, str, int, int, int | None, Mapping[str, Any]], ...]


class Land:
    """Two cases of one desk; Amal keeps one of them and stands in for the other, Basel keeps that one, Carol follows
    the desk, Dan follows nothing yet."""

    def __init__(self, app: Flask, relay: RawRelay) -> None:
        self.app, self.relay = app, relay
        self.changed_at = 0.0
        desk = make_desk(working_days=(7, 1, 2, 3, 4))
        self.desk = desk.id
        names = ("amal", "basel", "carol", "dan")
        self.users = [make_account(f"{n}@example.org", desk="iopt", name=n.title()).id for n in names]
        self.cases = [self._case(0, None), self._case(1, 0)]
        self.follow(2, None, START - timedelta(days=1))

    def begin(self, others: bool = False) -> None:
        """A history begins: nothing has arrived. `others`: there are deliverers in other processes, so that what one
        has in hand may have been taken from it."""
        self.others = others
        self.relay.arrivals.clear()
        self.relay.unanswered.clear()
        self.got: list[Got] = []
        self.wrong: list[str] = []
        self.relay.sees = self._look

    def _case(self, owner: int, deputy: int | None) -> int:
        with unit_of_work("cases.open", COMMAND, now=START - timedelta(days=2)):
            session = db.session()
            keeper, second = (None if n is None else session.get_one(User, self.users[n]) for n in (owner, deputy))
            case = cases.open_case(
                session, session.get_one(Desk, self.desk), title="A trial", risk="high", owner=keeper, deputy=second
            )
            person = add_person(session, [NameGiven("Nadia Halabi")])
            cases.involve(session, case, person.id)
            return case.id

    # What happens -----------------------------------------------------------------------------------------------------

    def act(self, now: datetime, what: Callable[[Any], Any], by_hand: bool = False) -> Any:
        """One act; whatever is refused leaves nothing behind."""
        from tracker.base.errors import NeedsConfirmation, NotFound, Refused

        actor = Actor("user", self.users[0], "Amal") if by_hand else COMMAND
        self.changed_at = float("inf")
        try:
            with unit_of_work("tests", actor, now=now):
                return what(db.session())
        except (Refused, NeedsConfirmation, NotFound):
            return None
        finally:
            self.changed_at = clock.monotonic()

    def elsewhere(self, now: datetime, what: Callable[[Any], Any]) -> None:
        """The same in a thread of its own, committed when this returns."""

        def run() -> None:
            with self.app.app_context():
                self.act(now, what)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    def schedule(
        self, now: datetime, when: When, case: int, by_hand: bool = False, kind: str = "hearing"
    ) -> int | None:
        """A hearing of a case; its number."""

        def do(session: Any) -> int:
            case_id = self.cases[case]
            people = session.scalars(select(Involvement.person_id).where(Involvement.case_id == case_id))
            made = hearings.schedule_hearing(
                session,
                when,
                appearing=[hearings.Appears(case_id, p) for p in people],
                unlikely_is_meant=True,
                kind=kind,
                court="Magistrates' Court",
                place="Haifa",
            )
            return int(made.id)

        found: int | None = self.act(now, do, by_hand)
        return found

    @staticmethod
    def change(number: int, what: Any, *args: Any, **how: Any) -> Callable[[Any], Any]:
        """An act on a hearing: `change(3, move_hearing, when)`."""

        def do(session: Any) -> Any:
            fresh = hearings.get_hearing(session, number)
            return what(session, fresh, *args, version=fresh.version, **how)

        return do

    def follow(self, user: int, case: int | None, now: datetime) -> None:
        """Somebody follows a case; None: the desk."""
        self.act(
            now,
            lambda session: following.follow(
                session,
                session.get_one(User, self.users[user]),
                case=None if case is None else session.get_one(Case, self.cases[case]),
                desk=session.get_one(Desk, self.desk) if case is None else None,
                now=now,
            ),
        )

    def stop(self, user: int, case: int | None) -> Callable[[datetime], Callable[[Any], Any]]:
        """Somebody stops a case; None: the desk."""
        return lambda now: (
            lambda session: following.stop(
                session,
                session.get_one(User, self.users[user]),
                case=None if case is None else session.get_one(Case, self.cases[case]),
                desk=session.get_one(Desk, self.desk) if case is None else None,
                now=now,
            )
        )

    def restrict(self, case: int, named: int, audience: Audience) -> Callable[[Any], Any]:
        """A case is for named people only, or open to the desk again."""

        def do(session: Any) -> None:
            row = session.get_one(Case, self.cases[case])
            cases.edit_case(
                session,
                row,
                version=row.version,
                audience=audience,
                named=[session.get_one(User, self.users[named])] if audience == Audience.NAMED else [],
            )

        return do

    def leave(self, user: int) -> Callable[[Any], Any]:
        """Somebody leaves the desk, or comes back."""

        def do(session: Any) -> None:
            held = session.scalar(select(Membership).where(Membership.user_id == self.users[user]))
            if held is None:
                session.add(Membership(user_id=self.users[user], desk_id=self.desk, coordinator=False))
            else:
                session.delete(held)

        return do

    def switch(self, user: int, now: datetime) -> Callable[[Any], Any]:
        """An account is closed, or opened again."""

        def do(session: Any) -> None:
            row = session.get_one(User, self.users[user])
            if row.active:
                accounts.disable(session, row, now)
            else:
                row.active = True
                row.version += 1

        return do

    def dwell(self, user: int, zone: str) -> Callable[[Any], Any]:
        """Somebody lives by another clock from now on."""
        return lambda session: accounts.change_own(
            session, session.get_one(User, self.users[user]), zone=zone, language="en", languages=("en",)
        )

    # The clock --------------------------------------------------------------------------------------------------------

    def tick(self, now: datetime, plans: bool = True) -> dict[str, int]:
        """Plan and deliver at an instant, as a process that has just been started."""
        self._wait_for_dead()
        delivering._circuit = Circuit()
        with clock.fixed_at(now):
            said = dict(plan_step(now)) if plans else {}
            return {**said, **delivering.deliver(now)}

    def _wait_for_dead(self) -> None:
        """What a deliverer that has ended left behind: its lease has run out."""
        db.session.rollback()
        with db.engine.connect() as connection:
            left = connection.execute(text("SELECT count(*) FROM envelopes WHERE state = 'sending'")).scalar()
        if left:
            with db.engine.begin() as connection:
                connection.execute(
                    update(Envelope).where(Envelope.state == "sending").values(lease_until=START - timedelta(days=9))
                )

    def note_unwritten(self) -> None:
        """A deliverer has ended: of what it had handed over and not written down, the answer is lost."""
        with db.engine.connect() as connection:
            for (message_id,) in connection.execute(
                text("SELECT message_id FROM envelopes WHERE state = 'sending' AND phase = 'dispatching'")
            ):
                self.lost_answers[message_id] += 1

    # What came --------------------------------------------------------------------------------------------------------

    def _look(self, arrival: Arrival) -> None:
        """P3, at the moment a mail is handed over: everything in it is so, and its reader may know it. What was
        changed after its recipient was accepted may have come after its last look: that is passed over."""
        wrong: list[str] = []
        with db_engine(self.app).connect() as connection:
            rows = self._carried(connection, arrival.message_id, "'sending'")
            if not rows and self.others:
                # Its deliverer has ended, and another took it over before it had wholly arrived.
                rows = self._carried(connection, arrival.message_id, "'waiting', 'sent'")
            if not rows:
                wrong.append(f"{arrival.message_id} came and no message is being sent")
            for row in rows:
                if not row.active:
                    wrong.append(f"{row.email} got mail after the account was closed")
                if row.email != arrival.to:
                    wrong.append(f"a mail for {row.email} went to {arrival.to}")
                if row.kind in (REMINDER, CHANGED):
                    if row.subject_rev != row.schedule_rev:
                        wrong.append(
                            f"{row.email} was told version {row.subject_rev} of {row.schedule_rev} "
                            f"({row.kind} {row.id}, {row.state}, {arrival.message_id})"
                        )
                    if row.kind == REMINDER and row.now_state != "scheduled":
                        wrong.append(f"{row.email} was reminded of a hearing that is {row.now_state}")
                    seen, follows = self._stands_to(connection, row.user_id, row.subject_id)
                    if not seen:
                        wrong.append(f"{row.email} was told of what they may not see")
                    if row.kind == REMINDER and not follows:
                        wrong.append(f"{row.email} was reminded of what they do not follow")
        if self.changed_at < arrival.rcpt_at:
            self.wrong += wrong
        if rows:
            carried = tuple((r.id, r.kind, r.subject_id, r.subject_rev, r.days_before, as_tells(r.tells)) for r in rows)
            self.got.append(Got(arrival.message_id, rows[0].user_id, carried))

    @staticmethod
    def _carried(connection: Any, message_id: str, states: str) -> Any:
        """The messages in a mail that stand so, and what is true of their subjects."""
        return connection.execute(
            text(f"""
                SELECT m.id, m.kind, m.subject_id, m.subject_rev, m.days_before, m.tells, m.state, r.user_id,
                       h.schedule_rev, h.state AS now_state, u.active, u.email
                FROM messages m JOIN envelopes e ON e.id = m.envelope_id
                JOIN recipients r ON r.id = m.recipient_id JOIN users u ON u.id = r.user_id
                LEFT JOIN hearings h ON h.id = m.subject_id AND m.subject_kind = 'hearing'
                WHERE e.message_id = :message_id AND m.state IN ({states})
            """),
            {"message_id": message_id},
        ).all()

    def _stands_to(self, connection: Any, user_id: int, hearing_id: int) -> tuple[bool, bool]:
        """Whether somebody may see a hearing, and follows it (and has not stopped it)."""
        case = connection.execute(
            text("""
                SELECT c.id, c.owner_id, c.deputy_id, c.audience, c.desk_id FROM cases c
                JOIN appearances a ON a.case_id = c.id WHERE a.hearing_id = :h
            """),
            {"h": hearing_id},
        ).first()
        asks = {"u": user_id, "c": case.id, "d": case.desk_id}
        granted = connection.execute(
            text("SELECT 1 FROM case_grants WHERE case_id = :c AND user_id = :u"), asks
        ).first()
        member = connection.execute(text("SELECT 1 FROM memberships WHERE user_id = :u AND desk_id = :d"), asks).first()
        active = connection.execute(text("SELECT 1 FROM users WHERE id = :u AND active"), asks).first()
        keeps = user_id in (case.owner_id, case.deputy_id)
        sees = bool(active) and (keeps or bool(granted) or (case.audience >= int(Audience.DESK) and bool(member)))
        rows = connection.execute(
            text("""
                SELECT s.case_id, s.stopped_at FROM subscriptions s JOIN recipients r ON r.id = s.recipient_id
                WHERE r.user_id = :u AND (s.case_id = :c OR s.desk_id = :d)
            """),
            asks,
        ).all()
        stopped = any(r.case_id is not None and r.stopped_at is not None for r in rows)
        return sees, sees and not stopped and (keeps or any(r.stopped_at is None for r in rows))

    # What must hold ---------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """P2 and P3, at any time."""
        assert self.wrong == []
        unanswered = Counter(self.relay.unanswered)
        for message_id, came in self.relay.copies().items():
            assert came <= 1 + min(1, unanswered[message_id] + self.lost_answers[message_id]), message_id
        each = Counter((c[0], g.user_id) for g in self.got for c in g.carried)
        doubted = {
            c[0] for g in self.got for c in g.carried if self.lost_answers[g.message_id] or unanswered[g.message_id]
        }
        assert not [key for key, times in each.items() if times > (2 if key[0] in doubted else 1)]
        leads = Counter(
            (g.user_id, c[2], c[3], c[4])
            for g in self.got
            for c in g.carried
            if c[1] == REMINDER and c[0] not in doubted
        )
        twice = [key for key, times in leads.items() if times > self.mails_of(key[3])]
        assert not twice, f"(reader, hearing, version, days before) told twice: {twice}"

    @staticmethod
    def mails_of(days: int | None) -> int:
        """A 1-day reminder goes on the day before and on the last working day before that: two."""
        return 2 if days == 1 else 1

    #: How often the end of a process hid the answer, by Message-ID.
    lost_answers: Counter[str] = Counter()

    def caught_up(self, now: datetime) -> None:
        """P1 after a tick in which everything worked, in working hours: whoever is to be told has been, and what each
        was last told is so."""
        with db.engine.connect() as connection:
            doubted = {
                (r.subject_id, r.user_id)
                for r in connection.execute(
                    text("""
                        SELECT m.subject_id, r.user_id FROM messages m JOIN recipients r ON r.id = m.recipient_id
                        LEFT JOIN envelopes e ON e.id = m.envelope_id
                        WHERE m.state IN ('may_have_arrived', 'not_delivered', 'sending') OR e.ambiguous_attempts > 0
                           OR (e.state = 'waiting' AND e.not_before > m.due_at)
                    """)
                )
            }
            db.session.rollback()
            found = db.session.scalars(select(Hearing).execution_options(populate_existing=True)).all()
            people = {u.id: u for u in db.session.scalars(select(User).execution_options(populate_existing=True))}
            desk = db.session.get_one(Desk, self.desk)
            last: dict[tuple[int, int], Mapping[str, Any]] = {}
            for got in self.got:
                for _message, kind, hearing_id, _rev, _days, tells in got.carried:
                    if kind in (REMINDER, CHANGED):
                        last[hearing_id, got.user_id] = tells
            rows = connection.execute(
                text("""
                    SELECT m.subject_id, m.subject_rev, r.user_id, m.days_before, m.state FROM messages m
                    JOIN recipients r ON r.id = m.recipient_id WHERE m.kind = 'hearing.reminder'
                """)
            ).all()
            standing = {(r.subject_id, r.subject_rev, r.user_id, r.days_before, r.state) for r in rows}
            for hearing in found:
                if hearing.tell_from is not None and hearing.tell_from > now:
                    continue
                true = tells_of(hearing)
                for user_id in self.users:
                    key = (hearing.id, user_id)
                    sees, follows = self._stands_to(connection, user_id, hearing.id)
                    reader = Reader(people[user_id].zone or desk.zone, tuple(desk.working_days))
                    if key in doubted or rules.is_quiet(now, reader.zone):
                        continue
                    until = instants(when_of(hearing)).remind_until
                    if follows and hearing.state == "scheduled" and hearing.local_date and until and until > now:
                        ahead = Ahead(hearing.local_date, hearing.zone, until)
                        for lead in rules.leads_of(ahead, (7, 3, 1), reader):
                            if lead.due_at <= now:
                                ends = {
                                    s
                                    for s in standing
                                    if s[:4] == (*(hearing.id, hearing.schedule_rev), user_id, lead.days)
                                }
                                assert ends, f"nothing is on record of {lead} of {key}"
                                assert not {s[4] for s in ends} <= {"waiting"}, f"{lead} of {key} still waits"
                        if any(lead.due_at <= now for lead in rules.leads_of(ahead, (7, 3, 1), reader)):
                            assert key in last, f"{key} is due and was told nothing"
                            assert rules.tells_same(last[key], true), f"{key} was told {last[key]} and it is {true}"
                    elif key in last and sees and self._hears_of_changes(connection, user_id, hearing.id, follows):
                        told = last[key]
                        if rules.what_changed(told, true, hearing.last_change) and rules.is_news(told, true, now):
                            raise AssertionError(f"{key} was told {told} and it is {true}")

    @staticmethod
    def _hears_of_changes(connection: Any, user_id: int, hearing_id: int, follows: bool) -> bool:
        """Whether somebody has not stopped hearing of changes."""
        stopped = connection.execute(
            text("""
                SELECT s.case_id FROM subscriptions s JOIN recipients r ON r.id = s.recipient_id
                JOIN appearances a ON a.hearing_id = :h JOIN cases c ON c.id = a.case_id
                WHERE r.user_id = :u AND s.stopped_at IS NOT NULL AND (s.case_id = c.id OR s.desk_id = c.desk_id)
            """),
            {"u": user_id, "h": hearing_id},
        ).all()
        return not any(r.case_id is not None for r in stopped) and (follows or not stopped)


def db_engine(app: Flask) -> Any:
    """The engine, from any thread."""
    with app.app_context():
        return db.engine


def as_tells(stored: Any) -> Mapping[str, Any]:
    """What was stored as JSON, whichever database."""
    import json

    known: Mapping[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return known


def day_from(now: datetime, days: int, hour: int | None = None, zone: str = ZONE) -> When:
    """A hearing so many days from now, at an hour or none."""
    day: date = (now + timedelta(days=days)).date()
    return on_day(zone, day, None if hour is None else time(hour, 30))
