"""Waiting for jobs behind URLs: the driver of conversations for threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self, TypeVar

import httpx

from bide.config import default_strategy
from bide.driver import Update
from bide.durations import Seconds
from bide.errors import RequestError
from bide.http.answers import Answer, Ask
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
from bide.http.gather import outcomes
from bide.http.job import HttpJob
from bide.http.surface import HTTPClient
from bide.http.transfer import make_http, transfer, transfer_apart
from bide.outcome import Outcome
from bide.policy import Limits, Policy
from bide.poller import Poller
from bide.rules import Number
from bide.strategy import Observation, Strategy

T = TypeVar("T")


class HttpPoller(HttpDriver[Poller]):
    """
    Waits for jobs behind URLs, of whoever's API.

    One serves any number of threads and waits at once. Use it as a context manager, or `close` it.

    Args:
        strategy: chooses the delays; or a whole `Policy`, or a `Poller`. By default exponential from 100 ms
            to 10 s, with up to half on top.
        limits: end a wait if the job does not; by default those of the policy, or 10 calls and 2 minutes.
        http: makes the requests: any client with httpx's surface, such as httpx2's; by default one of its
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
        http: HTTPClient | None = None,
        *,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        hold: Seconds = 0.0,
    ) -> None:
        """Check the arguments; open no connection yet."""
        super().__init__(Poller.of(strategy or default_strategy(), limits), request_timeout, hold)
        check_client(http, "close", "a client such as httpx.Client(…)")
        self._http = http
        self._own: dict[bool, httpx.Client] = {}
        self._opening = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, but not the caller's client; no request is made after that."""
        with self._opening:
            self._closed = True
            while self._own:
                self._own.popitem()[1].close()

    def wait(
        self,
        job: HttpJob,
        *,
        on_update: Callable[[Update], object] | None = None,
        cancel: threading.Event | None = None,
        token: str | None = None,
        timeout: Seconds | None = None,
        cancel_job: bool = False,
    ) -> Outcome:
        """
        Poll until the job has completed, and return how it went.

        Args:
            job: to wait for.
            on_update: called with an update after every poll, as it happens.
            cancel: ends the wait within 50 ms when somebody sets it; a request that is under way then is left
                to itself, and keeps its connection until it is answered, for `request_timeout` at most.
            token: of an earlier wait for this job, to go on with.
            timeout: seconds from now to the deadline; by default as the limits have it, or the token.
            cancel_job: whether to ask the server to cancel the job (DELETE) if the wait ends before it: by a
                limit, a cancellation or any exception but a refusal; the mapping must know how. That takes
                one request more, of `request_timeout` seconds at most; if it fails, a note on the exception
                says so.

        Raises:
            WaitError: the job ended otherwise, a limit was reached, or the wait was cancelled.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0, or the mapping knows no cancelling.
        """
        if cancel_job:
            self._check_cancel(job)
        poll = self._begun(job, token, timeout)
        try:
            return self.poller.wait(poll, poll.wait, on_update=on_update, cancel=cancel)
        except JOB_IS_OVER:
            raise
        except BaseException as end:
            if cancel_job:
                self._cancel(job, end)
            raise

    def watch(
        self,
        job: HttpJob,
        *,
        cancel: threading.Event | None = None,
        token: str | None = None,
        timeout: Seconds | None = None,
    ) -> Iterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Raises:
            WaitError: after the last update, as `wait`.
            TokenError: the token is none.
            ConfigError: the timeout is no number of seconds > 0.
        """
        poll = self._begun(job, token, timeout)
        return self.poller.watch(poll, poll.wait, cancel=cancel)

    def wait_for_all(
        self,
        jobs: Iterable[HttpJob],
        *,
        at_once: int = 16,
        cancel: threading.Event | None = None,
        timeout: Seconds | None = None,
    ) -> Iterator[tuple[HttpJob, Outcome]]:
        """
        Wait for many jobs, and yield each with its outcome, as it ends; none of them raises.

        The waits go on while the caller is busy with an outcome. Who leaves before the end cancels those that
        are left.

        Args:
            jobs: to wait for.
            at_once: most requests at the same time; >= 1.
            cancel: ends all waits within 50 ms when somebody sets it; their outcomes have their tokens.
            timeout: seconds from now to the deadline of each; by default as the limits have it.

        Raises:
            ConfigError: `at_once` is no such number, or the timeout none of seconds > 0.
        """
        check("at_once", at_once, Number(least=1, whole=True))
        return self._outcomes(list(jobs), self._within(timeout), at_once, cancel)

    def _outcomes(
        self, jobs: list[HttpJob], poller: Poller, at_once: int, cancel: threading.Event | None
    ) -> Iterator[tuple[HttpJob, Outcome]]:
        polls = [self._poll(job, poller) for job in jobs]
        for poll, outcome in outcomes(poller, polls, at_once, cancel):
            yield poll.job, outcome

    def look(self, job: HttpJob) -> Observation:
        """
        Look at a job once.

        Raises:
            RequestError: the look failed, and another may succeed; a `RequestRefused` will not.
        """
        check_job(job)
        return self.run(Conversation(job).look(), self.request_timeout)

    def run(self, exchange: Exchange[T], timeout: Seconds) -> T:
        """
        Make the requests that an exchange asks for, and return what it makes of the answers.

        Raises:
            RequestError: as the exchange does.
        """
        ends_at = time.monotonic() + timeout
        try:
            ask = next(exchange)
            while True:
                try:
                    left = max(ends_at - time.monotonic(), SHORTEST)
                    answer = self._transfer(ask, left)
                except RequestError as error:
                    ask = exchange.throw(error)
                else:
                    ask = exchange.send(answer)
        except StopIteration as done:
            value: T = done.value
            return value

    def _cancel(self, job: HttpJob, end: BaseException) -> None:
        """Ask the server to cancel a job whose wait has ended."""
        try:
            self.run(cancelling(job), self.request_timeout)
        except Exception as error:
            end.add_note(f"the job was not cancelled: {error!r}")

    def _transfer(self, ask: Ask, timeout: Seconds) -> Answer:
        http = self._client_for(ask)
        # Whatever a client of the caller's does, the look ends in time.
        return (transfer_apart if http is self._http else transfer)(http, ask, timeout=timeout)

    def _client_for(self, ask: Ask) -> HTTPClient:
        with self._opening:
            self._check_open()
            if self._http is not None and not ask.elsewhere:
                return self._http
            near = is_near(ask)
            if near not in self._own:
                self._own[near] = make_http(httpx.URL(ask.url))
            return self._own[near]
