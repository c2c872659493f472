"""How fresh is this date? Each hearing says when and by whom its date was confirmed."""

from typing import Any

from browsing import press_and_wait
from house_of_cases import Lived, enter, utc

from tracker.hearings.service import Confirmation


def test_who_confirmed_the_date_and_when(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    hearing = lived.hearing(case, confirmation=Confirmation("court list"))
    live_server.at = utc("2024-04-01T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}")
    said = page.inner_text(f"#hearing-{hearing.public_id}")
    assert "Date confirmed" in said
    assert "court list" in said
    press_and_wait(page.get_by_role("link", name="Still on, I checked"))
    page.get_by_label("Confirmed by").fill("lawyer")
    press_and_wait(page.locator("form.form-frame button[type=submit]"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    assert "lawyer" in page.inner_text(f"#hearing-{hearing.public_id}")
    held = lived.fresh(hearing)
    assert (held.confirmed_from, held.confirmed_at, held.schedule_rev) == ("lawyer", live_server.at, 1)
