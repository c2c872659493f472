"""`tracker intake …`: pages are read into cases."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from tracker.accounts.models import Desk, User
from tracker.accounts.queries import get_account, get_desk
from tracker.base import dates
from tracker.base.columns import new_public_id
from tracker.base.db import db
from tracker.base.errors import Refused, VersionConflict
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.service import check_keeper
from tracker.cli.ground import at_option, in_house, json_option, say, tracker
from tracker.intake.models import Document
from tracker.intake.readers import LARGEST_FILE, read_document, refuse_if_too_large
from tracker.intake.reading.page import read_page
from tracker.intake.rules import cut
from tracker.intake.service import accept, keep_document, open_groups, propose, published_on


@tracker.group()
def intake() -> None:
    """Read pages into cases."""


_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_published = click.option("--published", metavar="DATE", help="Day it was published, where the text does not say.")


def _read(file: Path, published: str | None) -> tuple[str, date | None, Any]:
    """The text of a file, its day of publication and its reading."""
    # Refused by its size, before anything is loaded.
    refuse_if_too_large(file.stat().st_size, file.name)
    with file.open("rb") as opened:
        text = read_document(opened.read(LARGEST_FILE + 1), file.name).text
    day = dates.parse_date(published, "published") if published else None
    reading = read_page(text, day)
    return text, published_on(reading, day), reading


@intake.command("read")
@_file
@_published
@json_option
@in_house
def read_file(file: Path, published: str | None, as_json: bool) -> None:
    """Read a page and print what it says; nothing is stored."""
    _text, _day, reading = _read(file, published)
    lines = [
        f"{entry.published or '?'}  {entry.kind:<14} {'case' if entry.individual_case else '-':<5} {entry.title}"
        for entry in reading.entries
    ]
    say(as_json, reading.as_json(), "\n".join(lines))


@intake.command("import")
@_file
@click.option("--desk", required=True, help="Code of the desk whose page it is.")
@click.option("--owner", metavar="EMAIL", help="Who keeps the new cases; left out: nobody yet.")
@click.option("--accept", "accept_what", type=click.Choice(["all"]), help="Take everything, unread.")
@_published
@at_option
@json_option
@in_house
def import_file(
    file: Path, desk: str, owner: str | None, accept_what: str | None, published: str | None, as_json: bool
) -> None:
    """Read a page and propose what it says; with --accept all, take it at once."""
    text, day, reading = _read(file, published)
    session = db.session()
    with unit_of_work("intake.propose", COMMAND):
        its_desk = get_desk(session, desk)
        keeper = get_account(session, owner) if owner else None
        check_keeper(session, its_desk.id, keeper, "owner")
        document = keep_document(session, its_desk, text, file.name, day)
        proposed = propose(session, its_desk, document, reading)
        fresh = len(proposed.fresh)
    accepted, left_open, refs = _accept_all(document, keeper) if accept_what else (0, [], [])
    document_of_this = {
        "desk": its_desk.code,
        "entries": len(reading.entries),
        "proposed": fresh,
        "known": proposed.known,
        "accepted": accepted,
        "left_open": len(left_open),
        "cases": refs,
    }
    say(
        as_json,
        document_of_this,
        f"{len(reading.entries)} entries read; {fresh} proposals made, {proposed.known} known already, "
        f"{accepted} accepted{' into ' + ', '.join(refs) if refs else ''}.",
    )


def _accept_all(document: Document, keeper: User | None) -> tuple[int, list[str], list[str]]:
    """Take what a document still proposes, a unit of work a case: what was taken stays taken if the machine stops here.
    How many proposals were taken; why others stay open, one reason each (standard error says them); the cases."""
    session = db.session()
    accepted, left_open, refs, import_id = 0, [], [], new_public_id()
    for place, group in enumerate(open_groups(session, document)):
        try:
            with unit_of_work("intake.accept", COMMAND, subject=f"document:{document.id}"):
                waiting = open_groups(session, document).get(group)
                if not waiting:  # somebody else decided
                    continue
                desk = session.get(Desk, document.desk_id)
                assert desk is not None
                taken = accept(session, desk, waiting, owner=keeper, unread=True, place=place, import_id=import_id)
        except VersionConflict:  # somebody else decided just now
            continue
        except Refused as refusal:
            left_open.append(refusal.message)
            click.echo(f"tracker: left open: {refusal.message}", err=True)
            continue
        for proposal, why in taken.left_open:
            left_open.append(why)
            click.echo(f"tracker: left open: {why} (“{cut(proposal.quote, 80)}”)", err=True)
        accepted += taken.count
        refs.append(taken.case.ref)
    return accepted, left_open, list(dict.fromkeys(refs))
