"""What the relay does to us: it refuses, it goes away, it says nothing. Real sockets, both databases."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from house_of_faults import FaultTable, judge
from outbox_ground import NOW, Outbox, later
from raw_relay import RawRelay
from sqlalchemy import func, select

from tracker.base import clock
from tracker.base.db import db
from tracker.clockwork.kinds import steps
from tracker.outbox import protocol, queries
from tracker.outbox.channels import email
from tracker.outbox.models import Envelope, Recipient


@pytest.fixture
def relay() -> Iterator[RawRelay]:
    """A relay that misbehaves as told."""
    relay = RawRelay()
    yield relay
    relay.close()


@pytest.fixture
def relay_url(relay: RawRelay) -> str:
    return relay.url


#: What is done to a mail here, by the first words of a test's name, as the table of faults says it.
FAULTS = {
    "test_a_refusal_that_passes": "relay: puts a mail off (450, 451, 452)",
    "test_a_relay_that_ends_its_service": "relay: ends its service (421)",
    "test_a_refusal_for_good": "relay: refuses a mail for good (550, 552, 554)",
    "test_a_relay_that_takes_nobodys": "relay: takes nobody's mail for a while (452)",
    "test_a_refused_password": "relay: refuses the password (535)",
    "test_a_line_that_ends": "relay: the line ends before the mail was handed over",
    "test_a_lost_answer": "relay: the line ends within the mail, or its answer is lost",
    "test_a_second_lost_answer": "relay: the answer is lost, and that to the second try, too",
    "test_a_relay_that_says_nothing": "relay: says nothing",
    "test_an_answer_that_comes_byte": "relay: answers byte by byte",
    "test_an_answer_that_does_not_come": "relay: does not answer after the dot",
    "test_tls_that_breaks": "relay: TLS breaks off",
}


@pytest.fixture(autouse=True)
def counted(request: pytest.FixtureRequest, outbox: Outbox, relay: RawRelay, fault_table: FaultTable) -> Iterator[None]:
    """Whatever was done to the relay ends, two hours pass, and what that cost goes into the table."""
    yield
    fault = next((said for name, said in FAULTS.items() if request.node.name.startswith(name)), None)
    if fault is None:
        return
    relay.answers, relay.drops, relay.slow, relay.byte_by_byte = {}, [], {}, 0
    for hours in (1, 2):
        outbox.deliver(later(hours=hours))
    assert fault_table.add(fault, judge(outbox.engine, relay.copies())).lost == 0


def relay_says(outbox: Outbox) -> tuple[str, str]:
    """What staff read about the relay."""
    db.session.rollback()
    state = queries.relay_state(db.session())
    return state.state, state.words


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize("code", [450, 451, 452])
@pytest.mark.one_engine
def test_a_refusal_that_passes_is_tried_again_and_sent_once(
    outbox: Outbox, relay: RawRelay, verb: str, code: int
) -> None:
    outbox.plan(1)
    relay.answers[verb] = [f"{code} 4.3.0 later, <reader@example.org>", f"{code} 4.3.0 later"]
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 1}
    (message,) = outbox.messages()
    assert f"{code} 4.3.0 later" in message.reason
    assert "example.org" not in message.reason
    first = outbox.envelopes()[0].not_before - NOW
    assert timedelta(seconds=15) <= first <= timedelta(seconds=30)
    assert outbox.deliver(NOW + first - timedelta(microseconds=1)) == {"sent": 0, "failed": 0, "waiting": 1}
    assert outbox.deliver(NOW + first)["waiting"] == 1
    second = outbox.envelopes()[0].not_before - NOW - first
    assert timedelta(seconds=30) <= second <= timedelta(seconds=60)
    assert outbox.deliver(later(minutes=5)) == {"sent": 1, "failed": 0, "waiting": 0}
    assert list(relay.copies().values()) == [1]


@pytest.mark.parametrize("verb", ["banner", "MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.one_engine
def test_a_relay_that_ends_its_service_gets_the_mail_once_it_is_back(
    outbox: Outbox, relay: RawRelay, verb: str
) -> None:
    outbox.plan(1)
    relay.answers[verb] = ["421 4.3.2 closing"]
    assert outbox.deliver()["waiting"] == 1
    assert outbox.deliver(later(minutes=1)) == {"sent": 1, "failed": 0, "waiting": 0}
    assert list(relay.copies().values()) == [1]


@pytest.mark.parametrize(
    ("verb", "answer"), [("RCPT", "550 5.1.1 no such user"), ("dot", "552 5.2.2 too big"), ("DATA", "554 5.5.1 no")]
)
def test_a_refusal_for_good_is_not_delivered_and_the_others_go(
    outbox: Outbox, relay: RawRelay, verb: str, answer: str
) -> None:
    outbox.plan(1)
    outbox.plan(2, to=outbox.add_recipient("another@example.org"))
    relay.answers[verb] = [answer]
    assert outbox.deliver() == {"sent": 1, "failed": 1, "waiting": 0}
    first, second = outbox.messages()
    assert (first.state, second.state) == ("not_delivered", "sent")
    assert answer in first.reason
    assert [r.subject_id for r in queries.needing_a_human(db.session())] == [1]


@pytest.mark.parametrize(
    ("answer", "works"),
    [
        ("550 5.1.1 no such user", False),
        ("550 5.2.1 closed", False),
        ("550 5.1.8 your sender does not exist", True),
        ("550 5.2.2 mailbox full", True),
        ("550 no such user", True),
        ("450 4.1.1 not now", True),
    ],
)
def test_nothing_more_goes_to_an_address_that_the_relay_knows_not_to_work(
    outbox: Outbox, relay: RawRelay, answer: str, works: bool
) -> None:
    outbox.plan(1)
    outbox.plan(2, due_at=later(hours=1))
    relay.answers["RCPT"] = [answer]
    outbox.deliver()
    recipient = db.session.get(Recipient, outbox.recipients[0], populate_existing=True)
    assert recipient is not None
    assert (recipient.suppressed_at is None) is works
    outbox.deliver(later(hours=1))
    assert outbox.messages()[1].state == ("sent" if works else "cancelled")


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "dot"])
def test_a_relay_that_takes_nobodys_mail_is_told_of_and_charges_few(outbox: Outbox, relay: RawRelay, verb: str) -> None:
    for n in range(6):
        outbox.plan(n + 1, to=outbox.add_recipient(f"reader{n}@example.org"))
    relay.answers[verb] = ["452 4.3.1 no room"] * 100
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 6}
    assert relay_says(outbox) == ("down", "452 4.3.1 no room")
    assert len(outbox.attempts()) == 3
    relay.answers[verb] = []
    # Whatever was charged before, all of it has left two minutes after the relay is back.
    assert sum(outbox.deliver(later(seconds=s))["sent"] for s in (5, 60, 110)) == 6
    assert relay_says(outbox)[0] == "ok"


@pytest.mark.one_engine
def test_a_relay_that_lets_somebody_be_named_and_takes_no_mail_does_not_work(outbox: Outbox, relay: RawRelay) -> None:
    outbox.plan(1)
    relay.answers["DATA"] = ["452 4.3.1 no room"]
    outbox.deliver()
    assert queries.relay_state(db.session()).state == "untried"


def test_a_refused_password_charges_no_mail_and_is_told(
    outbox: Outbox, relay: RawRelay, tracker_env: dict[str, str]
) -> None:
    relay.offers = ("AUTH PLAIN LOGIN",)
    relay.answers["AUTH"] = ["535 5.7.8 bad password"] * 3
    outbox.settings_smtp_url(f"smtp://user:wrong%40@127.0.0.1:{relay.port}")
    outbox.plan(1, 2)
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 2}
    state, words = relay_says(outbox)
    assert state == "refused"
    assert "password" in words
    assert "535" in words
    assert outbox.attempts() == []
    relay.answers["AUTH"] = ["235 welcome"]
    assert outbox.deliver(later(minutes=5)) == {"sent": 2, "failed": 0, "waiting": 0}
    assert relay_says(outbox)[0] == "ok"


@pytest.mark.one_engine
def test_a_password_the_relay_repeats_is_not_kept(outbox: Outbox, relay: RawRelay) -> None:
    relay.offers = ("AUTH PLAIN LOGIN",)
    relay.answers["AUTH"] = ["535 5.7.8 no such password: s3cret"] * 3
    outbox.settings_smtp_url(f"smtp://user:s3cret@127.0.0.1:{relay.port}")
    outbox.plan(1)
    outbox.deliver()
    assert relay_says(outbox) == ("refused", "user or password: 535 5.7.8 no such password: …")


def test_a_sender_the_relay_will_not_have_charges_no_mail(outbox: Outbox, relay: RawRelay) -> None:
    outbox.plan(1, 2)
    relay.answers["MAIL"] = ["550 5.7.1 not from here"]
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 2}
    assert relay_says(outbox) == ("refused", "550 5.7.1 not from here")
    assert outbox.attempts() == []
    assert outbox.deliver()["sent"] == 2


@pytest.mark.parametrize(
    "answer",
    [
        "554 5.7.1 <reader@example.org>: Relay access denied",
        "553 5.7.1 <tracker@example.org>: Sender address rejected: not owned by user",
        "550 relay not permitted",
    ],
)
@pytest.mark.one_engine
def test_a_relay_that_does_not_relay_for_us_charges_no_mail_and_everything_goes_when_it_does(
    outbox: Outbox, relay: RawRelay, answer: str
) -> None:
    for number in range(4):
        outbox.plan(number, to=outbox.add_recipient(f"r{number}@example.org"))
    relay.answers["RCPT"] = [answer] * 100
    for minute in range(5):
        assert outbox.deliver(later(minutes=minute)) == {"sent": 0, "failed": 0, "waiting": 4}
    assert relay_says(outbox)[0] == "refused"
    # The first could have been the one odd address; it is known to be none since.
    assert len(outbox.attempts()) == 1
    relay.answers.clear()
    other = RawRelay()
    outbox.settings_smtp_url(other.url)
    assert outbox.deliver(later(minutes=6)) == {"sent": 4, "failed": 0, "waiting": 0}
    other.close()


def test_two_odd_addresses_hold_up_nobody(outbox: Outbox, relay: RawRelay) -> None:
    for number in range(5):
        outbox.plan(number, to=outbox.add_recipient(f"r{number}@example.org"))
    relay.answers["RCPT"] = ["550 5.7.1 not to this one", "550 5.7.1 nor to that"]
    outbox.deliver()
    outbox.deliver(later(seconds=5))
    assert outbox.states() == ["waiting", "waiting", "sent", "sent", "sent"]
    assert relay_says(outbox)[0] == "ok"


@pytest.mark.one_engine
def test_an_odd_address_after_another_was_taken_is_not_delivered(outbox: Outbox, relay: RawRelay) -> None:
    outbox.plan(1, 2)
    relay.answers["RCPT"] = ["250 OK", "550 5.7.1 not to this one"]
    assert outbox.deliver() == {"sent": 1, "failed": 1, "waiting": 0}


@pytest.mark.one_engine
def test_an_odd_address_alone_is_given_up_within_the_hour(outbox: Outbox, relay: RawRelay) -> None:
    outbox.plan(1)
    relay.answers["RCPT"] = ["550 5.7.1 not to this one"] * 100
    for third in range(3 * 60):
        outbox.deliver(later(seconds=20 * third))
    assert outbox.states() == ["not_delivered"]
    assert len(outbox.attempts()) == 30


def test_a_relay_that_is_down_charges_no_mail_and_everything_goes_when_it_is_up(
    outbox: Outbox, relay: RawRelay
) -> None:
    outbox.plan(1, 2)
    relay.close()
    for minute in range(3):
        assert outbox.deliver(later(minutes=minute)) == {"sent": 0, "failed": 0, "waiting": 2}
    db.session.rollback()
    state = queries.relay_state(db.session())
    assert (state.state, state.since, state.is_bad) == ("down", NOW, True)
    assert outbox.attempts() == []
    other = RawRelay()
    outbox.settings_smtp_url(other.url)
    assert outbox.deliver(later(minutes=4)) == {"sent": 2, "failed": 0, "waiting": 0}
    db.session.rollback()
    assert queries.relay_state(db.session()).since == later(minutes=4)
    other.close()


@pytest.mark.one_engine
def test_a_relay_that_stays_down_is_tried_once_a_minute_and_another_at_once(outbox: Outbox, relay: RawRelay) -> None:
    relay.answers["banner"] = ["554 go away"] * 20
    outbox.plan(1)
    for _ in range(9):
        assert outbox.deliver()["waiting"] == 1
    assert relay.connections == 5
    other = RawRelay()
    outbox.settings_smtp_url(other.url)
    assert outbox.deliver()["sent"] == 1
    other.close()


@pytest.mark.one_engine
def test_without_a_relay_everything_waits_and_staff_are_told(outbox: Outbox) -> None:
    outbox.settings_smtp_url(None)
    outbox.plan(1)
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 1}
    assert relay_says(outbox)[0] == "unset"
    assert outbox.envelopes()[0].state == "waiting"


@pytest.mark.parametrize("where", ["banner", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.one_engine
def test_a_line_that_ends_before_the_mail_was_handed_over_is_no_doubt(
    outbox: Outbox, relay: RawRelay, where: str, reset: bool
) -> None:
    relay.reset = reset
    relay.drops = [where]
    outbox.plan(1)
    outbox.deliver()
    outbox.deliver(later(minutes=1))
    assert outbox.states() == ["sent"]
    assert list(relay.copies().values()) == [1]
    assert outbox.envelopes()[0].ambiguous_attempts == 0


@pytest.mark.parametrize(("where", "copies"), [("middle", 1), ("dot", 1), ("kept", 2)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_lost_answer_is_tried_once_more_with_the_same_message_id(
    outbox: Outbox, relay: RawRelay, where: str, copies: int, reset: bool
) -> None:
    relay.reset = reset
    relay.drops = [where]
    outbox.plan(1)
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 1}
    (message,) = outbox.messages()
    assert message.reason == "it may have arrived; sent once more at 06:10 UTC"
    just_before = later(minutes=10) - timedelta(microseconds=1)
    assert outbox.deliver(just_before) == {"sent": 0, "failed": 0, "waiting": 1}
    assert outbox.deliver(later(minutes=10)) == {"sent": 1, "failed": 0, "waiting": 0}
    assert list(relay.copies().values()) == [copies]
    assert outbox.attempts() == [("dispatching", "unsure"), ("answered", "sent")]


def test_a_second_lost_answer_is_for_a_human(outbox: Outbox, relay: RawRelay) -> None:
    relay.drops = ["kept", "kept"]
    outbox.plan(1)
    outbox.deliver()
    assert outbox.deliver(later(minutes=10)) == {"sent": 0, "failed": 1, "waiting": 0}
    assert outbox.deliver(later(hours=10)) == {"sent": 0, "failed": 0, "waiting": 0}
    assert outbox.states() == ["may_have_arrived"]
    assert list(relay.copies().values()) == [2]


def test_a_kind_that_waits_is_not_sent_twice(outbox: Outbox, relay: RawRelay) -> None:
    relay.drops = ["kept"]
    outbox.plan(1, kind="test.account")
    assert outbox.deliver() == {"sent": 0, "failed": 1, "waiting": 0}
    assert outbox.deliver(later(hours=1)) == {"sent": 0, "failed": 0, "waiting": 0}
    assert outbox.states() == ["may_have_arrived"]
    assert list(relay.copies().values()) == [1]


def test_what_may_have_arrived_and_is_no_longer_true_is_not_forgotten(outbox: Outbox, relay: RawRelay) -> None:
    relay.drops = ["kept"]
    outbox.plan(1)
    outbox.deliver()
    db.session.rollback()
    told = queries.may_have_been_told()
    assert [m.subject_id for m in outbox.messages() if outbox.meets(m.id, told)] == [1]
    outbox.move(1)
    assert outbox.deliver(later(minutes=10)) == {"sent": 0, "failed": 1, "waiting": 0}
    assert [(m.state, m.reason) for m in outbox.messages()] == [("may_have_arrived", "subject 1 was moved")]
    assert [e.state for e in outbox.envelopes()] == ["may_have_arrived"]
    assert list(relay.copies().values()) == [1]


def test_taking_back_what_may_have_arrived_does_not_make_it_unsent(outbox: Outbox, relay: RawRelay) -> None:
    relay.drops = ["kept"]
    outbox.plan(1)
    outbox.deliver()
    outbox.cancel(1)
    assert outbox.states() == ["may_have_arrived"]
    assert [e.state for e in outbox.envelopes()] == ["may_have_arrived"]
    assert outbox.deliver(later(minutes=10)) == {"sent": 0, "failed": 0, "waiting": 0}


@pytest.mark.one_engine
def test_a_relay_that_never_answers_spares_the_mails_after_the_second(outbox: Outbox, relay: RawRelay) -> None:
    relay.drops = ["kept"] * 9
    outbox.plan(*range(9))
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 9}
    assert len(relay.mails) == 2
    assert relay_says(outbox)[0] == "down"
    relay.drops = []
    assert outbox.deliver(later(minutes=10)) == {"sent": 9, "failed": 0, "waiting": 0}
    assert sorted(relay.copies().values()) == [1] * 7 + [2] * 2


@pytest.mark.one_engine
def test_a_relay_that_says_nothing_is_left_after_its_time(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    relay.at["RCPT"] = [over.wait]
    outbox.plan(1)
    with monkeypatch.context() as patch:
        patch.setattr(email, "ANSWER_SECONDS", 0.3)
        assert outbox.deliver()["waiting"] == 1
    over.set()
    assert outbox.envelopes()[0].ambiguous_attempts == 0
    assert outbox.deliver(later(minutes=1))["sent"] == 1
    assert list(relay.copies().values()) == [1]


@pytest.mark.one_engine
def test_an_answer_that_comes_byte_by_byte_is_left_after_its_time(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.answers["RCPT"] = ["250 " + "o" * 100]
    relay.byte_by_byte = 0.1
    outbox.plan(1)
    with monkeypatch.context() as patch:
        patch.setattr(email, "ANSWER_SECONDS", 0.4)
        assert outbox.deliver()["waiting"] == 1
    assert outbox.envelopes()[0].ambiguous_attempts == 0
    relay.byte_by_byte = 0
    assert outbox.deliver(later(minutes=1))["sent"] == 1
    assert list(relay.copies().values()) == [1]


@pytest.mark.one_engine
def test_an_answer_that_does_not_come_after_the_dot_leaves_a_doubt(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email, "ACCEPT_SECONDS", 0.3)
    over = threading.Event()
    relay.at["dot"] = [over.wait]
    outbox.plan(1)
    assert outbox.deliver()["waiting"] == 1
    over.set()
    assert outbox.envelopes()[0].ambiguous_attempts == 1


@pytest.mark.one_engine
def test_a_slow_answer_after_the_dot_is_waited_for(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.at["DATA"] = [lambda: monkeypatch.setattr(email, "ANSWER_SECONDS", 0.5)]
    relay.slow["dot"] = 1.0
    outbox.plan(1)
    assert outbox.deliver()["sent"] == 1


@pytest.mark.one_engine
def test_a_kept_line_that_ended_meanwhile_is_nobodys_failure(outbox: Outbox, relay: RawRelay) -> None:
    outbox.plan(1, 2, 3)
    relay.at["dot"] = [lambda: relay.drops.append("MAIL")] * 2
    assert outbox.deliver() == {"sent": 3, "failed": 0, "waiting": 0}
    assert [o for _, o in outbox.attempts()] == ["sent"] * 3
    assert (relay.connections, sorted(relay.copies().values())) == (3, [1, 1, 1])


@pytest.mark.one_engine
def test_a_relay_that_takes_commands_together_is_heard_one_by_one(outbox: Outbox, relay: RawRelay) -> None:
    relay.offers = ("PIPELINING",)
    relay.answers["RCPT"] = ["250 OK", "550 5.2.2 mailbox full", "250 OK"]
    relay.answers["MAIL"] = ["250 OK", "250 OK", "451 4.3.0 later"]
    outbox.plan(1, 2, 3, 4)
    assert outbox.deliver() == {"sent": 2, "failed": 1, "waiting": 1}
    assert outbox.states() == ["sent", "not_delivered", "waiting", "sent"]
    assert relay.commands.count("RSET") == 2
    assert sorted(relay.copies().values()) == [1, 1]


# TLS ------------------------------------------------------------------------------------------------------------------


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


def speaks_tls(relay: RawRelay, certificate: Path, at_once: bool) -> None:
    """Make the relay offer TLS."""
    relay.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    relay.tls.load_cert_chain(certificate)
    relay.tls_at_once = at_once


@pytest.mark.parametrize(
    ("at_once", "url"), [(True, "smtps://{host}:{port}"), (False, "smtp://{host}:{port}?starttls=1")]
)
@pytest.mark.parametrize(
    ("known", "host", "goes"), [(True, "localhost", True), (True, "127.0.0.1", False), (False, "localhost", False)]
)
@pytest.mark.one_engine
def test_mail_goes_only_to_a_relay_whose_certificate_is_believed(
    outbox: Outbox,
    relay: RawRelay,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,
    url: str,
    known: bool,
    host: str,
    goes: bool,
) -> None:
    speaks_tls(relay, certificate, at_once)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    outbox.settings_smtp_url(url.format(host=host, port=relay.port))
    outbox.plan(1)
    assert outbox.deliver()["sent"] == (1 if goes else 0)
    assert relay_says(outbox)[0] == ("ok" if goes else "refused")
    assert len(relay.mails) == (1 if goes else 0)
    if goes and not at_once:
        assert relay.commands[:3] == ["EHLO", "STARTTLS", "EHLO"]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.one_engine
def test_tls_that_breaks_off_charges_no_mail(
    outbox: Outbox, relay: RawRelay, certificate: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    speaks_tls(relay, certificate, at_once)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"smtps://localhost:{relay.port}" if at_once else f"smtp://localhost:{relay.port}?starttls=1"
    outbox.settings_smtp_url(url)
    outbox.plan(1)
    relay.drops = ["tls"]
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 1}
    assert relay_says(outbox)[0] in ("down", "refused")
    assert outbox.attempts() == []
    assert outbox.deliver(later(minutes=1))["sent"] == 1


@pytest.mark.one_engine
def test_without_the_tls_that_was_asked_for_nothing_is_said(outbox: Outbox, relay: RawRelay) -> None:
    outbox.settings_smtp_url(f"smtp://user:secret@127.0.0.1:{relay.port}?starttls=1")
    outbox.plan(1)
    assert outbox.deliver()["waiting"] == 1
    assert relay_says(outbox)[0] == "refused"
    assert relay.commands == ["EHLO"]


# The claim, while the relay takes its time ---------------------------------------------------------------------------


def test_what_is_left_of_a_claim_outlasts_all_waits_until_the_mark() -> None:
    waits = timedelta(seconds=3 * email.ANSWER_SECONDS, milliseconds=protocol.LOCK_WAIT_MS)
    assert waits < protocol.CLAIM_MARGIN
    assert protocol.CLAIM_MARGIN + timedelta(seconds=15) <= protocol.CLAIM_LEASE


def test_what_a_dead_machine_had_claimed_is_taken_over_within_two_minutes() -> None:
    assert protocol.CLAIM_LEASE + steps.get("outbox.deliver").every <= timedelta(minutes=2)


def test_no_mail_is_begun_with_less_than_that_left(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.plan(1, 2, 3, 4)
    monkeypatch.setattr(protocol, "CLAIM_LEASE", protocol.CLAIM_MARGIN + timedelta(seconds=1))
    left: list[timedelta] = []
    began, gone = clock.true_now(), [timedelta()]
    monkeypatch.setattr(clock, "true_now", lambda: began + gone[0])

    def take_long() -> None:
        gone[0] += timedelta(seconds=0.7)

    def look() -> None:
        with outbox.engine.connect() as connection:
            until = connection.execute(select(func.min(Envelope.lease_until)).where(Envelope.phase == "claimed"))
            left.append(until.scalar_one() - clock.true_now())

    relay.at["MAIL"] = [look] * 4
    relay.at["dot"] = [take_long] * 4
    assert outbox.deliver() == {"sent": 4, "failed": 0, "waiting": 0}
    assert outbox.attempts() == [("answered", "sent")] * 4
    assert len(left) == 4
    assert min(left) >= protocol.CLAIM_MARGIN


def test_mails_that_take_longer_to_compose_than_a_claim_lasts_go_a_few_at_a_time(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be claimed, composed and given back for ever."""
    outbox.plan(1, 2, 3, 4, tells={"slow": 0.4})
    monkeypatch.setattr(protocol, "CLAIM_LEASE", protocol.CLAIM_MARGIN + timedelta(seconds=1))
    assert outbox.deliver() == {"sent": 4, "failed": 0, "waiting": 0}
    assert outbox.attempts() == [("answered", "sent")] * 4
    outbox.plan(5, tells={"slow": 1.2})
    assert outbox.deliver() == {"sent": 1, "failed": 0, "waiting": 0}


def test_nothing_is_claimed_while_a_line_that_ended_is_reached_anew(outbox: Outbox, relay: RawRelay) -> None:
    """Connecting may take longer than a claim lasts: then another deliverer takes it up, and counts a try."""
    outbox.plan(1, 2, 3)
    held: list[int] = []

    def look() -> None:
        with outbox.engine.connect() as connection:
            sending = select(func.count(Envelope.id)).where(Envelope.state == "sending")
            held.append(connection.execute(sending).scalar_one())

    relay.at["dot"] = [lambda: relay.drops.append("MAIL")]
    relay.at["banner"] = [look, look]
    assert outbox.deliver() == {"sent": 3, "failed": 0, "waiting": 0}
    assert held == [0, 0]
    assert outbox.attempts() == [("answered", "sent")] * 3
    assert relay.connections == 2
