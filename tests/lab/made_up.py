"""A comparison with figures made up, for reports to draw."""

from __future__ import annotations

import math

from bide.lab.comparison import Comparison, Frontier, Result, WorkloadResults


def result(strategy: str, calls: float, lag: float, *, timed_out: float = 0.0, se: float = 0.0) -> Result:
    """Return a result whose least calls are those of the frontier below: 10 / lag, or one."""
    seen = timed_out < 1
    least = max(1.0, 10 / lag) if seen and lag else 1.0 if seen else None
    return Result(
        strategy=strategy,
        calls=calls,
        calls_se=se,
        calls_p95=2 * calls,
        calls_max=math.inf,
        lag_mean=lag if seen else math.nan,
        lag_se=0.0,
        lag_p50=lag if seen else math.nan,
        lag_p95=2 * lag if seen else math.nan,
        lag_p99=3 * lag if seen else math.nan,
        wasted=calls - 1 + timed_out,
        within=None,
        timed_out=timed_out,
        optimal_calls=least,
        excess=None if least is None else calls / least,
        schedule=tuple(10.0 * n for n in range(10)),
    )


def workload(*results: Result, name: str = "uniform(0s, 100s)", mean: float = 50.0) -> WorkloadResults:
    """Return results on a workload, sorted as `bide.lab.compare` sorts them."""
    lags = [0.1 * 1.2**n for n in range(26)]
    return WorkloadResults(
        name=name,
        mean=mean,
        quantiles=(5.0, 25.0, 50.0, 75.0, 95.0),
        frontier=Frontier(call_cost=tuple(lags), calls=tuple(10 / lag for lag in lags), lag_mean=tuple(lags)),
        results=tuple(sorted(results, key=lambda each: math.inf if each.excess is None else each.excess)),
    )


def comparison(*results: Result) -> Comparison:
    """Return results on one workload."""
    return Comparison(workloads=(workload(*results),))
