"""Urgent actions as everybody reads them: what is asked, until when, and that it is stopped with the next request."""

from datetime import date, timedelta
from typing import Any

import pytest
from actions_ground import act, action
from house_of_cases import NOW, statements, utc
from public_ground import PUBLIC, Public

from tracker.accounts.models import Desk
from tracker.actions.models import UrgentAction
from tracker.cases.models import Case
from tracker.consent.service import stop_publicity
from tracker.publishing.service import write_entry
from tracker.steps.service import record_step


@pytest.fixture
def issued(public: Public) -> tuple[Case, UrgentAction]:
    """A public case with an action that everybody may know of, and the page of its desk."""
    case = public.case("Khaled Al Serr")
    public.open_page()
    written = action(
        public.lived, case, audience=PUBLIC, ua_number="First UA: 52/24", summary="He was taken from his hospital."
    )
    return case, written


def surfaces(case: Case, written: UrgentAction) -> list[str]:
    """Every page on which an action shows."""
    return [f"/cases/{case.public_id}", f"/actions/{written.public_id}", "/desks/iopt", "/actions"]


def test_an_action_shows_wherever_its_case_does(public: Public, issued: tuple[Case, UrgentAction]) -> None:
    case, written = issued
    for path in surfaces(case, written):
        page = public.get(path)
        assert page.status_code == 200, path
        assert "Say where the surgeon is" in page.text, path
        assert "29 April 2024" in page.text, path
    page = public.get(f"/actions/{written.public_id}")
    assert "He was taken from his hospital." in page.text
    assert f'href="/actions/{written.public_id}"' in page.text, "the way to the letter"
    assert "minister@example.org" not in page.text


@pytest.mark.parametrize(
    ("how", "said", "words"),
    [
        ("stop", {"reason": "asked"}, "This action is stopped. Please do not write"),
        ("hold", {"reason": "checking"}, "Please do not write just now."),
        ("close", {"reason": "no_further"}, "No further action is asked for."),
        ("stop", {"reason": "asked", "words": "We write no more."}, "We write no more."),
    ],
)
def test_stop_and_hold_show_on_every_surface_with_the_next_request(
    public: Public, issued: tuple[Case, UrgentAction], how: str, said: dict[str, Any], words: str
) -> None:
    case, written = issued
    held = {path: public.get(path).headers["ETag"] for path in surfaces(case, written)}
    act(public.lived, written, how, **said)
    for path in surfaces(case, written):
        page = public.get(path, held=held[path])
        assert page.status_code == 200, f"{path}: held as before"
        assert f'href="/actions/{written.public_id}"' not in page.text, path
        assert "Letters help until" not in page.text, path
    for path in (*surfaces(case, written)[:2], f"/cases/{case.public_id}/case.json"):
        assert words in public.get(path).text, path
    assert "please do not write" in public.get("/desks/iopt").text
    assert "Say where the surgeon is" not in public.get("/actions").text


def ask_for_letters(public: Public, case: Case, on: date) -> None:
    """The desk publishes on a day that letters are asked for."""
    with public.lived.at() as session:
        write_entry(
            session,
            session.get_one(Desk, public.lived.desk.id),
            kind="urgent_action",
            title="Where is the surgeon?",
            text="Write to the minister.",
            published_on=on,
            case=session.get_one(Case, case.id),
        )


def test_what_asked_for_letters_is_withdrawn_with_the_letter(public: Public, issued: tuple[Case, UrgentAction]) -> None:
    case, written = issued
    ask_for_letters(public, case, NOW.date())
    everywhere = [f"/cases/{case.public_id}", "/desks/iopt", "/desks/iopt/feed.atom"]
    for path in everywhere:
        assert "Write to the minister." in public.get(path).text, path
    act(public.lived, written, "stop", reason="asked")
    for path in everywhere:
        page = public.get(path).text
        assert "Where is the surgeon?" in page, path
        assert "Write to the minister." not in page, path
        assert "topped" in page, path


def test_everybody_reads_how_many_wrote_from_fifty_on_while_letters_are_asked_for(
    public: Public, issued: tuple[Case, UrgentAction]
) -> None:
    _case, written = issued
    path = f"/actions/{written.public_id}"

    def told(count: int) -> None:
        with public.lived.at() as session:
            mine = session.get_one(UrgentAction, written.id)
            record_step(session, mine, channel="letter", count=count, done_on=NOW.date(), source="staff")

    told(49)
    few = public.get(path)
    assert "by what people tell us" not in few.text
    told(1)
    many = public.get(path, held=few.headers["ETag"])
    assert many.status_code == 200
    assert "50 letters, by what people tell us" in many.text
    assert public.get(path, held=many.headers["ETag"]).status_code == 304
    act(public.lived, written, "stop", reason="asked")
    assert "by what people tell us" not in public.get(path).text


def test_what_asked_for_letters_goes_with_the_last_day_though_no_clock_wrote_it_down(
    public: Public, issued: tuple[Case, UrgentAction]
) -> None:
    case, _written = issued
    ask_for_letters(public, case, NOW.date() + timedelta(days=1))
    for path in (f"/cases/{case.public_id}", "/desks/iopt", "/desks/iopt/2024", "/desks/iopt/feed.atom"):
        last = public.get(path, now=utc("2024-04-29T20:59"))
        assert "Write to the minister." in last.text, path
        after = public.get(path, now=utc("2024-04-29T21:01"), held=last.headers["ETag"]).text
        assert "Write to the minister." not in after, path
        assert "He was taken from his hospital." not in after, path
        assert "Where is the surgeon?" in after, path


def test_other_words_for_what_is_stopped_reach_who_holds_the_page(
    public: Public, issued: tuple[Case, UrgentAction]
) -> None:
    case, written = issued
    act(public.lived, written, "stop", reason="asked")
    held = {path: public.get(path).headers["ETag"] for path in surfaces(case, written)[:2]}
    act(public.lived, written, "stop", reason="asked", words="We were asked to be quiet.")
    for path, tag in held.items():
        assert "We were asked to be quiet." in public.get(path, held=tag).text


def test_once_its_day_is_over_nobody_is_asked_any_more(public: Public, issued: tuple[Case, UrgentAction]) -> None:
    case, written = issued
    for path in surfaces(case, written):
        last = public.get(path, now=utc("2024-04-29T20:59"))
        assert "29 April 2024" in last.text
        after = public.get(path, now=utc("2024-04-29T21:01"), held=last.headers["ETag"])
        assert after.status_code == 200, path
        assert "Letters help until" not in after.text, path


def test_after_publicity_is_stopped_its_page_says_so_and_nothing_else(
    public: Public, issued: tuple[Case, UrgentAction]
) -> None:
    case, written = issued
    held = public.get(f"/actions/{written.public_id}").headers["ETag"]
    with public.lived.at(NOW + timedelta(hours=1)) as session:
        stop_publicity(session, session.get_one(Case, case.id), reason="asked")
    page = public.get(f"/actions/{written.public_id}", held=held)
    assert page.status_code == 200
    assert "Please do not write" in page.text
    for words in ("surgeon", "hospital", "UA 52/24", case.public_id, case.ref, public.lived.fresh(case).nickname):
        assert words not in page.text, words
    assert public.page(case).status_code == 404
    assert "surgeon" not in public.get("/desks/iopt").text


def test_the_words_of_a_stop_tell_no_name_once_the_case_is_closed(
    public: Public, issued: tuple[Case, UrgentAction]
) -> None:
    case, written = issued
    act(public.lived, written, "stop", reason="asked", words="The family of Khaled asked us.")
    for _time in ("open", "closed"):
        page = public.get(f"/actions/{written.public_id}")
        assert page.status_code == 200
        assert "Khaled" not in page.text
        assert "This action is stopped" in page.text
        public.close(case)


def test_an_action_for_volunteers_and_a_draft_are_not_there(public: Public) -> None:
    case = public.case("Khaled Al Serr")
    public.open_page()
    inner = action(public.lived, case, ua_number="")
    draft = action(public.lived, case, audience=PUBLIC, ua_number="", opened=False)
    missing = public.get(f"/actions/{'x' * 22}")
    for written in (inner, draft):
        answer = public.get(f"/actions/{written.public_id}")
        assert (answer.status_code, len(answer.data)) == (404, len(missing.data))
        for path in surfaces(case, written):
            assert "Say where" not in public.get(path).text
    act(public.lived, inner, "stop", reason="asked")
    assert public.get(f"/actions/{inner.public_id}").status_code == 404


def test_a_title_that_tells_a_name_is_not_read(public: Public) -> None:
    case = public.case("Khaled Al Serr")
    public.open_page()
    written = action(
        public.lived,
        case,
        audience=PUBLIC,
        ua_number="",
        title="Free Khaled Al Serr",
        summary="Dr Serr was taken.",
        cautions="Be kind.",
    )
    for path in (*surfaces(case, written), "/desks/iopt/feed.atom"):
        page = public.get(path)
        assert "Serr" not in page.text, path
        assert "Khaled" not in page.text, path
    assert "Be kind." in public.get(f"/actions/{written.public_id}").text


def test_who_holds_the_page_of_an_action_is_told_from_one_row(
    public: Public, issued: tuple[Case, UrgentAction]
) -> None:
    _case, written = issued
    held = public.get(f"/actions/{written.public_id}").headers["ETag"]
    with statements() as counted:
        assert public.get(f"/actions/{written.public_id}", held=held).status_code == 304
    assert len(counted.said) == 2
