"""
What do many concurrent waits take, in memory and in CPU time?

So many waits go on at once, in one process, for so many jobs on a real `bide serve` in another.
Each looks at its job twice: at a random moment of the first seconds (the spread), when the job is pending,
and again when it has ended. In between all sleep, and the memory that this takes is read off. *bide* is
`wait_for_jobs`, where one task carries on all waits; the other ways give each wait a task of asyncio, and
tenacity and the loop written by hand do so on httpx's own client. Each way has a process of its own.

Memory is over the same process with its client open and one request made, so that what all waits share is not
counted. *RSS* is what the operating system has given, with what requests left behind: connections kept open,
memory not given back. *traced* is what Python's objects take, by tracemalloc, in another run of fewer waits.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from functools import partial
from http.client import HTTPConnection
from importlib import import_module, metadata
from typing import Any
from urllib.parse import urlsplit

import httpx
from attrs import asdict, frozen

from bide import End, Limits
from bide.cli.server_process import server_process
from bide.http import AsyncJobClient
from bide.http.api import JobId
from bide_strategies import Fixed

THREADS = 8
"""How many connections create jobs at once."""

CREATED_PER_SECOND = 250
"""How many jobs are created in a second, at least."""

MARGIN = 3.0
"""Seconds between the last first look and the jobs' end, and between that and the next look."""

TRACED_PER_SECOND = 100
"""How many looks there are in a second of a traced run, which is slow."""

PAGE = 4096 if sys.platform == "win32" else os.sysconf("SC_PAGE_SIZE")

REQUEST_TIMEOUT = 30.0
TIMEOUT = 600.0

WaitForAll = Callable[[list[JobId]], Awaitable[int]]
"""Waits for jobs, looks at each first when its hint says so, and returns how many ends it saw."""

Way = Callable[[str, float], AbstractAsyncContextManager[WaitForAll]]
"""Opens a client of the server at a URL, for waits that look again after so many seconds."""


def in_tasks(wait: Callable[[JobId], Awaitable[object]]) -> WaitForAll:
    """Give each wait a task of its own."""

    async def wait_for_all(jobs: list[JobId]) -> int:
        results = await asyncio.gather(*map(wait, jobs), return_exceptions=True)
        return sum(not isinstance(result, BaseException) for result in results)

    return wait_for_all


def _client(url: str, interval: float, http: httpx.AsyncClient | None = None) -> AsyncJobClient:
    strategy, limits = Fixed(interval=interval), Limits(timeout=TIMEOUT)
    return AsyncJobClient(url, strategy, limits, http, request_timeout=REQUEST_TIMEOUT)


@asynccontextmanager
async def bide(url: str, interval: float) -> AsyncIterator[WaitForAll]:
    async with _client(url, interval) as client:

        async def wait_for_all(jobs: list[JobId]) -> int:
            async with client.wait_for_jobs(jobs) as ended:
                return sum([outcome.end is End.COMPLETED async for _, outcome in ended])

        yield wait_for_all


@asynccontextmanager
async def bide_in_tasks(url: str, interval: float) -> AsyncIterator[WaitForAll]:
    async with _client(url, interval) as client:
        yield in_tasks(client.wait_for_job)


@asynccontextmanager
async def bide_on_one(url: str, interval: float) -> AsyncIterator[WaitForAll]:
    async with _http() as http, _client(url, interval, http) as client:
        yield in_tasks(client.wait_for_job)


@asynccontextmanager
async def tenacity(url: str, interval: float) -> AsyncIterator[WaitForAll]:
    library = import_module("tenacity")
    retry = library.retry(
        retry=library.retry_if_result(_is_pending) | library.retry_if_exception_type(httpx.TransportError),
        wait=library.wait_fixed(interval),
        stop=library.stop_after_attempt(10) | library.stop_after_delay(TIMEOUT),
    )
    async with _http() as http:
        look = retry(partial(_look, http))

        async def wait(job_id: JobId) -> object:
            await asyncio.sleep(job_id.hint_left() or 0.0)
            return await look(f"{url}/v1/jobs/{job_id}")

        yield in_tasks(wait)


@asynccontextmanager
async def by_hand(url: str, interval: float) -> AsyncIterator[WaitForAll]:
    async with _http() as http:

        async def wait(job_id: JobId) -> object:
            deadline = time.monotonic() + TIMEOUT
            delay = job_id.hint_left() or 0.0
            while time.monotonic() + delay < deadline:
                await asyncio.sleep(delay)
                job = await _look(http, f"{url}/v1/jobs/{job_id}")
                if not _is_pending(job):
                    return job
                delay = interval
            raise TimeoutError

        yield in_tasks(wait)


def _http() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=REQUEST_TIMEOUT, limits=httpx.Limits(max_connections=None))


async def _look(http: httpx.AsyncClient, url: str) -> Any:
    response = await http.get(url)
    response.raise_for_status()
    return response.json()


def _is_pending(job: Any) -> bool:
    return bool(job["status"] == "pending")


WAYS: dict[str, Way] = {
    "bide": bide,
    "bide, in tasks": bide_in_tasks,
    "bide, one client": bide_on_one,
    "tenacity": tenacity,
    "by hand": by_hand,
}


@frozen(kw_only=True)
class Plan:
    """
    What one process is to do.

    Args:
        way: how to wait.
        url: of the server.
        job_ids: of the jobs to wait for.
        spread: seconds over which the first looks are spread.
        interval: seconds from there to the second look.
        traced: whether to trace the memory of objects, and to end when that is known.
    """

    way: str
    url: str
    job_ids: list[str]
    spread: float
    interval: float
    traced: bool


@frozen(kw_only=True)
class Row:
    """
    What came of it.

    Args:
        way: how it was waited.
        version: of the library.
        waits: how many there were at once.
        ended: how many of them saw their job's end.
        calls: how many requests for a job's status they made.
        cpu: microseconds of this process for each of them.
        rss: bytes for each sleeping wait, of what the system has given the process.
        traced: bytes for each sleeping wait, of what Python's objects take; None if it was not traced.
        seconds: from the first wait's start to the last one's end.
    """

    way: str
    version: str | None
    waits: int
    ended: int
    calls: int
    cpu: float
    rss: float
    traced: float | None
    seconds: float


class Server:
    """The job server, as asked by someone who does not wait."""

    def __init__(self, url: str) -> None:
        """Take its URL."""
        self.url = url
        self._address = urlsplit(url).netloc

    def create(self, jobs: int, ends_at: float) -> list[str]:
        """Create so many jobs, all to end at a time of the monotonic clock; return their ids."""
        with ThreadPoolExecutor(THREADS) as pool:
            shares = [jobs // THREADS + (number < jobs % THREADS) for number in range(THREADS)]
            return [job_id for ids in pool.map(partial(self._create, ends_at), shares) for job_id in ids]

    def _create(self, ends_at: float, jobs: int) -> list[str]:
        with closing(HTTPConnection(self._address, timeout=REQUEST_TIMEOUT)) as connection:
            return [self._created(connection, ends_at - time.monotonic()) for _ in range(jobs)]

    def _created(self, connection: HTTPConnection, duration: float) -> str:
        body = json.dumps({"input": {"duration": max(0.0, duration), "outcome": "completed"}})
        connection.request("POST", "/v1/jobs", body, {"content-type": "application/json"})
        return str(json.loads(connection.getresponse().read())["id"])

    def calls(self) -> int:
        """Return how often a status was asked for so far."""
        with closing(HTTPConnection(self._address, timeout=REQUEST_TIMEOUT)) as connection:
            connection.request("GET", "/v1/stats")
            return int(json.loads(connection.getresponse().read())["status_calls"]["total"])


async def carry_out(plan: Plan) -> dict[str, float]:
    """Wait as planned, and return what a row is made of."""
    server = Server(plan.url)
    async with WAYS[plan.way](plan.url, plan.interval) as wait_for_all:
        await wait_for_all([JobId(plan.job_ids[0])])  # that has ended
        jobs = [JobId(job_id, random.uniform(0, plan.spread)) for job_id in plan.job_ids[1:]]
        if plan.traced:
            tracemalloc.start()
        calls, memory = await asyncio.to_thread(server.calls), _memory(traced=plan.traced)
        began, cpu = time.monotonic(), time.process_time()
        waits = asyncio.ensure_future(wait_for_all(jobs))
        await asyncio.sleep(plan.spread)
        while await asyncio.to_thread(server.calls) < calls + len(jobs):
            await asyncio.sleep(0.2)
        await asyncio.sleep(MARGIN / 3)
        asleep = (_memory(traced=plan.traced) - memory) / len(jobs)
        if plan.traced:
            waits.cancel()
        await asyncio.wait((waits,))
        return {
            "ended": 0 if waits.cancelled() else waits.result(),
            "calls": (made := server.calls() - calls),
            "cpu": 1e6 * (time.process_time() - cpu) / made,
            "memory": asleep,
            "seconds": time.monotonic() - began,
        }


def _memory(*, traced: bool) -> int:
    """Return the bytes that this process, or its objects, take now."""
    gc.collect()
    if traced:
        return tracemalloc.get_traced_memory()[0]
    if sys.platform == "linux":
        with open("/proc/self/statm") as pages:  # noqa: PTH123 - no path, but a question to the system
            return int(pages.read().split()[1]) * PAGE
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def in_a_process(plan: Plan) -> dict[str, float]:
    """Carry out a plan in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--carry-out"],
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def planned(way: str, server: Server, waits: int, spread: float, *, traced: bool) -> Plan:
    """Create the jobs, and return a plan by which they end between a wait's two looks."""
    created = time.monotonic() + waits / CREATED_PER_SECOND + MARGIN
    ends_at = created + spread + MARGIN + (TIMEOUT if traced else 0.0)
    job_ids = [*server.create(1, 0.0), *server.create(waits, ends_at)]
    interval = max(ends_at - time.monotonic(), spread) + MARGIN
    return Plan(way=way, url=server.url, job_ids=job_ids, spread=spread, interval=interval, traced=traced)


def measure(way: str, server: Server, waits: int, traced_waits: int, spread: float) -> Row:
    """Let a way carry out so many waits, and then so many that are traced."""
    found = in_a_process(planned(way, server, waits, spread, traced=False))
    traced = None
    if traced_waits:
        slowly = max(spread, traced_waits / TRACED_PER_SECOND)
        traced = in_a_process(planned(way, server, traced_waits, slowly, traced=True))["memory"]
    return Row(
        way=way,
        version=_version(way.split(",", maxsplit=1)[0]),
        waits=waits,
        ended=int(found["ended"]),
        calls=int(found["calls"]),
        cpu=found["cpu"],
        rss=found["memory"],
        traced=traced,
        seconds=found["seconds"],
    )


def _version(way: str) -> str | None:
    try:
        return metadata.version(way)
    except metadata.PackageNotFoundError:
        return None


def _lines(rows: list[Row]) -> Iterator[str]:
    heading = f"{'waits':>6} {'ended':>6} {'calls':>6} {'us CPU/call':>11} {'RSS':>6} {'traced':>6}"
    yield f"{'':17} {'version':>8} {heading}"
    for row in rows:
        counts = f"{row.waits:6} {row.ended:6} {row.calls:6} {row.cpu:11.0f}"
        traced = "-" if row.traced is None else f"{row.traced:.0f}"
        yield f"{row.way:17} {row.version or '':>8} {counts} {row.rss:6.0f} {traced:>6}"
    yield "RSS and traced in bytes for each sleeping wait"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What do many concurrent waits take?")
    parser.add_argument("--waits", type=int, default=10_000, help="waits at once (10000)")
    parser.add_argument(
        "--traced", type=int, default=2_000, help="waits of the traced run; 0 for none (2000)"
    )
    parser.add_argument("--spread", type=float, default=30.0, help="seconds of the first looks (30)")
    parser.add_argument("--way", action="append", choices=WAYS, help="only this one; may be repeated")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--carry-out", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.carry_out:
        print(json.dumps(asyncio.run(carry_out(Plan(**json.load(sys.stdin))))))
        return 0
    with server_process("--failing", "0") as url:
        rows = [
            measure(way, Server(url), options.waits, options.traced, options.spread)
            for way in options.way or WAYS
        ]
    if options.json:
        document = {"python": platform.python_version(), "rows": [asdict(row) for row in rows]}
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(_lines(rows)))
    return 0 if all(row.ended == row.waits for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
