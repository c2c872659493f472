"""One desk with a case on each rung of the ladder, everything a case can hold in each, and everybody who may ask: for
the tests that walk all routes. What may be seen is worked out here in plain Python, from the rows alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signed_in import form_token, make_account, make_desk, sign_in
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from tracker.accounts import service as accounts
from tracker.accounts.models import Membership, SignIn, User
from tracker.actions import service as actions
from tracker.actions.models import UrgentAction
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import StatedDate
from tracker.base.db import db
from tracker.base.work import COMMAND, Actor, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case, CaseGrant, Involvement
from tracker.contacts.models import Contact
from tracker.contacts.service import add_contact
from tracker.flags.models import Flag
from tracker.flags.sweep import sweep_flags
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import on_day
from tracker.intake import service as intake
from tracker.intake.models import Document, Proposal
from tracker.intake.reading.page import read_page
from tracker.outbox.models import Message, Recipient
from tracker.people.models import Person
from tracker.people.service import NameGiven, add_person
from tracker.reminders.planning import plan_step
from tracker.steps.models import Step
from tracker.steps.service import record_step
from tracker.targets.models import Target
from tracker.targets.service import record_target
from tracker.timeline.models import Entry, EntryState
from tracker.timeline.service import Source, record_entry

#: A Monday morning, three weeks before the hearings of these cases.
NOW = datetime(2024, 3, 18, 8, tzinfo=UTC)

#: Sees nothing of a case.
NOTHING = 9

#: Who asks. `named` keeps the cases; the account of `disabled` was closed while it was signed in.
ASKERS = ("stranger", "volunteer", "staff elsewhere", "staff", "coordinator", "admin", "disabled", "named")

#: The cases: whom each is open to, and whom what it holds is open to.
RUNGS = {
    "named": (Audience.NAMED, Audience.NAMED),
    "named, open within": (Audience.NAMED, Audience.VOLUNTEERS),
    "desk": (Audience.DESK, Audience.DESK),
    "desk, closed within": (Audience.DESK, Audience.NAMED),
    "volunteers": (Audience.VOLUNTEERS, Audience.VOLUNTEERS),
    "volunteers, closed within": (Audience.VOLUNTEERS, Audience.DESK),
}


@dataclass
class Held:
    """A case and what it holds: what an address below it can name."""

    ref: str
    case_id: int
    audience: Audience
    within: Audience
    person: str
    hearing: str
    entry: str
    document: str
    group: str
    proposal: str
    flag: int
    message: int
    contact: str
    action: str
    step: str
    code: str
    language: str = "en"
    contact_kind: str = "family"
    #: A rung to open it to: no thing of the case.
    wider: str = "volunteers"


@dataclass
class House:
    """Everybody, and the cases by what they are open to."""

    app: Flask
    users: dict[str, User] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)

    def browser(self, asker: str) -> tuple[FlaskClient, str]:
        """A browser of somebody, and the form token they have."""
        if asker == "stranger":
            return self.app.test_client(), ""
        browser = sign_in(self.app, self.users[asker], NOW)
        with clock.fixed_at(NOW):
            token = form_token(browser)
        if asker == "disabled":
            with unit_of_work("accounts.disable", COMMAND, now=NOW):
                accounts.disable(db.session(), db.session.merge(self.users[asker]), NOW)
        return browser, token


def build(app: Flask, rungs: dict[str, tuple[Audience, Audience]] | None = None) -> House:
    """The house with its people, a case for each of `rungs`, and what is planned for them."""
    house = House(app)
    make_desk(working_days=(7, 1, 2, 3, 4))
    make_desk("egypt", "Egypt", ("EG",), "Africa/Cairo")
    house.users = {
        "volunteer": make_account("volunteer@example.org", "volunteer"),
        "staff elsewhere": make_account("elsewhere@example.org", desk="egypt"),
        "staff": make_account("staff@example.org", desk="iopt"),
        "coordinator": make_account("coordinator@example.org", desk="iopt", coordinator=True),
        "admin": make_account("admin@example.org", "admin"),
        "disabled": make_account("disabled@example.org", desk="iopt"),
        "named": make_account("named@example.org", desk="iopt", name="Keeper"),
    }
    filled = {
        name: fill(house, number, audience, within)
        for number, (name, (audience, within)) in enumerate((RUNGS if rungs is None else rungs).items())
    }
    sweep_flags(NOW)
    plan_step(NOW + timedelta(hours=2))
    house.held = {name: held(what) for name, what in filled.items()}
    return house


#: People of these cases: of no two would a reader think that they are the same.
NAMES = (
    "Samir Haddad",
    "Nadia Halabi",
    "Munther Amira",
    "Yusuf Barghouti",
    "Layla Qasim",
    "Omar Shakir",
    "Rania Zoabi",
    "Fadi Khoury",
)


@dataclass
class Filled:
    """A case and what was put into it."""

    case: Case
    audience: Audience
    within: Audience
    person_id: int
    hearing: Hearing
    entry: Entry
    document: Document
    proposal: Proposal
    contact_id: int
    action: UrgentAction
    step: Step


def fill(house: House, number: int, audience: Audience, within: Audience) -> Filled:
    """A case of the desk, kept by `named`, with a person, an entry, a hearing a page that proposes another one, and
    an urgent action with a step."""
    keeper, name = house.users["named"], NAMES[number]
    actor = Actor("user", keeper.id, keeper.name)
    with unit_of_work("tests", actor, now=NOW):
        session = db.session()
        desk = intake_desk(session)
        owner = session.get_one(User, keeper.id)
        case = cases.open_case(
            session,
            desk,
            title=f"Title{number}mark",
            summary=f"Summary{number}mark",
            risk="high",
            owner=owner,
            audience=min(audience, Audience.DESK),
        )
        person = add_person(session, [NameGiven(name)])
        cases.involve(session, case, person.id)
        # Whether it may be opened so far is asked elsewhere; here it is.
        case.audience = audience
        entry = record_entry(
            session,
            case_id=case.id,
            kind="person.arrested",
            date_stated=StatedDate(NOW.date() - timedelta(days=8)),
            audience=within,
            text=f"Entry{number}mark",
            confidence="reported",
            sources=[Source(kind="press", address=f"Source{number}mark")],
        )
        contact = add_contact(
            session,
            case,
            kind="family",
            label="sister",
            audience=min(within, Audience.DESK),
            values={"phone": f"+970 599 000 00{number}"},
        )
        action = actions.draft_action(
            session,
            case,
            title=f"Action{number}mark",
            summary=f"Asked{number}mark",
            ua_number=f"UA {number + 1}/24",
            audience=within,
            targets=[official(session)],
            letters=[actions.LetterGiven("en", f"Letter{number}mark", f"Subject{number}mark")],
        )
        action.state, action.activated_at, action.shown_to = "active", NOW, min(audience, within)
        step = record_step(session, action, channel="email", user=owner, source="staff", count=7)
        when = on_day("Asia/Jerusalem", (NOW + timedelta(days=1)).date(), datetime(2024, 3, 19, 15, tzinfo=UTC).time())
        hearing = hearings.schedule_hearing(
            session,
            when,
            kind="hearing",
            court=f"Court{number}mark",
            place=f"Place{number}mark",
            note=f"Note{number}mark",
            observer=f"Observer{number}mark",
            audience=within,
            certainty="provisional",
            appearing=[hearings.Appears(case.id, person.id)],
        )
    text = (
        f"Israel and Palestine\n\nFree {name} - URGENT ACTION - 18/03/2024\n\n"
        f"{name} was arrested on {number + 2} January 2024. "
        f"The next hearing of {name} is set for {number + 8} May 2024 at the Haifa criminal court. Take action.\n"
    )
    with unit_of_work("intake.propose", actor, now=NOW):
        session = db.session()
        desk = intake_desk(session)
        reading = read_page(text)
        document = intake.keep_document(session, desk, text, f"page{number}.txt", NOW.date())
        fresh = intake.propose(session, desk, document, reading).fresh
        (proposal,) = [p for p in fresh if p.kind == "hearing"]
        assert proposal.case_id == case.id, "the page is about the people of the case"
    return Filled(case, audience, within, person.id, hearing, entry, document, proposal, contact.id, action, step)


def held(filled: Filled) -> Held:
    """What an address below a case can name: a flag and a planned mail, too."""
    db.session.rollback()
    session = db.session()
    case, hearing = filled.case, filled.hearing
    flag = session.scalars(select(Flag).where(Flag.case_id == case.id, Flag.subject != "")).first()
    message = session.scalars(
        select(Message).where(Message.subject_kind == "hearing", Message.subject_id == hearing.id)
    ).first()
    assert flag is not None, "the hearing is soon"
    assert message is not None, "its owner is reminded"
    return Held(
        case.ref,
        case.id,
        filled.audience,
        filled.within,
        session.get_one(Person, filled.person_id).public_id,
        hearing.public_id,
        filled.entry.public_id,
        filled.document.public_id,
        filled.proposal.group_key,
        filled.proposal.public_id,
        flag.id,
        message.id,
        session.get_one(Contact, filled.contact_id).public_id,
        filled.action.public_id,
        filled.step.public_id,
        filled.action.short_code,
    )


def official(session: Any) -> Target:
    """Whom the actions of these cases are addressed to."""
    known = session.scalar(select(Target).limit(1))
    given = {"kind": "official", "country": "IL", "office": "Minister of Justice", "name": "Target of all"}
    return known or record_target(session, **given, email="minister@example.org", postal="A street", phone="+972 55501")


def intake_desk(session: Any) -> Any:
    """The desk of these cases."""
    from tracker.accounts.queries import get_desk

    return get_desk(session, "iopt")


@contextmanager
def nothing_is_kept() -> Iterator[None]:
    """Let everything be done but the last: what is sent is taken, settled and audited, and then rolled back, so that
    the next who asks finds the house as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "commit", Session.rollback)
        yield


# What may be seen, in plain Python ------------------------------------------------------------------------------------


def oracle(user: User | None, case: Case, grants: set[int], desks: set[int]) -> int:
    """From which rung an account sees a case: the sentence of the design, without a line of SQL. `grants`: the accounts
    named in the case; `desks`: those the account is a member of."""
    if user is None or not user.active:
        return NOTHING
    if user.id in {case.owner_id, case.deputy_id} | grants:
        return 0
    if case.audience >= 1 and user.role in ("staff", "admin") and case.desk_id in desks:
        return 1
    return 2 if case.audience >= 2 else NOTHING


def rung_of(user: User | None, case_id: int) -> int:
    """The same, with its rows read."""
    session = db.session()
    session.rollback()
    if user is None:
        return NOTHING
    mine = session.get_one(User, user.id, populate_existing=True)
    grants = set(session.scalars(select(CaseGrant.user_id).where(CaseGrant.case_id == case_id)))
    desks = set(session.scalars(select(Membership.desk_id).where(Membership.user_id == user.id)))
    return oracle(mine, session.get_one(Case, case_id, populate_existing=True), grants, desks)


# Addresses ------------------------------------------------------------------------------------------------------------

#: Routes with an argument that names nothing of a case, each with the reason.
OF_NO_CASE = {
    "static": "files of the program",
    "accounts.desk_settings": "a desk",
    "accounts.change_desk_settings": "a desk",
    "accounts.end_sign_in": "one's own sign-in",
    "accounts.reach_again": "an address mail does not reach",
    "reminders.follow_desk": "a desk",
    "reminders.stop_desk": "a desk",
    "reminders.stop": "whoever holds the link: tests/house/test_removal.py",
    "reminders.stop_now": "whoever holds the link",
    "reminders.resume_now": "whoever holds the link",
    "digests.stop": "whoever holds the link",
    "digests.stop_now": "whoever holds the link",
    "digests.resume_now": "whoever holds the link",
    "calendar.read": "whoever holds the address: tests/house/test_removal.py",
    "factors.remove_passkey": "one's own passkey",
    "following.ask": "what everybody may follow, whoever asks: tests/following",
    "following.ask_now": "what everybody may follow, whoever asks: tests/following",
    "following.asked": "said alike to everybody",
    **{
        f"following.{name}": "whoever holds the link: tests/following"
        for name in ("confirm", "confirm_now", "out", "out_now", "forget_now")
    },
    **{
        f"publishing.{name}": "what everybody reads, whoever asks: tests/publishing"
        for name in (
            "index",
            "actions",
            "action",
            "case",
            "case_json",
            "case_feed",
            "case_hearings",
            "desk",
            "year",
            "good_news",
            "desk_feed",
            "desk_hearings",
        )
    },
    **{
        f"publishing.{name}": "a desk, and what it published"
        for name in ("set_up", "change_page", "offered", "list_them", "new", "write", "withdraw")
    },
    "invitations.again": "somebody who is invited",
    "invitations.revoke": "somebody who is invited",
    "invitations.accept": "whoever holds the link",
    "invitations.join": "whoever holds the link",
    "invitations.new_password": "whoever holds the link",
    "invitations.set_password": "whoever holds the link",
    "invitations.confirm_address": "whoever holds the link to another address of theirs",
    "invitations.take_address": "whoever holds the link to another address of theirs",
    **{
        f"targets.{name}": "somebody to write to: no case"
        for name in ("edit", "change", "settle", "report", "do_report")
    },
    **{
        f"groups.{name}": "a group; what its pages say of actions: tests/stories/test_story_20_a_group_on_thursday.py"
        for name in (
            *("show", "edit", "change", "invite", "join", "decline", "leave", "remove", "set_duty", "end"),
            *("record", "do_record", "undo", "new_evening", "plan_evening", "evening"),
            *("edit_evening", "change_evening", "cancel_evening"),
            *("print_evening", "result", "do_result"),
        )
    },
    **{
        f"administration.{name}": "an account"
        for name in (
            "show",
            "disable",
            "enable",
            "change_role",
            "join_desk",
            "leave_desk",
            "set_duty",
            "revoke",
            "reset",
            "forget_factors",
        )
    },
}

#: What an argument names, by endpoint or by room.
_NAMES = {
    "cases.public_id": "person",
    "hearings.public_id": "hearing",
    "entries.public_id": "entry",
    "intake.public_id": "document",
    "intake.which": "proposal",
    "intake.key": "group",
    "flags.flag_id": "flag",
    "pages.message_id": "message",
    "pages.audience": "wider",
    "consent.public_id": "person",
    "contacts.public_id": "contact",
    "contacts.kind": "contact_kind",
    "actions.public_id": "action",
    "actions.language": "language",
    "steps.public_id": "action",
    "steps.step_id": "step",
    "telling.public_id": "action",
    "steps.code": "code",
    "tally.public_id": "action",
    "tally.step_id": "step",
}


class CannotBeFilled(AssertionError):
    """A route whose arguments this house cannot fill: it would be left out of every walk."""


def named_by(rule: Rule) -> dict[str, str]:
    """What each argument of a route names: argument → field of `Held`."""
    room = rule.endpoint.partition(".")[0]
    found = {}
    for name in rule.arguments:
        what = "ref" if name == "ref" else _NAMES.get(f"{room}.{name}")
        if what is None:
            raise CannotBeFilled(f"{rule.rule}: say in tests/house_of_sight.py what <{name}> names")
        found[name] = what
    return found


def routes_of_cases(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route that names something of a case, with each of its methods."""
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.endpoint not in OF_NO_CASE:
            named_by(rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def address(app: Flask, rule: Rule, held: Held, **instead: Any) -> str:
    """The address of a route about what a case holds; `instead` by what is named."""
    values = {name: instead.get(what, getattr(held, what)) for name, what in named_by(rule).items()}
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, values, method=next(iter(rule.methods or ())))


__all__ = [
    "ASKERS",
    "NOTHING",
    "NOW",
    "OF_NO_CASE",
    "RUNGS",
    "CannotBeFilled",
    "Document",
    "Entry",
    "EntryState",
    "Hearing",
    "Held",
    "House",
    "Involvement",
    "Proposal",
    "Recipient",
    "SignIn",
    "address",
    "build",
    "named_by",
    "nothing_is_kept",
    "oracle",
    "routes_of_cases",
    "rung_of",
]
