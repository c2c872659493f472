"""Who sees a case, from which rung, and that a case one may not see is as one that is not there."""

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from house_of_cases import NOW, Lived
from sqlalchemy import select

from tracker.accounts.models import Membership, User
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.db import db
from tracker.base.errors import NotFound
from tracker.base.sight import may_see
from tracker.cases import service
from tracker.cases.models import Case, CaseGrant
from tracker.cases.queries import NOTHING, get_case, level, visible_cases


def rung(user: User, case: Case) -> int:
    """From which rung a user sees a case, as the database says."""
    db.session.rollback()
    return int(db.session.scalar(select(level(user.id)).where(Case.id == case.id)) or 0)


@pytest.mark.parametrize(
    ("audience", "sees"),
    [
        (Audience.NAMED, {"owner": 0}),
        (Audience.DESK, {"owner": 0, "colleague": 1}),
        (Audience.VOLUNTEERS, {"owner": 0, "colleague": 1, "outsider": 2, "volunteer": 2, "admin": 2}),
    ],
)
def test_the_ladder(lived: Lived, audience: Audience, sees: dict[str, int]) -> None:
    case = lived.case(audience=audience)
    for name in ("owner", "colleague", "outsider", "volunteer", "admin"):
        assert rung(getattr(lived, name), case) == sees.get(name, NOTHING), name


def test_a_deputy_and_the_named_see_all_of_it(lived: Lived) -> None:
    case = lived.case(audience=Audience.NAMED)
    with lived.at() as session:
        service.name_people(session, session.get(Case, case.id), [session.get(User, lived.admin.id)])
    assert rung(lived.admin, case) == Audience.NAMED
    with lived.at() as session:
        mine = session.get(Case, case.id)
        service.edit_case(session, mine, version=mine.version, deputy_id=lived.colleague.id, named=[])
    assert rung(lived.colleague, case) == Audience.NAMED
    assert rung(lived.admin, case) == NOTHING


def test_an_account_that_is_not_active_sees_nothing(lived: Lived) -> None:
    case = lived.case(audience=Audience.VOLUNTEERS)
    for user in (lived.owner, lived.colleague, lived.volunteer):
        db.session.rollback()
        db.session.get(User, user.id).active = False
        db.session.commit()
        assert rung(user, case) == NOTHING


def test_the_three_uses_of_one_expression_agree(lived: Lived) -> None:
    """Random people, desks, cases and grants: what one may list, may be mailed about and may open is the same."""
    chance = random.Random(4)
    db.session.rollback()
    users = [lived.owner, lived.colleague, lived.outsider, lived.volunteer, lived.admin]
    for number in range(12):
        user = User(
            email=f"{number}@example.org",
            email_key=f"{number}@example.org",
            name=f"N{number}",
            password="",
            fs_uniquifier=new_public_id(),
            role=chance.choice(["staff", "admin", "volunteer"]),
            active=chance.random() > 0.2,
            created_at=lived.desk.created_at,
        )
        db.session.add(user)
        db.session.flush()
        for desk in (lived.desk, lived.other_desk):
            if chance.random() < 0.4:
                db.session.add(Membership(user_id=user.id, desk_id=desk.id))
        users.append(user)
    db.session.commit()
    for _number in range(30):
        case = lived.case(
            audience=chance.choice([Audience.NAMED, Audience.DESK, Audience.VOLUNTEERS]),
            owner=False,
            desk=chance.choice([lived.desk, lived.other_desk]),
        )
        row = db.session.get(Case, case.id)
        row.owner_id, row.deputy_id = (chance.choice([None, *(u.id for u in users)]) for _ in range(2))
        for user in chance.sample(users, 2):
            db.session.add(CaseGrant(case_id=case.id, user_id=user.id))
        db.session.commit()
    refs = dict(db.session.execute(select(Case.id, Case.ref)).all())
    pairs = db.session.execute(select(User.id, Case.id).join(Case, may_see(User.id, Case.id))).all()
    for user in users:
        listed = {case.id for case in db.session.scalars(visible_cases(user))}
        assert {case_id for user_id, case_id in pairs if user_id == user.id} == listed
        assert set(db.session.scalars(select(Case.id).where(may_see(user.id, Case.id)))) == listed
        for number, ref in refs.items():
            try:
                assert get_case(db.session(), user, ref)[1] < NOTHING
                opened = True
            except NotFound:
                opened = False
            assert opened == (number in listed)
    assert len(pairs) > 100


@pytest.mark.one_engine
def test_a_case_one_may_not_see_answers_as_one_that_is_not_there(lived: Lived) -> None:
    case = lived.case(audience=Audience.NAMED)
    hearing, entry = lived.hearing(case), lived.tell(case, "person.arrested")
    below = [
        *("", "/edit", "/close", "/reopen", "/people/new", "/hearings/new", "/entries/new"),
        *(
            f"/hearings/{hearing.public_id}/{what}"
            for what in ("edit", "move", "correct", "confirm", "cancel", "outcome")
        ),
        *(f"/entries/{entry.public_id}/{what}" for what in ("correct", "accept", "withdraw", "audience")),
    ]
    colleague = lived.browser(lived.colleague)

    def without_what_differs(text: str, ref: str) -> str:
        return re.sub(r'(nonce-|nonce="|value=")[^"\']+', r"\1", text.replace(ref, "REF"))

    for path in below:
        hidden, missing = (colleague.get(f"/cases/{ref}{path}") for ref in (case.ref, "IOPT-0999"))
        assert (hidden.status_code, missing.status_code) == (404, 404), path
        assert without_what_differs(hidden.text, case.ref) == without_what_differs(missing.text, "IOPT-0999"), path
    assert lived.browser(lived.owner).get(f"/cases/{case.ref}").status_code == 200
    for address in ("/", "/cases", "/cases?q=Khalefa", f"/cases?q={case.ref}", "/hearings", "/cases?scope=others"):
        page = colleague.get(address).text
        assert "Khalefa" not in page.replace('value="Khalefa"', ""), address
        assert case.title not in page, address


@pytest.mark.one_engine
def test_volunteers_and_other_desks_read_initials_and_nothing_of_the_desk(lived: Lived) -> None:
    title = "Held without charge after a raid"
    case = lived.case("Ahmad Khalefa", title=title, summary="Khalefa is a lawyer.", audience=Audience.VOLUNTEERS)
    lived.hearing(case, audience=Audience.VOLUNTEERS, note="Ring the family", observer="Consul")
    lived.tell(case, "person.arrested", audience=Audience.VOLUNTEERS, text="Taken at night", sourced=True)
    lived.tell(case, "person.health_reported", text="Confidential words")
    for user in (lived.volunteer, lived.outsider):
        browser = lived.browser(user)
        for address in ("/", "/cases", f"/cases/{case.ref}", "/hearings", f"/cases?q={case.ref}&scope=others"):
            page = browser.get(address).text
            for secret in (
                title,
                "Khalefa",
                "Ahmad",
                "Ring the family",
                "Consul",
                "Confidential words",
                "a paper",
                "Amal",
            ):
                assert secret not in page, (user.name, address, secret)
        assert "A.K." in browser.get(f"/cases/{case.ref}").text
        assert case.nickname in browser.get("/cases?scope=others").text
        for asked in ("Khalefa", "Ahmad", "lawyer", "raid"):
            assert case.ref not in browser.get(f"/cases?q={asked}&scope=others").text
        assert browser.get(f"/cases/{case.ref}/edit").status_code == 403
    assert "Ahmad Khalefa" in lived.browser(lived.colleague).get(f"/cases/{case.ref}").text


@pytest.mark.one_engine
def test_what_was_closed_since_is_not_read_by_asking_for_the_past(lived: Lived) -> None:
    from tracker.timeline.service import change_entry_audience

    later = NOW + timedelta(days=2)
    case = lived.case()
    entry = lived.tell(case, "person.ill_treated", text="In confidence")
    colleague, owner = (lived.browser(user, later) for user in (lived.colleague, lived.owner))
    assert "In confidence" in colleague.get(f"/cases/{case.ref}?known-on=2024-03-18").text
    with lived.at(later) as session:
        change_entry_audience(
            session, session.get(type(entry), entry.id), to=Audience.NAMED, audience=Audience.NAMED, on=entry.latest_on
        )
    for path in ("", "?known-on=2024-03-18", "?known-on=2024-04-18"):
        assert "In confidence" not in colleague.get(f"/cases/{case.ref}{path}").text
        assert "In confidence" in owner.get(f"/cases/{case.ref}{path}").text
    for what in ("correct", "accept", "withdraw", "audience"):
        page: Any = colleague.get(f"/cases/{case.ref}/entries/{entry.public_id}/{what}")
        assert page.status_code == 404
