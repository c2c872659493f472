"""Somebody typed the wrong year: it is echoed, asked about, and put right as our mistake, not as the court's."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from browsing import press_and_wait
from house_of_cases import ZONE, Lived, enter, utc
from mail_sink import Mail

from tracker.hearings.rules import on_day


def test_the_wrong_year_is_asked_about_and_put_right(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    live_server.at = utc("2026-02-20T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/hearings/new")
    page.get_by_label("Date at the court").fill("2027-04-08")
    press_and_wait(page.get_by_role("button", name="Record"))
    said = page.inner_text("main")
    assert "over 12 months off" in said
    assert "Thursday 8 April 2027" in said
    page.get_by_label("Yes, that is right").check()
    press_and_wait(page.get_by_role("button", name="Record"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    press_and_wait(page.get_by_role("link", name="We had it wrong"))
    page.get_by_label("Date at the court").fill("2026-04-08")
    press_and_wait(page.get_by_role("button", name="Correct"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearing-*")
    said = page.inner_text("main")
    assert "Wednesday 8 April 2026, in 47 days" in said
    assert re.search("Hearing date corrected: .*2026.*, not .*2027", said)
    entry = lived.entries(case, "hearing.corrected")[0]
    assert entry.payload["before"]["local_date"] == "2027-04-08"


def test_who_was_told_the_wrong_year_is_told_that_we_had_it_wrong(
    lived: Lived, live_server: Any, page: Any, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.hearing(case, when=on_day(ZONE, date(2024, 4, 8), time(9, 30)))
    told = [m for m in mails_at(utc("2024-04-01T06:00")) if m.kind != "digest"]
    assert [(m.kind, m.recipients) for m in told] == [("hearing.reminder", (lived.owner.email,))]
    live_server.at = utc("2024-04-02T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}")
    press_and_wait(page.get_by_role("link", name="We had it wrong"))
    page.get_by_label("Date at the court").fill("2025-04-08")
    press_and_wait(page.get_by_role("button", name="Correct"))
    page.get_by_label("Yes, that is right").check()
    press_and_wait(page.get_by_role("button", name="Correct"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearing-*")
    assert mails_at(utc("2024-04-02T08:02")) == []
    (notice,) = mails_at(utc("2024-04-02T08:03"))
    assert notice.kind == "hearing.changed"
    assert str(notice.message["Subject"]).startswith("Corrected: it is Tue 8 Apr 2025")
    assert "We gave a wrong date." in notice.text
    assert "Monday 8 April 2024" in notice.text
    assert "Tuesday 8 April 2025" in notice.text
    assert "moved" not in notice.text.lower()
    for later in ("2024-04-05T06:00", "2024-04-07T05:00", "2024-04-07T06:00", "2024-04-08T06:00"):
        assert [m.kind for m in mails_at(utc(later)) if m.kind.startswith("hearing.")] == []


def test_a_slip_on_a_phone_is_undone_beside_the_hearing_and_nobody_is_told(
    lived: Lived, live_server: Any, page: Any, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    from playwright.sync_api import expect

    case = lived.case("Ahmad Khalefa")
    lived.hearing(case, when=on_day(ZONE, date(2024, 4, 8), time(9, 30)))
    assert [m.kind for m in mails_at(utc("2024-04-01T06:00")) if m.kind != "digest"] == ["hearing.reminder"]
    live_server.at = utc("2024-04-02T08:00")
    page.set_viewport_size({"width": 360, "height": 640})
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}")
    press_and_wait(page.get_by_role("link", name="The court moved it"))
    page.get_by_label("Date at the court").fill("2024-04-24")
    press_and_wait(page.get_by_role("button", name="Move the hearing"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearing-*")
    undo = page.get_by_role("button", name="Undo the change of this hearing")
    expect(undo).to_be_in_viewport(ratio=1)
    live_server.at = utc("2024-04-02T08:02")
    press_and_wait(undo)
    page.get_by_text("Undone: Monday 8 April 2024").wait_for()
    assert page.get_by_role("button", name="Undo the change of this hearing").count() == 0
    for later in ("2024-04-02T08:03", "2024-04-02T08:05", "2024-04-02T08:06"):
        assert mails_at(utc(later)) == []
