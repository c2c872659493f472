"""Settings that would do harm are refused when the program begins, in one line that names the variable."""

import pytest

from tracker.app import settings_module
from tracker.base.errors import Misconfigured


def smtp_url(url: str) -> str | None:
    """What the settings make of it."""
    said: str | None = (
        settings_module()
        .load({"TRACKER_SMTP_URL": url, "TRACKER_SECRET_KEY": "x", "TRACKER_INSTANCE": "/nowhere"})
        .smtp_url
    )
    return said


@pytest.mark.parametrize(
    "url",
    [
        "smtp://relay.example",
        "smtp://relay.example:2525/",
        "smtps://user:password@relay.example",
        "smtps://user:password@relay.example?starttls=0",
        *(f"smtp://user:password@relay.example?starttls={yes}" for yes in ("1", "true", "yes", "on", "ON")),
        *(f"smtp://relay.example?starttls={no}" for no in ("0", "false", "no", "off")),
        "smtp://user:password@localhost:25",
        "smtp://user:password@127.0.0.1:25?starttls=0",
        "smtp://user:password@[::1]:25",
    ],
)
def test_an_address_of_a_relay_is_taken_as_it_stands(url: str) -> None:
    assert smtp_url(url) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smtp://relay.example:25?startls=1", "nothing can follow but"),
        ("smtp://relay.example:25?starttls=1&timeout=5", "nothing can follow but"),
        ("smtp://relay.example:25?starttls=1&starttls=0", "nothing can follow but"),
        ("smtp://relay.example:25?STARTTLS=1", "nothing can follow but"),
        ("smtp://relay.example:25/?tls", "nothing can follow but"),
        ("smtp://relay.example:25/starttls=1", "nothing can follow but"),
        ("smtp://relay.example:25#starttls=1", "nothing can follow but"),
        ("smtp://relay.example:25?starttls", "starttls is 1 or 0"),
        ("smtp://relay.example:25?starttls=", "starttls is 1 or 0"),
        ("smtp://relay.example:25?starttls=2", "starttls is 1 or 0"),
        ("smtp://relay.example:25?starttls=tru", "starttls is 1 or 0"),
        ("smtp://user:password@relay.example:25", "in the open"),
        ("smtp://user:password@relay.example:25?starttls=0", "in the open"),
        ("smtp://user@relay.example", "in the open"),
        ("smtp://user:password@localhost.example", "in the open"),
        ("smtp://user:password@126.0.0.1", "in the open"),
        ("http://relay.example", "must look like"),
    ],
)
def test_one_that_would_send_in_the_open_because_of_a_slip_is_refused(url: str, said: str) -> None:
    with pytest.raises(Misconfigured, match="TRACKER_SMTP_URL") as refused:
        smtp_url(url)
    assert said in refused.value.message
    assert "\n" not in refused.value.message
