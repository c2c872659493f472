"""Opening, changing, closing cases, and the people in them. The case file itself is a page of many rooms."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.queries import name_to
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.countries import check_country, country_name
from tracker.base.dates import parse_stated_date
from tracker.base.db import db
from tracker.base.errors import NotAllowed, NotFound, Refused
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.work import touch, unit_of_work
from tracker.cases import service
from tracker.cases.access import kept_case
from tracker.cases.forms import CaseForm, CheckForm, CloseForm, NewCaseForm, PersonForm, ReopenForm
from tracker.cases.models import Case, Involvement
from tracker.cases.opening import Revealed, what_opening_reveals
from tracker.cases.queries import level
from tracker.people.models import Person
from tracker.people.queries import get_person, list_namesakes
from tracker.people.service import NameGiven, add_person, born_in_words, edit_person

bp = Blueprint("cases", __name__, url_prefix="/cases")


@bp.get("/new")
@open_to("staff")
def new() -> str:
    """An empty case."""
    form = NewCaseForm(stage="open", risk="medium", audience="desk")
    _choices(form, _own_desks())
    return render_template("cases/new.html", form=form)


@bp.post("/new")
@open_to("staff")
def create() -> Any:
    """Record the case and its first person."""
    form = NewCaseForm()
    desks = _own_desks()
    _choices(form, desks)

    def act() -> str:
        with unit_of_work("cases.open", acting()):
            once(form)
            session = db.session()
            desk = next((d for d in desks if str(d.id) == form.desk_id.data), None)
            if desk is None:
                raise NotAllowed(_("That is not your desk."))
            fields = _fields(form, new_case=True)
            service.check_somebody_sees(fields["audience"], fields["owner"], fields["deputy"], *fields["named"])
            case = service.open_case(session, desk, **fields)
            names = [NameGiven(form.person_name.data or "")]
            if form.other_name.data:
                names.append(NameGiven(form.other_name.data, "transliteration"))
            person_id = _same_person(form, [n.text for n in names]) or add_person(session, names).id
            service.involve(session, case, person_id)
            flash(_("%(ref)s is recorded. Add what is known of it.", ref=case.ref), "good")
            return led_to(form, url_for("pages.case_file", ref=case.ref))

    return submit(form, act, lambda: render_template("cases/new.html", form=form))


@bp.get("/<ref>/edit")
@open_to("staff")
def edit(ref: str) -> str:
    """The case's own words, to be changed."""
    case, desk = kept_case(ref)
    # One by one: what an object carries would win over what is said beside it.
    form = CaseForm(
        **{name: getattr(case, name) for name in ("title", "summary", "risk", "stage", "country", "responsible_state")},
        audience=case.audience.code,
        owner_id=str(case.owner_id or ""),
        deputy_id=str(case.deputy_id or ""),
        named=[str(user.id) for user in service.list_named(db.session(), case)],
        version=str(case.version),
    )
    _choices(form, [desk], case)
    return render_template("cases/edit.html", form=form, case=case)


@bp.post("/<ref>/edit")
@open_to("staff")
def change(ref: str) -> Any:
    """Change the case."""
    case, desk = kept_case(ref)
    form = CaseForm()
    _choices(form, [desk], case)

    unread: list[Revealed] = []
    if "back" in request.form:
        # From the list back to the form, which is as it was typed.
        form.revealed.data = ""
        return render_template("cases/edit.html", form=form, case=case)

    def act() -> str:
        with unit_of_work("cases.edit", acting(), f"case:{case.id}") as now:
            once(form)
            mine, _desk = kept_case(ref)
            fields = _fields(form)
            if fields["audience"] > mine.audience:
                # What stands against it is said before anybody is made to read a list for nothing.
                service.check_opening(db.session(), mine, fields["audience"])
                # Whoever lets more people see a case has first read what they would see.
                revealed = what_opening_reveals(db.session(), viewer(), ref, fields["audience"], now)
                if form.revealed.data != revealed.mark:
                    unread.append(revealed)
                    raise Refused(_("Read first what this would reveal."), "audience")
            service.edit_case(db.session(), mine, version=form.expected_version, **fields)
            flash(_("Saved."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    def again() -> str:
        if not unread:
            return render_template("cases/edit.html", form=form, case=case)
        return render_template(
            "pages/opening.html",
            form=None,
            # Read anew: what was read in the unit of work has been let go with it.
            revealed=what_opening_reveals(db.session(), viewer(), ref, unread[0].to, clock.now()),
            changed=bool(form.revealed.data),
            action=url_for("cases.change", ref=ref),
            typed=[(n, v) for n, v in request.form.items(multi=True) if n not in ("csrf_token", "revealed", "back")],
            missing=[],
            back_to_form=True,
            now=clock.now(),
            zone=viewer().reading_zone,
            country_name=country_name,
        )

    return submit(form, act, again, version_now=lambda: kept_case(ref)[0].version)


@bp.get("/<ref>/close")
@open_to("staff")
def close(ref: str) -> str:
    """Why is it closed?"""
    case, _desk = kept_case(ref)
    return render_template("cases/close.html", form=CloseForm(), case=case)


@bp.post("/<ref>/close")
@open_to("staff")
def do_close(ref: str) -> Any:
    """Close the case."""
    form = CloseForm()
    case, _desk = kept_case(ref)

    def act() -> str:
        with unit_of_work("cases.close", acting(), f"case:{case.id}"):
            once(form)
            mine, desk = kept_case(ref)
            service.close_case(db.session(), mine, desk, reason=form.reason.data, words=form.words.data or "")
            flash(_("%(ref)s is closed.", ref=case.ref), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: render_template("cases/close.html", form=form, case=case))


@bp.get("/<ref>/reopen")
@open_to("staff")
def reopen(ref: str) -> str:
    """Why is it opened again?"""
    case, _desk = kept_case(ref)
    return render_template("cases/reopen.html", form=ReopenForm(), case=case)


@bp.post("/<ref>/reopen")
@open_to("staff")
def do_reopen(ref: str) -> Any:
    """Open the case again."""
    form = ReopenForm()
    case, _desk = kept_case(ref)

    def act() -> str:
        with unit_of_work("cases.reopen", acting(), f"case:{case.id}"):
            once(form)
            mine, desk = kept_case(ref)
            service.reopen_case(db.session(), mine, desk, words=form.words.data or "")
            flash(_("%(ref)s is open again.", ref=case.ref), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: render_template("cases/reopen.html", form=form, case=case))


@bp.post("/<ref>/check")
@open_to("staff")
def check(ref: str) -> Any:
    """ "Checked, nothing new"."""
    form = CheckForm()
    case, _desk = kept_case(ref)

    def act() -> str:
        with unit_of_work("cases.check", acting(), f"case:{case.id}"):
            once(form)
            mine, desk = kept_case(ref)
            service.check_case(db.session(), mine, desk, words=form.words.data or "")
            flash(_("Noted: %(ref)s was checked today, nothing new.", ref=case.ref), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: render_template("cases/check.html", form=form, case=case))


@bp.post("/<ref>/take")
@open_to("staff")
def take(ref: str) -> Any:
    """Keep a case that nobody keeps."""
    form = HouseForm()
    case, _desk = kept_case(ref)

    def act() -> str:
        with unit_of_work("cases.take", acting(), f"case:{case.id}"):
            once(form)
            mine, _desk = kept_case(ref)
            service.take_case(db.session(), mine, viewer())
            flash(_("You keep %(ref)s from now on, and get each reminder.", ref=case.ref), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: render_template("cases/take.html", form=form, case=case))


@bp.get("/<ref>/people/new")
@open_to("staff")
def new_person(ref: str) -> str:
    """Another person in this case."""
    case, _desk = kept_case(ref)
    return render_template("cases/person.html", form=PersonForm(), case=case, person=None)


@bp.post("/<ref>/people/new")
@open_to("staff")
def create_person(ref: str) -> Any:
    """Put another person into this case."""
    form = PersonForm()
    case, _desk = kept_case(ref)

    def act() -> str:
        with unit_of_work("cases.involve", acting(), f"case:{case.id}"):
            once(form)
            session = db.session()
            mine, _desk = kept_case(ref)
            names, was_open = _names(form), mine.audience > Audience.DESK
            person_id = _same_person(form, [n.text for n in names if n.kind != "pseudonym"])
            service.involve(session, mine, person_id or add_person(session, names, **_about(form)).id)
            if was_open and mine.audience <= Audience.DESK:
                said = _("The case is closed to the desk until it is recorded what they agree to.")
                flash(said, "warning")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(form, act, lambda: render_template("cases/person.html", form=form, case=case, person=None))


@bp.get("/<ref>/people/<public_id>")
@open_to("staff")
def person(ref: str, public_id: str) -> str:
    """A person of this case, to be changed."""
    case, _desk = kept_case(ref)
    somebody = _person_of(case, public_id)
    form = PersonForm(
        names="\n".join(n.text for n in somebody.real_names),
        pseudonym=somebody.pseudonym,
        pronouns=somebody.pronouns,
        occupation=somebody.occupation,
        born=born_in_words(somebody),
        version=str(somebody.version),
    )
    return render_template("cases/person.html", form=form, case=case, person=somebody)


@bp.post("/<ref>/people/<public_id>")
@open_to("staff")
def change_person(ref: str, public_id: str) -> Any:
    """Change a person of this case."""
    form = PersonForm()
    case, _desk = kept_case(ref)
    somebody = _person_of(case, public_id)

    def act() -> str:
        with unit_of_work("people.edit", acting(), f"person:{somebody.id}"):
            once(form)
            mine, _desk = kept_case(ref)
            known, published = {n.text: n.kind for n in somebody.real_names}, somebody.pseudonym
            edit_person(
                db.session(),
                _person_of(mine, public_id),
                [n if n.kind == "pseudonym" else NameGiven(n.text, known.get(n.text, n.kind)) for n in _names(form)],
                version=form.expected_version,
                **_about(form),
            )
            theirs = select(Involvement.case_id).where(Involvement.person_id == somebody.id)
            for each in db.session.scalars(select(Case).where(Case.id.in_(theirs))):
                # What was written with the name they had is written anew.
                each.version += 0 if somebody.pseudonym == published else 1
                touch(each.id)
            flash(_("Saved."), "good")
            return led_to(form, url_for("pages.case_file", ref=ref))

    return submit(
        form,
        act,
        lambda: render_template("cases/person.html", form=form, case=case, person=somebody),
        version_now=lambda: get_person(db.session(), public_id).version,
    )


def _same_person(form: NewCaseForm | PersonForm, names: Sequence[str]) -> int | None:
    """The person on record who is meant; None: nobody is called alike, or it is somebody else. Refused, with the
    candidates to choose from, while the reader has not said: the same person may be arrested again, and two people may
    share a name."""
    session = db.session()
    known_of = (
        select(Involvement.person_id)
        .join(Case, Case.id == Involvement.case_id)
        .where(level(viewer().id) <= Audience.DESK)
    )
    alike = {p.id: p for name in names for p in list_namesakes(session, name, known_of)}
    if not alike:
        return None
    refs: dict[int, list[str]] = {}
    for person_id, ref in session.execute(
        select(Involvement.person_id, Case.ref)
        .join(Case, Case.id == Involvement.case_id)
        .where(Involvement.person_id.in_(alike), level(viewer().id) <= Audience.DESK)
        .order_by(Case.ref)
    ):
        refs.setdefault(person_id, []).append(ref)
    form.same_as.choices = [(str(p.id), f"{p.name} ({', '.join(refs[p.id])})") for p in alike.values()]
    form.same_as.choices.append(("new", _("Somebody else")))
    said = str(form.same_as.data or "")
    if said == "new":
        return None
    if said.isdigit() and int(said) in alike:
        return int(said)
    raise Refused(_("Somebody of a like name is on record. Is it the same person?"), "same_as")


def _person_of(case: Case, public_id: str) -> Person:
    found = get_person(db.session(), public_id)
    if not db.session.scalar(
        select(Involvement.id).where(Involvement.case_id == case.id, Involvement.person_id == found.id)
    ):
        raise NotFound(_("There is no such person in this case."))
    return found


def _own_desks() -> list[Desk]:
    return [membership.desk for membership in viewer().memberships]


def _choices(form: CaseForm, desks: Sequence[Desk], case: Case | None = None) -> None:
    """Fill in who can keep a case and who can be named, and on which desk a new one can be. Whoever keeps the case or
    is named already stays on offer, so that saving something else takes nobody away unseen."""
    session = db.session()
    staff = session.execute(
        select(User.id, name_to(viewer()).label("name"))
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.desk_id.in_([d.id for d in desks]), User.active, User.role != "volunteer")
        .order_by("name")
        .distinct()
    ).all()
    here = [(str(u.id), u.name) for u in staff]
    for field, held in ((form.owner_id, case and case.owner_id), (form.deputy_id, case and case.deputy_id)):
        gone = session.get(User, held) if held and str(held) not in dict(here) else None
        field.choices = [("", _("nobody yet")), *here, *([_no_longer_here(gone)] if gone else [])]
    others = [u for u in service.list_named(session, case) if str(u.id) not in dict(here)] if case else []
    form.named.choices = [*here, *((str(u.id), _called(u)) for u in others)]
    if case is not None and case.stage == "closed":
        # A closed case keeps its stage here; reopening is an act of its own.
        form.stage.choices = [("closed", _("closed"))]
    if isinstance(form, NewCaseForm):
        form.desk_id.choices = [(str(d.id), d.name) for d in desks]


def _no_longer_here(user: User) -> tuple[str, str]:
    return str(user.id), _("%(name)s (no longer on the desk)", name=_called(user))


def _called(user: User) -> str:
    """What this reader sees an account called."""
    return str(db.session.scalar(select(name_to(viewer())).where(User.id == user.id)))


def _fields(form: CaseForm, *, new_case: bool = False) -> dict[str, Any]:
    """What the form says, in the words of the service."""
    session = db.session()
    fields: dict[str, Any] = {
        "title": form.title.data or "",
        "summary": form.summary.data or "",
        "risk": form.risk.data,
        "stage": form.stage.data,
        "audience": Audience.from_code(form.audience.data),
        "country": check_country(form.country.data, "country") if form.country.data else None,
        "responsible_state": (
            check_country(form.responsible_state.data, "responsible_state") if form.responsible_state.data else None
        ),
    }
    chosen = [int(number) for number in form.named.data or ()]
    fields["named"] = session.scalars(select(User).where(User.id.in_(chosen))).all()
    owner, deputy = (int(f.data) if f.data else None for f in (form.owner_id, form.deputy_id))
    if new_case:
        return fields | {
            "owner": session.get(User, owner) if owner else None,
            "deputy": session.get(User, deputy) if deputy else None,
        }
    return fields | {"owner_id": owner, "deputy_id": deputy}


def _names(form: PersonForm) -> list[NameGiven]:
    real = [NameGiven(line) for line in (form.names.data or "").splitlines() if line.strip()]
    return [*real, *([NameGiven(form.pseudonym.data, "pseudonym")] if form.pseudonym.data else [])]


def _about(form: PersonForm) -> dict[str, Any]:
    """What the form says of a person beside their names."""
    return {
        "pronouns": form.pronouns.data or "",
        "occupation": form.occupation.data or "",
        "born": parse_stated_date(form.born.data, "born") if form.born.data else None,
    }
