"""The project's own text, for the checks that read it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tracker"
TEMPLATES = ROOT / "templates"

#: Made, installed or borrowed: not ours to check.
_NOT_OURS = {".git", ".venv", "instance", "node_modules", "__pycache__", "dist", "build", ".artifacts", "vendor"}


def python_files(folder: Path = PACKAGE) -> list[Path]:
    """Every Python file below `folder`, in order."""
    return sorted(p for p in folder.rglob("*.py") if not _NOT_OURS & set(p.relative_to(ROOT).parts))


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree; each node knows the one it stands in as `.parent`."""
    return parsed(path.read_text(), str(path))


def parsed(text: str, name: str = "") -> ast.Module:
    """The same of a text; `name` stands in its faults."""
    module = ast.parse(text, filename=name)
    for node in ast.walk(module):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
    return module


def above(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes this one stands in, innermost first."""
    while (parent := getattr(node, "parent", None)) is not None:
        yield parent
        node = parent


def where(path: Path, node: ast.AST | int) -> str:
    """`file:line`, as an editor takes it."""
    line = node if isinstance(node, int) else getattr(node, "lineno", 0)
    return f"{path.relative_to(ROOT)}:{line}"


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a name or a chain of attributes; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def room_of(path: Path) -> str:
    """The room a file of the package stands in; empty for the roof."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Each import in a file as the full name of what it takes: `from a import b` is `a.b`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def docstrings(path: Path) -> set[ast.AST]:
    """The constants of a file that are docstrings."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(first.value)
    return found


def texts() -> Iterator[Path]:
    """Every text file of the project, whatever its kind."""
    kinds = {*(".py", ".md", ".html", ".txt", ".css", ".js", ".toml"), *(".ini", ".mako", ".po", ".pot", ".json")}
    named = {"Makefile", "run", "python", "browser", "head", ".gitignore"}
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if _NOT_OURS & set(parts) or any(p.startswith(".") and p not in (".ci", ".gitignore") for p in parts):
            continue
        if path.is_file() and (path.suffix in kinds or path.name in named):
            yield path
