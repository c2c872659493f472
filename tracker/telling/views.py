"""Following a case from one of its actions. What ends it is the link in each mail."""

from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.actions.queries import find_for
from tracker.base.db import db
from tracker.base.work import unit_of_work
from tracker.cases.models import Case
from tracker.reminders.queries import find_follow
from tracker.telling.service import follow_case

bp = Blueprint("telling", __name__, url_prefix="/actions")


@bp.app_template_global()
def follows_case(case: Case) -> bool:
    """Whether whoever reads the page follows this case, so that they need not be offered to."""
    found = find_follow(db.session(), viewer(), case)
    return found is not None and found.stopped_at is None


@bp.post("/<public_id>/follow")
@open_to("signed_in")
def follow(public_id: str) -> Any:
    """Follow the case of this action, or follow it again."""
    with unit_of_work("telling.follow", acting()):
        session = db.session()
        _action, case, _rung = find_for(session, viewer(), public_id)
        follow_case(session, viewer(), case)
    flash(_("You follow this: we write once before the last day, and when there is a result."), "good")
    return redirect(url_for("steps.take", public_id=public_id), 303)
