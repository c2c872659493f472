"""A move or a correction made in a page is taken back within three minutes: what stood before stands again."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from house_of_cases import NOW, ZONE, Browser, Lived

from tracker.base.errors import Refused, VersionConflict
from tracker.hearings import service
from tracker.hearings.models import Hearing
from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import UNDO, Confirmation

LATER = on_day(ZONE, date(2024, 4, 24), time(10, 0))
STILL_LATER = on_day(ZONE, date(2024, 4, 25), time(10, 0))
MOVED_AT = NOW + timedelta(days=1)
ALMOST = UNDO - timedelta(microseconds=1)


def act(lived: Lived, hearing: Hearing, what: Any, *given: Any, after: timedelta = timedelta(), **more: Any) -> None:
    """Do something with a hearing in a page, so long after MOVED_AT."""
    with lived.at(MOVED_AT + after, lived.owner) as session:
        mine = service.get_hearing(session, hearing.id)
        what(session, mine, *given, **({"version": mine.version} | more))


def stood(lived: Lived, hearing: Hearing) -> dict[str, Any]:
    """What a hearing's date, place and certainty stand at."""
    held = lived.fresh(hearing)
    names = (*service.SCHEDULE, "starts_at", "outcome_due_at", "certainty", "confirmed_at", "confirmed_by")
    return {name: getattr(held, name) for name in (*names, "confirmed_from", "last_change")}


@pytest.mark.parametrize(
    ("what", "after", "before"),
    [
        (service.move_hearing, ALMOST, None),
        (service.correct_hearing, timedelta(), in_window(ZONE, "week", date(2024, 4, 10))),
        (service.correct_hearing, ALMOST, in_window(ZONE, "not_set")),
    ],
)
def test_what_stood_before_stands_again_until_three_minutes_are_over(
    lived: Lived, what: Any, after: timedelta, before: Any
) -> None:
    case = lived.case()
    hearing = lived.hearing(case, when=before, place="Hall 2", confirmation=Confirmation("lawyer"))
    earlier = stood(lived, hearing)
    act(lived, hearing, what, LATER, court="Elsewhere", place="")
    assert stood(lived, hearing) != earlier
    act(lived, hearing, service.undo_reschedule, after=after)
    assert stood(lived, hearing) == earlier
    assert [e.kind for e in lived.entries(case, "hearing.")][2:] == ["hearing.undone"], "added, nothing taken away"
    with pytest.raises(Refused, match="undone no more"):
        act(lived, hearing, service.undo_reschedule, after=after)


@pytest.mark.parametrize("after", [UNDO, UNDO + timedelta(microseconds=1)])
def test_after_three_minutes_nothing_is_undone(lived: Lived, after: timedelta) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.move_hearing, LATER)
    with pytest.raises(Refused, match="three minutes have passed"):
        act(lived, hearing, service.undo_reschedule, after=after)
    assert lived.fresh(hearing).local_date == LATER.local_date


@pytest.mark.one_engine
def test_only_the_last_of_two_moves_is_undone(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.move_hearing, LATER)
    act(lived, hearing, service.correct_hearing, STILL_LATER, after=timedelta(minutes=2))
    act(lived, hearing, service.undo_reschedule, after=timedelta(minutes=4))
    held = lived.fresh(hearing)
    assert (held.local_date, held.last_change) == (LATER.local_date, "moved")


CHANGES_SINCE = {
    "made sure of": (service.confirm_hearing, (Confirmation("lawyer"),), {}),
    "its details changed": (service.edit_hearing, (), {"observer": "A consul"}),
    "cancelled": (service.cancel_hearing, (), {}),
}


@pytest.mark.one_engine
@pytest.mark.parametrize("change", CHANGES_SINCE)
def test_what_was_changed_since_is_not_undone(lived: Lived, change: str) -> None:
    what, given, more = CHANGES_SINCE[change]
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.move_hearing, LATER)
    act(lived, hearing, what, *given, **more)
    with pytest.raises(Refused, match="something else was recorded"):
        act(lived, hearing, service.undo_reschedule)
    assert lived.fresh(hearing).local_date == LATER.local_date


@pytest.mark.one_engine
def test_a_move_by_command_was_told_at_once_and_is_not_undone(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    with lived.at(MOVED_AT) as session:
        service.move_hearing(session, service.get_hearing(session, hearing.id), LATER, version=1)
    with pytest.raises(Refused, match="undone no more"):
        act(lived, hearing, service.undo_reschedule)


@pytest.mark.one_engine
def test_a_move_that_took_back_an_outcome_is_not_undone(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    over = timedelta(days=60)
    act(lived, hearing, service.record_outcome, "not_known", after=over)
    ahead = on_day(ZONE, date(2024, 6, 24))
    act(lived, hearing, service.correct_hearing, ahead, after=over)
    with pytest.raises(Refused, match="undone no more"):
        act(lived, hearing, service.undo_reschedule, after=over)


def test_an_undo_against_another_version_is_a_conflict(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.move_hearing, LATER)
    with pytest.raises(VersionConflict):
        act(lived, hearing, service.undo_reschedule, version=1)


# In pages -------------------------------------------------------------------------------------------------------------


def buttons(text: str) -> list[dict[str, str]]:
    """What each Undo of a page sends."""
    forms = [form.split("</form>")[0] for form in text.split("<form")[1:] if "/undo" in form.split(">")[0]]
    return [
        {
            name: form.split(f'name="{name}"')[1].split('value="')[1].split('"')[0]
            for name in ("csrf_token", "version", "once")
        }
        for form in forms
    ]


def moved(lived: Lived) -> tuple[Hearing, Browser, str]:
    """A hearing that was just moved in a page, by whom, and the address of its case."""
    case = lived.case()
    hearing = lived.hearing(case)
    browser = lived.browser(lived.owner, MOVED_AT)
    address = f"/cases/{case.ref}/hearings/{hearing.public_id}/move"
    answer = browser.fill(address, day="2024-04-24")
    assert answer.location == f"/cases/{case.ref}#hearing-{hearing.public_id}"
    return hearing, browser, f"/cases/{case.ref}"


def test_what_is_said_of_a_move_and_the_hearing_itself_offer_to_undo_it_once(lived: Lived) -> None:
    hearing, browser, case = moved(lived)
    page = browser.get(case).text
    said, row = buttons(page)
    assert "Those who were told otherwise are told at" in page
    address = f"{case}/hearings/{hearing.public_id}/undo"
    browser.now = MOVED_AT + ALMOST
    answers = [browser.send(address, said) for _double in range(2)]
    assert [(a.status_code, a.location) for a in answers] == [(303, f"{case}#hearing-{hearing.public_id}")] * 2
    assert lived.fresh(hearing).local_date == date(2024, 4, 8)
    page = browser.get(case).text
    assert "Undone: Monday 8 April 2024" in page
    assert "it stands as before, Mon 8 Apr 2024, 09:30" in page
    assert buttons(page) == []
    browser.send(address, row)
    assert "Somebody changed this hearing in the meantime." in browser.get(case).text


def test_what_is_undone_too_late_says_so_and_nothing_changes(lived: Lived) -> None:
    hearing, browser, case = moved(lived)
    said, _row = buttons(browser.get(case).text)
    browser.now = MOVED_AT + UNDO
    browser.send(f"{case}/hearings/{hearing.public_id}/undo", said)
    page = browser.get(case).text
    assert "three minutes have passed" in page
    assert buttons(page) == []
    assert lived.fresh(hearing).local_date == date(2024, 4, 24)
