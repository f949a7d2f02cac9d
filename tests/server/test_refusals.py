"""What is no HTTP is refused with a problem document, and the connection closes."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from bide.server import ServerConfig
from bide.testing import running_server

pytestmark = pytest.mark.wire

GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\n"
REFUSED = {
    "a word": (b"hello\r\n\r\n", 400),
    "a method in small letters": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a method that nobody knows": (b"BREW /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 501),
    "a bracket that nothing closes": (b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + b"Host: b\r\n\r\n", 400),
    "a host with a path": (b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "a bare newline": (GET + b"X: a\nb\r\n\r\n", 400),
    "an address that no bracket closes": (b"GET /healthz HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    "a port that is none": (b"GET /healthz HTTP/1.1\r\nHost: a:99999999\r\n\r\n", 400),
    "newlines alone": (b"GET /healthz HTTP/1.1\nHost: a\n\n", 400),
    "half a head with newlines alone": (b"GET /healthz HTTP/1.1\n", 400),
    "the first bytes of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),
    "a version that nobody knows": (b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n", 505),
    "a version to come, with a body": (b"PUT / HTTP/2.0\r\nContent-Length: 9\r\n\r\n", 505),
    "a null": (GET + b"X: a\0b\r\n\r\n", 400),
    "a length that is no number": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "a length of 5,000 digits": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "a length beside chunks": (
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks in HTTP/1.0": (b"POST /v1/jobs HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a coding that nobody knows": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "a chunk that is none": (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    "a body that is too large": (POST + b"Content-Length: 999999999\r\n\r\n", 413),
    "headers that are too large": ((GET + b"X: ").ljust(128 * 1024, b"x"), 431),
}


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where a server listens."""
    with running_server(ServerConfig()) as url:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        yield parts.hostname, parts.port


def answer_to(address: tuple[str, int], request: bytes) -> bytes:
    """Return all that the server sends until it closes the connection."""
    with socket.create_connection(address, timeout=10) as link, link.makefile("rb") as answer:
        link.sendall(request)
        return answer.read()


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_http_is_refused(address: tuple[str, int], request_: bytes, status: int) -> None:
    """The answer is a problem of a status of its own and of few bytes, and nothing comes after it."""
    head, _, body = answer_to(address, request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.%c %d " % (head[7], status))
    assert b"Content-Type: application/problem+json\r\n" in head + b"\r\n"
    problem = json.loads(body)
    assert problem["status"] == status
    assert len(problem["detail"]) <= 200


def test_refusals_are_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A request that could not be read is in the numbers and in the access log, with its status."""
    with caplog.at_level(logging.INFO, "bide.server.access"), running_server(ServerConfig()) as url:
        parts = urlsplit(url)
        answer_to((str(parts.hostname), parts.port or 0), b"hello\r\n\r\n")
        with urlopen(f"{url}/v1/stats") as answer:  # noqa: S310 - our own server
            numbers = json.load(answer)["requests"]
    line = json.loads(caplog.messages[0])
    assert (line["method"], line["path"], line["status"], line["client"]) == (None, None, 400, "127.0.0.1")
    assert numbers["by_route"] == [{"method": "other", "route": "none", "status": 400, "count": 1}]
    assert numbers["by_client"] == {"127.0.0.1": 1}


def test_a_smuggled_request_is_not_answered(address: tuple[str, int]) -> None:
    """Of two lengths neither is believed: what comes after the headers is no request."""
    smuggling = POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET + b"\r\n"
    assert answer_to(address, smuggling).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("options", [b"close", b"Close", b"TE, close", b"close , upgrade"])
def test_a_connection_closes_when_it_is_asked_to(address: tuple[str, int], options: bytes) -> None:
    """Among other options of the connection, too (RFC 9110, section 7.6.1)."""
    answer = answer_to(address, GET + b"Connection: " + options + b"\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in answer


def test_two_requests_in_one_packet_are_both_answered(address: tuple[str, int]) -> None:
    """What is HTTP keeps its connection."""
    both = GET + b"\r\n" + GET + b"Connection: close\r\n\r\n"
    assert answer_to(address, both).count(b'{"status": "ok"}') == 2
