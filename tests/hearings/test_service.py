"""What is done with hearings: each act leaves its entry, and only what moves the when, where or state is counted."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from house_of_cases import NOW, ZONE, Lived, utc
from sqlalchemy import select

from tracker.agenda.models import AgendaItem
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import Refused, VersionConflict
from tracker.cases.models import Case
from tracker.hearings import service
from tracker.hearings.models import Hearing
from tracker.hearings.queries import hearings_as_known, list_hearings
from tracker.hearings.rules import in_window, on_day
from tracker.timeline.queries import read_timeline

AFTER = utc("2024-04-08T10:00")
LATER = on_day(ZONE, date(2024, 4, 24), time(10, 0))


def act(lived: Lived, hearing: Hearing, what: Any, *given: Any, now: Any = NOW, **more: Any) -> Any:
    """Do something with a hearing against its present version."""
    with lived.at(now) as session:
        mine = service.get_hearing(session, hearing.id)
        return what(session, mine, *given, **({"version": mine.version} | more))


def kinds(lived: Lived, case: Case) -> list[str]:
    """The kinds of what hearings logged in a case."""
    return [entry.kind.removeprefix("hearing.") for entry in lived.entries(case, "hearing.")]


def agenda(case: Case) -> list[tuple[int, str, Any]]:
    """What lies ahead of a case: (subject, state, local date)."""
    db.session.rollback()
    rows = db.session.execute(
        select(AgendaItem.subject_id, AgendaItem.state, AgendaItem.local_date)
        .where(AgendaItem.case_id == case.id)
        .order_by(AgendaItem.id)
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(("what", "word"), [(service.move_hearing, "moved"), (service.correct_hearing, "corrected")])
def test_to_move_and_to_correct_are_two_acts(lived: Lived, what: Any, word: str) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    act(lived, hearing, what, LATER)
    held = lived.fresh(hearing)
    assert (held.last_change, held.schedule_rev, held.local_date) == (word, 2, date(2024, 4, 24))
    assert held.starts_at == utc("2024-04-24T07:00")
    assert kinds(lived, case) == ["scheduled", word]
    entry = lived.entries(case, f"hearing.{word}")[0]
    assert (entry.payload["before"]["local_date"], entry.payload["after"]["local_date"]) == ("2024-04-08", "2024-04-24")
    assert agenda(case) == [(hearing.id, "scheduled", date(2024, 4, 24))]
    with pytest.raises(Refused, match="Nothing would change"):
        act(lived, hearing, what, LATER)


def test_notes_tell_nobody_and_details_are_logged_without_moving_anything(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    act(lived, hearing, service.edit_hearing, note="Bring the file")
    assert kinds(lived, case) == ["scheduled"]
    act(lived, hearing, service.edit_hearing, observer="A consul", kind="verdict")
    held = lived.fresh(hearing)
    assert (held.schedule_rev, held.version, held.last_change) == (1, 3, "")
    assert kinds(lived, case) == ["scheduled", "edited"]


def test_a_confirmed_date_says_who_and_when(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case, certainty="provisional")
    assert lived.fresh(hearing).confirmed_at is None
    act(lived, hearing, service.confirm_hearing, service.Confirmation("lawyer"), now=NOW + timedelta(days=1))
    held = lived.fresh(hearing)
    assert (held.certainty, held.confirmed_from, held.confirmed_at) == ("confirmed", "lawyer", NOW + timedelta(days=1))
    assert held.schedule_rev == 1
    assert kinds(lived, case) == ["scheduled", "confirmed"]


def test_what_is_off_is_not_moved_nor_cancelled_again(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.cancel_hearing)
    assert (lived.fresh(hearing).state, lived.fresh(hearing).schedule_rev) == ("cancelled", 2)
    for what, given in (
        (service.cancel_hearing, ()),
        (service.move_hearing, (LATER,)),
        (service.confirm_hearing, (service.Confirmation(),)),
    ):
        with pytest.raises(Refused):
            act(lived, hearing, what, *given)
    with pytest.raises(Refused):
        act(lived, hearing, service.record_outcome, "took_place", now=AFTER)


@pytest.mark.parametrize("outcome", ["took_place", "adjourned", "not_known"])
def test_nothing_comes_of_a_hearing_before_it_has_begun(lived: Lived, outcome: str) -> None:
    hearing = lived.hearing(lived.case())
    begins = utc("2024-04-08T06:30")
    with pytest.raises(Refused, match="has not begun"):
        act(lived, hearing, service.record_outcome, outcome, now=begins - timedelta(seconds=1))
    act(lived, hearing, service.record_outcome, outcome, now=begins)
    assert lived.fresh(hearing).state == outcome


def test_a_hearing_may_be_postponed_before_it_begins(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.record_outcome, "postponed", next_when=in_window(ZONE, "not_set"))
    assert lived.fresh(hearing).state == "postponed"
    assert lived.fresh(hearing).next_hearing_id is not None


def test_one_hearing_of_eleven_people_in_three_cases(lived: Lived) -> None:
    cases = [
        lived.case("Ahmad Khalefa"),
        lived.case(*(f"Co-defendant {n}" for n in range(9)), audience=Audience.NAMED),
        lived.case("The eleventh"),
    ]
    hearing = lived.hearing(*cases)
    assert [len(agenda(case)) for case in cases] == [1, 1, 1]
    assert [kinds(lived, case) for case in cases] == [["scheduled"]] * 3
    assert [lived.entries(case, "hearing.")[0].audience for case in cases] == [
        Audience.DESK,
        Audience.NAMED,
        Audience.DESK,
    ]
    khalefa, eleventh, second = lived.person(cases[0]), lived.person(cases[2]), lived.person(cases[1], 1)
    following = act(
        lived,
        hearing,
        service.record_outcome,
        "adjourned",
        now=AFTER,
        reason="judge_absent",
        told_by="lawyer",
        each={(cases[2].id, eleventh): "took_place", (cases[1].id, second): "postponed"},
        next_when=LATER,
    )
    assert lived.outcomes(hearing) | {} == {
        p: {eleventh: "took_place", second: "postponed"}.get(p, "adjourned") for p in lived.outcomes(hearing)
    }
    assert lived.outcomes(hearing)[khalefa] == "adjourned"
    said = [[e.payload["outcome"] for e in lived.entries(case, "hearing.outcome")] for case in cases]
    assert said == [["adjourned"], ["adjourned", "postponed"], ["took_place"]], "each case is told of its own people"
    assert set(lived.outcomes(following)) == set(lived.outcomes(hearing)) - {eleventh}, "the matter of one is over"
    assert lived.fresh(hearing).next_hearing_id == following.id
    assert agenda(cases[2]) == [(hearing.id, "adjourned", date(2024, 4, 8))]
    assert agenda(cases[0])[1] == (following.id, "scheduled", date(2024, 4, 24))


def test_what_was_said_twice_opens_one_next_hearing(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    first = act(lived, hearing, service.record_outcome, "adjourned", now=AFTER, next_when=LATER)
    again = act(lived, hearing, service.record_outcome, "adjourned", now=AFTER, next_when=LATER)
    assert again.id == first.id
    put_right = on_day(ZONE, date(2024, 4, 25))
    assert act(lived, hearing, service.record_outcome, "postponed", now=AFTER, next_when=put_right).id == first.id
    assert (lived.fresh(first).local_date, lived.fresh(first).last_change) == (date(2024, 4, 25), "corrected")
    assert len(agenda(case)) == 2


def test_nobody_knows_is_no_reason_for_a_next_date(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    with pytest.raises(Refused, match="what became"):
        act(lived, hearing, service.record_outcome, "not_known", now=AFTER, next_when=LATER)


def test_an_older_version_is_not_saved_over(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.move_hearing, LATER)
    for what, given in ((service.move_hearing, (LATER,)), (service.cancel_hearing, ()), (service.edit_hearing, ())):
        with pytest.raises(VersionConflict) as conflict:
            act(lived, hearing, what, *given, version=1)
        assert conflict.value.theirs["day"] == date(2024, 4, 24)


def test_a_hearing_that_is_closed_takes_what_it_logged_with_it(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    act(lived, hearing, service.move_hearing, LATER)
    act(lived, hearing, service.edit_hearing, audience=Audience.NAMED)
    session = db.session()
    desk = [seen.entry.kind for seen in read_timeline(session, case.id, Audience.DESK)]
    assert desk == ["case.opened"]
    assert lived.face(case).next_on is None
    assert lived.face(case, Audience.NAMED).next_on == date(2024, 4, 24)
    known = hearings_as_known(session, case.id, NOW)
    assert [snapshot["audience"] for snapshot in known] == [Audience.NAMED]


def test_as_known_on_a_day(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    act(lived, hearing, service.move_hearing, LATER, now=NOW + timedelta(days=2))
    act(lived, hearing, service.cancel_hearing, now=NOW + timedelta(days=4))

    def known(days: int) -> list[tuple[str, str]]:
        found = hearings_as_known(db.session(), case.id, NOW + timedelta(days=days))
        return [(snapshot["local_date"], snapshot["state"]) for snapshot in found]

    assert known(-1) == []
    assert known(0) == known(1) == [("2024-04-08", "scheduled")]
    assert known(2) == known(3) == [("2024-04-24", "scheduled")]
    assert known(4) == [("2024-04-24", "cancelled")]


def test_a_list_names_only_people_of_cases_in_which_the_reader_may_know_of_it(lived: Lived) -> None:
    mine, restricted = lived.case("Mine"), lived.case("Restricted", audience=Audience.NAMED)
    open_one = lived.case("Open", desk=lived.other_desk, owner=False, audience=Audience.VOLUNTEERS)
    hearing = lived.hearing(mine, restricted, open_one)
    (seen,) = list_hearings(db.session(), user=lived.colleague)
    assert (seen.hearing.id, [case.ref for _a, case, _p in seen.appearances]) == (hearing.id, [mine.ref])
    (all_of_it,) = list_hearings(db.session())
    assert len(all_of_it.appearances) == 3
    assert list_hearings(db.session(), user=lived.volunteer) == []


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("kind", {"kind": "party"}),
        ("certainty", {"certainty": "maybe"}),
        ("court", {"court": "x" * 201}),
        ("place", {"place": "a\0b"}),
    ],
)
@pytest.mark.one_engine
def test_what_cannot_be_is_refused(lived: Lived, field: str, given: dict[str, Any]) -> None:
    case = lived.case()
    with pytest.raises(Refused) as refusal:
        lived.hearing(case, **given)
    assert refusal.value.field == field


@pytest.mark.one_engine
def test_what_is_off_is_put_back_before_its_date_is_corrected(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    act(lived, hearing, service.cancel_hearing)
    with pytest.raises(Refused, match="put it back first"):
        act(lived, hearing, service.correct_hearing, LATER)
    act(lived, hearing, service.reinstate_hearing, words="The clerk erred")
    held = lived.fresh(hearing)
    assert (held.state, held.schedule_rev, held.last_change) == ("scheduled", 3, "reinstated")
    assert kinds(lived, case) == ["scheduled", "cancelled", "reinstated"]
    assert agenda(case) == [(hearing.id, "scheduled", date(2024, 4, 8))]
    act(lived, hearing, service.correct_hearing, LATER)
    with pytest.raises(Refused, match="on already"):
        act(lived, hearing, service.reinstate_hearing)


@pytest.mark.one_engine
@pytest.mark.parametrize("outcome", ["took_place", "adjourned", "postponed"])
def test_the_date_of_a_hearing_that_is_over_is_put_right_on_record(lived: Lived, outcome: str) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.record_outcome, outcome, now=AFTER)
    act(lived, hearing, service.correct_hearing, on_day(ZONE, date(2024, 4, 7)), now=AFTER, unlikely_is_meant=True)
    held = lived.fresh(hearing)
    assert (held.state, held.local_date) == (outcome, date(2024, 4, 7))


@pytest.mark.one_engine
@pytest.mark.parametrize("outcome", ["took_place", "adjourned"])
def test_what_sat_cannot_be_given_a_date_ahead(lived: Lived, outcome: str) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.record_outcome, outcome, now=AFTER)
    with pytest.raises(Refused, match="cannot lie ahead"):
        act(lived, hearing, service.correct_hearing, LATER, now=AFTER)
    assert lived.fresh(hearing).local_date == date(2024, 4, 8)


@pytest.mark.one_engine
def test_a_hearing_nobody_knew_of_is_awaited_again_when_its_right_date_lies_ahead(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    act(lived, hearing, service.record_outcome, "not_known", now=AFTER)
    earlier = on_day(ZONE, date(2024, 4, 7))
    act(lived, hearing, service.correct_hearing, earlier, now=AFTER, unlikely_is_meant=True)
    assert lived.fresh(hearing).state == "not_known"
    act(lived, hearing, service.correct_hearing, LATER, now=AFTER)
    assert lived.fresh(hearing).state == "scheduled"
    assert set(lived.outcomes(hearing).values()) == {None}


@pytest.mark.one_engine
def test_an_outcome_taken_back_leaves_none_and_takes_the_next_hearing_with_it(lived: Lived) -> None:
    case = lived.case("One", "Two")
    hearing = lived.hearing(case)
    following = act(lived, hearing, service.record_outcome, "adjourned", now=AFTER, next_when=LATER, told_by="lawyer")
    act(lived, hearing, service.reinstate_hearing, now=AFTER)
    assert set(lived.outcomes(hearing).values()) == {None}
    assert (lived.fresh(hearing).state, lived.fresh(hearing).next_hearing_id) == ("scheduled", None)
    assert lived.fresh(following).state == "cancelled"
    assert kinds(lived, case)[-2:] == ["cancelled", "reinstated"]


@pytest.mark.one_engine
def test_an_outcome_put_right_takes_back_the_hearing_it_opened(lived: Lived) -> None:
    case = lived.case()
    hearing = lived.hearing(case)
    following = act(lived, hearing, service.record_outcome, "adjourned", now=AFTER, next_when=LATER)
    act(lived, hearing, service.record_outcome, "adjourned", now=AFTER, words="In one sentence")
    act(lived, hearing, service.record_outcome, "postponed", now=AFTER)
    assert lived.fresh(following).state == "scheduled", "the matter still goes on"
    act(lived, hearing, service.record_outcome, "took_place", now=AFTER)
    assert lived.fresh(following).state == "cancelled"
    assert lived.fresh(hearing).next_hearing_id is None
    assert agenda(case) == [
        (hearing.id, "took_place", date(2024, 4, 8)),
        (following.id, "cancelled", date(2024, 4, 24)),
    ]


@pytest.mark.one_engine
def test_an_outcome_said_again_moves_nothing(lived: Lived) -> None:
    hearing = lived.hearing(lived.case())
    for _time in range(2):
        act(lived, hearing, service.record_outcome, "adjourned", now=AFTER, next_when=LATER)
    held = lived.fresh(hearing)
    assert (held.schedule_rev, held.version) == (2, 3)
