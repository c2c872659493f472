"""Edges at which something closed could show: each was found open once, or would be the next to be forgotten."""

import re
from datetime import timedelta
from typing import Any

import pytest
from house_of_cases import NOW, Lived
from signed_in import make_account
from sqlalchemy import select

from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.hearings.models import Hearing
from tracker.intake import service as intake
from tracker.intake.models import Proposal
from tracker.intake.reading.page import read_page
from tracker.pages import health
from tracker.timeline.models import Entry, EntrySource

pytestmark = pytest.mark.one_engine


@pytest.mark.parametrize(
    ("case", "hearing", "told"),
    [
        (Audience.VOLUNTEERS, Audience.VOLUNTEERS, True),
        (Audience.VOLUNTEERS, Audience.DESK, False),
        (Audience.DESK, Audience.VOLUNTEERS, False),
        (Audience.DESK, Audience.DESK, False),
        (Audience.NAMED, Audience.VOLUNTEERS, False),
    ],
)
def test_the_line_on_top_of_every_page_names_no_place_of_what_is_not_open_to_all(
    lived: Lived, case: Audience, hearing: Audience, told: bool
) -> None:
    """All staff read it, those of other desks too."""
    held = lived.hearing(lived.case(audience=case), audience=hearing, court="Haifa District Court")
    row = db.session.get_one(Hearing, held.id)
    said = health._when(row, NOW, open_to_all=health._is_open_to_all(db.session(), row))
    assert ("Haifa" in said) is told


def read(lived: Lived, name: str, when: str) -> Any:
    """A page about somebody, given by the owner, that proposes a hearing."""
    text = (
        f"Israel and Palestine\n\nFree {name} - URGENT ACTION - 18/03/2024\n\n{name} was arrested on 4 January 2024. "
        f"The next hearing of {name} is set for {when} at the Haifa criminal court. Take action.\n"
    )
    with lived.at(by=lived.owner) as session:
        desk = session.merge(lived.desk)
        document = intake.keep_document(session, desk, text, "page.txt", NOW.date())
        fresh = intake.propose(session, desk, document, read_page(text)).fresh
    return document, [p for p in fresh if p.kind == "hearing"]


def test_a_proposal_names_no_hearing_its_reader_may_not_see(lived: Lived) -> None:
    case = lived.case("Samir Haddad")
    lived.hearing(case, audience=Audience.NAMED)
    document, (proposal,) = read(lived, "Samir Haddad", "22 April 2024")
    where = f"/intake/{document.public_id}"
    with lived.at() as session:
        # As if the page had moved it.
        row = session.get_one(Proposal, proposal.id)
        row.payload = {**row.payload, "moves": session.scalars(select(Hearing.id)).one()}
    for path in ("", f"/proposals/{proposal.public_id}/edit"):
        assert "8 April 2024" in lived.browser(lived.owner).get(where + path).text, path
        assert "8 April 2024" not in lived.browser(lived.colleague).get(where + path).text, path


def test_what_a_page_leaves_out_does_not_tell_what_is_closed(lived: Lived) -> None:
    """Whoever gives the same page twice, once as somebody who may not see the hearing, is asked about its date."""
    case = lived.case("Samir Haddad")
    lived.hearing(case, audience=Audience.NAMED)
    text = (
        "Israel and Palestine\n\nFree Samir Haddad - URGENT ACTION - 18/03/2024\n\n"
        "The next hearing of Samir Haddad is set for 8 April 2024 at the Haifa criminal court. Take action.\n"
    )

    def proposed(by: Any) -> list[str]:
        with clock.fixed_at(NOW), lived.at(by=by) as session:
            document = intake.keep_document(session, session.merge(lived.desk), text, "page.txt", NOW.date())
            fresh = intake.propose(session, session.merge(lived.desk), document, read_page(text)).fresh
            said = [p.kind for p in fresh]
            session.flush()
            for one in fresh:
                session.delete(one)
        return said

    assert "hearing" not in proposed(lived.owner)
    assert "hearing" in proposed(lived.colleague)


def test_a_withdrawn_correction_keeps_its_sources_to_itself(lived: Lived) -> None:
    """A correction closed to the desk and withdrawn since is not put right by somebody who names its number."""
    from tracker.timeline.service import Source, record_entry, withdraw_entry

    case = lived.case()
    entry = lived.tell(case, "person.arrested", text="First words", sourced=True)
    with lived.at(NOW + timedelta(hours=1)) as session:
        closed = record_entry(
            session,
            case_id=case.id,
            kind="person.arrested",
            date_stated=intake.StatedDate(entry.latest_on),
            audience=Audience.NAMED,
            text="Closed words",
            payload={"place": "A closed place"},
            sources=[Source(kind="press", address="open"), Source(kind="message", address="a closed source")],
            supersedes_id=entry.id,
        )
    with lived.at(NOW + timedelta(hours=2)) as session:
        withdraw_entry(
            session, session.get_one(Entry, closed.id), reason="wrong", audience=Audience.NAMED, on=entry.latest_on
        )
    colleague = lived.browser(lived.colleague, NOW + timedelta(hours=3))
    where = f"/cases/{case.ref}/entries/{entry.public_id}/correct"
    page = colleague.get(where)
    assert page.status_code == 200
    assert "losed words" not in page.text
    answer = colleague.fill(where, version=str(closed.id), text="Mine")
    assert answer.status_code == 303
    db.session.rollback()
    newest = db.session.scalars(select(Entry).where(Entry.text == "Mine")).one()
    sources = db.session.scalars(select(EntrySource.address).where(EntrySource.entry_id == newest.id)).all()
    assert "a closed source" not in sources
    assert "closed source" not in colleague.get(f"/cases/{case.ref}").text


def test_a_volunteer_who_was_staff_is_on_no_desk_whatever_rows_say(lived: Lived) -> None:
    case = lived.case()
    somebody = make_account("once@example.org", desk="iopt")
    assert lived.browser(somebody).get(f"/cases/{case.ref}").status_code == 200
    with lived.at() as session:
        session.merge(somebody).role = "volunteer"
    for where in (f"/cases/{case.ref}", f"/cases/{case.ref}?view-as=desk"):
        assert lived.browser(somebody).get(where).status_code == 404
    assert not re.search(case.ref, lived.browser(somebody).get("/cases").text)
    assert db.session.get_one(Case, case.id).audience == Audience.DESK
