"""The volunteer's way: what to write now, the letter, its print, the calls, and saying that it was done."""

from collections.abc import Sequence
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
    find_target_id,
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
from tracker.targets.queries import list_hosts

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
    try:
        action, case = _open_action(session, user, public_id)
    except Ended as ended:
        note(queries.opened(session, user, ended.action, now))
        raise
    note(queries.opened(session, user, action, now))
    targets = list_targets_of(session, action)
    response = make_response(_take_page(session, user, action, case, targets, _did_form(user, targets)))
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
    action, case = _open_action(session, user, public_id)
    targets = list_targets_of(session, action)
    form = _did_form(user, targets)

    def act() -> str:
        with unit_of_work("steps.record", acting(), f"action:{action.id}"):
            once(form)
            mine, _case = _open_action(db.session(), user, public_id)
            service.record_step(
                db.session(),
                mine,
                channel=form.channel.data,
                count=form.count.data,
                done_on=form.done_on.data,
                target_id=find_target_id(db.session(), mine, form.target.data),
                user=viewer(),
                zone=viewer().reading_zone,
                again_is_meant=bool(form.confirm.data),
            )
            return led_to(form, url_for("steps.thanks", public_id=public_id))

    return submit(form, act, lambda: _take_page(db.session(), user, action, case, targets, form))


@bp.get("/<public_id>/thanks")
@open_to("signed_in")
def thanks(public_id: str) -> Any:
    """What was taken down, what comes next, and the way to take it back."""
    user, now, session = viewer(), clock.now(), db.session()
    action, case = _open_action(session, user, public_id)
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
            try:
                action, _case = _open_action(session, user, public_id)
            except Ended as ended:
                action = ended.action
            service.undo_step(session, viewer(), action, step_id)
            flash(_("Taken back. It is not counted any more."), "good")
            return led_to(form, back)

    return submit(form, act, lambda: render_template("steps/undo.html", form=form, back=back))


@bp.get("/<public_id>/print")
@open_to("signed_in")
def letter_print(public_id: str) -> Any:
    """The letter on paper, with its address block and where to look before posting."""
    user, now, session = viewer(), clock.now(), db.session()
    action, case = _open_action(session, user, public_id)
    if devices.is_here(case):
        return redirect(url_for("steps.take", public_id=public_id), 303)
    note(queries.opened(session, user, action, now, printed=True))
    letter, target = _chosen(list_letters(session, action), list_targets_of(session, action))
    paper, today = request.args.get("paper", "a4"), today_in(user.reading_zone, now)
    check = url_for("steps.check", code=action.short_code, _external=True)
    return render_template(
        "steps/print.html",
        action=action,
        letter=letter,
        text=letter.text_to(target),
        target=target,
        called=called(action),
        paper=paper if paper in devices.PAPERS else "a4",
        large=request.args.get("large") == "yes",
        rtl=right_to_left(letter.language),
        check=check,
        qr=devices.qr(check),
        today=today,
        copy=queries.find_copy(session, action, case, target, devices.chosen_country(session, user), today),
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
    action, case = _open_action(session, user, public_id)
    if devices.is_here(case):
        return redirect(url_for("steps.take", public_id=public_id), 303)
    note(queries.opened(session, user, action, now))
    targets = list_targets_of(session, action)
    letter, _target = _chosen(list_letters(session, action), targets)
    return render_template(
        "steps/calls.html",
        action=action,
        case=case,
        called=called(action),
        letter=letter,
        targets=[target for target in targets if target.phone],
        rtl=right_to_left(letter.language),
    )


@bp.post("/<public_id>/here")
@open_to("signed_in")
def here(public_id: str) -> Any:
    """Keep on this device that somebody is in, or travels to, the country of the case; or that they are not."""
    user, session = viewer(), db.session()
    back = redirect(url_for("steps.take", public_id=public_id), 303)
    try:
        _action, case = _open_action(session, user, public_id)
    except Ended:
        return back
    if not HereForm().validate_on_submit():
        return back
    countries, mine = devices.heres(), devices.countries_of(case)
    response = make_response(back)
    devices.keep_heres(response, countries - mine if request.form.get("off") else countries | mine)
    return response


# Parts of these -------------------------------------------------------------------------------------------------------


class Ended(Exception):
    """An action that may not be taken (any more): that is all its reader is told. `words`: what staff chose to say of
    it, where the reader may know of its case still."""

    def __init__(self, action: UrgentAction, words: str = "") -> None:
        super().__init__()
        self.action = action
        self.words = words


def _open_action(session: Session, user: User, public_id: str) -> tuple[UrgentAction, Case]:
    """An action this reader can take, with its case. Ended where all they are told is that it may not be taken;
    NotFound where they may know of none."""
    try:
        action, case, _rung = find_for(session, user, public_id)
    except NotFound:
        told = queries.find_told(session, user, public_id)
        if told is None:
            raise
        # A case that was closed to this reader keeps its words to itself: the house's own name nobody.
        raise Ended(told) from None
    if action.state == "draft":
        raise NotFound(_("There is no such action that you may see."))
    if stands(action.state, action.act_until_at, clock.now()) != "active":
        raise Ended(action, action.public_words)
    return action, case


@bp.errorhandler(Ended)
def say_ended(ended: Ended) -> tuple[str, int]:
    """The page of what ended: it says so, and nothing else."""
    action = ended.action
    state = stands(action.state, action.act_until_at, clock.now())
    key = "death" if action.state_reason in ("death", "death_reported") else state
    page = render_template(
        "steps/ended.html",
        words=ended.words or label("stopped" if state == "active" else key, "action_public_words"),
        number=called(action) if action.ua_sequence is not None else "",
        state="stopped" if state == "active" else state,
        wrote=queries.wrote_for(db.session(), viewer(), [action.id]).get(action.id),
    )
    return page, 200 if request.method == "GET" else 409


def _take_page(
    session: Session, user: User, action: UrgentAction, case: Case, targets: Sequence[Target], form: DidItForm
) -> str:
    now = clock.now()
    here = devices.is_here(case)
    letters = list_letters(session, action)
    letter, target = _chosen(letters, targets)
    writes_from = devices.chosen_country(session, user)
    country = case.responsible_state or case.country or target.country
    today = today_in(user.reading_zone, now)
    embassy = queries.find_copy(session, action, case, target, writes_from, today)
    text = letter.text_to(target)
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
        followed=_followed(session, user, action),
        text=text,
        target=target,
        targets=targets,
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


def _followed(session: Session, user: User, action: UrgentAction) -> dict[str, Any] | None:
    """The action of which this one is an update, and when this reader wrote for it; None: there is none, or none they
    may know of."""
    previous = session.get(UrgentAction, action.previous_id) if action.previous_id else None
    if previous is None:
        return None
    try:
        find_for(session, user, previous.public_id)
    except NotFound:
        return None
    wrote = queries.wrote_for(session, user, [previous.id]).get(previous.id)
    return {"public_id": previous.public_id, "called": called(previous), "wrote": wrote}


def _chosen(letters: Sequence[ActionLetter], targets: Sequence[Target]) -> tuple[ActionLetter, Target]:
    """The letter and the target the address asks for: else the first target, and the letter in the language it is best
    written to in, in the reader's, or the first there is."""
    wanted = request.args.get("to", "")
    target = next((t for t in targets if t.public_id == wanted), targets[0])
    by_language = {letter.language: letter for letter in letters}
    reader = str(get_locale() or "en").partition("_")[0]
    language = rules.best_letter(list(by_language), (request.args.get("letter", ""), target.language, reader))
    return by_language[language], target


def _did_form(user: User, targets: Sequence[Target]) -> DidItForm:
    form = DidItForm()
    form.target.choices = [("", _("not said")), *((t.public_id, t.title) for t in targets)]
    if request.method == "GET":
        form.done_on.data = today_in(user.reading_zone, clock.now())
        form.target.data = targets[0].public_id if len(targets) == 1 else ""
    return form
