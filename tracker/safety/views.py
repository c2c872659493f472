"""The mode of the house, in the hands of an admin: open, read-only, closed."""

from typing import Any

from flask import Blueprint, current_app, flash, render_template, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, in_safety, open_to, viewer
from tracker.accounts.signing_in import house_mode
from tracker.base.db import db
from tracker.base.forms import led_to, once, submit
from tracker.base.labels import choices
from tracker.base.mode import MODES
from tracker.base.work import unit_of_work
from tracker.outbox.pausing import read_pause
from tracker.safety.forms import ModeForm
from tracker.safety.service import change_mode

bp = Blueprint("safety", __name__)


@bp.get("/safety")
@open_to("admin", fresh=True)
def mode() -> str:
    """The mode that holds, and the switch."""
    return _page(ModeForm(state=house_mode().state))


@bp.post("/safety")
@open_to("admin", fresh=True)
@in_safety(read_only=True)
def switch_mode() -> Any:
    """Change it: for everybody, in every process, from their next request on."""
    form = ModeForm()

    def act() -> str:
        state, reason = form.asked()
        with unit_of_work("house.mode", acting(), "house") as now:
            once(form)
            changed = change_mode(db.session(), state, viewer().called, reason, now)
            address = led_to(form, url_for("safety.mode"))
        current_app.extensions.pop("service_seen", None)
        flash(_("Done: it holds from now on.") if changed else _("It was so already."), "good")
        return address

    return submit(form, act, lambda: _page(form))


def _page(form: ModeForm) -> str:
    stands = house_mode()
    return render_template(
        "safety/mode.html",
        form=form,
        stands=dict(choices("mode", MODES))[stands.state],
        mail_waits=stands.state != "closed" and read_pause(db.session()) is not None,
    )
