"""What programs read of public pages: Atom (RFC 4287), JSON, the list of pages for search engines. Values in, text
out; words are chosen by who calls."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET  # only written here, never read

_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"

#: What no XML may hold (XML 1.0, section 2.2): whoever reads a feed with it refuses all of it.
_NO_XML = re.compile("[^\t\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

#: Entries in one feed.
MOST_ENTRIES = 50


@dataclass(frozen=True, slots=True)
class Post:
    """One entry of a feed. `key` never changes, whatever else of it does."""

    key: str
    title: str
    text: str
    url: str
    changed_at: datetime
    on: date


def write_atom(
    title: str, author: str, own_url: str, page_url: str, language: str, posts: Sequence[Post], updated: datetime
) -> bytes:
    """A feed, its entries in the order given. `author`: the desk that writes it; `updated`: when it last changed."""
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": language})
    _add(feed, "id", own_url)
    _add(feed, "title", title)
    _add(feed, "updated", _instant(updated))
    ET.SubElement(feed, "link", {"rel": "self", "href": own_url, "type": "application/atom+xml"})
    ET.SubElement(feed, "link", {"rel": "alternate", "href": page_url, "type": "text/html"})
    _add(ET.SubElement(feed, "author"), "name", author)
    host = urlsplit(own_url).hostname
    for post in posts[:MOST_ENTRIES]:
        entry = ET.SubElement(feed, "entry")
        _add(entry, "id", f"tag:{host},2024:{post.key}")
        _add(entry, "title", post.title)
        _add(entry, "updated", _instant(post.changed_at))
        ET.SubElement(entry, "link", {"rel": "alternate", "href": post.url})
        _add(entry, "summary", post.text or post.title)
    return _document(feed)


def write_sitemap(pages: Iterable[tuple[str, Sequence[tuple[str, str]], datetime]]) -> bytes:
    """The pages search engines may list: address, the same page in each language, and when it last changed."""
    root = ET.Element("urlset", {"xmlns": _SITEMAP, "xmlns:xhtml": "http://www.w3.org/1999/xhtml"})
    for address, in_languages, changed_at in pages:
        url = ET.SubElement(root, "url")
        _add(url, "loc", address)
        _add(url, "lastmod", _instant(changed_at))
        for language, other in in_languages:
            ET.SubElement(url, "xhtml:link", {"rel": "alternate", "hreflang": language, "href": other})
    return _document(root)


def write_json(values: object) -> str:
    """A JSON document, letters as they are."""
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def _add(parent: ET.Element, name: str, words: str) -> None:
    ET.SubElement(parent, name).text = _NO_XML.sub("", words)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _document(root: ET.Element) -> bytes:
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="utf-8") + b"\n"
