"""A server of raw bytes: the last part of a request's path names the function that answers it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress

Writer = asyncio.StreamWriter
Answering = Callable[[Writer], Awaitable[None]]


@contextmanager
def serve(answers: Mapping[str, Answering]) -> Iterator[str]:
    """Yield the URL of a server in a thread of its own; a connection is kept until its function closes it."""

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                await answers[head.split()[1].decode().partition("?")[0].rpartition("/")[2]](writer)

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_closed(server))
        loop.close()


def says(*pieces: bytes, pause: float = 0.0, close: bool = False) -> Answering:
    """Answer with these bytes, with a pause of so many seconds before each piece but the first."""

    async def answer(writer: Writer) -> None:
        for index, piece in enumerate(pieces):
            if index:
                await asyncio.sleep(pause)
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()

    return answer


def drips(head: bytes, piece: bytes) -> Answering:
    """Answer with a beginning, and then with the same piece again and again, for two seconds."""
    return says(head, *[piece] * 100, pause=0.02, close=True)


def drops(writer: Writer) -> Awaitable[None]:
    """Close the connection without a word."""
    return says(close=True)(writer)


def resets(writer: Writer) -> Awaitable[None]:
    """Break the connection off."""
    writer.transport.abort()
    return says()(writer)


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return an answer as it should be."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


async def _closed(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # for the sockets to be closed
