"""
What a wait may cost at most and at least: computed before it begins, not sampled.

The bounds hold for every draw, and for answers that take from no time to a given latency. They do not know of
hints, which only make polls later and so fewer, nor of failed polls, which follow a schedule of their own.

They are what the engine does with every u = 0, and with every u = 1. They are exact, that is attained, where
of two waits the one that is later at a poll is not earlier at the next. A strategy for which that is not so
declares an ``envelope``; its bounds are safe, and say that they are not exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

from attrs import evolve, frozen

from bide.errors import ConfigError, Problem, shown
from bide.outcome import Outcome
from bide.policy import Limits, Policy
from bide.rules import Number
from bide.strategy import Observation, Situation, Strategy, ceiling_of, envelope_of
from bide.wait import Wait


@frozen
class Bounds:
    """
    The least and the greatest value that any draw can lead to.

    Args:
        least: the least.
        most: the greatest; infinite where there is no greatest.
        exact: both are attained; otherwise they are safe, and may be wide.
    """

    least: float
    most: float
    exact: bool = True


_UNLIMITED = Limits(max_attempts=None, timeout=None)

# A wait that polls so often in no time, or so often at all, has no bound for the person who asks.
_MOST_AT_ONCE = 10_000
_MOST_POLLS = 100_000

_TRIED = (0.0, *(10.0**power for power in range(-3, 7)))


def delay_bounds(strategy: Strategy, situation: Situation) -> Bounds:
    """Return the least and the greatest next delay in a situation, in seconds."""
    return Bounds(strategy.delay(situation, 0.0), strategy.delay(situation, 1.0))


def schedule_bounds(strategy: Strategy | Policy, n: int, *, latency: float = 0.0) -> Bounds:
    """
    Return the earliest and the latest time of the n-th poll of a wait without limits, in seconds.

    Args:
        strategy: chooses the delays; of a policy also its initial delay counts.
        n: which poll; 1 is the first; at most 100,000.
        latency: the most seconds that an answer takes; the least is 0.

    Raises:
        ConfigError: n or the latency is out of range.
    """
    return schedule(strategy, n, latency=latency)[-1]


def schedule(strategy: Strategy | Policy, count: int, *, latency: float = 0.0) -> list[Bounds]:
    """Return the `schedule_bounds` of all polls up to the count-th; at least one."""
    if not Number(least=1, most=_MOST_POLLS, whole=True).holds(count):
        raise ConfigError(f"n: must be a whole number from 1 to {_MOST_POLLS}, got {shown(count)}")
    _require_seconds("latency", latency)
    policy = Policy.of(strategy, _UNLIMITED)
    ends = zip(_times(policy, 0.0, 0.0), _times(policy, 1.0, latency), strict=True)
    exact = _is_exact(policy.strategy)
    return [Bounds(earliest, latest, exact) for earliest, latest in islice(ends, count)]


def request_bounds(
    strategy: Strategy | Policy, duration: float, limits: Limits | None = None, *, latency: float = 0.0
) -> Bounds:
    """
    Return the least and the most polls of a wait for a job that lasts so long.

    Args:
        strategy: chooses the delays; of a policy also its initial delay counts.
        duration: seconds from the start of the wait to the job's end; infinite if it never ends.
        limits: end the wait if the job does not; by default those of the policy, and none for a strategy.
        latency: the most seconds that an answer takes; the least is 0.

    Returns:
        The counts. Where a strategy may poll for ever in no time, as full jitter may that draws zeros, or
        polls more than a hundred thousand times, `most` is `max_attempts`, or infinite, and not exact.

    Raises:
        ConfigError: the duration or the latency is no number of seconds.
    """
    _require_seconds("duration", duration)
    _require_seconds("latency", latency)
    policy = _policy_of(strategy, limits)
    fewest, _, counted_fewest = _polls(policy, duration, 1.0, latency)
    most, _, counted_most = _polls(policy, duration, 0.0, 0.0)
    if not counted_most:
        most = math.inf if policy.limits.max_attempts is None else policy.limits.max_attempts
    return Bounds(fewest, most, _is_exact(policy.strategy) and counted_fewest and counted_most)


def give_up_bounds(
    strategy: Strategy | Policy, duration: float, limits: Limits | None = None
) -> Bounds | None:
    """
    Return the earliest and the latest time at which a wait gives up before a job ends that lasts so long.

    Args:
        strategy: chooses the delays; of a policy also its initial delay counts.
        duration: seconds from the start of the wait to the job's end; infinite if it never ends.
        limits: end the wait if the job does not; by default those of the policy, and none for a strategy.

    Returns:
        The times, in seconds, where answers take no time; `most` is infinite if a wait may also see the end.
        None if every wait sees it.

    Raises:
        ConfigError: the duration is no number of seconds.
    """
    _require_seconds("duration", duration)
    policy = _policy_of(strategy, limits)
    attempts = policy.limits.max_attempts
    timeout = _timeout_of(policy)
    _, earliest, counted_earliest = _polls(policy, duration, 0.0, 0.0)
    if timeout >= duration and (attempts is None or earliest >= duration):
        return None
    _, latest, counted_latest = _polls(policy, duration, 1.0, 0.0)
    least = earliest if counted_earliest or attempts is not None else timeout
    most = latest if counted_latest and latest < duration else timeout
    return Bounds(
        least,
        most if most < duration else math.inf,
        _is_exact(policy.strategy) and counted_earliest and counted_latest,
    )


def max_total_sleep(
    strategy: Strategy | Policy, limits: Limits | None = None, *, latency: float = 0.0
) -> float:
    """
    Return the most seconds that a wait sleeps, whatever the job does; infinite if nothing ends it.

    It is what a wait sleeps whose draws are all 1, for a job that never ends. Where that is not the most, it
    is a safe bound by the strategy's ceiling: after 100,000 polls, and where answers take time and the
    strategy reads the time, as `polly_v2` does.

    Args:
        strategy: chooses the delays; of a policy also its initial delay counts.
        limits: end the wait if the job does not; by default those of the policy, and none for a strategy.
        latency: the most seconds that an answer takes; the least is 0.

    Raises:
        ConfigError: the latency is no number of seconds.
    """
    _require_seconds("latency", latency)
    policy = _policy_of(strategy, limits)
    attempts = policy.limits.max_attempts
    longest = _timeout_of(policy)
    if attempts is None:
        return longest
    ceiling = ceiling_of(policy.strategy)
    if latency and _reads_time(envelope_of(policy.strategy)):
        return min(longest, next(_delays(policy, math.inf, 1.0, 0.0)) + (attempts - 1) * ceiling)
    slept = 0.0
    for count, delay in enumerate(_delays(policy, math.inf, 1.0, 0.0)):
        slept += delay
        if count == _MOST_POLLS:
            return min(longest, slept + (attempts - count) * ceiling)
    return slept


def _policy_of(strategy: Strategy | Policy, limits: Limits | None) -> Policy:
    """Return what the bounds are of: who gives a strategy alone gives no limits, not the default ones."""
    return Policy.of(strategy, _UNLIMITED if limits is None and not isinstance(strategy, Policy) else limits)


def _reads_time(strategy: Strategy) -> bool:
    """Say whether the time makes a difference to any of the first delays: found by trying."""
    pending = Observation("pending")
    tried = ({strategy.delay(Situation(n, at, 1.0, pending), 1.0) for at in _TRIED} for n in range(1, 50))
    return any(len(delays) > 1 for delays in tried)


def _require_seconds(name: str, value: float) -> None:
    """Infinity is a legal duration: a job that never ends."""
    is_number = isinstance(value, int | float)
    if not (is_number and value >= 0) or (name == "latency" and value == math.inf):  # NaN is not >= 0, either
        raise ConfigError(Problem(f"must be a number of seconds >= 0, got {shown(value)}", (name,)))


def _is_exact(strategy: Strategy) -> bool:
    """A strategy that is its own envelope has bounds that are attained."""
    return envelope_of(strategy) == strategy


def _timeout_of(policy: Policy) -> float:
    return math.inf if policy.limits.timeout is None else policy.limits.timeout


def _times(policy: Policy, u: float, latency: float) -> Iterator[float]:
    """Yield the time of each poll of a wait without end."""
    now = -latency
    for delay in _delays(policy, math.inf, u, latency):
        now += latency + delay
        yield now


def _polls(policy: Policy, duration: float, u: float, latency: float) -> tuple[float, float, bool]:
    """Return how many polls the wait makes, when the last is answered, and whether it is the last."""
    count = at_once = 0
    now = 0.0
    for delay in _delays(policy, duration, u, latency):
        count += 1
        now += delay + latency
        at_once = 0 if delay else at_once + 1
        if at_once > _MOST_AT_ONCE or count > _MOST_POLLS:
            return count, now, False
    return count, now, True


def _delays(policy: Policy, duration: float, u: float, latency: float) -> Iterator[float]:
    """Yield the delay before each poll of a wait in which all draws are the same, by the envelope."""
    envelope = evolve(policy, strategy=envelope_of(policy.strategy))
    wait = Wait(envelope, now=0.0, draw=lambda: u)
    now = 0.0
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        yield step
        now += step + latency
        step = wait.answered(Observation("completed" if now >= duration else "pending"), now)
