"""Signing in and out, one's own account, the settings of a desk."""

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_security import hash_password, logout_user
from wtforms.fields.choices import SelectChoice

from tracker.accounts import queries, rules, service, signing_in
from tracker.accounts.forms import WEEKDAYS, AccountForm, DeskSettingsForm, PasswordForm, ShownForm, SignInForm
from tracker.accounts.guard import acting, in_safety, open_to, safe_address, viewer
from tracker.accounts.models import Desk, User
from tracker.accounts.reaching import find_own, say_reached
from tracker.accounts.rules import describe_device, is_away
from tracker.accounts.trying import (
    check_password,
    forgive,
    limits_just_passed,
    refuse_too_many,
    refuse_too_many_aliases,
)
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import NotAllowed, Refused, VersionConflict
from tracker.base.languages import known_languages
from tracker.base.words import isolate
from tracker.base.work import STRANGER, Actor, note_done, unit_of_work

bp = Blueprint("accounts", __name__)

#: Zones offered are named after places; the others there are (US/Eastern) are other names of these.
CONTINENTS = tuple(
    f"{c}/" for c in ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)

#: One sentence for a wrong address, a wrong password and a closed account: strangers learn nothing from it.
NOT_RIGHT = _l("The e-mail address or the password is not right.")

#: Said to everybody alike who tried too often.
TOO_MANY = _l("Too many tries. Wait a quarter of an hour, then try again.")


@bp.get("/sign-in")
@open_to("anyone")
@in_safety(closed="answers")
def sign_in() -> Any:
    """The sign-in form."""
    if current_user.is_authenticated:
        return redirect(safe_address(request.args.get("next")), 303)
    form = SignInForm(next=request.args.get("next", ""))
    return render_template("accounts/sign_in.html", form=form)


@bp.post("/sign-in")
@open_to("anyone")
@in_safety(read_only=True, closed="answers")
def check_sign_in() -> Any:
    """Look at what was written, and begin a sign-in, ask for the second factor, or say that it is not right.

    The password is hashed before the unit of work is opened: on SQLite that takes the one lock of all writers.
    """
    if current_user.is_authenticated:
        return redirect(safe_address(request.form.get("next")), 303)
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("accounts/sign_in.html", form=form), 422
    email, password = str(form.email.data), str(form.password.data)
    address = request.remote_addr or ""
    if refuse_too_many(email, address, clock.now()):
        passed = limits_just_passed(db.session(), email, address)
        if passed:
            with unit_of_work("accounts.refuse", STRANGER):
                note_done("sign_in_tries", None, limits=passed)
        form.form_errors.append(str(TOO_MANY))
        return render_template("accounts/sign_in.html", form=form), 429
    proof = check_password(db.session(), email, password)
    if proof is not None:
        with unit_of_work("accounts.sign_in", Actor("user", proof.user_id, proof.name)) as now:
            user = proof.account(db.session())
            if user is not None:
                forgive(db.session(), email, address)
                device = describe_device(request.user_agent.string)
                return redirect(signing_in.go_on(user, device, form.next.data, now), 303)
            note_done("sign_ins", None, user_id=proof.user_id, refused=True)
    form.form_errors.append(str(NOT_RIGHT))
    return render_template("accounts/sign_in.html", form=form), 422


@bp.post("/sign-out")
@open_to("signed_in")
@in_safety(read_only=True, closed="answers")
def sign_out() -> Response:
    """End this sign-in here and on the server."""
    row = signing_in.own_row()
    with unit_of_work("accounts.sign_out", acting()) as now:
        service.end_sign_in(db.session(), viewer(), row or 0, now)
    logout_user()
    signing_in.leave()
    return _signed_out()


def _signed_out() -> Response:
    """To the sign-in form, with nothing of what was read left in the browser."""
    answer = make_response(redirect(url_for("accounts.sign_in"), 303))
    # Not "cookies": that would take those of every host beside ours.
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@bp.get("/account")
@open_to("signed_in")
def account() -> str:
    """One's own settings and sign-ins."""
    user = viewer()
    return _account_page(user, _account_form(user))


@bp.post("/account")
@open_to("signed_in")
def change_account() -> Any:
    """Keep one's own zone and language, and until when one is away."""
    form = AccountForm()
    form.language.choices = _languages()
    if form.validate_on_submit():
        try:
            with unit_of_work("accounts.change_own", acting()) as now:
                codes = [code for code, _name in known_languages()]
                zone = form.zone.data or ""
                service.change_own(db.session(), viewer(), zone=zone, language=form.language.data, languages=codes)
                if viewer().is_staff:
                    service.say_away(db.session(), viewer(), form.away_until.data, now)
        except Refused as refused:
            _put(form, refused)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("accounts.account"), 303)
    return _account_page(viewer(), form), 422


@bp.post("/account/shown")
@open_to("signed_in")
def change_shown() -> Any:
    """Keep one's alias, and whether one keeps it discreet."""
    form = ShownForm()
    if form.validate_on_submit():
        alias, discreet = (form.alias.data or "").strip(), bool(form.discreet.data)
        if alias not in ("", viewer().alias) and refuse_too_many_aliases(viewer().id, clock.now()):
            form.alias.errors = [*form.alias.errors, str(TOO_MANY)]
            return _account_page(viewer(), _account_form(viewer()), form), 429
        try:
            with unit_of_work("accounts.show_as", acting()):
                service.show_as(db.session(), viewer(), alias=alias, discreet=discreet)
        except Refused as refused:
            _put(form, refused)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("accounts.account"), 303)
    user = viewer()
    return _account_page(user, _account_form(user), form), 422


@bp.get("/account/password")
@open_to("signed_in", fresh=True)
def password() -> str:
    """The form for another password."""
    return render_template("accounts/password.html", form=PasswordForm())


@bp.post("/account/password")
@open_to("signed_in", fresh=True)
def change_password() -> Any:
    """Keep another password, and end every other sign-in. Both are hashed before the unit of work is opened."""
    user, form = viewer(), PasswordForm()
    if not form.validate_on_submit():
        return render_template("accounts/password.html", form=form), 422
    address, new = request.remote_addr or "", str(form.new_password.data)
    if refuse_too_many(user.email, address, clock.now()):
        form.form_errors.append(str(TOO_MANY))
        return render_template("accounts/password.html", form=form), 429
    try:
        wanted = rules.check_password(new, (user.email, user.name), "new_password")
    except Refused as refused:
        _put(form, refused)
        return render_template("accounts/password.html", form=form), 422
    proof = check_password(db.session(), user.email, str(form.current_password.data))
    hashed = hash_password(wanted)
    if proof is not None:
        with unit_of_work("accounts.change_password", acting(), subject=f"user:{user.id}") as now:
            account = proof.account(db.session())
            if account is not None:
                forgive(db.session(), account.email, address)
                service.change_password(db.session(), account, hashed, now)
                signing_in.begin(account, describe_device(request.user_agent.string), now)
                flash(_("Your password is changed. You are signed in here only."), "success")
                return redirect(url_for("accounts.account"), 303)
    form.current_password.errors = [_("This is not your password.")]
    return render_template("accounts/password.html", form=form), 422


@bp.post('/account/sign-ins/<concealed("sign-in"):sign_in_id>/end')
@open_to("signed_in")
@in_safety(read_only=True)
def end_sign_in(sign_in_id: int) -> Response:
    """End one of one's own sign-ins, on whatever device it is."""
    with unit_of_work("accounts.end_sign_in", acting()) as now:
        service.end_sign_in(db.session(), viewer(), sign_in_id, now)
    if sign_in_id == signing_in.own_row():
        logout_user()
        signing_in.leave()
        return _signed_out()
    flash(_("That sign-in has ended."), "success")
    return make_response(redirect(url_for("accounts.account"), 303))


@bp.post('/accounts/<concealed("recipient"):recipient_id>/reach-again')
@open_to("signed_in")
def reach_again(recipient_id: int) -> Response:
    """Say that mail arrives at an address again: one's own, or that of somebody one looks after."""
    with unit_of_work("accounts.reach_again", acting(), subject=f"recipient:{recipient_id}") as now:
        own = find_own(db.session(), viewer())
        name = say_reached(db.session(), viewer(), recipient_id, now)
    flash(_("Mail goes to %(name)s again.", name=isolate(name)), "success")
    is_own = own is not None and own.recipient_id == recipient_id
    return make_response(redirect(url_for("accounts.account" if is_own else "pages.service_health"), 303))


@bp.get("/desks/<code>/settings")
@open_to("staff")
def desk_settings(code: str) -> str:
    """When cases of a desk go stale, and which days it works: for its coordinators and for admins."""
    desk = _own_desk(code)
    return render_template("accounts/desk_settings.html", desk=desk, form=DeskSettingsForm(obj=desk), differing=[])


@bp.post("/desks/<code>/settings")
@open_to("staff")
def change_desk_settings(code: str) -> Any:
    """Keep a desk's settings; when somebody else changed them in between, show both."""
    desk, form, differing, status = _own_desk(code), DeskSettingsForm(), [], 422
    if form.validate_on_submit():
        wanted: dict[str, Any] = {column: form[column].data for column in service.THRESHOLDS}
        days = _in_week_order(form.working_days.data)
        version = int(form.version.data) if str(form.version.data).isdigit() else 0
        try:
            with unit_of_work("accounts.change_desk", acting(), subject=f"desk:{desk.id}") as now:
                service.change_desk(
                    db.session(), desk.code, version=version, thresholds=wanted, working_days=days, now=now
                )
        except Refused as refused:
            _put(form, refused)
        except VersionConflict as conflict:
            differing, status = _differing(form, {**wanted, "working_days": days}, conflict.theirs), 409
            form.version.data = str(conflict.theirs["version"])
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("accounts.desk_settings", code=desk.code), 303)
    return render_template("accounts/desk_settings.html", desk=desk, form=form, differing=differing), status


def _account_form(user: User) -> AccountForm:
    away = is_away(user.away_until, user.reading_zone, clock.now())
    return AccountForm(
        formdata=None, zone=user.zone or "", language=user.language, away_until=user.away_until if away else None
    )


def _account_page(user: User, form: AccountForm, shown: ShownForm | None = None) -> str:
    form.language.choices = _languages()
    return render_template(
        "accounts/account.html",
        form=form,
        shown=shown or ShownForm(formdata=None, alias=user.alias or "", discreet=user.discreet),
        user=user,
        sign_ins=queries.list_sign_ins(db.session(), user.id, clock.now()),
        this_one=signing_in.own_row(),
        unreachable=find_own(db.session(), user),
        zones=sorted(z for z in available_timezones() if z.startswith(CONTINENTS)),
        desks=[m.desk for m in user.memberships if queries.may_set_up(user, m.desk)],
        wants_digest=queries.wants_digest(db.session(), user) if user.desk_ids() else None,
    )


def _languages() -> list[SelectChoice]:
    return [SelectChoice(code, name) for code, name in known_languages()]


def _own_desk(code: str) -> Desk:
    desk = queries.get_desk(db.session(), code)
    if not queries.may_set_up(viewer(), desk):
        raise NotAllowed(_("Only the coordinators of a desk and admins change its settings."))
    return desk


def _in_week_order(days: list[int]) -> list[int]:
    """Ticked days as the week of the desk runs: from the one that follows a free day."""
    ticked = set(days)
    first = next((d for d in (7, 1, 2, 3, 4, 5, 6) if d in ticked and (d - 2) % 7 + 1 not in ticked), 1)
    return [d for i in range(7) if (d := (first - 1 + i) % 7 + 1) in ticked]


def _differing(form: DeskSettingsForm, mine: dict[str, Any], theirs: dict[str, object]) -> list[tuple[str, Any, Any]]:
    names = dict(WEEKDAYS)

    def shown(value: Any) -> Any:
        return ", ".join(str(names[d]) for d in value) if isinstance(value, list) else value

    return [
        (form[column].label.text, shown(mine[column]), shown(theirs[column]))
        for column in (*service.THRESHOLDS, "working_days")
        if mine[column] != theirs[column]
    ]


def _put(form: Any, refused: Refused) -> None:
    """Say beside its field what was refused."""
    field = getattr(form, refused.field or "", None)
    errors = form.form_errors if field is None else field.errors
    form_errors = [*errors, refused.message]
    if field is None:
        form.form_errors = form_errors
    else:
        field.errors = form_errors
