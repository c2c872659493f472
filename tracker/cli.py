"""The commands, for people, cron and checks: the console script `tracker`, and the same under `flask --app tracker`.

`--json` prints one JSON document to standard output and nothing else; messages go to standard error. Exit codes: 0
done, 2 wrong use or refused input with one clear line, 1 failure.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from flask import Flask, current_app, has_app_context
from flask_migrate import cli as migrate_cli
from flask_migrate import upgrade
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError, ProgrammingError

from tracker.accounts.models import ROLES, Desk, User
from tracker.accounts.queries import get_account, get_desk
from tracker.accounts.service import add_account, add_desk
from tracker.app import build
from tracker.base import clock, dates
from tracker.base.columns import new_public_id
from tracker.base.db import db
from tracker.base.errors import Refused, TrackerError, VersionConflict
from tracker.base.house import read_fact, write_fact
from tracker.base.resources import resource
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.queries import get_case_by_ref
from tracker.cases.service import check_keeper
from tracker.clockwork.runner import run_clock
from tracker.clockwork.runner import tick as run_tick
from tracker.flags.queries import describe
from tracker.flags.queries import list_flags as flags_shown
from tracker.hearings import service as hearings
from tracker.hearings.queries import list_hearings
from tracker.hearings.rules import When, on_day
from tracker.intake.models import Document
from tracker.intake.readers import LARGEST_FILE, read_document, refuse_if_too_large
from tracker.intake.reading.page import read_page
from tracker.intake.rules import cut
from tracker.intake.service import accept, keep_document, open_groups, propose, published_on
from tracker.pages.queries import case_as_json, cases_as_json, hearing_as_json
from tracker.reminders.service import follow

C = TypeVar("C", bound=Callable[..., Any])

#: How far an instant given with --at may be from the true clock outside a rehearsal.
AT_SLACK = timedelta(minutes=2)


def main() -> NoReturn:
    """The console script. Wrong use is one line, too: what is wrong, and where help is."""
    try:
        sys.exit(tracker.main(prog_name="tracker", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        sys.exit(asked.exit_code)
    except click.ClickException as wrong:
        of = f" See {wrong.ctx.command_path} --help." if isinstance(wrong, click.UsageError) and wrong.ctx else ""
        click.echo(f"tracker: {' '.join(wrong.format_message().split())}{of}", err=True)
        sys.exit(wrong.exit_code)
    except click.Abort:
        sys.exit(1)
    except TrackerError as refusal:
        _refuse(refusal)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="urgent-action-tracker")
def tracker() -> None:
    """The urgent action case tracker."""


def register(app: Flask) -> None:
    """Make the same commands available under `flask --app tracker`."""
    for name, command in tracker.commands.items():
        app.cli.add_command(command, name)


def in_house(command: C) -> C:
    """Run a command inside the application, at the instant --at gives where the command takes it; a refusal is one line
    and exit code 2, a lost database one line and 1."""

    @wraps(command)
    def run(*args: Any, at: str | None = None, **options: Any) -> Any:
        try:
            with _house(), _instant(at):
                return command(*args, **options)
        except TrackerError as refusal:
            _refuse(refusal)
        except (OperationalError, ProgrammingError) as fault:
            words = str(fault.orig).splitlines()[0] if fault.orig else "no answer"
            if "no such table" in words or isinstance(fault, ProgrammingError):
                click.echo(f"tracker: the database is not up to date ({words}). Run: tracker db upgrade", err=True)
            else:
                click.echo(f"tracker: the database cannot be reached: {words}", err=True)
            sys.exit(1)

    return run  # type: ignore[return-value]  # a wrapper of the same shape


@contextmanager
def _house() -> Iterator[None]:
    """The application this runs in, or one of its own, whose connections are closed in the end."""
    if has_app_context():
        yield
        return
    with build().app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def _refuse(refusal: TrackerError) -> NoReturn:
    click.echo(f"tracker: {refusal.message}", err=True)
    sys.exit(2)


@contextmanager
def _instant(at: str | None) -> Iterator[None]:
    if at is None:
        yield
        return
    instant = dates.parse_instant(at)
    if abs(instant - clock.true_now()) > AT_SLACK and read_fact(db.session(), "rehearsal") is None:
        raise Refused(
            "--at may be at most two minutes off the true clock, except in a database made with "
            "tracker db upgrade --rehearsal.",
            "at",
        )
    with clock.fixed_at(instant):
        yield


at_option = click.option("--at", "at", metavar="INSTANT", help="Pretend it is this instant, such as 2024-04-01T07:00Z.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def say(as_json: bool, document: Any, words: str) -> None:
    """Print a document, or its words for people."""
    click.echo(
        json.dumps(document, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) if as_json else words
    )


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


# Reading pages --------------------------------------------------------------------------------------------------------


@tracker.group()
def intake() -> None:
    """Read pages into cases."""


_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_published = click.option("--published", metavar="DATE", help="Day it was published, where the text does not say.")


def _read(file: Path, published: str | None) -> tuple[str, date | None, Any]:
    """The text of a file, its day of publication and its reading."""
    # Refused by its size, before anything is loaded.
    refuse_if_too_large(file.stat().st_size, file.name)
    with file.open("rb") as opened:
        text = read_document(opened.read(LARGEST_FILE + 1), file.name).text
    day = dates.parse_date(published, "published") if published else None
    reading = read_page(text, day)
    return text, published_on(reading, day), reading


@intake.command("read")
@_file
@_published
@json_option
@in_house
def read_file(file: Path, published: str | None, as_json: bool) -> None:
    """Read a page and print what it says; nothing is stored."""
    _text, _day, reading = _read(file, published)
    lines = [
        f"{entry.published or '?'}  {entry.kind:<14} {'case' if entry.individual_case else '-':<5} {entry.title}"
        for entry in reading.entries
    ]
    say(as_json, reading.as_json(), "\n".join(lines))


@intake.command("import")
@_file
@click.option("--desk", required=True, help="Code of the desk whose page it is.")
@click.option("--owner", metavar="EMAIL", help="Who keeps the new cases; left out: nobody yet.")
@click.option("--accept", "accept_what", type=click.Choice(["all"]), help="Take everything, unread.")
@_published
@at_option
@json_option
@in_house
def import_file(
    file: Path, desk: str, owner: str | None, accept_what: str | None, published: str | None, as_json: bool
) -> None:
    """Read a page and propose what it says; with --accept all, take it at once."""
    text, day, reading = _read(file, published)
    session = db.session()
    with unit_of_work("intake.propose", COMMAND):
        its_desk = get_desk(session, desk)
        keeper = get_account(session, owner) if owner else None
        check_keeper(session, its_desk.id, keeper, "owner")
        document = keep_document(session, its_desk, text, file.name, day)
        proposed = propose(session, its_desk, document, reading)
        fresh = len(proposed.fresh)
    accepted, left_open, refs = _accept_all(document, keeper) if accept_what else (0, [], [])
    document_of_this = {
        "desk": its_desk.code,
        "entries": len(reading.entries),
        "proposed": fresh,
        "known": proposed.known,
        "accepted": accepted,
        "left_open": len(left_open),
        "cases": refs,
    }
    say(
        as_json,
        document_of_this,
        f"{len(reading.entries)} entries read; {fresh} proposals made, {proposed.known} known already, "
        f"{accepted} accepted{' into ' + ', '.join(refs) if refs else ''}.",
    )


def _accept_all(document: Document, keeper: User | None) -> tuple[int, list[str], list[str]]:
    """Take what a document still proposes, a unit of work a case: what was taken stays taken if the machine stops here.
    How many proposals were taken; why others stay open, one reason each (standard error says them); the cases."""
    session = db.session()
    accepted, left_open, refs, import_id = 0, [], [], new_public_id()
    for place, group in enumerate(open_groups(session, document)):
        try:
            with unit_of_work("intake.accept", COMMAND, subject=f"document:{document.id}"):
                waiting = open_groups(session, document).get(group)
                if not waiting:  # somebody else decided
                    continue
                desk = session.get(Desk, document.desk_id)
                assert desk is not None
                taken = accept(session, desk, waiting, owner=keeper, unread=True, place=place, import_id=import_id)
        except VersionConflict:  # somebody else decided just now
            continue
        except Refused as refusal:
            left_open.append(refusal.message)
            click.echo(f"tracker: left open: {refusal.message}", err=True)
            continue
        for proposal, why in taken.left_open:
            left_open.append(why)
            click.echo(f"tracker: left open: {why} (“{cut(proposal.quote, 80)}”)", err=True)
        accepted += taken.count
        refs.append(taken.case.ref)
    return accepted, left_open, list(dict.fromkeys(refs))


# Cases ----------------------------------------------------------------------------------------------------------------


@tracker.group()
def cases() -> None:
    """Look at cases."""


def _next_day(next_date: dict[str, Any] | None) -> str:
    """The day of a next date, or the first day it can be."""
    if next_date is None:
        return "-"
    return str(next_date["date"] or f"{next_date['earliest']}…")


@cases.command("list")
@click.option("--desk", help="Only this desk's.")
@json_option
@in_house
def list_cases(desk: str | None, as_json: bool) -> None:
    """List cases with their people, next date and flags."""
    session = db.session()
    listed = cases_as_json(session, get_desk(session, desk) if desk else None)
    lines = [
        f"{case['ref']:<12} {case['risk']:<9} {_next_day(case['next_date']):<11} "
        f"{case['status_line']}  {' '.join(case['flags'])}"
        for case in listed
    ]
    say(
        as_json, listed, "\n".join(lines) or "There is no case yet. Read a page: tracker intake import FILE --desk CODE"
    )


@cases.command("show")
@click.argument("ref")
@click.option("--as-known-on", metavar="DATE", help="As it was known at the end of that day.")
@json_option
@in_house
def show_case(ref: str, as_known_on: str | None, as_json: bool) -> None:
    """Show a case with its timeline and hearings."""
    session = db.session()
    case = get_case_by_ref(session, ref)
    desk = session.get(Desk, case.desk_id)
    assert desk is not None
    known_on = dates.parse_date(as_known_on, "as_known_on") if as_known_on else None
    shown = case_as_json(session, case, desk, known_on, now=clock.now())
    lines = [f"{shown['ref']} {shown['title']}", shown["status_line"], ""]
    lines += [
        f"{entry['date'] or 'by ' + entry.get('by', '?'):<14} {entry['sentence']}"
        + ("" if entry["counts"] else "  (does not count)")
        for entry in shown["timeline"]
    ]
    say(as_json, shown, "\n".join(lines))


# Hearings -------------------------------------------------------------------------------------------------------------


@tracker.group("hearings")
def hearings_group() -> None:
    """Look at hearings, and say what became of them."""


@hearings_group.command("list")
@json_option
@in_house
def list_all_hearings(as_json: bool) -> None:
    """List all hearings by when they start."""
    listed = [hearing_as_json(seen) for seen in list_hearings(db.session(), limit=100_000)]
    lines = [
        f"{h['id']:>5}  {h['date'] or h['earliest'] or 'no date':<11} {h['time'] or '':<6} {h['state']:<11} "
        f"{','.join(h['cases'])}  {h['court']}"
        for h in listed
    ]
    say(as_json, listed, "\n".join(lines) or "There is no hearing yet.")


def _moves(name: str, help_text: str) -> None:
    @hearings_group.command(name, help=help_text)
    @click.argument("hearing_id", metavar="ID", type=int)
    @click.option("--date", "day", required=True, metavar="DATE", help="The day there, such as 2026-04-08.")
    @click.option("--time", "at_time", metavar="TIME", help="The time there, such as 09:30; left out: not announced.")
    @click.option("--zone", help="The court's zone; left out: as before.")
    @click.option("--fold", type=click.IntRange(0, 1), help="Where that hour comes twice: 0 the first, 1 the second.")
    @click.option("--confirm", is_flag=True, help="Take a date that is past or over 12 months off.")
    @at_option
    @json_option
    @in_house
    def move(
        hearing_id: int,
        day: str,
        at_time: str | None,
        zone: str | None,
        fold: int | None,
        confirm: bool,
        as_json: bool,
    ) -> None:
        on, at_clock = dates.parse_date(day), dates.parse_time(at_time) if at_time else None
        with unit_of_work(f"hearings.{name}", COMMAND, subject=f"hearing:{hearing_id}"):
            session = db.session()
            hearing = hearings.get_hearing(session, hearing_id)
            when = on_day(zone or hearing.zone, on, at_clock, fold)
            change = hearings.move_hearing if name == "move" else hearings.correct_hearing
            change(session, hearing, when, version=hearing.version, unlikely_is_meant=confirm)
        _say_hearing(as_json, hearing_id)


_moves("move", "The court moved a hearing: those who were told are told.")
_moves("correct", "We had a hearing's date wrong: those who were told are told so.")


@hearings_group.command("cancel")
@click.argument("hearing_id", metavar="ID", type=int)
@at_option
@json_option
@in_house
def cancel(hearing_id: int, as_json: bool) -> None:
    """A hearing will not take place: those who were told are told."""
    with unit_of_work("hearings.cancel", COMMAND, subject=f"hearing:{hearing_id}"):
        hearing = hearings.get_hearing(db.session(), hearing_id)
        hearings.cancel_hearing(db.session(), hearing, version=hearing.version)
    _say_hearing(as_json, hearing_id)


@hearings_group.command("reinstate")
@click.argument("hearing_id", metavar="ID", type=int)
@at_option
@json_option
@in_house
def reinstate(hearing_id: int, as_json: bool) -> None:
    """A hearing is on again, or its outcome was wrong: it is awaited as before."""
    with unit_of_work("hearings.reinstate", COMMAND, subject=f"hearing:{hearing_id}"):
        hearing = hearings.get_hearing(db.session(), hearing_id)
        hearings.reinstate_hearing(db.session(), hearing, version=hearing.version)
    _say_hearing(as_json, hearing_id)


@hearings_group.command("outcome")
@click.argument("hearing_id", metavar="ID", type=int)
@click.argument("outcome", type=click.Choice(["took-place", "adjourned", "postponed", "not-known"]))
@click.option("--next", "next_day", metavar="DATE", help="The day of the hearing that follows.")
@click.option("--next-time", metavar="TIME", help="Its time.")
@click.option("--reason", default="", help="Why, in a few words.")
@click.option("--confirm", is_flag=True, help="Take a next date that is past or over 12 months off.")
@at_option
@json_option
@in_house
def record(
    hearing_id: int,
    outcome: str,
    next_day: str | None,
    next_time: str | None,
    reason: str,
    confirm: bool,
    as_json: bool,
) -> None:
    """Say what became of a hearing, and when it goes on."""
    if next_time and not next_day:
        raise Refused("A next time needs its day: say --next as well.", "next-time")
    on, at_clock = (
        dates.parse_date(next_day, "next") if next_day else None,
        dates.parse_time(next_time) if next_time else None,
    )
    with unit_of_work("hearings.outcome", COMMAND, subject=f"hearing:{hearing_id}"):
        session = db.session()
        hearing = hearings.get_hearing(session, hearing_id)
        hearings.record_outcome(
            session,
            hearing,
            outcome.replace("-", "_"),
            version=hearing.version,
            reason=reason,
            next_when=_next(hearing.zone, on, at_clock),
            unlikely_is_meant=confirm,
        )
    _say_hearing(as_json, hearing_id)


def _next(zone: str, on: date | None, at_clock: time | None) -> When | None:
    return on_day(zone, on, at_clock) if on else None


def _say_hearing(as_json: bool, hearing_id: int) -> None:
    (seen,) = list_hearings(db.session(), hearing_id=hearing_id)
    shown = hearing_as_json(seen)
    shown["next"] = seen.hearing.next_hearing_id
    say(
        as_json,
        shown,
        f"Hearing {hearing_id}: {shown['state']}, {shown['date'] or 'no date'} {shown['time'] or ''}".rstrip() + ".",
    )


# Flags ----------------------------------------------------------------------------------------------------------------


@tracker.group()
def flags() -> None:
    """Look at what needs a human."""


@flags.command("list")
@json_option
@in_house
def list_flags(as_json: bool) -> None:
    """List open flags, worst first."""
    listed = [describe(shown) for shown in flags_shown(db.session(), clock.now())]
    lines = [f"{f['severity']}  {f['case']:<12} {f['code']:<24} {f['due_at'] or ''}" for f in listed]
    say(as_json, listed, "\n".join(lines) or "Nothing needs anybody.")


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
