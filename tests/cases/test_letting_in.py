"""Nobody at the desk lets themselves in to what is closed to the desk."""

from typing import Any

import pytest
from house_of_cases import Lived

from tracker.accounts.models import Membership, User
from tracker.base.audience import Audience
from tracker.base.errors import Refused
from tracker.cases.models import Case
from tracker.cases.service import edit_case, take_case

CLOSED = "cannot let yourself in"


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


def test_others_are_let_in_by_a_colleague_as_before(lived: Lived) -> None:
    """What one is not shown one cannot show: but whom the desk names is written down with who named them."""
    case = lived.case()
    lived.tell(case, "person.ill_treated", audience=Audience.NAMED, text="In confidence")
    become(lived, case, lived.owner, named=[lived.colleague])
    become(lived, case, lived.colleague, risk="low")
    assert lived.fresh(case).risk == "low"
