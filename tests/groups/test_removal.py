"""Somebody loses access: what groups gave them, and whom they asked to join, ends in the same act (`groups.let_go`)."""

import pytest
from groups_ground import LATER, a_group, another, joins, member_row
from house_of_cases import Lived
from sqlalchemy import select

from tracker.accounts import service as accounts
from tracker.accounts.models import User
from tracker.base.db import db
from tracker.base.errors import NotFound
from tracker.groups import service
from tracker.groups.models import Group, GroupInvitation


def lose(lived: Lived, user: User, how: str) -> list[str]:
    """Close an account, or end what lets it in; what was said that somebody must see to."""
    with lived.at(LATER) as session:
        mine = session.get_one(User, user.id)
        if how == "closed":
            return accounts.disable(session, mine, LATER)
        return accounts.end_access(session, mine, LATER)


def asks(lived: Lived, group: Group, by: User, whom: User) -> None:
    """Somebody of a group asks somebody to join."""
    with lived.at(LATER, by) as session:
        asker = session.get_one(User, by.id)
        service.invite(session, session.get_one(Group, group.id), whom.email, by=asker)


def test_a_closed_account_is_in_no_group_and_comes_back_into_none(lived: Lived) -> None:
    member = another()
    group = a_group(lived, member)
    assert lose(lived, member, "closed") == []
    assert member_row(lived, group, member) is None
    with lived.at(LATER) as session:
        accounts.enable(session, session.get_one(User, member.id))
    browser = lived.browser(lived.fresh(member), LATER)
    assert browser.get(f"/actions/groups/{group.public_id}").status_code == 404
    assert group.name not in browser.get("/actions/groups").text


def test_who_closes_the_last_who_coordinates_a_group_is_told(lived: Lived) -> None:
    group = a_group(lived, another())
    assert lose(lived, lived.volunteer, "closed") == [f"Nobody coordinates the group {group.name} any more."]


@pytest.mark.parametrize("how", ["closed", "signed out"])
def test_nobody_joins_on_the_word_of_who_has_lost_access(lived: Lived, how: str) -> None:
    asked, other = another(1), another(2)
    group = a_group(lived)
    asks(lived, group, lived.volunteer, asked)
    asks(lived, group, lived.owner, other)
    lose(lived, lived.volunteer, how)
    db.session.rollback()
    theirs = db.session.scalars(select(GroupInvitation).where(GroupInvitation.user_id == asked.id)).one()
    with pytest.raises(NotFound), lived.at(LATER, asked) as session:
        service.join(session, session.get_one(User, asked.id), theirs.public_id)
    joins(lived, other)
    assert (member_row(lived, group, lived.volunteer) is None) == (how == "closed")
