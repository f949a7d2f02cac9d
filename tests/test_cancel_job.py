"""A wait that ends before its job can cancel the job too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from bide import (
    AsyncPoller,
    AttemptsExhausted,
    ConfigError,
    JobCancelled,
    JobFailed,
    JobNotFound,
    Limits,
    Poller,
    WaitCancelled,
    WaitError,
    WaitTimeout,
)
from bide.http import AsyncHttpPoller, AsyncJobClient, HttpJob, HttpPoller, JobClient, JobMapping
from bide.testing import VirtualClock
from bide_strategies import Fixed

URL = "https://api.test/v1/jobs/a1"
HEADERS = {"authorization": "Bearer sesame-open"}
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


class Server:
    """A server with one job, which keeps what it was asked for."""

    def __init__(self, status: str = "pending", *, code: int = 200, deleted: int = 204) -> None:
        self.status = status
        self.code = code
        self.deleted = deleted
        self.asked: list[tuple[str, str | None]] = []

    @property
    def deletes(self) -> list[str | None]:
        """Return the secrets that each DELETE came with."""
        return [secret for method, secret in self.asked if method == "DELETE"]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.asked.append((request.method, request.headers.get("authorization")))
        if request.method == "DELETE":
            return httpx.Response(self.deleted)
        return httpx.Response(self.code, json={"id": "a1", "status": self.status})


def wait_in_a_thread(server: Server, limits: Limits, **more: Any) -> Any:
    """Wait for the job with an `HttpPoller` on a virtual clock."""
    clock = VirtualClock()
    poller = Poller(Fixed(interval=1.0), limits, clock=clock.time, sleep=clock.sleep)
    http = httpx.Client(transport=httpx.MockTransport(server))
    return HttpPoller(poller, http=http).wait(HttpJob(URL, headers=HEADERS), **more)


def wait_in_a_task(server: Server, limits: Limits, **more: Any) -> Any:
    """Wait for the job with an `AsyncHttpPoller` on a virtual clock."""

    async def main() -> Any:
        clock = VirtualClock()
        poller = AsyncPoller(Fixed(interval=1.0), limits, clock=clock.time, sleep=clock.asleep)
        http = httpx.AsyncClient(transport=httpx.MockTransport(server))
        return await AsyncHttpPoller(poller, http=http).wait(HttpJob(URL, headers=HEADERS), **more)

    return asyncio.run(main())


Waiting = Callable[..., Any]
WAYS = pytest.mark.parametrize("wait", [wait_in_a_thread, wait_in_a_task])


@WAYS
@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (Limits(timeout=3.0), WaitTimeout),
        (Limits(max_attempts=2), AttemptsExhausted),
    ],
)
def test_a_job_that_is_no_longer_waited_for_is_cancelled(
    wait: Waiting, limits: Limits, error: type[WaitError]
) -> None:
    """After the wait's own error, with the caller's headers; and only if asked to."""
    with pytest.raises(error) as asked_to:
        wait(server := Server(), limits, cancel_job=True)
    assert server.deletes == ["Bearer sesame-open"]
    assert server.asked[-1][0] == "DELETE"
    assert not hasattr(asked_to.value, "__notes__")
    with pytest.raises(error):
        wait(server := Server(), limits)
    assert server.deletes == []


@WAYS
@pytest.mark.parametrize(
    ("server", "error"),
    [
        (Server("error"), JobFailed),
        (Server("cancelled"), JobCancelled),
        (Server(code=404), JobNotFound),
    ],
)
def test_a_job_that_is_over_is_left_alone(wait: Waiting, server: Server, error: type[WaitError]) -> None:
    """There is nothing to cancel."""
    with pytest.raises(error):
        wait(server, Limits(), cancel_job=True)
    assert server.deletes == []


@WAYS
def test_a_completed_job_is_left_alone(wait: Waiting) -> None:
    """Its outcome is returned as ever."""
    assert wait(server := Server("completed"), Limits(), cancel_job=True).calls == 1
    assert server.deletes == []


@WAYS
def test_a_failure_to_cancel_hides_nothing(wait: Waiting) -> None:
    """The wait's own error is raised, with a note that tells no secret."""
    with pytest.raises(WaitTimeout) as caught:
        wait(Server(deleted=405), Limits(timeout=3.0), cancel_job=True)
    (note,) = caught.value.__notes__
    assert "the job was not cancelled: RequestRefused" in note
    assert "405" in note
    assert "sesame" not in note


def test_an_interrupted_wait_cancels_its_job() -> None:
    """Whatever ends it: here what `on_update` raises, as Ctrl-C would."""

    def interrupt(update: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_in_a_thread(server := Server(), Limits(), on_update=interrupt, cancel_job=True)
    assert len(server.deletes) == 1


def test_the_cancel_event_cancels_the_job_too() -> None:
    """The client of a bide server says it in the same way."""
    cancel = threading.Event()
    server = Server()
    http = httpx.Client(transport=httpx.MockTransport(server))
    client = JobClient("https://api.test", Fixed(interval=60.0), http=http)
    with pytest.raises(WaitCancelled):
        client.wait_for_job_with_updates("a1", lambda _: cancel.set(), cancel=cancel, cancel_job=True)
    assert len(server.deletes) == 1


@BACKENDS
def test_a_cancelled_task_cancels_its_job(backend: str) -> None:
    """The request is made, and answered, though the scope around it is cancelled."""
    server = Server()

    async def main() -> bool:
        async def answer(request: httpx.Request) -> httpx.Response:
            await anyio.sleep(0.01)
            return server(request)

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        client = AsyncJobClient("https://api.test", Fixed(interval=60.0), http=http)
        with anyio.move_on_after(0.1) as scope:
            await client.wait_for_job("a1", cancel_job=True)
        return scope.cancelled_caught

    assert anyio.run(main, backend=backend)
    assert len(server.deletes) == 1


@BACKENDS
def test_cancelling_the_job_is_bounded_in_time(backend: str) -> None:
    """A server that does not answer holds a cancelled task back for one request's time, not more."""

    async def main() -> BaseException:
        async def answer(request: httpx.Request) -> httpx.Response:
            await anyio.sleep(60.0)
            raise AssertionError

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        client = AsyncJobClient("https://api.test", Fixed(), http=http, request_timeout=0.1)
        with anyio.move_on_after(0.05):
            try:
                await client.wait_for_job("a1", cancel_job=True)
            except BaseException as end:
                ends.append(end)
                raise
        return ends[0]

    ends: list[BaseException] = []
    assert "the job was not cancelled" in anyio.run(main, backend=backend).__notes__[0]


@WAYS
def test_a_job_that_was_never_understood_is_not_cancelled(wait: Waiting) -> None:
    """After a refusal, or an answer of an unknown shape, nobody knows what DELETE would destroy."""
    for server in (Server(code=401), Server(code=403)):
        with pytest.raises(WaitError):
            wait(server, Limits(), cancel_job=True)
        assert server.deletes == []


@pytest.mark.parametrize("kind", [HttpPoller, AsyncHttpPoller])
def test_only_a_mapping_that_knows_how_cancels(kind: Any) -> None:
    """DELETE at somebody else's API may delete the record, so it is refused before anything is asked."""
    job = HttpJob(URL, JobMapping(status="status", completed=["done"]))
    with pytest.raises(ConfigError, match=r"^cancel_job: the mapping does not say that DELETE cancels"):
        kind(http=None).wait(job, cancel_job=True)
