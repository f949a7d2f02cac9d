"""Who takes part in a comparison, and what each costs on one workload, however that is found out."""

from __future__ import annotations

from itertools import repeat
from typing import Protocol

import numpy as np
from attrs import frozen

from bide.lab.distribution import Array, Distribution
from bide.lab.drawing import draw_schedules
from bide.lab.evaluate import Jobs, Sums, jobs_over, sums_over
from bide.lab.listening import listen, wait_for_job
from bide.lab.recorded import Recorded
from bide.lab.schedules import Schedules
from bide.policy import Policy


@frozen
class Entrant:
    """
    A named policy.

    Args:
        name: what people call it.
        policy: a strategy and its limits.
    """

    name: str
    policy: Policy


@frozen(kw_only=True, eq=False)
class Costs:
    """
    What a contender costs on one workload.

    Args:
        sums: means per job, in independent groups.
        jobs: what became of single jobs.
        most_calls: that any job can take; infinite if there is no most.
        schedule: the poll times of one wait.
    """

    sums: Sums
    jobs: Jobs
    most_calls: float
    schedule: Array


class Contender(Protocol):
    """Takes part in a comparison."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def costs(self, durations: Distribution, ends: Array, until: float, /) -> Costs:
        """
        Return what it costs.

        Args:
            durations: of the jobs.
            ends: durations of single jobs, spread evenly over the distribution, ascending, in seconds.
            until: seconds up to which the schedule of one wait is wanted.
        """
        ...


def contender(
    entrant: Entrant | Recorded,
    horizon: float,
    *,
    latency: float,
    hint: float | None,
    count: int,
    seed: int,
) -> Contender:
    """Draw the schedules of an entrant, once for all workloads, and return who evaluates it."""
    if not isinstance(entrant, Entrant):
        return Scheduled(entrant.name, _recorded(entrant, latency))
    schedules = draw_schedules(entrant.policy, horizon, count=count, latency=latency, hint=hint, seed=seed)
    if schedules.listens:
        return Listener(entrant.name, entrant.policy, schedules, hint, count, seed)
    return Scheduled(entrant.name, schedules)


def _recorded(recorded: Recorded, latency: float) -> Schedules:
    """Return recorded waits as schedules, each a group of its own."""
    waits = tuple(np.array(times) for times in recorded.schedules)
    return Schedules(
        waits=waits,
        gave_up=np.array(recorded.gives_up),
        cut_short=np.zeros(len(waits), dtype=bool),
        groups=len(waits),
        latency=latency,
        earliest=waits,
        earliest_gave_up=recorded.gives_up,
        middle=waits[0],
    )


@frozen
class Scheduled:
    """One whose schedules depend on nothing but chance."""

    name: str
    schedules: Schedules

    def costs(self, durations: Distribution, ends: Array, until: float) -> Costs:
        """Evaluate the schedules."""
        middle = self.schedules.middle
        return Costs(
            sums=sums_over(self.schedules, durations),
            jobs=jobs_over(self.schedules, ends),
            most_calls=self.schedules.most_calls_for(durations.longest),
            schedule=middle[: np.searchsorted(middle, until) + 1],  # with the look that sees the end
        )


@frozen
class Listener:
    """One that asks for the job's progress."""

    name: str
    policy: Policy
    schedules: Schedules
    hint: float | None
    count: int
    seed: int

    def costs(self, durations: Distribution, ends: Array, until: float) -> Costs:
        """Wait for jobs, one by one."""
        latency = self.schedules.latency
        heard = listen(
            self.policy, durations, count=self.count, latency=latency, hint=self.hint, seed=self.seed
        )
        polls: list[float] = []
        wait_for_job(self.policy, until, repeat(0.5), latency, self.hint, polls)
        return Costs(
            sums=heard.sums,
            jobs=heard.jobs,
            most_calls=self.schedules.most_calls_for(durations.longest),
            schedule=np.array(polls),
        )
