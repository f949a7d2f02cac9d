"""
Schedules: the poll times of many waits, drawn through the engine once and evaluated on any workload.

A strategy that draws nothing has one schedule. Of one with jitter many are drawn, in groups: within a group
the draws for each poll are stratified (a Latin hypercube), between groups they are independent, so that the
spread of the groups gives the standard error.

Long schedules cost most and matter least. So most schedules of a group are cut after some polls, and the few
that go on weigh for those that were cut.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from bide.lab.distribution import Array

# By so small a part of a delay, sums of delays may be off.
_ROUNDING = 1e-6


@frozen(kw_only=True, eq=False, slots=False)
class Schedules:
    """
    The poll times of some waits for a job that never ends.

    Args:
        waits: the poll times of each, in seconds from its start.
        gave_up: whether each ends there because a limit was reached; otherwise it goes on.
        cut_short: whether each was cut so early that others of its group speak for what comes after.
        groups: how many groups there are; each has as many waits as the others, one after the other.
        latency: seconds that every answer takes; it tells what held when the poll began.
        earliest: the poll times of the waits with the most polls that there can be.
        earliest_gave_up: whether each of them ends because a limit was reached.
        middle: the poll times of the wait with all draws at one half.
        most_calls: of any wait; infinite without a limit.
        deadline: when a wait that goes on ends all the same, in seconds; infinite without a timeout.
        listens: the strategy asked for the job's progress, so no schedule tells what it does.
    """

    waits: tuple[Array, ...]
    gave_up: NDArray[np.bool_]
    cut_short: NDArray[np.bool_]
    groups: int
    latency: float
    earliest: tuple[Array, ...]
    earliest_gave_up: tuple[bool, ...]
    middle: Array
    most_calls: float = math.inf
    deadline: float = math.inf
    listens: bool = False

    @cached_property
    def sizes(self) -> NDArray[np.int_]:
        """How many polls each wait has."""
        return np.array([len(wait) for wait in self.waits])

    @cached_property
    def times(self) -> Array:
        """The times of all polls, one wait after the other."""
        return np.concatenate(self.waits)

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        """Which of all polls are the first of their wait."""
        first = np.zeros(len(self.times), dtype=bool)
        first[np.cumsum(self.sizes) - self.sizes] = True
        return first

    @cached_property
    def starts(self) -> Array:
        """When the poll before each was; 0 before a first."""
        return np.where(self.first, 0.0, np.roll(self.times, 1))

    @cached_property
    def number(self) -> NDArray[np.int_]:
        """Which poll of its wait each is, from 0."""
        return np.arange(len(self.times)) - np.repeat(np.cumsum(self.sizes) - self.sizes, self.sizes)

    @cached_property
    def group(self) -> NDArray[np.int_]:
        """Which group each poll belongs to."""
        return np.repeat(np.arange(len(self.waits)) * self.groups // len(self.waits), self.sizes)

    @cached_property
    def weight(self) -> Array:
        """What each poll weighs within its group: one over the waits that are known that far."""
        per_group = len(self.waits) // self.groups
        ends = np.zeros((self.groups, int(self.sizes.max()) + 1))
        cut = np.flatnonzero(self.cut_short)
        np.add.at(ends, (cut // per_group, self.sizes[cut]), 1.0)
        known = per_group - np.cumsum(ends, axis=1)
        return np.asarray(1.0 / known[self.group, self.number])

    @cached_property
    def last(self) -> NDArray[np.int_]:
        """Where among all polls the last one of each wait is."""
        return np.cumsum(self.sizes) - 1

    @cached_property
    def going_on(self) -> NDArray[np.int_]:
        """Which waits go on after their last poll, and speak for themselves."""
        return np.flatnonzero(~self.gave_up & ~self.cut_short)

    @cached_property
    def last_delays(self) -> Array:
        """The delays in the later half of the waits that go on: how they are taken to go on."""
        halves = [np.diff(self.waits[i], prepend=0.0)[self.sizes[i] // 2 :] for i in self.going_on]
        return np.concatenate(halves)

    def most_calls_for(self, duration: float) -> float:
        """Return the most calls that a job of so many seconds, or infinitely many, can take."""
        known = zip(self.earliest, self.earliest_gave_up, strict=True)
        return max(self._calls_for(duration, wait, gave_up=gave_up) for wait, gave_up in known)

    def _calls_for(self, duration: float, wait: Array, *, gave_up: bool) -> float:
        """Return the calls of one of the earliest waits; past its last poll, it goes on as it did last."""
        if gave_up or duration <= wait[-1]:
            return min(float(np.searchsorted(wait, duration)) + 1, len(wait))
        delay = wait[-1] - wait[-2] if len(wait) > 1 else wait[-1]
        until = min(duration, self.deadline)
        if not delay or until == math.inf:
            return self.most_calls
        more = math.ceil(float(until - wait[-1]) / float(delay) - _ROUNDING)
        return min(len(wait) + more, self.most_calls)
