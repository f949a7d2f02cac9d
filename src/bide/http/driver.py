"""Looking at jobs behind URLs as far as a wait allows: what the sync and the async poller have in common."""

from __future__ import annotations

import math
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import attrs

from bide.driver import Driver
from bide.durations import Seconds
from bide.errors import ConfigError, JobCancelled, JobFailed, Problem, RequestError, RequestRefused, shown
from bide.http.answers import Ask
from bide.http.conversation import Conversation
from bide.http.job import HttpJob
from bide.http.urls import is_loopback
from bide.rules import Number, seconds
from bide.wait import Wait

P = TypeVar("P", bound=Driver)

JOB_IS_OVER = (JobFailed, JobCancelled, RequestRefused)
"""How a wait may end without success after which there is no job to cancel, or nobody knows what is there."""

REQUEST_TIMEOUT = 10.0
"""Seconds that a look may take, unless told otherwise."""

_HOLD = (Number(least=0, most=0), seconds(least=1))
"""A server is asked in whole seconds, and never for none of them."""

SHORTEST = 0.001
"""Seconds that are left for a request when its look has used up its time."""


class HttpDriver(Generic[P]):
    """A poller with what it takes to look at jobs behind URLs."""

    run: Any

    def __init__(self, poller: P, request_timeout: Seconds, hold: Seconds) -> None:
        self.poller = poller
        check("request_timeout", request_timeout, seconds(above=0))
        if not any(rule.holds(hold) for rule in _HOLD):
            raise ConfigError(
                Problem(f"must be 0, or a number of seconds >= 1, got {shown(hold)}", ("hold",))
            )
        self.request_timeout = request_timeout
        self.hold = hold
        self._closed = False

    def _check_open(self) -> None:
        """Refuse to open connections again that nobody would close."""
        if self._closed:
            raise RuntimeError("it has been closed; make another to wait for more jobs")

    def _check_cancel(self, job: HttpJob) -> None:
        """Refuse to send DELETE where it may mean something else."""
        check_job(job)
        if job.mapping.cancel is None:
            rule = 'the mapping does not say that DELETE cancels a job of this API (cancel = "DELETE")'
            raise ConfigError(Problem(rule, ("cancel_job",)))

    def _begun(self, job: HttpJob, token: str | None = None, timeout: Seconds | None = None) -> Poll:
        """Return the poll function of a wait that begins, or goes on, now."""
        return self._poll(job, self._within(timeout), token, timeout)

    def _within(self, timeout: Seconds | None) -> P:
        """Return the poller with the deadline that a call asks for, if it does."""
        if timeout is None:
            return self.poller
        return attrs.evolve(self.poller, limits=attrs.evolve(self.poller.limits, timeout=timeout))

    def _poll(
        self, job: HttpJob, poller: P, token: str | None = None, timeout: Seconds | None = None
    ) -> Poll:
        check_job(job)
        wait = (
            poller.begin(job.hint_left(), key=job.key)
            if token is None
            else poller.resume(token, timeout, key=job.key)
        )
        return Poll(job, poller.clock, waits=self, wait=wait)


@attrs.define(weakref_slot=False)
class Poll(Conversation):
    """
    A conversation that looks as far as its wait allows.

    A sleeping wait holds this and little else: one object takes less memory than several.
    """

    waits: HttpDriver[Any] = attrs.field(kw_only=True)
    wait: Wait = attrs.field(kw_only=True)

    def __call__(self) -> Any:
        """Look once, until the wait's deadline or before."""
        waits, now = self.waits, self.clock()
        hold = math.floor(self.wait.hold_time(now, waits.hold)) if self.holds else 0
        return waits.run(self.look(hold), self.wait.request_timeout(now, waits.request_timeout + hold))

    def asks_again(self, failure: RequestError) -> bool:
        """Count every request as a call, and make no more of them than the wait may."""
        return self.wait.asks_again(failure, self.clock())


def is_near(ask: Ask) -> bool:
    """Say whether a request goes to this machine itself, so that no proxy is asked."""
    return is_loopback(urlsplit(ask.url).hostname or "")


def check_job(job: object) -> None:
    """Refuse what is no job, such as the URL of one, which would only fail later, and obscurely."""
    if not isinstance(job, HttpJob):
        raise ConfigError(
            Problem(f"must be an HttpJob, such as HttpJob(url), got {type(job).__name__}", ("job",))
        )


def check_client(http: object, closes: str, words: str) -> None:
    """Refuse a client of the other colour, which would only fail at the first look, and obscurely."""
    if http is not None and (isinstance(http, type) or not hasattr(http, closes)):
        raise ConfigError(Problem(f"must be {words}, got {shown(http)}", ("http",)))


def check(name: str, value: object, rule: Number) -> None:
    """Refuse an argument that breaks a rule."""
    if not rule.holds(value):
        raise ConfigError(Problem(f"{rule}, got {shown(value)}", (name,)))
