"""The comparisons in ``benchmarks/`` run and say what they promise; nothing here is judged by its time."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
FORMS = ["none", "exponential", "equal", "full", "decorrelated"]


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a script as a module, though it lies in no package."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def contention(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The contention experiment."""
    return load("contention", monkeypatch)


@pytest.fixture
def overhead(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The comparison of bookkeeping."""
    return load("overhead", monkeypatch)


def test_contention_is_near_the_published_figures(
    contention: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """With ten clients and few runs, calls and times of all five forms are nearly the simulator's."""
    status = contention.main(["--runs", "30", "--clients", "10", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (status, document["runs"], document["seed"]) == (0, 30, 1)
    cells = document["cells"]
    assert [cell["form"] for cell in cells] == FORMS
    assert [cell["published_calls"] for cell in cells] == [50, 51, 42, 38, 37]
    assert [cell["published_ms"] for cell in cells] == [382, 3590, 732, 465, 434]
    for cell in cells:
        assert cell["calls"] == pytest.approx(cell["published_calls"], rel=0.1)
        assert cell["ms"] == pytest.approx(cell["published_ms"], rel=0.2)
        assert cell["deviation"] == pytest.approx(cell["calls"] / cell["published_calls"] - 1)
        assert 0 < cell["calls_error"] < 0.05 * cell["calls"]


@pytest.mark.parametrize(
    ("form", "least", "most"),
    [
        ("none", [0, 0, 0], [0, 0, 0]),
        ("exponential", [10, 20, 40], [10, 20, 40]),
        ("equal", [5, 10, 20], [10, 20, 40]),
        ("full", [0, 0, 0], [10, 20, 40]),
        ("decorrelated", [5, 5, 5], [15, 45, 135]),
    ],
)
def test_the_first_wait_is_that_of_attempt_one(
    contention: ModuleType, form: str, least: list[float], most: list[float]
) -> None:
    """After n failures a wait is drawn from base * 2**n, and the decorrelated chain starts at the base."""
    for u, milliseconds in ((0.0, least), (1.0, most)):
        client = contention.Client(contention.FORMS[form])
        assert [1000 * client.back_off(0.0, u) for _ in range(3)] == pytest.approx(milliseconds)


def test_a_seed_gives_the_same_contention_again(contention: ModuleType) -> None:
    """Equal seeds give equal cells, and another seed gives another."""
    first, again, other = (contention.measure("full", 10, runs=2, seed=seed) for seed in (7, 7, 8))
    assert first == again != other


@pytest.mark.parametrize(
    ("clients", "runs", "deviation", "expected"),
    [
        (100, 100, 0.031, True),
        (100, 100, -0.031, True),
        (100, 100, 0.029, False),
        (100, 99, 0.5, False),
        (50, 100, 0.5, False),
        (100, 100, None, False),
    ],
)
def test_only_the_sure_row_is_judged(
    contention: ModuleType, clients: int, runs: int, deviation: float | None, expected: bool
) -> None:
    """More than 3 % off at N = 100 over 100 runs is too far; with less to go by, nothing is."""
    cell = contention.Cell(
        form="full",
        clients=clients,
        ms=1.0,
        calls=1.0,
        calls_error=None,
        published_ms=None,
        published_calls=None,
        deviation=deviation,
    )
    assert contention.deviates(cell, runs=runs) is expected


def test_clients_without_published_figures_are_shown_without(
    contention: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any number of clients can be tried; the table has a dash where there is nothing to compare with."""
    assert contention.main(["--runs", "1", "--clients", "3"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["N", "form", "ms"]
    assert [row.split()[1] for row in rows] == FORMS
    assert all(row.split()[0] == "3" and "-" in row.split() for row in rows)


def test_overhead_tells_the_cost_of_every_library(
    overhead: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """The JSON has a row for each loop and library in each form, or the library's name among the skipped."""
    assert overhead.main(["--polls", "20", "--repeats", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["polls"], document["repeats"]) == (20, 2)
    assert document["python"]
    for form in ("sync", "async"):
        rows = {row["name"]: row for row in document["rows"] if row["form"] == form}
        assert {*rows, *document["skipped"]} == {*overhead.OWN, *overhead.LIBRARIES}
        assert {"bare loop", "by hand", "bide"} <= rows.keys()
        assert rows["bide"]["ratio"] == 1.0
        for row in rows.values():
            assert row.keys() == {"form", "name", "version", "per_poll", "per_call", "ratio"}
            assert (row["version"] is None) == (row["name"] in overhead.OWN)


def test_a_library_that_is_missing_is_skipped_by_name(
    overhead: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be imported is named below the table, and the others are compared."""
    for module in ("tenacity", "backoff", "backoffs", "stamina", "google.api_core.retry"):
        monkeypatch.setitem(sys.modules, module, None)
    assert overhead.main(["--polls", "2", "--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    assert "not installed: backoff, backoffs, google-api-core, tenacity, stamina" in printed
    assert "bide" in printed


def test_a_contender_that_looks_too_seldom_is_refused(overhead: ModuleType) -> None:
    """Who does not do the same work is not compared."""
    job = overhead.Job()
    lazy = overhead.Contender("lazy", None, job, job.look)
    with pytest.raises(RuntimeError, match="lazy looked 1 times instead of 3"):
        lazy.microseconds(3, 1)


def test_a_contender_that_sleeps_is_refused(overhead: ModuleType) -> None:
    """Only the bookkeeping is compared."""
    job = overhead.AsyncJob()
    sleepy = overhead.Contender("sleepy", None, job, partial(anyio.sleep, 1.0), "async")
    with pytest.raises(RuntimeError, match="it slept all the same"):
        asyncio.run(_microseconds(sleepy))


async def _microseconds(contender: Any) -> object:
    return contender.microseconds(1, 1)


@pytest.mark.wire
def test_many_waits_all_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every wait sees its job's end, and the row says what that took."""
    waits = load("waits", monkeypatch)
    monkeypatch.setattr(waits, "MARGIN", 0.2)
    arguments = ["--waits", "20", "--traced", "0", "--spread", "0.1", "--way", "bide", "--json"]
    assert waits.main(arguments) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["way"], row["waits"], row["ended"], row["traced"]) == ("bide", 20, 20, None)
    assert 20 <= row["calls"] <= 40
    assert row["cpu"] > 0


def test_a_plan_that_was_learned_is_between_the_optimum_and_the_fallback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the script measures is at least the optimum's cost, and with thirty jobs far below the seed's."""
    learning = load("learning", monkeypatch)
    case = learning.cases()[0]
    polled, plain = next(learning.censored(case, [30], 0))
    ratios = [learning.exact(case, 30, 0), polled, plain, learning.after_drift(case, 2.0, 0)]
    assert all(0.999 < ratio < 1.5 for ratio in ratios)
    assert all(0.999 < ratio < 3.3 for ratio in learning.after_drift_between(case, 2.0, 0))
    assert learning.first(case, learning.backoff, 2, 0) == 1
    assert learning.first(case, learning.backoff, 30, 0) < 0.5


def test_what_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning again in more than 50 ms is named, and a plan of no more than 100 kB is not."""
    learning = load("learning", monkeypatch)
    measured = {"planning for calls, ms": 50.1, "a decision, us": 4.9, "a plan, kB": 100.0}
    assert list(learning.too_slow(measured)) == ["planning for calls, ms: 50.1 > 50, here"]


@pytest.mark.wire
@pytest.mark.skipif(sys.platform != "linux", reason="it chooses cores")
def test_the_server_is_put_under_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The loader in its own process gets answers from a server with many jobs, and each figure is told."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    server_load = load("server_load", monkeypatch)
    monkeypatch.setattr(server_load, "SOCKETS", 20)
    arguments = ["--jobs", "50", "--rounds", "1", "--looks", "10", "--only", "opening", "sockets", "--json"]
    assert server_load.main(arguments) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["what"] for finding in findings] == [
        "opening the great database",
        "status read beside 20 sockets",
    ]
    assert all(finding["figure"] > 0 for finding in findings)
