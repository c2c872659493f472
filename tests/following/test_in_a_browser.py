"""Following as a browser has it: without a script, at 360 px, in both directions, and axe finds nothing."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import press_and_wait
from follow_ground import ADDRESS, NOW, WEEK_BEFORE, Follow


@pytest.mark.one_engine
def test_somebody_follows_without_a_script_and_leaves(followed: Any, live_server: Any, browser: Any) -> None:
    live_server.at = NOW
    case = followed.open_case()
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{live_server.url}/public/en/cases/{case.public_id}")
    assert not context.cookies()
    page.get_by_text("Be reminded of hearings by mail").click()
    page.get_by_label("Your mail address").fill(ADDRESS)
    page.get_by_label("3 days before").check()
    press_and_wait(page.get_by_role("button", name="Send me the link"))
    assert "Look into your mail" in page.inner_text("main")
    followed.tick()
    page.goto(f"{live_server.url}{followed.link()}")
    press_and_wait(page.get_by_role("button", name="Yes, I want to follow"))
    assert "You follow this case" in page.inner_text("main")
    assert followed.rows(Follow)[0].days_before == [7, 3, 1]
    followed.tick(WEEK_BEFORE)
    page.goto(f"{live_server.url}{followed.link()}")
    press_and_wait(page.get_by_role("button", name="Delete my address"))
    assert "No mails about this go to this address." in page.inner_text("main")
    assert (followed.rows(Follow), followed.addresses()) == ([], [])
    context.close()


@pytest.mark.slow
@pytest.mark.one_engine
def test_axe_finds_nothing_in_english_and_arabic(followed: Any, live_server: Any, page: Any) -> None:
    live_server.at = NOW
    case = followed.open_case()
    followed.ask(case)
    followed.tick()
    confirm = followed.link()
    followed.follow(case)
    live_server.at = WEEK_BEFORE
    followed.tick(WEEK_BEFORE)
    pages = [f"/follow/en/cases/{case.public_id}", "/follow/en/asked", confirm, followed.link()]
    page.set_viewport_size({"width": 360, "height": 740})
    found = []
    for at, path in zip((WEEK_BEFORE, WEEK_BEFORE, NOW, WEEK_BEFORE), pages, strict=True):
        live_server.at = at
        for lang in ("en", "ar"):
            page.goto(f"{live_server.url}{path.replace('/en/', f'/{lang}/')}")
            for violation in Axe().run(page).response["violations"]:
                found.append(f"{path}: {violation['id']}: {[n['html'] for n in violation['nodes']][:3]}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > 360:
                found.append(f"{path}: {wide} px")
            assert page.evaluate("document.documentElement.dir") == {"en": "ltr", "ar": "rtl"}[lang]
    assert not found, "\n".join(found)
