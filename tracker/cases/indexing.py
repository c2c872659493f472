"""The settler of the phase `search`: the words by which a case may be found, for each rung of the ladder."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.agenda.service import chunks
from tracker.base.audience import Audience
from tracker.base.work import settles
from tracker.cases.models import Case, Involvement
from tracker.people.models import PersonName
from tracker.search.rules import words_of
from tracker.search.service import Findable, index


@settles("search")
def index_cases(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Index touched cases. The desk finds by names and title; from the volunteers' rung on, only by reference and
    nickname, because nobody there is shown a full name without consent."""
    for chunk in chunks(cases or ()):
        names: dict[int, list[str]] = {case_id: [] for case_id in chunk}
        for case_id, text, key in session.execute(
            select(Involvement.case_id, PersonName.text, PersonName.name_key)
            .join(PersonName, PersonName.person_id == Involvement.person_id)
            .where(Involvement.case_id.in_(chunk))
        ):
            names[case_id] += [text, key]
        things = []
        for case in session.scalars(select(Case).where(Case.id.in_(chunk))):
            open_words = words_of(case.ref, case.ref.replace("-", ""), case.nickname)
            inner_words = words_of(open_words, case.title, case.summary, *names[case.id])
            for audience in (a for a in Audience if a <= case.audience or a == Audience.NAMED):
                words = inner_words if audience <= Audience.DESK else open_words
                things.append(Findable(case.id, case.id, audience, words))
        index(session, "case", chunk, things)
