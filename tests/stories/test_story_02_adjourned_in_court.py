"""The lawyer rings from the court: the hearing was adjourned. Three taps and a date."""

from typing import Any

from browsing import press_and_wait
from house_of_cases import Lived, enter, utc
from sqlalchemy import select

from tracker.base.db import db
from tracker.hearings.models import Hearing


def test_adjourned_in_three_taps_and_a_date(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    hearing = lived.hearing(case)
    live_server.at = utc("2024-04-08T07:15")
    page.set_viewport_size({"width": 390, "height": 844})
    enter(page, live_server)
    press_and_wait(page.get_by_role("link", name="What happened?").first)
    page.get_by_label("adjourned", exact=True).check()
    page.get_by_label("a day", exact=True).check()
    page.get_by_label("Next date").fill("2024-04-24")
    page.get_by_label("the judge was absent").check()
    page.get_by_label("Told by").fill("lawyer")
    press_and_wait(page.get_by_role("button", name="Record it"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    assert "It goes on: Wednesday 24 April 2024, in 16 days" in page.inner_text("main")
    db.session.rollback()
    was, goes_on = db.session.scalars(select(Hearing).order_by(Hearing.id)).all()
    assert (was.id, was.state, was.next_hearing_id) == (hearing.id, "adjourned", goes_on.id)
    assert (goes_on.state, goes_on.local_date.isoformat(), goes_on.confirmed_from) == (
        "scheduled",
        "2024-04-24",
        "lawyer",
    )
    entry = lived.entries(case, "hearing.outcome")[0]
    assert (entry.payload["reason"], entry.payload["told_by"]) == ("judge_absent", "lawyer")
