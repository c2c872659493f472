"""The words of a history: what acts, tables and columns are called by people, and how a stored value is said.

A room that brings acts or columns of its own announces their words in `base.labels` under `act` (`hearings.move`),
`table` (`hearings`) and `field` (`hearings.court`, or `court` for every table). What nobody has words for is shown by
its code, with spaces: readable, and never an error.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Boolean, Column, Date

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, UTCDateTime, WallTime
from tracker.base.countries import country_name
from tracker.base.db import Model
from tracker.base.labels import announce, has_label, label
from tracker.base.languages import spoken
from tracker.base.words import say_instant, say_list, say_short_date

#: Columns that are told to nobody: numbers of rows, what the act itself says, and what is derived. Where a person
#: stands is folded from all entries, also from those a reader may not see; the entries themselves tell it.
SILENT = frozenset(
    {
        "about_id",
        "birth_precision",
        "case_id",
        "cleared_at",
        "conditions",
        "created_at",
        "custody",
        "custody_precision",
        "custody_since",
        "data",
        "desk_id",
        "document_id",
        "ends_at",
        "entry_id",
        "episode",
        "fingerprint",
        "fold",
        "group_key",
        "hearing_id",
        "id",
        "import_id",
        "last_change",
        "last_checked_at",
        "last_news_on",
        "name_key",
        "next_hearing_id",
        "nickname",
        "origin",
        "outcome_due_at",
        "payload",
        "position",
        "proceedings",
        "proceedings_since",
        "public_id",
        "quote_end",
        "quote_start",
        "raised_at",
        "recipient_id",
        "recorded_at",
        "recorded_by",
        "ref",
        "reported",
        "review_at",
        "schedule_rev",
        "script",
        "sha256",
        "stale_at",
        "stale_grace_working_days",
        "starts_at",
        "status",
        "subject",
        "supersedes_id",
        "tell_from",
        "token",
        "token_hash",
        "version",
    }
)

#: Groups of `base.labels` that hold the words of a column's codes.
CODES = {
    "stage": "stage",
    "risk": "risk",
    "closed_reason": "closed_reason",
    "certainty": "certainty",
    "confidence": "confidence",
    "rule": "flag",
    "hearings.kind": "hearing_kind",
    "hearings.state": "hearing_state",
    "outcome": "hearing_state",
    "person_names.kind": "name_kind",
    "users.role": "role",
    "reason": "reason",
    "entries.precision": "precision",
    "hearings.precision": "window",
    "contacts.kind": "contact_kind",
    "contacts.label": "contact_role",
    "consents.answer": "consent_answer",
    "consents.speaker": "consent_speaker",
    "consents.subjects": "consent_subject",
    "consents.how": "consent_how",
}

#: Columns that hold a country.
COUNTRIES = frozenset({"country", "responsible_state"})

announce(
    "table",
    {
        "cases": _l("the case"),
        "involvements": _l("a person in the case"),
        "persons": _l("a person"),
        "person_names": _l("a name"),
        "case_grants": _l("the named people"),
        "entries": _l("the timeline"),
        "hearings": _l("a hearing"),
        "appearances": _l("who appears at a hearing"),
        "flags": _l("a flag"),
        "subscriptions": _l("reminders"),
        "proposals": _l("a proposal from a page"),
        "contacts": _l("a contact"),
        "consents": _l("what somebody agreed to"),
    },
)
announce(
    "field",
    {
        "title": _l("title"),
        "summary": _l("summary"),
        "country": _l("country of detention"),
        "responsible_state": _l("state that answers for it"),
        "owner_id": _l("owner"),
        "deputy_id": _l("deputy"),
        "stage": _l("stage"),
        "closed_reason": _l("closed because"),
        "risk": _l("risk"),
        "audience": _l("who may see it"),
        "person_id": _l("person"),
        "user_id": _l("account"),
        "role": _l("role"),
        "pronouns": _l("pronouns"),
        "occupation": _l("occupation"),
        "born_on": _l("born"),
        "person_names.text": _l("name"),
        "person_names.kind": _l("kind of name"),
        "entries.kind": _l("what happened"),
        "happened_on": _l("date"),
        "precision": _l("known to the"),
        "latest_on": _l("last possible day"),
        "earliest_on": _l("first possible day"),
        "local_date": _l("date"),
        "local_time": _l("time"),
        "zone": _l("time zone"),
        "text": _l("text"),
        "confidence": _l("how sure"),
        "court": _l("court"),
        "place": _l("place"),
        "hearings.kind": _l("kind"),
        "certainty": _l("certainty"),
        "confirmed_at": _l("date confirmed"),
        "confirmed_by": _l("confirmed by"),
        "confirmed_from": _l("told by"),
        "hearings.state": _l("state"),
        "observer": _l("observer"),
        "note": _l("note"),
        "outcome": _l("outcome"),
        "outcome_reason": _l("reason of the outcome"),
        "outcome_text": _l("outcome in words"),
        "told_by": _l("told by"),
        "rule": _l("flag"),
        "severity": _l("severity"),
        "due_at": _l("due"),
        "acknowledged_at": _l("seen"),
        "acknowledged_by": _l("seen by"),
        "snoozed_until": _l("out of sight until"),
        "snooze_reason": _l("reason"),
        "snoozed_by": _l("put off by"),
        "days_before": _l("days before"),
        "stopped_at": _l("stopped on"),
        "reason": _l("reason"),
        "contacts.kind": _l("kind"),
        "contacts.label": _l("role"),
        "contacts.sealed": _l("what is sealed"),
        "contacts.phone_key": _l("the number"),
        "contacts.email_key": _l("the mail address"),
        "consents.answer": _l("what they said"),
        "consents.speaker": _l("who said it"),
        "consents.subjects": _l("to what"),
        "consents.up_to": _l("up to whom"),
        "consents.how": _l("how"),
        "consents.given_on": _l("when it was said"),
        "consents.until_on": _l("until when it holds"),
        "consents.review_on": _l("to be asked again on"),
    },
)
announce("step", {"history.anchor": _l("keeps how far the audit has come")})
announce(
    "act",
    {
        "cases.open": _l("recorded the case"),
        "cases.edit": _l("changed the case"),
        "cases.close": _l("closed the case"),
        "cases.reopen": _l("opened the case again"),
        "cases.check": _l("checked the case"),
        "cases.take": _l("took the case"),
        "cases.involve": _l("added a person"),
        "cases.open_to": _l("opened the case further"),
        "people.edit": _l("changed a person"),
        "contacts.add": _l("added a contact"),
        "contacts.edit": _l("changed a contact"),
        "contacts.remove": _l("removed a contact"),
        "contacts.open": _l("opened a contact to change it"),
        "contacts.reveal": _l("looked at a contact"),
        "contacts.find": _l("looked for whose number it is"),
        "contacts.refuse": _l("looked for too many numbers that nobody has"),
        "consent.record": _l("recorded what somebody agreed to"),
        "consent.without_name": _l("opened it without a name"),
        "consent.stop": _l("stopped publicity"),
        "consent.resume": _l("resumed publicity, or asked for it"),
        "consent.follow": _l("followed what runs out"),
        "entries.add": _l("added to the timeline"),
        "entries.correct": _l("put an entry right"),
        "entries.accept": _l("accepted a claim"),
        "entries.withdraw": _l("withdrew an entry"),
        "entries.audience": _l("changed who may see an entry"),
        "hearings.schedule": _l("recorded a hearing"),
        "hearings.add": _l("recorded a hearing"),
        "hearings.move": _l("moved a hearing"),
        "hearings.correct": _l("corrected a hearing"),
        "hearings.undo": _l("undid the change of a hearing"),
        "hearings.confirm": _l("made sure of a hearing"),
        "hearings.cancel": _l("cancelled a hearing"),
        "hearings.reinstate": _l("put a hearing on again"),
        "hearings.outcome": _l("said what became of a hearing"),
        "hearings.edit": _l("changed the details of a hearing"),
        "flags.acknowledge": _l("saw a flag"),
        "flags.snooze": _l("put a flag off"),
        "flags.sweep": _l("looked for what needs somebody"),
        "intake.propose": _l("read a page"),
        "intake.accept": _l("accepted from a page"),
        "intake.reject": _l("rejected from a page"),
        "intake.edit": _l("changed and accepted from a page"),
        "reminders.follow": _l("began to follow"),
        "reminders.stop": _l("stopped reminders"),
        "reminders.resume": _l("resumed reminders"),
        "reminders.choose_files": _l("chose calendar files"),
        "reminders.plan": _l("planned reminders"),
        "reminders.bounced": _l("dealt with mail that came back"),
        "digests.switch": _l("switched the weekly agenda"),
        "digests.plan": _l("planned the weekly agenda"),
        "asking.plan": _l("planned questions"),
        "catching_up.report": _l("reported a stop of the clock"),
        "faces.refresh": _l("brought the lists up to date"),
        "clockwork.zones": _l("followed new rules of time zones"),
        "calendar.renew": _l("made a calendar address"),
        "calendar.end": _l("ended a calendar address"),
        "accounts.add": _l("made an account"),
        "accounts.sign_in": _l("signed in"),
        "accounts.sign_out": _l("signed out"),
        "accounts.refuse": _l("was refused after too many tries"),
        "accounts.end_sign_in": _l("ended a sign-in"),
        "accounts.change_own": _l("changed the own account"),
        "accounts.change_address": _l("changed an address"),
        "accounts.change_desk": _l("changed the settings of a desk"),
        "accounts.reach_again": _l("said that mail arrives again"),
        "desks.add": _l("made a desk"),
        "outbox.retry": _l("sent a message again"),
        "outbox.cancel": _l("took a message back"),
        "outbox.seen_to": _l("said that a reader has heard"),
        "outbox.pause": _l("paused mail"),
        "outbox.release": _l("let mail go"),
        "bounces.read": _l("read the mail that came back"),
        "clock.accept": _l("accepted the clock of a machine"),
        "keys.add": _l("added a key"),
        "keys.rotate": _l("took a new key into use"),
        "keys.retire": _l("retired a key"),
        "house.mode": _l("changed the mode of the house"),
        "house.rehearsal": _l("made it a rehearsal"),
        "house.demo": _l("loaded the demo"),
    },
)


def say_field(table: str, column: str) -> str:
    """What a column is called."""
    whole = f"{table}.{column}"
    known = next((code for code in (whole, column) if has_label("field", code)), column.removesuffix("_id"))
    return label(known, "field")


def say_value(table: str, column: str, value: Any, zone: str, names: Mapping[tuple[str, int], str]) -> str:
    """A value as it was stored, for a reader in `zone`. `names`: of rows it may point to, by (table, number); what is
    not among them is not named. Empty: nothing stands there."""
    if value is None or value == "" or value == []:
        return ""
    kind = _column(table, column)
    target = _points_to(kind)
    if target is not None:
        return names.get((target, value), _("no longer known")) if target in ("users", "persons") else str(value)
    group = CODES.get(f"{table}.{column}") or CODES.get(column)
    if isinstance(value, list):
        return say_list([label(item, group) if group else str(item) for item in value])
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {held}" for name, held in sorted(value.items()))
    if group:
        return label(value, group)
    if column in COUNTRIES:
        return country_name(str(value), str(spoken()))
    if isinstance(value, bool) or isinstance(getattr(kind, "type", None), Boolean):
        return _("yes") if value else _("no")
    return _of_type(kind, value, zone)


def points_to(table: str, column: str) -> str | None:
    """The table whose rows a column points to; None where it points to none."""
    return _points_to(_column(table, column))


def _of_type(column: Column[Any] | None, value: Any, zone: str) -> str:
    kind = getattr(column, "type", None)
    try:
        if isinstance(kind, AudienceType):
            return label(Audience(int(value)).code, "audience")
        if isinstance(kind, UTCDateTime):
            return say_instant(datetime.fromisoformat(str(value)), zone)
        if isinstance(kind, Date):
            return say_short_date(date.fromisoformat(str(value)))
        if isinstance(kind, WallTime):
            return str(value)[:5]
    except ValueError:
        pass  # what was stored by an older version is shown as it is
    return str(value)


def _column(table: str, column: str) -> Column[Any] | None:
    found = Model.metadata.tables.get(table)
    return None if found is None else found.c.get(column)


def _points_to(column: Column[Any] | None) -> str | None:
    if column is None:
        return None
    return next((key.column.table.name for key in column.foreign_keys), None)
