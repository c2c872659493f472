"""Column types that cannot hold the wrong thing: aware instants, audiences, sorted JSON."""

import json
import secrets
from datetime import UTC, datetime, time
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, SmallInteger, String, Text, TypeDecorator, inspect
from sqlalchemy.types import TypeEngine

from tracker.base.audience import Audience
from tracker.base.errors import Refused

#: Primary keys: BIGINT where that matters, INTEGER on SQLite, whose rowid is 64 bits and wants that very name.
BigId = BigInteger().with_variant(Integer, "sqlite")


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant. Naive values are refused: `DateTime(timezone=True)` on SQLite drops the offset in silence.

    PostgreSQL: timestamptz. SQLite: text `2026-04-08T06:30:00.000000Z`, which sorts as time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored: say which instant it is")
        value = value.astimezone(UTC)
        if dialect.name != "sqlite":
            return value
        # Not strftime and strptime, which take twenty times as long: a mail is thirty instants.
        return f"{value.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC)


class SortKey(TypeDecorator[str]):
    """Text that lists are ordered by: byte order on both engines, whatever language PostgreSQL sorts in."""

    impl = String(40)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(40, collation="C" if dialect.name == "postgresql" else None))


class WallTime(TypeDecorator[time]):
    """A clock time of some zone, to the minute, as text `09:30`: the same on both engines, and it sorts."""

    impl = String(5)
    cache_ok = True

    def process_bind_param(self, value: time | None, dialect: Dialect) -> str | None:
        return None if value is None else f"{value:%H:%M}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> time | None:
        return None if value is None else time.fromisoformat(value)


class AudienceType(TypeDecorator[Audience]):
    """A rung of the audience ladder, as its number: `>=` in SQL means "at least as open as"."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else int(Audience(value))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Audience | None:
        return None if value is None else Audience(value)


class JSONText(TypeDecorator[Any]):
    """JSON as text with sorted keys, equal on both engines (so that equal values compare equal)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: one value, one spelling (hashes and comparisons rely on it)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON spelling")


def check_lengths(row: Any) -> None:
    """Refused, on its field, for a text that is longer than its column: SQLite keeps it, PostgreSQL ends the act."""
    for held in inspect(type(row)).column_attrs:
        value, most = getattr(row, held.key), getattr(held.columns[0].type, "length", None)
        if isinstance(value, str) and most and len(value) > most:
            raise Refused(_("At most %(most)s characters.", most=most), held.key)


def new_public_id() -> str:
    """A random id of 128 bits for addresses: never counted up, never guessed."""
    return secrets.token_urlsafe(16)


#: Characters that are told apart on paper and typed without looking: no 0 and o, no 1, i and l, no u and v.
_TYPED = "23456789abcdefghjkmnpqrstwxyz"


def new_short_code() -> str:
    """A random word of nine characters for an address that is typed from paper: one of 14 million million."""
    return "".join(secrets.choice(_TYPED) for _ in range(9))
