"""Following and stopping: by oneself in the pages, or from the link of a mail without signing in."""

import re
from datetime import date, time
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from signed_in import form_token, make_account, sign_in
from sqlalchemy import event, select, text

from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.hearings.rules import on_day
from tracker.hearings.service import cancel_hearing
from tracker.reminders import service
from tracker.reminders.models import Subscription
from tracker.reminders.queries import find_follow, first_mail, list_follows
from tracker.reminders.tokens import read_stop_token, stop_token

pytestmark = pytest.mark.one_engine

NOW = "2024-03-28T09:00Z"


def instant(text: str = NOW) -> Any:
    """An instant."""
    from datetime import datetime

    return datetime.fromisoformat(text)


def follow(user: Any, **what: Any) -> Subscription:
    """Let an account follow something."""
    with unit_of_work("reminders.follow", COMMAND, now=instant()) as now:
        return service.follow(db.session(), user, now=now, **what)


def test_following_twice_is_one_row_and_following_again_resumes(court: Any) -> None:
    user, case = court.staff("amal@example.org"), court.case()
    first = follow(user, case=case, days_before=[7])
    with unit_of_work("reminders.stop", COMMAND, now=instant()) as now:
        service.stop(db.session(), user, case=case, now=now)
    again = follow(user, case=case)
    assert (again.id, again.stopped_at, again.days_before) == (first.id, None, [7])
    assert follow(user, case=case, days_before=[]).days_before is None
    assert len(db.session.scalars(select(Subscription)).all()) == 1


def test_volunteers_and_closed_accounts_cannot_follow(court: Any) -> None:
    volunteer = make_account("vera@example.org", role="volunteer")
    with pytest.raises(Refused, match="for staff"):
        follow(volunteer, desk=court.desk)
    gone = court.staff("gone@example.org")
    with unit_of_work("accounts.disable", COMMAND):
        db.session.get_one(type(gone), gone.id).active = False
    with pytest.raises(Refused, match="not active"):
        follow(gone, desk=court.desk)


def test_what_one_may_not_see_one_cannot_follow(court: Any) -> None:
    case = court.case(audience=Audience.NAMED, owner=court.staff("owner@example.org"))
    with pytest.raises(NotFound):
        follow(court.staff("amal@example.org"), case=case)


def test_one_thing_is_followed_at_a_time(court: Any) -> None:
    user = court.staff("amal@example.org")
    with pytest.raises(Refused):
        follow(user, case=court.case(), desk=court.desk)
    with pytest.raises(Refused):
        follow(user)


def test_what_an_account_follows_is_listed_with_the_reason(court: Any) -> None:
    user = court.follower("amal@example.org")
    own, other = court.case(owner=user), court.case()
    follow(user, case=other)
    follows = list_follows(db.session(), user)
    said = [(f.desk and f.desk.code, f.case and f.case.ref, f.cause, f.derived) for f in follows]
    assert said == [
        ("iopt", None, "follows", False),
        (None, own.ref, "owner", True),
        (None, other.ref, "follows", False),
    ]
    found = [find_follow(db.session(), user, case) for case in (own, other)]
    assert [f and f.cause for f in found] == ["owner", "follows"]


def test_the_first_mail_is_foretold(court: Any) -> None:
    user, case = court.follower("amal@example.org"), court.case()
    assert first_mail(db.session(), user, instant()) is None
    court.hearing(case, on_day("Asia/Jerusalem", date(2024, 5, 20)))
    first = first_mail(db.session(), user, instant())
    assert first is not None
    assert (first.at, first.case.id) == (instant("2024-05-13T05:00Z"), case.id)


def test_a_token_says_whose_and_which_and_cannot_be_made_up(court: Any) -> None:
    token = stop_token(7, [3, 1])
    assert read_stop_token(token).recipient_id == 7
    assert read_stop_token(token).case_ids == (1, 3)
    body, _dot, mac = token.partition(".")
    of_another = f"{stop_token(8, [1, 3]).partition('.')[0]}.{mac}"
    for wrong in (body, of_another, "", ".", "ä.ö", token[:-1], f"{body}x.{mac}"):
        with pytest.raises(NotFound):
            read_stop_token(wrong)


def test_the_link_of_a_mail_stops_only_when_asked_and_takes_it_back(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    court.hearing(court.case(owner=owner))
    court.tick("2024-04-01T05:00Z")
    (path,) = re.findall(r"(/reminders/stop/\S+)", court.mails(owner)[0].text)
    stranger = app.test_client()
    with clock.fixed_at(instant("2024-04-02T09:00Z")):
        page = stranger.get(path)
        assert page.status_code == 200
        assert "Stop them" in page.text
        assert "(IOPT-0001)" in page.text
        assert "Halabi" not in page.text
        assert db.session.scalars(select(Subscription)).all() == []
        done = stranger.post(path)
        assert (done.status_code, done.headers["Location"]) == (303, path)
        assert "Stopped. No more" in stranger.get(path).text
    court.tick("2024-04-04T05:00Z")
    assert court.mails(owner) == []
    with clock.fixed_at(instant("2024-04-04T09:00Z")):
        assert stranger.post(path.replace("/stop/", "/resume/")).status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(Subscription)).all() == []  # an owner follows without a row again
    court.tick("2024-04-04T09:01Z")
    assert len(court.mails(owner)) == 1


ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


def subscriptions() -> list[Subscription]:
    """What is stored now."""
    db.session.rollback()
    return list(db.session.scalars(select(Subscription)))


def stop_header(mail: Any) -> str:
    """The path in a mail's List-Unsubscribe header, which must be one link in angle brackets and nothing else."""
    found = re.fullmatch(r"<http://127\.0\.0\.1:8000(/reminders/stop/[\w.-]+)>", mail.message["List-Unsubscribe"])
    assert found is not None
    return found[1]


def test_one_click_of_a_mail_program_stops_without_cookie_token_or_redirect(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    case = court.case(owner=owner)
    court.hearing(case)
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(owner)
    assert mail.message["List-Unsubscribe-Post"] == ONE_CLICK
    path = stop_header(mail)
    provider = app.test_client(use_cookies=False)
    with clock.fixed_at(instant("2024-04-02T09:00Z")):
        for _twice in range(2):
            done = provider.post(path, data=ONE_CLICK, content_type=FORM)
            assert (done.status_code, done.mimetype) == (200, "text/plain")
            assert "Location" not in done.headers
            assert "Set-Cookie" not in done.headers
            assert len(done.data) < 200
        assert len(subscriptions()) == 1
        db.session.rollback()
        mine = sign_in(app, owner).get("/reminders").text
        assert "Stopped" in mine
        assert case.ref in mine
    acts = db.session.execute(text("SELECT act, actor_kind, actor_id FROM acts WHERE act = 'reminders.stop'")).all()
    # The second one changed nothing, and is on record all the same.
    assert [tuple(a) for a in acts] == [("reminders.stop", "link", owner.id)] * 2
    db.session.rollback()
    court.tick("2024-04-04T05:00Z")
    assert court.mails(owner) == []


def test_one_click_as_the_server_of_a_mail_provider_sends_it_leaves_no_secret_in_the_log(
    court: Any, live_server: Any, capsys: Any
) -> None:
    owner = court.staff("owner@example.org")
    court.hearing(court.case(owner=owner))
    court.tick("2024-04-01T05:00Z")
    path = stop_header(court.mails(owner)[0])
    db.session.rollback()

    def ask(method: str, body: str | None = None) -> HTTPResponse:
        line = HTTPConnection(urlsplit(live_server.url).netloc, timeout=30)
        line.request(method, path, body, {"Content-Type": FORM} if body else {})
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer

    for method in ("HEAD", "GET"):
        assert ask(method).status == 200
    assert subscriptions() == []
    db.session.rollback()
    done = ask("POST", ONE_CLICK)
    assert (done.status, done.getheader("Location"), done.getheader("Set-Cookie")) == (200, None, None)
    assert [s.stopped_at is not None for s in subscriptions()] == [True]
    assert path.rpartition("/")[2] not in capsys.readouterr().err


def test_one_click_works_as_a_form_of_parts_too(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    court.hearing(court.case(owner=owner))
    court.tick("2024-04-01T05:00Z")
    path = stop_header(court.mails(owner)[0])
    done = app.test_client().post(
        path, data={"List-Unsubscribe": "One-Click"}, content_type="multipart/form-data", base_url="http://localhost"
    )
    assert done.status_code == 200
    assert [s.stopped_at is not None for s in subscriptions()] == [True]


def test_looking_at_the_link_changes_nothing_however_it_is_done(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    court.hearing(court.case(owner=owner))
    court.tick("2024-04-01T05:00Z")
    path = stop_header(court.mails(owner)[0])
    scanner = app.test_client()
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        assert scanner.open(path, method=method).status_code == 200
    assert scanner.get(f"{path}?{ONE_CLICK}").status_code == 200
    assert scanner.put(path, data=ONE_CLICK, content_type=FORM).status_code in (400, 405)
    assert subscriptions() == []


def test_one_click_with_a_word_that_was_tampered_with_stops_nothing(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    court.hearing(court.case(owner=owner))
    court.tick("2024-04-01T05:00Z")
    path = stop_header(court.mails(owner)[0])
    for wrong in (path[:-1], path + "0", path.replace(".", ""), path.replace("/stop/", "/stop/x"), path.swapcase()):
        answer = app.test_client().post(wrong, data=ONE_CLICK, content_type=FORM)
        assert answer.status_code == 404, wrong
    assert subscriptions() == []


def test_one_click_stops_every_case_of_a_mail_and_nothing_else(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    mine, other = [court.case(owner=owner) for _n in range(4)], court.case(owner=owner)
    for number, case in enumerate(mine):
        court.hearing(case, on_day("Asia/Jerusalem", date(2024, 4, 8), time(9, number)))
    court.hearing(other, on_day("Asia/Jerusalem", date(2024, 4, 18)))
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(owner)
    assert app.test_client().post(stop_header(mail), data=ONE_CLICK, content_type=FORM).status_code == 200
    stopped = {s.case_id for s in subscriptions()}
    assert stopped == {case.id for case in mine}
    db.session.rollback()
    court.tick("2024-04-11T05:00Z")
    assert [other.ref in m.text for m in court.mails(owner)] == [True]


def test_a_notice_of_a_change_brings_no_one_click(app: Flask, court: Any) -> None:
    owner = court.staff("owner@example.org")
    hearing = court.hearing(court.case(owner=owner))
    court.tick("2024-04-01T05:00Z")
    court.mails(owner)
    court.act("2024-04-02T09:00Z", cancel_hearing, hearing)
    court.tick("2024-04-02T09:01Z")
    (notice,) = court.mails(owner)
    assert notice.message["X-Tracker-Kind"] == "hearing.changed"
    assert notice.message["List-Unsubscribe"] is None
    assert notice.message["List-Unsubscribe-Post"] is None
    assert "/reminders/stop/" in notice.text


def test_a_link_that_is_not_whole_stops_nothing(app: Flask, court: Any) -> None:
    for path in ("/reminders/stop/none-such", "/reminders/resume/none-such"):
        assert app.test_client().post(path).status_code == 404


def test_pages_follow_stop_and_resume(app: Flask, court: Any) -> None:
    user, case = court.staff("amal@example.org"), court.case()
    court.hearing(case)
    with clock.fixed_at(instant()):
        browser = sign_in(app, user)
        token = form_token(browser)
        empty = browser.get("/reminders").text
        assert "You follow nothing yet." in empty
        assert "Follow Israel and Palestine" in empty
        followed = browser.post(
            "/reminders/desks/iopt/follow",
            data={"csrf_token": token, "days_before": ["7", "1"]},
            follow_redirects=True,
        )
        assert "The first mail goes out on Mon 1 Apr 2024, 08:00" in followed.text
        assert "days before: 7, 1" in followed.text
        assert "In the plan" in followed.text
        assert case.ref in followed.text
        back = {"csrf_token": token, "next": f"/cases/{case.ref}"}
        one = browser.post(f"/reminders/cases/{case.ref}/follow", data=back)
        assert one.status_code == 303
        stopped = browser.post(f"/reminders/cases/{case.ref}/stop", data={"csrf_token": token}, follow_redirects=True)
        assert "Resume" in stopped.text
        assert "no more reminders" in stopped.text
        assert "No mail to you is due in the next seven days." in stopped.text
        gone = browser.post("/reminders/desks/iopt/stop", data={"csrf_token": token}, follow_redirects=True)
        assert "You no longer follow this desk." in gone.text


def test_pages_refuse_days_that_cannot_be_and_desks_of_others(app: Flask, court: Any) -> None:
    from signed_in import make_desk

    make_desk("mena", "Middle East", ("EG",))
    with clock.fixed_at(instant()):
        browser = sign_in(app, court.staff("amal@example.org"))
        token = form_token(browser)
        wrong = browser.post("/reminders/desks/iopt/follow", data={"csrf_token": token, "days_before": ["99"]})
        assert wrong.status_code == 422
        others = browser.post("/reminders/desks/mena/follow", data={"csrf_token": token})
        assert others.status_code == 404


def test_pages_of_reminders_cost_the_same_whatever_is_followed(app: Flask, court: Any) -> None:
    user = court.follower("amal@example.org")

    def count() -> int:
        said: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            said.append(statement)

        with clock.fixed_at(instant()):
            browser = sign_in(app, user)
            event.listen(db.engine, "before_cursor_execute", note)
            try:
                assert browser.get("/reminders").status_code == 200
            finally:
                event.remove(db.engine, "before_cursor_execute", note)
        return len(said)

    court.hearing(court.case(owner=user))
    count()  # the first page of a sign-in notes that it was seen
    one = count()
    for _n in range(5):
        court.hearing(court.case(owner=user))
    db.session.rollback()
    assert len(db.session.scalars(select(Case)).all()) == 6
    assert count() == one
