"""
A client that asks as fast as it can, over raw sockets, in a process of its own; ``server_load.py`` starts it.

It reads what to do as JSON from standard input, and writes what came of it as JSON to standard output.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from attrs import frozen

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SPARE_FILES = 64


@frozen(kw_only=True)
class Load:
    """
    What to do.

    Args:
        address: host and port of the server.
        requests: raw HTTP, sent in turn, each when a connection is free.
        connections: that ask, each again as soon as it was answered.
        most: requests to be answered, after which it ends.
        seconds: after which it ends at the latest.
        standing: what is sent over connections of their own, which then stay open and unread.
        cores: to run on.
    """

    address: tuple[str, int]
    requests: list[str]
    connections: int
    most: int
    seconds: float
    standing: list[str]
    cores: list[int]

    def run(self) -> dict[str, Any]:
        """Ask, and return what came of it; times are in milliseconds, the rate is per second."""
        with _standing(self):
            began = time.perf_counter()
            statuses, times = _ask(self, began + self.seconds)
            passed = time.perf_counter() - began
        times.sort()
        return {
            "rate": len(times) / passed,
            "p50": 1000 * times[len(times) // 2],
            "p99": 1000 * times[len(times) * 99 // 100],
            "worst": 1000 * times[-1],
            "statuses": statuses,
        }


class _Connection:
    """A connection with one request under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=30)

    def ask(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self._answer = b""
        self.socket.sendall(request)

    def read(self) -> int | None:
        """Read what has come; return the status, if that was the rest of the answer."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed a connection")
        self._answer += chunk
        head, end, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        whole = end and length is not None and len(body) >= int(length[1])
        return int(head[9:12]) if whole else None


@contextlib.contextmanager
def _standing(load: Load) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for text in load.standing:
            standing = stack.enter_context(socket.create_connection(load.address, timeout=30))
            standing.sendall(text.encode())
        yield


def _ask(load: Load, ends_at: float) -> tuple[Counter[int], list[float]]:
    """Return how many answers of each status there were, and how many seconds each took."""
    statuses: Counter[int] = Counter()
    times: list[float] = []
    requests = cycle([text.encode() for text in load.requests])
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for _ in range(load.connections):
            connection = _Connection(load.address)
            stack.enter_context(connection.socket)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(next(requests))
        while len(times) < load.most and time.perf_counter() < ends_at:
            for key, _ in selector.select(0.1):
                status = key.data.read()
                if status is not None:
                    times.append(time.perf_counter() - key.data.began)
                    statuses[status] += 1
                    key.data.ask(next(requests))
    return statuses, times


def _allow_files(count: int) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def main() -> None:
    spec = json.load(sys.stdin)
    load = Load(**{**spec, "address": tuple(spec["address"])})
    os.sched_setaffinity(0, load.cores)
    _allow_files(len(load.standing) + load.connections + _SPARE_FILES)
    json.dump(load.run(), sys.stdout)


if __name__ == "__main__":
    main()
