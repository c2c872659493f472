"""Every column and every public name says what it is; nothing of one machine and nothing unfinished is kept."""

import ast
import re

from sources import PACKAGE, ROOT, python_files, texts, tree, where


def test_every_column_has_its_line() -> None:
    found = []
    for path in python_files():
        lines = path.read_text().splitlines()
        for node in ast.walk(tree(path)):
            is_column = (
                isinstance(node, ast.AnnAssign)
                and ast.unparse(node.annotation).startswith("Mapped[")
                and not (node.value and ast.unparse(node.value).startswith("relationship("))
            )
            if is_column and not lines[node.lineno - 2].strip().startswith("#:"):  # type: ignore[attr-defined]
                found.append(where(path, node))
    assert not found, f"say in a `#:` line what the column holds: {found}"


def test_everything_public_has_a_docstring() -> None:
    found = []
    for path in python_files():
        module = tree(path)
        if module.body and not ast.get_docstring(module):
            found.append(where(path, 1))
        for node in module.body:
            public = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if public and not node.name.startswith("_") and not ast.get_docstring(node):  # type: ignore[attr-defined]
                found.append(where(path, node))
    assert not found, f"say what it gives, in which units, and what it raises: {found}"


#: Written apart, so that this file does not find itself.
UNFINISHED = re.compile(
    r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b|Not" + r"ImplementedError|not yet impl" + "emented"
)

#: Folders of one machine, and where packages come from: both differ elsewhere.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.])/(work|root|home|Users)/\w"
    r"|pythonhosted\." + r"org|pypi\." + r"org|/simp" + r"le/|--(extra-)?index-" + r"url|--find-" + r"links"
)


def test_nothing_is_left_unfinished() -> None:
    found = _lines(UNFINISHED)
    assert not found, found


def test_nothing_is_of_one_machine() -> None:
    found = _lines(OF_ONE_MACHINE)
    assert not found, found


def _lines(pattern: re.Pattern[str]) -> list[str]:
    return [
        where(path, number)
        for path in texts()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_static_files_come_from_this_machine() -> None:
    """What a browser loads has no address of another machine: neither style sheets and scripts, nor templates."""
    loads = re.compile(r"""(src|href)=["'](https?:)?//|@import|url\(["']?(https?:)?//""")
    found = [
        where(path, number)
        for folder in (PACKAGE / "static", ROOT / "templates")
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".html", ".css", ".js") and "vendor" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if loads.search(line)
    ]
    assert not found, found
