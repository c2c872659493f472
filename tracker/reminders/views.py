"""What I follow, and stopping: from a mail without signing in, or here."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.guard import acting, in_safety, open_to, safe_address, viewer
from tracker.accounts.models import Desk, User
from tracker.accounts.queries import get_desk
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused
from tracker.base.words import say_instant
from tracker.base.work import Actor, unit_of_work
from tracker.cases.models import Case
from tracker.cases.queries import get_case
from tracker.outbox.models import Recipient
from tracker.reminders import queries, service
from tracker.reminders.forms import CalendarFileForm, FollowForm
from tracker.reminders.tokens import Stops, read_stop_token

bp = Blueprint("reminders", __name__)


@bp.record_once
def _without_form_token(state: BlueprintSetupState) -> None:
    """Whoever opens the link of a mail has no sign-in, so no form token; the word in the link is the permission."""
    protection = state.app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(stop_now)
        protection.exempt(resume_now)


@bp.get("/reminders")
@open_to("staff")
def mine() -> Any:
    """What I follow, what I stopped, which mails stand in the plan, and when the first goes out."""
    return _mine(FollowForm())


def _mine(form: FollowForm, status: int = 200) -> Any:
    user, now, session = viewer(), clock.now(), db.session()
    follows = queries.list_follows(session, user)
    followed = {f.desk.id for f in follows if f.desk is not None and f.stopped_at is None}
    page = render_template(
        "reminders/mine.html",
        form=form,
        files=CalendarFileForm(with_ics=_wants_files(session, user)),
        follows=[f for f in follows if f.stopped_at is None],
        stopped=[f for f in follows if f.stopped_at is not None],
        desks=[m.desk for m in user.memberships if m.desk_id not in followed],
        mails=queries.next_mails(session, user, now),
        first=queries.first_mail(session, user, now),
        now=now,
        zone=user.reading_zone,
    )
    return page, status


def _wants_files(session: Session, user: User) -> bool:
    return bool(session.scalar(select(Recipient.with_ics).where(Recipient.user_id == user.id)))


@bp.post("/reminders/cases/<ref>/follow")
@open_to("staff")
def follow_case(ref: str) -> Any:
    """Follow a case, or resume it; with days of one's own where they are chosen."""
    return _follow(lambda session, user: (get_case(session, user, ref)[0], None))


@bp.post("/reminders/desks/<code>/follow")
@open_to("staff")
def follow_desk(code: str) -> Any:
    """Follow a desk, or resume it."""
    return _follow(lambda session, user: (None, _own_desk(session, user, code)))


def _follow(find: Any) -> Any:
    form = FollowForm()
    if not form.validate_on_submit():
        return _mine(form, 422)
    asked = "days_before" in request.form
    try:
        with unit_of_work("reminders.follow", acting()) as now:
            session = db.session()
            case, desk = find(session, viewer())
            days = form.days_before.data if asked else None
            service.follow(session, viewer(), case=case, desk=desk, now=now, days_before=days)
    except Refused as refused:
        form.form_errors.append(refused.message)
        return _mine(form, 422)
    _say_first(case)
    return redirect(safe_address(request.form.get("next"), url_for("reminders.mine")), 303)


def _say_first(case: Case | None) -> None:
    user = viewer()
    first = queries.first_mail(db.session(), user, clock.now(), case)
    if first is None:
        flash(_("You follow this. No date lies ahead; you are told when one does."))
    else:
        flash(_("You follow this. The first mail goes out on %(when)s.", when=say_instant(first.at, user.reading_zone)))


@bp.post("/reminders/cases/<ref>/stop")
@open_to("staff")
def stop_case(ref: str) -> Any:
    """Stop my reminders of a case."""
    with unit_of_work("reminders.stop", acting()) as now:
        session = db.session()
        case, _rung = get_case(session, viewer(), ref)
        service.stop(session, viewer(), case=case, now=now)
    flash(_("You get no more reminders of %(case)s.", case=f"{case.nickname} ({case.ref})"))
    return redirect(safe_address(request.form.get("next"), url_for("reminders.mine")), 303)


@bp.post("/reminders/desks/<code>/stop")
@open_to("staff")
def stop_desk(code: str) -> Any:
    """Stop following a desk. Cases of it that I keep, or follow by themselves, stay."""
    with unit_of_work("reminders.stop", acting()) as now:
        session = db.session()
        service.stop(session, viewer(), desk=get_desk(session, code), now=now)
    flash(_("You no longer follow this desk."))
    return redirect(url_for("reminders.mine"), 303)


def _own_desk(session: Session, user: User, code: str) -> Desk:
    desk = get_desk(session, code)
    if desk.id not in user.desk_ids():
        raise NotFound(f"There is no desk {code[:20]} that you belong to.")
    return desk


@bp.post("/reminders/calendar-files")
@open_to("staff")
def choose_files() -> Any:
    """Whether my mails about a hearing carry it as a calendar file."""
    form = CalendarFileForm()
    if not form.validate_on_submit():
        return _mine(FollowForm(), 422)
    with unit_of_work("reminders.choose_files", acting()):
        service.choose_files(db.session(), viewer(), wanted=bool(form.with_ics.data))
    flash(_("Saved."), "success")
    return redirect(url_for("reminders.mine"), 303)


# From a mail ----------------------------------------------------------------------------------------------------------


@bp.get("/reminders/stop/<token>")
@open_to("anyone")
def stop(token: str) -> Any:
    """What the link of a mail would stop. Looking stops nothing: programs that check mails open links."""
    stops = read_stop_token(token)
    return _stop_page(stops, token)


@bp.post("/reminders/stop/<token>")
@open_to("anyone")
@in_safety(read_only=True)
def stop_now(token: str) -> Any:
    """Stop what the link names: at the button of the page, which it leads back to, or at one click in a mail program
    (RFC 8058), whose server sends `List-Unsubscribe=One-Click`, without a cookie, and follows nobody anywhere."""
    stops = read_stop_token(token)
    with unit_of_work("reminders.stop", _holder_of(stops)) as now:
        service.stop_for(db.session(), stops.recipient_id, stops.case_ids, now)
    if request.form.get("List-Unsubscribe") == "One-Click":
        return Response(_("Stopped. No more reminders of this go to this address.") + "\n", mimetype="text/plain")
    return redirect(url_for("reminders.stop", token=token), 303)


@bp.post("/reminders/resume/<token>")
@open_to("anyone")
def resume_now(token: str) -> Any:
    """Take it back."""
    stops = read_stop_token(token)
    with unit_of_work("reminders.resume", _holder_of(stops)) as now:
        service.resume_for(db.session(), stops.recipient_id, stops.case_ids, now)
    return redirect(url_for("reminders.stop", token=token), 303)


def _holder_of(stops: Stops) -> Actor:
    """Whoever holds the link acts for the account the mail went to; the audit says that it was by link."""
    user_id = db.session().scalar(select(Recipient.user_id).where(Recipient.id == stops.recipient_id))
    if user_id is None:
        raise NotFound("There are no such reminders, or no longer.")
    return Actor("link", user_id, "stop link")


def _stop_page(stops: Stops, token: str) -> Any:
    seen = queries.list_stoppable(db.session(), stops.recipient_id, stops.case_ids)
    return render_template(
        "reminders/stop.html",
        cases=[case for case, _stopped in seen],
        all_stopped=bool(seen) and all(stopped for _case, stopped in seen),
        token=token,
    )
