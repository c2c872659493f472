"""The demo's mail server: keeps what it gets, tells it in one line, sends nothing on."""

import smtplib
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from tracker.demo.mailbox import Mailbox


def _send(mailbox: Mailbox, subject: str, to: str = "noor@example.org") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "tracker@example.org", to, subject
    mail["X-Tracker-Kind"] = "hearing.reminder"
    mail.set_content("Tomorrow at half past nine.")
    address = urlsplit(mailbox.url)
    with smtplib.SMTP(str(address.hostname), address.port or 0, timeout=60) as smtp:
        smtp.send_message(mail)


def test_a_mail_is_kept_for_its_owner_alone_and_told_in_one_line(tmp_path: Path) -> None:
    told: list[str] = []
    with Mailbox(tmp_path / "mails", told.append) as mailbox:
        _send(mailbox, "Tomorrow 09:30 Haifa: hearing, Cedar (IOPT-0001)")
        _send(mailbox, "Tomorrow 09:30 Haifa: hearing, Cedar (IOPT-0001)")
    assert told[0] == "Mail hearing.reminder to noor@example.org: Tomorrow 09:30 Haifa: hearing, Cedar (IOPT-0001)"
    kept = sorted((tmp_path / "mails").iterdir())
    assert len(kept) == 2, "two at one moment are two files"
    assert b"Tomorrow at half past nine." in kept[0].read_bytes()
    assert (tmp_path / "mails").stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in kept} == {0o600}


def test_a_subject_cannot_steer_the_terminal(tmp_path: Path) -> None:
    told: list[str] = []
    with Mailbox(tmp_path / "mails", told.append) as mailbox:
        _send(mailbox, "\u2068Cedar\u2069 \x1b[2J\u202e gone")
    assert told == ["Mail hearing.reminder to noor@example.org: Cedar [2J gone"]


def test_an_address_cannot_leave_the_folder(tmp_path: Path) -> None:
    with Mailbox(tmp_path / "mails", lambda line: None) as mailbox:
        _send(mailbox, "Where to?", to="../../noor@example.org")
    assert [p.name for p in tmp_path.iterdir()] == ["mails"]
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 1


def test_it_can_be_started_on_a_folder_that_holds_mails(tmp_path: Path) -> None:
    for _start in range(2):
        with Mailbox(tmp_path / "mails", lambda line: None) as mailbox:
            _send(mailbox, "Still here")
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 2
