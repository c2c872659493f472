"""Inviting people, joining by an invitation, and the way to a new password."""

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import hash_password
from sqlalchemy import select

from tracker.accounts import rules as accounts
from tracker.accounts import signing_in
from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.models import ROLES, Desk, User
from tracker.accounts.queries import coordinated, leads_a_desk
from tracker.accounts.trying import refuse_too_many, refuse_too_many_addresses
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import NotAllowed, NotFound, Refused
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.labels import choices
from tracker.base.languages import known_languages
from tracker.base.words import isolate
from tracker.base.work import STRANGER, Actor, unit_of_work
from tracker.invitations import queries, service
from tracker.invitations.forms import AcceptForm, AddressForm, ForgottenForm, InviteForm, NewPasswordForm

bp = Blueprint("invitations", __name__)

#: The word stands in the address: nobody may keep the answer, list it, or hear more than that a form came from here.
#: (With `no-referrer` a browser would not even say that, and the form token check over https wants to see it.)
HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "strict-origin",
}

#: A link that lets nobody in any more is gone.
GONE = 410


# Inviting -------------------------------------------------------------------------------------------------------------


@bp.get("/invitations")
@open_to("staff")
def index() -> Any:
    """Invitations I look after, and the form for a new one."""
    form = InviteForm(language=viewer().language)
    return _index(_offered(form))


@bp.post("/invitations")
@open_to("staff", fresh=True)
def invite() -> Any:
    """Invite somebody."""
    form = _offered(InviteForm())

    def act() -> str:
        with unit_of_work("invitations.invite", acting()) as now:
            once(form)
            session = db.session()
            desk, coordinator = form.desk.data or None, bool(form.coordinator and form.coordinator.data)
            link = service.invite(
                session,
                viewer(),
                form.email.data or "",
                form.role.data,
                desk,
                coordinator,
                form.language.data,
                now=now,
            )
            user = session.get(User, link.user_id)
            assert user is not None
            flash(_("An invitation goes to %(email)s. It lasts three days.", email=isolate(user.email)), "success")
            return led_to(form, url_for("invitations.index"))

    return submit(form, act, lambda: _index(form))


@bp.post('/invitations/<concealed("invitation"):link_id>/again')
@open_to("staff", fresh=True)
def again(link_id: int) -> Response:
    """Send an invitation again, with another link."""
    _only_who_invites()
    with unit_of_work("invitations.again", acting()) as now:
        service.invite_again(db.session(), viewer(), link_id, now)
    flash(_("It goes out again, with a new link; the old one has ended."), "success")
    return make_response(redirect(url_for("invitations.index"), 303))


@bp.post('/invitations/<concealed("invitation"):link_id>/revoke')
@open_to("staff", fresh=True)
def revoke(link_id: int) -> Response:
    """Take an invitation back."""
    _only_who_invites()
    with unit_of_work("invitations.revoke", acting()) as now:
        service.revoke(db.session(), viewer(), link_id, now)
    flash(_("The invitation is taken back. Its link lets nobody in any more."), "success")
    return make_response(redirect(url_for("invitations.index"), 303))


def _only_who_invites() -> None:
    if not leads_a_desk(viewer()):
        raise NotAllowed(_("Only admins and the coordinators of desks invite people."))


def _offered(form: InviteForm) -> InviteForm:
    """The form with what this account may choose."""
    _only_who_invites()
    user, session = viewer(), db.session()
    if user.role == "admin":
        desks = session.scalars(select(Desk).order_by(Desk.name)).all()
        form.role.choices = choices("role", ["volunteer", *(role for role in ROLES[::-1] if role != "volunteer")])
    else:
        own = coordinated(user)
        desks = [m.desk for m in user.memberships if m.desk_id in own]
        form.role.choices = choices("role", ["volunteer", "staff"])
        del form.coordinator
    form.desk.choices = [("", _("no desk")), *((desk.code, desk.name) for desk in desks)]
    form.language.choices = list(known_languages())
    return form


def _index(form: InviteForm) -> str:
    user = viewer()
    return render_template(
        "invitations/index.html",
        form=form,
        invitations=queries.list_invitations(db.session(), user, clock.now()),
        zone=user.reading_zone,
    )


# Joining --------------------------------------------------------------------------------------------------------------


@bp.get("/invitations/accept/<word>")
@open_to("anyone")
def accept(word: str) -> Response:
    """What an invitation offers, and the form to accept it. Looking uses nothing up: programs that check mails open
    links."""
    return _accept_page(AcceptForm(), word)


@bp.post("/invitations/accept/<word>")
@open_to("anyone")
def join(word: str) -> Response:
    """Accept it: the account is open. Whoever did so signs in like everybody else, second factor and all.

    The password is hashed before the unit of work is opened: on SQLite that takes the one lock of all writers.
    """
    form = AcceptForm()

    def act() -> str:
        link, user, state = _find(word, "invite")
        if state == "open":
            name = accounts.check_name(form.name.data or "")
            hashed = hash_password(accounts.check_password(form.typed_password, (user.email, name)))
            with unit_of_work(
                "invitations.accept", Actor("link", user.id, "invitation"), f"account_link:{link.id}"
            ) as now:
                service.accept(db.session(), word, name=name, password_hash=hashed, now=now)
        return url_for("invitations.accept", word=word)

    return _sent(form, word, "invite", act, _accept_page)


def _accept_page(form: AcceptForm, word: str) -> Response:
    link, user, state = _find(word, "invite")
    desk = db.session.get(Desk, link.desk_id) if link.desk_id is not None else None
    return _private(
        render_template(
            "invitations/accept.html", form=form, word=word, state=state, email=user.email, role=link.role, desk=desk
        ),
        200 if state == "open" else GONE,
    )


# A new password -------------------------------------------------------------------------------------------------------


@bp.get("/password/forgotten")
@open_to("anyone")
def forgotten() -> str:
    """Where somebody says that the password is forgotten."""
    return render_template("invitations/forgotten.html", form=ForgottenForm(), asked=False)


@bp.post("/password/forgotten")
@open_to("anyone")
def ask_reset() -> Any:
    """Send a link, where there is such an account; the answer is the same where there is none."""
    form = ForgottenForm()
    if form.validate_on_submit():
        try:
            address = accounts.normalise_email(form.email.data or "")
        except Refused as refused:
            form.refuse(refused)
        else:
            if refuse_too_many(f"reset {address}", request.remote_addr or "", clock.now()):
                form.form_errors.append(_("Too many tries. Wait a quarter of an hour, then try again."))
                return render_template("invitations/forgotten.html", form=form, asked=False), 429
            with unit_of_work("invitations.ask_reset", STRANGER) as now:
                service.ask_reset(db.session(), address, now)
            return render_template("invitations/forgotten.html", form=form, asked=True)
    return render_template("invitations/forgotten.html", form=form, asked=False), 422


@bp.get("/password/new/<word>")
@open_to("anyone")
def new_password(word: str) -> Response:
    """The form for a new password. Looking uses nothing up."""
    return _password_page(NewPasswordForm(), word)


@bp.post("/password/new/<word>")
@open_to("anyone")
def set_password(word: str) -> Response:
    """Set it: every sign-in of the account ends, and its second factor is asked for as before."""
    form = NewPasswordForm()

    def act() -> str:
        link, user, state = _find(word, "reset")
        if state == "open":
            hashed = hash_password(accounts.check_password(form.typed_password, (user.email, user.name)))
            actor = Actor("link", user.id, "link for a new password")
            with unit_of_work("invitations.set_password", actor, f"account_link:{link.id}") as now:
                service.set_password(db.session(), word, password_hash=hashed, now=now)
        return url_for("invitations.new_password", word=word)

    return _sent(form, word, "reset", act, _password_page)


def _password_page(form: NewPasswordForm, word: str) -> Response:
    _link, user, state = _find(word, "reset")
    page = render_template("invitations/new_password.html", form=form, word=word, state=state, email=user.email)
    return _private(page, 200 if state == "open" else GONE)


# Another address ------------------------------------------------------------------------------------------------------


@bp.get("/account/address")
@open_to("signed_in", fresh=True)
def other_address() -> str:
    """Where somebody writes another mail address of theirs."""
    return render_template("invitations/other_address.html", form=AddressForm(), email=viewer().email)


@bp.post("/account/address")
@open_to("signed_in", fresh=True)
def ask_address() -> Any:
    """Send a link to it; nothing changes before that is opened, and the answer is the same whoever has that address."""
    form, user = AddressForm(), viewer()
    if form.validate_on_submit():
        if refuse_too_many_addresses(user.id, clock.now()):
            form.form_errors.append(_("Too many tries. Wait a quarter of an hour, then try again."))
            return render_template("invitations/other_address.html", form=form, email=user.email), 429
        try:
            with unit_of_work("invitations.ask_address", acting(), f"user:{user.id}") as now:
                service.ask_address(db.session(), user, form.email.data or "", now)
        except Refused as refused:
            form.refuse(refused)
        else:
            flash(_("A link goes to that address, if it can be yours. Open it within three days."), "success")
            return redirect(url_for("accounts.account"), 303)
    return render_template("invitations/other_address.html", form=form, email=viewer().email), 422


@bp.get("/account/address/<word>")
@open_to("signed_in", fresh=True)
def confirm_address(word: str) -> Response:
    """Is this address yours? Looking uses nothing up: programs that check mails open links. Only whose account it is
    gets here: a link that went astray gives nobody an account."""
    return _address_page(HouseForm(), word)


@bp.post("/account/address/<word>")
@open_to("signed_in", fresh=True)
def take_address(word: str) -> Response:
    """It is: mail goes there from now on, and every other sign-in ends."""
    form = HouseForm()

    def act() -> str:
        link, _user, state = _own(word)
        if state != "open":
            return url_for("invitations.confirm_address", word=word)
        with unit_of_work("invitations.take_address", acting(), f"account_link:{link.id}") as now:
            account = service.take_address(db.session(), viewer(), word, now)
            signing_in.begin(account, accounts.describe_device(request.user_agent.string), now)
        flash(_("Your address is changed. You are signed in here only."), "success")
        return url_for("accounts.account")

    return _sent(form, word, "address", act, _address_page)


def _own(word: str) -> tuple[Any, User, str]:
    found = _find(word, "address")
    if found[1].id != viewer().id:
        raise NotFound(service.NOT_WHOLE)
    return found


def _address_page(form: HouseForm, word: str) -> Response:
    link, user, state = _own(word)
    page = render_template(
        "invitations/address.html", form=form, word=word, state=state, email=link.email_key, before=user.email
    )
    return _private(page, 200 if state == "open" else GONE)


# Both -----------------------------------------------------------------------------------------------------------------


def _find(word: str, purpose: str) -> tuple[Any, User, str]:
    link, user = service.find_link(db.session(), word, purpose)
    return link, user, service.link_state(link, user, clock.now())


def _sent(form: Any, word: str, purpose: str, act: Any, page: Any) -> Response:
    """Answer what was sent: whatever it holds, a link that lets nobody in says so first."""
    if _find(word, purpose)[2] != "open":
        return make_response(page(form, word))
    answer = make_response(submit(form, act, lambda: ""))
    return answer if answer.status_code == 303 else _with_status(page(form, word), answer.status_code)


def _with_status(response: Response, status: int) -> Response:
    if response.status_code != GONE:
        response.status_code = status
    return response


def _private(page: str, status: int) -> Response:
    answer = make_response(page, status)
    answer.headers.update(HEADERS)
    return answer
