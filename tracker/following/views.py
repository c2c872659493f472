"""Following a public case without an account: the form, the link of the first mail, and the way out.

These pages have a path of their own, so that public pages need no cookie. Whatever address is written, and whoever has
it, the answer is the same.
"""

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _

from tracker.accounts.guard import in_safety, open_to
from tracker.accounts.rules import normalise_email
from tracker.accounts.trying import count_follow
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused
from tracker.base.forms import led_to, once, submit
from tracker.base.languages import known_languages
from tracker.base.work import STRANGER, Actor, unit_of_work
from tracker.cases.models import Case
from tracker.following import queries, rules, service
from tracker.following.forms import AskForm
from tracker.following.tokens import read_leave_word
from tracker.publishing.queries import get_public_case, public_title

bp = Blueprint("following", __name__)

#: A word stands in the address: nobody may keep the answer, list it, or hear where somebody came from.
HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}

#: A link that confirms nothing any more is gone.
GONE = 410

#: Whoever holds the link of a mail. Not who that is.
HOLDER = Actor("link", None, "follow link")


@bp.record_once
def _without_form_token(state: BlueprintSetupState) -> None:
    """Whoever opens the link of a mail has no sign-in, so no form token; the word in the link is the permission."""
    protection = state.app.extensions.get("csrf")
    if protection is not None:
        for view in (confirm_now, out_now, forget_now):
            protection.exempt(view)


# Asking ---------------------------------------------------------------------------------------------------------------


@bp.get("/follow/<lang>/cases/<public_id>")
@open_to("anyone")
def ask(lang: str, public_id: str) -> Any:
    """The form of a public case."""
    form = AskForm(language=lang)
    return _form_page(form, lang, public_id)


@bp.post("/follow/<lang>/cases/<public_id>")
@open_to("anyone")
def ask_now(lang: str, public_id: str) -> Any:
    """Send a link to the address; the answer is the same whatever address it is, and whether it follows already."""
    form = AskForm()
    case_id = _find(lang, public_id).case_id

    def act() -> str:
        try:
            address = normalise_email(form.email.data or "")
        except Refused:
            # In words of its own: those of the house repeat what was typed.
            raise Refused(_("That is not a mail address. Write it as name@example.org."), "email") from None
        counted = count_follow(address, request.remote_addr or "", clock.now())
        if counted == "many":
            raise _TooMany
        with unit_of_work("following.ask", STRANGER) as now:
            once(form)
            days = rules.check_days(form.days_before.data or ())
            service.ask(db.session(), case_id, address, days, form.language.data, now, mute=counted == "address")
            return led_to(form, url_for("following.asked", lang=lang))

    try:
        return submit(form, act, lambda: _form_page(form, lang, public_id))
    except _TooMany:
        form.form_errors.append(_("Too many tries. Wait a quarter of an hour, then try again."))
        return _form_page(form, lang, public_id), 429


class _TooMany(Exception):
    """Too many asked from this network, or altogether."""


@bp.get("/follow/<lang>/asked")
@open_to("anyone")
def asked(lang: str) -> Any:
    """What happens next: the same for every address."""
    _check_language(lang)
    return render_template("following/asked.html", lang=lang)


def _find(lang: str, public_id: str) -> Any:
    _check_language(lang)
    return get_public_case(db.session(), public_id)


def _check_language(lang: str) -> None:
    if lang not in dict(known_languages()):
        raise NotFound("There is no such page.")


def _form_page(form: AskForm, lang: str, public_id: str) -> str:
    case = db.session.get_one(Case, _find(lang, public_id).case_id)
    return render_template("following/ask.html", form=form, lang=lang, public_id=public_id, title=public_title(case))


# Saying yes -----------------------------------------------------------------------------------------------------------


@bp.get("/follow/<lang>/confirm/<word>")
@open_to("anyone")
def confirm(lang: str, word: str) -> Response:
    """What the link of a first mail would begin. Looking begins nothing: programs that check mails open links."""
    return _confirm_page(lang, word)


@bp.post("/follow/<lang>/confirm/<word>")
@open_to("anyone")
def confirm_now(lang: str, word: str) -> Any:
    """Follow from now on. The link is used up."""
    found = queries.find_ask(db.session(), word)
    if _state(found) == "open":
        try:
            with unit_of_work("following.confirm", HOLDER) as now:
                service.confirm(db.session(), word, now)
            return redirect(url_for("following.confirm", lang=lang, word=word), 303)
        except Refused:
            db.session.rollback()
    return _confirm_page(lang, word)


def _confirm_page(lang: str, word: str) -> Response:
    found = queries.find_ask(db.session(), word)
    state = _state(found)
    title = public_title(found.case) if found.is_open else ""
    page = render_template(
        "following/confirm.html",
        lang=lang,
        word=word,
        state=state,
        title=title,
        public_id=found.case.public_id if found.is_open else "",
        ask=found.ask,
    )
    return _private(page, GONE if state == "expired" else 200)


def _state(found: queries.Asked) -> str:
    state = rules.state_of(found.ask.expires_at, found.ask.used_at, clock.now())
    return state if found.is_open else "expired"


# Leaving --------------------------------------------------------------------------------------------------------------


@bp.get("/follow/<lang>/out/<word>")
@open_to("anyone")
def out(lang: str, word: str) -> Response:
    """What the link of a mail would end. Looking ends nothing. A link is good, too, once its language is not spoken
    here any more."""
    leaves = read_leave_word(word)
    titles = [public_title(case) for case in queries.list_followed(db.session(), leaves.recipient_id, leaves.case_ids)]
    return _private(render_template("following/out.html", lang=lang, word=word, titles=titles), 200)


@bp.post("/follow/<lang>/out/<word>")
@open_to("anyone")
@in_safety(read_only=True)
def out_now(lang: str, word: str) -> Any:
    """Follow these cases no more: at the button of the page, which it leads back to, or at one click in a mail program
    (RFC 8058), whose server sends `List-Unsubscribe=One-Click`, without a cookie, and follows nobody anywhere."""
    leaves = read_leave_word(word)
    with unit_of_work("following.leave", HOLDER) as now:
        service.leave(db.session(), leaves.recipient_id, leaves.case_ids, now)
    if request.form.get("List-Unsubscribe") == "One-Click":
        return Response(_("Stopped. No more mails about this go to this address.") + "\n", mimetype="text/plain")
    return redirect(url_for("following.out", lang=lang, word=word), 303)


@bp.post("/follow/<lang>/forget/<word>")
@open_to("anyone")
@in_safety(read_only=True)
def forget_now(lang: str, word: str) -> Any:
    """Take away the address and all that it follows."""
    leaves = read_leave_word(word)
    with unit_of_work("following.forget", HOLDER) as now:
        service.forget(db.session(), leaves.recipient_id, now)
    return redirect(url_for("following.out", lang=lang, word=word), 303)


def _private(page: str, status: int) -> Response:
    answer = make_response(page, status)
    answer.headers.update(HEADERS)
    return answer
