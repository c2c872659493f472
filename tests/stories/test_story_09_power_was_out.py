"""Power was out for two days: one report tells what went late, what was left out and why, and which hearings passed."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from house_of_cases import ZONE, Lived, utc
from sqlalchemy import select

from tracker.base.db import db
from tracker.clockwork.models import Outage
from tracker.clockwork.runner import Clock, Pace
from tracker.hearings.rules import on_day
from tracker.outbox.models import Message

pytestmark = pytest.mark.rehearsal

#: Thursday before eight in Haifa, and Saturday noon: the power was gone, and is back.
BEFORE, BACK = utc("2024-04-04T04:30:00"), utc("2024-04-06T09:00:00")


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: Any) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


def tick(lived: Lived, at: datetime) -> None:
    """One tick of the real command, as `flask --app tracker` would run it."""
    done = lived.app.test_cli_runner().invoke(args=("tick", "--at", at.isoformat(), "--json"))
    db.session.rollback()
    assert done.exit_code == 0, done.output


def sits(lived: Lived, day: int, *of: Any, place: str) -> Any:
    """A hearing of these cases in April, at ten."""
    return lived.hearing(*of, when=on_day(ZONE, date(2024, 4, day), time(10)), place=place)


def test_one_report_each_after_two_days_without_power(lived: Lived, run_tracker: Any, mail_sink: Any) -> None:
    passed = lived.case("Ahmad Khalefa")
    sits(lived, 5, passed, place="Haifa")
    ahead = lived.case("Amira Said")
    sits(lived, 8, ahead, place="Lod")
    far = lived.case("Walid Aboudi", owner=False)
    sits(lived, 25, far, place="Ramla")
    for days in (6, 3, 1, 0):
        tick(lived, BEFORE - timedelta(days=days))
    mail_sink.clear()

    # The clock process starts, sees how long nothing ran, and runs its steps.
    Clock(lived.app, Pace()).notice_outage(BACK)
    done = run_tracker("tick", "--at", BACK.isoformat(), "--json")
    assert done.code == 0, done.err
    (late,) = [mail for mail in mail_sink.mails if mail.kind == "hearing.reminder"]
    assert "Lod" in late.text
    # The report leaves minutes after what it tells of, once, whoever ticks how often.
    for minutes, reports in ((1, 0), (4, 0), (5, 1), (6, 1), (60, 1), (24 * 60, 1)):
        tick(lived, BACK + timedelta(minutes=minutes))
        assert [mail.kind for mail in mail_sink.mails].count("outage.report") == reports
    (report,) = [mail for mail in mail_sink.mails if mail.kind == "outage.report"]
    assert report.recipients == ("owner@example.org",)
    said = report.text
    assert "2 days" in said
    late_part, passed_part = said.split("Went late:")[1].split("\n\n")[0], said.split("Hearings that passed")[1]
    assert ahead.ref in late_part
    assert "3-day reminder to Amal" in late_part
    assert passed.ref in passed_part.split("\n\n")[0]
    assert far.ref not in said
    for name in ("Khalefa", "Said", "Aboudi"):
        assert name not in f"{report.message['Subject']} {said} {report.html}"
    db.session.rollback()
    ended = db.session.scalars(select(Message.reason).where(Message.state == "not_delivered")).all()
    assert all("too late" in reason for reason in ended)
    assert ended

    # Staff read the same on Today for a day; whose cases were left alone, that nothing of theirs was concerned.
    page = lived.browser(lived.owner, BACK + timedelta(hours=1)).get("/").text
    panel = page.split('id="caught-up"')[1].split("</section>")[0]
    assert passed.ref in panel
    assert ahead.ref in panel
    colleague = lived.browser(lived.colleague, BACK + timedelta(hours=23)).get("/").text
    assert "None of your cases was concerned." in colleague
    assert 'id="caught-up"' not in lived.browser(lived.owner, BACK + timedelta(hours=24)).get("/").text
    assert 'id="caught-up"' not in lived.browser(lived.volunteer, BACK + timedelta(hours=1)).get("/").text


@pytest.mark.one_engine
def test_ticks_by_hand_days_apart_are_no_stop(lived: Lived, mail_sink: Any) -> None:
    sits(lived, 8, lived.case("Amira Said"), place="Lod")
    for at in (BEFORE, BACK, BACK + timedelta(minutes=10)):
        tick(lived, at)
    assert {mail.kind for mail in mail_sink.mails} == {"hearing.reminder"}
    db.session.rollback()
    assert db.session.scalars(select(Outage)).all() == []
