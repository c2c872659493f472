"""A family asks at 22:00 to stop all publicity."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from browsing import press_and_wait
from flask import Flask
from house_of_cases import ZONE, Lived, enter, utc
from mail_sink import Mail
from signed_in import form_token, make_account
from sqlalchemy import select

from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.consent.models import Consent
from tracker.hearings.rules import on_day
from tracker.outbox.models import Message, Recipient
from tracker.reminders.planning import plan_step
from tracker.reminders.service import follow

#: 22:04 in Jerusalem; the hearing is in a week.
LATE, HEARING = utc("2024-04-01T19:04"), on_day(ZONE, date(2024, 4, 8), time(9, 30))


def followed(lived: Lived) -> Case:
    """A case that is open to volunteers, by name, with a hearing ahead; somebody of another desk follows it."""
    case = lived.case("Khaled Al Serr", title="Khaled Al Serr disappeared", audience=Audience.VOLUNTEERS)
    lived.agrees(case, "name", speaker="person")
    lived.hearing(case, when=HEARING, audience=Audience.VOLUNTEERS)
    with lived.at() as session:
        follow(session, session.merge(lived.outsider), case=session.get_one(Case, case.id), now=LATE)
    return case


def to_outsider(lived: Lived) -> set[tuple[str, str]]:
    """What waits for, or went to, whoever follows from another desk: (state, reason)."""
    db.session.rollback()
    of = select(Recipient.id).where(Recipient.user_id == lived.outsider.id)
    return {(m.state, m.reason) for m in db.session.scalars(select(Message).where(Message.recipient_id.in_(of)))}


def test_one_confirmation_on_the_case_head(lived: Lived, live_server: Any, page: Any) -> None:
    case = followed(lived)
    live_server.at = LATE
    enter(page, live_server)
    page.goto(f"{live_server.url}/cases/{case.ref}")
    press_and_wait(page.get_by_role("link", name="Stop publicity"))
    page.get_by_label("Who asked").select_option("family")
    page.get_by_label("How").select_option("call")
    press_and_wait(page.get_by_role("button", name="Stop publicity now"))
    page.wait_for_url(f"{live_server.url}/cases/{case.ref}")
    said = page.inner_text("main")
    assert "Publicity is stopped since" in said
    assert "Consent withdrawn (by phone)" in said
    db.session.rollback()
    (word,) = db.session.scalars(select(Consent).where(Consent.answer == "withdrawn"))
    assert (word.speaker, word.how, word.recorded_at) == ("family", "call", LATE)
    assert lived.fresh(case).audience == Audience.DESK


def test_every_surface_is_closed_and_mail_that_waits_is_left_out(
    lived: Lived, app: Flask, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = followed(lived)
    plan_step(LATE - timedelta(hours=1))
    assert to_outsider(lived) == {("waiting", "")}
    outsider, volunteer = lived.browser(lived.outsider, LATE), lived.browser(lived.volunteer, LATE)
    with clock.fixed_at(LATE):
        token = form_token(outsider.client)
    outsider.send("/calendar/renew", {"csrf_token": token})
    feed = outsider.get("/calendar").text.partition('spellcheck="false">http://127.0.0.1:8000')[2].partition("<")[0]
    strange = app.test_client()
    with clock.fixed_at(LATE):
        assert case.ref in strange.get(feed).text
    for browser in (outsider, volunteer):
        assert "Khaled Al Serr" in browser.get(f"/cases/{case.ref}").text
        assert case.ref in browser.get("/cases?q=Serr&scope=others").text
    keeper = lived.browser(lived.owner, LATE)
    assert keeper.fill(f"/cases/{case.ref}/stop-publicity", reason="asked").status_code == 303
    assert to_outsider(lived) == {("skipped", "publicity of the case was stopped")}
    for browser in (outsider, volunteer):
        assert browser.get(f"/cases/{case.ref}").status_code == 404
        for address in ("/", "/cases?scope=others", "/cases?q=Serr&scope=others", "/hearings"):
            assert case.ref not in browser.get(address).text, address
    with clock.fixed_at(LATE):
        assert case.ref not in strange.get(feed).text
    gone = [mail for day in range(8) for mail in mails_at(LATE + timedelta(days=day))]
    assert gone, "the owner is reminded as before"
    assert not [mail for mail in gone if lived.outsider.email in str(mail.message["To"])]
    assert "Khaled Al Serr disappeared" in keeper.get(f"/cases/{case.ref}").text


def test_any_coordinator_by_its_reference_alone(lived: Lived) -> None:
    case = followed(lived)
    browser = lived.browser(make_account("afar@example.org", desk="mena", coordinator=True), LATE)
    says = "If there is such a case, its publicity is stopped now."
    for ref in (case.ref, "IOPT-9999"):
        assert browser.fill("/stop-publicity", ref=ref, reason="quiet", how="call").status_code == 303
        assert says in browser.get("/stop-publicity").text
    assert lived.fresh(case).audience == Audience.DESK


def test_whoever_keeps_it_is_told_when_somebody_else_stopped_it(
    lived: Lived, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    """`stop:consent`: at night, too; by nickname and reference, and in neutral words."""
    case = followed(lived)
    with lived.at() as session:
        session.get_one(Case, case.id).deputy_id = lived.colleague.id
    mails_at(LATE - timedelta(minutes=2))
    browser = lived.browser(make_account("afar@example.org", desk="mena", coordinator=True, name="Zenobia"), LATE)
    for _twice in range(2):
        assert browser.fill("/stop-publicity", ref=case.ref, reason="asked", how="call").status_code == 303
    told = [mail for mail in mails_at(LATE + timedelta(minutes=1)) if mail.kind == "publicity.told"]
    assert {mail.recipients for mail in told} == {(lived.owner.email,), (lived.colleague.email,)}
    assert len(told) == 2, "once for each stop"
    for mail in told:
        assert mail.message["Subject"] == f"Publicity stopped: {case.nickname} ({case.ref})"
        assert "Mon 1 Apr 2024, 22:04" in mail.text
        for word in ("Serr", "disappeared", "family", "Zenobia", "phone", "afar"):
            assert word not in mail.text + mail.html + str(mail.message["Subject"]), word
    assert mails_at(LATE + timedelta(minutes=2)) == []


def test_who_stops_it_is_not_told_of_it_and_nobody_once_it_is_resumed(
    lived: Lived, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = followed(lived)
    with lived.at() as session:
        session.get_one(Case, case.id).deputy_id = lived.colleague.id
    mails_at(LATE - timedelta(minutes=2))
    owner, colleague = lived.browser(lived.owner, LATE), lived.browser(lived.colleague, LATE)
    owner.fill(f"/cases/{case.ref}/stop-publicity", reason="asked")
    of = select(Message.state).where(Message.kind == "publicity.told")
    db.session.rollback()
    assert db.session.scalars(of).all() == ["waiting"]
    owner.fill(f"/cases/{case.ref}/resume-publicity")
    colleague.fill(f"/cases/{case.ref}/resume-publicity")
    assert [m for m in mails_at(LATE + timedelta(minutes=1)) if m.kind == "publicity.told"] == []
    db.session.rollback()
    assert db.session.scalars(of).all() == ["skipped"]


def test_to_resume_needs_a_second_person_and_consent(lived: Lived) -> None:
    case = followed(lived)
    owner, colleague = lived.browser(lived.owner, LATE), lived.browser(lived.colleague, LATE)
    owner.fill(f"/cases/{case.ref}/stop-publicity", reason="asked", speaker="family")
    again = owner.fill(f"/cases/{case.ref}/edit", audience="volunteers")
    assert again.status_code == 422
    assert "a second person has to agree" in again.text
    assert colleague.fill(f"/cases/{case.ref}/resume-publicity").status_code == 303
    assert owner.fill(f"/cases/{case.ref}/resume-publicity").status_code == 303
    again = owner.fill(f"/cases/{case.ref}/edit", audience="volunteers")
    assert again.status_code == 422
    assert "Khaled Al Serr: consent was withdrawn." in again.text
    lived.agrees(case, speaker="family", now=LATE)
    assert owner.fill_and_read(f"/cases/{case.ref}/edit", audience="volunteers").status_code == 303
    assert lived.fresh(case).audience == Audience.VOLUNTEERS
