"""Sockets whose reads and writes end with the request that they are for."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import httpcore
import httpx

from bide.aside import Aside
from bide.durations import Seconds

_ENDS_AT: ContextVar[float] = ContextVar("ends_at", default=float("inf"))

PIECE = 2**16
"""How many bytes are written at a time: each piece gets what is left of the request's time."""


@contextmanager
def until(ends_at: float) -> Iterator[None]:
    """
    End what this thread's requests still do on the network at that time, if `bind` knows their client.

    Args:
        ends_at: seconds of `time.monotonic`.
    """
    token = _ENDS_AT.set(ends_at)
    try:
        yield
    finally:
        _ENDS_AT.reset(token)


def bind(http: httpx.Client) -> httpx.Client:
    """
    Let every connection that a client will make, through a proxy or not, keep to `until`; return the client.

    httpx bounds each read, never their sum, so a header that comes byte by byte would hold a request for
    ever. Only at its pools can anybody step in between, and these are private to it: hence the narrow range
    of its versions among bide's dependencies. A client of the caller's, of any version, is left as it is.
    """
    for transport in (http._transport, *http._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Network(transport._pool._network_backend)
    return http


class _Network(httpcore.NetworkBackend):
    """Connects within what is left of the time."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Seconds | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try one address of the host after the other: together they get the time that one would have had."""
        ends_at = _earlier(timeout)
        failure: Exception = httpcore.ConnectError(f"no address of {host}")
        for address in _addresses(host, port, ends_at):
            try:
                left = _left(ends_at, httpcore.ConnectTimeout)
                return _Stream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    """Reads and writes within what is left of the time."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: Seconds | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(_earlier(timeout), httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: Seconds | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            left = _left(_earlier(timeout), httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + PIECE], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Seconds | None = None
    ) -> httpcore.NetworkStream:
        left = _left(_earlier(timeout), httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _addresses(host: str, port: int, ends_at: float) -> list[str]:
    """Return the addresses of a host, if they are known in time: the system's own search has no bound."""
    left = _left(ends_at, httpcore.ConnectTimeout)
    search = Aside(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM), "bide-lookup")
    if not search.ends_within(left):
        raise httpcore.ConnectTimeout(f"no address of {host}") from TimeoutError("no time is left")
    try:
        return [str(address[0]) for *_, address in search.result()]
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


def _earlier(timeout: Seconds | None) -> float:
    ends_at = _ENDS_AT.get()
    return ends_at if timeout is None else min(ends_at, time.monotonic() + timeout)


def _left(ends_at: float, too_late: type[Exception]) -> Seconds | None:
    if ends_at == float("inf"):
        return None
    left = ends_at - time.monotonic()
    if left <= 0:
        raise too_late from TimeoutError("no time is left")
    return left
