"""
Do the strategies contend as the published formulas do?

The experiment of the AWS architecture blog, "Exponential Backoff And Jitter": one row with a version, and N
clients that start at once. Each reads the version, then writes with it; where another was faster it backs
off and reads again. It runs on a virtual clock, and `delay` of a strategy chooses every wait. The exit status
is 1 if the calls of the N = 100 row, over 100 runs or more, are more than 3 % off the published ones.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from heapq import heapify, heappop, heapreplace
from itertools import count
from statistics import fmean, stdev

from attrs import asdict, define, frozen

from bide import Situation, Strategy
from bide_strategies import DecorrelatedJitter, Equal, Exponential, Full, NoJitter

BASE = 0.005
CAP = 2.0
MESSAGE_MEAN = 0.010
MESSAGE_SD = 0.002

JUDGED_CLIENTS = 100
JUDGED_RUNS = 100
TOLERANCE = 0.03


@frozen
class NoBackoff:
    """Try again at once."""

    def delay(self, situation: Situation, u: float) -> float:
        """Return zero."""
        return 0.0


FORMS: dict[str, Strategy] = {
    "none": NoBackoff(),
    "exponential": Exponential(base=BASE, cap=CAP, jitter=NoJitter()),
    "equal": Exponential(base=BASE, cap=CAP, jitter=Equal()),
    "full": Exponential(base=BASE, cap=CAP, jitter=Full()),
    "decorrelated": DecorrelatedJitter(base=BASE, cap=CAP),
}

# Mean milliseconds and calls over 100 runs of the published simulator (aws-arch-backoff-simulator).
PUBLISHED: dict[int, dict[str, tuple[int, int]]] = {
    10: dict(zip(FORMS, [(382, 50), (3590, 51), (732, 42), (465, 38), (434, 37)], strict=True)),
    50: dict(zip(FORMS, [(1132, 687), (36237, 624), (4303, 347), (2922, 332), (2164, 376)], strict=True)),
    100: dict(zip(FORMS, [(2027, 2421), (62862, 1853), (6658, 812), (4879, 797), (4530, 1002)], strict=True)),
    190: dict(
        zip(FORMS, [(3538, 7997), (101357, 5186), (9487, 1759), (7427, 1771), (7887, 2441)], strict=True)
    ),
}


@define
class Client:
    """
    One that wants to update the row once.

    It enters its strategy's chain at attempt 1, as the simulator does: the delay after poll 1, which is the
    base without its jitter, counts as past and is never slept.
    """

    strategy: Strategy
    version: int | None = None
    attempt: int = 0
    previous_delay: float = BASE

    def back_off(self, now: float, u: float) -> float:
        """Return the seconds to wait after a write that failed."""
        self.attempt += 1
        situation = Situation(polls=self.attempt + 1, elapsed=now, previous_delay=self.previous_delay)
        self.previous_delay = self.strategy.delay(situation, u)
        return self.previous_delay


@frozen(kw_only=True)
class Cell:
    """
    One form under so many clients, beside the published figures; None where none are published.

    Args:
        form: its name in the published table.
        clients: how many contend.
        ms: mean time until the last client is done, in milliseconds.
        calls: mean number of writes.
        calls_error: standard error of that mean.
        published_ms: milliseconds of the published simulator.
        published_calls: writes of the published simulator.
        deviation: of the calls, as a share of the published ones.
    """

    form: str
    clients: int
    ms: float
    calls: float
    calls_error: float | None
    published_ms: int | None
    published_calls: int | None
    deviation: float | None


def contend(strategy: Strategy, clients: int, rng: random.Random) -> tuple[float, int]:
    """
    Let the clients update the row, each once; return the seconds until the last is done, and the writes.

    Only what reaches the row is an event: a client answers at once, so two messages, and the wait between
    them, make one step.
    """
    order = count()  # of events at the same time
    events = [(_message(rng), next(order), Client(strategy)) for _ in range(clients)]
    heapify(events)
    row = writes = 0
    end = 0.0
    while events:
        now, _, client = events[0]
        if client.version is None:  # a read
            client.version = row
            heapreplace(events, (now + _round_trip(rng), next(order), client))
            continue
        writes += 1
        if client.version == row:
            row += 1
            heappop(events)
            end = max(end, now + _message(rng))
            continue
        client.version = None
        wait = client.back_off(now, rng.random())
        heapreplace(events, (now + _round_trip(rng) + wait, next(order), client))
    return end, writes


def _round_trip(rng: random.Random) -> float:
    """Return the seconds from the row to a client, and from there to the row again."""
    return _message(rng) + _message(rng)


def _message(rng: random.Random) -> float:
    return abs(rng.gauss(MESSAGE_MEAN, MESSAGE_SD))


def measure(form: str, clients: int, *, runs: int, seed: int) -> Cell:
    """Run one form so many times; the same seed gives the same cell, whatever else runs."""
    rng = random.Random(f"{seed} {form} {clients}")
    times, calls = zip(*(contend(FORMS[form], clients, rng) for _ in range(runs)), strict=True)
    published_ms, published_calls = PUBLISHED.get(clients, {}).get(form, (None, None))
    return Cell(
        form=form,
        clients=clients,
        ms=1000 * fmean(times),
        calls=fmean(calls),
        calls_error=stdev(calls) / runs**0.5 if runs > 1 else None,
        published_ms=published_ms,
        published_calls=published_calls,
        deviation=None if published_calls is None else fmean(calls) / published_calls - 1,
    )


def deviates(cell: Cell, *, runs: int) -> bool:
    """Tell whether a cell is off the published calls; only where the table is sure enough to judge by."""
    if cell.deviation is None or cell.clients != JUDGED_CLIENTS or runs < JUDGED_RUNS:
        return False
    return abs(cell.deviation) > TOLERANCE


def _lines(cells: list[Cell], *, runs: int) -> Iterator[str]:
    titles = f"{'N':>4} {'form':12} {'ms':>8} {'published':>9} {'calls':>7} {'published':>9}"
    yield f"{titles} {'off by':>8} {'error':>7}"
    for cell in cells:
        ms, calls = (_or_dash(one, "d") for one in (cell.published_ms, cell.published_calls))
        error = None if cell.calls_error is None else cell.calls_error / cell.calls
        yield (
            f"{cell.clients:4} {cell.form:12} {cell.ms:8.0f} {ms:>9} {cell.calls:7.0f} {calls:>9}"
            f" {_or_dash(cell.deviation, '+.1%'):>8} {_or_dash(error, '.1%'):>7}"
            f"{'  <- too far' if deviates(cell, runs=runs) else ''}"
        )


def _or_dash(number: float | None, spec: str) -> str:
    return "-" if number is None else format(number, spec)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Do the strategies contend as the published formulas do?")
    parser.add_argument("--runs", type=_positive, default=100, help="runs that are averaged (100)")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (1)")
    parser.add_argument(
        "--clients", type=_positive, nargs="+", default=list(PUBLISHED), help="values of N (10 50 100 190)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    cells = [
        measure(form, clients, runs=options.runs, seed=options.seed)
        for clients in options.clients
        for form in FORMS
    ]
    if options.json:
        document = {"runs": options.runs, "seed": options.seed, "cells": [asdict(cell) for cell in cells]}
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(_lines(cells, runs=options.runs)))
    return 1 if any(deviates(cell, runs=options.runs) for cell in cells) else 0


if __name__ == "__main__":
    sys.exit(main())
