"""One request and its whole answer, within a time and a size."""

from __future__ import annotations

import ssl
import time
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from bide.aside import Aside
from bide.durations import Seconds
from bide.errors import ConfigError
from bide.http.answers import Answer, Ask
from bide.http.apart import atransfer, finish
from bide.http.exchange import MOST_BYTES, Body, request, told, too_late
from bide.http.logs import discreet
from bide.http.network import bind, until
from bide.http.surface import HTTPClient
from bide.http.urls import checked_url, is_loopback
from bide.http.wire import Wire

__all__ = [
    "MOST_BYTES",
    "atransfer",
    "checked_url",
    "finish",
    "make_async_http",
    "make_http",
    "transfer",
    "transfer_apart",
]

KEPT_FOR = 120.0
"""Seconds that an unused connection is kept: polls of the same job, even seldom ones, share it."""

_GRACE = 0.05
"""Seconds beyond its time for a request to end by itself, and say what it was about."""

MOST_KEPT = 10
"""Unused connections that a client keeps: httpx's work for each request grows with their square."""


def make_http(url: httpx.URL) -> httpx.Client:
    """
    Return a client for requests to a server, with as many connections as there are waits, and no cookies.

    No proxy is asked to reach this machine itself. `transfer` bounds its requests to the byte.

    Raises:
        ConfigError: the environment names a proxy or certificates that cannot be used.
    """
    return bind(_made(httpx.Client, url))


def make_async_http(url: httpx.URL) -> httpx.AsyncClient:
    """
    Return an async client for requests to a server, otherwise as `make_http`.

    Raises:
        ConfigError: the environment names a proxy or certificates that cannot be used.
    """
    http: httpx.AsyncClient = _made(httpx.AsyncClient, url)
    return http


def transfer(http: HTTPClient, ask: Ask, *, timeout: Seconds) -> Answer:
    """
    Make a request, and read the answer to its end; redirects are answers too.

    Args:
        http: makes the request.
        ask: what is asked for.
        timeout: seconds for the whole answer. With a client that `make_http` did not make, its last piece may
            take as long again, and what httpx hides (headers, interim answers, chunk extensions) is bounded
            byte by byte only.

    Raises:
        RequestError: no connection, no answer in time, or one that is too long or not HTTP.
    """
    ends_at, wire = time.monotonic() + timeout, Wire()
    with told(ask, timeout, wire), discreet(ask), until(ends_at):
        return _answered(http, ask, timeout, ends_at, wire)


def transfer_apart(http: HTTPClient, ask: Ask, *, timeout: Seconds) -> Answer:
    """
    Make a request with a client that `make_http` did not make, and be back in time, whatever it does.

    The request runs in a thread of its own. One that is late is left to itself, with its connection.

    Args:
        http: makes the request.
        ask: what is asked for.
        timeout: seconds for the whole answer.

    Raises:
        RequestError: as `transfer`.
    """
    exchange = Aside(partial(transfer, http, ask, timeout=timeout), "bide-request")
    with told(ask, timeout, Wire()):
        if not exchange.ends_within(timeout + _GRACE):
            raise TimeoutError("no time is left")
        return exchange.result()


def _answered(http: HTTPClient, ask: Ask, timeout: Seconds, ends_at: float, wire: Wire) -> Answer:
    with http.stream(**request(ask, timeout, wire.note)) as response:
        body = Body(ask, response)
        for piece in () if body.is_read else response.iter_raw():
            body.add(piece)
            if time.monotonic() > ends_at:
                raise too_late(http, wire)
        return body.answer()


def _made(kind: Any, url: httpx.URL) -> Any:
    try:
        return kind(
            verify=_tls(),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # what one job is told is no other's
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=MOST_KEPT, keepalive_expiry=KEPT_FOR
            ),
            trust_env=not is_loopback(url.host),
        )
    except httpx.InvalidURL:  # whose text may quote a part of a password
        raise ConfigError("the environment's proxy cannot be used: its URL cannot be read") from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"the environment's proxy or certificates cannot be used: {error}") from error


@cache
def _tls() -> ssl.SSLContext:
    """Return one TLS context for all clients: building it takes longer than a request."""
    return httpx.create_ssl_context()
