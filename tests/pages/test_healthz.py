"""What machines ask: whether pages and database answer, whether reminders leave, and the alarm that hears of it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from flask import Flask
from house_of_cases import NOW, Lived, statements
from sqlalchemy import delete, text, update

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import write_fact
from tracker.base.work import short_transaction
from tracker.clockwork.kinds import PartlyFailed, steps
from tracker.clockwork.models import Heartbeat
from tracker.clockwork.queries import PULSE
from tracker.clockwork.service import note_failure, note_start
from tracker.outbox.models import Envelope, Message
from tracker.outbox.pausing import pause
from tracker.pages import probes
from tracker.pages.probes import ALARM, read_probe, tell_alarm
from tracker.reminders.planning import plan_step

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

#: The morning before the hearing of 8 April, and when its reminder fell due.
DUE = datetime.fromisoformat("2024-04-07T05:00:00+00:00")


def beat(at: datetime, *, but: str = "", ago: timedelta = timedelta()) -> None:
    """Every step ran at this instant, but one, which ran so long before."""
    with short_transaction() as session:
        for step in steps:
            when = at - ago if step.code == but else at
            session.merge(Heartbeat(step=step.code, started_at=when, ended_at=when, failures=0, fault=""))


def ask(lived: Lived, at: datetime, path: str = "/healthz/reminders") -> Any:
    """What a machine is answered at this instant."""
    lived.app.extensions.pop("reminders_seen", None)
    with clock.fixed_at(at):
        return lived.app.test_client().get(path)


def bad(lived: Lived, at: datetime) -> set[str]:
    """What is wrong; the status says the same."""
    answer = ask(lived, at)
    assert (answer.status_code == 200) is answer.json["ok"]
    return {key for key, value in answer.json.items() if value is True and key != "ok"}


@pytest.fixture
def reminded(lived: Lived) -> Any:
    """A hearing on 8 April, 09:30, of which the owner is to be reminded the day before."""
    hearing = lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(DUE - timedelta(hours=1))
    with short_transaction() as session:
        session.execute(delete(Message).where(Message.days_before != 1))
    return hearing


def end(state: str, at: datetime, **more: Any) -> None:
    """The reminder ends so."""
    with short_transaction() as session:
        session.execute(update(Message).values(state=state, ended_at=at, **more))


def test_pages_and_database_answer(lived: Lived) -> None:
    answer = ask(lived, NOW, "/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.one_engine
def test_a_database_that_is_gone_is_told(lived: Lived) -> None:
    db.session.remove()
    db.engine.dispose()
    address = db.engine.url.database
    assert address is not None
    with open(address, "r+b") as file:
        file.write(b"no database" * 10)
    assert ask(lived, NOW, "/healthz").status_code == 503
    answer = ask(lived, NOW)
    assert (answer.status_code, answer.json) == (503, {"ok": False, "database": False})


def test_it_says_nothing_about_anybody_and_costs_two_statements(lived: Lived, reminded: Any) -> None:
    beat(DUE)
    lived.app.extensions.pop("reminders_seen", None)
    with statements() as said:
        answer = ask(lived, DUE)
    assert len(said.said) == 2
    assert (answer.status_code, answer.json["ok"]) == (200, True)
    assert all(value is None or isinstance(value, bool | int) for value in answer.json.values())
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.one_engine
def test_an_answer_serves_whoever_asks_within_five_seconds(lived: Lived) -> None:
    beat(NOW)
    assert ask(lived, NOW).status_code == 200
    client = lived.app.test_client()
    with statements() as said, clock.fixed_at(NOW + timedelta(seconds=4)):
        assert client.get("/healthz/reminders").status_code == 200
    assert said.said == []
    with statements() as said, clock.fixed_at(NOW + timedelta(seconds=5)):
        client.get("/healthz/reminders")
    assert len(said.said) == 2


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("step", "ago", "silent"),
    [
        ("outbox.deliver", timedelta(seconds=125), False),
        ("outbox.deliver", timedelta(seconds=126), True),
        ("flags.sweep", timedelta(minutes=3), False),
        ("flags.sweep", timedelta(minutes=3, seconds=1), True),
        ("clockwork.zones", timedelta(hours=1, minutes=2), False),
        ("clockwork.zones", timedelta(hours=1, minutes=2, seconds=1), True),
    ],
)
def test_a_step_is_silent_two_minutes_after_it_should_have_begun(
    lived: Lived, step: str, ago: timedelta, silent: bool
) -> None:
    beat(NOW, but=step, ago=ago)
    assert bad(lived, NOW) == ({"step_silent"} if silent else set())


@pytest.mark.one_engine
def test_a_clock_that_never_ran_is_silent(lived: Lived) -> None:
    assert bad(lived, NOW) == {"step_silent"}


@pytest.mark.one_engine
def test_while_a_long_delivery_gets_on_the_other_steps_merely_wait(lived: Lived) -> None:
    beat(NOW)
    later = NOW + timedelta(minutes=9)
    note_start("outbox.deliver", NOW + SECOND)
    assert bad(lived, later) == {"step_silent"}
    note_start(PULSE, later - MINUTE)
    assert bad(lived, later) == set()
    assert bad(lived, later + 2 * MINUTE) == {"step_silent"}


@pytest.mark.one_engine
def test_a_step_that_failed_three_times_in_a_row_is_told_but_for_the_alarm(lived: Lived) -> None:
    beat(NOW)
    for code, told in (("pages.alarm", set()), ("reminders.plan", {"step_failing"})):
        assert code in {ALARM, "reminders.plan"}
        for _failure in range(2):
            note_failure(code, NOW, "ValueError")
        assert bad(lived, NOW) == set()
        note_failure(code, NOW, "ValueError")
        assert bad(lived, NOW) == told


@pytest.mark.parametrize(
    ("late", "told"), [(5 * MINUTE - SECOND, set()), (5 * MINUTE, {"mail_late"}), (timedelta(hours=1), {"mail_late"})]
)
def test_what_is_due_for_five_minutes_is_late(lived: Lived, reminded: Any, late: timedelta, told: set[str]) -> None:
    beat(DUE + late)
    assert bad(lived, DUE + late) == told


def test_quiet_hours_and_a_lost_answer_are_not_late_and_a_next_try_and_a_pause_are(lived: Lived, reminded: Any) -> None:
    # Half past four in the morning where the owner is, and more than a day before the hearing.
    night = DUE - timedelta(hours=28)
    with short_transaction() as session:
        session.execute(update(Message).values(due_at=night - timedelta(hours=3)))
    beat(night)
    assert bad(lived, night) == set()
    with short_transaction() as session:
        session.execute(update(Message).values(due_at=DUE))
        recipient = session.scalar(text("SELECT min(id) FROM recipients"))
        mail = Envelope(
            recipient_id=recipient, state="waiting", message_id="<1@x>", not_before=DUE + 20 * MINUTE, attempts=3,
            ambiguous_attempts=1, created_at=DUE,
        )  # fmt: skip
        session.add(mail)
        session.flush()
        session.execute(update(Message).values(envelope_id=mail.id))
    for minutes, told in ((19, set()), (20, {"mail_late"})):
        beat(DUE + minutes * MINUTE)
        assert bad(lived, DUE + minutes * MINUTE) == told
    with short_transaction() as session:
        session.execute(update(Envelope).values(ambiguous_attempts=0))
    for minutes, told in ((4, set()), (5, {"mail_late"})):
        beat(DUE + minutes * MINUTE)
        assert bad(lived, DUE + minutes * MINUTE) == told, "what is put off again and again is late"
    with short_transaction() as session:
        session.execute(update(Envelope).values(not_before=DUE))
        pause(session, DUE, "by_hand", "Amal")
    beat(DUE + 4 * MINUTE)
    assert bad(lived, DUE + 4 * MINUTE) == set()
    beat(DUE + 5 * MINUTE)
    assert bad(lived, DUE + 5 * MINUTE) == {"mail_late", "mail_paused"}


def test_what_is_late_is_found_behind_many_that_quiet_hours_hold_back(
    lived: Lived, reminded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = DUE - timedelta(hours=28)
    with short_transaction() as session:
        session.execute(update(Message).values(due_at=night - timedelta(hours=3)))
        recipient = session.scalar(text("SELECT min(id) FROM recipients"))
        session.add(
            Message(
                dedupe_key="account:1", kind="account", subject_kind="account", subject_id=1, subject_rev=1,
                recipient_id=recipient, cause="account", tells={}, due_at=night - timedelta(hours=1), state="waiting",
                created_at=night,
            )
        )  # fmt: skip
    monkeypatch.setattr(probes, "MOST", 1)
    beat(night)
    assert bad(lived, night) == {"mail_late"}


@pytest.mark.parametrize("state", ["not_delivered", "may_have_arrived"])
def test_an_unsettled_send_is_told_while_its_hearing_is_within_72_hours(
    lived: Lived, reminded: Any, state: str
) -> None:
    starts_at = reminded.starts_at
    end(state, starts_at - timedelta(days=6))
    for before, told in ((72 * 60 * MINUTE + SECOND, set()), (72 * 60 * MINUTE, {"mail_unsettled"})):
        beat(starts_at - before)
        assert bad(lived, starts_at - before) == told
    beat(starts_at)
    assert bad(lived, starts_at) == set()


def test_seen_to_told_later_moved_and_taken_back_are_settled(lived: Lived, reminded: Any) -> None:
    end("not_delivered", DUE)
    beat(DUE)
    assert bad(lived, DUE) == {"mail_unsettled"}
    end("not_delivered", DUE, seen_to_at=DUE)
    assert bad(lived, DUE) == set()
    end("cancelled", DUE, seen_to_at=None)
    assert bad(lived, DUE) == set()
    end("not_delivered", DUE)
    with short_transaction() as session:
        first = session.execute(Message.__table__.select()).mappings().one()  # type: ignore[attr-defined]
        again = {k: v for k, v in first.items() if k != "id"} | {"dedupe_key": "later", "state": "sent"}
        session.execute(Message.__table__.insert(), again | {"sent_at": DUE + SECOND, "ended_at": DUE + SECOND})  # type: ignore[attr-defined]
    assert bad(lived, DUE) == set()
    with short_transaction() as session:
        session.execute(delete(Message).where(Message.dedupe_key == "later"))
    assert bad(lived, DUE) == {"mail_unsettled"}
    with short_transaction() as session:
        session.execute(update(Message).values(subject_rev=0))
    assert bad(lived, DUE) == set()


@pytest.mark.one_engine
def test_a_clock_that_is_not_believed_is_told(lived: Lived) -> None:
    beat(NOW)
    with short_transaction() as session:
        write_fact(session, "clock_held", "{}")
    assert bad(lived, NOW) == {"clock_held"}


@pytest.mark.parametrize(("off", "told"), [(0, False), (31, True), (-31, True)])
def test_a_clock_half_a_minute_off_the_databases_is_told(
    lived: Lived, monkeypatch: pytest.MonkeyPatch, off: int, told: bool
) -> None:
    beat(NOW)
    true = clock.true_now
    monkeypatch.setattr(clock, "true_now", lambda: true() + timedelta(seconds=off))
    expected = told and db.engine.dialect.name == "postgresql"
    assert read_probe(db.session(), NOW).clock_off is expected
    db.session.rollback()


# The alarm ------------------------------------------------------------------------------------------------------------


class Alarm:
    """Somebody outside who listens, and does `answers` before the answer."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()
        alarm = self

        class Listener(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                alarm.heard.append(self.path)
                alarm.answers.wait()
                self.send_response(alarm.status)
                if alarm.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_said: Any) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Listener)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ping"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def alarm(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> Iterator[Alarm]:
    """One that listens, set for this tracker."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    listening = Alarm()
    settings = lived.app.extensions["settings"]
    lived.app.extensions["settings"] = replace(settings, alarm_url=listening.url)
    monkeypatch.setattr(probes, "WAITED_SECONDS", 60)
    yield listening
    listening.answers.set()
    listening.server.shutdown()
    listening.server.server_close()


@pytest.mark.one_engine
def test_the_alarm_hears_while_all_is_well_and_nothing_otherwise(lived: Lived, alarm: Alarm) -> None:
    assert tell_alarm(NOW) == {"told": 0}
    beat(NOW)
    assert tell_alarm(NOW) == {"told": 1}
    assert alarm.heard == ["/ping"]
    assert tell_alarm(NOW + timedelta(minutes=10)) == {"told": 0}
    assert alarm.heard == ["/ping"]


@pytest.mark.one_engine
@pytest.mark.parametrize("status", [302, 500])
def test_an_alarm_that_answers_badly_is_a_fault_of_the_step_alone(lived: Lived, alarm: Alarm, status: int) -> None:
    beat(NOW)
    alarm.status = status
    with pytest.raises(PartlyFailed, match="cannot be reached"):
        tell_alarm(NOW)
    assert alarm.heard == ["/ping"]
    alarm.status = 200
    assert tell_alarm(NOW) == {"told": 1}


@pytest.mark.one_engine
def test_an_alarm_that_keeps_silent_holds_nobody_up(
    lived: Lived, alarm: Alarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(NOW)
    alarm.answers.clear()
    monkeypatch.setattr(probes, "WAITED_SECONDS", 0.5)
    began = time.monotonic()
    tell_alarm(NOW)
    with pytest.raises(PartlyFailed, match="does not answer"):
        tell_alarm(NOW)
    assert time.monotonic() - began < 5


@pytest.mark.one_engine
def test_without_an_alarm_nobody_is_called(app: Flask) -> None:
    assert tell_alarm(NOW) == {"told": 0}
