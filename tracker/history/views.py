"""What was done in a case, and who looked: for those who keep it."""

from flask import Blueprint, current_app, render_template, request, url_for

from tracker.accounts.guard import open_to, viewer
from tracker.base.db import db
from tracker.cases.access import kept_case, rung_of
from tracker.history.queries import list_looks, read_history

bp = Blueprint("history", __name__, url_prefix="/cases/<ref>")


@bp.get("/history")
@open_to("staff")
def of_case(ref: str) -> str:
    """Who did what in this case, newest first, with what was changed."""
    case, _desk = kept_case(ref)
    zone, sealer = viewer().reading_zone, current_app.extensions["sealer"]
    page = read_history(db.session(), sealer, viewer(), case.id, rung_of(case), _before())
    older = url_for("history.of_case", ref=case.ref, before=page.older) if page.older else ""
    return render_template("history/of_case.html", case=case, page=page, older=older, zone=zone)


@bp.get("/looks")
@open_to("staff")
def looks(ref: str) -> str:
    """Who was shown what is sealed in this case, when, and why."""
    case, _desk = kept_case(ref)
    zone, sealer = viewer().reading_zone, current_app.extensions["sealer"]
    page = list_looks(db.session(), sealer, viewer(), case.id, _before())
    older = url_for("history.looks", ref=case.ref, before=page.older) if page.older else ""
    return render_template("history/looks.html", case=case, page=page, older=older, zone=zone)


def _before() -> int | None:
    """The act before which the page begins; what is no number begins at the newest."""
    asked = request.args.get("before", type=int)
    return asked if asked is not None and 0 < asked < 2**63 else None
