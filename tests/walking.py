"""Walking through the house as a browser does: every link of every page, and every route there is."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from signed_in import sign_in
from sqlalchemy import Table, select
from werkzeug.routing import Rule

from tracker.accounts.models import User
from tracker.base.db import db

#: The address of the house under test.
HERE = "https://tracker.example.org"

#: Pages of one view that one walk opens.
MOST = 2

#: What the audit, the clock and sign-ins write beside: nobody sees it change but those who ask for just that.
NOTES = {"sign_ins", "sign_in_tries", "acts", "chain_head", "data_keys", "heartbeats", "leases"}

#: Columns that say when something was last read, to whom it belongs.
LAST_READ = {("calendar_feeds", "read_at"), ("calendar_feeds", "expires_at")}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and to whom."""

    who: str
    method: str
    address: str
    answer: Any

    def __str__(self) -> str:
        return f"{self.method} {self.address} for {self.who} ({self.answer.status_code})"


class Page(HTMLParser):
    """What a page links to, loads and holds inline."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self._within = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loads += [given[name] for name in ("src", "action", "formaction", "poster", "srcset") if name in given]
        if tag in ("link", "use", "image"):
            self.loads += [given[name] for name in ("href", "xlink:href") if name in given]
        if tag == "style" or (tag == "script" and not given.get("src")) or tag in ("iframe", "object", "embed", "base"):
            self.inline.append(f"<{tag}>")
        if tag == "meta" and "http-equiv" in given:
            self.inline.append("<meta http-equiv>")
        for name, value in given.items():
            scripted = value.strip().lower().startswith(("javascript:", "vbscript:", "data:text/html"))
            if name == "style" or name.startswith("on") or name == "srcdoc" or scripted:
                self.inline.append(f"{name}={value[:40]!r}")
        if "id" in given and given.get("type") != "hidden":
            self.ids.append(given["id"])


@lru_cache(maxsize=8)
def page_of(html: str) -> Page:
    """The page, read once for all who look at it."""
    return Page(html)


def browser_of(app: Flask, user: User | None) -> FlaskClient:
    """A browser in which somebody is signed in, at the address of the house."""
    if user is None:
        return app.test_client()
    signed = sign_in(app, user)
    name = app.session_interface.cookie  # type: ignore[attr-defined]
    cookie = signed.get_cookie(name)
    assert cookie is not None
    browser = app.test_client()
    browser.set_cookie(name, cookie.value, domain="tracker.example.org", secure=True, httponly=True)
    return browser


def walk(app: Flask, who: str, browser: FlaskClient, most: int = MOST) -> Iterator[Answer]:
    """Every page that links lead to from the first one, up to `most` of each view; then every route that none led to,
    with an address nothing is found under."""
    seen: set[str] = set()
    visited: Counter[str] = Counter()
    waiting = deque([f"{HERE}/", f"{HERE}/safety", f"{HERE}/sign-in"])
    while waiting:
        address = waiting.popleft()
        path = address.removeprefix(HERE)
        endpoint = endpoint_of(app, path)
        if address in seen or (endpoint and visited[endpoint] >= most):
            continue
        seen.add(address)
        visited[endpoint] += 1
        answer = browser.get(path, base_url=HERE)
        yield Answer(who, "GET", path, answer)
        if 300 <= answer.status_code < 400:
            waiting.append(urljoin(address, answer.headers["Location"]))
        if answer.mimetype != "text/html":
            continue
        for link in page_of(answer.text).links:
            led, _fragment = urldefrag(urljoin(address, link))
            if urlsplit(led).netloc == "tracker.example.org":
                waiting.append(led)
    for path, methods in addresses(app):
        if "GET" in methods and not visited[endpoint_of(app, path)]:
            yield Answer(who, "GET", path, browser.get(path, base_url=HERE))


def endpoint_of(app: Flask, path: str) -> str:
    """The view behind a path; empty: none, or a static file."""
    try:
        endpoint, _values = app.url_map.bind("localhost").match(urlsplit(path).path, method="GET")
    except Exception:  # whatever it is, no view of ours
        return ""
    return str(endpoint)


def addresses(app: Flask) -> Iterator[tuple[str, set[str]]]:
    """An address of each route, under which there is nothing, and its methods."""
    for rule in app.url_map.iter_rules():
        yield address_of(app, rule), set(rule.methods or ())


def address_of(app: Flask, rule: Rule, word: str = "none-such", number: int = 999_999) -> str:
    """An address of a route: `word` where it takes a word, `number` where it takes a number in whatever spelling."""
    values: dict[str, Any] = {
        name: word if type(rule._converters[name]).__name__ == "UnicodeConverter" else number for name in rule.arguments
    }
    method = next(iter(sorted(rule.methods or ())))
    return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=method))


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """Everything stored, but for what may be noted while somebody reads."""
    db.session.rollback()
    found = {}
    for table in db.metadata.sorted_tables:
        assert isinstance(table, Table)
        if table.name in NOTES:
            continue
        columns = [c for c in table.columns if (table.name, c.name) not in LAST_READ]
        found[table.name] = sorted(map(tuple, db.session.execute(select(*columns)).all()), key=repr)
    db.session.rollback()
    return found
