"""Where one can be sent on to: pages of ours, whatever is asked for."""

from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask

from tracker.accounts.guard import safe_address

pytestmark = pytest.mark.one_engine

#: What has led people elsewhere in one browser or another.
TRICKS = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\x00/evil.example",
    "/\x7f/evil.example",
    "/\u0085/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "HTTPS://evil.example/account",
    "http://tracker.example.org@evil.example/account",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%2fevil.example",
    "/%5cevil.example",
    "/%09/evil.example",
    "/%2f%2fevil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/account/../..//evil.example",
    "/;//evil.example",
    "/@evil.example",
    "//evil.example/account",
    "/\u2215evil.example",
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/\u3002evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "account",
    "",
    "/nowhere",
    "/sign-out",
    "/" + "a" * 3_000,
]


def test_no_trick_leads_away(app: Flask) -> None:
    with app.test_request_context("/sign-in"):
        led = {asked: safe_address(asked) for asked in TRICKS}
    assert led == dict.fromkeys(TRICKS, "/"), "what is no page of ours leads to the first page"


def test_pages_of_ours_are_kept(app: Flask) -> None:
    ours = ["/account", "/cases?q=a//b", "/cases/IOPT-0001", "/cases?next=//evil.example", "/"]
    with app.test_request_context("/sign-in"):
        assert [safe_address(asked) for asked in ours] == ours


def test_wherever_it_leads_a_browser_stays_here(app: Flask) -> None:
    """As browsers read an address: without tabs and line ends, a backslash as a slash."""
    hosts = {}
    for asked in (*TRICKS, "/account", "/%2faccount", "/account#//evil.example", "/cases//"):
        with app.test_request_context("/sign-in"):
            led = safe_address(asked)
        seen = "".join(c for c in led if c not in "\t\r\n").replace("\\", "/")
        hosts[asked] = urlsplit(urljoin("https://tracker.example.org/sign-in", seen)).netloc
    assert hosts == dict.fromkeys(hosts, "tracker.example.org")
