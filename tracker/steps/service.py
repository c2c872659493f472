"""What is done about steps: said, taken back."""

from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.actions.models import ActionTarget, UrgentAction
from tracker.base.columns import new_public_id
from tracker.base.dates import today_in
from tracker.base.errors import NeedsConfirmation, NotFound, Refused
from tracker.base.work import current_work
from tracker.steps import rules
from tracker.steps.models import CHANNELS, SOURCES, Step

#: How long somebody can take back what they said.
UNDO_WITHIN = timedelta(days=7)


def record_step(
    session: Session,
    action: UrgentAction,
    *,
    channel: str,
    count: int = 1,
    done_on: date | None = None,
    target_id: int | None = None,
    user: User | None = None,
    source: str = "self",
    group_id: int | None = None,
    zone: str = "UTC",
    again_is_meant: bool = False,
) -> Step:
    """Take down that somebody wrote or spoke. NeedsConfirmation for the very same word a second time; Refused for what
    cannot be: before the action was issued, on a day to come, after it was stopped, too many or too often.

    What one account says is taken down one word after the other: of two at once the second waits here, and counts the
    first."""
    now = current_work(session).now
    if user is not None:
        # SQLite lets one write at a time anyhow. Not FOR UPDATE, which would wait for whoever refers to the account.
        session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    if channel not in CHANNELS:
        raise Refused(_("Choose how you wrote."), "channel")
    assert source in SOURCES
    if action.activated_at is None:
        raise Refused(_("This action is not open yet."))
    today = today_in(zone, now)
    done_on = done_on or today
    if target_id is not None and session.get(ActionTarget, (action.id, target_id)) is None:
        raise Refused(_("This action is not addressed to them."), "target")
    last = today if action.state == "active" else min(today, today_in(zone, action.state_since))
    # Staff write down what others told them, and are no script.
    counted = user if source in ("self", "group") else None
    why = rules.why_not_counted(
        count,
        done_on,
        first=min(action.issued_on, today_in(zone, action.activated_at)),
        last=last,
        many=source != "self",
        today_said=_said_today(session, counted, now),
        said_of_it_today=_said_today(session, counted, now, action.id),
    )
    if why:
        most = rules.MOST_AT_ONCE if source == "self" else rules.MOST_OF_A_GROUP
        field, words = {
            "count": ("count", _("Between 1 and %(most)s.", most=most)),
            "early": ("done_on", _("That was before this action was issued.")),
            "late": ("done_on", _("That day has not come yet.") if last == today else _("It was stopped by then.")),
            "often": (
                "",
                _("You have said so several times today. If a group wrote many, say it once, with their number."),
            ),
        }[why]
        raise Refused(words, field or None)
    said = (action.id, group_id, channel, target_id, done_on)
    if user is not None and not again_is_meant and _said_already(session, user, said):
        raise NeedsConfirmation(_("You have said this already. Say yes if you did it once more."), "channel")
    step = Step(
        public_id=new_public_id(),
        action_id=action.id,
        user_id=user.id if user else None,
        group_id=group_id,
        target_id=target_id,
        channel=channel,
        count=count,
        done_on=done_on,
        source=source,
        recorded_at=now,
    )
    session.add(step)
    session.flush()
    return step


def undo_step(session: Session, user: User, action: UrgentAction, public_id: str) -> Step:
    """Take back what this account said. Doing it twice changes nothing. NotFound when it said no such thing."""
    step = session.scalar(
        select(Step).where(Step.public_id == public_id, Step.action_id == action.id, Step.user_id == user.id)
    )
    if step is None:
        raise NotFound(_("You have not said such a thing."))
    take_back(session, step)
    return step


def take_back(session: Session, step: Step) -> None:
    """Let a step count no more. Doing it twice changes nothing. Refused when it was said too long ago."""
    now = current_work(session).now
    if step.undone_at is None:
        if step.recorded_at < now - UNDO_WITHIN:
            raise Refused(_("It is too long ago to take it back."))
        step.undone_at = now


def _said_today(session: Session, user: User | None, now: datetime, action_id: int | None = None) -> int:
    """How often this account spoke within a day, whether or not it was taken back."""
    if user is None:
        return 0
    said = select(func.count(Step.id)).where(Step.user_id == user.id, Step.recorded_at > now - timedelta(days=1))
    if action_id is not None:
        said = said.where(Step.action_id == action_id)
    return session.scalar(said) or 0


def _said_already(session: Session, user: User, said: tuple[int, int | None, str, int | None, date]) -> bool:
    """Whether this account, or for a group's log anybody, has said the very same (action, group, channel, target, day)
    before."""
    action_id, group_id, channel, target_id, done_on = said
    same = select(Step.id).where(
        Step.user_id == user.id if group_id is None else Step.group_id == group_id,
        Step.group_id.is_(None) if group_id is None else true(),
        Step.action_id == action_id,
        Step.channel == channel,
        Step.target_id.is_(None) if target_id is None else Step.target_id == target_id,
        Step.done_on == done_on,
        Step.undone_at.is_(None),
    )
    return session.scalar(same.limit(1)) is not None
