"""Clients that take too long, say nothing, or go away: they cost the others nothing for long."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from bide.server import JobKind, JobServer, ServerConfig
from bide.server.faults import Faults
from bide.server.listening import bind
from bide.server.runner import _Loop
from bide.testing import running_server

pytestmark = pytest.mark.wire

WHOLE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{"


class Connected:
    """A server's loop that turns when it is told, and a client of it."""

    def __init__(self, loop: _Loop, client: socket.socket) -> None:
        self.loop, self.client = loop, client

    def send(self, data: bytes) -> None:
        """Send something, and let the server read it."""
        self.client.sendall(data)
        self.loop.turn(0.05)

    def answered(self) -> bytes:
        """Read an answer with a body of JSON, and return its first line."""
        answer = b""
        while not answer.endswith(b"}"):
            self.loop.turn(0.05)
            with suppress(BlockingIOError):
                answer += self.client.recv(4096)
        return answer.partition(b"\r\n")[0]

    def is_closed(self, *, after: float) -> bool:
        """Say whether the connection is closed when so many seconds have passed."""
        self.loop.close_slow(time.time() + after, time.monotonic() + after)
        for _ in range(3):
            self.loop.turn(0)
        try:
            return self.client.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def connected() -> Iterator[Connected]:
    """A client that is connected, and has said nothing yet."""
    with (
        closing(bind("127.0.0.1", 0)) as listener,
        JobServer(ServerConfig()) as app,
        _Loop(app, listener, 2) as loop,
        socket.create_connection(listener.getsockname(), timeout=5.0) as client,
    ):
        client.setblocking(False)
        loop.turn(5.0)
        yield Connected(loop, client)


@pytest.mark.parametrize("begun", [WHOLE[:1], WHOLE[:-2], POST], ids=["byte", "headers", "body"])
def test_a_request_has_thirty_seconds(begun: bytes, connected: Connected) -> None:
    """A request whose rest does not come is waited for during 30 s from its first byte, and no longer."""
    connected.send(begun)
    assert not connected.is_closed(after=29)
    assert connected.is_closed(after=31)


def test_more_bytes_buy_no_time(connected: Connected) -> None:
    """A client that goes on sending a little gets no more time for that."""
    for byte in WHOLE[:-1]:
        connected.send(bytes([byte]))
    assert connected.is_closed(after=31)


def test_each_request_has_its_own_time(connected: Connected) -> None:
    """Once a request is complete its time counts no more, and neither does it for the next one."""
    connected.send(WHOLE)
    assert connected.answered() == b"HTTP/1.1 200 OK"
    assert not connected.is_closed(after=31)
    connected.send(WHOLE)
    assert connected.answered() == b"HTTP/1.1 200 OK"


def test_silence_ends_after_two_minutes(connected: Connected) -> None:
    """A connection on which nothing is said is closed after two minutes, and not before."""
    assert not connected.is_closed(after=119)
    assert connected.is_closed(after=121)


def connection_to(url: str) -> socket.socket:
    """Open a connection to a server."""
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10)


@contextmanager
def holding(url: str, job: str) -> Iterator[socket.socket]:
    """Open a connection whose request is held."""
    with connection_to(url) as link:
        link.sendall(f"GET /v1/jobs/{job} HTTP/1.1\r\nHost: a\r\nPrefer: wait=30\r\n\r\n".encode())
        while not held(url):
            pass
        yield link


def held(url: str) -> int:
    """Return how many requests a server holds."""
    with urlopen(f"{url}/v1/stats") as answer:  # noqa: S310 - our own server
        return int(json.load(answer)["held"])


@pytest.fixture
def long_job() -> Iterator[tuple[str, str]]:
    """A server that holds one request at most, and a job of an hour."""
    with running_server(ServerConfig(threads=2, kinds={"default": JobKind(durations="1h..1h")})) as url:
        order = Request(f"{url}/v1/jobs", b"")  # noqa: S310
        with urlopen(order) as answer:  # noqa: S310
            yield url, json.load(answer)["id"]


@pytest.mark.parametrize("farewell", ["close", "reset"])
def test_who_goes_away_leaves_a_free_place(long_job: tuple[str, str], farewell: str) -> None:
    """When a client closes or resets its connection, its held request ends long before its 30 s."""
    began = time.monotonic()
    with holding(*long_job) as link:
        if farewell == "reset":
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    while held(long_job[0]):
        assert time.monotonic() - began < 20


def test_a_late_answer_ends_with_its_client() -> None:
    """An answer that shall be an hour late keeps its thread no longer than its client stays."""
    with (
        running_server(ServerConfig(faults=Faults(by_header=True), threads=2)) as url,
        connection_to(url) as first,
        connection_to(url) as second,
        connection_to(url) as third,
    ):
        for link in (first, second):
            link.sendall(b"GET /v1/jobs HTTP/1.1\r\nHost: a\r\nBide-Fault: latency=1h\r\n\r\n")
        first.shutdown(socket.SHUT_WR)
        third.sendall(WHOLE)
        assert third.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_who_sends_no_more_is_answered_at_once(long_job: tuple[str, str]) -> None:
    """A client that closes its own side alone is told how the job is."""
    with holding(*long_job) as link:
        link.shutdown(socket.SHUT_WR)
        assert b"\r\nPreference-Applied: wait=30\r\n" in link.recv(4096)


def test_who_sends_more_is_still_held(long_job: tuple[str, str]) -> None:
    """A second request behind one that is held ends nothing."""
    with holding(*long_job) as link:
        link.sendall(WHOLE)
        link.settimeout(0.2)
        with pytest.raises(TimeoutError):
            link.recv(1)
        assert held(long_job[0]) == 1
