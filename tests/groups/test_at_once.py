"""Two who coordinate a group and leave it in the same moment: one of them stays."""

import threading
import time

from flask import Flask
from groups_ground import LATER, a_group, another, member_row
from house_of_cases import Lived

from tracker.accounts.models import User
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.groups import service
from tracker.groups.models import Group, GroupMember


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
