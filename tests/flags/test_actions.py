"""Flags of urgent actions: `action-expiring`, `action-date-passed`, `action-on-hold`, `action-to-decide`,
`target-out-of-office`, `target-bounced`."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from actions_ground import act, action, minister, open_case
from house_of_cases import NOW, Lived, lived, utc
from sqlalchemy import select

from tracker.actions.models import ActionTarget, UrgentAction
from tracker.actions.service import draft_action
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.flags.models import Flag
from tracker.flags.sweep import sweep
from tracker.hearings.models import Hearing
from tracker.hearings.service import record_outcome
from tracker.targets.models import Target
from tracker.targets.service import report_target, settle_reports

__all__ = ["lived"]

MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)

RULES = (
    *("action-expiring", "action-date-passed", "action-on-hold", "action-to-decide"),
    *("target-out-of-office", "target-bounced"),
)


def flags_at(case: Case, now: datetime) -> dict[str, int]:
    """The open flags of a case that are about actions, after a sweep of it: rule → severity."""
    db.session.rollback()
    for cases in ([case.id], None):
        with unit_of_work("flags.sweep", COMMAND, now=now):
            swept = sweep(db.session(), now, cases)
        assert not swept.failed
    found = select(Flag.rule, Flag.severity).where(
        Flag.case_id == case.id, Flag.cleared_at.is_(None), Flag.rule.in_(RULES)
    )
    return dict(db.session.execute(found).all())


def the_flag(case: Case, rule: str) -> Flag:
    """The open flag of a rule."""
    found = select(Flag).where(Flag.case_id == case.id, Flag.cleared_at.is_(None), Flag.rule == rule)
    return db.session.scalars(found.execution_options(populate_existing=True)).one()


def test_seven_and_two_days_before_its_last_day_where_the_desk_is(lived: Lived) -> None:
    case = open_case(lived)
    action(lived, case, act_until=date(2024, 4, 8))
    # 1 April begins in Jerusalem at 21:00Z of 31 March; the last day is over at 21:00Z of 8 April.
    begins, urgent, over = utc("2024-03-31T21:00"), utc("2024-04-05T21:00"), utc("2024-04-08T21:00")
    for now, severity in (
        (begins - MOMENT, None),
        (begins, 2),
        (urgent - MOMENT, 2),
        (urgent, 3),
        (over - MOMENT, 3),
        (over, None),
    ):
        assert flags_at(case, now).get("action-expiring") == severity, now


def test_an_action_that_is_put_off_or_on_hold_does_not_expire(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case, act_until=date(2024, 3, 20))
    assert flags_at(case, NOW) == {"action-expiring": 3}
    act(lived, written, "extend", now=NOW, until=date(2024, 4, 20))
    assert flags_at(case, NOW) == {}
    act(lived, written, "extend", now=NOW + HOUR, until=date(2024, 4, 21))
    act(lived, written, "hold", now=NOW + HOUR, reason="checking")
    assert "action-expiring" not in flags_at(case, utc("2024-04-20T12:00"))


def test_for_thirty_days_after_its_last_day_until_somebody_says_what_becomes_of_it(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case, act_until=date(2024, 4, 8))
    over = utc("2024-04-08T21:00")
    last = over + timedelta(days=30)
    for now, severity in ((over - MOMENT, None), (over, 2), (last - MOMENT, 2), (last, None)):
        assert flags_at(case, now).get("action-date-passed") == severity, now
    act(lived, written, "extend", now=over + HOUR)
    assert flags_at(case, over + HOUR) == {}


@pytest.mark.parametrize("how", ["close", "stop", "update"])
def test_what_was_closed_stopped_or_updated_needs_nothing_more(lived: Lived, how: str) -> None:
    case = open_case(lived)
    written = action(lived, case, act_until=date(2024, 4, 8))
    over = utc("2024-04-08T21:00")
    assert flags_at(case, over) == {"action-date-passed": 2}
    if how == "update":
        action(lived, case, now=over + HOUR, previous=written, ua_number="")
        assert "action-date-passed" not in flags_at(case, over + HOUR)
        return
    act(lived, written, how, now=over + HOUR, reason="no_further" if how == "close" else "asked")
    assert flags_at(case, over + HOUR) == {}


def test_a_second_source_is_due_four_hours_after_a_report(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    held = NOW + HOUR + timedelta(microseconds=999_999)
    lived.tell(case, "person.released", "2024-03-18", now=held, confidence="reported")
    due = held + timedelta(hours=4)
    for now, severity in ((held, 2), (due - MOMENT, 2), (due, 3)):
        assert flags_at(case, now) == {"action-on-hold": severity}, now
    flag = the_flag(case, "action-on-hold")
    assert (flag.due_at, flag.data) == (due, {"why": "release_reported"})
    act(lived, written, "resume", now=due, reason="checked")
    assert flags_at(case, due) == {}


def test_any_other_hold_is_to_note_until_somebody_lets_it_go_on(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    act(lived, written, "hold", now=NOW + HOUR, reason="safety")
    assert flags_at(case, NOW + timedelta(days=3)) == {"action-on-hold": 1}
    act(lived, written, "stop", now=NOW + timedelta(days=3), reason="asked")
    assert flags_at(case, NOW + timedelta(days=3)) == {}


@pytest.mark.parametrize(
    ("kind", "severity", "why"),
    [
        ("person.convicted", 2, "verdict"),
        ("person.acquitted", 2, "verdict"),
        ("person.sentenced_to_death", 2, "verdict"),
        ("person.released", 3, "release"),
        ("person.died_in_custody", 3, "death"),
    ],
)
def test_update_hold_or_close_is_asked_after(lived: Lived, kind: str, severity: int, why: str) -> None:
    case = open_case(lived)
    written = action(lived, case)
    lived.tell(case, kind, "2024-03-18", now=NOW + HOUR, confidence="reported")
    assert "action-to-decide" not in flags_at(case, NOW + HOUR)
    lived.tell(case, kind, "2024-03-18", now=NOW + 2 * HOUR, sourced=True)
    assert flags_at(case, NOW + 2 * HOUR)["action-to-decide"] == severity
    assert the_flag(case, "action-to-decide").data == {"why": why}
    act(lived, written, "close", now=NOW + 3 * HOUR, reason="no_further")
    assert flags_at(case, NOW + 3 * HOUR) == {}


def test_an_update_that_is_written_answers_it_and_so_does_going_on(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    lived.tell(case, "person.convicted", "2024-03-18", now=NOW + HOUR, sourced=True)
    assert "action-to-decide" in flags_at(case, NOW + HOUR)
    with lived.at(NOW + 2 * HOUR) as session:
        mine, of = session.get_one(UrgentAction, written.id), session.get_one(Case, case.id)
        draft_action(session, of, title="After the verdict", previous=mine)
    assert flags_at(case, NOW + 2 * HOUR) == {}
    lived.tell(case, "person.released", "2024-03-18", now=NOW + 3 * HOUR, sourced=True)
    assert "action-to-decide" in flags_at(case, NOW + 3 * HOUR)
    act(lived, written, "resume", now=NOW + 4 * HOUR, reason="still_needed")
    assert flags_at(case, NOW + 4 * HOUR) == {}


def test_a_hearing_for_the_verdict_that_took_place_asks_too(lived: Lived) -> None:
    case = open_case(lived)
    action(lived, case)
    hearing = lived.hearing(case, kind="verdict")
    after = utc("2024-04-08T09:00")
    with lived.at(after) as session:
        mine = session.get_one(Hearing, hearing.id)
        record_outcome(session, mine, "took_place", version=mine.version)
    assert flags_at(case, after)["action-to-decide"] == 2


def test_somebody_who_has_left_office_and_nobody_left(lived: Lived) -> None:
    case = open_case(lived)
    leaves, stays = minister(lived, valid_to=date(2024, 3, 20)), minister(lived, office="Prime Minister")
    action(lived, case, leaves, stays)
    assert flags_at(case, utc("2024-03-20T23:59:59")) == {}
    assert flags_at(case, utc("2024-03-21T00:00")) == {"target-out-of-office": 2}
    with lived.at(NOW) as session:
        session.get_one(Target, stays.id).valid_to = date(2024, 3, 21)
    assert flags_at(case, utc("2024-03-22T00:00")) == {"target-out-of-office": 3}
    with lived.at(NOW) as session:
        session.get_one(Target, stays.id).valid_to = None
        for row in session.scalars(select(ActionTarget).where(ActionTarget.target_id == leaves.id)):
            session.delete(row)
    assert flags_at(case, utc("2024-03-22T00:00")) == {}


def test_an_address_that_does_not_work_until_it_is_settled(lived: Lived) -> None:
    case = open_case(lived)
    target = minister(lived)
    written = action(lived, case, target)
    with lived.at(NOW + HOUR) as session:
        report_target(session, session.get_one(Target, target.id), what="email_bounced", user_id=lived.volunteer.id)
    assert flags_at(case, NOW + 2 * HOUR) == {"target-bounced": 2}
    assert the_flag(case, "target-bounced").due_at == NOW + HOUR
    with lived.at(NOW + 3 * HOUR, by=lived.owner) as session:
        settle_reports(session, session.get_one(Target, target.id))
    assert flags_at(case, NOW + 3 * HOUR) == {}
    with lived.at(NOW + 4 * HOUR) as session:
        report_target(session, session.get_one(Target, target.id), what="post_returned", user_id=lived.volunteer.id)
    act(lived, written, "stop", now=NOW + 5 * HOUR, reason="asked")
    assert flags_at(case, NOW + 5 * HOUR) == {}


def test_a_case_that_is_closed_asks_nobody(lived: Lived) -> None:
    case = open_case(lived)
    action(lived, case, act_until=date(2024, 3, 20))
    with lived.at(NOW) as session:
        session.get_one(Case, case.id).stage = "closed"
    assert flags_at(case, NOW) == {}


def test_staff_read_why_on_today_and_on_the_case_file(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case, act_until=date(2024, 3, 20))
    browser = lived.browser(lived.owner)
    said = "Letters for an action help until Wednesday 20 March 2024 (in 2 days)."
    for address in ("/", f"/cases/{case.ref}"):
        assert said in browser.get(address).text, address
    assert f'href="/cases/{case.ref}/actions/{written.public_id}">To the action' in browser.get("/").text
    browser.now = NOW + HOUR
    lived.tell(case, "person.released", "2024-03-18", now=NOW + HOUR, sourced=True)
    asked = "Somebody was released for whom there is an action: update, hold or close?"
    for address in ("/", f"/cases/{case.ref}"):
        assert asked in browser.get(address).text, address
    assert "An action is on hold: somebody in the case was released." in browser.get(f"/cases/{case.ref}").text
    act(lived, written, "close", now=NOW + HOUR, reason="no_further")


def test_of_a_case_for_named_people_only_they_read_them(lived: Lived) -> None:
    from tracker.base.audience import Audience

    case: Any = lived.case("Ahmad Khalefa", audience=Audience.NAMED)
    action(lived, case, act_until=date(2024, 3, 20), audience=Audience.NAMED)
    assert flags_at(case, NOW) == {"action-expiring": 3}
    assert the_flag(case, "action-expiring").audience == Audience.NAMED
