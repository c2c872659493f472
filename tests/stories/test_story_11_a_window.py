"""A hearing "next week": a window, then a date."""

from typing import Any

from house_of_cases import Lived, enter, utc


def test_next_week_then_a_day(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    live_server.at = utc("2024-04-02T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/hearings/new")
    page.get_by_label("some day that week").check()
    page.get_by_label("Date at the court").fill("2024-04-10")
    page.get_by_role("button", name="Record").click()
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    face = lived.face(case)
    assert (face.next_on.isoformat(), face.next_ends_at) == ("2024-04-08", utc("2024-04-14T21:00"))
    page.get_by_role("link", name="The court moved it").click()
    page.get_by_label("a day", exact=True).check()
    page.get_by_label("Date at the court").fill("2024-04-11")
    page.get_by_role("button", name="Move the hearing").click()
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    assert "Thursday 11 April 2024, in 9 days" in page.inner_text("main")
    assert lived.face(case).next_on.isoformat() == "2024-04-11"
