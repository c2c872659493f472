"""A desk that publishes: cases opened to everybody as the house does it, and a reader who is nobody."""

from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from house_of_cases import NOW, Lived

from tracker.accounts.models import Desk
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.publishing import service

PUBLIC = Audience.PUBLIC


class Public:
    """The desk, and a browser that has no account."""

    def __init__(self, lived: Lived) -> None:
        self.lived = lived
        self.reader: FlaskClient = lived.app.test_client()

    def case(self, *names: str, title: str = "A surgeon is missing", now: datetime = NOW, **more: Any) -> Case:
        """A case that everybody may read; its people agreed to being known of, and to nothing else."""
        return self.lived.case(*names, title=title, audience=PUBLIC, now=now, **more)

    def agrees(self, case: Case, *subjects: str, now: datetime = NOW, **said: Any) -> None:
        """The person themselves agrees to more being public."""
        given = {"speaker": "person", "up_to": PUBLIC} | said
        self.lived.agrees(case, *subjects, now=now, **given)

    def tell(self, case: Case, kind: str, *given: Any, **more: Any) -> Any:
        """An entry that everybody may read."""
        return self.lived.tell(case, kind, *given, audience=PUBLIC, **more)

    def hearing(self, *of: Case, **more: Any) -> Any:
        """A hearing that everybody may know of."""
        return self.lived.hearing(*of, audience=PUBLIC, **more)

    def open_page(self, now: datetime = NOW, version: int = 0, **said: Any) -> None:
        """The desk opens its country page."""
        given: dict[str, Any] = {
            "is_open": True,
            "contact": "",
            "names_coordinators": False,
            "document_years": (),
            "documents_url": "",
        }
        with self.lived.at(now) as session:
            desk = session.get(Desk, self.lived.desk.id)
            service.set_up_page(session, desk, version=version, **(given | said))

    def close(self, case: Case, to: Audience = Audience.DESK) -> None:
        """The case is closed to its desk."""
        with self.lived.at() as session:
            mine = session.get_one(Case, case.id)
            cases.edit_case(session, mine, version=mine.version, audience=to)

    def get(self, path: str, now: datetime = NOW, lang: str = "en", held: str = "", **headers: str) -> Any:
        """What somebody gets who is nobody; `held`: the tag of what their browser holds."""
        if held:
            headers["If-None-Match"] = held
        with clock.fixed_at(now):
            return self.reader.get(f"/public/{lang}{path}", headers=headers)

    def page(self, case: Case, **more: Any) -> Any:
        """The page of a case."""
        return self.get(f"/cases/{case.public_id}", **more)

    def revision(self, case: Case) -> str:
        """The revision its row names."""
        from tracker.publishing.models import PublicCase

        db.session.rollback()
        found = db.session.get(PublicCase, case.id, populate_existing=True)
        return found.revision if found else ""
