"""What rooms above bring to an act on a desk, on an account and to a sign-in, and the one mail that accounts send."""

from collections.abc import Callable, Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import Session

from tracker.accounts.mails import write_changed
from tracker.accounts.models import User
from tracker.base import labels
from tracker.base.registry import Registry
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message

#: Called in the same unit of work when the clocks of a desk have changed (thresholds, working days), with the desk's
#: id: the room that keeps dates reckoned by them brings those up to date.
desk_clock_changes: Registry[Callable[[Session, int, datetime], None]] = Registry("part in a desk's change")

#: Asked in the same unit of work once a password was right: the endpoint of the page that stands between it and the
#: sign-in of this account, or None. The first that names one holds.
steps_between: Registry[Callable[[Session, User], str | None]] = Registry("step between password and sign-in")

labels.announce("message_kind", {"account.changed": _l("change of how somebody signs in")})
labels.announce("cause", {"own account": _l("their own account")})
labels.announce(
    "act",
    {
        "accounts.change_password": _l("changed their password"),
        "accounts.show_as": _l("changed how they are shown"),
        "accounts.confirm": _l("confirmed who they are"),
        "accounts.disable": _l("closed an account"),
        "accounts.enable": _l("opened an account"),
        "accounts.revoke": _l("ended all that lets an account in"),
        "accounts.forget_factors": _l("forgot lost second factors"),
    },
)


@message_kind("account.changed", if_unsure="wait")
class AccountChanged:
    """How an account signs in was changed: whoever did not do it must hear of it."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        """SQL: always. It tells what has happened."""
        return true()

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail: what was changed and when, neither how nor to what."""
        return write_changed(session, messages[0])

    @staticmethod
    def why_not(_session: Session, _message: Message, _now: datetime) -> str:
        """Nothing makes it untrue."""
        return ""


#: Called in the same unit of work when something was taken from an account (it was closed, its role changed, it left a
#: desk, or all that lets it in was ended), with the account as it is now and the number of the desk it has left (None:
#: it has left none): the room ends what the account held by it. Answers with what somebody must see to now, in
#: sentences.
access_ends: Registry[Callable[[Session, User, datetime, int | None], Sequence[str]]] = Registry(
    "part in an end of access"
)
