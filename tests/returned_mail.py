"""Mails that come back, as mail servers of several makes write them: to a signed address, about a mail to somebody."""

from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

#: Whose server writes.
THEM = "mx.example.net"


def report(
    to: str,
    status: str = "5.1.1",
    action: str = "failed",
    *,
    diagnostic: str = "",
    reader: str = "reader@example.net",
    more_blocks: str = "",
    delivered_to: str | None = None,
) -> bytes:
    """A report of a mail server (RFC 3464), as Postfix writes it: delivered to the address `to`. `delivered_to`: what
    the mailbox's own server wrote on top; None: the same."""
    diagnostic = diagnostic or f"smtp; 550 {status} <{reader}>: Recipient address rejected"
    return (
        f"Return-Path: <>\r\n"
        f"Delivered-To: {delivered_to or to}\r\n"
        f"Received: by {THEM} (Postfix)\r\n\tid 4Rk2; Mon, 1 Apr 2024 05:00:04 +0000 (UTC)\r\n"
        f"Date: Mon, 1 Apr 2024 05:00:04 +0000 (UTC)\r\n"
        f"From: MAILER-DAEMON@{THEM} (Mail Delivery System)\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\n"
        f"To: {to}\r\n"
        f"Auto-Submitted: auto-replied\r\n"
        f"MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="4Rk2.1711947604/{THEM}"\r\n'
        f"Message-Id: <20240401050004.4Rk2@{THEM}>\r\n"
        f"\r\nThis is a MIME-encapsulated message.\r\n\r\n"
        f"--4Rk2.1711947604/{THEM}\r\n"
        f"Content-Description: Notification\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
        f"This is the mail system at host {THEM}.\r\n\r\n"
        f"I'm sorry to have to inform you that your message could not be delivered.\r\n\r\n"
        f"<{reader}>: host mail.example.net said: 550 {status} no such user\r\n\r\n"
        f"--4Rk2.1711947604/{THEM}\r\n"
        f"Content-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; {THEM}\r\nX-Postfix-Queue-ID: 4Rk2\r\n"
        f"Arrival-Date: Mon,  1 Apr 2024 05:00:02 +0000 (UTC)\r\n\r\n"
        f"Final-Recipient: rfc822; {reader}\r\nOriginal-Recipient: rfc822;{reader}\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nRemote-MTA: dns; mail.example.net\r\n"
        f"Diagnostic-Code: {diagnostic}\r\n\r\n{more_blocks}"
        f"--4Rk2.1711947604/{THEM}\r\n"
        f"Content-Description: Undelivered Message\r\nContent-Type: message/rfc822\r\n\r\n"
        f"From: Urgent action tracker <tracker@example.org>\r\nTo: {reader}\r\nSubject: Tomorrow\r\n\r\nText\r\n"
        f"--4Rk2.1711947604/{THEM}--\r\n"
    ).encode()


def complaint(to: str, kind: str = "abuse") -> bytes:
    """A complaint, as providers pass it on (RFC 5965)."""
    whole = MIMEMultipart("report", report_type="feedback-report")
    whole["From"], whole["To"], whole["Subject"] = f"feedback@{THEM}", to, "FW: Tomorrow"
    whole.attach(MIMEText("This is an email abuse report.", "plain"))
    fields = Message()
    fields["Content-Type"] = "message/feedback-report"
    inside = Message()
    inside["Feedback-Type"], inside["User-Agent"], inside["Version"] = kind, "SomeGenerator/1.0", "1"
    fields.set_payload([inside])
    whole.attach(fields)
    return whole.as_bytes()


def answer(to: str, text: str = "I am away until Monday.", **headers: str) -> bytes:
    """What a person writes back, or their mail service while they are away (`auto_submitted="auto-replied"`)."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Reader <reader@example.net>", to, "Re: Tomorrow"
    for name, value in headers.items():
        mail[name.replace("_", "-").title()] = value
    mail.set_content(text)
    return mail.as_bytes()


class Returned:
    """A Maildir that mail comes back to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for folder in ("new", "cur", "tmp"):
            (path / folder).mkdir(parents=True)
        self._count = 0

    def put(self, raw: bytes, folder: str = "new") -> Path:
        """A mail comes."""
        self._count += 1
        file = self.path / folder / f"17119476{self._count:02}.M1P1.host"
        file.write_bytes(raw)
        return file

    def left(self) -> int:
        """How many mails lie in it."""
        return sum(1 for folder in ("new", "cur") for _ in (self.path / folder).iterdir())
