"""My calendar: the page where its address is made, and the address itself, which calendar programs read."""

from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, session, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, in_safety, open_to, viewer
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import unit_of_work
from tracker.calendar import queries, service

bp = Blueprint("calendar", __name__)

#: Under this name a sign-in, which is kept sealed, carries a new secret to the one page that shows it.
SHOWN_ONCE = "calendar_secret"

#: The secret stands in the address: nobody may keep the answer, list it, or hear from whom a link was followed.
HEADERS = {
    "Content-Type": "text/calendar; charset=utf-8",
    "Content-Disposition": 'inline; filename="hearings.ics"',
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


@bp.get("/calendar")
@open_to("staff")
def mine() -> str:
    """My calendar: whether it has an address and when that was last read. The address itself is shown once."""
    user, now = viewer(), clock.now()
    secret = session.pop(SHOWN_ONCE, None)
    base_url = current_app.extensions["settings"].base_url
    return render_template(
        "calendar/mine.html",
        feed=queries.find_feed(db.session(), user),
        address=f"{base_url}{url_for('calendar.read', secret=secret)}" if secret else "",
        now=now,
        zone=user.reading_zone,
    )


@bp.post("/calendar/renew")
@open_to("staff")
def renew() -> Any:
    """Make my address, or another in place of the one I have."""
    with unit_of_work("calendar.renew", acting()) as now:
        secret = service.renew_feed(db.session(), viewer(), now)
    session[SHOWN_ONCE] = secret
    return redirect(url_for("calendar.mine"), 303)


@bp.post("/calendar/end")
@open_to("staff")
def end() -> Any:
    """End my address."""
    with unit_of_work("calendar.end", acting()):
        service.end_feed(db.session(), viewer())
    flash(_("The address of your calendar has ended."), "success")
    return redirect(url_for("calendar.mine"), 303)


@bp.get("/calendar/<secret>.ics")
@open_to("anyone")
@in_safety(closed="missing")
def read(secret: str) -> Response:
    """The calendar behind an address, as its account may see it now."""
    now = clock.now()
    user = service.admit(db.session(), secret, now)
    base_url = current_app.extensions["settings"].base_url
    return Response(queries.write_calendar(db.session(), user, now, base_url), headers=HEADERS)
