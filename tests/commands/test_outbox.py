"""The commands of the outbox: looking, pausing, sending again, and trying the relay."""

import json
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from house_of_cases import NOW, Lived, lived
from mail_sink import MailSink
from raw_relay import RawRelay
from sqlalchemy import select, update

from tracker.agenda.models import AgendaItem
from tracker.audit.models import Act
from tracker.base.db import db
from tracker.base.work import short_transaction
from tracker.cli import main
from tracker.clockwork.kinds import in_turn
from tracker.clockwork.service import note_end, note_start
from tracker.hearings.models import Hearing
from tracker.hearings.rules import on_day
from tracker.hearings.service import move_hearing
from tracker.outbox.models import Envelope, Message
from tracker.outbox.pausing import read_pause
from tracker.outbox.relay import read_relay
from tracker.pages.health import doctor_says
from tracker.reminders.planning import plan_step

__all__ = ["lived"]

pytestmark = pytest.mark.rehearsal

#: When the reminders of a hearing on 8 April are planned, and when the first of them is due.
PLANNED = NOW + timedelta(days=10)
DUE = "2024-04-01T05:00Z"
LATER = "2024-04-01T07:00Z"

FIELDS = ["id", "dedupe_key", "kind", "to", "state", "due_at", "sent_at", "attempts", "message_id", "reason"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: its exit code and what it wrote."""

    code: Any
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(app: Flask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command within this process, with these settings: `run("outbox", "list", smtp_url=…)`."""
    settings = app.extensions["settings"]

    def go(*arguments: str, **set_to: Any) -> Done:
        db.session.rollback()
        app.extensions["settings"] = replace(settings, **set_to)
        monkeypatch.setattr(sys, "argv", ["tracker", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return Done(ended.value.code or 0, written.out, written.err)

    return go


@pytest.fixture
def hearing(lived: Lived) -> Hearing:
    """A hearing whose owner is reminded."""
    made = lived.hearing(lived.case("Ahmad Khalefa"))
    plan_step(PLANNED)
    return made


def another(lived: Lived) -> None:
    """A second hearing, a day later, of which the same person is reminded."""
    day = on_day("Asia/Jerusalem", datetime(2024, 4, 9, tzinfo=UTC).date(), datetime(2024, 4, 9, 9, 30).time())  # noqa: DTZ001
    lived.hearing(lived.case("Sara Halabi"), when=day)
    plan_step(PLANNED)


def messages() -> list[Message]:
    """All reminders in the order they are due, as they stand now."""
    db.session.rollback()
    reminders = select(Message).where(Message.kind == "hearing.reminder")
    return list(db.session.scalars(reminders.order_by(Message.due_at, Message.id)))


def reminded(mail_sink: MailSink) -> list[str]:
    """The Message-IDs of the reminders that arrived."""
    return [str(mail.message["Message-ID"]) for mail in mail_sink.mails if mail.kind == "hearing.reminder"]


def ended(state: str, number: int, **more: Any) -> None:
    """Let a message have ended so, in a mail of its own."""
    with short_transaction() as session:
        message = session.get_one(Message, number)
        envelope = Envelope(
            recipient_id=message.recipient_id,
            state=state,
            message_id=f"<{number}@example.org>",
            not_before=message.due_at,
            attempts=2,
            ambiguous_attempts=2 if state == "may_have_arrived" else 0,
            reason="",
            created_at=message.due_at,
            **more,
        )
        session.add(envelope)
        session.flush()
        message.state, message.ended_at, message.reason = state, message.due_at, "the relay never said"
        message.envelope_id = envelope.id


def outdated(by: int = 1) -> None:
    """Let the hearing have moved without anybody having looked at the plan since."""
    with short_transaction() as session:
        session.execute(update(Hearing).values(schedule_rev=Hearing.schedule_rev + by))
        session.execute(update(AgendaItem).values(rev=AgendaItem.rev + by))


# Looking --------------------------------------------------------------------------------------------------------------


def test_the_list_says_all_there_is_to_say_of_each_message(hearing: Hearing, run: Run) -> None:
    done = run("outbox", "list", "--json")
    assert done.code == 0
    assert [list(m) for m in done.json] == [FIELDS] * len(messages())
    first = done.json[0]
    assert first["kind"] == "hearing.reminder"
    assert (first["to"], first["state"], first["due_at"]) == ("owner@example.org", "waiting", "2024-04-01T05:00:00Z")
    assert (first["sent_at"], first["attempts"], first["message_id"], first["reason"]) == (None, 0, None, "")


@pytest.mark.one_engine
def test_the_list_can_be_narrowed_to_a_state_with_dashes_or_without(hearing: Hearing, run: Run) -> None:
    number = messages()[0].id
    ended("may_have_arrived", number)
    for spelt in ("may-have-arrived", "may_have_arrived"):
        (only,) = run("outbox", "list", "--state", spelt, "--json").json
        assert (only["id"], only["message_id"], only["attempts"]) == (number, f"<{number}@example.org>", 2)
    assert run("outbox", "list", "--state", "sent", "--json").json == []
    assert "There is no such message." in run("outbox", "list", "--state", "sent").out


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    lived: Lived, hearing: Hearing, run: Run, mail_sink: MailSink
) -> None:
    relay = {"smtp_url": mail_sink.url}
    assert run("outbox", "dry-run", "--at", DUE, "--json").json[0]["why"] == "no_relay"
    (only,) = run("outbox", "dry-run", "--at", DUE, "--json", **relay).json
    assert list(only) == ["id", "kind", "to", "due_at", "would", "why", "reason"]
    assert (only["would"], only["why"]) == ("send", "")
    assert run("outbox", "dry-run", "--at", "2024-04-01T04:59Z", "--json", **relay).json == []
    outdated()
    (only,) = run("outbox", "dry-run", "--at", DUE, "--json", **relay).json
    assert (only["would"], only["why"], only["reason"]) == ("skip", "untrue", "the hearing moved")
    assert {m.state for m in messages()} == {"waiting"}
    assert mail_sink.mails == []


# Pausing --------------------------------------------------------------------------------------------------------------


def test_nothing_goes_until_it_is_released(hearing: Hearing, run: Run, mail_sink: MailSink) -> None:
    count = len(messages())
    done = run("outbox", "pause", "--reason", "the relay\n is not ours", "--at", DUE, "--json")
    assert (done.code, done.json) == (0, {"paused": count, "under_way": 0})
    standing = read_pause(db.session())
    assert standing is not None
    assert (standing.why, standing.by, standing.words) == ("by_hand", "command line", "the relay is not ours")
    assert "Mail is paused since 2024-04-01T05:00:00Z by command line" in run("outbox", "list").out
    relay = {"smtp_url": mail_sink.url}
    assert run("tick", "--at", DUE, "--json", **relay).json["outbox"]["sent"] == 0
    assert mail_sink.mails == []
    assert run("outbox", "release", "--at", LATER, "--json").json["paused"] == 0
    run("tick", "--at", LATER, "--json", **relay)
    assert len(reminded(mail_sink)) == 1


def test_what_is_planned_while_mail_is_paused_stands_still_too(lived: Lived, run: Run, mail_sink: MailSink) -> None:
    run("outbox", "pause", "--at", "2024-03-28T08:00Z")
    lived.hearing(lived.case("Ahmad Khalefa"))
    relay = {"smtp_url": mail_sink.url}
    for _ in range(2):
        assert run("tick", "--at", DUE, "--json", **relay).json["outbox"]["sent"] == 0
    assert [m.state for m in messages()][:2] == ["paused", "waiting"]
    assert mail_sink.mails == []


def test_a_release_of_what_is_old_lets_that_alone_pass(
    lived: Lived, hearing: Hearing, run: Run, mail_sink: MailSink
) -> None:
    another(lived)
    run("outbox", "pause", "--at", DUE)
    relay = {"smtp_url": mail_sink.url}
    few = run("outbox", "release", "--older-than", "2h", "--at", LATER, "--json").json
    assert few == {"released": 1, "paused": len(messages()) - 1}
    assert "goes" in run("outbox", "list").out
    run("tick", "--at", LATER, "--json", **relay)
    assert len(reminded(mail_sink)) == 1
    assert [m.state for m in messages()][:2] == ["sent", "paused"]


def test_a_reminder_that_stands_still_while_its_hearing_moves_is_not_sent_on_release(
    lived: Lived, hearing: Hearing, run: Run, mail_sink: MailSink
) -> None:
    run("outbox", "pause", "--at", DUE)
    with lived.at(NOW + timedelta(days=13, hours=22)) as session:
        stored = session.get_one(Hearing, hearing.id)
        moved = on_day("Asia/Jerusalem", datetime(2024, 4, 30, tzinfo=UTC).date(), stored.local_time)
        move_hearing(session, stored, moved, version=stored.version)
    run("outbox", "release", "--at", LATER)
    relay = {"smtp_url": mail_sink.url}
    run("tick", "--at", LATER, "--json", **relay)
    assert reminded(mail_sink) == []
    old = [m for m in messages() if m.subject_rev == 1]
    assert old
    assert {m.state for m in old} <= {"cancelled", "skipped"}


@pytest.mark.one_engine
def test_setting_aside_what_is_old_leaves_the_rest(lived: Lived, hearing: Hearing, run: Run) -> None:
    another(lived)
    done = run("outbox", "pause", "--older-than", "120m", "--at", LATER, "--json")
    assert done.json == {"paused": 1, "under_way": 0}
    assert read_pause(db.session()) is None
    assert [m.state for m in messages()][:2] == ["paused", "waiting"]


@pytest.mark.one_engine
def test_who_stopped_it_stands_in_the_audit(hearing: Hearing, run: Run) -> None:
    run("outbox", "pause", "--at", DUE)
    run("outbox", "release", "--at", LATER)
    number = messages()[0].id
    run("outbox", "cancel", str(number), "--at", LATER)
    db.session.rollback()
    acts = db.session.execute(select(Act.act, Act.actor_kind, Act.subject).order_by(Act.seq)).all()
    assert [tuple(act) for act in acts[-3:]] == [
        ("outbox.pause", "command", "house"),
        ("outbox.release", "command", "house"),
        ("outbox.cancel", "command", f"message:{number}"),
    ]


# One message ----------------------------------------------------------------------------------------------------------


def test_a_message_that_may_have_arrived_goes_again_under_its_message_id(
    hearing: Hearing, run: Run, mail_sink: MailSink
) -> None:
    number = messages()[0].id
    ended("may_have_arrived", number)
    done = run("outbox", "retry", str(number), "--at", LATER, "--json")
    assert (done.code, done.json) == (0, {"id": number, "again": [number]})
    run("tick", "--at", LATER, "--json", smtp_url=mail_sink.url)
    assert reminded(mail_sink) == [f"<{number}@example.org>"]
    (shown,) = [m for m in run("outbox", "list", "--state", "sent", "--json").json if m["id"] == number]
    assert (shown["id"], shown["attempts"], shown["sent_at"]) == (number, 3, "2024-04-01T07:00:00Z")


def test_what_came_back_goes_again_as_another_mail(hearing: Hearing, run: Run, mail_sink: MailSink) -> None:
    number = messages()[0].id
    ended("not_delivered", number, sent_at=PLANNED)
    assert run("outbox", "retry", str(number), "--at", LATER).code == 0
    run("tick", "--at", LATER, smtp_url=mail_sink.url)
    assert [name == f"<{number}@example.org>" for name in reminded(mail_sink)] == [False]


@pytest.mark.one_engine
def test_what_was_in_the_same_mail_goes_again_with_it(lived: Lived, hearing: Hearing, run: Run) -> None:
    another(lived)
    first, second = [m.id for m in messages()[:2]]
    ended("not_delivered", first)
    with short_transaction() as session:
        mail = session.get_one(Message, first).envelope_id
        session.execute(
            update(Message).where(Message.id == second).values(state="not_delivered", envelope_id=mail, ended_at=NOW)
        )
    done = run("outbox", "retry", str(second), "--at", LATER, "--json")
    assert done.json["again"] == [first, second]


@pytest.mark.one_engine
def test_what_is_no_longer_true_or_too_late_or_has_no_reader_does_not_go_again(
    lived: Lived, hearing: Hearing, run: Run
) -> None:
    number = messages()[0].id
    ended("not_delivered", number)
    with short_transaction() as session:
        session.get_one(Message, number).give_up_at = datetime(2024, 4, 1, 7, tzinfo=UTC)
    late = run("outbox", "retry", str(number), "--at", LATER)
    assert (late.code, late.out) == (2, "")
    assert "its time is over since 2024-04-01 07:00 UTC" in late.err
    with short_transaction() as session:
        session.get_one(Message, number).give_up_at = datetime(2024, 4, 1, 7, 0, 1, tzinfo=UTC)
    outdated()
    moved = run("outbox", "retry", str(number), "--at", LATER)
    assert moved.code == 2
    assert "the hearing moved" in moved.err
    outdated(-1)
    with lived.at(PLANNED) as session:
        session.merge(lived.owner).active = False
    gone = run("outbox", "retry", str(number), "--at", LATER)
    assert gone.code == 2
    assert "the account is not active any more" in gone.err
    assert messages()[0].state == "not_delivered"


@pytest.mark.one_engine
def test_only_what_waits_is_taken_back(lived: Lived, hearing: Hearing, run: Run) -> None:
    another(lived)
    first, second = [m.id for m in messages()[:2]]
    done = run("outbox", "cancel", str(first), "--at", DUE, "--json")
    assert (done.code, done.json) == (0, {"id": first, "state": "cancelled"})
    assert "cannot be sent again: it waits" in run("outbox", "retry", str(second), "--at", DUE).err
    assert messages()[0].reason == "taken back by hand"
    ended("sent", second, sent_at=PLANNED)
    for number, said in ((first, "it was taken back"), (second, "it was sent")):
        refused = run("outbox", "cancel", str(number), "--at", DUE)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
        assert run("outbox", "retry", str(number), "--at", DUE).code == 2


@pytest.mark.parametrize("state", ["not_delivered", "may_have_arrived"])
def test_what_somebody_told_in_another_way_is_seen_to_once(hearing: Hearing, run: Run, state: str) -> None:
    number = messages()[0].id
    waits = run("outbox", "seen-to", str(number), "--at", DUE)
    assert (waits.code, waits.out) == (2, "")
    assert "it waits for its turn" in waits.err
    assert messages()[0].seen_to_at is None
    ended(state, number)
    done = run("outbox", "seen-to", str(number), "--at", DUE, "--json")
    assert (done.code, done.json) == (0, {"id": number, "already": False})
    first = messages()[0].seen_to_at
    assert first is not None
    again = run("outbox", "seen-to", str(number), "--at", LATER, "--json")
    assert (again.code, again.json) == (0, {"id": number, "already": True})
    assert "was seen to already" in run("outbox", "seen-to", str(number), "--at", LATER).out
    assert (messages()[0].seen_to_at, messages()[0].state) == (first, state)


@pytest.mark.parametrize("state", ["not_delivered", "may_have_arrived"])
def test_the_doctor_names_the_state_that_is_there(app: Flask, hearing: Hearing, run: Run, state: str) -> None:
    assert hearing.starts_at is not None
    relay = "smtp://127.0.0.1:1"
    app.extensions["settings"] = replace(app.extensions["settings"], smtp_url=relay)
    now = hearing.starts_at - timedelta(hours=24)
    number = messages()[0].id
    ended(state, number)
    for beat in in_turn():
        note_start(beat.code, now)
        note_end(beat.code, now, now)
    db.session.rollback()
    told = doctor_says(db.session(), now, True)
    assert told.bad
    spelt = state.replace("_", "-")
    assert f"--state {spelt}), then: tracker outbox seen-to ID" in told.words
    assert [m["id"] for m in run("outbox", "list", "--state", spelt, "--json").json] == [number]
    assert run("outbox", "seen-to", str(number), "--at", DUE, smtp_url=relay).code == 0
    db.session.rollback()
    assert "seen-to" not in doctor_says(db.session(), now, True).words


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry", "99"), "There is no message 99."),
        (("cancel", "99"), "There is no message 99."),
        (("seen-to", "99"), "There is no message 99."),
        (("cancel", "abc"), "'abc' is no number of a message: tracker outbox list shows them."),
        (("retry", "0"), "'0' is no number of a message"),
        (("seen-to", "9223372036854775808"), "is no number of a message"),
        (("retry", "\u0661"), "is no number of a message"),
        (("cancel", "9223372036854775807"), "There is no message 9223372036854775807."),
        (("list", "--state", "dead"), "is no state"),
        (("pause", "--older-than", "soon"), "90m, 2h or 3d"),
        (("pause", "--older-than", "0h"), "90m, 2h or 3d"),
        (("pause", "--older-than", "3"), "90m, 2h or 3d"),
        (("release", "--older-than", "-2h"), "90m, 2h or 3d"),
        (("release", "--older-than", "99999d"), "90m, 2h or 3d"),
        (("pause", "--older-than", "2h", "--reason", "x"), "--reason is for"),
    ],
)
def test_wrong_use_is_one_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("outbox", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


# The relay ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def relay() -> Iterator[RawRelay]:
    """A relay that misbehaves as told."""
    relay = RawRelay()
    yield relay
    relay.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that nobody has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "relay.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def relay_says() -> tuple[str, str]:
    """What staff read about the relay."""
    db.session.rollback()
    known = read_relay(db.session())
    return known.state, known.words


def test_a_relay_that_works_is_said_to_work_and_the_banner_waits_for_the_clock(
    lived: Lived, run: Run, mail_sink: MailSink
) -> None:
    from tracker.outbox.relay import say_relay

    say_relay("refused", "user or password: 535 no", NOW)
    done = run("mail", "check", "--to", "me@example.net", smtp_url=mail_sink.url)
    assert (done.code, done.err) == (0, "")
    assert f"Relay: 127.0.0.1:{mail_sink.port}, without TLS, without signing in." in done.out
    assert "Offered: PIPELINING" in done.out
    assert "SMTPUTF8 yes" in done.out
    assert "v=spf1 ip4:127.0.0.1 ~all" in done.out
    assert "_domainkey.example.org" in done.out
    assert "_dmarc.example.org" in done.out
    assert "MX" not in done.out
    (mail,) = mail_sink.mails
    assert (mail.sender, mail.recipients, mail.kind) == ("tracker@example.org", ("me@example.net",), "test")
    # The clock may have been started with another address: only what it delivers takes the banner away.
    assert relay_says() == ("refused", "user or password: 535 no")
    assert run("mail", "check", smtp_url="smtp://127.0.0.1:1").code == 1
    assert run("mail", "check", smtp_url=None).code == 1
    assert relay_says() == ("refused", "user or password: 535 no")


@pytest.mark.one_engine
def test_mail_goes_to_the_sender_when_nobody_is_named_and_comes_back_to_the_mailbox_for_it(
    lived: Lived, run: Run, mail_sink: MailSink
) -> None:
    done = run("mail", "check", "--json", smtp_url=mail_sink.url, bounce_to="bounces@in.example.net")
    assert (done.code, done.json["ok"], done.json["sent_to"]) == (0, True, "tracker@example.org")
    assert mail_sink.mails[0].sender == "bounces@in.example.net"
    records = {(r["type"], r["name"]) for r in done.json["dns"]}
    assert {("MX", "in.example.net"), ("TXT", "in.example.net"), ("TXT", "_dmarc.example.org")} <= records


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("mail_from", "warned"), [("Urgent action tracker <tracker@localhost>", True), ("tracker@example.org", False)]
)
def test_a_sender_nobody_has_set_is_warned_of(
    lived: Lived, run: Run, mail_sink: MailSink, mail_from: str, warned: bool
) -> None:
    done = run("mail", "check", "--to", "me@example.net", smtp_url=mail_sink.url, mail_from=mail_from)
    assert (done.code, len(mail_sink.mails)) == (0, 1)
    assert ("TRACKER_MAIL_FROM is not set" in done.out) is warned


@pytest.mark.one_engine
def test_a_wrong_password_is_said_without_saying_it(lived: Lived, run: Run, relay: RawRelay) -> None:
    relay.offers = ("AUTH PLAIN LOGIN",)
    relay.answers["AUTH"] = ["535 5.7.8 no, not s3cret-Word"] * 4
    url = f"smtp://amal%40example.org:s3cret-Word@127.0.0.1:{relay.port}"
    done = run("mail", "check", smtp_url=url)
    assert done.code == 1
    assert "refuses user or password: 535 5.7.8" in done.err
    assert "TRACKER_SMTP_URL" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert "s3cret" not in done.out + done.err
    assert relay_says()[0] == "untried"
    shown = run("mail", "check", "--json", smtp_url=url)
    assert (shown.code, shown.json["ok"], shown.json["sent_to"]) == (1, False, None)
    assert "s3cret" not in shown.out
    assert relay.mails == []


@pytest.mark.one_engine
@pytest.mark.parametrize("url", ["smtps://localhost:{port}", "smtp://localhost:{port}?starttls=1"])
def test_a_certificate_that_is_not_trusted_is_said_and_one_that_is_is_shown(
    lived: Lived, run: Run, relay: RawRelay, certificate: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    relay.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    relay.tls.load_cert_chain(certificate)
    relay.tls_at_once = url.startswith("smtps")
    done = run("mail", "check", smtp_url=url.format(port=relay.port))
    assert done.code == 1
    assert "The certificate of localhost is not trusted" in done.err
    assert "SSL_CERT_FILE" in done.err
    assert relay.mails == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    done = run("mail", "check", smtp_url=url.format(port=relay.port))
    assert (done.code, done.err) == (0, "")
    assert "Certificate: of localhost, issued by localhost, until Jan  1 00:00:00 2120 GMT; TLSv1" in done.out
    assert f"STARTTLS {'no' if relay.tls_at_once else 'yes'}" in done.out
    assert len(relay.mails) == 1


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"MAIL": ["550 5.7.1 not yours"]}, "refuses the sender tracker@example.org"),
        ({"RCPT": ["550 5.1.1 nobody"]}, "refuses the address tracker@example.org"),
        ({"dot": ["554 5.6.0 spam"]}, "refuses the mail"),
        ({"banner": ["421 4.3.2 closing"]}, "takes no mail now"),
        ({"MAIL": ["421 4.3.2 closing"]}, "does not take mail now"),
        ({"banner": ["554 5.3.2 not here"]}, "will not have us"),
    ],
)
def test_what_the_relay_refuses_is_said_in_one_sentence(
    lived: Lived, run: Run, relay: RawRelay, answers: dict[str, list[str]], said: str
) -> None:
    relay.answers = answers
    done = run("mail", "check", smtp_url=relay.url)
    assert done.code == 1
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert relay_says()[0] == "untried"


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "No relay is set. Set TRACKER_SMTP_URL"),
        ("smtp://127.0.0.1:1", "127.0.0.1:1 cannot be reached"),
        ("smtp://127.0.0.1:{port}?starttls=1", "offers no STARTTLS"),
        ("smtp://u:p@127.0.0.1:{port}", "offers no sign-in"),
    ],
)
def test_a_relay_that_is_set_wrongly_is_said_with_what_to_set(
    lived: Lived, run: Run, relay: RawRelay, url: str, said: str
) -> None:
    done = run("mail", "check", smtp_url=url.format(port=relay.port) or None)
    assert done.code == 1
    assert said in done.err
    assert "TRACKER_SMTP_URL" in done.err
    assert relay_says()[0] == "untried"


@pytest.mark.one_engine
def test_a_relay_without_tls_from_the_first_byte_is_said_to_be_one(lived: Lived, run: Run, mail_sink: MailSink) -> None:
    done = run("mail", "check", smtp_url=f"smtps://127.0.0.1:{mail_sink.port}")
    assert done.code == 1
    assert "does not speak TLS from the first byte. Set TRACKER_SMTP_URL" in done.err


@pytest.mark.one_engine
def test_an_address_that_is_none_is_wrong_use(run: Run, mail_sink: MailSink) -> None:
    done = run("mail", "check", "--to", "a@b, c@d", smtp_url=mail_sink.url)
    assert (done.code, done.out) == (2, "")
    assert "is no mail address" in done.err
    assert mail_sink.mails == []
