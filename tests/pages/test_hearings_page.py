"""Hearings ahead: all that may still be, undated ones last, and a word when there are more."""

from datetime import date

import pytest
from house_of_cases import NOW, ZONE, Lived, utc

from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import cancel_hearing
from tracker.pages import views


@pytest.mark.parametrize(("now", "shown"), [("2024-04-14T20:59:59", True), ("2024-04-14T21:00:00", False)])
def test_a_window_stays_until_it_ends(lived: Lived, now: str, shown: bool) -> None:
    lived.hearing(lived.case(), when=in_window(ZONE, "week", date(2024, 4, 10)))
    page = lived.browser(lived.owner, utc(now)).get("/hearings").text
    assert ("in the week of Monday 8 April 2024" in page) is shown
    assert ("No hearing lies ahead." in page) is not shown


def test_a_hearing_without_a_date_stands_last_under_a_heading(lived: Lived) -> None:
    lived.hearing(lived.case(), when=in_window(ZONE, "not_set"), court="Undated Court")
    lived.hearing(lived.case(), court="Dated Court")
    page = lived.browser(lived.owner).get("/hearings").text
    dated, undated = page.split('id="undated"')
    assert "Dated Court" in dated
    assert "Undated Court" in undated


def test_what_is_off_takes_no_room_and_more_is_said(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_HEARINGS", 2)
    case = lived.case()
    off = [lived.hearing(case, when=on_day(ZONE, date(2024, 4, d)), court="Off") for d in (1, 2, 3)]
    with lived.at() as session:
        for hearing in off:
            cancel_hearing(session, session.get(type(hearing), hearing.id), version=1)
    for day in (8, 9):
        lived.hearing(case, when=on_day(ZONE, date(2024, 4, day)), court=f"Court {day}")
    page = lived.browser(lived.owner, NOW).get("/hearings").text
    assert "Court 8" in page
    assert "Court 9" in page
    assert "Off" not in page
    assert "There are more" not in page
    lived.hearing(case, when=on_day(ZONE, date(2024, 4, 10)), court="Court 10")
    page = lived.browser(lived.owner, NOW).get("/hearings").text
    assert "Court 10" not in page
    assert "There are more" in page
