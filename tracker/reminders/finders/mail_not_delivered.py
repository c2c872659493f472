"""`mail-not-delivered`: somebody was to hear of a hearing that lies ahead, and perhaps has not."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func

from tracker.agenda.models import AgendaItem
from tracker.cases.models import Case
from tracker.flags.kinds import finder, for_the_desk, no_data, revision_of, subject_of, watched
from tracker.outbox.models import Message
from tracker.reminders.bouncing import AHEAD
from tracker.reminders.queries import URGENT, unheard


@finder("mail-not-delivered")
def mail_not_delivered(now: datetime) -> Select[Any]:
    """While a reminder or a notice of a hearing at most two weeks ahead was not delivered or may not have arrived, its
    reader was told by no later mail, and nobody has seen to it. Severity 3 within 72 hours of the hearing, or when it
    has lost its date; 2 before."""
    near = case((AgendaItem.starts_at > now + URGENT, 2), else_=3)
    return (
        unheard(now, AHEAD)
        .with_only_columns(
            AgendaItem.case_id.label("case_id"),
            subject_of().label("subject"),
            revision_of().label("episode"),
            func.max(near).label("severity"),
            func.min(for_the_desk(Case.audience, AgendaItem.audience)).label("audience"),
            func.max(Message.ended_at).label("due_at"),
            no_data().label("data"),
        )
        .join(Case, Case.id == AgendaItem.case_id)
        .where(watched())
        .group_by(AgendaItem.case_id, AgendaItem.kind, AgendaItem.subject_id, AgendaItem.rev)
    )
