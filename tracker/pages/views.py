"""The pages that read many rooms: today, cases, the case file, hearings ahead, service health. They change nothing but
what goes out: mail is paused, released, sent again and taken back here."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.guard import acting, in_safety, open_to, viewer
from tracker.accounts.models import Membership, User
from tracker.accounts.queries import name_to
from tracker.accounts.reaching import find_own, list_unreachable
from tracker.actions.queries import called, languages_of, latest_of_cases, list_open_to
from tracker.actions.rules import stands
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.countries import country_name
from tracker.base.dates import parse_date, today_in
from tracker.base.db import db
from tracker.base.errors import NotAllowed, NotFound, Refused
from tracker.base.forms import led_to, once, submit
from tracker.base.labels import choices
from tracker.base.once import new_token
from tracker.base.work import unit_of_work
from tracker.cases.access import kept_case
from tracker.cases.models import RISKS
from tracker.cases.opening import what_opening_reveals
from tracker.cases.service import check_opening, edit_case, what_stands_against
from tracker.catching_up.mails import say_parts, say_stop
from tracker.catching_up.queries import report_on_today
from tracker.clockwork.queries import PULSE, clock_silent_since, heartbeats
from tracker.contacts.kinds import contact_kinds
from tracker.flags.kinds import finders
from tracker.groups.queries import list_invitations
from tracker.hearings.queries import list_hearings
from tracker.outbox.by_hand import cancel_message, retry_message, see_to_message
from tracker.outbox.models import NEEDS_HUMAN
from tracker.outbox.pausing import pause as pause_mail
from tracker.outbox.pausing import read_pause
from tracker.outbox.pausing import release as release_mail
from tracker.outbox.preview import dry_run, preview
from tracker.outbox.queries import needing_a_human, next_week, recently_sent, relay_state
from tracker.pages import opening as _opening  # noqa: F401  # announces itself
from tracker.pages.casefile import SeenByNobody, read_case_file, shown_name, shown_title
from tracker.pages.forms import OpenForm, PauseForm, PressedForm
from tracker.pages.health import banner_for, sees_message, service_now, subjects
from tracker.pages.listing import STAGE_SETS, Asked, list_cases
from tracker.pages.navigation import signed_in
from tracker.pages.outgoing import get_seen_message, may_release, paused_line, says_more
from tracker.pages.probes import database_answers, reminders_now
from tracker.pages.today import MOST_NEEDS, in_court, needs_me, quiet
from tracker.reminders.queries import find_follow
from tracker.steps.queries import list_news, list_withdrawn, total_of, wrote_for
from tracker.steps.rules import public_count
from tracker.timeline.codes import CUSTODY, PROCEEDINGS

bp = Blueprint("pages", __name__)

#: Hearings shown on one page.
MOST_HEARINGS = 200

#: Mails of a dry run shown on one page.
MOST_MAILS = 200


@bp.record_once
def _set_up(state: Any) -> None:
    """Every page of staff carries the one line on the service, when it is bad."""
    app: Flask = state.app

    @app.context_processor
    def service() -> dict[str, Any]:
        user = signed_in() if request.endpoint != "pages.service_health" else None
        return {"service_banner": banner_for(db.session(), user, clock.now()) if user else None}


@bp.get("/")
@open_to("signed_in")
def today() -> str:
    """The first page: for staff what needs them, for volunteers what they may see."""
    user, now, session = viewer(), clock.now(), db.session()
    if not user.is_staff:
        open_now = list_open_to(session, user, now)
        page = list_cases(session, user, Asked())
        asked_for = latest_of_cases(session, user, [row.case.id for row in page.rows])
        numbers = [action.id for action, _case in open_now]
        return render_template(
            "pages/today_volunteer.html",
            page=page,
            asked_for=asked_for,
            action_stands=stands,
            counted={
                number: count
                for number, total in total_of(session, [action.id for action in asked_for.values()]).items()
                if (count := public_count(total)) is not None
            },
            open_now=open_now,
            languages=languages_of(session, numbers),
            wrote=wrote_for(session, user, numbers),
            withdrawn=list_withdrawn(session, user, now),
            news=list_news(session, user, now),
            invitations=list_invitations(session, user, now),
            called=called,
            now=now,
            today=today_in(user.reading_zone, now),
        )
    court = in_court(session, user, now)
    needs = needs_me(session, user, now, shown={sitting.hearing.id for sitting in court})
    report, zone = report_on_today(session, user, now), user.reading_zone
    return render_template(
        "pages/today.html",
        unreachable=find_own(session, user),
        court=court,
        needs=needs[:MOST_NEEDS],
        more=len(needs) - MOST_NEEDS,
        quiet=quiet(session, user) if not needs else None,
        caught_up={"sentence": say_stop(report.outage, zone), "parts": say_parts(report, zone)} if report else None,
        once=new_token(),
        now=now,
        today=today_in(user.reading_zone, now),
        zone=user.reading_zone,
    )


@bp.get("/cases")
@open_to("signed_in")
def cases() -> str:
    """The list of cases, with its filters."""
    user, session = viewer(), db.session()
    filters = _filters(user)
    asked = Asked.from_args(request.args).applied(user, filters)
    return render_template(
        "pages/cases.html",
        asked=asked,
        page=list_cases(session, user, asked),
        filters=filters,
        now=clock.now(),
        zone=user.reading_zone,
        shown_name=shown_name,
        shown_title=shown_title,
    )


@bp.get("/cases/<ref>")
@open_to("signed_in")
def case_file(ref: str) -> Any:
    """Everything about one case that the reader may see; `?known-on=` shows it as it was known on a day, and
    `?view-as=`, to those who keep it, as the desk, volunteers or the public see it."""
    user, now, session = viewer(), clock.now(), db.session()
    known_on, said = None, request.args.get("known-on", "").strip()
    refusal = ""
    if said:
        try:
            known_on = parse_date(said, "known-on")
        except Refused as fault:
            refusal = fault.message
    asked_as = request.args.get("view-as", "").strip()
    try:
        seen_as = Audience.from_code(asked_as) if asked_as else None
    except Refused:
        # Whoever may not keep the case learns no more by a word that means nothing than by one that does.
        kept_case(ref)
        seen_as, refusal = None, _("A case can be seen as the desk, volunteers or the public see it.")
    try:
        try:
            file = read_case_file(session, user, ref, now, known_on, seen_as=seen_as)
        except Refused as fault:
            refusal = fault.message
            file = read_case_file(session, user, ref, now, seen_as=seen_as)
    except SeenByNobody as nobody:
        return render_template("pages/sees_nothing.html", case=nobody.case, seen_as=seen_as)
    return render_template(
        "pages/case_file.html",
        file=file,
        contact_kinds=contact_kinds,
        follow=find_follow(session, user, file.case),
        once=new_token(),
        new_token=new_token,
        now=now,
        zone=user.reading_zone,
        known_said=said,
        called=called,
        action_stands=stands,
        may_view_as=(user.is_staff and file.may_change) or file.seen_as is not None,
        view_as_args={"view-as": seen_as.code} if seen_as is not None else {},
        refusal=refusal,
        country_name=country_name,
    ), (422 if refusal else 200)


@bp.get("/cases/<ref>/open-to/<audience>")
@open_to("staff")
def opening(ref: str, audience: str) -> str:
    """What opening the case to more people would reveal, before anybody does."""
    kept_case(ref)
    return _opening_page(OpenForm(), ref, _rung(audience))


@bp.post("/cases/<ref>/open-to/<audience>")
@open_to("staff")
def do_open(ref: str, audience: str) -> Any:
    """Open it, to whoever read the list that stands now."""
    case, _desk = kept_case(ref)
    form, to = OpenForm(), _rung(audience)

    def act() -> str:
        with unit_of_work("cases.open_to", acting(), f"case:{case.id}") as now:
            once(form)
            session = db.session()
            mine, _desk = kept_case(ref)
            if to > mine.audience:
                check_opening(session, mine, to)
            if form.revealed.data != what_opening_reveals(session, viewer(), ref, to, now).mark:
                raise Refused(_("The list has changed since you read it. Please read it again."))
            edit_case(session, mine, version=mine.version, audience=to)
            flash(_("Saved."), "good")
            return led_to(form, url_for("pages.case_file", ref=mine.ref))

    return submit(form, act, lambda: _opening_page(form, ref, to))


def _rung(code: str) -> Audience:
    """The rung an address names. NotFound when there is none."""
    try:
        return Audience.from_code(code)
    except Refused as refusal:
        raise NotFound(refusal.message) from refusal


def _opening_page(form: OpenForm, ref: str, to: Audience) -> str:
    user, now, session = viewer(), clock.now(), db.session()
    revealed = what_opening_reveals(session, user, ref, to, now)
    return render_template(
        "pages/opening.html",
        form=form,
        revealed=revealed,
        changed=False,
        action=url_for("pages.do_open", ref=ref, audience=to.code),
        typed=[("once", form.once.data or "")],
        missing=what_stands_against(session, revealed.case, to, now),
        back_to_form=False,
        now=now,
        zone=user.reading_zone,
        country_name=country_name,
    )


@bp.get("/hearings")
@open_to("signed_in")
def hearings() -> str:
    """Hearings that lie ahead, of all cases the reader may see."""
    user, now = viewer(), clock.now()
    seen = list_hearings(db.session(), user=user, ahead_at=now, limit=MOST_HEARINGS + 1)
    shown = seen[:MOST_HEARINGS]
    return render_template(
        "pages/hearings.html",
        dated=[h for h in shown if h.hearing.starts_at],
        undated=[h for h in shown if not h.hearing.starts_at],
        more=len(seen) > MOST_HEARINGS,
        now=now,
        zone=user.reading_zone,
    )


@bp.get("/service")
@open_to("staff")
def service_health() -> str:
    """What leaves, what left, what did not, and when each step last ran."""
    user, now, session = viewer(), clock.now(), db.session()
    sees = sees_message(user)
    week, sent, stuck = (
        next_week(session, now, sees),
        recently_sent(session, sees),
        needing_a_human(session, None, sees),
    )
    service, paused = service_now(session, now, user.reading_zone), paused_line(session, now)
    return render_template(
        "pages/service_health.html",
        pulse=PULSE,
        service=service,
        said=service.to(session, user),
        paused=paused.to(session, user) if paused else "",
        may_release=may_release(user),
        relay=relay_state(session, _relay_set()),
        week=week,
        sent=sent,
        stuck=stuck,
        subjects=_about(session, user, (*week, *sent, *stuck)),
        beats=heartbeats(session),
        silent=clock_silent_since(session, now),
        unreachable=list_unreachable(session, user),
        now=now,
        zone=user.reading_zone,
    )


@bp.get("/service/dry-run")
@open_to("staff")
def service_dry_run() -> str:
    """What the next tick would send, hold and leave out of what the reader may know of. It changes nothing."""
    user, now, session = viewer(), clock.now(), db.session()
    fates = dry_run(session, now, relay_set=_relay_set(), sees=sees_message(user), limit=MOST_MAILS + 1)
    return render_template(
        "pages/service_dry_run.html",
        fates=fates[:MOST_MAILS],
        more=len(fates) > MOST_MAILS,
        relay=relay_state(session, _relay_set()),
        subjects=_about(session, user, fates),
        now=now,
        zone=user.reading_zone,
    )


@bp.get('/service/mails/<concealed("mail"):message_id>')
@open_to("staff")
def service_mail(message_id: int) -> str:
    """One mail as it would be written now, or why it would not go."""
    user, now, session = viewer(), clock.now(), db.session()
    message = get_seen_message(session, message_id, sees_message(user))
    hidden = says_more(session, user, message)
    return render_template(
        "pages/service_mail.html",
        message=message,
        shown=None if hidden else preview(session, message, now),
        subjects=_about(session, user, (message,)),
        stuck=message.state in NEEDS_HUMAN and message.seen_to_at is None,
        now=now,
        zone=user.reading_zone,
    )


@bp.post('/service/mails/<concealed("mail"):message_id>/send-again')
@open_to("staff")
def service_send_again(message_id: int) -> Any:
    """Let a mail go again that was not delivered or may have arrived."""

    def act(session: Session, now: datetime) -> str:
        again = retry_message(session, message_id, now)
        return ngettext("It goes again at once.", "It goes again at once, with what was in the same mail.", len(again))

    return _pressed(message_id, "retry", act)


@bp.post('/service/mails/<concealed("mail"):message_id>/cancel')
@open_to("staff")
def service_cancel(message_id: int) -> Any:
    """Take back a mail that waits or is paused."""

    def act(session: Session, now: datetime) -> str:
        state = cancel_message(session, message_id, now)
        if state != "cancelled":
            return _("It is taken back, but an earlier try may have arrived.")
        return _("It is taken back: it will not go.")

    return _pressed(message_id, "cancel", act)


@bp.post('/service/mails/<concealed("mail"):message_id>/seen-to')
@open_to("staff")
def service_seen_to(message_id: int) -> Any:
    """Its reader heard in another way."""

    def act(session: Session, now: datetime) -> str:
        see_to_message(session, message_id, now)
        return _("Noted: they heard in another way.")

    return _pressed(message_id, "seen_to", act)


def _pressed(message_id: int, name: str, act: Callable[[Session, datetime], str]) -> Any:
    """Do one thing to one mail that the reader may know of, and say what came of it."""
    get_seen_message(db.session(), message_id, sees_message(viewer()))
    if not PressedForm().validate_on_submit():
        abort(400)
    try:
        with unit_of_work(f"outbox.{name}", acting(), f"message:{message_id}") as now:
            said = act(db.session(), now)
        flash(said, "good")
    except Refused as refusal:
        flash(refusal.message, "warning")
    return redirect(url_for("pages.service_health"), 303)


@bp.get("/service/pause")
@open_to("staff")
def service_pause() -> Any:
    """Why may nothing go out?"""
    if read_pause(db.session()) is not None:
        flash(_("Mail is paused already."))
        return redirect(url_for("pages.service_health"), 303)
    return render_template("pages/service_pause.html", form=PauseForm())


@bp.post("/service/pause")
@open_to("staff")
def service_do_pause() -> Any:
    """Stop everything that goes out."""
    form, user = PauseForm(), viewer()

    def act() -> str:
        with unit_of_work("outbox.pause", acting(), "house") as now:
            once(form)
            words = " ".join((form.reason.data or "").split())
            done = pause_mail(db.session(), now, "by_hand", user.called, words=words)
            flash(_("Nothing goes out any more."), "good")
            if done.under_way:
                flash(
                    ngettext(
                        "It came too late for %(num)d mail, which is being handed over at this moment.",
                        "It came too late for %(num)d mails, which are being handed over at this moment.",
                        done.under_way,
                    ),
                    "warning",
                )
            current_app.extensions.pop("service_seen", None)
            return led_to(form, url_for("pages.service_health"))

    return submit(form, act, lambda: render_template("pages/service_pause.html", form=form))


@bp.post("/service/release")
@open_to("staff")
def service_release() -> Any:
    """Let everything that is paused go."""
    if not may_release(viewer()):
        raise NotAllowed(_("Only coordinators and admins let paused mail go."))
    if not PressedForm().validate_on_submit():
        abort(400)
    with unit_of_work("outbox.release", acting(), "house") as now:
        done = release_mail(db.session(), now)
    current_app.extensions.pop("service_seen", None)
    flash(
        ngettext(
            "%(num)d mail goes on. What is no longer true, or too late, does not leave.",
            "%(num)d mails go on. What is no longer true, or too late, does not leave.",
            done.released,
        ),
        "good",
    )
    return redirect(url_for("pages.service_health"), 303)


@bp.get("/healthz")
@open_to("anyone")
@in_safety(closed="answers")
def healthz() -> Response:
    """For what watches machines: this process and the database answer; and whether the house is not open."""
    mode = database_answers()
    if mode is None:
        return Response("the database does not answer\n", 503, mimetype="text/plain")
    return Response("ok\n" if mode.is_open else f"ok, {mode.state}\n", mimetype="text/plain")


@bp.get("/healthz/reminders")
@open_to("anyone")
@in_safety(closed="answers")
def healthz_reminders() -> tuple[Response, int]:
    """For what watches the service: reminders leave. It says nothing about anybody."""
    probe = reminders_now(clock.now())
    if probe is None:
        return jsonify({"ok": False, "database": False}), 503
    return jsonify(probe.told()), 200 if probe.is_well else 503


def _relay_set() -> bool:
    return current_app.extensions["settings"].smtp_url is not None


def _about(session: Session, user: User, rows: Iterable[Any]) -> dict[int, Any]:
    """The hearings these mails are about, as far as the reader may know of them."""
    return subjects(session, user, {row.subject_id for row in rows if row.subject_kind == "hearing"})


def _filters(user: User) -> dict[str, list[tuple[str, str]]]:
    """What a list can be narrowed by, as (value, words)."""
    owners = []
    if user.is_staff:
        owners = [
            (str(number), name)
            for number, name in db.session.execute(
                select(User.id, name_to(user).label("name"))
                .join(Membership, Membership.user_id == User.id)
                .where(Membership.desk_id.in_(user.desk_ids()))
                .order_by("name")
                .distinct()
            )
        ]
    return {
        "stage": choices("stage_set", list(STAGE_SETS)),
        "risk": choices("risk", RISKS),
        "status": choices("status", [*CUSTODY, *PROCEEDINGS]),
        "flag": choices("flag", finders.codes()),
        "owner": [("nobody", _("nobody")), *owners] if user.is_staff else [],
        "desk": [(m.desk.code, m.desk.name) for m in user.memberships],
    }
