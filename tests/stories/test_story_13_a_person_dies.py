"""A person dies: does the family know, and may we tell? That gates everything that goes outward."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from actions_ground import action, open_case
from house_of_cases import NOW, ZONE, Lived, utc
from mail_sink import Mail

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.consent.service import decide_without_name
from tracker.hearings.rules import on_day
from tracker.people.models import Person
from tracker.reminders.service import follow

DIED = utc("2024-04-02T10:00")


def test_nothing_goes_outward_until_the_family_has_spoken(
    lived: Lived, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = lived.case("Walid Daqqah", audience=Audience.VOLUNTEERS)
    lived.agrees(case, "name", speaker="person")
    lived.hearing(case, when=on_day(ZONE, date(2024, 4, 8), time(9, 30)), audience=Audience.VOLUNTEERS)
    with lived.at() as session:
        follow(session, session.merge(lived.outsider), case=session.get_one(Case, case.id), now=NOW)
    assert [m for m in mails_at(utc("2024-04-01T06:00")) if lived.outsider.email in str(m.message["To"])]
    owner, volunteer = lived.browser(lived.owner, DIED), lived.browser(lived.volunteer, DIED)
    assert "Walid Daqqah" in volunteer.get(f"/cases/{case.ref}").text

    lived.tell(case, "person.died_in_custody", "2024-04-02", now=DIED, audience=Audience.VOLUNTEERS)

    assert volunteer.get(f"/cases/{case.ref}").status_code == 404
    assert lived.fresh(case).audience == Audience.DESK
    for days in range(1, 7):
        for mail in mails_at(DIED + timedelta(days=days)):
            assert lived.outsider.email not in str(mail.message["To"])
    person = db.session.get_one(Person, lived.person(case))
    address = f"/cases/{case.ref}/people/{person.public_id}/consent"
    assert "Does the family know, and may we tell?" in owner.get(address).text
    asked = owner.fill(f"/cases/{case.ref}/edit", audience="volunteers")
    assert asked.status_code == 422
    assert "does the family know, and may we tell?" in asked.text

    with lived.at(DIED) as session:
        decide_without_name(session, session.get_one(Case, case.id), person.id, reason="nobody_to_ask")
    assert owner.fill(f"/cases/{case.ref}/edit", audience="volunteers").status_code == 422

    said = owner.fill(f"{address}/new", answer="agreed", speaker="family", subjects=["public"], up_to="volunteers")
    assert said.status_code == 303
    assert owner.fill_and_read(f"/cases/{case.ref}/edit", audience="volunteers").status_code == 303
    page = volunteer.get(f"/cases/{case.ref}").text
    assert "W.D." in page
    assert "Daqqah" not in page, "what the person agreed to names them no more; the family has not said so"


def test_actions_are_on_hold_at_once_and_those_who_wrote_are_told_to_stop_and_nothing_more(
    lived: Lived, mails_at: Callable[[datetime], list[Mail]]
) -> None:
    case = open_case(lived, "Walid Daqqah", title="Walid Daqqah is ill in prison")
    written = action(lived, case)
    address = f"/actions/{written.public_id}"
    volunteer = lived.browser(lived.volunteer)
    assert volunteer.send(f"{address}/did-it", volunteer.filled(address, channel="letter")).status_code == 303
    mails_at(DIED - timedelta(hours=1))

    lived.tell(case, "person.died_in_custody", "2024-04-02", now=DIED, audience=Audience.VOLUNTEERS)

    assert lived.fresh(written).state == "on_hold"
    volunteer.now = DIED
    page = volunteer.get(address).text
    assert "Please do not write." in page
    for word in ("Daqqah", case.nickname, "died", "Thank you", "counted", "mailto:"):
        assert word not in page
    assert volunteer.send(f"{address}/did-it", {}).status_code in (400, 409)
    (told,) = [m for m in mails_at(DIED + timedelta(minutes=1)) if lived.volunteer.email in m.recipients]
    said = f"{told.message['Subject']} {told.text}"
    for word in ("Daqqah", case.nickname, "died", "death", "Thank"):
        assert word not in said
    assert "Do not write again" in said
    for days in range(1, 20):
        assert not [m for m in mails_at(DIED + timedelta(days=days)) if lived.volunteer.email in m.recipients]
