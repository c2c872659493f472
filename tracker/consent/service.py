"""What is done about consent and publicity. Nothing here sends or shows anything: it closes, and lets others open."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, Membership, User
from tracker.base.audience import Audience
from tracker.base.dates import StatedDate, instant_of, today_in
from tracker.base.db import hold
from tracker.base.errors import NotFound, Refused
from tracker.base.labels import label
from tracker.base.parts import run_parts
from tracker.base.work import current_work, touch
from tracker.cases.kinds import opening_checks
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import list_people
from tracker.consent import rules
from tracker.consent.kinds import STOP_REASONS, WITHOUT_NAME_REASONS
from tracker.consent.models import WAYS, Consent
from tracker.consent.queries import read_standing
from tracker.timeline.service import record_entry


def record_consent(
    session: Session,
    case: Case,
    person_id: int,
    *,
    answer: str,
    speaker: str,
    subjects: Sequence[str],
    how: str,
    up_to: Audience = Audience.DESK,
    given_on: date | None = None,
    until_on: date | None = None,
    review_on: date | None = None,
) -> Consent:
    """Record what somebody who speaks for a person said. An agreement stands for review six months after it was given
    unless another day is named. What is refused or withdrawn closes at once, in every case of theirs; a case that is
    open without what it needs closes to its desk."""
    _check_in_case(session, case, person_id)
    if answer not in ("agreed", *rules.CLOSING):
        raise Refused(_("Choose what they said."), "answer")
    if speaker not in rules.SPEAKERS:
        raise Refused(_("Choose who said it."), "speaker")
    if how not in WAYS:
        raise Refused(_("Choose how it was said."), "how")
    chosen = [s for s in rules.SUBJECTS if s in subjects]
    if not chosen or len(chosen) != len(set(subjects)):
        raise Refused(_("Choose what it is about."), "subjects")
    today = _today(session, case)
    given_on = given_on or today
    if given_on > today:
        raise Refused(_("That day has not come yet."), "given_on")
    agreed = answer == "agreed"
    if agreed and up_to <= Audience.DESK:
        raise Refused(_("Choose up to whom they agree."), "up_to")
    if agreed:
        review_on = review_on or max(rules.months_after(given_on, rules.REVIEW_MONTHS), today + timedelta(days=1))
        if until_on is not None and until_on < today:
            raise Refused(_("It has run out already."), "until_on")
        if review_on <= today:
            raise Refused(_("Name a day that lies ahead."), "review_on")
    consent = _keep(
        session,
        case,
        person_id,
        answer=answer,
        speaker=speaker,
        subjects=chosen,
        how=how,
        up_to=up_to if agreed else Audience.DESK,
        given_on=given_on,
        until_on=until_on if agreed else None,
        review_on=review_on if agreed else None,
    )
    if answer == "withdrawn":
        _log(session, case, "consent.withdrawn", [person_id], speaker=speaker, subjects=chosen, how=how)
    else:
        said = {"answer": answer, "speaker": speaker, "subjects": chosen, "up_to": int(consent.up_to)}
        _log(session, case, "consent.recorded", [person_id], **said)
    return consent


def decide_without_name(
    session: Session, case: Case, person_id: int, *, reason: str, review_on: date | None = None
) -> Consent:
    """Decide that a case may be open to volunteers though this person cannot be asked: they see initials and a city,
    and nothing goes to the public. Refused without one of the reasons."""
    _check_in_case(session, case, person_id)
    if reason not in WITHOUT_NAME_REASONS:
        raise Refused(_("Choose why they cannot be asked."), "reason")
    today = _today(session, case)
    review_on = review_on or rules.months_after(today, rules.REVIEW_MONTHS)
    if review_on <= today:
        raise Refused(_("Name a day that lies ahead."), "review_on")
    consent = _keep(
        session,
        case,
        person_id,
        answer="without_name",
        speaker="staff",
        subjects=["public"],
        up_to=Audience.VOLUNTEERS,
        reason=reason,
        given_on=today,
        review_on=review_on,
    )
    _log(session, case, "consent.without_name", [person_id], reason=reason)
    return consent


# Publicity ------------------------------------------------------------------------------------------------------------


def stop_publicity(
    session: Session, case: Case, *, reason: str, how: str = "", speaker: str = rules.ALL, person_id: int | None = None
) -> None:
    """Stop all publicity of a case at once, or of one person of it, without whom it cannot be open either: what was
    agreed to is withdrawn, the case closes to its desk, and every room does its part. Doing it twice changes nothing.

    `speaker`: who asked, where that is known. Refused without one of the reasons.
    """
    if reason not in STOP_REASONS:
        raise Refused(_("Choose why."), "reason")
    if how and how not in WAYS:
        raise Refused(_("Choose how it was said."), "how")
    if speaker not in (rules.ALL, *rules.SPEAKERS):
        raise Refused(_("Choose who asked."), "speaker")
    if person_id is not None:
        _check_in_case(session, case, person_id)
    # Whoever agrees to resume it at this moment is waited for, and it is stopped after them.
    hold(session, case)
    now, today = current_work(session).now, _today(session, case)
    subjects = list(rules.SUBJECTS)
    withdrawn = [
        involvement.person_id
        for _case, involvement, standing in read_standing(session, [case.id], now)
        if person_id in (None, involvement.person_id) and standing.why not in rules.CLOSING
    ]
    for number in withdrawn:
        _keep(
            session,
            case,
            number,
            answer="withdrawn",
            speaker=speaker,
            subjects=subjects,
            up_to=Audience.DESK,
            how=how,
            reason=reason,
            given_on=today,
        )
    if withdrawn:
        _log(session, case, "consent.withdrawn", withdrawn, speaker=speaker, subjects=subjects, how=how)
    if case.publicity_stopped_at is None:
        case.publicity_stopped_at, case.publicity_stopped_by = now, current_work(session).actor.user_id
        case.publicity_stopped_reason = reason
        case.version += 1
        _log(session, case, "publicity.stopped", [person_id] if person_id else [], reason=reason)
    case.resume_asked_at = case.resume_asked_by = None
    if case.audience > Audience.DESK:
        case.audience = Audience.DESK
        case.version += 1
    touch(case.id)
    run_parts(session, now, "stop", [case.id])


def ask_to_resume(session: Session, case: Case, user: User) -> None:
    """Ask that publicity may be resumed, which a second person has to agree to. Refused when it is not stopped, or
    somebody has asked."""
    hold(session, case)
    if case.publicity_stopped_at is None:
        raise Refused(_("Publicity of this case is not stopped."))
    if case.resume_asked_at is not None:
        raise Refused(_("Somebody has asked for it already: a second person has to agree."))
    case.resume_asked_at, case.resume_asked_by = current_work(session).now, user.id
    case.version += 1
    touch(case.id)


def resume_publicity(session: Session, case: Case, user: User) -> None:
    """Agree, as a second person, that publicity may be resumed. Nothing opens by it: consent withdrawn stays withdrawn,
    and the case is opened anew like any other. Refused for whoever asked, and for whoever neither keeps the case nor
    coordinates its desk."""
    hold(session, case)
    if case.publicity_stopped_at is None or case.resume_asked_at is None:
        raise Refused(_("Nobody has asked for it."))
    if case.resume_asked_by == user.id:
        raise Refused(_("A second person has to agree."))
    if not may_agree(session, case, user):
        raise Refused(_("Only who keeps the case, or coordinates its desk, can agree."))
    case.publicity_stopped_at = case.publicity_stopped_by = None
    case.publicity_stopped_reason = ""
    case.resume_asked_at = case.resume_asked_by = None
    case.version += 1
    _log(session, case, "publicity.resumed", [])


def may_agree(session: Session, case: Case, user: User) -> bool:
    """Whether an account may be the second person: it keeps the case, stands in for it, or coordinates its desk."""
    if user.id in (case.owner_id, case.deputy_id):
        return True
    leads = select(Membership.id).where(
        Membership.user_id == user.id, Membership.desk_id == case.desk_id, Membership.coordinator | Membership.deputy
    )
    return session.scalar(leads.limit(1)) is not None


# The gate -------------------------------------------------------------------------------------------------------------


@opening_checks.adds("consent")
def say_what_is_missing(session: Session, case: Case, audience: Audience, now: datetime) -> Iterable[str]:
    """A case opens to an audience when everybody in it, whatever their role, may be known of there: a witness is in
    danger as the accused is. While publicity is stopped it opens to nobody."""
    if session.scalar(select(Case.publicity_stopped_at).where(Case.id == case.id)) is not None:
        yield _("Publicity of this case is stopped; to resume it, a second person has to agree.")
        return
    standing = read_standing(session, [case.id], now)
    if not standing:
        yield _("Nobody is in this case yet. Record it for the desk first, and then what those in it agree to.")
    names = {person.id: person.name for _involvement, person in list_people(session, case.id)}
    for _case, involvement, stand in standing:
        if why := stand.lacks(audience):
            yield _say_lack(names[involvement.person_id], why, audience)


def _say_lack(name: str, why: str, audience: Audience) -> str:
    whom = label(audience.code, "audience")
    said = {
        rules.NOTHING: _("%(name)s: nobody has said whether it may be known to: %(whom)s.", name=name, whom=whom),
        rules.RAN_OUT: _("%(name)s: what was agreed to has run out.", name=name),
        rules.DEATH: _("%(name)s has died: does the family know, and may we tell? Record their word first.", name=name),
        "refused": _("%(name)s: somebody who speaks for them has refused.", name=name),
        "withdrawn": _("%(name)s: consent was withdrawn.", name=name),
    }
    return said.get(why) or _("%(name)s: nobody has agreed to go as far as: %(whom)s.", name=name, whom=whom)


def end_of_day(day: date, desk: Desk) -> datetime:
    """The last instant of a day at a desk."""
    return instant_of(day + timedelta(days=1), None, desk.zone) - timedelta(microseconds=1)


# Parts of these -------------------------------------------------------------------------------------------------------


def _check_in_case(session: Session, case: Case, person_id: int) -> None:
    held = select(Involvement.id).where(Involvement.case_id == case.id, Involvement.person_id == person_id)
    if session.scalar(held) is None:
        raise NotFound("There is no such person in this case.")


def _desk_zone(session: Session, case: Case) -> str:
    return session.get_one(Desk, case.desk_id).zone


def _today(session: Session, case: Case) -> date:
    return today_in(_desk_zone(session, case), current_work(session).now)


def _keep(
    session: Session,
    case: Case,
    person_id: int,
    *,
    until_on: date | None = None,
    review_on: date | None = None,
    **said: Any,
) -> Consent:
    """Write one word down, and say which cases it may change: what closes does so in all of the person's."""
    work, zone = current_work(session), _desk_zone(session, case)
    consent = Consent(
        case_id=case.id,
        person_id=person_id,
        until_on=until_on,
        review_on=review_on,
        ends_at=instant_of(until_on + timedelta(days=1), None, zone) if until_on else None,
        review_at=instant_of(review_on, None, zone) if review_on else None,
        recorded_at=work.now,
        recorded_by=work.actor.user_id,
        **{"how": "", "reason": ""} | said,
    )
    session.add(consent)
    session.flush()
    touch(case.id, *session.scalars(select(Involvement.case_id).where(Involvement.person_id == person_id)))
    return consent


def _log(session: Session, case: Case, kind: str, persons: Sequence[int], **payload: Any) -> None:
    record_entry(
        session,
        case_id=case.id,
        kind=kind,
        date_stated=StatedDate(_today(session, case)),
        audience=min(Audience.DESK, case.audience),
        payload=payload,
        persons=persons,
        origin="system",
    )
