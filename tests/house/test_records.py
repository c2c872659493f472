"""Why a mail was left out, taken back or did not arrive is stored in words that every reader's language has."""

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).resolve().parent.parent.parent

#: Where a reason stands among what is given to these, if it is not named.
GIVEN = {"end_messages": 3, "cancel_messages": 2, "end_links": 3, "stop_sending": 2, "_hold": 2}

#: Names under which a reason is given, and functions whose answer is one.
NAMED = ("reason", "suppressed_reason")
SAYS = ("why_not", "_why_not", "_why_unheard", "in_words", "_words")

#: What says a sentence to somebody, and stores nothing.
SAID = ("_", "gettext")

#: Reasons of other things than mails, said by labels of their own.
OTHERS = (
    *("actions", "administration", "cases", "cli", "consent", "contacts", "demo", "entries", "flags", "history"),
    *("pages", "safety", "serving.py"),
)


@cache
def marked() -> frozenset[str]:
    """The words that are on record somewhere."""
    found = extract_from_dir(ROOT / "tracker", [("**.py", "python")], keywords={"on_record": None})
    return frozenset(str(message) for _file, _line, message, _comments, _context in found)


def modules() -> list[Path]:
    rooms = [p for p in (ROOT / "tracker").rglob("*.py") if p.relative_to(ROOT / "tracker").parts[0] not in OTHERS]
    return sorted([*rooms, ROOT / "tracker" / "consent" / "telling.py"])


def reasons(tree: ast.Module) -> Iterator[ast.expr]:
    """What is stored as a reason, wherever it is given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in GIVEN and len(node.args) > GIVEN[name]:
                yield node.args[GIVEN[name]]
            yield from (word.value for word in node.keywords if word.arg in NAMED and name not in SAID)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value in NAMED)
        elif isinstance(node, ast.FunctionDef) and node.name in SAYS:
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
            yield from (n.value for n in inner if n.value is not None)


def parts(value: ast.expr) -> Iterator[ast.expr]:
    """What it may be: both sides of an `or` and of a choice; of words with places, the words."""
    if isinstance(value, ast.BoolOp):
        for each in value.values:
            yield from parts(each)
    elif isinstance(value, ast.IfExp):
        yield from (*parts(value.body), *parts(value.orelse))
    elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod):
        yield from parts(value.left)
    elif isinstance(value, ast.Subscript):
        yield from parts(value.value)
    else:
        yield value


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_reason_is_stored_in_words_that_are_on_record(path: Path) -> None:
    tree = ast.parse(path.read_text())
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    unmarked = []
    for reason in reasons(tree):
        for value in parts(reason):
            if isinstance(value, ast.JoinedStr):
                unmarked.append(ast.unparse(value))
            elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                unmarked.append(value.value)
            elif isinstance(value, ast.Name):
                known = getattr(module, value.id, "")
                if isinstance(known, str) and known and known not in marked():
                    unmarked.append(known)
    assert not unmarked, "on_record() marks what is stored, docs/languages.md says how it is translated"


def test_reasons_are_found_wherever_they_are_given() -> None:
    told = ast.parse(
        'def why_not(): return A or "b"\n'
        'end_messages(s, w, "skipped", f"c {d}", now)\n'
        'row = {"reason": E if x else ""}\n'
        "f(reason=G % {})\n"
    )
    found = [ast.unparse(value) for reason in reasons(told) for value in parts(reason)]
    assert sorted(found) == ["''", "'b'", "A", "E", "G", "f'c {d}'"]
