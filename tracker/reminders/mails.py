"""Writing the mails: the same few facts as text and as HTML, in the reader's language, worded for who reads.

Subjects and bodies name a case by its nickname and reference, never a person: a mail may be read over a shoulder. To
whoever is not staff a case is told by initials and city (`rules.wording_of`); by name only what is public, where all
concerned agreed to that.
Everything is read from the rows as they are when it is written; what was planned a week ago is not repeated blindly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased, lazyload

from tracker.accounts.models import Desk, User
from tracker.base.audience import Audience
from tracker.base.columns import canonical_json
from tracker.base.labels import label
from tracker.base.languages import speaking, spoken
from tracker.base.markup import fill
from tracker.base.words import (
    ago,
    count_days,
    isolate,
    say_date,
    say_for_reader,
    say_list,
    say_short_date,
    say_time,
    say_window,
    say_zone,
)
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import level
from tracker.hearings.ics import write_published
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.queries import last_changes
from tracker.outbox.channels.email import split_sender
from tracker.outbox.kinds import STAMP, Mail, NoLonger, Write, one_click
from tracker.outbox.models import Message, Recipient
from tracker.people.models import Person
from tracker.people.rules import initials
from tracker.reminders import rules
from tracker.reminders.events import events_of, when_told
from tracker.reminders.queries import REMINDED_STAGES
from tracker.reminders.rules import Wording
from tracker.reminders.tokens import stop_token

#: Cases named in a subject; further ones are counted.
NAMED_IN_SUBJECT = 2

#: Longest address in a header, in characters: a line of a mail has at most 998 (RFC 5322 2.1.1).
LONGEST_LINK = 900


@dataclass(frozen=True, slots=True)
class Part:
    """What one mail says about one hearing: a sentence, facts as (what, how), links as (name, address), why it goes to
    this reader, and where to stop."""

    sentence: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    why: str
    stop: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read for one message."""

    message: Message
    hearing: Hearing
    cases: Sequence[Case]
    reader: User
    reader_zone: str
    #: When the hearing last changed, for a reader who wants it as a calendar file; None: they do not.
    changed_at: datetime | None
    #: How much of a case this reader is told, and what each case is called for them, by its id.
    wording: Wording
    names: Mapping[int, str]

    def told(self, tells: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of when and where this reader is told: the court only of what is not told by initials."""
        return {**tells, "court": ""} if self.wording == "initials" else tells


def write_reminder(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The mail of one or several reminders of one reader, as things stand at `now`."""
    return reminder_writer(session, messages)(messages, now)


def write_change(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The mail of one or several notices of a change to one reader."""
    return change_writer(session, messages)(messages, now)


def reminder_writer(session: Session, messages: Sequence[Message]) -> Write:
    """What writes the mails of these reminders, of any readers: all they need is read here, in three statements."""
    found = _read(session, messages, in_hand=True)
    said: dict[Alike, tuple[str, Mail]] = {}

    def write(those: Sequence[Message], now: datetime) -> Mail:
        known = sorted(_known(found, those), key=_by_date)
        with speaking(known[0].reader.language):
            if len(known) == 1:
                mail = _alike(said, known[0], now)
            else:
                parts = [_reminder(k, now) for k in known]
                mail = _mail(_bundle_subject(known), parts, [_in_one_line(k) for k in known])
            return replace(mail, headers=_one_click(known), calendar=_calendar(known, now), stamp=_stamp(known))

    return write


def change_writer(session: Session, messages: Sequence[Message]) -> Write:
    """What writes the mails of these notices of a change, of any readers. What follows from an outcome is read for each
    of them by itself: that is rare."""
    found = _read(session, messages, in_hand=False)

    def write(those: Sequence[Message], now: datetime) -> Mail:
        known = _known(found, those)
        with speaking(known[0].reader.language):
            parts = [_change(session, k, now) for k in known]
            mail = _mail(_change_subject(known[0]), parts, [_in_one_line(k) for k in known] if len(known) > 1 else ())
            return replace(mail, calendar=_calendar(known, now), stamp=_stamp(known))

    return write


def _known(found: Mapping[int, _Known], messages: Sequence[Message]) -> list[_Known]:
    """What was read for each of these messages. NoLonger when one of them has nothing its reader may know."""
    if not all(message.id in found for message in messages):
        raise NoLonger
    return [found[message.id] for message in messages]


def _read(session: Session, messages: Sequence[Message], in_hand: bool) -> dict[int, _Known]:
    """What these messages are about, by their numbers; without those of which nothing may be told, or is there, any
    more."""
    afresh = {"populate_existing": True}
    alone = lazyload("*")
    of_hearings = select(Hearing).where(Hearing.id.in_({m.subject_id for m in messages})).options(alone)
    hearings = {hearing.id: hearing for hearing in session.scalars(of_hearings, execution_options=afresh)}
    of_readers = select(Recipient.id, User, Recipient.with_ics).join(User, User.id == Recipient.user_id)
    of_readers = of_readers.where(Recipient.id.in_({m.recipient_id for m in messages})).options(alone)
    rows = session.execute(of_readers, execution_options=afresh)
    # Calendar files are worded for staff; who is told of a change after they were staff gets none.
    readers = {row[0]: (row[1], row[2] and row[1].is_staff) for row in rows}
    in_files = [m.subject_id for m in messages if m.recipient_id in readers and readers[m.recipient_id][1]]
    changes = last_changes(session, in_files)
    cases: dict[int, list[Case]] = {}
    zones: dict[int, str] = {}
    of_cases = session.execute(_cases_told(in_hand), {"ids": [m.id for m in messages]}, execution_options=afresh)
    for message_id, case, zone in of_cases:
        cases.setdefault(message_id, []).append(case)
        zones[case.id] = zone
    # Staff are told cases by their nicknames: whose they are is read for the few others, and for what is public.
    others = {
        m.id
        for m in messages
        if (m.recipient_id in readers and not readers[m.recipient_id][0].is_staff)
        or _openness(hearings.get(m.subject_id), cases.get(m.id, ())) == Audience.PUBLIC
    }
    people = _people_of(session, [m.subject_id for m in messages if m.id in others])
    found = {}
    for message in messages:
        hearing = hearings.get(message.subject_id)
        reader, with_ics = readers.get(message.recipient_id, (None, False))
        told = cases.get(message.id)
        if hearing is not None and reader is not None and told:
            zone = reader.zone or zones[told[0].id] or hearing.zone
            changed_at = changes.get(hearing.id, hearing.created_at) if with_ics else None
            whose = {case.id: people.get((hearing.id, case.id), ()) for case in told}
            agreed = all(each and all(may_be_named for _name, may_be_named in each) for each in whose.values())
            wording = rules.wording_of(_openness(hearing, told), agreed, reader.is_staff)
            names = {case.id: _called(case, whose[case.id], wording) for case in told}
            found[message.id] = _Known(message, hearing, told, reader, zone, changed_at, wording, names)
    return found


def _openness(hearing: Hearing | None, cases: Sequence[Case]) -> Audience:
    """Who may know of a hearing of these cases: the strictest on the way."""
    return min((hearing.audience, *(case.audience for case in cases)), key=int) if hearing else Audience.NAMED


def _people_of(session: Session, hearing_ids: Sequence[int]) -> dict[tuple[int, int], list[tuple[str, bool]]]:
    """Who appears, as those beyond the desk call them, and whether they may be named to the public; by (hearing, case).
    Two statements, and none where no hearing is asked for."""
    found: dict[tuple[int, int], list[tuple[str, bool]]] = {}
    if hearing_ids:
        rows = session.execute(
            select(Appearance.hearing_id, Appearance.case_id, Person, Involvement.name_up_to)
            .join(Person, Person.id == Appearance.person_id)
            .join(
                Involvement,
                and_(Involvement.case_id == Appearance.case_id, Involvement.person_id == Appearance.person_id),
            )
            .where(Appearance.hearing_id.in_(hearing_ids))
            .order_by(Appearance.id)
        )
        for hearing_id, case_id, person, name_up_to in rows:
            may_be_named = bool(person.pseudonym) or name_up_to >= Audience.PUBLIC
            found.setdefault((hearing_id, case_id), []).append((person.pseudonym or person.name, may_be_named))
    return found


def _called(case: Case, people: Sequence[tuple[str, bool]], wording: Wording) -> str:
    """What a case is called: `Cedar (IOPT-0004)`, or by whose it is: `N.H., O.O.`, and no letter of a real name where
    there is one for publication."""
    if wording == "desk" or not people:
        return f"{case.nickname} ({case.ref})"
    return _(", ").join(initials(name) if wording == "initials" else name for name, _may_be_named in people)


@cache
def _cases_told(in_hand: bool) -> Select[int, Case, str]:
    """SQL: for each message of `ids` the cases of its hearing that its reader may know of, with their desks' zones.
    Made once: what decides who sees what takes longer to put together than to ask."""
    told = (
        select(Message.id, Case, Desk.zone)
        .join(Recipient, Recipient.id == Message.recipient_id)
        .join(Hearing, Hearing.id == Message.subject_id)
        .join(Case, Case.id.in_(select(Appearance.case_id).where(Appearance.hearing_id == Hearing.id)))
        .join(Desk, Desk.id == Case.desk_id)
        .where(Message.id.in_(bindparam("ids", expanding=True)), level(Recipient.user_id) <= Hearing.audience)
        .order_by(Message.id, Case.ref)
    )
    return told.where(Case.stage.in_(REMINDED_STAGES)) if in_hand else told


def _stamp(known: Sequence[_Known]) -> str:
    """What a mail was written from: of each message which versions of its hearing and of which cases, how many cases
    those are, and what it tells. `as_written` spells the same from the rows."""
    pieces = []
    for each in known:
        of, version = each.message.id, each.hearing.version
        pieces += [f"{of}:{version}:{case.id}:{case.version}" for case in each.cases]
        pieces.append(f"{of}={len(each.cases)}={canonical_json(each.message.tells)}")
    return f";{';'.join(pieces)};"


def as_written(in_hand: bool) -> ColumnElement[bool]:
    """SQL on `messages`: the cases of its hearing that its reader may know of are those the mail was written from, and
    they, the hearing and what the message tells are as they were then.

    What the message tells is compared too, because it is what a row that is waited for shows afresh: the others are
    seen as they were when the waiting began.
    """
    hearing, told, recipient = aliased(Hearing), aliased(Case), aliased(Recipient)
    appears = select(Appearance.case_id).where(Appearance.hearing_id == hearing.id)
    stamp = bindparam(STAMP, type_=Text())

    def stands(*parts: Any) -> ColumnElement[bool]:
        # Not by LIKE: what is told may hold its signs.
        piece: ColumnElement[str] = literal(";", Text())
        for part in parts:
            piece = piece.concat(literal(part, Text()) if isinstance(part, str) else part)
        return func.replace(stamp, piece.concat(literal(";", Text())), "") != stamp

    def number(value: Any) -> ColumnElement[str]:
        return cast(value, String)

    of = number(Message.id)
    as_it_was = stands(of, ":", number(hearing.version), ":", number(told.id), ":", number(told.version))
    count = func.count(told.id, type_=BigInteger())
    tells: ColumnElement[str] = type_coerce(Message.tells, Text())
    same = select(
        and_(count == func.count(told.id).filter(as_it_was), stands(of, "=", number(count), "=", tells))
    ).select_from(hearing)
    same = same.join(told, told.id.in_(appears)).join(recipient, recipient.id == Message.recipient_id)
    same = same.where(hearing.id == Message.subject_id, level(recipient.user_id, told) <= hearing.audience)
    if in_hand:
        same = same.where(told.stage.in_(REMINDED_STAGES))
    return same.correlate(Message).scalar_subquery()


# Beside what is said --------------------------------------------------------------------------------------------------


def _one_click(known: Sequence[_Known]) -> dict[str, str]:
    """The headers by which a mail program itself can stop the reminders of every case in a mail (RFC 8058). None where
    they are so many that no header could hold them: each case's own link stands in the mail."""
    cases = {case.id for each in known for case in each.cases}
    base = current_app.extensions["settings"].base_url
    link = f"{base}/reminders/stop/{stop_token(known[0].message.recipient_id, sorted(cases))}"
    if len(link) > LONGEST_LINK:
        return {}
    return one_click(link)


def _calendar(known: Sequence[_Known], now: datetime) -> bytes:
    """The hearings of a mail as one calendar file; empty where the reader has not asked for it. One that has lost its
    date takes the date that was told out of the reader's calendar."""
    changes = {k.hearing.id: k.changed_at for k in known if k.changed_at is not None}
    if not changes:
        return b""
    settings = current_app.extensions["settings"]
    told = {k.hearing.id: when_told(k.message.tells["was"]) for k in known if k.message.tells.get("was")}
    events = events_of([(k.hearing, k.cases) for k in known], changes, settings.base_url, told)
    return write_published(events, now, split_sender(settings.mail_from)[1])


# Reminders ------------------------------------------------------------------------------------------------------------


#: All that the words of one reminder depend on, but for the link to stop.
Alike = tuple[int, tuple[int, ...], tuple[str, ...], bool, datetime]


def _alike(said: dict[Alike, tuple[str, Mail]], known: _Known, now: datetime) -> Mail:
    """The mail of one reminder. Where the last readers of the same hearing were told the very same at this instant, it
    is theirs with this reader's own link to stop: finding the words takes most of the time of a mail."""
    hearing, case_ids = known.hearing, tuple(case.id for case in known.cases)
    asked_reader = hearing.confirmed_by == known.reader.id
    how = (known.reader.language, known.reader_zone, known.wording, known.message.cause)
    key = (hearing.id, case_ids, how, asked_reader, now)
    stop = stop_token(known.message.recipient_id, case_ids)
    if key not in said:
        said[key] = stop, _mail(_reminder_subject(known, now), [_reminder(known, now)])
    # Both are signed: the one stands nowhere but in the link.
    first, mail = said[key]
    return replace(mail, text=mail.text.replace(first, stop), html=mail.html.replace(first, stop))


def _reminder_subject(known: _Known, now: datetime) -> str:
    hearing = known.hearing
    if hearing.local_date is None:
        when = say_window(hearing.precision, hearing.earliest_on, hearing.latest_on)
    else:
        days = rules.remaining(hearing.local_date, None, False, hearing.zone, now).days
        when = count_days(days)
        if days > 1:
            when = _("%(countdown)s, %(date)s", countdown=when, date=say_short_date(hearing.local_date))
        if hearing.local_time:
            when = f"{when} {say_time(hearing.local_time)}"
    told = known.told(rules.tells_of(hearing))
    place = told["place"] or told["court"]
    return _(
        "%(when)s: %(kind)s, %(cases)s",
        when=" ".join(filter(None, (_capital(when), _apart(place)))),
        kind=label(hearing.kind, "hearing_kind"),
        cases=_named(known),
    )


def _by_date(known: _Known) -> tuple[date, time, int]:
    """What is first in a mail about several: the first day it can be, then the clock there."""
    hearing = known.hearing
    return hearing.local_date or hearing.earliest_on or date.max, hearing.local_time or time(), hearing.id


def _bundle_subject(known: Sequence[_Known]) -> str:
    """`4 hearings: first Tue 9 Apr 2024 09:00 Haifa, Cedar (IOPT-0004), and 3 more`."""
    more = len(known) - 1
    return _(
        "%(hearings)s: first %(when)s, %(cases)s, and %(more)s",
        hearings=ngettext("%(num)d hearing", "%(num)d hearings", len(known)),
        when=_short(known[0].told(rules.tells_of(known[0].hearing))),
        cases=_named(known[0], 1),
        more=ngettext("%(num)d more", "%(num)d more", more),
    )


def _in_one_line(known: _Known) -> str:
    """`Tue 9 Apr 2024 09:00 Haifa: hearing, Cedar (IOPT-0004)`."""
    return _(
        "%(when)s: %(kind)s, %(cases)s",
        when=_short(known.told(rules.tells_of(known.hearing))),
        kind=label(known.hearing.kind, "hearing_kind"),
        cases=_named(known),
    )


def _reminder(known: _Known, now: datetime) -> Part:
    hearing = known.hearing
    sentence = _(
        "%(remaining)s: %(kind)s, %(cases)s.",
        remaining=_capital(_remaining(hearing, now)),
        kind=label(hearing.kind, "hearing_kind"),
        cases=_named(known, len(known.cases)),
    )
    facts = [(_("When"), say_when_told(rules.tells_of(hearing)))]
    facts += _on_your_clock(hearing, known.reader_zone)
    facts += [(_("Where"), say_where_told(known.told(rules.tells_of(hearing)))), (_("How sure"), _how_sure(known, now))]
    if not hearing.observer:
        facts.append((_("Not settled"), _("Nobody is named to observe it.")))
    return _part(known, sentence, facts)


def _remaining(hearing: Hearing, now: datetime) -> str:
    """`tomorrow, in 26 hours`, `in 3 days`: counted now, whatever lead the mail was planned for."""
    day = hearing.local_date or hearing.earliest_on
    if day is None:
        return _("date to be notified")
    left = rules.remaining(day, hearing.starts_at, hearing.local_time is not None, hearing.zone, now)
    if hearing.local_date is None:
        return _("%(countdown)s at the earliest", countdown=count_days(left.days))
    if left.hours is None:
        return count_days(left.days)
    hours = ngettext("in %(num)d hour", "in %(num)d hours", left.hours) if left.hours else _("in less than an hour")
    return _("%(day)s, %(hours)s", day=count_days(left.days), hours=hours) if left.days < 2 else count_days(left.days)


def _on_your_clock(hearing: Hearing, reader_zone: str) -> list[tuple[str, str]]:
    if hearing.local_date is None or hearing.local_time is None:
        return []
    yours = say_for_reader(hearing.local_date, hearing.local_time, hearing.zone, reader_zone, hearing.fold)
    return [(_("On your clock"), f"{yours} {say_zone(reader_zone)}")] if yours else []


def _how_sure(known: _Known, now: datetime) -> str:
    """How fresh the date is: when and by whom it was confirmed, and whether it is provisional; empty where there
    is no date."""
    hearing = known.hearing
    if hearing.earliest_on is None:
        return ""
    said = []
    if hearing.certainty == "provisional":
        said.append(_("The date is provisional."))
    if hearing.confirmed_at is None:
        said.append(_("Nobody has confirmed this date."))
    elif hearing.certainty == "provisional" and hearing.confirmed_from:
        said.append(
            _(
                "Last told %(ago)s by: %(who)s.",
                ago=ago(hearing.confirmed_at, now, hearing.zone),
                who=hearing.confirmed_from,
            )
        )
    elif hearing.certainty == "provisional":
        said.append(_("Last told %(ago)s.", ago=ago(hearing.confirmed_at, now, hearing.zone)))
    elif hearing.confirmed_from:
        said.append(
            _(
                "Confirmed %(ago)s by: %(who)s.",
                ago=ago(hearing.confirmed_at, now, hearing.zone),
                who=hearing.confirmed_from,
            )
        )
    elif hearing.confirmed_by is None:
        said.append(_("Confirmed %(ago)s.", ago=ago(hearing.confirmed_at, now, hearing.zone)))
    elif hearing.confirmed_by == known.reader.id:
        said.append(_("Confirmed %(ago)s by you.", ago=ago(hearing.confirmed_at, now, hearing.zone)))
    else:
        said.append(_("Confirmed %(ago)s by a colleague.", ago=ago(hearing.confirmed_at, now, hearing.zone)))
    return " ".join(said)


# Changes --------------------------------------------------------------------------------------------------------------


def _change_subject(known: _Known) -> str:
    tells, was = known.told(known.message.tells), known.told(known.message.tells["was"])
    what = tells["what"]
    kind, cases = label(known.hearing.kind, "hearing_kind"), _named(known)
    if what in ("moved", "reinstated", "corrected"):
        new = _short(tells)
        said = {
            "moved": _("Moved: now %(when)s: %(kind)s, %(cases)s", when=new, kind=kind, cases=cases),
            "reinstated": _("On again: %(when)s: %(kind)s, %(cases)s", when=new, kind=kind, cases=cases),
            "corrected": _("Corrected: it is %(when)s: %(kind)s, %(cases)s", when=new, kind=kind, cases=cases),
        }
        return said[what]
    if what == rules.CONFIRMED:
        return _("Confirmed: %(when)s: %(kind)s, %(cases)s", when=_short(tells), kind=kind, cases=cases)
    if what == rules.TOOK_PLACE:
        return _("Took place: %(when)s: %(kind)s, %(cases)s", when=_short(tells), kind=kind, cases=cases)
    old = _short(was)
    said = {
        "cancelled": _("Cancelled: %(when)s: %(kind)s, %(cases)s", when=old, kind=kind, cases=cases),
        "postponed": _("Postponed: %(when)s: %(kind)s, %(cases)s", when=old, kind=kind, cases=cases),
        "adjourned": _("Adjourned: %(when)s: %(kind)s, %(cases)s", when=old, kind=kind, cases=cases),
    }
    return said[what]


def _change(session: Session, known: _Known, now: datetime) -> Part:
    tells, was = known.told(known.message.tells), known.told(known.message.tells["was"])
    what, hearing = tells["what"], known.hearing
    same_day = (was.get("date"), was.get("earliest")) == (tells["date"], tells["earliest"])
    sentence = {
        "moved": _("The court moved this hearing."),
        "corrected": _("We gave a wrong time or place.") if same_day else _("We gave a wrong date."),
        "reinstated": _("This hearing is on again."),
        "cancelled": _("This hearing was cancelled: it will not take place."),
        "postponed": _("This hearing was postponed: the court did not sit on it."),
        "adjourned": _("This hearing was adjourned: the court sat, and goes on another day."),
        rules.CONFIRMED: _("The date of this hearing is sure now: we had told it as provisional."),
        rules.TOOK_PLACE: _("This hearing took place."),
    }[what]
    facts = [
        (_("Case"), _named(known, len(known.cases))),
        (_("What"), label(hearing.kind, "hearing_kind")),
        (_("When"), _both(tells)) if what in (rules.CONFIRMED, rules.TOOK_PLACE) else (_("We told you"), _both(was)),
    ]
    if what == rules.CONFIRMED:
        facts += _on_your_clock(hearing, known.reader_zone)
        facts.append((_("That is"), _remaining(hearing, now)))
        facts.append((_("How sure"), _how_sure(known, now)))
    elif what == rules.TOOK_PLACE:
        facts.append((_("What became of it"), _outcomes(session, known)))
        if (following := _following(session, known)) is not None:
            facts.append((_("Next"), _both(known.told(rules.tells_of(following)))))
        facts.append((_("What was decided"), _("It stands on the page of the case, as far as somebody has said.")))
    elif what in ("moved", "corrected", "reinstated"):
        facts.append((_("It is now") if what != "corrected" else _("It is"), _both(tells)))
        facts += _on_your_clock(hearing, known.reader_zone)
        if hearing.local_date or hearing.earliest_on:
            facts.append((_("That is"), _remaining(hearing, now)))
        if said := _how_sure(known, now):
            facts.append((_("How sure"), said))
    elif what in ("adjourned", "postponed"):
        following = _following(session, known)
        facts.append(
            (_("Next"), _both(known.told(rules.tells_of(following))) if following else _("No new date is known yet."))
        )
    return _part(known, sentence, facts)


def _outcomes(session: Session, known: _Known) -> str:
    """What became of it, for those of each case where it was not the same for all; never what was decided about whom:
    that may name somebody."""
    rows = session.execute(
        select(Appearance.case_id, Appearance.outcome, func.count(Appearance.id))
        .where(
            Appearance.hearing_id == known.hearing.id,
            Appearance.case_id.in_([case.id for case in known.cases]),
            Appearance.outcome.is_not(None),
        )
        .group_by(Appearance.case_id, Appearance.outcome)
        .order_by(Appearance.case_id, Appearance.outcome.desc())
    ).all()
    if {outcome for _case, outcome, _count in rows} <= {known.message.tells["state"]}:
        return label(known.message.tells["state"], "hearing_state")
    said = []
    for case in known.cases:
        each = [
            ngettext("%(outcome)s for %(num)d person", "%(outcome)s for %(num)d people", count, outcome=told)
            for case_id, outcome, count in rows
            if case_id == case.id and (told := label(outcome, "hearing_state"))
        ]
        if each:
            said.append(_("%(case)s: %(outcomes)s", case=known.names[case.id], outcomes=_(", ").join(each)))
    return "; ".join(said)


def _following(session: Session, known: _Known) -> Hearing | None:
    """The hearing that follows from the outcome, where its audience lets the reader know of it."""
    if known.hearing.next_hearing_id is None:
        return None
    return session.scalar(
        select(Hearing)
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .where(Hearing.id == known.hearing.next_hearing_id, level(known.reader.id) <= Hearing.audience)
        .limit(1)
    )


# Words ----------------------------------------------------------------------------------------------------------------


def say_when_told(tells: Mapping[str, Any]) -> str:
    """`Monday 8 April 2024, 09:30 Asia/Jerusalem`, or the window."""
    if not tells.get("date"):
        first, last = (date.fromisoformat(d) if d else None for d in (tells.get("earliest"), tells.get("latest")))
        window = say_window(tells["precision"], first, last)
        return _("%(window)s, %(zone)s", window=window, zone=say_zone(tells["zone"]))
    day, zone = say_date(date.fromisoformat(tells["date"])), say_zone(tells["zone"])
    if not tells.get("time"):
        return _("%(date)s, time not announced, %(zone)s", date=day, zone=zone)
    return _("%(date)s, %(time)s %(zone)s", date=day, time=say_time(time.fromisoformat(tells["time"])), zone=zone)


def say_where_told(tells: Mapping[str, Any]) -> str:
    """`Haifa District Court, Haifa`, or that it is not known."""
    said = [_apart(part) for part in (tells.get("court"), tells.get("place")) if part]
    return _(", ").join(said) or _("place not known")


def _both(tells: Mapping[str, Any]) -> str:
    return _("%(when)s; %(where)s", when=say_when_told(tells), where=say_where_told(tells))


def _apart(name: str) -> str:
    """A court or place as it is known, kept in one piece where the words around it run the other way."""
    return isolate(name) if name and spoken().text_direction == "rtl" else name


def _short(tells: Mapping[str, Any]) -> str:
    """When and where for a subject: `Mon 8 Apr 2024 09:30 Haifa`."""
    if tells.get("date"):
        when = say_short_date(date.fromisoformat(tells["date"]))
        when = f"{when} {tells['time']}" if tells.get("time") else when
    else:
        first, last = (date.fromisoformat(d) if d else None for d in (tells.get("earliest"), tells.get("latest")))
        when = say_window(tells["precision"], first, last)
    return " ".join(filter(None, (when, _apart(tells.get("place") or tells.get("court") or ""))))


def _named(known: _Known, at_most: int = NAMED_IN_SUBJECT) -> str:
    """`Cedar (IOPT-0004)`, `Cedar (IOPT-0004) and Pine (IOPT-0005)`, `…, and 9 more`."""
    names = [known.names[case.id] for case in known.cases]
    if len(names) > at_most:
        more = len(names) - at_most
        names = [*names[:at_most], ngettext("%(num)d more", "%(num)d more", more)]
    return names[0] if len(names) == 1 else say_list(names)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _why(cause: str) -> str:
    """Why this reader gets it."""
    return {
        "owner": _("You get this because you keep this case."),
        "deputy": _("You get this because you stand in for who keeps this case."),
        "follows the case": _("You get this because you follow this case."),
        "follows the desk": _("You get this because you follow the desk of this case."),
        "stands in while they are away": _(
            "You get this because you coordinate the desk of this case, and who keeps it is away."
        ),
        "was told it was provisional": _("You get this because we had told you the date as provisional."),
        "was told of it": _("You get this because we had told you of this hearing."),
    }.get(cause, _("You get this because we had told you otherwise."))


def _part(known: _Known, sentence: str, facts: Sequence[tuple[str, str]]) -> Part:
    base = current_app.extensions["settings"].base_url
    return Part(
        sentence,
        tuple(facts),
        tuple((known.names[case.id], f"{base}/cases/{case.ref}") for case in known.cases),
        _why(known.message.cause),
        f"{base}/reminders/stop/{stop_token(known.message.recipient_id, [case.id for case in known.cases])}",
    )


def _mail(subject: str, parts: Sequence[Part], lines: Sequence[str] = ()) -> Mail:
    """`lines`: what a mail about several says first, one line each."""
    return Mail(
        subject=" ".join(subject.split()),
        text=fill("reminders/mail.txt", parts=parts, lines=lines),
        html=fill("reminders/mail.html", parts=parts, lines=lines, subject=subject),
    )
