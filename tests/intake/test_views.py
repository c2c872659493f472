"""Giving a page and reviewing it: nothing typed is lost, a whole case is two taps, other desks see none of it."""

import html
import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from intake_ground import FIRST, FULL, MARCH, Desks
from signed_in import form_token, make_account, make_desk, sign_in
from sqlalchemy import event, func, select

from tracker.accounts.models import Membership
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.once import new_token
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case, Involvement
from tracker.hearings.models import Hearing
from tracker.intake.models import Document, Proposal
from tracker.people.models import Person
from tracker.timeline.models import Entry

HELD = (
    "Egypt\n\nFree Samir Haddad - URGENT ACTION - 18/03/2024\n\n"
    "Samir Haddad, a teacher, was arrested on 4 March 2024. "
    "The next hearing of Samir Haddad is set for 8 April 2024 at the Cairo criminal court. Take action.\n"
)


@pytest.fixture
def browser(app: Flask, house: Desks) -> FlaskClient:
    """Amal, signed in."""
    return sign_in(app, house.amal)


@pytest.fixture(autouse=True)
def _in_march() -> Any:
    with clock.fixed_at(MARCH):
        yield


def send(browser: FlaskClient, where: str, **fields: Any) -> Any:
    """Send a form."""
    return browser.post(where, data={"csrf_token": form_token(browser), **fields})


def paste(browser: FlaskClient, text: str, **more: Any) -> Any:
    """Send a text."""
    sent = {"document": text, "desk_id": "1", "csrf_token": form_token(browser), **more}
    return browser.post("/intake/paste", data=sent, content_type="multipart/form-data")


def review_of(browser: FlaskClient, text: str = HELD) -> str:
    """Paste a text and return the address of its review."""
    answer = paste(browser, text)
    assert answer.status_code == 303, said(answer)
    return str(answer.location)


def said(answer: Any) -> str:
    """The words of a page, with single blanks and no direction marks."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", answer.text.split("<main", 1)[-1]))
    return re.sub(r"\s+", " ", re.sub("[\u2066-\u2069]", "", text))


def fault(answer: Any, field: str) -> str:
    """What is wrong with a field."""
    found = re.search(rf'<p class="field-error" id="{field}-error">(.*?)</p>', answer.text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


def forms_of(page: str) -> list[tuple[str, dict[str, str]]]:
    """The POST forms of a page: address and hidden fields."""
    return [
        (
            match[1],
            {
                n: html.unescape(v)
                for n, v in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', match[2])
            },
        )
        for match in re.finditer(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL)
    ]


def press(browser: FlaskClient, page: str, end: str, number: int = 0, **fields: str) -> Any:
    """Press the button whose address ends so."""
    where, hidden = [f for f in forms_of(page) if f[0].endswith(end) and "/intake/" in f[0]][number]
    return browser.post(where, data={**hidden, **fields})


def one(table: type) -> Any:
    """The only row of a table."""
    db.session.rollback()
    return db.session.scalars(select(table).execution_options(populate_existing=True)).one()


def count(table: type) -> int:
    """How many rows there are."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


# Giving a page -------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
def test_the_page_asks_for_text_or_a_file(browser: FlaskClient) -> None:
    page = browser.get("/intake/paste").text
    assert 'enctype="multipart/form-data"' in page
    assert "<textarea" in page
    assert 'type="file"' in page
    assert 'name="desk_id" value="1"' in page, "of one desk nothing is asked"


def test_a_pasted_page_is_kept_and_leads_to_its_review(browser: FlaskClient) -> None:
    where = review_of(browser, FIRST.read_text().replace("\n", "\r\n"))
    document = one(Document)
    assert document.text == FIRST.read_text()
    assert (document.name, document.published_on) == ("Pasted text", date(2024, 3, 22))
    assert where == f"/intake/{document.public_id}"
    assert document.received_by is not None


@pytest.mark.one_engine
def test_an_uploaded_page_keeps_its_name(browser: FlaskClient) -> None:
    answer = paste(browser, "", upload=(io.BytesIO(FULL.read_bytes()), "iopt.txt"))
    assert answer.status_code == 303
    assert one(Document).name == "iopt.txt"


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Paste the text of the page, or choose a file."),
        ("   \r\n ", "Paste the text of the page, or choose a file."),
        ("Good morning to all of you.", "No entries were found on this page."),
        ("Samir Haddad\x00 was arrested", "NUL"),
        ("<!DOCTYPE html><html><body>Samir</body></html>", "web page's source"),
        ("\x01\x02\x03" * 200, "binary data"),
        (
            "Egypt\n\nFree Samir Haddad - URGENT ACTION - 31/06/2024\n\nHe was held.",
            "There is no such day as 31/06/2024",
        ),
    ],
    ids=["empty", "blank", "no entries", "NUL", "HTML", "binary", "no such day"],
)
def test_what_cannot_be_read_is_refused_on_its_field_and_kept(browser: FlaskClient, text: str, why: str) -> None:
    answer = paste(browser, text)
    assert answer.status_code == 422
    assert re.search(why, fault(answer, "document"))
    kept = html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)[1])  # type: ignore[index]
    assert kept.replace("\r", "").strip() == text.replace("\r", "").strip()
    assert count(Document) == 0


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"%PDF-1.7 \x00\x01", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "is a picture"),
        (b"", "is empty"),
        (b"caf\xe9 \xff\xfe", "not text in UTF-8"),
    ],
    ids=["pdf", "picture", "empty", "not utf-8"],
)
def test_a_file_that_cannot_be_read_is_refused_on_its_field(browser: FlaskClient, data: bytes, why: str) -> None:
    answer = paste(browser, "", upload=(io.BytesIO(data), "page.bin"))
    assert answer.status_code == 422
    assert re.search(why, fault(answer, "upload")), fault(answer, "upload")
    assert "choose it again" in said(answer)


@pytest.mark.one_engine
def test_a_text_and_a_file_at_once_are_asked_about_and_the_text_is_kept(browser: FlaskClient) -> None:
    answer = paste(browser, HELD, upload=(io.BytesIO(b"text"), "page.txt"))
    assert answer.status_code == 422
    assert "which of the two" in fault(answer, "upload")
    assert "Free Samir Haddad" in answer.text


@pytest.mark.one_engine
def test_a_file_over_5_mb_is_refused_with_its_size_and_what_to_do(browser: FlaskClient) -> None:
    head = (
        f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{form_token(browser)}\r\n'
        '--x\r\nContent-Disposition: form-data; name="desk_id"\r\n\r\n1\r\n'
        '--x\r\nContent-Disposition: form-data; name="upload"; filename="long.txt"\r\n\r\n'
    )
    answer = browser.post(
        "/intake/paste",
        data=head.encode() + b"word " * 1_000_001 + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 422
    assert "A page may be 5 MB at most: save the text alone, or split it." in fault(answer, "upload")


@pytest.mark.one_engine
def test_a_request_over_the_limit_is_answered_by_a_page_that_says_what_to_do(browser: FlaskClient) -> None:
    token = form_token(browser)

    class Endless(io.BytesIO):
        """A body of which nothing must be read."""

        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("the body is read")

    answer = browser.post(
        "/intake/paste",
        input_stream=Endless(),
        headers={"X-CSRFToken": token},
        environ_overrides={"CONTENT_LENGTH": "50000000"},
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 413
    assert "at most 5 MB" in said(answer)
    assert "paste only the text" in said(answer)
    assert 'href="/intake/paste">Back to pasting' in answer.text


@pytest.mark.one_engine
def test_a_date_that_cannot_be_is_refused_and_the_text_kept(browser: FlaskClient) -> None:
    answer = paste(browser, HELD, published="31/06/2024")
    assert answer.status_code == 422
    assert "There is no such day" in fault(answer, "published")
    assert "Free Samir Haddad" in answer.text
    assert "31/06/2024" in answer.text


@pytest.mark.one_engine
def test_who_is_on_two_desks_says_which(app: Flask, house: Desks, browser: FlaskClient) -> None:
    other = make_desk("mena", "Another desk", ("EG",), "Africa/Cairo")
    db.session.add(Membership(user_id=house.amal.id, desk_id=other.id))
    db.session.commit()
    assert 'id="desk_id"' in browser.get("/intake/paste").text
    refused = paste(browser, HELD, desk_id="99")
    assert refused.status_code == 422
    assert "Free Samir Haddad" in refused.text
    assert paste(browser, HELD, desk_id=str(other.id)).status_code == 303
    assert one(Document).desk_id == other.id


@pytest.mark.one_engine
def test_who_is_on_no_desk_is_told_so(app: Flask, house: Desks) -> None:
    lone = sign_in(app, make_account("lone@example.org"))
    answer = lone.get("/intake/paste")
    assert answer.status_code == 403
    assert "on no desk yet" in said(answer)


@pytest.mark.one_engine
def test_volunteers_are_not_let_in(app: Flask, house: Desks) -> None:
    volunteer = sign_in(app, make_account("vera@example.org", role="volunteer"))
    assert volunteer.get("/intake/paste").status_code == 403
    assert volunteer.get("/intake").status_code == 403


def test_a_double_click_makes_one_page(browser: FlaskClient) -> None:
    token = new_token()
    first, second = paste(browser, HELD, once=token), paste(browser, HELD, once=token)
    assert first.location == second.location
    assert count(Document) == 1


def test_the_same_page_again_says_that_nothing_is_new(browser: FlaskClient) -> None:
    where = review_of(browser)
    assert review_of(browser) == where
    assert "Nothing on this page is new to the desk" in said(browser.get(where))


@pytest.mark.one_engine
def test_hostile_text_is_shown_as_text(browser: FlaskClient) -> None:
    text = HELD.replace("a teacher", "a <script>alert(1)</script> \u202eteacher\u202c")
    answer = browser.get(review_of(browser, text))
    assert "<script>alert" not in answer.text
    assert answer.status_code == 200


# Reviewing -----------------------------------------------------------------------------------------------------------


def test_a_review_says_what_each_sentence_would_change(browser: FlaskClient) -> None:
    words = said(browser.get(review_of(browser, FIRST.read_text())))
    assert "Would make a new case, kept by you, about Ahmad Khalefa." in words
    assert "Adds to the timeline: Arrested or detained , 19 October 2023" in words
    assert "date not stated, known by 21 March 2024" in words
    assert "Status as of then: house arrest" in words
    assert "Sets a hearing: Monday 8 April 2024 , Haifa magistrate's court" in words
    assert "medium risk" in words


def test_a_sentence_is_marked_within_the_words_around_it(browser: FlaskClient) -> None:
    page = browser.get(review_of(browser, FIRST.read_text())).text
    quote = re.search(r'<blockquote[^>]*dir="auto">(.*?)</blockquote>', page.split("Sets a hearing")[1], re.DOTALL)
    assert quote
    assert re.search(
        r"<mark>His next hearing is set for 08 April 2024 at the Haifa magistrate.{1,6}s court\.</mark>", quote[1]
    )
    assert "other harsh terms." in quote[1].split("<mark>")[0]
    assert "The authorities must" in quote[1].split("</mark>")[1]


def test_what_was_worked_out_is_said(browser: FlaskClient) -> None:
    text = HELD.replace("8 April 2024", "8 April")
    assert "The year is not printed" in said(browser.get(review_of(browser, text)))


def test_a_whole_case_is_one_tap_from_its_review(browser: FlaskClient, house: Desks) -> None:
    page = browser.get(review_of(browser)).text
    answer = press(browser, page, "/accept")
    case = one(Case)
    assert answer.status_code == 303
    assert answer.location == f"/cases/{case.ref}"
    assert (case.owner_id, case.risk, case.audience, case.stage) == (house.amal.id, "high", Audience.DESK, "open")
    assert one(Involvement).status == "detained_without_charge"
    assert one(Hearing).local_date == date(2024, 4, 8)
    assert browser.get(answer.location).status_code == 200


@pytest.mark.one_engine
def test_what_was_taken_as_it_was_read_is_not_called_put_right(browser: FlaskClient) -> None:
    where = review_of(browser)
    press(browser, browser.get(where).text, "/accept", risk="high")
    assert "Put right before" not in said(browser.get(where))


def test_the_risk_that_is_proposed_can_be_changed(browser: FlaskClient) -> None:
    page = browser.get(review_of(browser)).text
    assert '<option value="high" selected>' in page
    press(browser, page, "/accept", risk="critical")
    assert one(Case).risk == "critical"


def test_a_double_click_on_accept_makes_one_case(browser: FlaskClient) -> None:
    page = browser.get(review_of(browser)).text
    first, second = press(browser, page, "/accept"), press(browser, page, "/accept")
    assert first.location == second.location
    assert count(Case) == 1


def test_who_comes_second_is_told_so_and_changes_nothing(app: Flask, browser: FlaskClient) -> None:
    where = review_of(browser)
    page = browser.get(where).text
    other = sign_in(app, make_account("basel@example.org", desk="iopt"))
    theirs = other.get(where).text
    press(browser, page, "/accept", number=1)
    answer = press(other, theirs, "/accept", number=1)
    assert answer.status_code == 303
    assert "Somebody has decided this in the meantime" in said(other.get(answer.location))
    assert count(Case) == 1
    assert count(Person) == 1


def test_one_by_one_each_stays_listed_with_who_decided(browser: FlaskClient) -> None:
    where = review_of(browser)
    page = browser.get(where).text
    proposals = db.session.scalars(select(Proposal).order_by(Proposal.position)).all()
    hearing = next(p for p in proposals if p.kind == "hearing")
    press(browser, page, f"{hearing.public_id}/reject")
    rest = next(p for p in proposals if p.kind == "event")
    press(browser, browser.get(where).text, f"{rest.public_id}/accept")
    words = said(browser.get(where))
    assert "turned down Amal , Fri 22 Mar 2024" in words
    assert "accepted Amal , Fri 22 Mar 2024" in words
    assert count(Hearing) == 0
    assert browser.get(where).text.count("proposal-decided") == 3
    assert "Nothing on this page waits any more." in words
    assert one(Case).ref in words
    assert "Paste another page" in words


def test_turning_a_case_down_turns_all_of_it_down(browser: FlaskClient) -> None:
    where = review_of(browser)
    group = re.search(r'action="([^"]*/groups/[^"]*/reject)"', browser.get(where).text)
    assert group
    press(browser, browser.get(where).text, group[1].rsplit("/", 2)[1] + "/reject")
    words = said(browser.get(where))
    assert "Nothing on this page waits any more." in words
    assert count(Case) == 0
    assert paste(browser, HELD).status_code == 303
    assert "Accept all of it" not in said(browser.get(where))


def test_a_move_is_said_as_a_move(browser: FlaskClient, house: Desks) -> None:
    press(browser, browser.get(review_of(browser)).text, "/accept")
    later = HELD.replace("8 April 2024", "22 April 2024").replace("Free", "New date for").replace("18/03", "22/03")
    where = review_of(browser, later)
    words = said(browser.get(where))
    assert "Moves the hearing of Monday 8 April 2024 to Monday 22 April 2024" in words
    assert f"Goes into {one(Case).ref}" in words
    press(browser, browser.get(where).text, "/accept")
    assert (one(Hearing).local_date, one(Hearing).last_change) == (date(2024, 4, 22), "moved")


# Who may see ---------------------------------------------------------------------------------------------------------


def test_another_desks_page_is_not_there(app: Flask, browser: FlaskClient) -> None:
    where = review_of(browser)
    make_desk("mena", "Another desk", ("EG",), "Africa/Cairo")
    other = sign_in(app, make_account("nour@example.org", desk="mena"))
    admin = sign_in(app, make_account("root@example.org", role="admin"))
    for stranger in (other, admin):
        assert stranger.get(where).status_code == 404
        assert stranger.get("/intake/nothing-of-the-kind").status_code == 404
        assert where not in stranger.get("/intake").text
    addresses = [f for f in forms_of(browser.get(where).text) if "/intake/" in f[0]]
    for address, hidden in addresses:
        answer = other.post(address, data={**hidden, "csrf_token": form_token(other)})
        assert answer.status_code == 404
    assert count(Case) == 0


def test_what_went_into_a_case_of_named_people_is_not_there_for_the_rest_of_the_desk(
    app: Flask, browser: FlaskClient
) -> None:
    where = review_of(browser)
    press(browser, browser.get(where).text, "/accept")
    with unit_of_work("test", COMMAND):
        db.session.scalars(select(Case)).one().audience = Audience.NAMED
    other = sign_in(app, make_account("basel@example.org", desk="iopt"))
    theirs = other.get(where)
    assert theirs.status_code == 200
    assert "Samir" not in theirs.text
    assert one(Case).ref not in theirs.text
    assert one(Case).ref in browser.get(where).text
    assert "nothing new" in said(other.get("/intake"))


# Editing -------------------------------------------------------------------------------------------------------------


def edit_address(browser: FlaskClient, kind: str, text: str = HELD) -> str:
    """Where the first proposal of a kind is edited."""
    where = review_of(browser, text)
    db.session.rollback()
    found = db.session.scalars(select(Proposal).where(Proposal.kind == kind).order_by(Proposal.id)).first()
    assert found
    return f"{where}/proposals/{found.public_id}/edit"


def test_an_event_is_put_right_and_accepted(browser: FlaskClient) -> None:
    where = edit_address(browser, "event")
    page = browser.get(where).text
    assert 'value="2024-03-04"' in page
    assert "<mark>Samir Haddad, a teacher, was arrested on 4 March 2024.</mark>" in page
    answer = send(
        browser,
        where,
        kind="person.disappeared",
        day="2024-03-05",
        precision="about",
        text="Taken.",
        persons="Samir Haddad",
    )
    assert answer.status_code == 303
    db.session.rollback()
    entry = db.session.scalars(select(Entry).where(Entry.kind == "person.disappeared")).one()
    assert (entry.happened_on, entry.precision, entry.text) == (date(2024, 3, 5), "about", "Taken.")
    assert "Put right before it was accepted" in said(browser.get(answer.location))


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("day", "why"),
    [("2024-06-31", "There is no such day"), ("2031-01-01", "has not come yet"), ("", "Write the date")],
)
def test_an_event_on_a_day_that_cannot_be_is_refused_on_its_field(browser: FlaskClient, day: str, why: str) -> None:
    where = edit_address(browser, "event")
    answer = send(browser, where, kind="person.arrested", day=day, precision="day", text="My words")
    assert answer.status_code == 422
    assert why in fault(answer, "day")
    assert "My words" in answer.text
    assert count(Case) == 0


def test_a_hearing_is_put_right_and_accepted(browser: FlaskClient) -> None:
    where = edit_address(browser, "hearing")
    answer = send(
        browser,
        where,
        becomes="new",
        kind="verdict",
        precision="day",
        day="2024-04-09",
        at_time="10:15",
        zone="Africa/Cairo",
        fold="",
        court="Giza court",
    )
    assert answer.status_code == 303, said(answer)
    hearing = one(Hearing)
    assert (hearing.kind, hearing.zone, hearing.court) == ("verdict", "Africa/Cairo", "Giza court")
    assert hearing.starts_at == datetime(2024, 4, 9, 8, 15, tzinfo=UTC)


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("changed", "field", "why"),
    [
        ({"day": "31/06/2024"}, "day", "There is no such day"),
        ({"day": "2023-04-08"}, "day", "has passed"),
        ({"day": "2025-10-01"}, "day", "over 12 months off"),
        ({"day": "", "precision": "week"}, "day", "Write the date"),
        ({"zone": "Asia/Nowhere"}, "zone", "zone"),
        ({"day": "2024-04-26", "at_time": "00:30"}, "at_time", "does not exist|no such time|skipped"),
        ({"day": "2024-10-31", "at_time": "23:30"}, "fold", "twice"),
        ({"at_time": "25:00"}, "at_time", "not a time"),
    ],
)
def test_a_hearing_that_cannot_be_or_is_unlikely_is_asked_about_on_its_field(
    browser: FlaskClient, changed: dict[str, str], field: str, why: str
) -> None:
    where = edit_address(browser, "hearing")
    fields = {
        "becomes": "new",
        "kind": "hearing",
        "precision": "day",
        "day": "2024-04-09",
        "zone": "Africa/Cairo",
        "fold": "",
        "court": "Giza court",
    }
    answer = send(browser, where, **{**fields, **changed})
    assert answer.status_code == 422, said(answer)
    assert re.search(why, fault(answer, field)), said(answer)
    assert "Giza court" in answer.text
    assert count(Hearing) == 0


@pytest.mark.one_engine
def test_an_unlikely_date_is_taken_when_it_is_confirmed(browser: FlaskClient) -> None:
    where = edit_address(browser, "hearing")
    fields = {
        "becomes": "new",
        "kind": "hearing",
        "precision": "day",
        "day": "2025-10-01",
        "zone": "Africa/Cairo",
        "fold": "",
    }
    assert 'name="confirm"' in send(browser, where, **fields).text
    assert send(browser, where, **fields, confirm="y").status_code == 303
    assert one(Hearing).local_date == date(2025, 10, 1)


def test_a_hearing_may_put_a_known_date_right(browser: FlaskClient) -> None:
    press(browser, browser.get(review_of(browser)).text, "/accept")
    hearing_id = one(Hearing).id
    later = HELD.replace("8 April 2024", "22 April 2024").replace("Free", "New date for").replace("18/03", "22/03")
    where = review_of(browser, later)
    db.session.rollback()
    proposal = db.session.scalars(select(Proposal).where(Proposal.state == "open")).one()
    address = f"{where}/proposals/{proposal.public_id}/edit"
    page = browser.get(address).text
    assert re.search(rf'checked[^>]*value="moved-{hearing_id}"|value="moved-{hearing_id}"[^>]*checked', page)
    answer = send(
        browser,
        address,
        becomes=f"corrected-{hearing_id}",
        kind="hearing",
        precision="day",
        day="2024-04-22",
        zone="Asia/Jerusalem",
        fold="",
    )
    assert answer.status_code == 303, said(answer)
    assert (one(Hearing).local_date, one(Hearing).last_change) == (date(2024, 4, 22), "corrected")


def test_a_case_is_put_right_and_taken_whole(app: Flask, browser: FlaskClient) -> None:
    basel = make_account("basel@example.org", desk="iopt")
    where = edit_address(browser, "case")
    assert "Samir Haddad</textarea>" in browser.get(where).text
    answer = send(
        browser,
        where,
        title="Samir",
        names="Sameer Al Haddad",
        risk="critical",
        owner_id=str(basel.id),
        into="",
        whole="y",
    )
    assert answer.status_code == 303, said(answer)
    case = one(Case)
    assert answer.location == f"/cases/{case.ref}"
    assert (case.title, case.risk, case.owner_id) == ("Samir", "critical", basel.id)
    person = one(Person)
    assert [n.text for n in person.names] == ["Sameer Al Haddad", "Samir Haddad"]
    assert one(Involvement).status == "detained_without_charge", "its sentences still know whom they are about"


@pytest.mark.one_engine
def test_a_name_of_10_000_characters_is_refused_and_kept(browser: FlaskClient) -> None:
    where = edit_address(browser, "case")
    long = "Samir " * 1700
    answer = send(browser, where, title="Samir", names=long, risk="high", owner_id="", into="")
    assert answer.status_code == 422
    assert "300 is the most" in fault(answer, "names")
    assert long.strip() in answer.text
    assert count(Case) == 0


def test_a_like_name_is_shown_and_its_case_can_be_chosen(browser: FlaskClient) -> None:
    press(browser, browser.get(review_of(browser)).text, "/accept")
    case = one(Case)
    other = HELD.replace("Samir Haddad", "Sumaira Haddad").replace("4 March", "6 March")
    where = review_of(browser, other)
    words = said(browser.get(where))
    assert "Somebody of a like name has a case already" in words
    assert case.ref in words
    db.session.rollback()
    proposal = db.session.scalars(select(Proposal).where(Proposal.kind == "case", Proposal.state == "open")).one()
    fields = {"title": "Sumaira", "names": "Sumaira Haddad", "risk": "high", "owner_id": "", "whole": "y"}
    answer = send(browser, f"{where}/proposals/{proposal.public_id}/edit", **fields, into=str(case.id))
    assert answer.status_code == 303, said(answer)
    assert count(Case) == 1
    assert count(Person) == 1


def test_what_was_decided_cannot_be_edited_any_more(browser: FlaskClient) -> None:
    where = edit_address(browser, "event")
    fields = {"kind": "person.arrested", "day": "2024-03-04", "precision": "day"}
    assert send(browser, where, **fields).status_code == 303
    assert "decided in the meantime" in said(browser.get(where))
    answer = send(browser, where, **fields)
    assert answer.status_code == 303
    assert "Somebody has decided this in the meantime" in said(browser.get(answer.location))
    db.session.rollback()
    assert len(db.session.scalars(select(Entry).where(Entry.kind == "person.arrested")).all()) == 1


# The list ------------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
def test_an_empty_list_says_what_to_do(browser: FlaskClient) -> None:
    words = said(browser.get("/intake"))
    assert "No page was given to your desks yet." in words
    assert "Paste a page" in words


def test_the_list_counts_what_waits_and_what_was_decided(browser: FlaskClient) -> None:
    where = review_of(browser, FIRST.read_text())
    press(browser, browser.get(where).text, "/accept")
    words = said(browser.get("/intake"))
    assert "Pasted text" in words
    assert "given by Amal" in words
    assert "4 wait" in words
    assert "5 accepted" in words


@pytest.mark.one_engine
def test_the_list_is_paged_and_asks_a_fixed_number_of_times(browser: FlaskClient, house: Desks) -> None:
    def asked() -> int:
        sent: list[str] = []
        listen = lambda *given: sent.append(given[2])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            assert browser.get("/intake").status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)
        return len(sent)

    review_of(browser)
    few = asked()
    db.session.rollback()
    db.session.add_all(
        Document(
            public_id=f"document-{n:03}",
            desk_id=1,
            sha256=f"{n:064}",
            name=f"Page {n:03}",
            text="Egypt",
            received_at=MARCH,
        )
        for n in range(60)
    )
    db.session.commit()
    assert asked() == few
    first = browser.get("/intake").text
    next_page = re.search(r'rel="next" href="([^"]+)"', first)
    assert next_page
    second = browser.get(html.unescape(next_page[1])).text
    names = re.findall(r"Page \d{3}|Pasted text", first) + re.findall(r"Page \d{3}|Pasted text", second)
    assert names == [f"Page {n:03}" for n in reversed(range(60))] + ["Pasted text"]


@pytest.mark.one_engine
def test_a_review_of_many_asks_a_fixed_number_of_times(browser: FlaskClient) -> None:
    def asked(text: str) -> int:
        where = review_of(browser, text)
        sent: list[str] = []
        listen = lambda *given: sent.append(given[2])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            assert browser.get(where).status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)
        return len(sent)

    names = [
        f"{first} {last}" for first in ("Rima", "Omar", "Layla", "Yusuf") for last in ("Khalil", "Nassar", "Farouk")
    ]
    many = "Egypt\n\n" + "\n\n".join(HELD.split("\n\n", 1)[1].strip().replace("Samir Haddad", name) for name in names)
    assert asked(HELD) == asked(many + "\n")
