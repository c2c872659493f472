"""Before a case is opened to more people, whoever opens it reads what they would see: all of it, and nothing else."""

import random
import re
from typing import Any

import pytest
from house_of_cases import NOW, Lived

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import touch
from tracker.cases.models import Case
from tracker.cases.opening import count_readers, what_opening_reveals
from tracker.people.service import NameGiven, add_person

RUNGS = (Audience.NAMED, Audience.DESK, Audience.VOLUNTEERS)


def random_case(lived: Lived, chance: random.Random, number: int) -> tuple[Any, set[str]]:
    """A case with whatever on whichever rung; with every word that marks a part of it."""
    marks = [f"M{number}x{place}z" for place in range(14)]
    people = [f"First{number}{letter} Last{number}{letter}" for letter in "ab"[: chance.randint(1, 2)]]
    case = lived.case(*people, title=f"Title {marks[0]}", summary=f"Sum {marks[1]}", audience=chance.choice(RUNGS[:2]))
    for place in range(3):
        lived.tell(
            case,
            chance.choice(["person.arrested", "person.released", "person.ill_treated"]),
            audience=chance.choice(RUNGS),
            text=f"Text {marks[2 + place]}",
            sourced=True,
            confidence=chance.choice(["confirmed", "reported"]),
        )
        lived.hearing(
            case,
            audience=chance.choice(RUNGS),
            court=f"Court {marks[5 + place]}",
            note=f"Note {marks[8 + place]}",
            observer=f"Observer {marks[11 + place]}",
        )
    names = {part for name in people for part in name.split()} | {f"F.L.{number}"}
    return case, {*marks, *names, case.nickname, "a paper", "Amal"}


def open_so_far(lived: Lived, case: Any, audience: Audience) -> Audience:
    """Open a case to a rung, or close it, whatever stands against that; returns what it was open to."""
    with lived.at() as session:
        mine = session.get_one(Case, case.id)
        before, mine.audience = mine.audience, audience
        touch(case.id)
    return before


def found(page: str, marks: set[str]) -> set[str]:
    """Which of these words a page says, outside of what frames every page."""
    main = page.split("<main", 1)[1].split("</main>")[0]
    return {mark for mark in marks if mark in main}


def section(page: str, code: str) -> str:
    """What the list says of one rung, as a page of its own."""
    return "<main" + page.split(f'id="opens-{code}"', 1)[1].split("</section>")[0] + "</main>"


@pytest.mark.one_engine
@pytest.mark.parametrize("seed", range(4))
def test_the_list_holds_all_that_the_new_rung_shows_and_nothing_else(lived: Lived, seed: int) -> None:
    chance = random.Random(seed)
    owner = lived.browser(lived.owner)
    for number in range(2):
        case, marks = random_case(lived, chance, number)
        to = chance.choice([a for a in RUNGS if a > case.audience])
        page = owner.get(f"/cases/{case.ref}/open-to/{to.code}")
        assert page.status_code == 200
        for rung in (a for a in RUNGS if case.audience < a <= to):
            listed = found(section(page.text, rung.code), marks)
            before = open_so_far(lived, case, rung)
            reader = lived.colleague if rung == Audience.DESK else lived.volunteer
            shown = found(lived.browser(reader).get(f"/cases/{case.ref}").text, marks)
            assert listed == shown, (rung, listed ^ shown)
            open_so_far(lived, case, before)


def test_it_counts_who_could_open_it(lived: Lived) -> None:
    case = lived.case(audience=Audience.NAMED)
    # Two on the desk; all five accounts.
    assert [count_readers(db.session(), case, a) for a in RUNGS] == [1, 2, 5]
    with lived.at() as session:
        session.get_one(User, lived.volunteer.id).active = False
    assert [count_readers(db.session(), db.session.merge(case), a) for a in RUNGS] == [1, 2, 4]


def test_the_mark_is_of_the_whole_list(lived: Lived) -> None:
    case = lived.case(audience=Audience.DESK)

    def mark(to: Audience = Audience.VOLUNTEERS) -> str:
        db.session.rollback()
        owner = db.session.get_one(User, lived.owner.id)
        return what_opening_reveals(db.session(), owner, case.ref, to, NOW).mark

    first = mark()
    assert first == mark()
    lived.tell(case, "person.arrested", text="For the desk alone")
    assert mark() == first
    lived.tell(case, "person.arrested", audience=Audience.VOLUNTEERS, text="For all")
    second = mark()
    assert second != first
    with lived.at() as session:
        from tracker.cases.service import involve

        involve(session, session.merge(case), add_person(session, [NameGiven("Nadia Halabi")]).id)
    assert mark() not in (first, second)


@pytest.mark.one_engine
def test_a_button_opens_it_once_the_list_was_read(lived: Lived) -> None:
    case = lived.case()
    owner = lived.browser(lived.owner)
    where = f"/cases/{case.ref}/open-to/volunteers"
    assert lived.browser(lived.volunteer).get(f"/cases/{case.ref}").status_code == 404
    asked = owner.get(where)
    assert asked.status_code == 200
    assert "Ahmad Khalefa: nobody has said whether it may be known to: volunteers." in asked.text
    assert 'name="revealed"' not in asked.text, "there is nothing to press while something stands against it"
    lived.agrees(case)
    fields = owner.filled(where)
    lived.tell(case, "person.arrested", audience=Audience.VOLUNTEERS, text="Written meanwhile")
    again = owner.send(where, fields)
    assert again.status_code == 422
    assert "The list has changed" in again.text
    assert "Written meanwhile" in again.text
    assert lived.fresh(case).audience == Audience.DESK
    assert owner.send(where, {**fields, "revealed": ""}).status_code == 422
    fields = owner.filled(where)
    lived.agrees(case, speaker="person", answer="refused")
    again = owner.send(where, fields)
    assert again.status_code == 422
    assert "somebody who speaks for them has refused" in again.text
    assert lived.fresh(case).audience == Audience.DESK
    lived.agrees(case, speaker="person")
    assert owner.fill(where).status_code == 303
    assert lived.fresh(case).audience == Audience.VOLUNTEERS
    assert "open to them already" in owner.get(where).text
    assert owner.get(f"/cases/{case.ref}/open-to/anything").status_code == 404


@pytest.mark.one_engine
def test_a_case_is_opened_to_the_public_as_far_as_was_agreed(lived: Lived) -> None:
    case = lived.case()
    lived.agrees(case)
    owner = lived.browser(lived.owner)
    page = owner.get(f"/cases/{case.ref}/open-to/public")
    assert page.status_code == 200
    assert "The public would see" in page.text
    assert "Ahmad Khalefa: nobody has agreed to go as far as: public." in page.text
    assert 'name="revealed"' not in page.text
    lived.agrees(case, up_to=Audience.PUBLIC)
    assert owner.fill(f"/cases/{case.ref}/open-to/public").status_code == 303
    assert lived.fresh(case).audience == Audience.PUBLIC


@pytest.mark.one_engine
def test_the_form_leads_through_the_list_and_loses_nothing(lived: Lived) -> None:
    case = lived.case(title="Held without charge")
    lived.tell(case, "person.arrested", audience=Audience.VOLUNTEERS, text="Taken at night")
    owner = lived.browser(lived.owner)
    where = f"/cases/{case.ref}/edit"
    page = owner.fill(
        where, title="Another title", audience="volunteers", country="IL", named=[str(lived.colleague.id)]
    )
    assert page.status_code == 422
    assert "Ahmad Khalefa: nobody has said whether it may be known to: volunteers." in page.text
    typed = owner.held(page.text)
    assert (typed["title"], typed["country"]) == (["Another title"], ["IL"])
    lived.agrees(case)
    page = owner.send(where, typed)
    assert page.status_code == 422
    assert "What opening it would reveal" in page.text
    assert "Taken at night" in page.text
    stored = lived.fresh(case)
    assert (stored.title, stored.audience) == ("Held without charge", Audience.DESK)

    def carried(text: str) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        main = text.split("<main", 1)[1]
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', main):
            fields.setdefault(name, []).append(value)
        return fields

    fields = carried(page.text)
    back = owner.send(where, {**fields, "back": "yes"})
    assert back.status_code == 200
    assert 'value="Another title"' in back.text
    assert "What opening it would reveal" not in back.text
    saved = owner.send(where, fields)
    assert saved.status_code == 303, re.findall(r"field-error.*", saved.text)
    stored = lived.fresh(case)
    assert (stored.title, stored.audience, stored.country) == ("Another title", Audience.VOLUNTEERS, "IL")


@pytest.mark.one_engine
def test_closing_a_case_asks_nothing(lived: Lived) -> None:
    case = lived.case(audience=Audience.VOLUNTEERS)
    assert lived.browser(lived.owner).fill(f"/cases/{case.ref}/edit", audience="desk").status_code == 303
    assert lived.fresh(case).audience == Audience.DESK
