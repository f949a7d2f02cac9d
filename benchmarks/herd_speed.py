"""
How long do herds of many clients take?

Clients start together, for jobs of 5 to 15 s, at three servers: one that bears all of them; one that takes a
hundred requests per second, where nearly all are refused until they give up; and one that takes so many that
clients without limits are all served within minutes. What a herd takes grows with its calls, and calls with
refusals, so both are told. CPU time is counted, because other processes may want the core, too.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Iterator

from attrs import asdict, evolve, frozen

from bide.catalogue import find_policy
from bide.lab import ServerModel, draw_durations, find_workload, run_herd
from bide.policy import Policy
from bide.wait import Limits

POLICIES = ("fixed", "full-jitter")
ENDLESS = Limits(max_attempts=None, timeout=None, max_failures=None, failure_timeout=None)
SERVED_WITHIN = 100.0  # seconds for a request of each client


@frozen(kw_only=True)
class Row:
    """
    What one herd took.

    Args:
        what: the policy, and what its clients meet.
        calls: how many they made.
        refused: which share of them was refused.
        gave_up: which share of the clients gave up.
        cpu: seconds of CPU time.
    """

    what: str
    calls: int
    refused: float
    gave_up: float
    cpu: float


def herds(clients: int) -> Iterator[tuple[str, Policy, ServerModel]]:
    """Yield what is run: in words, with which policy, at which server."""
    for name in POLICIES:
        policy = find_policy(name)
        yield f"{name}: none refused", policy, ServerModel(rate=None, queue=None, service=0.0)
        yield f"{name}: nearly all refused, until they give up", policy, ServerModel()
        some = ServerModel(rate=max(1.0, clients / SERVED_WITHIN), queue=None, service=0.0)
        yield f"{name}: many refused, none gives up", evolve(policy, limits=ENDLESS), some


def measure(what: str, policy: Policy, server: ServerModel, durations: list[float]) -> Row:
    """Run one herd."""
    began = time.process_time()
    result = run_herd(what, policy, durations, server=server)
    return Row(
        what=what,
        calls=result.calls,
        refused=(result.rate_limited + result.overloaded) / result.calls,
        gave_up=result.gave_up / result.clients,
        cpu=time.process_time() - began,
    )


def print_table(clients: int, rows: list[Row]) -> None:
    heading = f"{clients:,} clients"
    print(f"{heading:<60}{'calls':>11}{'refused':>9}{'gave up':>9}{'CPU s':>8}{'us/call':>9}")
    for row in rows:
        per_call = 1e6 * row.cpu / row.calls if row.calls else math.nan
        shares = f"{row.refused:>9.0%}{row.gave_up:>9.0%}"
        print(f"{row.what:<60}{row.calls:>11,}{shares}{row.cpu:>8.1f}{per_call:>9.1f}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How long do herds of many clients take?")
    parser.add_argument("--clients", type=int, default=100_000, help="that wait at once (100,000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.clients < 1:
        parser.error("--clients must be at least 1")
    durations = draw_durations(find_workload("uniform(5s, 15s)").durations, options.clients, seed=0)
    rows = [measure(*herd, durations) for herd in herds(options.clients)]
    if options.json:
        found = {"python": platform.python_version(), "clients": options.clients}
        print(json.dumps({**found, "rows": [asdict(row) for row in rows]}))
    else:
        print_table(options.clients, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
