"""When a case goes stale, and what restarts that clock."""

from datetime import datetime, timedelta

import pytest
from house_of_cases import NOW, Lived, utc

from tracker.accounts.models import Desk
from tracker.base.db import db
from tracker.cases import service
from tracker.cases.models import Case
from tracker.cases.rules import StaleAfter, goes_stale, nickname, risk_for, stale_at

SUN_THU = (7, 1, 2, 3, 4)
#: A Thursday, 10:00 in Jerusalem.
THURSDAY = utc("2024-04-04T07:00")


@pytest.mark.parametrize(
    ("risk", "stale"),
    [
        ("critical", "2024-04-07T07:00"),
        ("high", "2024-04-15T07:00"),  # seven working days: Sunday to Thursday, Sunday, Monday
        ("medium", "2024-04-25T07:00"),
        ("low", "2024-06-03T07:00"),
    ],
)
def test_each_risk_has_its_own_clock(risk: str, stale: str) -> None:
    assert stale_at(THURSDAY, risk, StaleAfter(), zone="Asia/Jerusalem", working_days=SUN_THU) == utc(stale)


def test_the_clock_time_stays_when_clocks_change() -> None:
    before = utc("2024-03-27T08:00")  # 10:00 in winter
    stale = stale_at(before, "critical", StaleAfter(), zone="Asia/Jerusalem", working_days=SUN_THU)
    assert stale == utc("2024-03-30T07:00")  # 10:00 in summer
    skipped = stale_at(utc("2024-03-26T00:30"), "critical", StaleAfter(), zone="Asia/Jerusalem", working_days=SUN_THU)
    assert skipped == utc("2024-03-29T00:30"), "02:30 is skipped: the hour after it"


def test_grace_is_counted_in_working_days() -> None:
    given = {"zone": "Asia/Jerusalem", "working_days": SUN_THU}
    plain = stale_at(THURSDAY, "critical", StaleAfter(), **given)
    assert stale_at(THURSDAY, "critical", StaleAfter(), grace_working_days=4, **given) == plain + timedelta(days=4)
    assert stale_at(THURSDAY, "critical", StaleAfter(), grace_working_days=5, **given) == plain + timedelta(days=7)


@pytest.mark.parametrize(
    ("stage", "custodies", "goes"),
    [
        ("open", [], True),
        ("monitoring", ["released"], True),
        ("draft", ["imprisoned"], False),
        ("closed", ["imprisoned"], False),
        ("open", ["died_in_custody"], False),
        ("open", ["died_in_custody", None], True),
        ("open", ["executed", "killed"], False),
    ],
)
def test_what_can_go_stale(stage: str, custodies: list[str | None], goes: bool) -> None:
    assert goes_stale(stage, custodies) is goes


@pytest.mark.parametrize(
    ("statuses", "risk"),
    [
        ([], "low"),
        (["released"], "low"),
        (["on_trial"], "medium"),
        (["house_arrest"], "medium"),
        (["house_arrest", "imprisoned"], "high"),
        (["pre_trial_detention"], "high"),
        (["imprisoned", "enforced_disappearance"], "critical"),
        (["sentenced_to_death"], "critical"),
        ([None], "low"),
    ],
)
def test_the_risk_proposed(statuses: list[str | None], risk: str) -> None:
    assert risk_for(statuses) == risk


def test_nicknames_go_on_for_ever() -> None:
    names = [nickname(number) for number in range(1, 201)]
    assert (names[0], names[50], len(set(names))) == ("Cedar", "Cedar 2", 200)


def stale(lived: Lived, case: Case) -> datetime | None:
    """When the case goes stale."""
    found: datetime | None = lived.fresh(case).stale_at
    return found


def test_the_clock_begins_when_the_case_is_recorded(lived: Lived) -> None:
    case = lived.case(risk="critical")
    assert stale(lived, case) == utc("2024-03-21T08:00")
    with_grace = lived.case(risk="critical", stale_grace_working_days=4)
    assert stale(lived, with_grace) == utc("2024-03-27T08:00")


LATER = NOW + timedelta(days=2)


@pytest.mark.parametrize(
    ("what", "restarts"), [("check", True), ("sourced", True), ("plain", False), ("import", False), ("system", False)]
)
def test_what_restarts_the_clock(lived: Lived, what: str, restarts: bool) -> None:
    case = lived.case(risk="critical", stale_grace_working_days=5)
    before = stale(lived, case)
    if what == "check":
        with lived.at(LATER) as session:
            service.check_case(session, session.get(Case, case.id), session.get(Desk, lived.desk.id))
    else:
        origin = what if what in ("import", "system") else "human"
        lived.tell(case, "case.news", now=LATER, sourced=what != "plain", origin=origin)
    assert stale(lived, case) == (LATER + timedelta(days=3) if restarts else before)
    assert lived.fresh(case).last_checked_at == (LATER if restarts else None)


def test_a_check_that_is_withdrawn_restarts_nothing(lived: Lived) -> None:
    from tracker.timeline.service import withdraw_entry

    case = lived.case(risk="critical")
    before = stale(lived, case)
    entry = lived.tell(case, "case.news", now=LATER, sourced=True)
    with lived.at(LATER) as session:
        withdraw_entry(
            session, session.get(type(entry), entry.id), reason="wrong case", audience=entry.audience, on=LATER.date()
        )
    assert stale(lived, case) == before


def test_nothing_is_asked_after_a_death_or_a_closing_and_all_again_after_reopening(lived: Lived) -> None:
    case = lived.case(risk="critical")
    with lived.at() as session:
        service.close_case(session, session.get(Case, case.id), session.get(Desk, lived.desk.id), reason="released")
    assert stale(lived, case) is None
    with lived.at() as session:
        service.reopen_case(session, session.get(Case, case.id), session.get(Desk, lived.desk.id), words="held again")
    assert stale(lived, case) is not None
    lived.tell(case, "person.died_in_custody", now=LATER)
    assert stale(lived, case) is None


def test_a_desk_counts_by_its_own_days(lived: Lived) -> None:
    db.session.rollback()
    db.session.get(Desk, lived.desk.id).stale_critical_days = 1
    db.session.commit()
    assert stale(lived, lived.case(risk="critical")) == utc("2024-03-19T08:00")
