"""`stop-not-delivered`: somebody was to hear that they must not write, and perhaps has not."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, cast, func, literal, select
from sqlalchemy.orm import aliased

from tracker.actions.models import UrgentAction
from tracker.cases.models import Case
from tracker.flags.kinds import action_subject, finder, for_the_desk, no_data, of_its_case, watched
from tracker.outbox.models import Message
from tracker.outbox.queries import needs_human
from tracker.telling.queries import STOPPED, SUBJECT, stands_ended

#: So long after a mail came to its end it makes sense to call its reader: letters are written within weeks.
CALL_WITHIN = timedelta(days=30)


@finder("stop-not-delivered")
def stop_not_delivered(now: datetime) -> Select[Any]:
    """For thirty days, while a mail that says not to write was not delivered or may not have arrived, the action stands
    as that mail says, no later one has told its reader, and nobody has seen to it. Severity 3: they may write on. One
    more such mail is a new occasion."""
    later = aliased(Message)
    told = (
        select(1)
        .where(
            later.kind == STOPPED,
            later.subject_kind == SUBJECT,
            later.subject_id == Message.subject_id,
            later.recipient_id == Message.recipient_id,
            later.state == "sent",
            later.sent_at > Message.ended_at,
        )
        .correlate(Message)
        .exists()
    )
    return (
        select(
            UrgentAction.case_id.label("case_id"),
            action_subject().label("subject"),
            (literal("message:", String) + cast(func.max(Message.id), String)).label("episode"),
            literal(3).label("severity"),
            func.min(for_the_desk(of_its_case(Case.audience, UrgentAction), UrgentAction.audience)).label("audience"),
            func.min(Message.ended_at).label("due_at"),
            no_data().label("data"),
        )
        .select_from(Message)
        .join(UrgentAction, UrgentAction.id == Message.subject_id)
        .where(
            needs_human(),
            Message.kind == STOPPED,
            Message.subject_kind == SUBJECT,
            Message.ended_at > now - CALL_WITHIN,
            stands_ended(now),
            ~told,
            watched(of_its_case(Case.stage, UrgentAction)),
        )
        .group_by(UrgentAction.id)
    )
