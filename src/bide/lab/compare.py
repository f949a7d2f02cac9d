"""The comparison: every strategy on every workload, beside the least possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from attrs import frozen

from bide.errors import ConfigError, Problem, shown
from bide.lab.comparison import Comparison, Learning, Result, WorkloadResults
from bide.lab.contenders import Contender, Entrant
from bide.lab.distribution import Array, Distribution
from bide.lab.drawing import GROUPS, MOST_SHOWN
from bide.lab.evaluate import Sums
from bide.lab.frontier import Optimum, optimum
from bide.lab.recorded import Recorded
from bide.lab.training import TRAINED_ON, enter, is_untrained
from bide.lab.workloads import Workload
from bide.rules import Number, seconds

SCHEDULES = 512
"""How many schedules are drawn of a strategy with jitter."""

# Quantiles of lag and calls are those of so many jobs, whose durations are spread evenly.
_JOBS = 8192

# Schedules are drawn up to where so small a share of the jobs still runs.
_HORIZON = 1e-6

# Who gives up on fewer jobs waits for all of them.
_GIVEN_UP = 1e-6

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def compare(
    entrants: Sequence[Entrant | Recorded],
    workloads: Sequence[Workload],
    *,
    latency: float = 0.0,
    hint: float | None = None,
    lag_target: float | None = None,
    schedules: int = SCHEDULES,
    trained_on: int = TRAINED_ON,
    curve: Sequence[int] = (),
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Comparison:
    """
    Return what every strategy costs on every workload, beside the least possible.

    Args:
        entrants: policies by name, and what was recorded of other libraries.
        workloads: how long jobs take.
        latency: seconds that every answer takes; it tells what held when the poll began. What was recorded
            is taken as it is, and its answers to take as long.
        hint: seconds after which every answer asks to come back; None: it does not. Recordings had none.
        lag_target: seconds of lag for which `Result.within` is asked.
        schedules: how many are drawn of a strategy with jitter, and jobs waited for by one that listens.
        trained_on: how many jobs of a workload a strategy learns from that knows none yet; it is judged on
            others, and its figures are the means over several such trainings.
        curve: numbers of jobs after which it is judged as well, for `WorkloadResults.learning`.
        seed: of all draws; the same seed gives the same figures.
        progress: told, after each step, how many steps are done, and how many there are.

    Raises:
        ConfigError: there is nothing to compare, or an argument is out of range.
    """
    _require(entrants, workloads, latency=latency, hint=hint, lag_target=lag_target, schedules=schedules)
    _require_trainings(trained_on, *curve)
    grounds = [_Ground.of(workload, latency) for workload in workloads]
    horizon = max(ground.horizon for ground in grounds)
    enter_all = partial(enter, horizon=horizon, latency=latency, hint=hint, count=schedules, seed=seed)
    rows: list[list[Result]] = [[] for _ in workloads]
    learning: list[list[Learning]] = [[] for _ in workloads]
    for done, entrant in enumerate(entrants):
        entered = enter_all(entrant, trained_on=trained_on)
        stages = (
            {jobs: enter_all(entrant, trained_on=jobs) for jobs in curve} if is_untrained(entrant) else {}
        )
        for ground, row, points in zip(grounds, rows, learning, strict=True):
            row.append(_result(entered, ground, lag_target))
            points += [Learning(jobs=n, result=_result(stages[n], ground, lag_target)) for n in stages]
        if progress is not None:
            progress(done + 1, len(entrants))
    return Comparison(workloads=tuple(map(_Ground.with_results, grounds, rows, learning)))


def _require(
    entrants: Sequence[object],
    workloads: Sequence[object],
    *,
    latency: float,
    hint: float | None,
    lag_target: float | None,
    schedules: int,
) -> None:
    for name, given in (("entrants", entrants), ("workloads", workloads)):
        if not given:
            raise ConfigError(f"{name}: needs at least one")
    rules = (
        ("latency", latency, seconds(least=0)),
        ("hint", hint, seconds(least=0, optional=True)),
        ("lag_target", lag_target, seconds(least=0, optional=True)),
        ("schedules", schedules, Number(least=GROUPS, most=1_000_000, whole=True)),
    )
    for name, value, rule in rules:
        if not rule.holds(value):
            raise ConfigError(Problem(f"{rule}, got {shown(value)}", (name,)))


def _require_trainings(*counts: int) -> None:
    rule = Number(least=0, most=100_000, whole=True)
    for count in counts:
        if not rule.holds(count):
            raise ConfigError(Problem(f"{rule}, got {shown(count)}", ("trained_on",)))


def _by_excess(result: Result) -> float:
    return math.inf if result.excess is None else result.excess


@frozen(kw_only=True, eq=False)
class _Ground:
    """A workload, with what all entrants need of it."""

    workload: Workload
    optimum: Optimum
    ends: Array
    horizon: float
    shown_until: float
    latency: float

    @classmethod
    def of(cls, workload: Workload, latency: float) -> _Ground:
        durations = workload.durations
        ends = durations.quantile((np.arange(_JOBS) + 0.5) / _JOBS)
        nearly_all, shown_until = durations.quantile(np.array([1 - _HORIZON, 0.999])).tolist()
        return cls(
            workload=workload,
            optimum=optimum(durations),
            ends=ends,
            horizon=nearly_all if durations.longest == math.inf else durations.longest,
            shown_until=shown_until,
            latency=latency,
        )

    @property
    def durations(self) -> Distribution:
        return self.workload.durations

    def with_results(self, results: Sequence[Result], learning: Sequence[Learning]) -> WorkloadResults:
        """Return what was found on this workload."""
        return WorkloadResults(
            name=self.workload.name,
            mean=self.durations.mean,
            quantiles=tuple(self.durations.quantile(np.array(_QUANTILES)).tolist()),
            frontier=self.optimum.frontier(self.latency),
            results=tuple(sorted(results, key=_by_excess)),
            learning=tuple(learning),
        )


def _result(contender: Contender, ground: _Ground, lag_target: float | None) -> Result:
    costs = contender.costs(ground.durations, ground.ends, ground.shown_until)
    sums, jobs = costs.sums, costs.jobs
    lags = jobs.lag[~np.isnan(jobs.lag)]
    calls, seen = float(sums.calls.mean()), float(sums.seen.mean())
    lag_mean = float(sums.lag.sum() / sums.seen.sum()) if seen else math.nan
    least = _least_calls(ground, sums) if seen else None
    p50, p95, p99 = _quantiles(lags, (0.5, 0.95, 0.99))
    return Result(
        strategy=contender.name,
        calls=calls,
        calls_se=_standard_error(sums.calls),
        calls_p95=_quantiles(jobs.calls, (0.95,))[0],
        calls_max=costs.most_calls,
        lag_mean=lag_mean,
        lag_se=_standard_error(sums.lag[sums.seen > 0] / sums.seen[sums.seen > 0]),
        lag_p50=p50,
        lag_p95=p95,
        lag_p99=p99,
        wasted=calls - seen,
        within=None if lag_target is None or not len(lags) else float(np.mean(lags <= lag_target)),
        timed_out=float(sums.timed_out.mean()),
        optimal_calls=least,
        excess=None if least is None or least == math.inf else calls / least,
        schedule=tuple(costs.schedule[:MOST_SHOWN].tolist()),
    )


def _least_calls(ground: _Ground, sums: Sums) -> float:
    """
    Return the least calls at equal mean lag; infinitely many for none at all.

    A strategy that gives up is compared with the optimum that gives up on as many jobs, all at the same time.
    """
    lag = float(sums.lag.mean() - ground.latency * sums.seen.mean())  # per job, seen or not
    given_up = float(sums.timed_out.mean())
    if given_up < _GIVEN_UP:
        return ground.optimum.calls_at(lag)
    at = float(ground.durations.quantile(np.array([1 - given_up]))[0])
    return Optimum(ground.optimum.planner.until(at)).calls_at(lag)


def _standard_error(groups: Array) -> float:
    """Return the standard error of the mean of independent groups; of one alone, which is exact, 0."""
    return float(groups.std(ddof=1) / math.sqrt(len(groups))) if len(groups) > 1 else 0.0


def _quantiles(values: Array, shares: tuple[float, ...]) -> list[float]:
    """Return the least values that such shares do not exceed; NaN of nothing."""
    if not len(values):
        return [math.nan for _ in shares]
    ordered = np.sort(values)
    return [float(ordered[math.ceil(share * len(values)) - 1]) for share in shares]
