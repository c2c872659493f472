"""The settler that keeps which cases have a public page, and which revision of each is read there: so that a browser
that holds the page learns from one row whether anything changed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.agenda.service import chunks
from tracker.base.work import settles
from tracker.cases.models import Case
from tracker.publishing.models import CountryPage, PublicCase
from tracker.publishing.queries import is_open, read_public_case


@settles("search")
def follow_public_pages(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Bring the revisions of public cases up to date, and let the page of their desk know. One statement where none of
    the cases is public, or was."""
    session.flush()
    for chunk in chunks(cases or ()):
        rows = session.execute(
            select(
                Case.id, Case.desk_id, is_open().label("open"), PublicCase.revision, PublicCase.desk_id.label("held")
            )
            .outerjoin(PublicCase, PublicCase.case_id == Case.id)
            .where(Case.id.in_(chunk))
        ).all()
        changed: set[int] = set()
        for row in rows:
            if not row.open:
                if row.held is not None:
                    session.execute(delete(PublicCase).where(PublicCase.case_id == row.id))
                    changed.add(row.held)
                continue
            of = session.get_one(Case, row.id, populate_existing=True)
            revision = read_public_case(session, of, session.get_one(Desk, row.desk_id)).revision
            if row.held is None:
                fresh = {"case_id": row.id, "desk_id": row.desk_id, "revision": revision}
                session.execute(insert(PublicCase).values(**fresh, opened_at=now, changed_at=now))
            elif (revision, row.desk_id) != (row.revision, row.held):
                session.execute(
                    update(PublicCase)
                    .where(PublicCase.case_id == row.id)
                    .values(revision=revision, desk_id=row.desk_id, changed_at=now)
                )
                changed.add(row.held)
            else:
                continue
            changed.add(row.desk_id)
        if changed:
            page_changed(session, changed, now)


def page_changed(session: Session, desks: Sequence[int] | set[int], now: datetime) -> None:
    """Say that what the pages of these desks show has changed."""
    session.execute(
        update(CountryPage)
        .where(CountryPage.desk_id.in_(desks))
        .values(revision=CountryPage.revision + 1, changed_at=now)
    )
