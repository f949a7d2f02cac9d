"""One request and its whole answer, within a time and a size."""

from __future__ import annotations

import ipaddress
import re
import ssl
import time
from functools import cache
from typing import Any

import httpx

from bide.durations import Seconds
from bide.errors import ConfigError, RequestError, shown
from bide.http.answers import Answer

MOST_BYTES = 16 * 2**20
"""The longest body that is read, in bytes: 16 MiB. What is longer is no answer about a job."""


def make_http(url: httpx.URL) -> httpx.Client:
    """
    Return a client for requests to a server, with as many connections as there are waits.

    No proxy is asked to reach this machine itself.

    Raises:
        ConfigError: the environment names a proxy or certificates that cannot be used.
    """
    try:
        return httpx.Client(
            verify=_tls(), limits=httpx.Limits(max_connections=None), trust_env=not _is_loopback(url.host)
        )
    except (ValueError, OSError) as error:
        raise ConfigError(f"the environment's proxy or certificates cannot be used: {error}") from error


def checked_url(text: object) -> httpx.URL:
    """
    Return the URL of a server.

    Raises:
        ConfigError: it is none.
    """
    try:
        url = httpx.URL(text)  # type: ignore[arg-type]
        url.host.encode("idna")  # what the resolver would choke on
    except (httpx.InvalidURL, TypeError, UnicodeError) as error:
        known = re.sub(r"(^|//)[^/]*@", r"\1", str(text))  # without what may be a password
        raise ConfigError(f"the server's URL cannot be read: {error}, got {shown(known)}") from error
    if url.scheme not in ("http", "https") or not url.host:
        rule = "must begin with http:// or https:// and a host"
        raise ConfigError(f"the server's URL {rule}, got {shown(public(url))}")
    if url.port is not None and not 0 < url.port < 65536:
        raise ConfigError(f"the server's URL must have a port from 1 to 65535, got {shown(public(url))}")
    return url.copy_with(query=None, fragment=None)


def public(url: httpx.URL) -> str:
    """Return a URL for people: without a password."""
    return str(url.copy_with(userinfo=b"")) if url.userinfo else str(url)


def transfer(http: httpx.Client, method: str, url: str, *, timeout: Seconds, json: Any = None) -> Answer:
    """
    Make a request, and read the answer to its end.

    Args:
        http: makes the request.
        method: of the request.
        url: of the request.
        timeout: seconds for the answer; its last piece may take as long again, and what httpx hides (headers,
            interim answers and chunk extensions) is bounded byte by byte only.
        json: what the body of the request holds, if anything.

    Raises:
        RequestError: no connection, no answer in time, or one that is too long or not HTTP.
    """
    asked = f"{method} {public(httpx.URL(url))}"
    ends_at = time.monotonic() + timeout
    try:
        # Of a compressed answer nobody knows beforehand how long it is, nor how long it takes.
        plain = {"Accept-Encoding": "identity"}
        with http.stream(method, url, json=json, timeout=timeout, headers=plain) as response:
            body = _read(response, ends_at)
            return Answer(asked, response.status_code, response.headers, body)
    except httpx.TimeoutException as error:
        raise RequestError(f"{asked}: no answer in {timeout:.3g} s") from error
    except httpx.HTTPError as error:
        raise RequestError(f"{asked}: {str(error) or type(error).__name__}") from error


def _read(response: httpx.Response, ends_at: float) -> bytes:
    coding = response.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise httpx.ReadError(f"the answer is coded as {coding}, which was not asked for")
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise httpx.ReadError(f"the answer is longer than {MOST_BYTES} bytes")
        if time.monotonic() > ends_at:
            raise httpx.ReadTimeout("the answer does not end")
    return bytes(body)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def _tls() -> ssl.SSLContext:
    """Return one TLS context for all clients: building it takes longer than a request."""
    return httpx.create_ssl_context()
