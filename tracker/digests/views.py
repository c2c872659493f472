"""Switching the weekly agenda off and on: from a mail, and from one's own account."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import acting, in_safety, open_to, viewer
from tracker.base.db import db
from tracker.base.errors import NotFound
from tracker.base.work import Actor, unit_of_work
from tracker.digests import service
from tracker.outbox.models import Recipient
from tracker.outbox.service import recipient_for

bp = Blueprint("digests", __name__)


@bp.record_once
def _without_form_token(state: BlueprintSetupState) -> None:
    """Whoever opens the link of a mail need not be signed in; the word in it is the permission."""
    protection = state.app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(stop_now)
        protection.exempt(resume_now)


@bp.post("/digests")
@open_to("staff")
def switch() -> Any:
    """Let the weekly agenda come to me, or not."""
    wanted = request.form.get("wanted") == "yes"
    with unit_of_work("digests.switch", acting()):
        session = db.session()
        service.switch(session, recipient_for(session, viewer().id).id, wanted)
    flash(_("You get the weekly agenda of your desks.") if wanted else _("You get no weekly agenda any more."))
    return redirect(url_for("accounts.account"), 303)


@bp.get("/digests/stop/<word>")
@open_to("anyone")
def stop(word: str) -> str:
    """What the link of a mail would stop. Looking stops nothing: programs that check mails open links."""
    recipient = db.session.get(Recipient, service.read_stop_word(word))
    if recipient is None:
        raise NotFound("There is no such mail, or no longer.")
    return render_template("digests/stop.html", word=word, wanted=recipient.wants_digest)


@bp.post("/digests/stop/<word>")
@open_to("anyone")
@in_safety(read_only=True)
def stop_now(word: str) -> Any:
    """Stop it: the button of that page."""
    return _switch(word, wanted=False)


@bp.post("/digests/resume/<word>")
@open_to("anyone")
def resume_now(word: str) -> Any:
    """Take it back."""
    return _switch(word, wanted=True)


def _switch(word: str, wanted: bool) -> Any:
    recipient_id = service.read_stop_word(word)
    user_id = db.session().scalar(select(Recipient.user_id).where(Recipient.id == recipient_id))
    with unit_of_work("digests.switch", Actor("link", user_id, "stop link")):
        service.switch(db.session(), recipient_id, wanted)
    return redirect(url_for("digests.stop", word=word), 303)
