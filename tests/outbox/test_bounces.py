"""Mail that came back: by whose signed address it is known, what becomes of the mail, when an address is taken not to
work, and how it is reached again."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from mail_sink import MailSink
from outbox_ground import NOW, Outbox, later
from returned_mail import complaint, report
from sqlalchemy import func, select, update

from tracker.app import settings_module
from tracker.base.db import db
from tracker.base.sealing import Keyring, Sealer
from tracker.base.work import short_transaction
from tracker.outbox.bounces import UNREACHABLE, TakenIn, reach_again, soft_days, take_in
from tracker.outbox.models import Bounce, Envelope, Message, Recipient
from tracker.outbox.reports import read_report
from tracker.outbox.return_path import read_return_path, return_path

DAY = timedelta(days=1)


@pytest.fixture
def tracker_env(tracker_env: dict[str, str]) -> dict[str, str]:
    """The settings, with a mailbox for what comes back."""
    return {**tracker_env, "TRACKER_BOUNCE_TO": "bounces@example.org"}


@pytest.fixture(autouse=True)
def _keyring(app: Flask) -> None:
    app.extensions["sealer"] = Sealer(Keyring.load(app.extensions["settings"].keyring))


def back(raw: bytes, at: datetime = NOW) -> TakenIn:
    """Take a report in."""
    with short_transaction() as session:
        return take_in(session, read_report(raw), at)


def sender(outbox: Outbox) -> str:
    """The sender of the mail that came last."""
    return str(outbox.app.extensions["sink"].mails[-1].sender)


@pytest.fixture
def outbox(outbox: Outbox, mail_sink: MailSink) -> Outbox:
    """An outbox with one reader, and whose sink is at hand."""
    outbox.app.extensions["sink"] = mail_sink
    outbox.add_recipient("reader@example.net")
    return outbox


def recipient(number: int) -> Recipient:
    """As it stands now."""
    db.session.rollback()
    return db.session.get_one(Recipient, number, populate_existing=True)


# Whose mail it was ----------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
def test_the_address_is_short_lower_case_and_says_which_mail(app: Flask) -> None:
    settings = app.extensions["settings"]
    for number in (1, 12, 2**63 - 1):
        address = return_path(settings, number, "<a@example.org>")
        local = address.partition("@")[0]
        assert address.startswith(f"bounces+{number}.")
        assert local == local.lower()
        for spelt in (address, f" {address.upper()} ", f"{local}@mail.host.internal"):
            named = read_return_path(spelt)
            assert named is not None
            assert named.envelope_id == number
            assert named.is_of("<a@example.org>")
            assert not named.is_of("<b@example.org>")
        longest = return_path(replace(settings, bounce_to=f"{'b' * 30}@example.org"), number, "<a@example.org>")
        assert len(longest.partition("@")[0]) <= 64


@pytest.mark.one_engine
def test_without_a_mailbox_for_it_mail_comes_back_to_the_sender(app: Flask) -> None:
    settings = replace(app.extensions["settings"], bounce_to=None)
    assert return_path(settings, 12, "<a@example.org>") == "tracker@example.org"


@pytest.mark.one_engine
def test_an_address_not_made_here_names_no_mail(app: Flask) -> None:
    address = return_path(app.extensions["settings"], 12, "<a@example.org>")

    def is_ours(written: str) -> bool:
        named = read_return_path(written)
        return named is not None and named.is_of("<a@example.org>")

    assert is_ours(address)
    name, _plus, rest = address.partition("+")
    number, _dot, mac = rest.partition("@")[0].partition(".")
    other = "a" if mac[0] != "a" else "b"
    for forged in (
        f"{name}+13.{mac}@example.org",
        f"{name}+012.{mac}@example.org",
        f"{name}+12.{other}{mac[1:]}@example.org",
        f"{name}+12.{mac[:-1]}@example.org",
        f"{name}+12.@example.org",
        f"{name}+12@example.org",
        "bounces@example.org",
        "",
        f"{name}+{number}.{mac}",
        "bounces+\u0661\u0662." + mac + "@example.org",
        f"{name}+{2**63}.{mac}@example.org",
    ):
        assert not is_ours(forged), forged
    app.extensions["sealer"] = Sealer(Keyring({"other": b"x" * 32}))
    assert not is_ours(address)


def test_each_mail_leaves_from_an_address_of_its_own(outbox: Outbox) -> None:
    outbox.plan(1, 2)
    assert outbox.deliver()["sent"] == 2
    named = [read_return_path(mail.sender) for mail in outbox.app.extensions["sink"].mails]
    assert {one.envelope_id for one in named if one} == {envelope.id for envelope in outbox.envelopes()}
    assert "bounces" not in outbox.app.extensions["sink"].mails[0].message.as_string()


def test_a_report_for_a_forged_or_unknown_address_changes_nothing(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    ours = sender(outbox)
    number, rest = ours.removeprefix("bounces+").split(".", 1)
    for to in (
        f"bounces+{number}.aaaaaaaaaaaaa@example.org",
        f"bounces+{int(number) + 1}.{rest}",
        "bounces@example.org",
    ):
        assert back(report(to)) == TakenIn("unrecognised")
    unknown = return_path(outbox.app.extensions["settings"], 999_999, "<1@example.org>")
    assert back(report(unknown)) == TakenIn("unrecognised")
    # Ours stands in it, as text and as the mail it speaks of; it was delivered to somebody else.
    assert back(report("x@example.org", reader=ours)) == TakenIn("unrecognised")
    assert outbox.states() == ["sent"]
    assert db.session.scalar(select(func.count(Bounce.id))) == 0


def test_a_late_report_does_not_silence_who_got_the_number_after_a_backup_came_back(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    late = sender(outbox)
    (envelope,) = outbox.envelopes()
    # The number again, for the mail of another message to somebody else.
    other = outbox.add_recipient("other@example.net")
    with short_transaction() as session:
        session.execute(update(Message).values(recipient_id=other))
        session.execute(update(Envelope).values(recipient_id=other, message_id="<another@example.org>"))
    assert back(report(late, reader="reader@example.net")) == TakenIn("unrecognised")
    assert back(complaint(late)) == TakenIn("unrecognised")
    assert recipient(other).suppressed_at is None
    assert outbox.states() == ["sent"]
    ours = return_path(outbox.app.extensions["settings"], envelope.id, "<another@example.org>")
    assert back(report(ours, reader="other@example.net")).suppressed


def test_a_report_that_names_somebody_else_changes_nothing(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    ours = sender(outbox)
    assert back(report(ours, reader="other@example.net")) == TakenIn("unrecognised")
    assert outbox.states() == ["sent"]
    assert recipient(outbox.recipients[0]).suppressed_at is None
    # Letters large or small, forwarded to elsewhere, and a report that names nobody.
    assert back(report(ours, reader="Reader@Example.NET")) == TakenIn("hard", suppressed=True)
    raw = report(ours)
    final, original = b"Final-Recipient: rfc822; reader@example.net", b"Original-Recipient: rfc822;reader@example.net"
    forwarded = raw.replace(final, b"Final-Recipient: rfc822; moved@example.com")
    assert back(forwarded) == TakenIn("hard")
    nobody = raw.replace(final, b"X-Note: none").replace(original, b"X-Note: none")
    assert b"-Recipient: rfc822" in forwarded
    assert b"-Recipient: rfc822" not in nobody
    assert back(nobody) == TakenIn("hard")


# A hard one -----------------------------------------------------------------------------------------------------------


def test_an_address_that_does_not_work_gets_nothing_more(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.plan(2, due_at=later(hours=1))
    outbox.deliver()
    assert back(report(sender(outbox)), later(minutes=1)) == TakenIn("hard", suppressed=True)
    who = recipient(outbox.recipients[0])
    assert who.suppressed_at == later(minutes=1)
    assert who.suppressed_reason == "its mail server says there is no such address (5.1.1)"
    first, second = outbox.messages()
    assert (first.state, first.reason) == ("not_delivered", f"it came back: {who.suppressed_reason}")
    assert (first.sent_at, first.ended_at) == (NOW, later(minutes=1))
    assert (second.state, second.reason) == ("cancelled", UNREACHABLE)
    assert outbox.envelopes()[0].state == "not_delivered"
    assert outbox.attempts() == [("answered", "sent")]
    outbox.plan(3)
    assert outbox.deliver(later(hours=2))["sent"] == 0
    assert outbox.states()[2] == "skipped"
    assert len(outbox.app.extensions["sink"].mails) == 1


def test_the_same_report_twice_is_one(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    raw = report(sender(outbox))
    assert back(raw).suppressed
    assert back(raw, later(days=1)) == TakenIn("known")
    assert recipient(outbox.recipients[0]).suppressed_at == NOW
    # Another one about the same mail is evidence, and keeps since when and why.
    assert back(report(sender(outbox), "5.1.2"), later(days=1)) == TakenIn("hard")
    assert recipient(outbox.recipients[0]).suppressed_at == NOW
    bounces = db.session.execute(select(Bounce.verdict, Bounce.status).order_by(Bounce.id)).all()
    assert [tuple(b) for b in bounces] == [("hard", "5.1.1"), ("hard", "5.1.2")]


def test_a_complaint_stops_the_mail_though_it_arrived(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    assert back(complaint(sender(outbox))) == TakenIn("hard", suppressed=True)
    assert outbox.states() == ["sent"]
    assert "unwanted" in recipient(outbox.recipients[0]).suppressed_reason


def test_others_are_reached_as_before(outbox: Outbox) -> None:
    other = outbox.add_recipient("gone@example.net")
    outbox.plan(1, to=other)
    outbox.deliver()
    outbox.plan(2, to=outbox.add_recipient("here@example.net"))
    back(report(sender(outbox), reader="gone@example.net"))
    assert outbox.deliver(later(minutes=1))["sent"] == 1


# Soft ones ------------------------------------------------------------------------------------------------------------


def test_five_days_of_mail_that_came_back_are_enough_and_four_are_not(outbox: Outbox) -> None:
    for day in range(5):
        at = NOW + day * DAY
        outbox.plan(day * 2, day * 2 + 1, due_at=at)
        assert outbox.deliver(at)["sent"] == 2
        last = day == 4
        assert recipient(outbox.recipients[0]).suppressed_at is None
        for _twice in range(2):
            mail = outbox.app.extensions["sink"].mails.pop()
            taken = back(report(mail.sender, "5.2.2"), at)
            assert taken == TakenIn("soft", suppressed=last and _twice == 0)
    who = recipient(outbox.recipients[0])
    assert who.suppressed_reason == "mail came back on 5 days: its mailbox is full (5.2.2)"
    assert set(outbox.states()) == {"not_delivered"}


def test_what_is_only_late_counts_for_nothing(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.deliver()
    assert back(report(sender(outbox), "4.4.1", "delayed")) == TakenIn("soft")
    assert outbox.states() == ["sent"]
    assert recipient(outbox.recipients[0]).soft_bounces == 0


@pytest.mark.one_engine
def test_days_are_counted_once_and_forgotten_after_a_month() -> None:
    day = date(2024, 4, 1)
    assert soft_days(0, None, day) == 1
    assert soft_days(3, day, day) == 3
    assert soft_days(3, day, day + DAY) == 4
    assert soft_days(3, day, day + 30 * DAY) == 4
    assert soft_days(3, day, day + 31 * DAY) == 1
    assert soft_days(3, day, day - DAY) == 3


# Again ----------------------------------------------------------------------------------------------------------------


def test_what_waited_goes_out_when_the_address_is_reached_again(outbox: Outbox) -> None:
    outbox.plan(1)
    outbox.plan(2, due_at=later(hours=1))
    outbox.plan(3, due_at=later(hours=1), give_up_at=later(hours=2))
    outbox.deliver()
    ours = sender(outbox)
    back(report(ours))
    with short_transaction() as session:
        assert reach_again(session, outbox.recipients[0], later(hours=2))
    assert outbox.states() == ["not_delivered", "waiting", "cancelled"]
    who = recipient(outbox.recipients[0])
    assert (who.suppressed_at, who.suppressed_reason, who.soft_bounces) == (None, "", 0)
    assert outbox.deliver(later(hours=2))["sent"] == 1
    # What comes back now from before then says nothing new …
    assert back(report(ours, "5.1.2"), later(hours=3)) == TakenIn("hard")
    assert recipient(outbox.recipients[0]).suppressed_at is None
    # … and what left since then does, from that very instant on.
    assert back(report(sender(outbox)), later(hours=3)).suppressed


@pytest.mark.one_engine
def test_the_mailbox_must_be_one_that_can_be_signed(app: Flask) -> None:
    load = settings_module().load
    for wrong in ("bounces", "Bounces <b@example.org>", "b+x@example.org", f"{'b' * 31}@example.org"):
        with pytest.raises(Exception, match="TRACKER_BOUNCE_TO"):
            load({"TRACKER_BOUNCE_TO": wrong, "TRACKER_INSTANCE": app.instance_path})
