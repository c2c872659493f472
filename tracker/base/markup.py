"""What the shared template pieces need from Python: a field's control with the right attributes, a form's problems."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from markupsafe import Markup

#: Kinds of control that have a template of their own; anything else is a line of text.
_BOXES = ("checkbox", "radio", "file", "hidden", "submit")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right: where (id of the control; empty for the whole form), what it is called, what is wrong."""

    target: str
    label: str
    message: str


def set_up(app: Flask) -> None:
    """Make these functions known to every template, imported pieces included."""
    app.jinja_env.globals.update(
        form_problems=form_problems,
        field_kind=field_kind,
        field_control=field_control,
        field_errors=field_errors,
        is_optional=is_optional,
        code_of=code_of,
    )


def code_of(value: object) -> str:
    """The code of an enum member (an audience), or the code itself."""
    return str(getattr(value, "code", value))


def form_problems(form: Any) -> list[Problem]:
    """Everything wrong with a form, in the order of its fields; what belongs to no field comes first."""
    whole = [Problem("", "", str(message)) for message in getattr(form, "form_errors", ())]
    return whole + [problem for field in form for problem in _problems(field)]


def _problems(field: Any) -> Iterator[Problem]:
    inner = list(field) if hasattr(field, "entries") or hasattr(field, "form") else []
    for message in field_errors(field):
        yield Problem("" if field_kind(field) == "hidden" else _first_id(field), str(field.label.text), message)
    for part in inner:
        yield from _problems(part)


def field_errors(field: Any) -> list[str]:
    """The messages of this field itself; those of fields inside it are theirs."""
    errors = field.errors
    if isinstance(errors, dict):
        return []
    return [str(e) for e in errors if e and not isinstance(e, dict | list | tuple)]


def _first_id(field: Any) -> str:
    """The id a link can jump to: of the first option where the field is a group of them."""
    if field_kind(field) in ("radios", "checkboxes"):
        return next((str(option.id) for option in field), str(field.id))
    return str(field.id)


def field_kind(field: Any) -> str:
    """hidden, checkbox, radios, checkboxes, select, textarea, file, submit, group or text."""
    input_type = getattr(field.widget, "input_type", None)
    if field.type in ("FieldList", "FormField"):
        return "group"
    if hasattr(field, "iter_choices") and type(field.widget).__name__ in ("ListWidget", "TableWidget"):
        return "radios" if field.type == "RadioField" else "checkboxes"
    if type(field.widget).__name__ == "Select":
        return "select"
    if type(field.widget).__name__ == "TextArea":
        return "textarea"
    return input_type if input_type in _BOXES else "text"


def is_optional(field: Any) -> bool:
    """Whether it may stay empty, and people should be told so: what is typed. A choice has an answer from the start,
    and boxes to tick always may stay empty."""
    return not field.flags.required and field_kind(field) in ("text", "textarea", "file")


def field_control(field: Any, described_by: str = "", **extra: Any) -> Markup:
    """The control itself, with its class, its state for screen readers and the direction of what is typed in it.

    `extra` are HTML attributes (underscores for dashes); None leaves one out. A date is a line of text: the pickers of
    phones hide the weekday, and nobody can paste into them.
    """
    kind = field_kind(field)
    attributes: dict[str, Any] = {"class": _CLASSES.get(kind, "form-control")}
    if kind == "text":
        attributes |= _text_attributes(field)
    elif kind == "textarea":
        attributes |= {"rows": 4, "dir": "auto"}
    if field.flags.required and kind not in ("checkbox", "hidden"):
        attributes["aria-required"] = "true"
    if field_errors(field):
        attributes["class"] += " is-invalid"
        attributes["aria-invalid"] = "true"
    if described_by:
        attributes["aria-describedby"] = described_by
    attributes |= dict(field.render_kw or {}) | {name.replace("_", "-"): value for name, value in extra.items()}
    # A browser cuts what is pasted at maxlength without a word; the server says that it is too long.
    attributes["maxlength"] = False
    return Markup(field(**{name: value for name, value in attributes.items() if value is not None}))  # noqa: S704


_CLASSES = {"select": "form-select", "checkbox": "form-check-input"}


def _text_attributes(field: Any) -> dict[str, Any]:
    input_type = getattr(field.widget, "input_type", "text")
    if input_type in ("date", "time", "datetime-local", "month", "week"):
        return {"type": "text", "inputmode": "numeric", "autocomplete": "off", "dir": "ltr"}
    if input_type in ("email", "url", "tel", "number", "password"):
        return {"dir": "ltr"}
    return {"dir": "auto"}


def fill(template: str, **what: Any) -> str:
    """A template outside a page: what pages add of themselves (who is signed in, where one may go) is not there."""
    return current_app.jinja_env.get_template(template).render(**what)
