"""Strategies that listen: waits for jobs that report their progress, one by one through the engine."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from attrs import frozen

from bide.lab.distribution import Distribution
from bide.lab.drawing import GROUPS
from bide.lab.evaluate import Jobs, Sums
from bide.outcome import End, Outcome
from bide.policy import Policy
from bide.strategy import Observation
from bide.wait import Limits, Wait

# A wait of more polls is taken to go on with its mean delay.
_MOST_POLLS = 2_000


@frozen(kw_only=True, eq=False)
class Heard:
    """
    What waits for jobs that report linear progress came to.

    Args:
        sums: means per job in each independent group.
        jobs: what became of each.
    """

    sums: Sums
    jobs: Jobs


def listen(
    policy: Policy,
    durations: Distribution,
    *,
    count: int,
    latency: float,
    hint: float | None = None,
    seed: int,
) -> Heard:
    """
    Wait for jobs that report which share of their duration has passed, and take the means.

    In each group the durations, and the draws for the first polls, are stratified; between groups they are
    independent.

    Args:
        policy: a strategy and its limits.
        durations: how long jobs take.
        count: how many jobs, in all groups.
        latency: seconds that every answer takes; it tells what held when the poll began.
        hint: seconds after which every answer asks to come back; None: it does not.
        seed: of the draws.
    """
    chance = np.random.default_rng(seed)
    per_group = max(1, count // GROUPS)
    strata = (np.arange(per_group) + chance.random((GROUPS, per_group))) / per_group
    ends = durations.quantile(np.clip(strata, 1e-12, 1 - 1e-12).ravel())
    waits = [wait_for_job(policy, float(end), iter(chance.random, None), latency, hint) for end in ends]
    calls, lag = (np.array(column) for column in zip(*waits, strict=True))
    seen = ~np.isnan(lag)
    by_group = (GROUPS, per_group)
    return Heard(
        sums=Sums(
            calls=calls.reshape(by_group).mean(axis=1),
            seen=seen.reshape(by_group).mean(axis=1),
            lag=np.where(seen, lag, 0.0).reshape(by_group).mean(axis=1),
            timed_out=1.0 - seen.reshape(by_group).mean(axis=1),
        ),
        jobs=Jobs(calls=calls, lag=lag),
    )


def wait_for_job(
    policy: Policy,
    end: float,
    draw: Iterator[float],
    latency: float,
    hint: float | None,
    polls: list[float] | None = None,
) -> tuple[float, float]:
    """
    Wait for one job that reports linear progress; return the calls, and the lag in seconds, NaN if given up.

    Args:
        policy: a strategy and its limits.
        end: the duration of the job, in seconds.
        draw: gives the draws.
        latency: seconds that every answer takes.
        hint: seconds after which every answer asks to come back; None: it does not.
        polls: takes the time of each poll.
    """
    wait = Wait(policy, now=0.0, hint=hint, draw=draw.__next__)
    step: float | Outcome = wait.first_delay()
    now = 0.0
    while not isinstance(step, Outcome):
        polled = now + step
        if polls is not None:
            polls.append(polled)
        if wait.calls >= _MOST_POLLS:
            return _gone_on(policy.limits, wait.calls, polled, end, latency)
        now = polled + latency
        step = wait.answered(_seen(polled, end, hint), now)
    return step.calls, now - end if step.end is End.COMPLETED else math.nan


def _seen(polled: float, end: float, hint: float | None) -> Observation:
    if polled >= end:
        return Observation("completed")
    return Observation("pending", progress=polled / end, hint=hint)


def _gone_on(limits: Limits, answered: int, polled: float, end: float, latency: float) -> tuple[float, float]:
    """Take a wait to go on with its mean delay, up to its limits."""
    most = math.inf if limits.max_attempts is None else limits.max_attempts
    deadline = math.inf if limits.timeout is None else limits.timeout
    delay = polled / answered
    if not delay:
        return most, math.nan
    more = math.ceil(max(0.0, min(end, deadline) - polled) / delay)
    calls = answered + 1 + more
    if end > deadline or calls > most:
        return min(calls, most), math.nan
    return calls, min(polled + more * delay, deadline) - end + latency
