"""`tracker audit …`: is the record of what was done still what was written?"""

import sys
from pathlib import Path

import click
from flask import current_app

from tracker.audit import verifying
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.cli.ground import in_house, json_option, say, tracker


@tracker.group("audit")
def audit_group() -> None:
    """The chain of acts: whether it is whole, and anchors by which that can be shown."""


@audit_group.command("verify")
@click.option(
    "--anchor", "anchor", metavar="FILE", type=click.Path(path_type=Path), help="Compare with the anchors in this file."
)
@json_option
@in_house
def verify(anchor: Path | None, as_json: bool) -> None:
    """Walk the chain and name the first act that is not what was written; then the exit code is 1."""
    sealer = current_app.extensions["sealer"]
    anchors = verifying.read_anchors(anchor, db.session(), sealer) if anchor else []
    db.session.rollback()
    found = verifying.verify(db.engine, sealer, anchors)
    bad = {"seq": found.bad_seq, "fault": found.fault, "says": found.says} if found.fault else None
    said = {"whole": bad is None, "count": found.count, "seq": found.seq, "hash": found.hash}
    say(as_json, {**said, "anchors": found.anchors, "first_bad": bad}, found.says)
    if bad:
        sys.exit(1)


@audit_group.command("anchor")
@click.option("--out", "out", metavar="FILE", type=click.Path(path_type=Path), help="Append it to this file instead.")
@in_house
def anchor(out: Path | None) -> None:
    """Print how far the chain has come, as one line of JSON to be kept elsewhere."""
    made = verifying.make_anchor(db.session(), current_app.extensions["sealer"], clock.now())
    if out is None:
        click.echo(made.line)
        return
    try:
        verifying.keep_anchor(made, out)
    except OSError as fault:
        raise Refused(f"{out} cannot be written.", "out") from fault
    click.echo(f"Kept in {out}: act {made.seq}.", err=True)
