"""The index of faults names tests that are there."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`([./\w]+\.py)::(\w+)`", (HERE / "README.md").read_text())
    assert len(named) > 20
    gone = [name for file, name in named if f"def {name}(" not in (HERE / file).read_text()]
    assert gone == []


def test_every_fault_has_a_row() -> None:
    rows = re.findall(r"^\| F(\d+) \|", (HERE / "README.md").read_text(), re.MULTILINE)
    assert [int(row) for row in rows] == list(range(1, 19))
