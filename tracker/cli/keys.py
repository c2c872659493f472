"""`tracker keys …`: the keys that seal, outside the database."""

import sys
from typing import Any

import click
from flask import current_app

from tracker.base import rotation
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.sealing import ROOT, WAITS, Keyring, new_line
from tracker.base.work import COMMAND, note_done, unit_of_work
from tracker.cli.ground import in_house, json_option, say, tracker


@tracker.group("keys")
def keys_group() -> None:
    """The keyring: which key seals, and how to change it."""


@keys_group.command("list")
@json_option
@in_house
def list_keys(as_json: bool) -> None:
    """List keys by their ids, and how much is sealed with each; never a key itself."""
    uses = rotation.list_uses(db.session(), _keyring().ring)
    lines = [
        f"{use.id or '?':<10} {use.state:<8} {use.total:>7} sealed"
        + "".join(f", {number} {code}" for code, number in use.sealed.items())
        for use in uses
    ]
    say(
        as_json,
        [{"id": use.id or None, "state": use.state, "sealed": dict(use.sealed)} for use in uses],
        "\n".join(lines),
    )


@keys_group.command("rotate")
@click.option(
    "--add", "add", is_flag=True, help="Only put the new key into the keyring: it waits to be taken into use."
)
@click.option("--retire", "retire", metavar="ID", help="Take a key out with which nothing is sealed any more.")
@json_option
@in_house
def rotate(add: bool, retire: str | None, as_json: bool) -> None:
    """Take a new key into use and seal with it what was sealed with others; goes on with what was begun before."""
    if add and retire:
        raise Refused("Say either --add or --retire.")
    keyring = _keyring()
    if retire:
        _retire(keyring, retire, as_json)
    elif keyring.path is None:
        _in_environment(keyring, add, as_json)
    elif add:
        fresh = rotation.add_key(keyring)
        _record("keys.add", fresh)
        words = f"{fresh} waits. Copy {keyring.path} to each machine, then run: tracker keys rotate"
        say(as_json, {"added": fresh}, words)
    else:
        # What a rotation that ended early has left is finished first; only then is there a next one.
        going_on = not keyring.ring.waiting and rotation.is_unfinished(db.session(), keyring.ring)
        db.session.rollback()
        fresh = keyring.ring.primary if going_on else rotation.take_into_use(keyring)
        _seal_anew(keyring, fresh, as_json)


def _seal_anew(keyring: Keyring, fresh: str, as_json: bool) -> None:
    _record("keys.rotate", fresh)
    done, unopened = rotation.seal_anew(keyring)
    left = rotation.is_unfinished(db.session(), keyring.ring)
    db.session.rollback()
    said: dict[str, Any] = {"primary": fresh, "sealed_anew": done, "unopened": unopened, "finished": not left}
    words = f"{fresh} seals from now on; {done} rows were sealed anew."
    say(as_json, said, words)
    if unopened:
        click.echo(f"tracker: {unopened} rows do not open with any key here, and stay as they are.", err=True)
    if left:
        click.echo("tracker: some rows are sealed with an older key still. Run it once more.", err=True)
    if left and not unopened:
        sys.exit(1)


def _in_environment(keyring: Keyring, add: bool, as_json: bool) -> None:
    """What the operator has to set; once that is done, seal anew."""
    ring = keyring.ring
    unfinished = rotation.is_unfinished(db.session(), ring)
    db.session.rollback()
    if unfinished and not add:
        _seal_anew(keyring, ring.primary, as_json)
        return
    if ring.waiting:
        raise Refused(
            f"Put the key {next(iter(ring.waiting))} first in TRACKER_KEYRING_KEYS, without its {WAITS}, start "
            "everything anew, then run: tracker keys rotate"
        )
    line = f"{WAITS}{new_line(rotation.fresh_id())}"
    # Of an older keyring the oldest key is the root as well, and stays it under a name of its own.
    root = "" if ring.has_root else f" As the last line, put the oldest key once more under the name {ROOT}."
    click.echo(
        "tracker: the keyring stands in TRACKER_KEYRING_KEYS, which only you can change. Put the line that is printed "
        f"after its first, on each machine, start everything anew, then run it again.{root}",
        err=True,
    )
    say(as_json, {"set": line}, line)


def _retire(keyring: Keyring, key_id: str, as_json: bool) -> None:
    with unit_of_work("keys.retire", COMMAND, f"key:{key_id[:20]}"):
        note_done("keyring", key_id[:20])
        rotation.retire_key(db.session(), keyring, key_id)
    say(as_json, {"retired": key_id}, f"{key_id} is taken out. Backups from before it was replaced still need it.")


def _record(act: str, key_id: str) -> None:
    with unit_of_work(act, COMMAND, f"key:{key_id}"):
        note_done("keyring", key_id)


def _keyring() -> Keyring:
    keyring: Keyring = current_app.extensions["sealer"].keyring
    return keyring
