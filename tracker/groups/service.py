"""What is done in groups: made, joined, left; evenings chosen, checked, written down."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.accounts.kinds import access_ends
from tracker.accounts.models import User
from tracker.accounts.rules import email_key
from tracker.actions.models import UrgentAction
from tracker.base.columns import new_public_id
from tracker.base.countries import check_country, only_zone
from tracker.base.dates import instant_of, zone_of
from tracker.base.db import hold
from tracker.base.errors import NeedsConfirmation, NotAllowed, NotFound, Refused, VersionConflict
from tracker.base.work import current_work
from tracker.groups import rules
from tracker.groups.models import EveningAction, Group, GroupEvening, GroupInvitation, GroupMember
from tracker.groups.queries import differs, member_of, open_invitation, states_of
from tracker.steps.models import Step
from tracker.steps.service import record_step, take_back

# Who is in one --------------------------------------------------------------------------------------------------------


def add_group(session: Session, *, name: str, country: str, zone: str, by: User, coordinator: str) -> Group:
    """Make a group; whoever has the address `coordinator` is asked to coordinate it. Refused for a country or a zone
    that there is not."""
    group = Group(public_id=new_public_id(), created_at=current_work(session).now)
    _write(group, name, country, zone)
    session.add(group)
    session.flush()
    invite(session, group, coordinator, by=by, coordinator=True)
    return group


def edit_group(session: Session, group: Group, *, version: int, name: str, country: str, zone: str) -> None:
    """Change what a group is called, and where it is. VersionConflict when somebody else did so since `version`."""
    hold(session, group)
    if group.version != version:
        raise VersionConflict(
            _("Somebody changed this in the meantime."),
            {"name": group.name, "country": group.country, "zone": group.zone},
        )
    _write(group, name, country, zone)
    group.version += 1


def end_group(session: Session, group: Group) -> None:
    """End a group: its log stays counted, nobody writes into it any more, and its evenings are off."""
    now = current_work(session).now
    if group.ended_at is None:
        group.ended_at = now
        ahead = GroupEvening.group_id == group.id, GroupEvening.starts_at > now, GroupEvening.cancelled_at.is_(None)
        for evening in session.scalars(select(GroupEvening).where(*ahead)):
            evening.cancelled_at = now


def invite(session: Session, group: Group, address: str, *, by: User, coordinator: bool = False) -> None:
    """Ask whoever has this address to join. What is done and answered is the same whether somebody has it or not.
    Refused after too many within a day."""
    now = current_work(session).now
    asked = select(func.count(GroupInvitation.id)).where(
        GroupInvitation.asked_by == by.id, GroupInvitation.asked_at > now - timedelta(days=1)
    )
    # One after the other: two at once do not pass the limit.
    session.execute(select(User.id).where(User.id == by.id).with_for_update(key_share=True))
    if (session.scalar(asked) or 0) >= rules.INVITATIONS_A_DAY:
        raise Refused(_("That were many for one day. Go on tomorrow."), "email")
    if "@" not in address:
        raise Refused(_("That is no mail address."), "email")
    # One statement, whoever has it: the account's own row would bring its desks along.
    found = select(User.id).where(User.email_key == email_key(address.strip()), User.active, User.invited.is_(False))
    session.add(
        GroupInvitation(
            public_id=new_public_id(),
            group_id=group.id,
            user_id=session.scalar(found),
            coordinator=coordinator,
            asked_by=by.id,
            asked_at=now,
        )
    )


def join(session: Session, user: User, public_id: str) -> Group:
    """Say yes to an invitation. NotFound when there is none, or it has run out."""
    now = current_work(session).now
    invitation, group = open_invitation(session, user, public_id, now)
    member = member_of(session, group, user)
    if member is None:
        member = GroupMember(group_id=group.id, user_id=user.id, coordinator=False, joined_at=now)
        session.add(member)
    member.coordinator = member.coordinator or invitation.coordinator
    _end_invitations(session, group, user, now)
    return group


def decline(session: Session, user: User, public_id: str) -> None:
    """Say no to an invitation: nobody is told, and it is gone."""
    now = current_work(session).now
    _invitation, group = open_invitation(session, user, public_id, now)
    _end_invitations(session, group, user, now)


def leave(session: Session, group: Group, user: User) -> None:
    """Leave a group. Refused for the last who coordinates it, while others are in it."""
    _hold(session, group)
    member = member_of(session, group, user)
    if member is None:
        return
    others = list(_others(session, group, member))
    if member.coordinator and others and not any(other.coordinator for other in others):
        raise Refused(_("Somebody else must coordinate the group before you leave it."))
    session.delete(member)


def remove(session: Session, group: Group, member_id: int) -> None:
    """Take somebody out of a group. NotFound when they are not in it; Refused for the last who coordinates it."""
    _hold(session, group)
    member = _member(session, group, member_id)
    if member.coordinator and not any(other.coordinator for other in _others(session, group, member)):
        raise Refused(_("Somebody must coordinate the group."))
    session.delete(member)


def set_duty(session: Session, group: Group, member_id: int, *, coordinator: bool) -> None:
    """Let a member coordinate the group, or no longer. Refused for the last who does."""
    _hold(session, group)
    member = _member(session, group, member_id)
    if not coordinator and not any(other.coordinator for other in _others(session, group, member)):
        raise Refused(_("Somebody must coordinate the group."))
    member.coordinator = coordinator


@access_ends.adds("groups.let_go")
def let_go(session: Session, user: User, now: datetime, _left: int | None) -> Sequence[str]:
    """Whom the account asked to join is asked no more: nobody comes in on the word of who has lost access. One that is
    closed is in no group any more, and when it is opened again it comes back into none."""
    asked = GroupInvitation.asked_by == user.id
    whose = asked if user.active else asked | (GroupInvitation.user_id == user.id)
    for invitation in session.scalars(select(GroupInvitation).where(whose, GroupInvitation.ended_at.is_(None))):
        invitation.ended_at = now
    session.flush()
    if user.active:
        return ()
    own = select(GroupMember.group_id).where(GroupMember.user_id == user.id)
    held = select(Group).where(Group.id.in_(own)).order_by(Group.id)
    groups = session.scalars(held.with_for_update().execution_options(populate_existing=True)).all()
    said = []
    for group in groups:
        member = member_of(session, group, user)
        if member is None:
            continue
        others = _others(session, group, member)
        if group.ended_at is None and others and not any(other.coordinator for other in others):
            said.append(_("Nobody coordinates the group %(group)s any more.", group=group.name))
        session.delete(member)
    session.flush()
    return said


# The log --------------------------------------------------------------------------------------------------------------


def record(
    session: Session,
    group: Group,
    action: UrgentAction,
    counts: Mapping[str, int],
    *,
    user: User,
    done_on: date | None = None,
    again_is_meant: bool = False,
) -> list[Step]:
    """Take down what a group did for an action, by channel (`{"letter": 12, "email": 3}`). What `record_step` raises
    names the channel's field."""
    if group.ended_at is not None:
        raise Refused(_("This group has ended."))
    told = {channel: count for channel, count in counts.items() if count}
    if not told:
        raise Refused(_("Say how many."))
    steps = []
    for channel, count in told.items():
        try:
            steps.append(
                record_step(
                    session,
                    action,
                    channel=channel,
                    count=count,
                    done_on=done_on,
                    user=user,
                    source="group",
                    group_id=group.id,
                    zone=group.zone,
                    again_is_meant=again_is_meant,
                )
            )
        except Refused as refusal:
            refusal.field = channel if refusal.field in ("count", "channel") else refusal.field
            raise
    return steps


def undo(session: Session, group: Group, user: User, public_id: str) -> Step:
    """Take a line of the log back: whoever wrote it may, and whoever coordinates the group. NotFound when there is no
    such line."""
    step = session.scalar(select(Step).where(Step.public_id == public_id, Step.group_id == group.id))
    if step is None:
        raise NotFound(_("There is no such line in the log."))
    member = member_of(session, group, user)
    if step.user_id != user.id and not (member and member.coordinator):
        raise NotAllowed(_("Whoever wrote it can take it back, and whoever coordinates the group."))
    take_back(session, step)
    return step


# Evenings -------------------------------------------------------------------------------------------------------------


def plan_evening(
    session: Session, group: Group, actions: Sequence[UrgentAction], *, on: date, at: time, by: User
) -> GroupEvening:
    """Choose actions and a time for an evening, in the group's zone. Refused without an action, for a time that is over
    or that there is not there."""
    evening = GroupEvening(
        public_id=new_public_id(),
        group_id=group.id,
        created_by=by.id,
        created_at=current_work(session).now,
        version=1,
    )
    _choose(session, group, evening, actions, on, at)
    return evening


def change_evening(
    session: Session,
    group: Group,
    evening: GroupEvening,
    actions: Sequence[UrgentAction],
    *,
    version: int,
    on: date,
    at: time,
) -> None:
    """Choose other actions or another time for an evening that has not begun: it is looked at anew. Refused as
    `plan_evening` is, and once it is off or has begun. VersionConflict when somebody changed it since `version`."""
    hold(session, evening)
    if evening.cancelled_at is not None:
        raise Refused(_("This evening was called off."))
    if evening.starts_at <= current_work(session).now:
        raise Refused(_("It has begun."))
    if evening.version != version:
        raise VersionConflict(
            _("Somebody changed this in the meantime."),
            {"local_date": evening.local_date, "local_time": evening.local_time},
        )
    evening.version += 1
    evening.checked_at = None
    for row in session.scalars(select(EveningAction).where(EveningAction.evening_id == evening.id)):
        session.delete(row)
    session.flush()
    _choose(session, group, evening, actions, on, at)


def _choose(
    session: Session, group: Group, evening: GroupEvening, actions: Sequence[UrgentAction], on: date, at: time
) -> None:
    if group.ended_at is not None:
        raise Refused(_("This group has ended."))
    if not actions:
        raise Refused(_("Choose at least one action."), "actions")
    if len(actions) > rules.MOST_ACTIONS:
        raise Refused(_("At most %(count)s in one evening.", count=rules.MOST_ACTIONS), "actions")
    evening.local_date, evening.local_time, evening.zone = on, at, group.zone
    derive_start(evening)
    why = rules.why_not_then(evening.starts_at, current_work(session).now)
    if why:
        raise Refused(_("That is over.") if why == "past" else _("That is more than a year ahead."), "day")
    session.add(evening)
    session.flush()
    for position, action in enumerate(actions, 1):
        session.add(EveningAction(evening_id=evening.id, action_id=action.id, position=position))
    session.flush()


def derive_start(evening: GroupEvening) -> None:
    """Write the instant an evening begins from its day, time and zone."""
    evening.starts_at = instant_of(evening.local_date, evening.local_time, evening.zone, 0)


def cancel_evening(session: Session, evening: GroupEvening) -> None:
    """Call an evening off. Doing it twice changes nothing. Refused once its result is written down."""
    if evening.recorded_at is not None:
        raise Refused(_("Its result is written down: it took place."))
    if evening.cancelled_at is None:
        evening.cancelled_at = current_work(session).now
        evening.version += 1


def check_evening(session: Session, evening: GroupEvening) -> bool:
    """Look at the actions of an evening once more and write down how they stand; whether that differs from what was
    written down before."""
    now = current_work(session).now
    if not differs(session, evening, now):
        return False
    states = states_of(session, evening, now)
    for row in session.scalars(select(EveningAction).where(EveningAction.evening_id == evening.id)):
        row.checked_state = states[row.action_id]
    evening.checked_at = now
    evening.version += 1
    return True


def record_result(
    session: Session,
    group: Group,
    evening: GroupEvening,
    counts: Sequence[tuple[UrgentAction, Mapping[str, int]]],
    *,
    user: User,
    again_is_meant: bool = False,
) -> int:
    """Write down what an evening brought, action by action and channel by channel; how many letters, mails and calls.
    Refused before it began, when it is off, and where nothing was said; the field it names is `channel_position`."""
    now, known = current_work(session).now, evening.version
    # One after the other: two members who write down the same evening must not count it twice.
    session.execute(select(GroupEvening.id).where(GroupEvening.id == evening.id).with_for_update())
    session.refresh(evening)
    if evening.version != known and not again_is_meant:
        raise NeedsConfirmation(_("You have said this already. Say yes if you did it once more."))
    if evening.cancelled_at is not None:
        raise Refused(_("This evening was called off."))
    if evening.starts_at > now:
        raise Refused(_("It has not begun yet."))
    if not any(count for _action, told in counts for count in told.values()):
        raise Refused(_("Say how many."))
    total = 0
    for position, (action, told) in enumerate(counts, 1):
        if not any(told.values()):
            continue
        try:
            steps = record(
                session, group, action, told, user=user, done_on=evening.local_date, again_is_meant=again_is_meant
            )
        except Refused as refusal:
            refusal.field = f"{refusal.field}_{position}" if refusal.field in told else None
            raise
        total += sum(step.count for step in steps)
    evening.recorded_at = now
    evening.version += 1
    return total


# Parts of these -------------------------------------------------------------------------------------------------------


def _write(group: Group, name: str, country: str, zone: str) -> None:
    if not name.strip():
        raise Refused(_("Say what it is called."), "name")
    country = check_country(country)
    zone = zone.strip() or only_zone(country) or ""
    if not zone:
        raise Refused(_("This country has several time zones: choose one."), "zone")
    zone_of(zone)
    group.name, group.country, group.zone = name.strip(), country, zone


def _member(session: Session, group: Group, member_id: int) -> GroupMember:
    member = session.get(GroupMember, member_id)
    if member is None or member.group_id != group.id:
        raise NotFound(_("They are not in this group."))
    return member


def _hold(session: Session, group: Group) -> None:
    """Let one after the other change who is in a group: two who leave at once must not both believe that the other
    stays to coordinate it."""
    session.execute(select(Group.id).where(Group.id == group.id).with_for_update())
    session.expire_all()


def _others(session: Session, group: Group, member: GroupMember) -> Sequence[GroupMember]:
    return session.scalars(
        select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.id != member.id)
    ).all()


def _end_invitations(session: Session, group: Group, user: User, now: datetime) -> None:
    held = (
        GroupInvitation.group_id == group.id,
        GroupInvitation.user_id == user.id,
        GroupInvitation.ended_at.is_(None),
    )
    for invitation in session.scalars(select(GroupInvitation).where(*held)):
        invitation.ended_at = now
