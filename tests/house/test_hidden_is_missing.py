"""A case one may not know of answers exactly like one that is not there: the same status, the same headers, the same
bytes, the same work of the database; and what a case holds answers under its own case alone."""

import re
from typing import Any

import pytest
from flask import Flask
from house_of_cases import statements
from house_of_sight import (
    ASKERS,
    NOTHING,
    NOW,
    Held,
    House,
    address,
    build,
    named_by,
    nothing_is_kept,
    routes_of_cases,
    rung_of,
)
from werkzeug.routing import Rule

from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id

pytestmark = pytest.mark.one_engine

#: What there is not, by what an address names. The reference is of the desk, like the others.
MISSING: dict[str, Any] = {
    "ref": "IOPT-0999",
    "group": "0" * 32,
    "flag": 999_999,
    "message": 999_999,
}

#: What an address names that is a thing of no case: a rung, a kind.
OF_NO_CASE_ITSELF = {"wider", "contact_kind", "language"}

#: What two answers to the same question may differ in: tokens of the request.
_OF_THE_REQUEST = re.compile(r"(nonce-|nonce=\"|name=\"(?:csrf_token|once)\" value=\")[^\"';]+")


@pytest.fixture
def house(app: Flask) -> House:
    """Cases that some may not know of, and one that everybody may."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return build(
        app,
        {
            "named": (Audience.NAMED, Audience.NAMED),
            "named, open within": (Audience.NAMED, Audience.VOLUNTEERS),
            "desk": (Audience.DESK, Audience.DESK),
            "volunteers": (Audience.VOLUNTEERS, Audience.VOLUNTEERS),
        },
    )


def asked(browser: Any, token: str, method: str, where: str) -> tuple[int, str, list[tuple[str, str]], int]:
    """Status, body, headers and number of statements of an answer."""
    with clock.fixed_at(NOW), nothing_is_kept(), statements() as counted:
        answer = browser.open(where, method=method, data=None if method == "GET" else {"csrf_token": token})
    headers = [(name, _OF_THE_REQUEST.sub(r"\1", value)) for name, value in answer.headers]
    return answer.status_code, _OF_THE_REQUEST.sub(r"\1", answer.text), headers, len(counted.said)


def without_echo(answer: tuple[int, str, list[tuple[str, str]], int], *said: str) -> Any:
    """The answer without the address that was asked for, where a page leads back to it."""
    status, body, headers, count = answer
    for one in said:
        body = body.replace(one, "…")
        headers = [(name, value.replace(one, "…")) for name, value in headers]
    return status, body, [(n, v) for n, v in headers if n != "Content-Length"], count


class Asks:
    """Somebody asks, and is told what was told before where it is the same that is missing."""

    def __init__(self, house: House, asker: str) -> None:
        self.house = house
        self.browser, self.token = house.browser(asker)
        self.missing: dict[Any, Any] = {}

    def for_what_is_there(self, rule: Rule, method: str, held: Held, **instead: Any) -> Any:
        """The answer to an address of something that there is; `instead` of what the case holds."""
        return self._told(method, address(self.house.app, rule, held, **instead), instead)

    def for_what_is_missing(self, rule: Rule, method: str, held: Held, names: set[str]) -> Any:
        """The answer to the same address, with things in it that there are not."""
        rest = tuple(getattr(held, what) for what in sorted(set(named_by(rule).values()) - names))
        key = (rule.rule, rule.endpoint, method, rest, frozenset(names))
        if key not in self.missing:
            missing = {what: MISSING.get(what) or new_public_id() for what in names}
            self.missing[key] = self._told(method, address(self.house.app, rule, held, **missing), missing)
        return self.missing[key]

    def _told(self, method: str, where: str, named: dict[str, Any]) -> Any:
        said = (value for value in named.values() if isinstance(value, str))
        return without_echo(asked(self.browser, self.token, method, where), where, *said)


@pytest.mark.parametrize("asker", ASKERS)
def test_who_may_not_know_of_a_case_is_answered_as_if_it_were_not_there(house: House, asker: str) -> None:
    asks, wrong, looked = Asks(house, asker), [], 0
    for name, held in house.held.items():
        if rung_of(house.users.get(asker), held.case_id) != NOTHING:
            continue
        for rule, method in routes_of_cases(house.app):
            names = set(named_by(rule).values()) - OF_NO_CASE_ITSELF
            # A page of the desk is known to the desk; the case it speaks of is what must not show.
            names -= {"document"}
            if not names:
                continue
            there = asks.for_what_is_there(rule, method, held, **{what: getattr(held, what) for what in names})
            not_there = asks.for_what_is_missing(rule, method, held, names)
            looked += 1
            if there != not_there:
                parts = ("status", "body", "headers", "statements")
                differs = [p for p, a, b in zip(parts, there, not_there, strict=True) if a != b]
                wrong.append(f"{method} {rule.rule} of “{name}”: {', '.join(differs)}")
    assert not wrong, "\n".join(wrong)
    assert looked > 30 or asker == "named"


@pytest.mark.parametrize("asker", ["volunteer", "staff elsewhere", "staff", "named"])
def test_what_a_case_holds_answers_under_no_other_case(house: House, asker: str) -> None:
    """Children of a case under the reference of others, whether either may be seen or not."""
    asks = Asks(house, asker)
    rungs = {name: rung_of(house.users[asker], held.case_id) for name, held in house.held.items()}
    wrong = []
    for rule, method in routes_of_cases(house.app):
        names = set(named_by(rule).values()) - OF_NO_CASE_ITSELF
        parent = "ref" if "ref" in names else "document" if "document" in names else ""
        children = names - {parent}
        if not parent or not children:
            continue
        held_of = list(house.held.items())
        for place, (name, held) in enumerate(held_of):
            for other, elsewhere in (held_of[place - 1], held_of[place - 2]):
                mixed = {what: getattr(elsewhere, what) for what in children}
                answers = [
                    asks.for_what_is_there(rule, method, held, **mixed),
                    asks.for_what_is_missing(rule, method, held, children),
                ]
                kept = rungs[name] <= Audience.DESK and asker != "volunteer"
                if answers[0][:3] != answers[1][:3] or (kept and answers[0][0] != 404):
                    wrong.append(f"{method} {rule.rule}: of “{other}” under “{name}”: {answers[0][0]}")
    assert not wrong, "\n".join(wrong)


def test_the_echo_is_all_that_is_left_out(house: House) -> None:
    """No error page repeats what was asked for: hidden and missing are the very same bytes."""
    browser, _token = house.browser("staff")
    held: Held = house.held["named"]
    with clock.fixed_at(NOW):
        there, not_there = (browser.get(f"/cases/{ref}") for ref in (held.ref, "IOPT-0999"))
    assert held.ref not in there.text
    assert there.status_code == 404
    assert _OF_THE_REQUEST.sub(r"\1", there.text) == _OF_THE_REQUEST.sub(r"\1", not_there.text)
