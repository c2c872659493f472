"""Reading what was done in one case. What stands there is sealed with the key of the case, and is opened here; who
looks from a rung finds nothing that was, or is, for fewer people than that."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.accounts.queries import names_to
from tracker.audit.kinds import rungs
from tracker.audit.models import Act, ActPart
from tracker.audit.service import act_place, part_place
from tracker.base.audience import Audience
from tracker.base.errors import Misconfigured
from tracker.base.labels import label
from tracker.base.sealing import Sealer, unseal_with
from tracker.history import words
from tracker.people.models import Person
from tracker.timeline.kinds import kind_of

#: Acts on one page.
PAGE = 40

#: Acts that are opened for one page: some may hold nothing for this reader.
OPENED = 4 * PAGE


@dataclass(frozen=True, slots=True)
class Difference:
    """One column of a row, before and after; empty where nothing stood there. `hidden`: it changed, and is not kept."""

    label: str
    old: str
    new: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ChangeSeen:
    """What was done with one row. `how`: created, changed, deleted, read, done; `sentence`: of an entry, what it
    says."""

    what: str
    how: str
    sentence: str
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class ActSeen:
    """An act as a reader may know of it. `opens`: False where what it changed cannot be opened any more."""

    seq: int
    at: datetime
    who: str
    by: str
    act: str
    changes: Sequence[ChangeSeen]
    opens: bool = True


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page, newest first. `older`: the number before which the next one begins; None: this is the last."""

    acts: Sequence[ActSeen]
    older: int | None


@dataclass(frozen=True, slots=True)
class _Opened:
    """An act with its share of the case, as it was kept; None where that does not open."""

    row: Any
    changes: list[Any] | None


def read_history(
    session: Session, sealer: Sealer, user: User, case_id: int, rung: Audience, before: int | None = None
) -> HistoryPage:
    """What was done in a case, as this rung may know of it, with the names that who reads sees others called by. The
    number of statements is the same however much that is."""
    opened, older = _open(session, sealer, case_id, before, only_shown=False)
    known = _for_rung(session, opened, rung)
    if len(known) > PAGE:
        known, older = known[:PAGE], known[PAGE - 1].row.seq
    return HistoryPage(_say(session, user, known), older)


def list_looks(session: Session, sealer: Sealer, user: User, case_id: int, before: int | None = None) -> HistoryPage:
    """Who was shown what was sealed in a case, whatever rung it stands on: no look is left out, and none tells what was
    seen."""
    opened, older = _open(session, sealer, case_id, before, only_shown=True)
    looks = [
        _Opened(o.row, None if o.changes is None else [c for c in o.changes if c["how"] == "read"]) for o in opened
    ]
    if len(looks) > PAGE:
        looks, older = looks[:PAGE], looks[PAGE - 1].row.seq
    return HistoryPage(_say(session, user, looks), older)


def _open(
    session: Session, sealer: Sealer, case_id: int, before: int | None, *, only_shown: bool
) -> tuple[list[_Opened], int | None]:
    """The last acts of a case with their share opened; and where the next ones begin, if there may be more."""
    told = (Act.seq, Act.at, Act.actor_kind, Act.actor_id, Act.act)
    own = select(*told, Act.changes_sealed).where(Act.case_id == case_id)
    shared = select(*told, ActPart.changes_sealed).join(ActPart, ActPart.seq == Act.seq)
    shared = shared.where(ActPart.case_id == case_id)
    if before is not None:
        own, shared = own.where(Act.seq < before), shared.where(ActPart.seq < before)
    if only_shown:
        own, shared = own.where(Act.shows), shared.where(ActPart.shows)
    found = [(row, act_place(row.seq)) for row in session.execute(own.order_by(Act.seq.desc()).limit(OPENED))]
    found += [
        (row, part_place(row.seq, case_id))
        for row in session.execute(shared.order_by(ActPart.seq.desc()).limit(OPENED))
    ]
    found.sort(key=lambda pair: pair[0].seq, reverse=True)
    try:
        key = sealer.find_key(session, f"case:{case_id}")
    except Misconfigured:
        key = None
    opened = [_Opened(row, _unsealed(key, row.changes_sealed, place)) for row, place in found[:OPENED]]
    return opened, opened[-1].row.seq if len(found) >= OPENED else None


def _unsealed(key: bytes | None, sealed: str, place: str) -> list[Any] | None:
    if key is None:
        return None
    try:
        changes: list[Any] = json.loads(unseal_with(key, sealed, place))
    except Misconfigured:
        return None
    return changes


def _for_rung(session: Session, opened: Sequence[_Opened], rung: Audience) -> list[_Opened]:
    """What a rung may know of: what was open to it when it was done, and is open to it now. Of an act of which nothing
    is left, it does not know."""
    if rung == Audience.NAMED:
        return list(opened)
    asked: dict[str, set[int]] = {}
    for one in opened:
        for change in one.changes or ():
            if change["table"] != "cases" and isinstance(change["row"], int) and rungs.find(change["table"]):
                asked.setdefault(change["table"], set()).add(change["row"])
    now = {table: rungs.get(table)(session, sorted(numbers)) for table, numbers in asked.items()}

    def is_open(change: Mapping[str, Any]) -> bool:
        # What says nothing of its rung was written before that was kept: in doubt it is for the named people.
        if change.get("rung", Audience.NAMED) < rung:
            return False
        held = now.get(change["table"])
        return held is None or held.get(change["row"], Audience.NAMED) >= rung

    known = []
    for one in opened:
        left = [change for change in one.changes or () if is_open(change)]
        # Of one that does not open nobody can say for whom it was.
        partly = len(left) < len(one.changes or ())
        # What only followed from the rest would say that there is a rest.
        if any(_tells(change) for change in left) or (left and not partly):
            known.append(_Opened(one.row, left))
    return known


def _tells(change: Mapping[str, Any]) -> bool:
    """Whether a change says anything to a person."""
    return change["how"] != "changed" or any(column not in words.SILENT for column in change["fields"])


def _say(session: Session, user: User, opened: Sequence[_Opened]) -> list[ActSeen]:
    names, zone = _names(session, user, opened), user.reading_zone
    return [
        ActSeen(
            seq=one.row.seq,
            at=one.row.at,
            who=_who(one.row, names),
            by=one.row.actor_kind,
            act=label(one.row.act, "act"),
            changes=[seen for c in one.changes or () if (seen := _say_change(c, zone, names)) is not None],
            opens=one.changes is not None,
        )
        for one in opened
    ]


def _who(row: Any, names: Mapping[tuple[str, int], str]) -> str:
    if row.actor_id is not None:
        return names.get(("users", row.actor_id), _("an account that is gone"))
    return {"clock": _("the clock"), "command": _("the command line")}.get(row.actor_kind, _("nobody signed in"))


def _names(session: Session, user: User, opened: Sequence[_Opened]) -> dict[tuple[str, int], str]:
    """What accounts and people are called that these acts speak of, accounts as who reads sees them: two statements and
    the names of people."""
    wanted: dict[str, set[int]] = {"users": set(), "persons": set()}
    for one in opened:
        if one.row.actor_id is not None:
            wanted["users"].add(one.row.actor_id)
        for change in one.changes or ():
            for column, values in change["fields"].items():
                target = words.points_to(change["table"], column)
                if target in wanted:
                    wanted[target].update(v for v in values if isinstance(v, int))
    people = session.scalars(select(Person).where(Person.id.in_(wanted["persons"]))).all()
    called = names_to(session, user, wanted["users"])
    return {("users", number): name for number, name in called.items()} | {("persons", p.id): p.name for p in people}


def _say_change(change: Mapping[str, Any], zone: str, names: Mapping[tuple[str, int], str]) -> ChangeSeen | None:
    """A change in words; None where it says nothing to a person."""
    table, fields = change["table"], change["fields"]
    sentence = ""
    if table == "entries" and "kind" in fields and change["how"] == "created":
        sentence = kind_of(fields["kind"][1]).sentence(fields.get("payload", (None, None))[1] or {})
    said = []
    for column, (old, new) in fields.items():
        if column in words.SILENT or (sentence and column in ("kind", "latest_on")):
            continue
        if column in ("earliest_on", "latest_on") and [old, new] == fields.get("local_date"):
            continue
        hidden = old == new == "hidden"
        before, after = ("", "") if hidden else (words.say_value(table, column, v, zone, names) for v in (old, new))
        if hidden or before != after:
            said.append(Difference(words.say_field(table, column), before, after, hidden))
    if not said and not sentence and change["how"] == "changed":
        return None
    return ChangeSeen(label(table, "table"), change["how"], sentence, said)
