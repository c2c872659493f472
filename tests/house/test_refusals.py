"""Whoever is refused something reads why in their own language: no sentence of a refusal is a literal."""

import ast
from collections.abc import Iterator

from sources import PACKAGE, above, dotted, imports, parsed, python_files, tree, where

#: What pages and mails show the sentence of, and what puts a sentence on a page or on a field.
SHOWN = {"Refused", "NeedsConfirmation", "NotAllowed", "VersionConflict"}
SHOWING = {"flash", "InputRequired", "DataRequired", "ValidationError", "StopValidation"}

#: What a page has words of its own for, so that only commands and logs show the sentence.
NOT_SHOWN = {
    "TrackerError": "only what is made of it is raised",
    "NotFound": "what may not be known and what does not exist are answered by the same bytes",
    "HouseReadOnly": "one page for whatever was sent",
    "HouseClosed": "one page for everybody",
    "Misconfigured": "said at the start, where there are no pages yet",
}

#: What speaks English, as only somebody at a command reads it.
OF_COMMANDS = {
    "cli/": "the commands",
    "demo/": "the commands of the demo",
    "serving.py": "the command that serves pages, before it does",
    "audit/verifying.py": "anchors are made and compared by commands and the clock",
    "base/rotation.py": "keys are changed by a command",
    "outbox/checking.py": "the relay is tried by a command",
    "outbox/mailboxes.py": "mail that came back is read by a command",
}

#: Ways to say words in the reader's language.
SAYING = {"_", "_l", "N_", "ngettext"}


def untranslated(node: ast.expr) -> bool:
    """Whether an expression gives, or may give, words that stand in the source in one language."""
    match node:
        case ast.Constant(value=str(words)):
            return bool(words)
        case ast.JoinedStr() | ast.BinOp():
            return True
        case ast.IfExp(body=one, orelse=other):
            return untranslated(one) or untranslated(other)
        case ast.BoolOp(values=values):
            return any(map(untranslated, values))
        case ast.Name():
            return any(map(untranslated, _given(node)))
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return untranslated(inner)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join")):
            # Whole sentences may stand one after another; parts of one may not.
            return between != " "
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return untranslated(value)
        case ast.Call(func=function, args=[*words]) if dotted(function).split(".")[-1] in SAYING:
            # What is put together is found by nobody in a catalogue.
            return not isinstance(words[0], ast.Constant)
    return False


def _given(name: ast.Name) -> Iterator[ast.expr]:
    """What is assigned to a name, in the function it is used in or in the module."""
    scopes = [s for s in above(name) if isinstance(s, ast.FunctionDef | ast.Module)]
    for scope in (scopes[0], scopes[-1]):
        within = ast.walk(scope) if isinstance(scope, ast.FunctionDef) else scope.body
        for node in within:
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name.id for t in node.targets):
                yield node.value


def literal_sentences(module: ast.Module) -> list[ast.Call]:
    """The calls that tell somebody something in one language only."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in SHOWN | SHOWING:
            said = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "message")]
            if any(map(untranslated, said)):
                found.append(node)
    return found


def test_no_refusal_is_a_literal() -> None:
    found = [
        where(path, node)
        for path in python_files()
        if not str(path.relative_to(PACKAGE)).startswith(tuple(OF_COMMANDS))
        for node in literal_sentences(tree(path))
    ]
    assert not found, f"say it in the reader's language (docs/languages.md): {found}"


def test_what_forms_say_of_their_own_comes_from_our_catalogue() -> None:
    found = [
        where(path, node)
        for path in python_files()
        for node, name in imports(path)
        if name == "flask_wtf.FlaskForm" and path != PACKAGE / "base" / "forms.py"
    ]
    assert not found, f"make it of HouseForm or SpeakingForm: {found}"


def test_what_commands_speak_from_still_does() -> None:
    for start in OF_COMMANDS:
        of_it = [p for p in python_files() if str(p.relative_to(PACKAGE)).startswith(start)]
        assert any(literal_sentences(tree(p)) for p in of_it), f"{start} need not stand in the list any more"


def test_every_fault_is_shown_or_has_a_page_of_its_own() -> None:
    family = {node.name for node in tree(PACKAGE / "base" / "errors.py").body if isinstance(node, ast.ClassDef)}
    assert family == SHOWN | set(NOT_SHOWN), "say whether its sentence is shown"


def test_a_literal_is_seen_in_every_disguise() -> None:
    seen = """
        WORDS = "There is no such desk."
        raise Refused("There is no such desk.", "desk")
        raise Refused(f"There is no desk {code}.")
        raise NotAllowed(WORDS)
        raise VersionConflict("There is no desk %s." % code, {})
        flash(_("Saved.") + " " + _("Nobody is told."), "good")
        flash(_("Saved.") if changed else "Nothing changed.")
        flash(", ".join(said))
        raise Refused("There is no desk {}.".format(code))
        raise Refused(_(f"There is no desk {code}."))
        [InputRequired(message="Write something.")]
    """
    fine = """
        WORDS = N_("There is no such desk.")
        raise Refused(_("There is no desk %(code)s.", code=code), "desk")
        raise NotAllowed(WORDS)
        raise Refused(said.get(why) or _("That is no number."))
        raise Refused(refusal.message, field)
        raise Refused(" ".join(all_that_is_missing))
        flash(ngettext("%(num)d mail goes.", "%(num)d mails go.", count), "good")
        [InputRequired(), Length(max=20)]
    """
    assert len(literal_sentences(_module(seen))) == 10
    assert not literal_sentences(_module(fine))


def _module(text: str) -> ast.Module:
    return parsed("\n".join(line.strip() for line in text.splitlines()))
