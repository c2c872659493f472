"""The target book: whom actions are addressed to, kept by staff."""

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.base import clock
from tracker.base.countries import country_name
from tracker.base.dates import today_in
from tracker.base.db import db
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.once import new_token
from tracker.base.work import unit_of_work
from tracker.targets import service
from tracker.targets.forms import ReportForm, TargetForm
from tracker.targets.models import Target
from tracker.targets.queries import get_target, list_reports, list_targets

bp = Blueprint("targets", __name__, url_prefix="/targets")


@bp.get("")
@open_to("staff")
def index() -> str:
    """Everybody there is to write to, by state; `?q=` finds a name, an office or a country."""
    said = request.args.get("q", "")[:100]
    return render_template(
        "targets/index.html",
        listed=list_targets(db.session(), said=said),
        said=said,
        today=today_in(viewer().reading_zone, clock.now()),
        country_name=country_name,
    )


@bp.get("/new")
@open_to("staff")
def new() -> str:
    """An empty one."""
    return render_template("targets/edit.html", form=TargetForm(), target=None)


@bp.post("/new")
@open_to("staff")
def record() -> Any:
    """Record somebody to write to."""
    form = TargetForm()

    def act() -> str:
        with unit_of_work("targets.record", acting(), "target"):
            once(form)
            service.record_target(db.session(), **_said(form))
            flash(_("Recorded."), "good")
            return led_to(form, url_for("targets.index"))

    return submit(form, act, lambda: render_template("targets/edit.html", form=form, target=None))


@bp.get("/<public_id>")
@open_to("staff")
def edit(public_id: str) -> str:
    """What is known of a target, and what people found of its addresses."""
    target = get_target(db.session(), public_id)
    form = TargetForm(obj=target, version=str(target.version))
    return _page(form, target)


@bp.post("/<public_id>")
@open_to("staff")
def change(public_id: str) -> Any:
    """Change what is known of a target: every action that names it says so with the next request."""
    target = get_target(db.session(), public_id)
    form = TargetForm()

    def act() -> str:
        with unit_of_work("targets.edit", acting(), f"target:{target.id}"):
            once(form)
            session = db.session()
            service.edit_target(session, get_target(session, public_id), version=form.expected_version, **_said(form))
            flash(_("Saved."), "good")
            return led_to(form, url_for("targets.index"))

    return submit(
        form,
        act,
        lambda: _page(form, target),
        version_now=lambda: get_target(db.session(), public_id).version,
    )


@bp.post("/<public_id>/settle")
@open_to("staff")
def settle(public_id: str) -> Any:
    """Somebody has seen to what was reported."""
    form, target = HouseForm(), get_target(db.session(), public_id)

    def act() -> str:
        with unit_of_work("targets.settle", acting(), f"target:{target.id}"):
            once(form)
            service.settle_reports(db.session(), get_target(db.session(), public_id))
            flash(_("Noted: it is seen to."), "good")
            return led_to(form, url_for("targets.edit", public_id=public_id))

    return submit(form, act, lambda: _page(TargetForm(obj=target), target))


@bp.get("/<public_id>/report")
@open_to("signed_in")
def report(public_id: str) -> str:
    """What came back?"""
    return render_template("targets/report.html", form=ReportForm(), target=get_target(db.session(), public_id))


@bp.post("/<public_id>/report")
@open_to("signed_in")
def do_report(public_id: str) -> Any:
    """Note that an address does not work; staff see it in the target book."""
    form, target = ReportForm(), get_target(db.session(), public_id)

    def act() -> str:
        with unit_of_work("targets.report", acting(), f"target:{target.id}"):
            once(form)
            session = db.session()
            service.report_target(session, get_target(session, public_id), what=form.what.data, user_id=viewer().id)
            flash(_("Thank you: staff look at the address."), "good")
            return led_to(form, "/")

    return submit(form, act, lambda: render_template("targets/report.html", form=form, target=target))


def _page(form: TargetForm, target: Target) -> str:
    reports = [r for r in list_reports(db.session(), target) if r.settled_at is None]
    return render_template(
        "targets/edit.html",
        form=form,
        target=target,
        reports=reports,
        once=new_token(),
        zone=viewer().reading_zone,
    )


def _said(form: TargetForm) -> dict[str, Any]:
    texts = ("kind", "country", "office", "name", "salutation", "language", "postal", "email", "phone")
    said: dict[str, Any] = {name: form[name].data or "" for name in texts}
    return said | {
        "hosted_in": form.hosted_in.data or None,
        "language": said["language"].strip().lower() or "en",
        "valid_from": form.valid_from.data,
        "valid_to": form.valid_to.data,
    }
