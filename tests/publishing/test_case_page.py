"""The public page of a case: who has one, what stands on it, and what never does."""

import json
import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import icalendar
import pytest
from house_of_cases import NOW, Lived, statements, utc
from public_ground import Public
from sqlalchemy import func, select

from tracker.audit.models import Act
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, touch, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.consent.service import stop_publicity
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import in_window, on_day
from tracker.people.models import Person
from tracker.people.service import NameGiven, add_person, edit_person
from tracker.publishing.queries import read_public_case
from tracker.publishing.rules import tells, words_of_names
from tracker.safety.service import change_mode


def told(answer: Any) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def all_ways(case: Case) -> list[str]:
    """Every address below a case."""
    return [f"/cases/{case.public_id}{end}" for end in ("", "/case.json", "/feed.atom", "/hearings.ics")]


def test_a_public_case_has_a_page_with_what_everybody_may_see(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.tell(case, "person.arrested", "2024-03-10", text="Taken at a checkpoint.")
    public.lived.tell(case, "person.charged", "2024-03-12", text="Told by the lawyer alone.")
    public.hearing(case, place="Haifa", note="Bring the file", observer="Somebody")
    public.lived.hearing(case, court="Secret Court", when=on_day("Asia/Jerusalem", date(2024, 5, 2)))
    page = public.page(case)
    assert page.status_code == 200
    said = told(page)
    for words in ("Arrested or detained", "Taken at a checkpoint.", "10 March 2024", "Detained without charge"):
        assert words in said
    assert "Monday 8 April 2024, 09:30 Asia/Jerusalem" in said
    assert "Haifa District Court" in said
    for words in ("lawyer alone", "Charged", "Secret Court", "Bring the file", "Somebody", "Amal", case.ref):
        assert words not in page.text, words


def test_a_name_is_known_behind_what_is_written_on_to_it(public: Public) -> None:
    hidden = words_of_names(["خالد الحرب", "חאלד חרב"])
    for said in ("نكتب لخالد اليوم", "وخالد في السجن", "وبخالد", "عائلة الحرب", "للحرب", "כתבו לחאלד", "ומחאלד"):
        assert tells(said, hidden), said
    for said in ("نكتب اليوم", "الخلد", "כתבו היום"):
        assert not tells(said, hidden), said
    case = public.case("خالد الحرب")
    public.tell(case, "person.arrested", "2024-03-10", text="كتبنا لخالد في سجنه.")
    page = public.page(case)
    assert "Arrested or detained" in told(page)
    assert "لخالد" not in page.text


def test_a_short_name_is_known_as_well() -> None:
    hidden = words_of_names(["Li Na", "Bo al-Wu", "مي"])
    for said in ("Li was taken.", "They asked for LI NA.", "Taken with Bo.", "(Wu)", "كتبنا لمي", "مي في السجن"):
        assert tells(said, hidden), said
    for said in ("He is held in it", "na", "my brother", "My brother", "Al was", "فيلم", "Line by line"):
        assert not tells(said, hidden), said


def test_a_name_is_known_where_words_stand_without_a_space_between_them() -> None:
    hidden = words_of_names(["王全璋", "สมชาย"])
    for said in ("人们要求释放王全璋律师。", "ทนายสมชายหายตัวไป", "Wang: 王全璋"):
        assert tells(said, hidden), said
    assert not tells("人们要求释放律师。", hidden)
    assert not tells("Wangle", hidden)


def test_a_case_of_somebody_with_a_short_name_gives_it_away_nowhere(public: Public) -> None:
    case = public.case("Xu Yi")
    public.tell(case, "person.arrested", text="Police took Xu Yi, a teacher.")
    public.tell(case, "case.news", text="Ms Xu was seen by a doctor.")
    public.hearing(case, court="Court for Yi Xu", place="Harbin")
    page = public.page(case).text
    assert "a teacher" not in page
    assert "Court for" not in page
    assert "Harbin" in page
    assert "X.Y." in page


def test_a_window_keeps_the_capitals_of_its_day_and_month(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.hearing(case, when=in_window("Asia/Jerusalem", "week", date(2024, 4, 8)))
    assert "In the week of Monday 8 April 2024" in told(public.page(case))


def test_names_stand_there_only_as_far_as_their_bearers_agreed(public: Public) -> None:
    case = public.case("Khaled Harb", title="Khaled Harb is missing")
    public.tell(case, "person.arrested", text="Soldiers took Khaled HARB.", payload={"place": "the house of Harb"})
    public.tell(case, "case.news", "2024-03-11", payload={"headline": "Harb is missed"}, text="He is missed.")
    public.hearing(case, court="Harb assizes")
    fresh = public.lived.fresh(case)
    for path in all_ways(case):
        answer = public.get(path)
        assert answer.status_code == 200
        assert "harb" not in answer.text.lower(), path
        assert "khaled" not in answer.text.lower(), path
    page = public.page(case)
    assert "K.H." in page.text
    assert "He is missed." in page.text
    assert f'og:title" content="{fresh.nickname}"' in page.text
    public.agrees(case, "name")
    page = public.page(case)
    assert 'og:title" content="Khaled Harb is missing"' in page.text
    assert "Soldiers took Khaled HARB." in page.text
    assert "Harb assizes" in page.text


def test_a_name_for_publication_leaves_nothing_of_the_real_one(public: Public) -> None:
    case = public.case("Khaled Harb", title="Khaled Harb is missing")
    public.agrees(case, "name")
    with public.lived.at() as session:
        person = session.get_one(Person, public.lived.person(case))
        names = [NameGiven("Khaled Harb"), NameGiven("خالد حرب", "transliteration"), NameGiven("Sami", "pseudonym")]
        edit_person(session, person, version=person.version, names=names)
        touch(case.id)
    public.tell(case, "person.arrested", text="قال الجيران إن خالد اعتقل.")
    page = public.page(case)
    assert "Sami" in page.text
    for words in ("Khaled", "Harb", "خالد", "حرب"):
        assert words not in page.text


def test_health_and_whereabouts_are_told_only_where_that_was_agreed_to(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.tell(case, "person.health_reported", text="He has lost twenty kilos.")
    public.tell(case, "person.transferred", "2024-03-11", text="To a prison in the south.")
    public.tell(case, "person.imprisoned", "2024-03-12", payload={"place": "Ward nine"})
    page = public.page(case)
    for words in ("twenty kilos", "Health", "prison in the south", "Transferred", "Ward nine"):
        assert words not in page.text, words
    assert "Imprisoned" in page.text
    public.agrees(case, "medical", "location")
    page = public.page(case)
    for words in ("twenty kilos", "prison in the south", "Ward nine"):
        assert words in page.text, words


def test_one_of_two_keeps_their_health_to_themselves(public: Public) -> None:
    case = public.case("Khaled Harb", "Layla Qasim")
    public.agrees(case, "medical", place=0)
    one = [public.lived.person(case, 0)]
    public.tell(case, "person.health_reported", text="Only of the first.", persons=one)
    public.tell(case, "person.health_reported", "2024-03-11", text="Of both.")
    page = public.page(case)
    assert "Only of the first." in page.text
    assert "Of both." not in page.text


def test_what_is_reported_is_called_so_and_what_was_put_right_is_gone(public: Public) -> None:
    case = public.case("Khaled Harb")
    wrong = public.tell(case, "person.arrested", text="On the Sunday.")
    public.tell(case, "person.arrested", "2024-03-11", text="On the Monday.", supersedes_id=wrong.id)
    public.tell(case, "person.released", "2024-03-15", confidence="reported", text="Neighbours say so.")
    said = told(public.page(case))
    assert "On the Sunday." not in said
    assert "On the Monday." in said
    assert "Released reported, unconfirmed" in said
    arabic = told(public.page(case, lang="ar"))
    assert not re.search("reported|confirmed|since", arabic, re.IGNORECASE)
    assert said.index("Neighbours say so.") < said.index("On the Monday."), "newest first"


# Hidden is missing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", [Audience.NAMED, Audience.DESK, Audience.VOLUNTEERS])
def test_a_case_that_is_not_public_answers_like_one_that_is_not_there(public: Public, audience: Audience) -> None:
    case = public.lived.case("Khaled Harb", audience=audience)
    for path in all_ways(case):
        with statements() as there:
            hidden = public.get(path)
        with statements() as not_there:
            missing = public.get(path.replace(case.public_id, "x" * 22))
        assert hidden.status_code == missing.status_code == 404
        assert hidden.data.replace(case.public_id.encode(), b"x" * 22) == missing.data
        assert case.public_id not in hidden.text
        assert list(hidden.headers) == list(missing.headers)
        assert len(there.said) == len(not_there.said)
    assert public.get(f"/cases/{case.id}").status_code == 404


def test_a_draft_and_a_case_whose_publicity_was_stopped_have_no_page(public: Public) -> None:
    case = public.case("Khaled Harb", stage="draft")
    assert public.page(case).status_code == 404


def test_stopping_publicity_takes_effect_with_the_next_request(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.open_page()
    tags = {path: public.get(path).headers["ETag"] for path in [*all_ways(case), "/desks/iopt"]}
    assert case.public_id in public.get("/desks/iopt").text
    with public.lived.at() as session:
        stop_publicity(session, session.get_one(Case, case.id), reason="asked")
    for path in all_ways(case):
        assert public.get(path, held=tags[path]).status_code == 404
    desk = public.get("/desks/iopt", held=tags["/desks/iopt"])
    assert desk.status_code == 200
    assert case.public_id not in desk.text
    assert case.public_id not in public.get("/desks/iopt/feed.atom").text


def test_a_word_against_it_closes_the_page_with_the_next_request(public: Public) -> None:
    case = public.case("Khaled Harb")
    held = public.page(case).headers["ETag"]
    public.agrees(case, "public", answer="withdrawn", speaker="family")
    assert public.page(case, held=held).status_code == 404


def test_a_name_that_is_taken_back_is_gone_with_the_next_request(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.agrees(case, "name")
    page = public.page(case)
    assert "Khaled Harb" in page.text
    public.agrees(case, "name", answer="withdrawn")
    after = public.page(case, held=page.headers["ETag"])
    assert after.status_code == 200
    assert "Khaled" not in after.text


# Held by browsers -----------------------------------------------------------------------------------------------------


def test_who_holds_the_page_is_told_from_one_row_that_it_still_stands(public: Public) -> None:
    case = public.case("Khaled Harb")
    for number in range(20):
        public.tell(case, "case.news", f"2024-02-{number + 1:02}", text=f"News {number}")
    page = public.page(case)
    assert page.headers["Cache-Control"] == "public, no-cache"
    tag = page.headers["ETag"]
    assert tag.startswith('"'), "a strong one"
    public.page(case, held=tag)
    with statements() as counted:
        again = public.page(case, held=tag)
    assert (again.status_code, again.data) == (304, b"")
    assert (again.headers["ETag"], again.headers["Cache-Control"]) == (tag, "public, no-cache")
    # One asks for the mode of the house, the other for the case.
    assert len(counted.said) == 2, counted.said
    with statements() as counted:
        assert public.page(case).status_code == 200
    assert len(counted.said) <= 8, counted.said
    assert public.get(f"/cases/{case.public_id}", lang="ar", held=tag).status_code == 200
    assert public.get(f"/cases/{case.public_id}/case.json", held=tag).status_code == 200


def changes(public: Public, case: Case) -> Any:
    """Everything that can be done about a case, one after the other."""
    lived = public.lived
    yield "an entry", lambda: public.tell(case, "person.arrested", text="Taken.")
    yield "a hearing", lambda: public.hearing(case)

    def move() -> None:
        with lived.at() as session:
            hearing = session.scalars(select(Hearing)).one()
            hearings.move_hearing(
                session, hearing, on_day("Asia/Jerusalem", date(2024, 4, 15)), version=hearing.version
            )

    yield "a hearing moved", move
    yield "a name agreed to", lambda: public.agrees(case, "name")
    yield "the title", lambda: _edit(public, case, title="Another title")
    yield "the country", lambda: _edit(public, case, country="PS")
    yield "a prison", lambda: public.tell(case, "person.imprisoned", "2024-03-14", payload={"place": "Ward nine"})
    yield "where they are", lambda: public.agrees(case, "location")

    def rename() -> None:
        with lived.at() as session:
            person = session.get_one(Person, lived.person(case))
            edit_person(session, person, version=person.version, names=[NameGiven("Khalid Harb")])
            touch(case.id)

    yield "a spelling", rename
    yield "a claim", lambda: public.tell(case, "person.released", "2024-03-16", confidence="reported")
    yield "another person", lambda: _join(public, case)


def _edit(public: Public, case: Case, **fields: Any) -> None:
    with public.lived.at() as session:
        mine = session.get_one(Case, case.id)
        cases.edit_case(session, mine, version=mine.version, **fields)


def _join(public: Public, case: Case) -> None:
    """Closes the case, until they are asked, too."""
    with public.lived.at() as session:
        cases.involve(session, session.get_one(Case, case.id), add_person(session, [NameGiven("Nadia Halabi")]).id)


def test_whatever_changes_for_everybody_changes_the_tag_and_nothing_else_does(public: Public) -> None:
    case = public.case("Khaled Harb")
    for what, change in changes(public, case):
        before = public.page(case)
        change()
        after = public.page(case, held=before.headers["ETag"])
        if what == "another person":
            assert after.status_code == 404
            continue
        assert after.status_code == 200, f"{what}: the tag is the same"
        assert after.data != before.data, what
        db.session.rollback()
        mine = public.lived.fresh(case)
        shown = read_public_case(db.session(), mine, db.session.merge(public.lived.desk))
        assert shown.revision == public.revision(case), f"{what}: the revision that is kept is another"
    assert public.revision(case) == ""


def test_what_is_not_for_everybody_leaves_the_tag_as_it_is(public: Public) -> None:
    case = public.case("Khaled Harb")
    held = public.page(case).headers["ETag"]
    public.lived.tell(case, "person.charged", text="For the desk.")
    public.lived.hearing(case, court="For the desk")
    _edit(public, case, summary="For the desk.", risk="low")
    public.agrees(case, "photo")
    assert public.page(case, held=held).status_code == 304


def test_the_page_looks_at_no_clock_but_the_day(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.hearing(case)
    page = public.page(case, now=utc("2024-04-07T22:00"))
    assert "Hearings ahead" in page.text
    same_day = public.page(case, now=utc("2024-04-08T20:00"), held=page.headers["ETag"])
    assert same_day.status_code == 304
    next_day = public.page(case, now=utc("2024-04-08T22:00"), held=page.headers["ETag"])
    assert next_day.status_code == 200
    assert "what became of it is not known to us yet" in next_day.text


@pytest.mark.one_engine
def test_a_packed_page_has_a_tag_of_its_own(public: Public) -> None:
    case = public.case("Khaled Harb")
    plain, packed = public.page(case), public.page(case, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    for held in (plain.headers["ETag"], packed.headers["ETag"], f"W/{plain.headers['ETag']}"):
        assert public.page(case, held=held).status_code == 304


# Nobody is asked who they are -----------------------------------------------------------------------------------------


def test_no_cookie_is_read_or_given_and_nothing_is_put_on_record(public: Public, lived: Lived) -> None:
    case = public.case("Khaled Harb")
    public.open_page()
    signed = lived.browser(lived.owner)
    stranger = lived.app.test_client()
    acts = db.session.scalar(select(func.count()).select_from(Act))
    db.session.rollback()
    paths = [*all_ways(case), "/desks/iopt", "/desks/iopt/good-news", "/desks/iopt/feed.atom", "/", "/cases/none"]
    for path in [*(f"/public/en{p}" for p in paths), "/public/sitemap.xml", "/public/nowhere"]:
        with statements() as counted:
            known = signed.get(path)
        plain = asked_by(stranger, path)
        assert "Set-Cookie" not in known.headers, path
        assert "Cookie" not in known.headers.get("Vary", ""), path
        assert known.data == plain.data, f"{path}: who is signed in reads something else"
        assert not any("sign_ins" in said for said in counted.said), path
        assert "csrf" not in known.text, path
        assert "<form" not in known.text, path
        assert "<script" not in known.text, path
    assert db.session.scalar(select(func.count()).select_from(Act)) == acts


def asked_by(client: Any, path: str) -> Any:
    """What a browser gets."""
    with clock.fixed_at(NOW):
        return client.get(path)


@pytest.mark.one_engine
def test_the_address_says_the_language(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.tell(case, "person.arrested")
    arabic = public.page(case, lang="ar", **{"Accept-Language": "en"})
    assert '<html lang="ar" dir="rtl">' in arabic.text
    assert "Arrested" not in arabic.text
    english = public.page(case, **{"Accept-Language": "ar"})
    assert '<html lang="en" dir="ltr">' in english.text
    assert public.page(case, lang="xx").status_code == 404
    home = public.reader.get("/public/", headers={"Accept-Language": "ar"})
    assert (home.status_code, home.headers["Location"]) == (303, "/public/ar/")
    assert home.headers["Vary"] == "Accept-Language"


# Programs and search engines ------------------------------------------------------------------------------------------


def test_a_program_reads_the_same_case_as_json(public: Public) -> None:
    case = public.case("Khaled Harb")
    entry = public.tell(case, "person.arrested", text="Taken at a checkpoint.")
    hearing = public.hearing(case, place="Haifa")
    answer = public.get(f"/cases/{case.public_id}/case.json")
    assert answer.mimetype == "application/json"
    said = json.loads(answer.text)
    assert said["id"] == case.public_id
    assert said["people"][0] | {"status_in_words": ""} == {
        "name": "K.H.",
        "status": "detained_without_charge",
        "status_in_words": "",
        "since": "2024-03-10",
        "since_precision": "day",
        "proceedings": None,
        "conditions": [],
        "reported": [],
    }
    assert [(e["id"], e["kind"], e["on"], e["text"]) for e in said["timeline"]] == [
        (entry.public_id, "person.arrested", "2024-03-10", "Taken at a checkpoint.")
    ]
    assert [(h["id"], h["date"], h["time"], h["zone"]) for h in said["hearings"]] == [
        (hearing.public_id, "2024-04-08", "09:30", "Asia/Jerusalem")
    ]
    assert case.ref not in answer.text


def test_a_calendar_reads_the_public_hearings_alone(public: Public) -> None:
    case = public.case("Khaled Harb")
    shown = public.hearing(case, place="Haifa")
    public.lived.hearing(case, court="Secret Court", when=on_day("Asia/Jerusalem", date(2024, 5, 2)))
    public.open_page()
    for path in (f"/cases/{case.public_id}/hearings.ics", "/desks/iopt/hearings.ics"):
        answer = public.get(path)
        assert answer.mimetype == "text/calendar"
        calendar = icalendar.Calendar.from_ical(answer.data)
        (event,) = calendar.walk("VEVENT")
        assert shown.public_id in str(event["uid"])
        assert f"/public/en/cases/{case.public_id}" in str(event["url"])
        assert "Secret" not in answer.text
        assert "Harb" not in answer.text


def test_no_calendar_tells_a_name_in_a_court_or_a_place(public: Public) -> None:
    case, named = public.case("Khaled Harb"), public.case("Nadia Halabi", title="Another case")
    public.agrees(named, "name")
    public.hearing(case, court="Haifa District Court", place="House of Harb")
    public.hearing(named, court="Court for Harb and Halabi", place="Hall Halabi")
    public.open_page()
    for path, told in (
        (f"/cases/{case.public_id}", "Haifa District Court"),
        (f"/cases/{case.public_id}/case.json", "Haifa District Court"),
        (f"/cases/{case.public_id}/hearings.ics", "Haifa District Court"),
        ("/desks/iopt/hearings.ics", "Haifa District Court"),
        (f"/cases/{named.public_id}/hearings.ics", "Hall Halabi"),
        ("/desks/iopt/hearings.ics", "Hall Halabi"),
    ):
        said = public.get(path).text.replace("\r\n ", "")
        assert told in said, path
        assert "House of Harb" not in said, path


def test_a_feed_tells_of_a_case(public: Public) -> None:
    case = public.case("Khaled Harb")
    entry = public.tell(case, "person.arrested", text="Taken <b>& kept</b>.")
    answer = public.get(f"/cases/{case.public_id}/feed.atom")
    assert answer.mimetype == "application/atom+xml"
    space = {"a": "http://www.w3.org/2005/Atom"}
    feed = ET.fromstring(answer.data)
    (post,) = feed.findall("a:entry", space)
    assert post.findtext("a:title", "", space) == "Arrested or detained"
    assert "Taken <b>& kept</b>." in post.findtext("a:summary", "", space)
    assert post.findtext("a:id", "", space).endswith(entry.public_id)
    assert feed.findtext("a:updated", "", space) == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


def test_no_letter_of_an_entry_breaks_a_feed(public: Public) -> None:
    case = public.case("Khaled Harb")
    public.tell(case, "person.arrested", text="Taken\x0c at\ufffe dawn\uffff.")
    feed = ET.fromstring(public.get(f"/cases/{case.public_id}/feed.atom").data)
    assert "Taken at dawn." in feed.findtext(".//{http://www.w3.org/2005/Atom}summary", "")


def test_search_engines_list_only_what_was_agreed_to(public: Public) -> None:
    listed, other = public.case("Khaled Harb"), public.case("Nadia Halabi")
    assert "noindex" in public.page(listed).text
    browser = public.lived.browser(public.lived.owner)
    address = f"/cases/{listed.ref}/public-page"
    held = public.page(listed).headers["ETag"]
    assert browser.fill(address, indexed="y").status_code == 303
    page = public.page(listed, held=held)
    assert page.status_code == 200, "the tag says it, too"
    assert '<meta name="robots" content="index, follow">' in page.text
    assert "X-Robots-Tag" not in page.headers
    assert public.page(other).headers["X-Robots-Tag"] == "noindex"
    sitemap = public.reader.get("/public/sitemap.xml").text
    assert listed.public_id in sitemap
    assert other.public_id not in sitemap
    public.close(listed)
    assert listed.public_id not in public.reader.get("/public/sitemap.xml").text
    assert db.session.scalars(select(Act.act).where(Act.act == "publishing.index")).all() == ["publishing.index"]


def test_a_case_without_a_page_says_so_to_its_desk(public: Public) -> None:
    case = public.lived.case("Khaled Harb")
    browser = public.lived.browser(public.lived.owner)
    assert "has no public page" in browser.get(f"/cases/{case.ref}/public-page").text


# The mode of the house ------------------------------------------------------------------------------------------------


def test_a_closed_house_closes_its_public_pages_and_a_read_only_one_shows_them(public: Public) -> None:
    case = public.case("Khaled Harb", title="A surgeon")
    public.agrees(case, "name")
    public.open_page()
    paths = [*all_ways(case), "/desks/iopt", "/"]
    held = {path: public.get(path).headers["ETag"] for path in paths}
    with unit_of_work("house.mode", COMMAND, "house") as now:
        change_mode(db.session(), "read-only", "Emil", "moving", now)
    for path in paths:
        assert public.get(path, held=held[path]).status_code == 304
        assert public.get(path).status_code == 200
    with unit_of_work("house.mode", COMMAND, "house") as now:
        change_mode(db.session(), "closed", "Emil", "a telephone was lost", now)
    for path in paths:
        answer = public.get(path, held=held[path])
        assert answer.status_code == 503
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert "surgeon" not in answer.text


def test_a_desk_is_the_author_of_what_it_publishes_and_public_dates_are_no_secret(public: Public) -> None:
    public.open_page()
    case = public.case("Khaled Al Serr", title="A surgeon is missing")
    public.hearing(case)
    for path in (f"/cases/{case.public_id}", "/desks/iopt"):
        assert f"<author><name>{public.lived.desk.name}</name></author>" in public.get(f"{path}/feed.atom").text
        assert "CLASS:PUBLIC" in public.get(f"{path}/hearings.ics").text
