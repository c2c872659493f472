"""The forms of cases and people: done once, both versions shown, refused on the field with nothing lost."""

import threading
from typing import Any

import pytest
from flask import Flask
from house_of_cases import Lived, names_in
from sqlalchemy import func, select

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases import service
from tracker.cases.models import Case, CaseGrant
from tracker.people.models import Person

NEW: dict[str, Any] = {"person_name": "Ahmad Khalefa", "other_name": "أحمد خليفة", "title": "Held without charge"}


def count(what: Any) -> int:
    db.session.rollback()
    return int(db.session.scalar(select(func.count()).select_from(what)) or 0)


def test_a_case_typed_by_hand(lived: Lived) -> None:
    browser = lived.browser(lived.owner)
    answer = browser.fill("/cases/new", **NEW, owner_id=str(lived.owner.id))
    assert (answer.status_code, answer.location) == (303, "/cases/IOPT-0001")
    db.session.rollback()
    case = db.session.scalars(select(Case)).one()
    assert (case.title, case.owner_id, case.audience) == ("Held without charge", lived.owner.id, Audience.DESK)
    person = db.session.scalars(select(Person)).one()
    assert [(n.text, n.script, n.kind) for n in person.names] == [
        ("Ahmad Khalefa", "Latn", "legal"),
        ("أحمد خليفة", "Arab", "transliteration"),
    ]
    assert "Ahmad Khalefa" in browser.get("/cases/IOPT-0001").text


def test_a_double_click_makes_one_case(lived: Lived) -> None:
    browser = lived.browser(lived.owner)
    form = browser.filled("/cases/new", **NEW)
    first, second = (browser.send("/cases/new", form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location == "/cases/IOPT-0001"
    assert count(Case) == 1


def test_two_clicks_at_the_same_moment_make_one_case(lived: Lived, app: Flask) -> None:
    browsers = [lived.browser(lived.owner) for _ in range(2)]
    form = browsers[0].filled("/cases/new", **NEW)
    forms = [form, {**form, "csrf_token": browsers[1].filled("/cases/new")["csrf_token"]}]
    answers: list[Any] = []
    begin = threading.Barrier(2)

    def click(n: int) -> None:
        begin.wait()
        answers.append(browsers[n].send("/cases/new", forms[n]))

    clicks = [threading.Thread(target=click, args=(n,)) for n in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert [a.location for a in answers] == ["/cases/IOPT-0001"] * 2
    assert count(Case) == 1


def test_two_who_change_a_case_see_both_versions_and_saving_again_wins(lived: Lived) -> None:
    case = lived.case()
    address = f"/cases/{case.ref}/edit"
    mine, theirs = lived.browser(lived.owner), lived.browser(lived.colleague)
    form = mine.filled(address, title="My title", risk="critical", summary="My long summary")
    assert theirs.fill(address, title="Their title", owner_id=str(lived.colleague.id)).status_code == 303
    answer = mine.send(address, form)
    assert answer.status_code == 409
    conflict = answer.text.split('class="conflict"')[1].split("</section>")[0]
    for shown in ("My title", "Their title", "My long summary", "Amal", "Basel"):
        assert shown in conflict, shown
    assert "Who may see it" not in conflict, "what is the same is not a conflict"
    again = {**form, **_fields_of(answer.text)}
    assert (again["title"], again["summary"]) == (["My title"], ["My long summary"]), "nothing typed is lost"
    assert mine.send(address, again).status_code == 303
    assert (lived.fresh(case).title, lived.fresh(case).risk) == ("My title", "critical")


def _fields_of(html: str) -> dict[str, Any]:
    """The fields of a form as the page holds them: a page in place of the one that is opened."""
    from house_of_cases import Browser

    class Held(Browser):
        def get(self, address: str) -> Any:
            class Page:
                status_code = 200
                text = html

            return Page()

    return Held(None).filled("")  # type: ignore[arg-type]


@pytest.mark.one_engine
def test_people_are_kept_against_two_who_write_at_once(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    person = db.session.get(Person, lived.person(case))
    address = f"/cases/{case.ref}/people/{person.public_id}"
    mine, theirs = lived.browser(lived.owner), lived.browser(lived.colleague)
    form = mine.filled(address, occupation="surgeon")
    assert theirs.fill(address, names="Ahmad Khalefa\nأحمد خليفة", born="1986-04").status_code == 303
    answer = mine.send(address, form)
    assert answer.status_code == 409
    assert "1986-04" in answer.text
    assert "surgeon" in answer.text
    assert mine.filled(address)["born"] == ["1986-04"]
    assert mine.fill(address, occupation="lawyer").status_code == 303
    assert mine.filled(address)["born"] == ["1986-04"], "a birth date is not lost by another change"


@pytest.mark.one_engine
def test_named_people_are_chosen_in_the_form_and_nobody_is_locked_out(lived: Lived) -> None:
    case = lived.case()
    address = f"/cases/{case.ref}/edit"
    browser = lived.browser(lived.owner)
    answer = browser.fill(address, audience="named", named=[str(lived.colleague.id)])
    assert answer.status_code == 303
    assert lived.browser(lived.colleague).get(f"/cases/{case.ref}").status_code == 200
    assert browser.filled(address)["named"] == [str(lived.colleague.id)]
    answer = browser.fill(address, owner_id="", named=[])
    assert answer.status_code == 422
    assert "Nobody could see the case any more" in answer.text
    assert count(CaseGrant) == 1
    assert browser.fill(address, named=[]).status_code == 303
    assert lived.browser(lived.colleague).get(f"/cases/{case.ref}").status_code == 404


@pytest.mark.one_engine
def test_whoever_keeps_a_case_is_not_taken_away_by_saving_something_else(lived: Lived) -> None:
    case = lived.case()
    db.session.rollback()
    db.session.get(User, lived.owner.id).active = False
    db.session.commit()
    browser = lived.browser(lived.colleague)
    assert browser.fill(f"/cases/{case.ref}/edit", title="A new title").status_code == 303
    assert (lived.fresh(case).owner_id, lived.fresh(case).title) == (lived.owner.id, "A new title")


@pytest.mark.one_engine
def test_public_is_refused_on_its_field_until_everybody_agreed(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    browser = lived.browser(lived.owner)
    answer = browser.fill(f"/cases/{case.ref}/edit", audience="public", title="Typed meanwhile")
    assert answer.status_code == 422
    assert "Ahmad Khalefa: nobody has said whether it may be known to: public." in answer.text
    assert "Typed meanwhile" in answer.text
    assert lived.fresh(case).audience == Audience.DESK
    assert 'value="volunteers"' not in browser.get("/cases/new").text
    assert browser.fill("/cases/new", title="New", person_name="Somebody", audience="public").status_code == 422
    lived.agrees(case, up_to=Audience.PUBLIC)
    assert browser.fill_and_read(f"/cases/{case.ref}/edit", audience="public").status_code == 303
    assert lived.fresh(case).audience == Audience.PUBLIC


@pytest.mark.one_engine
def test_closing_and_reopening_ask_why(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    assert browser.fill(f"/cases/{case.ref}/close", reason="for no reason").status_code == 422
    assert browser.fill(f"/cases/{case.ref}/close", reason="released", words="Home again").status_code == 303
    assert (lived.fresh(case).stage, lived.fresh(case).closed_reason) == ("closed", "released")
    assert browser.fill(f"/cases/{case.ref}/close", reason="released").status_code == 422
    assert browser.fill(f"/cases/{case.ref}/edit", title="Closed, and renamed").status_code == 303
    assert lived.fresh(case).stage == "closed", "a closed case stays closed when its words are changed"
    assert browser.fill(f"/cases/{case.ref}/reopen", words="  ").status_code == 422
    assert browser.fill(f"/cases/{case.ref}/reopen", words="Arrested again").status_code == 303
    assert (lived.fresh(case).stage, lived.fresh(case).closed_reason) == ("open", None)
    assert [e.text for e in lived.entries(case, "case.")] == ["", "Home again", "Arrested again"]


@pytest.mark.one_engine
def test_a_namesake_in_a_case_one_may_not_see_is_not_told_of(lived: Lived) -> None:
    mine = lived.case("Somebody Else")
    lived.case("Ahmad Khalefa", audience=Audience.NAMED)
    browser = lived.browser(lived.colleague)
    assert browser.fill(f"/cases/{mine.ref}/people/new", names="Ahmad Khalifa").status_code == 303
    asked = browser.fill(f"/cases/{mine.ref}/people/new", names="Ahmed Khalefah")
    assert asked.status_code == 422
    assert f"Ahmad Khalifa ({mine.ref})" in asked.text
    assert len(names_in(mine)) == 2


BAD_NAMES = {
    "10,000 characters": "x" * 10_000,
    "NUL": "Ahmad\0Khalefa",
    "a bell": "Ahmad\aKhalefa",
    "C1": "Ahmad\x9bKhalefa",
    "nothing but marks": "\u202e\u200f",
    "empty": "   ",
}


@pytest.mark.parametrize("bad", BAD_NAMES)
def test_names_that_cannot_be_are_refused_where_they_stand(lived: Lived, bad: str) -> None:
    browser = lived.browser(lived.owner)
    answer = browser.fill("/cases/new", **{**NEW, "person_name": BAD_NAMES[bad], "title": "Kept as typed"})
    assert answer.status_code == 422
    assert 'id="person_name-error"' in answer.text
    assert "Kept as typed" in answer.text
    assert "أحمد خليفة" in answer.text
    assert count(Case) == count(Person) == 0
    case = lived.case()
    answer = browser.fill(f"/cases/{case.ref}/people/new", names=BAD_NAMES[bad], occupation="surgeon")
    assert answer.status_code == 422
    assert 'id="names-error"' in answer.text
    assert "surgeon" in answer.text


@pytest.mark.one_engine
def test_markup_is_shown_as_text_and_marks_of_direction_stay_harmless(lived: Lived) -> None:
    browser = lived.browser(lived.owner)
    name, title = "<script>alert(1)</script>", "A \u202etitle\u202c <b>bold</b>"
    assert browser.fill("/cases/new", **{**NEW, "person_name": name, "title": title}).status_code == 303
    page = browser.get("/cases/IOPT-0001").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>bold</b>" not in page
    assert "\u202e" not in page
    assert '<bdi dir="auto" class="person-name">' in page


def test_a_stranger_to_the_desk_keeps_no_case_of_it(lived: Lived) -> None:
    from tracker.base.errors import Refused

    case = lived.case()
    for who in (lived.outsider, lived.volunteer):
        with pytest.raises(Refused), lived.at() as session:
            service.edit_case(session, session.get(Case, case.id), version=1, owner_id=who.id)
    with pytest.raises(Refused) as refusal, lived.at() as session:
        service.name_people(session, session.get(Case, case.id), [session.get(User, lived.volunteer.id)])
    assert refusal.value.field == "named"


def test_the_same_person_may_be_arrested_again(lived: Lived) -> None:
    """Somebody of a like name is offered for comparison; nobody is merged, and nobody doubled, without a word."""
    first = lived.case("Khaled Al Serr")
    browser = lived.browser(lived.owner)
    said = {"person_name": "خالد السر", "title": "Arrested again", "desk_id": str(lived.desk.id)}
    asked = browser.fill("/cases/new", **said)
    assert asked.status_code == 422
    assert "Is it the same person?" in asked.text
    assert f"Khaled Al Serr ({first.ref})" in asked.text
    before = lived.person(first)
    assert browser.fill("/cases/new", **said, same_as=str(before)).status_code == 303
    db.session.rollback()
    again = db.session.scalars(select(Case).where(Case.title == "Arrested again")).one()
    assert lived.person(again) == before
    assert browser.fill("/cases/new", **{**said, "title": "Another man"}, same_as="new").status_code == 303
    db.session.rollback()
    another = db.session.scalars(select(Case).where(Case.title == "Another man")).one()
    assert lived.person(another) != before


def test_people_of_cases_one_may_not_see_are_not_offered(lived: Lived) -> None:
    lived.case("Khaled Al Serr", audience=Audience.NAMED)
    said = {"person_name": "Khaled Al Serr", "title": "Arrested", "desk_id": str(lived.desk.id)}
    assert lived.browser(lived.colleague).fill("/cases/new", **said).status_code == 303


def test_another_person_of_a_case_may_be_on_record(lived: Lived) -> None:
    known = lived.person(lived.case("Khaled Al Serr"))
    case = lived.case("Munther Amira")
    browser = lived.browser(lived.owner)
    address = f"/cases/{case.ref}/people/new"
    assert browser.fill(address, names="Khalid al-Sirr").status_code == 422
    assert browser.fill(address, names="Khalid al-Sirr", same_as=str(known)).status_code == 303
    db.session.rollback()
    assert lived.person(case, 1) == known
