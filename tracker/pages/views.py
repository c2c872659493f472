"""The pages that read many rooms: today, cases, the case file, hearings ahead, service health. They change nothing."""

from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import open_to, viewer
from tracker.accounts.models import Membership, User
from tracker.base import clock
from tracker.base.countries import country_name
from tracker.base.dates import parse_date, today_in
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.labels import choices
from tracker.base.once import new_token
from tracker.cases.models import RISKS
from tracker.catching_up.mails import say_parts, say_stop
from tracker.catching_up.queries import report_on_today
from tracker.clockwork.queries import clock_silent_since, heartbeats
from tracker.flags.kinds import finders
from tracker.hearings.queries import list_hearings
from tracker.outbox.queries import needing_a_human, next_week, recently_sent, relay_state
from tracker.pages.casefile import read_case_file, shown_name, shown_title
from tracker.pages.health import banner_for, sees_message, service_now, subjects
from tracker.pages.listing import STAGE_SETS, Asked, list_cases
from tracker.pages.navigation import signed_in
from tracker.pages.today import MOST_NEEDS, in_court, needs_me, quiet
from tracker.reminders.queries import find_follow
from tracker.timeline.codes import CUSTODY, PROCEEDINGS

bp = Blueprint("pages", __name__)

#: Hearings shown on one page.
MOST_HEARINGS = 200


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
        return render_template(
            "pages/today_volunteer.html",
            page=list_cases(session, user, Asked()),
            now=now,
            today=today_in(user.reading_zone, now),
        )
    court = in_court(session, user, now)
    needs = needs_me(session, user, now, shown={sitting.hearing.id for sitting in court})
    report, zone = report_on_today(session, user, now), user.reading_zone
    return render_template(
        "pages/today.html",
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
    """Everything about one case that the reader may see; `?known-on=` shows it as it was known on a day."""
    user, now, session = viewer(), clock.now(), db.session()
    known_on, said = None, request.args.get("known-on", "").strip()
    refusal = ""
    if said:
        try:
            known_on = parse_date(said, "known-on")
        except Refused as fault:
            refusal = fault.message
    try:
        file = read_case_file(session, user, ref, now, known_on)
    except Refused as fault:
        refusal = fault.message
        file = read_case_file(session, user, ref, now)
    return render_template(
        "pages/case_file.html",
        file=file,
        follow=find_follow(session, user, file.case),
        once=new_token(),
        now=now,
        zone=user.reading_zone,
        known_said=said,
        refusal=refusal,
        country_name=country_name,
    ), (422 if refusal else 200)


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
    about = {row.subject_id for row in (*week, *sent, *stuck) if row.subject_kind == "hearing"}
    return render_template(
        "pages/service_health.html",
        service=service_now(session, now),
        relay=relay_state(session, current_app.extensions["settings"].smtp_url is not None),
        week=week,
        sent=sent,
        stuck=stuck,
        subjects=subjects(session, user, about),
        beats=heartbeats(session),
        silent=clock_silent_since(session, now),
        now=now,
        zone=user.reading_zone,
    )


def _filters(user: User) -> dict[str, list[tuple[str, str]]]:
    """What a list can be narrowed by, as (value, words)."""
    owners = []
    if user.is_staff:
        owners = [
            (str(number), name)
            for number, name in db.session.execute(
                select(User.id, User.name)
                .join(Membership, Membership.user_id == User.id)
                .where(Membership.desk_id.in_(user.desk_ids()))
                .order_by(User.name)
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
