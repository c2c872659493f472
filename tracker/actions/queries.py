"""Reading urgent actions: what staff keep, and what each reader may take."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, or_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.actions.models import ActionLetter, ActionTarget, UrgentAction
from tracker.actions.rules import NoUaNumber, ends_at, parse_ua_number, stands
from tracker.audit.kinds import concerned, rungs
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import level
from tracker.targets.models import Target
from tracker.timeline.codes import DEATHS
from tracker.timeline.kinds import kinds
from tracker.timeline.models import Entry, EntryPerson, EntryState

#: Custody codes of somebody who is out: their action waits until staff have said whether it goes on.
OUT = ("released", "released_on_conditions", "deported")


@dataclass(frozen=True, slots=True)
class Telling:
    """An entry that tells of a death or a release that stands, or is reported and stands beside what is known."""

    case_id: int
    entry_id: int
    #: death, release, death_reported or release_reported.
    reason: str


def called(action: "UrgentAction | ActionTold") -> str:
    """`UA 52/24`, `UA 52/24-2` (its second update), or its title where it has no number."""
    if action.ua_sequence is None or action.ua_year is None:
        return action.title
    number = f"UA {action.ua_sequence}/{action.ua_year % 100:02d}"
    return f"{number}-{action.update_number}" if action.update_number else number


def next_update(session: Session, action: UrgentAction) -> int:
    """Which update the next one in the chain of this action is."""
    latest = action.update_number
    if action.ua_sequence is not None:
        latest = session.scalars(
            select(func.max(UrgentAction.update_number)).where(
                UrgentAction.ua_sequence == action.ua_sequence, UrgentAction.ua_year == action.ua_year
            )
        ).one()
    return latest + 1


def list_before(session: Session, action: UrgentAction) -> set[int]:
    """The numbers of what an update follows, however far back its chain goes."""
    found, before = set[int](), action.previous_id
    while before is not None and before not in found:
        found.add(before)
        before = session.scalar(select(UrgentAction.previous_id).where(UrgentAction.id == before))
    return found


def list_next_to(
    session: Session, action: UrgentAction, rung: Audience
) -> tuple[UrgentAction | None, Sequence[UrgentAction]]:
    """The action this one follows, and those that follow it, as far as somebody on `rung` of their case may know of
    them. One statement."""
    rows = session.scalars(
        select(UrgentAction)
        .where(
            or_(UrgentAction.id == action.previous_id, UrgentAction.previous_id == action.id),
            UrgentAction.audience >= rung,
        )
        .order_by(UrgentAction.update_number, UrgentAction.id)
    ).all()
    before = next((row for row in rows if row.id == action.previous_id), None)
    return before, [row for row in rows if row.previous_id == action.id]


def can_be_taken(now: datetime) -> ColumnElement[bool]:
    """SQL: somebody may write at this instant."""
    return (UrgentAction.state == "active") & (UrgentAction.act_until_at > now)


def list_actions(session: Session) -> list[tuple[UrgentAction, Case]]:
    """All actions, for commands: those that can be taken first, and by their last day."""
    chosen = (
        select(UrgentAction, Case)
        .join(Case, Case.id == UrgentAction.case_id)
        .order_by(UrgentAction.state != "active", UrgentAction.act_until, UrgentAction.id)
    )
    return [(action, case) for action, case in session.execute(chosen)]


def list_of_case(session: Session, case: Case, rung: Audience) -> Sequence[UrgentAction]:
    """The actions of one case that a reader on `rung` may see, what can be taken first; drafts for its desk alone."""
    chosen = select(UrgentAction).where(UrgentAction.case_id == case.id, UrgentAction.audience >= rung)
    if rung > Audience.DESK:
        chosen = chosen.where(UrgentAction.state != "draft")
    return session.scalars(
        chosen.order_by(UrgentAction.state != "active", UrgentAction.act_until.desc(), UrgentAction.id.desc())
    ).all()


@dataclass(frozen=True, slots=True)
class ActionTold:
    """An action as the file of its case lists it."""

    public_id: str
    state: str
    state_reason: str
    audience: Audience
    act_until: date
    act_until_at: datetime
    ua_sequence: int | None
    ua_year: int | None
    update_number: int
    title: str


def actions_told(case_id: Any) -> ColumnElement[str]:
    """SQL: the actions of a case as one text for `read_actions_told`, so that the file of a case asks for them in the
    statement it asks anyway. Each on a line of its own; the title, which holds blanks but no line's end, comes last."""
    line: ColumnElement[str] = cast(UrgentAction.public_id, String)
    for part in (
        UrgentAction.state,
        func.coalesce(func.nullif(UrgentAction.state_reason, ""), "-"),
        cast(UrgentAction.audience, String),
        cast(UrgentAction.act_until, String),
        func.coalesce(cast(UrgentAction.ua_sequence, String), "-"),
        func.coalesce(cast(UrgentAction.ua_year, String), "-"),
        cast(UrgentAction.update_number, String),
        UrgentAction.title,
    ):
        line = line + " " + part
    return (
        select(func.aggregate_strings(line, "\n"))
        .where(UrgentAction.case_id == case_id)
        .correlate_except(UrgentAction)
        .scalar_subquery()
    )


def read_actions_told(told: str | None, zone: str, rung: Audience) -> list[ActionTold]:
    """What `actions_told` says to a reader on `rung`, what can be taken first; drafts for the desk alone. `zone`: of
    the desk, whose days they are."""
    found = []
    for line in told.split("\n") if told else ():
        public_id, state, reason, audience, until, sequence, year, update, title = line.split(" ", 8)
        act_until = date.fromisoformat(until)
        if int(audience) < rung or (state == "draft" and rung > Audience.DESK):
            continue
        found.append(
            ActionTold(
                public_id=public_id,
                state=state,
                state_reason="" if reason == "-" else reason,
                audience=Audience(int(audience)),
                act_until=act_until,
                act_until_at=ends_at(act_until, zone),
                ua_sequence=None if sequence == "-" else int(sequence),
                ua_year=None if year == "-" else int(year),
                update_number=int(update),
                title=title,
            )
        )
    return sorted(found, key=lambda a: (a.state != "active", -a.act_until.toordinal(), a.public_id))


def get_of_case(session: Session, case: Case, rung: Audience, public_id: str) -> UrgentAction:
    """An action of this very case, for a reader who sees the case from `rung`. NotFound otherwise."""
    found = session.scalar(
        select(UrgentAction).where(
            UrgentAction.public_id == public_id, UrgentAction.case_id == case.id, UrgentAction.audience >= rung
        )
    )
    if found is None:
        raise NotFound("There is no such action in this case.")
    return found


def find_action(session: Session, said: str, today: date) -> tuple[UrgentAction, Case]:
    """The action a command names: its ID, or its UA number, the latest of its chain. NotFound when there is none."""
    chosen = select(UrgentAction, Case).join(Case, Case.id == UrgentAction.case_id)
    if re.fullmatch(r"[0-9]{1,18}", said.strip()):
        row = session.execute(chosen.where(UrgentAction.id == int(said))).first()
    else:
        try:
            number = parse_ua_number(said, today)
        except NoUaNumber:
            raise NotFound(f"“{said[:40]}” is neither the ID of an action nor a UA number such as UA 52/24.") from None
        chain = chosen.where(UrgentAction.ua_sequence == number.sequence, UrgentAction.ua_year == number.year)
        if number.update:
            chain = chain.where(UrgentAction.update_number == number.update)
        row = session.execute(chain.order_by(UrgentAction.update_number.desc(), UrgentAction.id.desc())).first()
    if row is None:
        raise NotFound(f"There is no action {said.strip()[:40]}.")
    return row[0], row[1]


def find_for(session: Session, user: User, public_id: str) -> tuple[UrgentAction, Case, Audience]:
    """An action this account may read now, its case and the rung it is seen from. NotFound otherwise, alike when there
    is none, when it is a draft, and when its case is closed to this account."""
    row = session.execute(
        select(UrgentAction, Case, level(user.id))
        .join(Case, Case.id == UrgentAction.case_id)
        .where(UrgentAction.public_id == public_id, level(user.id) <= UrgentAction.audience)
    ).first()
    if row is None or (row[0].state == "draft" and row[2] > Audience.DESK):
        raise NotFound("There is no such action that you may see.")
    return row[0], row[1], Audience(row[2])


def list_open_to(session: Session, user: User, now: datetime, limit: int = 50) -> list[tuple[UrgentAction, Case]]:
    """Actions this account can take now, the nearest last day first."""
    rows = session.execute(
        select(UrgentAction, Case)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(can_be_taken(now), level(user.id) <= UrgentAction.audience)
        .order_by(UrgentAction.act_until_at, UrgentAction.id)
        .limit(limit)
    )
    return [(action, case) for action, case in rows]


def latest_of_cases(session: Session, user: User, case_ids: Sequence[int]) -> Mapping[int, UrgentAction]:
    """Of each case, the action that says whether this account may write: one that can be taken, else the latest. One
    statement; a case of which nothing was ever asked is left out."""
    rows = session.scalars(
        select(UrgentAction)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(
            UrgentAction.case_id.in_(case_ids),
            UrgentAction.activated_at.is_not(None),
            level(user.id) <= UrgentAction.audience,
        )
        .order_by(UrgentAction.state != "active", UrgentAction.state_since.desc(), UrgentAction.id.desc())
    )
    found: dict[int, UrgentAction] = {}
    for action in rows:
        found.setdefault(action.case_id, action)
    return found


def list_letters(session: Session, action: UrgentAction) -> Sequence[ActionLetter]:
    """Its letters by language."""
    return session.scalars(
        select(ActionLetter).where(ActionLetter.action_id == action.id).order_by(ActionLetter.language)
    ).all()


def languages_of(session: Session, action_ids: Sequence[int]) -> Mapping[int, list[str]]:
    """In which languages there are letters, by action. One statement."""
    found: dict[int, list[str]] = {number: [] for number in action_ids}
    rows = session.execute(
        select(ActionLetter.action_id, ActionLetter.language)
        .where(ActionLetter.action_id.in_(action_ids))
        .order_by(ActionLetter.language)
    )
    for action_id, language in rows:
        found[action_id].append(language)
    return found


def list_targets_of(session: Session, action: UrgentAction) -> Sequence[Target]:
    """Whom it is addressed to, in order."""
    return session.scalars(
        select(Target)
        .join(ActionTarget, ActionTarget.target_id == Target.id)
        .where(ActionTarget.action_id == action.id)
        .order_by(ActionTarget.position, Target.id)
    ).all()


def find_target_id(session: Session, action: UrgentAction, public_id: str | None) -> int | None:
    """The number of whom it is addressed to by their random id; None: nobody it is addressed to has it."""
    return next((target.id for target in list_targets_of(session, action) if target.public_id == public_id), None)


def telling_entries(session: Session, cases: Sequence[int]) -> list[Telling]:
    """Entries of these cases that tell of a death or a release of somebody at risk: those by which they stand where
    they stand now, and claims that stand beside it. What was followed by another arrest tells nothing any more."""
    codes = {kind.code: kind.custody for kind in kinds if kind.custody in (*DEATHS, *OUT)}
    rows = session.execute(
        select(Entry.case_id, Entry.id, Entry.public_id, Entry.kind, EntryState.counts, Involvement)
        .join(EntryState, EntryState.entry_id == Entry.id)
        .join(Involvement, (Involvement.case_id == Entry.case_id) & (Involvement.role == "at_risk"))
        .outerjoin(EntryPerson, EntryPerson.entry_id == Entry.id)
        .where(
            Entry.case_id.in_(cases),
            Entry.kind.in_(codes),
            EntryState.superseded_by.is_(None),
            EntryState.withdrawn_by.is_(None),
            or_(EntryPerson.person_id.is_(None), EntryPerson.person_id == Involvement.person_id),
        )
        .order_by(Entry.id)
    )
    found = []
    for case_id, entry_id, public_id, kind, counts, involvement in rows:
        custody = codes[kind]
        what = "death" if custody in DEATHS else "release"
        if counts and involvement.custody == custody:
            found.append(Telling(case_id, entry_id, what))
        elif not counts and any(claim["entry"] == public_id for claim in involvement.reported):
            found.append(Telling(case_id, entry_id, f"{what}_reported"))
    return found


def as_json(action: UrgentAction, case: Case, now: datetime) -> dict[str, Any]:
    """An action as commands print it."""
    return {
        "id": action.id,
        "ref": called(action),
        "ua_number": called(action).partition("-")[0] if action.ua_sequence is not None else None,
        "kind": action.chain,
        "update": action.update_number,
        "state": stands(action.state, action.act_until_at, now),
        "reason": action.state_reason or None,
        "issued_on": action.issued_on.isoformat(),
        "act_until": action.act_until.isoformat(),
        "audience": action.audience.code,
        "case": case.ref,
    }


@rungs.adds("urgent_actions")
def rungs_of_actions(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """To which rung each of these actions is open."""
    rows = session.execute(select(UrgentAction.id, UrgentAction.audience).where(UrgentAction.id.in_(ids)))
    return {row.id: row.audience for row in rows}


@concerned.adds("action_letters")
def cases_of_letters(session: Session, ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The case of each of these letters."""
    rows = session.execute(
        select(ActionLetter.id, UrgentAction.case_id)
        .join(UrgentAction, UrgentAction.id == ActionLetter.action_id)
        .where(ActionLetter.id.in_(ids))
    )
    return {row.id: {row.case_id} for row in rows}


@rungs.adds("action_letters")
def rungs_of_letters(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """To which rung each of these letters is open."""
    rows = session.execute(
        select(ActionLetter.id, UrgentAction.audience)
        .join(UrgentAction, UrgentAction.id == ActionLetter.action_id)
        .where(ActionLetter.id.in_(ids))
    )
    return {row.id: row.audience for row in rows}
