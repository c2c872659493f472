"""The case file: what comes next, and what was known on a day, without a word of what came later."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from house_of_cases import NOW, ZONE, Lived, utc

from tracker.accounts.models import User
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.cases import service as cases
from tracker.flags.sweep import sweep_flags
from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import cancel_hearing, move_hearing
from tracker.pages.queries import case_as_json
from tracker.people.service import NameGiven, add_person

APRIL = in_window(ZONE, "month", date(2024, 4, 1))


def page(lived: Lived, case: Any, now: datetime = NOW, query: str = "") -> str:
    """The file as its owner reads it."""
    answer = lived.browser(lived.owner, now).get(f"/cases/{case.ref}{query}")
    assert answer.status_code == 200
    return str(answer.text)


def headline(lived: Lived, case: Any, now: datetime) -> str:
    """The line on top that says what comes next."""
    said = page(lived, case, now)
    return said.split('class="next-date"')[1].split("</p>")[0] if 'class="next-date"' in said else ""


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2024-04-08T20:59:59", ("Next:", "8 April 2024")),
        ("2024-04-08T21:00:00", ("Next:", "in April 2024")),
        ("2024-04-30T20:59:59", ("Next:", "in April 2024")),
        ("2024-04-30T21:00:00", ("Awaits its outcome:", "in April 2024")),
    ],
)
def test_next_is_what_may_still_be_and_then_what_awaits_its_outcome(
    lived: Lived, now: str, said: tuple[str, str]
) -> None:
    case = lived.case()
    lived.hearing(case, when=APRIL)
    lived.hearing(case, when=on_day(ZONE, date(2024, 4, 8), time(9, 30)))
    line = headline(lived, case, utc(now))
    assert all(words in line for words in said)


def test_a_hearing_of_long_ago_does_not_hide_the_next(lived: Lived) -> None:
    case = lived.case()
    lived.hearing(case, when=on_day(ZONE, date(2022, 4, 8)), now=utc("2022-03-01"))
    assert "Awaits its outcome:" in headline(lived, case, NOW)
    lived.hearing(case)
    assert "8 April 2024" in headline(lived, case, NOW)


def then(lived: Lived, case: Any, on: date, now: datetime) -> dict[str, Any]:
    """What `cases show --as-known-on` prints."""
    db.session.rollback()
    return case_as_json(db.session(), db.session.merge(case), db.session.merge(lived.desk), on, now=now)


def test_the_next_date_is_the_one_known_then(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    with lived.at(NOW + timedelta(days=2)) as session:
        move_hearing(session, session.merge(hearing), on_day(ZONE, date(2024, 4, 24)), version=1)
    with lived.at(NOW + timedelta(days=4)) as session:
        cancel_hearing(session, session.get(type(hearing), hearing.id), version=2)
    later = NOW + timedelta(days=60)

    def known(on: date) -> Any:
        return (then(lived, case, on, later)["next_date"] or {}).get("date")

    assert known(date(2024, 3, 17)) is None
    assert known(date(2024, 3, 18)) == known(date(2024, 3, 19)) == "2024-04-08"
    assert known(date(2024, 3, 20)) == known(date(2024, 3, 21)) == "2024-04-24"
    assert known(date(2024, 3, 22)) is None


@pytest.mark.parametrize(("day", "known"), [(7, True), (8, False), (9, False)])
def test_the_next_date_lies_after_the_day_that_is_asked_for(lived: Lived, day: int, known: bool) -> None:
    case = lived.case()
    lived.hearing(case)
    found = then(lived, case, date(2024, 4, day), NOW + timedelta(days=60))["next_date"]
    assert (found is not None) is known


def test_a_hearing_has_the_same_keys_then_and_now(lived: Lived) -> None:
    case = lived.case()
    lived.hearing(case)
    lived.hearing(case, when=APRIL)
    now = case_as_json(db.session(), case, lived.desk, now=NOW)
    was = then(lived, case, NOW.date(), NOW)
    assert was["hearings"] == now["hearings"]
    assert was["next_date"] == now["next_date"]
    assert was.keys() == now.keys()


def test_what_cannot_be_known_of_then_is_null(lived: Lived) -> None:
    case = lived.case(owner=False)
    sweep_flags(NOW)
    was = then(lived, case, NOW.date(), NOW)
    assert [was[name] for name in ("stage", "risk", "flags", "version")] == [None] * 4


def test_the_page_of_then_says_nothing_of_now(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", owner=False)
    lived.hearing(case, when=APRIL)
    later = NOW + timedelta(days=3)
    with lived.at(later) as session:
        cases.involve(session, session.merge(case), add_person(session, [NameGiven("Munther Amira")]).id)
    sweep_flags(later)
    said = lived.browser(lived.colleague, later).get(f"/cases/{case.ref}").text
    assert 'id="flags"' in said
    assert "Munther Amira" in said
    was = lived.browser(lived.colleague, later).get(f"/cases/{case.ref}?known-on=2024-03-18").text
    for word in ('id="flags"', 'id="about"', "Munther Amira", "Last checked", "2024-04-01"):
        assert word not in was
    assert "in April 2024" in was
    assert "Ahmad Khalefa" in was
    assert [p["name"] for p in then(lived, case, NOW.date(), later)["people"]] == ["Ahmad Khalefa"]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("now", "refused"),
    # Midnight in Jerusalem is 22:00 UTC of the day before.
    [("2024-03-18T21:59:59", True), ("2024-03-18T22:00:00", False)],
)
def test_a_day_that_lies_ahead_is_refused(lived: Lived, now: str, refused: bool) -> None:
    case, at = lived.case(), utc(now)
    answer = lived.browser(lived.owner, at).get(f"/cases/{case.ref}?known-on=2024-03-19")
    assert answer.status_code == (422 if refused else 200)
    assert ("2024-03-19 lies ahead" in answer.text) is refused
    if refused:
        with pytest.raises(Refused, match="lies ahead"):
            then(lived, case, date(2024, 3, 19), at)
    else:
        then(lived, case, date(2024, 3, 19), at)


def test_who_is_away_stands_beside_their_name_until_they_are_back(lived: Lived) -> None:
    case = lived.case()
    with lived.at() as session:
        session.get_one(User, lived.owner.id).away_until = date(2024, 3, 20)
    assert "Amal (away until Wed 20 Mar 2024)" in page(lived, case, utc("2024-03-20T21:59:59"))
    assert "away until" not in page(lived, case, utc("2024-03-20T22:00"))
