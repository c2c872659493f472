"""What is the same in every application of a run and costs more than all else of making one: it is made once.

Each test has an application of its own, and so has each child process. What builds the addresses of a route and what a
template becomes in Python depend on nothing but how they are written; here they are remembered, templates in a folder
that every process of a run may share.
"""

import os
import zoneinfo
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

#: The variable of the environment that names the folder of the templates to the processes that fork.
FOLDER = "TESTS_TEMPLATES"

_rules: dict[tuple[Any, ...], Any] = {}
_compile_rule = Rule._compile_builder


def _compile_rule_once(rule: Rule, append_unknown: bool = True) -> Any:
    """What builds the addresses of a route: code that depends on how the route is written alone."""
    key = (rule.rule, rule.endpoint, rule.subdomain, rule.host, repr(rule.defaults), append_unknown)
    if key not in _rules:
        _rules[key] = _compile_rule(rule, append_unknown)
    return _rules[key]


_parsed: dict[str, tuple[list[Any], list[tuple[bool, str]], dict[str, Any]]] = {}
_parse_rule = Rule._parse_rule


def _parse_rule_once(rule: Rule, written: str) -> Any:
    """What an address is made of, and what has been noted in the rule on the way."""
    if written not in _parsed:
        before = len(rule._trace)
        parts = list(_parse_rule(rule, written))
        _parsed[written] = parts, rule._trace[before:], dict(rule._converters)
        return parts
    parts, trace, converters = _parsed[written]
    rule._trace.extend(trace)
    rule._converters.update(converters)
    rule.arguments.update(converters)
    return parts


def _read_zones_once() -> None:
    """Read the rules of six hundred zones once for each path: while tests run they change with the path alone."""
    from tracker.clockwork import zones

    reads = zones.rules_in_force
    read_once = cache(lambda _path: reads())
    zones.rules_in_force = lambda: read_once(zoneinfo.TZPATH)
    zones.rules_in_force()


class Templates(BytecodeCache):
    """Templates in Python, by name and content: from this process, else from the folder."""

    def __init__(self, folder: str) -> None:
        self._known: dict[tuple[str, str], Any] = {}
        self._written = FileSystemBytecodeCache(folder)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is known."""
        bucket.code = self._known.get((bucket.key, bucket.checksum))
        if bucket.code is None:
            self._written.load_bytecode(bucket)
            if bucket.code is not None:
                self._known[bucket.key, bucket.checksum] = bucket.code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember it."""
        self._known[bucket.key, bucket.checksum] = bucket.code
        self._written.dump_bytecode(bucket)


def remember(folder: Path | str | None = None) -> None:
    """Make rules and templates once from here on; `folder`: where the templates of the run are, and None: where the
    process that started this one said."""
    Rule._compile_builder = _compile_rule_once  # type: ignore[method-assign]
    Rule._parse_rule = _parse_rule_once  # type: ignore[method-assign]
    _read_zones_once()
    told = str(folder or os.environ.get(FOLDER, ""))
    if told:
        Path(told).mkdir(parents=True, exist_ok=True)
        os.environ[FOLDER] = told
        Flask.jinja_options["bytecode_cache"] = Templates(told)
