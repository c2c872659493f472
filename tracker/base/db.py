"""The database, the same for SQLite and PostgreSQL: engine options, the declarative base, small notes.

SQLite runs in WAL with `synchronous=FULL` (a forgotten "sent" mark after a power cut would be a second mail) and every
write begins IMMEDIATE: a deferred one that turns into a write fails at once when another process wrote in between.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Executable, Insert, MetaData, Row, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

from tracker.base import clock, together
from tracker.base.errors import Misconfigured

#: Milliseconds SQLite waits for a lock. Its waiting is unfair: 4 s were seen with eight writers, so 15 s is no luxury.
BUSY_TIMEOUT_MS = 15_000

#: Seconds after which PostgreSQL ends a connection of ours that does nothing within a transaction: its process stands
#: still, or its machine is gone, and what it has locked would be so for hours. Nothing here idles that long.
IDLE_SECONDS = 60

#: When to find out that the other side of a connection is gone: a first question after 30 s of silence, then three.
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}

#: The execution option by which a transaction says that it will write.
WRITES = "tracker_writes"

naming = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    """Base of every table. `audit_hides` names columns whose values never reach the audit (they show as changed);
    `audited = False` is for projections and logs, which are derived or are their own record. `part_of` (table, column)
    names the row that one of a table without a case of its own belongs to, so that its case is found."""

    metadata = MetaData(naming_convention=naming)
    audited = True
    audit_hides: frozenset[str] = frozenset()
    part_of: tuple[str, str] | None = None


db = SQLAlchemy(model_class=Model, session_options={"expire_on_commit": False, "autoflush": False})


def normalise_url(address: str) -> str:
    """The address SQLAlchemy wants: psycopg 3 for every spelling of PostgreSQL. Misconfigured for any other engine."""
    try:
        url = make_url(address)
    except Exception as fault:
        raise Misconfigured("TRACKER_DATABASE_URL is not a database address.") from fault
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:":
            raise Misconfigured("TRACKER_DATABASE_URL: SQLite in memory forgets everything; name a file.")
        return url.set(drivername="sqlite").render_as_string(hide_password=False)
    raise Misconfigured(f"TRACKER_DATABASE_URL: {url.drivername} is not supported; use sqlite or postgresql.")


def engine_options(address: str) -> dict[str, Any]:
    """Options of `create_engine` for this address. Values never stand in a fault's words: logs would keep them."""
    if make_url(address).get_backend_name() == "sqlite":
        return {"hide_parameters": True, "connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000}}
    return {
        "hide_parameters": True,
        "pool_recycle": 1800,
        "connect_args": {"connect_timeout": 10, **KEEPALIVES},
    }


def prepare_engine(engine: Engine) -> None:
    """Set every new SQLite connection up, and let each transaction begin as what it is. One to PostgreSQL is tried
    before it is used again: the server may have hung up meanwhile."""
    if engine.dialect.name != "sqlite":
        _try_before_use(engine)
        together.forgets_on_rollback(engine)

        @event.listens_for(engine, "connect")
        def on_connect_to_server(connection: Any, _record: Any) -> None:
            # Said here and not as the connection is made: not every pooler between us and the server takes it there.
            connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
            connection.commit()

        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling lost 149 of 200 concurrent increments without an error.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "secure_delete=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


#: Seconds for which a connection that was just used need not be tried, where `quick_checkout` says so.
JUST_USED = 1.0

_quick: ContextVar[bool] = ContextVar("quick", default=False)


@contextmanager
def quick_checkout() -> Iterator[None]:
    """Within the block, a connection that was used in the last second is used again without being tried: for short
    transactions one after the other, whose caller can bear that one of them fails."""
    token = _quick.set(True)
    try:
        yield
    finally:
        _quick.reset(token)


def _try_before_use(engine: Engine) -> None:
    dialect: Any = engine.dialect

    # Instead of the pool's own `pre_ping`, which makes no difference between one used a millisecond ago and others.
    @event.listens_for(engine, "checkout")
    def on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or (_quick.get() and clock.monotonic() - used_at < JUST_USED):
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as fault:
            if dialect.is_disconnect(fault, connection, None):
                # Then the others have been hung up on, too.
                raise InvalidatePoolError from fault
            raise

    @event.listens_for(engine, "checkin")
    def on_checkin(_connection: Any, record: Any) -> None:
        record.info["used_at"] = clock.monotonic()


def begin_writing(session: Session) -> Connection:
    """End the session's read and begin a transaction that writes."""
    session.rollback()
    return session.connection(execution_options={WRITES: True})


def hold(session: Session, row: Model) -> None:
    """Let nobody else change a row until this unit of work ends, and read it as it is now: of two who change the same
    thing in the same moment, the second waits here and sees what the first did. Without this a version that was read
    before would still look right. (SQLite has one writer anyhow.)"""
    session.flush()
    session.refresh(row, with_for_update={"key_share": True, "of": type(row)})


def insert_or_pass(session: Session, model: Any, *unique: str) -> Insert:
    """An INSERT that passes over rows whose `unique` columns hold what is there already; on PostgreSQL it waits for a
    transaction that is just making it."""
    table: Table = model.__table__
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=unique)
    return postgresql.insert(table).on_conflict_do_nothing(index_elements=unique)


def note(statement: Executable) -> bool:
    """Write one small fact outside the unit of work (a sign-in was seen, a page was read); False when the database was
    busy, because no page may fail over a note."""
    return noted(statement, answers=False) is not None


def noted(statement: Executable, *, answers: bool = True) -> Sequence[Row[Any]] | None:
    """The same, with the rows that the statement answers: what it wrote, and not what others have written since. None
    when the database was busy."""
    engine = db.session.get_bind()
    assert isinstance(engine, Engine)
    try:
        with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            result = connection.execute(statement)
            return result.all() if answers else ()
    except OperationalError:
        return None
