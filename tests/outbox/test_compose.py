"""A mail as bytes: what stands in it, and what nobody can put into it."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.outbox.channels.email import Addressed, Relay, compose, plain_address, split_sender
from tracker.outbox.kinds import Mail

NOW = datetime(2026, 4, 7, 6, 0, tzinfo=UTC)
MAIL = Mail("Tomorrow 09:30 Haifa: hearing, Cedar", "Text", "<p>Text</p>")
TO = Addressed("Tracker <tracker@example.org>", "Some One", "reader@example.org", "<1@example.org>", "test.note")


def read(raw: bytes) -> EmailMessage:
    """The mail as a mail program reads it."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_a_mail_says_what_it_is_from_whom_and_when() -> None:
    raw = compose(Mail("Subject", "Text", "<p>Text</p>", {"List-Unsubscribe": "<https://x.example/u>"}), TO, NOW)
    mail = read(raw)
    assert mail.items()[:9] == [
        ("From", "Tracker <tracker@example.org>"),
        ("To", "Some One <reader@example.org>"),
        ("Subject", "Subject"),
        ("Date", "Tue, 07 Apr 2026 06:00:00 +0000"),
        ("Message-ID", "<1@example.org>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("X-Tracker-Kind", "test.note"),
        ("List-Unsubscribe", "<https://x.example/u>"),
    ]
    assert mail.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in mail.iter_parts()] == ["text/plain", "text/html"]


def test_any_script_goes_over_a_relay_that_knows_ascii_only() -> None:
    mail = Mail("غدًا 09:30 حيفا: جلسة، Zeder", "غدًا\n" + "long " * 400, "<p dir=rtl>غدًا</p>")
    raw = compose(mail, Addressed("متعقب <tracker@example.org>", "ناصر", "r@bücher.example", "<1@x>", "k"), NOW)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    read_back = read(raw)
    assert read_back["Subject"] == mail.subject
    assert read_back["To"] == "ناصر <r@xn--bcher-kva.example>"
    text, html = (str(p.get_content()) for p in read_back.iter_parts())  # type: ignore[attr-defined]  # parts are messages
    assert text.replace("\r\n", "\n").strip() == mail.text.strip()
    assert html.strip() == mail.html


@pytest.mark.parametrize(
    "slip",
    [
        "\r\nBcc: spy@example.org",
        "\nBcc: spy@example.org",
        "\r\r\n\nX: y",
        "\u2028Bcc: spy@example.org",
        "\x85Bcc: a@b",
        "\x00",
    ],
)
def test_no_header_can_be_slipped_in(slip: str) -> None:
    to = Addressed("Tracker <tracker@example.org>", f"Some{slip}", "reader@example.org", "<1@example.org>", "k")
    mail = read(compose(Mail(f"Hearing{slip}", f"Text{slip}", f"<p>{slip}</p>"), to, NOW))
    assert {k.lower() for k in mail} == {
        *("from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress"),
        *("x-tracker-kind", "mime-version", "content-type"),
    }
    assert [a.addr_spec for a in mail["To"].addresses] == ["reader@example.org"]
    with pytest.raises(ValueError, match="header"):
        compose(Mail("s", "t", "h", {"X-More": f"a{slip}"}), TO, NOW)


#: What people write, and what nobody should.
SAID = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=300),
    st.text("ab ,;:.\"'\\\\<>()@=?_-\t\r\n", max_size=300),
    st.text("غدًا جلسة، حيفا é漢😀", max_size=120),
)


def as_meant(text: str) -> str:
    """Text as it may come out of a mail: line ends of one kind, no controls, nothing at its end."""
    kept = "".join(c for c in text.replace("\r\n", "\n") if c in "\t\n" or (ord(c) >= 32 and c != "\x7f"))
    return kept.rstrip("\n")


def one_line(text: str) -> str:
    """The same for a header."""
    return " ".join("".join(" " if ord(c) < 32 or c in "\x7f\x85\u2028\u2029" else c for c in text).split())


@given(subject=SAID, name=SAID, text=SAID, html=SAID)
def test_whatever_is_said_is_read_back_as_it_was_meant(subject: str, name: str, text: str, html: str) -> None:
    to = Addressed('"Tracker, the" <tracker@example.org>', name, "reader@example.org", "<1@example.org>", "test.note")
    raw = compose(Mail(subject, text, html, {"List-Unsubscribe": "<https://x.example/u>"}), to, NOW)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    mail = read(raw)
    assert len(mail.keys()) == 11
    assert mail["Subject"] == one_line(subject)[:200].rstrip()
    (address,) = mail["To"].addresses
    assert address.addr_spec == "reader@example.org"
    # Some versions of the library's reader leave the folds between encoded words in a name.
    assert address.display_name.replace(" ", "") == one_line(name).replace(" ", "")
    assert mail["List-Unsubscribe"] == "<https://x.example/u>"
    parts = list(mail.iter_parts())
    assert [p.defects for p in parts] == [[], []]
    said = [str(p.get_content()) for p in parts]  # type: ignore[attr-defined]  # parts are messages
    assert [s.replace("\r\n", "\n").rstrip("\n") for s in said] == [as_meant(text), as_meant(html)]


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "word " * 60,
        "two  spaces   three",
        "<https://x.example/" + "u" * 900 + ">",
        "x" * 3000,
        "غدًا " * 90,
        "=?utf-8?q?not_this?=",
        " edge ",
    ],
)
def test_a_header_of_any_length_is_one_header_and_no_line_is_too_long(value: str) -> None:
    raw = compose(Mail("s", "t", "h", {"X-Long": value}), TO, NOW)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    mail = read(raw)
    assert mail["X-Long"] == value.strip()
    assert mail.keys().count("X-Long") == 1


@pytest.mark.parametrize("message_id", ["", "1@x", "<1@x>\r\nBcc: a@b", "<1@x> ", "<1 2@x>", "<é@x>", "<a<b>"])
def test_a_message_id_is_nothing_else(message_id: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        compose(MAIL, Addressed("t@example.org", "", "reader@example.org", message_id, "k"), NOW)


@pytest.mark.parametrize("name", ["Bcc", "to", "Message-ID", "X-Tracker-Kind", "X More", "X:", "", "Ü"])
def test_a_kind_cannot_write_headers_that_are_not_its_own(name: str) -> None:
    with pytest.raises(ValueError, match="header"):
        compose(Mail("s", "t", "h", {name: "x"}), TO, NOW)


@pytest.mark.parametrize(
    "name", ['"x" <spy@example.org>,', "<spy@example.org>", "a, b@example.org", "x" * 3000, "(c) o'b;:"]
)
def test_a_name_is_never_an_address(name: str) -> None:
    to = Addressed("Tracker <tracker@example.org>", name, "reader@example.org", "<1@example.org>", "k")
    assert [a.addr_spec for a in read(compose(MAIL, to, NOW))["To"].addresses] == ["reader@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        '"x" <a@example.org>, b@example.org',
        "a@b, c@d",
        "a b@example.org",
        "<a@b>",
        "a",
        "a@",
        "@b",
        "a@b\n",
        "a@b@c",
        "a@exa mple.org",
        "a@" + "b" * 60 + (".c" + "d" * 60) * 4,
        "",
    ],
)
def test_what_is_not_exactly_one_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"address|mail server"):
        compose(MAIL, Addressed("t@example.org", "", address, "<1@x>", "k"), NOW)


def test_addresses_are_written_as_mail_servers_want_them() -> None:
    assert plain_address("Reader@Example.ORG") == "Reader@Example.ORG"
    assert plain_address("r@bücher.example") == "r@xn--bcher-kva.example"
    assert plain_address("جو@example.org") == "جو@example.org"
    assert split_sender("Tracker <tracker@localhost>") == ("Tracker", "tracker@localhost")
    assert split_sender("tracker@localhost") == ("", "tracker@localhost")


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://relay.example", Relay("relay.example", 25, False, False, None, None)),
        ("smtp://relay.example?starttls=1", Relay("relay.example", 587, False, True, None, None)),
        ("smtp://u%40x:p%2Fw@relay.example:2525?starttls=0", Relay("relay.example", 2525, False, False, "u@x", "p/w")),
        ("smtps://u:p@relay.example", Relay("relay.example", 465, True, False, "u", "p")),
        ("smtps://relay.example:4650?starttls=1", Relay("relay.example", 4650, True, False, None, None)),
        ("smtp://[::1]:25", Relay("::1", 25, False, False, None, None)),
    ],
)
def test_the_setting_names_a_relay(url: str, relay: Relay) -> None:
    assert Relay.parse(url) == relay


def test_a_link_to_stop_stays_one_readable_line_however_long_it_is() -> None:
    link = f"<https://tracker.example.org/reminders/stop/{'W' * 300}.{'a' * 32}>"
    headers = {"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    raw = compose(Mail("s", "t", "<p>h</p>", headers), TO, NOW)
    assert b"\r\nList-Unsubscribe: " + link.encode() + b"\r\n" in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert read(raw)["List-Unsubscribe"] == link


def test_a_calendar_goes_beside_the_text_as_it_was_written() -> None:
    calendar = "BEGIN:VCALENDAR\r\nSUMMARY:جلسة\r\nEND:VCALENDAR\r\n".encode()
    raw = compose(Mail("s", "t", "<p>h</p>", calendar=calendar), TO, NOW)
    assert raw.isascii()
    mail = read(raw)
    assert mail.get_content_type() == "multipart/mixed"
    said, beside = mail.iter_parts()
    assert [p.get_content_type() for p in said.iter_parts()] == ["text/plain", "text/html"]  # type: ignore[attr-defined]
    assert beside["Content-Type"] == 'text/calendar; charset="utf-8"; method="PUBLISH"'
    assert (beside.get_content_disposition(), beside.get_filename()) == ("attachment", "hearings.ics")
    assert beside.get_payload(decode=True) == calendar
