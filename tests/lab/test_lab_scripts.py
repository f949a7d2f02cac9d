"""The lab's scripts in ``benchmarks/`` run and say what they promise; nothing here is judged by its time."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a script as a module, though it lies in no package."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_plans_are_as_cheap_as_promised(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the closed form, and beside plans among ten times as many points, none is 0.2 % too dear."""
    accuracy = load("lab_accuracy", monkeypatch)
    assert accuracy.main(["exponential(60s)", "uniform(5s, 15s)", "fixed(3s)", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["promised"] == 0.002
    assert [row["workload"] for row in document["rows"]] == [
        "exponential(60s)",
        "uniform(5s, 15s)",
        "fixed(3s)",
    ]
    assert all(-1e-9 <= row["excess_cost"] <= 0.002 for row in document["rows"])


def test_a_plan_that_is_too_dear_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among fewer points than the lab takes, the promise is broken, and the script says so."""
    accuracy = load("lab_accuracy", monkeypatch)
    monkeypatch.setattr(accuracy, "PROMISED", 1e-6)
    assert accuracy.main(["exponential(60s)"]) == 1


def test_the_speed_of_a_comparison_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole process, and a plan, have their seconds; the policies are in the catalogue."""
    speed = load("lab_speed", monkeypatch)
    monkeypatch.setattr(speed, "WORKLOADS", speed.WORKLOADS[:1])
    assert speed.main(["--repeats", "1", "--policies", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    compared, planned = document["rows"]
    assert compared["what"].startswith("compare 1 policies on ")
    assert 0 < compared["cpu"] <= 60
    assert (planned["wall"], planned["cpu"] > 0) == (None, True)
    assert len(speed.POLICIES) == 16


def test_the_speed_of_herds_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those whom nobody refuses, and those who are refused until they give up or until they are served."""
    speed = load("herd_speed", monkeypatch)
    assert speed.main(["--clients", "200", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["clients"] == 200
    assert [row["refused"] > 0 for row in document["rows"]] == [False, True, True] * 2
    assert all(row["cpu"] > 0 and row["calls"] >= 200 for row in document["rows"])
    assert speed.main(["--clients", "20"]) == 0
    assert "us/call" in capsys.readouterr().out
