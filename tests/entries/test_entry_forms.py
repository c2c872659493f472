"""Writing the timeline: add, correct, accept, withdraw; what is refused is refused where it was typed."""

from typing import Any

import pytest
from house_of_cases import Lived
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.timeline.models import Entry, EntrySource
from tracker.timeline.service import Source, change_entry_audience

ARREST: dict[str, Any] = {"kind": "person.arrested", "day": "2024-03-01", "text": "Taken from home"}


def standing(lived: Lived, case: Any) -> str | None:
    status: str | None = lived.face(case).status
    return status


def test_what_happened_moves_the_status(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    source = {"source_kind": "press", "source_address": "A paper", "source_quote": "He was taken."}
    assert browser.fill(f"/cases/{case.ref}/entries/new", **ARREST, **source).status_code == 303
    assert standing(lived, case) == "detained_without_charge"
    page = browser.get(f"/cases/{case.ref}").text
    for shown in ("Taken from home", "He was taken.", "A paper"):
        assert shown in page
    assert lived.fresh(case).last_checked_at is not None, "a sourced entry is a check"


def test_a_double_click_makes_one_entry(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    form = browser.filled(f"/cases/{case.ref}/entries/new", **ARREST)
    first, second = (browser.send(f"/cases/{case.ref}/entries/new", form) for _ in range(2))
    assert first.location == second.location
    assert len(lived.entries(case, "person.")) == 1


@pytest.mark.one_engine
def test_a_correction_keeps_what_the_form_does_not_ask(lived: Lived) -> None:
    case = lived.case()
    with lived.at() as session:
        from datetime import date

        from tracker.base.dates import StatedDate
        from tracker.timeline.service import record_entry

        record_entry(
            session,
            case_id=case.id,
            kind="person.placed_under_house_arrest",
            date_stated=StatedDate(date(2024, 3, 1)),
            audience=Audience.DESK,
            payload={"conditions": ["electronic_tag"], "place": "Haifa"},
            sources=[
                Source(kind="ngo", address="A page", quote="He must stay at home.", quote_start=5, quote_end=26),
                Source(kind="call", told_by="lawyer"),
            ],
        )
    entry = lived.entries(case, "person.")[0]
    browser = lived.browser(lived.owner)
    answer = browser.fill(f"/cases/{case.ref}/entries/{entry.public_id}/correct", day="2024-03-02", place="")
    assert answer.status_code == 303
    right = lived.entries(case, "person.")[1]
    assert (right.supersedes_id, right.payload) == (entry.id, {"conditions": ["electronic_tag"]})
    kept = db.session.scalars(
        select(EntrySource).where(EntrySource.entry_id == right.id).order_by(EntrySource.id)
    ).all()
    assert [(s.kind, s.quote_start, s.told_by) for s in kept] == [("ngo", 5, ""), ("call", None, "lawyer")]
    page = browser.get(f"/cases/{case.ref}").text
    assert "put right by a later entry" in page


def test_two_who_correct_the_same_entry_see_both_and_saving_again_wins(lived: Lived) -> None:
    case = lived.case()
    entry = lived.tell(case, "person.arrested")
    address = f"/cases/{case.ref}/entries/{entry.public_id}/correct"
    mine, theirs = lived.browser(lived.owner), lived.browser(lived.colleague)
    form = mine.filled(address, day="2024-03-05", text="As I heard it")
    assert theirs.fill(address, kind="person.disappeared", text="As they heard it").status_code == 303
    answer = mine.send(address, form)
    assert answer.status_code == 409
    conflict = answer.text.split('class="conflict"')[1].split("</section>")[0]
    for shown in ("As I heard it", "As they heard it", "Arrested or detained", "Forcibly disappeared"):
        assert shown in conflict, shown
    version = answer.text.split('name="version"')[1].split('value="')[1].split('"')[0]
    token = answer.text.split('name="once"')[1].split('value="')[1].split('"')[0]
    assert mine.send(address, {**form, "version": version, "once": token}).status_code == 303
    assert standing(lived, case) == "detained_without_charge"
    assert [e.supersedes_id is None for e in lived.entries(case, "person.")] == [True, False, False]


def test_a_correction_that_was_withdrawn_can_be_made_again(lived: Lived) -> None:
    case = lived.case()
    entry = lived.tell(case, "person.arrested")
    browser = lived.browser(lived.owner)
    below = f"/cases/{case.ref}/entries"
    assert browser.fill(f"{below}/{entry.public_id}/correct", kind="person.released").status_code == 303
    wrong = lived.entries(case, "person.")[1]
    assert browser.fill(f"{below}/{entry.public_id}/withdraw", reason="twice").status_code == 422, "it no longer stands"
    assert browser.fill(f"{below}/{wrong.public_id}/withdraw", reason="a mistake").status_code == 303
    assert standing(lived, case) == "detained_without_charge"
    assert browser.fill(f"{below}/{entry.public_id}/correct", kind="person.disappeared").status_code == 303
    assert standing(lived, case) == "enforced_disappearance"


def test_a_claim_is_accepted_and_stays_accepted_when_its_date_is_put_right(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    assert browser.fill(f"/cases/{case.ref}/entries/new", **ARREST, confidence="reported").status_code == 303
    assert standing(lived, case) is None
    claim = lived.entries(case, "person.")[0]
    below = f"/cases/{case.ref}/entries/{claim.public_id}"
    assert browser.fill(f"{below}/accept").status_code == 303
    assert standing(lived, case) == "detained_without_charge"
    assert browser.fill(f"{below}/accept").status_code == 422
    assert browser.fill(f"{below}/correct", day="2024-03-02").status_code == 303
    assert standing(lived, case) == "detained_without_charge"


@pytest.mark.one_engine
def test_withdrawing_needs_a_reason(lived: Lived) -> None:
    case = lived.case()
    entry = lived.tell(case, "person.arrested")
    browser = lived.browser(lived.owner)
    answer = browser.fill(f"/cases/{case.ref}/entries/{entry.public_id}/withdraw", reason="  ")
    assert answer.status_code == 422
    assert 'id="reason-error"' in answer.text


@pytest.mark.one_engine
def test_what_the_tracker_wrote_is_not_put_right_by_hand(lived: Lived) -> None:
    case = lived.case()
    lived.hearing(case)
    browser = lived.browser(lived.owner)
    for entry in (*lived.entries(case, "hearing."), *lived.entries(case, "case.opened")):
        for what in ("correct", "withdraw", "audience", "accept"):
            assert browser.get(f"/cases/{case.ref}/entries/{entry.public_id}/{what}").status_code == 404


@pytest.mark.one_engine
def test_words_about_an_entry_are_as_closed_as_the_entry(lived: Lived) -> None:
    case = lived.case()
    claim = lived.tell(case, "person.released", confidence="reported")
    with lived.at() as session:
        mine = session.get(Entry, claim.id)
        change_entry_audience(session, mine, to=Audience.NAMED, audience=Audience.NAMED, on=mine.latest_on)
    browser = lived.browser(lived.owner)
    assert (
        browser.fill(f"/cases/{case.ref}/entries/{claim.public_id}/accept", reason="The aunt rang").status_code == 303
    )
    assert lived.entries(case, "entry.accepted")[0].audience == Audience.NAMED
    assert "The aunt rang" not in lived.browser(lived.colleague).get(f"/cases/{case.ref}").text


BAD = {
    "no such day": ("day", {"day": "31/06/2024"}),
    "not a day": ("day", {"day": "last week"}),
    "no day": ("day", {"day": ""}),
    "a day ahead": ("day", {"day": "2024-03-25"}),
    "no such hour": ("at_time", {"at_time": "25:00"}),
    "a skipped hour": ("at_time", {"day": "2023-03-24", "at_time": "02:30"}),
    "an hour of a month": ("at_time", {"precision": "month", "at_time": "09:00"}),
    "NUL": ("text", {"text": "a\0b"}),
    "a control character": ("place", {"place": "a\x07b"}),
    "too long": ("text", {"text": "x" * 20_001}),
    "a place too long": ("place", {"place": "x" * 201}),
    "a source of no kind": ("source_kind", {"source_address": "A paper"}),
    "NUL in a quote": ("source_quote", {"source_kind": "press", "source_quote": "a\0b"}),
    "no kind of entry": ("kind", {"kind": "case.opened"}),
    "a stranger": ("persons", {"persons": ["99999"]}),
    "audience": ("audience", {"audience": "everybody"}),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.one_engine
def test_what_cannot_be_is_refused_on_its_field_and_nothing_is_lost(lived: Lived, bad: str) -> None:
    field, given = BAD[bad]
    case = lived.case()
    browser = lived.browser(lived.owner)
    typed = {**ARREST, "source_told_by": "neighbour", "place": "Haifa", "source_kind": "visit"}
    if bad == "a source of no kind":
        typed["source_kind"] = ""
    answer = browser.fill(f"/cases/{case.ref}/entries/new", **{**typed, **given})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text or f'href="#{field}-' in answer.text, "said where it was typed"
    for name, value in {**typed, **given}.items():
        if name in ("day", "at_time", "place", "source_told_by", "text") and "\0" not in value and "\a" not in value:
            assert value in answer.text, f"{name} is lost"
    assert lived.entries(case, "person.") == []


def test_nul_is_refused_and_no_fault_on_either_engine(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.owner)
    form = browser.filled(f"/cases/{case.ref}/entries/new", **ARREST)
    for field in ("text", "place", "source_address", "source_told_by", "source_quote", "once", "version"):
        answer = browser.send(f"/cases/{case.ref}/entries/new", {**form, field: "a\0" + "b" * 20})
        assert answer.status_code == 422, field
    for address in (
        "/cases/IOPT%00",
        f"/cases/{case.ref}/entries/a%00b/correct",
        "/cases?q=a%00b",
        "/cases?status=%00",
    ):
        assert browser.get(address).status_code == 404, address


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("table", "column"), [("entries", "text"), ("entry_persons", "person_id"), ("entry_sources", "quote")]
)
def test_what_was_written_is_never_changed(lived: Lived, table: str, column: str, statement: str) -> None:
    case = lived.case()
    lived.tell(case, "person.arrested", persons=[lived.person(case)], sourced=True)
    db.session.rollback()
    with pytest.raises(DBAPIError, match="append-only"):
        db.session.execute(text(statement.format(table, column, column)))
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(text(table)))
