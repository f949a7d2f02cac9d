"""The strategy for durations that are known, against closed forms and the lab's optimum."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from test_imports import loaded_by

from bide import ConfigError, Limits, Policy, Situation, load_policy
from bide.lab import Entrant, compare, find_workload
from bide.lab.comparison import Result
from bide_strategies import Optimal

UNLIMITED = Limits(max_attempts=None, timeout=None)


def looks(strategy: Optimal, count: int) -> list[float]:
    """Return the times of the first looks at a job that goes on and on."""
    times = [0.0]
    for polls in range(count):
        times.append(times[-1] + strategy.delay(Situation(polls, times[-1]), 0.5))
    return times[1:]


def compared(durations: str, **target: float) -> Result:
    """Return what the optimum for durations costs on them, as the lab finds it."""
    strategy = Optimal(durations=durations, **target)
    entrant = Entrant("optimal", Policy(strategy, UNLIMITED))
    return compare([entrant], [find_workload(durations)]).workloads[0].results[0]


@pytest.mark.parametrize(
    "durations",
    [
        "uniform(5s, 15s)",
        "lognormal(60s, 0.5)",
        "weibull(shape=3, scale=120s)",
        "mixture(weights=[7, 3], parts=[uniform(15s, 25s), uniform(180s, 220s)])",
    ],
)
def test_it_makes_the_least_calls_on_its_own_durations(durations: str) -> None:
    """The comparison finds no excess: the plan is the lab's own optimum, driven by the engine."""
    mean = find_workload(durations).durations.mean
    assert compared(durations, call_cost=0.05 * mean).excess == pytest.approx(1.0, abs=0.01)


def test_exponential_durations_are_looked_at_evenly() -> None:
    """The interval d has e**(d / m) - d / m - 1 = c / m (Barlow, Hunter and Proschan, 1963)."""
    interval = looks(Optimal(durations="exponential(60s)", call_cost=2.0), 5)
    d = interval[0] / 60
    assert math.exp(d) - d - 1 == pytest.approx(2 / 60, rel=0.05)
    assert interval == pytest.approx([interval[0] * n for n in range(1, 6)], rel=0.03)


def test_uniform_durations_have_gaps_that_shrink_by_the_cost() -> None:
    """Between 0 and b, each gap is shorter than the one before by what a call costs."""
    times = [0.0, *looks(Optimal(durations="uniform(0s, 100s)", call_cost=5.0), 6)]
    gaps = [after - before for before, after in pairwise(times)]
    assert [one - other for one, other in pairwise(gaps)] == pytest.approx([5.0] * 5, abs=0.3)


def test_targets_are_met() -> None:
    """Asked for a mean lag, or for mean calls, it stays within, and not far within."""
    assert 0.95 <= compared("lognormal(60s, 0.5)", mean_lag=3.0).lag_mean / 3 <= 1.001
    assert 0.95 <= compared("lognormal(60s, 0.5)", calls=4.0).calls / 4 <= 1.001


def test_jobs_beyond_all_that_is_known_are_looked_at_ever_more_seldom() -> None:
    """No hot loop, and no end: the delays double, up to the ceiling."""
    strategy = Optimal(durations="uniform(5s, 15s)", call_cost=1.0)
    times = looks(strategy, 60)
    late = [after - before for before, after in pairwise(times) if before >= 15]
    assert all(delay > 0 for delay in late)
    assert late[1] == pytest.approx(2 * late[0])
    assert max(late) == late[-1] == strategy.ceiling == 3600


def test_odd_durations_make_no_hot_loop_and_no_endless_delay(tmp_path: Path) -> None:
    """Jobs that take no time, always the same, or longer than anybody waits."""
    (tmp_path / "odd.csv").write_text("s\n1\n1\n4e8\n")
    for durations in ("fixed(0s)", "fixed(5s)", f"samples('{tmp_path / 'odd.csv'}')"):
        strategy = Optimal(durations=durations, call_cost=1.0)
        for elapsed in (0.0, 1.0, 5.0, 1e6, 1e9):
            assert (
                0 < strategy.delay(Situation(1, elapsed), 0.5) <= strategy.ceiling < math.inf or not elapsed
            )


def test_measured_durations_lie_beside_the_config(tmp_path: Path) -> None:
    """The file is found wherever the program runs."""
    (tmp_path / "times.csv").write_text("job,seconds\na,5\nb,15\n")
    config = tmp_path / "mine.toml"
    config.write_text(
        "[strategy]\n"
        'kind = "optimal"\n'
        'durations = { samples = "times.csv", column = "seconds" }\n'
        'call_cost = "1s"\n'
    )
    strategy = load_policy(config).strategy
    assert isinstance(strategy, Optimal)
    assert looks(strategy, 2) == [5.0, 15.0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"durations": "uniform(5s, 15s)"}, r"got none; such as optimal\(durations=.*, call_cost=1s\)"),
        ({"durations": "uniform(5s, 15s)", "calls": 2.0, "mean_lag": 1.0}, "exactly one"),
        ({"durations": "unifrom(5s, 15s)", "calls": 2.0}, "durations: .*did you mean 'uniform'"),
        ({"durations": 5, "calls": 2.0}, "durations: must be text .* or a table, got 5"),
        ({"durations": {"samples": "no.csv"}, "calls": 2.0}, "durations: no.csv: cannot be read"),
        ({"durations": "uniform(5s, 15s)", "mean_lag": 1e-9}, "mean_lag: must be between"),
        ({"durations": "uniform(5s, 15s)", "call_cost": 0.0}, "call_cost: must be a finite number > 0"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], message: str) -> None:
    """A bad field is a ConfigError with its place, its value and the rule."""
    with pytest.raises(ConfigError, match=message):
        Optimal(**fields)  # type: ignore[arg-type]


def test_the_strategies_are_light_until_one_is_optimal() -> None:
    """Who imports the strategies does not import numpy."""
    assert "numpy" not in loaded_by("import bide_strategies; bide_strategies.Optimal")
