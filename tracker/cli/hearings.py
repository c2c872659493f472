"""`tracker hearings …`: what became of a hearing."""

from datetime import date, time

import click

from tracker.base import dates
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.hearings import service as hearings
from tracker.hearings.queries import list_hearings
from tracker.hearings.rules import When, on_day
from tracker.pages.queries import hearing_as_json


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
    @click.argument("hearing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
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
@click.argument("hearing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
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
@click.argument("hearing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
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
@click.argument("hearing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
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
