"""
How long does a comparison take, start-up included?

Each measurement is a process of its own, bound to one core where the system can do that: it starts Python,
imports what it needs, compares policies of the catalogue on the workloads beside this file, and ends. CPU
time is counted beside the time on the clock, because other processes may want the core, too. A second
measurement plans the looks for a thousand measured durations.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from attrs import asdict, frozen

WORKLOADS = sorted((Path(__file__).parent / "workloads").glob("*.toml"))

# Half of them have jitter.
POLICIES = (
    "azure-core",
    "botocore",
    "databricks",
    "decorrelated-jitter",
    "fal",
    "full-jitter",
    "google-api-core",
    "google-api-core-async",
    "hcloud",
    "openai",
    "openai-files",
    "replicate",
    "seed",
    "smithy",
    "snowflake",
    "tenacity-random-exponential",
)

COMPARE = """
import sys
from bide.catalogue import find_policy
from bide.lab import Entrant, compare, find_workload
names, workloads = sys.argv[1].split(), sys.argv[2].split()
compare([Entrant(name, find_policy(name)) for name in names], [find_workload(text) for text in workloads])
"""

PLAN = """
import time
import numpy as np
from bide.lab import plan
from bide.lab.distributions import Lognormal
from bide.lab.mixed import Samples
jobs = Samples(Lognormal(60.0, 0.7).quantile((np.arange(1000) + 0.5) / 1000).tolist())
began = time.process_time()
plan(jobs, 2.0)
print(time.process_time() - began)
"""


@frozen(kw_only=True)
class Row:
    """
    What was measured, as the median over all repeats.

    Args:
        what: in words.
        wall: seconds on the clock; None where only a part of a process was measured.
        cpu: seconds of CPU time.
    """

    what: str
    wall: float | None
    cpu: float


def measure_compare(policies: tuple[str, ...], workloads: list[Path], repeats: int) -> Row:
    """Return what a whole process takes that compares policies on workloads."""
    arguments = [" ".join(policies), " ".join(map(str, workloads))]
    runs = [_timed([sys.executable, "-c", COMPARE, *arguments]) for _ in range(repeats)]
    return Row(
        what=f"compare {len(policies)} policies on {len(workloads)} workloads, with start-up",
        wall=median(wall for wall, _ in runs),
        cpu=median(cpu for _, cpu in runs),
    )


def measure_plan(repeats: int) -> Row:
    """Return what a plan for a thousand durations takes, without start-up."""
    runs = [
        float(subprocess.run([sys.executable, "-c", PLAN], capture_output=True, text=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return Row(what="plan the looks for 1,000 durations", wall=None, cpu=median(runs))


def _timed(command: list[str]) -> tuple[float, float]:
    """Run a process on one core, and return the seconds it took: on the clock, and of CPU time."""
    cpu_before, began = _cpu_of_children(), time.perf_counter()
    subprocess.run(command, check=True, preexec_fn=_use_one_core)
    return time.perf_counter() - began, _cpu_of_children() - cpu_before


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _use_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def print_table(rows: list[Row]) -> None:
    print(f"{'':<62}{'clock s':>9}{'CPU s':>9}")
    for row in rows:
        wall = "-" if row.wall is None else f"{row.wall:.2f}"
        print(f"{row.what:<62}{wall:>9}{row.cpu:>9.3f}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How long does a comparison take, start-up included?")
    parser.add_argument("--repeats", type=int, default=3, help="processes for each figure (3)")
    parser.add_argument("--policies", type=int, default=len(POLICIES), help=f"how many ({len(POLICIES)})")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if min(options.repeats, options.policies) < 1:
        parser.error("--repeats and --policies must be at least 1")
    policies = POLICIES[: options.policies]
    rows = [measure_compare(policies, WORKLOADS, options.repeats), measure_plan(options.repeats)]
    if options.json:
        print(json.dumps({"python": platform.python_version(), "rows": [asdict(row) for row in rows]}))
    else:
        print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
