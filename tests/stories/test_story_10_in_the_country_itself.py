"""A volunteer in the country itself: nothing is offered that would give them away, and only their device knows."""

import re
from datetime import timedelta
from typing import Any

import pytest
from actions_ground import action, open_case
from browsing import press_and_wait
from house_of_cases import NOW, Lived, enter
from sqlalchemy import func, inspect, select, table

from tracker.base.db import db
from tracker.steps.models import Step

#: What must not stand on such a device.
GIVES_AWAY = ("mailto:", "tel:", "Please say where he is.", "minister@example.org", "37 Long Street")


@pytest.mark.browser
def test_letter_calls_and_print_give_way_to_what_is_safe(lived: Lived, live_server: Any, page: Any) -> None:
    case = open_case(lived, country="IL")
    written = action(lived, case)
    address = f"{live_server.url}/actions/{written.public_id}"
    live_server.at = NOW + timedelta(hours=1)
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, live_server, lived.volunteer.email)
    page.goto(address)
    assert "UA 52/24" in page.title()
    assert "the official will see your name and address" in page.inner_text("main")
    page.get_by_text("I am in, or travel to, this country").click()
    press_and_wait(page.get_by_role("button", name="Yes, I am or will be there"))
    page.wait_for_url(address)
    for surface in ("", "/print", "/print?paper=letter&large=yes", "/calls", "/thanks"):
        page.goto(address + surface)
        held = page.content()
        assert not [word for word in GIVES_AWAY if word in held], surface
        # Nobody who looks over a shoulder reads what the page is about.
        assert page.title() == "Notes", surface
    page.goto(address)
    assert "ask somebody abroad to write instead of you" in page.inner_text("main")
    assert page.get_by_role("button", name="I did it").count() == 0
    page.goto(f"{live_server.url}/actions")
    assert page.title() == "Notes"
    # Kept on the device, for a year, where no script and no other page reads it …
    (kept,) = [cookie for cookie in page.context.cookies(address) if cookie["name"] == "here"]
    assert (kept["value"], kept["path"], kept["httpOnly"]) == ("IL", "/actions", True)
    assert page.context.cookies(f"{live_server.url}/cases") != page.context.cookies(address)
    # … and taken back there.
    page.goto(address)
    press_and_wait(page.get_by_role("button", name="I am not there any more"))
    page.wait_for_url(address)
    assert page.get_by_role("link", name="Open in my mail program").count() == 1
    assert not [cookie for cookie in page.context.cookies(address) if cookie["name"] == "here"]


@pytest.mark.one_engine
def test_only_the_device_knows(lived: Lived) -> None:
    case = open_case(lived, country="IL")
    written = action(lived, case)
    address = f"/actions/{written.public_id}"
    phone = lived.browser(lived.volunteer, NOW + timedelta(hours=1))
    before = rows()
    token = re.search(r'name="csrf_token" value="([^"]+)"', phone.get(address).text)
    assert token
    phone.send(f"{address}/here", {"csrf_token": token[1]})
    assert not [word for word in GIVES_AWAY if word in phone.get(address).text]
    # No row says so: at most that the action was opened, which stands there of everybody.
    assert {table for table, count in rows().items() if count != before[table]} <= {"action_readings"}
    other = lived.browser(lived.volunteer, NOW + timedelta(hours=1))
    assert "mailto:" in other.get(address).text


@pytest.mark.one_engine
def test_a_case_elsewhere_is_written_for_all_the_same(lived: Lived) -> None:
    here, elsewhere = open_case(lived, country="IL"), open_case(lived, "Nadia Halabi", country="EG")
    written = action(lived, here)
    other = action(lived, elsewhere, ua_number="UA 53/24")
    phone = lived.browser(lived.volunteer, NOW + timedelta(hours=1))
    token = re.search(r'name="csrf_token" value="([^"]+)"', phone.get(f"/actions/{written.public_id}").text)
    assert token
    phone.send(f"/actions/{written.public_id}/here", {"csrf_token": token[1]})
    assert "mailto:" in phone.get(f"/actions/{other.public_id}").text
    assert "mailto:" not in phone.get(f"/actions/{written.public_id}").text


@pytest.mark.one_engine
def test_a_number_under_five_is_read_on_no_page_of_volunteers(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    volunteer = lived.browser(lived.volunteer, NOW + timedelta(hours=1))
    address = f"/actions/{written.public_id}"
    volunteer.send(f"{address}/did-it", volunteer.filled(address, channel="email", count="4"))
    db.session.rollback()
    assert db.session.scalars(select(Step.count)).one() == 4
    other = lived.browser(lived.colleague, NOW + timedelta(hours=2))
    assert "by what people tell us" not in other.get(address).text


def rows() -> dict[str, int]:
    """How many rows each table has."""
    db.session.rollback()
    names = inspect(db.engine).get_table_names()
    found = {n: db.session.scalar(select(func.count()).select_from(table(n))) or 0 for n in names if "search" not in n}
    db.session.rollback()
    return found
