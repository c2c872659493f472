"""Finding people. Who may know of them is decided by the cases they are in, one floor up."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tracker.base.errors import NotFound
from tracker.people.models import Person, PersonName
from tracker.search.rules import name_key


def get_person(session: Session, public_id: str) -> Person:
    """The person with this random id. NotFound when there is none."""
    found = session.scalar(select(Person).where(Person.public_id == public_id))
    if found is None:
        raise NotFound("There is no such person.")
    return found


def list_namesakes(session: Session, name: str, among: Select[Any] | None = None, limit: int = 10) -> Sequence[Person]:
    """People whose name has the same key in any script: candidates for a human to compare. `among`: ids of the people
    the reader may know of; None: of all."""
    key = name_key(name)
    if not key:
        return []
    chosen = select(Person).where(Person.id.in_(select(PersonName.person_id).where(PersonName.name_key == key)))
    if among is not None:
        chosen = chosen.where(Person.id.in_(among))
    return session.scalars(chosen.order_by(Person.id).limit(limit)).all()
