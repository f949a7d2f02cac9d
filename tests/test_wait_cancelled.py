"""A wait may be cancelled at any instant: no connection of ours is stuck afterwards, with any client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from typing import Any

import anyio
import pytest
from cancelling import CANCELLINGS, Cancelling, burst, left_behind, settled
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import says, serve, whole
from ways import async_client, sync_client

from bide import AsyncHttpPoller, HttpJob, HttpPoller, Limits, WaitCancelled
from bide.http import apart
from bide_strategies import Fixed

pytestmark = pytest.mark.wire

JOB = b'{"id": "a1", "status": "pending"}'
ANSWERS = {
    "job": says(whole(JOB)),
    "slow": says(whole(JOB)[:20], whole(JOB)[20:-9], whole(JOB)[-9:], pause=0.002),
}
SOON = Fixed(interval=0.005)
ENDLESS = Limits(timeout=60.0, max_attempts=None)

libraries = st.sampled_from([None, *(name for name in ("httpx", "httpx2") if find_spec(name))])
"""Whose client makes the requests; None for those that bide makes itself."""

names = st.sampled_from(sorted(ANSWERS))
few = settings(max_examples=6, database=None)


def instants(count: int) -> st.SearchStrategy[list[float]]:
    """Draw when so many waits are cancelled, in seconds: while connections are made, or little later."""
    return st.lists(st.integers(0, 15_000).map(lambda us: us / 1e6), min_size=count, max_size=count)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server whose job never ends, and which answers at once or in pieces."""
    with serve(ANSWERS) as url:
        yield url


@pytest.mark.parametrize(("backend", "cancelling"), CANCELLINGS)
def test_no_cancelled_task_leaves_a_connection_stuck(backend: str, cancelling: Cancelling, url: str) -> None:
    """In a sleep or at any point of a look, many waits at once, each at an instant of its own."""

    @few
    @given(instants(20), names, libraries)
    def law(instants: list[float], name: str, library: str | None) -> None:
        async def check() -> None:
            http = async_client(library) if library else None
            async with AsyncHttpPoller(SOON, ENDLESS, http) as waits:
                await burst(cancelling, partial(waits.wait, HttpJob(f"{url}/{name}")), instants)
                for client in _pools(waits) if http is None else [http]:
                    await apart.finish(client)
                    assert await settled(client) == []
            if http is not None:
                await http.aclose()

        anyio.run(check, backend=backend)

    law()


def _pools(waits: AsyncHttpPoller) -> list[Any]:
    """Return the clients that a poller has made for itself."""
    return [lane.http for lanes in waits._own.values() for lane in lanes._lanes]


@few
@given(instants(6), names, libraries)
def test_no_cancelled_thread_leaves_a_connection_stuck(
    url: str, instants: list[float], name: str, library: str | None
) -> None:
    """The look that a cancelled wait leaves to itself gives its connection back."""
    job = HttpJob(f"{url}/{name}")
    with ExitStack() as stack:
        http = stack.enter_context(sync_client(library)) if library else None
        waits = stack.enter_context(HttpPoller(SOON, ENDLESS, http))
        with ThreadPoolExecutor(len(instants)) as threads:
            list(threads.map(partial(_cancelled, waits, job), instants))
        for look in (one for one in threading.enumerate() if one.name == "bide-poll"):
            look.join(10.0)
        for client in waits._own.values() if http is None else [http]:
            assert left_behind(client) == []


def _cancelled(waits: HttpPoller, job: HttpJob, instant: float) -> None:
    cancel = threading.Event()
    timer = threading.Timer(instant, cancel.set)
    timer.start()
    with pytest.raises(WaitCancelled):
        waits.wait(job, cancel=cancel)
    timer.join()
