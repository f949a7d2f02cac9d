"""
Async requests that nobody's cancellation can damage.

httpx's pool loses a connection for good when a task is cancelled between its assignment and its use. So a
request runs in a task of its own, which nobody else can cancel, and who waits for it may leave at any
instant. From then on it is of no use, and ends itself as soon as that is safe: once its sending has begun
its connection is its own, and httpx closes what is cancelled there; before that it goes on, within httpx's
own timeouts.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import anyio

from bide.durations import Seconds
from bide.errors import RequestError
from bide.http.answers import Answer, Ask
from bide.http.exchange import Body, request, told, too_late
from bide.http.logs import discreet
from bide.http.surface import AsyncHTTPClient
from bide.http.wire import Wire

_STEPS = 3
"""What httpx may give a timeout to, one after the other, before a request is sent: pool, connection, TLS."""

_GRACE = 1.0
"""Seconds beyond its time for a request to end by itself."""

_running: set[_Exchange] = set()


async def atransfer(http: AsyncHTTPClient, ask: Ask, *, timeout: Seconds) -> Answer:
    """
    Make a request, and read the answer to its end; redirects are answers too.

    Whoever waits may be cancelled at any instant: that is at once, and leaves no connection behind.

    Args:
        http: makes the request.
        ask: what is asked for.
        timeout: seconds for the whole answer.

    Raises:
        RequestError: no connection, no answer in time, or one that is too long or not HTTP.
    """
    exchange = _Exchange(http, ask, timeout)
    exchange.start()
    with told(ask, timeout, exchange.wire):
        try:
            await exchange.wait(timeout)
        finally:
            exchange.abandon()
        return exchange.outcome()


async def finish(http: AsyncHTTPClient) -> None:
    """
    Wait until a client makes no request any more that nobody waits for.

    That takes a moment. What is still being connected after a second is left to end by itself.
    """
    with anyio.move_on_after(_GRACE, shield=True):
        for exchange in _exchanges(http):
            if exchange.abandoned:
                await exchange.done.wait()


async def close(http: AsyncHTTPClient) -> None:
    """End all requests of a client, and close it; who waits for one gets a `RequestError`."""
    for exchange in _exchanges(http):
        exchange.abandon()
    await finish(http)
    await http.aclose()


def _exchanges(http: AsyncHTTPClient) -> list[_Exchange]:
    return [exchange for exchange in tuple(_running) if exchange.http is http]


class _Exchange:
    """A request that runs apart from who waits for it."""

    def __init__(self, http: AsyncHTTPClient, ask: Ask, timeout: Seconds) -> None:
        self.http = http
        self.abandoned = False
        self.done = anyio.Event()
        self._scope = anyio.CancelScope()
        self._ask = ask
        self._timeout = timeout
        self.wire = Wire()
        self._answer: Answer | None = None
        self._failure: Exception | None = None
        self._task: object = None  # the loop itself only knows tasks weakly

    def start(self) -> None:
        """Begin, in a task of its own."""
        _running.add(self)
        self._task = _spawned(self._run)

    async def wait(self, seconds: Seconds) -> None:
        """Wait until it is done, for so many seconds at most."""
        if isinstance(self._task, asyncio.Task):  # what anyio keeps of a task would outlive the request
            await asyncio.wait((self._task,), timeout=seconds)
        else:
            with anyio.move_on_after(seconds):
                await self.done.wait()

    def abandon(self) -> None:
        """Let it end as soon as it safely can: nobody waits for it."""
        self.abandoned = True
        if self.wire.sent and not self.done.is_set():
            self._scope.cancel()

    def outcome(self) -> Answer:
        """Return the answer, or raise what came instead."""
        if self._failure is not None:
            raise self._failure
        if self._answer is not None:
            return self._answer
        if self.done.is_set():
            raise RequestError(f"{self._ask}: the client was closed meanwhile")
        raise too_late(self.http, self.wire)

    async def _run(self) -> None:
        try:
            with self._scope, discreet(self._ask):
                self._scope.deadline = anyio.current_time() + _STEPS * self._timeout + _GRACE
                self._answer = await self._answered()
        except Exception as error:
            self._failure = error
        finally:
            self.done.set()
            _running.discard(self)

    async def _answered(self) -> Answer:
        async with self.http.stream(**request(self._ask, self._timeout, self._note)) as response:
            body = Body(self._ask, response)
            if not body.is_read:
                async for piece in response.aiter_raw():
                    self._take(piece, body)
            return body.answer()

    def _take(self, piece: bytes, body: Body) -> None:
        try:
            body.add(piece)
        except ValueError as error:
            self._failure = error
            self._scope.cancel()  # httpx's generators are closed only by what comes from inside them

    async def _note(self, event: str, info: dict[str, Any]) -> None:
        self.wire.note(event, info)
        if self.abandoned:
            self.abandon()


def _spawned(run: Callable[[], Coroutine[Any, Any, None]]) -> object:
    """Run something in a task that no scope and no group of the caller's reaches; return the task."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        return trio.lowlevel.spawn_system_task(run, context=contextvars.copy_context())
    return asyncio.get_running_loop().create_task(run())
