"""Writing the mail that tells how an account signs in was changed. It holds nothing that helps others who read it."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.languages import speaking
from tracker.base.markup import fill
from tracker.base.words import say_instant, say_zone
from tracker.outbox.kinds import Mail, NoLonger
from tracker.outbox.models import Message, Recipient


def write_changed(session: Session, message: Message) -> Mail:
    """The mail for one change, in its reader's language and zone. NoLonger when there is no such account."""
    reader = session.scalar(
        select(User)
        .join(Recipient, Recipient.user_id == User.id)
        .where(Recipient.id == message.recipient_id)
        .execution_options(populate_existing=True)
    )
    if reader is None:
        raise NoLonger
    with speaking(reader.language):
        zone = reader.reading_zone
        said = {
            "sentence": say_change(str(message.tells["what"])),
            "when": _(
                "This was on %(when)s, %(zone)s.",
                when=say_instant(datetime.fromisoformat(message.tells["at"]), zone),
                zone=say_zone(zone),
            ),
        }
        subject = _("A change to your account")
        return Mail(
            subject=subject,
            text=fill("accounts/changed_mail.txt", **said),
            html=fill("accounts/changed_mail.html", subject=subject, **said),
        )


def say_change(what: str) -> str:
    """What was changed, in one sentence."""
    return {
        "password": _("The password of your account was changed."),
        "address": _("Your account has another mail address now: mail no longer comes here."),
        "factor_added": _("Your account has a new second factor: an app or a passkey with which it signs in."),
        "factor_removed": _("A second factor of your account was removed."),
        "codes_renewed": _("Your account has new recovery codes; the old ones no longer work."),
        "factors_forgotten": _("Somebody who runs the tracker has removed the second factors of your account."),
    }[what]
