"""The client of bide's job server for asyncio and trio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from bide.driver import Update
from bide.durations import Seconds
from bide.http.api import JobId
from bide.http.async_poller import AsyncHttpPoller
from bide.http.driver import REQUEST_TIMEOUT
from bide.http.job import HttpJob
from bide.http.settings import Settings
from bide.http.surface import AsyncHTTPClient
from bide.outcome import Outcome
from bide.policy import Limits, Policy
from bide.strategy import Observation, Strategy


class AsyncJobClient(Settings[AsyncHttpPoller]):
    """
    Does for asyncio and trio what `JobClient` does for threads.

    A wait is cancelled as any task is, and leaves no connection behind. Without an HTTP client of the
    caller's the requests are spread over several. Use it as an async context manager, or `aclose` it.

    Args:
        base_url: where the server is, such as ``http://127.0.0.1:8080``.
        strategy: chooses the delays; or a whole `Policy`, or an `AsyncPoller`. By default exponential from
            100 ms to 10 s, with up to half on top.
        limits: end a wait if the job does not; by default those of the policy, or 10 calls and 2 minutes.
        http: makes the requests: any client with the surface of ``httpx.AsyncClient``; by default some of its
            own, closed with this.
        request_timeout: seconds that one request may take, its whole answer included; > 0.
        hold: seconds for which the server is asked to hold an answer back until the job ends: >= 1, or 0 to
            ask for none.

    Raises:
        ConfigError: the URL is not one of a server, or another argument is not what it must be.
    """

    def __init__(
        self,
        base_url: str,
        strategy: Strategy | Policy | None = None,
        limits: Limits | None = None,
        http: AsyncHTTPClient | None = None,
        *,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        hold: Seconds = 0.0,
    ) -> None:
        """Check the arguments; open no connection yet."""
        waits = AsyncHttpPoller(strategy, limits, http, request_timeout=request_timeout, hold=hold)
        super().__init__(base_url, waits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless the caller brought the HTTP client."""
        await self._waits.aclose()

    async def create_job(
        self, work: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None
    ) -> JobId:
        """
        Create a job, and return its id, which is text and holds the server's hint for the first look.

        Args:
            work: what the server should take as the job's ``input``, if anything.
            idempotency_key: of the caller's choice: however often it comes, there is one job for it. So a
                request whose answer was lost may be made again.

        Raises:
            RequestError: the server cannot be reached, or answered no job; a job may exist all the same.
            RequestRefused: the server does not take this job.
            ConfigError: the work is nothing that JSON can hold, or the key nothing that a header can.
        """
        return await self._waits.run(self._api.creating(work, idempotency_key), self._waits.request_timeout)

    async def cancel_job(self, job_id: str) -> Observation:
        """
        Cancel a job, and return where it stands then; one that has ended stays as it is.

        Raises:
            RequestError: the server cannot be reached; the job may be cancelled all the same.
            JobNotFound: there is no such job.
            RequestRefused: the server does not cancel it.
        """
        return await self._waits.run(self._api.cancelling(job_id), self._waits.request_timeout)

    async def get_status(self, job_id: str) -> Observation:
        """
        Look at a job once.

        Raises:
            RequestError: the look failed, and another may succeed.
            JobNotFound: there is no such job.
            RequestRefused: the server will not tell.
        """
        return await self._waits.look(self._api.job(job_id))

    def wait_for_job(
        self,
        job_id: str,
        *,
        token: str | None = None,
        timeout: Seconds | None = None,
        key: str = "",
        cancel_job: bool = False,
    ) -> Coroutine[Any, Any, Outcome]:
        """
        Poll until the job has completed, and return how it went.

        The wait begins with the call, not when the coroutine is awaited.

        Args:
            job_id: of the job; as `create_job` gave it, the first poll follows the hint in it.
            token: of an earlier wait for this job, to go on with.
            timeout: seconds from now to the deadline; by default as the limits have it, or the token.
            key: what the job has in common with some others of its kind, such as its size, if a strategy
                learns; by default that of the token, or none.
            cancel_job: whether to cancel the job too if the wait ends before it does; if that fails, a note
                on the exception says so.

        Raises:
            WaitError: the job failed, is unknown, or a limit was reached; the error's kind says which.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0, or the key no text.
        """
        return self._waits.wait(
            self._api.job(job_id, key), token=token, timeout=timeout, cancel_job=cancel_job
        )

    def wait_for_job_with_updates(
        self,
        job_id: str,
        on_update: Callable[[Update], object],
        *,
        token: str | None = None,
        timeout: Seconds | None = None,
        key: str = "",
        cancel_job: bool = False,
    ) -> Coroutine[Any, Any, Outcome]:
        """
        Do as `wait_for_job`, and call back with an update after every poll, as it happens.

        Raises:
            WaitError: as `wait_for_job`.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0, or the key no text.
        """
        return self._waits.wait(
            self._api.job(job_id, key),
            on_update=on_update,
            token=token,
            timeout=timeout,
            cancel_job=cancel_job,
        )

    def watch(
        self,
        job_id: str,
        *,
        token: str | None = None,
        timeout: Seconds | None = None,
        key: str = "",
    ) -> AsyncIterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Raises:
            WaitError: after the last update, as `wait_for_job`.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0, or the key no text.
        """
        return self._waits.watch(self._api.job(job_id, key), token=token, timeout=timeout)

    def wait_for_jobs(
        self,
        job_ids: Iterable[str],
        *,
        at_once: int | None = None,
        timeout: Seconds | None = None,
        key: str = "",
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, Outcome]]]:
        """
        Wait for many jobs at once; iterate over what it gives for each id and its outcome, as it ends.

        None of the jobs raises. Whoever leaves before the end cancels the waits that are left.

        Args:
            job_ids: of the jobs.
            at_once: most requests at the same time, >= 1; by default 256, or with `hold` one for each job.
            timeout: seconds from now to the deadline of each; by default as the limits have it.
            key: what all of them have in common with some others of their kind, for a strategy that learns.

        Raises:
            ConfigError: an id is none, the key no text, `at_once` is no such number, or the timeout none of
                seconds > 0.
        """
        jobs = self._api.jobs(job_ids, key)
        return _by_id(self._waits.wait_for_all(jobs, at_once=at_once, timeout=timeout))


@asynccontextmanager
async def _by_id(
    waits: AbstractAsyncContextManager[AsyncIterator[tuple[HttpJob, Outcome]]],
) -> AsyncIterator[AsyncIterator[tuple[str, Outcome]]]:
    async with waits as ended:
        yield ((str(job.job_id), outcome) async for job, outcome in ended)
