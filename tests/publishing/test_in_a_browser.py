"""Public pages as a browser has them: what they weigh, that they need no script, and that axe finds nothing."""

import gzip
import http.client
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from actions_ground import action
from axe_playwright_python.sync_playwright import Axe
from house_of_cases import NOW
from public_ground import PUBLIC, Public

from tracker.accounts.models import Desk
from tracker.actions.models import UrgentAction
from tracker.base.dates import StatedDate
from tracker.cases.models import Case
from tracker.publishing.service import write_entry
from tracker.timeline.service import record_entry

#: Bytes until the first page stands there, with all it loads, and of each further page, as they go over the line.
FIRST_LOAD, FURTHER = 100_000, 30_000


class Site:
    """A desk that has published for a while, and the addresses of its pages."""

    def __init__(self, public: Public) -> None:
        self.public = public
        self.case: Case = public.case("Khaled Al Serr", "Layla Qasim", title="A surgeon and a nurse are held")
        self.good: Case = public.case("Munther Amira", title="A social worker was held")
        for place in (0, 1):
            public.agrees(self.case, "name", "medical", "location", place=place)
        public.open_page(contact="Write to iopt-group@example.org", document_years=(2023, 2022))
        self._tell()
        self.action: UrgentAction = action(
            public.lived,
            self.case,
            audience=PUBLIC,
            ua_number="First UA: 52/24",
            summary="Taken from the hospital where they worked.",
            cautions="Do not name the hospital.",
        )
        self.paths = [
            "/",
            f"/cases/{self.case.public_id}",
            f"/cases/{self.good.public_id}",
            f"/actions/{self.action.public_id}",
            "/actions",
            "/desks/iopt",
            "/desks/iopt/2024",
            "/desks/iopt/good-news",
            "/cases/nothing",
        ]

    def _tell(self) -> None:
        public = self.public
        public.tell(self.case, "person.arrested", "2023-11-20", text="Taken at a checkpoint.")
        # Of one day each, so that nothing of it is like another.
        with public.lived.at() as session:
            for number in range(60):
                told = f"On day {number} of their detention the lawyer was told something else: {number * 7919}. "
                record_entry(
                    session,
                    case_id=self.case.id,
                    kind="case.news",
                    date_stated=StatedDate(NOW.date() - timedelta(days=100 - number)),
                    audience=PUBLIC,
                    text=told * 4,
                    payload={"headline": f"Day {number}"},
                )
        public.tell(self.case, "person.released", "2024-03-16", confidence="reported", text="A neighbour says so.")
        public.hearing(self.case, place="Haifa")
        public.tell(self.good, "person.released", "2024-03-12", text="Home again.")
        with public.lived.at() as session:
            desk = session.get_one(Desk, public.lived.desk.id)
            for number in range(40):
                write_entry(
                    session,
                    desk,
                    kind=("news", "open_letter", "education", "good_news")[number % 4],
                    title=f"What was published as number {number}",
                    text=f"Number {number} says {number * 104729} things. " * 12 + "\n\nAnd more besides.",
                    published_on=NOW.date() - timedelta(days=number),
                )


@pytest.fixture
def site(public: Public) -> Site:
    """The pages of that desk."""
    return Site(public)


def weight(url: str, path: str) -> tuple[int, str]:
    """Bytes of an answer as it goes over the line, head and body, and what it says."""
    where = urlsplit(url)
    line = http.client.HTTPConnection(where.hostname or "", where.port)
    line.request("GET", path, headers={"Accept-Encoding": "gzip", "Connection": "close"})
    answer = line.getresponse()
    body = answer.read()
    head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 20
    line.close()
    assert answer.status == 200, path
    if answer.headers.get("Content-Encoding") == "gzip":
        return len(body) + head, gzip.decompress(body).decode()
    return len(body) + head, body.decode("utf-8", "replace")


@pytest.mark.one_engine
def test_the_first_page_weighs_less_than_100_kb_and_each_further_one_less_than_30(site: Site, live_server: Any) -> None:
    live_server.at = NOW
    for lang in ("en", "ar"):
        for path in site.paths[:-1]:
            weighs, page = weight(live_server.url, f"/public/{lang}{path}")
            assert weighs <= FURTHER, f"{path}: {weighs}"
            loads = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
            assert len(loads) == 2, "a style sheet and a sign"
            first = weighs + sum(weight(live_server.url, each)[0] for each in loads)
            assert first <= FIRST_LOAD, f"{path}: {first}"
            assert first <= 40_000, "far below what is owed: say so when it grows"


def pages_of(site: Site) -> Iterator[tuple[str, str]]:
    """(language, path) of every page."""
    for lang in ("en", "ar"):
        for path in site.paths:
            yield lang, f"/public/{lang}{path}"


@pytest.mark.slow
def test_axe_finds_nothing_in_english_and_arabic(site: Site, live_server: Any, page: Any) -> None:
    live_server.at = NOW
    found = []
    page.set_viewport_size({"width": 360, "height": 740})
    for _lang, path in pages_of(site):
        page.goto(f"{live_server.url}{path}")
        for violation in Axe().run(page).response["violations"]:
            found.append(f"{path}: {violation['id']}: {[n['html'] for n in violation['nodes']][:3]}")
    assert not found, "\n".join(found)


def test_axe_would_find_something(site: Site, live_server: Any, page: Any) -> None:
    live_server.at = NOW
    page.goto(f"{live_server.url}/public/en/desks/iopt")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert [v["id"] for v in Axe().run(page).response["violations"]] == ["html-has-lang"]


def test_everything_stands_there_without_a_script_and_nothing_reaches_over_the_edge(
    site: Site, live_server: Any, browser: Any, page: Any
) -> None:
    live_server.at = NOW
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    plain = context.new_page()
    for _lang, path in pages_of(site):
        plain.goto(f"{live_server.url}{path}")
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(f"{live_server.url}{path}")
        assert plain.inner_text("main") == page.inner_text("main"), path
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{path}: {wide} px"
    assert not context.cookies()
    assert not page.context.cookies()
    context.close()
