"""A house whose flags are looked at."""

import pytest
from flask import Flask
from house_of_flags import House


@pytest.fixture
def house(app: Flask) -> House:
    """An empty house with one desk in Jerusalem."""
    return House()
