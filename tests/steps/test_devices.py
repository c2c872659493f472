"""What a device keeps: from which country its reader writes, whose embassy gets the copy."""

from datetime import timedelta

import pytest
from actions_ground import action, minister, open_case
from groups_ground import a_group
from house_of_cases import NOW, Lived

from tracker.base import clock
from tracker.steps.devices import FROM

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def over_https(tracker_env: dict[str, str]) -> None:
    """The tracker's address begins with https."""
    tracker_env["TRACKER_BASE_URL"] = "https://tracker.example.org"


@pytest.fixture
def address(lived: Lived) -> str:
    """An open action of a state with embassies in two countries."""
    for host, mail in (("GB", "london@embassy.example"), ("DE", "berlin@embassy.example")):
        minister(lived, kind="embassy", hosted_in=host, name="", office=f"Embassy in {host}", email=mail)
    return f"/actions/{action(lived, open_case(lived, country='IL'), minister(lived)).public_id}"


@pytest.mark.one_engine
def test_the_country_that_was_chosen_is_kept_on_the_device(lived: Lived, address: str) -> None:
    phone = lived.browser(lived.volunteer, LATER)
    assert "cc=" not in phone.get(address).text
    chosen = phone.get(f"{address}?from=de")
    assert "cc=berlin@embassy.example" in chosen.text
    kept = chosen.headers["Set-Cookie"]
    assert kept.startswith(f"{FROM}=DE;")
    assert "Path=/actions" in kept
    assert "HttpOnly" in kept
    assert "cc=berlin@embassy.example" in phone.get(address).text
    # Another device of theirs has not said.
    assert "cc=" not in lived.browser(lived.volunteer, LATER).get(address).text
    assert "Set-Cookie" not in phone.get(address).headers


@pytest.mark.one_engine
def test_over_https_what_a_device_keeps_is_sent_over_it_alone(over_https: None, lived: Lived, address: str) -> None:
    """Also where a proxy before the tracker takes the certificate off, and is not believed."""
    phone = lived.browser(lived.volunteer, LATER)
    behind_a_proxy = {"wsgi.url_scheme": "http"}
    with clock.fixed_at(LATER):
        answer = phone.client.get(address, query_string={"from": "de"}, environ_overrides=behind_a_proxy)
    kept = answer.headers["Set-Cookie"]
    assert kept.startswith(f"{FROM}=DE;")
    assert "Secure" in kept


@pytest.mark.one_engine
def test_no_copy_is_kept_too_and_nonsense_is_none(lived: Lived, address: str) -> None:
    a_group(lived)
    phone = lived.browser(lived.volunteer, LATER)
    assert "cc=london@embassy.example" in phone.get(address).text
    assert "cc=" not in phone.get(f"{address}?from=").text
    assert "cc=" not in phone.get(address).text
    for nonsense in ("DEU", "1", "<b>", "d\u0435"):
        assert "cc=" not in phone.get(address).text
        assert "cc=" not in phone.client.get(address, query_string={"from": nonsense}).text


@pytest.mark.one_engine
def test_until_a_device_has_said_it_is_where_the_group_is(lived: Lived, address: str) -> None:
    a_group(lived)
    phone = lived.browser(lived.volunteer, LATER)
    assert "cc=london@embassy.example" in phone.get(address).text
    assert "cc=berlin@embassy.example" in phone.get(f"{address}?from=DE").text
    assert "cc=berlin@embassy.example" in phone.get(address).text
    # In groups of two countries it is not known which.
    a_group(lived, name="Berlin on Friday", country="DE", zone="Europe/Berlin")
    assert "cc=" not in lived.browser(lived.volunteer, LATER).get(address).text


@pytest.mark.one_engine
def test_a_mail_that_came_back_is_reported_from_the_page_of_the_action(lived: Lived, address: str) -> None:
    phone = lived.browser(lived.volunteer, LATER)
    page = phone.get(address).text
    assert "My e-mail came back" in page
    link = page.split('">My e-mail came back')[0].rpartition('href="')[2]
    assert link.endswith("/report")
    assert phone.fill(link, what="email_bounced").status_code == 303
