"""Reading what was said, and where consent stands for it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from tracker.cases.models import Case, Involvement
from tracker.consent.models import Consent
from tracker.consent.rules import CLOSING, Standing, Word, stands
from tracker.timeline.codes import DEATHS
from tracker.timeline.kinds import kinds
from tracker.timeline.models import Entry, EntryPerson, EntryState


def concerns() -> ColumnElement[bool]:
    """SQL: this word is about this person in this case: it was said for it, or closes, which holds everywhere."""
    return and_(
        Consent.person_id == Involvement.person_id,
        or_(Consent.case_id == Involvement.case_id, Consent.answer.in_(CLOSING)),
    )


def read_standing(
    session: Session, cases: Sequence[int], now: datetime, known_at: datetime | None = None
) -> list[tuple[Case, Involvement, Standing]]:
    """Where consent stands for everybody in these cases, from the words themselves; with `known_at`, as it stood then,
    by what was recorded by then. One statement, and one more where somebody has died."""
    found: dict[int, tuple[Case, Involvement, list[Word]]] = {}
    rows = session.execute(
        select(Case, Involvement, Consent)
        .join(Involvement, Involvement.case_id == Case.id)
        .outerjoin(Consent, and_(concerns(), Consent.recorded_at <= known_at) if known_at else concerns())
        .where(Case.id.in_(cases))
        .order_by(Involvement.case_id, Involvement.position, Involvement.id, Consent.id)
    )
    for case, involvement, consent in rows:
        words = found.setdefault(involvement.id, (case, involvement, []))[2]
        if consent is not None:
            words.append(word_of(consent))
    dead = [i for _case, i, _words in found.values() if i.custody in DEATHS]
    known = _deaths_known(session, dead) if dead else {}
    if known_at is not None:
        known = {number: since for number, since in known.items() if since <= known_at}
    return [
        (case, involvement, stands(words, known_at or now, known.get(involvement.id)))
        for case, involvement, words in found.values()
    ]


def word_of(consent: Consent) -> Word:
    """One row as the fold wants it."""
    return Word(
        id=consent.id,
        answer=consent.answer,
        speaker=consent.speaker,
        subjects=frozenset(consent.subjects),
        up_to=consent.up_to,
        recorded_at=consent.recorded_at,
        ends_at=consent.ends_at,
        review_at=consent.review_at,
    )


def list_words(session: Session, case: Case, person_id: int, known_at: datetime | None = None) -> Sequence[Consent]:
    """What was said about a person in a case, and what closes there though it was said for another, the latest first;
    with `known_at`, what was recorded by then."""
    chosen = select(Consent).where(
        Consent.person_id == person_id, or_(Consent.case_id == case.id, Consent.answer.in_(CLOSING))
    )
    if known_at is not None:
        chosen = chosen.where(Consent.recorded_at <= known_at)
    return session.scalars(chosen.order_by(Consent.recorded_at.desc(), Consent.id.desc())).all()


def _deaths_known(session: Session, dead: Iterable[Involvement]) -> dict[int, datetime]:
    """When we first learned that these people had died, by involvement."""
    deadly = [kind.code for kind in kinds if kind.custody in DEATHS]
    told = session.execute(
        select(Entry.case_id, EntryPerson.person_id, Entry.recorded_at)
        .join(EntryState, EntryState.entry_id == Entry.id)
        .outerjoin(EntryPerson, EntryPerson.entry_id == Entry.id)
        .where(Entry.case_id.in_({i.case_id for i in dead}), Entry.kind.in_(deadly), EntryState.withdrawn_by.is_(None))
    ).all()
    known = {}
    for involvement in dead:
        instants = [
            at
            for case_id, person_id, at in told
            if case_id == involvement.case_id and person_id in (None, involvement.person_id)
        ]
        if instants:
            known[involvement.id] = min(instants)
    return known
