"""Pages that speak of what is closed to who reads them: accepting touches none of it, and silence tells nothing."""

from datetime import date
from typing import Any

import pytest
from contacts_ground import press
from house_of_cases import NOW, Lived, lived
from sqlalchemy import select

from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.once import new_token
from tracker.hearings.models import Hearing
from tracker.intake import service as intake
from tracker.intake.models import Proposal
from tracker.intake.reading.page import read_page

__all__ = ["lived"]


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


@pytest.mark.parametrize("one_by_one", [False, True])
def test_accepting_moves_no_hearing_that_is_closed_to_who_accepts(lived: Lived, one_by_one: bool) -> None:
    """What the page says becomes a hearing of its own; those who see both put them together."""
    case = lived.case("Samir Haddad")
    closed = lived.hearing(case, audience=Audience.NAMED)
    document, (proposal,) = read(lived, "Samir Haddad", "22 April 2024")
    with lived.at() as session:
        # As if the page had moved it.
        row = session.get_one(Proposal, proposal.id)
        row.payload = {**row.payload, "moves": closed.id}
    where = f"/intake/{document.public_id}"
    to = f"/proposals/{proposal.public_id}" if one_by_one else f"/groups/{proposal.group_key}"
    answer = press(lived.browser(lived.colleague), f"{where}{to}/accept", once=new_token())
    assert answer.status_code == 303
    kept = lived.fresh(closed)
    assert (kept.local_date, kept.version, kept.court) == (closed.local_date, 1, closed.court)
    of_its_own = db.session.scalars(select(Hearing).where(Hearing.id != closed.id)).one()
    assert (of_its_own.local_date, of_its_own.audience) == (date(2024, 4, 22), Audience.DESK)
    assert "8 April 2024" not in lived.browser(lived.colleague).get(f"/cases/{case.ref}").text
    both = lived.browser(lived.owner).get(f"/cases/{case.ref}").text
    assert "8 April 2024" in both
    assert "22 April 2024" in both


def test_who_sees_a_closed_hearing_moves_it_by_accepting(lived: Lived) -> None:
    case = lived.case("Samir Haddad")
    closed = lived.hearing(case, audience=Audience.NAMED)
    document, (proposal,) = read(lived, "Samir Haddad", "22 April 2024")
    with lived.at() as session:
        row = session.get_one(Proposal, proposal.id)
        row.payload = {**row.payload, "moves": closed.id}
    where = f"/intake/{document.public_id}/groups/{proposal.group_key}/accept"
    assert press(lived.browser(lived.owner), where, once=new_token()).status_code == 303
    assert lived.fresh(closed).local_date == date(2024, 4, 22)
    assert db.session.scalars(select(Hearing.id)).all() == [closed.id]


def test_a_status_known_in_confidence_does_not_show_by_silence(lived: Lived) -> None:
    """What somebody may not know of is not "known already" to them; what their desk knows is, whatever is known in
    confidence since."""
    case = lived.case("Samir Haddad")
    lived.tell(case, "person.held_incommunicado", audience=Audience.NAMED, text="In confidence")
    text = (
        "Israel and Palestine\n\nFree Samir Haddad - URGENT ACTION - 18/03/2024\n\n"
        "Samir Haddad was arrested on 4 March 2024. He is held incommunicado. Take action.\n"
    )

    def proposed(by: Any) -> list[str]:
        with clock.fixed_at(NOW), lived.at(by=by) as session:
            document = intake.keep_document(session, session.merge(lived.desk), text, "page.txt", NOW.date())
            fresh = intake.propose(session, session.merge(lived.desk), document, read_page(text)).fresh
            said = [p.payload["kind"] for p in fresh if p.payload.get("kind") == "person.held_incommunicado"]
            session.flush()
            for one in fresh:
                session.delete(one)
        return said

    assert proposed(lived.owner) == []
    assert proposed(lived.colleague) == ["person.held_incommunicado"]
    assert proposed(None) == ["person.held_incommunicado"], "a command reads as the desk"
    # The desk learns it, and in confidence it is known to have changed since.
    lived.tell(case, "person.held_incommunicado", "2024-03-11")
    lived.tell(case, "person.released", "2024-03-12", audience=Audience.NAMED, text="In confidence")
    assert proposed(lived.colleague) == []
