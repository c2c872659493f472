"""What audits found in other people's programs, each pattern tried on ours.

Warehouse's second audit (TOB-…), Bayanat's published pentest (BAY …), SecureDrop's two-factor tests, and what was
learnt at GOV.UK Notify and listmonk. Where we have not built the thing in which a fault was found there is no test, and
`docs/security.md` says so under the same name.
"""

import ast
import io
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from conftest import made_app
from flask import session
from house_of_cases import NOW, Browser, Lived
from signed_in import PASSWORD, form_token, sign_in
from sources import ROOT, dotted, imports, python_files, tree, where
from sqlalchemy import func, select, text
from walking import Page, address_of

from tracker.accounts import service, trying
from tracker.accounts.models import SignIn, User
from tracker.audit.models import Act
from tracker.audit.service import write_act
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.once import OnceToken
from tracker.base.work import COMMAND, Work, unit_of_work, writes_audit
from tracker.calendar.models import Feed
from tracker.calendar.service import renew_feed
from tracker.cases.models import Case
from tracker.hearings.models import Appearance
from tracker.outbox.models import Message
from tracker.reminders.planning import plan_step


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do these at one moment, each in a thread of its own; their results in order."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        barrier.wait()
        results[place] = act()

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def try_to_sign_in(browser: Any, email: str, password: str) -> Any:
    """Open the form and send it."""
    page = browser.get("/sign-in").text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    return browser.post("/sign-in", data={"csrf_token": token, "email": email, "password": password})


# Warehouse ------------------------------------------------------------------------------------------------------------


def test_tob_1_what_makes_a_form_happen_once_is_remembered_for_as_long_as_the_form_can_be_sent(lived: Lived) -> None:
    """There, the memory of a token ended before the token did. A form can be sent while its sign-in lasts."""
    case = lived.case()
    browser = lived.browser(lived.owner)
    form = browser.filled(f"/cases/{case.ref}/entries/new", kind="person.released", day="2024-03-10", text="He is home")
    first = browser.send(f"/cases/{case.ref}/entries/new", form)
    assert first.status_code == 303
    for hours in (1, 11):
        with clock.fixed_at(NOW + timedelta(hours=hours)):
            again = browser.client.post(f"/cases/{case.ref}/entries/new", data=form)
            browser.client.get("/account")
        assert (again.status_code, again.headers["Location"]) == (303, first.headers["Location"])
    assert len(lived.entries(case, "person.released")) == 1
    dropped = [
        where(path, node)
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and dotted(node.func) == "delete" and "OnceToken" in ast.dump(node)
    ]
    assert not dropped, "what forgets these tokens must know how long a sign-in can last"


def test_tob_2_a_form_sent_twice_at_one_moment_is_done_once(lived: Lived) -> None:
    """There, two requests both looked before either wrote."""
    case = lived.case()
    browsers = [sign_in(lived.app, lived.owner) for _ in range(2)]
    page = browsers[0].get(f"/cases/{case.ref}/entries/new").text
    once = re.search(r'name="once"[^>]*value="([^"]+)"', page)
    assert once
    fields = {"once": once[1], "kind": "person.released", "day": "2024-03-10", "text": "He is home"}
    filled = Browser(browsers[0], clock.now()).filled(f"/cases/{case.ref}/entries/new") | fields
    forms = [filled | {"csrf_token": form_token(browser)} for browser in browsers]
    answers = together(
        *(
            lambda b=browser, f=form: b.post(f"/cases/{case.ref}/entries/new", data=f)
            for browser, form in zip(browsers, forms, strict=True)
        )
    )
    assert [a.status_code for a in answers] == [303, 303]
    assert len(lived.entries(case, "person.released")) == 1
    assert db.session.scalar(select(func.count()).select_from(OnceToken).where(OnceToken.token == once[1])) == 1


def test_tob_4_what_cannot_be_put_on_record_is_not_done(lived: Lived) -> None:
    """There, acts went through whose audit rows were lost on the way."""
    case = lived.case()
    lived.app.config["PROPAGATE_EXCEPTIONS"] = False
    browser = sign_in(lived.app, lived.owner)
    token = form_token(browser)

    def fails(_session: object, _work: Work) -> None:
        raise RuntimeError("the audit cannot be written")

    writes_audit(fails)
    try:
        assert browser.post(f"/cases/{case.ref}/check", data={"csrf_token": token}).status_code == 500
    finally:
        writes_audit(write_act)
    assert not lived.entries(case, "case.checked")
    acts = db.session.scalar(select(func.count()).select_from(Act))
    assert browser.post(f"/cases/{case.ref}/check", data={"csrf_token": token}).status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Act)) == (acts or 0) + 1


@pytest.mark.one_engine
def test_tob_5_a_form_for_strangers_says_nothing_about_who_has_an_account(lived: Lived) -> None:
    """There, asking for a new password told whether the address had an account. (How long it takes:
    tests/accounts/test_signing_in.py.)"""
    with unit_of_work("accounts.disable", COMMAND):
        service.disable(db.session(), db.session.merge(lived.colleague), clock.now())
    said = set()
    for email in (lived.owner.email, lived.colleague.email, "nobody@example.org"):
        answer = try_to_sign_in(lived.app.test_client(), email, "not the right one")
        body = re.sub(r'value="[^"]*"', "", answer.text)
        said.add((answer.status_code, body, tuple(sorted(name for name, _v in answer.headers))))
    assert len(said) == 1


@pytest.mark.one_engine
def test_tob_8_nobody_makes_anybody_more_than_they_are(lived: Lived) -> None:
    """There, members could invite owners. No form of anybody but an admin moves a role, whatever it brings."""
    browser = sign_in(lived.app, lived.colleague)
    token = form_token(browser)
    more = {
        "csrf_token": token,
        "role": "admin",
        "is_admin": "1",
        "active": "1",
        "coordinator": "y",
        "user_id": str(lived.volunteer.id),
        "email": "other@example.org",
        "desk_id": str(lived.other_desk.id),
    }
    before = roles()
    for rule in lived.app.url_map.iter_rules():
        view = lived.app.view_functions[rule.endpoint]
        if "POST" not in (rule.methods or ()) or getattr(view, "opened_to", "") == "admin":
            continue
        if rule.endpoint in ("accounts.sign_out", "accounts.end_sign_in"):
            continue
        address = address_of(lived.app, rule, "iopt", 1)
        browser.post(address, data=more | {"zone": "Europe/Lisbon", "language": "en"})
    assert roles() == before


def roles() -> list[tuple[Any, ...]]:
    """What every account is, and on which desks."""
    db.session.rollback()
    return [
        tuple(row)
        for row in db.session.execute(
            text(
                "SELECT u.id, u.email, u.role, u.active, m.desk_id, m.coordinator, m.deputy FROM users u "
                "LEFT JOIN memberships m ON m.user_id = u.id ORDER BY u.id, m.desk_id"
            )
        )
    ]


def test_tob_11_nobody_ends_what_is_somebody_elses_by_its_number(lived: Lived) -> None:
    """There, a token was deleted by its id, whoever it belonged to."""
    victim, other = sign_in(lived.app, lived.owner), sign_in(lived.app, lived.colleague)
    (theirs,) = set(re.findall(r'action="(/account/sign-ins/[^"]+/end)"', victim.get("/account").text))
    token = form_token(other)
    assert other.post(theirs, data={"csrf_token": token}).status_code == 404
    assert victim.get("/account").status_code == 200
    with unit_of_work("calendar.renew", COMMAND) as now:
        secret = renew_feed(db.session(), db.session.merge(lived.owner), now)
    other.post("/calendar/end", data={"csrf_token": token})
    assert lived.app.test_client().get(f"/calendar/{secret}.ics").status_code == 200


def test_tob_13_who_is_removed_keeps_nothing(lived: Lived) -> None:
    """There, access outlived the removal. Sign-ins, the calendar's address and planned mail end with the account."""
    lived.hearing(lived.case())
    browser = sign_in(lived.app, lived.owner)
    with unit_of_work("calendar.renew", COMMAND) as now:
        secret = renew_feed(db.session(), db.session.merge(lived.owner), now)
    due = NOW + timedelta(days=20)
    plan_step(due)
    db.session.rollback()
    assert db.session.scalars(select(Message).where(Message.state == "waiting")).all()
    with unit_of_work("accounts.disable", COMMAND):
        service.disable(db.session(), db.session.get(User, lived.owner.id), clock.now())
    assert browser.get("/account").status_code == 303
    assert lived.app.test_client().get(f"/calendar/{secret}.ics").status_code == 404
    from tracker.outbox.preview import dry_run

    assert not [f for f in dry_run(db.session(), due, relay_set=True) if f.would == "send"]


# Bayanat --------------------------------------------------------------------------------------------------------------


def test_bay_the_past_of_a_case_is_as_closed_as_its_present(lived: Lived) -> None:
    """There, histories were read by those to whom the item was closed."""
    shut = lived.case("Ahmad Khalefa", audience=Audience.NAMED)
    mixed = lived.case("Basma Odeh", title="Another")
    told = lived.tell(mixed, "person.arrested", text="seen by the neighbour", audience=Audience.NAMED)
    browser = lived.browser(lived.colleague)
    for address in (
        f"/cases/{shut.ref}?known-on=2024-03-18",
        f"/cases/{mixed.ref}/entries/{told.public_id}/correct",
        f"/cases/{mixed.ref}/entries/{told.public_id}/audience",
        f"/cases/{shut.ref}/entries/{told.public_id}/correct",
    ):
        assert browser.get(address).status_code == 404, address
    for address in (f"/cases/{mixed.ref}", f"/cases/{mixed.ref}?known-on=2024-03-18"):
        page = browser.get(address)
        assert page.status_code == 200
        assert "neighbour" not in page.text


#: Addresses that would lead out of a folder where one is opened by what stands in them.
ELSEWHERE = (
    "/static/../config.py",
    "/static/%2e%2e/config.py",
    "/static/..%2fconfig.py",
    "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
    "/static/..%5c..%5cetc%5cpasswd",
    "/static//etc/passwd",
    "/cases/..%2f..%2fetc%2fpasswd",
    "/cases/../../instance/secret",
    "/intake/..%2fkeyring",
    "/calendar/..%2f..%2fetc%2fpasswd.ics",
    "/reminders/stop/..%2f..%2fkeyring",
)


@pytest.mark.one_engine
def test_bay_no_address_leads_out_of_its_folder(lived: Lived) -> None:
    """There, a name of a file led to other files."""
    for client in (lived.app.test_client(), sign_in(lived.app, lived.owner)):
        for path in ELSEWHERE:
            answer = client.get(path)
            assert answer.status_code in (303, 404), path
            assert "root:" not in answer.text, path
            assert "TRACKER_" not in answer.text, path


#: What is written where somebody else will read it.
SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
)


@pytest.mark.one_engine
def test_bay_what_is_pasted_or_typed_is_shown_as_text(lived: Lived) -> None:
    """There, an imported text ran as a script in the browser of who reviewed it."""
    browser = lived.browser(lived.owner)
    hostile = " ".join(SCRIPTS)
    said = (
        f"Soldiers detained Sami Qasem in Haifa on 3 March 2024 {hostile}. "
        f"He appears before a court {hostile} on 8 April 2024."
    )
    pasted = browser.fill("/intake/paste", document=f"{said}\n\n{hostile}", desk_id=str(lived.desk.id))
    assert pasted.status_code == 303
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.get(pasted.headers["Location"]).text
    case = lived.case(f"Sami {SCRIPTS[1]}", title=f"Held {hostile}"[:290])
    lived.tell(case, "case.news", text=hostile)
    lived.hearing(case, court=hostile[:150])
    pages = [
        pasted.headers["Location"],
        "/",
        "/intake",
        "/cases",
        f"/cases?q={SCRIPTS[0]}",
        f"/cases?owner={SCRIPTS[1]}&stage={SCRIPTS[2]}",
        f"/cases/{case.ref}",
        f"/cases/{case.ref}?known-on={SCRIPTS[0]}",
        f"/cases/{case.ref}/edit",
        "/hearings",
        f"/sign-in?next={SCRIPTS[4]}",
    ]
    for path in pages:
        answer = browser.get(path)
        page = Page(answer.text)
        assert not page.inline, f"{path}: {page.inline}"
        assert "alert(1)</script>" not in answer.text, path
        assert not [link for link in page.links if link.startswith("javascript")], path
        assert ">49<" not in answer.text
        assert "49{%" not in answer.text


def test_bay_guessing_is_stopped_over_all_processes_together(
    lived: Lived, tracker_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, nothing slowed a guesser down; and where a counter is kept in a process, each process has its own."""
    monkeypatch.setattr(trying, "TRIES_OF_ACCOUNT", 3)
    with made_app(tracker_env) as other:
        codes = [
            try_to_sign_in(app.test_client(), lived.owner.email, "not the right one").status_code
            for app in (lived.app, other, lived.app, other)
        ]
        assert codes == [422, 422, 422, 429]
        assert try_to_sign_in(other.test_client(), lived.owner.email, PASSWORD).status_code == 429


def test_bay_what_leaves_the_house_holds_only_what_its_reader_sees(lived: Lived) -> None:
    """There, an export held items its maker could not open. Calendars are asked anew each time they are read; the table
    of a tally is for who keeps the case (tests/tally/test_tally.py)."""
    seen, shut = lived.case("Ahmad Khalefa"), lived.case("Basma Odeh", title="Another")
    lived.hearing(seen)
    hidden = lived.hearing(shut, court="Court of Ramla")
    with unit_of_work("calendar.renew", COMMAND) as now:
        secret = renew_feed(db.session(), db.session.merge(lived.colleague), now)
    from tracker.reminders.service import follow

    with unit_of_work("reminders.follow", COMMAND, now=NOW) as now:
        user = db.session.get(User, lived.colleague.id)
        for case in (seen, shut):
            follow(db.session(), user, case=db.session.get(Case, case.id), desk=None, now=now)

    def read() -> str:
        with clock.fixed_at(NOW):
            return str(lived.app.test_client().get(f"/calendar/{secret}.ics").text)

    assert db.session.scalar(select(Feed.id)) is not None
    both = read()
    assert shut.ref in both or hidden.public_id in both
    with lived.at() as now_session:
        now_session.get(Case, shut.id).audience = Audience.NAMED
    after = read()
    assert seen.ref in after
    for told in (shut.ref, shut.nickname, "Ramla", "Basma", hidden.public_id):
        assert told not in after


def test_bay_one_form_over_several_cases_reaches_only_those_one_sees(lived: Lived) -> None:
    """There, a bulk update changed restricted items. A hearing may be of several cases at once."""
    seen = lived.case("Ahmad Khalefa")
    shut = lived.case("Basma Odeh", title="Another", audience=Audience.NAMED)
    browser = lived.browser(lived.colleague)
    address = f"/cases/{seen.ref}/hearings/new"
    form = browser.filled(
        address, kind="hearing", court="Haifa District Court", day="2024-04-08", at_time="09:30", zone="Asia/Jerusalem"
    )
    own = form["appearing"]
    form["appearing"] = [*own, f"{shut.id}-{lived.person(shut)}"]
    assert browser.send(address, form).status_code == 422, "as for people there are not"
    assert browser.send(address, form | {"appearing": own}).status_code == 303
    db.session.rollback()
    assert set(db.session.scalars(select(Appearance.case_id))) == {seen.id}
    assert not lived.entries(shut, "hearing.")


@pytest.mark.one_engine
def test_bay_nothing_is_fetched_from_an_address_somebody_wrote(lived: Lived) -> None:
    """There, the maker of PDFs fetched what a page named. Nothing here can fetch but the alarm, whose address is a
    setting, and the parent of our own processes; and the tests reach nothing but this machine (`reached_out` in
    tests/conftest.py)."""
    fetches = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "ftplib", "telnetlib"}
    found = {
        path.relative_to(ROOT).as_posix()
        for path in python_files()
        for _node, name in imports(path)
        if any(name == f or name.startswith(f"{f}.") for f in fetches)
    }
    assert found == {"tracker/pages/probes.py", "tracker/serving.py"}, "the alarm, and whether our own pages answer"
    browser = lived.browser(lived.owner)
    answer = browser.fill(
        "/intake/paste", document="http://169.254.169.254/latest/meta-data", desk_id=str(lived.desk.id)
    )
    assert answer.status_code in (303, 422)


@pytest.mark.one_engine
def test_bay_the_name_of_a_file_that_is_shown_says_nothing(lived: Lived) -> None:
    """There, a file opened in the browser under the name it was given. The file that whoever has the address reads has
    one name; that of a table is made of the reference and the code of a letter."""
    with unit_of_work("calendar.renew", COMMAND) as now:
        secret = renew_feed(db.session(), db.session.merge(lived.owner), now)
    answer = lived.app.test_client().get(f"/calendar/{secret}.ics")
    assert answer.headers["Content-Disposition"] == 'inline; filename="hearings.ics"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.one_engine
def test_bay_what_gives_power_asks_again_who_it_is(lived: Lived) -> None:
    """There, a sign-in of last week was enough to change roles. Every view that is open to admins alone asks again, and
    so does every view that is named here."""
    alone = {e for e, view in lived.app.view_functions.items() if getattr(view, "opened_to", "") == "admin"}
    assert alone >= {"safety.mode", "safety.switch_mode"}
    shows_or_hands_out = {"contacts.do_reveal", "contacts.edit", "tally.download"}
    views = {e: lived.app.view_functions[e] for e in sorted(alone | shows_or_hands_out)}
    assert not [e for e, view in views.items() if not getattr(view, "asks_again", False)]


#: Files that are no text, or no page, by name and by what they hold.
NO_PAGES = (
    ("list.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 64),
    ("list.xlsx", b"PK\x03\x04" + b"\x00" * 64),
    ("list.txt", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 64),
    ("page.txt", b"<html><script>alert(1)</script></html>"),
    ("page.txt", b"%PDF-1.7"),
    ("page.svg", b"\x89PNG\r\n\x1a\n\x00"),
)


@pytest.mark.one_engine
def test_bay_only_what_is_text_is_taken_whatever_it_is_called(lived: Lived) -> None:
    """There, an .xls was taken. Here only plain text is, by what it holds and not by its name."""
    browser = sign_in(lived.app, lived.owner)
    token = form_token(browser)
    for name, data in NO_PAGES:
        form = {"csrf_token": token, "desk_id": str(lived.desk.id), "upload": (io.BytesIO(data), name)}
        answer = browser.post("/intake/paste", data=form, content_type="multipart/form-data")
        assert answer.status_code == 422, (name, data)
    db.session.rollback()
    assert db.session.scalar(text("SELECT count(*) FROM documents")) == 0


# SecureDrop -----------------------------------------------------------------------------------------------------------


def test_securedrop_an_answer_that_ends_after_the_sign_in_was_ended_does_not_bring_it_back(lived: Lived) -> None:
    """Their `test_session_race_condition`: a request on its way writes a session that was just destroyed."""
    browser = sign_in(lived.app, lived.owner)
    cookie = browser.get_cookie("tracker")
    assert cookie is not None
    with lived.app.test_request_context("/account", headers={"Cookie": f"tracker={cookie.value}"}):
        session["seen"] = "something"
        with unit_of_work("accounts.revoke", COMMAND):
            service.end_sign_ins(db.session(), db.session.get(User, lived.owner.id), clock.now())
        answer = lived.app.process_response(lived.app.response_class("done"))
    assert "Set-Cookie" not in answer.headers
    assert browser.get("/account").status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(SignIn.ended_at)).all() != [None]


# Every pattern has its place ------------------------------------------------------------------------------------------

#: Pattern → what proves it: tests of this file, or of others.
PATTERNS = {
    "TOB-1": ["test_tob_1_"],
    "TOB-2": ["test_tob_2_"],
    "TOB-4": ["test_tob_4_"],
    "TOB-5": ["test_tob_5_"],
    "TOB-8": ["test_tob_8_"],
    "TOB-9": ["factors/test_second_factor.py::test_a_code_lets_in_once_whatever_stands_around_it"],
    "TOB-11": ["test_tob_11_"],
    "TOB-13": ["test_tob_13_"],
    "BAY history": ["test_bay_the_past_"],
    "BAY path": ["test_bay_no_address_"],
    "BAY formula": [
        "tally/test_rules.py::test_what_would_be_a_formula_is_a_text",
        "tally/test_tally.py::test_the_table_for_spreadsheets_holds_no_formula_and_no_more_than_the_page",
    ],
    "BAY import": ["test_bay_what_is_pasted_"],
    "BAY brute force": ["test_bay_guessing_"],
    "BAY export": [
        "test_bay_what_leaves_",
        "tally/test_tally.py::test_only_who_keeps_the_case_reads_it",
        "tally/test_tally.py::test_who_takes_the_table_away_shows_again_that_it_is_them",
    ],
    "BAY bulk": ["test_bay_one_form_"],
    "BAY fetch": ["test_bay_nothing_is_fetched_"],
    "BAY filename": ["test_bay_the_name_of_a_file_"],
    "BAY fresh": ["test_bay_what_gives_power_"],
    "BAY xls": ["test_bay_only_what_is_text_"],
    "SecureDrop OTP": [
        "factors/test_second_factor.py::test_a_code_lets_in_once_whatever_stands_around_it",
        "factors/test_second_factor.py::test_of_two_answers_at_once_one_is_let_in",
    ],
    "SecureDrop session": ["test_securedrop_an_answer_"],
    "Notify race": ["outbox/test_crashes.py::test_two_deliverers_send_fifty_mails_fifty_times"],
    "listmonk resume": ["outbox/test_pausing.py::test_what_was_sent_before_the_pause_is_not_sent_again_after_it"],
    "listmonk restore": [
        "outbox/test_restored.py::test_after_a_restore_nothing_leaves_until_released_and_then_only_what_never_left"
    ],
}


@pytest.mark.one_engine
def test_every_pattern_has_a_test_and_a_line_in_the_docs() -> None:
    docs = (ROOT / "docs" / "security.md").read_text()
    here = (ROOT / "tests" / "security" / "test_findings.py").read_text()
    for pattern, proofs in PATTERNS.items():
        assert pattern in docs, pattern
        for proof in proofs:
            path, _, name = proof.rpartition("::")
            source = (ROOT / "tests" / path).read_text() if path else here
            assert f"def {name}" in source, proof
