"""Waiting for jobs behind URLs: the driver of conversations for asyncio and trio."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
import httpx

from bide.config import default_strategy
from bide.driver import Update
from bide.durations import Seconds
from bide.errors import RequestError
from bide.http.answers import Answer, Ask
from bide.http.async_gather import outcomes
from bide.http.conversation import Conversation, Exchange, cancelling
from bide.http.driver import (
    JOB_IS_OVER,
    REQUEST_TIMEOUT,
    SHORTEST,
    HttpDriver,
    check,
    check_client,
    check_job,
    is_near,
)
from bide.http.job import HttpJob
from bide.http.lanes import AsyncLanes
from bide.http.surface import AsyncHTTPClient
from bide.http.transfer import atransfer, finish, make_async_http
from bide.outcome import Outcome
from bide.policy import Limits, Policy
from bide.poller import AsyncPoller
from bide.rules import Number
from bide.strategy import Observation, Strategy

T = TypeVar("T")

MOST_AT_ONCE = 256
"""Requests that an async poller makes at the same time: four for each of its lanes."""


class AsyncHttpPoller(HttpDriver[AsyncPoller]):
    """
    Does for asyncio and trio what `HttpPoller` does for threads.

    Without an HTTP client of the caller's it spreads the requests over several of its own, because one slows
    down as more requests are under way. Use it as an async context manager, or `aclose` it.

    Args:
        strategy: chooses the delays; or a whole `Policy`, or an `AsyncPoller`. By default exponential from
            100 ms to 10 s, with up to half on top.
        limits: end a wait if the job does not; by default those of the policy, or 10 calls and 2 minutes.
        http: makes the requests: any client with the surface of ``httpx.AsyncClient``; by default some of its
            own, closed with this. Requests to another origin than a job's are never made with it.
        request_timeout: seconds that one look may take, its whole answer included; > 0.
        hold: seconds for which a server that can is asked to hold its answer back until the job ends
            (``Prefer: wait``): >= 1, in whole seconds, or 0 to ask for none. That time counts as slept.

    Raises:
        ConfigError: an argument is not what it must be.
    """

    def __init__(
        self,
        strategy: Strategy | Policy | None = None,
        limits: Limits | None = None,
        http: AsyncHTTPClient | None = None,
        *,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        hold: Seconds = 0.0,
    ) -> None:
        """Check the arguments; open no connection yet."""
        super().__init__(AsyncPoller.of(strategy or default_strategy(), limits), request_timeout, hold)
        check_client(http, "aclose", "an async client such as httpx.AsyncClient(…)")
        self._http = http
        self._own: dict[bool, AsyncLanes] = {}
        # A server holds as many requests as there are jobs; otherwise many at once only wait for each other.
        self._turns = anyio.CapacityLimiter(math.inf if hold else MOST_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """
        End what requests are under way, and close the connections, but not the caller's client.

        No request is made after that.
        """
        self._closed = True
        if self._http is not None:
            await finish(self._http)
        while self._own:
            await self._own.popitem()[1].aclose()

    def wait(
        self,
        job: HttpJob,
        *,
        on_update: Callable[[Update], object] | None = None,
        token: str | None = None,
        timeout: Seconds | None = None,
        cancel_job: bool = False,
    ) -> Coroutine[Any, Any, Outcome]:
        """
        Poll until the job has completed, and return how it went.

        The wait begins with the call, not when the coroutine is awaited.

        Args:
            job: to wait for.
            on_update: called with an update after every poll, as it happens.
            token: of an earlier wait for this job, to go on with.
            timeout: seconds from now to the deadline; by default as the limits have it, or the token.
            cancel_job: whether to ask the server to cancel the job (DELETE) if the wait ends before it: by a
                limit, a cancellation or any exception but a refusal; the mapping must know how. That takes
                one request more, of `request_timeout` seconds at most, which no scope of anyio or trio
                cancels; if it fails, a note on the exception says so.

        Raises:
            WaitError: the job ended otherwise, or a limit was reached.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0, or the mapping knows no cancelling.
        """
        if cancel_job:
            self._check_cancel(job)
        poll = self._begun(job, token, timeout)
        waiting = self.poller.wait(poll, poll.wait, on_update=on_update)
        return self._or_cancelled(waiting, job) if cancel_job else waiting

    def watch(
        self, job: HttpJob, *, token: str | None = None, timeout: Seconds | None = None
    ) -> AsyncIterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Raises:
            WaitError: after the last update, as `wait`.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0.
        """
        poll = self._begun(job, token, timeout)
        return self.poller.watch(poll, poll.wait)

    def wait_for_all(
        self, jobs: Iterable[HttpJob], *, at_once: int | None = None, timeout: Seconds | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[HttpJob, Outcome]]]:
        """
        Wait for many jobs at once; iterate over what it gives for each job and its outcome, as it ends.

        None of the jobs raises. Whoever leaves before the end cancels the waits that are left.

        Args:
            jobs: to wait for.
            at_once: most requests at the same time, >= 1; by default 256, or with `hold` one for each job.
            timeout: seconds from now to the deadline of each; by default as the limits have it.

        Raises:
            ConfigError: `at_once` is no such number, or the timeout none of seconds > 0.
        """
        check("at_once", at_once, Number(least=1, whole=True, optional=True))
        most = self._turns.total_tokens if at_once is None else at_once
        return self._outcomes(list(jobs), self._within(timeout), most)

    @asynccontextmanager
    async def _outcomes(
        self, jobs: list[HttpJob], poller: AsyncPoller, at_once: float
    ) -> AsyncIterator[AsyncIterator[tuple[HttpJob, Outcome]]]:
        polls = [self._poll(job, poller) for job in jobs]
        async with outcomes(poller, polls, at_once) as ended:
            yield ((poll.job, outcome) async for poll, outcome in ended)

    async def look(self, job: HttpJob) -> Observation:
        """
        Look at a job once.

        Raises:
            RequestError: the look failed, and another may succeed; a `RequestRefused` will not.
        """
        check_job(job)
        return await self.run(Conversation(job).look(), self.request_timeout)

    async def run(self, exchange: Exchange[T], timeout: Seconds) -> T:
        """
        Make the requests that an exchange asks for, and return what it makes of the answers.

        Raises:
            RequestError: as the exchange does.
        """
        async with self._turns:  # whose time in the queue is none of the request's
            return await self._run(exchange, timeout)

    async def _run(self, exchange: Exchange[T], timeout: Seconds) -> T:
        ends_at = time.monotonic() + timeout
        try:
            ask = next(exchange)
            while True:
                try:
                    left = max(ends_at - time.monotonic(), SHORTEST)
                    answer = await self._transfer(ask, left)
                except RequestError as error:
                    ask = exchange.throw(error)
                else:
                    ask = exchange.send(answer)
        except StopIteration as done:
            value: T = done.value
            return value

    async def _or_cancelled(self, waiting: Coroutine[Any, Any, Outcome], job: HttpJob) -> Outcome:
        """Wait, and ask the server to cancel the job if the wait ends before it."""
        try:
            return await waiting
        except (*JOB_IS_OVER, GeneratorExit):  # nothing can be awaited in a coroutine that is being closed
            raise
        except BaseException as end:
            await self._cancel(job, end)
            raise

    async def _cancel(self, job: HttpJob, end: BaseException) -> None:
        """Ask the server to cancel a job whose wait has ended."""
        try:
            with anyio.fail_after(self.request_timeout, shield=True):
                await self.run(cancelling(job), self.request_timeout)
        except Exception as error:
            end.add_note(f"the job was not cancelled: {error!r}")

    def _transfer(self, ask: Ask, timeout: Seconds) -> Awaitable[Answer]:
        self._check_open()
        if self._http is not None and not ask.elsewhere:
            return atransfer(self._http, ask, timeout=timeout)
        near = is_near(ask)
        if near not in self._own:
            url = httpx.URL(ask.url)
            self._own[near] = AsyncLanes(lambda: make_async_http(url))
        return self._own[near].transfer(ask, timeout=timeout)
