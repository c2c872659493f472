"""The registry of clock steps: each room announces its own, and this one imports none of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.base.registry import Registry

#: A step does what is due at the instant it is given and answers with counts, such as {"raised": 2}.
Step = Callable[[datetime], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A step with its code and the time between two runs of it."""

    code: str
    every: timedelta
    run: Step


steps: Registry[ClockStep] = Registry("clock step")


def clock_step(code: str, *, every: timedelta) -> Callable[[Step], Step]:
    """Announce a step. Each opens its own units of work. A tick runs all of them once, in the order announced."""

    def announce(step: Step) -> Step:
        steps.add(code, ClockStep(code, every, step))
        return step

    return announce
