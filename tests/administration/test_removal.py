"""Somebody loses access: everything ends at once, in the same transaction (Warehouse's audit, TOB-13)."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from house_of_cases import NOW, Lived
from signed_in import form_token, give_app, make_account, sign_in
from sqlalchemy import select

from tracker.accounts import service
from tracker.accounts.kinds import access_ends
from tracker.accounts.models import Membership, User
from tracker.accounts.queries import get_account
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.concealed import conceal
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case, CaseGrant
from tracker.factors.models import CodeApp
from tracker.flags.models import Flag
from tracker.outbox.deliver import deliver
from tracker.outbox.models import Message, Recipient
from tracker.reminders.planning import plan_step
from tracker.reminders.tokens import stop_token

#: When the reminder of seven days before is due.
REMINDED_AT = NOW + timedelta(days=14)

#: Each way to lose access, as the services do it.
LOSES: dict[str, Callable[[Any, User], list[str]]] = {
    "closed": lambda session, user: service.disable(session, user, NOW),
    "role cut": lambda session, user: service.change_role(session, user, "volunteer", NOW),
    "off the desk": lambda session, user: service.leave_desk(session, user, "iopt", NOW),
}


def lose(user: User, how: str) -> list[str]:
    """Take access away; what was said that somebody must see to."""
    with unit_of_work("lose", COMMAND, now=NOW):
        return LOSES[how](db.session(), user)


def address_of(lived: Lived, user: User) -> str:
    """The path of a calendar, made on its page."""
    browser = lived.browser(user)
    with clock.fixed_at(NOW):
        token = form_token(browser.client)
    browser.send("/calendar/renew", {"csrf_token": token})
    found = re.search(r"http://127\.0\.0\.1:8000(/calendar/[\w-]+\.ics)", browser.get("/calendar").text)
    assert found
    return found[1]


@pytest.mark.parametrize("how", LOSES)
def test_nothing_that_was_in_hand_works_any_more(lived: Lived, app: Any, mail_sink: Any, how: str) -> None:
    """`cases.let_go`, `calendar.address`, `invitations.links`: old cookie, feed address, queued reminder, link of an
    older mail, case page."""
    case = lived.case(audience=Audience.DESK)
    lived.hearing(case)
    feed = address_of(lived, lived.owner)
    browser = lived.browser(lived.owner)
    assert browser.get(f"/cases/{case.ref}").status_code == 200
    with clock.fixed_at(NOW):
        assert app.test_client().get(feed).status_code == 200
        plan_step(NOW)
    recipient = db.session.scalar(select(Recipient.id).where(Recipient.user_id == lived.owner.id))
    assert recipient is not None
    with unit_of_work("queue", COMMAND, now=NOW):
        # As if it were being kept back at this very moment.
        db.session.execute(Message.__table__.update().values(due_at=NOW))
        if db.session.scalar(select(Message.id).where(Message.recipient_id == recipient)) is None:
            plan_step_at_seven_days(recipient, case)
    with clock.fixed_at(NOW):
        with app.test_request_context():
            stop = f"/reminders/stop/{stop_token(recipient, [case.id])}"
        assert case.ref in app.test_client().get(stop).text

    lose(lived.owner, how)

    assert browser.get(f"/cases/{case.ref}").status_code in (303, 404), "the old cookie"
    assert browser.get("/account").status_code == 303, "the old cookie"
    with clock.fixed_at(NOW):
        assert app.test_client().get(feed).status_code == 404, "the feed address"
        page = app.test_client().get(stop)
        assert case.ref not in page.text, "the link of an older mail"
    db.session.rollback()
    states = set(db.session.scalars(select(Message.state).where(Message.recipient_id == recipient)))
    assert states == {"skipped"}, "the queued reminder"
    with clock.fixed_at(NOW):
        assert deliver(NOW)["sent"] == 0
    assert mail_sink.to(lived.owner.email) == []
    stored = lived.fresh(case)
    assert stored.owner_id is None
    flags = db.session.scalars(select(Flag.rule).where(Flag.case_id == case.id, Flag.cleared_at.is_(None))).all()
    assert "no-owner" in flags
    if how != "closed":
        anew = lived.browser(lived.fresh(lived.owner))
        assert anew.get(f"/cases/{case.ref}").status_code == 404, "the case page, signed in anew"


def plan_step_at_seven_days(recipient_id: int, case: Case) -> None:
    """A reminder of the case's hearing that is due."""
    from tracker.hearings.models import Appearance
    from tracker.outbox.service import plan_messages

    hearing_id = db.session.scalar(select(Appearance.hearing_id).where(Appearance.case_id == case.id))
    row = {
        "dedupe_key": f"test:{recipient_id}", "kind": "hearing.reminder", "subject_kind": "hearing",
        "subject_id": hearing_id, "subject_rev": 1, "recipient_id": recipient_id, "cause": "owner", "days_before": 7,
        "tells": {"zone": "Asia/Jerusalem", "reader_zone": "Asia/Jerusalem"}, "due_at": NOW,
    }  # fmt: skip
    plan_messages(db.session(), [row])


@pytest.mark.parametrize("how", LOSES)
def test_who_stood_in_stands_in_no_more(lived: Lived, how: str) -> None:
    with lived.at() as session:
        deputy = session.get(User, lived.colleague.id)
    case = lived.case(deputy=deputy)
    said = lose(lived.colleague, how)
    assert said == []
    stored = lived.fresh(case)
    assert (stored.owner_id, stored.deputy_id) == (lived.owner.id, None)


def test_who_acts_is_told_what_has_no_owner_now_and_what_nobody_sees(lived: Lived) -> None:
    lived.case()
    hidden = lived.case(audience=Audience.NAMED)
    said = lose(lived.owner, "closed")
    assert said == [
        "2 cases have no owner now.",
        f"Nobody can see these any more; name people on the command line: {hidden.ref}",
    ]


def test_who_leaves_a_desk_is_named_in_its_cases_no_more_and_elsewhere_still(lived: Lived) -> None:
    with lived.at() as session:
        colleague = session.get(User, lived.colleague.id)
        assert colleague is not None
    here = lived.case(named=[colleague])
    there = lived.case(desk=lived.other_desk, owner=False, named=[colleague])
    lose(lived.colleague, "off the desk")
    db.session.rollback()
    grants = select(CaseGrant.case_id).where(CaseGrant.user_id == lived.colleague.id)
    assert db.session.scalars(grants).all() == [there.id]
    assert here.id != there.id
    lose(lived.colleague, "closed")
    db.session.rollback()
    assert db.session.scalars(grants).all() == []


def test_ending_all_sign_ins_takes_nothing_else_away(lived: Lived, app: Any) -> None:
    case = lived.case()
    feed = address_of(lived, lived.owner)
    browser = lived.browser(lived.owner)
    with unit_of_work("revoke", COMMAND, now=NOW):
        service.end_access(db.session(), get_account(db.session(), lived.owner.email), NOW)
    assert browser.get("/account").status_code == 303
    with clock.fixed_at(NOW):
        assert app.test_client().get(feed).status_code == 404
    assert lived.fresh(case).owner_id == lived.owner.id
    assert lived.browser(lived.owner).get(f"/cases/{case.ref}").status_code == 200


def test_all_of_it_or_nothing(lived: Lived) -> None:
    """A part that fails leaves everything as it was."""
    case = lived.case()
    browser = lived.browser(lived.owner)

    def fails(*_given: Any) -> list[str]:
        raise RuntimeError("the lights went out")

    access_ends.add("test", fails)
    try:
        with pytest.raises(RuntimeError, match="lights"):
            lose(lived.owner, "closed")
    finally:
        access_ends._things.pop("test")
    assert browser.get("/account").status_code == 200
    assert lived.fresh(case).owner_id == lived.owner.id
    assert lived.fresh(lived.owner).active


def test_lost_factors_are_forgotten_by_another_admin_and_never_ones_own(lived: Lived) -> None:
    give_app(lived.owner)
    browser = lived.browser(lived.owner)
    admin = sign_in(lived.app, lived.admin, NOW)
    with clock.fixed_at(NOW):
        page = admin.get(f"/accounts/{conceal('account', lived.owner.id)}").text
        assert "Forget lost second factors" in page
        data = {"csrf_token": form_token(admin)}
        admin.post(f"/accounts/{conceal('account', lived.owner.id)}/forget-factors", data=data)
        assert "1 second factor was forgotten." in admin.get("/account").text
        own = f"/accounts/{conceal('account', lived.admin.id)}"
        assert "Forget lost second factors" not in admin.get(own).text
        assert admin.post(f"{own}/forget-factors", data=data).status_code == 403
    assert browser.get("/account").status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(CodeApp.user_id).where(CodeApp.user_id == lived.owner.id)) is None


# The last one ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["closed", "role cut", "to staff"])
def test_the_last_admin_stays(lived: Lived, how: str) -> None:
    def do() -> None:
        with unit_of_work("lose", COMMAND, now=NOW):
            session = db.session()
            user = get_account(session, "admin@example.org")
            if how == "closed":
                service.disable(session, user, NOW)
            else:
                service.change_role(session, user, "volunteer" if how == "role cut" else "staff", NOW)

    closed = make_account("closed@example.org", "admin")
    with unit_of_work("close", COMMAND, now=NOW):
        service.disable(db.session(), closed, NOW)
    with pytest.raises(Refused, match="the last admin"):
        do()
    make_account("second@example.org", "admin")
    do()


@pytest.mark.parametrize("how", [*LOSES, "unmade", "deputy"])
def test_the_last_coordinator_of_a_desk_stays(lived: Lived, how: str) -> None:
    chief = make_account("chief@example.org", desk="iopt", coordinator=True)

    def do() -> None:
        if how in LOSES:
            lose(chief, how)
            return
        with unit_of_work("unmake", COMMAND, now=NOW):
            service.set_duty(db.session(), chief, "iopt", "member" if how == "unmade" else "deputy", NOW)

    gone = make_account("gone@example.org", desk="iopt", coordinator=True)
    with unit_of_work("close", COMMAND, now=NOW):
        service.disable(db.session(), gone, NOW)
    with pytest.raises(Refused, match="last coordinator of Israel and Palestine"):
        do()
    with unit_of_work("make", COMMAND, now=NOW):
        service.set_duty(db.session(), get_account(db.session(), lived.colleague.email), "iopt", "coordinator", NOW)
    do()


def at_once(app: Any, *acts: Callable[[], None]) -> list[BaseException]:
    """Do these at the same moment, each on a connection of its own; what went wrong."""
    together, faults = threading.Barrier(len(acts)), []

    def run(act: Callable[[], None]) -> None:
        with app.app_context():
            try:
                together.wait()
                act()
            except BaseException as fault:
                faults.append(fault)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_two_admins_who_close_each_other_at_the_same_moment_leave_one(lived: Lived, app: Any) -> None:
    make_account("second@example.org", "admin")
    pair = ("admin@example.org", "second@example.org")
    for _ in range(5):
        browsers = {email: sign_in(app, get_account(db.session(), email), NOW) for email in pair}
        with clock.fixed_at(NOW):
            tokens = {email: form_token(browsers[email]) for email in pair}
        ids = {email: get_account(db.session(), email).id for email in pair}
        db.session.rollback()
        answers = []

        paths = {email: f"/accounts/{conceal('account', ids[email])}/disable" for email in pair}

        def close(by: str, whom: str) -> None:
            with clock.fixed_at(NOW):
                answer = browsers[by].post(paths[whom], data={"csrf_token": tokens[by]})  # noqa: B023
            answers.append(answer.status_code)  # noqa: B023

        faults = at_once(app, lambda: close(*pair), lambda: close(*reversed(pair)))
        assert faults == []
        db.session.rollback()
        left = db.session.scalars(select(User).where(User.role == "admin", User.active)).all()
        assert len(left) == 1, answers
        with unit_of_work("again", COMMAND, now=NOW):
            for email in pair:
                service.enable(db.session(), get_account(db.session(), email))


def test_services_alone_leave_one_admin_and_one_coordinator(lived: Lived, app: Any) -> None:
    """Without the look at who acts: four at a time, over both kinds of last ones."""
    people = [make_account(f"chief{n}@example.org", "admin", desk="iopt", coordinator=True).id for n in range(4)]
    with unit_of_work("only these", COMMAND, now=NOW):
        service.disable(db.session(), get_account(db.session(), "admin@example.org"), NOW)

    def act(number: int) -> Callable[[], None]:
        def do() -> None:
            with unit_of_work("race", COMMAND, now=NOW):
                session = db.session()
                user = session.get_one(User, people[number])
                if number % 2:
                    service.leave_desk(session, user, "iopt", NOW)
                    service.change_role(session, user, "staff", NOW)
                else:
                    service.disable(session, user, NOW)

        return do

    faults = at_once(app, *(act(n) for n in range(4)))
    assert [type(fault) for fault in faults] == [Refused], faults
    db.session.rollback()
    admins = db.session.scalars(select(User.id).where(User.role == "admin", User.active)).all()
    assert len(admins) == 1
    coordinators = select(User.id).join(Membership).where(Membership.coordinator, User.active)
    assert db.session.scalars(coordinators).all() == admins


def test_what_is_not_there_is_not_found(lived: Lived) -> None:
    with pytest.raises(NotFound), unit_of_work("leave", COMMAND, now=NOW):
        service.leave_desk(db.session(), get_account(db.session(), lived.outsider.email), "iopt", NOW)
    with pytest.raises(NotFound), unit_of_work("duty", COMMAND, now=NOW):
        service.set_duty(db.session(), get_account(db.session(), lived.outsider.email), "iopt", "deputy", NOW)
