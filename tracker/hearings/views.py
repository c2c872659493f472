"""Pages about one hearing of a case: record it, confirm, move, correct, cancel, say what became of it."""

from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.models import Desk
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import today_in
from tracker.base.db import db
from tracker.base.errors import Refused, VersionConflict
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.once import DoneAlready, new_token
from tracker.base.words import count_days, say_date
from tracker.base.work import unit_of_work
from tracker.cases.access import kept_case, rung_of
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import level
from tracker.hearings import service
from tracker.hearings.forms import (
    CancelForm,
    ConfirmForm,
    EditHearingForm,
    HearingForm,
    OutcomeForm,
    ReinstateForm,
    RescheduleForm,
    WhenForm,
)
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.queries import get_hearing_in
from tracker.hearings.rules import When, between, in_window, on_day
from tracker.people.models import Person

bp = Blueprint("hearings", __name__, url_prefix="/cases/<ref>/hearings")

#: People of other cases that are offered as co-defendants at most.
MOST_OTHERS = 200


@bp.get("/new")
@open_to("staff")
def new(ref: str) -> str:
    """An empty hearing; everybody at risk in the case is ticked."""
    case, desk = kept_case(ref)
    mine, _others = _who(case)
    form = HearingForm(
        zone=desk.zone,
        kind="hearing",
        audience=min(Audience.DESK, case.audience).code,
        appearing=[key for key, _n in mine],
    )
    return _new_page(form, case)


@bp.post("/new")
@open_to("staff")
def schedule(ref: str) -> Any:
    """Record the hearing."""
    case, _desk = kept_case(ref)
    form = HearingForm()
    _offer(form, case)

    def act() -> str:
        with unit_of_work("hearings.schedule", acting(), f"case:{case.id}"):
            once(form)
            _mine, desk = kept_case(ref)
            hearing = service.schedule_hearing(
                db.session(),
                _when(form),
                kind=form.kind.data,
                court=form.court.data or "",
                place=form.place.data or "",
                certainty=form.certainty.data,
                confirmation=_confirmation(form) if form.certainty.data == "confirmed" else None,
                audience=Audience.from_code(form.audience.data),
                observer=form.observer.data or "",
                note=form.note.data or "",
                appearing=[service.Appears(*map(int, key.split("-"))) for key in form.appearing.data or ()],
                unlikely_is_meant=bool(form.confirm.data),
                sitting_days=desk.working_days,
            )
            flash(_("Recorded: %(when)s.", when=_in_words(hearing)), "good")
            return led_to(form, url_for("pages.case_file", ref=ref, _anchor="hearings"))

    return submit(form, act, lambda: _new_page(form, case))


@bp.get("/<public_id>/edit")
@open_to("staff")
def edit(ref: str, public_id: str) -> str:
    """What may change without telling anybody."""
    case, hearing = _hearing(ref, public_id)
    form = EditHearingForm(
        kind=hearing.kind,
        observer=hearing.observer,
        note=hearing.note,
        audience=hearing.audience.code,
        version=str(hearing.version),
    )
    return _page("hearings/edit.html", form, case, hearing)


@bp.post("/<public_id>/edit")
@open_to("staff")
def change(ref: str, public_id: str) -> Any:
    """Change kind, observer, note, audience: nobody is told."""

    def do(hearing: Hearing, form: EditHearingForm, _desk: Desk) -> str:
        service.edit_hearing(
            db.session(),
            hearing,
            version=form.expected_version,
            kind=form.kind.data,
            observer=form.observer.data or "",
            note=form.note.data or "",
            audience=Audience.from_code(form.audience.data),
        )
        return _("Saved. Nobody is told.")

    return _answer(ref, public_id, "edit", EditHearingForm(), do)


@bp.get("/<public_id>/move")
@open_to("staff")
def move(ref: str, public_id: str) -> str:
    """The court moved it: to when?"""
    case, hearing = _hearing(ref, public_id)
    return _page("hearings/move.html", _as_it_stands(hearing), case, hearing)


@bp.post("/<public_id>/move")
@open_to("staff")
def do_move(ref: str, public_id: str) -> Any:
    """Move the hearing: those who were told are told, three minutes from now."""
    return _answer(ref, public_id, "move", RescheduleForm(), _rescheduling(service.move_hearing))


@bp.get("/<public_id>/correct")
@open_to("staff")
def correct(ref: str, public_id: str) -> str:
    """We had it wrong: when is it?"""
    case, hearing = _hearing(ref, public_id)
    return _page("hearings/correct.html", _as_it_stands(hearing), case, hearing)


@bp.post("/<public_id>/correct")
@open_to("staff")
def do_correct(ref: str, public_id: str) -> Any:
    """Put the date right: those who were told are told that we gave a wrong one."""
    return _answer(ref, public_id, "correct", RescheduleForm(), _rescheduling(service.correct_hearing))


@bp.post("/<public_id>/undo")
@open_to("staff")
def undo(ref: str, public_id: str) -> Any:
    """Take back a move or a correction before anybody is told of it."""
    _case, hearing = _hearing(ref, public_id)
    form = HouseForm()
    if not form.validate_on_submit():
        abort(400)
    back = url_for("pages.case_file", ref=ref, _anchor=f"hearing-{public_id}")
    try:
        with unit_of_work("hearings.undo", acting(), f"hearing:{hearing.id}"):
            once(form)
            mine = _hearing(ref, public_id)[1]
            service.undo_reschedule(db.session(), mine, version=form.expected_version)
            led_to(form, back)
            said = _("Undone: %(when)s, as before. Nobody is told.", when=_in_words(mine))
        flash(said, "good")
    except DoneAlready as done:
        return redirect(done.result, 303)
    except (Refused, VersionConflict) as refusal:
        flash(refusal.message, "warning")
    return redirect(back, 303)


@bp.get("/<public_id>/confirm")
@open_to("staff")
def confirm(ref: str, public_id: str) -> str:
    """Who made sure of the date?"""
    case, hearing = _hearing(ref, public_id)
    return _page("hearings/confirm.html", ConfirmForm(version=str(hearing.version)), case, hearing)


@bp.post("/<public_id>/confirm")
@open_to("staff")
def do_confirm(ref: str, public_id: str) -> Any:
    """Still on, I checked."""

    def do(hearing: Hearing, form: ConfirmForm, _desk: Desk) -> str:
        service.confirm_hearing(db.session(), hearing, _confirmation(form), version=form.expected_version)
        return _("Noted: the date is confirmed.")

    return _answer(ref, public_id, "confirm", ConfirmForm(), do)


@bp.get("/<public_id>/cancel")
@open_to("staff")
def cancel(ref: str, public_id: str) -> str:
    """Is it off?"""
    case, hearing = _hearing(ref, public_id)
    return _page("hearings/cancel.html", CancelForm(version=str(hearing.version)), case, hearing)


@bp.post("/<public_id>/cancel")
@open_to("staff")
def do_cancel(ref: str, public_id: str) -> Any:
    """Cancel it: those who were told are told, three minutes from now."""

    def do(hearing: Hearing, form: CancelForm, _desk: Desk) -> str:
        service.cancel_hearing(db.session(), hearing, version=form.expected_version, words=form.words.data or "")
        return _("Cancelled. Those who were told are told in three minutes.")

    return _answer(ref, public_id, "cancel", CancelForm(), do)


@bp.get("/<public_id>/reinstate")
@open_to("staff")
def reinstate(ref: str, public_id: str) -> str:
    """Is it on again, or was what was recorded wrong?"""
    case, hearing = _hearing(ref, public_id)
    return _page("hearings/reinstate.html", ReinstateForm(version=str(hearing.version)), case, hearing)


@bp.post("/<public_id>/reinstate")
@open_to("staff")
def do_reinstate(ref: str, public_id: str) -> Any:
    """Put it back: within three minutes of what it takes back, nobody is told anything."""

    def do(hearing: Hearing, form: ReinstateForm, _desk: Desk) -> str:
        service.reinstate_hearing(db.session(), hearing, version=form.expected_version, words=form.words.data or "")
        return _(
            "Put back: %(when)s. Those who were told otherwise are told in three minutes.", when=_in_words(hearing)
        )

    return _answer(ref, public_id, "reinstate", ReinstateForm(), do)


@bp.get("/<public_id>/outcome")
@open_to("staff")
def outcome(ref: str, public_id: str) -> str:
    """What happened?"""
    case, hearing = _hearing(ref, public_id)
    return _page("hearings/outcome.html", _outcome_as_it_stands(hearing), case, hearing)


@bp.post("/<public_id>/outcome")
@open_to("staff")
def record(ref: str, public_id: str) -> Any:
    """Record the outcome, the same for all or with exceptions, and the hearing that follows."""

    def do(hearing: Hearing, form: OutcomeForm, desk: Desk) -> str:
        if form.exceptions.data and not form.other_outcome.data:
            raise Refused(_("Say what happened for those you ticked."), "other_outcome")
        following = service.record_outcome(
            db.session(),
            hearing,
            form.outcome.data,
            version=form.expected_version,
            reason=form.reason.data or "",
            told_by=form.told_by.data or "",
            words=form.words.data or "",
            each=_exceptions(form),
            next_when=_next(form, hearing.zone),
            unlikely_is_meant=bool(form.confirm.data),
            sitting_days=desk.working_days,
        )
        if following is not None:
            return _("Recorded. It goes on: %(when)s.", when=_in_words(following))
        return _("Recorded.")

    return _answer(ref, public_id, "outcome", OutcomeForm(), do)


def _rescheduling(change: Callable[..., None]) -> Callable[[Hearing, RescheduleForm, Desk], str]:
    def do(hearing: Hearing, form: RescheduleForm, desk: Desk) -> str:
        change(
            db.session(),
            hearing,
            _when(form),
            version=form.expected_version,
            court=form.court.data or "",
            place=form.place.data or "",
            confirmation=_confirmation(form),
            unlikely_is_meant=bool(form.confirm.data),
            sitting_days=desk.working_days,
            words=form.words.data or "",
        )
        return _("Now: %(when)s. Those who were told are told in three minutes.", when=_in_words(hearing))

    return do


def _answer(ref: str, public_id: str, name: str, form: Any, do: Callable[[Hearing, Any, Desk], str]) -> Any:
    """Answer a POST about one hearing: do it in a unit of work, or show the form again."""
    case, hearing = _hearing(ref, public_id)
    if isinstance(form, OutcomeForm):
        form.exceptions.choices = _appearing(hearing, case)

    def act() -> str:
        with unit_of_work(f"hearings.{name}", acting(), f"hearing:{hearing.id}"):
            once(form)
            mine, desk = kept_case(ref)
            changed = _hearing(ref, public_id)[1]
            said = do(changed, form, desk)
            if name not in ("move", "correct"):
                flash(said, "good")
                return led_to(form, url_for("pages.case_file", ref=mine.ref, _anchor="hearings"))
            flash(_with_undo(said, mine, changed), "good")  # type: ignore[arg-type]  # a mapping, as the layout takes it
            # On a small screen what is said at the top is out of sight: the hearing itself says it too.
            return led_to(form, url_for("pages.case_file", ref=mine.ref, _anchor=f"hearing-{public_id}"))

    return submit(
        form,
        act,
        lambda: _page(f"hearings/{name}.html", form, case, hearing),
        version_now=lambda: service.get_hearing(db.session(), hearing.id).version,
    )


def _with_undo(said: str, case: Case, hearing: Hearing) -> str | dict[str, Any]:
    """What is said of a change, with a button that takes it back where that can be done."""
    logged = service.last_logged(db.session(), hearing)
    if logged is None or not service.can_undo(hearing, logged, clock.now()):
        return said
    return {
        "text": said,
        "act": url_for("hearings.undo", ref=case.ref, public_id=hearing.public_id),
        "act_text": _("Undo"),
        "values": {"version": str(hearing.version), "once": new_token()},
    }


def _hearing(ref: str, public_id: str) -> tuple[Case, Hearing]:
    case, _desk = kept_case(ref)
    return case, get_hearing_in(db.session(), case, rung_of(case), public_id)


def _page(template: str, form: HouseForm, case: Case, hearing: Hearing) -> str:
    if isinstance(form, OutcomeForm):
        form.exceptions.choices = _appearing(hearing, case)
    return render_template(
        template, form=form, case=case, hearing=hearing, now=clock.now(), reader_zone=viewer().zone, echo=_echo(form)
    )


def _new_page(form: HearingForm, case: Case) -> str:
    _offer(form, case)
    return render_template("hearings/new.html", form=form, case=case, now=clock.now(), echo=_echo(form))


def _echo(form: HouseForm) -> str:
    """What was understood of a typed date: its weekday, and how far off it is."""
    day, zone = getattr(form, "day", None), getattr(form, "zone", None)
    if day is None or day.data is None or (day.errors and not form.asks) or not zone or not zone.data:
        return ""
    try:
        today = today_in(zone.data, clock.now())
    except Refused:
        return say_date(day.data)
    return f"{say_date(day.data)}, {count_days((day.data - today).days)}"


def _as_it_stands(hearing: Hearing) -> RescheduleForm:
    return RescheduleForm(
        precision=hearing.precision if _as_said(hearing) else "between",
        day=hearing.local_date or hearing.earliest_on,
        until=None if _as_said(hearing) else hearing.latest_on,
        at_time=hearing.local_time,
        zone=hearing.zone,
        fold="" if hearing.fold is None else str(hearing.fold),
        court=hearing.court,
        place=hearing.place,
        version=str(hearing.version),
    )


def _outcome_as_it_stands(hearing: Hearing) -> OutcomeForm:
    """The form, empty, or filled in with what is recorded: putting one answer right loses none of the others."""
    said = db.session.scalar(
        select(Appearance)
        .where(Appearance.hearing_id == hearing.id, Appearance.outcome == hearing.state)
        .order_by(Appearance.id)
        .limit(1)
    )
    if said is None:
        return OutcomeForm(version=str(hearing.version))
    return OutcomeForm(
        version=str(hearing.version),
        outcome=said.outcome,
        reason=said.outcome_reason,
        told_by=said.told_by,
        words=said.outcome_text,
    )


def _as_said(hearing: Hearing) -> bool:
    """Whether the window is a whole day, week or month (or none), so that its first day says it all."""
    if hearing.earliest_on is None:
        return True
    return in_window(hearing.zone, hearing.precision, hearing.earliest_on).latest_on == hearing.latest_on


def _offer(form: HearingForm, case: Case) -> None:
    mine, others = _who(case)
    form.appearing.choices = mine + others


def _who(case: Case) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """People who may appear, as (case-person, name): of this case, and of the desk's other open cases."""
    rows = db.session.execute(
        select(Involvement.case_id, Case.ref, Person)
        .join(Case, Case.id == Involvement.case_id)
        .join(Person, Person.id == Involvement.person_id)
        .where(
            Involvement.role == "at_risk",
            (Case.id == case.id)
            | (Case.desk_id == case.desk_id)
            & Case.stage.in_(("open", "monitoring"))
            & (level(viewer().id) <= Audience.DESK),
        )
        .order_by(Case.id != case.id, Case.ref, Involvement.position)
        .limit(MOST_OTHERS)
    ).all()
    mine = [(f"{case_id}-{person.id}", person.name) for case_id, _ref, person in rows if case_id == case.id]
    others = [
        (f"{case_id}-{person.id}", f"{person.name} ({ref})") for case_id, ref, person in rows if case_id != case.id
    ]
    return mine, others


def _appearing(hearing: Hearing, case: Case) -> list[tuple[str, str]]:
    """Those who appear at a hearing, of the cases this reader may see."""
    return [
        (f"{case_id}-{person.id}", person.name if case_id == case.id else f"{person.name} ({ref})")
        for case_id, ref, person in db.session.execute(
            select(Appearance.case_id, Case.ref, Person)
            .join(Case, Case.id == Appearance.case_id)
            .join(Person, Person.id == Appearance.person_id)
            .where(
                Appearance.hearing_id == hearing.id,
                level(viewer().id) <= Audience.DESK,
                level(viewer().id) <= hearing.audience,
            )
            .order_by(Appearance.id)
        )
    ]


def _when(form: WhenForm) -> When:
    zone, first = form.zone.data or "", form.day.data
    if form.precision.data == "between":
        if first is None or form.until.data is None:
            raise Refused(_("Write the first and the last day it can be."), "day" if first is None else "until")
        return between(zone, first, form.until.data)
    return _read_when(zone, form.precision.data, first, form.at_time.data, form.fold.data, field="day")


def _next(form: OutcomeForm, zone: str) -> When | None:
    if not form.next_precision.data:
        if form.next_day.data:
            raise Refused(_("Say whether that is the day, the week or the month."), "next_precision")
        return None
    return _read_when(zone, form.next_precision.data, form.next_day.data, form.next_time.data, "", field="next_day")


def _read_when(zone: str, precision: str, day: date | None, at: time | None, fold: str, *, field: str) -> When:
    if precision == "not_set":
        return in_window(zone, "not_set")
    if day is None:
        raise Refused(_("Write the date, or choose that there is none yet."), field)
    if precision == "day":
        return on_day(zone, day, at, int(fold) if fold else None)
    return in_window(zone, precision, day)


def _confirmation(form: Any) -> service.Confirmation:
    told_by = (form.told_by.data or "").strip()
    return service.Confirmation(told_by, None if told_by else viewer().id)


def _exceptions(form: OutcomeForm) -> Mapping[tuple[int, int], str]:
    chosen: dict[tuple[int, int], str] = {}
    for key in form.exceptions.data or ():
        case_id, person_id = map(int, key.split("-"))
        chosen[(case_id, person_id)] = form.other_outcome.data
    return chosen


def _in_words(hearing: Hearing) -> str:
    if hearing.local_date is not None:
        today = today_in(hearing.zone, clock.now())
        return f"{say_date(hearing.local_date)}, {count_days((hearing.local_date - today).days)}"
    if hearing.earliest_on is not None and hearing.latest_on is not None:
        return f"{say_date(hearing.earliest_on)} – {say_date(hearing.latest_on)}"
    return _("no date yet")
