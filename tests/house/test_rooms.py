"""What import-linter cannot say about rooms and their files."""

import ast

from sources import PACKAGE, ROOT, above, dotted, imports, python_files, room_of, tree, where

#: A file called one of these becomes everybody's drawer.
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


def test_no_file_is_a_drawer() -> None:
    folders = [ROOT / name for name in ("tracker", "templates", "tests", "migrations", "benchmarks")]
    found = [str(p.relative_to(ROOT)) for folder in folders for p in folder.rglob("*") if p.stem in DRAWERS]
    assert not found, f"say what is in it: {found}"


def test_views_and_forms_are_their_rooms_own() -> None:
    found = []
    for path in python_files():
        for node, name in imports(path):
            parts = name.split(".")
            # base.forms is what forms are made of, for all rooms.
            if parts[0] == "tracker" and parts[1:2] != ["base"] and parts[2:3] in (["views"], ["forms"]):
                roof = room_of(path) == ""
                if parts[1] != room_of(path) and not (roof and parts[2] == "views"):
                    found.append(f"{where(path, node)} takes {name}")
    assert not found, found


def test_nobody_imports_the_root_package() -> None:
    found = []
    for path in python_files():
        if path == PACKAGE / "__init__.py":
            continue
        for node in ast.walk(tree(path)):
            plain = isinstance(node, ast.Import) and any(a.name == "tracker" for a in node.names)
            taken = isinstance(node, ast.ImportFrom) and node.module == "tracker"
            if plain or taken:
                found.append(where(path, node))
    assert not found, f"a pure module would load the whole house: {found}"


def test_only_posts_commands_and_clock_steps_open_a_unit_of_work() -> None:
    found = []
    for path in python_files():
        if path == PACKAGE / "base" / "work.py":
            continue
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "unit_of_work"):
                continue
            functions = [f for f in above(node) if isinstance(f, ast.FunctionDef)]
            marks = {m for f in functions for m in _marks(f)}
            if "clock_step" in marks or path.parent.name in ("cli", "demo"):
                continue
            if path.name != "views.py" or marks & {"get", "context_processor", "before_request", "after_request"}:
                found.append(where(path, node))
    assert not found, f"only POST views, commands and clock steps may write: {found}"


def test_only_the_unit_of_work_commits() -> None:
    allowed = {PACKAGE / "base" / "work.py"}
    found = [
        where(path, node)
        for path in python_files()
        if path not in allowed
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and dotted(node.func).endswith("session.commit")
    ]
    assert not found, found


def _marks(function: ast.FunctionDef) -> set[str]:
    """The last words of a function's decorators: `@bp.post("/x")` is `post`."""
    called = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return {dotted(d).split(".")[-1] for d in called}
