"""`tracker house mode`: the switch of the house, for who sits at the machine."""

import click

from tracker.base.db import db
from tracker.base.mode import MODES, Mode, read_mode
from tracker.base.work import COMMAND, unit_of_work
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.outbox.pausing import read_pause
from tracker.safety.service import change_mode


@tracker.group("house")
def house_group() -> None:
    """The house as a whole."""


@house_group.command("mode")
@click.argument("state", metavar="[open|read-only|closed]", required=False, type=click.Choice(MODES))
@click.option("--reason", default="", metavar="WORDS", help="Why, in one line: staff read it, and the audit keeps it.")
@at_option
@json_option
@in_house
def mode(state: str | None, reason: str, as_json: bool) -> None:
    """Show the mode of the house, or change it for everybody at once."""
    session = db.session()
    if state is not None:
        with unit_of_work("house.mode", COMMAND, "house") as now:
            change_mode(session, state, COMMAND.name, reason, now)
    stands, paused = read_mode(session), read_pause(session) is not None
    since = stands.since.strftime("%Y-%m-%dT%H:%M:%SZ") if stands.since else None
    shown = {"mode": stands.state, "since": since, "by": stands.by, "reason": stands.words, "mail_paused": paused}
    say(as_json, shown, _in_words(stands, since) + (" Mail is paused: tracker outbox release" if paused else ""))


def _in_words(stands: Mode, since: str | None) -> str:
    if stands.is_open:
        return "The house is open."
    return f"The house is {stands.state} since {since} ({stands.by}): {stands.words.rstrip('.')}."
