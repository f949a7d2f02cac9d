"""How many polls a wait may cost: computed before it begins, not sampled."""

from __future__ import annotations

import math
from typing import NamedTuple

from bide.strategy import Observation, Strategy
from bide.wait import Limits, Outcome, Wait


class Bounds(NamedTuple):
    """The least and the greatest value that any draw can lead to; `math.inf` where there is no greatest."""

    least: float
    most: float


# A wait that polls so often in no time, or so often at all, has no bound for the person who asks.
_ENDLESS_AT_ONCE = 1_000
_ENDLESS = 1_000_000


def request_bounds(strategy: Strategy, duration: float, limits: Limits) -> Bounds:
    """
    Return the least and the most polls of a wait for a job that lasts so long.

    They are the counts with every u = 1 and with every u = 0, for answers that take no time and give no
    hints. Both are attained where the time of the next poll grows with the times of the earlier ones.

    Args:
        strategy: chooses the delays.
        duration: seconds from the start of the wait to the job's end; `math.inf` if it never ends.
        limits: end the wait if the job does not.
    """
    return Bounds(_polls(strategy, duration, limits, 1.0), _polls(strategy, duration, limits, 0.0))


def _polls(strategy: Strategy, duration: float, limits: Limits, u: float) -> float:
    most_calls = math.inf if limits.max_attempts is None else limits.max_attempts
    wait = Wait(strategy, limits, now=0.0, draw=lambda: u)
    now = 0.0
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        now += step
        if wait.calls >= (_ENDLESS if now else _ENDLESS_AT_ONCE):
            return most_calls
        step = wait.answered(Observation("completed" if now >= duration else "pending"), now)
    return wait.calls
