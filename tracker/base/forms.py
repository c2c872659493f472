"""What every form of the house shares: done once, refusals on their field, both versions when two people changed it.

A view shows the form again with what was typed; nothing is stored until everything holds.
"""

from collections.abc import Callable
from datetime import date, time
from typing import Any

from flask import redirect
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, StringField

from tracker.base.dates import parse_date, parse_time
from tracker.base.db import db
from tracker.base.errors import NeedsConfirmation, Refused, VersionConflict
from tracker.base.once import DoneAlready, claim, finish, new_token


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


class HouseForm(FlaskForm):
    """A form that is done once. `version`: of what is changed, where something is; `confirm`: shown when the house asks
    again; `asks`: whether it does."""

    once = HiddenField(default=new_token)
    version = HiddenField()
    confirm = BooleanField(_l("Yes, that is right"))
    asks = False
    #: After a conflict: (label, mine, theirs) of what differs.
    conflict: tuple[tuple[str, object, object], ...] = ()

    @property
    def expected_version(self) -> int:
        """The version the form was filled in against; 0 when it was tampered with, which no row has."""
        return int(self.version.data) if str(self.version.data or "").isdigit() else 0

    def refuse(self, refusal: Refused) -> None:
        """Put a refusal on the field it belongs to, or on the form."""
        if isinstance(refusal, NeedsConfirmation):
            self.asks = True
        field = self._fields.get(refusal.field or "")
        if field is None or isinstance(field, HiddenField):
            self.form_errors.append(refusal.message)
        else:
            field.errors = (*field.errors, refusal.message)

    def show_conflict(self, conflict: VersionConflict, version: int) -> None:
        """Keep what was typed, show what is stored beside it, and be ready to save against the stored version."""
        self.conflict = tuple(
            (str(field.label.text), shown(field), theirs)
            for name, theirs in conflict.theirs.items()
            if (field := self._fields.get(name)) is not None
            and shown(field) != str(theirs if theirs is not None else "")
        )
        self.version.data = str(version)
        # The next try is another act than the one that failed.
        self.once.data = new_token()


def shown(field: Field) -> str:
    """What a field holds, as a person sees it."""
    value = field._value() if hasattr(field, "_value") else field.data
    return "" if value is None else str(value)


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
