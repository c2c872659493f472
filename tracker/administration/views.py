"""The accounts of the house: who there is, and what admins do with an account.

Nobody sets a password for somebody else. Whatever takes something away takes it at once (`accounts.service`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts import service
from tracker.accounts.guard import acting, in_safety, open_to, viewer
from tracker.accounts.models import ROLES, Desk, User
from tracker.accounts.queries import leads_a_desk, list_sign_ins
from tracker.accounts.rules import DUTIES
from tracker.administration import queries
from tracker.administration.forms import DutyForm, JoinForm, PlainForm, RoleForm
from tracker.base import clock, labels
from tracker.base.db import db
from tracker.base.errors import NotAllowed
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.labels import choices
from tracker.base.work import unit_of_work
from tracker.factors import service as factors
from tracker.invitations.service import start_reset

bp = Blueprint("administration", __name__)

labels.announce(
    "account_state",
    {"active": _l("open"), "invited": _l("invited, has not come yet"), "closed": _l("closed")},
)
labels.announce(
    "duty",
    {"coordinator": _l("coordinates it"), "deputy": _l("stands in for who coordinates it"), "member": _l("on it")},
)

#: What is done to an account, and answers with what somebody must see to now.
Act = Callable[[Session, User, Any], Sequence[str] | None]


@bp.get("/accounts")
@open_to("staff")
def index() -> str:
    """The accounts I look after: an admin all, a coordinator those of the desk."""
    user = viewer()
    if not leads_a_desk(user):
        raise NotAllowed(_("Only admins and the coordinators of desks see the accounts of others."))
    words, after = request.args.get("q", "")[:100], request.args.get("after", "")[:254]
    return render_template(
        "administration/index.html",
        page=queries.list_accounts(db.session(), user, words=words, after=after),
        words=words,
        now=clock.now(),
        zone=user.reading_zone,
    )


@bp.get('/accounts/<concealed("account"):user_id>')
@open_to("admin", fresh=True)
def show(user_id: int) -> str:
    """One account, and what can be done with it. Who it is is asked before its buttons are shown: whoever was asked
    first on pressing one would have to press it again."""
    return _page(user_id)


@bp.post('/accounts/<concealed("account"):user_id>/disable')
@open_to("admin", fresh=True)
@in_safety(read_only=True)
def disable(user_id: int) -> Any:
    """Close an account: nobody gets in with it from this moment on."""
    return _do(user_id, "accounts.disable", service.disable, _l("The account is closed. Nobody gets in with it."))


@bp.post('/accounts/<concealed("account"):user_id>/enable')
@open_to("admin", fresh=True)
def enable(user_id: int) -> Any:
    """Open an account again."""
    return _do(user_id, "accounts.enable", lambda s, u, _now: service.enable(s, u), _l("The account is open again."))


@bp.post('/accounts/<concealed("account"):user_id>/role')
@open_to("admin", fresh=True)
def change_role(user_id: int) -> Any:
    """Give an account another role."""
    form = RoleForm()
    form.role.choices = _roles()

    def act(session: Session, user: User, now: Any) -> Sequence[str]:
        return service.change_role(session, user, form.role.data, now)

    return _do(user_id, "accounts.change_role", act, _l("The role is changed; they sign in anew."), role=form)


@bp.post('/accounts/<concealed("account"):user_id>/desks')
@open_to("admin", fresh=True)
def join_desk(user_id: int) -> Any:
    """Put an account on a desk."""
    form = JoinForm()
    form.desk.choices = _desks()

    def act(session: Session, user: User, _now: Any) -> None:
        service.join_desk(session, user, form.desk.data)

    return _do(user_id, "accounts.join_desk", act, _l("They are on the desk now."), join=form)


@bp.post('/accounts/<concealed("account"):user_id>/desks/<code>/leave')
@open_to("admin", fresh=True)
def leave_desk(user_id: int, code: str) -> Any:
    """Take an account off a desk."""

    def act(session: Session, user: User, now: Any) -> Sequence[str]:
        return service.leave_desk(session, user, code, now)

    return _do(user_id, "accounts.leave_desk", act, _l("They are off the desk; they sign in anew."))


@bp.post('/accounts/<concealed("account"):user_id>/desks/<code>/duty')
@open_to("admin", fresh=True)
def set_duty(user_id: int, code: str) -> Any:
    """Say what an account is on a desk: it coordinates it, stands in, or neither."""
    form = DutyForm()
    form.duty.choices = choices("duty", list(DUTIES))

    def act(session: Session, user: User, now: Any) -> Sequence[str]:
        return service.set_duty(session, user, code, form.duty.data, now)

    return _do(user_id, "accounts.set_duty", act, _l("Saved."), duty=form)


@bp.post('/accounts/<concealed("account"):user_id>/revoke')
@open_to("admin", fresh=True)
@in_safety(read_only=True)
def revoke(user_id: int) -> Any:
    """End all that lets an account in: sign-ins, addresses of calendars, links. It stays open."""
    done = _l("All sign-ins, calendar addresses and links of this account have ended.")
    return _do(user_id, "accounts.revoke", service.end_access, done)


@bp.post('/accounts/<concealed("account"):user_id>/reset')
@open_to("admin", fresh=True)
def reset(user_id: int) -> Any:
    """Send somebody a link to set a new password."""

    def act(session: Session, user: User, now: Any) -> None:
        start_reset(session, viewer(), user, now)

    return _do(user_id, "accounts.start_reset", act, _l("A link for a new password goes there. It lasts one hour."))


@bp.post('/accounts/<concealed("account"):user_id>/forget-factors')
@open_to("admin", fresh=True)
def forget_factors(user_id: int) -> Any:
    """Forget the second factors of an account, because they are lost."""

    def act(session: Session, user: User, _now: Any) -> Sequence[str]:
        count = factors.forget_factors(session, user, by=viewer())
        return [ngettext("%(num)d second factor was forgotten.", "%(num)d second factors were forgotten.", count)]

    return _do(user_id, "accounts.forget_factors", act, _l("They set up a new one when they sign in."))


def _do(user_id: int, name: str, act: Act, done: Any, **forms: HouseForm) -> Any:
    """Do something to an account once, and lead back to its page; or show it again with why not."""
    queries.get_listed(db.session(), viewer(), user_id)
    form = next(iter(forms.values()), PlainForm())

    def work() -> str:
        with unit_of_work(name, acting(), subject=f"user:{user_id}") as now:
            once(form)
            session = db.session()
            _check_still_admin(session)
            to_see_to = act(session, queries.get_listed(session, viewer(), user_id).user, now) or ()
            address = led_to(form, url_for("administration.show", user_id=user_id))
        flash(str(done), "success")
        for sentence in to_see_to:
            flash(sentence, "warning")
        # Who did it to themselves may have no page to come back to.
        return address

    return submit(form, work, lambda: _page(user_id, **(forms or {"plain": form})))


def _check_still_admin(session: Session) -> None:
    """Whoever acts may have lost the role since the page was opened, by an act that this one has waited for."""
    service.hold_access(session, viewer())
    fresh = session.get(User, viewer().id, populate_existing=True)
    if fresh is None or not fresh.active or fresh.role != "admin":
        raise NotAllowed(_("Only admins do this."))


def _page(user_id: int, **forms: HouseForm) -> str:
    session, now = db.session(), clock.now()
    listed = queries.get_listed(session, viewer(), user_id)
    user = listed.user
    on = {m.desk.code for m in user.memberships}
    role, join = forms.get("role"), forms.get("join")
    if not isinstance(role, RoleForm):
        role = RoleForm(formdata=None, role=user.role)
        role.role.choices = _roles()
    if not isinstance(join, JoinForm):
        join = JoinForm(formdata=None)
        join.desk.choices = [(code, words) for code, words in _desks() if code not in on]
    duties = []
    for membership in sorted(user.memberships, key=lambda m: m.desk.name):
        held = "coordinator" if membership.coordinator else "deputy" if membership.deputy else "member"
        form = DutyForm(formdata=None, duty=held, prefix="")
        form.duty.choices = choices("duty", list(DUTIES))
        form.duty.id = f"duty-{membership.desk.code}"
        duties.append((membership, form))
    return render_template(
        "administration/show.html",
        listed=listed,
        user=user,
        role=role,
        join=join,
        duties=duties,
        wrong=forms.get("plain") or forms.get("duty"),
        sign_ins=list_sign_ins(session, user.id, now),
        itself=user.id == viewer().id,
        zone=viewer().reading_zone,
    )


def _roles() -> list[tuple[str, str]]:
    return choices("role", list(ROLES[::-1]))


def _desks() -> list[tuple[str, str]]:
    return [(desk.code, desk.name) for desk in db.session.scalars(select(Desk).order_by(Desk.name))]
