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
from bide.http.exchange import Body, asked, may_be_asked_again, request, told
from bide.http.surface import AsyncHTTPClient
from bide.http.wire import Wire

_STEPS = 3
"""What httpx may give a timeout to, one after the other, before a request is sent: pool, connection, TLS."""

_GRACE = 0.5
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
    try:
        with told(ask, timeout), anyio.fail_after(timeout):
            await exchange.done.wait()
            return exchange.outcome()
    finally:
        exchange.abandon()


async def finish(http: AsyncHTTPClient) -> None:
    """End all requests of a client, so that it can be closed; who waits for one gets a `RequestError`."""
    running = [exchange for exchange in tuple(_running) if exchange.http is http]
    for exchange in running:
        exchange.abandon()
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(_GRACE):
            for exchange in running:
                await exchange.done.wait()
        for exchange in running:
            exchange.scope.cancel()
            await exchange.done.wait()


class _Exchange:
    """A request that runs apart from who waits for it."""

    def __init__(self, http: AsyncHTTPClient, ask: Ask, timeout: Seconds) -> None:
        self.http = http
        self.done = anyio.Event()
        self.scope = anyio.CancelScope()
        self._ask = ask
        self._timeout = timeout
        self._wire = Wire()
        self._abandoned = False
        self._answer: Answer | None = None
        self._failure: Exception | None = None

    def start(self) -> None:
        """Begin, in a task of its own."""
        _running.add(self)
        _spawn(self._run)

    def abandon(self) -> None:
        """Let it end as soon as it safely can: nobody waits for it."""
        self._abandoned = True
        if self._wire.sent:
            self.scope.cancel()

    def outcome(self) -> Answer:
        """Return the answer, or raise what came instead."""
        if self._failure is not None:
            raise self._failure
        if self._answer is None:
            raise RequestError(f"{asked(self._ask)}: the client was closed meanwhile")
        return self._answer

    async def _run(self) -> None:
        try:
            with self.scope:
                self.scope.deadline = anyio.current_time() + _STEPS * self._timeout + _GRACE
                self._answer = await self._attempts()
        except Exception as error:
            self._failure = error
        finally:
            self.done.set()
            _running.discard(self)

    async def _attempts(self) -> Answer:
        try:
            return await self._attempt()
        except Exception as error:
            if self.scope.cancel_called or not may_be_asked_again(self._ask, self._wire, error):
                raise
        self._wire = Wire()
        return await self._attempt()

    async def _attempt(self) -> Answer:
        async with self.http.stream(**request(self._ask, self._timeout, self._note)) as response:
            self._wire.answered = True
            body = Body(self._ask, response)
            if not body.is_read:
                async for piece in response.aiter_raw():
                    body.add(piece)
            return body.answer()

    async def _note(self, event: str, info: dict[str, Any]) -> None:
        self._wire.note(event, info)
        if self._abandoned:
            self.abandon()


def _spawn(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run something in a task that no scope and no group of the caller's reaches."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        trio.lowlevel.spawn_system_task(run, context=contextvars.copy_context())
    else:
        task = asyncio.get_running_loop().create_task(run())
        _tasks.add(task)  # the loop itself only knows tasks weakly
        task.add_done_callback(_tasks.discard)


_tasks: set[asyncio.Task[None]] = set()
