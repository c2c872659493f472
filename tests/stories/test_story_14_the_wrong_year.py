"""Somebody typed the wrong year: it is echoed, asked about, and put right as our mistake, not as the court's."""

import re
from typing import Any

from house_of_cases import Lived, enter, utc


def test_the_wrong_year_is_asked_about_and_put_right(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    live_server.at = utc("2026-02-20T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/hearings/new")
    page.get_by_label("Date at the court").fill("2027-04-08")
    page.get_by_role("button", name="Record").click()
    said = page.inner_text("main")
    assert "over 12 months off" in said
    assert "Thursday 8 April 2027" in said
    page.get_by_label("Yes, that is right").check()
    page.get_by_role("button", name="Record").click()
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    page.get_by_role("link", name="We had it wrong").click()
    page.get_by_label("Date at the court").fill("2026-04-08")
    page.get_by_role("button", name="Correct").click()
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    said = page.inner_text("main")
    assert "Wednesday 8 April 2026, in 47 days" in said
    assert re.search("Hearing date corrected: .*2026.*, not .*2027", said)
    entry = lived.entries(case, "hearing.corrected")[0]
    assert entry.payload["before"]["local_date"] == "2027-04-08"
