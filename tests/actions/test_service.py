"""An action from draft to its end: what is refused, and what holds it."""

from datetime import date, datetime, timedelta

import pytest
from actions_ground import LETTER, act, action, day, minister, open_case
from house_of_cases import NOW, Lived
from sqlalchemy import select

from tracker.actions import service
from tracker.actions.kinds import ACT_UNTIL
from tracker.actions.models import ActionLetter, UrgentAction
from tracker.actions.queries import called, list_open_to
from tracker.actions.service import LetterGiven
from tracker.actions.steps import expire
from tracker.agenda.models import AgendaItem
from tracker.audit.kinds import concerned, rungs
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import Refused, VersionConflict
from tracker.base.parts import parts
from tracker.cases.models import Case
from tracker.clockwork.kinds import steps
from tracker.consent.service import stop_publicity

#: The first moment after 29 April 2024 in Jerusalem, six weeks after the day of issue.
OVER = datetime.fromisoformat("2024-04-29T21:00:00+00:00")


def refused(lived: Lived, written: UrgentAction, name: str, now: datetime = NOW, **said: object) -> Refused:
    """Why something cannot be done with an action."""
    with pytest.raises(Refused) as why:
        act(lived, written, name, now=now, **said)
    return why.value


def open_to_volunteers(lived: Lived, now: datetime) -> list[str]:
    """What a volunteer can take at an instant, by title."""
    db.session.rollback()
    return [written.title for written, _case in list_open_to(db.session(), lived.volunteer, now)]


def test_it_is_open_until_the_last_moment_of_its_last_day_at_the_desk(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    assert (written.issued_on, written.act_until) == (date(2024, 3, 18), date(2024, 4, 29))
    assert lived.fresh(written).act_until_at == OVER
    assert open_to_volunteers(lived, OVER - timedelta(microseconds=1)) == ["Say where the surgeon is"]
    assert open_to_volunteers(lived, OVER) == []
    assert expire(OVER - timedelta(microseconds=1)) == {"expired": 0}
    assert expire(OVER) == {"expired": 1}
    assert lived.fresh(written).state == "expired"
    assert expire(OVER) == {"expired": 0}
    assert [e.kind for e in lived.entries(db.session.get_one(Case, written.case_id), "action.")] == [
        "action.issued",
        "action.expired",
    ]


def test_it_is_put_off_by_fourteen_days_from_the_later_of_its_last_day_and_today(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    assert act(lived, written, "extend").act_until == day("2024-05-13")
    assert act(lived, written, "extend", until=day("2024-06-01")).act_until == day("2024-06-01")
    assert refused(lived, written, "extend", until=day("2024-06-01")).field == "act_until"
    late = lived.fresh(written).act_until_at + timedelta(days=30)
    expire(late)
    again = act(lived, written, "extend", now=late)
    assert (again.state, again.act_until) == ("active", day("2024-07-16"))
    assert open_to_volunteers(lived, late) == ["Say where the surgeon is"]


def test_what_cannot_be_taken_is_not_opened(lived: Lived) -> None:
    closed, case = lived.case(), open_case(lived)
    nobody = action(lived, case, minister(lived, email="", postal="", phone=""), ua_number="UA 1/24", opened=False)
    assert "has an address" in refused(lived, nobody, "activate", version=nobody.version).message
    silent = action(lived, case, ua_number="UA 2/24", letters=(), opened=False)
    assert refused(lived, silent, "activate", version=silent.version).field == "letters"
    further = action(lived, closed, ua_number="UA 3/24", opened=False)
    assert refused(lived, further, "activate", version=further.version).field == "audience"
    gone = minister(lived, valid_to=day("2024-03-17"))
    out = action(lived, case, gone, ua_number="UA 4/24", opened=False)
    assert "still in office" in refused(lived, out, "activate", version=out.version).message
    mute = minister(lived, name="O. O.", email="", postal="", phone="")
    apart = action(lived, case, gone, mute, ua_number="UA 6/24", opened=False)
    assert "has an address" in refused(lived, apart, "activate", version=apart.version).message
    late = action(lived, case, ua_number="UA 5/24", opened=False)
    assert refused(lived, late, "activate", now=OVER, version=late.version).field == "act_until"
    assert open_to_volunteers(lived, NOW) == []


def test_a_wrong_number_or_day_is_refused_on_its_field(lived: Lived) -> None:
    case = open_case(lived)
    for said, words in (
        ("Case 480/2018", "court"),
        ("480/2018", "write UA before it"),
        ("UA 1/2031", "check the year"),
    ):
        with pytest.raises(Refused) as why:
            action(lived, case, ua_number=said)
        assert why.value.field == "ua_number"
        assert words in why.value.message
    with pytest.raises(Refused) as why:
        action(lived, case, ua_number="", issued_on=day("2024-03-18"), act_until=day("2024-03-17"))
    assert why.value.field == "act_until"
    action(lived, case, ua_number="", issued_on=day("2024-03-18"), act_until=day("2024-03-18"))
    action(lived, case)
    with pytest.raises(Refused) as why:
        action(lived, case, ua_number="UA-052/2024")
    assert why.value.field == "ua_number"


def test_a_number_taken_for_an_updates_is_put_right(lived: Lived) -> None:
    written = action(lived, open_case(lived), ua_number="UA 52/24-3")
    assert (written.chain, written.update_number) == ("update", 3)
    right = act(lived, written, "edit", version=written.version, ua_number="UA 52/24")
    assert (right.chain, right.update_number) == ("first", 0)


def test_an_update_keeps_the_number_and_finds_the_one_before(lived: Lived) -> None:
    case = open_case(lived)
    first = action(lived, case)
    second = action(lived, case, ua_number="2nd update on UA: 52/24")
    assert (second.chain, second.update_number, second.previous_id) == ("update", 2, first.id)
    with lived.at() as session:
        mine = session.get_one(Case, case.id)
        third = service.draft_action(session, mine, title="Once more", previous=session.get_one(UrgentAction, first.id))
        assert called(third) == "UA 52/24-3"
    orphan = action(lived, case, ua_number="FI 7/24-3")
    assert (orphan.chain, orphan.update_number, orphan.previous_id) == ("update", 3, None)


def test_one_that_is_recorded_after_its_update_is_followed_by_it(lived: Lived) -> None:
    case = open_case(lived)
    third = action(lived, case, ua_number="FI 7/24-3")
    elsewhere = action(lived, open_case(lived), ua_number="FI 7/24-5")
    second = action(lived, case, ua_number="FI 7/24-2")
    assert lived.fresh(third).previous_id == second.id
    # What is recorded once more before that is not put in between.
    first = action(lived, case, ua_number="")
    act(lived, first, "edit", version=lived.fresh(first).version, ua_number="UA 7/24")
    assert (lived.fresh(second).previous_id, lived.fresh(third).previous_id) == (first.id, second.id)
    assert lived.fresh(elsewhere).previous_id is None


def test_two_never_follow_each_other_whatever_is_named_as_the_one_before(lived: Lived) -> None:
    case = open_case(lived)
    third = action(lived, case, ua_number="FI 7/24-3")
    with lived.at() as session:
        mine, named = session.get_one(Case, case.id), session.get_one(UrgentAction, third.id)
        second = service.draft_action(session, mine, title="Before", ua_number="FI 7/24-2", previous=named)
    assert (lived.fresh(second).previous_id, lived.fresh(third).previous_id) == (None, second.id)
    # Nor does one follow itself whose number becomes that of an update.
    alone = action(lived, case, ua_number="UA 9/24")
    act(lived, alone, "edit", version=lived.fresh(alone).version, ua_number="UA 9/24-2")
    assert (lived.fresh(alone).previous_id, lived.fresh(alone).update_number) == (None, 2)


def test_a_number_that_is_put_right_takes_no_update_of_another_with_it(lived: Lived) -> None:
    case = open_case(lived)
    orphan = action(lived, case, ua_number="FI 7/24-2")
    wrong = action(lived, case, ua_number="UA 7/24")
    assert lived.fresh(orphan).previous_id == wrong.id
    act(lived, wrong, "edit", version=lived.fresh(wrong).version, ua_number="UA 8/24")
    assert lived.fresh(orphan).previous_id is None
    right = action(lived, case, ua_number="UA 7/24")
    assert lived.fresh(orphan).previous_id == right.id


def test_stopped_is_for_good_and_says_it_in_chosen_words(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    assert refused(lived, written, "stop", reason="family").field == "reason"
    assert act(lived, written, "stop", reason="quiet").state == "stopped"
    again = act(lived, written, "stop", reason="quiet", words="Please keep silent for now.")
    assert again.public_words == "Please keep silent for now."
    refused(lived, written, "resume", reason="checked")
    refused(lived, written, "hold", reason="checking")
    refused(lived, written, "extend")
    assert open_to_volunteers(lived, NOW) == []


def test_two_people_at_once_see_each_others_version(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    version = written.version
    act(lived, written, "extend", version=version)
    with pytest.raises(VersionConflict):
        act(lived, written, "extend", version=version)


@pytest.mark.parametrize(
    ("kind", "confidence", "reason"),
    [
        ("person.died_in_custody", "confirmed", "death"),
        ("person.released", "confirmed", "release"),
        ("person.deported", "confirmed", "release"),
        ("person.killed", "reported", "death_reported"),
        ("person.released", "reported", "release_reported"),
    ],
)
def test_a_death_or_a_release_or_a_report_of_one_holds_it_at_once(
    lived: Lived, kind: str, confidence: str, reason: str
) -> None:
    case = open_case(lived)
    lived.tell(case, "person.arrested", "2024-03-01")
    written = action(lived, case)
    lived.tell(case, kind, "2024-03-17", confidence=confidence)
    held = lived.fresh(written)
    assert (held.state, held.state_reason) == ("on_hold", reason)
    assert open_to_volunteers(lived, NOW) == []
    if reason == "death":
        # Their own word opens nothing any more, so the case has closed: the family is asked first.
        assert refused(lived, written, "resume", reason="checked").field == "audience"
        return
    resumed = act(lived, written, "resume", reason="checked")
    assert resumed.state == "active"
    lived.tell(case, "case.news", "2024-03-18")
    assert lived.fresh(written).state == "active", "what somebody has seen holds it no more"


def test_what_was_known_when_it_was_opened_does_not_hold_it(lived: Lived) -> None:
    case = open_case(lived)
    lived.tell(case, "person.released", "2024-03-01")
    written = action(lived, case)
    lived.tell(case, "case.news", "2024-03-18")
    assert lived.fresh(written).state == "active"


def test_an_old_release_that_was_followed_by_an_arrest_holds_nothing(lived: Lived) -> None:
    case = open_case(lived)
    lived.tell(case, "person.arrested", "2024-03-10")
    written = action(lived, case)
    lived.tell(case, "person.released", "2019-05-01")
    assert lived.fresh(written).state == "active"


def test_a_death_that_is_confirmed_weighs_more_than_the_report_that_held_it(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    lived.tell(case, "person.released", "2024-03-17", confidence="reported")
    lived.tell(case, "person.died_in_custody", "2024-03-17")
    assert lived.fresh(written).state_reason == "death"


def test_a_hold_that_turns_into_a_death_counts_from_then_for_whoever_was_not_told(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    lived.tell(case, "person.killed", "2024-03-17", confidence="reported")
    since = lived.fresh(written).state_since
    lived.tell(case, "person.killed", "2024-03-17", now=NOW + timedelta(hours=3))
    assert lived.fresh(written).state_reason == "death"
    assert lived.fresh(written).state_since == since + timedelta(hours=3)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"minutes": 0}, "minutes"),
        ({"index_number": "MDE " + "1" * 40}, "index_number"),
        ({"issued_on": day("2024-03-18"), "act_until": day("9999-12-31")}, "act_until"),
        ({"letters": (LetterGiven("en", "Where is he?", subject="x" * 201),)}, "subject"),
    ],
)
def test_what_a_file_can_say_and_no_form_does_is_refused_on_its_field(
    lived: Lived, said: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as why:
        action(lived, open_case(lived), **said)
    assert why.value.field == field


def test_who_takes_office_later_is_nobody_to_write_to_yet(lived: Lived) -> None:
    later = minister(lived, valid_from=day("2024-03-19"))
    written = action(lived, open_case(lived), later, opened=False)
    assert "still in office" in refused(lived, written, "activate", version=written.version).message
    act(lived, written, "activate", now=NOW + timedelta(days=1), version=written.version)


def test_stopping_publicity_stops_every_action_and_locks_drafts(lived: Lived) -> None:
    case = open_case(lived)
    running, draft = action(lived, case), action(lived, case, ua_number="", opened=False)
    with lived.at() as session:
        stop_publicity(session, session.get_one(Case, case.id), reason="asked")
    assert {lived.fresh(running).state, lived.fresh(draft).state} == {"stopped"}
    with pytest.raises(Refused) as why:
        action(lived, case, ua_number="")
    assert "locked" in why.value.message
    with lived.at() as session, pytest.raises(Refused):
        service.edit_action(
            session, session.get_one(Case, case.id), session.get_one(UrgentAction, draft.id), version=draft.version
        )


@pytest.mark.parametrize("announced", ["actions.expire", "stop:actions"])
def test_what_the_house_does_about_actions_by_itself_is_announced(announced: str) -> None:
    assert announced in {*steps.codes(), *parts.codes()}


def test_its_last_day_stands_on_the_agenda_and_is_no_next_date(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    item = db.session.scalars(select(AgendaItem).where(AgendaItem.kind == ACT_UNTIL.code)).one()
    assert (item.subject_id, item.local_date, item.audience) == (written.id, date(2024, 4, 29), Audience.VOLUNTEERS)
    assert lived.face(case).next_on is None
    act(lived, written, "stop", reason="safety")
    assert db.session.scalars(select(AgendaItem).where(AgendaItem.kind == "action")).all() == []


def test_a_letter_in_each_language_and_never_none(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    with lived.at() as session:
        mine = session.get_one(UrgentAction, written.id)
        service.write_letter(session, mine, LetterGiven("AR", "اكتبوا", subject="أين هو؟"))
        service.write_letter(session, mine, LetterGiven("ar", "أكتب إليكم"))
        service.remove_letter(session, mine, "en", version=mine.version)
        with pytest.raises(Refused):
            service.remove_letter(session, mine, "ar", version=mine.version)
        with pytest.raises(Refused) as long:
            service.write_letter(session, mine, LetterGiven("en", "x" * (service.LONGEST_LETTER + 1)))
        assert long.value.field == "body"
    db.session.rollback()
    letters = db.session.scalars(select(ActionLetter)).all()
    assert [(x.language, x.body) for x in letters] == [("ar", "أكتب إليكم")]


def test_a_letter_is_locked_with_its_action(lived: Lived) -> None:
    case = open_case(lived)
    stopped, draft = action(lived, case), action(lived, case, ua_number="", opened=False)
    act(lived, stopped, "stop", reason="asked")
    for written in (stopped, draft):
        with lived.at() as session:
            if written is draft:
                session.get_one(Case, case.id).publicity_stopped_at = NOW
                session.flush()
            mine = session.get_one(UrgentAction, written.id)
            with pytest.raises(Refused):
                service.write_letter(session, mine, LetterGiven("en", "Other words"))
    assert {letter.body for letter in db.session.scalars(select(ActionLetter))} == {LETTER}


def test_the_history_knows_whose_rows_they_are(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    session = db.session()
    letter = session.scalars(select(ActionLetter.id)).one()
    assert concerned.get("action_letters")(session, [letter]) == {letter: {case.id}}
    assert rungs.get("urgent_actions")(session, [written.id]) == {written.id: Audience.VOLUNTEERS}
    assert rungs.get("action_letters")(session, [letter]) == {letter: Audience.VOLUNTEERS}


def test_each_change_is_logged_for_those_who_may_see_the_action(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    act(lived, written, "hold", reason="checking")
    act(lived, written, "resume", reason="checked")
    act(lived, written, "extend")
    act(lived, written, "close", reason="no_further")
    logged = lived.entries(case, "action.")
    assert [e.kind for e in logged] == [
        *("action.issued", "action.held", "action.resumed", "action.extended", "action.closed"),
    ]
    assert {e.audience for e in logged} == {Audience.VOLUNTEERS}
