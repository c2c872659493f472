"""Telling those who keep a case that somebody else has stopped its publicity: any coordinator can, without seeing it.

The case is named by its nickname and reference alone, without who asked or why: a mail may be read over a shoulder.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.labels import announce
from tracker.base.languages import speaking
from tracker.base.markup import fill
from tracker.base.parts import takes_part
from tracker.base.sentences import on_record
from tracker.base.words import isolate, say_instant, say_zone
from tracker.base.work import current_work
from tracker.cases.models import Case
from tracker.outbox.kinds import Mail, NoLonger, message_kind
from tracker.outbox.models import Message, Recipient
from tracker.outbox.service import plan_messages, recipient_for

#: The kind of mail, as each says in its header, and what it is about.
KIND, SUBJECT = "publicity.told", "case"

#: Why somebody gets it, in words for staff.
KEEPS = "keeps the case"

#: After this long it is no news.
TOLD_WITHIN = timedelta(days=7)

announce("message_kind", {KIND: _l("that publicity was stopped")})
announce("cause", {KEEPS: _l("keeps the case")})


@takes_part("stop")
def tell_keepers(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Plan a mail to the owner and the deputy of these cases, but for whoever stopped it: at once, and once for each
    stop."""
    acting = current_work(session).actor.user_id
    rows = []
    for case in session.scalars(select(Case).where(Case.id.in_(cases), Case.publicity_stopped_at.is_not(None))):
        stopped_at = case.publicity_stopped_at
        assert stopped_at is not None
        for keeper in dict.fromkeys(n for n in (case.owner_id, case.deputy_id) if n is not None and n != acting):
            recipient = recipient_for(session, keeper).id
            rows.append(
                {
                    "dedupe_key": f"{KIND}:{case.id}:{stopped_at.isoformat()}:{recipient}",
                    "kind": KIND,
                    "subject_kind": SUBJECT,
                    "subject_id": case.id,
                    "subject_rev": case.version,
                    "recipient_id": recipient,
                    "cause": KEEPS,
                    "tells": {"stopped_at": stopped_at.isoformat()},
                    "due_at": now,
                    "give_up_at": now + TOLD_WITHIN,
                }
            )
    plan_messages(session, rows)


def _keeps_stopped() -> ColumnElement[bool]:
    """SQL on `messages`: the publicity of its case is stopped, and the recipient keeps it, or stands in."""
    return exists(
        select(Case.id)
        .join(Recipient, or_(Recipient.user_id == Case.owner_id, Recipient.user_id == Case.deputy_id))
        .where(
            Case.id == Message.subject_id,
            Recipient.id == Message.recipient_id,
            Case.publicity_stopped_at.is_not(None),
        )
        .correlate(Message)
    )


@message_kind(KIND, if_unsure="retry_once")
class PublicityStopped:
    """That somebody else stopped the publicity of a case one keeps."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        """SQL: it is stopped still, and they keep the case still."""
        return _keeps_stopped()

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        case = session.get(Case, messages[0].subject_id, populate_existing=True)
        whose = select(User).join(Recipient, Recipient.user_id == User.id)
        reader = session.scalar(whose.where(Recipient.id == messages[0].recipient_id))
        if case is None or reader is None or case.publicity_stopped_at is None:
            raise NoLonger
        with speaking(reader.language):
            zone = reader.reading_zone
            which = _("%(nickname)s (%(ref)s)", nickname=case.nickname, ref=case.ref)
            subject = _("Publicity stopped: %(which)s", which=which)
            said = {
                "which": isolate(which),
                "when": _("%(when)s, %(zone)s", when=say_instant(case.publicity_stopped_at, zone), zone=say_zone(zone)),
                "address": f"{current_app.extensions['settings'].base_url}/cases/{case.ref}",
            }
            return Mail(
                subject=subject,
                text=fill("consent/stopped_mail.txt", **said),
                html=fill("consent/stopped_mail.html", subject=subject, **said),
            )

    @staticmethod
    def why_not(_session: Session, _message: Message, _now: datetime) -> str:
        """Why it is not sent."""
        return on_record("publicity was resumed, or they keep the case no more")
