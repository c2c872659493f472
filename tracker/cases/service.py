"""What is done with a case as a whole."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, Membership, User
from tracker.agenda.models import AgendaItem
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.dates import StatedDate, today_in
from tracker.base.db import hold
from tracker.base.errors import Refused, VersionConflict
from tracker.base.words import say_number
from tracker.base.work import current_work, touch
from tracker.cases.kinds import closed_parts, opening_checks
from tracker.cases.models import CLOSED_REASONS, INVOLVEMENT_ROLES, RISKS, STAGES, Case, CaseGrant, Involvement
from tracker.cases.rules import nickname
from tracker.timeline.models import EntryState
from tracker.timeline.service import record_entry

#: Longest title, in characters.
LONGEST_TITLE = 300


def open_case(
    session: Session,
    desk: Desk,
    *,
    title: str,
    risk: str,
    stage: str = "open",
    summary: str = "",
    owner: User | None = None,
    deputy: User | None = None,
    country: str | None = None,
    responsible_state: str | None = None,
    audience: Audience = Audience.DESK,
    named: Sequence[User] = (),
    origin: str = "human",
    stale_grace_working_days: int = 0,
) -> Case:
    """Record a new case on a desk: it gets the desk's next reference and a neutral nickname. `named`: who sees all of
    it besides owner and deputy. Refused for more than the desk: nobody is in it yet who could have agreed to that."""
    now = current_work(session).now
    _check(title=title, risk=risk, stage=stage)
    check_keeper(session, desk.id, owner, "owner")
    check_keeper(session, desk.id, deputy, "deputy")
    number = session.scalar(
        update(Desk)
        .where(Desk.id == desk.id)
        .values(last_case_number=Desk.last_case_number + 1)
        .returning(Desk.last_case_number)
        .execution_options(synchronize_session=False)
    )
    assert number is not None
    case = Case(
        ref=f"{desk.code.upper()}-{number:04d}",
        public_id=new_public_id(),
        nickname=nickname(number),
        title=title.strip(),
        summary=summary.strip(),
        desk_id=desk.id,
        country=country,
        responsible_state=responsible_state,
        owner_id=owner.id if owner else None,
        deputy_id=deputy.id if deputy else None,
        stage=stage,
        risk=risk,
        audience=audience,
        created_at=now,
        stale_grace_working_days=stale_grace_working_days,
    )
    session.add(case)
    session.flush()
    check_opening(session, case, audience)
    name_people(session, case, named)
    _log(session, case, desk, "case.opened", origin=origin)
    return case


def edit_case(
    session: Session, case: Case, *, version: int, named: Sequence[User] | None = None, **fields: Any
) -> None:
    """Change what a case says of itself: title, summary, risk, stage (not closed), owner_id, deputy_id, country,
    responsible_state, nickname, audience; and its named people, where `named` is given. VersionConflict when somebody
    else did so since `version`. Refused when nobody could see it any more, or when something stands against opening
    it as far."""
    hold(session, case)
    granted = list_named(session, case)
    if case.version != version:
        theirs = {name: getattr(case, name) for name in fields}
        if named is not None:
            theirs["named"] = [user.id for user in granted]
        raise VersionConflict(_("Somebody changed this case in the meantime."), theirs)
    merged = {name: fields.get(name, getattr(case, name)) for name in ("title", "risk", "stage")}
    if merged["stage"] == "closed" and case.stage != "closed":
        raise Refused(_("Close the case with a reason instead."), "stage")
    _check(**merged)
    if fields.get("audience", case.audience) > case.audience:
        check_opening(session, case, fields["audience"])
    for name in ("owner_id", "deputy_id"):
        if fields.get(name) is not None and fields[name] != getattr(case, name):
            check_keeper(session, case.desk_id, session.get(User, fields[name]), name)
    inside = _inside(case, granted)
    for name, value in fields.items():
        setattr(case, name, value.strip() if isinstance(value, str) else value)
    if named is not None:
        name_people(session, case, named)
        granted = list(named)
    _check_lets_in_others(session, case, inside, _inside(case, granted))
    keepers = [session.get(User, number) for number in (case.owner_id, case.deputy_id) if number]
    check_somebody_sees(case.audience, *keepers, *granted)
    case.version += 1
    touch(case.id)


def close_case(session: Session, case: Case, desk: Desk, *, reason: str, words: str = "") -> None:
    """Close a case. Refused without one of the reasons, or when it is closed."""
    if reason not in CLOSED_REASONS:
        raise Refused(_("Choose why the case is closed."), "reason")
    if case.stage == "closed":
        raise Refused(_("The case is closed already."))
    case.stage, case.closed_reason = "closed", reason
    case.version += 1
    _log(session, case, desk, "case.closed", {"reason": reason}, words)


def reopen_case(session: Session, case: Case, desk: Desk, *, words: str) -> None:
    """Open a closed case again. Refused without a reason in words, or when it is open."""
    if not words.strip():
        raise Refused(_("Say why the case is reopened."), "words")
    if case.stage != "closed":
        raise Refused(_("The case is open already."))
    case.stage, case.closed_reason = "open", None
    case.version += 1
    _log(session, case, desk, "case.reopened", {}, words)


def check_case(session: Session, case: Case, desk: Desk, *, words: str = "") -> None:
    """ "Checked, nothing new": restarts the stale clock without pretending that anything happened."""
    if case.stage == "closed":
        raise Refused(_("The case is closed; reopen it first."))
    _log(session, case, desk, "case.checked", {}, words)


def take_case(session: Session, case: Case, user: User) -> None:
    """Become the owner of a case that has none. Refused when somebody keeps it, or when this account cannot."""
    if case.owner_id is not None:
        raise Refused(_("Somebody keeps this case already."))
    check_keeper(session, case.desk_id, user, "owner")
    inside = _inside(case, list_named(session, case))
    case.owner_id = user.id
    _check_lets_in_others(session, case, inside, {*inside, user.id})
    case.version += 1
    touch(case.id)


def involve(session: Session, case: Case, person_id: int, role: str = "at_risk") -> Involvement:
    """Put a person into a case. A person already in it is left as they are. A case that is open beyond its desk closes
    to it: nobody has asked this person yet."""
    if role not in INVOLVEMENT_ROLES:
        raise Refused(_("“%(role)s” is no role in a case.", role=role[:20]), "role")
    held = session.scalars(select(Involvement).where(Involvement.case_id == case.id)).all()
    for involvement in held:
        if involvement.person_id == person_id:
            return involvement
    involvement = Involvement(
        case_id=case.id, person_id=person_id, role=role, position=len(held), conditions=[], reported=[]
    )
    session.add(involvement)
    if case.audience > Audience.DESK:
        case.audience = Audience.DESK
        case.version += 1
    session.flush()
    touch(case.id)
    return involvement


def name_people(session: Session, case: Case, users: Sequence[User]) -> None:
    """Say who the named people of a case are, besides its owner and deputy. Refused for anybody but active staff."""
    for user in users:
        if not user.active or not user.is_staff:
            raise Refused(_("Only active staff can be named."), "named")
    held = {g.user_id: g for g in session.scalars(select(CaseGrant).where(CaseGrant.case_id == case.id))}
    wanted = dict.fromkeys(user.id for user in users)
    for number in held.keys() - wanted.keys():
        session.delete(held[number])
    session.add_all(CaseGrant(case_id=case.id, user_id=number) for number in wanted if number not in held)
    session.flush()
    touch(case.id)


def _inside(case: Case, named: Sequence[User]) -> set[int]:
    """The accounts that see all of a case: its owner, its deputy, the named."""
    return {number for number in (case.owner_id, case.deputy_id) if number} | {user.id for user in named}


def _check_lets_in_others(session: Session, case: Case, before: set[int], after: set[int]) -> None:
    """Refused when somebody who sees a case from the desk lets anybody in to what is closed to the desk, themselves or
    another, or takes out the last who sees it: one of those inside does that. Where nobody is left inside, whoever
    coordinates the desk, or stands in for them, may. A command acts for the house."""
    acting = current_work(session).actor.user_id
    if acting is None or acting in before or before == after or not _holds_closed(session, case):
        return
    left = set(session.scalars(select(User.id).where(User.id.in_(before), User.active)))
    if left and not left & after:
        raise Refused(
            _("Parts of this case are closed to the desk, and nobody who sees them would be left."), "owner_id"
        )
    if not after - before:
        return
    coordinates = session.scalar(
        select(Membership.id).where(
            Membership.user_id == acting,
            Membership.desk_id == case.desk_id,
            or_(Membership.coordinator, Membership.deputy),
        )
    )
    if left or coordinates is None:
        raise Refused(
            _(
                "Parts of this case are closed to the desk. Nobody can be let in from outside: one of those who see "
                "them can do it."
            ),
            "named",
        )


def _holds_closed(session: Session, case: Case) -> bool:
    """Whether a case holds entries, dates or anything else for named people only."""
    entries = select(EntryState.entry_id).where(EntryState.case_id == case.id, EntryState.audience == Audience.NAMED)
    dates = select(AgendaItem.id).where(AgendaItem.case_id == case.id, AgendaItem.audience == Audience.NAMED)
    others = (exists(part(case.id)) for part in closed_parts)
    return bool(session.scalar(select(or_(exists(entries), exists(dates), *others))))


def list_named(session: Session, case: Case) -> list[User]:
    """The named people of a case, by name."""
    return list(
        session.scalars(
            select(User)
            .join(CaseGrant, CaseGrant.user_id == User.id)
            .where(CaseGrant.case_id == case.id)
            .order_by(User.name)
        )
    )


def check_somebody_sees(audience: Audience, *people: User | None) -> None:
    """Refused when a case of this audience would be open to none of these people: owner, deputy, the named."""
    if audience == Audience.NAMED and not any(user is not None and user.active for user in people):
        raise Refused(_("Nobody could see the case any more: give it an owner, a deputy or named people."), "audience")


def check_somebody_may_read(session: Session, case: Case, audience: Audience) -> None:
    """Refused when something in this case, meant for named people only, would be open to nobody."""
    keepers = [session.get(User, number) for number in (case.owner_id, case.deputy_id) if number]
    if audience == Audience.NAMED and not any(u and u.active for u in (*keepers, *list_named(session, case))):
        raise Refused(_("Nobody could see it any more: give the case an owner, a deputy or named people."), "audience")


def check_opening(session: Session, case: Case, audience: Audience) -> None:
    """Refused, with all that is missing, when a case may not be opened to this audience. Closing it to the desk, or
    within it, may always be done."""
    if audience <= Audience.DESK:
        return
    # What is said or stopped at this moment is waited for, or waits and closes after this.
    session.execute(select(Case.id).where(Case.id == case.id).with_for_update(key_share=True))
    missing = what_stands_against(session, case, audience, current_work(session).now)
    if missing:
        raise Refused(" ".join(missing), "audience")


def what_stands_against(session: Session, case: Case, audience: Audience, now: datetime) -> list[str]:
    """All that is missing before a case may be opened to this audience, a sentence each; for a page that only reads."""
    if audience <= Audience.DESK:
        return []
    return [said for check in opening_checks for said in check(session, case, audience, now)]


def check_not_stopped(case: Case, audience: Audience, before: Audience = Audience.DESK) -> None:
    """Refused when something in a case is to be opened beyond the desk while its publicity is stopped. `before`: who
    may see it already."""
    if case.publicity_stopped_at is not None and audience > max(before, Audience.DESK):
        raise Refused(_("Publicity of this case is stopped: nothing in it can be opened beyond the desk."), "audience")


def today_at(desk: Desk, now: datetime) -> date:
    """The day it is at the desk."""
    return today_in(desk.zone, now)


def _log(
    session: Session,
    case: Case,
    desk: Desk,
    kind: str,
    payload: dict[str, Any] | None = None,
    words: str = "",
    origin: str = "human",
) -> None:
    record_entry(
        session,
        case_id=case.id,
        kind=kind,
        date_stated=StatedDate(today_at(desk, current_work(session).now)),
        audience=Audience.DESK,
        payload=payload,
        text=words,
        origin=origin,
    )


def _check(*, title: str, risk: str, stage: str) -> None:
    if not title.strip():
        raise Refused(_("Write a title."), "title")
    if len(title) > LONGEST_TITLE:
        raise Refused(
            _(
                "The title has %(count)s characters; %(most)s is the most.",
                count=say_number(len(title)),
                most=LONGEST_TITLE,
            ),
            "title",
        )
    if any(ord(c) < 32 for c in title):
        raise Refused(_("The title holds a character that cannot be shown."), "title")
    if risk not in RISKS:
        raise Refused(_("“%(code)s” is no risk: critical, high, medium or low.", code=risk[:20]), "risk")
    if stage not in STAGES:
        raise Refused(_("“%(code)s” is no stage.", code=stage[:20]), "stage")


def check_keeper(session: Session, desk_id: int, user: User | None, field: str) -> None:
    """Refused unless this account may keep cases of this desk: active staff on it. None may always be said."""
    if user is None:
        return
    member = session.scalar(select(Membership.id).where(Membership.user_id == user.id, Membership.desk_id == desk_id))
    if not user.active or not user.is_staff or member is None:
        raise Refused(_("Only active staff of the desk can keep its cases."), field)
