"""The volunteer's way: what to write now, the letter, its print, the calls, and saying that it was done."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.models import User
from tracker.actions.models import ActionLetter, UrgentAction
from tracker.actions.queries import (
    called,
    find_for,
    languages_of,
    list_letters,
    list_open_to,
    list_targets_of,
)
from tracker.actions.rules import stands
from tracker.base import clock
from tracker.base.countries import country_name
from tracker.base.dates import today_in
from tracker.base.db import db, note
from tracker.base.errors import NotFound
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.labels import label
from tracker.base.languages import name_of_language, right_to_left
from tracker.base.once import new_token
from tracker.base.work import unit_of_work
from tracker.cases.models import Case
from tracker.steps import devices, queries, rules, service
from tracker.steps.forms import DidItForm, HereForm
from tracker.targets.models import Target
from tracker.targets.queries import find_embassy, list_hosts

bp = Blueprint("steps", __name__, url_prefix="/actions")


@bp.context_processor
def of_the_device() -> dict[str, Any]:
    """On a device that is in, or travels to, a country of a case, no page of these says in its title what it is."""
    return {"neutral": bool(devices.heres())}


@bp.get("")
@open_to("signed_in")
def write_now() -> str:
    """All actions the reader can take now, the nearest last day first."""
    user, now, session = viewer(), clock.now(), db.session()
    listed = list_open_to(session, user, now, 200)
    numbers = [action.id for action, _case in listed]
    return render_template(
        "steps/write_now.html",
        listed=listed,
        languages=languages_of(session, numbers),
        wrote=queries.wrote_for(session, user, numbers),
        withdrawn=queries.list_withdrawn(session, user, now),
        called=called,
        now=now,
    )


@bp.get("/<public_id>")
@open_to("signed_in")
def take(public_id: str) -> Any:
    """The case in short, the letter, and *I did it*. What ended says so, and nothing else."""
    user, now, session = viewer(), clock.now(), db.session()
    found = _open_action(session, user, public_id)
    if isinstance(found, UrgentAction):
        note(queries.opened(session, user, found, now))
        return _ended_page(session, user, found)
    action, case = found
    note(queries.opened(session, user, action, now))
    response = make_response(_take_page(session, user, action, case, _did_form(session, user, action)))
    if "from" in request.args:
        devices.keep_writes_from(response, devices.chosen_country(session, user))
    return response


@bp.record_once
def put_short_addresses(state: Any) -> None:
    """Addresses that are typed from paper stand at the root, so that they are short."""
    state.app.add_url_rule("/c/<code>", "steps.check", check)


@open_to("signed_in")
def check(code: str) -> Any:
    """Where a printed letter says to look before it is posted: leads to the page of its action. Who may know of none by
    that word is answered alike whether there is one."""
    action = queries.find_by_code(db.session(), viewer(), code.strip().lower())
    return redirect(url_for("steps.take", public_id=action), 303)


@bp.post("/<public_id>/did-it")
@open_to("signed_in")
def did_it(public_id: str) -> Any:
    """Take down what was done."""
    user, session = viewer(), db.session()
    found = _open_action(session, user, public_id)
    if isinstance(found, UrgentAction):
        return _ended_page(session, user, found), 409
    action, case = found
    form = _did_form(session, user, action)

    def act() -> str:
        with unit_of_work("steps.record", acting(), f"action:{action.id}"):
            once(form)
            mine = _open_action(db.session(), user, public_id)
            if isinstance(mine, UrgentAction):
                return url_for("steps.take", public_id=public_id)
            service.record_step(
                db.session(),
                mine[0],
                channel=form.channel.data,
                count=form.count.data,
                done_on=form.done_on.data,
                target_id=_target_id(db.session(), mine[0], form.target.data),
                user=viewer(),
                zone=viewer().reading_zone,
                again_is_meant=bool(form.confirm.data),
            )
            return led_to(form, url_for("steps.thanks", public_id=public_id))

    return submit(form, act, lambda: _take_page(db.session(), user, action, case, form))


@bp.get("/<public_id>/thanks")
@open_to("signed_in")
def thanks(public_id: str) -> Any:
    """What was taken down, what comes next, and the way to take it back."""
    user, now, session = viewer(), clock.now(), db.session()
    found = _open_action(session, user, public_id)
    if isinstance(found, UrgentAction):
        return _ended_page(session, user, found)
    action, case = found
    others = [row for row in list_open_to(session, user, now, 4) if row[0].id != action.id]
    return render_template(
        "steps/thanks.html",
        action=action,
        case=case,
        called=called(action),
        mine=queries.list_own_steps(session, user, action),
        undo_from=now - service.UNDO_WITHIN,
        public=rules.public_count(queries.total_of(session, [action.id]).get(action.id, 0)),
        others=others[:3],
        others_called=called,
        once=new_token(),
        now=now,
    )


@bp.post("/<public_id>/steps/<step_id>/undo")
@open_to("signed_in")
def undo(public_id: str, step_id: str) -> Any:
    """Take back what one said."""
    form, user = HouseForm(), viewer()
    back = url_for("steps.take", public_id=public_id)

    def act() -> str:
        with unit_of_work("steps.undo", acting(), "action"):
            once(form)
            session = db.session()
            found = _open_action(session, user, public_id)
            action = found if isinstance(found, UrgentAction) else found[0]
            service.undo_step(session, viewer(), action, step_id)
            flash(_("Taken back. It is not counted any more."), "good")
            return led_to(form, back)

    return submit(form, act, lambda: render_template("steps/undo.html", form=form, back=back))


@bp.get("/<public_id>/print")
@open_to("signed_in")
def letter_print(public_id: str) -> Any:
    """The letter on paper, with its address block and where to look before posting."""
    user, now, session = viewer(), clock.now(), db.session()
    found = _open_action(session, user, public_id)
    if isinstance(found, UrgentAction):
        return _ended_page(session, user, found)
    action, case = found
    if devices.is_here(case):
        return redirect(url_for("steps.take", public_id=public_id), 303)
    note(queries.opened(session, user, action, now, printed=True))
    letter, target = _chosen(session, action)
    paper = request.args.get("paper", "a4")
    check = url_for("steps.check", code=action.short_code, _external=True)
    return render_template(
        "steps/print.html",
        action=action,
        letter=letter,
        text=_text(letter, target),
        target=target,
        called=called(action),
        paper=paper if paper in devices.PAPERS else "a4",
        large=request.args.get("large") == "yes",
        rtl=right_to_left(letter.language),
        check=check,
        qr=devices.qr(check),
        today=today_in(user.reading_zone, now),
        other=lambda paper, large: url_for(
            "steps.letter_print",
            public_id=public_id,
            letter=letter.language,
            to=target.public_id,
            paper=paper,
            large="yes" if large else None,
        ),
    )


@bp.get("/<public_id>/calls")
@open_to("signed_in")
def calls(public_id: str) -> Any:
    """Whom to ring, and what to say."""
    user, now, session = viewer(), clock.now(), db.session()
    found = _open_action(session, user, public_id)
    if isinstance(found, UrgentAction):
        return _ended_page(session, user, found)
    action, case = found
    if devices.is_here(case):
        return redirect(url_for("steps.take", public_id=public_id), 303)
    note(queries.opened(session, user, action, now))
    letter, _target = _chosen(session, action)
    return render_template(
        "steps/calls.html",
        action=action,
        case=case,
        called=called(action),
        letter=letter,
        targets=[target for target in list_targets_of(session, action) if target.phone],
        rtl=right_to_left(letter.language),
    )


@bp.post("/<public_id>/here")
@open_to("signed_in")
def here(public_id: str) -> Any:
    """Keep on this device that somebody is in, or travels to, the country of the case; or that they are not."""
    user, session = viewer(), db.session()
    found = _open_action(session, user, public_id)
    back = redirect(url_for("steps.take", public_id=public_id), 303)
    form = HereForm()
    if isinstance(found, UrgentAction) or not form.validate_on_submit():
        return back
    countries, mine = devices.heres(), devices.countries_of(found[1])
    response = make_response(back)
    devices.keep_heres(response, countries - mine if request.form.get("off") else countries | mine)
    return response


# Parts of these -------------------------------------------------------------------------------------------------------


def _open_action(session: Session, user: User, public_id: str) -> tuple[UrgentAction, Case] | UrgentAction:
    """An action this reader can take, with its case; or the action alone, where all they are told is that it may not be
    taken (any more). NotFound where they may know of none."""
    now = clock.now()
    try:
        action, case, _rung = find_for(session, user, public_id)
    except NotFound:
        told = queries.find_told(session, user, public_id)
        if told is None:
            raise
        return told
    if stands(action.state, action.act_until_at, now) == "active":
        return action, case
    if action.state == "draft":
        raise NotFound(_("There is no such action that you may see."))
    return action


def _ended_page(session: Session, user: User, action: UrgentAction) -> str:
    try:
        words = find_for(session, user, action.public_id)[0].public_words
    except NotFound:
        # A case that was closed to this reader keeps its words to itself: the house's own name nobody.
        words = ""
    state = stands(action.state, action.act_until_at, clock.now())
    key = "death" if action.state_reason in ("death", "death_reported") else state
    wrote = queries.wrote_for(session, user, [action.id]).get(action.id)
    return render_template(
        "steps/ended.html",
        words=words or label("stopped" if state == "active" else key, "action_public_words"),
        number=called(action) if action.ua_sequence is not None else "",
        state="stopped" if state == "active" else state,
        wrote=wrote,
    )


def _take_page(session: Session, user: User, action: UrgentAction, case: Case, form: DidItForm) -> str:
    now = clock.now()
    here = devices.is_here(case)
    letters = list_letters(session, action)
    letter, target = _chosen(session, action, letters)
    writes_from = devices.chosen_country(session, user)
    embassy = None
    country = case.responsible_state or case.country or target.country
    today = today_in(user.reading_zone, now)
    if action.copy_to_embassy and writes_from:
        embassy = find_embassy(session, country, writes_from, today)
    text = _text(letter, target)
    cc = embassy.email if embassy else ""
    address = rules.mailto(target.email, cc=cc, subject=letter.subject, body=text) if target.email else ""
    return render_template(
        "steps/take.html",
        action=action,
        case=case,
        called=called(action),
        form=form,
        here=here,
        letter=letter,
        languages=[(item.language, name_of_language(item.language)) for item in letters],
        text=text,
        target=target,
        targets=list_targets_of(session, action),
        embassy=embassy,
        country_name=country_name,
        hosts=list_hosts(session, country, today) if action.copy_to_embassy else (),
        writes_from=writes_from,
        mailto=address,
        mailto_empty=rules.mailto(target.email, cc=cc, subject=letter.subject) if target.email else "",
        gauge=rules.gauge(address),
        fits=rules.FITS,
        at_most=rules.AT_MOST,
        rtl=right_to_left(letter.language),
        mine=queries.list_own_steps(session, user, action),
        undo_from=now - service.UNDO_WITHIN,
        public=rules.public_count(queries.total_of(session, [action.id]).get(action.id, 0)),
        fresh=new_token,
        today=today,
        now=now,
        zone=user.reading_zone,
    )


def _chosen(session: Session, action: UrgentAction, letters: Any = None) -> tuple[ActionLetter, Target]:
    """The letter and the target the address asks for: else the first target, and the letter in the language it is best
    written to in, in the reader's, or the first there is."""
    letters = letters if letters is not None else list_letters(session, action)
    targets = list_targets_of(session, action)
    wanted = request.args.get("to", "")
    target = next((t for t in targets if t.public_id == wanted), targets[0])
    by_language = {letter.language: letter for letter in letters}
    reader = str(get_locale() or "en").partition("_")[0]
    language = rules.best_letter(list(by_language), (request.args.get("letter", ""), target.language, reader))
    return by_language[language], target


def _text(letter: ActionLetter, target: Target) -> str:
    """The letter with its first line: its own, or that of the one it goes to, where that is in its language."""
    salutation = letter.salutation or (target.salutation if target.language == letter.language else "")
    return rules.whole_letter(salutation, letter.body)


def _did_form(session: Session, user: User, action: UrgentAction) -> DidItForm:
    form = DidItForm()
    targets = list_targets_of(session, action)
    form.target.choices = [("", _("not said")), *((t.public_id, t.title) for t in targets)]
    if request.method == "GET":
        form.done_on.data = today_in(user.reading_zone, clock.now())
        form.target.data = targets[0].public_id if len(targets) == 1 else ""
    return form


def _target_id(session: Session, action: UrgentAction, public_id: str | None) -> int | None:
    return next((t.id for t in list_targets_of(session, action) if t.public_id == public_id), None)
