"""Who is asked what became of a hearing, and when. Pure.

The first question goes out when the court must be done, the second on the next working day; then it goes on to somebody
else, step by step. Nothing is armed: the steps of a hearing are a function of its day, its desk and the people in line.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tracker.base.dates import add_working_days, working_day_on_or_after, zone_of

#: By this hour of its day a court is taken to be done, on its own clock …
COURT_IS_DONE = time(17)

#: … and not before this much time has passed since the hearing began.
SITS = timedelta(hours=2)

#: When the later questions go out, on the clock of whoever is asked.
MORNING = time(9)

#: Days after the hearing on which the deputy is asked, by the case's risk; else the last.
DEPUTY_AFTER = {"critical": 2, "high": 2}
DEPUTY_AFTER_OTHERS = 3

#: How long the last question may still leave. An outcome missing for longer is a flag, and no news to anybody.
LAST_WAITS = timedelta(days=7)

#: How much longer than until the next one falls due a question may leave where that one is not written down: longer
#: than it takes to be. So whatever is given up without a later one is known to have none.
OVERLAP = timedelta(minutes=5)

#: Days after the last day of a hearing by which every question is out or too late, whatever free days lie between.
HORIZON_DAYS = 28

#: Before the end of a hearing's last day there, by this much at most, falls the first question.
EARLIEST = timedelta(hours=9)

#: How late the week's question about a date may be planned, after a stop of the clock.
WEEKLY_LATE = timedelta(hours=24)

#: How long it may still leave.
WEEKLY_WAITS = timedelta(days=3)

_EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Sitting:
    """What is asked about: the last day it can have been on, its zone, and when it began where a time is announced."""

    day: date
    zone: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Clocks:
    """IANA zones of those in line, the desk's where somebody has none of their own or is missing; the desk's working
    days (ISO numbers)."""

    owner: str
    deputy: str
    desk: str
    working_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One question: its code, how far down the line it goes (0: whoever comes first), and when."""

    code: str
    rung: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that goes out now: as which step; and steps that it stands for."""

    step: Step
    missed: tuple[Step, ...]


def steps_of(sitting: Sitting, clocks: Clocks, risk: str) -> tuple[Step, ...]:
    """The questions about a hearing, first due first: twice to whoever comes first in line, then to the second, then to
    the third. The later ones leave out free days of the desk, and none comes before the one it follows."""
    worked = clocks.working_days or _EVERY_DAY
    first = _at(sitting.day, COURT_IS_DONE, sitting.zone)
    if sitting.started_at is not None:
        first = max(first, sitting.started_at + SITS)
    day, again = _morning(add_working_days(sitting.day, 1, worked), clocks.owner, worked, first)
    after = sitting.day + timedelta(days=DEPUTY_AFTER.get(risk, DEPUTY_AFTER_OTHERS))
    follows = add_working_days(day, 1, worked)
    day, deputy = _morning(max(working_day_on_or_after(after, worked), follows), clocks.deputy, worked, again)
    _day, coordinator = _morning(add_working_days(day, 1, worked), clocks.desk, worked, deputy)
    return (
        Step("first", 0, first),
        Step("again", 0, again),
        Step("deputy", 1, deputy),
        Step("coordinator", 2, coordinator),
    )


def _morning(day: date, zone: str, worked: Collection[int], after: datetime) -> tuple[date, datetime]:
    """The morning of `day`, or of the first working day whose morning comes after an instant; with its day."""
    while (at := _at(day, MORNING, zone)) <= after:
        day = add_working_days(day, 1, worked)
    return day, at


def _at(day: date, clock: time, zone: str) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone_of(zone)).astimezone(UTC)


def ask_now(steps: Sequence[Step], now: datetime, covered: Collection[str]) -> Asked | None:
    """Which question goes out at `now`, if any: of those due the last, unless it is out already. `covered`: codes of
    steps that are out, or that a later one stood for."""
    due = [step for step in steps if step.due_at <= now]
    if not due or due[-1].code in covered or now >= steps[-1].due_at + LAST_WAITS:
        return None
    return Asked(due[-1], tuple(step for step in due[:-1] if step.code not in covered))


def rung_of(step: Step, line: Sequence[Sequence[Hashable]], asked: Collection[Hashable]) -> int:
    """Which rung of the line a step goes to: the first with somebody who was not `asked` yet, and none further down
    than the step itself goes. May be one beyond the end: then nobody is there for it.

    It goes down one rung at a time, so that after a stop of the clock those who know best are asked first, once. Those
    asked are known by who they are and not by their place: a line is shorter once somebody has gone away.
    """
    fresh = next((n for n, rung in enumerate(line) if not set(rung) <= set(asked)), len(line))
    return min(step.rung, fresh)


def follows(
    steps: Sequence[Step], step: Step, line: Sequence[Sequence[Hashable]], asked: Collection[Hashable]
) -> list[tuple[Step, int]]:
    """The questions that come after one, as things stand: steps for which somebody is there, each with its rung."""
    following, reached = [], {*asked, *_on(line, rung_of(step, line, asked))}
    for later in steps:
        if later.due_at > step.due_at:
            rung = rung_of(later, line, reached)
            reached.update(_on(line, rung))
            if rung < len(line):
                following.append((later, rung))
    return following


def _on(line: Sequence[Sequence[Hashable]], rung: int) -> Sequence[Hashable]:
    return line[rung] if rung < len(line) else ()


def gives_up_at(steps: Sequence[Step], step: Step, following: Sequence[tuple[Step, int]]) -> datetime:
    """When a question may leave no more: shortly after the next one falls due that somebody is there for (see
    `follows`); the last one a week later."""
    return following[0][0].due_at + OVERLAP if following else max(step.due_at, steps[-1].due_at) + LAST_WAITS


def line_of(*rungs: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Those who can be asked, in order: rungs with nobody on them are left out, and nobody stands in line twice."""
    seen: set[int] = set()
    line: list[tuple[int, ...]] = []
    for rung in rungs:
        fresh = tuple(dict.fromkeys(person for person in rung if person not in seen))
        seen.update(fresh)
        if fresh:
            line.append(fresh)
    return tuple(line)
