"""What people do with flags, and who may."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from house_of_flags import House, at
from signed_in import form_token, sign_in

from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.concealed import conceal
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case, CaseFace
from tracker.flags import service
from tracker.flags.models import Flag
from tracker.flags.queries import describe, list_flags, open_flags_for_cases

NOW = at("2024-04-05T07:00Z")

#: New in each test: a flag nobody keeps a case for.
Flagged = tuple[Case, Flag]


@pytest.fixture
def flagged(house: House) -> Flagged:
    """A case with one flag."""
    case = house.case(owner_id=None, created_at=NOW)
    house.sweep(NOW)
    return case, house.flag()


def act(what: Callable[[], None], now: datetime = NOW) -> None:
    """Do something as one act."""
    with unit_of_work("flags.act", COMMAND, now=now):
        what()


def snooze(house: House, flag: Flag, until: str, reason: str = "Amal is back then", now: datetime = NOW) -> None:
    """Put a flag out of sight."""
    act(lambda: service.snooze(db.session(), flag.id, date.fromisoformat(until), reason, house.owner, now), now)


def stored(flag: Flag) -> Flag:
    """A flag as it is stored now."""
    db.session.rollback()
    found = db.session.get(Flag, flag.id, populate_existing=True)
    assert found is not None
    return found


def face(case: Case) -> CaseFace:
    """The desk's face of a case."""
    db.session.expire_all()
    found = db.session.get(CaseFace, (case.id, Audience.DESK))
    assert found is not None
    return found


def test_seen_it_stands_and_asks_for_nobody(house: House, flagged: Flagged) -> None:
    case, flag = flagged
    act(lambda: service.acknowledge(db.session(), flag.id, house.owner, NOW))
    assert (house.flag().acknowledged_at, house.flag().acknowledged_by) == (NOW, house.owner.id)
    assert (face(case).flags, face(case).worst_severity) == (["no-owner"], 0)
    [shown] = list_flags(db.session(), NOW)
    assert (shown.asks, shown.acknowledged_by) == (False, "Owner")
    assert list_flags(db.session(), NOW, asking=True) == []


def test_who_saw_it_first_is_kept(house: House, flagged: Flagged) -> None:
    _case, flag = flagged
    other = house.user("other@example.org")
    act(lambda: service.acknowledge(db.session(), flag.id, house.owner, NOW))
    act(lambda: service.acknowledge(db.session(), flag.id, other, NOW + timedelta(hours=1)))
    assert (house.flag().acknowledged_at, house.flag().acknowledged_by) == (NOW, house.owner.id)


def test_out_of_sight_until_that_morning_at_the_desk_then_back_with_its_reason(house: House, flagged: Flagged) -> None:
    case, flag = flagged
    snooze(house, flag, "2024-04-08", "  Amal is\nback then ")
    until = at("2024-04-07T21:00Z")
    stored = house.flag()
    assert (stored.snoozed_until, stored.snooze_reason, stored.snoozed_by) == (
        until,
        "Amal is back then",
        house.owner.id,
    )
    assert (face(case).flags, face(case).worst_severity) == (["no-owner"], 0)
    assert list_flags(db.session(), until - timedelta(microseconds=1), asking=True) == []
    house.sweep(until)
    assert face(case).worst_severity == 1
    [shown] = list_flags(db.session(), until, asking=True)
    assert shown.flag.snooze_reason == "Amal is back then"


@pytest.mark.parametrize(
    ("until", "reason", "field"),
    [
        ("2024-04-05", "Amal is back then", "until_on"),
        ("2024-05-06", "Amal is back then", "until_on"),
        ("2024-04-08", "  ", "reason"),
        ("2024-04-08", "x" * 301, "reason"),
        ("2024-04-08", "a\x00b", "reason"),
    ],
)
@pytest.mark.one_engine
def test_a_day_and_a_reason_within_bounds_are_asked_for(
    house: House, flagged: Flagged, until: str, reason: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        snooze(house, flagged[1], until, reason)
    assert refused.value.field == field
    assert house.flag().snoozed_until is None


@pytest.mark.one_engine
def test_tomorrow_and_the_thirtieth_day_are_within_bounds(house: House, flagged: Flagged) -> None:
    # In Jerusalem Saturday begins at 21:00 UTC on Friday.
    snooze(house, flagged[1], "2024-04-06", now=at("2024-04-05T20:59:59Z"))
    with pytest.raises(Refused):
        snooze(house, flagged[1], "2024-04-06", now=at("2024-04-05T21:00Z"))
    snooze(house, flagged[1], "2024-05-05", "x" * 300)
    assert house.flag().snoozed_until == at("2024-05-04T21:00Z")


@pytest.mark.one_engine
def test_what_is_settled_cannot_be_seen_or_put_off(house: House, flagged: Flagged) -> None:
    case, flag = flagged
    house.change(case, owner_id=house.owner.id)
    house.sweep(NOW)
    with pytest.raises(Refused, match="settled"):
        act(lambda: service.acknowledge(db.session(), flag.id, house.owner, NOW))
    with pytest.raises(Refused, match="settled"):
        snooze(house, flag, "2024-04-08")
    with pytest.raises(NotFound):
        act(lambda: service.acknowledge(db.session(), 999, house.owner, NOW))


def test_flags_are_listed_worst_first_to_those_who_see_the_case(house: House) -> None:
    plain, grave = house.case(stale_at=NOW), house.case(risk="critical", stale_at=NOW)
    hidden = house.case(audience=Audience.NAMED, stale_at=NOW, owner_id=None)
    opened = house.case(audience=Audience.VOLUNTEERS, stale_at=NOW)
    house.sweep(NOW)
    everything = [(shown.case.ref, shown.rule) for shown in list_flags(db.session(), NOW)]
    assert everything[0] == (grave.ref, "stale-case")
    assert set(everything) == {(c.ref, "stale-case") for c in (plain, grave, hidden, opened)} | {
        (hidden.ref, "no-owner")
    }
    colleague = house.user("colleague@example.org")
    stranger = house.user("stranger@example.org", on_desk=False)
    volunteer = house.user("volunteer@example.org", role="volunteer", on_desk=False)
    seen = {shown.case.ref for shown in list_flags(db.session(), NOW, reader=colleague)}
    assert seen == {plain.ref, grave.ref, opened.ref}
    assert list_flags(db.session(), NOW, reader=stranger) == []
    assert list_flags(db.session(), NOW, reader=volunteer) == []
    kept = Case.owner_id == house.owner.id
    assert {shown.case.ref for shown in list_flags(db.session(), NOW, among=kept)} == {plain.ref, grave.ref, opened.ref}
    first = list_flags(db.session(), NOW, first=Case.id == opened.id, limit=2)
    assert [shown.case.ref for shown in first] == [opened.ref, grave.ref]
    by_case = open_flags_for_cases(db.session(), [plain.id, hidden.id], NOW)
    assert {case: len(flags) for case, flags in by_case.items()} == {plain.id: 1, hidden.id: 0}
    assert len(open_flags_for_cases(db.session(), [hidden.id], NOW, Audience.NAMED)[hidden.id]) == 2


def test_a_flag_as_a_command_lists_it(house: House) -> None:
    case = house.case()
    item = house.hearing(case, "2024-04-08", "09:30")
    house.sweep(NOW)
    [shown] = list_flags(db.session(), NOW)
    assert shown.item is not None
    assert shown.item.id == item.id
    assert describe(shown) == {
        "case": case.ref,
        "code": "hearing-soon",
        "severity": 2,
        "due_at": "2024-04-08T06:30:00Z",
        "raised_at": "2024-04-05T07:00:00Z",
    }


# In a page ------------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
def test_seen_by_a_button(app: Flask, house: House, flagged: Flagged) -> None:
    case, flag = flagged
    browser = sign_in(app, house.owner)
    answer = browser.post(f"/flags/{conceal('flag', flag.id)}/acknowledge", data={"csrf_token": form_token(browser)})
    assert (answer.status_code, answer.location) == (303, f"/cases/{case.ref}")
    assert stored(flag).acknowledged_by == house.owner.id


@pytest.mark.one_engine
def test_put_off_by_a_form_that_says_why_it_refuses(app: Flask, house: House, flagged: Flagged) -> None:
    case, flag = flagged
    browser = sign_in(app, house.owner)
    page = browser.get(f"/flags/{conceal('flag', flag.id)}/snooze")
    assert page.status_code == 200
    assert "Nobody keeps this case." in page.text
    token = form_token(browser)
    refused = browser.post(
        f"/flags/{conceal('flag', flag.id)}/snooze",
        data={"csrf_token": token, "until_on": "2001-01-01", "reason": "Later"},
    )
    assert refused.status_code == 422
    assert "Choose a day after today." in refused.text
    assert "Later" in refused.text
    until = (clock.now() + timedelta(days=7)).date().isoformat()
    done = browser.post(
        f"/flags/{conceal('flag', flag.id)}/snooze", data={"csrf_token": token, "until_on": until, "reason": "Later"}
    )
    assert (done.status_code, done.location) == (303, f"/cases/{case.ref}")
    assert stored(flag).snooze_reason == "Later"


@pytest.mark.one_engine
def test_a_flag_that_is_not_theirs_is_as_none_at_all(app: Flask, house: House, flagged: Flagged) -> None:
    case, flag = flagged
    house.change(case, audience=Audience.VOLUNTEERS)
    stranger = sign_in(app, house.user("stranger@example.org", on_desk=False))
    data = {"csrf_token": form_token(stranger)}
    for way in ("acknowledge", "snooze"):
        theirs = stranger.post(f"/flags/{conceal('flag', flag.id)}/{way}", data=data)
        none = stranger.post(f"/flags/{conceal('flag', 999)}/{way}", data=data)
        assert (theirs.status_code, none.status_code) == (404, 404)
        # Of what the page holds only its form token, which says when it was made, may differ.
        assert len({re.sub(r'value="[^"]+"', "", answer.text) for answer in (theirs, none)}) == 1
    assert stranger.get(f"/flags/{conceal('flag', flag.id)}/snooze").status_code == 404
    assert house.flag().acknowledged_at is None
