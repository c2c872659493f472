"""Urgent actions written through the services: for the tests of actions, of steps and of what everybody reads."""

from datetime import date, datetime
from typing import Any

from house_of_cases import NOW, Lived
from sqlalchemy import select

from tracker.actions import service
from tracker.actions.models import UrgentAction
from tracker.actions.service import LetterGiven
from tracker.base.audience import Audience
from tracker.cases.models import Case
from tracker.targets.models import Target
from tracker.targets.service import record_target

#: A model letter in our own words.
LETTER = "I write to you about the surgeon who was taken from his hospital.\nPlease say where he is."


def minister(lived: Lived, now: datetime = NOW, **fields: Any) -> Target:
    """An official with an address of each kind."""
    given = {
        "kind": "official",
        "country": "IL",
        "office": "Minister of Defence",
        "name": "N. N.",
        "salutation": "Dear Minister,",
        "email": "minister@example.org",
        "postal": "Ministry of Defence\n37 Long Street\nTel Aviv",
        "phone": "+972 3 555 0100",
    } | fields
    with lived.at(now) as session:
        return record_target(session, **given)


def action(
    lived: Lived,
    case: Case,
    *targets: Target,
    now: datetime = NOW,
    letters: tuple[LetterGiven, ...] = (LetterGiven("en", LETTER, subject="Where is he?"),),
    opened: bool = True,
    **fields: Any,
) -> UrgentAction:
    """An action of this case, open unless said otherwise, to volunteers for six weeks."""
    named = targets or (minister(lived, now),)
    with lived.at(now) as session:
        mine = session.get_one(Case, case.id)
        written = service.draft_action(
            session,
            mine,
            **{"title": "Say where the surgeon is", "ua_number": "UA 52/24", "audience": Audience.VOLUNTEERS} | fields,
            targets=session.scalars(
                select(Target).where(Target.id.in_([target.id for target in named])).order_by(Target.id)
            ).all(),
            letters=letters,
        )
        if opened:
            service.activate_action(session, mine, written, version=written.version)
    return written


def act(lived: Lived, written: UrgentAction, name: str, *, now: datetime = NOW, **said: Any) -> UrgentAction:
    """Do something with an action: hold, stop, resume, close, extend."""
    with lived.at(now) as session:
        mine = session.get_one(UrgentAction, written.id)
        getattr(service, f"{name}_action")(session, session.get_one(Case, mine.case_id), mine, **said)
    return lived.fresh(written)


def open_case(lived: Lived, name: str = "Khaled Al Serr", **fields: Any) -> Case:
    """A case that is open to volunteers."""
    return lived.case(name, **{"title": "A surgeon is taken", "audience": Audience.VOLUNTEERS} | fields)


def day(text: str) -> date:
    """A day written in ISO 8601."""
    return date.fromisoformat(text)
