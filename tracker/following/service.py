"""Asking to follow, saying yes, leaving, being forgotten. Nothing here commits, and no address leaves the recipient's
row: what the audit keeps is that somebody did so, and of which case, sealed with the key of the house."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from tracker.accounts.rules import email_key
from tracker.base.db import insert_or_pass
from tracker.base.errors import Refused
from tracker.base.sentences import on_record
from tracker.base.work import note_done
from tracker.following import queries, rules
from tracker.following.models import Follow, FollowAsk
from tracker.following.queries import ASK, CONFIRM
from tracker.following.tokens import hash_word, make_word
from tracker.outbox.models import Recipient
from tracker.outbox.protocol import FORGOTTEN, end_untrue_of
from tracker.outbox.service import forget_address, plan_messages, recipient_of_address

#: Why the first mail goes out, and why it does not where somebody asks again and again.
ASKED, TOO_OFTEN = "asked to follow", on_record("it was asked for too often")


def ask(
    session: Session, case_id: int, address: str, days: Sequence[int], language: str, now: datetime, *, mute: bool
) -> None:
    """Send a link to an address, by which whoever reads its mail says that they want to follow the case. What is done
    is the same whether it follows already, or is known at all. `mute`: it was asked for too often; the same is written,
    and no mail leaves."""
    recipient_id = recipient_of_address(
        session, current_app.extensions["sealer"], email_key(address), address, language
    )
    lately = session.scalar(
        select(func.count(FollowAsk.id)).where(
            FollowAsk.recipient_id == recipient_id, FollowAsk.created_at > now - timedelta(days=1)
        )
    )
    nonce = secrets.token_hex(32)
    asked = FollowAsk(
        recipient_id=recipient_id,
        case_id=case_id,
        days_before=rules.check_days(days),
        language=language,
        nonce=nonce,
        token_hash=hash_word(make_word(nonce)),
        created_at=now,
        expires_at=now + rules.LASTS,
    )
    session.add(asked)
    session.flush()
    row: dict[str, Any] = {
        # Numbers of asks come again once their rows are gone.
        "dedupe_key": f"{CONFIRM}:{asked.id}:{nonce[:16]}",
        "kind": CONFIRM,
        "subject_kind": ASK,
        "subject_id": asked.id,
        "subject_rev": 1,
        "recipient_id": recipient_id,
        "cause": ASKED,
        "tells": {},
        "due_at": now,
        "give_up_at": asked.expires_at,
    }
    if mute or (lately or 0) >= rules.ASKS_A_DAY:
        row |= {"state": "skipped", "reason": TOO_OFTEN}
    plan_messages(session, [row])


def confirm(session: Session, word: str, now: datetime) -> int:
    """Use the link of a first mail: its address follows the case from now on. Returns the case. Of two who send it at
    the same moment one is refused; Refused, too, when it is over, or the case is not open to everybody any more."""
    found = queries.find_ask(session, word)
    taken = session.execute(
        update(FollowAsk)
        .where(FollowAsk.id == found.ask.id, FollowAsk.used_at.is_(None), FollowAsk.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast(CursorResult[Any], taken).rowcount != 1 or not found.is_open:
        raise Refused(_("This link was used already, or has ended."))
    mine = {"recipient_id": found.ask.recipient_id, "case_id": found.ask.case_id}
    chosen = {"days_before": found.ask.days_before}
    session.execute(insert_or_pass(session, Follow, "recipient_id", "case_id").values(**mine, **chosen, since=now))
    session.execute(update(Follow).filter_by(**mine).values(**chosen).execution_options(synchronize_session=False))
    session.execute(
        update(Recipient)
        .where(Recipient.id == found.ask.recipient_id, Recipient.address_sealed.is_not(None))
        .values(language=found.ask.language)
        .execution_options(synchronize_session=False)
    )
    # Not under the key of the case: its history would tell those who keep it when somebody began.
    note_done("follows", None, began=[found.ask.case_id])
    return found.ask.case_id


def leave(session: Session, recipient_id: int, case_ids: Sequence[int], now: datetime) -> None:
    """Follow these cases no more, and take back what waits because of it. An address that follows nothing else, and is
    to be told nothing, is forgotten at once. Doing it twice changes nothing."""
    gone = session.execute(
        delete(Follow)
        .where(Follow.recipient_id == recipient_id, Follow.case_id.in_(case_ids))
        .execution_options(synchronize_session=False)
    )
    if cast(CursorResult[Any], gone).rowcount:
        note_done("follows", None, ended=list(case_ids))
    end_untrue_of(session, recipient_id, now)
    forget_idle(session, now, recipient_id)


def forget(session: Session, recipient_id: int, now: datetime) -> None:
    """Take away the address, all it follows and asked for, and what waits for it. Nothing is kept by which it could be
    known; of what was sent the record stays, which names nobody. Doing it twice changes nothing."""
    held = session.execute(
        select(Recipient.id)
        .where(Recipient.id == recipient_id, Recipient.address_sealed.is_not(None))
        .with_for_update()
    ).first()
    for model in (Follow, FollowAsk):
        session.execute(
            delete(model).where(model.recipient_id == recipient_id).execution_options(synchronize_session=False)
        )
    forget_address(session, recipient_id, FORGOTTEN, now)
    if held is not None:
        note_done("follows", None, forgotten=True)


def forget_idle(session: Session, now: datetime, recipient_id: int | None = None) -> int:
    """Forget addresses that nothing needs any more, or this one where that is so. Returns how many."""
    idle = select(Recipient.id).where(Recipient.address_sealed.is_not(None), ~queries.is_needed(Recipient, now))
    if recipient_id is not None:
        idle = idle.where(Recipient.id == recipient_id)
    numbers = list(session.scalars(idle.order_by(Recipient.id)))
    for number in numbers:
        forget(session, number, now)
    return len(numbers)
