"""The catalogue: every file against the figures of the system that it speaks for."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator
from itertools import accumulate, islice, takewhile
from pathlib import Path

import pytest
from attrs import frozen

from bide import Limits, Observation, Outcome, Policy, Strategy, Wait, from_config, load_policy, to_config
from bide.catalogue import catalogue
from bide.durations import format_duration

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "catalogue.md"
UNLIMITED = Limits(max_attempts=None, timeout=None)


@frozen
class System:
    """
    What is known of one system.

    Args:
        source: where its figures are from, in the words of its file.
        limits: most polls and seconds, None where it has none.
        least: delays in seconds if all draws are 0: the one before the first poll, those that follow, and,
            as the last, the one it has come to after a hundred polls.
        half: the same if all draws are one half; None: as if they were 0.
        most: the same if all draws are 1; None: as if they were 0.
    """

    source: str
    limits: tuple[int | None, float | None]
    least: list[float]
    half: list[float] | None = None
    most: list[float] | None = None


# Unless it says otherwise, from the table "Default schedules" of "How systems poll today", read in 2026.
SYSTEMS = {
    "seed": System(
        "the seed's Go client",  # v + U(0, v / 2), v = min(10, 0.1 * 2 ** n)
        (10, 120),
        [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10],
        [0, 0.125, 0.25, 0.5, 1, 2, 4, 8, 12.5],
        [0, 0.15, 0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 15],
    ),
    "fixed": System("bide", (121, 120), [0, 1, 1]),
    "exponential": System("RFC 6298", (100, 120.0), [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]),
    "full-jitter": System(
        "Exponential Backoff And Jitter",  # U(0, min(10, 0.1 * 2 ** n))
        (100, 120),
        [0, 0, 0],
        [0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5],
        [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10],
    ),
    "decorrelated-jitter": System(
        "Exponential Backoff And Jitter",  # s = min(10, U(0.1, 3 s)), s0 = 0.1
        (100, 120),
        [0, 0.1, 0.1],
        [0, 0.2, 0.35, 0.575, 0.9125, 10],
        [0, 0.3, 0.9, 2.7, 8.1, 10],
    ),
    "azure-core": System("azure/core/polling/base_polling.py", (None, None), [0, 30, 30]),
    "azure-dotnet-management": System(
        "SequentialDelayStrategy.cs", (None, None), [0, 1, 1, 1, 2, 4, 8, 16, 32, 32]
    ),
    "google-api-core": System(
        "google-api-core, future/polling.py",
        (None, 900),
        [0, 0, 0],
        [0, 0.5, 0.75, 1.125, 1.6875, 10],
        [0, 1, 1.5, 2.25, 3.375, 20],
    ),
    "google-api-core-async": System(
        "google-api-core, future/async_future.py",
        (None, None),
        [0, 0, 0],
        [0, 0.5, 1, 2, 4, 8, 16, 30],
        [0, 1, 2, 4, 8, 16, 32, 60],
    ),
    # 1 s from the operation's start to the first look, 2 s from there: src/lro/src/lib.rs, `until_done`
    "google-cloud-rust": System("gax/exponential_backoff.rs", (None, None), [1, 2, 4, 8, 16, 32, 60, 60]),
    "botocore": System("botocore, data/*/waiters-2.json", (40, None), [0, 15, 15]),
    "aws-sdk-java": System("WaiterConfiguration.java", (3, None), [0, 5, 5]),
    "aws-durable-wait": System(
        "waits.py",  # no draw is below 1 s
        (60, None),
        [0, 1, 1],
        [0, 3, 4.25, 6.125, 8.9375, 150.5],
        [0, 5, 7.5, 11.25, 16.875, 300],
    ),
    "smithy": System(
        "waiters.rst",  # rand(2, d), d = min(120, 2 * 2 ** n)
        (None, None),
        [0, 2, 2],
        [0, 2, 3, 5, 9, 17, 33, 61],
        [0, 2, 4, 8, 16, 32, 64, 120],
    ),
    "terraform": System("helper/retry/state.go", (None, None), [0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10]),
    "kubernetes-default-backoff": System(
        "wait/backoff.go",
        (4, None),
        [0, 0.01, 0.05, 0.25],
        [0, 0.0105, 0.0525, 0.2625],
        [0, 0.011, 0.055, 0.275],
    ),
    "kubernetes-default-retry": System(
        "wait/backoff.go", (5, None), [0, 0.01, 0.01], [0, 0.0105, 0.0105], [0, 0.011, 0.011]
    ),
    "openai": System("lib/_vector_stores.py", (None, None), [0, 1, 1]),
    "openai-files": System("lib/_files.py", (None, 1800), [0, 5, 5]),
    "replicate": System("prediction.py", (None, None), [0.5, 0.5, 0.5]),
    "fal": System("client.py", (None, None), [0, 0.1, 0.1]),
    "databricks": System(
        "service/jobs.py",
        (None, 1200),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10],
        [0, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 10.5],
        [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11],
    ),
    "snowflake": System("query_result_waiter.py", (None, None), [0, 0.5, 0.5, 1, 1.5, 2, 4, 5, 5]),
    # min(1, 0.1 * 2 ** n) * U(0.8, 1.2); the numbers of its section "Retry Policy Capabilities"
    "grpc": System(
        "gRPC proposal A6",
        (4, None),
        [0, 0.08, 0.16, 0.32, 0.64, 0.8],
        [0, 0.1, 0.2, 0.4, 0.8, 1],
        [0, 0.12, 0.24, 0.48, 0.96, 1.2],
    ),
    # min(5, 0.1 * 2 ** n + U(0, 1)); the defaults of stamina 26.1.0's `retry`
    "stamina": System(
        "stamina, _core.py",
        (10, 45),
        [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5],
        [0, 0.6, 0.7, 0.9, 1.3, 2.1, 3.7, 5],
        [0, 1.1, 1.2, 1.4, 1.8, 2.6, 4.2, 5],
    ),
    "tenacity-random-exponential": System(
        "tenacity, wait.py",  # U(0, min(60, 2 ** n))
        (None, None),
        [0, 0, 0],
        [0, 0.5, 1, 2, 4, 8, 16, 30],
        [0, 1, 2, 4, 8, 16, 32, 60],
    ),
    # (f(n + u) - f(n - 1 + u)) / 1.4 * 2, f(t) = 2 ** t * tanh(sqrt(4 t)); in the end half of bide's cap
    "polly-v2": System(
        "RetryHelper.cs",
        (4, None),
        [0, 0, 2.754365, 2.920135, 15],
        [0, 1.794810, 2.186007, 4.071496, 15],
        [0, 2.754365, 2.920135, 5.731700, 15],
    ),
    "awaitility": System("Awaitility.java", (None, 10), [0.1, 0.1, 0.1]),
    "hcloud": System("hcloud, _client.py", (120, None), [0, 1, 1]),
}

# What becomes of a server's hint, from the column "Hint" of the same table: nothing, or what the header does;
# of gRPC from its proposal A6, "Pushback". All others leave it to bide.
HINTS = {
    **dict.fromkeys(("azure-core", "openai", "grpc"), "replace"),
    **dict.fromkeys(
        (
            "awaitility",
            "aws-durable-wait",
            "aws-sdk-java",
            "botocore",
            "databricks",
            "fal",
            "google-api-core",
            "google-api-core-async",
            "google-cloud-rust",
            "hcloud",
            "kubernetes-default-backoff",
            "kubernetes-default-retry",
            "openai-files",
            "replicate",
            "smithy",
            "snowflake",
            "terraform",
        ),
        "ignore",
    ),
}

names = pytest.mark.parametrize("name", catalogue())


def delays_of(strategy: Strategy, draw: Callable[[], float]) -> Iterator[float]:
    """Yield the delays that the engine asks for, the one before the first poll included, without limits."""
    wait, pending, now = Wait(Policy(strategy, UNLIMITED), now=0.0, draw=draw), Observation("pending"), 0.0
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        yield step
        now += step
        step = wait.answered(pending, now)


def comment_of(name: str) -> list[str]:
    """Return the lines of the comment that a file begins with."""
    text = catalogue()[name].read_text(encoding="utf-8").split("[strategy]")[0]
    assert all(line.startswith("# ") for line in text.splitlines())
    return [line.removeprefix("# ") for line in text.splitlines()]


def test_every_file_has_its_figures() -> None:
    """No file is without a row in the table, and no row without a file."""
    assert catalogue().keys() == SYSTEMS.keys()


@names
@pytest.mark.parametrize("u", [0.0, 0.5, 1.0])
def test_delays_are_those_of_the_system(name: str, u: float) -> None:
    """The least, the middle and the greatest delays are the system's, from the first to the lasting one."""
    system = SYSTEMS[name]
    expected = {0.0: system.least, 0.5: system.half, 1.0: system.most}[u] or system.least
    delays = list(islice(delays_of(load_policy(catalogue()[name]).strategy, lambda: u), 100))
    assert [*delays[: len(expected) - 1], delays[-1]] == pytest.approx(expected, rel=1e-6)


@names
def test_limits_are_those_of_the_system(name: str) -> None:
    """A wait ends after as many polls and seconds as there; a file names both, or that there are none."""
    attempts, timeout = SYSTEMS[name].limits
    assert load_policy(catalogue()[name]).limits == Limits(max_attempts=attempts, timeout=timeout)
    text = catalogue()[name].read_text(encoding="utf-8")
    assert all(f"\n{limit} = " in text for limit in ("max_attempts", "timeout"))


@names
def test_hints_are_followed_as_the_system_does(name: str) -> None:
    """They replace its delay, mean nothing to it, or are left to bide's default."""
    assert load_policy(catalogue()[name]).hints.mode == HINTS.get(name, "floor")


@names
def test_a_policy_survives_config(name: str) -> None:
    """What is loaded is written and read again as the same strategy."""
    strategy = load_policy(catalogue()[name]).strategy
    assert from_config(to_config(strategy)) == strategy


@names
def test_a_file_says_what_it_is_and_where_it_is_from(name: str) -> None:
    """Its comment has every word of its name, and ends with the source of its figures."""
    comment = comment_of(name)
    assert all(word in " ".join(comment).lower() for word in name.split("-"))
    assert comment[-1].startswith("Source: ")
    assert SYSTEMS[name].source in comment[-1]


def test_the_page_lists_every_file_with_its_limits() -> None:
    """The table in the reference has a row for each file, in order, with the limits that the file has."""
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert [row[0].strip("| `") for row in rows] == sorted(SYSTEMS)
    for row in rows:
        attempts, timeout = SYSTEMS[row[0].strip("| `")].limits
        limits = [f"{attempts} polls"] * (attempts is not None)
        limits += [format_duration(timeout)] if timeout is not None else []
        assert row[-2] == (", ".join(limits) or "none")
        assert f"`{HINTS.get(row[0].strip('| `'), 'floor')}`" in row[-3]


# Mean calls and mean lag in seconds, for durations of the seed's server, uniform from 5 to 15 s, and for
# exponential ones with a mean of 60 s: "What these schedules cost, against the least possible".
PUBLISHED = {
    "seed": ((7.75, 3.82), (11.88, 5.58)),
    "full-jitter": ((9.49, 3.14), (19.16, 3.22)),
    "decorrelated-jitter": ((11.49, 2.62), (20.94, 3.58)),
    "fixed": ((11.51, 0.50), (61.21, 0.50)),
    "openai": ((11.51, 0.50), (61.21, 0.50)),
    "replicate": ((20.52, 0.25), (119.93, 0.25)),
    "openai-files": ((3.50, 2.46), (13.44, 2.47)),
    "botocore": ((2.00, 4.99), (5.49, 7.65)),
    "azure-core": ((2.00, 19.99), (3.54, 16.41)),
    "google-api-core": ((7.43, 3.47), (12.58, 5.63)),
    "smithy": ((4.56, 5.85), (6.51, 22.09)),
    "terraform": ((7.13, 4.29), (12.06, 4.49)),
    "databricks": ((5.08, 2.55), (10.80, 4.10)),
    "snowflake": ((7.55, 2.29), (17.41, 2.27)),
    "azure-dotnet-management": ((6.60, 3.78), (8.82, 12.34)),
}

# Seconds; of the exponential durations, three in ten million are longer.
LONG = 900.0


def uniform_survival(t: float) -> float:
    """Return the share of jobs that run longer: uniform from 5 to 15 s."""
    return min(1.0, max(0.0, (15 - t) / 10))


def exponential_survival(t: float) -> float:
    """Return the share of jobs that run longer: exponential, with a mean of 60 s."""
    return math.exp(-t / 60)


def cost_of(polls: list[float], survival: Callable[[float], float], mean: float) -> tuple[float, float]:
    """Return the mean calls and the mean lag of a schedule: exact, no jobs are drawn."""
    calls, ends, running = 0.0, 0.0, 1.0
    for t in polls:
        calls += running
        ends += t * (running - survival(t))
        running = survival(t)
    return calls, ends - mean


@pytest.mark.parametrize("name", PUBLISHED)
def test_calls_and_lag_are_those_published(name: str) -> None:
    """A thousand schedules, by the engine, cost on average what was published for the system."""
    # The published figures vary with the durations drawn, 1,500: by 1 % of the calls and 3.5 % of the lag, as
    # those without jitter show. And with the schedules drawn: how many is not said, but all figures lie
    # within three standard errors of 40.
    strategy, system = load_policy(catalogue()[name]).strategy, SYSTEMS[name]
    chance = random.Random(1)
    schedules = [
        list(takewhile(lambda t: t < LONG, accumulate(delays_of(strategy, chance.random))))
        for _ in range(1_000 if system.most else 1)
    ]
    for survival, mean, published in zip(
        (uniform_survival, exponential_survival), (10.0, 60.0), PUBLISHED[name], strict=True
    ):
        costs = [cost_of(schedule, survival, mean) for schedule in schedules]
        for measured, figure, share in zip(zip(*costs, strict=True), published, (0.01, 0.035), strict=True):
            drawn = 3 * statistics.pstdev(measured) / math.sqrt(40)
            assert statistics.fmean(measured) == pytest.approx(figure, abs=share * figure + drawn)
