"""Nobody at the desk lets anybody in to what is closed to the desk: neither themselves nor somebody else."""

from typing import Any

import pytest
from contacts_ground import Keeps, keeps
from house_of_cases import Lived
from signed_in import make_account
from sqlalchemy import select

from tracker.accounts.models import Membership, User
from tracker.base.audience import Audience
from tracker.base.errors import Refused
from tracker.cases.kinds import closed_parts
from tracker.cases.models import Case, CaseGrant
from tracker.cases.service import edit_case, take_case

CLOSED = "closed to the desk"

__all__ = ["keeps"]


def become(lived: Lived, case: Any, by: User, **fields: Any) -> None:
    """Change who is inside a case, as somebody."""
    with lived.at(by=by) as session:
        mine = session.get_one(Case, case.id)
        if "named" in fields:
            fields["named"] = [session.get_one(User, user.id) for user in fields["named"]]
        edit_case(session, mine, version=mine.version, **fields)


@pytest.mark.parametrize("way", ["owner_id", "deputy_id", "named"])
def test_a_colleague_becomes_owner_or_named_unless_something_is_closed(lived: Lived, way: str) -> None:
    case = lived.case()
    fields: dict[str, Any] = {way: [lived.colleague] if way == "named" else lived.colleague.id}
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    with pytest.raises(Refused, match=CLOSED):
        become(lived, case, lived.colleague, **fields)
    become(lived, case, lived.owner, **fields)
    open_case = lived.case()
    become(lived, open_case, lived.colleague, **fields)


def test_a_hearing_may_be_what_is_closed(lived: Lived) -> None:
    case = lived.case()
    lived.hearing(case, audience=Audience.NAMED)
    with pytest.raises(Refused, match=CLOSED):
        become(lived, case, lived.colleague, named=[lived.colleague])


def test_where_nobody_is_left_inside_a_coordinator_takes_it(lived: Lived) -> None:
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    with lived.at() as session:
        session.get_one(Case, case.id).owner_id = None

    def take() -> None:
        with lived.at(by=lived.colleague) as session:
            take_case(session, session.get_one(Case, case.id), session.get_one(User, lived.colleague.id))

    with pytest.raises(Refused, match=CLOSED):
        take()
    with lived.at() as session:
        session.query(Membership).filter_by(user_id=lived.colleague.id).one().coordinator = True
    take()
    assert lived.fresh(case).owner_id == lived.colleague.id


@pytest.fixture
def third(lived: Lived) -> User:
    """Another colleague of the desk, who sees no more of it than its desk does."""
    return make_account("third@example.org", desk="iopt", name="Farah")


def coordinates(lived: Lived, user: User) -> None:
    """Let somebody coordinate the desk."""
    with lived.at() as session:
        session.query(Membership).filter_by(user_id=user.id).one().coordinator = True


def inside(lived: Lived, case: Any) -> set[int]:
    """The accounts that see all of a case."""
    found = lived.fresh(case)
    with lived.at() as session:
        named = session.scalars(select(CaseGrant.user_id).where(CaseGrant.case_id == case.id)).all()
    return {n for n in (found.owner_id, found.deputy_id) if n} | set(named)


@pytest.mark.parametrize("way", ["owner_id", "deputy_id", "named"])
def test_nobody_outside_lets_in_somebody_else(lived: Lived, third: User, way: str) -> None:
    """Else two colleagues who ask each other would read all."""
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    fields: dict[str, Any] = {way: [third] if way == "named" else third.id}
    with pytest.raises(Refused, match=CLOSED):
        become(lived, case, lived.colleague, **fields)
    coordinates(lived, lived.colleague)
    with pytest.raises(Refused, match=CLOSED):
        become(lived, case, lived.colleague, **fields)
    assert inside(lived, case) == {lived.owner.id}
    become(lived, case, lived.owner, **fields)
    assert third.id in inside(lived, case)


def test_what_changes_nobody_inside_may_be_changed_from_the_desk(lived: Lived) -> None:
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    become(lived, case, lived.owner, named=[lived.colleague])
    become(lived, case, lived.colleague, risk="low")
    third = make_account("third@example.org", desk="iopt", name="Farah")
    become(lived, case, third, risk="medium", named=[])
    assert lived.fresh(case).risk == "medium"
    assert inside(lived, case) == {lived.owner.id}


def test_a_coordinator_does_not_empty_a_case_and_then_walk_in(lived: Lived, third: User) -> None:
    """What may be done where nobody is left must not be brought about by who wants to do it."""
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    coordinates(lived, lived.colleague)
    with pytest.raises(Refused, match="nobody who sees them"):
        become(lived, case, lived.colleague, owner_id=None)
    # Of two inside, one may be taken out by the desk; whoever is left lets in others.
    become(lived, case, lived.owner, deputy_id=third.id)
    become(lived, case, lived.colleague, owner_id=None)
    with pytest.raises(Refused, match="nobody who sees them"):
        become(lived, case, lived.colleague, deputy_id=None)
    assert inside(lived, case) == {third.id}


def test_where_nobody_is_left_a_coordinator_lets_in_whom_they_choose(lived: Lived, third: User) -> None:
    """No case stays closed for ever because its keeper left."""
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    with lived.at() as session:
        session.get_one(User, lived.owner.id).active = False
    with pytest.raises(Refused, match=CLOSED):
        become(lived, case, lived.colleague, owner_id=third.id)
    coordinates(lived, lived.colleague)
    become(lived, case, lived.colleague, owner_id=third.id)
    assert inside(lived, case) == {third.id}


def test_a_contact_may_be_what_is_closed(lived: Lived, keeps: Keeps, third: User) -> None:
    case = lived.case()
    keeps(case)
    become(lived, case, lived.colleague, deputy_id=third.id)
    become(lived, case, lived.owner, deputy_id=None)
    keeps(case, audience=Audience.NAMED)
    assert "contacts" in closed_parts.codes()
    for whom in (third, lived.colleague):
        with pytest.raises(Refused, match=CLOSED):
            become(lived, case, lived.colleague, deputy_id=whom.id)


def test_a_page_says_it_on_the_field(lived: Lived, third: User) -> None:
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    where = f"/cases/{case.ref}/edit"
    answer = lived.browser(lived.colleague).fill(where, named=[str(third.id)])
    assert answer.status_code == 422
    assert "closed to the desk" in answer.text
    assert inside(lived, case) == {lived.owner.id}
    assert lived.browser(lived.owner).fill(where, named=[str(third.id)]).status_code == 303
    assert third.id in inside(lived, case)


def test_what_is_refused_is_said_in_the_readers_language(lived: Lived, third: User) -> None:
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    with lived.at() as session:
        session.get_one(User, lived.colleague.id).language = "ar"
    answer = lived.browser(lived.fresh(lived.colleague)).fill(f"/cases/{case.ref}/edit", named=[str(third.id)])
    assert answer.status_code == 422
    assert "closed to the desk" not in answer.text
    assert "أجزاء من هذه الحالة مغلقة أمام المكتب" in answer.text
