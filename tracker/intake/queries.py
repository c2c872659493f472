"""Reading documents and what they propose. Whoever is on a document's desk may see it; a group whose case somebody may
not see is not there for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, defer

from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.queries import name_to, names_to
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import level
from tracker.hearings.models import Appearance, Hearing
from tracker.intake.models import Document, Proposal
from tracker.people.models import PersonName
from tracker.search.rules import name_key

#: Documents on a page of the list.
PAGE = 50

#: Characters shown before and after a sentence.
AROUND = 90


@dataclass(frozen=True, slots=True)
class Listed:
    """A document with what became of its proposals, as far as the reader may see them."""

    document: Document
    desk: Desk
    received_by: str
    open: int
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal beside its sentence: `before` and `after` are the words around it."""

    proposal: Proposal
    before: str
    quote: str
    after: str
    decided_by: str
    #: The hearing it moves, where it still lies ahead.
    moves: Hearing | None


@dataclass(slots=True)
class Group:
    """The proposals that make, or go into, one case."""

    key: str
    number: int
    #: The case it goes into or went into; None: it would make one.
    case: Case | None
    #: What the case would be: the proposal of kind `case`, of this document or an earlier one; None where it exists.
    proposed: Proposal | None
    shown: list[Shown] = field(default_factory=list)
    #: Open cases with people of a like name, for a human to compare.
    alike: list[Case] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The people of the case that would be made."""
        return [p["name"] for p in self.proposed.payload["persons"]] if self.proposed else []

    @property
    def open(self) -> list[Proposal]:
        """What nobody has decided."""
        return [s.proposal for s in self.shown if s.proposal.state == "open"]

    @property
    def title(self) -> str:
        """What it is called: the case's title, or the one it would get."""
        if self.case is not None:
            return self.case.title
        return str(self.proposed.payload["title"]) if self.proposed else ""


def get_document(session: Session, user: User, public_id: str) -> tuple[Document, Desk]:
    """The document and its desk. NotFound alike when there is none and when it is another desk's."""
    row = session.execute(
        select(Document, Desk)
        .join(Desk, Desk.id == Document.desk_id)
        .join(Membership, Membership.desk_id == Desk.id)
        .where(Document.public_id == public_id, Membership.user_id == user.id)
    ).first()
    if row is None:
        raise NotFound("There is no such page that you may see.")
    return row[0], row[1]


def _seen(user: User) -> Select[Any]:
    """Proposals whose case, where they have one, this account may see from the desk's rung."""
    return (
        select(Proposal)
        .outerjoin(Case, Case.id == Proposal.case_id)
        .where(or_(Proposal.case_id.is_(None), level(user.id) <= Audience.DESK))
    )


def get_proposal(session: Session, user: User, document: Document, public_id: str) -> Proposal:
    """A proposal of this document. NotFound otherwise."""
    found = session.scalar(_seen(user).where(Proposal.document_id == document.id, Proposal.public_id == public_id))
    if found is None:
        raise NotFound("There is no such proposal on this page.")
    return found


def list_open(session: Session, user: User, document: Document, group: str) -> Sequence[Proposal]:
    """What this document still proposes for one group, in the order of the page."""
    return session.scalars(
        _seen(user)
        .where(Proposal.document_id == document.id, Proposal.group_key == group, Proposal.state == "open")
        .order_by(Proposal.position, Proposal.id)
    ).all()


def list_documents(session: Session, user: User, before: str | None = None) -> list[Listed]:
    """The documents of this account's desks, newest first: at most PAGE, and one more where there are more.

    `before`: public id of the last document of the page before.
    """
    documents = (
        select(Document, Desk, func.coalesce(name_to(user), ""))
        .options(defer(Document.text))
        .join(Desk, Desk.id == Document.desk_id)
        .join(Membership, Membership.desk_id == Desk.id)
        .outerjoin(User, User.id == Document.received_by)
        .where(Membership.user_id == user.id)
        .order_by(Document.id.desc())
        .limit(PAGE + 1)
    )
    if before:
        documents = documents.where(
            Document.id < select(Document.id).where(Document.public_id == before).scalar_subquery()
        )
    rows = session.execute(documents).all()
    counted = (
        _seen(user)
        .with_only_columns(Proposal.document_id, Proposal.state, func.count())
        .where(Proposal.document_id.in_([document.id for document, _desk, _who in rows]))
        .group_by(Proposal.document_id, Proposal.state)
    )
    counts = {(document, state): count for document, state, count in session.execute(counted)}

    def of(document: Document, *states: str) -> int:
        return sum(counts.get((document.id, state), 0) for state in states)

    return [
        Listed(
            document,
            desk,
            who,
            of(document, "open"),
            of(document, "accepted", "accepted_unread"),
            of(document, "rejected", "left_out"),
        )
        for document, desk, who in rows
    ]


def count_open_elsewhere(session: Session, user: User, document: Document) -> int:
    """How many proposals of the desk's other documents wait."""
    waiting = _seen(user).where(
        Proposal.desk_id == document.desk_id, Proposal.document_id != document.id, Proposal.state == "open"
    )
    return session.scalar(waiting.with_only_columns(func.count())) or 0


def list_groups(session: Session, user: User, document: Document) -> list[Group]:
    """Everything a document proposes and proposed, by group, in the order of the page: a few statements in all."""
    proposals = session.scalars(
        _seen(user).where(Proposal.document_id == document.id).order_by(Proposal.position, Proposal.id)
    ).all()
    keys = list(dict.fromkeys(p.group_key for p in proposals))
    of_groups = session.scalars(
        _seen(user).where(
            Proposal.desk_id == document.desk_id,
            Proposal.group_key.in_(keys),
            or_(Proposal.kind == "case", Proposal.case_id.is_not(None)),
        )
    ).all()
    case_of = {p.group_key: p.case_id for p in of_groups if p.case_id is not None}
    proposed = {p.group_key: p for p in of_groups if p.kind == "case"}
    cases = {c.id: c for c in session.scalars(select(Case).where(Case.id.in_(case_of.values())))}
    deciders = names_to(session, user, [p.decided_by for p in proposals])
    moved = _moved(session, user, proposals)
    alike = _alike(session, user, document.desk_id, [p for key, p in proposed.items() if key not in case_of])
    groups = {
        key: Group(key, number, cases.get(case_of.get(key) or 0), proposed.get(key), [], alike.get(key, []))
        for number, key in enumerate(keys, 1)
    }
    for proposal in proposals:
        # What stands around a heading is another entry.
        before, after = ("", "") if proposal.kind == "case" else _around(document.text, proposal)
        groups[proposal.group_key].shown.append(
            Shown(
                proposal,
                before,
                " ".join(proposal.quote.split()),
                after,
                deciders.get(proposal.decided_by or 0, ""),
                moved.get(proposal.payload.get("moves") or 0),
            )
        )
    return list(groups.values())


def list_scheduled(session: Session, user: User, case: Case) -> Sequence[Hearing]:
    """The hearings of a case that lie ahead or wait for their outcome, as far as this account may see them: what a
    proposed one may move or put right."""
    return (
        session.scalars(
            select(Hearing)
            .join(Appearance, Appearance.hearing_id == Hearing.id)
            .join(Case, Case.id == Appearance.case_id)
            .where(Case.id == case.id, Hearing.state == "scheduled", level(user.id) <= Hearing.audience)
            .distinct()
            .order_by(Hearing.id)
        )
        .unique()
        .all()
    )


def list_people_names(session: Session, case: Case) -> list[str]:
    """The first name of everybody in a case."""
    names: dict[int, str] = {}
    for person_id, text in session.execute(
        select(Involvement.person_id, PersonName.text)
        .join(PersonName, PersonName.person_id == Involvement.person_id)
        .where(Involvement.case_id == case.id)
        .order_by(Involvement.position, PersonName.position)
    ):
        names.setdefault(person_id, text)
    return list(names.values())


def _moved(session: Session, user: User, proposals: Sequence[Proposal]) -> dict[int, Hearing]:
    """The hearings that open proposals would move, as far as this account may see them."""
    wanted = {p.payload["moves"] for p in proposals if p.state == "open" and p.payload.get("moves")}
    return {
        h.id: h
        for h in session.scalars(
            select(Hearing)
            .join(Appearance, Appearance.hearing_id == Hearing.id)
            .join(Case, Case.id == Appearance.case_id)
            .where(Hearing.id.in_(wanted), Hearing.state == "scheduled", level(user.id) <= Hearing.audience)
        )
    }


def _alike(session: Session, user: User, desk_id: int, proposed: Sequence[Proposal]) -> dict[str, list[Case]]:
    """By group: open cases of the desk with somebody whose name has the same key, that this account may see."""
    wanted: dict[str, set[str]] = {}
    for proposal in proposed:
        if proposal.state == "open":
            for person in proposal.payload["persons"]:
                for name in (person["name"], *person.get("variants", ())):
                    wanted.setdefault(name_key(name), set()).add(proposal.group_key)
    wanted.pop("", None)
    found: dict[str, list[Case]] = {}
    for key, case in session.execute(
        select(PersonName.name_key, Case)
        .join(Involvement, Involvement.person_id == PersonName.person_id)
        .join(Case, Case.id == Involvement.case_id)
        .where(
            PersonName.name_key.in_(wanted),
            Case.desk_id == desk_id,
            Case.stage != "closed",
            level(user.id) <= Audience.DESK,
        )
        .order_by(Case.id)
    ):
        for group in wanted[key]:
            held = found.setdefault(group, [])
            if case not in held:
                held.append(case)
    return found


def _around(text: str, proposal: Proposal) -> tuple[str, str]:
    """A few words before and after a sentence, in one line."""
    start, end = proposal.quote_start, proposal.quote_end
    before = text[max(0, start - AROUND) : start]
    after = text[end : end + AROUND]
    if start > AROUND:
        before = "…" + before.partition(" ")[2]
    if end + AROUND < len(text):
        after = after.rpartition(" ")[0] + "…"
    return _one_line(before, at_end=True), _one_line(after, at_end=False)


def _one_line(text: str, *, at_end: bool) -> str:
    """White space as single blanks; the blank next to the sentence stays."""
    said = " ".join(text.split())
    if not said or not text:
        return ""
    if at_end:
        return said + (" " if text[-1:].isspace() else "")
    return (" " if text[:1].isspace() else "") + said
