"""`tracker accounts …`: who there is; inviting, closing, opening, and ending all that lets somebody in.

An operator may do here what admins do in pages, so that a house whose only admin is gone can be opened again.
"""

from collections.abc import Sequence

import click

from tracker.accounts import service
from tracker.accounts.models import ROLES
from tracker.accounts.queries import get_account
from tracker.administration.queries import PAGE, Listed, list_accounts
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.sentences import on_record
from tracker.base.work import COMMAND, unit_of_work
from tracker.cli.ground import at_option, in_house, json_option, say
from tracker.cli.house import accounts
from tracker.invitations.models import AccountLink
from tracker.invitations.service import end_links, invite


@accounts.command("list")
@json_option
@in_house
def list_all_accounts(as_json: bool) -> None:
    """Say who has an account, and how it stands with it."""
    listed: list[Listed] = []
    after = ""
    while True:
        page = list_accounts(db.session(), None, after=after, limit=PAGE * 10)
        listed += page.rows
        if not page.next:
            break
        after = page.next
    say(as_json, [_as_json(one) for one in listed], "\n".join(_in_words(one) for one in listed) or "There is nobody.")


@accounts.command("invite")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What they will be.")
@click.option("--desk", help="Code of the desk they will belong to.")
@click.option("--coordinator", is_flag=True, help="They will coordinate that desk.")
@click.option("--language", help="Language of the mail, such as ar.")
@at_option
@json_option
@in_house
def invite_somebody(
    email: str, role: str, desk: str | None, coordinator: bool, language: str | None, as_json: bool
) -> None:
    """Send somebody an invitation: a link, good once and for three days."""
    with unit_of_work("invitations.invite", COMMAND) as now:
        link = invite(db.session(), None, email, role, desk, coordinator, language, now=now)
        address, until = link.email_key, link.expires_at
    say(
        as_json,
        {"email": address, "role": role, "desk": desk, "coordinator": coordinator, "expires_at": _iso(until)},
        f"An invitation goes to {address} with the next tick. It lasts until {until:%Y-%m-%d %H:%M} UTC.",
    )


@accounts.command("disable")
@click.argument("email")
@at_option
@json_option
@in_house
def close_an_account(email: str, as_json: bool) -> None:
    """Close an account: nobody gets in with it from this moment on. An invitation that is open is taken back."""
    with unit_of_work("accounts.disable", COMMAND) as now:
        session = db.session()
        user = get_account(session, email)
        if user.invited:
            taken = end_links(session, AccountLink.user_id == user.id, now, on_record("the invitation was taken back"))
            if not taken:
                raise Refused(f"{user.email} was invited and has not come; no invitation is open.")
            said: Sequence[str] = ()
        elif not user.active:
            raise Refused(f"The account {user.email} is closed already.")
        else:
            said = service.disable(session, user, now)
        address = user.email
    say(as_json, {"email": address, "active": False, "to_see_to": list(said)}, _told(f"Closed {address}.", said))


@accounts.command("enable")
@click.argument("email")
@at_option
@json_option
@in_house
def open_an_account(email: str, as_json: bool) -> None:
    """Open an account again. What had ended stays so: it signs in anew, and takes up cases anew."""
    with unit_of_work("accounts.enable", COMMAND):
        user = get_account(db.session(), email)
        if user.active:
            raise Refused(f"The account {user.email} is open already.")
        service.enable(db.session(), user)
        address = user.email
    say(as_json, {"email": address, "active": True}, f"Opened {address}.")


@accounts.command("revoke")
@click.argument("email")
@at_option
@json_option
@in_house
def revoke_access(email: str, as_json: bool) -> None:
    """End all that lets an account in: sign-ins, addresses of calendars, links. It stays open and signs in anew."""
    with unit_of_work("accounts.revoke", COMMAND) as now:
        user = get_account(db.session(), email)
        said = service.end_access(db.session(), user, now)
        address = user.email
    done = f"Ended all sign-ins, calendar addresses and links of {address}."
    say(as_json, {"email": address, "revoked_at": _iso(clock.now()), "to_see_to": list(said)}, _told(done, said))


def _told(done: str, said: Sequence[str]) -> str:
    return "\n".join((done, *said))


def _as_json(one: Listed) -> dict[str, object]:
    user = one.user
    return {
        "email": user.email,
        "name": user.name,
        "alias": user.alias,
        "role": None if user.invited else user.role,
        "state": one.state,
        "desks": [
            {"code": m.desk.code, "coordinator": m.coordinator, "deputy": m.deputy}
            for m in sorted(user.memberships, key=lambda m: m.desk.code)
        ],
        "seen_at": _iso(one.seen_at),
        "bounced_at": _iso(one.bounced_at),
    }


def _in_words(one: Listed) -> str:
    user = one.user
    desks = ", ".join(sorted(m.desk.code for m in user.memberships)) or "no desk"
    seen = f"seen {one.seen_at:%Y-%m-%d %H:%M} UTC" if one.seen_at else "not seen lately"
    bounced = ", mail comes back" if one.bounced_at else ""
    role = "" if user.invited else f"{user.role}, {desks}, "
    return f"{user.email}: {user.name}, {role}{one.state}, {seen}{bounced}"


def _iso(at: object) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if hasattr(at, "isoformat") else None
