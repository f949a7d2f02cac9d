"""From what waits found out to what a strategy is to do: a plan, if it is better than the fallback."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from attrs import evolve

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError
from bide.lab.distribution import Array
from bide.learn.blend import curious_table, is_trusted, sure_until
from bide.learn.estimate import estimate
from bide.learn.planning import Table, nearest_plan, table_of
from bide.learn.pooling import pooled
from bide.learn.sample import Samples
from bide.learning import Lesson
from bide.strategy import Observation, Situation, Strategy

RARELY = 3600.0
"""Jobs that outlast all that is known are looked at once in so many seconds at the least, or in that time."""

# An interval whose end is so many times its begin tells as much as an exact duration does; a wider one less,
# but never less than this part.
_NARROW, _LEAST_TOLD = 2.0, 0.1

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
    jobs = float(weights @ _told(samples))
    until = float(durations.quantile(np.array([1 - _HORIZON]))[0])
    if not is_trusted(plan, durations, _polls(fallback, until), jobs):
        return None
    ceiling = min(max(RARELY, plan.times[-1]), MAX_SECONDS)
    if bool(np.all(samples.low == samples.high)):  # whenever one looks, one learns as much
        table = table_of(plan, ceiling)
    else:
        table = curious_table(plan, durations, jobs, ceiling)
    return evolve(table, sure=sure_until(durations, float(weights.sum())))


def _told(samples: Samples) -> Array:
    """
    Return how much each job tells of when jobs end, as a share of what an exact duration does.

    A job that was over at the first look may have ended at any time before: after many such the fallback,
    which looks often, tells more than a plan that believes to know.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.log(np.maximum(samples.high, 1e-300) / samples.low)
    told = np.clip(math.log(_NARROW) / np.maximum(width, 1e-300), _LEAST_TOLD, 1.0)
    return np.where(samples.low == samples.high, 1.0, np.where(np.isfinite(samples.high), told, 0.0))


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
