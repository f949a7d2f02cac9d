"""
Does the lab tell the truth? What waits cost over real HTTP, beside what the lab computes.

A real job server runs in a process of its own, and threads wait for its jobs with bide's client, by several
strategies in turn. All times are shortened by a factor, those of the strategies by the combinator `scale`.
The lab is told the latency that the run had, and that each answer told what held half way through its
request. The exit status is 1 if mean calls or mean lag are more than four standard errors off.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from statistics import fmean, stdev

import httpx
from attrs import asdict, define, evolve, field, frozen

from bide import JobClient, WaitError
from bide.catalogue import find_policy
from bide.cli.server_process import server_process
from bide.driver import Update
from bide.durations import parse_range
from bide.errors import ConfigError
from bide.events import Event, PollAnswered
from bide.lab import Entrant, Result, Workload, compare
from bide.lab.distributions import Uniform
from bide.outcome import Outcome
from bide.policy import Policy
from bide.poller import Poller
from bide_strategies import Scale

STRATEGIES = ["fixed", "seed", "full-jitter", "decorrelated-jitter", "google-api-core", "databricks"]

TOO_FAR = 4.0
"""So many standard errors between measured and predicted are no chance."""


@frozen(kw_only=True)
class Experiment:
    """
    What is run.

    Args:
        policies: by their names.
        shortest: least duration of a job, in seconds before all is shortened.
        longest: greatest duration.
        factor: by which all times are shortened.
        threads: how many wait at once.
        seconds: for which jobs are begun.
        seed: of the durations and the draws.
    """

    policies: dict[str, Policy]
    shortest: float
    longest: float
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


@frozen(kw_only=True)
class Figure:
    """
    A mean that was measured, beside the one that was predicted.

    Args:
        measured: the mean over the waits.
        error: its standard error.
        predicted: what the lab computes.
        z: how many standard errors lie between them, the prediction's own included.
    """

    measured: float
    error: float
    predicted: float
    z: float

    @classmethod
    def of(cls, values: Sequence[float], predicted: float, predicted_error: float) -> Figure:
        """Set the mean of measured values beside a prediction."""
        measured, error = fmean(values), stdev(values) / len(values) ** 0.5
        # Where all are equal, as calls may be, a rounding is no disagreement.
        z = (measured - predicted) / max(math.hypot(error, predicted_error), 1e-9)
        return cls(measured=measured, error=error, predicted=predicted, z=z)


@frozen(kw_only=True)
class Row:
    """
    What one strategy cost.

    Args:
        strategy: its name.
        jobs: how many were waited for.
        latency: mean seconds from answer to answer, less the delay.
        calls: per job.
        lag: in seconds, of the jobs whose end was seen.
    """

    strategy: str
    jobs: int
    latency: float
    calls: Figure
    lag: Figure

    @property
    def agrees(self) -> bool:
        """Whether both figures lie as near as chance has them."""
        return max(abs(self.calls.z), abs(self.lag.z)) <= TOO_FAR


def run(experiment: Experiment) -> list[Row]:
    """Wait for jobs until the time is over, then compare."""
    with server_process() as server:
        waits = wait_for_jobs(experiment, server)
    return [compared(experiment, name, waits[name]) for name in experiment.policies]


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
    duration = experiment.factor * chance.uniform(experiment.shortest, experiment.longest)
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


def compared(experiment: Experiment, name: str, waits: Sequence[Waited]) -> Row:
    """Return what a strategy cost beside what the lab computes for it."""
    lags = [wait.lag for wait in waits if wait.lag is not None]
    if len(lags) < 2:
        raise ConfigError(f"{name}: saw the end of {len(lags)} of {len(waits)} jobs, too few to compare")
    requests = list(chain.from_iterable(wait.meter.requests for wait in waits))
    latency = fmean(list(chain.from_iterable(wait.meter.pauses for wait in waits)) or requests)
    # Of a latency, so much passes before the moment that the answer tells of.
    before = latency - fmean(requests) / 2
    head_start = fmean(start for wait in waits if (start := wait.head_start) is not None)
    predicted = predict(experiment, name, latency=latency, earlier=head_start + before)
    factor = experiment.factor
    return Row(
        strategy=name,
        jobs=len(waits),
        latency=latency,
        calls=Figure.of([wait.outcome.calls for wait in waits], predicted.calls, predicted.calls_se),
        lag=Figure.of(lags, factor * predicted.lag_mean - before, factor * predicted.lag_se),
    )


def predict(experiment: Experiment, name: str, *, latency: float, earlier: float) -> Result:
    """
    Return what the lab computes, in times that are not shortened.

    Args:
        experiment: what was run.
        name: of the strategy.
        latency: real seconds that every answer takes; to the lab it tells what held when the poll began.
        earlier: real seconds by which jobs end earlier, on that clock, than they last.
    """
    ends = (end - earlier / experiment.factor for end in (experiment.shortest, experiment.longest))
    comparison = compare(
        [Entrant(name, experiment.policies[name])],
        [Workload("live", Uniform(*ends))],
        latency=latency / experiment.factor,
        seed=experiment.seed,
    )
    return comparison.workloads[0].results[0]


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    yield f"{'':20} {'':>5} {'latency':>8}   {'calls per job':^29}   {'mean lag, ms':^29}"
    figures = f"{'measured':>14} {'predicted':>9} {'z':>5}"
    yield f"{'strategy':20} {'jobs':>5} {'ms':>8}  {figures}  {figures}"
    for row in rows:
        yield (
            f"{row.strategy:20} {row.jobs:5} {1000 * row.latency:8.1f}"
            f"  {_figure(row.calls, 1, 2)}  {_figure(row.lag, 1000, 1)}"
            f"{'' if row.agrees else '  <- too far'}"
        )


def _figure(figure: Figure, scale: float, digits: int) -> str:
    measured, error, predicted = (
        f"{scale * each:.{digits}f}" for each in (figure.measured, figure.error, figure.predicted)
    )
    return f"{f'{measured} ±{error}':>14} {predicted:>9} {figure.z:+5.1f}"


def _positive(text: str) -> float:
    if not 0 < (number := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"must be > 0, got {text}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Does the lab tell the truth?")
    parser.add_argument("--seconds", type=_positive, default=45.0, help="for which jobs are begun (45)")
    parser.add_argument(
        "--threads", type=int, choices=range(1, 65), metavar="N", default=32, help="that wait at once (32)"
    )
    parser.add_argument("--factor", type=_positive, default=0.1, help="that shortens all times (0.1)")
    parser.add_argument("--durations", default="5s..15s", help="of jobs, before they are shortened (5s..15s)")
    parser.add_argument("--seed", type=int, default=1, help="of the durations and the draws (1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("strategies", nargs="*", default=STRATEGIES, help="as `bide compare` takes them")
    return parser


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        shortest, longest = parse_range(options.durations)
        rows = run(
            Experiment(
                policies={name: find_policy(name) for name in options.strategies},
                shortest=shortest,
                longest=longest,
                factor=options.factor,
                threads=options.threads,
                seconds=options.seconds,
                seed=options.seed,
            )
        )
    except ConfigError as error:
        parser.error(str(error))
    if options.json:
        print(json.dumps({**vars(options), "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        print("\n".join(_lines(rows)))
    return 0 if all(row.agrees for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
