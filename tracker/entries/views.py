"""Pages that write the timeline: add, correct, accept, withdraw, open to others."""

from typing import Any

from flask import Blueprint, flash, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import acting, open_to
from tracker.accounts.models import Desk
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import StatedDate, today_in
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.forms import led_to, once, submit
from tracker.base.work import unit_of_work
from tracker.cases.access import kept_case
from tracker.cases.models import Case
from tracker.cases.queries import list_people
from tracker.entries.forms import AboutEntryForm, EntryAudienceForm, EntryForm, WithdrawForm
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntryPerson, EntrySource
from tracker.timeline.service import (
    Source,
    accept_entry,
    change_entry_audience,
    get_entry,
    record_entry,
    withdraw_entry,
)

bp = Blueprint("entries", __name__, url_prefix="/cases/<ref>/entries")


@bp.get("/new")
@open_to("staff")
def new(ref: str) -> str:
    """An empty entry."""
    case, _desk = kept_case(ref)
    form = EntryForm(precision="day", confidence="confirmed", audience=_widest(case).code)
    return _page(form, case)


@bp.post("/new")
@open_to("staff")
def add(ref: str) -> Any:
    """Add the entry."""
    case, _desk = kept_case(ref)
    form = _prepare(EntryForm(), case)

    def act() -> str:
        with unit_of_work("entries.add", acting(), f"case:{case.id}"):
            once(form)
            mine, desk = kept_case(ref)
            entry = record_entry(db.session(), case_id=mine.id, **_fields(form, desk))
            flash(_("Added to the timeline."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref, _anchor=f"entry-{entry.public_id}"))

    return submit(form, act, lambda: _page(form, case))


@bp.get("/<public_id>/correct")
@open_to("staff")
def correct(ref: str, public_id: str) -> str:
    """An entry as it stands, to be put right."""
    case, _desk = kept_case(ref)
    entry = get_entry(db.session(), case.id, public_id)
    source = db.session.scalar(select(EntrySource).where(EntrySource.entry_id == entry.id).order_by(EntrySource.id))
    form = EntryForm(
        kind=entry.kind,
        day=entry.happened_on or entry.latest_on,
        precision=entry.precision,
        at_time=entry.local_time,
        persons=db.session.scalars(select(EntryPerson.person_id).where(EntryPerson.entry_id == entry.id)).all(),
        place=entry.payload.get("place", ""),
        text=entry.text,
        confidence=entry.confidence,
        audience=entry.audience.code,
        source_kind=source.kind if source else "",
        source_address=source.address if source else "",
        source_told_by=source.told_by if source else "",
        source_published=source.published_on if source else None,
        source_quote=source.quote if source else "",
    )
    return _page(form, case, entry)


@bp.post("/<public_id>/correct")
@open_to("staff")
def put_right(ref: str, public_id: str) -> Any:
    """Add the entry that puts the old one right; the old one stays readable."""
    case, _desk = kept_case(ref)
    entry = get_entry(db.session(), case.id, public_id)
    form = _prepare(EntryForm(), case)

    def act() -> str:
        with unit_of_work("entries.correct", acting(), f"entry:{entry.id}"):
            once(form)
            mine, desk = kept_case(ref)
            fields = _fields(form, desk)
            if fields["kind"] == entry.kind:
                # What the form does not ask (offences, months, conditions) is not lost by a correction of the date.
                fields["payload"] = {**entry.payload, **fields["payload"]}
            record_entry(db.session(), case_id=mine.id, supersedes_id=entry.id, **fields)
            flash(_("Put right. The earlier entry stays readable."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: _page(form, case, entry))


@bp.get("/<public_id>/accept")
@open_to("staff")
def accept(ref: str, public_id: str) -> str:
    """Is the claim accepted?"""
    case, _desk = kept_case(ref)
    return _about("entries/accept.html", AboutEntryForm(), case, get_entry(db.session(), case.id, public_id))


@bp.post("/<public_id>/accept")
@open_to("staff")
def do_accept(ref: str, public_id: str) -> Any:
    """Accept a claim: it moves the status from now on."""
    case, _desk = kept_case(ref)
    entry = get_entry(db.session(), case.id, public_id)
    form = AboutEntryForm()

    def act() -> str:
        with unit_of_work("entries.accept", acting(), f"entry:{entry.id}") as now:
            once(form)
            _mine, desk = kept_case(ref)
            accept_entry(
                db.session(),
                entry,
                reason=form.reason.data or "",
                audience=entry.audience,
                on=today_in(desk.zone, now),
            )
            flash(_("Accepted: it counts from now on."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: _about("entries/accept.html", form, case, entry))


@bp.get("/<public_id>/withdraw")
@open_to("staff")
def withdraw(ref: str, public_id: str) -> str:
    """Why is it taken back?"""
    case, _desk = kept_case(ref)
    return _about("entries/withdraw.html", WithdrawForm(), case, get_entry(db.session(), case.id, public_id))


@bp.post("/<public_id>/withdraw")
@open_to("staff")
def do_withdraw(ref: str, public_id: str) -> Any:
    """Take an entry back; it stays readable."""
    case, _desk = kept_case(ref)
    entry = get_entry(db.session(), case.id, public_id)
    form = WithdrawForm()

    def act() -> str:
        with unit_of_work("entries.withdraw", acting(), f"entry:{entry.id}") as now:
            once(form)
            _mine, desk = kept_case(ref)
            withdraw_entry(
                db.session(),
                entry,
                reason=form.reason.data or "",
                audience=entry.audience,
                on=today_in(desk.zone, now),
            )
            flash(_("Withdrawn. It stays readable and no longer counts."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: _about("entries/withdraw.html", form, case, entry))


@bp.get("/<public_id>/audience")
@open_to("staff")
def audience(ref: str, public_id: str) -> str:
    """Who may see it?"""
    case, _desk = kept_case(ref)
    entry = get_entry(db.session(), case.id, public_id)
    return _about("entries/audience.html", EntryAudienceForm(audience=entry.audience.code), case, entry)


@bp.post("/<public_id>/audience")
@open_to("staff")
def change_audience(ref: str, public_id: str) -> Any:
    """Open or close an entry to a rung of the ladder."""
    case, _desk = kept_case(ref)
    entry = get_entry(db.session(), case.id, public_id)
    form = EntryAudienceForm()

    def act() -> str:
        with unit_of_work("entries.audience", acting(), f"entry:{entry.id}") as now:
            once(form)
            _mine, desk = kept_case(ref)
            to = Audience.from_code(form.audience.data)
            change_entry_audience(
                db.session(), entry, to=to, audience=min(to, entry.audience, Audience.DESK), on=today_in(desk.zone, now)
            )
            flash(_("Saved."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: _about("entries/audience.html", form, case, entry))


def _prepare(form: EntryForm, case: Case) -> EntryForm:
    form.persons.choices = [(person.id, person.name) for _involved, person in list_people(db.session(), case.id)]
    known = {code for code, _label in form.kind.choices or ()}
    if form.kind.data and form.kind.data not in known:
        # A correction of something the system wrote keeps its kind.
        form.kind.choices = [*(form.kind.choices or ()), (form.kind.data, kind_of(form.kind.data).sentence({}))]
    return form


def _page(form: EntryForm, case: Case, entry: Entry | None = None) -> str:
    return render_template("entries/entry.html", form=_prepare(form, case), case=case, entry=entry, now=clock.now())


def _about(template: str, form: Any, case: Case, entry: Entry) -> str:
    sentence = kind_of(entry.kind).sentence(entry.payload)
    return render_template(template, form=form, case=case, entry=entry, sentence=sentence)


def _widest(case: Case) -> Audience:
    """What a new entry is open to unless somebody says more: the desk, or fewer where the case is."""
    return min(Audience.DESK, case.audience)


def _fields(form: EntryForm, desk: Desk) -> dict[str, Any]:
    """What the form says, in the words of the service."""
    if form.day.data is None:
        raise Refused(_("Write the date, or the day by which it was known."), "day")
    if not kind_of(form.kind.data).by_hand:
        raise Refused(_("Choose what happened."), "kind")
    sources = []
    if form.source_kind.data:
        sources.append(
            Source(
                kind=form.source_kind.data,
                address=form.source_address.data or "",
                told_by=form.source_told_by.data or "",
                published_on=form.source_published.data,
                quote=form.source_quote.data or "",
            )
        )
    elif form.source_address.data or form.source_quote.data or form.source_told_by.data:
        raise Refused(_("Say what kind of source it is."), "source_kind")
    return {
        "kind": form.kind.data,
        "date_stated": StatedDate(form.day.data, form.precision.data),
        "local_time": form.at_time.data,
        "zone": desk.zone if form.at_time.data else None,
        "persons": form.persons.data or [],
        "payload": {"place": form.place.data.strip()} if form.place.data else {},
        "text": form.text.data or "",
        "confidence": form.confidence.data,
        "sources": sources,
        "audience": Audience.from_code(form.audience.data),
    }
