"""The operator at three in the morning: the relay refuses the password; one sentence says what to do, and everything
leaves once the clock runs with the right one."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from house_of_cases import ZONE, Lived, utc
from mail_sink import MailSink
from sqlalchemy import select

from tracker.base import clock
from tracker.base.db import db
from tracker.clockwork.runner import tick
from tracker.hearings.rules import on_day
from tracker.outbox.models import Attempt, Envelope, Message
from tracker.pages.health import doctor_says
from tracker.pages.probes import read_probe

#: Eight on Sunday morning in Haifa: reminders of hearings of Monday fall due.
DUE = utc("2024-04-07T05:00:00")


class Locked(MailSink):
    """A relay that wants the right password."""

    password = b"the new one"

    def start(self) -> None:
        """Listen."""

        def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
            return AuthResult(success=said.password == self.password, handled=False)

        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, auth_require_tls=False, authenticator=check
        )
        self._controller.start()

    def url_with(self, password: str) -> str:
        """For `TRACKER_SMTP_URL`."""
        return f"smtp://tracker:{password}@127.0.0.1:{self.port}"


@pytest.fixture
def relay() -> Any:
    """A relay whose password was changed in the night."""
    sink = Locked()
    sink.start()
    yield sink
    sink.stop()


def set_relay(lived: Lived, url: str) -> None:
    """What a restart with another `TRACKER_SMTP_URL` does."""
    lived.app.extensions["settings"] = replace(lived.app.extensions["settings"], smtp_url=url)


def run(lived: Lived, at: datetime) -> dict[str, int]:
    """One tick of the clock."""
    with clock.fixed_at(at):
        answer = tick(lived.app, at)["outbox.deliver"]
    db.session.rollback()
    return answer


def test_one_sentence_says_what_to_do_and_everything_leaves_once_it_is_done(lived: Lived, relay: Locked) -> None:
    case = lived.case("Ahmad Khalefa")
    for hour in (9, 10, 11, 12, 13, 14):
        lived.hearing(case, when=on_day(ZONE, date(2024, 4, 8), time(hour)), place="Haifa", court="")
    set_relay(lived, relay.url_with("the%20old%20one"))
    run(lived, DUE - timedelta(days=5))
    night = DUE + timedelta(hours=1)
    for minutes in range(0, 12, 3):
        assert run(lived, night + timedelta(minutes=minutes))["sent"] == 0
    now = night + timedelta(minutes=10)
    waiting = db.session.scalars(select(Message).where(Message.state == "waiting", Message.due_at <= now)).all()
    assert [message.kind for message in waiting].count("hearing.reminder") == 6

    # Banner and doctor say the same sentence; times are those of the reader.
    lived.app.extensions.pop("service_seen", None)
    page = lived.browser(lived.owner, now).get("/cases").text
    assert "Mail is refused by the relay since" in page
    # The agenda of the desk waits, too: not all of it are reminders.
    said = f"(password). {len(waiting)} mails wait, first hearing Mon 09:00."
    assert said in page
    assert "Set TRACKER_SMTP_URL, try it with tracker mail check, then start the clock anew." in page
    assert "resumes by itself" not in page
    told = doctor_says(db.session(), now, True)
    assert told.bad
    assert said in told.words
    assert " UTC (password)" in told.words
    # No alarm is told that all is well, and no mail is charged with it.
    probe = read_probe(db.session(), now)
    assert (probe.mail_late, probe.is_well) == (True, False)
    assert db.session.scalars(select(Attempt)).all() == []
    assert {e.attempts for e in db.session.scalars(select(Envelope))} == {0}
    db.session.rollback()

    # The right password: everything leaves within one tick.
    set_relay(lived, relay.url_with("the%20new%20one"))
    assert run(lived, now)["sent"] == len(waiting)
    assert db.session.scalars(select(Message).where(Message.state == "waiting", Message.due_at <= now)).all() == []
    assert len(relay.mails) == len({mail.message["Message-ID"] for mail in relay.mails})
    assert read_probe(db.session(), now).is_well
    assert not doctor_says(db.session(), now, True).bad
