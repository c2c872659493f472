"""What a mail that came back says, told by its fields for machines."""

import pytest
from returned_mail import answer, complaint, report

from tracker.outbox.reports import LONGEST, in_words, read_report

US = "bounces+7.aaaaaaaaaaaaa@example.org"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("5.1.1", "hard"),
        ("5.1.2", "hard"),
        ("5.1.10", "hard"),
        ("5.2.1", "hard"),
        ("5.1.7", "soft"),
        ("5.1.8", "soft"),
        ("5.2.2", "soft"),
        ("5.2.10", "soft"),
        ("5.3.0", "soft"),
        ("5.4.4", "soft"),
        ("5.7.1", "soft"),
        ("5.7.26", "soft"),
        ("4.4.7", "soft"),
        ("4.1.1", "soft"),
        ("4.2.2", "soft"),
    ],
)
def test_a_failure_is_hard_when_the_address_does_not_work_and_may_pass_otherwise(status: str, verdict: str) -> None:
    said = read_report(report(US, status))
    assert (said.verdict, said.status) == (verdict, status)


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("failed", "hard"),
        ("FAILED (no such user)", "hard"),
        ("delayed", "delayed"),
        ("delivered", "fine"),
        ("relayed", "fine"),
        ("expanded", "fine"),
        ("exploded", "unrecognised"),
    ],
)
def test_what_is_not_a_failure_is_none(action: str, verdict: str) -> None:
    assert read_report(report(US, "5.1.1", action)).verdict == verdict


def test_a_status_that_says_nothing_is_looked_for_beside_it() -> None:
    said = read_report(report(US, "5.0.0", diagnostic="smtp; 550 5.1.1 The account does not exist"))
    assert (said.verdict, said.status) == ("hard", "5.1.1")
    said = read_report(report(US, "5.0.0", diagnostic="smtp; 550 Unrouteable address"))
    assert (said.verdict, said.status) == ("soft", "5.0.0")
    # What is said plainly is not argued with.
    said = read_report(report(US, "5.2.2", diagnostic="smtp; 550 5.1.1 no"))
    assert (said.verdict, said.status) == ("soft", "5.2.2")


def test_of_several_recipients_the_worst_is_told() -> None:
    more = "Final-Recipient: rfc822; other@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    assert read_report(report(US, "4.2.2", "delayed", more_blocks=more)).verdict == "hard"


def test_fields_with_other_ends_of_line_and_letters_are_read() -> None:
    raw = report(US).replace(b"\r\n", b"\n").replace(b"Action:", b"ACTION:").replace(b"Status:", b"status:")
    assert read_report(raw).verdict == "hard"


def test_a_report_within_a_wrapping_is_found_and_one_in_a_mail_it_carries_is_not() -> None:
    wrapped = b"To: x@example.org\r\nContent-Type: multipart/mixed; boundary=w\r\n\r\n--w\r\n%s\r\n--w--\r\n"
    assert read_report(wrapped % report(US)).verdict == "hard"
    carried = b"Content-Type: message/rfc822\r\n\r\n" + report(US)
    assert read_report(wrapped % carried).verdict == "answer"


def test_an_international_report_is_read() -> None:
    raw = report(US).replace(b"message/delivery-status", b"message/global-delivery-status")
    assert read_report(raw).verdict == "hard"


def test_complaints_are_told_from_what_takes_one_back() -> None:
    assert read_report(complaint(US)).verdict == "complaint"
    assert read_report(complaint(US, "not-spam")).verdict == "answer"


def test_answers_of_people_and_of_machines_are_told_apart() -> None:
    away, letter = read_report(answer(US, auto_submitted="auto-replied")), read_report(answer(US))
    assert (away.verdict, away.automatic) == ("answer", True)
    assert (letter.verdict, letter.automatic) == ("answer", False)


def test_words_for_people_decide_nothing() -> None:
    said = answer(US, "Action: failed\nStatus: 5.1.1\n550 5.1.1 no such user, delivery failed permanently")
    assert read_report(said).verdict == "answer"


def test_where_it_was_delivered_to_comes_before_what_its_writer_says() -> None:
    said = read_report(report("Somebody <forged+1.x@example.org>", delivered_to=US))
    assert said.delivered_to == (US, "forged+1.x@example.org")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe" * 1000,
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno parts at all",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--",
        report(US)[:900],
        report(US) + b"x" * LONGEST,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)),
        b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
        report(US).replace(b"charset=us-ascii", b"charset=no-such-thing; x*0*=utf-8''%FF"),
        b"To: " + b"a@b.example, " * 60_000,
    ],
)
def test_no_bytes_whatever_do_harm(raw: bytes) -> None:
    said = read_report(raw)
    assert said.verdict in ("unrecognised", "answer", "hard")
    assert len(said.delivered_to) <= 20
    assert len(said.fingerprint) == 64


def test_the_reason_is_ours_and_never_the_other_servers_words() -> None:
    assert in_words("hard", "5.1.1") == "its mail server says there is no such address (5.1.1)"
    assert in_words("soft", "4.2.2") == in_words("soft", "5.2.2").replace("5.2.2", "4.2.2")
    assert "full" in in_words("soft", "5.2.2")
    assert "unwanted" in in_words("complaint", "")
    assert in_words("soft", "") == "its mail server sent it back"
    for second in range(9):
        for third in (0, 1, 4, 10, 999):
            assert in_words("hard", f"5.{second}.{third}")[0].islower()
