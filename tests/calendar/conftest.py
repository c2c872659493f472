"""Cases as people keep them, and a calendar program that reads an address."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from house_of_cases import NOW, Lived, lived
from signed_in import form_token

from tracker.accounts.models import User
from tracker.base import clock

#: Reads an address as a calendar program does: no cookie, no name.
Reads = Callable[..., Any]


@pytest.fixture
def address_of(lived: Lived) -> Callable[..., str]:
    """Make an address on the page, as a person does; the path of it."""

    def make(user: User, now: datetime = NOW) -> str:
        browser = lived.browser(user, now)
        with clock.fixed_at(now):
            token = form_token(browser.client)
        assert browser.send("/calendar/renew", {"csrf_token": token}).status_code == 303
        page = browser.get("/calendar").text
        return page.partition('spellcheck="false">http://127.0.0.1:8000')[2].partition("<")[0]

    return make


@pytest.fixture
def reads(app: Flask) -> Reads:
    """The answer to a calendar program at an instant."""

    def read(path: str, now: datetime = NOW, method: str = "GET") -> Any:
        with clock.fixed_at(now):
            return app.test_client().open(path, method=method)

    return read


__all__ = ["lived"]
