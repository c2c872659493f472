"""How the demo is told: acts, each at an instant that has passed and by somebody, written down in the order of time.

Every act goes through the services in a unit of work of its own instant, as if it had been done then: what history,
audit and `as known on` show of a demo is what they would show of years of work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, User
from tracker.base.audience import Audience
from tracker.base.dates import StatedDate, instant_of, today_in, working_day_on_or_after, working_day_on_or_before
from tracker.base.work import CLOCK, COMMAND, Actor, unit_of_work
from tracker.cases.models import Case
from tracker.cases.queries import list_people
from tracker.cases.service import check_case, close_case, edit_case, involve, name_people, open_case
from tracker.consent.service import decide_without_name, record_consent
from tracker.contacts.service import add_contact
from tracker.demo.accounts import DESKS
from tracker.flags.models import Flag
from tracker.flags.service import acknowledge, snooze
from tracker.flags.sweep import sweep
from tracker.hearings.models import Hearing
from tracker.hearings.rules import When
from tracker.hearings.service import (
    Appears,
    Confirmation,
    cancel_hearing,
    confirm_hearing,
    correct_hearing,
    get_hearing,
    move_hearing,
    record_outcome,
    schedule_hearing,
)
from tracker.people.service import NameGiven, add_person
from tracker.timeline.models import Entry
from tracker.timeline.service import Source, accept_entry, record_entry, withdraw_entry


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person: the word acts call them by, their names (the first is shown), what they do."""

    key: str
    names: tuple[str, ...]
    occupation: str = ""
    pronouns: str = ""
    #: What those beyond the desk know them by.
    pseudonym: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the demo imagines that somebody agreed to: who said it, to what, how, and when they are asked again."""

    speaker: str = "family"
    subjects: tuple[str, ...] = ("public", "name")
    how: str = "call"
    review_in_days: int = 120


@dataclass(frozen=True, slots=True)
class _Act:
    at: datetime
    by: str
    name: str
    do: Callable[[], object]


class Story:
    """Collects acts; `write` writes them down. Cases, people, hearings, entries are called by words of the demo's."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session = session
        self.now = now
        self._acts: list[_Act] = []
        self._accounts: dict[str, int] = {}
        self._desks: dict[str, int] = {}
        self._cases: dict[str, int] = {}
        self._desk_of: dict[str, str] = {}
        self._people: dict[str, int] = {}
        self._hearings: dict[str, int] = {}
        self._entries: dict[str, int] = {}

    # When --------------------------------------------------------------------------------------------------------

    def day(self, desk: str, days: int) -> date:
        """The day so many days from today at a desk; negative: ago."""
        return today_in(DESKS[desk][2], self.now) + timedelta(days=days)

    def court_day(self, desk: str, days: int, *, latest: bool = False) -> date:
        """The same, or the first working day after it (`latest`: before it) when courts do not sit then."""
        working = (7, 1, 2, 3, 4) if DESKS[desk][3] == "sun-thu" else (1, 2, 3, 4, 5)
        choose = working_day_on_or_before if latest else working_day_on_or_after
        return choose(self.day(desk, days), working)

    def at(self, desk: str, days_ago: int, clock_time: str) -> datetime:
        """The instant of a time of day at a desk, so many days ago (1 at least: what is told has passed)."""
        return instant_of(self.day(desk, -days_ago), time.fromisoformat(clock_time), DESKS[desk][2], 0)

    def ago(self, **span: int) -> datetime:
        """The instant so long before now: `ago(hours=2)`."""
        return self.now - timedelta(**span)

    # Who ---------------------------------------------------------------------------------------------------------

    def knows_account(self, word: str, user_id: int) -> None:
        """Let acts be done by an account."""
        self._accounts[word] = user_id

    def knows_desk(self, code: str, desk_id: int) -> None:
        """Let cases be kept by a desk."""
        self._desks[code] = desk_id

    def account(self, word: str) -> User:
        """The account acts call by this word."""
        found = self.session.get(User, self._accounts[word])
        assert found is not None
        return found

    def desk(self, code: str) -> Desk:
        """A desk, read afresh."""
        found = self.session.get(Desk, self._desks[code])
        assert found is not None
        return found

    def case_of(self, word: str) -> Case:
        """A case, read afresh."""
        found = self.session.get(Case, self._cases[word])
        assert found is not None
        return found

    # What --------------------------------------------------------------------------------------------------------

    def act(self, at: datetime, by: str, name: str, do: Callable[[], object]) -> None:
        """Add any act. What is told of a time to come would be no history."""
        if at > self.now:
            raise ValueError(f"{name} at {at.isoformat()} has not happened yet")
        self._acts.append(_Act(at.astimezone(UTC), by, name, do))

    def case(
        self,
        word: str,
        at: datetime,
        by: str,
        desk: str,
        people: Sequence[Somebody],
        *,
        title: str,
        summary: str,
        risk: str,
        owner: str | None,
        deputy: str | None = None,
        stage: str = "open",
        country: str | None = None,
        state: str | None = None,
        audience: Audience = Audience.DESK,
        named: Sequence[str] = (),
        agreed: Agreed | str = Agreed(),
    ) -> None:
        """A case is recorded with its people. Beyond the desk it is opened once they agreed as `agreed` says; a
        word there is why nobody can be asked, and it is open without any name."""
        self._desk_of[word] = desk

        def do() -> None:
            case = open_case(
                self.session,
                self.desk(desk),
                title=title,
                summary=summary,
                risk=risk,
                stage=stage,
                owner=self.account(owner) if owner else None,
                deputy=self.account(deputy) if deputy else None,
                country=country,
                responsible_state=state,
                audience=min(audience, Audience.DESK),
            )
            self._cases[word] = case.id
            for somebody in people:
                names = [NameGiven(n, "legal" if i == 0 else "transliteration") for i, n in enumerate(somebody.names)]
                names += [NameGiven(somebody.pseudonym, "pseudonym")] if somebody.pseudonym else []
                person = add_person(self.session, names, occupation=somebody.occupation, pronouns=somebody.pronouns)
                self._people[somebody.key] = person.id
                involve(self.session, case, person.id)
            if named:
                name_people(self.session, case, [self.account(n) for n in named])

        self.act(at, by, "cases.open", do)
        if audience > Audience.DESK:
            self.opened(word, at + timedelta(minutes=1), by, audience, agreed)

    def opened(self, case: str, at: datetime, by: str, audience: Audience, agreed: Agreed | str) -> None:
        """A case is opened beyond its desk, once everybody in it agreed, as the demo imagines it."""

        def do() -> None:
            mine = self.case_of(case)
            for _involvement, person in list_people(self.session, mine.id):
                if isinstance(agreed, str):
                    decide_without_name(self.session, mine, person.id, reason=agreed)
                    continue
                record_consent(
                    self.session,
                    mine,
                    person.id,
                    answer="agreed",
                    speaker=agreed.speaker,
                    subjects=agreed.subjects,
                    how=agreed.how,
                    up_to=audience,
                    review_on=today_in(DESKS[self._desk_of[case]][2], self.now) + timedelta(days=agreed.review_in_days),
                )
            edit_case(self.session, mine, version=mine.version, audience=audience)

        self.act(at, by, "cases.edit", do)

    def contact(
        self,
        case: str,
        at: datetime,
        by: str,
        kind: str,
        label: str,
        values: Mapping[str, str],
        *,
        person: str = "",
        audience: Audience = Audience.DESK,
    ) -> None:
        """Somebody, or a place, that a case depends on is kept, sealed."""

        def do() -> None:
            add_contact(
                self.session,
                self.case_of(case),
                kind=kind,
                label=label,
                audience=audience,
                values=values,
                person_id=self._people[person] if person else None,
            )

        self.act(at, by, "contacts.add", do)

    def entry(
        self,
        case: str,
        at: datetime,
        by: str,
        kind: str,
        on: date | StatedDate,
        text: str = "",
        *,
        source: Source | None = None,
        people: Sequence[str] = (),
        payload: Mapping[str, object] | None = None,
        confidence: str = "confirmed",
        audience: Audience | None = None,
        word: str = "",
        mends: str = "",
    ) -> None:
        """Something is written into the timeline; `word` to speak of it later, `mends` the entry it puts right."""

        def do() -> None:
            entry = record_entry(
                self.session,
                case_id=self._cases[case],
                kind=kind,
                date_stated=on if isinstance(on, StatedDate) else StatedDate(on),
                audience=audience if audience is not None else min(Audience.DESK, self.case_of(case).audience),
                payload=dict(payload or {}),
                persons=[self._people[p] for p in people],
                text=text,
                confidence=confidence,
                sources=[source] if source else [],
                supersedes_id=self._entries[mends] if mends else None,
            )
            if word:
                self._entries[word] = entry.id

        self.act(at, by, "entries.correct" if mends else "entries.add", do)

    def accepted(self, entry: str, at: datetime, by: str, reason: str) -> None:
        """A reported entry is accepted."""
        self.act(at, by, "entries.accept", lambda: self._speak(accept_entry, entry, at, reason))

    def withdrawn(self, entry: str, at: datetime, by: str, reason: str) -> None:
        """An entry is taken back."""
        self.act(at, by, "entries.withdraw", lambda: self._speak(withdraw_entry, entry, at, reason))

    def _speak(self, how: Callable[..., Entry], word: str, at: datetime, reason: str) -> None:
        entry = self.session.get(Entry, self._entries[word])
        assert entry is not None
        how(self.session, entry, reason=reason, audience=Audience.DESK, on=at.date())

    def checked(self, case: str, at: datetime, by: str, words: str = "") -> None:
        """Somebody looked, and there was nothing new."""
        self.act(
            at, by, "cases.check",
            lambda: check_case(self.session, self.case_of(case), self.desk(self._desk_of[case]), words=words),
        )  # fmt: skip

    def closed(self, case: str, at: datetime, by: str, reason: str, words: str) -> None:
        """The case is closed."""
        self.act(
            at, by, "cases.close",
            lambda: close_case(
                self.session, self.case_of(case), self.desk(self._desk_of[case]), reason=reason, words=words
            ),
        )  # fmt: skip

    def hearing(
        self,
        word: str,
        at: datetime,
        by: str,
        whose: Mapping[str, Sequence[str]],
        when: When,
        *,
        kind: str = "hearing",
        court: str,
        place: str = "",
        told_by: str = "lawyer",
        certainty: str = "confirmed",
        audience: Audience = Audience.DESK,
        observer: str = "",
        note: str = "",
        source: Source | None = None,
    ) -> None:
        """A hearing becomes known. `whose`: the people of each case that appear."""

        def do() -> None:
            hearing = schedule_hearing(
                self.session,
                when,
                kind=kind,
                appearing=[Appears(self._cases[c], self._people[p]) for c, people in whose.items() for p in people],
                court=court,
                place=place,
                certainty=certainty,
                confirmation=Confirmation(told_by, self._accounts.get(by)),
                audience=audience,
                observer=observer,
                note=note,
                unlikely_is_meant=True,
                sources=[source] if source else [],
            )
            self._hearings[word] = hearing.id

        self.act(at, by, "hearings.add", do)

    def moved(self, hearing: str, at: datetime, by: str, when: When, told_by: str, words: str) -> None:
        """The court moved it."""
        self._rescheduled(move_hearing, "hearings.move", hearing, at, by, when, told_by, words)

    def corrected(self, hearing: str, at: datetime, by: str, when: When, told_by: str, words: str) -> None:
        """We had its date wrong."""
        self._rescheduled(correct_hearing, "hearings.correct", hearing, at, by, when, told_by, words)

    def _rescheduled(
        self,
        how: Callable[..., None],
        name: str,
        hearing: str,
        at: datetime,
        by: str,
        when: When,
        told_by: str,
        words: str,
    ) -> None:
        def do() -> None:
            held = self._hearing(hearing)
            confirmation = Confirmation(told_by, self._accounts[by])
            how(
                self.session,
                held,
                when,
                version=held.version,
                confirmation=confirmation,
                unlikely_is_meant=True,
                words=words,
            )

        self.act(at, by, name, do)

    def confirmed(self, hearing: str, at: datetime, by: str, told_by: str) -> None:
        """Somebody made sure of its date."""

        def do() -> None:
            held = self._hearing(hearing)
            confirm_hearing(self.session, held, Confirmation(told_by, self._accounts[by]), version=held.version)

        self.act(at, by, "hearings.confirm", do)

    def cancelled(self, hearing: str, at: datetime, by: str, words: str) -> None:
        """It will not take place."""

        def do() -> None:
            held = self._hearing(hearing)
            cancel_hearing(self.session, held, version=held.version, words=words)

        self.act(at, by, "hearings.cancel", do)

    def outcome(
        self,
        hearing: str,
        at: datetime,
        by: str,
        outcome: str,
        *,
        reason: str = "",
        told_by: str = "lawyer",
        words: str = "",
        each: Mapping[tuple[str, str], str] | None = None,
        next_word: str = "",
        next_when: When | None = None,
    ) -> None:
        """What became of it, and the hearing that follows. `each`: exceptions by (case, person)."""

        def do() -> None:
            held = self._hearing(hearing)
            following = record_outcome(
                self.session,
                held,
                outcome,
                version=held.version,
                reason=reason,
                told_by=told_by,
                words=words,
                each={(self._cases[c], self._people[p]): said for (c, p), said in (each or {}).items()},
                next_when=next_when,
                unlikely_is_meant=True,
            )
            if following is not None and next_word:
                self._hearings[next_word] = following.id

        self.act(at, by, "hearings.outcome", do)

    def _hearing(self, word: str) -> Hearing:
        return get_hearing(self.session, self._hearings[word])

    # Flags -------------------------------------------------------------------------------------------------------

    def swept(self, at: datetime) -> None:
        """The clock looks for what needs a human."""
        self.act(at, "clock", "flags.sweep", lambda: sweep(self.session, at))

    def seen(self, case: str, rule: str, at: datetime, by: str) -> None:
        """Somebody says that they have seen a flag."""
        self.act(
            at, by, "flags.acknowledge",
            lambda: acknowledge(self.session, self._flag(case, rule), self.account(by), at),
        )  # fmt: skip

    def snoozed(self, case: str, rule: str, at: datetime, by: str, until: date, reason: str) -> None:
        """Somebody puts a flag out of sight for a while."""
        self.act(
            at, by, "flags.snooze",
            lambda: snooze(self.session, self._flag(case, rule), until, reason, self.account(by), at),
        )  # fmt: skip

    def _flag(self, case: str, rule: str) -> int:
        return self.session.scalars(
            select(Flag.id).where(Flag.case_id == self._cases[case], Flag.rule == rule, Flag.cleared_at.is_(None))
        ).one()

    # Writing it down ---------------------------------------------------------------------------------------------

    def write(self, progress: Callable[[int, int], None]) -> None:
        """Write everything down in the order of time; acts of one person at one instant are one unit of work.

        `progress` gets how many acts are written, of how many.
        """
        self._acts.sort(key=lambda act: act.at)
        done = 0
        for (at, by), together in groupby(self._acts, key=lambda act: (act.at, act.by)):
            acts = list(together)
            with unit_of_work(acts[0].name, self._actor(by), now=at, leaves_out=("plan",)):
                for act in acts:
                    act.do()
            done += len(acts)
            progress(done, len(self._acts))

    def _actor(self, by: str) -> Actor:
        return {"clock": CLOCK, "command": COMMAND}.get(by) or Actor("user", self._accounts[by])
