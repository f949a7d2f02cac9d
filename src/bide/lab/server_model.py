"""A model of a job server that has limits and takes time, on the clock of whoever asks it."""

from __future__ import annotations

import math
from collections import deque
from heapq import heapreplace

from attrs import field, frozen

from bide.durations import Seconds
from bide.errors import RequestError
from bide.rules import Number, seconds

UNREACHABLE = RequestError("no connection")
"""What a request meets during an outage."""


@frozen(kw_only=True)
class ServerModel:
    """
    What a server can bear.

    A request needs a token first: without one it is refused with a 429. Then it needs a worker, or a place
    in the queue for one: without either it is refused with a 503. Refusals take no time. The queue is first
    come, first served, and every answer takes a worker equally long.

    Args:
        rate: tokens, one for each request, that come back per second; > 0; None for no limit of that kind.
        burst: most tokens that can gather; >= 1; None for those of one second. At first, all are there.
        retry_after: seconds that both refusals ask to be left alone; None: they do not say.
        service: seconds that a worker takes for an answer.
        workers: how many answers are worked on at once.
        queue: most requests that wait for a worker; None for any number.
    """

    rate: float | None = field(default=100.0, validator=Number(above=0, optional=True))
    burst: float | None = field(default=None, validator=Number(least=1, optional=True))
    retry_after: Seconds | None = field(default=None, validator=seconds(least=0, optional=True))
    service: Seconds = field(default=0.02, validator=seconds(least=0))
    workers: int = field(default=4, validator=Number(least=1, most=10_000, whole=True))
    queue: int | None = field(default=100, validator=Number(least=0, whole=True, optional=True))

    @property
    def most_tokens(self) -> float:
        """The size of the bucket: infinite where there is no rate limit."""
        if self.rate is None:
            return math.inf
        return max(1.0, self.rate) if self.burst is None else self.burst


class ServerRun:
    """
    One run of a server model; it keeps what it has promised, and counts what it has answered.

    Args:
        model: what the server can bear.
        down: the time from which, and the time until which, nothing reaches the server.

    Counts: `answered`, `rate_limited` (429), `overloaded` (503) and `unreachable` requests so far.
    """

    __slots__ = (
        "_down_from",
        "_down_until",
        "_filled_at",
        "_free_at",
        "_most_tokens",
        "_most_waiting",
        "_overload",
        "_rate",
        "_service",
        "_tokens",
        "_too_many",
        "_waiting_until",
        "answered",
        "overloaded",
        "rate_limited",
        "unreachable",
    )

    def __init__(self, model: ServerModel, *, down: tuple[float, float] = (0.0, 0.0)) -> None:
        """Open with a full bucket and idle workers."""
        self._down_from, self._down_until = down
        self._rate = math.inf if model.rate is None else model.rate
        self._most_tokens = self._tokens = model.most_tokens
        self._filled_at = 0.0
        self._service = model.service
        self._free_at = [0.0] * model.workers  # a heap
        self._most_waiting = math.inf if model.queue is None else model.queue
        self._waiting_until: deque[float] = deque()  # in order of arrival, which is that of service
        self._too_many = RequestError("429 Too Many Requests", hint=model.retry_after)
        self._overload = RequestError("503 Service Unavailable", hint=model.retry_after)
        self.answered = self.rate_limited = self.overloaded = self.unreachable = 0

    def take(self, now: float) -> tuple[float, float] | RequestError:
        """
        Take a request; return when a worker looks at the job, and when the answer is there, or why not.

        Args:
            now: when it arrives, in seconds; not before the one that came last.
        """
        if self._down_from <= now < self._down_until:
            self.unreachable += 1
            return UNREACHABLE
        if not self._take_token(now):
            self.rate_limited += 1
            return self._too_many
        begins = self._take_worker(now)
        if begins is None:
            self.overloaded += 1
            return self._overload
        self.answered += 1
        return begins, begins + self._service

    def _take_token(self, now: float) -> bool:
        if self._rate == math.inf:
            return True
        tokens = min(self._most_tokens, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        enough = tokens >= 1.0
        self._tokens = tokens - 1.0 if enough else tokens
        return enough

    def _take_worker(self, now: float) -> float | None:
        """Return when the request's service begins; None if the queue is full."""
        begins = self._free_at[0]
        if begins <= now:
            begins = now
        elif self._queue_is_full(now):
            return None
        else:
            self._waiting_until.append(begins)
        heapreplace(self._free_at, begins + self._service)
        return begins

    def _queue_is_full(self, now: float) -> bool:
        waiting = self._waiting_until
        while waiting and waiting[0] <= now:
            waiting.popleft()
        return len(waiting) >= self._most_waiting
