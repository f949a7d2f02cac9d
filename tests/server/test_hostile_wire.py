"""Whatever comes over a socket, the server stands it; the long form is ``benchmarks/hostile.py``."""

from __future__ import annotations

import asyncio
import importlib
from collections import Counter
from pathlib import Path

import pytest

from bide.server import JobKind, ServerConfig
from bide.testing import running_server

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.wire
def test_a_thousand_hostile_requests_do_no_harm(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is answered or refused, no connection stays open, no trace is logged, and the server works."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    hostile = importlib.import_module("hostile")
    statuses: dict[str, Counter[int]] = {shape: Counter() for shape in hostile.SHAPES}
    with running_server(ServerConfig(kinds={"default": JobKind(failing=0)})) as url:
        hung = asyncio.run(hostile.attack(url, range(1000), 1, statuses))
        assert hostile.works(url)
    assert hung == 0
    seen = {status for counts in statuses.values() for status in counts}
    assert seen >= {200, 202, 400, 404, 405, 413, 422, 431, 501}
    assert not {status for status in seen if status >= 500} - {501, 505}
    assert not [record for record in caplog.records if record.exc_info]
