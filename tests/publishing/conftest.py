"""Cases of the open web: what the tests of public pages start from."""

import pytest
from house_of_cases import lived as lived
from public_ground import Public


@pytest.fixture
def public(lived: object) -> Public:
    """A desk whose cases can be opened to everybody."""
    return Public(lived)  # type: ignore[arg-type]  # the desk and its people
