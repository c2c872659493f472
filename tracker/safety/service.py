"""Changing the mode of the house. Nothing here commits."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.base.errors import Refused
from tracker.base.mode import MODES, Mode, read_mode, write_mode
from tracker.outbox.pausing import pause

#: Longest reason, in characters: one line of a page.
LONGEST_REASON = 200


def change_mode(session: Session, state: str, by: str, words: str, now: datetime) -> bool:
    """Let the house be `state` (one of MODES) from the next request on, in every process; closing it pauses mail, too.
    Returns whether that was a change. Opening it lets no mail go: what was paused waits for whoever releases it.

    Refused, naming the field (`state`, `reason`), when there is no such mode, or no reason for one that stops people.
    """
    words = " ".join(words.split())[:LONGEST_REASON]
    if state not in MODES:
        raise Refused(_("“%(code)s” is no mode: %(modes)s.", code=state[:20], modes=", ".join(MODES)), "state")
    if state != "open" and not words:
        raise Refused(_("Say why: whoever finds it so must know."), "reason")
    if read_mode(session).state == state:
        return False
    write_mode(session, Mode(words=words) if state == "open" else Mode(state, now, by[:120], words))
    if state == "closed":
        pause(session, now, "closed", by)
    return True
