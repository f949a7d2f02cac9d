"""The lab's figures beside those of real waits; the long form is ``benchmarks/live.py``."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bide.catalogue import find_policy
from bide.lab import find_workload

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "live.py"


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark's module, which lies in no package."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("live", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "live", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.wire
def test_real_waits_cost_about_what_the_lab_computes(
    live: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a second the errors are large; but calls and lag are not far from what is predicted."""
    arguments = [
        "--seconds",
        "1",
        "--threads",
        "16",
        "--workload",
        "uniform(4s, 8s)",
        "--json",
        "fixed",
        "seed",
    ]
    assert live.main(arguments) in (0, 1)  # a busy machine is no failure of the suite
    document = json.loads(capsys.readouterr().out)
    assert [row["strategy"] for row in document["rows"]] == ["fixed", "seed"]
    for row in document["rows"]:
        assert row["jobs"] >= 8
        assert 0 < row["latency"] < 1
        assert row["calls"]["measured"] == pytest.approx(row["calls"]["predicted"], rel=1 / 3)
        assert row["lag"]["measured"] < row["lag"]["predicted"] * 3 + 0.2


def figure(live: ModuleType, z: float) -> Any:
    """Return a figure so many standard errors off."""
    return live.Figure(measured=5.0 + z, error=1.0, predicted=5.0, z=z)


@pytest.mark.parametrize(
    ("calls", "lag", "status"), [(0.0, 0.0, 0), (3.9, -3.9, 0), (4.1, 0.0, 1), (0.0, -4.1, 1)]
)
def test_what_is_too_far_off_is_told_and_is_status_1(
    live: ModuleType,
    calls: float,
    lag: float,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Four standard errors are the most, in both directions, for calls and for the lag."""
    row = live.Row(strategy="seed", jobs=9, latency=0.01, calls=figure(live, calls), lag=figure(live, lag))
    monkeypatch.setattr(live, "run", lambda _: [row])
    assert live.main(["seed"]) == status
    assert ("too far" in capsys.readouterr().out) is bool(status)


def test_standard_errors_are_those_of_a_mean(live: ModuleType) -> None:
    """Of 1, 2, 3, 4 the mean's error is sqrt(5/3)/2; with a prediction of 2 ± 0.5, z is 0.5 over both."""
    found = live.Figure.of([1.0, 2.0, 3.0, 4.0], 2.0, 0.5)
    error = (5 / 3) ** 0.5 / 2
    assert (found.measured, found.error) == (2.5, pytest.approx(error))
    assert found.z == pytest.approx(0.5 / (error**2 + 0.25) ** 0.5)
    assert live.Figure.of([3.0, 3.0], 3.0, 0.0).z == 0.0


def test_all_of_a_policy_is_shortened(live: ModuleType) -> None:
    """Its delays by the combinator, and the limits that are times."""
    policy = find_policy("seed")
    short = importlib.import_module("live_waits").shortened(policy, 0.1)
    assert (short.strategy.strategy, short.strategy.factor) == (policy.strategy, 0.1)
    assert (short.limits.max_attempts, short.limits.timeout) == (10, pytest.approx(12.0))


def test_jobs_that_end_at_once_are_predicted_too(live: ModuleType) -> None:
    """However short the jobs are beside a request: none ends before it began."""
    experiment = live.Experiment(
        policies={"fixed": find_policy("fixed")},
        workload=find_workload("uniform(0s, 1s)"),
        factor=0.1,
        threads=1,
        seconds=1.0,
        seed=0,
    )
    predicted = live.predict(experiment, "fixed", latency=0.01, earlier=0.02)
    assert predicted.calls == pytest.approx(1 + 0.8, abs=1e-3)  # a fifth is over at the first look


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "'nope' is no TOML file"),
        (["--workload", "uniform(x, 1s)"], "must be a duration"),
        (["--seconds", "0"], "must be > 0"),
    ],
)
def test_wrong_usage_is_status_2(
    live: ModuleType, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what is wrong."""
    with pytest.raises(SystemExit) as ended:
        live.main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
