"""Pages that write the timeline: add, correct, accept, withdraw, open to others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from flask import Blueprint, flash, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import acting, open_to
from tracker.accounts.models import Desk
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import StatedDate, instant_of, today_in
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.forms import led_to, once, submit
from tracker.base.work import unit_of_work
from tracker.cases.access import kept_case, rung_of
from tracker.cases.models import Case
from tracker.cases.queries import list_people
from tracker.cases.service import check_not_stopped, check_somebody_may_read
from tracker.entries.forms import AboutEntryForm, EntryAudienceForm, EntryForm, WithdrawForm
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntryPerson, EntrySource, EntryState
from tracker.timeline.service import (
    Source,
    accept_entry,
    change_entry_audience,
    get_entry,
    latest_correction,
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
            entry = record_entry(db.session(), case_id=mine.id, **_fields(form, mine, desk))
            flash(_("Added to the timeline."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref, _anchor=f"entry-{entry.public_id}"))

    return submit(form, act, lambda: _page(form, case))


@bp.get("/<public_id>/correct")
@open_to("staff")
def correct(ref: str, public_id: str) -> str:
    """An entry as it stands, to be put right."""
    case, entry, state = _entry(ref, public_id)
    stands = latest_correction(db.session(), entry)
    return _page(EntryForm(version=str(stands.id), **_as_it_stands(stands, state)), case, entry)


@bp.post("/<public_id>/correct")
@open_to("staff")
def put_right(ref: str, public_id: str) -> Any:
    """Add the entry that puts the old one right; the old one stays readable."""
    case, entry, _state = _entry(ref, public_id)
    form = _prepare(EntryForm(), case)

    def act() -> str:
        with unit_of_work("entries.correct", acting(), f"entry:{entry.id}"):
            once(form)
            mine, desk = kept_case(ref)
            session = db.session()
            wrong = _meant(entry, form, rung_of(mine))
            told = _fields(form, mine, desk, _as_open_as(wrong))
            if told["kind"] == wrong.kind:
                # What the form does not ask (offences, months, conditions) is not lost by a correction of the date.
                kept = {name: value for name, value in wrong.payload.items() if name != "place"}
                told["payload"] = {**kept, **told["payload"]}
            told["sources"] = _with_kept_sources(wrong, told["sources"])
            try:
                record_entry(session, case_id=mine.id, supersedes_id=wrong.id, **told)
            except VersionConflict as conflict:
                session.rollback()
                theirs = latest_correction(session, entry)
                raise VersionConflict(conflict.message, _as_it_stands(theirs)) from conflict
            flash(_("Put right. The earlier entry stays readable."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(
        form, act, lambda: _page(form, case, entry), version_now=lambda: latest_correction(db.session(), entry).id
    )


@bp.get("/<public_id>/accept")
@open_to("staff")
def accept(ref: str, public_id: str) -> str:
    """Is the claim accepted?"""
    case, entry, _state = _entry(ref, public_id)
    return _about("entries/accept.html", AboutEntryForm(), case, entry)


@bp.post("/<public_id>/accept")
@open_to("staff")
def do_accept(ref: str, public_id: str) -> Any:
    """Accept a claim: it moves the status from now on."""

    def do(entry: Entry, form: AboutEntryForm, said: Mapping[str, Any]) -> str:
        accept_entry(db.session(), entry, reason=form.reason.data or "", **said)
        return _("Accepted: it counts from now on.")

    return _answer(ref, public_id, "accept", AboutEntryForm(), do)


@bp.get("/<public_id>/withdraw")
@open_to("staff")
def withdraw(ref: str, public_id: str) -> str:
    """Why is it taken back?"""
    case, entry, _state = _entry(ref, public_id)
    return _about("entries/withdraw.html", WithdrawForm(), case, entry)


@bp.post("/<public_id>/withdraw")
@open_to("staff")
def do_withdraw(ref: str, public_id: str) -> Any:
    """Take an entry back; it stays readable."""

    def do(entry: Entry, form: WithdrawForm, said: Mapping[str, Any]) -> str:
        withdraw_entry(db.session(), entry, reason=form.reason.data or "", **said)
        return _("Withdrawn. It stays readable and no longer counts.")

    return _answer(ref, public_id, "withdraw", WithdrawForm(), do)


@bp.get("/<public_id>/audience")
@open_to("staff")
def audience(ref: str, public_id: str) -> str:
    """Who may see it?"""
    case, entry, state = _entry(ref, public_id)
    return _about("entries/audience.html", EntryAudienceForm(audience=state.audience.code), case, entry)


@bp.post("/<public_id>/audience")
@open_to("staff")
def change_audience(ref: str, public_id: str) -> Any:
    """Open or close an entry to a rung of the ladder."""

    def do(entry: Entry, form: EntryAudienceForm, said: Mapping[str, Any]) -> str:
        to = Audience.from_code(form.audience.data)
        mine = kept_case(ref)[0]
        check_somebody_may_read(db.session(), mine, to)
        check_not_stopped(mine, to, said["audience"])
        change_entry_audience(
            db.session(), entry, to=to, audience=min(to, said["audience"], Audience.DESK), on=said["on"]
        )
        return _("Saved.")

    return _answer(ref, public_id, "audience", EntryAudienceForm(), do)


def _answer(ref: str, public_id: str, name: str, form: Any, do: Callable[[Entry, Any, Mapping[str, Any]], str]) -> Any:
    """Answer a POST that says something about one entry: do it in a unit of work, or show the form again."""
    case, entry, _state = _entry(ref, public_id)

    def act() -> str:
        with unit_of_work(f"entries.{name}", acting(), f"entry:{entry.id}") as now:
            once(form)
            _mine, mine, state = _entry(ref, public_id)
            desk = db.session.get(Desk, case.desk_id)
            assert desk is not None
            flash(do(mine, form, {"audience": state.audience, "on": today_in(desk.zone, now)}), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: _about(f"entries/{name}.html", form, case, entry))


def _entry(ref: str, public_id: str) -> tuple[Case, Entry, EntryState]:
    """An entry that people write, of a case this account keeps and from a rung that may see it. NotFound otherwise: an
    entry closed to the reader answers as one that is not there."""
    case, _desk = kept_case(ref)
    session = db.session()
    entry = get_entry(session, case.id, public_id)
    state = session.get(EntryState, entry.id)
    if state is None or state.audience < rung_of(case) or not kind_of(entry.kind).by_hand:
        raise NotFound("There is no such entry in this case.")
    return case, entry, state


def _meant(entry: Entry, form: EntryForm, rung: Audience) -> Entry:
    """The entry that the form puts right: the one it was filled in against, if that is of this entry's corrections and
    open to the reader: a correction that was withdrawn may be closed to them, and keeps its sources to itself."""
    session, meant = db.session(), form.expected_version
    following: Entry | None = entry
    while following is not None and following.id != meant:
        following = session.scalar(select(Entry).where(Entry.supersedes_id == following.id))
    state = session.get(EntryState, following.id) if following is not None else None
    return following if following is not None and state is not None and state.audience >= rung else entry


def _as_it_stands(entry: Entry, state: EntryState | None = None) -> dict[str, Any]:
    """An entry in the words of its form. An accepted claim is put right as what it has become."""
    session = db.session()
    state = state if state is not None and state.entry_id == entry.id else session.get(EntryState, entry.id)
    source = session.scalar(
        select(EntrySource).where(EntrySource.entry_id == entry.id).order_by(EntrySource.id).limit(1)
    )
    return {
        "kind": entry.kind,
        "day": entry.happened_on or entry.latest_on,
        "precision": entry.precision,
        "at_time": entry.local_time,
        "persons": session.scalars(select(EntryPerson.person_id).where(EntryPerson.entry_id == entry.id)).all(),
        "place": entry.payload.get("place", ""),
        "text": entry.text,
        "confidence": "confirmed" if state and state.accepted else entry.confidence,
        "audience": (state.audience if state else entry.audience).code,
        "source_kind": source.kind if source else "",
        "source_address": source.address if source else "",
        "source_told_by": source.told_by if source else "",
        "source_published": source.published_on if source else None,
        "source_quote": source.quote if source else "",
    }


def _with_kept_sources(wrong: Entry, given: Sequence[Source]) -> list[Source]:
    """The source that was typed, and those the form does not show. An unchanged quote keeps its place in the document
    it was read from."""
    held = db.session.scalars(
        select(EntrySource).where(EntrySource.entry_id == wrong.id).order_by(EntrySource.id)
    ).all()
    names = [f.name for f in fields(Source)]
    kept = [Source(**{name: getattr(source, name) for name in names}) for source in held]
    if given and kept and given[0].quote.split() == kept[0].quote.split():
        first = replace(kept[0], **{n: getattr(given[0], n) for n in ("kind", "address", "told_by", "published_on")})
        return [first, *kept[1:]]
    return [*given, *kept[1:]]


def _prepare(form: EntryForm, case: Case) -> EntryForm:
    form.persons.choices = [(person.id, person.name) for _involved, person in list_people(db.session(), case.id)]
    return form


def _page(form: EntryForm, case: Case, entry: Entry | None = None) -> str:
    return render_template("entries/entry.html", form=_prepare(form, case), case=case, entry=entry, now=clock.now())


def _about(template: str, form: Any, case: Case, entry: Entry) -> str:
    sentence = kind_of(entry.kind).sentence(entry.payload)
    return render_template(template, form=form, case=case, entry=entry, sentence=sentence)


def _widest(case: Case) -> Audience:
    """What a new entry is open to unless somebody says more: the desk, or fewer where the case is."""
    return min(Audience.DESK, case.audience)


def _as_open_as(entry: Entry) -> Audience:
    """Who may see an entry now."""
    state = db.session.get(EntryState, entry.id)
    return state.audience if state else entry.audience


def _fields(form: EntryForm, case: Case, desk: Desk, before: Audience = Audience.DESK) -> dict[str, Any]:
    """What the form says, in the words of the service. `before`: who may see already what is put right."""
    if form.day.data is None:
        raise Refused(_("Write the date, or the day by which it was known."), "day")
    if not kind_of(form.kind.data).by_hand:
        raise Refused(_("Choose what happened."), "kind")
    if form.at_time.data:
        if form.precision.data != "day":
            raise Refused(_("A clock time belongs to a day that is known."), "at_time")
        # Of an hour that comes twice nobody asks which it was; one that never was is a slip.
        instant_of(form.day.data, form.at_time.data, desk.zone, 0)
    audience = Audience.from_code(form.audience.data)
    check_somebody_may_read(db.session(), case, audience)
    check_not_stopped(case, audience, before)
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
        "audience": audience,
    }
