"""The volunteer's way: letters in their languages, paper, calls, saying that it was done, and staying safe."""

from datetime import timedelta
from typing import Any

import pytest
from actions_ground import LETTER, act, action, day, minister, open_case
from house_of_cases import NOW, Lived, statements, utc
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.actions.service import LetterGiven
from tracker.audit.kinds import concerned, rungs
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.cases.service import edit_case
from tracker.consent.service import stop_publicity
from tracker.steps.models import ActionReading, Step
from tracker.steps.queries import tally
from tracker.steps.service import record_step

ARABIC = "أكتب إليكم بشأن الجراح الذي أخذ من مستشفاه."


def steps() -> list[Step]:
    """What was said, as it stands."""
    db.session.rollback()
    return list(db.session.scalars(select(Step).order_by(Step.id)))


def did(browser: Any, address: str, **said: Any) -> Any:
    """Say on the page of an action that it was done."""
    return browser.send(f"{address}/did-it", browser.filled(address, **said))


def test_the_letter_is_read_in_a_chosen_language_in_its_own_direction(lived: Lived) -> None:
    letters = (LetterGiven("en", LETTER, "Where is he?"), LetterGiven("ar", ARABIC, "أين هو؟"))
    address = f"/actions/{action(lived, open_case(lived), letters=letters).public_id}"
    browser = lived.browser(lived.volunteer)
    page = browser.get(f"{address}?letter=ar").text
    assert 'lang="ar" dir="rtl"' in page
    assert ARABIC in page
    paper = browser.get(f"{address}/print?letter=ar&paper=letter&large=yes").text
    assert 'dir="rtl"' in paper
    assert "paper-letter large-print" in paper
    assert "Check before posting:" in paper
    assert "<svg" in paper
    for line in ("Ministry of Defence", "37 Long Street", "Tel Aviv"):
        assert line in paper


def test_five_thousand_arabic_letters_are_copied_and_the_mail_program_opens_without_them(lived: Lived) -> None:
    letters = (LetterGiven("ar", "سلام " * 1000),)
    written = action(lived, open_case(lived), letters=letters)
    page = lived.browser(lived.volunteer).get(f"/actions/{written.public_id}").text
    assert 'href="mailto:minister@example.org"' in page
    assert "too long for mail programs" in page


def test_somebody_without_an_address_of_a_kind_offers_no_button_of_it(lived: Lived) -> None:
    target = minister(lived, email="", phone="")
    page = lived.browser(lived.volunteer).get(f"/actions/{action(lived, open_case(lived), target).public_id}").text
    assert "mailto:" not in page
    assert "/calls" not in page
    assert "/print" in page


def test_a_copy_goes_to_the_embassy_in_the_readers_country(lived: Lived) -> None:
    case = open_case(lived, responsible_state="IL")
    minister(lived, kind="embassy", office="Embassy in Ottawa", hosted_in="CA", email="ottawa@example.org", name="")
    address = f"/actions/{action(lived, case).public_id}"
    browser = lived.browser(lived.volunteer)
    assert "cc=" not in browser.get(address).text
    page = browser.get(f"{address}?from=ca").text
    assert "cc=ottawa@example.org" in page
    printed = browser.get(f"{address}/print").text
    assert "A copy goes to: <bdi>Embassy in Ottawa, Ministry of Defence, 37 Long Street, Tel Aviv</bdi>" in printed
    assert "cc=" not in browser.get(f"{address}?from=DE").text
    assert "A copy goes to:" not in browser.get(f"{address}/print").text


def test_what_was_done_is_counted_once_and_taken_back(lived: Lived) -> None:
    address = f"/actions/{action(lived, open_case(lived)).public_id}"
    browser = lived.browser(lived.volunteer)
    fields = browser.filled(address, channel="letter", count="3")
    assert browser.send(f"{address}/did-it", fields).status_code == 303
    assert browser.send(f"{address}/did-it", fields).status_code == 303, "a double tap"
    assert [(s.channel, s.count) for s in steps()] == [("letter", 3)]
    again = did(browser, address, channel="letter", count="2")
    assert again.status_code == 422
    assert "You have said this already." in again.text
    assert did(browser, address, channel="letter", count="2", confirm="y").status_code == 303
    assert sum(s.count for s in steps()) == 5
    thanks = browser.get(f"{address}/thanks").text
    undo = thanks.partition(f'action="{address}/steps/')[2].partition('"')[0]
    token = browser.held(browser.get(address).text)["csrf_token"]
    assert browser.send(f"{address}/steps/{undo}", {"csrf_token": token, "once": "x" * 22}).status_code == 303
    assert sum(s.count for s in steps() if s.undone_at is None) == 3


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"count": "0"}, "Between 1 and 20."),
        ({"count": "21"}, "Between 1 and 20."),
        ({"count": "many"}, "Not a valid integer"),
        ({"done_on": "2024-03-17"}, "before this action was issued"),
        ({"done_on": "2024-03-19"}, "has not come yet"),
    ],
)
def test_what_cannot_be_is_said_on_its_field_and_nothing_typed_is_lost(
    lived: Lived, said: dict[str, str], words: str
) -> None:
    address = f"/actions/{action(lived, open_case(lived)).public_id}"
    answer = did(lived.browser(lived.volunteer), address, channel="call", **said)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{next(iter(said.values()))}"' in answer.text
    assert steps() == []


def test_a_script_that_counts_a_thousand_times_is_told_to_stop(lived: Lived) -> None:
    address = f"/actions/{action(lived, open_case(lived)).public_id}"
    browser = lived.browser(lived.volunteer)
    held = browser.filled(address)
    answers = [
        browser.send(f"{address}/did-it", {**held, "channel": "email", "confirm": "y", "once": f"{n:022d}"}).status_code
        for n in range(30)
    ]
    assert answers == [303] * 6 + [422] * 24
    assert len(steps()) == 6


def test_who_is_in_the_country_is_offered_what_is_safe_and_only_the_device_knows(lived: Lived) -> None:
    case = open_case(lived, country="IL")
    address = f"/actions/{action(lived, case).public_id}"
    browser = lived.browser(lived.volunteer)
    token = browser.held(browser.get(address).text)["csrf_token"]
    kept = browser.send(f"{address}/here", {"csrf_token": token})
    assert "here=IL" in kept.headers["Set-Cookie"]
    assert "HttpOnly" in kept.headers["Set-Cookie"]
    page = browser.get(address).text
    assert "Please do not write, call or print from there" in page
    for word in ("mailto:", "Please say where he is.", "I did it"):
        assert word not in page
    for surface in ("print", "calls"):
        assert browser.get(f"{address}/{surface}").status_code == 303
    assert browser.send(f"{address}/here", {"csrf_token": token, "off": "yes"}).status_code == 303
    assert "mailto:" in browser.get(address).text


def test_who_opened_or_printed_it_is_known_and_a_stranger_learns_nothing(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    address = f"/actions/{written.public_id}"
    reader, outsider = lived.browser(lived.volunteer), lived.browser(lived.outsider)
    reader.get(f"{address}/print")
    reader.now = NOW + timedelta(hours=1)
    reader.get(address)
    db.session.rollback()
    reading = db.session.scalars(select(ActionReading)).one()
    assert (reading.user_id, reading.printed_at, reading.opened_at) == (
        *(lived.volunteer.id, NOW),
        NOW + timedelta(hours=1),
    )
    with lived.at(NOW + timedelta(hours=2)) as session:
        stop_publicity(session, session.get_one(Case, case.id), reason="asked")
        session.get_one(UrgentAction, written.id).public_words = "Khaled Al Serr asks you to be silent."
    reader.now = NOW + timedelta(hours=3)
    said = reader.get(address)
    assert said.status_code == 200
    assert "Stop: please do not write" in said.text
    for secret in ("surgeon", "Serr", case.nickname, case.ref, "asked"):
        assert secret not in said.text
    missing, closed = outsider.get("/actions/AAAAAAAAAAAAAAAAAAAAAA"), outsider.get(address)
    assert closed.status_code == missing.status_code == 404
    assert reader.get("/").text.count("Stopped since you looked") == 0, "they have just looked"


def test_a_draft_and_a_closed_case_are_as_if_there_were_none(lived: Lived) -> None:
    case = open_case(lived)
    draft = action(lived, case, opened=False)
    browser = lived.browser(lived.volunteer)
    assert browser.get(f"/actions/{draft.public_id}").status_code == 404
    assert browser.send(f"/actions/{draft.public_id}/did-it", {}).status_code in (400, 404)
    written = action(lived, case, ua_number="UA 53/24")
    with lived.at() as session:
        mine = session.get_one(Case, case.id)
        edit_case(session, mine, version=mine.version, audience=Audience.DESK)
    assert browser.get(f"/actions/{written.public_id}").status_code == 404


def test_a_letter_written_before_the_stop_still_counts_when_staff_hear_of_it(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    act(lived, written, "stop", reason="quiet", now=NOW + timedelta(days=3))
    later = NOW + timedelta(days=5)
    with lived.at(later) as session:
        mine = session.get_one(UrgentAction, written.id)
        record_step(session, mine, channel="letter", count=12, done_on=(NOW + timedelta(days=3)).date(), source="staff")
        with pytest.raises(Exception, match="stopped by then"):
            record_step(
                session, mine, channel="letter", count=1, done_on=(NOW + timedelta(days=4)).date(), source="staff"
            )
    assert sum(s.count for s in steps()) == 12


def test_the_tally_tells_no_part_under_five(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    with lived.at(NOW + timedelta(days=8)) as session:
        mine = session.get_one(UrgentAction, written.id)
        for channel, count, day in (("email", 30, 18), ("letter", 20, 25), ("call", 4, 25)):
            done_on = NOW.date().replace(day=day)
            record_step(session, mine, channel=channel, count=count, done_on=done_on, source="staff")
    told = tally(db.session(), written)
    assert (told.total, told.public) == (54, 54)
    assert told.by_channel == {"email": 30, "letter": None, "call": None}
    assert told.by_week == {"2024-03-18": 30, "2024-03-25": 24}


def test_the_first_page_of_a_volunteer_asks_nothing_per_action(lived: Lived) -> None:
    case = open_case(lived)
    browser = lived.browser(lived.volunteer)
    counts = []
    for number in range(4):
        action(lived, case, ua_number=f"UA {60 + number}/24")
        with statements() as asked:
            browser.get("/")
        counts.append(len(asked.said))
    assert len(set(counts[1:])) == 1, counts


def test_each_case_says_whether_one_may_write_when_next_and_what_others_did(lived: Lived) -> None:
    asked, quiet, held = open_case(lived), open_case(lived, "Nadia Halabi"), open_case(lived, "Omar Shakir")
    written = action(lived, asked)
    act(lived, action(lived, held, ua_number="UA 53/24"), "hold", reason="checking")
    with lived.at() as session:
        mine = session.get_one(UrgentAction, written.id)
        record_step(session, mine, channel="letter", count=50, source="staff", zone="UTC")
    page = lived.browser(lived.volunteer).get("/").text
    rows = {case.ref: page.partition(f">{case.ref}</span>")[2].partition("</li>")[0] for case in (asked, quiet, held)}
    assert "You may write until" in rows[asked.ref]
    assert "50 letters, by what people tell us" in rows[asked.ref]
    assert "Nobody is asked to write for this case." in rows[quiet.ref]
    assert "Please do not write just now" in rows[held.ref]


@pytest.mark.parametrize(
    ("how", "said", "words"),
    [
        ("hold", {"reason": "checking"}, "Please do not write just now"),
        ("stop", {"reason": "asked"}, "Stopped: please do not write"),
        ("close", {"reason": "no_further"}, "Closed: please do not write"),
    ],
)
def test_what_is_stopped_for_good_is_not_said_to_be_so_just_now(
    lived: Lived, how: str, said: dict[str, str], words: str
) -> None:
    act(lived, action(lived, open_case(lived)), how, **said)
    cases = lived.browser(lived.volunteer).get("/").text.partition("Cases open to you")[2]
    assert words in cases
    assert ("just now" in cases) == (how == "hold")


def test_an_arab_reader_reads_that_it_is_stopped_and_not_when(lived: Lived) -> None:
    act(lived, action(lived, open_case(lived)), "stop", reason="asked")
    with lived.at() as session:
        session.get_one(User, lived.volunteer.id).language = "ar"
    assert "موقوف: لا تكتب من فضلك" in lived.browser(lived.volunteer).get("/").text


def test_the_history_knows_whose_steps_they_are(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    with lived.at() as session:
        step = record_step(session, session.get_one(UrgentAction, written.id), channel="fax", source="command")
    assert concerned.get("steps")(db.session(), [step.id]) == {step.id: {case.id}}
    assert rungs.get("steps")(db.session(), [step.id]) == {step.id: Audience.DESK}


def test_what_is_too_old_to_be_taken_back_offers_no_button_for_it(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    address = f"/actions/{written.public_id}"
    with lived.at(by=lived.volunteer) as session:
        record_step(session, session.get_one(UrgentAction, written.id), channel="email", user=lived.volunteer)
    for days, offered in ((7, True), (8, False)):
        page = lived.browser(lived.volunteer, NOW + timedelta(days=days)).get(address).text
        assert ("/undo" in page) is offered


def test_days_are_counted_by_the_clock_of_whoever_reads_the_list(lived: Lived) -> None:
    action(lived, open_case(lived), act_until=day("2024-04-29"))
    with lived.at() as session:
        session.get_one(User, lived.volunteer.id).zone = "America/Los_Angeles"
    page = lived.browser(lived.volunteer, utc("2024-04-29T05:00")).get("/actions").text
    assert "(tomorrow)" in page
