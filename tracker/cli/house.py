"""The house itself: the database, what runs, desks and accounts, the demo."""

import socket
import sys

import click
from flask import current_app
from flask_migrate import cli as migrate_cli
from flask_migrate import upgrade
from sqlalchemy import inspect

from tracker.accounts.models import ROLES
from tracker.accounts.queries import get_account, get_desk
from tracker.accounts.service import add_account, add_desk
from tracker.base import clock, dates
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.house import read_fact, write_fact
from tracker.base.resources import resource
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.queries import get_case_by_ref
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.clockwork.guard import Held, doubt_of
from tracker.clockwork.runner import run_clock
from tracker.clockwork.runner import tick as run_tick
from tracker.factors.service import forget_factors
from tracker.pages.health import say_hold
from tracker.reminders.service import follow

# The database ---------------------------------------------------------------------------------------------------------


@tracker.group("db")
def database() -> None:
    """Look after the database."""


@click.command("upgrade")
@click.option("--rehearsal", is_flag=True, help="Make it a rehearsal: --at may then name any instant. Only when new.")
@in_house
def upgrade_database(rehearsal: bool) -> None:
    """Bring the database to the newest revision."""
    fresh = not _has_tables()
    if rehearsal and not fresh and read_fact(db.session(), "rehearsal") is None:
        raise Refused("This database is in use already; only a new one can be made a rehearsal.")
    db.session.rollback()
    upgrade(directory=str(resource("migrations")))
    if rehearsal:
        with unit_of_work("house.rehearsal", COMMAND):
            write_fact(db.session(), "rehearsal", "yes")
    click.echo("The database is up to date.", err=True)


def _has_tables() -> bool:
    return inspect(db.engine).has_table("house_facts")


database.add_command(upgrade_database)
# Flask-Migrate brings its own `db` group to `flask`; there, too, upgrading means ours.
migrate_cli.db.add_command(upgrade_database)


# Running --------------------------------------------------------------------------------------------------------------


@tracker.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@in_house
def serve(host: str, port: int) -> None:
    """Run pages and clock on this machine; Ctrl-C stops both."""
    from tracker.serving import serve_house

    sys.exit(serve_house(host, port))


@tracker.command()
@in_house
def clockwork() -> None:
    """Run the clock alone: flags, reminders, sending."""
    run_clock(current_app._get_current_object())  # type: ignore[attr-defined]  # the proxy's own way out


@tracker.command()
@at_option
@json_option
@in_house
def tick(as_json: bool) -> None:
    """Run each step of the clock once."""
    doubt = doubt_of(db.session(), clock.now())
    db.session.rollback()
    if doubt is not None:
        raise Refused(say_hold(Held(doubt, socket.gethostname()[:100])))
    said = _tick()
    flags, reminders, outbox = said["flags"], said["reminders"], said["outbox"]
    say(
        as_json,
        said,
        f"Flags: {flags['raised']} raised, {flags['cleared']} cleared, {flags['open']} open. "
        f"Reminders: {reminders['planned']} planned, {reminders['cancelled']} cancelled. "
        f"Mail: {outbox['sent']} sent, {outbox['failed']} not delivered, {outbox['waiting']} waiting.",
    )


def _tick() -> dict[str, dict[str, int]]:
    """One tick, as the command prints it. `failed`: what was not delivered or may have arrived in this tick."""
    steps = run_tick(current_app._get_current_object(), clock.now())  # type: ignore[attr-defined]  # as above
    wanted = {
        "flags": ("flags.sweep", ("raised", "cleared", "open")),
        "reminders": ("reminders.plan", ("planned", "cancelled")),
        "outbox": ("outbox.deliver", ("sent", "failed", "waiting")),
    }
    return {part: {name: steps.get(step, {}).get(name, 0) for name in names} for part, (step, names) in wanted.items()}


# Desks, accounts, following -------------------------------------------------------------------------------------------


@tracker.group()
def desks() -> None:
    """Desks: groups of countries with the people who keep their cases."""


@desks.command("add")
@click.argument("code")
@click.option("--name", required=True, help="What people call it.")
@click.option("--country", "countries", multiple=True, required=True, help="ISO code of a country; may be repeated.")
@click.option("--zone", required=True, help="Time zone, such as Asia/Jerusalem.")
@click.option("--working-days", default="mon-fri", show_default=True, help="Such as sun-thu.")
@at_option
@json_option
@in_house
def add_a_desk(code: str, name: str, countries: tuple[str, ...], zone: str, working_days: str, as_json: bool) -> None:
    """Make a desk."""
    with unit_of_work("desks.add", COMMAND) as now:
        desk = add_desk(db.session(), code, name, countries, zone, dates.parse_working_days(working_days), now=now)
    say(
        as_json,
        {
            "code": desk.code,
            "name": desk.name,
            "countries": desk.countries,
            "zone": desk.zone,
            "working_days": dates.name_working_days(desk.working_days),
        },
        f"Made the desk {desk.code} ({dates.name_working_days(desk.working_days)}, {desk.zone}).",
    )


@tracker.group()
def accounts() -> None:
    """Accounts of people."""


@accounts.command("add")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What they are.")
@click.option("--name", help="What colleagues call them; taken from the address when left out.")
@click.option("--desk", help="Code of the desk they belong to.")
@click.option("--coordinator", is_flag=True, help="They coordinate that desk.")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
@at_option
@json_option
@in_house
def add_an_account(
    email: str, role: str, name: str | None, desk: str | None, coordinator: bool, password_stdin: bool, as_json: bool
) -> None:
    """Make an account."""
    password = sys.stdin.readline().rstrip("\r\n")
    with unit_of_work("accounts.add", COMMAND) as now:
        user = add_account(db.session(), email, name, role, password, desk, coordinator, now=now)
    say(
        as_json,
        {"email": user.email, "role": user.role, "desk": desk, "coordinator": coordinator},
        f"Made the account {user.email} ({user.role}).",
    )


@accounts.command("forget-factors")
@click.argument("email")
@at_option
@json_option
@in_house
def forget_lost_factors(email: str, as_json: bool) -> None:
    """Take lost second factors and recovery codes from an account; it sets up a new one after its password."""
    with unit_of_work("accounts.forget_factors", COMMAND):
        user = get_account(db.session(), email)
        forget_factors(db.session(), user, None)
    say(as_json, {"email": user.email}, f"{user.name} sets up a second factor at the next sign-in.")


@tracker.command("follow")
@click.argument("email")
@click.option("--desk", help="Code of the desk to follow.")
@click.option("--case", "case_ref", help="Reference of the case to follow.")
@at_option
@json_option
@in_house
def follow_something(email: str, desk: str | None, case_ref: str | None, as_json: bool) -> None:
    """Let an account follow a desk or a case: it is reminded of every hearing whose day has not passed."""
    if bool(desk) == bool(case_ref):
        raise Refused("Say either --desk or --case.")
    with unit_of_work("reminders.follow", COMMAND) as now:
        session = db.session()
        user = get_account(session, email)
        follow(
            session,
            user,
            case=get_case_by_ref(session, case_ref) if case_ref else None,
            desk=get_desk(session, desk) if desk else None,
            now=now,
        )
    what = desk.lower() if desk else (case_ref or "").upper()
    say(as_json, {"email": user.email, "follows": what}, f"{user.email} follows {what}.")


# The demo -------------------------------------------------------------------------------------------------------------


@tracker.command()
@click.option("--once", is_flag=True, help="Load, run one tick, print, exit.")
@click.option("--reset", is_flag=True, help="Start afresh; only a demo's database is ever emptied.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@json_option
@in_house
def demo(once: bool, reset: bool, host: str, port: int, as_json: bool) -> None:
    """Load a demo desk and show it: pages, clock and a mail server of its own. Ctrl-C stops all of it."""
    from tracker.demo.loading import load_demo
    from tracker.serving import serve_demo

    load_demo(reset=reset)
    if once:
        said = _tick()
        say(as_json, said, f"The demo is loaded. {said['flags']['open']} flags are open.")
        return
    sys.exit(serve_demo(host, port))
