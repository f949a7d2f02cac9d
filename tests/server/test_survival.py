"""What was acknowledged survives the death of the server; the long form is ``benchmarks/survival.py``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "survival.py"


@pytest.fixture
def survival(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark's module, which lies in no package."""
    spec = importlib.util.spec_from_file_location("survival", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "survival", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.wire
def test_no_acknowledged_job_is_lost(survival: ModuleType, tmp_path: Path) -> None:
    """After three SIGKILLs among creates that insist, every job is there, once, and the database is whole."""
    report = survival.survive(kills=3, threads=4, folder=tmp_path)
    assert report.acknowledged >= 4
    assert (report.lost, report.doubled, report.integrity) == (0, 0, "ok")
