"""The house read-only and closed: what goes on, what does not, for whom, and in which process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from conftest import made_app
from flask import Flask
from flask.testing import FlaskClient
from house_of_cases import NOW, Lived, statements
from signed_in import PASSWORD, code_of, form_token, give_app, sign_in, wait
from sqlalchemy import select
from walking import address_of

from tracker.accounts.models import SignIn
from tracker.audit.models import Act
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import HouseReadOnly, Refused
from tracker.base.mode import GOES_ON, read_mode
from tracker.base.work import CLOCK, COMMAND, unit_of_work
from tracker.calendar.service import renew_feed
from tracker.outbox.pausing import read_pause
from tracker.reminders.tokens import stop_token
from tracker.safety.service import change_mode

#: What is sent although nothing may be changed: signing in and out, the switch, and stopping what a mail names.
GO_ON = {
    "accounts.check_sign_in",
    "accounts.sign_out",
    "accounts.end_sign_in",
    "factors.ask",
    "factors.check_code",
    "factors.check_passkey",
    "factors.enrol",
    "factors.enrol_app",
    "factors.enrol_passkey",
    "factors.check_confirmed",
    "factors.confirm_by_passkey",
    "administration.disable",
    "administration.revoke",
    "consent.do_stop",
    "following.out_now",
    "following.forget_now",
    "consent.do_stop_any",
    "reminders.stop_now",
    "digests.stop_now",
    "safety.switch_mode",
}

#: What a closed house answers to everybody, and what it answers as if there were no such thing.
ANSWER = {
    "accounts.sign_in",
    "accounts.check_sign_in",
    "accounts.sign_out",
    "factors.ask",
    "factors.check_code",
    "factors.check_passkey",
    "factors.enrol",
    "factors.enrol_app",
    "factors.enrol_passkey",
    "pages.healthz",
    "pages.healthz_reminders",
}
MISSING = {"calendar.read"}

WHY = "a telephone was lost"


def put(state: str, words: str = WHY) -> bool:
    """Put the house into a mode."""
    with unit_of_work("house.mode", COMMAND, "house") as now:
        return change_mode(db.session(), state, "Emil", words, now)


@contextmanager
def another_process(environment: dict[str, str]) -> Iterator[Flask]:
    """A second application over the same database."""
    with made_app(environment) as made:
        yield made


def ours(browser: FlaskClient) -> dict[str, Any]:
    """The form token of a browser, as its own page would send it."""
    return {"data": {"csrf_token": form_token(browser)}, "headers": {"Sec-Fetch-Site": "same-origin"}}


def send(browser: FlaskClient, path: str, **fields: str) -> Any:
    """Open a form that somebody who is not signed in fills in, and send it."""
    page = browser.get(path)
    assert page.status_code == 200
    token = page.text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    return browser.post(path, data={"csrf_token": token, **fields})


# Read-only ------------------------------------------------------------------------------------------------------------


def test_read_only_pages_are_read_and_nothing_is_changed(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    browser = lived.browser(lived.owner)
    address = f"/cases/{case.ref}/edit"
    form = browser.filled(address, title="Held for a year")
    put("read-only")
    page = browser.get(f"/cases/{case.ref}")
    assert page.status_code == 200
    assert "read-only since" in page.text
    assert WHY in page.text
    answer = browser.send(address, form)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "300")
    assert "Nothing was stored" in answer.text
    assert lived.fresh(case).title == "Held without charge"
    put("open")
    assert browser.send(address, form).status_code == 303, "the very same form is taken once it is open again"
    assert lived.fresh(case).title == "Held for a year"


def test_read_only_gives_back_all_that_was_typed_but_only_to_our_own_page(lived: Lived) -> None:
    browser = sign_in(lived.app, lived.owner)
    typed = "What the lawyer said. " * 2_000
    form = {"csrf_token": form_token(browser), "document": typed, "password": "a secret"}
    put("read-only")
    own = browser.post("/intake/paste", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 503
    assert typed in own.text
    assert "a secret" not in own.text
    assert "lawyer" not in browser.post("/intake/paste", data=form).text


@pytest.mark.one_engine
def test_every_form_waits_but_those_that_are_named(app: Flask, lived: Lived) -> None:
    found = {
        name: {e for e, view in app.view_functions.items() if getattr(view, attribute, None) == value}
        for name, attribute, value in (
            ("go on", "goes_on", True),
            ("answer", "when_closed", "answers"),
            ("missing", "when_closed", "missing"),
        )
    }
    assert found == {"go on": GO_ON, "answer": ANSWER, "missing": MISSING}
    browser = sign_in(app, lived.admin)
    sent = ours(browser)
    put("read-only")
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            if rule.endpoint in GO_ON:
                continue
            address = address_of(app, rule)
            assert browser.open(address, method=method, **sent).status_code == 503, rule.endpoint
    assert browser.post("/nowhere").status_code == 503


@pytest.mark.one_engine
def test_read_only_people_sign_in_and_out_and_stop_reminders_from_a_mail(app: Flask, lived: Lived) -> None:
    case = lived.case()
    token, secret = stop_token(lived.owner.id, [case.id]), give_app(lived.owner)
    volunteer = sign_in(app, lived.volunteer)
    put("read-only")
    stopped = app.test_client().post(f"/reminders/stop/{token}", data={"List-Unsubscribe": "One-Click"})
    assert stopped.status_code in (200, 404), "whatever it names, it is looked at"
    browser = app.test_client()
    page = browser.get("/sign-in").text
    assert "read-only for the moment" in page
    assert WHY not in page, "why is told to staff"
    assert send(browser, "/sign-in", email=lived.owner.email, password=PASSWORD).status_code == 303
    assert send(browser, "/sign-in/factor", code=code_of(secret, clock.now())).status_code == 303
    assert browser.post("/sign-out", **ours(browser)).status_code == 303
    page = volunteer.get("/").text
    assert "read-only for the moment" in page
    assert WHY not in page


def test_read_only_the_clock_goes_on(lived: Lived) -> None:
    put("read-only")
    with unit_of_work("flags.sweep", CLOCK, now=NOW) as now:
        assert now == NOW
    assert read_pause(db.session()) is None, "mail leaves"


def test_read_only_holds_in_every_process_with_the_next_request(lived: Lived, tracker_env: dict[str, str]) -> None:
    case = lived.case()
    with another_process(tracker_env) as other:
        browser = sign_in(other, lived.owner)
        sent = ours(browser)
        put("read-only")
        assert browser.post(f"/cases/{case.ref}/take", **sent).status_code == 503
        assert "read-only" in browser.get("/cases").text
        put("open")
        assert "read-only" not in browser.get("/cases").text


def test_no_page_costs_a_statement_more_for_it(lived: Lived) -> None:
    browser = lived.browser(lived.owner)
    browser.get("/nowhere")
    with statements() as counted:
        assert browser.get("/nowhere").status_code == 404
    assert len([s for s in counted.said if "house_facts" in s]) == 1, "it is read with the sign-in"
    assert "sign_ins" in next(s for s in counted.said if "house_facts" in s)


# Closed ---------------------------------------------------------------------------------------------------------------


def test_closed_everybody_but_admins_sees_one_page_that_tells_nothing(app: Flask, lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    browsers = [app.test_client(), *(sign_in(app, u) for u in (lived.owner, lived.volunteer, lived.outsider))]
    admin = sign_in(app, lived.admin)
    put("closed")
    seen = set()
    for browser in browsers:
        for method, address in (
            ("GET", "/"),
            ("GET", f"/cases/{case.ref}"),
            ("GET", "/cases/NONE-0001"),
            ("GET", "/nowhere"),
            ("GET", "/safety"),
            ("POST", "/cases/new"),
            ("POST", "/reminders/stop/x"),
            ("OPTIONS", "/cases"),
            ("DELETE", "/cases"),
        ):
            answer = browser.open(address, method=method)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "300"
            seen.add((answer.text, tuple(sorted(name for name, _value in answer.headers if name != "Set-Cookie"))))
    assert len(seen) == 1, "who asks, and for what, makes no difference"
    ((text, _names),) = seen
    assert "Closed for the moment" in text
    for told in (WHY, "Emil", "Amal", "read-only", "/sign-in", "admin"):
        assert told not in text
    page = admin.get("/")
    assert page.status_code == 200
    assert WHY in page.text


def test_closed_nobodys_sign_in_is_lost_and_mail_waits_until_it_is_released(app: Flask, lived: Lived) -> None:
    browser = lived.browser(lived.owner)
    put("closed")
    assert browser.get("/").status_code == 503
    pause = read_pause(db.session())
    assert pause is not None
    assert (pause.why, pause.by) == ("closed", "Emil")
    put("open")
    assert browser.get("/").status_code == 200
    assert read_pause(db.session()) is not None, "opening lets no mail go"
    assert "Mail has been paused by" in browser.get("/service").text


def test_closed_a_pause_that_stood_before_stays_what_it_was(lived: Lived) -> None:
    from tracker.outbox.pausing import pause

    with unit_of_work("outbox.pause", COMMAND, "house") as now:
        pause(db.session(), now, "by_hand", "Amal", words="a wrong list")
    put("closed")
    standing = read_pause(db.session())
    assert standing is not None
    assert (standing.why, standing.by) == ("by_hand", "Amal")


@pytest.mark.one_engine
def test_closed_only_admins_can_sign_in(app: Flask, lived: Lived) -> None:
    secret = give_app(lived.admin)
    give_app(lived.owner)
    put("closed")
    codes = {}
    for user, password in ((lived.admin, PASSWORD), (lived.owner, PASSWORD), (lived.owner, "not the right one")):
        browser = app.test_client()
        codes[user.email, password == PASSWORD] = send(
            browser, "/sign-in", email=user.email, password=password
        ).status_code
        if user is lived.admin:
            assert send(browser, "/sign-in/factor", code=code_of(secret, clock.now())).status_code == 303
            assert browser.get("/").status_code == 200
    assert codes == {
        (lived.admin.email, True): 303,
        (lived.owner.email, True): 503,
        (lived.owner.email, False): 422,
    }
    db.session.rollback()
    begun = db.session.execute(select(SignIn.user_id, SignIn.pending_user_id).order_by(SignIn.id)).all()
    assert [tuple(row) for row in begun] == [(None, lived.admin.id), (lived.admin.id, None)]


def test_closed_meanwhile_a_second_factor_lets_nobody_in_and_is_not_used_up(app: Flask, lived: Lived) -> None:
    secret, browser, now = give_app(lived.owner), wait(app, lived.owner), clock.now()
    put("closed")
    with clock.fixed_at(now):
        assert send(browser, "/sign-in/factor", code=code_of(secret, now)).status_code == 503
        put("open")
        assert send(browser, "/sign-in/factor", code=code_of(secret, now)).status_code == 303
        assert browser.get("/account").status_code == 200


def test_closed_a_calendar_answers_as_one_that_never_was(app: Flask, lived: Lived) -> None:
    with unit_of_work("calendar.renew", COMMAND) as now:
        secret = renew_feed(db.session(), db.session.merge(lived.owner), now)
    client = app.test_client()
    assert client.get(f"/calendar/{secret}.ics").status_code == 200
    never = client.get("/calendar/never-was.ics")
    put("closed")
    answers = [client.get(f"/calendar/{word}.ics") for word in (secret, "never-was")]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].text == answers[1].text
    assert answers[0].text.replace("The tracker is closed for the moment.", "") != "", "a page"
    assert dict(answers[0].headers) == dict(answers[1].headers)
    assert set(dict(never.headers)) == set(dict(answers[0].headers))


@pytest.mark.one_engine
def test_closed_signing_out_still_ends_a_sign_in(app: Flask, lived: Lived) -> None:
    browser = sign_in(app, lived.owner)
    sent = ours(browser)
    put("closed")
    answer = browser.post("/sign-out", **sent)
    assert answer.status_code == 303
    assert "Clear-Site-Data" in answer.headers


@pytest.mark.one_engine
def test_the_page_of_a_closed_house_is_in_the_readers_language(app: Flask, lived: Lived) -> None:
    put("closed")
    page = app.test_client().get("/", headers={"Accept-Language": "ar"})
    assert '<html lang="ar" dir="rtl">' in page.text


# The switch -----------------------------------------------------------------------------------------------------------


def test_an_admin_switches_it_with_a_reason_that_the_audit_keeps(app: Flask, lived: Lived) -> None:
    browser = lived.browser(lived.admin)
    assert "Open: everything as usual" in browser.get("/safety").text
    refused = browser.fill("/safety", state="read-only", reason=" ")
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert read_mode(db.session()).is_open
    assert browser.fill("/safety", state="read-only", reason=WHY).status_code == 303
    db.session.rollback()
    mode = read_mode(db.session())
    assert (mode.state, mode.by, mode.words) == ("read-only", "Emil", WHY)
    assert browser.fill("/safety", state="open", reason="found again").status_code == 303
    db.session.rollback()
    assert read_mode(db.session()).is_open
    acts = db.session.scalars(select(Act).where(Act.act == "house.mode")).all()
    assert [act.actor_id for act in acts] == [lived.admin.id] * 2


@pytest.mark.one_engine
def test_the_switch_asks_again_who_it_is_and_is_for_admins(app: Flask, lived: Lived) -> None:
    for endpoint in ("safety.mode", "safety.switch_mode"):
        view = app.view_functions[endpoint]
        assert (view.opened_to, view.asks_again) == ("admin", True)  # type: ignore[attr-defined]
    assert sign_in(app, lived.owner).get("/safety").status_code == 403
    assert "Safety mode" in sign_in(app, lived.admin).get("/account").text
    assert "Safety mode" not in sign_in(app, lived.owner).get("/account").text


@pytest.mark.parametrize(
    ("state", "words", "field"), [("shut", WHY, "state"), ("read-only", "", "reason"), ("closed", "  ", "reason")]
)
@pytest.mark.one_engine
def test_no_other_mode_and_none_without_a_reason(lived: Lived, state: str, words: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        put(state, words)
    assert refused.value.field == field
    assert read_mode(db.session()).is_open


@pytest.mark.one_engine
def test_what_is_so_already_stays_as_it_was_put(lived: Lived) -> None:
    assert put("open") is False
    assert put("closed") is True
    assert put("closed", "another reason") is False
    assert read_mode(db.session()).words == WHY
    assert put("open", "") is True


# Commands -------------------------------------------------------------------------------------------------------------


def test_the_command_shows_and_changes_it(lived: Lived, run_tracker: Any) -> None:
    shown = run_tracker("house", "mode", "--json")
    assert (shown.code, shown.json["mode"], shown.json["mail_paused"]) == (0, "open", False)
    assert run_tracker("house", "mode", "closed").code == 2
    closed = run_tracker("house", "mode", "closed", "--reason", WHY, "--json")
    assert closed.code == 0, closed.err
    assert (closed.json["mode"], closed.json["reason"], closed.json["mail_paused"]) == ("closed", WHY, True)
    assert closed.json["since"].endswith("Z")
    said = run_tracker("house", "mode").out
    assert "The house is closed since" in said
    assert "tracker outbox release" in said
    assert run_tracker("house", "mode", "open").out.startswith("The house is open.")


def test_commands_that_write_are_refused_and_those_that_keep_watch_go_on(lived: Lived, run_tracker: Any) -> None:
    hearing = lived.hearing(lived.case())
    put("read-only")
    refused = run_tracker("hearings", "cancel", str(hearing.id))
    assert refused.code == 2
    assert refused.err.strip() == (
        "tracker: The house is read-only: nothing was changed. To open it: tracker house mode open"
    )
    assert lived.fresh(hearing).state == "scheduled"
    assert run_tracker("hearings", "list", "--json").code == 0
    assert run_tracker("outbox", "pause").code == 0
    assert run_tracker("outbox", "release").code == 0


@pytest.mark.one_engine
def test_what_commands_may_do_all_the_same(lived: Lived) -> None:
    put("closed")
    for act in ("accounts.add", "intake.propose", "reminders.follow", "accounts.address"):
        with pytest.raises(HouseReadOnly), unit_of_work(act, COMMAND):
            pass
    for act in GOES_ON:
        with unit_of_work(act, COMMAND):
            pass


# Those who watch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["read-only", "closed"])
def test_whoever_watches_is_told(lived: Lived, state: str) -> None:
    client = lived.app.test_client()
    assert client.get("/healthz").text == "ok\n"
    put(state)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, f"ok, {state}\n")
    lived.app.extensions.pop("reminders_seen", None)
    told = json.loads(client.get("/healthz/reminders").text)
    assert (told["read_only"], told["closed"]) == (state == "read-only", state == "closed")


@pytest.mark.one_engine
def test_the_doctor_says_it_before_the_mail_that_waits_because_of_it(lived: Lived) -> None:
    from tracker.clockwork.kinds import steps
    from tracker.clockwork.service import note_end, note_start
    from tracker.pages.health import doctor_says

    now = clock.now()
    for step in steps:
        note_start(step.code, now)
        note_end(step.code, now, now + timedelta(milliseconds=1))
    put("closed")
    verdict = doctor_says(db.session(), now, configured=True)
    assert verdict.bad
    assert "The tracker is closed since" in verdict.words
    assert verdict.words.endswith("When it is over: tracker house mode open")
