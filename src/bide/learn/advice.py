"""From what waits found out to what a strategy is to do: a plan, if it is better than the fallback."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError
from bide.lab.distribution import Array
from bide.learn.blend import curious_table, is_trusted
from bide.learn.estimate import estimate
from bide.learn.planning import Table, nearest_plan, table_of
from bide.learn.pooling import pooled
from bide.learning import Lesson
from bide.strategy import Observation, Situation, Strategy

RARELY = 3600.0
"""Jobs that outlast all that is known are looked at once in so many seconds at the least, or in that time."""

# The fallback is judged by its polls up to where so small a share of the jobs still runs; by so many at most.
_HORIZON, _MOST_POLLS = 1e-4, 20_000


def advice(
    lessons: Sequence[Lesson],
    key: str,
    fallback: Strategy,
    target: Mapping[str, float | None],
    missed: Callable[[ConfigError], None],
) -> Table | None:
    """
    Return when to look at the next job; None to do as the fallback does.

    Args:
        lessons: of past jobs of the kind, the oldest first.
        key: of the next job.
        fallback: what is done without a plan.
        target: what a call is worth, as `bide.learn.planning.plan_for` takes it.
        missed: is told if no plan does that; the nearest one is followed then.

    Raises:
        ConfigError: a lesson is none.
    """
    if not any(lesson.high < math.inf for lesson in lessons):
        return None
    samples, weights = pooled(lessons, key)
    durations = estimate(samples, weights)
    plan = nearest_plan(durations, target, missed=missed)
    jobs = float(weights[np.isfinite(samples.high)].sum())
    until = float(durations.quantile(np.array([1 - _HORIZON]))[0])
    if not is_trusted(plan, durations, _polls(fallback, until), jobs):
        return None
    ceiling = min(max(RARELY, plan.times[-1]), MAX_SECONDS)
    if bool(np.all(samples.low == samples.high)):  # whenever one looks, one learns as much
        return table_of(plan, ceiling)
    return curious_table(plan, durations, jobs, ceiling)


def _polls(strategy: Strategy, until: float) -> Array:
    """Return the poll times of a wait with all draws at one half; the last is not before a time."""
    times: list[float] = []
    delay = elapsed = 0.0
    while elapsed < until and len(times) < _MOST_POLLS:
        seen = Observation("pending") if times else None
        delay = strategy.delay(Situation(len(times), elapsed, delay, seen), 0.5)
        elapsed += delay
        times.append(elapsed)
    return np.append(times, max(elapsed, until))
