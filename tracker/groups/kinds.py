"""The words for what happens in groups, and the mail that tells how an evening looks."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from tracker.base.labels import announce
from tracker.base.sentences import on_record
from tracker.groups.mails import write_checked
from tracker.groups.queries import may_be_told
from tracker.groups.steps import CHECKED, COORDINATES
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message

announce(
    "act",
    {
        "groups.add": _l("a group made"),
        "groups.edit": _l("a group changed"),
        "groups.end": _l("a group ended"),
        "groups.invite": _l("somebody asked to join a group"),
        "groups.join": _l("joined a group"),
        "groups.decline": _l("did not join a group"),
        "groups.leave": _l("left a group"),
        "groups.remove": _l("a member taken out of a group"),
        "groups.set_duty": _l("who coordinates a group changed"),
        "groups.record": _l("steps of a group recorded"),
        "groups.undo": _l("a step of a group taken back"),
        "groups.plan_evening": _l("an evening of a group chosen"),
        "groups.change_evening": _l("an evening of a group changed"),
        "groups.cancel_evening": _l("an evening of a group called off"),
        "groups.result": _l("the result of an evening recorded"),
        "groups.check": _l("the actions of evenings looked at once more"),
    },
)
announce(
    "table",
    {
        "volunteer_groups": _l("a group"),
        "group_members": _l("a member of a group"),
        "group_invitations": _l("an invitation to a group"),
        "group_evenings": _l("an evening of a group"),
        "evening_actions": _l("an action of an evening"),
    },
)
#: Why an action is left out of an evening: nothing about who asked.
announce(
    "evening_state",
    {
        "active": _l("good"),
        "on_hold": _l("on hold"),
        "expired": _l("its day has passed"),
        "stopped": _l("stopped for good"),
        "closed": _l("closed"),
        "draft": _l("not open yet"),
        "gone": _l("not open to all of you any more"),
    },
)
announce("step", {"groups.check": _l("looks at the actions of a group's evening once more")})
announce("message_kind", {CHECKED: _l("how a group's evening looks")})
announce("cause", {COORDINATES: _l("coordinates the group")})


@message_kind(CHECKED, if_unsure="retry_once")
class EveningChecked:
    """Two hours before a group's evening, and when that changes until three hours after it began: all good, or which
    action to leave out."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: it tells the latest, and its reader still coordinates the group."""
        return may_be_told(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail, from the rows as they are at `now`."""
        return write_checked(session, messages[0], now)

    @staticmethod
    def why_not(_session: Session, _message: Message, _now: datetime) -> str:
        """Why it does not go out."""
        return on_record(
            "the evening is over or off, looks otherwise by now, or they do not coordinate the group any more"
        )
