"""The machine's clock, and what the operator is to do next."""

import sys

from flask import current_app

from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, note_done, unit_of_work
from tracker.cli.ground import in_house, json_option, say, tracker
from tracker.clockwork.guard import accept_clock
from tracker.pages.health import doctor_says


@tracker.group("clock")
def machine_clock() -> None:
    """The clock of this machine, where it was not believed."""


@machine_clock.command("accept")
@json_option
@in_house
def accept(as_json: bool) -> None:
    """Say that this machine's clock is right: what was held because of it goes on."""
    with unit_of_work("clock.accept", COMMAND, now=clock.true_now()) as now:
        accept_clock(db.session(), now)
        note_done("house_facts", None, clock_accepted=now.isoformat())
    say(as_json, {"accepted": now.isoformat()}, f"It is {now:%d %b %Y, %H:%M} UTC. The clock goes on within seconds.")


@tracker.command()
@json_option
@in_house
def doctor(as_json: bool) -> None:
    """Say OK, or what is wrong and the one next command; then the exit code is 1."""
    configured = current_app.extensions["settings"].smtp_url is not None
    verdict = doctor_says(db.session(), clock.now(), configured)
    say(as_json, {"ok": not verdict.bad, "says": verdict.words}, verdict.words if verdict.bad else "OK")
    if verdict.bad:
        sys.exit(1)
