"""Only tracker/base/clock.py reads the clock: everything else takes `now`, so that any moment can be tested."""

import ast
import re

import pytest
from sources import PACKAGE, docstrings, dotted, python_files, tree, where

READER = PACKAGE / "base" / "clock.py"

#: What reads a clock, by the end of its dotted name.
READS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|perf_counter|localtime|gmtime)|"
    r"func\.(now|current_timestamp|current_date|localtime|clock_timestamp))$"
)

#: The same in SQL.
READS_IN_SQL = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp)\(\)|\bCURRENT_(TIMESTAMP|DATE|TIME)\b|\('now'", re.IGNORECASE
)

#: Lease times are compared between machines: there the database's clock may be the one they share.
MAY_ASK_THE_DATABASE = (PACKAGE / "clockwork",)


def reads(module: ast.Module, prose: set[ast.AST], asks_database: bool) -> list[int]:
    """The lines of a file that read a clock."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and READS.search(dotted(node)):
            found.add(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            found |= {node.lineno for a in node.names if a.name != "sleep"}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            in_sql = node not in prose and not asks_database and READS_IN_SQL.search(node.value)
            found |= {node.lineno} if in_sql else set()
    return sorted(found)


def test_nobody_else_reads_the_clock() -> None:
    found = [
        where(path, line)
        for path in python_files()
        if path != READER
        for line in reads(tree(path), docstrings(path), any(f in path.parents for f in MAY_ASK_THE_DATABASE))
    ]
    assert not found, f"take `now` instead: {found}"


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("import datetime\nx = datetime.datetime.now(UTC)", True),
        ("x = date.today()", True),
        ("x = map(func.now, y)", True),
        ("from time import time", True),
        ("x = text('UPDATE leases SET until = now()')", True),
        ("mapped_column(server_default=text('CURRENT_TIMESTAMP'))", True),
        ("from time import sleep", False),
        ("from tracker.base import clock\nx = clock.now()", False),
        ("x = 'what is known now (and here)'", False),
    ],
)
def test_what_reads_a_clock_is_seen(code: str, is_one: bool) -> None:
    assert bool(reads(ast.parse(code), set(), False)) is is_one
