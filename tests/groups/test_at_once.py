"""Two of a group who do the same in the same moment: one of them comes first."""

import threading
import time
from datetime import timedelta

import pytest
from actions_ground import action, open_case
from flask import Flask
from groups_ground import LATER, a_group, an_evening, another, member_row
from house_of_cases import Lived
from sqlalchemy import func, select

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.groups import service
from tracker.groups.models import Group, GroupEvening, GroupMember
from tracker.steps.models import Step


def test_a_group_with_members_is_never_left_without_somebody_who_coordinates_it(app: Flask, lived: Lived) -> None:
    second, third = another(1), another(2)
    group = a_group(lived, second, third)
    number = member_row(lived, group, second)
    assert number is not None
    with lived.at(LATER) as session:
        service.set_duty(session, session.get_one(Group, group.id), number.id, coordinator=True)
    said: list[str] = []

    def leave(user: User) -> None:
        with app.app_context():
            try:
                with unit_of_work("groups.leave", COMMAND, now=LATER):
                    mine = db.session()
                    service.leave(mine, mine.get_one(Group, group.id), mine.get_one(User, user.id))
                said.append("left")
            except Refused as refusal:
                said.append(refusal.message)
            finally:
                db.session.remove()

    other = threading.Thread(target=leave, args=(second,))
    with unit_of_work("groups.leave", COMMAND, now=LATER):
        mine = db.session()
        service.leave(mine, mine.get_one(Group, group.id), mine.get_one(User, lived.volunteer.id))
        mine.flush()
        other.start()
        time.sleep(0.5)
        assert said == [], "the second waits for the first"
    other.join(20)
    assert said == ["Somebody else must coordinate the group before you leave it."]
    with lived.at(LATER) as session:
        left = {member.user_id: member.coordinator for member in session.query(GroupMember)}
    assert left == {second.id: True, third.id: False}


@pytest.mark.only_postgres
def test_an_evening_that_two_write_down_at_once_is_counted_once_unless_both_mean_it(app: Flask, lived: Lived) -> None:
    second = another(1)
    group, written = a_group(lived, second), action(lived, open_case(lived))
    evening = an_evening(lived, group, written)
    after = evening.starts_at + timedelta(hours=3)
    said: list[str] = []
    fetched = threading.Event()

    def record(user: User, go: threading.Event | None = None) -> None:
        mine = db.session()
        held, kept = mine.get_one(GroupEvening, evening.id), mine.get_one(Group, group.id)
        if go is not None:
            fetched.set()
            go.wait(20)
        counts = [(mine.get_one(UrgentAction, written.id), {"letter": 12})]
        service.record_result(mine, kept, held, counts, user=mine.get_one(User, user.id))

    def later(go: threading.Event) -> None:
        with app.app_context():
            try:
                with unit_of_work("groups.result", COMMAND, now=after):
                    record(second, go)
                said.append("counted")
            except Refused as refusal:
                said.append(refusal.message)
            finally:
                db.session.remove()

    go = threading.Event()
    other = threading.Thread(target=later, args=(go,))
    other.start()
    assert fetched.wait(20)
    with unit_of_work("groups.result", COMMAND, now=after):
        record(lived.volunteer)
    go.set()
    other.join(20)
    assert said == ["You have said this already. Say yes if you did it once more."]
    with lived.at(after) as session:
        assert session.scalar(select(func.sum(Step.count))) == 12
