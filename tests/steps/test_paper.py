"""Letters on paper: the address that is typed from one, and how it comes out of a printer."""

import re
from datetime import timedelta
from typing import Any

import pytest
from actions_ground import LETTER, act, action, minister, open_case
from house_of_cases import NOW, Lived, enter
from signed_in import make_account

from tracker.actions.service import LetterGiven
from tracker.base.audience import Audience
from tracker.base.columns import new_short_code
from tracker.cases.models import Case

LATER = NOW + timedelta(hours=1)


def test_a_code_is_short_and_of_letters_that_are_told_apart() -> None:
    made = {new_short_code() for _ in range(2000)}
    assert len(made) == 2000
    assert {len(code) for code in made} == {9}
    assert not set("".join(made)) & set("01ilouv")


def test_the_printed_address_leads_to_the_page_of_the_action(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    volunteer = lived.browser(lived.volunteer, LATER)
    printed = volunteer.get(f"/actions/{written.public_id}/print").text
    address = re.search(r"http://[^<\s]+(/c/[a-z0-9]{9})", printed)
    assert address
    for typed in (address[1], address[1].upper().replace("/C/", "/c/")):
        assert volunteer.get(typed).headers["Location"] == f"/actions/{written.public_id}"
    act(lived, written, "stop", now=LATER, reason="asked")
    assert volunteer.get(address[1]).headers["Location"] == f"/actions/{written.public_id}"


def test_strangers_are_asked_to_sign_in_whatever_the_word(lived: Lived) -> None:
    written = lived.fresh(action(lived, open_case(lived)))
    stranger = lived.app.test_client()
    there, missing = stranger.get(f"/c/{written.short_code}"), stranger.get("/c/222222222")
    assert there.status_code == missing.status_code == 303
    assert there.headers["Location"] == f"/sign-in?next=/c/{written.short_code}"
    assert missing.headers["Location"] == "/sign-in?next=/c/222222222"
    assert set(dict(there.headers)) == set(dict(missing.headers))


def test_who_may_know_of_none_by_that_word_is_answered_as_if_there_were_none(lived: Lived) -> None:
    case = lived.case("Nadia Halabi")
    desk = lived.fresh(action(lived, case, audience=Audience.DESK))
    draft = lived.fresh(action(lived, open_case(lived), ua_number="UA 53/24", opened=False))
    volunteer = lived.browser(lived.volunteer, LATER)
    missing = volunteer.get("/c/222222222")
    assert missing.status_code == 404
    for code in (desk.short_code, draft.short_code):
        answer = volunteer.get(f"/c/{code}")
        assert (answer.status_code, answer.data) == (404, missing.data)
    assert lived.browser(lived.owner, LATER).get(f"/c/{draft.short_code}").status_code == 303


def test_who_printed_it_is_told_that_it_is_stopped_though_the_case_was_closed(lived: Lived) -> None:
    case = open_case(lived)
    written = lived.fresh(action(lived, case))
    volunteer = lived.browser(lived.volunteer, LATER)
    volunteer.get(f"/actions/{written.public_id}/print")
    act(lived, written, "stop", now=LATER, reason="asked")
    with lived.at(LATER) as session:
        session.get_one(Case, case.id).audience = Audience.DESK
    assert volunteer.get(f"/c/{written.short_code}").status_code == 303
    other = make_account("other@example.org", "volunteer")
    assert lived.browser(other, LATER).get(f"/c/{written.short_code}").status_code == 404


LONG = "\n\n".join([f"{LETTER} I ask you to let his family and his lawyer see him at once."] * 12)
ARABIC = "أكتب إليكم بشأن الجراح الذي اقتيد من مستشفاه.\nأين هو؟"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("asked", "size", "pages"),
    [
        ("letter=en", (595, 842), 1),
        ("letter=en&paper=letter", (612, 792), 1),
        ("letter=en&large=yes", (595, 842), 1),
        ("letter=ar", (595, 842), 1),
        ("letter=fr", (595, 842), 2),
    ],
)
def test_how_it_comes_out_of_a_printer(
    lived: Lived, live_server: Any, page: Any, asked: str, size: tuple[int, int], pages: int
) -> None:
    letters = (
        LetterGiven("en", LETTER, subject="Where is he?"),
        LetterGiven("ar", ARABIC, subject="أين هو؟"),
        LetterGiven("fr", LONG, subject="Où est-il ?"),
    )
    written = action(lived, open_case(lived), minister(lived), letters=letters)
    live_server.at = LATER
    enter(page, live_server, lived.volunteer.email)
    page.goto(f"{live_server.url}/actions/{written.public_id}/print?{asked}")
    paper = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert [(round(float(w)), round(float(h))) for w, h in boxes] == [size] * pages
    page.emulate_media(media="print")
    assert page.locator(".row-acts").is_hidden()
    # The date stands in the letter's own language, the foot in the reader's.
    day = {"en": "18 March 2024", "ar": "18 مارس 2024", "fr": "18 mars 2024"}[asked[7:9]]
    assert page.locator(".dated").inner_text() == day
    assert "Check before posting:" in page.locator(".check").inner_text()
    # Addresses and text keep to the side on which their language begins.
    side = page.locator(".to span").first.evaluate("e => getComputedStyle(e).direction")
    assert side == ("rtl" if "=ar" in asked else "ltr")
    drawn = page.locator(".qr-small svg").bounding_box()
    assert drawn["width"] >= 75, "a phone must be able to read it"
