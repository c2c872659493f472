"""Contacts of a case: kept, opened one by one with a reason, changed, removed; and whose number somebody has.

What is sealed is drawn inside the unit of work that writes down who looked: a page that cannot be recorded is not
shown, and one that cannot be drawn is not recorded. It stands in that one answer, and nowhere a browser would find it
again.
"""

from typing import Any

from flask import Blueprint, abort, flash, render_template, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.trying import (
    LOOKUPS_OF_ACCOUNT,
    found_somebody,
    lookups_just_passed,
    refuse_too_many_lookups,
)
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.labels import label
from tracker.base.work import note_done, unit_of_work
from tracker.cases.access import kept_case, rung_of
from tracker.cases.models import Case
from tracker.cases.queries import list_people
from tracker.contacts import service
from tracker.contacts.forms import ContactForm, RevealForm, WhoseForm
from tracker.contacts.kinds import ContactKind, contact_kinds
from tracker.contacts.models import Contact
from tracker.contacts.queries import find_whose, get_contact
from tracker.contacts.rules import to_dial

bp = Blueprint("contacts", __name__)


@bp.get("/cases/<ref>/contacts/new/<kind>")
@open_to("staff")
def new(ref: str, kind: str) -> str:
    """An empty contact of a kind."""
    case, asked = kept_case(ref)[0], _kind(kind)
    form = _prepare(ContactForm(audience=_widest(case).code), case, asked)
    return render_template("contacts/contact.html", form=form, case=case, kind=asked, contact=None)


@bp.post("/cases/<ref>/contacts/new/<kind>")
@open_to("staff")
def add(ref: str, kind: str) -> Any:
    """Keep the contact."""
    case, asked = kept_case(ref)[0], _kind(kind)
    form = _prepare(ContactForm(), case, asked)

    def act() -> str:
        with unit_of_work("contacts.add", acting(), f"case:{case.id}"):
            once(form)
            mine, _desk = kept_case(ref)
            service.add_contact(db.session(), mine, kind=asked.code, **_fields(form))
            flash(_("Kept. What you wrote is sealed."), "good")
            return led_to(form, _back(ref))

    return submit(
        form,
        act,
        lambda: render_template("contacts/contact.html", form=form, case=case, kind=asked, contact=None),
    )


@bp.get("/cases/<ref>/contacts/<public_id>/reveal")
@open_to("staff")
def reveal(ref: str, public_id: str) -> str:
    """Why do you look at it?"""
    case, contact = _contact(ref, public_id)
    return _asked(RevealForm(), case, contact)


@bp.post("/cases/<ref>/contacts/<public_id>/reveal")
@open_to("staff", fresh=True)
def do_reveal(ref: str, public_id: str) -> Any:
    """Show one contact, once, and write down who looked and why."""
    case, contact = _contact(ref, public_id)
    form = RevealForm()
    if form.validate_on_submit():
        try:
            with unit_of_work("contacts.reveal", acting(), f"contact:{contact.id}"):
                mine, held = _contact(ref, public_id)
                values = service.reveal(db.session(), viewer(), held, form.reason.data or None)
                return _asked(form, mine, held, values)
        except Refused as refusal:
            form.refuse(refusal)
    return _asked(form, case, contact), 422


@bp.get("/cases/<ref>/contacts/<public_id>/open")
@open_to("staff")
def open_form(ref: str, public_id: str) -> str:
    """Shall it be opened to be changed?"""
    case, contact = _contact(ref, public_id)
    return render_template("contacts/open.html", form=HouseForm(), case=case, contact=contact)


@bp.post("/cases/<ref>/contacts/<public_id>/open")
@open_to("staff", fresh=True)
def edit(ref: str, public_id: str) -> str:
    """A contact, to be changed: its form shows what is sealed, so opening it is written down like any look."""
    _case, contact = _contact(ref, public_id)
    if not HouseForm().validate_on_submit():
        abort(400)
    with unit_of_work("contacts.open", acting(), f"contact:{contact.id}"):
        case, held = _contact(ref, public_id)
        form = ContactForm(
            formdata=None,
            label=held.label,
            person_id=str(held.person_id or ""),
            audience=held.audience.code,
            version=str(held.version),
            **service.reveal(db.session(), viewer(), held, "updating"),
        )
        return _page(form, case, held)


@bp.post("/cases/<ref>/contacts/<public_id>/edit")
@open_to("staff")
def change(ref: str, public_id: str) -> Any:
    """Write the contact anew."""
    case, contact = _contact(ref, public_id)
    form = _prepare(ContactForm(), case, contact_kinds.get(contact.kind))

    def act() -> str:
        with unit_of_work("contacts.edit", acting(), f"contact:{contact.id}"):
            once(form)
            mine, held = _contact(ref, public_id)
            service.change_contact(db.session(), mine, held, version=form.expected_version, **_fields(form))
            flash(_("Saved."), "good")
            return led_to(form, _back(ref))

    return submit(
        form, act, lambda: _page(form, case, contact), version_now=lambda: _contact(ref, public_id)[1].version
    )


@bp.get("/cases/<ref>/contacts/<public_id>/remove")
@open_to("staff")
def remove(ref: str, public_id: str) -> str:
    """Shall it be removed?"""
    case, contact = _contact(ref, public_id)
    return render_template("contacts/remove.html", form=HouseForm(), case=case, contact=contact)


@bp.post("/cases/<ref>/contacts/<public_id>/remove")
@open_to("staff")
def do_remove(ref: str, public_id: str) -> Any:
    """Remove the contact and what is sealed in it."""
    case, contact = _contact(ref, public_id)
    form, role = HouseForm(), label(contact.label, "contact_role")

    def act() -> str:
        with unit_of_work("contacts.remove", acting(), f"contact:{contact.id}"):
            once(form)
            service.remove_contact(db.session(), _contact(ref, public_id)[1])
            flash(_("Removed: %(what)s. Nothing of it can be opened any more.", what=role), "good")
            return led_to(form, _back(ref))

    return submit(form, act, lambda: render_template("contacts/remove.html", form=form, case=case, contact=contact))


@bp.get("/contacts/whose")
@open_to("staff")
def whose() -> str:
    """Whose number is this?"""
    return render_template("contacts/whose.html", form=WhoseForm(), found=None)


@bp.post("/contacts/whose")
@open_to("staff")
def find() -> Any:
    """The contacts with this number or address, in cases the reader keeps. A POST, so that it stands in no address;
    what was asked is not written into the answer, and each contact found is written down in its case. Look-ups that
    find nobody are counted: nobody goes through numbers to learn which of them are known here."""
    form = WhoseForm()
    if not form.validate_on_submit():
        return render_template("contacts/whose.html", form=form, found=None), 422
    user = viewer()
    if refuse_too_many_lookups(user.id, clock.now()):
        if lookups_just_passed(user.id):
            with unit_of_work("contacts.refuse", acting()):
                note_done("contacts", None, lookups=LOOKUPS_OF_ACCOUNT)
        form = WhoseForm(formdata=None)
        form.form_errors.append(_("Too many tries. Wait a quarter of an hour, then try again."))
        return render_template("contacts/whose.html", form=form, found=None), 429
    found = find_whose(db.session(), user, form.asked.data or "")
    if found:
        found_somebody(user.id)
    for contact, case in found:
        # One act a case: each stands in that case's own history.
        with unit_of_work("contacts.find", acting(), f"contact:{contact.id}"):
            get_contact(db.session(), case, rung_of(case), contact.public_id)
            service.note_found(contact)
    return render_template("contacts/whose.html", form=WhoseForm(formdata=None), found=found)


def _contact(ref: str, public_id: str) -> tuple[Case, Contact]:
    """A contact of a case this account keeps, from a rung that may know of it. NotFound otherwise."""
    case, _desk = kept_case(ref)
    return case, get_contact(db.session(), case, rung_of(case), public_id)


def _kind(code: str) -> ContactKind:
    found = contact_kinds.find(code)
    if found is None:
        abort(404)
    return found


def _prepare(form: ContactForm, case: Case, kind: ContactKind) -> ContactForm:
    people = [(str(person.id), person.name) for _involved, person in list_people(db.session(), case.id)]
    form.person_id.choices = [("", _("the case as a whole")), *people]
    return form.ask_for(kind)


def _page(form: ContactForm, case: Case, contact: Contact) -> str:
    kind = contact_kinds.get(contact.kind)
    form = _prepare(form, case, kind) if form.person_id.choices is None else form
    return render_template("contacts/contact.html", form=form, case=case, kind=kind, contact=contact)


def _asked(form: RevealForm, case: Case, contact: Contact, values: dict[str, str] | None = None) -> str:
    """The page that asks why somebody looks; with values, the one answer that shows them."""
    dial = to_dial((values or {}).get("phone", ""))
    return render_template("contacts/reveal.html", form=form, case=case, contact=contact, values=values, dial=dial)


def _fields(form: ContactForm) -> dict[str, Any]:
    """What the form says, in the words of the service."""
    return {
        "label": form.label.data,
        "person_id": int(form.person_id.data) if form.person_id.data else None,
        "audience": Audience.from_code(form.audience.data),
        "values": form.sealed_values,
    }


def _widest(case: Case) -> Audience:
    """What a new contact is open to unless somebody says less: the desk, or fewer where the case is."""
    return min(Audience.DESK, case.audience)


def _back(ref: str) -> str:
    return url_for("pages.case_file", ref=ref, _anchor="contacts")
