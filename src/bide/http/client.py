"""The client of bide's job server."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import attrs
import httpx

from bide.config import default_strategy
from bide.durations import Seconds
from bide.errors import ConfigError, Problem, shown
from bide.http.answers import Ask, job_in, observation_in
from bide.http.transfer import checked_url, make_http, transfer
from bide.outcome import Outcome
from bide.policy import Limits
from bide.poller import Poller, Update
from bide.rules import seconds
from bide.strategy import Observation, Strategy
from bide.wait import Wait


class JobClient:
    """
    Creates jobs on a bide server and waits for them.

    One client serves any number of threads and waits at once. Use it as a context manager, or `close` it.

    Args:
        base_url: where the server is, such as ``http://127.0.0.1:8080``.
        strategy: chooses the delays; by default exponential from 100 ms to 10 s, with up to half on top.
        limits: end a wait if the job does not; by default 10 calls, 2 minutes.
        http: makes the requests; by default a client of its own, closed with this one.
        request_timeout: seconds that one request may take, its whole answer included; > 0.
        clock: gives the time in seconds; only differences count.
        sleep: sleeps for that many seconds of this clock.
        draw: gives one number in [0, 1] for each delay.

    Raises:
        ConfigError: the URL is not one of a server, or another argument is not what it must be.
    """

    def __init__(
        self,
        base_url: str,
        strategy: Strategy | None = None,
        limits: Limits | None = None,
        http: httpx.Client | None = None,
        *,
        request_timeout: Seconds = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Check the URL; open no connection yet."""
        url = checked_url(base_url)
        self._jobs_url = f"{str(url).rstrip('/')}/v1/jobs"
        self._request_timeout = _checked_timeout(request_timeout)
        self._poller = Poller(
            default_strategy() if strategy is None else strategy,
            Limits() if limits is None else limits,
            clock=clock,
            sleep=sleep,
            draw=draw,
        )
        self._owns_http = http is None
        self._http = make_http(url) if http is None else http

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, unless the caller brought the HTTP client."""
        if self._owns_http:
            self._http.close()

    @property
    def strategy(self) -> Strategy:
        """What the next wait will choose its delays with."""
        return self._poller.strategy

    @property
    def limits(self) -> Limits:
        """What ends the next wait if the job does not."""
        return self._poller.limits

    def url_of(self, job_id: str) -> str:
        """
        Return the URL at which the server tells of a job.

        Raises:
            ConfigError: the id is no text, empty, or a step in a path.
        """
        return f"{self._jobs_url}/{quote(_checked_id(job_id), safe='')}"

    def create_job(self, work: Mapping[str, Any] | None = None) -> str:
        """
        Create a job, and return its id.

        Args:
            work: what the server should take as the job's ``input``, if anything.

        Raises:
            RequestError: the server cannot be reached, or answered no job; a job may exist all the same.
            RequestRefused: the server does not take this job.
            ConfigError: the work is nothing that JSON can hold.
        """
        if work is not None and not isinstance(work, Mapping):
            raise ConfigError(f"work must be a mapping, got {shown(work)}")
        body = {} if work is None else {"input": dict(work)}
        try:
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except (ValueError, TypeError) as error:
            raise ConfigError(f"work must be what JSON can hold: {error}, got {shown(work)}") from error
        ask = Ask("POST", self._jobs_url, {"Content-Type": "application/json"}, content)
        answer = transfer(self._http, ask, timeout=self._request_timeout)
        job_id: str = job_in(answer)["id"]
        return job_id

    def get_status(self, job_id: str) -> Observation:
        """
        Look at a job once.

        Raises:
            RequestError: the look failed, and another may succeed.
            JobNotFound: there is no such job.
            RequestRefused: the server will not tell.
        """
        return self._look(job_id, self._request_timeout)

    def wait_for_job(self, job_id: str) -> Outcome:
        """
        Poll until the job has completed, and return how it went.

        Raises:
            WaitError: the job failed, is unknown, or a limit was reached; the error's kind says which.
        """
        wait = self._poller.begin()
        return self._poller.wait(self._poll(job_id, wait), wait)

    def wait_for_job_with_updates(self, job_id: str, on_update: Callable[[Update], object]) -> Outcome:
        """
        Do as `wait_for_job`, and call back with an update after every poll, as it happens.

        Raises:
            WaitError: as `wait_for_job`.
        """
        wait = self._poller.begin()
        return self._poller.wait(self._poll(job_id, wait), wait, on_update=on_update)

    def watch(self, job_id: str) -> Iterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Raises:
            WaitError: after the last update, as `wait_for_job`.
        """
        wait = self._poller.begin()
        yield from self._poller.watch(self._poll(job_id, wait), wait)

    def set_max_attempts(self, max_attempts: int) -> None:
        """
        Allow at most so many calls for each of the next waits.

        Raises:
            ConfigError: not a whole number >= 1; nothing is changed.
        """
        self._set_limits(max_attempts=max_attempts)

    def set_timeout(self, timeout: Seconds) -> None:
        """
        Put the deadline of the next waits so many seconds after their start.

        Raises:
            ConfigError: not a number of seconds > 0; nothing is changed.
        """
        self._set_limits(timeout=timeout)

    def set_base_delay(self, base_delay: Seconds) -> None:
        """
        Let the delays of the next waits grow from so many seconds.

        Raises:
            ConfigError: not seconds > 0, above the cap, or the strategy has no base; nothing is changed.
        """
        self._set_strategy(base=base_delay)

    def set_max_delay(self, max_delay: Seconds) -> None:
        """
        Let the delays of the next waits grow up to so many seconds, before jitter.

        Raises:
            ConfigError: not seconds > 0, below the base, or the strategy has no cap; nothing is changed.
        """
        self._set_strategy(cap=max_delay)

    def _set_limits(self, **changes: Any) -> None:
        if None in changes.values():
            raise ConfigError(f"{next(iter(changes))}: None lifts a limit; pass limits=Limits(…) to do that")
        self._poller = attrs.evolve(self._poller, limits=attrs.evolve(self.limits, **changes))

    def _set_strategy(self, **changes: Any) -> None:
        strategy: Any = self.strategy
        fields = attrs.fields_dict(type(strategy)) if attrs.has(type(strategy)) else {}
        for name in changes:
            if name not in fields:
                raise ConfigError(f"the strategy {strategy!r} has no {name!r} to set")
        self._poller = attrs.evolve(self._poller, strategy=attrs.evolve(strategy, **changes))

    def _poll(self, job_id: str, wait: Wait) -> Callable[[], Observation]:
        """Return a function that looks once, and never past the wait's deadline but at it."""
        clock = self._poller.clock
        return lambda: self._look(job_id, wait.request_timeout(clock(), self._request_timeout))

    def _look(self, job_id: str, timeout: Seconds) -> Observation:
        answer = transfer(self._http, Ask("GET", self.url_of(job_id)), timeout=timeout)
        return observation_in(answer, job_id)


def _checked_id(job_id: object) -> str:
    if not isinstance(job_id, str) or job_id in ("", ".", ".."):
        raise ConfigError(f"a job's id must be text, and none of '', '.' and '..', got {shown(job_id)}")
    return job_id


def _checked_timeout(request_timeout: Seconds) -> Seconds:
    rule = seconds(above=0)
    if not rule.holds(request_timeout):
        raise ConfigError(Problem(f"{rule}, got {shown(request_timeout)}", ("request_timeout",)))
    return request_timeout
