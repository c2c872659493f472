"""An address stops working: real mails leave, a report about one comes back, and somebody else is told."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from house_of_cases import statements
from returned_mail import Returned, report
from signed_in import make_account
from sqlalchemy import func, select

from tracker.accounts.models import Desk, User
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case
from tracker.cli.bounces import read_bounces
from tracker.clockwork.kinds import steps
from tracker.flags.queries import list_flags
from tracker.flags.sweep import sweep_flags
from tracker.hearings.rules import on_day
from tracker.hearings.service import cancel_hearing, move_hearing
from tracker.outbox.bounces import UNREACHABLE, reach_again, stop_sending
from tracker.outbox.deliver import deliver
from tracker.outbox.models import Bounce, Recipient
from tracker.reminders import service
from tracker.reminders.bouncing import tell_of_bounced
from tracker.reminders.planning import plan_step

ZONE = "Asia/Jerusalem"


@pytest.fixture
def tracker_env(tracker_env: dict[str, str]) -> dict[str, str]:
    """The settings, with a mailbox for what comes back."""
    return {**tracker_env, "TRACKER_BOUNCE_TO": "bounces@example.org"}


class Post:
    """What comes back, and what the clock makes of it."""

    def __init__(self, court: Any, box: Returned) -> None:
        self.court, self.box = court, box

    def read(self, now: str) -> dict[str, int]:
        """Read the mailbox with the command."""
        with clock.fixed_at(at(now)):
            done = CliRunner().invoke(read_bounces, [str(self.box.path), "--json"])
        assert done.exit_code == 0, done.output
        said: dict[str, int] = json.loads(done.stdout)
        return said

    def tick(self, now: str) -> None:
        """All the steps that matter here, in their order."""
        instant = at(now)
        with clock.fixed_at(instant):
            sweep_flags(instant)
            plan_step(instant)
            tell_of_bounced(instant)
            deliver(instant)
        db.session.rollback()

    def bounces(self, user: User, now: str, status: str = "5.1.1") -> None:
        """The mail that came last to somebody comes back and is read, and the clock ticks."""
        mail = self.court.sink.to(user.email)[-1]
        self.box.put(report(mail.sender, status, reader=user.email))
        self.read(now)
        self.tick(now)

    def flags(self) -> list[tuple[str, str | None, int]]:
        """(rule, whom it is about, severity) of the open flags about mail."""
        db.session.rollback()
        rules = ("address-bounced", "nobody-reachable")
        return sorted((f.rule, f.who, f.severity) for f in list_flags(db.session(), clock.now()) if f.rule in rules)


def at(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture
def post(court: Any, tmp_path: Path) -> Post:
    """An empty mailbox."""
    return Post(court, Returned(tmp_path / "back"))


def keep(case: Case, **people: User | None) -> None:
    """Say who keeps a case: `owner=`, `deputy=`."""
    with unit_of_work("tests", COMMAND):
        fresh = db.session.get_one(Case, case.id)
        for role, user in people.items():
            setattr(fresh, f"{role}_id", user.id if user else None)


def suppressed(user: User) -> Recipient:
    """How it stands with somebody's address."""
    db.session.rollback()
    return db.session.execute(
        select(Recipient).where(Recipient.user_id == user.id).execution_options(populate_existing=True)
    ).scalar_one()


def test_the_one_who_keeps_the_case_is_told_whom_to_tell(court: Any, post: Post) -> None:
    owner, follower = court.staff("owner@example.org"), court.follower("gone@example.org")
    case = court.case()
    keep(case, owner=owner)
    court.hearing(case, on_day(ZONE, date(2024, 4, 8), at("2024-04-08T09:30Z").time()))
    post.tick("2024-04-01T07:00Z")
    assert [len(court.mails(owner)), len(court.sink.to(follower.email))] == [1, 1]
    reminder = court.sink.to(follower.email)[0]
    post.box.put(report(reminder.sender, reader=follower.email))
    assert post.read("2024-04-01T08:00Z")["suppressed"] == 1
    # It was not delivered after all, and the plan says so.
    assert court.plan_of(follower)[0][1] == "not_delivered"
    post.tick("2024-04-01T08:01Z")
    (mail,) = court.mails(owner)
    assert mail.kind == "mail.bounced"
    assert (
        mail.message["Subject"] == f"Tell them another way: hearing Mon 8 Apr 2024 09:30, {case.nickname} ({case.ref})"
    )
    for said in ("Gone", "Monday 8 April 2024, 09:30 Asia/Jerusalem", "Haifa", "no such address (5.1.1)"):
        assert said in mail.text.replace("\u2068", "").replace("\u2069", ""), said
        assert said in mail.html.replace("\u2068", "").replace("\u2069", ""), said
    assert "gone@example.org" not in mail.text
    assert mail.message["List-Unsubscribe"] is None
    assert post.flags() == [("address-bounced", "Gone", 2)]
    # Once, whatever is read and however often the clock ticks; and nothing more goes to the address.
    assert post.read("2024-04-01T09:00Z")["hard"] == 0
    for later in ("2024-04-01T09:00Z", "2024-04-05T07:00Z", "2024-04-07T07:00Z", "2024-04-08T05:00Z"):
        post.tick(later)
    assert {m.kind for m in court.mails(owner)} == {"hearing.reminder"}
    assert len(court.sink.to(follower.email)) == 1
    assert db.session.scalar(select(func.count(Bounce.id))) == 1


@pytest.mark.one_engine
def test_a_forged_report_tells_nobody_anything(court: Any, post: Post) -> None:
    owner, follower = court.staff("owner@example.org"), court.follower("here@example.org")
    case = court.case()
    keep(case, owner=owner)
    court.hearing(case)
    post.tick("2024-04-01T07:00Z")
    court.mails(owner)
    sender = court.mails(follower)[0].sender
    post.box.put(report(sender.replace(".", ".a", 1)[: -len("example.org") - 1] + "example.org"))
    post.box.put(report("bounces+1.aaaaaaaaaaaaa@example.org"))
    assert post.read("2024-04-01T08:00Z")["unrecognised"] == 2
    post.tick("2024-04-05T07:00Z")
    assert [m.kind for m in court.mails(owner)] == ["hearing.reminder"]
    assert [m.kind for m in court.mails(follower)] == ["hearing.reminder"]
    assert post.flags() == []


def test_when_the_owner_is_gone_the_deputy_is_told_and_else_the_coordinators(court: Any, post: Post) -> None:
    owner, deputy = court.staff("owner@example.org"), court.staff("deputy@example.org")
    leads = [make_account(f"lead{n}@example.org", desk=court.desk.code, coordinator=True) for n in (1, 2)]
    with_deputy, alone = court.case(), court.case()
    keep(with_deputy, owner=owner, deputy=deputy)
    keep(alone, owner=owner)
    court.hearing(with_deputy)
    court.hearing(alone)
    post.tick("2024-04-01T07:00Z")
    court.mails(deputy)
    post.bounces(owner, "2024-04-01T08:00Z")
    (mail,) = court.mails(deputy)
    assert (mail.kind, with_deputy.ref in mail.text, alone.ref in mail.text) == ("mail.bounced", True, False)
    for lead in leads:
        (mail,) = court.mails(lead)
        assert (mail.kind, with_deputy.ref in mail.text, alone.ref in mail.text) == ("mail.bounced", False, True)
        assert "you coordinate the desk" in mail.text
    assert post.flags() == [("address-bounced", "Owner", 2)] * 2 + [("nobody-reachable", None, 3)]
    # Who is away does not count while somebody is there.
    with unit_of_work("tests", COMMAND):
        db.session.get_one(User, leads[0].id).away_until = date(2024, 4, 20)
    third = court.case()
    keep(third, owner=owner)
    court.hearing(third, now=at("2024-04-02T07:00Z"))
    post.tick("2024-04-02T07:05Z")
    assert [len(court.mails(lead)) for lead in leads] == [0, 1]


def test_a_hearing_that_moves_or_comes_into_sight_is_told_again_and_one_that_is_off_is_not(
    court: Any, post: Post
) -> None:
    owner, follower = court.staff("owner@example.org"), court.follower("gone@example.org")
    case = court.case()
    keep(case, owner=owner)
    first, off = court.hearing(case), court.hearing(case, on_day(ZONE, date(2024, 4, 9)))
    court.hearing(case, on_day(ZONE, date(2024, 4, 19)))
    post.tick("2024-04-02T07:00Z")
    court.mails(owner)
    post.bounces(follower, "2024-04-02T21:00Z")
    # Staff are left alone at night.
    assert court.mails(owner) == []
    court.act("2024-04-03T04:00Z", cancel_hearing, off)
    post.tick("2024-04-03T05:00Z")
    assert [m.kind for m in court.mails(owner) if m.kind != "hearing.changed"] == ["mail.bounced"]
    court.act("2024-04-03T09:00Z", move_hearing, first, on_day(ZONE, date(2024, 4, 10)))
    post.tick("2024-04-03T09:00Z")
    told = [m for m in court.mails(owner) if m.kind == "mail.bounced"]
    assert ["10 April 2024" in m.text for m in told] == [True]
    post.tick("2024-04-04T05:00Z")
    assert [m.kind for m in court.mails(owner) if m.kind == "mail.bounced"] == []
    post.tick("2024-04-05T05:00Z")
    told = [m for m in court.mails(owner) if m.kind == "mail.bounced"]
    assert ["19 April 2024" in m.text for m in told] == [True]


@pytest.mark.one_engine
def test_who_may_not_see_the_hearing_is_not_told(court: Any, post: Post) -> None:
    owner, follower = court.staff("owner@example.org"), court.follower("gone@example.org")
    lead = make_account("lead@example.org", desk=court.desk.code, coordinator=True)
    case = court.case()
    keep(case, owner=owner)
    court.hearing(case, audience=Audience.NAMED)
    other = court.case()
    court.hearing(other)
    post.tick("2024-04-01T07:00Z")
    # The follower is reminded of the other case alone, which nobody keeps.
    post.bounces(follower, "2024-04-01T08:00Z")
    assert [m.kind for m in court.mails(owner)] == ["hearing.reminder"]
    (mail,) = court.mails(lead)
    assert (case.ref in mail.text, other.ref in mail.text) == (False, True)


def test_reached_again_what_waited_goes_out_and_the_flags_clear(court: Any, post: Post) -> None:
    owner = court.staff("owner@example.org")
    case = court.case()
    keep(case, owner=owner)
    court.hearing(case)
    post.tick("2024-04-01T07:00Z")
    post.bounces(owner, "2024-04-01T08:00Z")
    assert [row[1:] for row in court.plan_of(owner)][1:] == [("cancelled", UNREACHABLE)] * 2
    assert [rule for rule, _who, _severity in post.flags()] == ["address-bounced", "nobody-reachable"]
    with unit_of_work("tests", COMMAND, now=at("2024-04-04T04:00Z")):
        assert reach_again(db.session(), suppressed(owner).id, at("2024-04-04T04:00Z"))
    court.mails(owner)
    post.tick("2024-04-04T06:00Z")
    (mail,) = court.mails(owner)
    assert mail.message["Subject"].startswith("In 4 days")
    assert post.flags() == []
    post.tick("2024-04-07T06:00Z")
    assert len(court.mails(owner)) == 1


@pytest.mark.one_engine
def test_reached_and_lost_again_is_told_again_and_once(court: Any, post: Post) -> None:
    owner, follower = court.staff("owner@example.org"), court.follower("gone@example.org")
    case = court.case()
    keep(case, owner=owner)
    court.hearing(case)
    told: list[int] = []
    for lost, ticks in (
        ("2024-04-04T06:00Z", ("2024-04-04T06:01Z", "2024-04-04T06:02Z")),
        ("2024-04-04T08:00Z", ("2024-04-04T08:01Z", "2024-04-04T08:02Z")),
    ):
        with unit_of_work("tests", COMMAND, now=at(lost)):
            stop_sending(db.session(), suppressed(follower), "it came back", at(lost))
        for now in ticks:
            post.tick(now)
        told.append(sum(1 for mail in court.mails(owner) if mail.kind == "mail.bounced"))
        with unit_of_work("tests", COMMAND, now=at("2024-04-04T07:00Z")):
            reach_again(db.session(), suppressed(follower).id, at("2024-04-04T07:00Z"))
    assert told == [1, 1]


def test_mail_about_somebody_who_is_reached_again_is_not_sent(court: Any, post: Post) -> None:
    owner, follower = court.staff("owner@example.org"), court.follower("gone@example.org")
    case = court.case()
    keep(case, owner=owner)
    court.hearing(case)
    post.tick("2024-04-01T07:00Z")
    court.mails(owner)
    post.bounces(follower, "2024-04-01T21:00Z")
    with unit_of_work("tests", COMMAND, now=at("2024-04-01T22:00Z")):
        reach_again(db.session(), suppressed(follower).id, at("2024-04-01T22:00Z"))
    post.tick("2024-04-02T05:00Z")
    assert court.mails(owner) == []
    assert court.plan_of(owner, "mail.bounced") == [(None, "skipped", "they can be reached again")]


@pytest.mark.one_engine
def test_stopped_and_closed_count_as_nobody_too(court: Any, post: Post) -> None:
    owner = court.staff("owner@example.org")
    case = court.case()
    court.hearing(case)
    now = at("2024-04-01T07:00Z")
    post.tick("2024-03-24T07:00Z")
    assert post.flags() == []
    post.tick("2024-04-01T07:00Z")
    assert post.flags() == [("nobody-reachable", None, 3)]
    keep(case, owner=owner)
    post.tick("2024-04-01T07:00Z")
    assert post.flags() == []
    with unit_of_work("tests", COMMAND, now=now):
        service.stop(db.session(), db.session.get_one(User, owner.id), case=db.session.get_one(Case, case.id), now=now)
    post.tick("2024-04-01T07:00Z")
    assert post.flags() == [("nobody-reachable", None, 3)]
    follower = court.follower("amal@example.org", now=now)
    post.tick("2024-04-01T07:00Z")
    assert post.flags() == []
    with unit_of_work("tests", COMMAND, now=now):
        db.session.get_one(User, follower.id).active = False
    post.tick("2024-04-01T07:00Z")
    assert post.flags() == [("nobody-reachable", None, 3)]
    with unit_of_work("tests", COMMAND, now=now):
        desk = db.session.get_one(Desk, court.desk.id)
        cases.close_case(db.session(), db.session.get_one(Case, case.id), desk, reason="resolved")
    assert post.flags() == []


@pytest.mark.one_engine
def test_while_everybody_is_reached_one_statement_is_all(court: Any) -> None:
    court.follower("amal@example.org")
    court.hearing(court.case())
    assert steps.get("reminders.bounced").run is tell_of_bounced
    with statements() as asked:
        assert tell_of_bounced(at("2024-04-01T07:00Z")) == {"told": 0}
    assert len(asked.said) == 1
