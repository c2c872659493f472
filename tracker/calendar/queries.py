"""Reading an account's calendar: what it may see and follows at this moment, whatever it was when the address was
made."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.languages import speaking
from tracker.calendar.models import Feed
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.hearings.ics import write_feed
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.queries import last_changes
from tracker.outbox.models import Recipient
from tracker.reminders.events import events_of
from tracker.reminders.queries import REMINDED_STAGES, follows

#: Hearings stay in a calendar for so long after their day; those that are off, so long after that became known, for
#: programs that look seldom to learn of it.
STAY = timedelta(days=30)

#: More than anybody follows; a file without end helps nobody.
AT_MOST = 2000


def find_feed(session: Session, user: User) -> Feed | None:
    """The address of an account, in hand or ended; None: it has made none."""
    return session.scalar(select(Feed).where(Feed.user_id == user.id).execution_options(populate_existing=True))


def list_calendar(session: Session, user: User, now: datetime) -> Sequence[tuple[Hearing, list[Case]]]:
    """Hearings with a date, of the cases in hand which the account follows and in which it may know of them, by when
    they start; each with those cases by reference. From thirty days back on. One statement."""
    rows = session.execute(
        select(Hearing, Case)
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .join(Recipient, Recipient.user_id == user.id)
        .where(
            Hearing.outcome_due_at > now - STAY,
            Case.stage.in_(REMINDED_STAGES),
            level(user.id) <= Hearing.audience,
            follows(Recipient, Case),
        )
        .distinct()
        .order_by(Hearing.starts_at, Hearing.id, Case.ref)
        .limit(AT_MOST)
    )
    found: dict[int, tuple[Hearing, list[Case]]] = {}
    for hearing, case in rows:
        found.setdefault(hearing.id, (hearing, []))[1].append(case)
    return list(found.values())


def write_calendar(session: Session, user: User, now: datetime, base_url: str) -> bytes:
    """The file a program reads for an account, in the language of that account. Two statements, however many hearings
    there are."""
    with speaking(user.language):
        hearings = list_calendar(session, user, now)
        changes = last_changes(session, [hearing.id for hearing, _cases in hearings])
        events = events_of(hearings, changes, base_url)
        shown = [e for e in events if e.status != "CANCELLED" or e.changed_at > now - STAY]
        return write_feed(shown, _("Hearings: urgent actions"))
