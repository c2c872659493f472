"""What docs/security.md claims is proved by tests there are."""

import ast
import re

import pytest
from sources import ROOT

pytestmark = pytest.mark.one_engine

PAGE = ROOT / "docs" / "security.md"

#: Tests and folders the page names that come with rooms which are still being built. One that is there is taken out.
AWAITED: frozenset[str] = frozenset(
    {
        "tests/accounts/test_changes_told.py",
        "tests/accounts/test_many_processes.py",
        "tests/administration/test_removal.py",
        "tests/audit/test_verify.py",
        "tests/base/test_concealed.py",
        "tests/base/test_rotation.py",
        "tests/contacts/test_canary.py",
        "tests/contacts/test_service.py",
        "tests/contacts/test_walk.py",
        "tests/factors/test_asking_again.py",
        "tests/factors/test_second_factor.py",
        "tests/history/test_history.py",
        "tests/house/test_hidden_is_missing.py",
        "tests/house/test_matrix_of_cases.py",
        "tests/invitations/test_invitations.py",
        "tests/invitations/test_new_password.py",
        "tests/stories/test_story_01_stop_all_publicity.py",
        "tests/stories/test_story_15_the_strictest_consent_wins.py",
    }
)


def named() -> dict[str, set[str]]:
    """What the page names: file → tests in it."""
    found: dict[str, set[str]] = {}
    for path, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text()):
        found.setdefault(path, set()).update({test} - {""})
    return found


def test_every_test_the_page_names_is_there() -> None:
    missing = []
    for path, tests in named().items():
        if path in AWAITED and not (ROOT / path).exists():
            continue
        if not (ROOT / path).exists():
            missing.append(path)
            continue
        there = {n.name for n in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(n, ast.FunctionDef)}
        missing += [f"{path}::{test}" for test in sorted(tests - there)]
    assert not missing, f"the page claims what nothing proves: {missing}"


def test_what_is_awaited_is_named_and_not_there_yet() -> None:
    assert set(named()) >= AWAITED
    assert not [path for path in sorted(AWAITED) if (ROOT / path).exists()], "it is there: take it out of AWAITED"


def test_the_page_names_tests_at_all() -> None:
    assert len(named()) > 30
