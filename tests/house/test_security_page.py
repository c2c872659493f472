"""What docs/security.md claims is proved by tests there are."""

import ast
import re

import pytest
from sources import ROOT

pytestmark = pytest.mark.one_engine

PAGE = ROOT / "docs" / "security.md"


def named() -> dict[str, set[str]]:
    """What the page names: file → tests in it."""
    found: dict[str, set[str]] = {}
    for path, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text()):
        found.setdefault(path, set()).update({test} - {""})
    return found


def test_every_test_the_page_names_is_there() -> None:
    missing = []
    for path, tests in named().items():
        if not (ROOT / path).exists():
            missing.append(path)
            continue
        there = {n.name for n in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(n, ast.FunctionDef)}
        missing += [f"{path}::{test}" for test in sorted(tests - there)]
    assert not missing, f"the page claims what nothing proves: {missing}"
