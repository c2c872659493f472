"""Publicity is stopped at once, by one; it is resumed by two: over both databases."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from house_of_cases import NOW, Lived
from signed_in import make_account
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.audit.models import Act
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.parts import parts
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.consent import service
from tracker.consent.kinds import STOP_REASONS
from tracker.consent.models import Consent
from tracker.hearings.models import Hearing
from tracker.hearings.service import edit_hearing, record_outcome
from tracker.outbox.models import Message, Recipient
from tracker.reminders.planning import plan_step
from tracker.reminders.service import follow
from tracker.timeline.models import Entry

DESK, VOLUNTEERS = Audience.DESK, Audience.VOLUNTEERS

#: Four days before the hearing, in the morning there.
FOUR_DAYS_BEFORE = NOW.replace(month=4, day=1, hour=6)


def now_of(case: Case) -> Case:
    """The case as it stands."""
    db.session.rollback()
    return db.session.get_one(Case, case.id, populate_existing=True)


def stop(lived: Lived, case: Case, **said: Any) -> None:
    """Stop publicity of a case."""
    with lived.at(said.pop("now", NOW), said.pop("by", None)) as session:
        service.stop_publicity(session, session.get_one(Case, case.id), **{"reason": "asked", **said})


def open_again(lived: Lived, case: Case) -> None:
    """Open it to volunteers."""
    with lived.at() as session:
        mine = session.get_one(Case, case.id)
        cases.edit_case(session, mine, version=mine.version, audience=VOLUNTEERS)


def resume(lived: Lived, case: Case, first: User, second: User) -> None:
    """Two people resume it."""
    with lived.at(by=first) as session:
        service.ask_to_resume(session, session.get_one(Case, case.id), first)
    with lived.at(by=second) as session:
        service.resume_publicity(session, session.get_one(Case, case.id), second)


def test_stopping_closes_withdraws_and_is_written_down(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", "Munther Amira", audience=VOLUNTEERS)
    stop(lived, case, how="call", by=lived.owner)
    held = now_of(case)
    assert (held.audience, held.publicity_stopped_at, held.publicity_stopped_by) == (DESK, NOW, lived.owner.id)
    assert held.publicity_stopped_reason == "asked"
    words = db.session.scalars(select(Consent).where(Consent.answer == "withdrawn")).all()
    assert [(w.speaker, w.how, w.recorded_at) for w in words] == [("all", "call", NOW)] * 2
    kinds = list(db.session.scalars(select(Entry.kind).where(Entry.case_id == case.id).order_by(Entry.id)))
    assert kinds[-2:] == ["consent.withdrawn", "publicity.stopped"]
    page = lived.browser(lived.owner).get(f"/cases/{case.ref}").text
    assert "Publicity is stopped since" in page
    assert lived.browser(lived.volunteer).get(f"/cases/{case.ref}").status_code == 404


def test_a_restricted_case_stays_restricted(lived: Lived) -> None:
    case = lived.case(audience=Audience.NAMED)
    stop(lived, case)
    assert now_of(case).audience == Audience.NAMED
    entries = db.session.scalars(select(Entry).where(Entry.kind == "publicity.stopped")).all()
    assert [e.audience for e in entries] == [Audience.NAMED]


def test_stopping_twice_changes_nothing_more(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    stop(lived, case)
    entries = len(db.session.scalars(select(Entry.id)).all())
    stop(lived, case, reason="safety", now=NOW + timedelta(hours=1))
    held = now_of(case)
    assert (held.publicity_stopped_at, held.publicity_stopped_reason) == (NOW, "asked")
    assert len(db.session.scalars(select(Entry.id)).all()) == entries


def test_one_person_of_a_case_is_enough(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", "Munther Amira", audience=VOLUNTEERS)
    stop(lived, case, person_id=lived.person(case, 1), speaker="family")
    assert now_of(case).audience == DESK
    words = db.session.scalars(select(Consent).where(Consent.answer == "withdrawn")).all()
    assert [(w.person_id, w.speaker) for w in words] == [(lived.person(case, 1), "family")]


@pytest.mark.one_engine
def test_the_reasons_say_nothing_about_who_asked(lived: Lived) -> None:
    assert len(STOP_REASONS) == 5
    case = lived.case()
    page = lived.browser(lived.owner).get(f"/cases/{case.ref}/stop-publicity").text
    reasons = page.partition('name="reason"')[2].partition("</select>")[0]
    assert reasons.count("<option") == 5
    assert "family" not in reasons.lower()
    with pytest.raises(Refused) as refusal:
        stop(lived, case, reason="family")
    assert refusal.value.field == "reason"


def test_nothing_opens_while_it_is_stopped(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    hearing = lived.hearing(case, audience=VOLUNTEERS)
    closed = lived.hearing(case)
    stop(lived, case)
    lived.agrees(case)
    with pytest.raises(Refused, match="second person") as refusal:
        open_again(lived, case)
    assert refusal.value.field == "audience"
    db.session.rollback()
    with lived.at() as session, pytest.raises(Refused) as refusal:
        edit_hearing(session, session.get_one(Hearing, closed.id), version=1, audience=VOLUNTEERS)
    assert refusal.value.field == "audience"
    db.session.rollback()
    with pytest.raises(Refused):
        lived.hearing(case, audience=VOLUNTEERS)
    db.session.rollback()
    browser = lived.browser(lived.owner)
    answer = browser.fill(
        f"/cases/{case.ref}/entries/new", kind="person.released", day="2024-03-10", audience="volunteers"
    )
    assert answer.status_code == 422
    assert "Publicity of this case is stopped" in answer.text
    with lived.at(NOW.replace(month=4, day=8, hour=12)) as session:
        record_outcome(session, session.get_one(Hearing, hearing.id), outcome="adjourned", version=1)
    assert lived.fresh(hearing).state == "adjourned"


def test_mail_that_waits_for_others_is_left_out_at_once(lived: Lived) -> None:
    assert "stop:reminders" in parts.codes()
    case = lived.case(audience=VOLUNTEERS)
    lived.hearing(case, audience=VOLUNTEERS)
    with lived.at() as session:
        for user in (lived.outsider, lived.colleague):
            follow(session, session.merge(user), case=session.get_one(Case, case.id), now=NOW)
    plan_step(FOUR_DAYS_BEFORE)
    db.session.rollback()
    assert {m.state for m in db.session.scalars(select(Message))} == {"waiting"}
    stop(lived, case, now=FOUR_DAYS_BEFORE)
    db.session.rollback()
    found = db.session.scalars(select(Message)).all()
    readers = {r.id: r.user_id for r in db.session.scalars(select(Recipient))}
    ended = {(readers[m.recipient_id], m.state, m.reason) for m in found if m.state != "waiting"}
    assert ended == {(lived.outsider.id, "skipped", "publicity of the case was stopped")}
    waiting = {readers[m.recipient_id] for m in found if m.state == "waiting"}
    assert waiting == {lived.owner.id, lived.colleague.id}, "who keeps it, and who follows it on the desk"


def test_resuming_needs_two(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    with lived.at() as session, pytest.raises(Refused, match="not stopped"):
        service.ask_to_resume(session, session.get_one(Case, case.id), lived.owner)
    stop(lived, case)
    with lived.at() as session, pytest.raises(Refused, match="Nobody has asked"):
        service.resume_publicity(session, session.get_one(Case, case.id), lived.owner)
    with pytest.raises(Refused, match="second person"):
        resume(lived, case, lived.owner, lived.owner)
    db.session.rollback()
    with lived.at(by=lived.colleague) as session, pytest.raises(Refused, match="keeps the case"):
        service.resume_publicity(session, session.get_one(Case, case.id), lived.colleague)
    assert now_of(case).publicity_stopped_at == NOW
    coordinator = make_account("lead@example.org", desk="iopt", coordinator=True)
    with lived.at(by=coordinator) as session:
        service.resume_publicity(session, session.get_one(Case, case.id), coordinator)
    held = now_of(case)
    assert (held.publicity_stopped_at, held.publicity_stopped_reason, held.audience) == (None, "", DESK)
    with pytest.raises(Refused, match="withdrawn"):
        open_again(lived, case)
    db.session.rollback()
    assert "publicity.resumed" in db.session.scalars(select(Entry.kind)).all()


def test_a_new_stop_takes_back_what_was_asked(lived: Lived) -> None:
    case = lived.case()
    stop(lived, case)
    with lived.at(by=lived.owner) as session:
        service.ask_to_resume(session, session.get_one(Case, case.id), lived.owner)
    stop(lived, case)
    assert now_of(case).resume_asked_at is None


def test_on_the_pages_one_asks_and_another_agrees(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    owner, colleague = lived.browser(lived.owner), lived.browser(lived.colleague)
    assert colleague.fill(f"/cases/{case.ref}/stop-publicity", reason="safety").status_code == 303
    assert colleague.fill(f"/cases/{case.ref}/resume-publicity").status_code == 303
    assert "form-frame" not in colleague.get(f"/cases/{case.ref}/resume-publicity").text
    assert now_of(case).resume_asked_by == lived.colleague.id
    assert owner.fill(f"/cases/{case.ref}/resume-publicity").status_code == 303
    assert now_of(case).publicity_stopped_at is None
    acts = db.session.scalars(select(Act).where(Act.act.like("consent.%")).order_by(Act.seq)).all()
    assert [(a.act, a.actor_id) for a in acts] == [
        ("consent.stop", lived.colleague.id),
        ("consent.resume", lived.colleague.id),
        ("consent.resume", lived.owner.id),
    ]


def test_any_coordinator_stops_any_case_and_learns_nothing(lived: Lived) -> None:
    case = lived.case(audience=Audience.NAMED)
    afar = make_account("afar@example.org", desk="mena", coordinator=True)
    browser = lived.browser(afar)
    answers = []
    for ref in (case.ref, case.ref.lower(), "IOPT-9999", "nothing at all"):
        sent = browser.fill("/stop-publicity", ref=ref, reason="asked")
        said = browser.get("/stop-publicity").text.count("If there is")
        answers.append((sent.status_code, sent.headers["Location"], said))
    assert set(answers) == {(303, "/stop-publicity", 1)}
    held = now_of(case)
    assert (held.publicity_stopped_by, held.audience) == (afar.id, Audience.NAMED)
    assert browser.get(f"/cases/{case.ref}").status_code == 404
    (act,) = db.session.scalars(select(Act).where(Act.act == "consent.stop", Act.case_id == case.id))
    assert act.actor_id == afar.id
    for user in (lived.colleague, lived.volunteer):
        assert lived.browser(user).get("/stop-publicity").status_code == 403
    assert "/stop-publicity" in browser.get("/").text
    assert "/stop-publicity" not in lived.browser(lived.colleague).get("/").text


def test_people_of_another_desk_cannot_tell_a_stopped_case_from_none(lived: Lived) -> None:
    case = lived.case()
    browser = lived.browser(lived.outsider)
    person = db.session.scalars(select(Consent.id)).all()
    assert person == []
    for path in ("stop-publicity", "resume-publicity"):
        assert browser.get(f"/cases/{case.ref}/{path}").status_code == 404
        assert browser.get(f"/cases/IOPT-9999/{path}").status_code == 404


@pytest.mark.one_engine
def test_a_stop_is_sent_once_however_often_it_is_pressed(lived: Lived) -> None:
    case = lived.case(audience=VOLUNTEERS)
    browser = lived.browser(lived.owner)
    fields = browser.filled(f"/cases/{case.ref}/stop-publicity", reason="quiet")
    assert [browser.send(f"/cases/{case.ref}/stop-publicity", fields).status_code for _n in range(2)] == [303, 303]
    db.session.rollback()
    assert len(db.session.scalars(select(Entry).where(Entry.kind == "publicity.stopped")).all()) == 1
    assert date(2024, 3, 18) == db.session.scalars(select(Consent.given_on).where(Consent.answer == "withdrawn")).one()


@pytest.mark.only_postgres
def test_a_stop_waits_for_who_resumes_at_that_moment_and_holds_after_them(lived: Lived) -> None:
    case = lived.case()
    stop(lived, case)
    with lived.at(by=lived.owner) as session:
        service.ask_to_resume(session, session.get_one(Case, case.id), lived.owner)
    read, go = threading.Event(), threading.Event()

    def stop_again() -> None:
        with lived.app.app_context():
            with lived.at() as session:
                mine = session.get_one(Case, case.id)
                assert mine.publicity_stopped_at is not None
                read.set()
                go.wait(20)
                service.stop_publicity(session, mine, reason="safety")
            db.session.remove()

    stopping = threading.Thread(target=stop_again)
    stopping.start()
    assert read.wait(20)
    with lived.at(by=lived.colleague) as session:
        keeper = session.get_one(User, lived.colleague.id)
        mine = session.get_one(Case, case.id)
        mine.deputy_id = keeper.id
        service.resume_publicity(session, mine, keeper)
    go.set()
    stopping.join(20)
    assert now_of(case).publicity_stopped_reason == "safety"
