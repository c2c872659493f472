"""What a question says: which hearing, how to answer, who is asked next; never a name of somebody at risk."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from signed_in import PASSWORD, code_of, form_token, give_app, sign_in

from tracker.base import clock
from tracker.hearings.rules import in_window

ZONE = "Asia/Jerusalem"


def asked(line: Any, at: str = "2024-04-08T14:00Z") -> Any:
    """The mail that came at an instant."""
    assert line.tick(at)
    return line.sink.mails[-1]


def test_it_says_which_hearing_how_to_answer_and_who_is_next(line: Any) -> None:
    case = line.usual_case()
    hearing = line.hearing(case)
    mail = asked(line)
    name = f"{case.nickname} ({case.ref})"
    assert mail.message["X-Tracker-Kind"] == "hearing.outcome_asked"
    assert mail.message["Subject"] == f"What happened? Mon 8 Apr 2024 09:30 Haifa: hearing, {name}"
    for said in (
        f"What happened? Hearing, {name}.",
        "When: Monday 8 April 2024, 09:30 Asia/Jerusalem (today)",
        "Where: Magistrates' Court, Haifa",
        "If nobody answers: you once more, Tue 9 Apr 2024, 09:00",
        "After that: who stands in for who keeps it, Wed 10 Apr 2024, 09:00",
        "After that: who coordinates the desk, Thu 11 Apr 2024, 09:00",
        f"/cases/{case.ref}/hearings/{hearing.public_id}/outcome",
        f"/cases/{case.ref}/hearings/{hearing.public_id}/move",
        "You are asked because you keep this case.",
    ):
        assert said in mail.text, said
    assert "Nadia" not in f"{mail.message['Subject']} {mail.text} {mail.html}"
    assert "Halabi" not in f"{mail.message['Subject']} {mail.text} {mail.html}"
    assert "List-Unsubscribe" not in mail.message


def test_the_last_in_line_reads_that_nobody_else_is_asked(line: Any) -> None:
    line.change(line.coordinator, away_until=date(2024, 4, 30))
    line.hearing(line.case(line.owner))
    line.tick("2024-04-08T14:00Z")
    assert "nobody else is asked" in asked(line, "2024-04-09T06:00Z").text


def test_whoever_stands_in_reads_why_they_are_asked(line: Any) -> None:
    line.change(line.owner, away_until=date(2024, 4, 30))
    line.hearing(line.usual_case())
    assert "because you stand in for who keeps this case" in asked(line).text


def test_it_is_in_the_language_and_on_the_clock_of_its_reader(line: Any) -> None:
    line.change(line.owner, language="ar", zone="Europe/London")
    line.hearing(line.usual_case())
    mail = asked(line)
    assert 'dir="rtl"' in mail.html
    assert "07:30" in mail.text


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (in_window(ZONE, "month", date(2024, 4, 1)), "When: in April 2024, Asia/Jerusalem"),
        (in_window(ZONE, "not_set"), "When: date to be notified, Asia/Jerusalem"),
    ],
)
def test_a_date_that_is_not_known_is_asked_for_once_a_week(line: Any, when: Any, said: str) -> None:
    case = line.usual_case()
    hearing = line.hearing(case, when)
    assert line.tick("2024-04-07T04:59Z") == []
    mail = asked(line, "2024-04-07T05:00Z")
    assert mail.message["X-Tracker-Kind"] == "hearing.date_asked"
    assert str(mail.message["Subject"]).startswith("Is the date known? ")
    assert said in mail.text
    assert f"/cases/{case.ref}/hearings/{hearing.public_id}/move" in mail.text
    assert line.tick("2024-04-07T05:01Z") == line.tick("2024-04-10T05:00Z") == []
    assert line.tick("2024-04-14T05:00Z") == ["owner"]


def test_who_wrote_something_down_since_is_not_asked_for_the_date_that_week(line: Any) -> None:
    case = line.usual_case()
    line.hearing(case, in_window(ZONE, "not_set"))
    line.hearing(case, in_window(ZONE, "not_set"), now=datetime(2024, 4, 7, 5, 30, tzinfo=UTC))
    assert line.tick("2024-04-07T06:00Z") == []
    assert line.tick("2024-04-14T05:00Z") == ["owner"] * 2


def test_who_went_away_before_it_left_is_passed_over(line: Any) -> None:
    line.hearing(line.usual_case())
    line.sink.stop()
    assert line.tick("2024-04-08T14:00Z") == []
    line.change(line.owner, away_until=date(2024, 4, 30))
    line.sink.start()
    assert line.tick("2024-04-08T14:10Z") + line.tick("2024-04-08T14:11Z") == ["deputy"]
    assert line.questions()[0] == ("owner", "first", "skipped", "they are not the one to ask any more")


def token_on(page: str) -> str:
    """The form token of a page."""
    return page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]


def test_its_link_survives_signing_in_and_acting_needs_it(line: Any) -> None:
    case = line.usual_case()
    hearing = line.hearing(case)
    path = f"/cases/{case.ref}/hearings/{hearing.public_id}/outcome"
    assert path in asked(line).text
    secret = give_app(line.owner)
    stranger = line.app.test_client()
    sent_on = stranger.get(path)
    assert sent_on.status_code == 303
    page = stranger.get(sent_on.headers["Location"]).text
    assert f'value="{path}"' in page
    said = {"email": line.owner.email, "password": PASSWORD, "next": path}
    answer = stranger.post("/sign-in", data={"csrf_token": token_on(page), **said})
    page = stranger.get(answer.headers["Location"]).text
    code = code_of(secret, clock.now())
    answer = stranger.post("/sign-in/factor", data={"csrf_token": token_on(page), "code": code})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    form = stranger.get(path)
    assert form.status_code == 200
    assert 'name="outcome"' in form.text


@pytest.mark.one_engine
def test_a_stranger_cannot_answer(line: Any) -> None:
    case = line.usual_case()
    hearing = line.hearing(case)
    path = f"/cases/{case.ref}/hearings/{hearing.public_id}/outcome"
    elsewhere = sign_in(line.app, line.staff("elsewhere@example.org", desk=None))
    token = form_token(elsewhere)
    assert elsewhere.post(path, data={"csrf_token": token, "outcome": "took_place"}).status_code in (403, 404)


@pytest.mark.parametrize(
    ("at", "asks"), [("2024-04-08T06:29:59Z", False), ("2024-04-08T06:30:00Z", True), ("2024-04-08T20:59:59Z", True)]
)
def test_today_asks_from_the_start_time(line: Any, at: str, asks: bool) -> None:
    case = line.usual_case()
    hearing = line.hearing(case)
    now = datetime.fromisoformat(at)
    browser = sign_in(line.app, line.owner, now)
    with clock.fixed_at(now):
        page = browser.get("/").text
    path = f"/cases/{case.ref}/hearings/{hearing.public_id}/"
    assert (f"{path}outcome" in page) is asks
    assert (f"{path}confirm" in page) is not asks
