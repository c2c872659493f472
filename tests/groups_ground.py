"""A group with somebody who coordinates it and members, made through the services."""

from datetime import date, datetime, time, timedelta

from house_of_cases import NOW, Lived
from signed_in import make_account
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.groups import service
from tracker.groups.models import Group, GroupEvening, GroupInvitation, GroupMember

#: After what the house of the tests was built with.
LATER = NOW + timedelta(hours=1)


def a_group(lived: Lived, *members: User, now: datetime = LATER, **fields: str) -> Group:
    """A group that the house's volunteer coordinates, with these members beside."""
    given = {"name": "Leeds on Thursday", "country": "GB", "zone": "Europe/London"} | fields
    with lived.at(now, lived.owner) as session:
        keeper = session.get_one(User, lived.owner.id)
        group = service.add_group(session, **given, by=keeper, coordinator=lived.volunteer.email)
    joins(lived, lived.volunteer, now)
    for member in members:
        with lived.at(now, lived.volunteer) as session:
            asker = session.get_one(User, lived.volunteer.id)
            service.invite(session, session.get_one(Group, group.id), member.email, by=asker)
        joins(lived, member, now)
    return group


def joins(lived: Lived, user: User, now: datetime = LATER) -> None:
    """Somebody says yes to the invitation they have."""
    with lived.at(now, user) as session:
        mine = session.get_one(User, user.id)
        open_one = select(GroupInvitation).where(GroupInvitation.user_id == user.id, GroupInvitation.ended_at.is_(None))
        service.join(session, mine, session.scalars(open_one).one().public_id)


def member_row(lived: Lived, group: Group, user: User) -> GroupMember | None:
    """The membership of an account as it stands."""
    with lived.at(LATER) as session:
        return session.scalar(
            select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.user_id == user.id)
        )


def another(number: int = 1, name: str = "") -> User:
    """One more volunteer."""
    return make_account(f"member{number}@example.org", "volunteer", name=name or f"Member {number}")


def an_evening(
    lived: Lived,
    group: Group,
    *actions: UrgentAction,
    on: date = date(2024, 3, 21),
    at: time = time(19),
    now: datetime = LATER,
) -> GroupEvening:
    """An evening of a group, on Thursday at seven there unless said otherwise."""
    with lived.at(now, lived.volunteer) as session:
        return service.plan_evening(
            session,
            session.get_one(Group, group.id),
            [session.get_one(UrgentAction, action.id) for action in actions],
            on=on,
            at=at,
            by=session.get_one(User, lived.volunteer.id),
        )
