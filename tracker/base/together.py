"""Statements that go to the database together: one way there and back for all of them.

For what runs once for each of many rows of work and must be quick. Each statement is made once, kept by its caller, and
always given the same names; its SQL is kept beside it, and PostgreSQL holds it ready, planned.
"""

import select
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import Connection, Delete, Dialect, Engine, Executable, Insert, Update, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

#: A statement that writes, with the values of its `bindparam`s.
Step = tuple[Insert | Update | Delete, Mapping[str, Any]]

#: Statements held ready on one connection.
HELD = 50

_READY = "tracker_held_ready"


def execute_together(within: Session | Connection, steps: Sequence[Step]) -> list[int]:
    """Run statements that do not depend on each other's answers within the transaction of a session, or of a connection
    that is only for this; how many rows each has changed. PostgreSQL gets them, and the BEGIN before them, in one
    write, and answers once.

    No column with a default of Python's. A fault is the one `Session.execute` raises.
    """
    connection = within if isinstance(within, Connection) else within.connection()
    dialect: Any = connection.dialect
    raw: Any = connection.connection.driver_connection
    try:
        if not isinstance(raw, psycopg.Connection):
            ready = [_spelled(statement, given, dialect) for statement, given in steps]
            return [raw.execute(sql, values).rowcount for sql, values in ready]
        by_number = _by_number(dialect.__class__)
        ready = [_spelled(statement, given, by_number) for statement, given in steps]
        if psycopg.Pipeline.is_supported():
            return _in_one_go(raw, connection.info, ready)
        return [psycopg.RawCursor(raw).execute(sql.encode(), values).rowcount for sql, values in ready]
    except dialect.loaded_dbapi.Error as fault:
        # What Connection does with a fault of its own statements.
        lost = dialect.is_disconnect(fault, raw, None)
        if lost:
            connection.invalidate(fault)
        raise DBAPIError.instance(
            None,
            None,
            fault,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        ) from fault


# To PostgreSQL --------------------------------------------------------------------------------------------------------

# Below the driver's cursors, which have a pipeline, too: each of them sends, and wakes the server up, by itself, the
# BEGIN is waited for, and SQL of more than 4096 letters is read letter by letter each time.


@dataclass(slots=True)
class _Ready:
    """What a server holds ready for one connection."""

    names: dict[str, bytes] = field(default_factory=dict)
    count: int = 0
    #: Those that are not used any more, and may be there still.
    stale: list[bytes] = field(default_factory=list)


def forgets_on_rollback(engine: Engine) -> None:
    """Make statements ready anew after a rollback: at each of them the driver has the server let go of all it holds."""

    def forget(connection: Connection, *_savepoint: Any) -> None:
        if not connection.invalidated:
            _forget(connection.info)

    event.listen(engine, "rollback", forget)
    event.listen(engine, "rollback_savepoint", forget)

    @event.listens_for(engine, "reset")
    def on_reset(connection: Any, record: Any, _state: Any) -> None:
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            _forget(record.info)


def _forget(info: Mapping[Any, Any]) -> None:
    ready: _Ready | None = info.get(_READY)
    if ready is not None:
        ready.stale.extend(ready.names.values())
        ready.names.clear()


def _in_one_go(raw: "psycopg.Connection[Any]", info: Any, steps: Sequence[tuple[str, Sequence[Any]]]) -> list[int]:
    """Run them in the connection's transaction, or in a new one."""
    ready: _Ready = info.setdefault(_READY, _Ready())
    if len(ready.names) > HELD:
        _forget(info)
    texts = Transformer(raw)
    dumped = [texts.dump_sequence(values, [PyFormat.TEXT] * len(values)) for _sql, values in steps]
    server = raw.pgconn
    if server.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection is closed")
    #: Of each command that is sent, whether its rows are counted.
    counted: list[bool] = []
    begins = server.transaction_status == TransactionStatus.IDLE and not raw.autocommit
    server.enter_pipeline_mode()
    try:
        if begins:
            server.send_query_params(b"BEGIN", None)
            counted.append(False)
        if psycopg.capabilities.has_send_close_prepared():
            for name in ready.stale:
                server.send_close_prepared(name)
                counted.append(False)
        ready.stale.clear()
        for (sql, _values), given in zip(steps, dumped, strict=True):
            held = ready.names.get(sql)
            if held is None:
                ready.count += 1
                held = ready.names[sql] = f"together_{ready.count}".encode()
                server.send_prepare(held, sql.encode())
                counted.append(False)
            server.send_query_prepared(held, given)
            counted.append(True)
        server.pipeline_sync()
        counts = _answers(server, counted)
    except BaseException as fault:
        _forget(info)
        if not isinstance(fault, psycopg.Error):
            # Nobody has read what it will answer.
            raw.close()
        raise
    finally:
        if server.status == ConnStatus.OK:
            server.exit_pipeline_mode()
    return counts


def _answers(server: Any, counted: Sequence[bool]) -> list[int]:
    """How many rows each has changed, in turn; the first fault is raised once all is read."""
    waits = select.poll()
    waits.register(server.socket, select.POLLIN | select.POLLOUT)
    while server.flush():
        waits.poll()
        server.consume_input()
    waits.modify(server.socket, select.POLLIN)
    counts: list[int] = []
    fault: psycopg.Error | None = None
    for counts_rows in (*counted, None):
        while server.is_busy():
            waits.poll()
            server.consume_input()
        result = server.get_result()
        if result is None:
            raise fault or psycopg.OperationalError("the connection is lost")
        if result.status == ExecStatus.FATAL_ERROR and fault is None:
            fault = error_from_result(result)
        if counts_rows is None:
            break
        if counts_rows:
            counts.append(result.command_tuples or 0)
        while server.is_busy():
            waits.poll()
            server.consume_input()
        # What parts the answer to one from that to the next.
        server.get_result()
    if fault is not None:
        raise fault
    return counts


# SQL, as a driver takes it --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A statement as a driver takes it."""

    sql: str
    #: Values that stand in the statement itself, as the driver takes them.
    fixed: dict[str, Any]
    #: What turns a given value into the driver's.
    into: dict[str, Callable[[Any], Any]]
    #: The order of the values.
    places: tuple[str, ...]


_spellings: WeakKeyDictionary[Executable, dict[type[Dialect], _Spelling]] = WeakKeyDictionary()


@cache
def _by_number(dialect: Any) -> Dialect:
    """The same dialect, with $1 and $2 for the values, as the server has them."""
    made: Dialect = dialect(paramstyle="numeric_dollar")
    return made


def _spelled(
    statement: Insert | Update | Delete, given: Mapping[str, Any], dialect: Dialect
) -> tuple[str, Sequence[Any]]:
    kept = _spellings.setdefault(statement, {})
    spelling = kept.get(type(dialect))
    if spelling is None:
        spelling = kept[type(dialect)] = _spell(statement, given, dialect)
    into = spelling.into
    values = {**spelling.fixed, **{k: into[k](v) if k in into else v for k, v in given.items()}}
    return spelling.sql, [values[name] for name in spelling.places]


def _spell(statement: Insert | Update | Delete, given: Mapping[str, Any], dialect: Dialect) -> _Spelling:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(given))
    prefetched = [*compiled.insert_prefetch, *compiled.update_prefetch]
    assert not prefetched, f"defaults of Python's would be passed over: {prefetched}"
    state = compiled.construct_expanded_state(dict(given))
    # Those of the state are of values that were spelled out one by one, such as those of an IN.
    into = dict(state.processors)
    for bind, name in compiled.bind_names.items():
        processor = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if processor is not None:
            into[name] = processor
    fixed = {k: into[k](v) if k in into else v for k, v in state.parameters.items() if k not in given}
    return _Spelling(state.statement, fixed, into, tuple(state.positiontup))
