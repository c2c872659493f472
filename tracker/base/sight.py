"""Who may see what: registered here by cases, so that rooms below can ask without knowing what a case is."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement

MaySee = Callable[[Any, Any], ColumnElement[bool]]
_may_see: list[MaySee] = []


def decides_sight(expression: MaySee) -> MaySee:
    """Announce the one expression: (user id or column, case id or column) → SQL condition."""
    _may_see[:] = [expression]
    return expression


def may_see(user_id: Any, case_id: Any) -> ColumnElement[bool]:
    """SQL: may this account (a value, or the recipient's column) see this case (a value, or a column)?"""
    return _may_see[0](user_id, case_id)
