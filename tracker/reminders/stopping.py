"""What stopping publicity means for mail: what waits for somebody who may not know of the hearing any more is left out
at once, and not at its turn. It would not leave anyway: the last look before sending asks the same."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session, aliased

from tracker.base.parts import takes_part
from tracker.base.sentences import on_record
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import Message, Recipient
from tracker.outbox.service import end_messages

#: Why such a message ends, in words for staff.
STOPPED_PUBLICITY = on_record("publicity of the case was stopped")


@takes_part("stop")
def leave_out_outward_mail(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Leave out every mail that waits, paused or not, about a hearing of these cases, to whoever is neither on the desk
    nor named: through no case of that hearing may they know of it."""
    hearing, recipient, case, appearance = aliased(Hearing), aliased(Recipient), aliased(Case), aliased(Appearance)
    concerned = select(Appearance.hearing_id).where(Appearance.case_id.in_(cases))
    may_know = exists(
        select(1)
        .select_from(hearing)
        .join(appearance, appearance.hearing_id == hearing.id)
        .join(case, case.id == appearance.case_id)
        .join(recipient, recipient.id == Message.recipient_id)
        .where(hearing.id == Message.subject_id, level(recipient.user_id, case) <= hearing.audience)
        .correlate_except(hearing, appearance, case, recipient)
    )
    outward = and_(Message.subject_kind == "hearing", Message.subject_id.in_(concerned), ~may_know)
    end_messages(session, outward, "skipped", STOPPED_PUBLICITY, now)
