"""The first page: what is in court, what needs the reader, and what it says when nothing does."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from house_of_cases import NOW, Lived

from tracker.base.audience import Audience
from tracker.cases.service import check_case
from tracker.flags.sweep import sweep_flags
from tracker.hearings.rules import on_day


def today(lived: Lived, who: str = "owner", now: datetime = NOW) -> str:
    """The page as somebody reads it."""
    browser = lived.browser(getattr(lived, who), now)
    answer = browser.get("/")
    assert answer.status_code == 200
    return str(answer.text)


def test_an_empty_house_says_what_to_do_next(lived: Lived) -> None:
    page = today(lived)
    assert "Nothing needs you." in page
    assert "There is no case yet." in page


def test_when_nothing_needs_anybody_it_says_what_lies_ahead(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.hearing(case)
    page = today(lived)
    assert "Nothing needs you." in page
    assert "8 April 2024" in page
    assert "Oldest check" in page


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("now", "said"),
    [
        # Midnight in Jerusalem is 21:00 or 22:00 UTC of the day before.
        (datetime(2024, 4, 6, 20, 59, tzinfo=UTC), None),
        (datetime(2024, 4, 6, 21, 0, tzinfo=UTC), "tomorrow"),
        (datetime(2024, 4, 7, 20, 59, tzinfo=UTC), "tomorrow"),
        (datetime(2024, 4, 7, 21, 0, tzinfo=UTC), "today"),
        (datetime(2024, 4, 8, 20, 59, tzinfo=UTC), "today"),
        (datetime(2024, 4, 8, 21, 0, tzinfo=UTC), None),
    ],
)
def test_court_days_are_the_courts_own(lived: Lived, now: datetime, said: str | None) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"))
    court = today(lived, now=now).split('id="court"')[1].split("</section>")[0]
    if said is None:
        assert "Nobody of your desk is in court" in court
    else:
        assert f">{said}</span>" in court


@pytest.mark.one_engine
@pytest.mark.parametrize(("minute", "asked"), [(29, False), (30, True)])
def test_what_happened_is_asked_from_the_start_on(lived: Lived, minute: int, asked: bool) -> None:
    lived.hearing(lived.case("Ahmad Khalefa"), when=on_day("Asia/Jerusalem", date(2024, 4, 8), time(9, 30)))
    page = today(lived, now=datetime(2024, 4, 8, 6, minute, tzinfo=UTC))
    assert ("What happened?" in page) is asked


def test_worst_first_one_row_a_case_at_most_seven(lived: Lived) -> None:
    for number in range(9):
        lived.case(f"Person {number}", risk="critical" if number == 8 else "low", now=NOW - timedelta(days=200))
    sweep_flags(NOW)
    needs = today(lived).split('id="needs"')[1].split("</section>")[0]
    assert needs.count('class="row-title"') == 7
    assert needs.index("IOPT-0009") < needs.index("IOPT-0001")
    assert "2 more cases need somebody" in needs


def test_who_keeps_nothing_is_asked_only_of_what_nobody_keeps(lived: Lived) -> None:
    lived.case("Kept", now=NOW - timedelta(days=200))
    lived.case("Unkept", owner=False)
    sweep_flags(NOW)
    needs = today(lived, "colleague").split('id="needs"')[1].split("</section>")[0]
    assert "IOPT-0002" in needs
    assert "IOPT-0001" not in needs
    assert "I keep it" in needs


def test_a_check_clears_it(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", risk="critical", now=NOW - timedelta(days=30))
    sweep_flags(NOW)
    assert "Checked, nothing new" in today(lived)
    with lived.at() as session:
        check_case(session, session.merge(case), session.merge(lived.desk))
    assert "Nothing needs you." in today(lived)


def test_volunteers_see_what_is_open_to_them(lived: Lived) -> None:
    assert "No case is open to volunteers just now." in today(lived, "volunteer")
    lived.case("Ahmad Khalefa", audience=Audience.VOLUNTEERS)
    page = today(lived, "volunteer")
    assert "Cedar" in page
    assert "Khalefa" not in page
