"""The weekly agenda of a desk: once a week, one mail a person, nothing when there is nothing to tell."""

import re
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from flask import Flask
from house_of_cases import ZONE, Lived, lived, statements
from mail_sink import Mail, MailSink
from signed_in import form_token, make_account, sign_in
from sqlalchemy import select

from tracker.accounts.models import Membership
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.clockwork.kinds import steps
from tracker.digests.planning import plan_step
from tracker.flags.models import Flag
from tracker.flags.sweep import sweep_flags
from tracker.hearings.rules import in_window, on_day
from tracker.hearings.service import cancel_hearing
from tracker.outbox.deliver import deliver
from tracker.outbox.kinds import kinds
from tracker.outbox.models import Message, Recipient
from tracker.reminders.service import follow

#: The first working morning of the desk's week, eight o'clock in Jerusalem.
SUNDAY = "2024-04-07T05:00:00"


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


class Week:
    """Lets the clock tick and looks at the digests."""

    def __init__(self, house: Lived, sink: MailSink) -> None:
        self.house, self.sink = house, sink

    def tick(self, now: str = SUNDAY, flags: bool = False) -> list[str]:
        """Plan and deliver at an instant (UTC); whom a digest came for."""
        instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
        before = len(self.sink.mails)
        with clock.fixed_at(instant):
            if flags:
                sweep_flags(instant)
            plan_step(instant)
            deliver(instant)
        db.session.rollback()
        digests = [mail for mail in self.sink.mails[before:] if mail.kind == "digest"]
        return sorted(mail.recipients[0].partition("@")[0] for mail in digests)

    def mail(self) -> Mail:
        """The last digest."""
        return [mail for mail in self.sink.mails if mail.kind == "digest"][-1]

    def change(self, row: Any, **values: Any) -> None:
        """Set columns of a stored row."""
        with unit_of_work("tests", COMMAND):
            found = db.session.get_one(type(row), row.id)
            for name, value in values.items():
                setattr(found, name, value)

    def states(self) -> list[tuple[str, str]]:
        """(state, reason) of every digest there is a row of."""
        rows = db.session.execute(
            select(Message.state, Message.reason).where(Message.kind == "digest").order_by(Message.id)
        )
        return [(state, reason) for state, reason in rows]


@pytest.fixture
def week(lived: Lived, mail_sink: MailSink) -> Week:
    """A desk with an owner and a colleague, from Sunday to Thursday."""
    return Week(lived, mail_sink)


def test_the_kind_and_the_step_are_announced(app: Flask) -> None:
    assert kinds.get("digest").if_unsure == "retry_once"
    assert steps.get("digests.plan").turn == "plan"


def test_whoever_does_not_follow_is_told_of_the_coming_hearings_once(week: Week) -> None:
    case = week.house.case()
    week.house.hearing(case)
    assert week.tick("2024-04-07T04:59:59") == []
    assert week.tick() == ["colleague"]
    mail = week.mail()
    assert mail.message["X-Tracker-Kind"] == "digest"
    assert mail.message["Subject"] == "This week: 1 hearing"
    assert f"Mon 8 Apr 2024, 09:30 Asia/Jerusalem: hearing, Haifa District Court, {case.nickname} ({case.ref})" in (
        mail.text.replace("\u2068", "").replace("\u2069", "")
    )
    assert "Khalefa" not in f"{mail.message['Subject']} {mail.text} {mail.html}"
    assert [week.tick(at) for at in ("2024-04-07T05:01:00", "2024-04-08T06:00:00", "2024-04-13T06:00:00")] == [[]] * 3
    # The week after has no hearing: nothing leaves, and that is on record.
    assert week.tick("2024-04-14T05:00:00") == []
    assert ("skipped", "there was nothing to tell") in week.states()


def test_followers_of_the_desk_get_their_reminders_instead(week: Week) -> None:
    week.house.hearing(week.house.case())
    with week.house.at() as session:
        follow(session, session.merge(week.house.colleague), desk=session.merge(week.house.desk), now=clock.now())
    assert week.tick() == []
    assert not week.states() or {state for state, _reason in week.states()} == {"skipped"}


def test_followers_of_the_case_are_told_of_the_others(week: Week) -> None:
    followed, other = week.house.case(), week.house.case()
    week.house.hearing(followed)
    week.house.hearing(other)
    with week.house.at() as session:
        follow(session, session.merge(week.house.colleague), case=session.merge(followed), now=clock.now())
    assert week.tick() == ["colleague"]
    assert other.ref in week.mail().text
    assert followed.ref not in week.mail().text


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (on_day(ZONE, date(2024, 4, 7)), True),
        (on_day(ZONE, date(2024, 4, 6)), False),
        (on_day(ZONE, date(2024, 4, 14), time(7, 59)), True),
        (on_day(ZONE, date(2024, 4, 14), time(8)), False),
        (in_window(ZONE, "month", date(2024, 4, 1)), True),
        (in_window(ZONE, "not_set"), False),
    ],
)
def test_coming_are_seven_days(week: Week, when: Any, told: bool) -> None:
    week.house.hearing(week.house.case(), when=when, unlikely_is_meant=True)
    assert week.tick() == (["colleague"] if told else [])


def test_cases_that_need_somebody_are_told_worst_first_and_no_more_than_twenty(week: Week) -> None:
    risks = ["low"] * 10 + ["critical"] + ["medium"] * 10 + ["high"]
    cases = [week.house.case(risk=risk, owner=False) for risk in risks]
    assert week.tick(flags=True) == ["colleague", "owner"]
    text = week.mail().text.replace("\u2068", "").replace("\u2069", "")
    told = [line for line in text.splitlines() if "risk:" in line]
    assert len(told) == 20
    assert [line.split("), ")[1].split(" ")[0] for line in told] == ["critical", "high", *["medium"] * 10, *["low"] * 8]
    assert cases[10].ref in told[0]
    assert "nobody keeps it" in told[0]
    assert "and 2 more" in text
    assert week.mail().message["Subject"] == "This week: 22 cases need somebody"


def test_what_somebody_has_seen_to_is_left_out(week: Week) -> None:
    case = week.house.case(owner=False)
    sweep_flags(datetime(2024, 4, 7, 4, tzinfo=UTC))
    for flag in db.session.scalars(select(Flag).where(Flag.case_id == case.id)).all():
        week.change(flag, acknowledged_at=clock.now())
    assert week.tick() == []


def test_nobody_is_told_of_what_they_may_not_see(week: Week) -> None:
    week.house.hearing(week.house.case(audience=Audience.NAMED))
    week.house.hearing(week.house.case(), audience=Audience.NAMED)
    assert week.tick() == []
    assert set(week.states()) == {("skipped", "there was nothing to tell")}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"away_until": date(2024, 4, 6)}, True),
        ({"away_until": date(2024, 4, 7)}, False),
        ({"active": False}, False),
        ({"role": "volunteer"}, False),
    ],
)
def test_those_who_are_here_and_keep_cases_are_told(week: Week, values: dict[str, Any], told: bool) -> None:
    week.house.hearing(week.house.case())
    week.change(week.house.colleague, **values)
    assert week.tick() == (["colleague"] if told else [])


def test_eight_is_eight_where_the_reader_is(week: Week) -> None:
    week.house.hearing(week.house.case())
    week.change(week.house.colleague, zone="Europe/London")
    assert week.tick("2024-04-07T06:59:59") == []
    assert week.tick("2024-04-07T07:00:00") == ["colleague"]


def test_after_a_stop_of_the_clock_it_comes_late_but_not_days_late(week: Week) -> None:
    week.house.hearing(week.house.case(), when=on_day(ZONE, date(2024, 4, 10)))
    assert week.tick("2024-04-09T05:00:00") == []
    assert week.tick("2024-04-09T04:59:00") == ["colleague"]


def test_of_several_desks_it_is_one_mail(week: Week) -> None:
    week.house.hearing(week.house.case())
    there = week.house.case(desk=week.house.other_desk, owner=False)
    week.change(there, owner_id=week.house.owner.id)
    week.house.hearing(there)
    with unit_of_work("tests", COMMAND):
        db.session.add(Membership(user_id=week.house.colleague.id, desk_id=week.house.other_desk.id))
    assert week.tick().count("colleague") == 1
    assert week.mail().text.count("/cases/") == 2
    assert "outsider" in week.tick("2024-04-08T06:00:00")
    assert "colleague" not in week.tick("2024-04-08T06:01:00")


def test_what_has_become_empty_before_it_leaves_is_skipped(week: Week) -> None:
    fresh = datetime(2024, 4, 4, 9, tzinfo=UTC)
    hearing = week.house.hearing(week.house.case(now=fresh), now=fresh)
    with clock.fixed_at(datetime(2024, 4, 7, 5, tzinfo=UTC)):
        plan_step(clock.now())
    with week.house.at(datetime(2024, 4, 7, 5, tzinfo=UTC)) as session:
        cancel_hearing(session, session.merge(hearing), version=1)
    assert week.tick("2024-04-07T05:00:30") == []
    assert set(week.states()) == {("skipped", "there was nothing to tell")}


def test_mail_programs_are_offered_no_stop_of_their_own(week: Week) -> None:
    week.house.hearing(week.house.case())
    week.tick()
    assert [name for name in week.mail().message if name.lower().startswith("list-")] == []


# Switched off ---------------------------------------------------------------------------------------------------------


def test_the_page_behind_its_link_stops_it_and_takes_it_back(week: Week, app: Flask) -> None:
    week.house.hearing(week.house.case())
    week.tick()
    found = re.search(r"/digests/stop/[\w.-]+", week.mail().text)
    assert found is not None
    path = found[0]
    stranger = app.test_client()
    assert "will no longer be sent" in stranger.get(path).text
    assert wants(week) is True
    assert stranger.post(path).status_code == 303
    assert wants(week) is False
    week.house.hearing(week.house.case(), when=on_day(ZONE, date(2024, 4, 16)))
    assert week.tick("2024-04-14T05:00:00") == []
    assert stranger.post(path.replace("/stop/", "/resume/")).status_code == 303
    assert wants(week) is True
    for wrong in (path[:-1], path + "0", "/digests/stop/1.", "/digests/stop/x", "/digests/stop/" + "9" * 30 + ".a"):
        assert stranger.post(wrong).status_code == 404


def test_the_account_page_switches_it_off_and_on(week: Week, app: Flask) -> None:
    browser = sign_in(app, week.house.colleague)
    token = form_token(browser)
    assert browser.post("/digests", data={"csrf_token": token, "wanted": "no"}).status_code == 303
    assert wants(week) is False
    assert "You have switched it off." in browser.get("/account").text
    browser.post("/digests", data={"csrf_token": token, "wanted": "yes"})
    assert wants(week) is True


def wants(week: Week) -> bool:
    """Whether the colleague wants it."""
    db.session.rollback()
    return db.session.scalars(select(Recipient.wants_digest).where(Recipient.user_id == week.house.colleague.id)).one()


def test_the_cost_of_a_plan_does_not_grow_with_readers_and_cases(week: Week) -> None:
    with statements() as quiet:
        plan_step(datetime(2024, 4, 10, 9, tzinfo=UTC))
    assert len(quiet.said) <= 6
    for number in range(12):
        make_account(f"reader{number}@example.org", desk="iopt")
        week.house.hearing(week.house.case())
    with statements() as many:
        plan_step(datetime(2024, 4, 7, 5, tzinfo=UTC))
    assert len(many.said) <= 11


__all__ = ["lived"]
