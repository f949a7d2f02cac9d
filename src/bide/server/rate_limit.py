"""
Limits of requests per client: 429, with the headers that tell how much is left.

Source: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

import falcon
from attrs import define, field, frozen

from bide.durations import Seconds
from bide.rules import Number, seconds
from bide.server.routes import is_for_jobs

MOST_CLIENTS = 10_000
"""So many clients are told apart; of more, the one that began its window first is forgotten."""


@frozen(kw_only=True)
class RateLimit:
    """
    How many requests each client may make.

    Args:
        requests: in each window; >= 1.
        window: in seconds; > 0. A client's window begins with its first request, and the next one with the
            first request after that.
    """

    requests: int = field(validator=Number(least=1, whole=True))
    window: Seconds = field(default=1.0, validator=seconds(above=0))


@define
class _Window:
    ends_at: float
    left: int


class RateLimiter:
    """
    Counts requests by client, and refuses what is too much. Any thread may use it.

    Args:
        limit: what each client may do.
        clock: in seconds.
        client_of: tells whose request it is.
    """

    def __init__(
        self, limit: RateLimit, clock: Callable[[], float], client_of: Callable[[falcon.Request], str]
    ) -> None:
        """Begin with no client."""
        self._limit = limit
        self._clock = clock
        self._client_of = client_of
        self._lock = Lock()
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """
        Count a request, and say in its answer what is left.

        Raises:
            falcon.HTTPTooManyRequests: nothing is left.
        """
        if not is_for_jobs(req):
            return
        now = self._clock()
        with self._lock:
            window = self._window(self._client_of(req), now)
            allowed = window.left > 0
            window.left -= allowed
            left, again = window.left, math.ceil(window.ends_at - now)
        resp.set_header(
            "RateLimit-Policy", f'"default";q={self._limit.requests};w={math.ceil(self._limit.window)}'
        )
        resp.set_header("RateLimit", f'"default";r={left};t={again}')
        if not allowed:
            rule = f"at most {self._limit.requests} requests in {self._limit.window:g} s"
            raise falcon.HTTPTooManyRequests(description=rule, retry_after=again)

    def _window(self, client: str, now: float) -> _Window:
        window = self._windows.get(client)
        # It lies ahead as a whole if the clock was set back.
        if window is None or not now < window.ends_at <= now + self._limit.window:
            self._windows.pop(client, None)
            window = self._windows[client] = _Window(now + self._limit.window, self._limit.requests)
            if len(self._windows) > MOST_CLIENTS:
                self._windows.popitem(last=False)
        return window
