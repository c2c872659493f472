"""Recording people and their names."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.base.columns import new_public_id
from tracker.base.dates import StatedDate, write_stated_date
from tracker.base.db import hold
from tracker.base.errors import Refused, VersionConflict
from tracker.base.work import current_work
from tracker.people.models import NAME_KINDS, Person, PersonName
from tracker.people.rules import clean_name, script_of
from tracker.search.rules import name_key


@dataclass(frozen=True, slots=True)
class NameGiven:
    """A name as somebody typed it."""

    text: str
    kind: str = "legal"


def add_person(
    session: Session,
    names: Sequence[NameGiven],
    *,
    pronouns: str = "",
    occupation: str = "",
    born: StatedDate | None = None,
) -> Person:
    """Record a person. Refused without a name, or with one that cannot be kept."""
    person = Person(
        public_id=new_public_id(),
        pronouns=pronouns.strip()[:40],
        occupation=occupation.strip()[:200],
        born_on=born.on if born else None,
        birth_precision=born.precision if born else None,
        created_at=current_work(session).now,
    )
    _name(person, names)
    session.add(person)
    session.flush()
    return person


def edit_person(
    session: Session,
    person: Person,
    names: Sequence[NameGiven],
    *,
    version: int,
    pronouns: str = "",
    occupation: str = "",
    born: StatedDate | None = None,
) -> None:
    """Change a person. VersionConflict when somebody else did so since `version`."""
    hold(session, person)
    if person.version != version:
        raise VersionConflict(
            _("Somebody changed this person in the meantime."),
            {
                "names": "\n".join(n.text for n in person.real_names),
                "pseudonym": person.pseudonym,
                "pronouns": person.pronouns,
                "occupation": person.occupation,
                "born": born_in_words(person),
            },
        )
    person.pronouns, person.occupation = pronouns.strip()[:40], occupation.strip()[:200]
    person.born_on, person.birth_precision = (born.on, born.precision) if born else (None, None)
    _name(person, names)
    person.version += 1


def born_in_words(person: Person) -> str:
    """The birth date as `parse_stated_date` reads it; empty where none is known."""
    if person.born_on is None:
        return ""
    return write_stated_date(StatedDate(person.born_on, person.birth_precision or "day"))


def _name(person: Person, names: Sequence[NameGiven]) -> None:
    wanted = [(clean_name(n.text), n.kind) for n in names if n.text.strip()]
    if not wanted:
        raise Refused(_("Write a name."), "name")
    for _text, kind in wanted:
        if kind not in NAME_KINDS:
            raise Refused(_("“%(code)s” is no kind of name.", code=kind[:20]), "name_kind")
    published = {text.casefold() for text, kind in wanted if kind == "pseudonym"}
    if len(published) > 1:
        raise Refused(_("There can be one name for publication."), "pseudonym")
    if published & {text.casefold() for text, kind in wanted if kind != "pseudonym"}:
        raise Refused(_("The name for publication must be another than the real names."), "pseudonym")
    if len(published) == len(wanted):
        raise Refused(_("Write a name."), "name")
    held = {(n.text, n.kind): n for n in person.names}
    person.names = [
        held.get((text, kind)) or PersonName(text=text, kind=kind, script=script_of(text), name_key=name_key(text))
        for text, kind in dict.fromkeys(wanted)
    ]
    for position, name in enumerate(person.names):
        name.position = position
