"""The mail that tells somebody to stop did not arrive: the desk hears of it, and has until then somebody to call."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from actions_ground import act, action
from house_of_cases import NOW, Lived
from signed_in import sign_in
from sqlalchemy import update

from tracker.actions.models import UrgentAction
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.flags.queries import list_flags
from tracker.flags.sweep import sweep_flags
from tracker.outbox.models import Message

#: When the action is stopped, and when the mail about it came to its end.
STOPPED = NOW + timedelta(hours=2)
ENDED = STOPPED + timedelta(minutes=5)
MOMENT = timedelta(microseconds=1)


def raised(now: datetime) -> list[tuple[int, str]]:
    """Severity and subject of the flag on all cases, after a sweep."""
    sweep_flags(now)
    db.session.rollback()
    found = [(f.severity, f.flag.subject) for f in list_flags(db.session(), now) if f.rule == "stop-not-delivered"]
    db.session.rollback()
    return found


def end(state: str, when: datetime = ENDED, **more: Any) -> None:
    """Every mail that waits ends so."""
    with short_transaction() as session:
        session.execute(
            update(Message).where(Message.state == "waiting").values(state=state, ended_at=when, reason="x", **more)
        )


@pytest.fixture
def stopped(telling: Any, lived: Lived) -> UrgentAction:
    """An action that two people wrote for, and that is stopped."""
    written = action(lived, telling.case)
    for name in ("Reem", "Walid"):
        telling.wrote(telling.volunteer(name), written)
    act(lived, written, "stop", now=STOPPED, reason="asked")
    return written


@pytest.mark.parametrize("state", ["not_delivered", "may_have_arrived"])
def test_it_is_urgent_until_somebody_has_told_them(stopped: UrgentAction, state: str) -> None:
    assert raised(ENDED) == []
    end(state)
    found = [(3, f"action:{stopped.id}")]
    last = ENDED + timedelta(days=30)
    for now, expected in ((ENDED, found), (last - MOMENT, found), (last, [])):
        assert raised(now) == expected, now
    with short_transaction() as session:
        session.execute(update(Message).where(Message.recipient_id == _first()).values(seen_to_at=ENDED))
    assert raised(ENDED) == found, "one of two was told"
    with short_transaction() as session:
        session.execute(update(Message).values(seen_to_at=ENDED))
    assert raised(ENDED) == []


def _first() -> int:
    messages = db.session.query(Message.recipient_id).order_by(Message.id).all()
    db.session.rollback()
    return int(messages[0][0])


def test_a_mail_that_arrived_needs_nobody(stopped: UrgentAction) -> None:
    end("sent", sent_at=ENDED)
    assert raised(ENDED) == []


def test_an_action_that_goes_on_needs_nobody_told(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Reem"), written)
    act(lived, written, "hold", now=STOPPED, reason="safety")
    end("not_delivered")
    assert raised(ENDED) == [(3, f"action:{written.id}")]
    act(lived, written, "resume", now=ENDED, reason="checked")
    assert raised(ENDED) == []


def test_a_later_mail_that_arrived_tells_it(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Reem"), written)
    act(lived, written, "hold", now=STOPPED, reason="safety")
    end("not_delivered")
    act(lived, written, "stop", now=ENDED, reason="asked")
    assert raised(ENDED) == [], "the mail about the hold is history; that about the stop waits"
    end("sent", ENDED + timedelta(minutes=1), sent_at=ENDED + timedelta(minutes=1))
    assert raised(ENDED + timedelta(minutes=2)) == []


def test_today_leads_to_who_was_not_told(telling: Any, stopped: UrgentAction, lived: Lived) -> None:
    end("not_delivered")
    raised(ENDED)
    with clock.fixed_at(ENDED):
        staff = sign_in(telling.app, lived.owner, ENDED)
        page = staff.get("/").get_data(as_text=True)
        assert "Somebody may write on" in page
        assert "Who was not told" in page
        health = staff.get("/service").get_data(as_text=True)
    assert "Reem" in health
    assert "Told in another way" in health
