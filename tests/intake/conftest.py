"""A desk that reads pages."""

import pytest
from flask import Flask
from intake_ground import Desks


@pytest.fixture
def house(app: Flask) -> Desks:
    """The desk, with one of its staff."""
    return Desks()
