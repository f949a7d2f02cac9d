"""The client of bide's job server for threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from bide.driver import Update
from bide.durations import Seconds
from bide.http.api import JobId
from bide.http.driver import REQUEST_TIMEOUT
from bide.http.poller import HttpPoller
from bide.http.settings import Settings
from bide.http.surface import HTTPClient
from bide.outcome import Outcome
from bide.policy import Limits, Policy
from bide.strategy import Observation, Strategy


class JobClient(Settings[HttpPoller]):
    """
    Creates jobs on a bide server and waits for them.

    One client serves any number of threads and waits at once. Use it as a context manager, or `close` it.

    Args:
        base_url: where the server is, such as ``http://127.0.0.1:8080``.
        strategy: chooses the delays; or a whole `Policy`, or a `Poller`. By default exponential from 100 ms
            to 10 s, with up to half on top.
        limits: end a wait if the job does not; by default those of the policy, or 10 calls and 2 minutes.
        http: makes the requests: any client with httpx's surface, such as httpx2's; by default one of its
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
        http: HTTPClient | None = None,
        *,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        hold: Seconds = 0.0,
    ) -> None:
        """Check the arguments; open no connection yet."""
        waits = HttpPoller(strategy, limits, http, request_timeout=request_timeout, hold=hold)
        super().__init__(base_url, waits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, unless the caller brought the HTTP client."""
        self._waits.close()

    def create_job(
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
        return self._waits.run(self._api.creating(work, idempotency_key), self._waits.request_timeout)

    def cancel_job(self, job_id: str) -> Observation:
        """
        Cancel a job, and return where it stands then; one that has ended stays as it is.

        Raises:
            RequestError: the server cannot be reached; the job may be cancelled all the same.
            JobNotFound: there is no such job.
            RequestRefused: the server does not cancel it.
        """
        return self._waits.run(self._api.cancelling(job_id), self._waits.request_timeout)

    def get_status(self, job_id: str) -> Observation:
        """
        Look at a job once.

        Raises:
            RequestError: the look failed, and another may succeed.
            JobNotFound: there is no such job.
            RequestRefused: the server will not tell.
        """
        return self._waits.look(self._api.job(job_id))

    def wait_for_job(
        self,
        job_id: str,
        *,
        cancel: threading.Event | None = None,
        token: str | None = None,
        timeout: Seconds | None = None,
        key: str = "",
        cancel_job: bool = False,
    ) -> Outcome:
        """
        Poll until the job has completed, and return how it went.

        Args:
            job_id: of the job; as `create_job` gave it, the first poll follows the hint in it.
            cancel: ends the wait within 50 ms when somebody sets it; a request that is under way then keeps
                its connection until it is answered, for `request_timeout` at most.
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
            self._api.job(job_id, key), cancel=cancel, token=token, timeout=timeout, cancel_job=cancel_job
        )

    def wait_for_job_with_updates(
        self,
        job_id: str,
        on_update: Callable[[Update], object],
        *,
        cancel: threading.Event | None = None,
        token: str | None = None,
        timeout: Seconds | None = None,
        key: str = "",
        cancel_job: bool = False,
    ) -> Outcome:
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
            cancel=cancel,
            token=token,
            timeout=timeout,
            cancel_job=cancel_job,
        )

    def watch(
        self,
        job_id: str,
        *,
        cancel: threading.Event | None = None,
        token: str | None = None,
        timeout: Seconds | None = None,
        key: str = "",
    ) -> Iterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Raises:
            WaitError: after the last update, as `wait_for_job`.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0, or the key no text.
        """
        return self._waits.watch(self._api.job(job_id, key), cancel=cancel, token=token, timeout=timeout)

    def wait_for_jobs(
        self,
        job_ids: Iterable[str],
        *,
        at_once: int = 16,
        cancel: threading.Event | None = None,
        timeout: Seconds | None = None,
        key: str = "",
    ) -> Iterator[tuple[str, Outcome]]:
        """
        Wait for many jobs, and yield each id with its outcome, as it ends; none of the jobs raises.

        Args:
            job_ids: of the jobs.
            at_once: most requests at the same time; >= 1.
            cancel: ends all waits within 50 ms when somebody sets it; their outcomes have their tokens.
            timeout: seconds from now to the deadline of each; by default as the limits have it.
            key: what all of them have in common with some others of their kind, for a strategy that learns.

        Raises:
            ConfigError: an id is none, the key no text, `at_once` is no such number, or the timeout none of
                seconds > 0.
        """
        jobs = self._api.jobs(job_ids, key)
        waits = self._waits.wait_for_all(jobs, at_once=at_once, cancel=cancel, timeout=timeout)
        return ((str(job.job_id), outcome) for job, outcome in waits)
