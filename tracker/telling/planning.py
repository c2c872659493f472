"""Planning what those who write are told of an action: a function of (stored rows, `now`), planned and not pushed.

That an action is stopped is planned in the transaction that stops it, and due at once: neither the three minutes of an
act in a page nor quiet hours, agendas or shared mails keep it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.actions.models import UrgentAction
from tracker.agenda.service import chunks
from tracker.base.work import current_work, settles
from tracker.outbox.models import Recipient
from tracker.outbox.service import ensure_recipients, plan_messages
from tracker.telling import queries
from tracker.telling.queries import Reader

#: Why somebody is told, in words for staff.
WROTE, OPENED = "wrote for the action", "opened the action"

#: Why whoever ended it has no mail of it.
DID_IT = "they did it themselves"


@settles("plan")
def settle_telling(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Plan what follows for those who acted from what changed in these cases."""
    for chunk in chunks(cases or ()):
        if session.scalar(select(UrgentAction.id).where(UrgentAction.case_id.in_(chunk)).limit(1)) is not None:
            _tell_ended(session, now, chunk)


def _tell_ended(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Tell everybody who took, opened or printed an action that it is stopped, on hold or closed; who took it first."""
    doer = current_work(session).actor.user_id
    for action, zone in queries.list_ended(session, cases):
        since = int(action.state_since.timestamp() * 1_000_000)
        readers = queries.list_acted(session, action, zone)
        recipients = _recipients(session, readers)
        plan_messages(
            session,
            [
                {
                    **_written(queries.STOPPED, f"{since}:{action.state}", action, recipients[reader.user_id], reader),
                    "tells": {"state": action.state, "wrote": reader.wrote, "reader_zone": reader.zone},
                    "due_at": now,
                    **({"state": "skipped", "reason": DID_IT} if reader.user_id == doer else {}),
                }
                for reader in readers
            ],
        )


def _recipients(session: Session, readers: Iterable[Reader]) -> Mapping[int, int]:
    """The recipients of these people, by account."""
    user_ids = sorted({reader.user_id for reader in readers})
    ensure_recipients(session, user_ids)
    found: dict[int, int] = {}
    for chunk in chunks(user_ids):
        rows = session.execute(select(Recipient.user_id, Recipient.id).where(Recipient.user_id.in_(chunk)))
        found.update((row.user_id, row.id) for row in rows)
    return found


def _written(kind: str, occasion: str, action: UrgentAction, recipient_id: int, reader: Reader) -> dict[str, Any]:
    return {
        "dedupe_key": f"{kind}:{action.id}:{occasion}:{recipient_id}",
        "kind": kind,
        "subject_kind": queries.SUBJECT,
        "subject_id": action.id,
        "subject_rev": action.version,
        "recipient_id": recipient_id,
        "cause": WROTE if reader.wrote else OPENED,
    }
