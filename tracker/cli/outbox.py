"""`tracker outbox …` and `tracker mail …`: what goes out, in the hands of an operator."""

import json
import re
import sys
from datetime import datetime, timedelta
from typing import Any

import click
from flask import current_app

from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.outbox import by_hand, pausing
from tracker.outbox.checking import CheckFailed, Record, check_relay, list_records
from tracker.outbox.models import STATES
from tracker.outbox.preview import dry_run
from tracker.outbox.queries import MailRow, list_messages

#: Why mail is paused where nobody said it in words.
_WHY = {
    "restored": "the database came back from a backup",
    "clock": "the clock jumped",
    "closed": "the house was closed",
}

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@tracker.group("outbox")
def outbox_group() -> None:
    """Look at what goes out, stop it, and let it go."""


class Span(click.ParamType[timedelta]):
    """A span of time such as 90m, 2h or 3d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it; a span of nothing, or of more than a hundred years, is none."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,6})([mhd])", value.strip().lower(), re.ASCII)
        span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
        if not timedelta() < span <= timedelta(days=36_525):
            self.fail(f"{value!r} is no span of time: write 90m, 2h or 3d.", param, ctx)
        return span


class State(click.ParamType[str]):
    """A state of a message, with dashes or underscores."""

    name = "state"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it."""
        state = str(value).strip().lower().replace("-", "_")
        if state not in STATES:
            self.fail(f"{value!r} is no state. Known are: {', '.join(STATES)}.", param, ctx)
        return state


class Number(click.ParamType[int]):
    """The number of a message."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        said = str(value).strip()
        if not re.fullmatch(r"[1-9][0-9]{0,18}", said, re.ASCII) or int(said) >= 2**63:
            self.fail(f"{said[:40]!r} is no number of a message: tracker outbox list shows them.", param, ctx)
        return int(said)


older_than_option = click.option(
    "--older-than", metavar="D", type=Span(), help="Only what was due longer ago than this, such as 90m, 2h or 3d."
)


# Looking --------------------------------------------------------------------------------------------------------------


@outbox_group.command("list")
@click.option("--state", metavar="S", type=State(), help=f"Only those in this state: {', '.join(STATES)}.")
@json_option
@in_house
def list_outbox(state: str | None, as_json: bool) -> None:
    """List messages in the order they are due."""
    session = db.session()
    listed = [_as_json(row) for row in list_messages(session, state, limit=1_000_000)]
    lines = [
        f"{m['id']:>6}  {m['due_at']}  {m['state']:<16} {m['kind']:<18} {m['to']}"
        f"{'  (' + m['reason'] + ')' if m['reason'] else ''}"
        for m in listed
    ]
    say(as_json, listed, "\n".join([*_standing(), *(lines or ["There is no such message."])]))


@outbox_group.command("dry-run")
@at_option
@json_option
@in_house
def try_dry(as_json: bool) -> None:
    """Say what the next tick would send, hold and leave out of what is due, and change nothing."""
    settings = current_app.extensions["settings"]
    fates = dry_run(db.session(), clock.now(), relay_set=settings.smtp_url is not None)
    db.session.rollback()
    listed = [
        {
            "id": fate.id,
            "kind": fate.kind,
            "to": fate.address,
            "due_at": _instant(fate.due_at),
            "would": fate.would,
            "why": fate.why,
            "reason": fate.reason,
        }
        for fate in fates
    ]
    lines = [
        f"{fate.id:>6}  {fate.would:<13} {fate.kind:<18} {fate.address}" + (f"  ({fate.reason})" if fate.reason else "")
        for fate in fates
    ]
    say(as_json, listed, "\n".join([*_standing(), *(lines or ["Nothing is due."])]))


def _standing() -> list[str]:
    """The line that says that mail is paused."""
    pause = pausing.read_pause(db.session())
    if pause is None:
        return []
    by = f" by {pause.by}" if pause.by else ""
    words = pause.words or _WHY.get(pause.why, "no reason given")
    passes = f", but what was due by {_instant(pause.cut)} goes" if pause.cut else ""
    return [f"Mail is paused since {_instant(pause.since)}{by} ({words}){passes}. What comes due is paused with it."]


def _instant(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _as_json(row: MailRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "dedupe_key": row.dedupe_key,
        "kind": row.kind,
        "to": row.address,
        "state": row.state,
        "due_at": _instant(row.due_at),
        "sent_at": _instant(row.sent_at),
        "attempts": row.attempts,
        "message_id": row.message_id,
        "reason": row.reason,
    }


# One message ----------------------------------------------------------------------------------------------------------


@outbox_group.command("retry")
@click.argument("message_id", metavar="ID", type=Number())
@at_option
@json_option
@in_house
def retry(message_id: int, as_json: bool) -> None:
    """Let a message go again at the next tick that was not delivered or may have arrived."""
    with unit_of_work("outbox.retry", COMMAND, f"message:{message_id}") as now:
        again = by_hand.retry_message(db.session(), message_id, now)
    others = f" With it go, in the same mail: {', '.join(str(n) for n in again if n != message_id)}." * (len(again) > 1)
    say(as_json, {"id": message_id, "again": again}, f"Message {message_id} goes again at the next tick.{others}")


@outbox_group.command("cancel")
@click.argument("message_id", metavar="ID", type=Number())
@at_option
@json_option
@in_house
def cancel(message_id: int, as_json: bool) -> None:
    """Take back a message that waits or is paused."""
    with unit_of_work("outbox.cancel", COMMAND, f"message:{message_id}") as now:
        state = by_hand.cancel_message(db.session(), message_id, now)
    more = "" if state == "cancelled" else " An earlier try may have arrived all the same."
    say(as_json, {"id": message_id, "state": state}, f"Message {message_id} is taken back.{more}")


@outbox_group.command("seen-to")
@click.argument("message_id", metavar="ID", type=Number())
@at_option
@json_option
@in_house
def see_to(message_id: int, as_json: bool) -> None:
    """Say that the reader of a message that was not delivered or may have arrived heard in another way."""
    with unit_of_work("outbox.seen_to", COMMAND, f"message:{message_id}") as now:
        fresh = by_hand.see_to_message(db.session(), message_id, now)
    words = "is seen to" if fresh else "was seen to already"
    say(as_json, {"id": message_id, "already": not fresh}, f"Message {message_id} {words}: its reader has heard.")


# All of it ------------------------------------------------------------------------------------------------------------


@outbox_group.command("pause")
@older_than_option
@click.option("--reason", default="", metavar="WORDS", help="Why, in one line, for those who read it.")
@at_option
@json_option
@in_house
def pause(older_than: timedelta | None, reason: str, as_json: bool) -> None:
    """Stop everything that goes out until it is released; or set aside only what was due long ago."""
    if older_than is not None and reason:
        raise Refused("--reason is for a pause of everything: leave it out, or --older-than.", "reason")
    with unit_of_work("outbox.pause", COMMAND, "house") as now:
        done = pausing.pause(
            db.session(), now, "by_hand", COMMAND.name, older_than, words=" ".join(reason.split())[:200]
        )
    what = "Nothing goes out any more" if older_than is None else "What was due long ago is set aside"
    late = f" Too late for {done.under_way}: being handed over at this moment." if done.under_way else ""
    say(as_json, {"paused": done.paused, "under_way": done.under_way}, f"{what}: {done.paused} paused.{late}")


@outbox_group.command("release")
@older_than_option
@at_option
@json_option
@in_house
def release(older_than: timedelta | None, as_json: bool) -> None:
    """Let what is paused go; or only what was due long ago, while the rest stays paused."""
    with unit_of_work("outbox.release", COMMAND, "house") as now:
        done = pausing.release(db.session(), now, older_than)
    say(
        as_json,
        {"released": done.released, "paused": done.paused},
        f"{done.released} released, {done.paused} still paused. What is no longer true, or too late, does not leave.",
    )


# The relay ------------------------------------------------------------------------------------------------------------


@tracker.group("mail")
def mail_group() -> None:
    """See whether mail leaves."""


@mail_group.command("check")
@click.option(
    "--to", "to", metavar="ADDRESS", help="Where the mail goes that tries it; left out: the sender's address."
)
@json_option
@in_house
def check(to: str | None, as_json: bool) -> None:
    """Reach the relay, sign in, send a mail, and say which DNS records the sender's domain needs."""
    settings = current_app.extensions["settings"]
    steps: list[str] = []

    def tell(words: str) -> None:
        steps.append(words)
        if not as_json:
            click.echo(words)

    fault = ""
    try:
        found = check_relay(settings, to, clock.now(), tell)
    except CheckFailed as failed:
        fault = failed.words
    sent_to = "" if fault else found.sent_to
    if as_json:
        records = list_records(settings) if not fault.startswith("TRACKER_MAIL_FROM") else []
        shown = [{"name": r.name, "type": r.type, "value": r.value, "why": r.why} for r in records]
        click.echo(
            json.dumps(
                {"ok": not fault, "steps": steps, "sent_to": sent_to or None, "fault": fault or None, "dns": shown},
                ensure_ascii=False,
            )
        )
    elif not fault:
        click.echo("\n".join(["", "Records to set in DNS:", *(_in_lines(record) for record in found.records)]))
    if fault:
        click.echo(f"tracker: {fault}", err=True)
        sys.exit(1)


def _in_lines(record: Record) -> str:
    return f"  {record.name}  {record.type}  {record.value}\n    {record.why}"
