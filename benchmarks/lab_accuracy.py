"""
How much dearer than the least possible are the lab's plans?

For exponential durations the least is known in closed form. For all others it is taken from plans among ten
times as many points. Each row is one distribution of
durations, with the worst of several worths of a call: from those at which eighty calls a job pay to those at
which hardly a second one does. The exit status is 1 if any plan is more than 0.2 % too dear.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from attrs import asdict, evolve, frozen
from scipy.optimize import brentq

from bide.lab import Workload, find_workload
from bide.lab.distributions import Exponential
from bide.lab.optimum import Planner

PROMISED = 0.002
CALLS = (80.0, 40.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.1)
FINER = 10

SHIPPED = sorted(map(str, (Path(__file__).parent / "workloads").glob("*.toml")))

# Harder than any that are shipped.
EXTREME = (
    "weibull(0.25, 60s)",
    "gamma(0.2, 30s)",
    "lognormal(30s, 2)",
    "lognormal(30s, 3)",
    "weibull(0.2, 60s)",
    "mixture([1, 1], [fixed(60s), exponential(60s)])",
    "mixture([1, 1], [fixed(12s), uniform(0s, 1s)])",
    "mixture([0.9, 0.1], [lognormal(20s, 0.01), lognormal(20000s, 0.1)])",
    "mixture([0.999, 0.001], [uniform(1s, 2s), lognormal(1h, 1)])",
)


@frozen(kw_only=True)
class Row:
    """
    How dear the plans for one workload are.

    Args:
        workload: its name.
        excess_cost: the greatest share by which a plan's cost is above the least.
    """

    workload: str
    excess_cost: float


def measure(workload: Workload) -> Row:
    """Return how dear the plans for a workload are."""
    planner = Planner.of(workload.durations)
    points = planner.points
    many = evolve(
        points,
        density=FINER * points.density,
        fewest=FINER * points.fewest,
        most_looks=FINER * points.most_looks,
    )
    finer = evolve(planner, points=many)
    scale = planner.points.spread or math.sqrt(workload.durations.mean)
    costs = [scale**2 / (2 * calls**2) for calls in CALLS]
    least = _closed_form if isinstance(workload.durations, Exponential) else _by_plan
    worst = max(planner.plan(cost).cost / least(finer, cost) - 1 for cost in costs)
    return Row(workload=workload.name, excess_cost=worst)


def _by_plan(planner: Planner, call_cost: float) -> float:
    return planner.plan(call_cost).cost


def _closed_form(planner: Planner, call_cost: float) -> float:
    """Return the cost of the interval d with exp(d / m) - d / m - 1 = call_cost / m, for the mean m."""
    mean = planner.durations.mean
    x = float(brentq(lambda x: math.expm1(x) - x - call_cost / mean, 1e-9, 100.0, xtol=1e-14, rtol=1e-14))
    calls = 1 / -math.expm1(-x)
    return call_cost * calls + mean * (x * calls - 1)


def print_table(rows: list[Row]) -> None:
    print(f"{'':<70}{'too dear by':>12}")
    for row in rows:
        print(f"{row.workload:<70}{max(0.0, row.excess_cost):>12.4%}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How much dearer than the least possible are plans?")
    parser.add_argument("workloads", nargs="*", help="TOML files, or durations in one line (those shipped)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    rows = [measure(find_workload(text)) for text in options.workloads or (*SHIPPED, *EXTREME)]
    if options.json:
        print(json.dumps({"promised": PROMISED, "rows": [asdict(row) for row in rows]}))
    else:
        print_table(rows)
    return int(any(row.excess_cost > PROMISED for row in rows))


if __name__ == "__main__":
    sys.exit(main())
