"""Every string of the source is said in every language there is a catalogue for, with the same named places."""

import re
import tomllib
from collections import Counter
from functools import cache
from gettext import c2py  # The same reading of Plural-Forms that is used when speaking.
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from tracker.base.resources import resource

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(resource("translations").glob("*/LC_MESSAGES/*.po"))
PLACE = re.compile(r"%\((\w+)\)[a-z]")
HOW = "docs/languages.md says how to extract them"


@cache
def said_in_the_source() -> frozenset[str | tuple[str, str]]:
    """Every message id of code and templates, read as `pybabel extract` reads them; plural ones are pairs."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    found = extract_from_dir(
        ROOT,
        [(one["pattern"], one["method"]) for one in mappings],
        {one["pattern"]: {k: v for k, v in one.items() if k not in ("pattern", "method")} for one in mappings},
        keywords={
            **DEFAULT_KEYWORDS,
            "_l": None,
            "lazy_gettext": None,
            "lazy_pgettext": ((1, "c"), 2),
            "on_record": None,
        },
    )
    return frozenset(message if isinstance(message, str) else (message[0], message[1]) for _, _, message, _, _ in found)


def places(words: str) -> Counter[str]:
    """The named places of a string, with how often each stands there."""
    return Counter(PLACE.findall(words))


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def forms(message: Message) -> tuple[str, ...]:
    """What a string is said as: one form, or one for each way the language counts."""
    said = message.string
    return (said or "",) if isinstance(said, str | None) else tuple(said)


def catalogues() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parents[1].name)


def test_strings_of_both_code_and_templates_are_found() -> None:
    assert {"Saved.", "today", "My account"} <= said_in_the_source()
    assert ("%(num)d day", "%(num)d days") in said_in_the_source()


@catalogues()
def test_every_string_is_translated(path: Path) -> None:
    catalogue = read(path)
    missing = []
    for said in said_in_the_source():
        message = catalogue.get(said if isinstance(said, str) else said[0])
        wanted = 1 if isinstance(said, str) else catalogue.num_plurals
        known = message is not None and message.id == said and not message.fuzzy
        if message is None or not known or not all(forms(message)) or len(forms(message)) != wanted:
            missing.append(said)
    assert not missing, HOW


@catalogues()
def test_a_translation_names_the_same_places(path: Path) -> None:
    catalogue = read(path)
    counted_by = c2py(catalogue.plural_expr)
    # "يومان" needs no number beside it; a form that serves several numbers does.
    several = {form for form, numbers in Counter(map(counted_by, range(1000))).items() if numbers > 1}
    wrong = []
    for message in catalogue:
        if not message.id:
            continue
        wanted = places(message.id if isinstance(message.id, str) else message.id[1])
        for form, words in enumerate(forms(message)):
            lacking = wanted - places(words)
            with_number = isinstance(message.id, str) or form in several
            if places(words) - wanted or (lacking and (with_number or set(lacking) != {"num"})):
                wrong.append(words)
    assert not wrong
    assert not [problem for message in catalogue for problem in message.check(catalogue)]
