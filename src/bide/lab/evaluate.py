"""
What schedules cost on durations, without simulating jobs.

For poll times t1 < t2 < … and a survival S of the durations, the share S(t(k-1)) of the jobs see a k-th poll,
and those that end between two polls wait for the second:

    E[calls] = sum over k of S(t(k-1))
    E[lag]   = sum over k of (t(k) - t(k-1)) S(t(k-1)) - integral of S from t(k-1) to t(k)

which is the textbook's sum of t(k) (F(t(k)) - F(t(k-1))) - E[X], written so that no large numbers cancel.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from bide.lab.distribution import Array, Distribution
from bide.lab.schedules import Schedules

# Past this share of the jobs, nothing is left to count.
_NOTHING = 1e-13

# Multiples of it are spread evenly over each unit, however many are taken.
_GOLDEN = (math.sqrt(5) - 1) / 2

# Further than any job runs; the distributions multiply it by a survival of 0.
_NEVER = 1e300


@frozen(eq=False)
class Sums:
    """
    Means per job, one for each independent group.

    Args:
        calls: polls made.
        seen: share of the jobs whose end was seen.
        lag: seconds of lag of those, over all jobs.
        timed_out: share of the jobs that were given up on.
    """

    calls: Array
    seen: Array
    lag: Array
    timed_out: Array


@frozen(kw_only=True, eq=False)
class Jobs:
    """
    What became of single jobs, whose durations are spread evenly over the distribution.

    Args:
        calls: polls for each.
        lag: seconds of lag of each; NaN where the end was not seen.
    """

    calls: Array
    lag: Array


def sums_over(schedules: Schedules, durations: Distribution) -> Sums:
    """Return the mean costs of schedules on durations."""
    live = np.flatnonzero(schedules.starts <= last_end(durations))
    first, times = schedules.first[live], schedules.times[live]
    survival, limited = durations.survival(times), durations.limited_mean(times)
    survival_before = np.where(first, 1.0, np.roll(survival, 1))
    limited_before = np.where(first, 0.0, np.roll(limited, 1))
    gaps = times - schedules.starts[live]
    seen = survival_before - survival
    lag = gaps * survival_before - (limited - limited_before) + schedules.latency * seen
    given_up = schedules.last[schedules.gave_up]
    left = durations.survival(schedules.times[given_up])
    rest = _rest_of(schedules, durations)
    return Sums(
        calls=_by_group(schedules, live, survival_before) + rest.calls,
        seen=_by_group(schedules, live, seen) + rest.seen,
        lag=_by_group(schedules, live, lag) + rest.lag,
        timed_out=_by_group(schedules, given_up, left) + rest.timed_out,
    )


def last_end(durations: Distribution) -> float:
    """Return when all jobs are over, but for a share that counts for nothing."""
    if math.isfinite(durations.longest):
        return durations.longest
    return float(durations.quantile(np.array([1 - _NOTHING]))[0])


def _rest_of(schedules: Schedules, durations: Distribution) -> Sums:
    """
    Return what comes after the last poll of each wait: nothing, or the wait goes on as it did last.

    Then polls come as renewals. A job with a time x to go takes x / m + v / (2 m**2) of them, and its lag is
    v / (2 m), where m and v are the means of a delay and of its square.

    Source: Cox, "Renewal Theory" (1962), sections 4.1 and 5.2.
    """
    on = schedules.going_on
    if not len(on):
        return Sums(*np.zeros((4, schedules.groups)))
    last = schedules.last[on]
    end = schedules.times[last]
    delay, square = schedules.last_delays.mean(), np.square(schedules.last_delays).mean()
    if not delay:
        return _without_end(schedules, durations)
    half = square / (2 * delay)  # the mean time from a moment to the next poll
    until = np.full(len(on), schedules.deadline)
    if math.isfinite(schedules.most_calls):
        until = np.minimum(until, end + (schedules.most_calls - schedules.sizes[on]) * delay)
    until = np.clip(until, end, _NEVER)
    running, reached = durations.survival(end), durations.limited_mean(end)
    left, limited = durations.survival(until), durations.limited_mean(until)
    calls = (np.maximum(limited - reached, 0.0) + running * half) / delay
    lag = (running - left) * (half + schedules.latency)
    rows = [calls, running - left, lag, left]
    return Sums(*(_by_group(schedules, last, values) for values in rows))


def _without_end(schedules: Schedules, durations: Distribution) -> Sums:
    """Return what comes after the last poll of waits that go on polling in no time, up to their limit."""
    last = schedules.last[schedules.going_on]
    running = durations.survival(schedules.times[last])
    more = schedules.most_calls - schedules.sizes[schedules.going_on]
    calls = np.multiply(running, more, out=np.zeros(len(last)), where=running > 0)
    nothing = np.zeros(len(last))
    return Sums(*(_by_group(schedules, last, values) for values in (calls, nothing, nothing, running)))


def _by_group(schedules: Schedules, polls: NDArray[np.int_], values: Array) -> Array:
    """Return the sum over some of the polls in each group, weighted."""
    weighted = schedules.weight[polls] * values
    return np.bincount(schedules.group[polls], weighted, schedules.groups).astype(float)


def jobs_over(schedules: Schedules, ends: Array) -> Jobs:
    """
    Return what becomes of single jobs.

    Args:
        schedules: each is followed by an equal part of the jobs.
        ends: the durations of the jobs, ascending, in seconds.
    """
    wait = _assigned(schedules, ends)
    times, last = schedules.times, schedules.last[wait]
    first = last - schedules.sizes[wait] + 1
    # One search for all: each wait's polls are moved to a span of time of their own.
    span = 2.0 ** math.ceil(math.log2(max(times.max(), ends.max(), 1.0)) + 1)
    moved = times + span * np.repeat(np.arange(len(schedules.waits)), schedules.sizes)
    poll = np.searchsorted(moved, ends + span * wait)
    calls = (np.minimum(poll, last) - first + 1).astype(np.float64)
    lag = np.maximum(times[np.minimum(poll, last)] - ends, 0.0) + schedules.latency
    past = poll > last
    lag[past] = math.nan
    on = past & ~schedules.gave_up[wait]
    if on.any():
        calls[on], lag[on] = _gone_on(schedules, wait[on], ends[on])
    return Jobs(calls=calls, lag=lag)


def _assigned(schedules: Schedules, ends: Array) -> NDArray[np.int_]:
    """Return the wait that each job follows; a job that outlasts one cut short follows one that goes on."""
    wait = np.arange(len(ends)) % len(schedules.waits)
    too_long = schedules.cut_short[wait] & (ends > schedules.times[schedules.last][wait])
    others = np.flatnonzero(~schedules.cut_short)
    wait[too_long] = others[np.arange(np.count_nonzero(too_long)) % len(others)]
    return wait


def _gone_on(schedules: Schedules, wait: NDArray[np.int_], ends: Array) -> tuple[Array, Array]:
    """
    Return the calls and the lags of jobs that outlast their waits, whose polls then come as renewals.

    For a delay D, the time x from a job's end to the next poll is longer than a time t for a share
    E[max(D - t, 0)] / E[D] of the jobs; here each has its own of as many equal shares.

    Source: Cox, "Renewal Theory" (1962), section 5.2.
    """
    last, size = schedules.times[schedules.last][wait], schedules.sizes[wait]
    delays = np.sort(schedules.last_delays)
    if not delays[-1]:
        return np.full(len(ends), schedules.most_calls), np.full(len(ends), math.nan)
    longer = np.arange(len(delays), 0, -1)  # how many delays are no shorter than each
    over = np.cumsum(np.diff(delays, prepend=0.0) * longer) / delays.sum()
    shares = (np.arange(len(ends)) * _GOLDEN + 0.5) % 1.0  # even among any jobs that follow each other
    poll = ends + np.interp(shares, np.append(0.0, over), np.append(0.0, delays))
    seen = np.minimum(poll, schedules.deadline)
    calls = size + np.round((seen - last) / delays.mean()).clip(min=1)
    given_up = (seen < ends) | (calls > schedules.most_calls)
    calls = np.minimum(calls, schedules.most_calls)
    return calls, np.where(given_up, math.nan, seen - ends + schedules.latency)
