"""What is known only to within a week or a month is shown so, everywhere, and never as a day."""

import re
from datetime import date, timedelta

import pytest
from house_of_cases import NOW, ZONE, Lived

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.hearings.rules import between, in_window, on_day
from tracker.pages.queries import cases_as_json

APRIL = in_window(ZONE, "month", date(2024, 4, 1))


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (APRIL, "in April 2024"),
        (in_window(ZONE, "week", date(2024, 4, 10)), "in the week of Monday 8 April 2024"),
        (between(ZONE, date(2024, 4, 2), date(2024, 4, 5)), "between Tuesday 2 April 2024 and Friday 5 April 2024"),
    ],
)
def test_lists_say_a_window_in_words(lived: Lived, when: object, words: str) -> None:
    lived.hearing(
        lived.case("Ahmad Khalefa", audience=Audience.VOLUNTEERS),
        when=when,  # type: ignore[arg-type]
        audience=Audience.VOLUNTEERS,
    )
    for user, path in ((lived.owner, "/cases"), (lived.owner, "/"), (lived.volunteer, "/")):
        page = lived.browser(user).get(path).text
        assert words in page
        assert "(in " not in page


def test_a_day_is_still_a_day(lived: Lived) -> None:
    lived.hearing(lived.case())
    assert re.search("Monday 8 April 2024</time>.*in 21 days", lived.browser(lived.owner).get("/cases").text)
    (listed,) = cases_as_json(db.session())
    assert listed["next_date"]["date"] == "2024-04-08"
    assert "earliest" not in listed["next_date"]


def test_commands_print_no_day_of_a_window(lived: Lived) -> None:
    lived.hearing(lived.case(), when=APRIL)
    (listed,) = cases_as_json(db.session())
    said = {k: listed["next_date"][k] for k in ("date", "precision", "earliest", "latest")}
    assert said == {"date": None, "precision": "month", "earliest": "2024-04-01", "latest": "2024-04-30"}


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2024, 4, 30), date(2024, 4, 30)),
        (date(2024, 5, 1), date(2024, 4, 1)),
        (date(2024, 4, 8), date(2024, 4, 8)),
    ],
)
def test_a_window_hides_no_day_within_it(lived: Lived, day: date, first: date) -> None:
    case = lived.case()
    lived.hearing(case, when=APRIL)
    lived.hearing(case, when=on_day(ZONE, day))
    assert lived.face(case).next_on == first


def test_since_is_told_of_what_the_status_says(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.tell(case, "person.imprisoned", "2024-02-01")
    lived.tell(case, "person.sentenced_to_death", "2024-03-01")
    assert (lived.face(case).status, lived.face(case).status_since) == ("sentenced_to_death", date(2024, 3, 1))
    people = lived.browser(lived.owner).get(f"/cases/{case.ref}").text.split('id="people"')[1].split("</section>")[0]
    assert "1 March 2024" in people
    assert "1 February 2024" not in people


def test_each_badge_bears_its_own_severity(lived: Lived) -> None:
    from tracker.flags.sweep import sweep_flags

    case = lived.case("Ahmad Khalefa", risk="critical", owner=False, now=NOW - timedelta(days=60))
    lived.hearing(case, when=on_day(ZONE, date(2024, 3, 19)), now=NOW - timedelta(days=60))
    sweep_flags(NOW)
    face = lived.face(case)
    assert set(face.severities) == set(face.flags)
    assert list(face.severities.values()).count(3) == 3, "the worst is not alone"
    row = lived.browser(lived.owner).get("/cases").text.split('class="row case-row')[-1].split("case-rows")[1]
    assert row.count('<span class="visually-hidden">, urgent') == 3
