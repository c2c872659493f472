"""`tracker bounces …`: mail that came back; and `tracker accounts address`, which mends it."""

from pathlib import Path

import click

from tracker.accounts.queries import get_account
from tracker.accounts.service import change_address
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.cli.house import accounts
from tracker.outbox.bounces import TakenIn, find_envelope, is_known, take_in
from tracker.outbox.mailboxes import open_mailbox
from tracker.outbox.reports import Report, read_report


@tracker.group("bounces")
def bounces_group() -> None:
    """Take in reports of mail that did not arrive."""


@bounces_group.command("read")
@click.argument("path", metavar="MAILDIR|MBOX", type=click.Path(path_type=Path))
@click.option("--delete-read", is_flag=True, help="Delete reports and automatic answers once they are taken in.")
@at_option
@json_option
@in_house
def read_bounces(path: Path, delete_read: bool, as_json: bool) -> None:
    """Read a mailbox of returned mail, and draw the consequences.

    A Maildir, an mbox file, or one mail in a file. Reading it again changes nothing. The mailbox stays as it is unless
    --delete-read is given; even then letters of people, and what cannot be read, are left in it.
    """
    counts = dict.fromkeys(("read", "hard", "soft", "ignored", "suppressed", "unrecognised"), 0)
    box = open_mailbox(path)
    done: list[str] = []
    for key, raw in box.mails():
        report = read_report(raw)
        taken = _take_in(report)
        counts["read"] += 1
        counts["suppressed"] += taken.suppressed
        if taken.what in counts:
            counts[taken.what] += 1
        if taken.what != "unrecognised" and report.automatic:
            done.append(key)
    if delete_read:
        box.remove(done)
    words = (
        f"Read {counts['read']}: {counts['hard']} hard, {counts['soft']} may pass, {counts['ignored']} no reports, "
        f"{counts['unrecognised']} not recognised. Nothing more goes to: {counts['suppressed']}."
    )
    say(as_json, counts, words)


@accounts.command("address")
@click.argument("email")
@click.argument("new", metavar="NEW")
@at_option
@json_option
@in_house
def change_an_address(email: str, new: str, as_json: bool) -> None:
    """Give an account another mail address; it signs in anew, with that one."""
    with unit_of_work("accounts.change_address", COMMAND) as now:
        user = get_account(db.session(), email)
        change_address(db.session(), user, new, now)
    say(as_json, {"email": user.email, "before": email}, f"Mail for {user.name} goes to {user.email} now.")


def _take_in(report: Report) -> TakenIn:
    """One report, in a unit of work of its own; what changes nothing opens none."""
    session = db.session()
    try:
        if report.verdict != "unrecognised" and is_known(session, report):
            return TakenIn("known")
        nothing_follows = report.verdict in ("unrecognised", "fine", "answer") or find_envelope(session, report) is None
        if nothing_follows:
            return take_in(session, report, clock.now())
    finally:
        session.rollback()
    with unit_of_work("bounces.read", COMMAND) as now:
        return take_in(db.session(), report, now)
