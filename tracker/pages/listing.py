"""The list of cases: one statement, keyset pages, the filters in the address.

A page of 50 costs the same at a thousand cases and at a hundred thousand: each desk and stage is a branch that walks
its own index in the order asked for and stops after one page; the branches are merged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, and_, false, or_, select, tuple_, union, union_all
from sqlalchemy.orm import Session, aliased, joinedload
from sqlalchemy.sql.selectable import Subquery

from tracker.accounts.models import User
from tracker.accounts.queries import name_to
from tracker.base.audience import Audience
from tracker.cases.models import Case, CaseFace, CaseGrant, Involvement
from tracker.cases.queries import visible_cases
from tracker.flags.models import Flag
from tracker.people.models import Person
from tracker.search.queries import cases_matching

#: Cases on one page.
PAGE = 50

#: What a list can be ordered by, with the column that holds the key.
SORTS = {"worst": "worst_sort", "next": "next_sort", "checked": "checked_sort", "ref": "ref_sort"}

#: Stages by the word in the address; the first is meant where none is named.
STAGE_SETS: Mapping[str, tuple[str, ...]] = {
    "active": ("open", "monitoring"),
    "open": ("open",),
    "monitoring": ("monitoring",),
    "draft": ("draft",),
    "closed": ("closed",),
    "all": ("open", "monitoring", "draft", "closed"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks for, as it stands in the address."""

    stage: str = "active"
    risk: str = ""
    status: str = ""
    flag: str = ""
    owner: str = ""
    desk: str = ""
    q: str = ""
    sort: str = "worst"
    scope: str = "mine"
    after: str = ""
    before: str = ""

    @classmethod
    def from_args(cls, args: Mapping[str, str]) -> "Asked":
        """Read the address; what makes no sense is passed over."""
        said = {name: str(args.get(name, ""))[:200].strip() for name in cls.__slots__}
        said["stage"] = said["stage"] if said["stage"] in STAGE_SETS else "active"
        said["sort"] = said["sort"] if said["sort"] in SORTS else "worst"
        said["scope"] = said["scope"] if said["scope"] in ("mine", "others") else "mine"
        for cursor in ("after", "before"):
            said[cursor] = said[cursor] if said[cursor].rpartition("~")[2].isdecimal() else ""
        if said["after"]:
            said["before"] = ""
        return cls(**said)

    def applied(self, user: User, options: Mapping[str, Sequence[tuple[str, str]]] | None = None) -> "Asked":
        """What of this is done for a reader: nobody learns who keeps cases of other desks, or how these desks sort
        their work. With `options` (value and words by field), a value that is none of them is passed over too."""
        asked = self if user.is_staff else replace(self, scope="mine")
        if _sees_others(user, asked):
            asked = replace(asked, owner="", flag="", desk="", sort="next")
        unknown = {
            name: ""
            for name, known in (options or {}).items()
            if name != "stage" and getattr(asked, name) not in {value for value, _words in known}
        }
        return replace(asked, **unknown)

    def address(self, **changes: str) -> str:
        """The query string of this question, with changes; defaults are left out."""
        asked, plain = replace(self, **changes), Asked()
        pairs = {n: v for n in self.__slots__ if (v := getattr(asked, n)) != getattr(plain, n)}
        return "?" + urlencode(pairs) if pairs else "?"

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        narrowed = any((self.risk, self.status, self.flag, self.owner, self.desk, self.q))
        return narrowed or self.stage != "active" or self.scope != "mine"


@dataclass(frozen=True, slots=True)
class Listed:
    """One case in a list: its face, and its people as the reader may know them."""

    case: Case
    face: CaseFace
    owner: str | None
    people: Sequence[tuple[Involvement, Person]]
    rung: Audience


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, with the addresses of its neighbours (empty at an end)."""

    rows: Sequence[Listed]
    next: str = ""
    previous: str = ""


def list_cases(session: Session, user: User, asked: Asked) -> Page:
    """A page of the cases this account may see. Two statements."""
    asked = asked.applied(user)
    sort = SORTS[asked.sort]
    backwards = bool(asked.before)
    branches = [
        branch.order_by(*_order(face, sort, backwards)).limit(PAGE + 1)
        for branch, face in _branches(session, user, asked, sort)
    ]
    if not branches:
        return Page(())
    found = union_all(*(select(b.subquery()) for b in branches)).subquery()
    keys = (found.c.sort_key.desc(), found.c.case_id.desc()) if backwards else (found.c.sort_key, found.c.case_id)
    rows = session.execute(
        visible_cases(user)
        .add_columns(CaseFace, name_to(user))
        .join(found, found.c.case_id == Case.id)
        .join(CaseFace, and_(CaseFace.case_id == found.c.case_id, CaseFace.audience == found.c.audience))
        .outerjoin(User, User.id == Case.owner_id)
        .order_by(*keys)
        .limit(PAGE + 1)
    ).all()
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        rows = rows[::-1]
    people = _people(session, [case.id for case, _face, _owner in rows])
    listed = [Listed(case, face, owner, people.get(case.id, ()), face.audience) for case, face, owner in rows]
    if not listed:
        return Page(())

    def key(row: Listed) -> str:
        return f"{getattr(row.face, sort)}~{row.case.id}"

    return Page(
        listed,
        next=asked.address(after=key(listed[-1]), before="") if more or backwards else "",
        previous=asked.address(before=key(listed[0]), after="")
        if (asked.after and not backwards) or (backwards and more)
        else "",
    )


def _sees_others(user: User, asked: Asked) -> bool:
    return asked.scope == "others" or not user.is_staff


def _branches(session: Session, user: User, asked: Asked, sort: str) -> list[tuple[Select[Any], Any]]:
    """One SELECT per desk and stage that is asked for, and one for the cases restricted to named people."""
    stages = STAGE_SETS[asked.stage]
    branches = []
    if _sees_others(user, asked):
        for stage in stages:
            face = aliased(CaseFace)
            chosen = _narrowed(session, select(*_columns(face, sort)), face, asked, sort)
            branches.append(
                (
                    chosen.where(
                        face.audience == Audience.VOLUNTEERS, face.stage == stage, face.desk_id.not_in(user.desk_ids())
                    ),
                    face,
                )
            )
        return branches
    desks = [m.desk for m in user.memberships if not asked.desk or m.desk.code == asked.desk]
    for desk in desks:
        for stage in stages:
            face = aliased(CaseFace)
            chosen = _narrowed(session, select(*_columns(face, sort)), face, asked, sort)
            branches.append(
                (chosen.where(face.audience == Audience.DESK, face.desk_id == desk.id, face.stage == stage), face)
            )
    face = aliased(CaseFace)
    near = _named_beyond_desks(user)
    restricted = (
        select(*_columns(face, sort))
        .select_from(near)
        .join(face, and_(face.case_id == near.c.id, face.audience == Audience.NAMED))
        .where(face.stage.in_(stages))
    )
    if asked.desk:
        restricted = restricted.where(face.desk_id.in_([d.id for d in desks]))
    branches.append((_narrowed(session, restricted, face, asked, sort), face))
    return branches


def _named_beyond_desks(user: User) -> Subquery:
    """Cases this account is named in that its desks do not show it: those restricted to named people, and other desks'.
    Three looks into indexes, and no walk over cases."""
    beyond = or_(Case.audience == Audience.NAMED, Case.desk_id.not_in(user.desk_ids()))
    granted = select(CaseGrant.case_id).where(CaseGrant.user_id == user.id)
    return union(
        select(Case.id).where(Case.owner_id == user.id, beyond),
        select(Case.id).where(Case.deputy_id == user.id, beyond),
        select(Case.id).where(Case.id.in_(granted), beyond),
    ).subquery()


def _columns(face: Any, sort: str) -> tuple[Any, ...]:
    return face.case_id, face.audience, getattr(face, sort).label("sort_key")


def _narrowed(session: Session, chosen: Select[Any], face: Any, asked: Asked, sort: str) -> Select[Any]:
    if asked.risk:
        chosen = chosen.where(face.risk == asked.risk)
    if asked.status:
        chosen = chosen.where(face.status == asked.status)
    if asked.owner == "nobody":
        chosen = chosen.where(face.owner_id.is_(None))
    elif asked.owner:
        chosen = chosen.where(face.owner_id == int(asked.owner) if asked.owner.isdecimal() else false())
    if asked.flag:
        flagged = select(Flag.case_id).where(
            Flag.rule == asked.flag, Flag.cleared_at.is_(None), Flag.audience >= face.audience
        )
        chosen = chosen.where(face.case_id.in_(flagged.correlate(face)))
    if asked.q:
        matching = cases_matching(session, asked.q)
        if matching is None:
            return chosen.where(false())
        found = matching.subquery()
        chosen = chosen.join(found, and_(found.c.case_id == face.case_id, found.c.audience == face.audience))
    for cursor, forward in ((asked.after, True), (asked.before, False)):
        value, _tilde, number = cursor.rpartition("~")
        if cursor:
            here = tuple_(getattr(face, sort), face.case_id)
            there = tuple_(value, int(number))
            chosen = chosen.where(here > there if forward else here < there)
    return chosen


def _order(face: Any, sort: str, backwards: bool) -> tuple[Any, Any]:
    key, number = getattr(face, sort), face.case_id
    return (key.desc(), number.desc()) if backwards else (key, number)


def _people(session: Session, case_ids: Sequence[int]) -> dict[int, list[tuple[Involvement, Person]]]:
    people: dict[int, list[tuple[Involvement, Person]]] = {}
    for involved, person in session.execute(
        select(Involvement, Person)
        .join(Person, Person.id == Involvement.person_id)
        .options(joinedload(Person.names))
        .where(Involvement.case_id.in_(case_ids))
        .order_by(Involvement.position, Involvement.id)
    ).unique():
        people.setdefault(involved.case_id, []).append((involved, person))
    return people
