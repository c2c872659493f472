"""Whoever loses sight of a case has lost it at the very next look: on an open page, in a form that was open already, in
lists and search, in their calendar, behind the links of old mails, and in mail that waits, however far it has come."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from house_of_cases import NOW, ZONE, Lived, lived
from mail_sink import MailSink
from outbox_ground import WatchedSink
from signed_in import form_token
from sqlalchemy import delete, select

from tracker.accounts import service as accounts
from tracker.accounts.models import Membership, User
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.cases.service import edit_case
from tracker.digests import planning as digests
from tracker.flags.sweep import sweep_flags
from tracker.hearings.rules import on_day
from tracker.outbox.deliver import deliver
from tracker.outbox.models import Message, Recipient
from tracker.reminders.planning import plan_step
from tracker.reminders.service import follow
from tracker.reminders.tokens import stop_token

pytestmark = pytest.mark.one_engine

#: The morning on which the reminder of the day before goes out.
DUE = datetime.fromisoformat("2024-04-07T05:00:00+00:00")

#: The first working morning of the desk's week.
SUNDAY = DUE


@pytest.fixture
def mail_sink() -> Iterator[MailSink]:
    """A mail server during whose answer to RCPT something else happens."""
    sink = WatchedSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


def _off_the_desk(session: Any, user: User, _case: Case) -> None:
    session.execute(delete(Membership).where(Membership.user_id == user.id))


def _role_cut(session: Any, user: User, _case: Case) -> None:
    accounts.change_role(session, user, "volunteer", NOW)


def _disabled(session: Any, user: User, _case: Case) -> None:
    accounts.disable(session, user, NOW)


def _un_named(session: Any, _user: User, case: Case) -> None:
    edit_case(session, case, version=case.version, named=[])


def _closed(session: Any, _user: User, case: Case) -> None:
    edit_case(session, case, version=case.version, audience=Audience.NAMED)


def _lowered(session: Any, _user: User, case: Case) -> None:
    edit_case(session, case, version=case.version, audience=Audience.DESK)


#: How sight is lost: (who reads, what the case is open to before, what happens).
WAYS: dict[str, tuple[str, Audience, Callable[[Any, User, Case], None]]] = {
    "taken off the desk": ("colleague", Audience.DESK, _off_the_desk),
    "role cut": ("colleague", Audience.DESK, _role_cut),
    "disabled": ("colleague", Audience.DESK, _disabled),
    "un-named": ("outsider", Audience.NAMED, _un_named),
    "closed to the named": ("colleague", Audience.DESK, _closed),
    "opened no further than the desk": ("outsider", Audience.VOLUNTEERS, _lowered),
}


class Sight:
    """A case with a hearing, and somebody who follows it and is about to lose sight of it."""

    def __init__(self, house: Lived, way: str) -> None:
        self.house = house
        who, audience, self.change = WAYS[way]
        self.user: User = getattr(house, who)
        self.case = house.case("Ahmad Khalefa", title="The raid", audience=audience, risk="critical")
        self.marks = (self.case.ref, "The raid", "Khalefa", "A.K.", "Haifa District", self.case.nickname)
        with house.at() as session:
            user, case = session.merge(self.user), session.merge(self.case)
            if way == "un-named":
                edit_case(session, case, version=case.version, named=[user])
        self.hearing = house.hearing(self.case, when=on_day(ZONE, date(2024, 4, 8)), audience=audience)
        with house.at() as session:
            follow(session, session.merge(self.user), case=session.merge(self.case), now=NOW)

    def lose(self) -> None:
        """Lose sight of it."""
        db.session.rollback()
        with self.house.at() as session:
            self.change(session, session.get_one(User, self.user.id), session.get_one(Case, self.case.id))

    def recipient(self) -> int:
        """The recipient of whoever follows."""
        found = db.session.scalar(select(Recipient.id).where(Recipient.user_id == self.user.id))
        assert found is not None
        return found

    def says(self, text: str) -> list[str]:
        """What of the case a text says."""
        return [mark for mark in self.marks if mark in text]


@pytest.fixture(params=list(WAYS))
def sight(lived: Lived, request: pytest.FixtureRequest) -> Sight:
    """Each way to lose it."""
    return Sight(lived, request.param)


def test_an_open_page_a_form_and_every_list(sight: Sight) -> None:
    house, ref = sight.house, sight.case.ref
    sweep_flags(NOW)
    browser = house.browser(sight.user)
    assert browser.get(f"/cases/{ref}").status_code == 200
    with clock.fixed_at(NOW):
        token = form_token(browser.client)
    keeps = browser.get(f"/cases/{ref}/edit").status_code == 200
    forms = {
        f"/cases/{ref}/check": {"csrf_token": token},
        f"/reminders/cases/{ref}/stop": {"csrf_token": token},
    }
    if keeps:
        for path in ("edit", "hearings/new", f"hearings/{sight.hearing.public_id}/cancel"):
            forms[f"/cases/{ref}/{path}"] = browser.filled(f"/cases/{ref}/{path}")
    before = [entry.id for entry in house.entries(sight.case)]
    sight.lose()
    for where, fields in forms.items():
        answer = browser.send(where, fields)
        assert answer.status_code in (400, 403, 404), where
        assert not sight.says(answer.text.replace(where, "")), where
    assert [entry.id for entry in house.entries(sight.case)] == before
    asked = (
        *("/", "/cases", "/cases?scope=others", f"/cases?q={ref}", "/cases?q=Khalefa", "/hearings", "/reminders"),
        *("/service", "/service/dry-run", "/intake", "/calendar", "/account", f"/cases/{ref}", f"/cases/{ref}/edit"),
    )
    for where in asked:
        answer = browser.get(where)
        if answer.status_code == 303:  # signed out by it: to the way in, which repeats what was asked
            continue
        page = answer.text.replace(f'value="{ref}"', "").replace('value="Khalefa"', "").replace(f"/cases/{ref}", "")
        assert not sight.says(page.replace(f"%2Fcases%2F{ref}", "")), where
        if where.startswith(f"/cases/{ref}"):
            assert answer.status_code in (303, 403, 404), where
    if db.session.get_one(User, sight.user.id).active:
        # Whoever was signed out by it signs in again, and sees no more.
        anew = house.browser(sight.user)
        assert anew.get(f"/cases/{ref}").status_code == 404
        assert not sight.says(anew.get("/cases?scope=others").text + anew.get("/cases").text + anew.get("/").text)


def test_what_is_counted(sight: Sight) -> None:
    """Nothing that is counted on a page counts a case that is gone."""
    sweep_flags(NOW)
    pages = ("/", "/cases", "/hearings", "/reminders")

    def numbers() -> list[list[str]]:
        import re

        browser = sight.house.browser(sight.user)
        return [re.findall(r'class="count">\\D*(\\d+)', browser.get(where).text) for where in pages]

    sight.lose()
    if not db.session.get_one(User, sight.user.id).active:
        return
    with_it = numbers()
    with sight.house.at() as session:
        session.get_one(Case, sight.case.id).stage = "closed"
    sight.house.tell(sight.case, "case.news", text="so that it is settled anew")
    assert numbers() == with_it


def test_the_calendar(sight: Sight, app: Flask) -> None:
    from tracker.calendar.service import renew_feed

    if sight.user.role == "volunteer":
        return
    with sight.house.at() as session:
        secret = renew_feed(session, session.merge(sight.user), NOW)

    def read() -> Any:
        with clock.fixed_at(NOW):
            return app.test_client().get(f"/calendar/{secret}.ics")

    assert sight.says(read().text.replace("\\r\\n ", ""))
    sight.lose()
    answer = read()
    assert answer.status_code in (200, 404)
    assert "BEGIN:VEVENT" not in answer.text
    assert not sight.says(answer.text.replace("\\r\\n ", ""))


def test_the_links_of_old_mails(sight: Sight, app: Flask) -> None:
    word = stop_token(sight.recipient(), [sight.case.id])
    stranger = app.test_client()
    assert sight.says(stranger.get(f"/reminders/stop/{word}").text)
    sight.lose()
    for answer in (
        stranger.get(f"/reminders/stop/{word}"),
        stranger.post(f"/reminders/stop/{word}"),
        stranger.post(f"/reminders/resume/{word}"),
        stranger.get(f"/reminders/stop/{word}"),
    ):
        assert not sight.says(answer.text)


@pytest.mark.parametrize("when", ["before it is planned", "while it waits", "while it is handed over"])
def test_a_reminder_that_waits(sight: Sight, mail_sink: WatchedSink, app: Flask, when: str) -> None:
    def elsewhere() -> None:
        with app.app_context():
            sight.lose()
            db.session.remove()

    if when == "before it is planned":
        sight.lose()
    with clock.fixed_at(DUE):
        plan_step(DUE)
        if when == "while it waits":
            sight.lose()
        if when == "while it is handed over":
            # Others are written to as well: whoever is spoken of first, it happens before any content leaves.
            mail_sink.at_rcpt.append(elsewhere)
        plan_step(DUE)
        deliver(DUE)
    db.session.rollback()
    assert not [mail.text for mail in mail_sink.to(sight.user.email) if sight.says(mail.text)]
    states = set(db.session.scalars(select(Message.state).where(Message.recipient_id == sight.recipient())))
    assert "sent" not in states


def test_the_weekly_agenda(sight: Sight, mail_sink: WatchedSink) -> None:
    with sight.house.at() as session:
        from tracker.reminders.service import stop

        # Whoever follows a case hears of it as such; the agenda is for the others.
        stop(session, session.merge(sight.user), case=session.merge(sight.case), now=NOW)
    sight.lose()
    with clock.fixed_at(SUNDAY):
        sweep_flags(SUNDAY)
        digests.plan_step(SUNDAY)
        deliver(SUNDAY)
    assert not [mail for mail in mail_sink.to(sight.user.email) if sight.says(mail.text)]


def test_an_agenda_written_before_is_written_again(lived: Lived, mail_sink: WatchedSink, app: Flask) -> None:
    """It is composed, and its mail is being handed over, when the case is closed to its reader: what leaves does not
    name it."""
    sight = Sight(lived, "closed to the named")
    other = lived.case("Nadia Halabi", title="Another", risk="critical")
    lived.hearing(other, when=on_day(ZONE, date(2024, 4, 8)))
    with lived.at() as session:
        from tracker.reminders.service import stop

        stop(session, session.merge(sight.user), case=session.merge(sight.case), now=NOW)

    def elsewhere() -> None:
        with app.app_context():
            sight.lose()
            db.session.remove()

    for _each in range(3):
        mail_sink.at_rcpt.append(elsewhere if _each == 0 else lambda: None)
    with clock.fixed_at(SUNDAY):
        digests.plan_step(SUNDAY)
        deliver(SUNDAY)
        deliver(SUNDAY + timedelta(minutes=10))
    mails = mail_sink.to(sight.user.email)
    assert mails
    assert not [mail.text for mail in mails if sight.case.ref in mail.text or "Khalefa" in mail.text]


__all__ = ["lived"]
