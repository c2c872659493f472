"""Whatever is announced in a registry says what it is, stands in the docs and has a test that names it."""

import ast
import sys
from collections.abc import Iterator

import click
import pytest
from flask import Flask
from sources import ROOT, dotted, python_files, tree, where

from tracker.base.registry import Registry
from tracker.cli import tracker

#: Decorators that announce a thing.
ANNOUNCES = {"finder", "entry_kind", "agenda_kind", "message_kind", "clock_step", "settles", "takes_part", "reader"}

pytestmark = pytest.mark.one_engine


def registries() -> Iterator[Registry[object]]:
    """Every registry of the rooms that are loaded, each once."""
    seen: set[int] = set()
    for name in sorted(m for m in sys.modules if m.startswith("tracker.")):
        for thing in vars(sys.modules[name]).values():
            if isinstance(thing, Registry) and id(thing) not in seen:
                seen.add(id(thing))
                yield thing


def test_what_is_announced_has_a_docstring() -> None:
    found = [
        where(path, node)
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and any(isinstance(d, ast.Call) and dotted(d.func).split(".")[-1] in ANNOUNCES for d in node.decorator_list)
        and not ast.get_docstring(node)
    ]
    assert not found, f"say what it is: {found}"


def test_what_is_announced_stands_in_the_docs(app: Flask) -> None:
    docs = "\n".join(p.read_text() for p in sorted((ROOT / "docs").rglob("*.md")))
    missing = [f"{r.noun} {code}" for r in registries() for code in r.codes() if f"`{code}`" not in docs]
    assert not missing, f"give each a line in docs/, its code in backticks: {missing}"


def test_what_is_announced_has_a_test(app: Flask) -> None:
    named: set[str] = set()
    for path in python_files(ROOT / "tests"):
        if path.parent.name != "house":
            named |= {
                node.value
                for node in ast.walk(tree(path))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    missing = [
        f"{r.noun} {code}"
        for r in registries()
        for code in r.codes()
        if code not in named and not any(code in text for text in named if len(text) < 400)
    ]
    assert not missing, f"no test names them: {missing}"


def test_the_registries_are_found(app: Flask) -> None:
    assert {r.noun for r in registries()} >= {"timeline kind", "agenda kind", "message kind", "clock step"}


def commands(group: click.Group, path: tuple[str, ...] = ("tracker",)) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group with its full name."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def all_commands() -> list[tuple[str, click.Command]]:
    """Every command of `tracker`."""
    return list(commands(tracker))


def test_every_command_stands_in_the_docs() -> None:
    docs = (ROOT / "docs" / "commands.md").read_text()
    missing = [name for name, command in all_commands() if not command.hidden and name not in docs]
    assert not missing, f"docs/commands.md lists every command: {missing}"


def test_every_option_stands_in_the_docs() -> None:
    docs = (ROOT / "docs" / "commands.md").read_text()
    missing = sorted(
        {
            option
            for _name, command in all_commands()
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.hidden
            for option in parameter.opts
            if option.startswith("--") and option not in docs
        }
        - {"--help"}
    )
    assert not missing, f"docs/commands.md explains every option: {missing}"


def test_every_command_says_what_it_does() -> None:
    missing = [name for name, command in all_commands() if not (command.help or "").strip()]
    assert not missing, missing
