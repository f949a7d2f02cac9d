"""Clients that take too long over a request, or say nothing, lose their connection; others keep it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from bide.server import JobServer, ServerConfig
from bide.server.listening import bind
from bide.server.runner import _Loop

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
