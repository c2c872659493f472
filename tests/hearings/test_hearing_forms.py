"""The forms of hearings: asked twice what is unlikely, refused on the field, both versions shown, done once."""

from datetime import date
from typing import Any

import pytest
from house_of_cases import NOW, ZONE, Lived, utc
from sqlalchemy import select

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.rules import in_window
from tracker.hearings.service import Confirmation

AFTER = utc("2024-04-08T10:00")
SET: dict[str, Any] = {
    "precision": "day",
    "day": "2024-04-08",
    "at_time": "09:30",
    "court": "Haifa",
    "told_by": "lawyer",
}


def all_hearings() -> list[Hearing]:
    db.session.rollback()
    return list(db.session.scalars(select(Hearing).order_by(Hearing.id)))


def test_a_hearing_of_two_cases_is_recorded_once(lived: Lived) -> None:
    mine, other = lived.case("Ahmad Khalefa"), lived.case("Co Defendant")
    browser = lived.browser(lived.owner)
    address = f"/cases/{mine.ref}/hearings/new"
    form = browser.filled(address, **SET)
    assert form["appearing"] == [f"{mine.id}-{lived.person(mine)}"], "whose case it is stands ticked"
    form["appearing"] = [*form["appearing"], f"{other.id}-{lived.person(other)}"]
    first, second = (browser.send(address, form) for _ in range(2))
    assert (first.status_code, first.location) == (second.status_code, second.location) == (303, first.location)
    (hearing,) = all_hearings()
    assert hearing.starts_at == utc("2024-04-08T06:30")
    assert (hearing.confirmed_from, hearing.confirmed_at, hearing.audience) == ("lawyer", NOW, Audience.DESK)
    assert len(db.session.scalars(select(Appearance)).all()) == 2
    assert "Co Defendant" in browser.get(f"/cases/{mine.ref}").text


@pytest.mark.parametrize(
    ("given", "asks"),
    [
        ({"day": "2024-03-10"}, "has passed"),
        ({"day": "2025-04-08"}, "over 12 months off"),
        ({"day": "2024-04-05"}, "do not sit"),
    ],
)
@pytest.mark.one_engine
def test_an_unlikely_date_is_echoed_and_asked_about_and_then_taken(
    lived: Lived, given: dict[str, str], asks: str
) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    address = f"/cases/{case.ref}/hearings/new"
    form = browser.filled(address, **{**SET, **given})
    assert "confirm" not in form
    answer = browser.send(address, form)
    assert answer.status_code == 422
    assert asks in answer.text
    assert 'name="confirm"' in answer.text
    assert date.fromisoformat(given["day"]).strftime("%A") in answer.text, "the weekday is said"
    assert all_hearings() == []
    assert browser.send(address, {**form, "confirm": "y"}).status_code == 303
    assert all_hearings()[0].local_date == date.fromisoformat(given["day"])


BAD = {
    "no such day": ("day", {"day": "31/06/2024"}),
    "no day": ("day", {"day": ""}),
    "a skipped hour": ("at_time", {"day": "2025-03-28", "at_time": "02:30", "confirm": "y"}),
    "an hour that comes twice": ("fold", {"day": "2024-10-27", "at_time": "01:30"}),
    "no zone": ("zone", {"zone": "Mars/Olympus"}),
    "a window that ends before it begins": ("until", {"precision": "between", "until": "2024-04-07"}),
    "a window without an end": ("until", {"precision": "between"}),
    "nobody": ("appearing", {"appearing": []}),
    "NUL in the court": ("court", {"court": "a\0b"}),
    "a court too long": ("court", {"court": "x" * 10_000}),
    "NUL in the note": ("note", {"note": "a\0b"}),
    "audience": ("audience", {"audience": "everybody"}),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.one_engine
def test_what_cannot_be_is_refused_on_its_field_and_nothing_is_lost(lived: Lived, bad: str) -> None:
    field, given = BAD[bad]
    case = lived.case()
    browser = lived.browser(lived.owner)
    answer = browser.fill(f"/cases/{case.ref}/hearings/new", **{**SET, "observer": "A consul", **given})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text or f'href="#{field}-' in answer.text, "said where it was typed"
    assert "A consul" in answer.text
    assert all_hearings() == []


def test_the_second_of_two_hours_may_be_meant(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    given = {**SET, "day": "2024-10-27", "at_time": "01:30", "fold": "1"}
    assert browser.fill(f"/cases/{case.ref}/hearings/new", **given).status_code == 303
    assert all_hearings()[0].starts_at == utc("2024-10-26T23:30")


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({"precision": "week", "day": "2024-04-10"}, date(2024, 4, 8), date(2024, 4, 14)),
        ({"precision": "month", "day": "2024-04-10"}, date(2024, 4, 1), date(2024, 4, 30)),
        ({"precision": "between", "until": "2024-04-11"}, date(2024, 4, 8), date(2024, 4, 11)),
        ({"precision": "not_set", "day": ""}, None, None),
    ],
)
@pytest.mark.one_engine
def test_a_window_comes_back_in_the_form_as_it_was_said(
    lived: Lived, given: dict[str, str], first: Any, last: Any
) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    assert browser.fill(f"/cases/{case.ref}/hearings/new", **{**SET, "at_time": "", **given}).status_code == 303
    (hearing,) = all_hearings()
    assert (hearing.earliest_on, hearing.latest_on, hearing.local_date) == (first, last, None)
    form = browser.filled(f"/cases/{case.ref}/hearings/{hearing.public_id}/move")
    assert form["precision"] == [given["precision"]]
    answer = browser.send(f"/cases/{case.ref}/hearings/{hearing.public_id}/move", form)
    assert answer.status_code == 422, "nothing would change"
    assert "Nothing would change" in answer.text


def test_two_who_move_a_hearing_see_both_dates_and_saving_again_wins(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    address = f"/cases/{case.ref}/hearings/{hearing.public_id}/move"
    mine, theirs = lived.browser(lived.owner), lived.browser(lived.colleague)
    form = mine.filled(address, day="2024-04-24", words="The lawyer says so")
    assert theirs.fill(address, day="2024-04-22", at_time="11:00").status_code == 303
    answer = mine.send(address, form)
    assert answer.status_code == 409
    conflict = answer.text.split('class="conflict"')[1].split("</section>")[0]
    for shown in ("2024-04-24", "2024-04-22", "09:30", "11:00"):
        assert shown in conflict, shown
    assert "The lawyer says so" in answer.text
    version = answer.text.split('name="version"')[1].split('value="')[1].split('"')[0]
    token = answer.text.split('name="once"')[1].split('value="')[1].split('"')[0]
    assert mine.send(address, {**form, "version": version, "once": token}).status_code == 303
    held = lived.fresh(hearing)
    assert (held.local_date, held.schedule_rev) == (date(2024, 4, 24), 3)


def test_an_outcome_sent_twice_is_one_and_against_another_is_a_conflict(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    address = f"/cases/{case.ref}/hearings/{hearing.public_id}/outcome"
    mine, theirs = lived.browser(lived.owner, AFTER), lived.browser(lived.colleague, AFTER)
    form = mine.filled(address, outcome="adjourned", next_precision="day", next_day="2024-04-24", reason="not_brought")
    late = theirs.filled(address, outcome="took_place")
    answers = [mine.send(address, form) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    assert [h.state for h in all_hearings()] == ["adjourned", "scheduled"]
    conflict = theirs.send(address, late)
    assert conflict.status_code == 409
    assert "adjourned" in conflict.text.split('class="conflict"')[1].split("</section>")[0]


@pytest.mark.one_engine
def test_exceptions_are_ticked_and_said(lived: Lived) -> None:
    case = lived.case("One", "Two", "Three")
    hearing = lived.hearing(case)
    two = lived.person(case, 1)
    browser = lived.browser(lived.owner, AFTER)
    address = f"/cases/{case.ref}/hearings/{hearing.public_id}/outcome"
    given = {"outcome": "took_place", "exceptions": [f"{case.id}-{two}"]}
    answer = browser.fill(address, **given)
    assert answer.status_code == 422
    assert 'id="other_outcome-error"' in answer.text
    assert browser.fill(address, **given, other_outcome="postponed").status_code == 303
    assert sorted(str(o) for o in lived.outcomes(hearing).values()) == ["postponed", "took_place", "took_place"]


@pytest.mark.one_engine
def test_a_hearing_closed_to_the_reader_is_not_there(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case, audience=Audience.NAMED)
    for what in ("edit", "move", "correct", "confirm", "cancel", "outcome", "reinstate"):
        assert (
            lived.browser(lived.colleague).get(f"/cases/{case.ref}/hearings/{hearing.public_id}/{what}").status_code
            == 404
        )
        assert (
            lived.browser(lived.owner).get(f"/cases/{case.ref}/hearings/{hearing.public_id}/{what}").status_code == 200
        )


@pytest.mark.one_engine
def test_details_are_saved_as_they_stand(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    browser = lived.browser(lived.owner)
    assert browser.fill(f"/cases/{case.ref}/hearings/{hearing.public_id}/edit", note="Ring first").status_code == 303
    held = lived.fresh(hearing)
    assert (held.note, held.audience, held.kind, held.schedule_rev) == ("Ring first", Audience.DESK, "hearing", 1)


@pytest.mark.one_engine
def test_a_slip_is_undone_from_the_case_file(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    browser = lived.browser(lived.owner, AFTER)
    address = f"/cases/{case.ref}/hearings/{hearing.public_id}"
    browser.fill(f"{address}/outcome", outcome="took_place", told_by="lawyer", words="Remanded")
    page = browser.get(f"/cases/{case.ref}").text
    assert f"{address}/reinstate" in page
    assert "Put the outcome right" in page
    again = browser.filled(f"{address}/outcome")
    assert (again["outcome"], again["told_by"]) == (["took_place"], ["lawyer"])
    assert "".join(again["words"]).strip() == "Remanded"
    assert "nobody is told" in browser.get(f"{address}/correct").text
    assert browser.fill(f"{address}/reinstate", words="Another hearing").status_code == 303
    assert lived.fresh(hearing).state == "scheduled"
    browser.fill(f"{address}/cancel")
    page = browser.get(f"/cases/{case.ref}").text
    assert "It is on again" in page
    assert f"{address}/correct" not in page


@pytest.mark.one_engine
def test_how_sure_a_date_is_says_no_more_than_is_known(lived: Lived) -> None:
    case = lived.case()
    lived.hearing(case, certainty="provisional", confirmation=Confirmation("lawyer"))
    page = lived.browser(lived.owner, AFTER).get(f"/cases/{case.ref}").text.lower()
    assert "date last told" in page
    assert "date confirmed" not in page
    other = lived.case()
    lived.hearing(other, when=in_window(ZONE, "not_set"))
    page = lived.browser(lived.owner, AFTER).get(f"/cases/{other.ref}").text.lower()
    assert "date confirmed" not in page
    assert "confirmed the date" not in page
