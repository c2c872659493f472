"""A desk with its people and cases, lived through the services: for the tests of cases, entries and hearings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signed_in import in_one_act, make_account, make_desk, sign_in
from sqlalchemy import Engine, event, select

from tracker.accounts.models import Desk, User
from tracker.accounts.queries import find_account
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import StatedDate
from tracker.base.db import db
from tracker.base.work import COMMAND, Actor, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case, CaseFace, Involvement
from tracker.cases.queries import list_people
from tracker.consent.service import record_consent
from tracker.hearings import service as hearings
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.rules import When, on_day
from tracker.people.models import Person
from tracker.people.service import NameGiven, add_person
from tracker.timeline.models import Entry
from tracker.timeline.service import Source, record_entry

#: A Monday morning.
NOW = datetime(2024, 3, 18, 8, tzinfo=UTC)

ZONE = "Asia/Jerusalem"


def utc(text: str) -> datetime:
    """An instant written in ISO 8601 without its Z."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def open_up(session: Any, case: Case, audience: Audience) -> None:
    """Open a case beyond its desk as the house does: everybody in it agrees to being known of so far, and to nothing
    else, and then it is opened."""
    if audience <= Audience.DESK:
        return
    for _involvement, person in list_people(session, case.id):
        record_consent(
            session, case, person.id, answer="agreed", speaker="person", subjects=["public"], how="call", up_to=audience
        )
    cases.edit_case(session, case, version=case.version, audience=audience)


class Lived:
    """One desk (`iopt`, Sunday to Thursday): an owner, a colleague; and an outsider, a volunteer, an admin."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with in_one_act():
            self.desk = make_desk(working_days=(7, 1, 2, 3, 4))
            self.other_desk = make_desk("mena", "Elsewhere", ("EG",), "Africa/Cairo")
            self.owner = make_account("owner@example.org", desk="iopt", name="Amal")
            self.colleague = make_account("colleague@example.org", desk="iopt", name="Basel")
            self.outsider = make_account("outsider@example.org", desk="mena", name="Carol")
            self.volunteer = make_account("volunteer@example.org", "volunteer", name="Dora")
            self.admin = make_account("admin@example.org", "admin", name="Emil")

    @contextmanager
    def at(self, now: datetime = NOW, by: User | None = None) -> Iterator[Any]:
        """A unit of work; yields the session."""
        actor = Actor("user", by.id, by.name) if by else COMMAND
        with unit_of_work("tests", actor, now=now):
            yield db.session()

    def case(
        self, *names: str, now: datetime = NOW, title: str = "Held without charge", owner: bool = True, **fields: Any
    ) -> Case:
        """A case on the desk with these people; open beyond it once each agreed to being known of so far."""
        audience = fields.pop("audience", Audience.DESK)
        with self.at(now) as session:
            desk = session.get(Desk, fields.pop("desk", self.desk).id)
            keeper = session.get(User, self.owner.id) if owner else None
            given = {"risk": "high", "owner": keeper, "audience": min(audience, Audience.DESK)} | fields
            case = cases.open_case(session, desk, title=title, **given)
            for name in names or ("Ahmad Khalefa",):
                cases.involve(session, case, add_person(session, [NameGiven(name)]).id)
            open_up(session, case, audience)
        return case

    def agrees(self, case: Case, *subjects: str, place: int = 0, now: datetime = NOW, **said: Any) -> None:
        """Somebody in a case says something about being shown: their family agrees, up to volunteers, by phone."""
        given = {"answer": "agreed", "speaker": "family", "how": "call", "up_to": Audience.VOLUNTEERS} | said
        with self.at(now) as session:
            mine = session.get_one(Case, case.id)
            record_consent(session, mine, self.person(mine, place), subjects=subjects or ("public",), **given)

    def person(self, case: Case, place: int = 0) -> int:
        """The number of a person of a case."""
        return db.session.scalars(
            select(Involvement.person_id).where(Involvement.case_id == case.id).order_by(Involvement.position)
        ).all()[place]

    def tell(
        self,
        case: Case,
        kind: str,
        on: str = "2024-03-10",
        *,
        now: datetime = NOW,
        by: User | None = None,
        sourced: bool = False,
        precision: str = "day",
        audience: Audience = Audience.DESK,
        **more: Any,
    ) -> Entry:
        """An entry in a case."""
        with self.at(now, by) as session:
            return record_entry(
                session,
                case_id=case.id,
                kind=kind,
                date_stated=StatedDate(date.fromisoformat(on), precision),
                audience=audience,
                sources=[Source(kind="press", address="a paper")] if sourced else (),
                **more,
            )

    def hearing(
        self,
        *of: Case,
        when: When | None = None,
        now: datetime = NOW,
        by: User | None = None,
        **more: Any,
    ) -> Hearing:
        """A hearing of everybody in these cases: 8 April 2024, 09:30 in Haifa."""
        with self.at(now, by) as session:
            appearing = [
                hearings.Appears(case_id, person_id)
                for case_id, person_id in session.execute(
                    select(Involvement.case_id, Involvement.person_id)
                    .where(Involvement.case_id.in_([c.id for c in of]))
                    .order_by(Involvement.case_id, Involvement.position)
                )
            ]
            when = when or on_day(ZONE, date(2024, 4, 8), datetime(2024, 4, 8, 9, 30).time())  # noqa: DTZ001
            given = {"kind": "hearing", "court": "Haifa District Court"} | more
            return hearings.schedule_hearing(session, when, appearing=appearing, **given)

    def face(self, case: Case, rung: Audience = Audience.DESK) -> CaseFace:
        """How a case looks to a rung."""
        db.session.rollback()
        found = db.session.get(CaseFace, (case.id, rung), populate_existing=True)
        assert found is not None
        return found

    def fresh(self, row: Any) -> Any:
        """A stored row as it is now."""
        db.session.rollback()
        return db.session.get(type(row), row.id, populate_existing=True)

    def entries(self, case: Case, kind: str = "") -> Sequence[Entry]:
        """The entries of a case whose kind begins so, as they were written."""
        db.session.rollback()
        return db.session.scalars(
            select(Entry).where(Entry.case_id == case.id, Entry.kind.startswith(kind)).order_by(Entry.id)
        ).all()

    def outcomes(self, hearing: Hearing) -> dict[int, str | None]:
        """What became of each person at a hearing."""
        db.session.rollback()
        found = db.session.scalars(select(Appearance).where(Appearance.hearing_id == hearing.id))
        return {a.person_id: a.outcome for a in found}

    def browser(self, user: User, now: datetime = NOW) -> "Browser":
        """A browser in which somebody is signed in."""
        return Browser(sign_in(self.app, user, now), now)


class Browser:
    """Fills in the forms of pages as a person does: what the page holds is sent, but for what is said."""

    def __init__(self, client: FlaskClient, now: datetime = NOW) -> None:
        self.client = client
        self.now = now

    def get(self, address: str) -> Any:
        """The answer to a GET."""
        with clock.fixed_at(self.now):
            return self.client.get(address)

    def filled(self, address: str, **said: Any) -> dict[str, Any]:
        """What the form of a page would send with these fields filled in."""
        page = self.get(address)
        assert page.status_code == 200, f"{address}: {page.status_code}"
        return {**self.held(page.text), **said}

    @staticmethod
    def held(page: str) -> dict[str, Any]:
        """What the form of a page that was answered would send as it stands."""
        from html.parser import HTMLParser

        class Reader(HTMLParser):
            fields: dict[str, list[str]]

            def __init__(self) -> None:
                super().__init__()
                self.fields = {}
                self.inside = False
                self.choosing = self.typing = ""
                self.first: str | None = None

            def handle_starttag(self, tag: str, attrs: Any) -> None:
                a = dict(attrs)
                if tag == "form" and "form-frame" in (a.get("class") or ""):
                    self.inside = True
                if not self.inside:
                    return
                name = a.get("name") or ""
                if tag == "input" and (a.get("type") not in ("radio", "checkbox") or "checked" in a):
                    self.fields.setdefault(name, []).append(a.get("value") or "")
                elif tag == "select":
                    self.choosing, self.first = name, None
                elif tag == "option" and self.choosing:
                    if "selected" in a:
                        self.fields[self.choosing] = [a.get("value") or ""]
                    elif self.first is None:
                        self.first = a.get("value") or ""
                        self.fields.setdefault(self.choosing, [self.first])
                elif tag == "textarea":
                    self.typing = name
                    self.fields[name] = [""]

            def handle_data(self, data: str) -> None:
                if self.typing:
                    self.fields[self.typing][0] += data

            def handle_endtag(self, tag: str) -> None:
                if tag == "form":
                    self.inside = False
                elif tag == "select":
                    self.choosing = ""
                elif tag == "textarea" and self.typing:
                    self.fields[self.typing][0] = self.fields[self.typing][0].removeprefix("\r\n").removeprefix("\n")
                    self.typing = ""

        reader = Reader()
        reader.feed(page)
        reader.fields.pop("", None)
        return reader.fields

    def send(self, address: str, fields: dict[str, Any]) -> Any:
        """The answer to a POST of what was filled in."""
        with clock.fixed_at(self.now):
            return self.client.post(address, data=fields)

    def fill(self, address: str, **said: Any) -> Any:
        """Open a form, fill in, send."""
        return self.send(address, self.filled(address, **said))

    def fill_and_read(self, address: str, **said: Any) -> Any:
        """Open a form, fill in, send; and send again from the list of what that would reveal, once it is read."""
        asked = self.fill(address, **said)
        assert asked.status_code == 422, asked.status_code
        assert "What opening it would reveal" in asked.text
        return self.send(address, self.held(asked.text))


def enter(page: Any, live_server: Any, email: str = "owner@example.org") -> None:
    """Open the tracker in a real browser in which somebody is signed in; sign-ins of staff end by themselves after half
    a day."""
    app = live_server.app
    user = find_account(db.session(), email)
    assert user is not None
    cookie = sign_in(app, user, live_server.at).get_cookie(app.session_interface.cookie)
    assert cookie
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.goto(f"{live_server.url}/")


class Counted:
    """The statements that were sent to the database."""

    def __init__(self) -> None:
        self.said: list[str] = []


@contextmanager
def statements() -> Iterator[Counted]:
    """Count what is asked of the database within the block, but for BEGIN and its like."""
    counted = Counted()
    engine: Engine = db.engine

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            counted.said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield counted
    finally:
        event.remove(engine, "before_cursor_execute", note)


def names_in(case: Case) -> list[str]:
    """The names of everybody in a case."""
    db.session.rollback()
    rows = db.session.scalars(
        select(Person).join(Involvement, Involvement.person_id == Person.id).where(Involvement.case_id == case.id)
    )
    return [person.name for person in rows]


@pytest.fixture
def lived(app: Flask) -> Lived:
    """The desk and its people."""
    return Lived(app)
