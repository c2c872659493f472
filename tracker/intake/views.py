"""Pages that take a text in and show what it proposes, each beside its sentence, to be accepted or turned down."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.queries import name_to
from tracker.base import clock
from tracker.base.dates import parse_date, parse_time
from tracker.base.db import db
from tracker.base.errors import NotAllowed, Refused, VersionConflict
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.headers import takes_documents
from tracker.base.once import new_token
from tracker.base.words import say_date, say_window
from tracker.base.work import unit_of_work
from tracker.cases.models import RISKS, Case
from tracker.hearings.models import Hearing
from tracker.hearings.rules import ask_twice, in_window, on_day
from tracker.intake import queries, service
from tracker.intake.forms import (
    CaseProposalForm,
    DecideForm,
    EventProposalForm,
    HearingProposalForm,
    PasteForm,
    kinds_by_hand,
)
from tracker.intake.models import Document, Proposal
from tracker.intake.readers import LARGEST_FILE, read_document
from tracker.intake.reading.page import read_page
from tracker.intake.rules import cut
from tracker.timeline.kinds import kind_of

bp = Blueprint("intake", __name__, url_prefix="/intake")


# Giving a page -------------------------------------------------------------------------------------------------------


@bp.get("")
@open_to("staff")
def documents() -> str:
    """The pages that were given to this reader's desks, newest first."""
    listed = queries.list_documents(db.session(), viewer(), request.args.get("before"))
    more = len(listed) > queries.PAGE
    listed = listed[: queries.PAGE]
    next_url = url_for("intake.documents", before=listed[-1].document.public_id) if more else ""
    return render_template("intake/documents.html", listed=listed, next_url=next_url, zone=viewer().reading_zone)


@bp.get("/paste")
@open_to("staff")
def paste() -> str:
    """An empty text area."""
    return _paste_page(_offer_desks(PasteForm()))


@bp.post("/paste")
@open_to("staff")
@takes_documents
def take() -> Any:
    """Keep the text as it was given and propose what it says."""
    form = _offer_desks(PasteForm())

    def act() -> str:
        # Reading may take a second: nobody waits for it, because no transaction is open yet.
        given, name, field = _given(form)
        try:
            text = read_document(given, name).text
            reading = read_page(text, form.published.data)
        except Refused as refusal:
            raise Refused(refusal.message, field) from refusal
        with unit_of_work("intake.propose", acting()):
            once(form)
            session = db.session()
            desk = next((d for d in _own_desks() if str(d.id) == form.desk_id.data), None)
            if desk is None:
                raise NotAllowed(_("That is not your desk."))
            published = service.published_on(reading, form.published.data)
            document = service.keep_document(session, desk, text, name, published)
            proposed = service.propose(session, desk, document, reading)
            if not proposed.fresh:
                flash(_("Nothing on this page is new to the desk."), "notice")
            return led_to(form, url_for("intake.review", public_id=document.public_id))

    return submit(form, act, lambda: _paste_page(form))


@bp.errorhandler(413)
def too_large(_error: Exception) -> Any:
    """What was sent was not read at all: say how much is taken, and lead back. The limit of a request leaves room for
    what a form adds to a file, so it is the file's that a person is told."""
    sentences = [
        _("A page has at most %(size)d MB. Nothing was stored.", size=LARGEST_FILE // 1_000_000),
        _("Send it in smaller parts, or paste only the text."),
    ]
    html = render_template(
        "errors/error.html",
        frame="layout.html",
        code=413,
        heading=_("That is too large"),
        sentences=sentences,
        fault=None,
        typed=(),
        back=(url_for("intake.paste"), _("Back to pasting a page")),
    )
    return html, 413


def _given(form: PasteForm) -> tuple[bytes, str, str]:
    """What was given, what it is called, and the field it came from."""
    pasted = form.document.data or ""
    upload = form.upload.data
    uploaded = upload is not None and bool(upload.filename)
    if uploaded and pasted.strip():
        raise Refused(_("Give either the text or a file: which of the two is meant?"), "upload")
    if uploaded:
        with upload.stream as opened:
            return opened.read(LARGEST_FILE + 1), upload.filename, "upload"
    if not pasted.strip():
        raise Refused(_("Paste the text of the page, or choose a file."), "document")
    # Browsers send every line end as two characters; a file of the same text has one.
    return pasted.replace("\r\n", "\n").encode("utf-8", "replace"), _("Pasted text"), "document"


def _own_desks() -> list[Desk]:
    return [membership.desk for membership in viewer().memberships]


def _offer_desks(form: PasteForm) -> PasteForm:
    desks = _own_desks()
    if not desks:
        raise NotAllowed(_("You are on no desk yet. A coordinator puts you on one."))
    form.desk_id.choices = [(str(d.id), d.name) for d in desks]
    if len(desks) == 1 and not form.desk_id.data:
        form.desk_id.data = str(desks[0].id)
    return form


def _paste_page(form: PasteForm) -> str:
    return render_template("intake/paste.html", form=form, one_desk=len(form.desk_id.choices) == 1)


# Reviewing -----------------------------------------------------------------------------------------------------------


@bp.get("/<public_id>")
@open_to("staff")
def review(public_id: str) -> str:
    """What a page proposes, each beside its sentence."""
    document, desk = queries.get_document(db.session(), viewer(), public_id)
    return _review_page(document, desk)


@bp.post("/<public_id>/groups/<key>/accept")
@open_to("staff")
def accept_group(public_id: str, key: str) -> Any:
    """Take everything that waits for one case."""

    def do(document: Document, desk: Desk, form: DecideForm) -> str:
        session = db.session()
        waiting = queries.list_open(session, viewer(), document, key)
        edits = {p.id: {"risk": form.risk.data} for p in waiting if p.kind == "case" and form.risk.data in RISKS}
        taken = service.accept(session, desk, waiting, owner=viewer(), place=_place(document, key), edits=edits)
        flash(_taken(taken.case, document), "good")
        return url_for("pages.case_file", ref=taken.case.ref)

    return _decide("accept", public_id, do)


@bp.post("/<public_id>/groups/<key>/reject")
@open_to("staff")
def reject_group(public_id: str, key: str) -> Any:
    """Turn down everything that waits for one case: it does not come back."""

    def do(document: Document, _desk: Desk, _form: DecideForm) -> str:
        session = db.session()
        service.reject(session, queries.list_open(session, viewer(), document, key))
        flash(_("Turned down. It is not proposed again."), "good")
        return url_for("intake.review", public_id=public_id)

    return _decide("reject", public_id, do)


@bp.post("/<public_id>/proposals/<which>/accept")
@open_to("staff")
def accept_one(public_id: str, which: str) -> Any:
    """Take one proposal."""

    def do(document: Document, desk: Desk, _form: DecideForm) -> str:
        session = db.session()
        proposal = queries.get_proposal(session, viewer(), document, which)
        taken = service.accept(session, desk, [proposal], owner=viewer(), place=_place(document, proposal.group_key))
        flash(_("Taken into %(ref)s.", ref=taken.case.ref), "good")
        return url_for("intake.review", public_id=public_id, _anchor=f"p-{which}")

    return _decide("accept", public_id, do)


@bp.post("/<public_id>/proposals/<which>/reject")
@open_to("staff")
def reject_one(public_id: str, which: str) -> Any:
    """Turn one proposal down."""

    def do(document: Document, _desk: Desk, _form: DecideForm) -> str:
        session = db.session()
        service.reject(session, [queries.get_proposal(session, viewer(), document, which)])
        flash(_("Turned down. It is not proposed again."), "good")
        return url_for("intake.review", public_id=public_id, _anchor=f"p-{which}")

    return _decide("reject", public_id, do)


def _decide(name: str, public_id: str, do: Callable[[Document, Desk, DecideForm], str]) -> Any:
    """Answer a button of the review page. Who comes second is told so, and changes nothing."""
    document, desk = queries.get_document(db.session(), viewer(), public_id)
    form = DecideForm()

    def act() -> str:
        try:
            with unit_of_work(f"intake.{name}", acting(), f"document:{document.id}"):
                once(form)
                mine, its_desk = queries.get_document(db.session(), viewer(), public_id)
                return led_to(form, do(mine, its_desk, form))
        except VersionConflict:
            flash(_("Somebody has decided this in the meantime. Here is how it stands."), "notice")
            return url_for("intake.review", public_id=public_id)

    return submit(form, act, lambda: _review_page(document, desk, form))


def _review_page(document: Document, desk: Desk, form: HouseForm | None = None) -> str:
    session = db.session()
    groups = queries.list_groups(session, viewer(), document)
    return render_template(
        "intake/review.html",
        document=document,
        desk=desk,
        groups=groups,
        waiting=sum(len(g.open) for g in groups),
        cases=list({g.case.id: g.case for g in groups if g.case is not None}.values()),
        elsewhere=queries.count_open_elsewhere(session, viewer(), document),
        form=form or DecideForm(),
        new_token=new_token,
        risks=RISKS,
        kind_of=kind_of,
        day_of=parse_date,
        time_of=parse_time,
        zone=viewer().reading_zone,
        hearing_when=_hearing_when,
    )


def _hearing_when(thing: Hearing | Mapping[str, Any]) -> str:
    """When a hearing, stored or proposed, is: in words, without counting days."""
    if isinstance(thing, Hearing):
        on = thing.local_date
        if on is None:
            return say_window(thing.precision, thing.earliest_on, thing.latest_on)
        return f"{say_date(on)}, {thing.local_time:%H:%M}" if thing.local_time else say_date(on)
    if not thing["date"]:
        return say_window("not_set", None, None)
    day = parse_date(thing["date"])
    if thing["precision"] in ("week", "month"):
        window = in_window("UTC", thing["precision"], day)
        return say_window(window.precision, window.earliest_on, window.latest_on)
    return f"{say_date(day)}, {thing['time']}" if thing["time"] else say_date(day)


def _place(document: Document, key: str) -> int:
    """Position of a group on its page."""
    keys = list(
        dict.fromkeys(
            db.session.scalars(
                select(Proposal.group_key)
                .where(Proposal.document_id == document.id)
                .order_by(Proposal.position, Proposal.id)
            )
        )
    )
    return keys.index(key) if key in keys else 0


def _taken(case: Case, document: Document) -> str:
    waiting = len(service.open_groups(db.session(), document, viewer().id))
    if not waiting:
        return _("Taken into %(ref)s. Nothing else waits on that page.", ref=case.ref)
    return ngettext(
        "Taken into %(ref)s. %(num)d more case waits on that page.",
        "Taken into %(ref)s. %(num)d more cases wait on that page.",
        waiting,
        ref=case.ref,
    )


# Editing one ---------------------------------------------------------------------------------------------------------


@bp.get("/<public_id>/proposals/<which>/edit")
@open_to("staff")
def edit(public_id: str, which: str) -> Any:
    """One proposal, to be put right before it is accepted."""
    document, desk = queries.get_document(db.session(), viewer(), public_id)
    proposal = queries.get_proposal(db.session(), viewer(), document, which)
    return _edit_page(document, desk, proposal, _filled(document, desk, proposal))


@bp.post("/<public_id>/proposals/<which>/edit")
@open_to("staff")
def accept_edited(public_id: str, which: str) -> Any:
    """Take a proposal as it was put right."""
    document, desk = queries.get_document(db.session(), viewer(), public_id)
    proposal = queries.get_proposal(db.session(), viewer(), document, which)
    form = _FORMS[proposal.kind]()
    _offer(form, document, desk, proposal)

    def act() -> str:
        try:
            changes = _read(form, proposal)
            with unit_of_work("intake.accept", acting(), f"document:{document.id}"):
                once(form)
                session = db.session()
                mine, its_desk = queries.get_document(session, viewer(), public_id)
                fresh = queries.get_proposal(session, viewer(), mine, which)
                owner_id, into = changes.pop("owner_id", viewer().id), changes.pop("into", None)
                whole = isinstance(form, CaseProposalForm) and form.whole.data
                waiting = queries.list_open(session, viewer(), mine, fresh.group_key) if whole else [fresh]
                taken = service.accept(
                    session,
                    its_desk,
                    waiting,
                    owner=session.get(User, owner_id) if owner_id else None,
                    place=_place(mine, fresh.group_key),
                    edits={fresh.id: changes},
                    into=session.get(Case, into) if into else None,
                )
                flash(_taken(taken.case, mine) if whole else _("Taken into %(ref)s.", ref=taken.case.ref), "good")
                if whole:
                    return led_to(form, url_for("pages.case_file", ref=taken.case.ref))
                return led_to(form, url_for("intake.review", public_id=public_id, _anchor=f"p-{which}"))
        except VersionConflict:
            flash(_("Somebody has decided this in the meantime. Here is how it stands."), "notice")
            return url_for("intake.review", public_id=public_id)

    return submit(form, act, lambda: _edit_page(document, desk, proposal, form))


_FORMS: dict[str, type[HouseForm]] = {
    "case": CaseProposalForm,
    "event": EventProposalForm,
    "hearing": HearingProposalForm,
}


def _group(document: Document, proposal: Proposal) -> queries.Group:
    return next(g for g in queries.list_groups(db.session(), viewer(), document) if g.key == proposal.group_key)


def _filled(document: Document, desk: Desk, proposal: Proposal) -> HouseForm:
    """The form of a proposal, with what was read."""
    said = proposal.payload
    form: HouseForm
    if proposal.kind == "case":
        form = CaseProposalForm(
            title=said["title"],
            names="\n".join(p["name"] for p in said["persons"]),
            risk=said["risk"],
            owner_id=str(viewer().id),
            into="",
        )
    elif proposal.kind == "event":
        form = EventProposalForm(
            kind=said["kind"],
            day=parse_date(said["date"]),
            precision=said["precision"],
            text=said["text"],
            persons=list(said.get("persons") or ()),
        )
    else:
        as_read = "took_place" if said["tense"] == "past" else "new"
        form = HearingProposalForm(
            becomes=f"moved-{said['moves']}" if said.get("moves") else as_read,
            kind=said["kind"],
            precision=said["precision"],
            day=parse_date(said["date"]) if said["date"] else None,
            at_time=parse_time(said["time"]) if said["time"] else None,
            zone=desk.zone,
            fold="",
            court=said["court"],
            persons=list(said.get("persons") or ()),
        )
    _offer(form, document, desk, proposal)
    return form


def _offer(form: Any, document: Document, desk: Desk, proposal: Proposal) -> None:
    """Fill in what can be chosen."""
    group = _group(document, proposal)
    session = db.session()
    if proposal.kind == "case":
        keepers = session.execute(
            select(User.id, name_to(viewer()).label("name"))
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.desk_id == desk.id, User.active, User.role != "volunteer")
            .order_by("name")
        )
        form.owner_id.choices = [("", _("nobody yet")), *((str(k.id), k.name) for k in keepers)]
        form.into.choices = [("", _("a new case")), *((str(c.id), f"{c.ref} {c.title}") for c in group.alike)]
        return
    names = queries.list_people_names(session, group.case) if group.case else group.names
    said = [name for name in proposal.payload.get("persons") or () if name not in names]
    form.persons.choices = [(name, name) for name in [*names, *said]]
    if proposal.kind == "event":
        form.kind.choices = kinds_by_hand(proposal.payload["kind"])
        return
    form.becomes.choices = [("new", _("a new hearing")), ("took_place", _("a hearing that took place"))]
    for hearing in queries.list_scheduled(session, viewer(), group.case) if group.case else ():
        when = _hearing_when(hearing)
        form.becomes.choices += [
            (f"moved-{hearing.id}", _("the court moved the hearing of %(when)s", when=when)),
            (f"corrected-{hearing.id}", _("we had the hearing of %(when)s wrong", when=when)),
        ]
    if form.becomes.data not in dict(form.becomes.choices):
        form.becomes.data = "new"


def _read(form: Any, proposal: Proposal) -> dict[str, Any]:
    """What the form says, in the words of a proposal. Refused, on its field, when it cannot be."""
    said = proposal.payload
    if proposal.kind == "case":
        known = {p["name"]: p for p in said["persons"]}
        names = [" ".join(line.split()) for line in (form.names.data or "").splitlines() if line.strip()]
        people = [known.get(name) or {"name": name, "variants": []} for name in names]
        if len(people) == len(said["persons"]):
            # A name put right keeps the spelling of the page, by which its sentences know the person.
            people = [
                {**new, "variants": list(dict.fromkeys([*new["variants"], old["name"], *old.get("variants", ())]))}
                if new is not old
                else old
                for new, old in zip(people, said["persons"], strict=True)
            ]
        return {
            "title": form.title.data or "",
            "risk": form.risk.data,
            "persons": people,
            "owner_id": int(form.owner_id.data) if form.owner_id.data else None,
            "into": int(form.into.data) if form.into.data else None,
        }
    if proposal.kind == "event":
        kept = said.get("payload") if form.kind.data == said["kind"] else {}
        return {
            "kind": form.kind.data,
            "date": form.day.data.isoformat(),
            "precision": form.precision.data,
            "text": form.text.data or "",
            "persons": form.persons.data or [],
            "payload": kept or {},
        }
    return _read_hearing(form, said)


def _read_hearing(form: HearingProposalForm, said: Mapping[str, Any]) -> dict[str, Any]:
    day, precision, at = form.day.data, form.precision.data, form.at_time.data
    if precision != "not_set" and day is None:
        raise Refused(_("Write the date, or choose that there is none yet."), "day")
    at = at if precision == "day" else None
    fold = int(form.fold.data) if form.fold.data else None
    zone = (form.zone.data or "").strip()
    if precision == "day" and day is not None:
        when = on_day(zone, day, at, fold)
    else:
        when = in_window(zone, precision, day)
    how, _dash, hearing_id = (form.becomes.data or "new").partition("-")
    changed = (day.isoformat() if day else None) != said["date"]
    if changed and how != "took_place" and not form.confirm.data:
        ask_twice(when, clock.now())
    return {
        "kind": form.kind.data,
        "date": day.isoformat() if day and precision != "not_set" else None,
        "precision": precision,
        "time": f"{at:%H:%M}" if at else None,
        "fold": fold,
        "zone": zone,
        "court": form.court.data or "",
        "persons": form.persons.data or [],
        "tense": "past" if how == "took_place" else "upcoming",
        "moves": int(hearing_id) if hearing_id else None,
        "how": how if hearing_id else None,
        # Whoever edits it has said what is meant, be it that no date is known.
        "no_such_day": None,
    }


def _edit_page(document: Document, desk: Desk, proposal: Proposal, form: HouseForm) -> str:
    shown = next(s for s in _group(document, proposal).shown if s.proposal.id == proposal.id)
    return render_template(
        "intake/edit.html",
        document=document,
        desk=desk,
        shown=shown,
        proposal_open=proposal.state == "open",
        form=form,
        name=cut(document.name, 60),
    )
