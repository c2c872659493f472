"""`tracker cases …` and `tracker flags …`: what stands where, and who may see it."""

from typing import Any

import click

from tracker.accounts.models import Desk
from tracker.accounts.queries import get_account, get_desk
from tracker.base import clock, dates
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.queries import get_case_by_ref
from tracker.cases.service import edit_case, list_named
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.consent.kinds import STOP_REASONS
from tracker.consent.models import WAYS
from tracker.consent.service import stop_publicity
from tracker.flags.queries import describe
from tracker.flags.queries import list_flags as flags_shown
from tracker.pages.queries import case_as_json, cases_as_json

# Cases ----------------------------------------------------------------------------------------------------------------


@tracker.group()
def cases() -> None:
    """Look at cases, and say who may."""


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


@cases.command("set")
@click.argument("ref")
@click.option("--audience", type=click.Choice([a.code for a in Audience]), help="Who may see it.")
@click.option("--named", multiple=True, metavar="EMAIL", help="Name one more person who sees all of it.")
@at_option
@json_option
@in_house
def set_case(ref: str, audience: str | None, named: tuple[str, ...], as_json: bool) -> None:
    """Say who may see a case, or name one more person: where nobody is left who may. Beyond its desk it opens only as
    far as everybody in it has agreed."""
    if audience is None and not named:
        raise click.UsageError("Say --audience, --named, or both.")
    session = db.session()
    with unit_of_work("cases.edit", COMMAND):
        case = get_case_by_ref(session, ref)
        before = case.audience
        people = {user.id: user for user in (*list_named(session, case), *(get_account(session, who) for who in named))}
        wanted = Audience.from_code(audience) if audience else before
        edit_case(session, case, version=case.version, audience=wanted, named=list(people.values()))
    words = f"{case.ref} is open to: {case.audience.code} (before: {before.code})."
    if named:
        words += f" Named: {', '.join(sorted(user.email for user in people.values()))}."
    document = {"ref": case.ref, "audience": case.audience.code, "before": before.code}
    say(as_json, {**document, "named": sorted(user.email for user in people.values())}, words)


@cases.command("stop-publicity")
@click.argument("ref")
@click.option("--reason", required=True, type=click.Choice(STOP_REASONS), help="Why, in a neutral word.")
@click.option("--how", type=click.Choice(WAYS), help="How it was asked for.")
@at_option
@json_option
@in_house
def stop_case_publicity(ref: str, reason: str, how: str | None, as_json: bool) -> None:
    """Stop all publicity of a case at once: it closes to its desk, and mail beyond it is left out."""
    session = db.session()
    with unit_of_work("consent.stop", COMMAND):
        case = get_case_by_ref(session, ref)
        stop_publicity(session, case, reason=reason, how=how or "")
    assert case.publicity_stopped_at is not None
    document = {
        "ref": case.ref,
        "audience": case.audience.code,
        "stopped_at": case.publicity_stopped_at.isoformat(),
        "reason": case.publicity_stopped_reason,
    }
    say(as_json, document, f"Publicity of {case.ref} is stopped. To resume it, two people have to agree in its pages.")


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
