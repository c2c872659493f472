"""A web process of its own that tries often, for tests: what is tried (`password`, `factor`, `forgotten`,
`lookup`), a cookie, how often; prints the statuses as JSON."""

import json
import re
import sys

from tracker import create_app
from tracker.base import clock

#: The form token of a page.
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

#: What somebody sends who is, or waits to be, signed in.
ASKED = {
    "factor": ("/sign-in/factor", {"code": "000000"}),
    "lookup": ("/contacts/whose", {"sealed-asked": "0599 555 001"}),
}


def main(what: str, cookie: str, times: int) -> None:
    """Try, and say what came of it."""
    app = create_app()
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
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
