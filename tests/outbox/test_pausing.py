"""The pause of the house: what stands still, what passes, and what goes when it is lifted."""

import threading
import time
from datetime import datetime, timedelta

import pytest
from outbox_ground import NOW, Outbox, later
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from tracker.base.db import db
from tracker.base.house import read_fact
from tracker.base.work import short_transaction
from tracker.outbox import pausing
from tracker.outbox.models import Envelope, Message
from tracker.outbox.pausing import LetGo, SetAside, hold_due, read_pause, unchanged
from tracker.outbox.protocol import Claimed, settle_empty
from tracker.outbox.service import cancel_messages

HOUR = timedelta(hours=1)


def pause(now: datetime = NOW, older_than: timedelta | None = None, words: str = "") -> SetAside:
    """Pause by hand."""
    with short_transaction() as session:
        return pausing.pause(session, now, "by_hand", "Amal", older_than, words=words)


def release(now: datetime = NOW, older_than: timedelta | None = None) -> LetGo:
    """Release."""
    with short_transaction() as session:
        return pausing.release(session, now, older_than)


def hold(now: datetime) -> int:
    """What a deliverer does first while mail is paused."""
    with short_transaction() as session:
        standing = read_pause(session)
        assert standing is not None
        return hold_due(session, standing, now)


def carried(outbox: Outbox, *numbers: int) -> int:
    """Put these notes into one mail; returns its number."""
    outbox.pack()
    with short_transaction() as session:
        mails = session.scalars(
            select(Message.envelope_id).where(Message.subject_id.in_(numbers)).order_by(Message.subject_id)
        ).all()
        session.execute(update(Message).where(Message.subject_id.in_(numbers)).values(envelope_id=mails[0]))
        session.execute(update(Envelope).where(Envelope.id.in_(mails[1:])).values(state="cancelled"))
    assert mails[0] is not None
    return mails[0]


# The fact -------------------------------------------------------------------------------------------------------------


def test_a_pause_says_since_when_why_and_by_whom(outbox: Outbox) -> None:
    assert read_pause(db.session()) is None
    pause(words="the relay forwards everything to a stranger")
    standing = read_pause(db.session())
    assert standing is not None
    assert (standing.since, standing.why, standing.by) == (NOW, "by_hand", "Amal")
    assert standing.words == "the relay forwards everything to a stranger"
    assert standing.cut is None
    assert not standing.lets(later(days=-900))
    assert standing.value == read_fact(db.session(), "pause")


def test_pausing_again_leaves_the_first_pause_and_lets_nothing_pass_any_more(outbox: Outbox) -> None:
    pause(words="first")
    release(older_than=HOUR)
    assert read_pause(db.session()).cut == later(hours=-1)  # type: ignore[union-attr]  # it stands
    pause(later(hours=2), words="second")
    standing = read_pause(db.session())
    assert standing is not None
    assert (standing.since, standing.words, standing.cut) == (NOW, "first", None)


def test_the_mark_can_ask_whether_the_pause_is_what_was_read(outbox: Outbox) -> None:
    outbox.plan(1)
    message = outbox.messages()[0].id
    before = read_pause(db.session())
    assert outbox.meets(message, unchanged(before))
    pause()
    assert not outbox.meets(message, unchanged(before))
    standing = read_pause(db.session())
    assert outbox.meets(message, unchanged(standing))
    release(older_than=HOUR)
    assert not outbox.meets(message, unchanged(standing))
    release()
    assert not outbox.meets(message, unchanged(standing))
    assert outbox.meets(message, unchanged(None))


# Pausing --------------------------------------------------------------------------------------------------------------


def test_everything_that_waits_stands_still_and_only_that(outbox: Outbox) -> None:
    outbox.plan(1, 2, 3)
    outbox.plan(4, due_at=later(days=9))
    outbox.cancel(3)
    with short_transaction() as session:
        session.execute(update(Message).where(Message.subject_id == 2).values(state="sending"))
    assert pause() == SetAside(paused=2, under_way=1)
    assert outbox.states() == ["paused", "sending", "cancelled", "paused"]
    assert outbox.messages()[0].reason == "mail is paused"


def test_account_mail_stands_still_too(outbox: Outbox) -> None:
    outbox.plan(1, kind="test.account")
    assert pause().paused == 1


@pytest.mark.parametrize(
    ("due", "state"),
    [
        (later(hours=-1, seconds=-1), "paused"),
        (later(hours=-1), "paused"),
        (later(minutes=-59, seconds=-59), "waiting"),
    ],
)
def test_what_is_old_is_set_aside_and_the_rest_goes_on(outbox: Outbox, due: datetime, state: str) -> None:
    outbox.plan(1, due_at=due)
    outbox.plan(2, due_at=later(days=1))
    pause(older_than=HOUR)
    assert outbox.states() == [state, "waiting"]
    assert read_pause(db.session()) is None


@pytest.mark.parametrize(
    ("after", "state"), [(-1, "waiting"), (0, "paused"), (1, "paused")], ids=["before", "at", "after"]
)
def test_what_is_planned_meanwhile_stands_still_once_it_is_due(outbox: Outbox, after: int, state: str) -> None:
    pause()
    outbox.plan(1, due_at=later(hours=1))
    assert hold(later(hours=1, seconds=after)) == (state == "paused")
    assert outbox.states() == [state]


def test_the_messages_of_one_mail_stand_still_together(outbox: Outbox) -> None:
    outbox.plan(1, due_at=later(hours=-2))
    outbox.plan(2, 3)
    mail = carried(outbox, 1, 2)
    assert pause(older_than=HOUR).paused == 2
    assert outbox.states() == ["paused", "paused", "waiting"]
    assert [e.state for e in outbox.envelopes() if e.id == mail] == ["paused"]


def test_a_mail_that_stands_still_is_not_claimed(outbox: Outbox) -> None:
    outbox.plan(1, 2)
    outbox.pack()
    pause()
    assert [e.state for e in outbox.envelopes()] == ["paused", "paused"]
    assert outbox.claim() == []


def test_a_mail_whose_message_is_taken_back_while_it_stands_still_ends_with_it(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.pack()
    pause()
    assert outbox.cancel(1) == 1
    assert [e.state for e in outbox.envelopes()] == ["cancelled"]
    release()
    assert outbox.states() == ["cancelled"]


# Releasing ------------------------------------------------------------------------------------------------------------


def test_a_release_lets_everything_wait_again_in_the_mail_it_was_in(outbox: Outbox) -> None:
    outbox.plan(1, 2)
    outbox.pack()
    outbox.plan(3)
    with short_transaction() as session:
        session.execute(update(Envelope).values(ambiguous_attempts=1))
    before = [m.envelope_id for m in outbox.messages()]
    pause()
    assert release() == LetGo(released=3, paused=0)
    assert outbox.states() == ["waiting"] * 3
    assert [m.envelope_id for m in outbox.messages()] == before
    assert [e.state for e in outbox.envelopes()] == ["waiting", "waiting"]
    assert [m.reason for m in outbox.messages()] == [""] * 3
    assert read_pause(db.session()) is None


@pytest.mark.parametrize("ended", ["paused", "cancelled", "may_have_arrived"])
def test_a_mail_that_a_deliverer_closed_meanwhile_is_open_again_with_its_message_id(outbox: Outbox, ended: str) -> None:
    outbox.plan(1)
    outbox.pack()
    name = outbox.envelopes()[0].message_id
    pause()
    with short_transaction() as session:
        session.execute(update(Envelope).values(state=ended))
    release()
    assert [(e.state, e.message_id) for e in outbox.envelopes()] == [("waiting", name)]


def test_a_message_whose_mail_went_without_it_goes_into_another(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.pack()
    pause()
    with short_transaction() as session:
        session.execute(update(Envelope).values(state="sent"))
    release()
    assert [(m.state, m.envelope_id) for m in outbox.messages()] == [("waiting", None)]


@pytest.mark.parametrize(
    ("due", "state"),
    [
        (later(hours=-1, seconds=-1), "waiting"),
        (later(hours=-1), "waiting"),
        (later(minutes=-59, seconds=-59), "paused"),
    ],
)
def test_under_a_pause_only_what_is_old_goes(outbox: Outbox, due: datetime, state: str) -> None:
    outbox.plan(1, due_at=due)
    outbox.plan(2)
    pause()
    assert release(older_than=HOUR) == LetGo(released=int(state == "waiting"), paused=1 + int(state == "paused"))
    assert outbox.states() == [state, "paused"]
    standing = read_pause(db.session())
    assert standing is not None
    assert standing.lets(due) is (state == "waiting")
    assert not standing.lets(NOW)
    hold(NOW)
    assert outbox.states() == [state, "paused"]


def test_a_second_release_of_what_is_old_takes_nothing_back(outbox: Outbox) -> None:
    outbox.plan(1, due_at=later(minutes=-90))
    pause()
    release(older_than=HOUR)
    release(older_than=2 * HOUR)
    assert read_pause(db.session()).cut == later(hours=-1)  # type: ignore[union-attr]  # it stands


def test_a_mail_passes_only_when_all_of_it_is_old(outbox: Outbox) -> None:
    outbox.plan(1, due_at=later(hours=-2))
    outbox.plan(2)
    outbox.plan(3, due_at=later(hours=-3))
    carried(outbox, 1, 2)
    pause()
    release(older_than=HOUR)
    assert outbox.states() == ["paused", "paused", "waiting"]


def test_without_a_pause_what_was_set_aside_is_released_by_its_age(outbox: Outbox) -> None:
    outbox.plan(1, due_at=later(hours=-5))
    outbox.plan(2, due_at=later(hours=-2))
    pause(older_than=HOUR)
    assert release(older_than=3 * HOUR) == LetGo(released=1, paused=1)
    assert read_pause(db.session()) is None
    assert release() == LetGo(released=1, paused=0)


def test_a_release_of_nothing_is_none(outbox: Outbox) -> None:
    assert release() == LetGo(released=0, paused=0)


def test_nothing_is_held_under_a_pause_that_was_released_meanwhile(outbox: Outbox) -> None:
    pause()
    outbox.plan(1)
    with short_transaction() as session:
        standing = read_pause(session)
    assert standing is not None
    release()
    with short_transaction() as session:
        assert hold_due(session, standing, NOW) == 0
    assert outbox.states() == ["waiting"]


def test_nothing_stays_behind_when_a_release_takes_a_while(outbox: Outbox) -> None:
    pause()
    outbox.plan(1)
    outbox.deliver()
    outbox.plan(2)
    begun = threading.Event()

    def slowly_release() -> None:
        with outbox.app.app_context():
            with short_transaction() as session:
                pausing.release(session, NOW)
                begun.set()
                time.sleep(1)
            db.session.remove()

    releasing = threading.Thread(target=slowly_release)
    releasing.start()
    begun.wait()
    outbox.deliver()
    releasing.join()
    outbox.deliver(later(minutes=1))
    assert outbox.states() == ["sent", "sent"]


def test_a_mail_that_a_deliverer_lets_go_of_and_a_release_do_not_wait_for_each_other(outbox: Outbox) -> None:
    faults = []
    for round_ in range(8):
        numbers = range(round_ * 40, round_ * 40 + 40)
        outbox.plan(*numbers)
        carried(outbox, *numbers)
        (claimed,) = outbox.claim()
        pause()
        gate = threading.Barrier(2)

        def settle(claimed: Claimed = claimed, gate: threading.Barrier = gate) -> None:
            with outbox.app.app_context():
                try:
                    gate.wait()
                    with short_transaction() as session:
                        settle_empty(session, claimed, NOW)
                except DBAPIError as fault:
                    faults.append(fault)
                finally:
                    db.session.remove()

        settling = threading.Thread(target=settle)
        settling.start()
        gate.wait()
        try:
            release()
        except DBAPIError as fault:
            faults.append(fault)
        settling.join()
        db.session.rollback()
        release()
        with short_transaction() as session:
            session.execute(update(Message).values(state="sent"))
            session.execute(update(Envelope).values(state="sent"))
    assert not faults


def test_what_is_taken_back_after_an_unsure_try_may_have_arrived(outbox: Outbox) -> None:
    outbox.plan(1, 2)
    outbox.pack()
    with short_transaction() as session:
        first = select(Message.envelope_id).where(Message.subject_id == 1).scalar_subquery()
        session.execute(update(Envelope).where(Envelope.id == first).values(ambiguous_attempts=1))
    outbox.cancel(1)
    outbox.cancel(2)
    assert outbox.states() == ["may_have_arrived", "cancelled"]


# What leaves ----------------------------------------------------------------------------------------------------------


def test_after_a_release_what_is_no_longer_true_or_too_late_does_not_leave(outbox: Outbox, mail_sink: object) -> None:
    outbox.plan(1, 2)
    outbox.plan(3, give_up_at=later(hours=1))
    outbox.pack()
    pause()
    outbox.move(1)
    release(later(hours=2))
    outbox.deliver(later(hours=2))
    assert outbox.states() == ["skipped", "sent", "not_delivered"]
    assert outbox.messages()[0].reason == "subject 1 was moved"


def test_what_was_sent_before_the_pause_is_not_sent_again_after_it(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    pause()
    release()
    outbox.deliver(later(minutes=1))
    assert outbox.attempts() == [("answered", "sent")]


def test_a_message_that_stands_still_can_be_taken_back(outbox: Outbox) -> None:
    outbox.plan(1)
    pause()
    with short_transaction() as session:
        assert cancel_messages(session, Message.subject_id == 1, "moved", NOW) == 1
    release()
    assert outbox.states() == ["cancelled"]
