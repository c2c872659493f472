"""Pages of consent: what people in a case agreed to; stopping publicity, and resuming it together."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import acting, in_safety, open_to, viewer
from tracker.accounts.models import Desk
from tracker.accounts.queries import leads_a_desk, names_to
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import parse_date, today_in
from tracker.base.db import db
from tracker.base.errors import NotAllowed, NotFound, Refused
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.work import unit_of_work
from tracker.cases.access import kept_case
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import get_case_by_ref, list_people
from tracker.consent import service
from tracker.consent.forms import ConsentForm, ResumeForm, StopAnyForm, StopForm, WithoutNameForm
from tracker.consent.queries import list_words, read_standing
from tracker.consent.rules import SUBJECTS
from tracker.people.models import Person

bp = Blueprint("consent", __name__)


@bp.get("/cases/<ref>/people/<public_id>/consent")
@open_to("staff")
def person(ref: str, public_id: str) -> Any:
    """What somebody in a case agreed to, and each word it comes from; `?known-on=` shows it as it was known then."""
    case, desk, somebody = _person(ref, public_id)
    session, now, known_on, refusal = db.session(), clock.now(), None, ""
    said = request.args.get("known-on", "").strip()
    if said:
        try:
            known_on = _day_that_was(said, desk)
        except Refused as fault:
            refusal = fault.message
    known_at = service.end_of_day(known_on, desk) if known_on else None
    words = list_words(session, case, somebody.id, known_at)
    found = read_standing(session, [case.id], now, known_at)
    standing = next(s for _case, involved, s in found if involved.person_id == somebody.id)
    wrote = {w.recorded_by for w in words if w.recorded_by}
    writers = names_to(session, viewer(), wrote) if wrote else {}
    return render_template(
        "consent/person.html",
        case=case,
        person=somebody,
        standing=standing,
        subjects=SUBJECTS,
        words=words,
        writers=writers,
        known_on=known_on,
        known_said=said,
        refusal=refusal,
        zone=viewer().reading_zone,
        now=now,
    ), (422 if refusal else 200)


@bp.get("/cases/<ref>/people/<public_id>/consent/new")
@open_to("staff")
def new(ref: str, public_id: str) -> str:
    """What did they say?"""
    case, desk, somebody = _person(ref, public_id)
    form = ConsentForm(answer="agreed", up_to="volunteers", given_on=today_in(desk.zone, clock.now()))
    return render_template("consent/new.html", form=form, case=case, person=somebody)


@bp.post("/cases/<ref>/people/<public_id>/consent/new")
@open_to("staff")
def record(ref: str, public_id: str) -> Any:
    """Record what they said."""
    form = ConsentForm()

    def do(case: Case, somebody: Person) -> str:
        was_open = case.audience > Audience.DESK
        service.record_consent(
            db.session(),
            case,
            somebody.id,
            answer=form.answer.data,
            speaker=form.speaker.data,
            subjects=form.subjects.data or (),
            how=form.how.data,
            up_to=Audience.from_code(form.up_to.data),
            given_on=form.given_on.data,
            until_on=form.until_on.data,
            review_on=form.review_on.data,
        )
        if form.answer.data != "agreed" and "public" in (form.subjects.data or ()) and was_open:
            return _("Recorded. The case is closed to the desk.")
        return _("Recorded.")

    return _answer(ref, public_id, "record", form, do, "consent/new.html")


@bp.get("/cases/<ref>/people/<public_id>/without-name")
@open_to("staff")
def without_name(ref: str, public_id: str) -> str:
    """Why can they not be asked?"""
    case, _desk, somebody = _person(ref, public_id)
    return render_template("consent/without_name.html", form=WithoutNameForm(), case=case, person=somebody)


@bp.post("/cases/<ref>/people/<public_id>/without-name")
@open_to("staff")
def decide(ref: str, public_id: str) -> Any:
    """Decide that volunteers may know of the case without any name."""
    form = WithoutNameForm()

    def do(case: Case, somebody: Person) -> str:
        service.decide_without_name(
            db.session(), case, somebody.id, reason=form.reason.data, review_on=form.review_on.data
        )
        return _("Recorded.")

    return _answer(ref, public_id, "without_name", form, do, "consent/without_name.html")


def _answer(
    ref: str, public_id: str, name: str, form: HouseForm, do: Callable[[Case, Person], str], template: str
) -> Any:
    """Answer a POST about one person: do it in a unit of work, or show the form again."""
    case, _desk, somebody = _person(ref, public_id)

    def act() -> str:
        with unit_of_work(f"consent.{name}", acting(), f"person:{somebody.id}"):
            once(form)
            mine, _desk, them = _person(ref, public_id)
            flash(do(mine, them), "good")
            return led_to(form, url_for("consent.person", ref=ref, public_id=public_id))

    return submit(form, act, lambda: render_template(template, form=form, case=case, person=somebody))


# Publicity ------------------------------------------------------------------------------------------------------------


@bp.get("/cases/<ref>/stop-publicity")
@open_to("staff")
def stop(ref: str) -> str:
    """One confirmation, and all publicity ends."""
    case, _desk = kept_case(ref)
    return render_template("consent/stop.html", form=_stop_form(StopForm(), case), case=case)


@bp.post("/cases/<ref>/stop-publicity")
@open_to("staff")
@in_safety(read_only=True)
def do_stop(ref: str) -> Any:
    """Stop all publicity of the case, or of one person of it."""
    case, _desk = kept_case(ref)
    form = _stop_form(StopForm(), case)

    def act() -> str:
        with unit_of_work("consent.stop", acting(), f"case:{case.id}"):
            once(form)
            mine, _desk = kept_case(ref)
            service.stop_publicity(
                db.session(),
                mine,
                reason=form.reason.data,
                how=form.how.data,
                speaker=form.speaker.data,
                person_id=int(form.person.data) if form.person.data else None,
            )
            flash(_("Publicity of %(ref)s is stopped.", ref=case.ref), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: render_template("consent/stop.html", form=form, case=case))


@bp.get("/cases/<ref>/resume-publicity")
@open_to("staff")
def resume(ref: str) -> str:
    """Who asked, and who may agree."""
    case, _desk = kept_case(ref)
    return _resume_page(ResumeForm(), case)


@bp.post("/cases/<ref>/resume-publicity")
@open_to("staff")
def do_resume(ref: str) -> Any:
    """Ask that publicity may be resumed, or agree to it as a second person."""
    case, _desk = kept_case(ref)
    form = ResumeForm()

    def act() -> str:
        with unit_of_work("consent.resume", acting(), f"case:{case.id}"):
            once(form)
            mine, _desk = kept_case(ref)
            if mine.resume_asked_at is None:
                service.ask_to_resume(db.session(), mine, viewer())
                flash(_("Asked. A second person has to agree."), "good")
            else:
                service.resume_publicity(db.session(), mine, viewer())
                flash(_("Agreed. The case stays closed to the desk until somebody opens it anew."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: _resume_page(form, case))


@bp.get("/stop-publicity")
@open_to("staff")
def stop_any() -> str:
    """Stop the publicity of any case by its reference."""
    _check_leads()
    return render_template("consent/stop_any.html", form=StopAnyForm())


@bp.post("/stop-publicity")
@open_to("staff")
@in_safety(read_only=True)
def do_stop_any() -> Any:
    """Stop it, if there is such a case; the answer is the same either way."""
    _check_leads()
    form = StopAnyForm()

    def act() -> str:
        with unit_of_work("consent.stop", acting(), "any case"):
            once(form)
            session = db.session()
            try:
                case = get_case_by_ref(session, form.ref.data or "")
            except NotFound:
                pass
            else:
                service.stop_publicity(session, case, reason=form.reason.data, how=form.how.data)
            flash(_("If there is such a case, its publicity is stopped now."), "good")
            return led_to(form, url_for("consent.stop_any"))

    return submit(form, act, lambda: render_template("consent/stop_any.html", form=form))


def _check_leads() -> None:
    # Closing is never wrong for long, and cannot wait for the right desk.
    if not leads_a_desk(viewer()):
        raise NotAllowed(_("Only who coordinates a desk can stop the publicity of any case."))


def _stop_form(form: StopForm, case: Case) -> StopForm:
    people = list_people(db.session(), case.id)
    form.person.choices = [("", _("everybody in the case")), *((str(p.id), p.name) for _involved, p in people)]
    return form


def _resume_page(form: ResumeForm, case: Case) -> str:
    session = db.session()
    asked_by = case.resume_asked_by
    return render_template(
        "consent/resume.html",
        form=form,
        case=case,
        asked_by=names_to(session, viewer(), [asked_by]).get(asked_by or 0, ""),
        may_agree=asked_by is not None and asked_by != viewer().id and service.may_agree(session, case, viewer()),
        zone=viewer().reading_zone,
    )


def _person(ref: str, public_id: str) -> tuple[Case, Desk, Person]:
    """Somebody in a case this account keeps. NotFound otherwise."""
    case, desk = kept_case(ref)
    found = db.session.scalar(
        select(Person)
        .join(Involvement, Involvement.person_id == Person.id)
        .where(Involvement.case_id == case.id, Person.public_id == public_id)
    )
    if found is None:
        raise NotFound(_("There is no such person in this case."))
    return case, desk, found


def _day_that_was(said: str, desk: Desk) -> date:
    day = parse_date(said, "known-on")
    if day > today_in(desk.zone, clock.now()):
        raise Refused(_("That day has not come yet."), "known-on")
    return day
