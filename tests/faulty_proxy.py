"""A proxy between a client and a server that does to each request what a script says."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from faults import CIRCLE, Exchange, Fault, Pass, RedirectInCircles

_STOP_TIMEOUT = 10.0
"""Seconds that the proxy may take to end, at most."""


class FaultyProxy:
    """
    Listens on a port that the system chooses, and plays one fault for each request; after the last, all
    passes.

    It runs in a thread of its own for as long as it is open as a context manager, and keeps connections
    alive, as a server would, unless a fault ends them. It reads requests whose body has a ``Content-Length``,
    or none.

    Args:
        server: the URL of the server behind it; its path is not looked at.
        script: the faults, in the order of the requests.

    `url` is where it listens; `exchanges` has what arrived, in order, with what was done about it.
    """

    def __init__(self, server: str, script: Iterable[Fault] = ()) -> None:
        parts = urlsplit(server)
        assert parts.hostname is not None
        assert parts.port is not None
        self._server = (parts.hostname, parts.port)
        self._script = iter(script)
        self.exchanges: list[Exchange] = []
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop, self._stopping, port = self._started.result(_STOP_TIMEOUT)
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_TIMEOUT)
        assert not self._thread.is_alive(), "the proxy does not end"

    async def _run(self) -> None:
        """Listen until told to stop; whatever is still going on then is cancelled."""
        stopping = asyncio.Event()
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._started.set_result(
            (asyncio.get_running_loop(), stopping, listening.sockets[0].getsockname()[1])
        )
        await stopping.wait()
        listening.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it, or the proxy does."""
        with suppress(asyncio.CancelledError):
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    exchange = self._exchange(await _request(reader), writer)
                    self.exchanges.append(exchange)
                    await exchange.fault.play(exchange)
            writer.close()  # which sends what is not yet sent
            with suppress(ConnectionError):
                await writer.wait_closed()
        if writer.get_extra_info("socket").fileno() >= 0:
            writer.transport.abort()  # the proxy ends, and the client does not take what is left

    def _exchange(self, request: bytes, writer: asyncio.StreamWriter) -> Exchange:
        method, path, _ = request.split(b" ", 2)
        circling = path.startswith(CIRCLE.encode())
        fault = RedirectInCircles() if circling else next(self._script, Pass())
        return Exchange(method.decode(), path.decode(), fault, request, writer, self._server)


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Return the next request of a connection, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)
