"""The main job, end to end: a country page becomes cases, a hearing flags and mails, as commands and mail show."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import made_app

from tracker.base.db import db

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
FIRST, FULL = FIXTURES / "country_page_first_edition.txt", FIXTURES / "country_page.txt"
FOLLOWERS = ("amal@example.org", "noa@example.org")

pytestmark = pytest.mark.rehearsal


@pytest.fixture
def house(tracker_env: Any, mail_sink: Any) -> Iterator[Any]:
    """The commands on a rehearsal database that sends to the sink, with a desk and two staff who follow it. They run in
    one process, one after the other, as `flask --app tracker` would run them."""
    with made_app({**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}) as app:
        runner = app.test_cli_runner()

        def run(*arguments: str, input: str = "") -> Any:
            done = runner.invoke(args=arguments, input=input)
            db.session.remove()
            assert done.exit_code == 0, done.output
            return json.loads(done.stdout) if "--json" in arguments else done.stdout

        _set_up(run)
        yield run


def _set_up(run: Any) -> None:
    run(
        "desks", "add", "iopt", "--name", "Israel and the OPT", "--country", "IL", "--country", "PS",
        "--zone", "Asia/Jerusalem", "--working-days", "sun-thu", "--at", "2024-03-22T08:00Z",
    )  # fmt: skip
    for email in FOLLOWERS:
        run(
            "accounts", "add", email, "--role", "staff", "--desk", "iopt", "--password-stdin",
            "--at", "2024-03-22T08:00Z", input="kettle-orchard-lantern\n",
        )  # fmt: skip
        run("follow", email, "--desk", "iopt", "--at", "2024-03-22T08:00Z")


def _reminders(mail_sink: Any) -> Counter[str]:
    return Counter(address for mail in mail_sink.mails for address in mail.recipients)


def _flags(house: Any, ref: str) -> set[str]:
    return {flag["code"] for flag in house("flags", "list", "--json") if flag["case"] == ref}


def _import(house: Any, page: Path, at: str) -> dict[str, Any]:
    return house("intake", "import", str(page), "--desk", "iopt", "--accept", "all", "--at", at, "--json")


def test_it_works(house: Any, mail_sink: Any) -> None:
    first = _import(house, FIRST, "2024-03-22T09:00Z")
    assert first["cases"] == ["IOPT-0001", "IOPT-0002"]
    khalefa, amira = house("cases", "list", "--json")
    assert khalefa["people"] == [
        {"name": "Ahmad Khalefa", "status": "house_arrest", "custody": "house_arrest", "proceedings": "charged"}
    ]
    assert (
        khalefa["next_date"].items()
        >= {
            "kind": "hearing",
            "date": "2024-04-08",
            "time": None,
            "zone": "Asia/Jerusalem",
            "court": "Haifa magistrate's court",
        }.items()
    )
    assert amira["people"][0]["status"] == "released"

    # A week before: once each, however often the clock ticks.
    ticks = [house("tick", "--at", "2024-04-01T07:00Z", "--json") for _ in range(5)]
    assert [tick["outbox"]["sent"] for tick in ticks] == [2, 0, 0, 0, 0]
    assert _reminders(mail_sink) == dict.fromkeys(FOLLOWERS, 1)
    assert "hearing-soon" in _flags(house, "IOPT-0001")

    # Three days before is a Friday, which the desk does not work: due on Thursday, sent late and once.
    assert house("tick", "--at", "2024-04-05T07:00Z", "--json")["outbox"]["sent"] == 2
    assert _reminders(mail_sink) == dict.fromkeys(FOLLOWERS, 2)
    assert house("tick", "--at", "2024-04-07T07:00Z", "--json")["outbox"]["sent"] == 2
    assert _reminders(mail_sink) == dict.fromkeys(FOLLOWERS, 3)

    # The day after, what happened is asked; nothing more is mailed.
    assert house("tick", "--at", "2024-04-09T12:00Z", "--json")["outbox"] == {"sent": 0, "failed": 0, "waiting": 0}
    assert "hearing-without-outcome" in _flags(house, "IOPT-0001")
    assert "hearing-soon" not in _flags(house, "IOPT-0001")
    assert len({mail.message["Message-ID"] for mail in mail_sink.mails}) == len(mail_sink.mails) == 6
    for mail in mail_sink.mails:
        assert mail.kind == "hearing.reminder"
        assert "Khalefa" not in f"{mail.message['Subject']} {mail.text} {mail.html}"

    # The later edition proposes only what is new.
    full = _import(house, FULL, "2024-06-07T12:00Z")
    assert full["cases"] == ["IOPT-0003", "IOPT-0004"]
    by_name = {case["people"][0]["name"]: case for case in house("cases", "list", "--json")}
    assert by_name["Khaled Al Serr"]["people"][0]["status"] == "enforced_disappearance"
    assert by_name["Walid Daqqah"]["people"][0]["status"] == "died_in_custody"
    death = [
        e for e in house("cases", "show", by_name["Walid Daqqah"]["ref"], "--json")["timeline"] if "died" in e["kind"]
    ]
    assert [(e["date"], e["by"]) for e in death] == [(None, "2024-04-08")]
    assert _import(house, FULL, "2024-06-07T12:05Z")["proposed"] == 0

    # Nobody checks it: by August the disappeared surgeon's case is stale; a death is left in peace.
    house("tick", "--at", "2024-08-01T12:00Z", "--json")
    assert "stale-case" in _flags(house, by_name["Khaled Al Serr"]["ref"])
    assert "stale-case" not in _flags(house, by_name["Walid Daqqah"]["ref"])


@pytest.mark.one_engine
def test_a_clock_that_was_down_for_all_of_it_sends_one_mail_with_the_true_time_left(house: Any, mail_sink: Any) -> None:
    _import(house, FIRST, "2024-03-22T09:00Z")
    assert house("tick", "--at", "2024-04-07T07:00Z", "--json")["outbox"]["sent"] == 2
    assert _reminders(mail_sink) == dict.fromkeys(FOLLOWERS, 1)
    assert all(mail.message["Subject"].startswith("Tomorrow") for mail in mail_sink.mails)


@pytest.mark.one_engine
def test_nothing_is_sent_after_the_hearing(house: Any, mail_sink: Any) -> None:
    _import(house, FIRST, "2024-03-22T09:00Z")
    assert house("tick", "--at", "2024-04-08T12:00Z", "--json")["outbox"]["sent"] == 0
    assert mail_sink.mails == []


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("move", "1", "--date", "2024-04-15", "--time", "09:30"), "moved"),
        (("correct", "1", "--date", "2024-04-09"), "wrong date"),
        (("cancel", "1"), "cancelled"),
    ],
)
def test_those_who_were_told_are_told_of_a_change(
    house: Any, mail_sink: Any, change: tuple[str, ...], said: str
) -> None:
    _import(house, FIRST, "2024-03-22T09:00Z")
    house("tick", "--at", "2024-04-01T07:00Z", "--json")
    mail_sink.clear()
    house("hearings", *change, "--at", "2024-04-02T07:00Z")
    house("tick", "--at", "2024-04-02T07:01Z", "--json")
    house("tick", "--at", "2024-04-02T07:02Z", "--json")
    assert _reminders(mail_sink) == dict.fromkeys(FOLLOWERS, 1)
    for mail in mail_sink.mails:
        assert mail.kind == "hearing.changed"
        assert said in f"{mail.message['Subject']} {mail.text}".lower()
        assert "8 April 2024" in mail.text


@pytest.mark.one_engine
def test_a_change_before_anybody_was_told_is_no_news(house: Any, mail_sink: Any) -> None:
    _import(house, FIRST, "2024-03-22T09:00Z")
    house("hearings", "move", "1", "--date", "2024-04-15", "--at", "2024-03-25T07:00Z")
    house("tick", "--at", "2024-03-25T07:01Z", "--json")
    assert mail_sink.mails == []


@pytest.mark.one_engine
def test_what_was_known_on_a_day_is_still_known(house: Any) -> None:
    _import(house, FIRST, "2024-03-22T09:00Z")
    house("hearings", "move", "1", "--date", "2024-04-15", "--at", "2024-04-02T07:00Z")
    before = house("cases", "show", "IOPT-0001", "--as-known-on", "2024-04-01", "--json")
    after = house("cases", "show", "IOPT-0001", "--as-known-on", "2024-04-02", "--json")
    assert [h["date"] for h in before["hearings"]] == ["2024-04-08"]
    assert [h["date"] for h in after["hearings"]] == ["2024-04-15"]
    assert house("cases", "show", "IOPT-0001", "--as-known-on", "2024-03-21", "--json")["timeline"] == []


@pytest.mark.one_engine
def test_an_adjourned_hearing_goes_on_and_its_followers_are_told(house: Any, mail_sink: Any) -> None:
    _import(house, FIRST, "2024-03-22T09:00Z")
    house("tick", "--at", "2024-04-01T07:00Z", "--json")
    mail_sink.clear()
    outcome = house(
        "hearings", "outcome", "1", "adjourned", "--next", "2024-05-06", "--at", "2024-04-08T12:00Z", "--json"
    )
    assert outcome["state"] == "adjourned"
    house("tick", "--at", "2024-04-08T12:01Z", "--json")
    assert _reminders(mail_sink) == dict.fromkeys(FOLLOWERS, 1)
    assert "6 May 2024" in mail_sink.mails[0].text
    following = [h for h in house("hearings", "list", "--json") if h["id"] == outcome["next"]]
    assert [(h["date"], h["state"]) for h in following] == [("2024-05-06", "scheduled")]
