"""A rumour of a release, contradicted: the status stands, and nobody is written to because of a rumour."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from actions_ground import action, open_case
from browsing import press_and_wait
from house_of_cases import Lived, enter, utc
from mail_sink import Mail
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.flags.models import Flag
from tracker.reminders.service import follow


def severities(case: Case) -> dict[str, int]:
    """The open flags of a case, with how bad each is."""
    db.session.rollback()
    rows = db.session.scalars(select(Flag).where(Flag.case_id == case.id, Flag.cleared_at.is_(None)))
    return {flag.rule: flag.severity for flag in rows}


def test_a_rumour_moves_no_status_and_sends_no_mail(
    lived: Lived, live_server: Any, page: Any, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.tell(case, "person.arrested", "2024-03-01", sourced=True)
    lived.hearing(case)
    with lived.at() as session:
        follow(session, session.get_one(User, lived.colleague.id), desk=lived.desk, now=utc("2024-03-18T08:00"))
    status = lived.face(case).status
    at = utc("2024-03-20T09:00")
    live_server.at = at
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/entries/new")
    page.get_by_label("What happened").select_option("person.released")
    page.locator("[name=day]").fill("2024-03-20")
    page.get_by_label("reported, unconfirmed").check()
    press_and_wait(page.get_by_role("button", name="Add", exact=True))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}**")
    assert "reported, unconfirmed" in page.inner_text("main")
    assert lived.face(case).status == status
    # Past the three minutes in which it could have been undone, and all that day: nobody gets anything.
    for later in ("2024-03-20T09:02", "2024-03-20T09:04", "2024-03-20T15:00", "2024-03-21T08:00"):
        assert mails_at(utc(later)) == []
    # The hearing is still on, and both who keep and who follow the case are reminded of it.
    reminded = [m for m in mails_at(utc("2024-04-01T06:00")) if m.kind == "hearing.reminder"]
    assert sorted(m.recipients[0] for m in reminded) == [lived.colleague.email, lived.owner.email]
    assert not [m for m in reminded if "release" in (m.text + str(m.message["Subject"])).lower()]


def test_the_letter_is_on_hold_until_staff_say_otherwise_and_volunteers_get_no_mail(
    lived: Lived, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = open_case(lived)
    lived.tell(case, "person.arrested", "2024-03-01", audience=Audience.VOLUNTEERS)
    written = action(lived, case)
    address, heard = f"/actions/{written.public_id}", utc("2024-03-20T09:00")
    volunteer, staff = lived.browser(lived.volunteer), lived.browser(lived.owner, heard)
    assert volunteer.send(f"{address}/did-it", volunteer.filled(address, channel="email")).status_code == 303

    lived.tell(case, "person.released", "2024-03-20", now=heard, confidence="reported")

    volunteer.now = heard
    page = volunteer.get(address).text
    assert "Please do not write just now." in page
    assert "mailto:" not in page
    file = staff.get(f"/cases/{case.ref}").text
    assert "a release is reported, unconfirmed" in file
    assert "Let it go on" in file
    for later in ("2024-03-20T09:01", "2024-03-20T13:01", "2024-03-21T08:00"):
        assert not [m for m in mails_at(utc(later)) if lived.volunteer.email in m.recipients]
    # Nobody has found a second source within four hours: it is urgent now.
    assert severities(case)["action-on-hold"] == 3

    volunteer.now = utc("2024-03-21T09:00")
    staff = lived.browser(lived.owner, volunteer.now)
    resume = f"/cases/{case.ref}/actions/{written.public_id}/resume"
    assert staff.fill(resume, reason="still_needed").status_code == 303
    assert "mailto:" in volunteer.get(address).text
