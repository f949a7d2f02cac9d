"""What is known of one kind of jobs, in figures: how long they take, when to look, and what that saves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from attrs import frozen

from bide.lab.compare import compare
from bide.lab.contenders import Entrant
from bide.lab.distribution import Array, Distribution
from bide.lab.listening import wait_for_job
from bide.lab.workloads import Workload
from bide.learn.estimate import estimate
from bide.learn.pooling import pooled
from bide.learning import Lesson
from bide.policy import Limits, Policy
from bide.strategy import Strategy

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_UNLIMITED = Limits(max_attempts=None, timeout=None)

_LONGER, _MOST_LOOKS = 0.001, 200

# One bar holds so large a share of the shortest jobs, and one of the longest.
_LEFT_OUT = 0.01

# The bars between them span at least so much, or their ends would look alike; and the first begins no earlier
# than this share of where the last ends.
_LEAST_SPREAD, _LEAST_SHORTEST = 1.5, 1e-4


@frozen(kw_only=True)
class Cost:
    """
    What a strategy costs on the durations that are known.

    Args:
        calls: mean calls per job.
        lag_mean: mean lag, in seconds.
        looks: the poll times of one wait, in seconds, for a job that takes longer than all but one in a
            thousand: to the look that sees its end, at most 200.
    """

    calls: float
    lag_mean: float
    looks: tuple[float, ...]


@frozen(kw_only=True)
class Bar:
    """
    Jobs that take so long, by the distribution that is believed: a smooth one, no count.

    Args:
        start: shortest of these durations, in seconds; of the first bar 0.
        end: the longest; of the last bar infinite.
        share: of all jobs.
        running: the share of jobs that still run at the start.
    """

    start: float
    end: float
    share: float
    running: float


@frozen(kw_only=True)
class Summary:
    """
    What is known of one kind of jobs.

    Args:
        kind: of the jobs.
        key: what the next one has in common with some of them; empty without any.
        own: how many of the jobs have the key.
        exact: how many jobs have a known duration.
        between: how many were seen to end between two polls.
        given_up: how many ran on when their wait was over.
        mean: mean duration, in seconds.
        quantiles: of the durations at `QUANTILES`, in seconds.
        target: what the plan is to aim at, as one of `bide.target.TARGETS`, and its value.
        bars: how durations are spread, evenly in the logarithm of time, but for the first and the last.
        learned: what the strategy costs that has learned.
        fallback: what its fallback costs.
    """

    kind: str
    key: str
    own: int
    exact: int
    between: int
    given_up: int
    mean: float
    quantiles: tuple[float, ...]
    target: Mapping[str, float]
    bars: tuple[Bar, ...]
    learned: Cost
    fallback: Cost

    @property
    def jobs(self) -> int:
        """How many are known."""
        return self.exact + self.between + self.given_up


def known_durations(lessons: Sequence[Lesson], key: str) -> Distribution:
    """
    Return the distribution of durations that lessons speak for.

    Args:
        lessons: the oldest first.
        key: of the next job.

    Raises:
        ConfigError: no job was seen to end.
    """
    return estimate(*pooled(lessons, key))


def summary(
    kind: str,
    key: str,
    lessons: Sequence[Lesson],
    learned: Strategy,
    fallback: Strategy,
    *,
    target: Mapping[str, float],
    bars: int,
) -> Summary:
    """
    Return what lessons say of a kind of jobs.

    Args:
        kind: of the jobs.
        key: what the next one has in common with some of them; empty without any.
        lessons: the oldest first; at least one job was seen to end.
        learned: the strategy that has learned from them.
        fallback: what it is compared with.
        target: what the plan is to aim at, by its name.
        bars: how many to count, beside that of the shortest jobs and that of the longest.

    Raises:
        ConfigError: no job was seen to end.
    """
    durations = known_durations(lessons, key)
    costs = [_cost(strategy, durations) for strategy in (learned, fallback)]
    exact = sum(lesson.low == lesson.high for lesson in lessons)
    given_up = sum(lesson.high == math.inf for lesson in lessons)
    return Summary(
        kind=kind,
        key=key,
        own=sum(lesson.key == key for lesson in lessons),
        exact=exact,
        between=len(lessons) - exact - given_up,
        given_up=given_up,
        mean=durations.mean,
        quantiles=tuple(durations.quantile(np.array(QUANTILES)).tolist()),
        target=target,
        bars=_bars(durations, bars),
        learned=costs[0],
        fallback=costs[1],
    )


def _cost(strategy: Strategy, durations: Distribution) -> Cost:
    workload: Any = Workload("", durations)  # type: ignore[arg-type]
    result = compare([Entrant("", Policy(strategy, _UNLIMITED))], [workload]).workloads[0].results[0]
    return Cost(calls=result.calls, lag_mean=result.lag_mean, looks=_looks(strategy, durations))


def _looks(strategy: Strategy, durations: Distribution) -> tuple[float, ...]:
    looks: list[float] = []
    longest = float(durations.quantile(np.array([1 - _LONGER]))[0])
    wait_for_job(Policy(strategy, _UNLIMITED), longest, repeat(0.5), 0.0, None, looks)
    return tuple(looks[:_MOST_LOOKS])


def _bars(durations: Distribution, count: int) -> tuple[Bar, ...]:
    shortest, longest = durations.quantile(np.array([_LEFT_OUT, 1 - _LEFT_OUT])).tolist()
    edges = _edges(shortest, longest, count)
    running = [1.0, *durations.survival(edges).tolist(), 0.0]
    times = [0.0, *edges.tolist(), math.inf]
    return tuple(
        Bar(start=start, end=end, share=before - after, running=before)
        for (start, before), (end, after) in pairwise(zip(times, running, strict=True))
    )


def _edges(shortest: float, longest: float, count: int) -> Array:
    """Return where so many bars begin and end, evenly in the logarithm of time."""
    longest = longest or 1.0
    shortest = max(shortest, longest * _LEAST_SHORTEST)
    if longest < shortest * _LEAST_SPREAD:
        middle = math.sqrt(shortest * longest)
        shortest, longest = middle / math.sqrt(_LEAST_SPREAD), middle * math.sqrt(_LEAST_SPREAD)
    return np.geomspace(shortest, longest, count + 1)
