"""What every form of the house shares: done once, refusals on their field, both versions when two people changed it.

A view shows the form again with what was typed; nothing is stored until everything holds.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from enum import Enum
from typing import Any, ClassVar

from flask import redirect
from flask_babel import get_domain, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, StringField, TextAreaField

from tracker.base.dates import parse_date, parse_time
from tracker.base.db import db
from tracker.base.errors import NeedsConfirmation, Refused, VersionConflict
from tracker.base.once import DoneAlready, claim, finish, new_token
from tracker.base.sealing import SEALED
from tracker.base.sentences import Sentence as N_

#: What may stand in a text of several lines though it shows nothing by itself.
_LINE_ENDS = "\n\r\t\f\v\x85"

#: Marks that turn the direction of all that follows on the line; one line of text carries none of them away. The marks
#: that only say which direction a letter belongs to (U+200E, U+200F) stay.
_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


#: What fields and validators of WTForms say of their own in our forms. Its catalogues know other ways to count than the
#: languages have (in Arabic two of six: a text too long is refused without a word), so these stand in ours.
OF_WTFORMS = (
    N_("This field is required."),
    N_("Not a valid choice."),
    N_("Not a valid integer value."),
    N_("Invalid Choice: could not coerce."),
    N_("Invalid choice(s): one or more data inputs could not be coerced."),
)

#: The same of what it counts: the words for one → the sentence for a number.
OF_WTFORMS_COUNTED: Mapping[str, Callable[[int], str]] = {
    "Field cannot be longer than %(max)d character.": lambda most: ngettext(
        "Field cannot be longer than %(num)d character.", "Field cannot be longer than %(num)d characters.", most
    ),
    # What was sent is no word that anybody chose: it is not said again.
    "'%(value)s' is not a valid choice for this field.": lambda _count: _("Not a valid choice."),
}


class _HouseWords:
    """What WTForms asks for the words of its own sentences."""

    def gettext(self, words: str) -> str:
        return str(get_domain().get_translations().ugettext(words))

    def ngettext(self, one: str, several: str, count: int) -> str:
        say = OF_WTFORMS_COUNTED.get(one)
        return say(count) if say else str(get_domain().get_translations().ungettext(one, several, count))


class SpeakingForm(FlaskForm):
    """A form of which every sentence is in the language of the page, also those that WTForms says of its own."""

    class Meta(FlaskForm.Meta):
        """How WTForms treats the form."""

        def get_translations(self, form: object) -> _HouseWords:
            """Our catalogue instead of its own."""
            return _HouseWords()


class DayField(StringField):
    """A day, typed as text. `data` is a date or None; what was typed stays in the control."""

    data: date | None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed; ValueError with the house's own words when it is no day."""
        self.data = None
        if valuelist and valuelist[0].strip():
            try:
                self.data = parse_date(valuelist[0])
            except Refused as refusal:
                raise ValueError(refusal.message) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.isoformat() if self.data else ""


class ClockField(StringField):
    """A clock time, typed as text. `data` is a time or None."""

    data: time | None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed; ValueError when it is no time."""
        self.data = None
        if valuelist and valuelist[0].strip():
            try:
                self.data = parse_time(valuelist[0])
            except Refused as refusal:
                raise ValueError(refusal.message) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data:%H:%M}" if self.data else ""


class SealedField(StringField):
    """A line that is kept sealed. Its name on the page says so: whatever happens to the form, nothing else shows what
    was typed, no error page, no list of what two people changed. Browsers are asked not to remember it, nor to have its
    spelling checked elsewhere."""

    sealed = True

    def __init__(self, *args: Any, _prefix: str = "", **kwargs: Any) -> None:
        kept_here = {"autocomplete": "off", "spellcheck": "false"}
        kwargs["render_kw"] = {**kept_here, **(kwargs.get("render_kw") or {})}
        super().__init__(*args, _prefix=f"{_prefix}{SEALED}-", **kwargs)


class SealedAreaField(SealedField, TextAreaField):
    """Several lines that are kept sealed."""


class HouseForm(SpeakingForm):
    """A form that is done once. `version`: of what is changed, where something is; `confirm`: shown when the house asks
    again; `asks`: whether it does."""

    once = HiddenField(default=new_token)
    version = HiddenField()
    confirm = BooleanField(_l("Yes, that is right"))
    asks = False
    #: What services call a field → what this form calls it, where the two differ.
    also_called: ClassVar[Mapping[str, str]] = {}
    #: Whether somebody else changed it in between.
    conflicted = False
    #: After a conflict: (label, mine, theirs) of what differs.
    conflict: tuple[tuple[str, object, object], ...] = ()

    @property
    def expected_version(self) -> int:
        """The version the form was filled in against; 0 when it was tampered with, which no row has."""
        return int(self.version.data) if re.fullmatch(r"[0-9]{1,9}", str(self.version.data or "")) else 0

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Whether everything holds. Beside what each field asks for: no text holds a character that cannot be kept or
        shown (PostgreSQL keeps no NUL), and lines carry no mark that would turn what stands after them."""
        holds = super().validate(extra_validators)
        for field in self:
            if not isinstance(field, StringField) or not isinstance(field.data, str):
                continue
            several = isinstance(field, TextAreaField)
            if not several:
                field.data = field.data.replace("\t", " ").translate(_TURNS)
            if any(unicodedata.category(c) == "Cc" and not (several and c in _LINE_ENDS) for c in field.data):
                said = _("This holds a character that cannot be shown. Delete it, or type the text anew.")
                field.errors = (*field.errors, said)
                holds = False
        return holds

    def refuse(self, refusal: Refused) -> None:
        """Put a refusal on the field it belongs to, or on the form."""
        if isinstance(refusal, NeedsConfirmation):
            self.asks = True
        name = refusal.field or ""
        field = self._fields.get(self.also_called.get(name, name))
        if field is None or isinstance(field, HiddenField):
            self.form_errors.append(refusal.message)
        else:
            field.errors = (*field.errors, refusal.message)

    def show_conflict(self, conflict: VersionConflict, version: int) -> None:
        """Keep what was typed, show what is stored beside it, and be ready to save against the stored version."""
        self.conflicted = True
        stored = {self.also_called.get(name, name): value for name, value in conflict.theirs.items()}
        self.conflict = tuple(
            (str(field.label.text), mine, theirs)
            for name, value in stored.items()
            if (field := self._fields.get(name)) is not None
            and not getattr(field, "sealed", False)
            and (mine := shown(field)) != (theirs := _in_words(field, plain(value)))
        )
        self.version.data = str(version)
        # The next try is another act than the one that failed.
        self.once.data = new_token()


def shown(field: Field) -> str:
    """What a field holds, as a person sees it: a choice by its words."""
    typed = not isinstance(field.data, date | time) and hasattr(field, "_value")
    value = field._value() if typed else field.data
    return _in_words(field, plain(value))


def plain(value: object) -> object:
    """A stored value as a form's controls carry it: text, or a list of texts."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(getattr(value, "code", value.value))
    if isinstance(value, list | tuple | set | frozenset):
        return [str(plain(v)) for v in value]
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _in_words(field: Field, value: object) -> str:
    """A value by the words of the field's choices, where it has some; several in the order of the choices."""
    offered = [(str(code), str(words)) for code, words in getattr(field, "choices", None) or ()]
    if isinstance(value, list):
        return ", ".join(words for code, words in offered if code in value)
    return dict(offered).get(str(value), str(value)) if offered else str(value).replace("\r\n", "\n")


def submit(
    form: HouseForm,
    act: Callable[[], str],
    again: Callable[[], str],
    *,
    version_now: Callable[[], int] = lambda: 0,
) -> Any:
    """Answer a POST: do `act` (which opens its unit of work and returns where to go next) once, or show the form
    `again` with what was typed: 422 with the reason on its field, 409 with both versions."""
    if not form.validate_on_submit():
        return again(), 422
    try:
        return redirect(act(), 303)
    except DoneAlready as done:
        return redirect(done.result, 303)
    except Refused as refusal:
        form.refuse(refusal)
        return again(), 422
    except VersionConflict as conflict:
        form.show_conflict(conflict, version_now())
        return again(), 409


def once(form: HouseForm) -> None:
    """First line inside the unit of work of a form: DoneAlready when it was sent before."""
    claim(db.session(), str(form.once.data or ""))


def led_to(form: HouseForm, address: str) -> str:
    """Last line inside it: where a second sending of the same form is taken. Returns the address."""
    finish(db.session(), str(form.once.data or ""), address)
    return address
