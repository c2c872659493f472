"""Pages: nothing inline (the policy would stop it), either direction of writing, every word translatable."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment
from sources import PACKAGE, TEMPLATES, docstrings, dotted, python_files, tree, where

#: What stands for an expression of the template while its text is looked at.
HOLE = "\x00"

#: Attributes people see or hear.
SPOKEN = {"title", "placeholder", "alt", "aria-label", "aria-description", "summary", "label"}

#: Elements whose text is no language: code, keys to press, examples of what to type.
NOT_LANGUAGE = {"code", "kbd", "pre", "samp", "script", "style"}

#: Two letters in a row: less is a sign, not a word.
WORD = re.compile(r"[^\W\d_]{2,}")

#: What a block holds that fills in the tag of the page it extends.
ATTRIBUTES = re.compile(r"(\s*[\w-]+=\"[^\"]*\")+\s*")

#: Sides of the screen that are wrong in half of the world's scripts; the logical ones are -start and -end.
PHYSICAL_CSS = re.compile(
    r"(?<![\w-])((margin|padding|border|scroll-margin|scroll-padding)-(left|right)|(left|right))(-\w+)*\s*:"
    r"|(text-align|float|clear)\s*:\s*(left|right)\b"
    r"|border-(top|bottom)-(left|right)-radius"
)
PHYSICAL_CLASS = re.compile(
    r"(?<![\w-])(m[lr]-(\d|auto)|p[lr]-\d|text-(left|right)|float-(left|right)|(border|rounded)-(left|right))(?![\w-])"
)


def templates() -> list[Path]:
    """Every template, for pages and mails."""
    return sorted(p for p in TEMPLATES.rglob("*") if p.suffix in (".html", ".txt"))


def without_jinja(source: str) -> str:
    """The template's own text: expressions become holes, comments and what stands in `trans` go; lines stay lines."""
    out: list[str] = []
    in_trans = False
    statement: list[str] = []
    for _line, kind, value in Environment().lex(source):
        if kind == "data":
            out.append("\n" * value.count("\n") if in_trans else value)
            continue
        out.append("\n" * value.count("\n"))
        if kind == "block_begin":
            statement = []
        elif kind == "name":
            statement.append(value)
        elif kind == "block_end":
            if statement[:1] in (["trans"], ["endtrans"]):
                in_trans = statement[0] == "trans"
                out.append(HOLE)
        elif kind == "variable_begin":
            out.append(HOLE)
    return "".join(out)


class Reader(HTMLParser):
    """Collects what a page says in words of its own, and what it holds inline."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[tuple[int, str]] = []
        self.inline: list[tuple[int, str]] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element's attributes."""
        line = self.getpos()[0]
        given = {name: value or "" for name, value in attrs}
        if tag not in ("br", "hr", "img", "input", "link", "meta", "source", "wbr", "use", "path"):
            self._open.append(tag)
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append((line, f"<{tag}>"))
        for name, value in given.items():
            if name == "style" or name.startswith("on") or value.strip().lower().startswith("javascript:"):
                self.inline.append((line, f"{name}={value!r}"))
            spoken = name in SPOKEN or (
                name == "value" and tag == "input" and given.get("type") in ("submit", "button")
            )
            if spoken and WORD.search(value):
                self.words.append((line, value.strip()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that closes itself."""
        self.handle_starttag(tag, attrs)
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, and what was left open in it."""
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Look at text."""
        if WORD.search(data) and not NOT_LANGUAGE & set(self._open) and not ATTRIBUTES.fullmatch(data):
            line = self.getpos()[0] + data[: len(data) - len(data.lstrip())].count("\n")
            self.words.append((line, " ".join(data.split()).replace(HOLE, "…")))


def read(source: str) -> Reader:
    """What a template holds."""
    reader = Reader()
    reader.feed(without_jinja(source))
    reader.close()
    return reader


def test_nothing_is_inline() -> None:
    found = [
        f"{where(path, line)} {what}"
        for path in templates()
        if path.suffix == ".html"
        # A mail has no style sheet: what it looks like stands in its elements.
        and "mail" not in path.relative_to(TEMPLATES).as_posix()
        for line, what in read(path.read_text()).inline
    ]
    assert not found, found


def test_every_word_of_a_page_can_be_translated() -> None:
    found = [
        f"{where(path, line)} {words!r}"
        for path in templates()
        for line, words in (
            read(path.read_text()).words
            if path.suffix == ".html"
            else [(n, t) for n, t in enumerate(without_jinja(path.read_text()).splitlines(), 1) if WORD.search(t)]
        )
    ]
    assert not found, f"put these into _() or a trans block: {found}"


def test_no_side_of_the_screen_is_named() -> None:
    sheets = [p for p in (PACKAGE / "static").rglob("*.css") if "vendor" not in p.parts]
    found = [
        where(path, number)
        for paths, pattern in ((sheets, PHYSICAL_CSS), (templates(), PHYSICAL_CLASS))
        for path in sorted(paths)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"say start and end: {found}"


#: Words nobody should meet who works with death.
HARSH = re.compile(
    r"\b(dead|dead-?letter|kill|kills|poison|poisoned|unknown|zombie|orphans?|abort(ed)?)\b", re.IGNORECASE
)

#: Functions whose first argument people read.
SAYS = {"_", "_l", "gettext", "lazy_gettext", "ngettext", "_n", "flash"}


def said() -> list[tuple[str, str]]:
    """Every text people read, with where it stands: in templates, and in what goes through gettext."""
    found = []
    for path in templates():
        found += [(where(path, n), line) for n, line in enumerate(path.read_text().splitlines(), 1)]
    for path in python_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in SAYS:
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                found += [(where(path, node), text) for text in texts]
    return found


def test_words_are_chosen_for_people_who_work_with_death() -> None:
    comment = re.compile(r"\{#.*?#\}|\{[%{].*?[%}]\}")
    found = [
        f"{place} {text.strip()!r}"
        for place, text in said()
        if HARSH.search(comment.sub("", text) if place.endswith(".html") else text)
    ]
    assert not found, found


def test_labels_of_forms_can_be_translated() -> None:
    found = []
    for path in python_files():
        if path.stem != "forms":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and dotted(node.func).endswith("Field"):
                labels = [*node.args[:1], *(k.value for k in node.keywords if k.arg in ("label", "description"))]
                found += [
                    where(path, label)
                    for label in labels
                    if isinstance(label, ast.Constant) and isinstance(label.value, str) and WORD.search(label.value)
                ]
    assert not found, f"put these into _l(): {found}"


def test_what_is_flashed_can_be_translated() -> None:
    found = [
        where(path, node)
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and dotted(node.func).split(".")[-1] == "flash"
        and node.args
        and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
        and node.args[0] not in docstrings(path)
    ]
    assert not found, f"put these into _(): {found}"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Next hearing</p>", ["Next hearing"]),
        ("<p>{{ _('Next hearing') }}: {{ when }}</p>", []),
        ("<p>{% trans n=n %}One hearing{% pluralize %}{{ n }} hearings{% endtrans %} – {{ x }}</p>", []),
        ("<a title='Close'>×</a>", ["Close"]),
        ("<a title='{{ _(\"Close\") }}'>×</a>", []),
        ("<input type='submit' value='Save'><input name='q' value='Save'>", ["Save"]),
        ("{# a word to the next reader #}<code>tracker tick</code><br>", []),
        ("{% if a %}<b>{% endif %}soon{{ x }}", ["soon…"]),
    ],
)
def test_a_word_that_cannot_be_translated_is_seen(source: str, words: list[str]) -> None:
    assert [w for _, w in read(source).words] == words


@pytest.mark.parametrize(
    "source",
    [
        "<p style='color: red'>",
        "<style>p {}</style>",
        "<script>go()</script>",
        "<a href='javascript:go()'>",
        "<b onclick='go()'>",
    ],
)
def test_what_is_inline_is_seen(source: str) -> None:
    assert read(source).inline


@pytest.mark.parametrize(
    ("css", "is_one"),
    [
        ("margin-left: 1rem", True),
        ("left: 0", True),
        ("text-align: right", True),
        ("margin-inline-start: 1rem", False),
        ("inset-inline-start: 0; text-align: start", False),
    ],
)
def test_a_named_side_is_seen(css: str, is_one: bool) -> None:
    assert bool(PHYSICAL_CSS.search(css)) is is_one
