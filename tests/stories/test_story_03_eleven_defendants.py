"""One hearing, eleven co-defendants: one record across their cases, one outcome for all, exceptions ticked."""

from typing import Any

from browsing import press_and_wait
from house_of_cases import Lived, enter, utc
from sqlalchemy import select

from tracker.base.db import db
from tracker.hearings.models import Hearing


def test_one_hearing_across_cases_and_one_exception(lived: Lived, live_server: Any, page: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    others = [lived.case(f"Defendant {letter}") for letter in "ABCDEFGHIJ"]
    live_server.at = utc("2024-03-18T08:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/hearings/new")
    page.get_by_label("Date at the court").fill("2024-04-08")
    page.get_by_label("Time at the court").fill("09:30")
    for other in others:
        page.get_by_label(f"({other.ref})").check()
    press_and_wait(page.get_by_role("button", name="Record"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    for other in others:
        assert other.ref in page.inner_text("#hearings, main")
    db.session.rollback()
    hearing = db.session.scalars(select(Hearing)).one()
    assert len(lived.outcomes(hearing)) == 11
    live_server.at = utc("2024-04-08T10:00")
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}/hearings/{hearing.public_id}/outcome")
    page.get_by_label("took place", exact=True).check()
    page.get_by_text("It was not the same for all").click()
    page.get_by_label("Defendant C").check()
    page.get_by_label("What happened for them").select_option("postponed")
    press_and_wait(page.get_by_role("button", name="Record it"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}#hearings")
    assert sorted(str(o) for o in lived.outcomes(hearing).values()) == ["postponed", *["took_place"] * 10]
    assert lived.entries(others[2], "hearing.outcome")[0].payload["outcome"] == "postponed"
    assert lived.entries(case, "hearing.outcome")[0].payload["outcome"] == "took_place"
