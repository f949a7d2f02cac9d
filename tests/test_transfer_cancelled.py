"""A request may be cancelled at any instant: that is at once, and leaves no connection behind."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from cancelling import CANCELLINGS, Cancelling, burst, left_behind, settled, within_a_task
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import drips, says, serve, whole
from ways import BACKENDS, LIBRARIES, async_client

from bide.errors import RequestError
from bide.http import apart
from bide.http.answers import Ask
from bide.http.transfer import atransfer, finish

pytestmark = pytest.mark.wire

JOB = b'{"id": "a1", "status": "pending"}'
CONNECTIONS = 10

ANSWERS = {
    "job": says(whole(JOB)),
    "slow": says(whole(JOB)[:20], whole(JOB)[20:-9], whole(JOB)[-9:], pause=0.002),
    "held": drips(b"", b""),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server that answers at once, or in pieces."""
    with serve(ANSWERS) as url:
        yield url


def test_httpx_by_itself_loses_connections(url: str) -> None:
    """The reason for all this: with a few bursts of cancelled requests, its pool is not what it was."""

    async def lost() -> list[str]:
        async with async_client("httpx", connections=CONNECTIONS) as http:
            drawn = random.Random(1)

            async def ask() -> None:
                await http.get(f"{url}/slow")

            for _ in range(10):
                await burst(within_a_task, ask, [drawn.uniform(0, 0.03) for _ in range(60)])
                if left := left_behind(http):
                    return left
            return []

    assert anyio.run(lost)


@pytest.mark.parametrize(("backend", "cancelling"), CANCELLINGS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_burst_of_cancelled_requests_leaves_nothing_behind(
    library: str, backend: str, cancelling: Cancelling, url: str
) -> None:
    """Whenever each is cancelled, the pool is whole afterwards, and serves as many as it may at once."""

    @settings(max_examples=4, database=None)
    @given(st.lists(st.floats(0, 0.03), min_size=30, max_size=30), st.sampled_from(["job", "slow"]))
    def law(instants: list[float], name: str) -> None:
        async def check() -> None:
            async with async_client(library, connections=CONNECTIONS) as http:
                ask = partial(atransfer, http, Ask("GET", f"{url}/{name}"), timeout=10)
                await burst(cancelling, ask, instants)
                await finish(http)
                assert await settled(http) == []
                async with anyio.create_task_group() as group:
                    for _ in range(CONNECTIONS):
                        group.start_soon(ask)
                assert left_behind(http) == []

        anyio.run(check, backend=backend)

    law()


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_request_cancelled_at_any_step_leaves_nothing_behind(
    library: str, backend: str, url: str, *, kept: bool
) -> None:
    """Over a new connection and over one that was kept, one scheduling step after the other."""

    async def check() -> None:
        for steps in range(25):
            async with async_client(library, connections=1) as http:
                ask = partial(atransfer, http, Ask("GET", f"{url}/job"), timeout=10)
                if kept:
                    await ask()
                async with anyio.create_task_group() as group:
                    group.start_soon(ask)
                    for _ in range(steps):
                        await anyio.lowlevel.checkpoint()
                    group.cancel_scope.cancel()
                await finish(http)
                assert await settled(http) == [], f"after {steps} steps"

    anyio.run(check, backend=backend)


@pytest.mark.parametrize(("backend", "cancelling"), CANCELLINGS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_who_waits_is_gone_at_once(library: str, backend: str, cancelling: Cancelling, url: str) -> None:
    """And so is the request, though its answer and its timeout are far away."""

    async def check() -> None:
        async with async_client(library) as http:
            begun = time.monotonic()
            await cancelling(partial(atransfer, http, Ask("GET", f"{url}/held"), timeout=60), 0.05)
            assert time.monotonic() - begun < 1
            await finish(http)
            assert time.monotonic() - begun < 1
            assert left_behind(http) == []

    anyio.run(check, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_who_waits_when_the_client_is_closed_is_told(library: str, backend: str, url: str) -> None:
    """It is a failure of the request like any other."""

    async def check() -> None:
        http = async_client(library)
        async with anyio.create_task_group() as group:
            group.start_soon(told, http)
            await anyio.sleep(0.05)
            begun = time.monotonic()
            await finish(http)  # is for those that nobody waits for
            assert time.monotonic() - begun < 0.5
            assert len(left_behind(http)) == 3
            await apart.close(http)
        assert left_behind(http) == []

    async def told(http: Any) -> None:
        with pytest.raises(RequestError, match="closed meanwhile"):
            await atransfer(http, Ask("GET", f"{url}/held"), timeout=60)

    anyio.run(check, backend=backend)


class Deaf(httpx.AsyncBaseTransport):
    """Never answers, whatever the timeouts say."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sleep."""
        await anyio.sleep_forever()
        raise AssertionError


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_transport_can_hold_who_waits(backend: str) -> None:
    """Also a transport that knows of no timeout."""

    async def check() -> None:
        async with httpx.AsyncClient(transport=Deaf()) as http:
            with pytest.raises(RequestError, match=r"no answer in 0\.05 s"):
                await atransfer(http, Ask("GET", "http://server.test"), timeout=0.05)

    anyio.run(check, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_wrong_with_the_client_itself_is_raised(backend: str) -> None:
    """An error that no other look can mend is none of the request's."""

    async def check() -> None:
        async with httpx.AsyncClient() as http:
            pass
        with pytest.raises(RuntimeError, match="closed"):
            await atransfer(http, Ask("GET", "http://127.0.0.1:1"), timeout=1)

    anyio.run(check, backend=backend)


NAME = ContextVar("NAME", default="nobody")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_request_knows_who_makes_it(backend: str) -> None:
    """What traces and logs keep in context variables is there while it is made."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=NAME.get().encode())

    async def check() -> None:
        NAME.set("somebody")
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            assert (await atransfer(http, Ask("GET", "http://server.test"), timeout=5)).body == b"somebody"

    anyio.run(check, backend=backend)
