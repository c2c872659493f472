"""A web process of its own that tries often, for tests: reads what is tried (`password`, `factor`, `forgotten`,
`lookup`), a cookie, how often, in a line each; prints the statuses of each as JSON."""

import json
import re
import sys

from flask import Flask

from tracker import create_app
from tracker.base import clock

#: The form token of a page.
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

#: What somebody sends who is, or waits to be, signed in.
ASKED = {
    "factor": ("/sign-in/factor", {"code": "000000"}),
    "lookup": ("/contacts/whose", {"sealed-asked": "0599 555 001"}),
}


def attempt(app: Flask, what: str, cookie: str, times: int) -> list[int]:
    """Try; what was answered."""
    seen = []
    with clock.fixed_at(clock.now()):
        for _ in range(times):
            browser = app.test_client()
            path = "/sign-in"
            said = {"email": "amal@example.org", "password": "not-the-password"}
            if what == "forgotten":
                path, said = "/password/forgotten", {"email": "amal@example.org"}
            elif what in ("factor", "lookup"):
                path, said = ASKED[what]
                browser.set_cookie("tracker", cookie)
            found = TOKEN.search(browser.get(path).text)
            assert found
            seen.append(browser.post(path, data={"csrf_token": found[1], **said}).status_code)
    return seen


def main() -> None:
    """Try what is asked for, and say what came of it."""
    app = create_app()
    for line in sys.stdin:
        what, cookie, times = line.split()
        print(json.dumps(attempt(app, what, cookie, int(times))), flush=True)


if __name__ == "__main__":
    main()
