"""The second factor: shown after the password, set up and taken away by its owner, and asked for again."""

from datetime import datetime, timedelta
from typing import Any

import segno
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from tracker.accounts import signing_in, trying
from tracker.accounts.guard import acting, in_safety, open_to, safe_address, viewer
from tracker.accounts.models import User
from tracker.accounts.rules import describe_device
from tracker.accounts.signing_in import this_session
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import Actor, unit_of_work
from tracker.factors import passkeys, rules, service
from tracker.factors.forms import AppForm, CodeForm, ConfirmForm
from tracker.factors.queries import must_have, read_factors

bp = Blueprint("factors", __name__)

#: What apps and devices call the house.
HOUSE = "Urgent action tracker"

#: How long a challenge may be answered, and recovery codes stay on the screen.
LASTS = timedelta(minutes=10)

NOT_RIGHT = _l("This code is not right, or was used already. Wait for the next one.")
NOT_SHOWN = _l("The passkey was not recognised. Try again, or use a code.")
TOO_MANY = _l("Too many tries. Wait a quarter of an hour, then try again.")


# Between the password and the pages -----------------------------------------------------------------------------------


@bp.get("/sign-in/factor")
@open_to("halfway")
@in_safety(read_only=True, closed="answers")
def ask() -> str:
    """The page that asks for the second factor."""
    return _ask_page(CodeForm())


@bp.post("/sign-in/factor")
@open_to("halfway")
@in_safety(read_only=True, closed="answers")
def check_code() -> Any:
    """Look at a code, and begin the sign-in or say that it is not right."""
    user, form = _waiting(), CodeForm()
    if not form.validate_on_submit():
        return _ask_page(form), 422
    if trying.refuse_too_many_factors(user.id, request.remote_addr or "", this_session().now):
        form.form_errors.append(str(TOO_MANY))
        return _ask_page(form), 429
    with unit_of_work("accounts.sign_in", _as_actor(user)) as now:
        accepted = service.accept_code(db.session(), user, str(form.code.data))
        if accepted is not None:
            return _let_in(user, now, by_recovery=accepted == "recovery")
    form.code.errors = [str(NOT_RIGHT)]
    return _ask_page(form), 422


@bp.post("/sign-in/factor/passkey")
@open_to("halfway")
@in_safety(read_only=True, closed="answers")
def check_passkey() -> Any:
    """Look at what a passkey has signed, and begin the sign-in or say that it is not right."""
    user, form = _waiting(), CodeForm(formdata=None)
    if trying.refuse_too_many_factors(user.id, request.remote_addr or "", this_session().now):
        form.form_errors.append(str(TOO_MANY))
        return _ask_page(form), 429
    shown = _read_shown(user, "ask")
    if shown is not None:
        with unit_of_work("accounts.sign_in", _as_actor(user)) as now:
            if service.accept_passkey(db.session(), user, shown):
                return _let_in(user, now)
    form.form_errors.append(str(NOT_SHOWN))
    return _ask_page(form), 422


@bp.get("/sign-in/enrol")
@open_to("halfway")
@in_safety(read_only=True, closed="answers")
def enrol() -> Any:
    """The page that sets up the factor an account must have, before anything else opens."""
    if read_factors(db.session(), _waiting().id).any:
        return redirect(url_for("factors.ask"), 303)
    return _enrol_page(AppForm())


@bp.post("/sign-in/enrol/app")
@open_to("halfway")
@in_safety(read_only=True, closed="answers")
def enrol_app() -> Any:
    """Set up an app as the first factor, and begin the sign-in."""
    user, form = _waiting(), AppForm()
    if read_factors(db.session(), user.id).any:
        return redirect(url_for("factors.ask"), 303)
    secret, step = _read_app(user, form)
    if step is None:
        return _enrol_page(form), _status(form)
    with unit_of_work("factors.add_app", _as_actor(user), subject=f"user:{user.id}") as now:
        asked = signing_in.arrive(now)
        codes = service.add_app(db.session(), user, secret, step)
        return _begin_with(user, codes, asked, now)


@bp.post("/sign-in/enrol/passkey")
@open_to("halfway")
@in_safety(read_only=True, closed="answers")
def enrol_passkey() -> Any:
    """Set up a passkey as the first factor, and begin the sign-in."""
    user, form = _waiting(), AppForm(formdata=None)
    if read_factors(db.session(), user.id).any:
        return redirect(url_for("factors.ask"), 303)
    made = _read_made()
    if made is None:
        form.form_errors.append(str(NOT_SHOWN))
        return _enrol_page(form), 422
    try:
        with unit_of_work("factors.add_passkey", _as_actor(user), subject=f"user:{user.id}") as now:
            asked = signing_in.arrive(now)
            codes = service.add_passkey(db.session(), user, made, request.form.get("name", ""), _("Passkey"))
            return _begin_with(user, codes, asked, now)
    except Refused as refused:
        this_session().waiting = user
        form.form_errors.append(refused.message)
        return _enrol_page(form), 422


# One's own factors ----------------------------------------------------------------------------------------------------


@bp.get("/account/factors")
@open_to("signed_in")
def mine() -> str:
    """One's own factors, and what can be done with them."""
    user = viewer()
    return render_template(
        "factors/mine.html",
        factors=read_factors(db.session(), user.id),
        required=must_have(db.session(), user),
        site=_site(),
        zone=user.reading_zone,
    )


@bp.get("/account/factors/app")
@open_to("signed_in", fresh=True)
def new_app() -> str:
    """The page that sets up an app."""
    return _app_page(AppForm())


@bp.post("/account/factors/app")
@open_to("signed_in", fresh=True)
def add_app() -> Any:
    """Set up an app, in place of one there is."""
    user, form = viewer(), AppForm()
    secret, step = _read_app(user, form)
    if step is None:
        return _app_page(form), _status(form)
    with unit_of_work("factors.add_app", acting(), subject=f"user:{user.id}") as now:
        codes = service.add_app(db.session(), user, secret, step)
        return _begin_with(
            user, codes, url_for("factors.mine"), now, _("The app is set up. You are signed in here only.")
        )


@bp.post("/account/factors/app/remove")
@open_to("signed_in", fresh=True)
def remove_app() -> Any:
    """Take the app away."""
    user = viewer()
    with unit_of_work("factors.remove_app", acting(), subject=f"user:{user.id}") as now:
        service.remove_app(db.session(), user)
        return _begin_with(
            user, [], url_for("factors.mine"), now, _("The app is removed. You are signed in here only.")
        )


@bp.get("/account/factors/passkeys")
@open_to("signed_in", fresh=True)
def new_passkey() -> Any:
    """The page that sets up a passkey."""
    if _site() is None:
        return redirect(url_for("factors.mine"), 303)
    return _passkey_page()


@bp.post("/account/factors/passkeys")
@open_to("signed_in", fresh=True)
def add_passkey() -> Any:
    """Set up a passkey."""
    user, made = viewer(), _read_made()
    if made is None:
        return _passkey_page(str(NOT_SHOWN)), 422
    try:
        with unit_of_work("factors.add_passkey", acting(), subject=f"user:{user.id}") as now:
            codes = service.add_passkey(db.session(), user, made, request.form.get("name", ""), _("Passkey"))
            said = _("The passkey is set up. You are signed in here only.")
            return _begin_with(user, codes, url_for("factors.mine"), now, said)
    except Refused as refused:
        return _passkey_page(refused.message), 422


@bp.post('/account/factors/passkeys/<concealed("passkey"):passkey_id>/remove')
@open_to("signed_in", fresh=True)
def remove_passkey(passkey_id: int) -> Any:
    """Take a passkey away."""
    user = viewer()
    with unit_of_work("factors.remove_passkey", acting(), subject=f"user:{user.id}") as now:
        service.remove_passkey(db.session(), user, passkey_id)
        said = _("The passkey is removed. You are signed in here only.")
        return _begin_with(user, [], url_for("factors.mine"), now, said)


@bp.post("/account/factors/codes/renew")
@open_to("signed_in", fresh=True)
def renew_codes() -> Any:
    """Make new recovery codes; the old ones work no more."""
    user = viewer()
    with unit_of_work("factors.renew_codes", acting(), subject=f"user:{user.id}") as now:
        codes = service.renew_codes(db.session(), user)
        return _begin_with(user, codes, url_for("factors.mine"), now)


@bp.get("/account/factors/codes")
@open_to("signed_in")
def codes() -> Any:
    """The recovery codes that were just made, until their owner says that they are kept. They stand nowhere else."""
    kept = this_session().get("codes")
    if kept is None or kept["until"] < this_session().now.timestamp():
        return redirect(url_for("factors.mine"), 303)
    return render_template("factors/codes.html", codes=[rules.in_fours(code) for code in kept["codes"]])


@bp.post("/account/factors/codes/kept")
@open_to("signed_in")
def codes_kept() -> Response:
    """Forget the recovery codes on the screen, and go on to what was asked for."""
    kept = this_session().pop("codes", None)
    return redirect(safe_address(kept["next"] if kept else None), 303)


# Asking again ---------------------------------------------------------------------------------------------------------


@bp.get("/confirm")
@open_to("signed_in")
def confirm() -> str:
    """The page that asks again: is it you?"""
    return _confirm_page(ConfirmForm(next=request.args.get("next", "")))


@bp.post("/confirm")
@open_to("signed_in")
@in_safety(read_only=True)
def check_confirmed() -> Any:
    """Look at the password or the code, and go on to what was asked for. A password is hashed before the unit of work
    is opened."""
    user, form, address, now = viewer(), ConfirmForm(), request.remote_addr or "", this_session().now
    if not form.validate_on_submit():
        return _confirm_page(form), 422
    password, code = str(form.password.data or ""), str(form.code.data or "").strip()
    if not password and not code:
        form.password.errors = [_("Write your password, or a code.")]
        return _confirm_page(form), 422
    too_many = (
        trying.refuse_too_many(user.email, address, now)
        if password
        else trying.refuse_too_many_factors(user.id, address, now)
    )
    if too_many:
        form.form_errors.append(str(TOO_MANY))
        return _confirm_page(form), 429
    proof = trying.check_password(db.session(), user.email, password) if password else None
    if proof is not None or not password:
        with unit_of_work("accounts.confirm", acting()) as now:
            if proof is not None and proof.user_id == user.id and proof.account(db.session()) is not None:
                trying.forgive(db.session(), user.email, address)
                signing_in.prove(now)
                return redirect(safe_address(form.next.data), 303)
            if not password and service.accept_code(db.session(), user, code) is not None:
                trying.forgive_factors(db.session(), user.id, address)
                signing_in.prove(now)
                return redirect(safe_address(form.next.data), 303)
    if password:
        form.password.errors = [_("This is not your password.")]
    else:
        form.code.errors = [str(NOT_RIGHT)]
    return _confirm_page(form), 422


@bp.post("/confirm/passkey")
@open_to("signed_in")
@in_safety(read_only=True)
def confirm_by_passkey() -> Any:
    """Look at what a passkey has signed, and go on to what was asked for."""
    user, address = viewer(), request.remote_addr or ""
    form = ConfirmForm(formdata=None, next=request.form.get("next", ""))
    if trying.refuse_too_many_factors(user.id, address, this_session().now):
        form.form_errors.append(str(TOO_MANY))
        return _confirm_page(form), 429
    shown = _read_shown(user, "confirm")
    if shown is not None:
        with unit_of_work("accounts.confirm", acting()) as now:
            if service.accept_passkey(db.session(), user, shown):
                trying.forgive_factors(db.session(), user.id, address)
                signing_in.prove(now)
                return redirect(safe_address(form.next.data), 303)
    form.form_errors.append(str(NOT_SHOWN))
    return _confirm_page(form), 422


# ----------------------------------------------------------------------------------------------------------------------


def _waiting() -> User:
    user = this_session().waiting
    assert user is not None  # the mark has looked
    return user


def _as_actor(user: User) -> Actor:
    return Actor("user", user.id, user.name)


def _site() -> rules.Site | None:
    return rules.site_of(str(current_app.extensions["settings"].base_url))


def _let_in(user: User, now: datetime, *, by_recovery: bool = False) -> Response:
    """Begin the sign-in of somebody whose second factor was right, inside its unit of work."""
    trying.forgive_factors(db.session(), user.id, request.remote_addr or "")
    asked = signing_in.arrive(now)
    signing_in.begin(user, describe_device(request.user_agent.string), now)
    if by_recovery:
        left = read_factors(db.session(), user.id).codes_left
        said = ngettext(
            "A recovery code was used up; %(num)d is left. Make new ones before the last is gone.",
            "A recovery code was used up; %(num)d are left. Make new ones before the last is gone.",
            left,
        )
        flash(said, "warning")
    return redirect(asked, 303)


def _begin_with(user: User, codes: list[str], asked: str, now: datetime, said: str = "") -> Response:
    """Begin a sign-in, as all were ended by a change of factors, and show the recovery codes there are to show."""
    signing_in.begin(user, describe_device(request.user_agent.string), now)
    if said:
        flash(said, "success")
    if not codes:
        return redirect(asked, 303)
    this_session()["codes"] = {"codes": codes, "until": (now + LASTS).timestamp(), "next": asked}
    return redirect(url_for("factors.codes"), 303)


def _read_app(user: User, form: AppForm) -> tuple[str, int | None]:
    """The secret that was shown, and the step of the code that an app has made of it; None, with what is wrong said in
    the form."""
    secret = this_session().get("app_secret")
    if not form.validate_on_submit():
        return "", None
    if trying.refuse_too_many_factors(user.id, request.remote_addr or "", this_session().now):
        form.form_errors.append(str(TOO_MANY))
        return "", None
    step = rules.find_step(secret, str(form.code.data), this_session().now) if secret else None
    if step is None:
        form.code.errors = [_("This is not the code of this secret. Is the clock of the phone right?")]
        return "", None
    return str(secret), step


def _status(form: AppForm) -> int:
    return 429 if str(TOO_MANY) in form.form_errors else 422


def _read_made() -> passkeys.Made | None:
    site, challenge = _site(), _challenge("make")
    if site is None or challenge is None:
        return None
    return passkeys.read_made(request.form.get("credential", ""), challenge, site)


def _read_shown(user: User, purpose: str) -> passkeys.Shown | None:
    site, challenge = _site(), _challenge(purpose)
    if site is None or challenge is None:
        return None
    known = read_factors(db.session(), user.id).passkeys
    return passkeys.read_shown(request.form.get("credential", ""), challenge, site, known)


def _challenge(purpose: str) -> str | None:
    """The challenge that was given for this purpose, which is used up with it."""
    given = this_session().pop("challenge", None)
    if given is None or given["for"] != purpose or given["until"] < this_session().now.timestamp():
        return None
    return str(given["value"])


def _give_challenge(purpose: str, value: str) -> None:
    until = (this_session().now + LASTS).timestamp()
    this_session()["challenge"] = {"for": purpose, "value": value, "until": until}


def _ask_to_show(user: User, purpose: str) -> str:
    """What the browser asks the account's passkeys, as JSON; empty where there is none to ask."""
    site, known = _site(), read_factors(db.session(), user.id).passkeys
    if site is None or not known:
        return ""
    options, challenge = passkeys.ask_to_show(site, known)
    _give_challenge(purpose, challenge)
    return options


def _ask_to_make(user: User) -> str:
    """What the browser asks a device, as JSON; empty where passkeys cannot be."""
    site = _site()
    if site is None:
        return ""
    owner = bytes.fromhex(current_app.extensions["sealer"].keyring.blind(str(user.id), "passkey owner"))
    known = read_factors(db.session(), user.id).passkeys
    options, challenge = passkeys.ask_to_make(site, HOUSE, owner, user.email, known)
    _give_challenge("make", challenge)
    return options


def _drawn_secret(user: User) -> dict[str, Any]:
    """The secret that is set up in this session, as text and as a QR code; it stays the same until it was taken."""
    secret = this_session().get("app_secret")
    if secret is None:
        secret = this_session()["app_secret"] = rules.new_secret()
    code = segno.make_qr(rules.address_of_app(secret, user.email, HOUSE), error="m")
    drawn = code.svg_inline(omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None)
    return {"secret": rules.in_fours(secret), "drawn": Markup(drawn)}  # noqa: S704  # only squares, drawn here


def _ask_page(form: CodeForm) -> str:
    user = _waiting()
    has_app = read_factors(db.session(), user.id).app is not None
    return render_template("factors/ask.html", form=form, has_app=has_app, options=_ask_to_show(user, "ask"))


def _enrol_page(form: AppForm) -> str:
    user = _waiting()
    return render_template("factors/enrol.html", form=form, options=_ask_to_make(user), **_drawn_secret(user))


def _app_page(form: AppForm) -> str:
    has_app = read_factors(db.session(), viewer().id).app is not None
    return render_template("factors/app.html", form=form, has_app=has_app, **_drawn_secret(viewer()))


def _passkey_page(problem: str = "") -> str:
    return render_template("factors/passkey.html", options=_ask_to_make(viewer()), problem=problem)


def _confirm_page(form: ConfirmForm) -> str:
    user = viewer()
    if not read_factors(db.session(), user.id).any:
        del form.code
    return render_template("factors/confirm.html", form=form, options=_ask_to_show(user, "confirm"))
