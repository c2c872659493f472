"""What stands outside a mail to somebody who asked to keep it discreet: nothing of what it is about.

Sender, subject and the name it goes to show in lists of mail, on locked screens and to whoever carries the mail. Said
here and nowhere else; what the mail itself says is as always.
"""

from dataclasses import replace

from flask_babel import gettext as _

from tracker.base.languages import speaking
from tracker.outbox.channels.email import Addressed, split_sender
from tracker.outbox.kinds import Mail


def made_discreet(mail: Mail, addressed: Addressed, language: str) -> tuple[Mail, Addressed]:
    """The same mail from *Notes*, under *A note for you* in the reader's language, to the bare address, and without
    the word for its kind."""
    with speaking(language):
        subject, sender = _("A note for you"), _("Notes")
    _name, address = split_sender(addressed.mail_from)
    outside = replace(addressed, mail_from=f'"{sender}" <{address}>', name="", kind="note")
    return replace(mail, subject=subject), outside
