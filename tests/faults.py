"""
What can go wrong between a server's answer and its reader, each fault as a value.

`faulty_proxy.FaultyProxy` plays them. Those that answer in the server's stead, or not at all, keep the
request from it; so a job that was asked for does not exist.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import re
import socket
import struct
import time
from http import HTTPStatus
from typing import Protocol

from attrs import define, field, frozen
from hypothesis import strategies as st


@frozen
class Answer:
    """
    What the server answered, as it stands on the wire.

    Args:
        head: from the status line to the empty line.
        body: what follows.
    """

    head: bytes
    body: bytes


@define
class Exchange:
    """
    One request, and all that a fault may do about it.

    Args:
        method: of the request.
        path: of the request, with its query.
        fault: what is done about it.
        at: when it had arrived, in seconds of `time.monotonic`.

    `sent` counts the bytes that were answered.
    """

    method: str
    path: str
    fault: Fault
    _request: bytes = field(repr=False)
    _writer: asyncio.StreamWriter = field(repr=False)
    _server: tuple[str, int] = field(repr=False)
    at: float = field(factory=time.monotonic)
    sent: int = 0

    async def ask_server(self) -> Answer:
        """Pass the request on, and return the server's answer."""
        reader, writer = await asyncio.open_connection(*self._server)
        try:
            writer.write(_with_header(_without(self._request, b"connection"), b"Connection: close"))
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        return Answer(_without(head + b"\r\n\r\n", b"connection"), body)

    async def send(self, data: bytes) -> None:
        """Answer some bytes, as fast as the client takes them."""
        self._writer.write(data)
        await self._writer.drain()
        self.sent += len(data)

    def close(self) -> None:
        """End the connection as one that is done with."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection as one that has crashed: the client is told of a reset."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


class Fault(Protocol):
    """Something that is done about one request."""

    async def play(self, exchange: Exchange) -> None:
        """Do it."""
        ...


@frozen
class Pass:
    """Answers as the server does, after so many milliseconds."""

    delay_ms: int = 0

    async def play(self, exchange: Exchange) -> None:
        await asyncio.sleep(self.delay_ms / 1000)
        answer = await exchange.ask_server()
        await exchange.send(answer.head + answer.body)


@frozen
class Drop:
    """Closes the connection without a byte."""

    async def play(self, exchange: Exchange) -> None:
        exchange.close()


@frozen
class Reset:
    """Resets the connection without a byte."""

    async def play(self, exchange: Exchange) -> None:
        exchange.reset()


@frozen
class CutBody:
    """Ends the server's answer amid its body."""

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.ask_server()
        await exchange.send(answer.head + answer.body[: len(answer.body) // 2])
        exchange.close()


@frozen
class CutHead:
    """Ends the server's answer amid its headers."""

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.ask_server()
        await exchange.send(answer.head[: len(answer.head) // 2])
        exchange.close()


@frozen
class Garbage:
    """Answers bytes that are no HTTP."""

    data: bytes = bytes(range(256))

    async def play(self, exchange: Exchange) -> None:
        await exchange.send(self.data)
        exchange.close()


@frozen
class Respond:
    """Answers in the server's stead, well-formed, with a status, headers and a body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    async def play(self, exchange: Exchange) -> None:
        await exchange.send(_head(self.status, *self.headers, *self._length()) + self.body)

    def _length(self) -> tuple[tuple[str, str], ...]:
        return () if self.status in (204, 304) else (("Content-Length", str(len(self.body))),)


@frozen
class RedirectInCircles:
    """Sends the client elsewhere, from there on, and so back: for as long as it follows."""

    status: int = 302

    async def play(self, exchange: Exchange) -> None:
        there = CIRCLE + ("2" if exchange.path == f"{CIRCLE}1" else "1")
        await Respond(self.status, (("Location", there),)).play(exchange)


@frozen
class HugeBody:
    """Answers 200 and so many bytes of blanks, for as long as the client takes them."""

    size: int = 100 * 2**20

    async def play(self, exchange: Exchange) -> None:
        await exchange.send(_head(200, ("Content-Length", str(self.size))))
        for start in range(0, self.size, 2**18):
            await exchange.send(b" " * min(2**18, self.size - start))


@frozen
class DripHead:
    """Answers a header that grows by a byte each so many milliseconds, and closes before it ends."""

    pause_ms: int = 20
    count: int = 25

    async def play(self, exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        for _ in range(self.count):
            await exchange.send(b"a")
            await asyncio.sleep(self.pause_ms / 1000)
        exchange.close()


@frozen
class InterimFlood:
    """Answers as the server does, after so many interim answers."""

    count: int = 1000

    async def play(self, exchange: Exchange) -> None:
        for _ in range(self.count):
            await exchange.send(_head(103, ("Link", "</style.css>; rel=preload")))
        await Pass().play(exchange)


@frozen
class Gzip:
    """Answers as the server does, but compressed, which nobody asked for."""

    async def play(self, exchange: Exchange) -> None:
        answer = await exchange.ask_server()
        body = gzip.compress(answer.body)
        head = _without(_without(answer.head, b"content-length"), b"transfer-encoding")
        head = _with_header(head, b"Content-Encoding: gzip")
        await exchange.send(_with_header(head, b"Content-Length: %d" % len(body)) + body)


CIRCLE = "/circle/"
"""What the paths of `RedirectInCircles` begin with."""

HINTS: dict[str, tuple[tuple[str, str], ...]] = {
    "missing": (),
    "zero": (("Retry-After", "0"),),
    "past": (("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),),
    "huge": (("Retry-After", "9" * 30),),
    "far": (("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),),
    "negative": (("Retry-After", "-1"),),
    "malformed": (("Retry-After", "soon"),),
    "twice": (("Retry-After", "0"), ("Retry-After", "banana")),
}
"""Every kind of hint, as headers."""

WRONG_JSON = (
    b"[]",
    b'"job"',
    b"null",
    b"{}",
    b'{"id": 7, "status": "pending"}',
    b'{"id": "x", "status": 7}',
    b"{",
)
"""Bodies that are no job; the last is no JSON."""

_JSON = (("Content-Type", "application/json"),)

faults: st.SearchStrategy[Fault] = st.one_of(
    st.builds(Pass, delay_ms=st.integers(0, 100)),
    st.builds(
        Respond,
        status=st.sampled_from([408, 425, 429, 500, 502, 503, 504]),
        headers=st.sampled_from(list(HINTS.values())),
    ),
    st.builds(Respond, status=st.just(200), headers=st.just(_JSON), body=st.sampled_from(WRONG_JSON)),
    st.sampled_from([Drop(), Reset(), CutBody(), CutHead(), Respond(204), Gzip()]),
    st.builds(Garbage, data=st.binary(min_size=1, max_size=100)),
    st.builds(RedirectInCircles, status=st.sampled_from([301, 302, 303, 307, 308])),
    st.sampled_from([HugeBody(), DripHead(), InterimFlood()]),
)
"""Every fault; the first, and what a failing example shrinks to, is an answer that passes."""

fault_scripts: st.SearchStrategy[list[Fault]] = st.lists(faults, max_size=8)
"""One fault for each request; after the last, answers pass."""


def _head(status: int, *headers: tuple[str, str]) -> bytes:
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {phrase}", *itertools.starmap("{}: {}".format, headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _without(message: bytes, name: bytes) -> bytes:
    """Return a message without the headers of a name."""
    head, end, body = message.partition(b"\r\n\r\n")
    return re.sub(rb"(?i)\r\n" + re.escape(name) + rb":[^\r\n]*", b"", head) + end + body


def _with_header(message: bytes, line: bytes) -> bytes:
    """Return a message with one more header."""
    head, end, body = message.partition(b"\r\n\r\n")
    return head + b"\r\n" + line + end + body
