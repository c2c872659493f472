"""Making a demo: its database, its people, its story. Nothing but a demo's database is ever filled or emptied."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click
from flask import current_app
from flask_migrate import upgrade
from sqlalchemy import func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.service import add_account, add_desk
from tracker.audit.verifying import forget_kept
from tracker.base import clock
from tracker.base.dates import parse_working_days
from tracker.base.db import db
from tracker.base.errors import Misconfigured, Refused
from tracker.base.house import read_fact, write_fact
from tracker.base.resources import resource
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.demo import invented, letters, real
from tracker.demo.accounts import ACCOUNTS, DESKS, PASSWORD
from tracker.demo.telling import Story
from tracker.history.steps import ANCHORS
from tracker.intake.reading.page import read_page
from tracker.intake.service import keep_document, propose
from tracker.outbox.bounces import stop_sending
from tracker.outbox.reports import in_words
from tracker.outbox.service import recipient_for
from tracker.reminders.service import follow

#: The fact by which a database is known as a demo's; its value is LOADING until the story is told to its end.
FACT, LOADING = "demo", "loading"

#: When the house of the demo was opened: before the pages it reads were published.
OPENED = datetime(2024, 3, 18, 8, 0, tzinfo=UTC)

#: Seconds of silence after which progress is shown.
PATIENCE = 2.0


def load_demo(*, reset: bool) -> None:
    """Bring the database of the settings to a loaded demo; one that is loaded already keeps what was changed in it.

    `reset` empties it first. Refused for a database with anything in it that is not a demo's, and while a demo that is
    to be emptied still runs. A demo whose loading was broken off is emptied and told again.
    """
    state = _state()
    if state == "other":
        raise Refused(
            "This database is not a demo's, so the demo leaves it alone. "
            "Choose another one with TRACKER_INSTANCE or TRACKER_DATABASE_URL."
        )
    if state in (LOADING, "loaded") and (reset or state == LOADING):
        _empty()
        _say("Emptied the demo's database.")
        state = "fresh"
    if state == "fresh":
        _say("Making the demo's database.")
    upgrade(directory=str(resource("migrations")))
    if state == "fresh":
        _load()


def _say(line: str) -> None:
    click.echo(line, err=True)


def _state() -> str:
    """What the database is: fresh, loading, loaded, other."""
    session = db.session()
    try:
        tables = inspect(session.connection()).get_table_names()
        if not tables:
            return "fresh"
        if "house_facts" not in tables:
            return "other"
        fact = read_fact(session, FACT)
        if fact is not None:
            return LOADING if fact == LOADING else "loaded"
        used = any(session.scalar(select(func.count()).select_from(table)) for table in (User, Desk, Case))
        return "other" if used else "fresh"
    finally:
        session.rollback()


# Emptying -------------------------------------------------------------------------------------------------------------


def _empty() -> None:
    _forget_anchors()
    db.session.remove()
    db.engine.dispose()
    if db.engine.dialect.name == "sqlite":
        _remove_file(Path(str(make_url(current_app.extensions["settings"].database_url).database)))
    else:
        _drop_tables()
    mails = Path(current_app.extensions["settings"].instance) / "mails"
    for mail in mails.glob("*.eml"):
        mail.unlink()


def _forget_anchors() -> None:
    """A chain that begins anew fits none of the anchors of the old one: the demo would be said to be tampered with."""
    session = db.session()
    with suppress(SQLAlchemyError, Misconfigured):
        forget_kept(session, current_app.extensions["sealer"], Path(current_app.instance_path) / ANCHORS)
    session.rollback()


def _remove_file(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=2)) as connection:
        try:
            # Only who is alone can leave the write-ahead log.
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            raise _still_running() from None
    for name in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        with suppress(FileNotFoundError):
            name.unlink()


def _drop_tables() -> None:
    with db.engine.begin() as connection:
        others = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
        if others:
            raise _still_running()
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        ours = [f'"{name}"' for name in (*db.metadata.tables, "alembic_version")]
        connection.execute(text(f"DROP TABLE IF EXISTS {', '.join(ours)} CASCADE"))


def _still_running() -> Refused:
    return Refused("The demo still runs somewhere. End it there with Ctrl-C, then reset it.")


# Filling --------------------------------------------------------------------------------------------------------------


def _load() -> None:
    session = db.session()
    with unit_of_work("house.demo", COMMAND):
        write_fact(session, FACT, LOADING)
    now = clock.now()
    story = Story(session, now)
    tell(story)
    story.write(_progress())
    with unit_of_work("house.demo", COMMAND):
        write_fact(session, FACT, now.isoformat(timespec="seconds"))


def tell(story: Story) -> None:
    """Everything that happened, added to a story."""
    _people(story)
    real.tell(story)
    invented.tell(story)
    letters.tell(story)
    _page(story)
    _flags(story)


def _progress() -> Callable[[int, int], None]:
    """Says how far it is, from two seconds on and every two seconds."""
    said = clock.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal said
        if clock.monotonic() - said >= PATIENCE and done < of:
            said = clock.monotonic()
            _say(f"Telling what happened: {done} of {of} acts.")

    return tell


def _people(story: Story) -> None:
    """Desks, accounts, and who follows what."""
    began = {"iopt": OPENED, "casia": story.at("casia", 100, "09:00")}
    for code, at in began.items():
        story.act(at, "command", "desks.add", partial(_add_desk, story, code, at))
    for minutes, (word, account) in enumerate(ACCOUNTS.items(), 1):
        at = began[account.desks[0] if account.desks else "iopt"] + timedelta(minutes=minutes)
        story.act(at, "command", "accounts.add", partial(_add_account, story, word, at))
        for code in account.desks[1:]:
            story.act(began[code] + timedelta(minutes=30), "command", "desks.join", partial(_join, story, word, code))
    at = story.at("iopt", 60, "08:30")
    story.act(
        at, "sacha", "reminders.follow",
        lambda: follow(story.session, story.account("sacha"), desk=story.desk("iopt"), now=at),
    )  # fmt: skip
    moved = story.at("casia", 20, "10:00")
    story.act(
        moved, "wren", "reminders.follow",
        lambda: follow(story.session, story.account("wren"), desk=story.desk("casia"), now=moved),
    )  # fmt: skip
    back = story.at("casia", 6, "07:30")
    story.act(back, "command", "bounces.read", partial(_comes_back, story, "wren", back))
    since = story.at("iopt", 10, "12:15")
    story.act(
        since, "kit", "reminders.follow",
        lambda: follow(story.session, story.account("kit"), case=story.case_of("noga"), now=since),
    )  # fmt: skip


def _comes_back(story: Story, word: str, at: datetime) -> None:
    """Mail to an account came back."""
    recipient = recipient_for(story.session, story.account(word).id)
    stop_sending(story.session, recipient, in_words("hard", "5.1.1"), at)


def _add_desk(story: Story, code: str, at: datetime) -> None:
    name, countries, zone, days = DESKS[code]
    desk = add_desk(story.session, code, name, countries, zone, parse_working_days(days), now=at)
    story.knows_desk(code, desk.id)


def _join(story: Story, word: str, code: str) -> None:
    story.session.add(Membership(user_id=story.account(word).id, desk_id=story.desk(code).id))


def _add_account(story: Story, word: str, at: datetime) -> None:
    account = ACCOUNTS[word]
    user = add_account(
        story.session,
        account.email,
        account.name,
        account.role,
        PASSWORD,
        account.desks[0] if account.desks else None,
        account.coordinates,
        now=at,
    )
    user.zone = account.zone
    story.knows_account(word, user.id)


def _page(story: Story) -> None:
    """A page was pasted yesterday and waits to be looked through."""

    def day(days: int) -> str:
        return f"{story.day('iopt', days):%d/%m/%Y}"

    def spelt(days: int) -> str:
        return f"{story.day('iopt', days):%d %B %Y}"

    page = Path(__file__).with_name("page.txt").read_text(encoding="utf-8")
    page = page.format(
        today=day(-1),
        yesterday=day(-2),
        arrested=spelt(-8),
        hearing=f"{story.court_day('iopt', 18):%d %B %Y}",
        released=spelt(-3),
        held=spelt(-130),
    )

    def paste() -> None:
        desk = story.desk("iopt")
        document = keep_document(story.session, desk, page, "Page of the country group", story.day("iopt", -1))
        propose(story.session, desk, document, read_page(page, story.day("iopt", -1)))

    story.act(story.at("iopt", 1, "15:10"), "sacha", "intake.propose", paste)


def _flags(story: Story) -> None:
    """The clock looked now and then; some of what it found was seen, or put off with a reason."""
    for at in (real.MARCH, real.APRIL, real.JUNE):
        story.swept(at + timedelta(days=1))
    for days in (60, 30, 15, 9, 6, 4, 3, 2, 1):
        story.swept(story.at("iopt", days, "06:00"))
    story.seen("sami", "date-unconfirmed", story.at("iopt", 1, "10:20"), "sacha")
    story.snoozed(
        "iman", "stale-case", story.at("iopt", 2, "14:10"), "kit", story.day("iopt", 5),
        "Her lawyer is back on that day.",
    )  # fmt: skip
    story.swept(story.now)
