"""The country page of a desk: what the page it was read from is to a reader, made from the records."""

import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from house_of_cases import NOW, Browser, open_up, statements, utc
from intake_ground import FULL, JUNE, Desks
from public_ground import PUBLIC, Public
from signed_in import make_account, sign_in
from sqlalchemy import select

from tracker.accounts.models import Desk, User
from tracker.audit.kinds import concerned, rungs
from tracker.audit.models import Act
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.cases.queries import list_people
from tracker.consent.service import record_consent
from tracker.intake.reading.page import read_page
from tracker.publishing.models import Publication
from tracker.publishing.service import write_entry

#: What the page that was read is made of: kind, day, heading, newest first.
READ = sorted(read_page(FULL.read_text()).entries, key=lambda e: e.published or date.min, reverse=True)

KINDS = {
    "urgent_action": "Urgent action",
    "news": "News",
    "good_news": "Good news",
    "open_letter": "Open letter",
    "education": "Education",
}


def items(page: Any) -> list[tuple[str, str, str]]:
    """(kind, day, heading) of each entry that a country page lists, in its order."""
    return [
        (re.sub(r"<[^>]+>", "", kind).strip(), day, re.sub(r"<[^>]+>", "", heading).strip())
        for kind, day, heading in re.findall(
            r'<li class="item".*?<span class="kind[^>]*>(.*?)</span>.*?datetime="([^"]+)".*?<h3>(.*?)</h3>',
            page.text,
            re.DOTALL,
        )
    ]


class Imported:
    """A desk that took everything from a page, and who coordinates it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.desks = Desks()
        self.desks.accept_all(self.desks.read(FULL, JUNE), JUNE)
        self.coordinator = make_account("wren@example.org", desk="iopt", coordinator=True, name="Wren Tallow")
        self.browser = Browser(sign_in(app, self.coordinator, JUNE), JUNE)
        self.reader = app.test_client()

    def case(self, name: str) -> Case:
        """The case of somebody."""
        db.session.rollback()
        for case in db.session.scalars(select(Case)):
            if any(person.name == name for _i, person in list_people(db.session(), case.id)):
                return case
        raise AssertionError(name)

    def open(self, *names: str, named: bool = True) -> None:
        """Everybody in these cases agrees to being public, and to being named; of those who died, the family does."""
        for name in names:
            mine = self.case(name)
            with unit_of_work("tests", COMMAND, now=JUNE):
                session = db.session()
                case = session.get_one(Case, mine.id)
                for _involvement, person in list_people(session, case.id):
                    for speaker in ("person", "family"):
                        record_consent(
                            session,
                            case,
                            person.id,
                            answer="agreed",
                            speaker=speaker,
                            subjects=["public", "name"] if named else ["public"],
                            how="paper",
                            up_to=PUBLIC,
                        )
                open_up(session, case, PUBLIC)

    def publish(self) -> None:
        """The coordinator sets the page up as the one that was read, and lists all that was read."""
        answer = self.browser.fill(
            "/desks/iopt/country-page",
            is_open="y",
            contact="Write to iopt-group@example.org",
            document_years="2024 2023 2022 2021 2020 2019 2018 2017",
        )
        assert answer.status_code == 303
        page = self.browser.get("/desks/iopt/country-page/offered").text
        chosen = re.findall(r'name="entries" value="([^"]+)"', page)
        assert self.browser.fill("/desks/iopt/country-page/offered", entries=chosen).status_code == 303

    def get(self, path: str = "", held: str = "", lang: str = "en") -> Any:
        """What a stranger reads."""
        with clock.fixed_at(JUNE):
            return self.reader.get(f"/public/{lang}/desks/iopt{path}", headers={"If-None-Match": held} if held else {})


@pytest.fixture
def imported(app: Flask) -> Imported:
    """The desk after the import."""
    return Imported(app)


EVERYBODY = ("Khaled Al Serr", "Walid Daqqah", "Ahmad Khalefa", "Munther Amira")


def test_the_page_lists_what_the_page_it_was_read_from_lists(imported: Imported) -> None:
    imported.open(*EVERYBODY)
    imported.publish()
    page = imported.get()
    assert page.status_code == 200
    assert items(page) == [(KINDS[e.kind], e.published.isoformat(), e.title.replace("'", "&#39;")) for e in READ]
    assert len(READ) == 12
    for year in range(2017, 2025):
        assert re.search(rf"<li>(<a[^>]*>)?{year}", page.text), year
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
    assert "Updated 7 June 2024" in said
    assert "Write to iopt-group@example.org" in said
    assert "Wren Tallow" not in said, "nobody is named unless the desk says so"
    assert "Read more." not in said
    assert "Twenty aid groups say" in said
    for name in EVERYBODY:
        assert imported.case(name).public_id in page.text, "its case is one step away"


def test_coordinators_are_named_where_the_desk_says_so_and_only_by_the_name_they_show(imported: Imported) -> None:
    imported.publish()
    held = imported.get().headers["ETag"]
    imported.browser.fill("/desks/iopt/country-page", names_coordinators="y")
    assert "Wren Tallow" in imported.get(held=held).text
    held = imported.get().headers["ETag"]
    with unit_of_work("tests", COMMAND, now=JUNE):
        db.session.get_one(User, imported.coordinator.id).alias = "W."
    page = imported.get(held=held)
    assert page.status_code == 200
    assert "Wren" not in page.text
    assert "<bdi>W.</bdi>" in page.text


def test_what_is_about_a_case_is_listed_while_the_case_is_public_and_no_longer(imported: Imported) -> None:
    imported.publish()
    page = imported.get()
    assert len(items(page)) == 8
    for name in EVERYBODY:
        assert name not in page.text
    imported.open("Ahmad Khalefa")
    opened = imported.get(held=page.headers["ETag"])
    assert "Ahmad Khalefa chanted at a protest" in opened.text
    assert len(items(opened)) == 9
    case = imported.case("Ahmad Khalefa")
    told = imported.reader.get(f"/public/en/cases/{case.public_id}").text
    assert "Ahmad Khalefa practises law" in told
    with unit_of_work("tests", COMMAND, now=JUNE):
        from tracker.cases.service import edit_case

        mine = db.session.get_one(Case, case.id)
        edit_case(db.session(), mine, version=mine.version, audience=Audience.DESK)
    closed = imported.get(held=opened.headers["ETag"])
    assert closed.status_code == 200
    assert "Khalefa" not in closed.text


def test_an_entry_that_would_tell_a_name_is_listed_without_it(imported: Imported) -> None:
    imported.open("Ahmad Khalefa", named=False)
    imported.publish()
    case = imported.case("Ahmad Khalefa")
    for page in (imported.get(), imported.get("/feed.atom"), imported.get("/2024")):
        assert "Khalefa" not in page.text
        assert "Ahmad" not in page.text
        assert case.nickname in page.text
    told = imported.reader.get(f"/public/en/cases/{case.public_id}").text
    assert "Khalefa" not in told


def test_news_that_names_somebody_of_a_case_goes_no_further_than_that_case(imported: Imported) -> None:
    imported.publish()
    sent = imported.browser.fill(
        "/desks/iopt/country-page/new",
        kind="news",
        title="Colleagues ask after Khaled al-Serr",
        text="A letter with many names.",
        published_on="2024-06-07",
    )
    assert sent.status_code == 303
    assert "Colleagues ask" not in imported.get().text
    imported.open("Khaled Al Serr")
    assert "Colleagues ask" in imported.get().text


def test_somebody_who_is_in_no_case_is_not_listed(app: Flask) -> None:
    desks = Desks()
    desks.read(FULL, JUNE)
    browser = Browser(sign_in(app, make_account("wren@example.org", desk="iopt", coordinator=True), JUNE), JUNE)
    page = browser.get("/desks/iopt/country-page/offered").text
    assert len(re.findall(r'name="entries"', page)) == 8
    assert page.count("It is about somebody who is in no case yet.") == 4
    from tracker.publishing.service import list_offered

    lacking = [o.fingerprint for o in list_offered(db.session(), desks.desk, desks.amal) if o.lacks_case]
    refused = browser.fill("/desks/iopt/country-page/offered", entries=lacking[:1])
    assert refused.status_code == 422
    assert not db.session.scalars(select(Publication)).all()


def test_what_was_taken_off_is_gone_and_not_offered_again(imported: Imported) -> None:
    imported.publish()
    held = imported.get().headers["ETag"]
    page = imported.browser.get("/desks/iopt/country-page").text
    assert page.index("Crossings opened") < page.index("Three strikes")
    where = re.search(r'action="(/desks/iopt/country-page/entries/[^"]+)"', page[page.index("Crossings opened") :])
    assert where
    form = imported.browser.held(page)
    sent = imported.browser.send(where[1], {"csrf_token": form["csrf_token"], "once": "one"})
    assert sent.status_code == 303
    after = imported.get(held=held)
    assert after.status_code == 200
    assert len(items(after)) == 7
    offered = imported.browser.get("/desks/iopt/country-page/offered").text
    assert offered.count('name="entries"') == 0


def test_what_a_desk_publishes_is_on_record_in_the_cases_it_is_about(imported: Imported) -> None:
    imported.publish()
    case = imported.case("Ahmad Khalefa")
    listed = db.session.scalars(select(Publication).where(Publication.title.contains("Khalefa"))).one()
    assert concerned.get("publications")(db.session(), [listed.id]) == {listed.id: {case.id}}
    assert rungs.get("publications")(db.session(), [listed.id]) == {listed.id: int(PUBLIC)}
    acts = db.session.scalars(select(Act.act).where(Act.act.startswith("publishing.")).order_by(Act.seq)).all()
    assert acts == ["publishing.set_up", "publishing.list"]
    history = imported.browser.get(f"/cases/{case.ref}/history").text
    assert "put entries on a country page" in history
    assert "Crossings opened" not in history, "what is about another case stands in its own history"


def test_a_page_that_is_not_open_is_not_there(imported: Imported) -> None:
    nothing = imported.get()
    assert nothing.status_code == 404
    imported.publish()
    held = imported.get().headers["ETag"]
    fields = imported.browser.filled("/desks/iopt/country-page")
    fields.pop("is_open")
    assert imported.browser.send("/desks/iopt/country-page", fields).status_code == 303
    closed = imported.get(held=held)
    assert (closed.status_code, closed.data) == (404, nothing.data)
    assert imported.get("/feed.atom").status_code == 404
    assert "iopt" not in imported.reader.get("/public/en/").text


def test_a_public_case_nothing_was_published_of_is_listed_by_itself(public: Public) -> None:
    public.open_page()
    case = public.case("Khaled Harb")
    public.tell(case, "person.disappeared", "2024-03-10")
    page = public.get("/desks/iopt")
    assert [(kind, day) for kind, day, _title in items(page)] == [("Case", "2024-03-10")]
    assert "Enforced disappearance" in page.text
    assert "Harb" not in page.text


def test_a_case_of_which_nothing_is_told_stands_at_the_desks_own_day(public: Public) -> None:
    public.open_page()
    public.case("Khaled Harb", now=utc("2024-03-17T23:00"))
    assert [day for _kind, day, _title in items(public.get("/desks/iopt"))] == ["2024-03-18"]


def test_who_holds_a_desks_page_is_told_from_one_row(imported: Imported) -> None:
    imported.open(*EVERYBODY)
    imported.publish()
    page = imported.get()
    with statements() as counted:
        again = imported.get(held=page.headers["ETag"])
    assert again.status_code == 304
    assert len(counted.said) == 2, counted.said
    with statements() as counted:
        assert imported.get().status_code == 200
    assert len(counted.said) <= 10, counted.said


def test_years_lead_on_and_a_year_without_anything_is_not_there(imported: Imported) -> None:
    imported.publish()
    assert len(items(imported.get("/2024"))) == 8
    assert imported.get("/2019").status_code == 404
    page = imported.get()
    assert 'href="/public/en/desks/iopt/2024"' in page.text
    assert 'href="/public/en/desks/iopt/2019"' not in page.text
    imported.browser.fill("/desks/iopt/country-page", documents_url="https://documents.example.org/?year={year}")
    assert 'href="https://documents.example.org/?year=2019"' in imported.get().text


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("document_years", "2024 twenty"),
        ("document_years", "20245"),
        ("documents_url", "http://documents.example.org/{year}"),
        ("documents_url", "https://documents.example.org/"),
    ],
)
@pytest.mark.one_engine
def test_what_cannot_be_is_refused_on_its_field(imported: Imported, field: str, said: str) -> None:
    answer = imported.browser.fill("/desks/iopt/country-page", **{field: said})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert said in answer.text


@pytest.mark.one_engine
def test_what_is_refused_is_said_in_the_readers_language_and_nothing_is_asked_that_has_no_question(
    imported: Imported,
) -> None:
    assert "Yes, that is right" not in imported.browser.get("/desks/iopt/country-page").text
    with unit_of_work("tests", COMMAND, now=JUNE):
        db.session.get_one(User, imported.coordinator.id).language = "ar"
    refused = imported.browser.fill("/desks/iopt/country-page", documents_url="http://example.org/{year}")
    assert "اكتب عنوانًا يبدأ بـ https://" in refused.text
    assert "اختر مادة واحدة على الأقل" in imported.browser.fill("/desks/iopt/country-page/offered", entries=[]).text


def test_two_people_who_set_it_up_see_each_others_words(imported: Imported) -> None:
    mine = imported.browser.filled("/desks/iopt/country-page", contact="Mine", is_open="y")
    imported.browser.fill("/desks/iopt/country-page", contact="Theirs")
    answer = imported.browser.send("/desks/iopt/country-page", mine)
    assert answer.status_code == 409
    assert "Theirs" in answer.text
    assert "Mine" in answer.text


@pytest.mark.one_engine
def test_only_those_who_lead_the_desk_say_what_stands_there(imported: Imported) -> None:
    for path in ("", "/offered", "/new"):
        assert sign_in(imported.app, imported.desks.amal).get(f"/desks/iopt/country-page{path}").status_code == 403


# Good news ------------------------------------------------------------------------------------------------------------


def test_good_news_of_public_cases_stays_and_what_is_no_longer_good_goes(public: Public) -> None:
    public.open_page()
    freed, acquitted, hidden, again = (
        public.case("Khaled Harb", title="A surgeon"),
        public.case("Layla Qasim", title="A lawyer"),
        public.lived.case("Samir Haddad", title="Somebody else"),
        public.case("Fadi Khoury", title="A student"),
    )
    for case in (freed, acquitted):
        public.agrees(case, "name")
    public.tell(freed, "person.released", "2024-03-12", payload={"place": "Ofer"})
    public.tell(acquitted, "person.acquitted", "2024-03-14")
    public.lived.tell(hidden, "person.released", "2024-03-13")
    public.tell(again, "person.charges_dropped", "2024-03-11")
    page = public.get("/desks/iopt/good-news")
    assert page.text.index("A lawyer") < page.text.index("A surgeon")
    assert "Released" in page.text
    assert "Somebody else" not in page.text
    assert public.lived.fresh(again).nickname in page.text
    public.tell(again, "person.arrested", "2024-03-15")
    after = public.get("/desks/iopt/good-news", held=page.headers["ETag"])
    assert public.lived.fresh(again).nickname not in after.text
    for good in (freed, acquitted):
        assert good.public_id in after.text


def test_what_a_desk_published_as_good_news_stands_among_the_good_news(public: Public) -> None:
    public.open_page()
    case = public.case("Khaled Harb", title="A surgeon")
    about_nobody = {"title": "A law is repealed", "text": "Nobody is held for it any more.", "case": None}
    of_him = {"title": "Free after eleven weeks", "text": "He was let go.", "case": case}
    with public.lived.at() as session:
        desk = session.get_one(Desk, public.lived.desk.id)
        for said in (about_nobody, of_him):
            mine = session.get_one(Case, case.id) if said["case"] else None
            given: dict[str, Any] = said | {"case": mine, "kind": "good_news", "published_on": NOW.date()}
            write_entry(session, desk, **given)
    public.tell(case, "person.released", "2024-03-12")
    page = public.get("/desks/iopt/good-news")
    for words in ("A law is repealed", "Free after eleven weeks", "He was let go.", "Released"):
        assert words in page.text, words
    public.tell(case, "person.arrested", "2024-03-15")
    after = public.get("/desks/iopt/good-news", held=page.headers["ETag"]).text
    assert "A law is repealed" in after
    assert "Free after eleven weeks" not in after
    public.close(case)
    assert "Free after eleven weeks" not in public.get("/desks/iopt").text


def test_a_release_that_is_only_reported_is_no_good_news_yet(public: Public) -> None:
    public.open_page()
    case = public.case("Khaled Harb")
    public.tell(case, "person.released", confidence="reported")
    assert case.public_id not in public.get("/desks/iopt/good-news").text


# Feeds and the front --------------------------------------------------------------------------------------------------


def test_the_feed_of_a_desk_tells_what_its_page_lists(imported: Imported) -> None:
    imported.open("Munther Amira")
    imported.publish()
    space = {"a": "http://www.w3.org/2005/Atom"}
    feed = ET.fromstring(imported.get("/feed.atom").data)
    titles = [post.findtext("a:title", "", space) for post in feed.findall("a:entry", space)]
    assert len(titles) == 9
    assert "A defender of human rights is back with his family" in titles
    keys = [post.findtext("a:id", "", space) for post in feed.findall("a:entry", space)]
    assert len(set(keys)) == 9


@pytest.mark.one_engine
def test_the_front_lists_the_desks_that_have_a_page(public: Public) -> None:
    assert "iopt" not in public.get("/").text
    public.open_page()
    page = public.get("/", now=utc("2024-03-18T09:00"))
    assert "/public/en/desks/iopt" in page.text
    assert "mena" not in page.text
    assert public.get("/", now=NOW, held=page.headers["ETag"]).status_code == 304
