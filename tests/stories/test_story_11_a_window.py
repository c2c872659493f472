"""A hearing "next week": a window, then a date."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from browsing import press_and_wait
from house_of_cases import Lived, enter, utc
from mail_sink import Mail


def test_next_week_then_a_day(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    live_server.at = utc("2024-04-02T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/hearings/new")
    page.get_by_label("some day that week").check()
    page.get_by_label("Date at the court").fill("2024-04-10")
    press_and_wait(page.get_by_role("button", name="Record"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    face = lived.face(case)
    assert (face.next_on.isoformat(), face.next_ends_at) == ("2024-04-08", utc("2024-04-14T21:00"))
    press_and_wait(page.get_by_role("link", name="The court moved it"))
    page.get_by_label("a day", exact=True).check()
    page.get_by_label("Date at the court").fill("2024-04-11")
    press_and_wait(page.get_by_role("button", name="Move the hearing"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearing-*")
    assert "Thursday 11 April 2024, in 9 days" in page.inner_text("main")
    assert lived.face(case).next_on.isoformat() == "2024-04-11"


def test_a_window_is_reminded_of_before_its_first_day_and_its_date_is_told_once_known(
    lived: Lived, live_server: Any, page: Any, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = lived.case("Ahmad Khalefa")
    live_server.at = utc("2024-03-26T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/hearings/new")
    page.get_by_label("some day that week").check()
    page.get_by_label("Date at the court").fill("2024-04-10")
    press_and_wait(page.get_by_role("button", name="Record"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")

    def reminded(at: str) -> list[Mail]:
        return [m for m in mails_at(utc(at)) if m.kind in ("hearing.reminder", "hearing.changed")]

    # The week begins on Monday 8 April there; seven days before is Monday 1 April, eight in the morning in Jerusalem.
    assert reminded("2024-04-01T04:59") == []
    (first,) = reminded("2024-04-01T05:00")
    assert "at the earliest" in first.text
    assert "9 April" not in first.text
    live_server.at = utc("2024-04-02T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}")
    press_and_wait(page.get_by_role("link", name="The court moved it"))
    page.get_by_label("a day", exact=True).check()
    page.get_by_label("Date at the court").fill("2024-04-11")
    press_and_wait(page.get_by_role("button", name="Move the hearing"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearing-*")
    (notice,) = reminded("2024-04-02T08:03")
    assert "Thursday 11 April 2024" in notice.text
    assert reminded("2024-04-02T12:00") == []
    # Three days before the day that is known now.
    assert len(reminded("2024-04-08T05:00")) == 1
