"""`tracker actions …`, `tracker steps …`, `tracker targets …`: what is asked, what was done, and to whom."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from tracker.actions import rules, service
from tracker.actions.models import UrgentAction
from tracker.actions.queries import as_json as action_as_json
from tracker.actions.queries import called, find_action
from tracker.actions.queries import list_actions as all_actions
from tracker.base import clock, dates
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.cases.queries import get_case_by_ref
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.consent.kinds import STOP_REASONS
from tracker.steps.models import CHANNELS
from tracker.steps.queries import total_of
from tracker.steps.service import record_step
from tracker.targets.models import Target
from tracker.targets.queries import as_json as target_as_json
from tracker.targets.queries import list_targets as all_targets
from tracker.targets.service import record_target

#: What a file of an action may hold, and of what kind.
_FIELDS = {
    **dict.fromkeys(("title", "ua_number", "index_number", "summary", "cautions", "audience"), str),
    **dict.fromkeys(("issued_on", "act_until"), date),
    "minutes": int,
    "copy_to_embassy": bool,
    "letters": list,
    "targets": list,
}

#: What a letter in it may hold, and somebody to write to; and of what kind.
_LETTER = dict.fromkeys(("language", "subject", "salutation", "body"), str)
_TARGET = {
    **dict.fromkeys(("kind", "country", "hosted_in", "name", "office", "salutation", "language"), str),
    **dict.fromkeys(("postal", "email", "phone"), str),
    **dict.fromkeys(("valid_from", "valid_to"), date),
}


# Actions --------------------------------------------------------------------------------------------------------------


@tracker.group("actions")
def actions_group() -> None:
    """Look at urgent actions, add one, stop it."""


@actions_group.command("list")
@json_option
@in_house
def list_actions(as_json: bool) -> None:
    """List all urgent actions, those that can be taken first."""
    _say_actions(as_json, all_actions(db.session()))


@actions_group.command("add")
@click.argument("ref")
@click.option(
    "--from", "source", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.toml"
)
@click.option("--open", "opened", is_flag=True, help="Open it at once; otherwise it stays a draft.")
@at_option
@json_option
@in_house
def add(ref: str, source: Path, opened: bool, as_json: bool) -> None:
    """Add an urgent action to a case from a TOML file: title, letters, targets."""
    given = _read(source)
    session = db.session()
    with unit_of_work("actions.draft", COMMAND):
        case = get_case_by_ref(session, ref)
        letters = [service.LetterGiven(**letter) for letter in given.pop("letters", [])]
        targets = [_target(session, target) for target in given.pop("targets", [])]
        if "audience" in given:
            given["audience"] = Audience.from_code(given["audience"])
        action = service.draft_action(session, case, letters=letters, targets=targets, **given)
        if opened:
            service.activate_action(session, case, action, version=action.version)
    _say_actions(as_json, [(action, case)], one=True)


def _changes(name: str, reasons: tuple[str, ...], help_text: str) -> None:
    @actions_group.command(name, help=help_text)
    @click.argument("action_id", metavar="UA|ID")
    @click.option("--reason", required=True, type=click.Choice([r.replace("_", "-") for r in reasons]))
    @click.option("--words", default="", help="What its page says, in words for everybody.")
    @at_option
    @json_option
    @in_house
    def change(action_id: str, reason: str, words: str, as_json: bool) -> None:
        session = db.session()
        with unit_of_work(f"actions.{name}", COMMAND):
            action, case = _find(action_id)
            code = reason.replace("-", "_")
            if name == "stop":
                service.stop_action(session, case, action, reason=code, words=words)
            elif name == "hold":
                service.hold_action(session, case, action, reason=code, words=words)
            elif words:
                raise Refused("What goes on needs no words: leave --words out.", "words")
            else:
                service.resume_action(session, case, action, reason=code)
        _say_actions(as_json, [(action, case)], one=True)


_changes("stop", STOP_REASONS, "Stop an action for good: its letter is withdrawn everywhere.")
_changes("hold", rules.HOLD_REASONS, "Put an action on hold until somebody resumes it.")
_changes("resume", rules.RESUME_REASONS, "Let an action go on after a hold.")


@actions_group.command("extend")
@click.argument("action_id", metavar="UA|ID")
@click.option("--until", metavar="DATE", help="The new last day; left out: 14 days more.")
@at_option
@json_option
@in_house
def extend(action_id: str, until: str | None, as_json: bool) -> None:
    """Put the last day of an action off."""
    session = db.session()
    with unit_of_work("actions.extend", COMMAND):
        action, case = _find(action_id)
        service.extend_action(session, case, action, until=dates.parse_date(until, "until") if until else None)
    _say_actions(as_json, [(action, case)], one=True)


# Steps ----------------------------------------------------------------------------------------------------------------


@tracker.group("steps")
def steps_group() -> None:
    """Say what was done for an action."""


@steps_group.command("add")
@click.argument("action_id", metavar="UA|ID")
@click.option("--channel", required=True, type=click.Choice(CHANNELS), help="How it was written or said.")
@click.option("--count", required=True, type=int, help="How many.")
@click.option("--on", "done_on", required=True, metavar="DATE", help="The day it was done.")
@at_option
@json_option
@in_house
def add_steps(action_id: str, channel: str, count: int, done_on: str, as_json: bool) -> None:
    """Take down letters, mails or calls that were told of elsewhere."""
    session = db.session()
    day = dates.parse_date(done_on, "on")
    with unit_of_work("steps.record", COMMAND):
        action, _case = _find(action_id)
        record_step(session, action, channel=channel, count=count, done_on=day, source="command")
    total = total_of(session, [action.id]).get(action.id, 0)
    document = {"ref": called(action), "channel": channel, "count": count, "on": day.isoformat(), "total": total}
    say(as_json, document, f"{called(action)}: {count} by {channel} on {day.isoformat()}; {total} in all.")


# Targets --------------------------------------------------------------------------------------------------------------


@tracker.group("targets")
def targets_group() -> None:
    """Look at the target book."""


@targets_group.command("list")
@json_option
@in_house
def list_targets(as_json: bool) -> None:
    """List officials and embassies by state."""
    listed = [target_as_json(target) for target, _reports in all_targets(db.session(), limit=100_000)]
    lines = [f"{t['id']:>5}  {t['country']}  {t['kind']:<8}  {t['office']}  {t['name']}".rstrip() for t in listed]
    say(as_json, listed, "\n".join(lines) or "The target book is empty.")


# Parts of these -------------------------------------------------------------------------------------------------------


def _find(said: str) -> tuple[UrgentAction, Case]:
    return find_action(db.session(), said, clock.now().date())


def _say_actions(as_json: bool, listed: list[tuple[UrgentAction, Case]], *, one: bool = False) -> None:
    documents = [action_as_json(action, case, clock.now()) for action, case in listed]
    lines = [f"{d['id']:>5}  {d['ref']:<14} {d['state']:<8} until {d['act_until']}  {d['case']}" for d in documents]
    say(as_json, documents[0] if one else documents, "\n".join(lines) or "There is no urgent action yet.")


def _read(source: Path) -> dict[str, Any]:
    """What the file says. Refused, by the field, for what it cannot say."""
    try:
        given = tomllib.loads(source.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise Refused(f"{source.name} is no TOML: {fault}", "from") from None
    for name, value in given.items():
        kind = _FIELDS.get(name)
        if kind is None:
            raise Refused(f"{source.name}: nothing is called {name[:40]}. It may say: {', '.join(_FIELDS)}.", "from")
        if not _is_of(kind, value):
            raise Refused(f"{source.name}: {name} must be {_say_kind(kind)}.", "from")
    if not given.get("title"):
        raise Refused(f"{source.name}: title is missing.", "from")
    for letter in given.get("letters", []):
        _check_part(source, "letters", letter, _LETTER, ("language", "body"))
    for target in given.get("targets", []):
        _check_part(source, "targets", target, _TARGET, ("country", "office"))
    return given


def _check_part(source: Path, name: str, part: Any, known: Mapping[str, type], needed: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        raise Refused(f"{source.name}: write each of {name} as a table of its own: [[{name}]].", "from")
    for field, value in part.items():
        if field not in known:
            raise Refused(f"{source.name}: in {name} nothing is called {field[:40]}.", "from")
        if not _is_of(known[field], value):
            raise Refused(f"{source.name}: in {name}, {field} must be {_say_kind(known[field])}.", "from")
    for field in needed:
        if not part.get(field):
            raise Refused(f"{source.name}: in {name}, {field} is missing.", "from")


def _is_of(kind: type, value: Any) -> bool:
    """Whether a value is of that kind. True is a number to Python, and a day with a time a day; neither is meant."""
    if isinstance(value, bool | datetime):
        return type(value) is kind
    return isinstance(value, kind)


def _say_kind(kind: type) -> str:
    return {str: "text", int: "a number", bool: "true or false", date: "a day such as 2026-04-08", list: "a list"}[kind]


def _target(session: Any, given: dict[str, Any]) -> Target:
    """Somebody in the target book by state, office and name; recorded where they are not there yet."""
    found = session.scalar(
        select(Target).where(
            Target.country == given["country"].strip().upper(),
            Target.office == given["office"].strip(),
            Target.name == given.get("name", "").strip(),
        )
    )
    return found or record_target(session, **{"kind": "official"} | given)
