"""`action.stopped`: whoever took, opened or printed an action hears at once that it is stopped, and no more than they
may know."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from actions_ground import act, action
from groups_ground import a_group
from house_of_cases import NOW, Lived
from mail_sink import Mail

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base import clock
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.consent.service import stop_publicity
from tracker.groups.models import GroupMember
from tracker.outbox.deliver import deliver
from tracker.outbox.models import Message
from tracker.steps.service import record_step
from tracker.telling.rules import is_quiet, next_morning, soon_from

#: Two in the night in Jerusalem: nobody else is written to then.
NIGHT = NOW + timedelta(hours=16)

STOP = "action.stopped"


def subjects(mails: list[Mail]) -> list[tuple[str, str]]:
    """To whom, and what the subject says."""
    return [(mail.recipients[0], str(mail.message["Subject"])) for mail in mails]


def test_who_wrote_hears_first_and_who_read_hears_too_in_the_middle_of_the_night(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    reader, writer, untouched = (telling.volunteer(name) for name in ("Reem", "Walid", "Ursula"))
    telling.read(reader, written)
    telling.wrote(writer, written)
    telling.read(writer, written)
    act(lived, written, "stop", now=NIGHT, reason="asked")
    mails = telling.tick(NIGHT)
    assert subjects(mails) == [
        (writer.email, "Please do not write any more"),
        (reader.email, "Please do not write any more"),
    ]
    first, second = mails
    assert first.kind == second.kind == STOP
    assert "Your letter was right when it was sent. Do not write again" in first.text
    assert "Please do not post about it." in first.text
    assert "Your letter" not in second.text
    assert "If you have begun a letter, keep it." in second.text
    for mail in mails:
        assert f"/actions/{written.public_id}" in mail.text
        assert "This action is stopped. Please do not write" in mail.text
        assert "asked" not in mail.text
    assert untouched.email not in [mail.recipients[0] for mail in telling.sink.mails]
    assert telling.tick(NIGHT + timedelta(hours=9)) == []


def test_who_is_in_a_group_that_wrote_hears_it_too(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    head, member, late = (telling.volunteer(name) for name in ("Hala", "Majd", "Lama"))
    group = a_group(lived, head, member, now=NOW)
    with lived.at(NOW + timedelta(hours=1), by=head) as session:
        record_step(
            session,
            session.get_one(UrgentAction, written.id),
            channel="letter",
            count=12,
            user=session.get_one(User, head.id),
            source="group",
            group_id=group.id,
        )
    with lived.at(NOW + timedelta(hours=2)) as session:
        session.add(GroupMember(group_id=group.id, user_id=late.id, joined_at=NOW + timedelta(hours=2)))
    with lived.at(NIGHT, by=lived.owner) as session:
        stop_publicity(session, session.get_one(Case, telling.case.id), reason="safety")
    mails = {mail.recipients[0]: mail for mail in telling.tick(NIGHT)}
    assert mails.keys() == {lived.volunteer.email, head.email, member.email}
    assert "because a group that you are in wrote" in mails[member.email].text
    assert "Your letter was right when it was sent." in mails[member.email].text
    # The page would answer them as if there were none.
    assert "/actions/" not in mails[member.email].text
    assert "/actions/" in mails[head.email].text


def test_they_hear_it_each_alone_on_a_day_of_many_mails(telling: Any, lived: Lived) -> None:
    writer = telling.volunteer("Walid")
    actions = [action(lived, telling.case, ua_number=f"UA {number}/24") for number in (11, 12, 13, 14)]
    for each in actions:
        telling.wrote(writer, each)
    for each in actions:
        act(lived, each, "stop", now=NIGHT, reason="asked")
    assert len(telling.tick(NIGHT)) == 4


def test_stopping_publicity_tells_though_the_case_is_closed_to_them_by_then(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    nameless = action(lived, telling.case, ua_number="", title="Ask about the doctor")
    writer = telling.volunteer("Walid")
    telling.wrote(writer, written)
    telling.read(writer, nameless)
    with lived.at(NIGHT, by=lived.owner) as session:
        stop_publicity(session, session.get_one(Case, telling.case.id), reason="safety")
    mails = telling.tick(NIGHT)
    assert [mail.kind for mail in mails] == [STOP, STOP]
    said = "\n".join(f"{mail.message['Subject']}\n{mail.message['From']}\n{mail.text}\n{mail.html}" for mail in mails)
    case = lived.fresh(telling.case)
    told = ("Al Serr", "K.A.S", "surgeon", "doctor", "A surgeon is taken", case.ref, case.nickname, "safety", "Haifa")
    for canary in told:
        assert canary not in said, canary
    assert "This is about an action you wrote for: UA 52/24" in mails[0].text
    assert "This is about an action you opened." in mails[1].text


def test_what_is_only_reported_is_on_the_page_and_in_no_mail(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), written)
    lived.tell(telling.case, "person.released", "2024-03-18", now=NOW + timedelta(hours=2), confidence="reported")
    assert lived.fresh(written).state == "on_hold"
    assert telling.planned(STOP) == []
    # Established meanwhile: then they hear.
    lived.tell(telling.case, "person.released", "2024-03-18", now=NOW + timedelta(hours=6), sourced=True)
    assert lived.fresh(written).state_reason == "release"
    [mail] = telling.tick(NOW + timedelta(hours=6))
    assert str(mail.message["Subject"]) == "Please do not write just now"
    assert "release" not in mail.text.lower()


def test_a_hold_for_checking_tells_nobody_and_one_for_safety_does(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), written)
    act(lived, written, "hold", now=NOW + timedelta(hours=2), reason="checking")
    assert telling.planned(STOP) == []
    act(lived, written, "hold", now=NOW + timedelta(hours=3), reason="safety")
    assert [message.state for message in telling.planned(STOP)] == ["waiting"]


def test_a_death_says_only_that_nobody_may_write(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), written)
    lived.tell(telling.case, "person.died_in_custody", "2024-03-18", now=NIGHT, sourced=True)
    [mail] = telling.tick(NIGHT)
    assert str(mail.message["Subject"]) == "Please do not write just now"
    assert "Please do not write. This action is on hold" in mail.text
    for word in ("died", "death", "dead", "thank", "surgeon", "Al Serr"):
        assert word not in f"{mail.text} {mail.html}", word


def test_what_was_resumed_before_it_left_is_not_said_and_a_second_stop_is(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), written)
    act(lived, written, "hold", now=NOW + timedelta(hours=2), reason="safety")
    act(lived, written, "resume", now=NOW + timedelta(hours=3), reason="checked")
    assert telling.tick(NOW + timedelta(hours=3)) == []
    assert [(m.state, m.reason) for m in telling.planned(STOP)] == [("skipped", "the action goes on")]
    act(lived, written, "hold", now=NOW + timedelta(hours=4), reason="safety")
    act(lived, written, "stop", now=NOW + timedelta(hours=5), reason="asked")
    [mail] = telling.tick(NOW + timedelta(hours=5))
    assert str(mail.message["Subject"]) == "Please do not write any more"
    assert [m.state for m in telling.planned(STOP)] == ["skipped", "skipped", "sent"]


def test_what_is_closed_is_said_once_and_not_where_it_was_a_double(telling: Any, lived: Lived) -> None:
    written, double = (action(lived, telling.case, ua_number=number) for number in ("UA 52/24", "UA 53/24"))
    writer = telling.volunteer("Walid")
    telling.wrote(writer, written)
    telling.wrote(writer, double)
    act(lived, double, "close", now=NOW + timedelta(hours=2), reason="duplicate")
    act(lived, written, "close", now=NOW + timedelta(hours=2), reason="no_further")
    [mail] = telling.tick(NOW + timedelta(hours=2))
    assert str(mail.message["Subject"]) == "Nothing more is asked of you"
    assert "What you wrote counts." in mail.text
    # Whatever is written in the case afterwards tells nobody anew.
    lived.tell(telling.case, "case.news", "2024-03-18", now=NOW + timedelta(hours=9))
    assert telling.tick(NOW + timedelta(hours=9)) == []


def test_who_stopped_it_and_who_opened_it_afterwards_are_not_told(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    telling.read(lived.owner, written)
    late = telling.volunteer("Lama")
    with lived.at(NIGHT, by=lived.owner) as session:
        stop_publicity(session, session.get_one(Case, telling.case.id), reason="safety")
    telling.read(late, written, NIGHT + timedelta(minutes=1))
    assert telling.tick(NIGHT + timedelta(minutes=2)) == []
    assert [(m.state, m.reason) for m in telling.planned(STOP)] == [("skipped", "they did it themselves")]


def test_a_draft_that_is_stopped_tells_nobody(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case, opened=False)
    telling.read(telling.volunteer("Reem"), written)
    act(lived, written, "stop", reason="asked", now=NIGHT)
    assert telling.planned(STOP) == []


def test_a_mail_that_was_composed_is_composed_anew_when_the_case_was_closed_meanwhile(
    telling: Any, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracker.outbox import deliver as delivering

    written = action(lived, telling.case)
    telling.wrote(telling.volunteer("Walid"), written)
    act(lived, written, "stop", now=NIGHT, reason="asked")
    composed: Callable[..., Any] = delivering._Run.prepare
    closed: list[bool] = []

    def prepare(*given: Any) -> Any:
        if not closed:
            closed.append(True)
            db.session.rollback()
            with lived.at(NIGHT, by=lived.owner) as session:
                stop_publicity(session, session.get_one(Case, telling.case.id), reason="safety")
        return composed(*given)

    monkeypatch.setattr(delivering._Run, "prepare", prepare)
    with clock.fixed_at(NIGHT):
        deliver(NIGHT)
    [mail] = telling.sink.mails
    assert closed
    assert "surgeon" not in mail.text


def test_the_desk_reads_who_may_not_have_heard_and_nobody_else_does(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    writer = telling.volunteer("Walid")
    telling.wrote(writer, written)
    act(lived, written, "stop", now=NIGHT, reason="asked")
    with clock.fixed_at(NIGHT):
        pages = [lived.browser(user, NIGHT).get("/service").text for user in (lived.owner, lived.outsider)]
        assert all("Walid" not in page for page in pages)
    number = telling.planned(STOP)[0].id
    with lived.at(NIGHT) as session:
        message = session.get_one(Message, number)
        message.state, message.ended_at = "not_delivered", NIGHT
    owner, outsider = (lived.browser(user, NIGHT).get("/service").text for user in (lived.owner, lived.outsider))
    assert "Walid" in owner
    assert "notice that an action is stopped" in owner
    assert "Walid" not in outsider


def test_an_arab_reader_reads_it_in_arabic(telling: Any, lived: Lived) -> None:
    written = action(lived, telling.case)
    writer = telling.volunteer("Walid")
    telling.wrote(writer, written)
    with lived.at() as session:
        session.merge(writer).language = "ar"
    act(lived, written, "stop", now=NIGHT, reason="asked")
    [mail] = telling.tick(NIGHT)
    assert 'dir="rtl"' in mail.html


@pytest.mark.one_engine
def test_mornings_and_evenings_of_volunteers() -> None:
    def at(clock: str) -> datetime:
        return datetime.fromisoformat(f"2024-03-18T{clock}+00:00")

    zone = "Asia/Jerusalem"
    assert [is_quiet(at(hour), zone) for hour in ("05:59:59", "06:00", "17:59:59", "18:00")] == [
        *(True, False, False, True)
    ]
    assert next_morning(at("05:59:59"), zone) == at("06:00")
    assert next_morning(at("06:00"), zone) == at("06:00") + timedelta(days=1)
    assert soon_from(at("06:00").date() + timedelta(days=7), zone) == at("06:00")
