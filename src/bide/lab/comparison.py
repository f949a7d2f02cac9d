"""What a comparison finds: values alone, for reports to draw."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Result:
    """
    What one strategy costs on one workload. Times are in seconds.

    Args:
        strategy: its name, as given.
        calls: mean calls per job.
        calls_se: standard error of that mean; 0 where it is exact.
        calls_p95: calls that 95 % of the jobs do not exceed.
        calls_max: most calls that any job of these durations can take; infinite if there is no most.
        lag_mean: mean lag over the jobs whose end was seen; NaN if none was.
        lag_se: standard error of that mean; 0 where it is exact.
        lag_p50: lag that half of those jobs do not exceed.
        lag_p95: lag that 95 % of them do not exceed.
        lag_p99: lag that 99 % of them do not exceed.
        wasted: mean calls per job that saw nothing new: all but the one that showed the end.
        within: share of those jobs whose lag is within the target; None without a target.
        timed_out: share of all jobs that were given up on.
        optimal_calls: least calls at equal mean lag; 1 where the lag is longer than one call needs; None when
            nothing was seen.
        excess: calls as a multiple of the least; None when nothing was seen.
        schedule: poll times of one wait, counted from its start, to the look that sees the end of a job that
            takes longer than all but one in a thousand; with every u at one half, or a peer's first.
    """

    strategy: str
    calls: float
    calls_se: float
    calls_p95: float
    calls_max: float
    lag_mean: float
    lag_se: float
    lag_p50: float
    lag_p95: float
    lag_p99: float
    wasted: float
    within: float | None
    timed_out: float
    optimal_calls: float | None
    excess: float | None
    schedule: tuple[float, ...]


@frozen(kw_only=True)
class Learning:
    """
    What a strategy that learns costs after some jobs.

    Args:
        jobs: on how many it was trained.
        result: what it costs then; the mean over several trainings.
    """

    jobs: int
    result: Result


@frozen(kw_only=True)
class Frontier:
    """
    The least calls at every mean lag: one point for each worth of a call, from little to much.

    Args:
        call_cost: seconds of lag that saving one call is worth; ascending.
        calls: mean calls per job of the optimum.
        lag_mean: its mean lag, in seconds.
    """

    call_cost: tuple[float, ...]
    calls: tuple[float, ...]
    lag_mean: tuple[float, ...]


@frozen(kw_only=True)
class WorkloadResults:
    """
    What all strategies cost on one workload.

    Args:
        name: of the workload.
        mean: mean duration, in seconds.
        quantiles: of the durations at 0.05, 0.25, 0.5, 0.75 and 0.95, in seconds.
        frontier: the least possible.
        results: sorted by excess; those without one last.
        learning: what those that learn cost after ever more jobs, if that was asked.
    """

    name: str
    mean: float
    quantiles: tuple[float, ...]
    frontier: Frontier
    results: tuple[Result, ...]
    learning: tuple[Learning, ...] = ()


@frozen(kw_only=True)
class Comparison:
    """
    What strategies cost on workloads, beside the least possible.

    Args:
        workloads: one for each, in the order given.
    """

    workloads: tuple[WorkloadResults, ...]
