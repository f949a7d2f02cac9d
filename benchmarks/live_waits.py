"""
What waits over real HTTP spend: threads that wait with bide's client for the jobs of a real server.

All times are shortened by a factor, those of the strategies by the combinator `scale`.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import numpy as np
from attrs import define, evolve, field, frozen

from bide import JobClient, WaitError
from bide.driver import Update
from bide.events import Event, PollAnswered
from bide.lab import Workload
from bide.outcome import Outcome
from bide.policy import Policy
from bide.poller import Poller
from bide_strategies import Scale


@frozen(kw_only=True)
class Experiment:
    """
    What is run.

    Args:
        policies: by their names.
        workload: how long jobs take, before all is shortened.
        factor: by which all times are shortened.
        threads: how many wait at once.
        seconds: for which jobs are begun.
        seed: of the durations and the draws.
    """

    policies: dict[str, Policy]
    workload: Workload
    factor: float
    threads: int
    seconds: float
    seed: int


@define
class Meter:
    """
    Measures what a wait spends besides its delays.

    `requests` has the seconds from each poll's start to its answer; `pauses` those from each answer to the
    next, less the delay between them: a request, and how much the sleeper overslept.
    """

    requests: list[float] = field(factory=list)
    pauses: list[float] = field(factory=list)
    _due: float | None = None

    def on_event(self, event: Event) -> None:
        """Note how long a request took."""
        if isinstance(event, PollAnswered):
            self.requests.append(event.took)

    def on_update(self, update: Update) -> None:
        """Note what passed since the next poll was due."""
        if self._due is not None:
            self.pauses.append(update.elapsed - self._due)
        self._due = None if update.next_delay is None else update.elapsed + update.next_delay


@frozen(kw_only=True)
class Waited:
    """
    One wait for one job.

    Args:
        duration: of the job, in seconds from its creation.
        outcome: how the wait ended.
        meter: what it spent besides its delays.
    """

    duration: float
    outcome: Outcome
    meter: Meter

    @property
    def lag(self) -> float | None:
        """Seconds from the job's end to the answer that showed it; None if it was not seen."""
        return self.outcome.lag

    @property
    def head_start(self) -> float | None:
        """Seconds from the job's creation to the start of the wait; None as for the lag."""
        return None if self.lag is None else self.duration - (self.outcome.elapsed - self.lag)


def wait_for_jobs(experiment: Experiment, server: str) -> dict[str, list[Waited]]:
    """Return the waits of each strategy; every thread begins one job at least."""
    done: dict[str, list[Waited]] = {name: [] for name in experiment.policies}
    names, numbers = list(experiment.policies), count()

    def work(http: httpx.Client, until: float) -> None:
        for number in numbers:
            name = names[number % len(names)]
            done[name].append(wait_once(experiment, name, number, server, http))
            if time.monotonic() >= until:
                return

    connections = httpx.Limits(max_connections=None)
    with (
        httpx.Client(limits=connections, trust_env=False) as http,
        ThreadPoolExecutor(experiment.threads) as pool,
    ):
        until = time.monotonic() + experiment.seconds
        for worker in [pool.submit(work, http, until) for _ in range(experiment.threads)]:
            worker.result()
    return done


def wait_once(experiment: Experiment, name: str, number: int, server: str, http: httpx.Client) -> Waited:
    """Create a job, and wait for it; its duration and the draws depend on the seed and its number."""
    chance = random.Random(f"{experiment.seed}/{number}")
    share = np.array([chance.random()])
    duration = experiment.factor * float(experiment.workload.durations.quantile(share)[0])
    policy, meter = shortened(experiment.policies[name], experiment.factor), Meter()
    poller = Poller(policy.strategy, policy.limits, draw=chance.random, observers=[meter.on_event])
    client = JobClient(server, poller, http=http)
    job = str(client.create_job({"duration": duration, "outcome": "completed"}))  # without the server's hint
    try:
        outcome = client.wait_for_job_with_updates(job, meter.on_update)
    except WaitError as error:  # a limit
        if error.outcome is None:
            raise
        outcome = error.outcome
    return Waited(duration=duration, outcome=outcome, meter=meter)


def shortened(policy: Policy, factor: float) -> Policy:
    """Return a policy with all its times multiplied."""
    limits = policy.limits
    timeout = None if limits.timeout is None else limits.timeout * factor
    return Policy(Scale(strategy=policy.strategy, factor=factor), evolve(limits, timeout=timeout))
