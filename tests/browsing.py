"""Pressing what leads to another page, in a real browser."""

from typing import Any


def press_and_wait(what: Any) -> None:
    """Press a link or a button, and go on when the page that answers stands there.

    Playwright's own `click` comes back as soon as the mouse button is up. Whoever looks then may still see the page
    before, and does so on a machine that is busy: what leads to no other page is clicked, all else goes through here.
    """
    with what.page.expect_navigation():
        what.click()
