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
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import fmean, stdev

import numpy as np
from attrs import asdict, frozen
from live_waits import Experiment, Waited, wait_for_jobs

from bide.catalogue import find_policy
from bide.cli.server_process import server_process
from bide.errors import ConfigError
from bide.lab import Entrant, Result, Workload, compare, find_workload
from bide.lab.mixed import Samples

STRATEGIES = ["fixed", "seed", "full-jitter", "decorrelated-jitter", "google-api-core", "databricks"]

JOBS = 8192
"""The durations of so many jobs, spread evenly, stand for those of all."""

TOO_FAR = 4.0
"""So many standard errors between measured and predicted are no chance."""


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
    durations = experiment.workload.durations.quantile((np.arange(JOBS) + 0.5) / JOBS)
    ends = (durations - earlier / experiment.factor).clip(min=0.0)
    comparison = compare(
        [Entrant(name, experiment.policies[name])],
        [Workload("live", Samples(ends.tolist()))],
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
    parser.add_argument(
        "--workload",
        default="uniform(5s, 15s)",
        help="how long jobs take before they are shortened, as `bide compare` takes it (uniform(5s, 15s))",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the durations and the draws (1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("strategies", nargs="*", default=STRATEGIES, help="as `bide compare` takes them")
    return parser


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        rows = run(
            Experiment(
                policies={name: find_policy(name) for name in options.strategies},
                workload=find_workload(options.workload),
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
