"""What is done with urgent actions: written, opened, put on hold, stopped. Whatever ends one takes its letters off
every surface with the next request, because each reads the state of this one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.actions import rules
from tracker.actions.models import ActionLetter, ActionTarget, UrgentAction
from tracker.actions.queries import called, list_before, list_letters, list_targets_of, next_update, telling_entries
from tracker.base.audience import Audience
from tracker.base.columns import check_lengths, new_public_id
from tracker.base.dates import StatedDate, today_in
from tracker.base.db import hold
from tracker.base.errors import Refused, VersionConflict
from tracker.base.parts import takes_part
from tracker.base.work import current_work, touch
from tracker.cases.models import Case
from tracker.consent.kinds import STOP_REASONS
from tracker.targets.models import Target
from tracker.timeline.models import Entry
from tracker.timeline.service import record_entry

#: Longest letter, in characters.
LONGEST_LETTER = 12_000

#: Longest words on the page of an action that is on hold or stopped.
LONGEST_WORDS = 600


@dataclass(frozen=True, slots=True)
class LetterGiven:
    """A model letter as it is handed in."""

    language: str
    body: str
    subject: str = ""
    salutation: str = ""


def draft_action(
    session: Session,
    case: Case,
    *,
    title: str,
    ua_number: str = "",
    previous: UrgentAction | None = None,
    issued_on: date | None = None,
    act_until: date | None = None,
    targets: Sequence[Target] = (),
    letters: Sequence[LetterGiven] = (),
    audience: Audience = Audience.VOLUNTEERS,
    **fields: Any,
) -> UrgentAction:
    """Write down an action, which nobody can take yet. Refused for a number that is none, or is taken; and for a last
    day before the day of issue. While publicity of the case is stopped nothing is drafted."""
    work = current_work(session)
    _check_publicity(session, case)
    today = today_in(_zone(session, case), work.now)
    action = UrgentAction(
        public_id=new_public_id(),
        case_id=case.id,
        state="draft",
        state_reason="",
        public_words="",
        state_since=work.now,
        created_at=work.now,
        audience=audience,
        shown_to=Audience.DESK,
        issued_on=issued_on or today,
        act_until=act_until or rules.default_act_until(issued_on or today),
        previous_id=previous.id if previous else None,
        chain="update" if previous else "first",
        update_number=next_update(session, previous) if previous else 0,
        minutes=rules.MINUTES,
        seen_entry_id=0,
        version=1,
    )
    if previous is not None and not ua_number:
        action.ua_sequence, action.ua_year = previous.ua_sequence, previous.ua_year
    _write(session, case, action, {"title": title, "ua_number": ua_number, **fields}, today)
    session.add(action)
    _flush(session)
    _lead_on(session, action, (None, None, 0))
    _address(session, action, targets)
    for letter in letters:
        write_letter(session, action, letter)
    touch(case.id)
    return action


def edit_action(
    session: Session,
    case: Case,
    action: UrgentAction,
    *,
    version: int,
    targets: Sequence[Target] | None = None,
    **fields: Any,
) -> None:
    """Change what an action says. VersionConflict when somebody else did so since `version`; Refused once it is stopped
    or closed, and while publicity is stopped."""
    _expect(session, action, version, fields)
    _check_open(session, case, action)
    was = _number_of(action)
    _write(session, case, action, fields, today_in(_zone(session, case), current_work(session).now))
    if targets is not None:
        _address(session, action, targets)
    if action.state == "active":
        _check_complete(session, case, action)
        action.shown_to = max(action.shown_to, min(action.audience, case.audience))
    action.version += 1
    _flush(session)
    _lead_on(session, action, was)
    touch(case.id)


def write_letter(
    session: Session, action: UrgentAction, letter: LetterGiven, *, version: int | None = None, another: bool = False
) -> ActionLetter:
    """Write the model letter in one language, or write it anew. `another`: it is meant as one more, and refused in a
    language in which there is one. VersionConflict when somebody else changed the action since `version`; Refused once
    it is stopped or closed, and while publicity is stopped."""
    body = letter.body.replace("\r\n", "\n").strip()
    if not body:
        raise Refused(_("Write the letter."), "body")
    if len(body) > LONGEST_LETTER:
        raise Refused(
            _("The letter has %(count)s characters; %(most)s is the most.", count=len(body), most=LONGEST_LETTER),
            "body",
        )
    if not (letter.language.isalpha() and 2 <= len(letter.language) <= 3):
        raise Refused(_("Say in which language it is, such as en."), "language")
    hold(session, action)
    found = session.scalar(
        select(ActionLetter).where(
            ActionLetter.action_id == action.id, ActionLetter.language == letter.language.lower()
        )
    )
    if found is not None and another:
        raise Refused(_("There is a letter in this language already: change that one."), "language")
    if version is not None and action.version != version:
        theirs = {name: getattr(found, name) for name in ("subject", "salutation", "body")} if found else {}
        raise VersionConflict(_("Somebody changed this action in the meantime."), theirs)
    _check_open(session, session.get_one(Case, action.case_id), action)
    if found is None:
        found = ActionLetter(action_id=action.id, language=letter.language.lower())
        session.add(found)
    found.subject, found.salutation, found.body = letter.subject.strip(), letter.salutation.strip(), body
    check_lengths(found)
    action.version += 1
    session.flush()
    touch(action.case_id)
    return found


def remove_letter(session: Session, action: UrgentAction, language: str, *, version: int) -> None:
    """Take the letter in one language away. VersionConflict when somebody else changed the action since `version`;
    Refused for the last one of an action that was opened, once it is stopped or closed, and while publicity is
    stopped."""
    _expect(session, action, version)
    _check_open(session, session.get_one(Case, action.case_id), action)
    letters = list_letters(session, action)
    if action.state in rules.LIVED and len(letters) == 1:
        raise Refused(_("An action that is open needs a letter."), "language")
    for letter in letters:
        if letter.language == language:
            session.delete(letter)
            action.version += 1
    session.flush()
    touch(action.case_id)


def activate_action(session: Session, case: Case, action: UrgentAction, *, version: int) -> None:
    """Open it: from now on it can be taken. Refused without a letter, without somebody to write to who has an address,
    when its last day is over, or when the case is not open as far."""
    _expect(session, action, version)
    if action.state != "draft":
        raise Refused(_("Only a draft is opened; what was on hold is resumed."))
    _check_may_run(session, case, action)
    action.activated_at = _move(session, case, action, "active", "")
    _log(session, case, action, "action.issued", until=action.act_until.isoformat())


def hold_action(
    session: Session, case: Case, action: UrgentAction, *, reason: str, words: str = "", version: int | None = None
) -> None:
    """Put it on hold: its letter is withdrawn until somebody resumes it. Doing it twice changes nothing but the
    words."""
    _expect(session, action, version)
    if reason not in rules.HOLD_REASONS:
        raise Refused(_("Choose why."), "reason")
    _hold(session, case, action, reason, words)


def resume_action(
    session: Session, case: Case, action: UrgentAction, *, reason: str, version: int | None = None
) -> None:
    """Let it go on after a hold, or after its day has passed and was put off. What the timeline tells by now was seen
    by whoever says so, and holds it no more."""
    _expect(session, action, version)
    if reason not in rules.RESUME_REASONS:
        raise Refused(_("Choose why it goes on."), "reason")
    if action.state not in ("on_hold", "expired"):
        raise Refused(_("Only what is on hold is resumed."))
    _check_may_run(session, case, action)
    _move(session, case, action, "active", "")
    _log(session, case, action, "action.resumed", reason=reason)


def stop_action(
    session: Session, case: Case, action: UrgentAction, *, reason: str, words: str = "", version: int | None = None
) -> None:
    """Stop it for good: nobody may write any more. Doing it twice changes nothing but the words. Refused without one of
    the neutral reasons."""
    _expect(session, action, version)
    if reason not in STOP_REASONS:
        raise Refused(_("Choose why."), "reason")
    if action.state == "stopped":
        action.public_words = _words(words) or action.public_words
        touch(case.id)
        return
    if action.state == "closed":
        raise Refused(_("This action is closed already."))
    _move(session, case, action, "stopped", reason, words)
    _log(session, case, action, "action.stopped")


def close_action(
    session: Session, case: Case, action: UrgentAction, *, reason: str, words: str = "", version: int | None = None
) -> None:
    """Close it: it has done its work, or an update takes its place."""
    _expect(session, action, version)
    if reason not in rules.CLOSE_REASONS:
        raise Refused(_("Choose why."), "reason")
    if not rules.may_follow(action.state, "closed"):
        raise Refused(_("This action has ended already."))
    _move(session, case, action, "closed", reason, words)
    _log(session, case, action, "action.closed", reason=reason)


def extend_action(
    session: Session, case: Case, action: UrgentAction, *, until: date | None = None, version: int | None = None
) -> None:
    """Put its last day off: by 14 days from the later of that day and today, or to a day named. What had expired can be
    taken again."""
    _expect(session, action, version)
    if action.state not in ("draft", "active", "on_hold", "expired"):
        raise Refused(_("This action has ended: nothing of it changes any more."))
    work = current_work(session)
    today = today_in(_zone(session, case), work.now)
    wanted = until or max(action.act_until, today) + timedelta(days=rules.EXTENDS_DAYS)
    if wanted <= action.act_until or wanted < today:
        raise Refused(_("Name a day after the one it has."), "act_until")
    action.act_until = wanted
    _set_end(session, case, action)
    if action.state == "expired":
        _check_may_run(session, case, action)
        _move(session, case, action, "active", "")
    else:
        action.version += 1
    _log(session, case, action, "action.extended", until=wanted.isoformat())


def expire_action(session: Session, case: Case, action: UrgentAction) -> None:
    """Write down that its last day is over."""
    _move(session, case, action, "expired", "date_passed")
    _log(session, case, action, "action.expired")


@takes_part("stop")
def stop_all(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Stop every action of these cases that could be taken, or be opened, whatever it is at."""
    rows = session.execute(
        select(UrgentAction, Case)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(UrgentAction.case_id.in_(cases), UrgentAction.state.not_in(("stopped", "closed")))
        .order_by(UrgentAction.id)
    )
    for action, case in rows.all():
        _move(session, case, action, "stopped", case.publicity_stopped_reason or "asked")
        _log(session, case, action, "action.stopped")


# Parts of these -------------------------------------------------------------------------------------------------------


def _expect(session: Session, action: UrgentAction, version: int | None, fields: dict[str, Any] | None = None) -> None:
    hold(session, action)
    if version is not None and action.version != version:
        theirs = {name: getattr(action, name) for name in fields or {} if hasattr(action, name)}
        raise VersionConflict(_("Somebody changed this action in the meantime."), theirs)


def _write(session: Session, case: Case, action: UrgentAction, fields: dict[str, Any], today: date) -> None:
    number = fields.pop("ua_number", None)
    for name, value in fields.items():
        setattr(action, name, value.strip() if isinstance(value, str) else value)
    if number is not None and number.strip():
        _number(session, action, number, today)
    # One line: the file of the case reads it so.
    action.title = " ".join((action.title or "").split())
    if not action.title or len(action.title) > 200:
        raise Refused(_("Say in a few words what it is about: at most 200 characters."), "title")
    if not 1 <= action.minutes <= 240:
        raise Refused(_("Say how many minutes it takes: 1 to 240."), "minutes")
    if action.act_until < action.issued_on:
        raise Refused(_("The last day lies before the day of issue."), "act_until")
    if action.issued_on > today + timedelta(days=1):
        raise Refused(_("That day has not come yet."), "issued_on")
    check_lengths(action)
    _set_end(session, case, action)


def _number(session: Session, action: UrgentAction, text: str, today: date) -> None:
    try:
        number = rules.parse_ua_number(text, today)
    except rules.NoUaNumber as none:
        said = {
            "court": _("That is the number of a court or an office. A UA number is written like UA 52/24."),
            "bare": _("Courts write their numbers so. If it is a UA number, write UA before it."),
            "year": _("There was no urgent action with such a number: check the year."),
        }
        raise Refused(
            said.get(none.why) or _("That is no UA number. It is written like UA 52/24."), "ua_number"
        ) from none
    before = session.get(UrgentAction, action.previous_id) if action.previous_id is not None else None
    is_same = before is not None and _number_of(before)[:2] == (number.sequence, number.year)
    if before is not None and is_same and before.update_number >= (number.update or 0):
        # Named as the one before; by its number it comes later.
        action.previous_id = None
    action.ua_sequence, action.ua_year = number.sequence, number.year
    if number.update:
        action.chain, action.update_number = "update", number.update
        if action.previous_id is None:
            action.previous_id = _before(session, action)
    elif action.previous_id is None:
        action.chain, action.update_number = "first", 0


def _number_of(action: UrgentAction) -> tuple[int | None, int | None, int]:
    return action.ua_sequence, action.ua_year, action.update_number


def _has_number_of(action: UrgentAction) -> tuple[ColumnElement[bool], ...]:
    """SQL: an action of the same case and number, whichever update of it."""
    return (
        UrgentAction.case_id == action.case_id,
        UrgentAction.ua_sequence == action.ua_sequence,
        UrgentAction.ua_year == action.ua_year,
    )


def _before(session: Session, action: UrgentAction) -> int | None:
    """The action of this case that comes before an update by its number."""
    # What is half written is not flushed yet: that its number is taken is told by `_flush`.
    with session.no_autoflush:
        return session.scalar(
            select(UrgentAction.id)
            .where(
                *_has_number_of(action),
                UrgentAction.update_number < action.update_number,
                UrgentAction.id.is_distinct_from(action.id),
            )
            .order_by(UrgentAction.update_number.desc())
            .limit(1)
        )


def _lead_on(session: Session, action: UrgentAction, was: tuple[int | None, int | None, int]) -> None:
    """Where the number of an action has become another: let go of the updates that follow it by the number it had, or
    come before it now; and let the next update of its number follow it, where that was recorded before and follows
    none."""
    number = _number_of(action)
    if number == was or number[0] is None:
        return
    for one in session.scalars(select(UrgentAction).where(UrgentAction.previous_id == action.id)).all():
        left_behind = _number_of(one)[:2] == was[:2] != number[:2]
        if left_behind or (_number_of(one)[:2] == number[:2] and one.update_number <= action.update_number):
            one.previous_id = _before(session, one)
    following = session.scalar(
        select(UrgentAction)
        .where(
            *_has_number_of(action),
            UrgentAction.update_number > action.update_number,
            UrgentAction.previous_id.is_(None),
        )
        .order_by(UrgentAction.update_number)
        .limit(1)
    )
    if following is not None and following.id not in list_before(session, action):
        following.previous_id = action.id


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as fault:
        if "ua_year" in str(fault.orig) or "urgent_actions" in str(fault.orig):
            raise Refused(_("There is an action with this number already."), "ua_number") from fault
        raise


def _address(session: Session, action: UrgentAction, targets: Sequence[Target]) -> None:
    wanted = {target.id: place for place, target in enumerate(dict.fromkeys(targets))}
    for row in session.scalars(select(ActionTarget).where(ActionTarget.action_id == action.id)):
        if row.target_id in wanted:
            row.position = wanted.pop(row.target_id)
        else:
            session.delete(row)
    session.add_all(
        ActionTarget(action_id=action.id, target_id=target_id, position=place) for target_id, place in wanted.items()
    )
    session.flush()


def _set_end(session: Session, case: Case, action: UrgentAction) -> None:
    if action.act_until > action.issued_on + timedelta(days=rules.LONGEST_DAYS):
        raise Refused(_("An action runs for two years at most."), "act_until")
    action.act_until_at = rules.ends_at(action.act_until, _zone(session, case))


def _check_publicity(session: Session, case: Case) -> None:
    if session.scalar(select(Case.publicity_stopped_at).where(Case.id == case.id)) is not None:
        raise Refused(_("Publicity of this case is stopped: its actions are locked."))


def _check_open(session: Session, case: Case, action: UrgentAction) -> None:
    _check_publicity(session, case)
    if action.state in ("stopped", "closed"):
        raise Refused(_("This action has ended: nothing of it changes any more."))


def _check_may_run(session: Session, case: Case, action: UrgentAction) -> None:
    _check_publicity(session, case)
    if case.stage in ("draft", "closed"):
        raise Refused(_("The case is not open."))
    if action.act_until_at <= current_work(session).now:
        raise Refused(_("Its last day is over: extend it first."), "act_until")
    if case.audience < action.audience:
        raise Refused(_("The case is not open as far as this action is meant to be. Open the case first."), "audience")
    _check_complete(session, case, action)


def _check_complete(session: Session, case: Case, action: UrgentAction) -> None:
    if not list_letters(session, action):
        raise Refused(_("It has no letter yet."), "letters")
    today = today_in(_zone(session, case), current_work(session).now)
    targets = list_targets_of(session, action)
    if not targets:
        raise Refused(_("It is addressed to nobody yet."), "targets")
    serving = [
        target
        for target in targets
        if (target.valid_from or today) <= today and (target.valid_to is None or target.valid_to >= today)
    ]
    if not serving:
        raise Refused(_("Nobody it is addressed to is still in office."), "targets")
    if not any(target.has_address for target in serving):
        raise Refused(_("Nobody it is addressed to has an address, a telephone or an e-mail."), "targets")


def _hold(session: Session, case: Case, action: UrgentAction, reason: str, words: str) -> None:
    if action.state == "on_hold":
        if action.state_reason not in rules.TOLD_HOLDS and reason in rules.TOLD_HOLDS:
            # Whoever has seen the page since it waited for a check is told all the same.
            action.state_since = current_work(session).now
        action.state_reason, action.public_words = reason, _words(words) or action.public_words
        action.version += 1
        touch(case.id)
        return
    if not rules.may_follow(action.state, "on_hold"):
        raise Refused(_("Only an action that can be taken is put on hold."))
    _move(session, case, action, "on_hold", reason, words)
    _log(session, case, action, "action.held", reason=reason)


def _move(session: Session, case: Case, action: UrgentAction, state: str, reason: str, words: str = "") -> datetime:
    now = current_work(session).now
    if not rules.may_follow(action.state, state):
        raise Refused(_("That does not follow from where this action stands."))
    action.state, action.state_reason, action.state_since = state, reason, now
    action.public_words = _words(words)
    if state == "active":
        action.shown_to = max(action.shown_to, min(action.audience, case.audience))
        latest = telling_entries(session, [case.id])
        action.seen_entry_id = max((told.entry_id for told in latest), default=action.seen_entry_id)
    action.version += 1
    touch(case.id)
    return now


def _words(words: str) -> str:
    said = words.strip()
    if len(said) > LONGEST_WORDS:
        raise Refused(_("At most %(most)s characters.", most=LONGEST_WORDS), "words")
    return said


def _log(session: Session, case: Case, action: UrgentAction, kind: str, **payload: Any) -> Entry:
    today = today_in(_zone(session, case), current_work(session).now)
    return record_entry(
        session,
        case_id=case.id,
        kind=kind,
        date_stated=StatedDate(today),
        audience=min(action.audience, max(case.audience, Audience.NAMED)),
        payload={"action": action.public_id, "called": called(action), **payload},
        origin="system",
    )


def _zone(session: Session, case: Case) -> str:
    return session.get_one(Desk, case.desk_id).zone
