"""Reading cases. `level` is the one expression that decides who sees what: the list of cases goes through
`visible_cases`, lists of what cases hold compare it with the rung of what they list."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, literal, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Membership, User
from tracker.audit.kinds import concerned, rungs
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.base.sight import decides_sight
from tracker.cases.models import Case, CaseGrant, Involvement
from tracker.people.models import Person

#: No rung: an account that may see nothing of a case.
NOTHING = 9


def level(user_id: Any, looked_at: Any = Case) -> ColumnElement[int]:
    """SQL: from which rung of the ladder an account (a value or a column) looks at a case; NOTHING where it may not.

    Owner, deputy and the named people see all of it; the desk's staff and admins from the desk's rung; every active
    account from the volunteers'. An account that is not active sees nothing.
    """
    person, colleague, account, grant, member = _looked_up()
    granted = select(grant.user_id).where(grant.case_id == looked_at.id).correlate_except(grant)
    named = (
        select(1)
        .select_from(person)
        .where(
            person.id == user_id,
            person.active,
            or_(looked_at.owner_id == person.id, looked_at.deputy_id == person.id, person.id.in_(granted)),
        )
        .correlate_except(person)
    )
    on_desk = (
        select(1)
        .select_from(colleague)
        .join(member, member.user_id == colleague.id)
        .where(
            colleague.id == user_id,
            colleague.active,
            colleague.role.in_(("staff", "admin")),
            member.desk_id == looked_at.desk_id,
        )
        .correlate_except(colleague, member)
    )
    signed_up = select(1).select_from(account).where(account.id == user_id, account.active).correlate_except(account)
    return case(
        (exists(named), literal(int(Audience.NAMED))),
        (and_(looked_at.audience >= Audience.DESK, exists(on_desk)), literal(int(Audience.DESK))),
        (and_(looked_at.audience >= Audience.VOLUNTEERS, exists(signed_up)), literal(int(Audience.VOLUNTEERS))),
        else_=literal(NOTHING),
    )


@cache
def _looked_up() -> tuple[Any, ...]:
    """The tables `level` looks into, under names of their own. Made once: each stands in the innermost FROM of its own
    subquery, however often that is asked in one statement, and making them takes longer than all the rest."""
    return aliased(User), aliased(User), aliased(User), aliased(CaseGrant), aliased(Membership)


@decides_sight
def may_see(user_id: Any, case_id: Any) -> ColumnElement[bool]:
    """SQL: may this account see this case at all? Both may be values or columns of a surrounding statement."""
    looked_at = aliased(Case)
    sight = select(1).where(looked_at.id == case_id, level(user_id, looked_at) < NOTHING)
    return exists(sight.correlate_except(looked_at))


def visible_cases(user: User) -> Select[Any]:
    """The cases this account may see."""
    return select(Case).where(level(user.id) < NOTHING)


@cache
def _seen_case() -> Any:
    """The case called `:ref` and the rung `:user_id` sees it from. Every page of a case asks it: it is put together
    once, for that takes longer than asking."""
    return select(Case, level(bindparam("user_id"))).where(Case.ref == bindparam("ref"))


def get_case(session: Session, user: User, ref: str) -> tuple[Case, Audience]:
    """The case called `ref` and the rung this account sees it from. NotFound alike when there is none and when the
    account may not know of it."""
    row = session.execute(_seen_case(), {"user_id": user.id, "ref": ref.upper()}).first()
    if row is None or row[1] >= NOTHING:
        raise NotFound(f"There is no case {ref[:30]} that you may see.")
    return row[0], Audience(row[1])


def get_case_by_ref(session: Session, ref: str) -> Case:
    """The case called `ref`, for commands and services. NotFound when there is none."""
    found = session.scalar(select(Case).where(Case.ref == ref.strip().upper()))
    if found is None:
        raise NotFound(f"There is no case {ref[:30]}.")
    return found


def list_people(session: Session, case_id: int) -> list[tuple[Involvement, Person]]:
    """Who is in a case, in the order they are shown."""
    rows = session.execute(
        select(Involvement, Person)
        .join(Person, Person.id == Involvement.person_id)
        .where(Involvement.case_id == case_id)
        .order_by(Involvement.position, Involvement.id)
    )
    return [(involvement, person) for involvement, person in rows]


@rungs.adds("cases")
def rungs_of_cases(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """To which rung each of these cases is open at all."""
    return {row.id: row.audience for row in session.execute(select(Case.id, Case.audience).where(Case.id.in_(ids)))}


@concerned.adds("persons")
def cases_of_persons(session: Session, ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The cases that each of these people is in."""
    found: dict[int, set[int]] = {}
    within = select(Involvement.person_id, Involvement.case_id).where(Involvement.person_id.in_(ids))
    for person_id, case_id in session.execute(within):
        found.setdefault(person_id, set()).add(case_id)
    return found
