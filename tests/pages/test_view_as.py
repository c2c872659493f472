"""Seeing a case as others see it: the very page they would read, and never from nearer than one's own rung."""

import re
from typing import Any

import pytest
from house_of_cases import NOW, Lived, statements
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.service import edit_case
from tracker.pages.casefile import SeenByNobody, read_case_file


@pytest.fixture
def case(lived: Lived) -> Any:
    """A case open to volunteers, with an entry and a hearing on each rung."""
    with lived.at() as session:
        # Times are told in the zone of whoever reads.
        session.get_one(User, lived.volunteer.id).zone = lived.desk.zone
    case = lived.case(
        "Ahmad Khalefa", "Munther Amira", title="The raid", summary="A lawyer.", audience=Audience.VOLUNTEERS
    )
    for rung in (Audience.NAMED, Audience.DESK, Audience.VOLUNTEERS):
        lived.tell(case, "person.arrested", audience=rung, text=f"Told to {rung.code}", sourced=True, by=lived.owner)
        lived.hearing(case, audience=rung, court=f"Court for {rung.code}", note=f"Note for {rung.code}")
    return case


def body(page: str) -> str:
    """What a page says of the case: its panels, without what can be pressed, followed or filled in."""
    said = page.split("<main", 1)[1].split("</main>")[0]
    said = re.sub(
        r"<form.*?</form>|<nav class=\"view-as\".*?</nav>|<p class=\"banner.*?</p>", "", said, flags=re.DOTALL
    )
    said = re.sub(r"<(a|details|summary)[^>]*>.*?</\1>:?|<[^>]+>", " ", said, flags=re.DOTALL)
    return re.sub(r"\s+", " ", said).strip()


@pytest.mark.one_engine
def test_each_rung_is_the_page_that_rung_reads(lived: Lived, case: Any) -> None:
    owner = lived.browser(lived.owner)
    for code, reader in (("desk", lived.colleague), ("volunteers", lived.volunteer)):
        page = owner.get(f"/cases/{case.ref}?view-as={code}").text
        theirs = body(lived.browser(reader).get(f"/cases/{case.ref}").text)
        # Buttons and the links of those who keep it are gone; every word else is theirs.
        assert set(body(page).split()) >= set(theirs.split()), code
        for rung in ("named", "desk", "volunteers"):
            for word in (f"Told to {rung}", f"Court for {rung}", f"Note for {rung}"):
                assert (word in page) == (word in lived.browser(reader).get(f"/cases/{case.ref}").text), (code, word)
    as_volunteers = body(owner.get(f"/cases/{case.ref}?view-as=volunteers").text)
    assert as_volunteers == body(lived.browser(lived.volunteer).get(f"/cases/{case.ref}").text)


@pytest.mark.one_engine
def test_nothing_can_be_pressed_and_a_line_says_whose_page_it_is(lived: Lived, case: Any) -> None:
    owner = lived.browser(lived.owner)
    for code, words in (("desk", "as the desk would"), ("volunteers", "as volunteers would")):
        page = owner.get(f"/cases/{case.ref}?view-as={code}").text
        main = page.split("<main", 1)[1]
        assert words in main
        assert 'method="post"' not in main
        assert "btn-primary" not in main
        assert not re.findall(r'href="[^"]*/(?:edit|new|close|move|correct|outcome|audience|people/[^"]+)"', main)
    assert "See this page as" in owner.get(f"/cases/{case.ref}").text
    assert "See this page as" not in lived.browser(lived.volunteer).get(f"/cases/{case.ref}").text


@pytest.mark.one_engine
def test_it_is_never_from_nearer_than_ones_own(lived: Lived, case: Any) -> None:
    def status(user: User, code: str, ref: str = case.ref) -> int:
        return int(lived.browser(user).get(f"/cases/{ref}?view-as={code}").status_code)

    assert [status(lived.owner, c) for c in ("named", "desk", "volunteers", "public", "anything")] == [200] * 4 + [422]
    assert [status(lived.colleague, c) for c in ("named", "desk", "volunteers")] == [403, 200, 200]
    for code in ("named", "desk", "volunteers", "public", "anything"):
        assert status(lived.outsider, code) == status(lived.volunteer, code) == status(lived.admin, code) == 403
    with lived.at() as session:
        mine = session.merge(case)
        edit_case(session, mine, version=mine.version, audience=Audience.NAMED)
    for code in ("desk", "volunteers", "public", "anything"):
        assert status(lived.colleague, code) == status(lived.colleague, code, "IOPT-0999") == 404


@pytest.mark.one_engine
def test_where_it_is_not_open_it_says_that_they_would_see_nothing(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", title="The raid", audience=Audience.NAMED)
    owner = lived.browser(lived.owner)
    for code in ("desk", "volunteers", "public"):
        page = owner.get(f"/cases/{case.ref}?view-as={code}")
        assert page.status_code == 200
        assert "They would see nothing" in page.text
        assert "Khalefa" not in page.text
        assert "The raid" not in page.text


@pytest.mark.one_engine
def test_the_past_is_seen_as_others_see_it_too(lived: Lived, case: Any) -> None:
    page = lived.browser(lived.owner).get(f"/cases/{case.ref}?view-as=volunteers&known-on=2024-03-18").text
    theirs = lived.browser(lived.volunteer).get(f"/cases/{case.ref}?known-on=2024-03-18").text
    assert body(page) == body(theirs)
    assert "Told to desk" not in page
    assert "Told to volunteers" in page


def test_it_costs_no_more_and_writes_nothing(lived: Lived, case: Any) -> None:
    def asked(**more: Any) -> list[str]:
        db.session.rollback()
        owner = db.session.get_one(User, lived.owner.id)
        with statements() as counted:
            read_case_file(db.session(), owner, case.ref, NOW, **more)
        return counted.said

    asked()
    assert len(asked(seen_as=Audience.VOLUNTEERS)) == len(asked())
    assert all(s.lstrip().startswith("SELECT") for s in asked(seen_as=Audience.DESK))


def test_a_colleague_is_shown_no_other_case_they_could_not_see(lived: Lived) -> None:
    """Of a hearing of several cases, those are named that somebody at the desk may know of."""
    case = lived.case("Ahmad Khalefa")
    others = {
        "Nadia Halabi": lived.case("Nadia Halabi", audience=Audience.DESK),
        "Yusuf Barghouti": lived.case("Yusuf Barghouti", audience=Audience.NAMED),
    }
    lived.hearing(case, *others.values())
    db.session.rollback()
    owner = db.session.get_one(User, lived.owner.id)
    with clock.fixed_at(NOW):
        mine, desk = (
            {
                name
                for h in read_case_file(db.session(), owner, case.ref, NOW, seen_as=rung).hearings
                for _a, _c, name in h.appearing
            }
            for rung in (None, Audience.DESK)
        )
    assert mine == {"Ahmad Khalefa", "Nadia Halabi", "Yusuf Barghouti"}
    assert desk == {"Ahmad Khalefa", "Nadia Halabi"}
    with pytest.raises(SeenByNobody):
        read_case_file(db.session(), owner, case.ref, NOW, seen_as=Audience.VOLUNTEERS)
    as_if = read_case_file(db.session(), owner, case.ref, NOW, seen_as=Audience.VOLUNTEERS, as_if_open=True)
    assert as_if.hearings == [] or {n for h in as_if.hearings for _a, _c, n in h.appearing} == {"A.K."}
    assert db.session.scalar(select(User.id).limit(1)) is not None
