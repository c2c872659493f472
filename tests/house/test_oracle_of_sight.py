"""Random houses: what every page says to everybody is what the sentence of the design lets them see, worked out in
plain Python; and the database, the plan and the last look before a mail leaves agree with it."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from house_of_cases import NOW as MARCH
from house_of_cases import Lived, lived
from house_of_sight import NAMES, NOTHING, NOW, House, address, build, oracle, routes_of_cases, rung_of
from sqlalchemy import select, true

from tracker.accounts.guard import MARKS, mark_of
from tracker.accounts.models import Membership, User
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.db import db
from tracker.base.sight import may_see
from tracker.cases.models import Case, CaseGrant
from tracker.cases.queries import level, visible_cases
from tracker.hearings.models import Hearing
from tracker.outbox.kinds import kinds
from tracker.outbox.models import Message, Recipient
from tracker.reminders.planning import plan_step
from tracker.reminders.service import follow

RUNGS = (Audience.NAMED, Audience.DESK, Audience.VOLUNTEERS)

#: Who looks at the pages.
READERS = ("volunteer", "staff elsewhere", "staff", "coordinator", "admin", "named")


def marks_of(house: House, name: str, number: int, rung: int) -> tuple[set[str], set[str]]:
    """Every word that marks a part of a case, and those of them that somebody on this rung may read."""
    held = house.held[name]
    always = {held.ref}
    of_the_desk = {f"Title{number}mark", f"Summary{number}mark", *NAMES[number].split()}
    within = {f"Entry{number}mark", f"Court{number}mark", f"Place{number}mark"}
    within_the_desk = {f"Source{number}mark", f"Note{number}mark", f"Observer{number}mark"}
    seen: set[str] = set()
    if rung != NOTHING:
        seen |= always
        if rung <= held.within:
            seen |= within
        if rung <= Audience.DESK:
            seen |= of_the_desk
            if rung <= held.within:
                seen |= within_the_desk
    return always | of_the_desk | within | within_the_desk, seen


@pytest.mark.one_engine
@pytest.mark.parametrize("seed", range(3))
def test_every_page_says_what_may_be_seen_and_no_more(app: Flask, seed: int) -> None:
    chance = random.Random(seed)
    house = build(app, {f"{n}": (chance.choice(RUNGS), chance.choice(RUNGS)) for n in range(4)})
    for held in house.held.values():
        for reader in chance.sample(READERS[:-1], 1):
            db.session.add(CaseGrant(case_id=held.case_id, user_id=house.users[reader].id))
    db.session.commit()
    pages = [r.rule for r in app.url_map.iter_rules() if not r.arguments and "GET" in (r.methods or ())]
    pages += ["/cases?scope=others", *(f"/cases?q={name.split()[1]}" for name in NAMES[:4]), "/cases?q=Title1mark"]
    for reader in READERS:
        browser, _token = house.browser(reader)
        rungs = {name: rung_of(house.users[reader], held.case_id) for name, held in house.held.items()}
        marks = {name: marks_of(house, name, n, rungs[name]) for n, name in enumerate(house.held)}
        known, allowed = (set().union(*(pair[i] for pair in marks.values())) for i in (0, 1))
        asked = [(where, "") for where in pages]
        for rule, method in routes_of_cases(app):
            if method == "GET" and house.users[reader].role in MARKS[mark_of(app, rule.endpoint) or ""]:
                asked += [(address(app, rule, held), rule.endpoint + name) for name, held in house.held.items()]
        for where, what in asked:
            with clock.fixed_at(NOW):
                page = browser.get(where).text
            page = page.replace("Such as IOPT-0004", "")  # What a reference looks like, said to everybody.
            for echo in (where.partition("?q=")[2], where):
                page = page.replace(f'value="{echo}"', "") if echo else page
            said = {mark for mark in known if mark in page}
            assert said <= allowed, (seed, reader, where, said - allowed)
            if what.startswith("pages.case_file"):
                assert said == marks[what.removeprefix("pages.case_file")][1], (seed, reader, where)


#: A week before the hearings: their first reminder has come into sight.
APRIL = datetime(2024, 4, 1, 4, tzinfo=UTC)


def random_people(lived: Lived, chance: random.Random) -> list[User]:
    """People of every role, some closed, on whichever desk: volunteers on one among them, which counts for nothing."""
    users = [lived.owner, lived.colleague, lived.outsider, lived.volunteer, lived.admin]
    for number in range(10):
        user = User(
            email=f"{number}@example.org",
            email_key=f"{number}@example.org",
            name=f"N{number}",
            password="",
            fs_uniquifier=new_public_id(),
            role=chance.choice(["staff", "admin", "volunteer"]),
            active=chance.random() > 0.2,
            created_at=MARCH,
        )
        db.session.add(user)
        db.session.flush()
        db.session.add(Recipient(user_id=user.id))
        for desk in (lived.desk, lived.other_desk):
            if chance.random() < 0.5:
                db.session.add(Membership(user_id=user.id, desk_id=desk.id))
        users.append(user)
    db.session.commit()
    return users


def agree(users: list[User]) -> dict[tuple[int, int], int]:
    """From which rung each sees each case, by the oracle, which every use of the expression agrees with."""
    session = db.session()
    session.rollback()
    grants: dict[int, set[int]] = {}
    for case_id, user_id in session.execute(select(CaseGrant.case_id, CaseGrant.user_id)):
        grants.setdefault(case_id, set()).add(user_id)
    desks: dict[int, set[int]] = {}
    for user_id, desk_id in session.execute(select(Membership.user_id, Membership.desk_id)):
        desks.setdefault(user_id, set()).add(desk_id)
    cases = session.scalars(select(Case).execution_options(populate_existing=True)).all()
    people = {u.id: u for u in session.scalars(select(User).execution_options(populate_existing=True))}
    told = {
        (u.id, case.id): oracle(people[u.id], case, grants.get(case.id, set()), desks.get(u.id, set()))
        for u in users
        for case in cases
    }
    as_columns = {
        (u, c): rung for u, c, rung in session.execute(select(User.id, Case.id, level(User.id)).join(Case, true()))
    }
    pairs = {(u, c) for u, c in session.execute(select(User.id, Case.id).join(Case, may_see(User.id, Case.id)))}
    for user in users:
        as_value = {row.id: row.rung for row in session.execute(select(Case.id, level(user.id).label("rung")))}
        listed = {case.id for case in session.scalars(visible_cases(user))}
        for case in cases:
            rung = told[(user.id, case.id)]
            assert as_value[case.id] == as_columns[(user.id, case.id)] == rung
            assert (case.id in listed) == ((user.id, case.id) in pairs) == (rung != NOTHING)
    return told


@pytest.mark.parametrize("seed", range(2))
def test_the_database_the_plan_and_the_last_look_agree_with_the_sentence(lived: Lived, seed: int) -> None:
    chance = random.Random(seed)
    db.session.rollback()
    users = random_people(lived, chance)
    hearings: dict[int, int] = {}
    for number in range(8):
        desk = chance.choice([lived.desk, lived.other_desk])
        kept = desk is lived.desk and chance.random() < 0.5
        case = lived.case(f"Person N{number}", audience=chance.choice(RUNGS), owner=kept, desk=desk)
        for user in chance.sample(users, 2):
            db.session.add(CaseGrant(case_id=case.id, user_id=user.id))
        db.session.commit()
        hearings[case.id] = lived.hearing(case, audience=chance.choice(RUNGS)).id
    told = agree(users)
    with lived.at() as session:
        for user in [session.get_one(User, user.id) for user in users]:
            for case_id in hearings:
                # Volunteers hear when there is an action to take, and follow no hearings.
                if user.role != "volunteer" and told[(user.id, case_id)] != NOTHING:
                    follow(session, user, case=session.get_one(Case, case_id), now=MARCH)
    plan_step(APRIL)
    db.session.rollback()

    def look() -> dict[tuple[int, int], bool]:
        """By account and hearing: whether the last look would let the first reminder leave."""
        true_now = kinds.get("hearing.reminder").still_true(APRIL)
        rows = db.session.execute(
            select(Recipient.user_id, Message.subject_id, true_now)
            .join(Recipient, Recipient.id == Message.recipient_id)
            .where(Message.kind == "hearing.reminder")
        )
        return {(user_id, hearing): bool(true) for user_id, hearing, true in rows}

    def should(told: dict[tuple[int, int], int]) -> set[tuple[int, int]]:
        roles = {u.id: u.role for u in db.session.scalars(select(User))}
        audiences = {h.id: h.audience for h in db.session.scalars(select(Hearing))}
        return {
            (user_id, hearings[case_id])
            for (user_id, case_id), rung in told.items()
            if rung <= audiences[hearings[case_id]] and roles[user_id] != "volunteer"
        }

    planned = look()
    assert set(planned) == should(told)
    assert all(planned.values())
    # Then everything changes at random, and nothing is planned anew: the last look alone decides.
    for row in db.session.scalars(select(Case)):
        row.audience = chance.choice(RUNGS)
    for hearing in db.session.scalars(select(Hearing)):
        hearing.audience = chance.choice(RUNGS)
    for user in db.session.scalars(select(User)):
        user.active = chance.random() > 0.2
        user.role = chance.choice([user.role, "staff"])
    for grant in db.session.scalars(select(CaseGrant)).all():
        if chance.random() < 0.5:
            db.session.delete(grant)
    db.session.commit()
    agenda_follows(hearings)
    told = agree(users)
    now = look()
    assert {key for key, true in now.items() if true} == should(told) & set(now)


def agenda_follows(hearings: dict[int, int]) -> Any:
    """Bring the agenda up to date with the hearings, as the settler of their cases does."""
    from tracker.base.work import COMMAND, touch, unit_of_work

    with unit_of_work("tests", COMMAND, now=MARCH, leaves_out=("plan",)):
        touch(*hearings)


__all__ = ["lived"]
