"""Telling who coordinates a group what its evening looks like: all good, or which number to leave out.

Actions are called by their UA number and their number that evening: a mail may be read over a shoulder.
"""

from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.actions.queries import called
from tracker.base.labels import label
from tracker.base.languages import speaking
from tracker.base.markup import fill
from tracker.base.words import say_list, say_number, say_short_date, say_time, say_zone
from tracker.groups.models import EveningAction, Group, GroupEvening
from tracker.groups.queries import states_of
from tracker.groups.rules import to_drop
from tracker.outbox.kinds import Mail, NoLonger
from tracker.outbox.models import Message, Recipient


def say_verdict(states: list[str]) -> str:
    """`All good`, `Leave out number 2`, `Leave out numbers 2 and 4`, or that nothing is left."""
    dropped = to_drop(states)
    if not dropped:
        return _("All good: every action can be taken.")
    if len(dropped) == len(states):
        return _("None of the actions can be taken any more. Choose others.")
    if len(dropped) == 1:
        return _("Leave out number %(number)s; the others are good.", number=say_number(dropped[0]))
    return _("Leave out numbers %(numbers)s; the others are good.", numbers=say_list(map(say_number, dropped)))


def write_checked(session: Session, message: Message, now: datetime) -> Mail:
    """The mail as things stand at `now`. NoLonger when there is no such evening or reader any more."""
    row = session.execute(
        select(GroupEvening, Group)
        .join(Group, Group.id == GroupEvening.group_id)
        .where(GroupEvening.id == message.subject_id)
        .execution_options(populate_existing=True)
    ).first()
    reader = session.scalar(
        select(User).join(Recipient, Recipient.user_id == User.id).where(Recipient.id == message.recipient_id)
    )
    if row is None or reader is None:
        raise NoLonger
    evening, group = row
    states = list(states_of(session, evening, now).values())
    actions = session.scalars(
        select(UrgentAction)
        .join(EveningAction, EveningAction.action_id == UrgentAction.id)
        .where(EveningAction.evening_id == evening.id)
        .order_by(EveningAction.position)
    ).all()
    base = current_app.extensions["settings"].base_url
    with speaking(reader.language):
        verdict = say_verdict(states)
        lines = [
            _line(number, action, state) for number, (action, state) in enumerate(zip(actions, states, strict=True), 1)
        ]
        subject = _("Your evening: leave something out") if to_drop(states) else _("Your evening: all good")
        said = {
            "verdict": verdict,
            "when": _(
                "%(date)s, %(time)s %(zone)s",
                date=say_short_date(evening.local_date),
                time=say_time(evening.local_time),
                zone=say_zone(evening.zone),
            ),
            "lines": lines,
            "address": f"{base}/actions/groups/{group.public_id}/evenings/{evening.public_id}",
        }
        return Mail(
            subject=subject,
            text=fill("groups/checked_mail.txt", **said),
            html=fill("groups/checked_mail.html", subject=subject, **said),
        )


def _line(number: int, action: UrgentAction, state: str) -> str:
    # An action without a UA number is called by its title, which may name somebody.
    name = called(action) if action.ua_sequence is not None else _("its name is on the page")
    return _("%(number)s. %(action)s: %(state)s", number=say_number(number), action=name, state=say_state(state))


def say_state(state: str) -> str:
    """How an action stands for an evening, in words for those who write."""
    return _("good") if state == "active" else _("leave it out (%(why)s)", why=label(state, "evening_state"))
