"""The page on which staff read what was done for an action, take it away as a table, and add what reached them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, render_template, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.actions.access import kept_action
from tracker.actions.models import UrgentAction
from tracker.actions.queries import called, find_target_id, list_targets_of
from tracker.base import clock
from tracker.base.dates import today_in
from tracker.base.db import db
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.labels import label
from tracker.base.once import new_token
from tracker.base.words import say_short_date
from tracker.base.work import unit_of_work
from tracker.cases.models import Case
from tracker.groups.queries import names_of_groups
from tracker.steps import rules as counting
from tracker.steps.queries import Tally, list_own_steps, tally
from tracker.steps.service import UNDO_WITHIN, record_step, undo_step
from tracker.tally.forms import AddStepsForm
from tracker.tally.rules import length_of, safe_cell

bp = Blueprint("tally", __name__, url_prefix="/cases/<ref>/actions/<public_id>/tally")


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a count: `number` None where it is too small to be shown; `length` of its bar in hundredths."""

    name: str
    number: int | None
    length: int


@dataclass(frozen=True, slots=True)
class Chart:
    """One way to split a count, as bars and as a table at once. `code` names it in a file."""

    code: str
    title: str
    bars: tuple[Bar, ...]


@bp.get("")
@open_to("staff")
def show(ref: str, public_id: str) -> str:
    """What was done, split so that nobody is found by a number; and the form to add what came another way."""
    case, action, desk = kept_action(ref, public_id)
    form = _add_form(action)
    form.done_on.data = today_in(desk.zone, clock.now())
    return _page(form, case, action)


@bp.post("")
@open_to("staff")
def add(ref: str, public_id: str) -> Any:
    """Add letters of which staff know another way."""
    case, action, _desk = kept_action(ref, public_id)
    form = _add_form(action)

    def act() -> str:
        with unit_of_work("tally.add", acting(), f"action:{action.id}"):
            once(form)
            session = db.session()
            _case, mine, desk = kept_action(ref, public_id)
            record_step(
                session,
                mine,
                channel=form.channel.data,
                count=form.count.data or 0,
                done_on=form.done_on.data,
                target_id=find_target_id(session, mine, form.target.data),
                user=viewer(),
                source="staff",
                zone=desk.zone,
                again_is_meant=bool(form.confirm.data),
            )
            flash(_("Added. It is counted as what staff were told."), "good")
            return led_to(form, url_for("tally.show", ref=ref, public_id=public_id))

    return submit(form, act, lambda: _page(form, case, action))


@bp.post("/<step_id>/undo")
@open_to("staff")
def undo(ref: str, public_id: str, step_id: str) -> Any:
    """Take back what one added."""
    form = HouseForm()
    back = url_for("tally.show", ref=ref, public_id=public_id)

    def act() -> str:
        with unit_of_work("tally.undo", acting(), "action"):
            once(form)
            _case, action, _desk = kept_action(ref, public_id)
            undo_step(db.session(), viewer(), action, step_id)
            flash(_("Taken back. It is not counted any more."), "good")
            return led_to(form, back)

    return submit(form, act, lambda: render_template("steps/undo.html", form=form, back=back))


@bp.get("/tally.csv")
@open_to("staff", fresh=True)
def download(ref: str, public_id: str) -> Response:
    """The same as a table for a spreadsheet (RFC 4180, UTF-8 with its mark, CRLF)."""
    case, action, _desk = kept_action(ref, public_id)
    found = tally(db.session(), action)
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow([_("split by"), _("part"), _("how many, by what people tell us")])
    hidden = _("not shown")
    for chart in _charts(found):
        for bar in chart.bars:
            table.writerow([chart.code, safe_cell(bar.name), hidden if bar.number is None else bar.number])
    people = counting.few(found.people)
    table.writerow(["people", "", hidden if people is None else people])
    table.writerow(["all", "", found.total])
    return Response(
        "\ufeff" + written.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="tally-{case.ref.lower()}-{action.short_code}.csv"',
        },
    )


# Parts of these -------------------------------------------------------------------------------------------------------


def _add_form(action: UrgentAction) -> AddStepsForm:
    form = AddStepsForm()
    targets = list_targets_of(db.session(), action)
    form.target.choices = [("", _("not said")), *((t.public_id, t.title) for t in targets)]
    return form


def _page(form: AddStepsForm, case: Case, action: UrgentAction) -> str:
    found = tally(db.session(), action)
    return render_template(
        "tally/show.html",
        form=form,
        case=case,
        action=action,
        called=called(action),
        total=found.total,
        people=counting.few(found.people),
        public=found.public,
        public_from=counting.PUBLIC_FROM,
        smallest=counting.SMALLEST_PART,
        charts=_charts(found),
        added=list_own_steps(db.session(), viewer(), action, source="staff"),
        undo_from=clock.now() - UNDO_WITHIN,
        fresh=new_token,
    )


def _charts(found: Tally) -> Sequence[Chart]:
    names = names_of_groups(db.session(), [int(number) for number in found.by_group if number])
    groups = [(names.get(int(number or 0), _("in no group's log")), n) for number, n in found.by_group.items()]
    return [
        _chart("channel", _("How"), [(label(code, "channel"), n) for code, n in found.by_channel.items()]),
        _chart("target", _("To whom"), [(name or _("not said"), n) for name, n in found.by_target.items()]),
        _chart("week", _("Week from"), [(_week(day), n) for day, n in found.by_week.items()], in_order=True),
        _chart("group", _("Group"), groups),
    ]


def _week(monday: str) -> str:
    return say_short_date(date.fromisoformat(monday))


def _chart(code: str, title: str, parts: Sequence[tuple[str, int | None]], *, in_order: bool = False) -> Chart:
    """The largest part first, unless the order says something; those that are not shown last, by name."""
    largest = max((number or 0 for _name, number in parts), default=0)
    order = parts if in_order else sorted(parts, key=lambda part: (-(part[1] or 0), part[0]))
    return Chart(code, title, tuple(Bar(name, number, length_of(number or 0, largest)) for name, number in order))
