"""What rooms announce to the clock: their steps, and what must follow when the rules of time zones change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy.orm import Session

from tracker.base import clock
from tracker.base.registry import Registry

#: The turns of a tick: what one does, the next one sees. Mail that was just planned leaves in the same tick.
TURNS = ("tidy", "flags", "faces", "plan", "deliver")

#: A step does what is due at the instant it is given and answers with counts, such as {"raised": 2}.
Step = Callable[[datetime], Mapping[str, int]]

#: Writes instants anew from the local times they were derived from, touches the cases concerned, answers how many rows
#: changed. Runs inside the clock's unit of work.
Rederiver = Callable[[Session, datetime], int]


class PartlyFailed(Exception):
    """A step did what it could and something in it failed: `fault` in words without content of cases, `counts` of what
    was done."""

    def __init__(self, fault: str, counts: Mapping[str, int]) -> None:
        super().__init__(fault)
        self.fault = fault
        self.counts = dict(counts)


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A step with its code, the time between two runs of it, and its turn in a tick."""

    code: str
    every: timedelta
    run: Step
    turn: str


steps: Registry[ClockStep] = Registry("clock step")

rederivers: Registry[Rederiver] = Registry("rederiver")


def clock_step(code: str, *, every: timedelta, turn: str = TURNS[0]) -> Callable[[Step], Step]:
    """Announce a step. Each opens its own units of work. A tick runs all of them once, turn by turn."""
    if turn not in TURNS:
        raise ValueError(f"{turn} is no turn of a tick")

    def announce(step: Step) -> Step:
        steps.add(code, ClockStep(code, every, step, turn))
        return step

    return announce


def in_turn() -> list[ClockStep]:
    """All steps in the order of a tick, whatever was imported first; within a turn, in the order announced."""
    return sorted(steps, key=lambda step: TURNS.index(step.turn))


def rederives(code: str) -> Callable[[Rederiver], Rederiver]:
    """Announce what writes instants anew when the rules of time zones have changed, such as `hearings`."""
    return rederivers.adds(code)


class Progress:
    """Between a step that takes long and the process that runs it."""

    def __init__(self) -> None:
        self._ending = Event()
        self._at = clock.monotonic()
        self._held: Callable[[], bool] = lambda: False

    def made(self) -> None:
        """Say that the running step gets on. A step that may take minutes says so now and then: one that is silent
        for too long is taken to hang, and its process is ended."""
        self._at = clock.monotonic()

    def silent_seconds(self) -> float:
        """How long ago the running step last got on."""
        return clock.monotonic() - self._at

    def end(self) -> None:
        """Ask the running step to end soon."""
        self._ending.set()

    def holds_when(self, held: Callable[[], bool]) -> None:
        """Let a running step end soon while `held()`, too: when the machine's clock was set under it."""
        self._held = held

    def must_end(self) -> bool:
        """Whether the process is asked to end, or its clock cannot be believed: a step that goes through many things
        looks here between two of them."""
        return self._ending.is_set() or self._held()


#: Of this process.
progress = Progress()
