"""Every route that names something of a case × everybody who may ask × cases on each rung: who is let in follows from
the mark of the view and from where the account stands to the case, and from nothing else."""

from typing import Any

import pytest
from flask import Flask
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

from tracker.accounts.guard import MARKS, mark_of
from tracker.base import clock
from tracker.base.audience import Audience

pytestmark = pytest.mark.one_engine

#: Rooms whose pages about a case are for those who keep it.
KEPT = {"cases", "hearings", "entries", "consent", "contacts", "history", "actions", "tally", "publishing"}

#: Of what a case holds these fields carry an audience of their own.
OF_ITS_OWN = {"hearing", "entry", "flag", "message", "contact", "action", "code"}


@pytest.fixture
def house(app: Flask) -> House:
    """A case on each rung."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return build(app)


def expected(house: House, rule: Rule, method: str, asker: str, held: Held, rung: int) -> str:
    """The class of answer, from the mark and the ladder."""
    mark, room = mark_of(house.app, rule.endpoint), rule.endpoint.partition(".")[0]
    user = house.users.get(asker)
    if asker in ("stranger", "disabled"):
        return "sent to sign in" if method == "GET" else "form not taken"
    assert user is not None
    assert mark is not None
    if user.role not in MARKS[mark]:
        return "refused"
    closed = held.within < rung
    if "message_id" in rule.arguments:
        # One's own; and what is about a hearing of a desk's case that one sees.
        on_desk = asker in ("staff", "coordinator", "named")
        return "let in" if asker == "named" or (on_desk and rung != NOTHING and not closed) else "no such page"
    if room == "intake":
        if asker not in ("staff", "coordinator", "named"):
            return "no such page"
        if "which" in rule.arguments:
            return "let in" if rung <= Audience.DESK else "no such page"
        # The page is the desk's; what of it goes into a case is for those who keep that.
        return "let in" if "key" not in rule.arguments or rung <= Audience.DESK else "no such page"
    if rung == NOTHING:
        return "no such page"
    if room in ("steps", "telling"):
        # Whoever may see the action takes it; what somebody said they did they alone take back.
        mine = "step_id" not in rule.arguments or asker == "named"
        return "let in" if mine and not closed else "no such page"
    if room == "flags":
        # Flags are for those who keep the case, whatever it is open to.
        return "no such page" if min(held.within, Audience.DESK) < rung else "let in"
    if room in KEPT or rule.endpoint in ("pages.opening", "pages.do_open"):
        if rung > Audience.DESK or not user.is_staff:
            return "refused"
        if rule.endpoint == "tally.undo":
            # What somebody added they alone take back.
            return "let in" if asker == "named" else "no such page"
        own = room in ("hearings", "entries", "contacts", "actions", "tally")
        return "no such page" if own and "public_id" in rule.arguments and closed else "let in"
    return "let in"


def seen(answer: Any) -> str:
    """The class of an answer."""
    if answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in"):
        return "sent to sign in"
    if answer.status_code == 400 and "The form was open too long" in answer.text:
        return "form not taken"
    return {403: "refused", 404: "no such page"}.get(answer.status_code, "let in")


@pytest.mark.parametrize("asker", ASKERS)
def test_everybody_gets_what_the_ladder_says_and_nothing_else(house: House, asker: str) -> None:
    browser, token = house.browser(asker)
    rungs = {name: rung_of(house.users.get(asker), held.case_id) for name, held in house.held.items()}
    wrong = []
    for rule, method in routes_of_cases(house.app):
        whole = OF_ITS_OWN.isdisjoint(named_by(rule).values())
        for name, held in house.held.items():
            if whole and ", " in name:
                continue  # What is open within says nothing of an address that names nothing within.
            with clock.fixed_at(NOW), nothing_is_kept():
                answer = browser.open(
                    address(house.app, rule, held),
                    method=method,
                    data=None if method == "GET" else {"csrf_token": token},
                )
            wanted, found = expected(house, rule, method, asker, held, rungs[name]), seen(answer)
            if found != wanted or answer.status_code >= 500:
                wrong.append(f"{method} {rule.rule} of “{name}”: {found} ({answer.status_code}), not {wanted}")
    assert not wrong, "\n".join(wrong)


def test_the_walk_leaves_out_no_route(app: Flask) -> None:
    walked = {rule.endpoint for rule, _method in routes_of_cases(app)}
    assert len(walked) > 40
    assert {"pages.case_file", "flags.snooze", "pages.service_mail", "intake.edit", "reminders.stop_case"} <= walked


def test_a_route_with_an_argument_nobody_knows_fails_the_walk(app: Flask) -> None:
    app.add_url_rule("/cases/<ref>/secrets/<unheard_of>", "pages.unheard_of", lambda ref, unheard_of: "")
    with pytest.raises(AssertionError, match="unheard_of"):
        list(routes_of_cases(app))
