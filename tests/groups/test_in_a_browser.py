"""Pages of groups, of the tally and of paper in a browser: axe finds nothing, nothing reaches over the edge."""

from datetime import date
from typing import Any

import pytest
from actions_ground import LETTER, act, action, minister, open_case
from axe_playwright_python.sync_playwright import Axe
from groups_ground import LATER, a_group, an_evening, another
from house_of_cases import Lived, enter

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.actions.service import LetterGiven
from tracker.groups import service
from tracker.groups.models import Group
from tracker.steps.service import record_step

pytestmark = pytest.mark.browser

ARABIC = "أكتب إليكم بشأن الجراح الذي اقتيد من مستشفاه.\nأين هو؟"


@pytest.fixture
def addresses(lived: Lived) -> dict[str, list[str]]:
    """Pages with something on each, by the address of who reads them."""
    case, target = open_case(lived), minister(lived)
    letters = (LetterGiven("en", LETTER, subject="Where is he?"), LetterGiven("ar", ARABIC, subject="أين هو؟"))
    first, second = (
        action(lived, case, target, letters=letters),
        action(lived, case, target, letters=letters, ua_number="UA 53/24", title="Ask for a visit"),
    )
    group = a_group(lived, another(1))
    evening = an_evening(lived, group, first, second, on=date(2024, 3, 21))
    with lived.at(LATER) as session:
        mine, volunteer = session.get_one(Group, group.id), session.get_one(User, lived.volunteer.id)
        written = session.get_one(UrgentAction, first.id)
        service.record(session, mine, written, {"letter": 12, "email": 3}, user=volunteer)
        record_step(
            session, written, channel="call", count=90, source="staff", user=session.get_one(User, lived.owner.id)
        )
        service.invite(session, mine, "somebody@example.org", by=volunteer)
    act(lived, second, "stop", now=LATER, reason="asked")
    home = f"/actions/groups/{group.public_id}"
    at = f"{home}/evenings/{evening.public_id}"
    taken, kept = f"/actions/{first.public_id}", f"/cases/{case.ref}/actions/{first.public_id}"
    return {
        lived.volunteer.email: [
            *("/actions/groups", home, f"{home}/edit", f"{home}/record", f"{home}/evenings/new", at, f"{at}/result"),
            *(f"{at}/print", f"{at}/print?large=yes&paper=letter", taken, f"{taken}/print", f"{taken}/print?letter=ar"),
            *("/", "/actions", f"{taken}/calls", f"{taken}/thanks", f"/actions/{second.public_id}"),
            f"/targets/{target.public_id}/report",
        ],
        lived.owner.email: [
            *(f"{kept}/tally", f"{kept}", f"{kept}/edit", f"{kept}/letters/ar", f"{kept}/hold", f"{kept}/stop"),
            *(f"/cases/{case.ref}/actions/new", "/targets", "/targets/new", f"/targets/{target.public_id}"),
            "/actions/groups/new",
        ],
    }


@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing_and_nothing_reaches_over_the_edge(
    lived: Lived, live_server: Any, page: Any, addresses: dict[str, list[str]], language: str
) -> None:
    with lived.at(LATER) as session:
        for user in (lived.volunteer, lived.owner):
            session.get_one(User, user.id).language = language
    live_server.at = LATER
    found = []
    for email, paths in addresses.items():
        enter(page, live_server, email)
        for path in paths:
            for width in (1280, 360):
                page.set_viewport_size({"width": width, "height": 740})
                answer = page.goto(f"{live_server.url}{path}")
                assert answer.status == 200, path
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    found.append(f"{path}: wider than {width}")
            for violation in Axe().run(page).response["violations"]:
                found.append(f"{path}: {violation['id']}: {[n['html'] for n in violation['nodes']][:3]}")
    assert not found, "\n".join(found)
