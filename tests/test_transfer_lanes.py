"""Requests spread over several clients."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ways import BACKENDS

from bide.errors import ConfigError
from bide.http.answers import Ask
from bide.http.lanes import MOST_LANES, AsyncLanes

ASK = Ask("GET", "http://server.test/")


class Workshop:
    """Makes clients without a network, and sees what each has to do."""

    def __init__(self) -> None:
        self.clients: list[httpx.AsyncClient] = []
        self.loads: list[int] = []
        self.gate = anyio.Event()

    def make(self) -> httpx.AsyncClient:
        """Make a client whose requests are answered when the gate opens."""
        lane = len(self.loads)
        self.loads.append(0)

        async def answer(_: httpx.Request) -> httpx.Response:
            self.loads[lane] += 1
            await self.gate.wait()
            self.loads[lane] -= 1
            return httpx.Response(200)

        self.clients.append(httpx.AsyncClient(transport=httpx.MockTransport(answer)))
        return self.clients[-1]


def run(check: Any, backend: str = "asyncio") -> None:
    """Run a check."""
    anyio.run(check, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_after_the_other_needs_one_lane(backend: str) -> None:
    """A client of bide's own is as cheap as one client for who waits for one job."""

    async def check() -> None:
        workshop = Workshop()
        workshop.gate.set()
        lanes = AsyncLanes(workshop.make)
        for _ in range(5):
            assert (await lanes.transfer(ASK, timeout=5)).status == 200
        await lanes.aclose()
        assert [http.is_closed for http in workshop.clients] == [True]

    run(check, backend)


@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(1, 8))
def test_many_at_once_are_spread_evenly(requests: int, most: int) -> None:
    """No lane has two requests more than another, and there are no more lanes than allowed."""

    async def check() -> None:
        workshop = Workshop()
        lanes = AsyncLanes(workshop.make, most)
        async with anyio.create_task_group() as group:
            for _ in range(requests):
                group.start_soon(lambda: lanes.transfer(ASK, timeout=5))
            while sum(workshop.loads) < requests:
                await anyio.lowlevel.checkpoint()
            assert len(workshop.loads) == min(requests, most)
            assert max(workshop.loads) - min(workshop.loads) <= 1
            workshop.gate.set()
        await lanes.aclose()
        assert all(http.is_closed for http in workshop.clients)

    run(check)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_request_that_is_cancelled_leaves_its_lane(backend: str) -> None:
    """The lane is the least loaded again."""

    async def check() -> None:
        workshop = Workshop()
        lanes = AsyncLanes(workshop.make)
        for _ in range(3):
            with anyio.move_on_after(0):
                await lanes.transfer(ASK, timeout=5)
        assert len(workshop.clients) == 1
        workshop.gate.set()
        await lanes.aclose()

    run(check, backend)


def test_a_client_that_cannot_be_made_is_told_at_once() -> None:
    """Not at the first request."""

    def make() -> httpx.AsyncClient:
        raise ConfigError("no")

    with pytest.raises(ConfigError, match="no"):
        AsyncLanes(make)


@pytest.mark.wire
def test_the_comparison_of_clients_says_what_it_promises() -> None:
    """Every contender has a rate for every concurrency, and that of the bare client is the unit."""
    script = Path(__file__).parents[1] / "benchmarks" / "http_clients.py"
    short = ["--concurrency", "1", "2", "--seconds", "0.02", "--repeats", "1", "--held", "0", "--json"]
    done = subprocess.run(
        [sys.executable, script, *short], capture_output=True, text=True, check=True, timeout=60
    )
    document = json.loads(done.stdout)
    assert {"httpx", "httpx2"} == {*document["versions"], *document["skipped"]}
    names = [(rate["name"], rate["concurrency"]) for rate in document["rates"] if rate["library"] == "httpx"]
    assert names == [(name, tasks) for tasks in (1, 2) for name in ("bare", "one", "lanes")]
    assert all(rate["per_cpu_second"] > 0 for rate in document["rates"])
    assert {rate["ratio"] for rate in document["rates"] if rate["name"] == "bare"} == {1.0}
    assert MOST_LANES == 64
