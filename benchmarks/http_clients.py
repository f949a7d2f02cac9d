"""
How many requests does an async HTTP client make in a second of CPU time, and how many do several?

A small server in a process of its own answers at once. So many tasks ask it, each again and again: with one
client's own ``get`` (*bare*), with one client through bide (*one*), and through bide's lanes (*lanes*), for
each library that is installed. Their turns alternate and CPU time is counted, so that what else the machine
does falls on all alike. Then, each in a fresh process, requests are held open by the server, and the memory
that they take is read off the process.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import platform
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module, metadata
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from attrs import asdict, frozen

from bide.http.answers import Ask
from bide.http.apart import atransfer, close
from bide.http.lanes import AsyncLanes
from bide.http.transfer import KEPT_FOR, MOST_KEPT

LIBRARIES = ("httpx", "httpx2")
CONTENDERS = ("bare", "one", "lanes")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n%9d"
TIMEOUT = 60.0
STATM = Path("/proc/self/statm")
SPAWN = multiprocessing.get_context("spawn")

Asking = Callable[[str], Awaitable[object]]
Closing = Callable[[], Awaitable[object]]


class Answering(asyncio.Protocol):
    """Answers each request with the number of those that it holds, or holds it, if its path says so."""

    held = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer; a request of these clients comes in one piece."""
        if data.startswith(b"GET /held"):
            Answering.held += 1
        else:
            self.transport.write(ANSWER % Answering.held)


def answer_for_ever(told: Connection) -> None:
    """Run the server, and tell its port."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=4096)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    allow_many_sockets()
    asyncio.run(run())


def allow_many_sockets() -> None:
    """Raise this process's limit of open files as far as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server in a process of its own."""
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=answer_for_ever, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.kill()
        process.join()


def contender(library: str, name: str) -> tuple[Asking, Closing]:
    """Return how a contender asks for a URL, and how it is closed."""
    module = import_module(library)
    tls = module.create_ssl_context()

    def make() -> Any:
        limits = module.Limits(  # as bide's own clients have
            max_connections=None, max_keepalive_connections=MOST_KEPT, keepalive_expiry=KEPT_FOR
        )
        return module.AsyncClient(verify=tls, limits=limits, trust_env=False, timeout=TIMEOUT)

    if name == "lanes":
        lanes = AsyncLanes(make)
        return lambda url: lanes.transfer(Ask("GET", url), timeout=TIMEOUT), lanes.aclose
    http = make()
    if name == "bare":
        return http.get, http.aclose
    return lambda url: atransfer(http, Ask("GET", url), timeout=TIMEOUT), lambda: close(http)


@frozen
class Rate:
    """
    What one contender does with so many tasks.

    Args:
        library: name of the distribution.
        name: of the contender.
        concurrency: tasks that ask, each again as soon as it is answered.
        per_cpu_second: requests answered per second of this process's CPU time; median.
        ratio: the same over that of *bare* in the same round; median.
    """

    library: str
    name: str
    concurrency: int
    per_cpu_second: float
    ratio: float


async def turn(ask: Asking, url: str, concurrency: int, seconds: float) -> float:
    """
    Let the tasks ask for so many seconds; return the requests answered per second of CPU time.

    The first request of each connects, and does not count.
    """
    await asyncio.gather(*(ask(url) for _ in range(concurrency)))
    answered = 0
    begun = time.process_time()
    until = time.monotonic() + seconds

    async def task() -> None:
        nonlocal answered
        while time.monotonic() < until:
            await ask(url)
            answered += 1

    await asyncio.gather(*(task() for _ in range(concurrency)))
    return answered / (time.process_time() - begun)


async def compare(library: str, url: str, concurrency: int, *, repeats: int, seconds: float) -> list[Rate]:
    """Let all contenders take turns, each turn with new clients."""
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(repeats):
        for name in CONTENDERS:
            ask, close_it = contender(library, name)
            rates[name].append(await turn(ask, url, concurrency, seconds))
            await close_it()
    return [
        Rate(
            library=library,
            name=name,
            concurrency=concurrency,
            per_cpu_second=median(rates[name]),
            ratio=median(a / b for a, b in zip(rates[name], rates["bare"], strict=True)),
        )
        for name in CONTENDERS
    ]


@frozen
class Memory:
    """
    What a request takes that the server holds.

    Args:
        library: name of the distribution.
        name: of the contender.
        kilobytes: resident memory of this process per held request, in units of 1000 bytes.
    """

    library: str
    name: str
    kilobytes: float


def weigh(library: str, name: str, url: str, held: int) -> Memory:
    """Open so many requests in this process, which has opened none before, and weigh them."""
    allow_many_sockets()
    return asyncio.run(_weigh(library, name, url, held))


async def _weigh(library: str, name: str, url: str, held: int) -> Memory:
    ask, close_it = contender(library, name)
    look, close_look = contender(library, "bare")
    goal = held + await _held(look, url)
    await ask(url)
    before = resident()
    tasks = [asyncio.ensure_future(ask(f"{url}/held")) for _ in range(held)]
    while await _held(look, url) < goal:
        await asyncio.sleep(0.05)
    taken = resident() - before
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await close_it()
    await close_look()
    return Memory(library, name, taken / held / 1000)


async def _held(look: Asking, url: str) -> int:
    answer: Any = await look(url)
    return int(answer.content)


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()


def installed() -> tuple[dict[str, str], list[str]]:
    """Return the versions of the libraries that are here, and the names of those that are not."""
    versions, skipped = {}, []
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            skipped.append(library)
    return versions, skipped


def weighed(libraries: list[str], url: str, held: int) -> list[Memory]:
    """Weigh every contender in a fresh process; none, where the system does not tell."""
    if not STATM.exists() or not held:
        return []
    with ProcessPoolExecutor(max_workers=1, mp_context=SPAWN, max_tasks_per_child=1) as processes:
        cells = [(library, name) for library in libraries for name in CONTENDERS]
        return [processes.submit(weigh, *cell, url, held).result() for cell in cells]


def _lines(rates: list[Rate], memories: list[Memory]) -> Iterator[str]:
    yield f"{'':8} {'':6} {'tasks':>6} {'requests/CPU s':>15} {'of bare':>8}"
    for rate in rates:
        cell = f"{rate.library:8} {rate.name:6} {rate.concurrency:6}"
        yield f"{cell} {rate.per_cpu_second:15,.0f} {rate.ratio:7.2f}x"
    for memory in memories:
        yield f"{memory.library:8} {memory.name:6} {memory.kilobytes:.1f} kB per held request"


def _at_least(least: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        if (value := float(text)) < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        return value

    return number


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What do HTTP clients do in a second of CPU time?")
    parser.add_argument("--concurrency", nargs="+", type=int, default=[1, 16, 64, 256], help="tasks at once")
    parser.add_argument("--seconds", type=_at_least(0.01), default=0.5, help="of one turn (0.5)")
    parser.add_argument("--repeats", type=_at_least(1), default=5, help="turns of each that count (5)")
    parser.add_argument("--held", type=_at_least(0), default=500, help="held requests to weigh (500)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    versions, skipped = installed()
    with server() as url:
        rates: list[Rate] = []
        for library, tasks in itertools.product(versions, options.concurrency):
            turns = compare(library, url, tasks, repeats=int(options.repeats), seconds=options.seconds)
            rates += asyncio.run(turns)
        memories = weighed(list(versions), url, int(options.held))
    if options.json:
        document = {
            "python": platform.python_version(),
            "versions": versions,
            "skipped": skipped,
            "rates": [asdict(rate) for rate in rates],
            "memory": [asdict(memory) for memory in memories],
        }
        print(json.dumps(document, indent=2))
    else:
        named = ", ".join(f"{library} {version}" for library, version in versions.items())
        print(f"Python {platform.python_version()}, {named}, median of {int(options.repeats)}")
        print("\n".join(_lines(rates, memories)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
