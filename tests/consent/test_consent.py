"""What people agreed to decides how far a case may be opened, and what is shown of it: over both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from house_of_cases import NOW, Lived, utc
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused
from tracker.base.work import CLOCK, unit_of_work
from tracker.cases import service as cases
from tracker.cases.kinds import opening_checks
from tracker.cases.models import Case, Involvement
from tracker.clockwork.kinds import steps
from tracker.consent import service
from tracker.consent.following import follow_consent
from tracker.consent.models import Consent
from tracker.consent.queries import list_words
from tracker.flags.models import Flag
from tracker.flags.sweep import sweep
from tracker.people.models import Person
from tracker.people.service import NameGiven, add_person, edit_person
from tracker.search.models import SearchRow
from tracker.timeline.models import Entry
from tracker.timeline.service import withdraw_entry

DESK, VOLUNTEERS, PUBLIC = Audience.DESK, Audience.VOLUNTEERS, Audience.PUBLIC
DAY = timedelta(days=1)


def now_of(case: Case) -> Case:
    """The case as it stands."""
    db.session.rollback()
    return db.session.get_one(Case, case.id, populate_existing=True)


def shown(case: Case, place: int = 0) -> Involvement:
    """What may be shown of somebody in a case."""
    db.session.rollback()
    return db.session.scalars(
        select(Involvement).where(Involvement.case_id == case.id).order_by(Involvement.position),
        execution_options={"populate_existing": True},
    ).all()[place]


def open_to(lived: Lived, case: Case, audience: Audience, now: datetime = NOW) -> None:
    """Open a case as its page does."""
    with lived.at(now) as session:
        mine = session.get_one(Case, case.id)
        cases.edit_case(session, mine, version=mine.version, audience=audience)


def refused(lived: Lived, case: Case, audience: Audience, now: datetime = NOW) -> str:
    """Why a case may not be opened: the words on the audience's field."""
    with pytest.raises(Refused) as refusal:
        open_to(lived, case, audience, now)
    assert refusal.value.field == "audience"
    return refusal.value.message


def flags(case: Case, now: datetime) -> list[tuple[str, int]]:
    """Open flags about consent: (subject, severity)."""
    db.session.rollback()
    with unit_of_work("flags.sweep", CLOCK, now=now):
        sweep(db.session(), now)
    db.session.rollback()
    return [
        (flag.subject, flag.severity)
        for flag in db.session.scalars(
            select(Flag).where(Flag.case_id == case.id, Flag.rule == "consent-review", Flag.cleared_at.is_(None))
        )
    ]


# The gate -------------------------------------------------------------------------------------------------------------


def test_a_case_opens_to_nobody_while_somebody_in_it_has_not_agreed(lived: Lived) -> None:
    assert "consent" in opening_checks.codes()
    case = lived.case("Ahmad Khalefa", "Munther Amira")
    said = refused(lived, case, VOLUNTEERS)
    assert "Ahmad Khalefa" in said
    assert "Munther Amira" in said
    lived.agrees(case, place=0)
    said = refused(lived, case, VOLUNTEERS)
    assert "Ahmad Khalefa" not in said
    assert "Munther Amira" in said
    lived.agrees(case, place=1)
    open_to(lived, case, VOLUNTEERS)
    assert now_of(case).audience == VOLUNTEERS
    assert "Ahmad Khalefa" in refused(lived, case, PUBLIC)
    for place in (0, 1):
        lived.agrees(case, place=place, up_to=PUBLIC)
    open_to(lived, case, PUBLIC)
    assert now_of(case).audience == PUBLIC


def test_a_case_without_a_name_opens_to_volunteers_and_never_to_the_public(lived: Lived) -> None:
    case = lived.case("Khaled Al Serr")
    with lived.at() as session, pytest.raises(Refused) as refusal:
        service.decide_without_name(session, session.get_one(Case, case.id), lived.person(case), reason="because")
    assert refusal.value.field == "reason"
    db.session.rollback()
    with lived.at() as session:
        service.decide_without_name(session, session.get_one(Case, case.id), lived.person(case), reason="out_of_reach")
    open_to(lived, case, VOLUNTEERS)
    assert shown(case).name_up_to == DESK
    assert "Khaled Al Serr" in refused(lived, case, PUBLIC)
    logged = db.session.scalars(select(Entry).where(Entry.kind == "consent.without_name")).one()
    assert (logged.audience, logged.origin) == (DESK, "system")


def test_a_new_case_is_open_to_its_desk_at_most(lived: Lived) -> None:
    with lived.at() as session, pytest.raises(Refused) as refusal:
        cases.open_case(session, session.merge(lived.desk), title="A case", risk="high", audience=VOLUNTEERS)
    assert refusal.value.field == "audience"


def test_saving_something_else_in_an_open_case_asks_nothing(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    lived.agrees(case, "name", answer="refused", speaker="lawyer")
    with lived.at() as session:
        mine = session.get_one(Case, case.id)
        cases.edit_case(session, mine, version=mine.version, title="Another title", audience=VOLUNTEERS)
    assert now_of(case).audience == VOLUNTEERS


def test_somebody_new_closes_an_open_case_until_they_are_asked(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    with lived.at() as session:
        person = add_person(session, [NameGiven("Munther Amira")])
        cases.involve(session, session.get_one(Case, case.id), person.id)
    assert now_of(case).audience == DESK
    assert "Munther Amira" in refused(lived, case, VOLUNTEERS)


# What is written down -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"answer": "maybe"}, "answer"),
        ({"speaker": "neighbour"}, "speaker"),
        ({"how": "dream"}, "how"),
        ({"subjects": ()}, "subjects"),
        ({"subjects": ("public", "shoe size")}, "subjects"),
        ({"up_to": DESK}, "up_to"),
        ({"given_on": date(2024, 3, 19)}, "given_on"),
        ({"until_on": date(2024, 3, 17)}, "until_on"),
        ({"review_on": date(2024, 3, 18)}, "review_on"),
    ],
)
@pytest.mark.one_engine
def test_what_cannot_be_is_refused_on_its_field(lived: Lived, said: dict[str, Any], field: str) -> None:
    case = lived.case()
    given = {"answer": "agreed", "speaker": "family", "how": "call", "up_to": VOLUNTEERS, "subjects": ("public",)}
    with lived.at() as session, pytest.raises(Refused) as refusal:
        service.record_consent(session, session.get_one(Case, case.id), lived.person(case), **{**given, **said})
    assert refusal.value.field == field


def test_a_person_of_another_case_is_not_in_this_one(lived: Lived) -> None:
    case, other = lived.case(), lived.case("Munther Amira")
    number = lived.person(other)
    with lived.at() as session, pytest.raises(NotFound):
        service.record_consent(
            session, session.get_one(Case, case.id), number, answer="refused", speaker="family", subjects=["public"],
            how="call",
        )  # fmt: skip


def test_each_word_is_logged_for_the_desk_and_names_only_a_role(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    lived.agrees(case, "name", "photo")
    lived.agrees(case, "photo", answer="withdrawn", how="message")
    logged = db.session.scalars(select(Entry).where(Entry.kind.like("consent.%")).order_by(Entry.id)).all()
    assert [e.kind for e in logged] == ["consent.recorded", "consent.recorded", "consent.withdrawn"]
    assert {e.audience for e in logged} == {DESK}
    assert logged[1].payload == {"answer": "agreed", "speaker": "family", "subjects": ["name", "photo"], "up_to": 2}
    page = lived.browser(lived.owner).get(f"/cases/{case.ref}").text
    assert "Consent recorded: agreed (the family): the name, a picture; up to: volunteers" in page
    assert "Consent withdrawn (by message): a picture" in page
    assert "Consent" not in lived.browser(lived.volunteer).get(f"/cases/{case.ref}").text


def test_words_are_never_changed(lived: Lived) -> None:
    case = lived.case()
    lived.agrees(case)
    db.session.rollback()
    with pytest.raises(DatabaseError, match="append-only"), db.engine.begin() as connection:
        connection.execute(text("UPDATE consents SET up_to = 3"))


def test_a_review_stands_six_months_after_it_was_given(lived: Lived) -> None:
    case = lived.case()
    lived.agrees(case, given_on=date(2024, 2, 29))
    word = db.session.scalars(select(Consent)).one()
    assert word.review_on == date(2024, 8, 29)
    assert word.review_at == utc("2024-08-28T21:00"), "the day begins in Jerusalem"


def test_what_was_known_on_a_day(lived: Lived) -> None:
    case = lived.case()
    lived.agrees(case, "public", "name")
    lived.agrees(case, answer="withdrawn", now=NOW + 10 * DAY)
    assert [w.answer for w in list_words(db.session(), case, lived.person(case))] == ["withdrawn", "agreed"]
    assert [w.answer for w in list_words(db.session(), case, lived.person(case), NOW + DAY)] == ["agreed"]
    person = db.session.get_one(Person, lived.person(case))
    browser = lived.browser(lived.owner, NOW + 11 * DAY)
    address = f"/cases/{case.ref}/people/{person.public_id}/consent"
    assert "Somebody who speaks for them has said no" in browser.get(address).text
    then = browser.get(f"{address}?known-on=2024-03-19").text
    assert "Somebody who speaks for them has said no" not in then
    assert "withdrawn" not in then.lower()
    assert browser.get(f"{address}?known-on=2031-01-01").status_code == 422


# What follows ---------------------------------------------------------------------------------------------------------


def test_volunteers_read_the_name_and_title_only_with_consent(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", title="Ahmad Khalefa held", audience=VOLUNTEERS)
    lived.hearing(case, audience=VOLUNTEERS)
    browser = lived.browser(lived.volunteer)
    for address in ("/cases", f"/cases/{case.ref}"):
        page = browser.get(address).text
        assert "A.K." in page
        assert "Khalefa" not in page
    lived.agrees(case, "name", speaker="person")
    assert now_of(case).title_up_to == VOLUNTEERS
    for address in ("/cases", f"/cases/{case.ref}"):
        page = browser.get(address).text
        assert "Ahmad Khalefa held" in page
        assert "A.K." not in page
    lived.agrees(case, "name", speaker="family", answer="refused")
    for address in ("/cases", f"/cases/{case.ref}"):
        assert "Khalefa" not in browser.get(address).text


def found(case: Case, words: str) -> set[Audience]:
    """The rungs of the ladder from which a case is found by a word."""
    db.session.rollback()
    rows = db.session.scalars(select(SearchRow).where(SearchRow.case_id == case.id))
    return {row.audience for row in rows if words.lower() in row.words.split()}


def test_search_finds_by_what_is_shown(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", audience=VOLUNTEERS)
    assert found(case, "khalefa") == {Audience.NAMED, DESK}
    lived.agrees(case, "name", speaker="person")
    assert found(case, "khalefa") == {Audience.NAMED, DESK, VOLUNTEERS}
    lived.agrees(case, "name", answer="withdrawn")
    assert found(case, "khalefa") == {Audience.NAMED, DESK}


def test_a_name_for_publication_stands_alone_beyond_the_desk(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", title="Ahmad Khalefa held", audience=VOLUNTEERS)
    lived.hearing(case, audience=VOLUNTEERS)
    lived.agrees(case, "name", speaker="person")
    person = db.session.get_one(Person, lived.person(case))
    owner, volunteer = lived.browser(lived.owner), lived.browser(lived.volunteer)
    done = owner.fill(f"/cases/{case.ref}/people/{person.public_id}", pseudonym="Salim")
    assert done.status_code == 303
    for address in ("/cases", f"/cases/{case.ref}"):
        page = volunteer.get(address).text
        assert "Salim" in page
        assert "Khalefa" not in page
        assert "A.K." not in page
    assert "Ahmad Khalefa" in owner.get(f"/cases/{case.ref}").text
    assert found(case, "salim") == {Audience.NAMED, DESK, VOLUNTEERS}
    assert found(case, "khalefa") == {Audience.NAMED, DESK}
    assert "Salim" not in owner.filled(f"/cases/{case.ref}/people/{person.public_id}")["names"][0]


@pytest.mark.one_engine
def test_a_name_for_publication_is_another_than_the_real_ones(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    number = lived.person(case)
    for names in (("ahmad khalefa",), ("Salim", "Karim")):
        given = [NameGiven("Ahmad Khalefa"), *(NameGiven(n, "pseudonym") for n in names)]
        with lived.at() as session, pytest.raises(Refused) as refusal:
            edit_person(session, session.get_one(Person, number), given, version=1)
        assert refusal.value.field == "pseudonym"
        db.session.rollback()


@pytest.mark.parametrize("speaker", ["person", "family", "lawyer"])
def test_a_refusal_by_anybody_closes_an_open_case_at_once(lived: Lived, speaker: str) -> None:
    case = lived.case(audience=VOLUNTEERS)
    lived.agrees(case, speaker=speaker, answer="refused")
    assert now_of(case).audience == DESK
    assert lived.browser(lived.volunteer).get(f"/cases/{case.ref}").status_code == 404
    assert "refused" in refused(lived, case, VOLUNTEERS)


def test_who_refuses_is_heard_in_each_case_of_theirs_and_who_agrees_in_one(lived: Lived) -> None:
    first, second = lived.case("Ahmad Khalefa", audience=VOLUNTEERS), lived.case("Munther Amira")
    with lived.at() as session:
        cases.involve(session, session.get_one(Case, second.id), lived.person(first))
    lived.agrees(second, place=0)
    assert "Ahmad Khalefa" in refused(lived, second, VOLUNTEERS)
    lived.agrees(second, place=1, answer="refused")
    assert now_of(first).audience == DESK


def test_what_runs_out_takes_the_name_by_the_clock_and_asks_for_somebody(lived: Lived, app: Flask) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.agrees(case, "public", "name", until_on=date(2024, 4, 30), review_on=date(2024, 12, 1))
    open_to(lived, case, VOLUNTEERS)
    ends = utc("2024-04-30T21:00")
    assert shown(case).consent_changes_at == ends
    assert flags(case, ends - 14 * DAY - timedelta(seconds=1)) == []
    subject = f"person:{lived.person(case)}"
    assert flags(case, ends - 14 * DAY) == [(subject, 2)]
    assert "Khalefa" in lived.browser(lived.volunteer, ends - DAY).get(f"/cases/{case.ref}").text
    step = steps.get("consent.follow").run
    assert step(ends - timedelta(seconds=1)) == {"due": 0}
    assert step(ends) == {"due": 1}
    assert step(ends + DAY) == {"due": 0}
    assert (shown(case).name_up_to, now_of(case).audience) == (DESK, VOLUNTEERS)
    assert found(case, "khalefa") == {Audience.NAMED, DESK}
    assert "Khalefa" not in lived.browser(lived.volunteer, ends).get(f"/cases/{case.ref}").text
    assert flags(case, ends + DAY) == [(subject, 3)]
    assert "has run out" in refused(lived, case, PUBLIC, ends + DAY)
    open_to(lived, case, DESK, ends + DAY)
    assert flags(case, ends + DAY) == [(subject, 1)]


def test_the_settler_looks_by_the_clock_too(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    lived.agrees(case, "public", "name", until_on=date(2024, 4, 30))
    with lived.at(utc("2024-05-02T00:00")) as session:
        follow_consent(session, utc("2024-05-02T00:00"), None)
    assert shown(case).name_up_to == DESK


def test_a_case_of_before_there_was_consent_is_found(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    with lived.at() as session:
        session.get_one(Case, case.id).audience = VOLUNTEERS
    lived.tell(case, "case.news")
    assert now_of(case).audience == VOLUNTEERS
    assert flags(case, NOW + DAY) == [(f"person:{lived.person(case)}", 3)]


def test_a_death_closes_until_the_family_has_spoken(lived: Lived) -> None:
    case = lived.case("Walid Daqqah", audience=VOLUNTEERS)
    entry = lived.tell(case, "person.died_in_custody", "2024-03-20", now=NOW + 3 * DAY)
    assert now_of(case).audience == DESK
    assert "does the family know" in refused(lived, case, VOLUNTEERS, NOW + 3 * DAY)
    lived.agrees(case, speaker="family", now=NOW + 4 * DAY)
    open_to(lived, case, VOLUNTEERS, NOW + 4 * DAY)
    with lived.at(NOW + 5 * DAY) as session:
        withdraw_entry(session, session.get_one(Entry, entry.id), reason="wrong", audience=DESK, on=date(2024, 3, 23))
    assert now_of(case).audience == VOLUNTEERS


@pytest.mark.only_postgres
def test_a_refusal_waits_for_who_opens_the_case_at_that_moment_and_closes_after_them(lived: Lived) -> None:
    case = lived.case()
    lived.agrees(case)
    with db.engine.connect() as opening:
        opening.execute(text("UPDATE cases SET audience = 2 WHERE id = :id"), {"id": case.id})
        threads = ThreadPoolExecutor(1)

        def refuse() -> None:
            with lived.app.app_context():
                lived.agrees(case, answer="refused", speaker="lawyer")
                db.session.remove()

        refusing = threads.submit(refuse)
        with pytest.raises(TimeoutError):
            refusing.result(timeout=1)
        opening.commit()
        refusing.result(timeout=20)
    assert now_of(case).audience == DESK
