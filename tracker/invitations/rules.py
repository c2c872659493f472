"""What a link is worth, and who may invite whom. Pure: values and `now` in, decisions out."""

import base64
import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from tracker.base.errors import NotAllowed
from tracker.base.sentences import Sentence as N_

#: An invitation, and a link to another address, last over a weekend; a link for a new password as long as somebody
#: looks for it in their mail.
LASTS = {"invite": timedelta(hours=72), "reset": timedelta(hours=1), "address": timedelta(hours=72)}

#: Who asks for a new password again before this has passed finds the first mail good still: nobody's mailbox is filled
#: by a stranger who presses a button.
ASK_AGAIN_AFTER = timedelta(minutes=5)

#: Where a link can stand. Only the first lets anybody in.
STATES = ("open", "used", "ended", "expired")


def word_of(mac: str) -> str:
    """The word of a link (43 characters, 256 bits) from the keyed fingerprint of its nonce, hex."""
    return base64.urlsafe_b64encode(bytes.fromhex(mac)).decode().rstrip("=")


def hash_word(word: str) -> str:
    """What is stored of a word, hex. Nothing slower is needed: it is random and long."""
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()


def state_of(expires_at: datetime, used_at: datetime | None, ended_at: datetime | None, now: datetime) -> str:
    """How a link stands: one of STATES. At the very instant it expires it is over."""
    if used_at is not None:
        return "used"
    if ended_at is not None:
        return "ended"
    return "open" if now < expires_at else "expired"


def check_may_invite(
    *, is_admin: bool, coordinates: Collection[int], role: str, desk_id: int | None, coordinator: bool
) -> None:
    """NotAllowed unless an account may invite so: an admin anybody; who coordinates desks (`coordinates`: their
    numbers), or stands in there, staff to those desks, and volunteers. They make nobody an admin or a coordinator."""
    if is_admin:
        return
    if not coordinates:
        raise NotAllowed(N_("Only admins and the coordinators of desks invite people."))
    if role == "admin" or coordinator:
        raise NotAllowed(N_("Only admins invite admins and coordinators."))
    if role == "staff" and desk_id not in coordinates:
        raise NotAllowed(N_("Coordinators invite staff to their own desks only."))
