"""Every write is in the audit: what escapes the watch over rows says so itself, or stands here with its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sources import PACKAGE, above, dotted, python_files, tree, where
from sqlalchemy import select

from tracker.audit.models import Act
from tracker.base.db import Model, db
from tracker.base.labels import has_label
from tracker.base.work import STRANGER, Actor, note_done, unit_of_work

pytestmark = pytest.mark.one_engine

#: Statements that change watched tables past the watch, by file and table: why they leave no record of their own.
#: docs/audit.md lists them for people.
WITHOUT_RECORD = {
    ("tracker/cases/service.py", "Desk"): "the reference of the case says which number was given out",
    ("tracker/reminders/planning.py", "Hearing"): "tell_from: the clock follows up what somebody did",
    ("tracker/calendar/service.py", "Feed"): "when it was last read: a note",
    ("tracker/publishing/revising.py", "CountryPage"): "revision, changed_at: they follow from what is on record",
    ("tracker/flags/sweep.py", "_flags"): "a flag says itself when it was raised and cleared",
    ("tracker/factors/service.py", "CodeApp"): "last_step: which code was accepted, in the act that it let happen",
    ("tracker/factors/service.py", "Passkey"): "sign_count, used_at: the same of a passkey",
    ("tracker/factors/service.py", "RecoveryCode"): "one used up is written by hand; others go with what replaces them",
    ("tracker/outbox/service.py", "Recipient"): "a row for an account that is on record, or for who asks to follow",
}

#: Names of tables of Core that stand for a watched model.
ALIASES = {"_flags": "Flag"}


def watched() -> set[str]:
    """The models whose rows the audit watches."""
    return {m.class_.__name__ for m in Model.registry.mappers if m.class_.audited} | set(ALIASES)


def bulk_writes() -> Iterator[tuple[Path, ast.Call, str]]:
    """Each statement that writes a watched table without its rows: `update(X)`, `delete(X)`, `insert(X)`."""
    names = watched()
    for path in python_files():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = dotted(node.func).split(".")[-1]
            if called not in ("update", "delete", "insert", "insert_or_pass", "build"):
                continue
            about = node.args[1] if called == "insert_or_pass" and len(node.args) > 1 else node.args[0]
            if isinstance(about, ast.Name | ast.Attribute) and dotted(about).split(".")[0] in names:
                yield path, node, dotted(about).split(".")[0]


def test_what_escapes_the_watch_is_put_on_record(app: Flask) -> None:
    found = []
    for path, node, table in bulk_writes():
        function = next((f for f in above(node) if isinstance(f, ast.FunctionDef)), None)
        recorded = function is not None and any(
            isinstance(n, ast.Call) and dotted(n.func) in ("note_done", "note_read", "_note", "_changed")
            for n in ast.walk(function)
        )
        if not recorded and (path.relative_to(PACKAGE.parent).as_posix(), table) not in WITHOUT_RECORD:
            found.append(f"{where(path, node)} writes {table}")
    assert not found, f"say note_done(…), or give the reason here and in docs/audit.md: {found}"


def test_the_list_of_exceptions_is_no_longer_than_it_must_be(app: Flask) -> None:
    there = {(path.relative_to(PACKAGE.parent).as_posix(), table) for path, _node, table in bulk_writes()}
    assert set(WITHOUT_RECORD) <= there


def acts_of(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """The names under which a file does things; of one that is put together only its beginning, up to the dot."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "unit_of_work":
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield node, str(name.value)
            elif isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
                yield node, str(name.values[0].value)


def test_each_act_has_words_for_the_history(app: Flask) -> None:
    missing = [
        f"{where(path, node)} {name}"
        for path in python_files()
        for node, name in acts_of(path)
        if not name.endswith(".") and not has_label("act", name)
    ]
    assert not missing, f"say in words what it did, with announce('act', …): {missing}"


def test_whatever_a_person_does_in_a_page_leaves_a_row(app: Flask) -> None:
    """By every name under which a POST does things, although it should change nothing that is watched."""
    names = sorted({name for path in python_files() if path.name == "views.py" for _node, name in acts_of(path)})
    assert len(names) > 30
    for name in names:
        with unit_of_work(name, Actor("user", 1, "Amal")):
            pass
    assert list(db.session.scalars(select(Act.act).order_by(Act.seq))) == names


@pytest.mark.parametrize("kind", ["link", "command"])
def test_so_does_what_is_done_by_a_link_and_by_a_command(app: Flask, kind: str) -> None:
    with unit_of_work("tests", Actor(kind)):
        pass
    assert db.session.scalar(select(Act.actor_kind)) == kind


def test_strangers_do_not_make_the_chain_grow(app: Flask) -> None:
    """Unless something is on record of what they did, such as passing a limit."""
    with unit_of_work("tests", STRANGER):
        pass
    assert db.session.scalar(select(Act.seq)) is None
    with unit_of_work("tests", STRANGER):
        note_done("sign_in_tries", None, limits=["account"])
    assert db.session.scalar(select(Act.actor_kind)) == STRANGER.kind
