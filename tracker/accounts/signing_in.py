"""Sign-ins kept on the server, and Flask-Security on top of them.

The cookie carries a random id and nothing else. Its row in `sign_ins` holds, sealed and bound to that row, what
Flask-Security and the form tokens need between requests. One SELECT loads row, account and desks. Answers only ever
update a row that still holds: a page that finishes after its sign-in was ended cannot bring it back.

Who is not signed in has no row and no cookie, but for the forms that strangers fill in: their token must be remembered
for a while by something, and that is a signed cookie read on those few paths (a double submit; `__Host-` keeps a
neighbouring host from planting one).

Between the password and `begin` may stand a second factor, which a room above announces (`kinds.steps_between`). A row
without an account (`user_id` None, `pending_user_id` whose password was right) is its waiting room: it lasts ten
minutes, and opens nothing but the pages marked `halfway`. What comes after it is a sign-in with another id.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import Flask, Request, Response, current_app, g, request, session, url_for
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSession, SessionInterface
from flask_security import Security, SQLAlchemyUserDatastore, login_user
from flask_wtf.csrf import CSRFProtect, generate_csrf
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import contains_eager

from tracker.accounts import guard, rules
from tracker.accounts.kinds import steps_between
from tracker.accounts.models import Desk, Membership, Role, SignIn, User
from tracker.accounts.queries import find_account
from tracker.accounts.service import begin_sign_in, begin_waiting, end_waiting, hash_token, prove_sign_in
from tracker.base import clock
from tracker.base.db import db, note
from tracker.base.errors import HouseClosed, Misconfigured
from tracker.base.mode import Mode, mode_column, mode_of, read_mode
from tracker.base.rotation import Sealed, sealed_columns
from tracker.base.sealing import Sealer
from tracker.base.work import end_reading

#: Where strangers fill in a form: how the paths begin on which the form's cookie is read.
STRANGERS_FORMS = ("/sign-in", "/invitations/accept/", "/password/", "/follow/")

#: How the paths begin that are the same for everybody: no cookie is looked at there, and none is given.
NOBODY_ASKED = ("/public/",)

#: How long a sign-in form may stand open before it is sent.
FORM_LASTS = timedelta(hours=12)

_json = TaggedJSONSerializer()


class SignInSession(SecureCookieSession):
    """What is remembered between the requests of one sign-in; of a stranger only the sign-in form's token is."""

    def __init__(self, initial: Mapping[str, Any] | None, now: datetime) -> None:
        super().__init__(initial)
        #: When the request began: its one reading of the clock for what concerns the sign-in.
        self.now = now
        #: The account of the row; None for strangers.
        self.user: User | None = None
        #: Whose second factor is waited for; None where nobody's is.
        self.waiting: User | None = None
        #: When its owner last showed that it is them.
        self.proved_at: datetime | None = None
        #: The row, None for strangers.
        self.row_id: int | None = None
        #: The cookie's value.
        self.token = ""
        #: When the row was last marked as seen.
        self.seen_at = now
        #: How long it lasts without being used.
        self.idle = timedelta(0)
        #: Begun in this request: the cookie is to be set.
        self.begun = False
        #: Ended in this request: the cookie is to be taken back.
        self.over = False
        #: The mode of the house, read with the row; None: not read yet.
        self.mode: Mode | None = None


@cache
def _sign_in_that_holds() -> Any:
    """The sign-in with `:token_hash` that holds at `:now`, its account and the mode of the house. Every request asks
    it: it is put together once, for that takes longer than asking."""
    return (
        select(
            SignIn.id,
            SignIn.user_id,
            SignIn.data_sealed,
            SignIn.seen_at,
            SignIn.proved_at,
            User,
            mode_column().label("mode"),
        )
        .join(User, User.id == func.coalesce(SignIn.user_id, SignIn.pending_user_id))
        .outerjoin(Membership, Membership.user_id == User.id)
        .outerjoin(Desk, Desk.id == Membership.desk_id)
        .options(contains_eager(User.memberships).contains_eager(Membership.desk))
        .where(
            SignIn.token_hash == bindparam("token_hash"),
            SignIn.ended_at.is_(None),
            SignIn.expires_at > bindparam("now"),
            User.active,
        )
        .execution_options(populate_existing=True)
    )


class ServerSessions(SessionInterface):
    """Loads the sign-in the cookie names, and writes back what changed. `secret_keys`: the last one signs, each opens.
    `https`: cookies only over it."""

    def __init__(self, sealer: Sealer, secret_keys: Sequence[str], https: bool) -> None:
        self._sealer = sealer
        self._https = https
        self._signer = URLSafeTimedSerializer(list(secret_keys), salt="sign-in form")
        self.cookie = "__Host-tracker" if https else "tracker"
        self.form_cookie = "__Host-tracker-form" if https else "tracker-form"

    def open_session(self, app: Flask, request: Request) -> SignInSession:
        """The sign-in of this request, or an empty session that nothing keeps."""
        now = clock.now()
        if request.path.startswith(NOBODY_ASKED):
            return SignInSession(None, now)
        token = request.cookies.get(self.cookie)
        found = self._find(token, now) if token else None
        if found is not None:
            return found
        return SignInSession(self._form_token(request) if _is_strangers_form(request) else None, now)

    def _find(self, token: str, now: datetime) -> SignInSession | None:
        token_hash = hash_token(token)
        asked = {"token_hash": token_hash, "now": now}
        row = db.session.execute(_sign_in_that_holds(), asked).unique().one_or_none()
        if row is None:
            return None
        try:
            data = _json.loads(self._sealer.keyring.unseal(row.data_sealed, _place(token_hash)).decode())
        except Misconfigured:
            current_app.logger.error("A sign-in does not open with this keyring: its owner must sign in again.")
            return None
        found = SignInSession(data, now)
        found.row_id, found.token, found.seen_at, found.proved_at = row.id, token, row.seen_at, row.proved_at
        found.mode = mode_of(row.mode)
        if row.user_id is None:
            found.waiting = row.User
        else:
            found.user, found.idle = row.User, rules.idle_span(row.User.role)
        return found

    def _form_token(self, request: Request) -> dict[str, Any] | None:
        try:
            lasts = int(FORM_LASTS.total_seconds())
            return {"csrf_token": str(self._signer.loads(request.cookies[self.form_cookie], lasts))}
        except (KeyError, BadData):
            return None

    def seal(self, data: Mapping[str, Any], token: str) -> str:
        """What a row holds, sealed for the row of this cookie value."""
        return self._sealer.keyring.seal(_json.dumps(dict(data)).encode(), _place(hash_token(token)))

    def save_session(self, app: Flask, session: SignInSession, response: Response) -> None:  # type: ignore[override]
        """Write back what changed, to a row that still holds; give or take the cookie."""
        if request.path.startswith(NOBODY_ASKED):
            return
        if session.row_id is None:
            if session.over:
                self._take(response, self.cookie)
            elif session.modified and "csrf_token" in session and _asks_for_the_form():
                self._give(response, self.form_cookie, self._signer.dumps(session["csrf_token"]), FORM_LASTS)
            if session.accessed:
                response.vary.add("Cookie")
            return
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Cookie")
        lasting = session.idle if session.idle > rules.STAFF_IDLE else None
        if session.begun:
            self._give(response, self.cookie, session.token, lasting)
            self._take(response, self.form_cookie)
        changes: dict[str, Any] = {}
        if session.modified:
            changes["data_sealed"] = self.seal(session, session.token)
        if session.waiting is None and rules.is_touch_due(session.seen_at, session.now):
            changes |= {"seen_at": session.now, "expires_at": session.now + session.idle}
            if lasting and not session.begun:
                self._give(response, self.cookie, session.token, lasting)
        if changes:
            # By its id as well: what was sealed for the one this request came with opens under no other.
            held = (SignIn.id == session.row_id, SignIn.token_hash == hash_token(session.token))
            note(update(SignIn).where(*held, SignIn.ended_at.is_(None)).values(**changes))

    def _give(self, response: Response, name: str, value: str, lasting: timedelta | None) -> None:
        """Set a cookie; `lasting` None: until the browser closes (the row ends on its own in any case)."""
        response.set_cookie(name, value, max_age=lasting, path="/", secure=self._https, httponly=True, samesite="Lax")

    def _take(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self._https, httponly=True, samesite="Lax")


class Accounts(SQLAlchemyUserDatastore):
    """What Flask-Security reads and writes accounts through. Its commit only flushes: the unit of work commits."""

    def __init__(self) -> None:
        super().__init__(db, User, Role)

    def commit(self) -> None:
        """Flush; whoever opened the unit of work decides."""
        self.db.session.flush()

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> User | None:
        """The account by `email`, or by `fs_uniquifier`: the one the session was loaded with needs no statement."""
        if "email" in kwargs:
            return find_account(self.db.session, str(kwargs["email"]))
        loaded = getattr(session, "user", None)
        value = kwargs.get("fs_uniquifier")
        if value is None or not isinstance(loaded, User):
            return None
        return loaded if secrets.compare_digest(loaded.fs_uniquifier, str(value)) else None

    def find_role(self, role: str) -> Role:
        """The role of that name."""
        return Role(role)


def set_up(app: Flask, settings: Any) -> None:
    """Let people sign in: sessions, the guard before each request, form tokens, Flask-Security without its pages."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-tracker" if settings.https else "tracker",
        SESSION_PROTECTION=None,  # it would tie a sign-in to an address, and phones change theirs every few minutes
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106  # the name of a method, no password
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
    )
    app.session_interface = ServerSessions(app.extensions["sealer"], settings.secret_keys, settings.https)
    # Before the guard: a form sent after its sign-in has run out is answered with what was typed in it, not with a
    # redirect that loses it.
    CSRFProtect(app)
    app.before_request(guard.check_route)
    security = Security(app, Accounts(), register_blueprint=False)
    # No signed token in an address or a header lets anybody in: there are no programs that sign in.
    security.login_manager.request_loader(lambda _request: None)


def go_on(user: User, device: str, asked: str | None, now: datetime) -> str:
    """What follows once `user` has shown the first factor, inside the unit of work that checked it: a sign-in, or the
    wait for what stands between. Returns where to go next; `asked` is the page that was asked for. HouseClosed when the
    house is, and they are no admin: nobody shows a second factor for nothing."""
    _check_closed(user)
    for step in steps_between:
        endpoint = step(db.session(), user)
        if endpoint is not None:
            _wait(user, asked, now)
            return url_for(endpoint)
    begin(user, device, now)
    return guard.safe_address(asked)


def begin(user: User, device: str, now: datetime) -> None:
    """Sign `user` in, inside the unit of work that checked all that was to be checked: a new id, a new form token,
    nothing kept of what the session held until now. NotAllowed when what it waited in has ended meanwhile, HouseClosed
    when the house is, and they are no admin."""
    _check_closed(user)
    fresh = _emptied(now)
    login_user(user)
    generate_csrf()
    token = secrets.token_urlsafe(32)
    sealed = _interface().seal(fresh, token)
    row = begin_sign_in(db.session(), user, token=token, data_sealed=sealed, device=device[:120], now=now)
    fresh.user, fresh.proved_at, fresh.idle = user, now, rules.idle_span(user.role)
    _stands(fresh, row, token, now)


def arrive(now: datetime) -> str:
    """End the wait for the second factor, inside the unit of work that checked it and before `begin`. Returns the page
    that was asked for. NotAllowed when the wait is over: of two answers at once, one is let in."""
    waited = this_session()
    asked = guard.safe_address(str(waited.get("next", "")))
    end_waiting(db.session(), waited.row_id or 0, now)
    waited.waiting = None
    return asked


def _wait(user: User, asked: str | None, now: datetime) -> None:
    """Keep, for a few minutes, that the password of `user` was right. `asked` is kept for when they are in."""
    fresh = _emptied(now)
    fresh["next"] = guard.safe_address(asked)
    generate_csrf()
    token = secrets.token_urlsafe(32)
    row = begin_waiting(db.session(), user, token=token, data_sealed=_interface().seal(fresh, token), now=now)
    fresh.waiting = user
    _stands(fresh, row, token, now)


def _check_closed(user: User) -> None:
    """HouseClosed when the house is closed to `user`."""
    if user.role != "admin" and read_mode(db.session()).is_closed:
        raise HouseClosed("Only admins get in for the moment.")


def prove(now: datetime) -> None:
    """Keep that whoever is signed in has shown again that it is them, inside the unit of work that checked it. What the
    session holds stays, under a new id."""
    proved = this_session()
    token = secrets.token_urlsafe(32)
    prove_sign_in(
        db.session(),
        proved.row_id or 0,
        token=proved.token,
        fresh_token=token,
        data_sealed=_interface().seal(proved, token),
        now=now,
    )
    proved.token, proved.proved_at, proved.begun, proved.modified = token, now, True, False


def leave() -> None:
    """Forget, at the end of this request, the sign-in that was just ended in the database."""
    left = this_session()
    left.clear()
    left.row_id, left.user, left.waiting, left.over = None, None, None, True


def this_session() -> SignInSession:
    """The session of this request itself, not its proxy."""
    found = session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(found, SignInSession)
    return found


def _emptied(now: datetime) -> SignInSession:
    fresh = this_session()
    if fresh.waiting is not None:
        end_waiting(db.session(), fresh.row_id or 0, now)
    fresh.clear()
    g.pop("csrf_token", None)
    fresh.user, fresh.waiting, fresh.proved_at, fresh.idle = None, None, None, timedelta(0)
    return fresh


def _stands(fresh: SignInSession, row: SignIn, token: str, now: datetime) -> None:
    """From now on the session is that of this row."""
    fresh.row_id, fresh.token, fresh.seen_at, fresh.begun, fresh.modified = row.id, token, now, True, False


def _interface() -> ServerSessions:
    interface = current_app.session_interface
    assert isinstance(interface, ServerSessions)
    return interface


def house_mode() -> Mode:
    """The mode of the house as this request found it. For who is signed in it came with the sign-in."""
    asking = session._get_current_object()  # type: ignore[attr-defined]  # the session itself, not its proxy
    if not isinstance(asking, SignInSession):
        return read_mode(db.session())
    if asking.mode is None:
        asking.mode = read_mode(db.session())
        # The request has hardly begun: what is counted or written next must not be read as of now.
        end_reading(db.session())
    return asking.mode


def own_row() -> int | None:
    """The row of the sign-in this request came with."""
    return getattr(session, "row_id", None)


def _asks_for_the_form() -> bool:
    return _is_strangers_form(request)


def _is_strangers_form(request: Request) -> bool:
    return request.path.startswith(STRANGERS_FORMS)


def _place(token_hash: str) -> str:
    return f"sign_ins|{token_hash}|data"


sealed_columns.add("sign_ins.data_sealed", Sealed(SignIn.data_sealed, SignIn.id, SignIn.token_hash, _place))
