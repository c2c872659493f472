"""What was done in a case, for who keeps it; nothing of it for whom it was not, or is not."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from contacts_ground import Keeps
from flask import Flask
from house_of_cases import NOW, Browser, Lived, statements
from sqlalchemy import text

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.db import WRITES, db
from tracker.base.work import Actor, note_read, unit_of_work
from tracker.cases.models import Case
from tracker.cases.service import edit_case
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import on_day
from tracker.history import queries
from tracker.people.models import Person
from tracker.people.service import NameGiven, edit_person
from tracker.timeline.service import change_entry_audience


def plain(answer: Any) -> str:
    """A page as a person reads it."""
    main = answer.text.split("<main", 1)[1].split("</main>", 1)[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def history(browser: Browser, case: Case, query: str = "") -> str:
    """The history of a case as somebody reads it."""
    answer = browser.get(f"/cases/{case.ref}/history{query}")
    assert answer.status_code == 200
    return plain(answer)


def change(lived: Lived, case: Case, by: User | None = None, **fields: Any) -> None:
    """Change a case as the form does."""
    who = by or lived.owner
    with unit_of_work("cases.edit", Actor("user", who.id, who.name), f"case:{case.id}", now=NOW) as _now:
        mine = db.session.get(Case, case.id, populate_existing=True)
        assert mine is not None
        edit_case(db.session(), mine, version=mine.version, **fields)


def test_it_works(lived: Lived) -> None:
    case = lived.case("Amira")
    change(lived, case, title="A new title", risk="critical", owner_id=lived.colleague.id)
    said = history(lived.browser(lived.owner), case)
    assert "Amal : changed the case" in said
    assert "Title Held without charge → is now A new title" in said
    assert "Risk high risk → is now critical risk" in said
    assert "Owner Amal → is now Basel" in said
    assert said.index("changed the case") < said.index("the command line"), "newest first"
    assert "Mon 18 Mar 2024, 10:00" in said, "on the clock of the reader"


def test_what_follows_from_it_stands_in_each_case_with_its_own_share(lived: Lived) -> None:
    first, second = lived.case("Amira"), lived.case("Walid")
    hearing = lived.hearing(first, second)
    with unit_of_work("hearings.move", Actor("user", lived.owner.id, "Amal"), f"hearing:{hearing.id}", now=NOW):
        held = db.session.get(Hearing, hearing.id, populate_existing=True)
        assert held is not None
        day = on_day("Asia/Jerusalem", NOW.date() + timedelta(days=30))
        hearings.move_hearing(db.session(), held, day, version=held.version)
    browser = lived.browser(lived.owner)
    for case, other in ((first, "Walid"), (second, "Amira")):
        said = history(browser, case)
        assert "Amal : moved a hearing" in said
        assert "Date Mon 8 Apr 2024 → is now Wed 17 Apr 2024" in said
        assert other not in said


def test_a_person_of_two_cases_is_told_in_both(lived: Lived) -> None:
    first, second = lived.case("Amira"), lived.case("Walid")
    with unit_of_work("people.edit", Actor("user", lived.owner.id, "Amal"), now=NOW):
        person = db.session.get(Person, lived.person(first))
        assert person is not None
        edit_person(
            db.session(), person, [NameGiven("Amira"), NameGiven("Amal Canary")], version=1, occupation="surgeon"
        )
    browser = lived.browser(lived.owner)
    assert "Occupation – nothing → is now surgeon" in history(browser, first)
    assert "Amal Canary" in history(browser, first)
    assert "surgeon" not in history(browser, second)


def test_what_is_for_the_named_people_is_told_to_nobody_else(lived: Lived) -> None:
    case = lived.case("Amira")
    secret = lived.tell(case, "case.news", text="canary one", audience=Audience.NAMED, by=lived.owner)
    closed = lived.tell(case, "case.news", text="canary two", by=lived.owner)
    with lived.at(NOW, lived.owner) as session:
        change_entry_audience(session, closed, to=Audience.NAMED, audience=Audience.NAMED, on=NOW.date())
    lived.hearing(case, audience=Audience.NAMED, observer="canary three", by=lived.owner)
    opened = lived.tell(case, "case.news", text="canary four", audience=Audience.NAMED, by=lived.owner)
    with lived.at(NOW, lived.owner) as session:
        change_entry_audience(session, opened, to=Audience.DESK, audience=Audience.NAMED, on=NOW.date())
    mine, theirs = (history(lived.browser(user), case) for user in (lived.owner, lived.colleague))
    assert {"canary one", "canary two", "canary three", "canary four"} <= set(re.findall("canary \\w+", mine))
    assert "canary" not in theirs
    # That something was done is left out, too: whoever may not see it does not learn that it is there.
    assert "Amal :" not in theirs
    assert secret.id


def test_where_somebody_stands_is_not_told_by_what_followed(lived: Lived) -> None:
    """The state of a person is folded from all entries, also from those a reader may not see."""
    case = lived.case("Amira")
    lived.tell(case, "person.released", audience=Audience.NAMED, by=lived.owner, persons=[lived.person(case)])
    theirs = history(lived.browser(lived.colleague), case)
    assert "Amal :" not in theirs
    assert "released" not in theirs.lower()
    assert "released" in history(lived.browser(lived.owner), case).lower()


def test_what_was_done_while_a_case_was_for_few_stays_with_them(lived: Lived) -> None:
    case = lived.case("Amira")
    change(lived, case, audience=Audience.NAMED)
    change(lived, case, summary="canary, for few")
    change(lived, case, audience=Audience.DESK, summary="for the desk")
    change(lived, case, title="For all of the desk")
    theirs = history(lived.browser(lived.colleague), case)
    assert "canary" not in theirs
    assert "For all of the desk" in theirs
    assert "canary" in history(lived.browser(lived.owner), case)


@pytest.mark.parametrize("page", ["history", "looks"])
def test_it_is_for_who_keeps_the_case(lived: Lived, page: str) -> None:
    case, restricted = lived.case("Amira", audience=Audience.VOLUNTEERS), lived.case("Walid", audience=Audience.NAMED)
    for who, status in ((lived.owner, 200), (lived.colleague, 200), (lived.outsider, 403), (lived.volunteer, 403)):
        assert lived.browser(who).get(f"/cases/{case.ref}/{page}").status_code == status
    for who in (lived.colleague, lived.outsider, lived.admin):
        browser = lived.browser(who)
        missing, closed = (browser.get(f"/cases/{ref}/{page}") for ref in ("IOPT-0999", restricted.ref))
        assert (missing.status_code, closed.status_code) == (404, 404)
        assert plain(closed).replace(restricted.ref, "") == plain(missing).replace("IOPT-0999", "")


def test_pages_follow_each_other_without_gaps(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 5)
    monkeypatch.setattr(queries, "OPENED", 20)
    case = lived.case("Amira")
    for number in range(12):
        change(lived, case, title=f"Title {number:02}")
    browser, found, query = lived.browser(lived.owner), [], ""
    for _page in range(4):
        answer = browser.get(f"/cases/{case.ref}/history{query}")
        found += re.findall(r'id="act-(\d+)"', answer.text)
        further = re.search(r'href="[^"]*(\?before=\d+)"', answer.text)
        query = further[1] if further else ""
        if not query:
            break
    assert query == ""
    assert found == sorted(found, key=int, reverse=True)
    assert len(found) == len(set(found)) == 13


@pytest.mark.parametrize("before", ["0", "-3", "x", str(2**70)])
@pytest.mark.one_engine
def test_a_page_that_cannot_be_begins_at_the_newest(lived: Lived, before: str) -> None:
    case = lived.case("Amira")
    browser = lived.browser(lived.owner)
    assert history(browser, case, f"?before={before}") == history(browser, case)


def test_it_costs_the_same_however_much_was_done(lived: Lived) -> None:
    case, other = lived.case("Amira"), lived.case("Walid")
    lived.hearing(case, other)
    lived.tell(case, "case.news", by=lived.owner)
    browser = lived.browser(lived.colleague)

    def asked() -> int:
        browser.get(f"/cases/{case.ref}/history")
        with statements() as counted:
            browser.get(f"/cases/{case.ref}/history")
        return len(counted.said)

    few = asked()
    for number in range(25):
        change(lived, case, title=f"Title {number}")
        lived.tell(case, "case.news", by=lived.owner)
    assert asked() <= few <= 13


def test_when_its_key_is_gone_the_acts_stand_there_and_what_they_changed_does_not(lived: Lived) -> None:
    case = lived.case("Amira")
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(text(f"DELETE FROM data_keys WHERE subject = 'case:{case.id}'"))
    said = history(lived.browser(lived.owner), case)
    assert "cannot be opened any more" in said
    assert "Held without charge" not in said
    db.session.rollback()
    left = db.session.execute(text(f"SELECT count(*) FROM data_keys WHERE subject = 'case:{case.id}'")).scalar()
    assert left == 0, "reading makes no key"


# Who looked -----------------------------------------------------------------------------------------------------------


def look(lived: Lived, case: Case, by: User, **about: Any) -> None:
    """Somebody is shown something sealed."""
    with unit_of_work("contacts.reveal", Actor("user", by.id, by.name), "contact:7", now=NOW):
        note_read("contacts", 7, case.id, **about)


def test_who_looked_at_the_familys_number_stands_on_one_page(lived: Lived) -> None:
    case, other = lived.case("Amira"), lived.case("Walid")
    change(lived, case, title="Not a look")
    look(lived, case, lived.colleague, reason="calling now", kind="family")
    look(lived, case, lived.owner, reason="checking", kind="family")
    look(lived, other, lived.colleague, reason="updating", kind="lawyer")
    browser = lived.browser(lived.owner)
    said = plain(browser.get(f"/cases/{case.ref}/looks"))
    assert said.index("Amal") < said.index("Basel"), "newest first"
    assert re.search(r"Basel Mon 18 Mar 2024, 10:00 Looked at: a contact .*Reason calling now", said)
    assert "updating" not in said
    assert "Not a look" not in said
    assert "Looked at: a contact" in history(browser, case)


def test_no_look_is_left_out_because_of_a_rung(lived: Lived) -> None:
    case = lived.case("Amira")
    change(lived, case, audience=Audience.NAMED)
    look(lived, case, lived.owner, reason="checking")
    change(lived, case, audience=Audience.DESK)
    assert "checking" in plain(lived.browser(lived.colleague).get(f"/cases/{case.ref}/looks"))


def test_nobody_looked(lived: Lived, app: Flask) -> None:
    case = lived.case("Amira")
    browser = lived.browser(lived.owner)
    before = db.session.execute(text("SELECT count(*) FROM acts")).scalar()
    db.session.rollback()
    assert "Nobody has looked" in plain(browser.get(f"/cases/{case.ref}/looks"))
    history(browser, case)
    assert db.session.execute(text("SELECT count(*) FROM acts")).scalar() == before, "reading this is no look"


def test_the_case_file_leads_there(lived: Lived) -> None:
    case = lived.case("Amira", audience=Audience.VOLUNTEERS)
    address = f"/cases/{case.ref}/history"
    assert address in lived.browser(lived.owner).get(f"/cases/{case.ref}").text
    assert address not in lived.browser(lived.volunteer).get(f"/cases/{case.ref}").text


def test_no_code_of_a_contact_or_of_a_word_on_consent_stands_there(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    keeps(case, {"note": "Asthma"}, kind="medical_note", label="medicine")
    lived.agrees(case, "medical", speaker="lawyer", how="paper")
    lived.tell(case, "person.arrested", precision="month")
    page = lived.browser(lived.owner).get(f"/cases/{case.ref}/history").text
    for code in ("medical_note", "Email key", "Phone key", "Label", "Speaker", "Given on", "Ends at", "Review at"):
        assert code not in page, code
    for words in ("medical note", "medicine and treatment", "who said it", "some day of that month"):
        assert words.lower() in page.lower(), words
