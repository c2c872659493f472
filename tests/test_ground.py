"""What the tests themselves stand on: it must hold before anything else can be believed."""

import smtplib
import socket
import time
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest
from engines import Postgres
from mail_sink import MailSink


def test_nothing_beyond_this_machine_can_be_reached(reached_out: list[str]) -> None:
    with pytest.raises(ConnectionRefusedError, match="beyond this machine"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks, pytest.raises(ConnectionRefusedError):
        asks.sendto(b"who is there?", ("192.0.2.1", 53))
    assert len(reached_out) == 2
    reached_out.clear()


def test_the_machine_is_in_a_zone_of_its_own() -> None:
    assert time.localtime(0).tm_gmtoff == 5.5 * 3600  # Nepal went to +05:45 in 1986


@pytest.mark.postgres
def test_a_copied_database_is_its_own(postgres: Postgres) -> None:
    def migrate(address: str) -> None:
        with psycopg.connect(address.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE told (what text)")

    first, second = (postgres.copy("ground", migrate) for _ in range(2))
    with psycopg.connect(first.replace("+psycopg", "")) as connection:
        connection.execute("INSERT INTO told VALUES ('once')")
    with psycopg.connect(second.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM told").fetchone() == (0,)
    for address in (first, second):
        postgres.drop(address)


def test_the_mail_sink_keeps_mails_and_can_be_down_and_refuse(mail_sink: MailSink) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", "Zeder – غدًا"
    mail.set_content("Morgen um 09:30")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", mail_sink.port, timeout=60) as connection:
            connection.send_message(mail)

    send()
    assert [m.text.strip() for m in mail_sink.to("b@example.org")] == ["Morgen um 09:30"]
    assert mail_sink.mails[0].message["Subject"] == "Zeder – غدًا"
    mail_sink.stop()
    with pytest.raises(ConnectionRefusedError):
        send()
    mail_sink.start()
    mail_sink.answers.rcpt_of["b@example.org"] = "451 4.7.1 later"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send()
    mail_sink.answers.rcpt_of.clear()
    send()
    assert len(mail_sink.mails) == 2


def test_a_page_of_the_live_server_opens_in_the_browser(live_server: Any, page: Any) -> None:
    answer = page.goto(f"{live_server.url}/there-is-no-such-page")
    assert answer.status in (404, 200)
    assert page.title()


@pytest.mark.one_engine
def test_the_command_runs_as_a_child_of_its_own(run_tracker: Any) -> None:
    done = run_tracker("desks", "--help")
    assert done.code == 0, done.err
    assert "add" in done.out
