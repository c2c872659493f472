"""Pages on which staff write an urgent action, open it, put it on hold and stop it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.models import Desk
from tracker.actions import service
from tracker.actions.access import kept_action
from tracker.actions.forms import (
    ActionForm,
    CloseForm,
    ExtendForm,
    HoldForm,
    LetterForm,
    NewActionForm,
    ResumeForm,
    StopForm,
)
from tracker.actions.models import ActionLetter, UrgentAction
from tracker.actions.queries import called, list_letters, list_next_to, list_targets_of, next_update
from tracker.actions.rules import MINUTES, UaNumber, stands
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import today_in
from tracker.base.db import db
from tracker.base.errors import NotFound
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.once import new_token
from tracker.base.words import say_date
from tracker.base.work import unit_of_work
from tracker.cases.access import kept_case, rung_of
from tracker.cases.models import Case
from tracker.targets.models import Target
from tracker.targets.queries import list_officials

bp = Blueprint("actions", __name__, url_prefix="/cases/<ref>/actions")


@bp.get("/new")
@open_to("staff")
def new(ref: str) -> str:
    """An empty action; with `?follows=`, an update of that one, which holds what it said to be written anew."""
    case, desk = kept_case(ref)
    today = today_in(desk.zone, clock.now())
    said: dict[str, Any] = {"issued_on": today, "audience": Audience.VOLUNTEERS.code}
    previous = _followed(ref, request.args.get("follows"))
    if previous is not None:
        said |= _update_of(previous)
    return _new_page(NewActionForm(**said), case, desk, previous)


@bp.post("/new")
@open_to("staff")
def draft(ref: str) -> Any:
    """Write it down as a draft, with its first letter."""
    case, desk = kept_case(ref)
    form = NewActionForm()
    previous = _followed(ref, form.follows.data)
    _offer(form, desk, previous)

    def act() -> str:
        with unit_of_work("actions.draft", acting(), f"case:{case.id}"):
            once(form)
            mine, _desk = kept_case(ref)
            action = service.draft_action(
                db.session(),
                mine,
                **_said(form),
                previous=_followed(ref, form.follows.data),
                targets=_targets(form, desk, previous),
                letters=[_letter(form)],
            )
            flash(_("Kept as a draft. Read it as volunteers will, and open it."), "good")
            return led_to(form, url_for("actions.show", ref=ref, public_id=action.public_id))

    return submit(form, act, lambda: _new_page(form, case, desk, previous))


@bp.get("/<public_id>")
@open_to("staff")
def show(ref: str, public_id: str) -> str:
    """An action as staff keep it: where it stands, its letters, whom it goes to, and what can be done with it."""
    case, action, desk = kept_action(ref, public_id)
    session, now = db.session(), clock.now()
    previous, updates = list_next_to(session, action, rung_of(case))
    return render_template(
        "actions/show.html",
        case=case,
        action=action,
        previous=previous,
        updates=updates,
        name_of=called,
        called=called(action),
        state=stands(action.state, action.act_until_at, now),
        letters=list_letters(session, action),
        targets=list_targets_of(session, action),
        today=today_in(desk.zone, now),
        once=new_token(),
        now=now,
        zone=viewer().reading_zone,
    )


@bp.get("/<public_id>/edit")
@open_to("staff")
def edit(ref: str, public_id: str) -> str:
    """What an action says."""
    case, action, desk = kept_action(ref, public_id)
    form = ActionForm(
        obj=action,
        ua_number=called(action) if action.ua_sequence is not None else "",
        targets=[target.public_id for target in list_targets_of(db.session(), action)],
        version=str(action.version),
    )
    # What the row holds is no code, and would win over one given beside it.
    form.audience.data = action.audience.code
    _offer(form, desk, action)
    return render_template("actions/edit.html", form=form, case=case, action=action, called=called(action))


@bp.post("/<public_id>/edit")
@open_to("staff")
def change(ref: str, public_id: str) -> Any:
    """Change it."""

    def do(case: Case, action: UrgentAction, desk: Desk, form: ActionForm) -> str:
        service.edit_action(
            db.session(),
            case,
            action,
            version=form.expected_version,
            targets=_targets(form, desk, action),
            **_said(form),
        )
        return _("Saved.")

    return _answer(ref, public_id, "edit", ActionForm(), do)


@bp.get("/<public_id>/letters/<language>")
@open_to("staff")
def letter(ref: str, public_id: str, language: str) -> str:
    """A letter in one language; `new` is an empty one."""
    case, action, _desk = kept_action(ref, public_id)
    found = None if language == "new" else _letter_in(action, language)
    form = LetterForm(obj=found, version=str(action.version))
    return render_template("actions/letter.html", form=form, case=case, action=action, called=called(action))


@bp.post("/<public_id>/letters/<language>")
@open_to("staff")
def write_letter(ref: str, public_id: str, language: str) -> Any:
    """Write the letter: whoever opens the action from now on reads it."""

    def do(_case: Case, action: UrgentAction, _desk: Desk, form: LetterForm) -> str:
        given = _letter(form)
        another = given.language != language
        service.write_letter(db.session(), action, given, version=form.expected_version, another=another)
        return _("Saved.")

    return _answer(ref, public_id, "letter", LetterForm(), do)


@bp.get("/<public_id>/letters/<language>/remove")
@open_to("staff")
def ask_remove_letter(ref: str, public_id: str, language: str) -> str:
    """Whether the letter in one language is meant."""
    _case, action, _desk = kept_action(ref, public_id)
    _letter_in(action, language)
    return _ask(ref, public_id, "remove_letter", HouseForm(), language)


@bp.post("/<public_id>/letters/<language>/remove")
@open_to("staff")
def remove_letter(ref: str, public_id: str, language: str) -> Any:
    """Take it away: nobody writes in that language any more."""

    def do(_case: Case, action: UrgentAction, _desk: Desk, form: HouseForm) -> str:
        _letter_in(action, language)
        service.remove_letter(db.session(), action, language, version=form.expected_version)
        return _("Taken away.")

    return _answer(ref, public_id, "remove_letter", HouseForm(), do, language)


def _letter_in(action: UrgentAction, language: str) -> ActionLetter:
    found = next((item for item in list_letters(db.session(), action) if item.language == language), None)
    if found is None:
        raise NotFound(_("There is no letter in that language."))
    return found


@bp.post("/<public_id>/activate")
@open_to("staff")
def activate(ref: str, public_id: str) -> Any:
    """Open it: it can be taken from now on."""

    def do(case: Case, action: UrgentAction, _desk: Desk, form: HouseForm) -> str:
        service.activate_action(db.session(), case, action, version=form.expected_version)
        return _("Open: it can be taken from now on.")

    return _answer(ref, public_id, "activate", HouseForm(), do)


@bp.get("/<public_id>/hold")
@open_to("staff")
def hold(ref: str, public_id: str) -> str:
    """Why nobody may write just now."""
    return _ask(ref, public_id, "hold", HoldForm())


@bp.post("/<public_id>/hold")
@open_to("staff")
def do_hold(ref: str, public_id: str) -> Any:
    """Put it on hold: the letter is withdrawn with the next request."""

    def do(case: Case, action: UrgentAction, _desk: Desk, form: HoldForm) -> str:
        service.hold_action(db.session(), case, action, reason=form.reason.data, words=form.words.data or "")
        return _("On hold: its letter is withdrawn everywhere.")

    return _answer(ref, public_id, "hold", HoldForm(), do)


@bp.get("/<public_id>/resume")
@open_to("staff")
def resume(ref: str, public_id: str) -> str:
    """Why it goes on."""
    return _ask(ref, public_id, "resume", ResumeForm())


@bp.post("/<public_id>/resume")
@open_to("staff")
def do_resume(ref: str, public_id: str) -> Any:
    """Let it go on."""

    def do(case: Case, action: UrgentAction, _desk: Desk, form: ResumeForm) -> str:
        service.resume_action(
            db.session(), case, action, reason=form.reason.data, version=form.expected_version or None
        )
        return _("It goes on: it can be taken again.")

    return _answer(ref, public_id, "resume", ResumeForm(), do)


@bp.get("/<public_id>/stop")
@open_to("staff")
def stop(ref: str, public_id: str) -> str:
    """Why nobody may write any more."""
    return _ask(ref, public_id, "stop", StopForm())


@bp.post("/<public_id>/stop")
@open_to("staff")
def do_stop(ref: str, public_id: str) -> Any:
    """Stop it for good."""

    def do(case: Case, action: UrgentAction, _desk: Desk, form: StopForm) -> str:
        service.stop_action(db.session(), case, action, reason=form.reason.data, words=form.words.data or "")
        return _("Stopped: its letter is withdrawn everywhere, and its page says so.")

    return _answer(ref, public_id, "stop", StopForm(), do)


@bp.get("/<public_id>/close")
@open_to("staff")
def close(ref: str, public_id: str) -> str:
    """Why it is closed; a link may propose a reason."""
    return _ask(ref, public_id, "close", CloseForm(reason=request.args.get("reason", "")))


@bp.post("/<public_id>/close")
@open_to("staff")
def do_close(ref: str, public_id: str) -> Any:
    """Close it."""

    def do(case: Case, action: UrgentAction, _desk: Desk, form: CloseForm) -> str:
        service.close_action(db.session(), case, action, reason=form.reason.data, words=form.words.data or "")
        return _("Closed.")

    return _answer(ref, public_id, "close", CloseForm(), do)


@bp.get("/<public_id>/extend")
@open_to("staff")
def extend(ref: str, public_id: str) -> str:
    """Until when it goes on."""
    return _ask(ref, public_id, "extend", ExtendForm())


@bp.post("/<public_id>/extend")
@open_to("staff")
def do_extend(ref: str, public_id: str) -> Any:
    """Put its last day off."""

    def do(case: Case, action: UrgentAction, _desk: Desk, form: ExtendForm) -> str:
        service.extend_action(
            db.session(), case, action, until=form.act_until.data, version=form.expected_version or None
        )
        return _("It goes on until %(day)s.", day=say_date(action.act_until))

    return _answer(ref, public_id, "extend", ExtendForm(), do)


# Parts of these -------------------------------------------------------------------------------------------------------


def _answer(ref: str, public_id: str, act: str, form: Any, do: Callable[..., str], language: str = "") -> Any:
    """Do one act on an action, or show its form again. `language`: of the letter it is about."""
    case, action, desk = kept_action(ref, public_id)
    if isinstance(form, ActionForm):
        _offer(form, desk, action)

    def run() -> str:
        with unit_of_work(f"actions.{act}", acting(), f"action:{action.id}"):
            once(form)
            mine, held, its_desk = kept_action(ref, public_id)
            said = do(mine, held, its_desk, form)
            flash(said, "good")
            return led_to(form, url_for("actions.show", ref=ref, public_id=public_id))

    template = f"actions/{act}.html" if act in ("edit", "letter") else "actions/ask.html"
    return submit(
        form,
        run,
        lambda: render_template(
            template, form=form, case=case, action=action, called=called(action), act=act, letter_in=language
        ),
        version_now=lambda: kept_action(ref, public_id)[1].version,
    )


def _ask(ref: str, public_id: str, act: str, form: HouseForm, language: str = "") -> str:
    case, action, _desk = kept_action(ref, public_id)
    form.version.data = str(action.version)
    return render_template(
        "actions/ask.html", form=form, case=case, action=action, called=called(action), act=act, letter_in=language
    )


def _new_page(form: NewActionForm, case: Case, desk: Desk, previous: UrgentAction | None) -> str:
    _offer(form, desk, previous)
    follows = called(previous) if previous is not None else ""
    return render_template("actions/new.html", form=form, case=case, follows=follows)


def _followed(ref: str, public_id: str | None) -> UrgentAction | None:
    """The action of this case of which an update is written; None: it is the first of its chain."""
    return kept_action(ref, public_id)[1] if public_id else None


def _update_of(previous: UrgentAction) -> dict[str, Any]:
    """What the form of an update begins with: what the action before it said, under the next number of its chain."""
    session = db.session()
    number = ""
    if previous.ua_sequence is not None and previous.ua_year is not None:
        number = str(UaNumber(previous.ua_sequence, previous.ua_year)) + f"-{next_update(session, previous)}"
    reader = str(get_locale() or "en").partition("_")[0]
    # One of them: in the language of whoever writes, where there is one.
    letter = sorted(list_letters(session, previous), key=lambda each: each.language != reader)[:1]
    return {
        "follows": previous.public_id,
        "ua_number": number,
        "targets": [target.public_id for target in list_targets_of(session, previous)],
        "audience": previous.audience.code,
        **{name: getattr(previous, name) for name in ("title", "summary", "cautions", "minutes", "copy_to_embassy")},
        **{name: getattr(each, name) for each in letter for name in ("language", "subject", "salutation", "body")},
    }


def _offer(form: ActionForm, desk: Desk, action: UrgentAction | None = None) -> None:
    form.targets.choices = [(target.public_id, target.title) for target in _choosable(desk, action)]


def _targets(form: ActionForm, desk: Desk, action: UrgentAction | None = None) -> list[Target]:
    choosable = {target.public_id: target for target in _choosable(desk, action)}
    return [choosable[code] for code in form.targets.data or () if code in choosable]


def _choosable(desk: Desk, action: UrgentAction | None) -> list[Target]:
    """Officials in office, and whom the action names already: who left office since stays until staff take them off."""
    officials = list_officials(db.session(), today_in(desk.zone, clock.now()))
    named = list_targets_of(db.session(), action) if action is not None else ()
    return [*officials, *(target for target in named if target not in officials)]


def _said(form: ActionForm) -> dict[str, Any]:
    said = {
        "title": form.title.data or "",
        "ua_number": form.ua_number.data or "",
        "index_number": form.index_number.data or "",
        "summary": form.summary.data or "",
        "cautions": form.cautions.data or "",
        "minutes": MINUTES if form.minutes.data is None else form.minutes.data,
        "copy_to_embassy": bool(form.copy_to_embassy.data),
        "audience": Audience.from_code(form.audience.data),
    }
    days = {"issued_on": form.issued_on.data, "act_until": form.act_until.data}
    return said | {name: day for name, day in days.items() if day is not None}


def _letter(form: Any) -> service.LetterGiven:
    return service.LetterGiven(
        language=form.language.data.strip().lower(),
        subject=form.subject.data or "",
        salutation=form.salutation.data or "",
        body=form.body.data or "",
    )
