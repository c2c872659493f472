"""Two who change the same thing in the same moment: the second, who had read it before the first was done, is told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from actions_ground import action, minister, open_case
from contacts_ground import VALUES
from groups_ground import LATER, a_group
from house_of_cases import NOW, Lived, lived

from tracker.accounts.models import Desk
from tracker.actions.models import UrgentAction
from tracker.actions.service import edit_action
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import VersionConflict
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.cases.service import edit_case
from tracker.contacts.models import Contact
from tracker.contacts.service import add_contact, change_contact
from tracker.groups.models import Group
from tracker.groups.service import edit_group
from tracker.hearings.models import Hearing
from tracker.hearings.service import edit_hearing
from tracker.people.models import Person
from tracker.people.service import NameGiven, edit_person
from tracker.publishing.models import CountryPage
from tracker.publishing.service import set_up_page
from tracker.targets.models import Target
from tracker.targets.service import edit_target

__all__ = ["lived"]

#: On SQLite nobody reads inside an act while another writes.
pytestmark = pytest.mark.only_postgres


@dataclass
class Thing:
    """What is changed: its row, and what changing it by hand calls."""

    model: type[Any]
    row: int
    change: Callable[[Any, Any, int, str], Any]


def a_case(lived: Lived) -> Thing:
    return Thing(Case, lived.case().id, lambda s, row, v, said: edit_case(s, row, version=v, summary=said))


def a_contact(lived: Lived) -> Thing:
    case = lived.case()
    about: dict[str, Any] = {"label": "sister", "audience": Audience.DESK}
    with lived.at() as session:
        kept = add_contact(session, session.get_one(Case, case.id), kind="family", values=VALUES, **about)

    def change(session: Any, row: Contact, version: int, said: str) -> None:
        of, values = session.get_one(Case, case.id), VALUES | {"note": said}
        change_contact(session, of, row, version=version, values=values, **about)

    return Thing(Contact, kept.id, change)


def a_person(lived: Lived) -> Thing:
    number = lived.person(lived.case())
    names = [NameGiven("Ahmad Khalefa")]
    return Thing(Person, number, lambda s, row, v, said: edit_person(s, row, names, version=v, occupation=said))


def a_hearing(lived: Lived) -> Thing:
    hearing = lived.hearing(lived.case())
    return Thing(Hearing, hearing.id, lambda s, row, v, said: edit_hearing(s, row, version=v, note=said))


def an_action(lived: Lived) -> Thing:
    written = action(lived, open_case(lived))

    def change(session: Any, row: UrgentAction, version: int, said: str) -> None:
        edit_action(session, session.get_one(Case, row.case_id), row, version=version, summary=said)

    return Thing(UrgentAction, written.id, change)


def a_target(lived: Lived) -> Thing:
    return Thing(Target, minister(lived).id, lambda s, row, v, said: edit_target(s, row, version=v, name=said))


def a_group_of_volunteers(lived: Lived) -> Thing:
    group = a_group(lived)
    where = {"country": "GB", "zone": "Europe/London"}
    return Thing(Group, group.id, lambda s, row, v, said: edit_group(s, row, version=v, name=said, **where))


def a_country_page(lived: Lived) -> Thing:
    about: dict[str, Any] = {
        "is_open": True,
        "names_coordinators": False,
        "document_years": (),
        "documents_url": "",
    }
    with lived.at() as session:
        set_up_page(session, session.get_one(Desk, lived.desk.id), version=0, contact="", **about)

    def change(session: Any, _row: CountryPage, version: int, said: str) -> None:
        set_up_page(session, session.get_one(Desk, lived.desk.id), version=version, contact=said, **about)

    return Thing(CountryPage, lived.desk.id, change)


@pytest.mark.parametrize(
    "made",
    [
        a_case,
        a_contact,
        a_person,
        a_hearing,
        an_action,
        a_target,
        a_group_of_volunteers,
        a_country_page,
    ],
)
def test_the_second_of_two_is_told_and_changes_nothing(lived: Lived, made: Callable[[Lived], Thing]) -> None:
    thing = made(lived)
    read, go = threading.Event(), threading.Event()
    said: list[str] = []

    def second() -> None:
        with lived.app.app_context():
            try:
                with unit_of_work("tests", COMMAND, now=LATER):
                    session = db.session()
                    row = session.get_one(thing.model, thing.row)
                    version = row.version
                    read.set()
                    go.wait(20)
                    thing.change(session, row, version, "by the second")
                said.append("done")
            except VersionConflict:
                said.append("told")
            finally:
                db.session.remove()

    other = threading.Thread(target=second)
    other.start()
    assert read.wait(20)
    with lived.at(NOW) as session:
        row = session.get_one(thing.model, thing.row)
        thing.change(session, row, row.version, "by the first")
    go.set()
    other.join(20)
    assert said == ["told"]
    with lived.at(LATER) as session:
        row = session.get_one(thing.model, thing.row, populate_existing=True)
        thing.change(session, row, row.version, "by the second")
