"""Reading groups: who is in one, what their log says, and their evenings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.accounts.queries import name_to
from tracker.actions.models import UrgentAction
from tracker.actions.queries import can_be_taken
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.groups import rules
from tracker.groups.models import EveningAction, Group, GroupEvening, GroupInvitation, GroupMember
from tracker.outbox.models import Message, Recipient
from tracker.steps.devices import knows_home
from tracker.steps.models import CHANNELS, Step


@dataclass(frozen=True, slots=True)
class Named:
    """A member as those who coordinate the group see them."""

    id: int
    user_id: int
    name: str
    coordinator: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a group's log: never who wrote it."""

    step: Step
    #: The action; None: its case is closed to the reader.
    action: UrgentAction | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """An action of an evening, as one reader may know it."""

    position: int
    action: UrgentAction
    #: None: closed to the reader, who reads its number and that it is left out.
    case: Case | None
    #: How it stands for that evening.
    state: str


def names_of_groups(session: Session, numbers: Sequence[int]) -> Mapping[int, str]:
    """What these groups are called, by their row numbers."""
    if not numbers:
        return {}
    groups = session.scalars(select(Group).where(Group.id.in_(numbers)))
    return {group.id: group.name for group in groups}


def find_group(session: Session, user: User, public_id: str) -> tuple[Group, GroupMember | None]:
    """A group this account is in, or, for staff, any; with its own membership. NotFound otherwise, alike when there is
    none."""
    group = session.scalar(select(Group).where(Group.public_id == public_id))
    member = member_of(session, group, user) if group is not None else None
    if group is None or (member is None and not user.is_staff):
        raise NotFound("There is no such group that you are in.")
    return group, member


def member_of(session: Session, group: Group, user: User) -> GroupMember | None:
    """The membership of an account, or None."""
    return session.scalar(select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.user_id == user.id))


def list_groups(session: Session, user: User) -> list[tuple[Group, int]]:
    """The groups an account is in (staff: all that live), by name, each with how many are in it."""
    members = select(func.count(GroupMember.id)).where(GroupMember.group_id == Group.id).scalar_subquery()
    mine = exists(select(GroupMember.id).where(GroupMember.group_id == Group.id, GroupMember.user_id == user.id))
    chosen = select(Group, members).where(Group.ended_at.is_(None)).order_by(Group.name, Group.id).limit(500)
    if not user.is_staff:
        chosen = chosen.where(mine)
    return [(group, count) for group, count in session.execute(chosen)]


def list_invitations(session: Session, user: User, now: datetime) -> list[tuple[GroupInvitation, Group]]:
    """What this account was asked to join and has not answered, each group once."""
    rows = session.execute(
        select(GroupInvitation, Group)
        .join(Group, Group.id == GroupInvitation.group_id)
        .where(
            GroupInvitation.user_id == user.id,
            GroupInvitation.ended_at.is_(None),
            GroupInvitation.asked_at > now - rules.INVITATION_LASTS,
            Group.ended_at.is_(None),
        )
        .order_by(GroupInvitation.id)
    )
    found: dict[int, tuple[GroupInvitation, Group]] = {}
    for invitation, group in rows:
        found.setdefault(group.id, (invitation, group))
    return list(found.values())


def open_invitation(session: Session, user: User, public_id: str, now: datetime) -> tuple[GroupInvitation, Group]:
    """An invitation to this account that is open. NotFound otherwise, alike when it is somebody else's."""
    row = session.execute(
        select(GroupInvitation, Group)
        .join(Group, Group.id == GroupInvitation.group_id)
        .where(
            GroupInvitation.public_id == public_id,
            GroupInvitation.user_id == user.id,
            GroupInvitation.ended_at.is_(None),
            GroupInvitation.asked_at > now - rules.INVITATION_LASTS,
            Group.ended_at.is_(None),
        )
    ).first()
    if row is None:
        raise NotFound("There is no such invitation to you.")
    return row[0], row[1]


def count_invitations(session: Session, group: Group, now: datetime) -> int:
    """How many were asked and have not answered, whether or not they have an account."""
    return (
        session.scalar(
            select(func.count(GroupInvitation.id)).where(
                GroupInvitation.group_id == group.id,
                GroupInvitation.ended_at.is_(None),
                GroupInvitation.asked_at > now - rules.INVITATION_LASTS,
            )
        )
        or 0
    )


def count_members(session: Session, group: Group) -> int:
    """How many are in a group."""
    return session.scalar(select(func.count(GroupMember.id)).where(GroupMember.group_id == group.id)) or 0


def list_members(session: Session, viewer: User, group: Group) -> list[Named]:
    """Who is in a group, under the names its coordinators see: by alias where there is one."""
    rows = session.execute(
        select(GroupMember, name_to(viewer))
        .join(User, User.id == GroupMember.user_id)
        .where(GroupMember.group_id == group.id)
        .order_by(GroupMember.coordinator.desc(), GroupMember.id)
    )
    return [Named(member.id, member.user_id, name, member.coordinator) for member, name in rows]


def totals_of(session: Session, group: Group) -> Mapping[str, int]:
    """What a group has done in all, by channel, in the order channels are named in."""
    rows = session.execute(
        select(Step.channel, func.sum(Step.count))
        .where(Step.group_id == group.id, Step.undone_at.is_(None))
        .group_by(Step.channel)
    )
    found = {channel: int(count) for channel, count in rows}
    return {channel: found[channel] for channel in CHANNELS if channel in found}


def list_log(session: Session, user: User, group: Group, limit: int = 50) -> list[Line]:
    """The latest lines of a group's log, as far as this account may know of their actions."""
    rows = session.execute(
        select(Step, UrgentAction, level(user.id) <= UrgentAction.audience)
        .join(UrgentAction, UrgentAction.id == Step.action_id)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(Step.group_id == group.id, Step.undone_at.is_(None))
        .order_by(Step.done_on.desc(), Step.id.desc())
        .limit(limit)
    )
    return [Line(step, action if may_know else None) for step, action, may_know in rows]


def open_to_all(now: datetime) -> ColumnElement[bool]:
    """SQL on actions and their cases: every volunteer can take it at this instant."""
    return can_be_taken(now) & _known_to_all()


def _known_to_all() -> ColumnElement[bool]:
    return (UrgentAction.audience >= Audience.VOLUNTEERS) & (Case.audience >= Audience.VOLUNTEERS)


def list_choosable(session: Session, user: User, now: datetime) -> list[tuple[UrgentAction, Case]]:
    """Actions a group can take: those every volunteer can, and this account as well; the nearest last day first."""
    rows = session.execute(
        select(UrgentAction, Case)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(open_to_all(now), level(user.id) <= UrgentAction.audience)
        .order_by(UrgentAction.act_until_at, UrgentAction.id)
        .limit(200)
    )
    return [(action, case) for action, case in rows]


def find_evening(session: Session, group: Group, public_id: str) -> GroupEvening:
    """An evening of this very group. NotFound otherwise."""
    found = session.scalar(
        select(GroupEvening).where(GroupEvening.public_id == public_id, GroupEvening.group_id == group.id)
    )
    if found is None:
        raise NotFound("There is no such evening of this group.")
    return found


def list_evenings(session: Session, group: Group, now: datetime) -> Sequence[GroupEvening]:
    """Evenings that lie ahead, are on, or wait for their result, the next first."""
    return session.scalars(
        select(GroupEvening)
        .where(
            GroupEvening.group_id == group.id,
            GroupEvening.cancelled_at.is_(None),
            GroupEvening.recorded_at.is_(None),
            GroupEvening.starts_at > now - timedelta(days=14),
        )
        .order_by(GroupEvening.starts_at, GroupEvening.id)
        .limit(20)
    ).all()


def list_chosen(session: Session, user: User, evening: GroupEvening, now: datetime) -> list[Chosen]:
    """The actions of an evening in their order, as far as this account may know of them."""
    rows = session.execute(
        select(EveningAction, UrgentAction, Case, level(user.id) <= UrgentAction.audience, _known_to_all())
        .join(UrgentAction, UrgentAction.id == EveningAction.action_id)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(EveningAction.evening_id == evening.id)
        .order_by(EveningAction.position)
    )
    return [
        Chosen(row.position, action, case if may_know else None, _stands(evening, action, now, bool(all_know)))
        for row, action, case, may_know, all_know in rows
    ]


def states_of(session: Session, evening: GroupEvening, now: datetime) -> Mapping[int, str]:
    """How the actions of an evening stand for it, by their numbers, in their order: the same for every reader."""
    rows = session.execute(
        select(UrgentAction, _known_to_all())
        .join(EveningAction, EveningAction.action_id == UrgentAction.id)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(EveningAction.evening_id == evening.id)
        .order_by(EveningAction.position)
    )
    return {action.id: _stands(evening, action, now, bool(all_know)) for action, all_know in rows}


def _stands(evening: GroupEvening, action: UrgentAction, now: datetime, all_know: bool) -> str:
    return rules.stands_at(action.state, action.act_until_at, evening.starts_at, now, open_to_all=all_know)


def evenings_to_check(session: Session, now: datetime) -> Sequence[GroupEvening]:
    """Evenings whose actions are to be looked at now."""
    return session.scalars(
        select(GroupEvening)
        .where(
            GroupEvening.starts_at <= now + rules.CHECKED_BEFORE,
            GroupEvening.starts_at > now - rules.TOLD_UNTIL,
            GroupEvening.cancelled_at.is_(None),
            GroupEvening.recorded_at.is_(None),
        )
        .order_by(GroupEvening.starts_at, GroupEvening.id)
        .limit(200)
    ).all()


def differs(session: Session, evening: GroupEvening, now: datetime) -> bool:
    """Whether the actions of an evening stand otherwise than was written down, or nothing was yet."""
    if evening.checked_at is None:
        return True
    rows = session.execute(
        select(EveningAction.action_id, EveningAction.checked_state).where(EveningAction.evening_id == evening.id)
    )
    return {row[0]: row[1] for row in rows} != dict(states_of(session, evening, now))


def coordinators_of(session: Session, group_id: int) -> Sequence[User]:
    """The open accounts that coordinate a group."""
    return session.scalars(
        select(User)
        .join(GroupMember, GroupMember.user_id == User.id)
        .where(GroupMember.group_id == group_id, GroupMember.coordinator, User.active)
        .order_by(User.id)
    ).all()


def may_be_told(now: datetime) -> ColumnElement[bool]:
    """SQL on `messages`: the verdict they tell is the latest, and their reader still coordinates the group."""
    return exists(
        select(GroupEvening.id)
        .join(Group, Group.id == GroupEvening.group_id)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .join(Recipient, Recipient.user_id == GroupMember.user_id)
        .join(User, User.id == GroupMember.user_id)
        .where(
            GroupEvening.id == Message.subject_id,
            GroupEvening.version == Message.subject_rev,
            GroupEvening.cancelled_at.is_(None),
            GroupEvening.recorded_at.is_(None),
            GroupEvening.starts_at > now - rules.TOLD_UNTIL,
            Group.ended_at.is_(None),
            GroupMember.coordinator,
            User.active,
            Recipient.id == Message.recipient_id,
        )
        .correlate(Message)
    )


@knows_home
def default_country(session: Session, user: User) -> str:
    """The country of the one group this account is in; empty where it is in none, or in groups of several."""
    found = session.scalars(
        select(Group.country)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .where(GroupMember.user_id == user.id, Group.ended_at.is_(None))
        .distinct()
        .limit(2)
    ).all()
    return found[0] if len(found) == 1 else ""
