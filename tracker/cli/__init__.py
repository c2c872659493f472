"""The commands, for people, cron and checks: the console script `tracker`, and the same under `flask --app tracker`.

`--json` prints one JSON document to standard output and nothing else; messages go to standard error. Exit codes: 0
done, 2 wrong use or refused input with one clear line, 1 failure.
"""

import sys
from typing import NoReturn

import click
from flask import Flask

from tracker.base.errors import TrackerError
from tracker.cli import accounts, actions, audit, bounces, cases, clock, hearings, house, intake, keys, outbox, safety
from tracker.cli.ground import refuse, tracker

__all__ = [
    "accounts",
    "actions",
    "audit",
    "bounces",
    "cases",
    "clock",
    "hearings",
    "house",
    "intake",
    "keys",
    "main",
    "outbox",
    "register",
    "safety",
    "tracker",
]


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
        refuse(refusal)


def register(app: Flask) -> None:
    """Make the same commands available under `flask --app tracker`."""
    for name, command in tracker.commands.items():
        app.cli.add_command(command, name)
