"""A desk, its staff, and the two editions of a country page."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from signed_in import make_account, make_desk
from sqlalchemy import select

from tracker.accounts.models import Desk, User
from tracker.base.db import db
from tracker.base.work import COMMAND, Actor, unit_of_work
from tracker.cases.models import Case
from tracker.intake import service
from tracker.intake.models import Document, Proposal
from tracker.intake.reading.page import read_page

PAGES = Path(__file__).resolve().parent / "fixtures"
FIRST, FULL = PAGES / "country_page_first_edition.txt", PAGES / "country_page.txt"

#: When the first edition was read, and the full page.
MARCH, JUNE = datetime(2024, 3, 22, 9, tzinfo=UTC), datetime(2024, 6, 7, 12, tzinfo=UTC)


@dataclass
class Read:
    """What reading a text led to."""

    document: Document
    fresh: list[Proposal]
    known: int
    general: int


class Desks:
    """One desk and what is done at it, committed at once."""

    def __init__(self) -> None:
        self.desk: Desk = make_desk(working_days=(7, 1, 2, 3, 4))
        self.amal: User = make_account("amal@example.org", desk="iopt")

    def read(
        self, text: str | Path, now: datetime = MARCH, published: date | None = None, by: User | None = None
    ) -> Read:
        """Read a text and propose what it says; `by` nobody: as the command does."""
        if isinstance(text, Path):
            text = text.read_text()
        with unit_of_work("intake.propose", Actor("user", by.id, by.name) if by else COMMAND, now=now):
            session = db.session()
            reading = read_page(text, published)
            document = service.keep_document(
                session, self.desk, text, "page.txt", service.published_on(reading, published)
            )
            proposed = service.propose(session, self.desk, document, reading)
        return Read(document, proposed.fresh, proposed.known, proposed.general)

    def accept(self, proposals: list[Proposal], now: datetime = MARCH, **options: object) -> service.Accepted:
        """Take proposals of one group."""
        with unit_of_work("intake.accept", COMMAND, now=now):
            session = db.session()
            options.setdefault("owner", self.amal)
            return service.accept(session, self.desk, proposals, **options)  # type: ignore[arg-type]  # of the test

    def accept_all(self, read: Read, now: datetime = MARCH) -> list[service.Accepted]:
        """Take everything that a document proposes, as the command does."""
        groups = service.open_groups(db.session(), read.document)
        return [self.accept(g, now, unread=True, place=i) for i, g in enumerate(groups.values())]

    def reject(self, proposals: list[Proposal], now: datetime = MARCH) -> None:
        """Turn proposals down."""
        with unit_of_work("intake.reject", COMMAND, now=now):
            service.reject(db.session(), proposals)

    def cases(self) -> list[Case]:
        """All cases, oldest first."""
        db.session.rollback()
        return list(db.session.scalars(select(Case).order_by(Case.id)))
