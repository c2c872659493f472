"""A web process of its own that asks often to follow a case, for tests: the case's public id, how often, and a number
that tells its addresses from another's; prints the statuses as JSON."""

import json
import re
import sys

from tracker import create_app
from tracker.base import clock

#: What a form holds before anything is written.
HELD = re.compile(r'name="(csrf_token|once)"[^>]*value="([^"]+)"')


def main(public_id: str, times: int, number: str) -> None:
    """Ask, and say what came of it."""
    app = create_app()
    seen = []
    address = f"/follow/en/cases/{public_id}"
    with clock.fixed_at(clock.now()):
        for time in range(times):
            browser = app.test_client()
            held = dict(HELD.findall(browser.get(address).text))
            said = {"sealed-email": f"n{number}-{time}@elsewhere.example", "days_before": ["7"], "language": "en"}
            seen.append(browser.post(address, data=held | said).status_code)
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
