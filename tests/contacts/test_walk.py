"""One case for named people, one sealed phone number, and seven kinds of people who are not named, on every route."""

from collections.abc import Iterator
from typing import Any

import pytest
from actions_ground import action
from canaries import Canaries
from contacts_ground import Keeps, acts, address_of, press, token_of
from crawl import ENDS_THE_WALK, Ids, every_address
from flask import Flask
from house_of_cases import NOW, Browser, Lived
from signed_in import make_account, sign_in

from tracker.accounts import service as accounts
from tracker.actions.service import LetterGiven
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.mode import read_mode
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.contacts.models import Contact
from tracker.people.models import Person

#: Who is not named. The account of `disabled` was closed while it was signed in.
ASKERS = ("anonymous", "volunteer", "staff of another desk", "staff", "coordinator", "admin", "disabled")

NUMBER = "+970 55 918 273 64"

#: What is not of this case; what there is not answers like what may not be seen.
ELSEWHERE: Ids = {
    "code": "iopt",
    "flag_id": 999_999,
    "message_id": 999_999,
    "recipient_id": 999_999,
    "sign_in_id": 999_999,
    "intake.public_id": "none-such",
    "intake.which": "none-such",
    "intake.key": "none-such",
    "reminders.token": "none-such",
    "digests.word": "none-such",
    "calendar.secret": "none-such",
    "contacts.kind": "family",
    "factors.passkey_id": 999_999,
    "administration.user_id": 999_999,
    "invitations.link_id": 999_999,
    "invitations.word": "none-such",
    "pages.audience": ["volunteers", "public"],
    "lang": "en",
    "year": "2024",
    "publishing.public_id": "none-such",
    "publishing.action.public_id": "none-such",
    "groups.group_id": "none-such",
    "groups.evening_id": "none-such",
    "groups.invitation_id": "none-such",
    "groups.step_id": "none-such",
    "groups.member_id": 999_999,
    "following.public_id": "none-such",
    "following.word": "none-such",
    "tally.step_id": "none-such",
    "steps.step_id": "none-such",
    "steps.code": "none-such",
    "actions.language": ["en", "new"],
    "targets.public_id": "none-such",
}


class Walk:
    """The case, its number, and whoever walks."""

    def __init__(self, app: Flask, lived: Lived, keeps: Keeps) -> None:
        self.app, self.lived = app, lived
        self.case: Case = lived.case("Zaynab Qaraq", title="Taken from her office", audience=Audience.NAMED)
        self.contact: Contact = keeps(self.case, {"phone": NUMBER})
        hearing = lived.hearing(self.case, audience=Audience.NAMED, court="Qaraq Assizes")
        entry = lived.tell(self.case, "person.arrested", audience=Audience.NAMED, text="At dawn, from her office")
        person = db.session.get_one(Person, lived.person(self.case))
        letters = (LetterGiven("en", "Say where Qaraq is"),)
        asked = action(
            *(lived, self.case),
            title="Ask the assizes",
            letters=letters,
            ua_number="",
            audience=Audience.NAMED,
        )
        self.ids = {
            **ELSEWHERE,
            "ref": self.case.ref,
            "cases.public_id": person.public_id,
            "hearings.public_id": hearing.public_id,
            "entries.public_id": entry.public_id,
            "contacts.public_id": self.contact.public_id,
            "consent.public_id": person.public_id,
            **{f"{room}.public_id": asked.public_id for room in ("actions", "steps", "telling", "tally")},
        }
        #: All that says that there is such a case.
        self.tells = Canaries(
            {
                "number": NUMBER,
                "person": "Zaynab Qaraq",
                "title": "Taken from her office",
                "court": "Qaraq Assizes",
                "entry": "At dawn, from her office",
                "action": "Ask the assizes",
                "letter": "Say where Qaraq is",
            }
        )

    def browser(self, asker: str) -> Browser:
        """A browser of somebody who asks."""
        lived = self.lived
        if asker == "anonymous":
            return Browser(self.app.test_client(), NOW)
        known = {
            "volunteer": lived.volunteer,
            "staff of another desk": lived.outsider,
            "staff": lived.colleague,
            "admin": lived.admin,
        }
        if asker in known:
            return lived.browser(known[asker])
        role = "staff" if asker == "coordinator" else "admin"
        # The last coordinator of a desk may not be closed, so that the disabled one is none.
        user = make_account(f"{asker}@example.org", role, desk="iopt", coordinator=asker == "coordinator")
        browser = Browser(sign_in(self.app, user, NOW), NOW)
        if asker == "disabled":
            with unit_of_work("accounts.disable", COMMAND, now=NOW):
                accounts.disable(db.session(), db.session.merge(user), NOW)
        return browser

    def answers(self, asker: str, browser: Browser, **said: str) -> Iterator[tuple[str, str, str, Any]]:
        """(endpoint, method, address, answer) of every route, asked and sent, for this case and its rows. What is only
        read and names neither is left to the canaries (test_canary.py): the same people open it there."""
        fields = {"reason": "calling", "label": "sister", "audience": "desk", **token_of(browser), **said}
        for rule, method, address in every_address(self.app, self.ids, ["GET", "POST"]):
            if rule.endpoint in ENDS_THE_WALK or (method == "GET" and not rule.arguments):
                continue
            if method == "GET":
                yield rule.endpoint, method, address, browser.get(address)
            else:
                yield rule.endpoint, method, address, browser.send(address, fields)


@pytest.fixture
def walk(app: Flask, lived: Lived, keeps: Keeps) -> Walk:
    """The case, and a fault that is a page as it is for people."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return Walk(app, lived, keeps)


@pytest.mark.one_engine
@pytest.mark.parametrize("asker", ASKERS)
def test_who_is_not_named_learns_nothing_on_any_route(walk: Walk, asker: str) -> None:
    wrong = []
    browser = walk.browser(asker)
    for _endpoint, method, address, answer in walk.answers(asker, browser):
        if answer.status_code == 500:
            wrong.append(f"{method} {address}: a fault")
        if told := walk.tells.in_answer(answer):
            wrong.append(f"{method} {address} ({answer.status_code}): {', '.join(sorted(told))}")
        if walk.case.ref in address:
            missing_at = address.replace(walk.case.ref, "IOPT-0999")
            missing = browser.get(missing_at) if method == "GET" else None
            if missing is not None and missing.status_code != answer.status_code:
                wrong.append(f"{method} {address}: {answer.status_code}, a missing one {missing.status_code}")
            if answer.status_code == 200:
                wrong.append(f"{method} {address}: 200")
    assert not wrong, "\n".join(wrong)
    if asker not in ("anonymous", "disabled"):
        assert browser.get("/account").status_code == 200, "signed out on the way: the rest proves nothing"
    assert read_mode(db.session()).state == "open"
    assert not acts("contacts.")
    assert walk.lived.fresh(walk.contact).version == 1


@pytest.mark.one_engine
def test_who_is_named_reads_it_once_for_each_time_it_was_asked_for(walk: Walk) -> None:
    browser = walk.lived.browser(walk.lived.owner)
    shown = []
    for rule, _method, address in every_address(walk.app, walk.ids):
        if "number" in walk.tells.in_answer(browser.get(address)):
            shown.append(rule.endpoint)
    assert not shown
    for what in ("reveal", "open"):
        answer = press(browser, address_of(walk.case, walk.contact, what), reason="calling")
        assert "number" in walk.tells.in_answer(answer)
    assert [act.act for act, _changes in acts("contacts.")] == ["contacts.reveal", "contacts.open"]
    assert [act.actor_id for act, _changes in acts("contacts.")] == [walk.lived.owner.id] * 2
