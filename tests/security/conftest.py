"""A demo to walk through, at an address that begins with https."""

from collections.abc import Iterator

import pytest
from conftest import made_app
from flask import Flask
from house_of_cases import lived
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.base.db import db

__all__ = ["lived"]


@pytest.fixture(scope="module")
def demo_env(demo_env: dict[str, str]) -> dict[str, str]:
    """The environment of a demo that was loaded and ran once."""
    return demo_env | {"TRACKER_BASE_URL": "https://tracker.example.org"}


@pytest.fixture
def demo(demo_env: dict[str, str]) -> Iterator[Flask]:
    """The application over it; faults are answers like others."""
    with made_app(demo_env) as made:
        made.testing = False
        made.config["PROPAGATE_EXCEPTIONS"] = False
        yield made


@pytest.fixture
def people(demo: Flask) -> dict[str, User | None]:
    """Who walks through it: a stranger, and one account of each kind."""
    by_address = {user.email: user for user in db.session.scalars(select(User))}
    return {
        "a stranger": None,
        "a coordinator": by_address["coordinator@example.org"],
        "an admin": by_address["admin@example.org"],
        "a volunteer": by_address["volunteer@example.org"],
    }
