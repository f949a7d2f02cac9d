"""
How near does what bide learns come to the optimum, and how soon?

The cost of a strategy is call_cost * E[calls] + E[lag], evaluated exactly on the true durations. A cost ratio
is the cost of what was learned over that of the optimum, which knows the distribution; the mean over sets of
jobs drawn at random. It learns

- from exact durations;
- from the intervals between its own earlier polls, those of the first jobs by the seed's exponential backoff,
  planning again whenever there are a quarter more jobs: the ratio with its curious looks, and without;
- from the first jobs, exact or between its own polls, where what it chooses is measured against the fallback:
  the seed's backoff, or the best fixed interval, which nobody can know;
- from jobs of which the last thirty took twice as long as three hundred before them, or half as long, if
  durations are exact; and from the intervals between its own polls after thirty such jobs, and sixty, with a
  new plan after every fourth, curious looks and the seed's backoff as the fallback;
- from a hundred jobs and one that took 31 years.

Then: how long planning again takes, for each way to say what a call is worth, and a decision, and how large
a plan is; and how many calls a plan made of a hundred jobs needs for the lag of the seed. The exit status is
1 if a cost ratio is above what it is to stay below. What takes too long here is said too, but depends on the
machine.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from timeit import Timer
from typing import Any, NoReturn

import numpy as np
from attrs import frozen

from bide.catalogue import find_policy
from bide.errors import ConfigError
from bide.lab import find_workload
from bide.lab.distribution import Array, Distribution
from bide.lab.drawing import draw_schedules
from bide.lab.evaluate import sums_over
from bide.lab.mixed import Mixture
from bide.lab.optimum import Plan
from bide.learn import Samples, Table, estimate, plan_for, recency, table_of
from bide.learn.advice import advice
from bide.learn.blend import cost_of, curious_table, is_trusted
from bide.learning import Lesson
from bide.outcome import End
from bide.policy import Limits, Policy
from bide.strategy import Strategy
from bide_strategies import Fixed

HERE = Path(__file__).parent / "workloads"
WORKLOADS = {
    "uniform 5-15": "uniform(5s, 15s)",
    "exponential 60": "exponential(60s)",
    "lognormal 60/0.5": "lognormal(60s, 0.5)",
    "lognormal 300/1": "lognormal(300s, 1)",
    "weibull 3/120": "weibull(3, 120s)",
    "two far modes": str(HERE / "bimodal.toml"),
    "near fixed": str(HERE / "near-fixed.toml"),
    "heavy tail": str(HERE / "heavy-tail.toml"),
}
SHARES = (0.02, 0.1)
"""What a call costs, as shares of the mean duration."""

EXACT = {30: 1.10, 100: 1.05, 1000: 1.015}
CENSORED = {100: 1.10, 1000: 1.03}
FIRST = (0, 1, 2, 3, 5, 10, 20, 30, 50, 100)
FIRST_BETWEEN = (3, 5, 7, 10, 20)
WORST = 1.15
"""What the ratios are to stay below, by the number of jobs; and the one to the fallback, at any number."""

LONGEST = {"ms": 50.0, "us": 5.0, "kB": 100.0}
"""What planning again, a decision and a plan are to take at most, by the unit."""

STEADY, CHANGED, FACTORS = 300, (30, 60), (2.0, 0.5)
AFTER_EACH = 4
ABSURD = 1e9

# It plans again when there are so many times as many jobs.
AGAIN = 1.25

# So many waits with curious looks make their mean cost.
WAITS = 48


@frozen
class Case:
    """A workload, and what a call costs on it, in seconds."""

    name: str
    durations: Distribution
    call_cost: float
    optimum: float
    horizon: float

    def ratio(self, table: Table) -> float:
        """Return the cost of a plan over that of the optimum."""
        return self.cost(followed(table, self.horizon)) / self.optimum

    def cost(self, times: Array) -> float:
        """Return the cost of a schedule."""
        return cost_of(times, self.durations, self.call_cost)

    def draw(self, jobs: int, seed: int) -> Array:
        """Return the durations of some jobs."""
        return self.durations.quantile(np.random.default_rng([seed, jobs]).random(jobs))

    def learned(self, samples: Samples) -> tuple[Plan, Mixture]:
        """Return the plan for what samples say, and what that is."""
        durations = estimate(samples, recency(samples))
        return plan_for(durations, call_cost=self.call_cost), durations


def cases() -> list[Case]:
    """Return all workloads with all costs of a call."""
    found = [(name, find_workload(text).durations) for name, text in WORKLOADS.items()]
    return [case(name, durations, share) for name, durations in found for share in SHARES]


def case(name: str, durations: Distribution, share: float) -> Case:
    """Return a workload with one cost of a call."""
    cost = share * durations.mean
    horizon = float(durations.quantile(np.array([1 - 1e-12]))[0])
    return Case(f"{name}, {share:.0%}", durations, cost, plan_for(durations, call_cost=cost).cost, horizon)


def no_draw() -> float:
    """Return the draw at which no look is a curious one."""
    return 1.0


def followed(table: Table, until: float, draw: Callable[[], float] = no_draw) -> Array:
    """Return the poll times of a wait that follows a plan."""
    times = [table.delay(0.0, draw())]
    while times[-1] < until:
        times.append(times[-1] + table.delay(times[-1], draw()))
    return np.array(times)


def seed_policy() -> Policy:
    """Return the seed's backoff, which never gives up."""
    return Policy.of(find_policy("seed"), Limits(max_attempts=None, timeout=None))


@cache
def backoff(until: float) -> Array:
    """Return the poll times of the seed's exponential backoff, with all draws at one half."""
    polls = draw_schedules(seed_policy(), until, count=16).middle  # the first ones; its delays end at a cap
    delay = polls[-1] - polls[-2]
    return np.append(polls, np.arange(polls[-1] + delay, until + delay, delay))


def exact(case: Case, jobs: int, seed: int) -> float:
    """Return the ratio of a plan made of exact durations."""
    return case.ratio(table_of(case.learned(Samples.exact(case.draw(jobs, seed)))[0]))


def censored(case: Case, stops: list[int], seed: int) -> Iterator[tuple[float, float]]:
    """Yield the ratios after so many jobs, with curious looks and without."""
    ends = case.durations.quantile(np.random.default_rng([seed, 7]).random(stops[-1]))
    for planned, table in between_polls(case, ends, times_to_plan(stops), seed):
        if planned in stops:
            yield mean_ratio(case, table), case.ratio(table)


def between_polls(case: Case, ends: Array, times: list[int], seed: int) -> Iterator[tuple[int, Table]]:
    """
    Yield after how many jobs it plans, at such times, and the plan.

    Each job is polled by the plan that was made of those before it.
    """
    draw = np.random.default_rng([seed, 8]).random
    first, table = backoff(2 * float(max(case.horizon, ends.max()))), None
    low, high = np.zeros_like(ends), np.zeros_like(ends)
    for known, planned in pairwise((0, *times)):
        for job in range(known, planned):
            polls = first if table is None else followed(table, ends[job], draw)
            low[job], high[job] = interval(polls, ends[job])
        plan, durations = case.learned(Samples(low=low[:planned], high=high[:planned]))
        table = curious_table(plan, durations, planned)
        yield planned, table


def times_to_plan(stops: list[int]) -> list[int]:
    """Return after how many jobs it plans again."""
    grown = 5 * AGAIN ** np.arange(math.log(stops[-1] / 5, AGAIN))
    return sorted({*grown.astype(int).tolist(), *stops})


def interval(polls: Array, end: float) -> tuple[float, float]:
    """Return the last poll before the end of a job, and the first after it."""
    poll = int(np.searchsorted(polls, end))
    return (float(polls[poll - 1]) if poll else 0.0), float(polls[poll])


def mean_ratio(case: Case, table: Table) -> float:
    """Return the mean ratio of waits with curious looks."""
    draw = np.random.default_rng(1).random
    return fmean(case.cost(followed(table, case.horizon, draw)) for _ in range(WAITS)) / case.optimum


def best_interval(case: Case) -> Callable[[float], Array]:
    """Return the cheapest of all polls at a fixed interval."""

    def polls(interval: float, until: float) -> Array:
        return np.arange(interval, until + 2 * interval, interval)

    tried = case.durations.mean * np.geomspace(0.02, 2, 60)
    return partial(polls, min(tried.tolist(), key=lambda interval: case.cost(polls(interval, case.horizon))))


def first(case: Case, fallback: Callable[[float], Array], jobs: int, seed: int) -> float:
    """Return the cost of what is chosen after the first jobs, over that of the fallback."""
    if not jobs:
        return 1.0
    plan, durations = case.learned(Samples.exact(case.draw(jobs, seed)))
    if not is_trusted(plan, durations, fallback(float(durations.quantile(np.array([1 - 1e-4]))[0])), jobs):
        return 1.0
    table = curious_table(plan, durations, jobs)
    return mean_ratio(case, table) * case.optimum / case.cost(fallback(case.horizon))


def first_between(case: Case, fallback: Strategy, polls: Callable[[float], Array], seed: int) -> list[float]:
    """Return the same after so many jobs of `FIRST_BETWEEN`, known by its own polls."""
    ends, least = case.draw(FIRST_BETWEEN[-1], seed), case.cost(polls(case.horizon))
    tables = advised(case, fallback, polls, ends, FIRST_BETWEEN, seed)
    return [1.0 if table is None else mean_ratio(case, table) * case.optimum / least for table in tables]


def advised(
    case: Case,
    fallback: Strategy,
    polls: Callable[[float], Array],
    ends: Array,
    stops: Sequence[int],
    seed: int,
) -> Iterator[Table | None]:
    """
    Yield what the strategy does after so many jobs, known by its own polls; None for what its fallback does.

    Args:
        case: workload, and what a call costs.
        fallback: what is chosen at first.
        polls: its poll times until a time.
        ends: durations of the jobs.
        stops: after how many of them it plans.
        seed: of the curious looks.
    """
    draw, table = np.random.default_rng([seed, 9]).random, None
    lessons: list[Lesson] = []
    for known, planned in pairwise((0, *stops)):
        for end in ends[known:planned]:
            seen = polls(2 * end) if table is None else followed(table, end, draw)
            low, high = interval(seen, end)
            lessons.append(Lesson(low=low, high=high, end=End.COMPLETED, began_at=float(len(lessons))))
        table = advice(lessons, "", fallback, {"call_cost": case.call_cost}, missed)
        yield table


def missed(error: ConfigError) -> NoReturn:
    """Refuse a target that no plan can do: there is none here."""
    raise error


def after_drift(case: Case, factor: float, seed: int) -> float:
    """Return the ratio after the last jobs took longer, or shorter, than all before."""
    ends = drifted(case, factor, CHANGED[0], seed)
    return case.ratio(table_of(case.learned(Samples.exact(ends))[0]))


def after_drift_between(case: Case, factor: float, seed: int) -> list[float]:
    """Return the same after so many such jobs of `CHANGED`, known by its own polls."""
    ends = drifted(case, factor, CHANGED[-1], seed)
    stops = [5, 20, 80, *range(STEADY, len(ends) + 1, AFTER_EACH)]
    tables = dict(zip(stops, advised(case, seed_policy().strategy, backoff, ends, stops, seed), strict=True))
    without = case.cost(backoff(case.horizon)) / case.optimum
    after = [tables[STEADY + changed - changed % AFTER_EACH] for changed in CHANGED]
    return [without if table is None else mean_ratio(case, table) for table in after]


def drifted(case: Case, factor: float, changed: int, seed: int) -> Array:
    """Return durations of which so many, the last ones, are those of the case, and longer than the others."""
    ends = case.draw(STEADY + changed, seed)
    ends[:STEADY] /= factor
    return ends


def poisoned(case: Case, seed: int) -> float:
    """Return the ratio after a hundred jobs and an absurd one."""
    ends = np.insert(case.draw(100, seed), 50, ABSURD)
    return case.ratio(table_of(case.learned(Samples.exact(ends))[0]))


def study(case: Case, sets: int, most: int) -> dict[str, Any]:
    """Return all ratios of a case, the means over so many sets of jobs."""
    stops = [jobs for jobs in CENSORED if jobs <= most]
    best = best_interval(case)
    polled = np.array([list(censored(case, stops, seed)) for seed in range(sets)]).mean(axis=0)
    return {
        "case": case.name,
        "exact": {jobs: mean(exact, case, jobs, sets=sets) for jobs in EXACT if jobs <= most},
        "censored": dict(zip(stops, polled[:, 0].tolist(), strict=True)),
        "without curious looks": dict(zip(stops, polled[:, 1].tolist(), strict=True)),
        "over the fallback": {jobs: mean(first, case, backoff, jobs, sets=sets) for jobs in FIRST},
        "over the best interval": {jobs: mean(first, case, best, jobs, sets=sets) for jobs in FIRST},
        **{
            f"over the {name}, between polls": means(
                first_between, case, fallback, polls, names=FIRST_BETWEEN, sets=sets
            )
            for name, fallback, polls in (
                ("fallback", seed_policy().strategy, backoff),
                ("best interval", Fixed(interval=best(0.0)[0]), best),
            )
        },
        "after a drift": {factor: mean(after_drift, case, factor, sets=sets) for factor in FACTORS},
        "after a drift, between polls": {
            factor: means(after_drift_between, case, factor, names=CHANGED, sets=sets) for factor in FACTORS
        },
        "poisoned": mean(poisoned, case, sets=sets),
    }


def means(
    ratios: Callable[..., list[float]], *arguments: Any, names: Sequence[int], sets: int
) -> dict[int, float]:
    """Return the means of several ratios over sets of jobs, by name."""
    found = np.array([ratios(*arguments, seed) for seed in range(sets)])
    return dict(zip(names, found.mean(axis=0).tolist(), strict=True))


def mean(ratio: Callable[..., float], *arguments: Any, sets: int) -> float:
    """Return the mean of a ratio over sets of jobs."""
    return fmean(ratio(*arguments, seed) for seed in range(sets))


def speed() -> dict[str, float]:
    """Return what it takes to plan again, and to decide, at the most over all workloads."""
    made = [planned_again(case) for case in cases()]
    return {name: max(one[name] for one in made) for name in made[0]}


def planned_again(case: Case) -> dict[str, float]:
    """Return what it takes on one workload, from a thousand jobs."""
    samples = Samples.exact(case.draw(1000, 0))
    best = plan_for(case.durations, call_cost=case.call_cost)
    targets = {"call_cost": case.call_cost, "mean_lag": best.lag_mean, "calls": best.calls}

    def again(**target: float) -> Table:
        durations = estimate(samples, recency(samples))
        return curious_table(plan_for(durations, **target), durations, len(samples))

    table = again(call_cost=case.call_cost)
    # At this draw the look is a curious one, which takes longest.
    decision = Timer(partial(table.delay, case.durations.mean, 0.0), timer=time.process_time)
    return {
        f"planning for {name}, ms": 1e3
        * min(Timer(partial(again, **{name: value}), timer=time.process_time).repeat(3, 1))
        for name, value in targets.items()
    } | {
        "a decision, us": 1e6 * min(decision.repeat(3, 20_000)) / 20_000,
        "a plan, kB": table.nbytes / 1e3,
    }


def against_the_seed(sets: int) -> dict[str, float]:
    """Return the calls of the seed, and those of a plan with its lag, on the durations of its server."""
    durations = find_workload(WORKLOADS["uniform 5-15"]).durations
    sums = sums_over(draw_schedules(seed_policy(), 30.0, count=512), durations)
    calls, lag = float(sums.calls.mean()), float(sums.lag.mean())
    plans = []
    for seed in range(sets):
        ends = durations.quantile(np.random.default_rng([seed, 100]).random(100))
        times = followed(table_of(plan_for(estimate(Samples.exact(ends)), mean_lag=lag)), 15.0)
        running = np.append(1.0, durations.survival(times[:-1])).sum()
        plans.append((running, cost_of(times, durations, 0.0)))
    mine = np.array(plans).mean(axis=0)
    return {"seed calls": calls, "seed lag": lag, "calls": float(mine[0]), "lag": float(mine[1])}


def main(arguments: list[str] | None = None) -> int:
    """Run all, print, and return the status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--sets", type=int, default=20, help="sets of jobs per figure")
    parser.add_argument("--quick", action="store_true", help="two sets, of at most 100 jobs")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    sets, most = (2, 100) if options.quick else (options.sets, 1000)
    with ProcessPoolExecutor(2) as pool:
        rows = [task.result() for task in [pool.submit(study, case, sets, most) for case in cases()]]
    document: dict[str, Any] = {
        "python": platform.python_version(),
        "sets": sets,
        "cases": rows,
        "speed": speed(),
        "seed": against_the_seed(sets),
    }
    document["missed"], document["slow"] = list(misses(document)), list(too_slow(document["speed"]))
    print(json.dumps(document, indent=2) if options.json else "\n".join(lines(document)))
    return 1 if document["missed"] else 0


def misses(document: dict[str, Any]) -> Iterator[str]:
    """Yield the cost ratios that are above what they are to stay below; times depend on the machine."""
    aims = {"exact": EXACT, "censored": CENSORED} | {
        f"over the {what}{how}": dict.fromkeys((*FIRST, *FIRST_BETWEEN), WORST)
        for what in ("fallback", "best interval")
        for how in ("", ", between polls")
    }
    for row in document["cases"]:
        for name, most in aims.items():
            for jobs, value in row[name].items():
                if value > most[jobs]:
                    yield f"{row['case']}, {name}, {jobs} jobs: {value:.3f} > {most[jobs]:g}"


def too_slow(speed: dict[str, float]) -> Iterator[str]:
    """Yield what takes longer on this machine, or more room, than it is to."""
    for name, value in speed.items():
        most = LONGEST[name.rpartition(" ")[2]]
        if value > most:
            yield f"{name}: {value:.3g} > {most:g}, here"


def lines(document: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table."""
    rows = document["cases"]
    columns = ["exact", "censored", "without curious looks", "over the fallback"]
    head = [f"{name[:8]} {jobs}" for name in columns[:3] for jobs in rows[0][name]]
    yield " ".join([f"{'cost over the optimum':24}", *(f"{name:>13}" for name in head)])
    for row in rows:
        cells = [value for name in columns[:3] for value in row[name].values()]
        yield " ".join([f"{row['case']:24}", *(f"{value:13.3f}" for value in cells)])
    yield ""
    for name in ("over the fallback", "over the best interval"):
        between = f"{name}, between polls"
        yield f"cost {name}, from exact durations and between its polls"
        yield " ".join([f"{'':27}", *(f"{jobs:>6}" for jobs in (*FIRST, *FIRST_BETWEEN))])
        for row in rows:
            cells = [*row[name].values(), *row[between].values()]
            yield " ".join([f"{row['case']:27}", *(f"{value:6.2f}" for value in cells)])
        yield ""
    head = [f"exact x{factor:g}" for factor in FACTORS]
    head += [f"polls x{factor:g}, {jobs}" for factor in FACTORS for jobs in CHANGED]
    yield " ".join([f"{'cost after a drift':27}", *(f"{name:>13}" for name in head), "poisoned"])
    for row in rows:
        cells = [*row["after a drift"].values()]
        cells += [ratio for found in row["after a drift, between polls"].values() for ratio in found.values()]
        yield " ".join(
            [f"{row['case']:27}", *(f"{value:13.3f}" for value in cells), f"{row['poisoned']:8.3f}"]
        )
    yield ""
    for name, value in (document["speed"] | document["seed"]).items():
        yield f"{name:24} {value:8.3g}"
    yield ""
    yield "\n".join(document["missed"] or ["All cost ratios are as low as they are to be."])
    yield "\n".join(
        document["slow"] or ["Planning, deciding and plans are as quick and small as they are to be."]
    )


if __name__ == "__main__":
    sys.exit(main())
