"""Acting on a flag: seen, or out of sight for a while. Flags are shown by the pages of cases."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.forms import led_to, once, submit
from tracker.base.work import unit_of_work
from tracker.cases.models import Case
from tracker.flags import service
from tracker.flags.forms import SeenForm, SnoozeForm
from tracker.flags.models import Flag
from tracker.flags.queries import get_flag, open_flags_for_cases

bp = Blueprint("flags", __name__, url_prefix='/flags/<concealed("flag"):flag_id>')


@bp.post("/acknowledge")
@open_to("staff")
def acknowledge(flag_id: int) -> Any:
    """I have seen it."""
    _flag, case = get_flag(db.session(), viewer(), flag_id)
    if not SeenForm().validate_on_submit():
        abort(400)
    try:
        with unit_of_work("flags.acknowledge", acting(), f"flag:{flag_id}") as now:
            service.acknowledge(db.session(), flag_id, viewer(), now)
        flash(_("Noted as seen."), "good")
    except Refused as refusal:
        flash(refusal.message, "warning")
    return redirect(url_for("pages.case_file", ref=case.ref), 303)


@bp.get("/snooze")
@open_to("staff")
def snooze(flag_id: int) -> Any:
    """Until when can it wait, and why?"""
    flag, case = get_flag(db.session(), viewer(), flag_id)
    if flag.cleared_at is not None:
        flash(_("This is settled: the flag is not open any more."))
        return redirect(url_for("pages.case_file", ref=case.ref), 303)
    return _page(SnoozeForm(reason=flag.snooze_reason), flag, case)


@bp.post("/snooze")
@open_to("staff")
def do_snooze(flag_id: int) -> Any:
    """Put it out of sight."""
    flag, case = get_flag(db.session(), viewer(), flag_id)
    form = SnoozeForm()

    def act() -> str:
        with unit_of_work("flags.snooze", acting(), f"flag:{flag_id}") as now:
            once(form)
            service.snooze(db.session(), flag_id, form.until_on.data, form.reason.data or "", viewer(), now)
            flash(_("Out of sight until then; sooner if it gets worse."), "good")
            return led_to(form, url_for("pages.case_file", ref=case.ref))

    return submit(form, act, lambda: _page(form, flag, case))


def _page(form: SnoozeForm, flag: Flag, case: Case) -> str:
    now = clock.now()
    shown = next(
        (s for s in open_flags_for_cases(db.session(), [case.id], now, flag.audience)[case.id] if s.flag.id == flag.id),
        None,
    )
    return render_template("flags/snooze.html", form=form, shown=shown, case=case, now=now)
