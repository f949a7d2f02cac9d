"""Connections that are kept from one request to the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from raw_server import Writer, says, serve, whole
from ways import WAYS, Way

from bide import AsyncHttpPoller, AttemptsExhausted, HttpJob, HttpPoller, Limits, Outcome
from bide.errors import RequestError
from bide.http.answers import Answer, Ask
from bide.http.exchange import StaleConnection
from bide.http.transfer import MOST_KEPT, atransfer, make_async_http, make_http, transfer
from bide_strategies import Fixed

pytestmark = pytest.mark.wire

JOB = b'{"id": "a1", "status": "pending"}'
FICKLE: list[Writer] = []
CALLS: list[str] = []


async def fickle(writer: Writer) -> None:
    """Answer, and close the connection when the next request has come over it."""
    await says(whole(JOB))(writer)
    FICKLE.append(writer)


async def fickle_now(writer: Writer) -> None:
    """Drop what comes over a connection that was kept; answer what comes first over another."""
    CALLS.append("fickle_now")
    if writer in FICKLE:
        writer.close()
    else:
        await fickle(writer)


async def each_once(writer: Writer) -> None:
    """Answer what comes first over a connection, and drop what comes next."""
    CALLS.append("each_once")
    if writer in FICKLE:
        writer.close()
    else:
        await fickle(writer)


async def shut(writer: Writer) -> None:
    """Close the connection without a word, and remember it."""
    CALLS.append("shut")
    writer.close()


def pool_of(http: Any) -> Any:
    """Return the pool of a client."""
    return http._transport._pool


ANSWERS = {
    "job": says(whole(JOB)),
    "slow": says(b"", whole(JOB), pause=0.1),
    "each_once": each_once,
    "shut": shut,
    "cookie": says(whole(JOB, b"Set-Cookie: id=1; Path=/")),
    "fickle": fickle,
    "fickle_now": fickle_now,
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server that keeps connections, or does not."""
    with serve(ANSWERS) as url:
        yield url


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_the_server_closed_is_known_as_such(way: Way, url: str) -> None:
    """A request that only asks may be made again if the kept one gave nothing."""
    CALLS.clear()
    first, second = way.outcomes(Ask("GET", f"{url}/fickle"), Ask("GET", f"{url}/fickle_now"))
    assert isinstance(first, Answer)
    assert isinstance(second, StaleConnection)
    assert CALLS == ["fickle_now"]


def in_threads(job: HttpJob, limits: Limits) -> Outcome:
    """Wait until the calls are used up."""
    with HttpPoller(Fixed(interval=0.001), limits) as waits, pytest.raises(AttemptsExhausted) as caught:
        waits.wait(job)
    assert caught.value.outcome is not None
    return caught.value.outcome


def in_asyncio(job: HttpJob, limits: Limits) -> Outcome:
    """Do the same in a task."""

    async def wait() -> Outcome:
        async with AsyncHttpPoller(Fixed(interval=0.001), limits) as waits:
            with pytest.raises(AttemptsExhausted) as caught:
                await waits.wait(job)
        assert caught.value.outcome is not None
        return caught.value.outcome

    return anyio.run(wait)


@pytest.mark.parametrize(("most", "failed"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
@pytest.mark.parametrize("wait", [in_threads, in_asyncio])
def test_a_connection_that_the_server_closed_fails_no_look(
    wait: Callable[[HttpJob, Limits], Outcome], most: int, failed: int, url: str
) -> None:
    """It is made again over another, once; both are calls, of which there are no more than there may be."""
    CALLS.clear()
    outcome = wait(HttpJob(f"{url}/each_once"), Limits(max_attempts=most))
    assert (outcome.calls, outcome.failed_calls) == (most, failed)
    assert (outcome.failure is None) == (most % 2 == 1)  # the last one could not be made again
    assert ["each_once"] * most == CALLS


@pytest.mark.parametrize("way", WAYS)
def test_a_new_connection_that_the_server_closes_is_a_failure(way: Way, url: str) -> None:
    """It was not closed before the request came."""
    CALLS.clear()
    assert type(way.failure(Ask("GET", f"{url}/shut"))) is RequestError
    assert CALLS == ["shut"]


@pytest.mark.parametrize("way", WAYS)
def test_what_may_change_something_is_asked_once(way: Way, url: str) -> None:
    """Nobody knows whether the server did it."""
    CALLS.clear()
    first, second = way.outcomes(Ask("GET", f"{url}/fickle"), Ask("POST", f"{url}/fickle_now"))
    assert isinstance(first, Answer)
    assert type(second) is RequestError
    assert CALLS == ["fickle_now"]


def test_a_connection_is_kept_for_the_next_request(url: str) -> None:
    """As long as polls are apart: two minutes."""
    with make_http(httpx.URL(url)) as http:
        for _ in range(3):
            transfer(http, Ask("GET", f"{url}/job"), timeout=5)
        [connection] = pool_of(http).connections
        assert "Request Count: 3" in connection.info()
        assert connection._connection._expire_at > time.monotonic() + 110


def test_no_cookie_is_kept_for_the_next_request(url: str) -> None:
    """The next may be for the job of somebody else, who shares the poller."""

    async def acookies() -> list[Any]:
        async with make_async_http(httpx.URL(url)) as http:
            await atransfer(http, Ask("GET", f"{url}/cookie"), timeout=5)
            return [*http.cookies.jar, http.build_request("GET", url).headers.get("cookie")]

    with make_http(httpx.URL(url)) as http:
        transfer(http, Ask("GET", f"{url}/cookie"), timeout=5)
        assert [*http.cookies.jar, http.build_request("GET", url).headers.get("cookie")] == [None]
    assert anyio.run(acookies) == [None]


def test_no_more_connections_are_kept_than_a_pool_can_look_through(url: str) -> None:
    """What many requests at once have opened is closed again when they end."""

    async def check() -> None:
        async with make_async_http(httpx.URL(url)) as http:
            async with anyio.create_task_group() as group:
                for _ in range(3 * MOST_KEPT):
                    group.start_soon(partial(atransfer, http, Ask("GET", f"{url}/slow"), timeout=10))
            assert 0 < len(pool_of(http).connections) <= MOST_KEPT

    anyio.run(check)
