"""The settler of the phase `search`: the words by which a case may be found, for each rung of the ladder."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.agenda.service import chunks
from tracker.base.audience import Audience
from tracker.base.work import settles
from tracker.cases.models import Case, Involvement
from tracker.people.models import PersonName
from tracker.search.rules import words_of
from tracker.search.service import Findable, index


class _Named(NamedTuple):
    """One name of somebody in a case."""

    person_id: int
    name_up_to: Audience
    kind: str
    text: str
    key: str


@settles("search")
def index_cases(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Index touched cases. The desk finds by names and title; from the volunteers' rung on, by reference and nickname,
    by the name for publication where there is one, else by names and title as far as those in the case may be named:
    what is not shown is not found, and nobody there comes from one name to the other."""
    for chunk in chunks(cases or ()):
        named: dict[int, list[_Named]] = {case_id: [] for case_id in chunk}
        for case_id, person_id, name_up_to, kind, text, key in session.execute(
            select(
                Involvement.case_id,
                Involvement.person_id,
                Involvement.name_up_to,
                PersonName.kind,
                PersonName.text,
                PersonName.name_key,
            )
            .join(PersonName, PersonName.person_id == Involvement.person_id)
            .where(Involvement.case_id.in_(chunk))
        ):
            named[case_id].append(_Named(person_id, name_up_to, kind, text, key))
        things = []
        for case in session.scalars(select(Case).where(Case.id.in_(chunk))):
            for audience in (a for a in Audience if a <= case.audience or a == Audience.NAMED):
                words = words_of(*_words(case, named[case.id], audience))
                things.append(Findable(case.id, case.id, audience, words))
        index(session, "case", chunk, things)


def _words(case: Case, named: Sequence[_Named], audience: Audience) -> list[str]:
    """By what a case may be found from a rung of the ladder."""
    words = [case.ref, case.ref.replace("-", ""), case.nickname]
    if audience <= Audience.DESK:
        words += [case.title, case.summary]
        shown = named
    else:
        words += [case.title] if case.title_up_to >= audience else []
        published = {n.person_id for n in named if n.kind == "pseudonym"}
        shown = [
            n for n in named if n.kind == "pseudonym" or (n.name_up_to >= audience and n.person_id not in published)
        ]
    return words + [word for n in shown for word in (n.text, n.key)]
