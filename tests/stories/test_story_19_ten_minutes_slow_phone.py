"""Ten minutes, a slow phone: little is loaded, nothing that was typed is lost, nobody has to sign in each week."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from actions_ground import LETTER, action, minister, open_case
from browsing import press_and_wait
from house_of_cases import NOW, Lived, enter
from signed_in import sign_in

from tracker.actions.service import LetterGiven

#: Bytes that come over the line, heads included.
FIRST_LOAD, FURTHER_PAGE = 100_000, 30_000

#: A letter as long as they get, in a script of two bytes a letter.
LONG_LETTER = "أكتب إليكم بشأن الجراح الذي اقتيد من مستشفاه.\n" * 60


class Line:
    """What came over the line since it was last asked."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def counted(page: Any) -> Iterator[Line]:
    """Count what the browser is sent, as it is sent: compressed, with its heads."""
    line = Line()

    def note(finished: dict[str, Any]) -> None:
        line.bytes += int(finished["encodedDataLength"])

    asked = page.context.new_cdp_session(page)
    asked.send("Network.enable")
    asked.on("Network.loadingFinished", note)
    yield line
    asked.detach()


@pytest.fixture
def address(lived: Lived) -> str:
    """Ten open actions, one of them with a long letter in two languages."""
    case, target = open_case(lived), minister(lived)
    for number in range(60, 69):
        action(lived, case, target, ua_number=f"UA {number}/24", title=f"Ask where prisoner {number} is held")
    letters = (LetterGiven("en", LETTER, subject="Where is he?"), LetterGiven("ar", LONG_LETTER, subject="أين هو؟"))
    return f"/actions/{action(lived, case, target, letters=letters).public_id}"


@pytest.mark.browser
def test_a_first_load_of_100_kb_and_further_pages_of_30(
    lived: Lived, live_server: Any, page: Any, address: str
) -> None:
    live_server.at = NOW + timedelta(hours=1)
    page.set_viewport_size({"width": 360, "height": 740})
    browser = sign_in(lived.app, lived.volunteer, live_server.at)
    cookie = browser.get_cookie(lived.app.session_interface.cookie)
    assert cookie
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    with counted(page) as line:
        page.goto(f"{live_server.url}/", wait_until="networkidle")
        assert 10_000 < line.bytes <= FIRST_LOAD, line.bytes
        for further in (address, f"{address}?letter=ar", f"{address}/print?letter=ar", f"{address}/calls", "/actions"):
            line.bytes = 0
            page.goto(f"{live_server.url}{further}", wait_until="networkidle")
            assert 1_000 < line.bytes <= FURTHER_PAGE, (further, line.bytes)


@pytest.mark.browser
def test_a_letter_that_was_begun_is_there_again_when_the_line_comes_back(
    lived: Lived, live_server: Any, page: Any, address: str
) -> None:
    live_server.at = NOW + timedelta(hours=1)
    enter(page, live_server, lived.volunteer.email)
    page.goto(f"{live_server.url}{address}?letter=en")
    page.get_by_label("Make it your own").fill("Dear Minister,\nI am a surgeon, too.")
    page.locator("#did-it [name=count]").fill("3")
    page.locator("#did-it").get_by_text("letter", exact=True).click()
    page.context.set_offline(True)
    page.get_by_role("button", name="I did it").click()
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    page.goto(f"{live_server.url}{address}?letter=en")
    assert page.get_by_label("Make it your own").input_value() == "Dear Minister,\nI am a surgeon, too."
    mail = str(page.get_by_role("link", name="Open in my mail program").get_attribute("href"))
    assert mail.endswith("body=Dear%20Minister%2C%0D%0AI%20am%20a%20surgeon%2C%20too.")
    assert page.locator("#did-it [name=count]").input_value() == "3"
    assert page.locator("#did-it [name=channel]:checked").get_attribute("value") == "letter"
    press_and_wait(page.get_by_role("button", name="I did it"))
    page.wait_for_url("**/thanks")
    # What was sent is done with: the form is as new when one comes back to it.
    page.goto(f"{live_server.url}{address}?letter=en")
    assert page.locator("#did-it [name=count]").input_value() == "1"


@pytest.mark.one_engine
def test_a_volunteer_signs_in_once_a_month(lived: Lived, address: str) -> None:
    volunteer = lived.browser(lived.volunteer, NOW)
    volunteer.now = NOW + timedelta(days=30, minutes=-1)
    assert volunteer.get("/actions").status_code == 200
    away = lived.browser(lived.volunteer, NOW)
    away.now = NOW + timedelta(days=30)
    asked = away.get(address)
    assert asked.status_code == 303
    assert "/sign-in" in asked.headers["Location"]
    staff = lived.browser(lived.owner, NOW)
    staff.now = NOW + timedelta(hours=12)
    assert staff.get("/actions").status_code == 303
