"""
Does a job server stand whatever comes over a socket?

Requests of many shapes, most of them broken on purpose and all drawn from one seed, go to a server in a
process of its own. The exit status is 1 if one of them gets a 5xx other than 501 and 505 (HTTP's words for
methods, transfer codings and versions that nobody knows), if a connection outlives its client, if the server
logs a traceback, if its memory grows by more than 16 MiB in the second half of the requests, or if it does
not work afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from attrs import asdict, field, frozen
from hostile_requests import SHAPES, request_of

GROWTH_MIB = 16.0
CONNECTIONS = 64
QUIET_SECONDS = 0.25  # after which a server that says nothing is taken to wait for more
CLOSING_SECONDS = 10.0  # in which a connection must close once its client sends no more

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) [A-Za-z -]*\r\n")


@frozen(kw_only=True)
class Report:
    """
    What came out of one run.

    Args:
        requests: how many were sent, by shape.
        statuses: how often each status came, by shape; one request may have several answers, or none.
        hung: connections that outlived their clients.
        tracebacks: in the log of the server.
        mib: the server's resident memory at the start, after half of the requests, and at the end.
        works: whether the server does its work afterwards.
        seconds: how long it all took.
    """

    requests: dict[str, int]
    statuses: dict[str, dict[int, int]]
    hung: int
    tracebacks: int
    mib: list[float]
    works: bool
    seconds: float
    failures: int = field(init=False)

    @failures.default
    def _failures(self) -> int:
        """Return how many answers were a 5xx that nobody may provoke."""
        return sum(self.answers(shape, 500, 600) - self.unknown(shape) for shape in self.statuses)

    def answers(self, shape: str, least: int, below: int) -> int:
        """Return how many answers to a shape have a status from the one to below the other."""
        return sum(count for status, count in self.statuses[shape].items() if least <= status < below)

    def unknown(self, shape: str) -> int:
        """Return how many answers to a shape say that HTTP has no such method, coding or version."""
        return self.answers(shape, 501, 502) + self.answers(shape, 505, 506)

    @property
    def passes(self) -> bool:
        """Whether the server stood it all."""
        grown = self.mib[-1] - self.mib[1] if self.mib else 0.0
        return self.works and grown <= GROWTH_MIB and not (self.failures or self.hung or self.tracebacks)

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("shape", "requests", "2xx", "3xx", "4xx", "501/505", "other 5xx")]
        for shape, count in self.requests.items():
            spans = ((200, 300), (300, 400), (400, 500))
            answers = [*(self.answers(shape, *span) for span in spans), self.unknown(shape)]
            rows.append((shape, *map(str, (count, *answers, self.answers(shape, 500, 600) - answers[-1]))))
        table = "\n".join(f"{shape:18}" + "".join(f"{cell:>10}" for cell in cells) for shape, *cells in rows)
        memory = " -> ".join(f"{one:.1f}" for one in self.mib) or "unknown"
        return (
            f"{table}\n\n{sum(self.requests.values())} requests in {self.seconds:.0f} s; {self.hung} hung; "
            f"{self.tracebacks} tracebacks; RSS {memory} MiB; "
            f"{'works' if self.works else 'does not work'} afterwards"
        )


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a job server in a process of its own, with its log in a folder; give its URL and its process id."""
    command = [sys.executable, "-m", "bide", "serve", "--port", "0", "--db", str(folder / "hostile.db")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--failing", "0"], stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None  # noqa: S101 - Popen was told to make it
        yield process.stdout.readline().decode().rpartition(" ")[2].strip(), process.pid
    finally:
        process.kill()
        process.communicate()


async def exchange(host: str, port: int, data: bytes) -> tuple[list[int], bool]:
    """Send a request; return the statuses of its answers, and whether its connection closed in time."""
    reader, writer = await asyncio.open_connection(host, port)
    heard = bytearray()
    try:
        writer.write(data)
        try:
            await _hear(reader, heard, QUIET_SECONDS)
        except TimeoutError:
            writer.write_eof()
            await _hear(reader, heard, CLOSING_SECONDS)
        return _statuses(heard), True
    except TimeoutError:
        return _statuses(heard), False
    except OSError:  # a reset, after an answer to what was not all read
        return _statuses(heard), True
    finally:
        writer.transport.abort()


async def _hear(reader: asyncio.StreamReader, heard: bytearray, seconds: float) -> None:
    """Hear until the other side closes, but no longer than it is silent for so many seconds."""
    while data := await asyncio.wait_for(reader.read(65_536), seconds):
        heard += data


def _statuses(heard: bytes | bytearray) -> list[int]:
    return [int(status) for status in _STATUS.findall(heard)]


async def attack(url: str, numbers: range, seed: int, statuses: dict[str, Counter[int]]) -> int:
    """Send the requests of some numbers, many at once; count their statuses, and return how many hung."""
    parts, names, hung = urlsplit(url), list(SHAPES), 0
    left = iter(numbers)

    async def send() -> None:
        nonlocal hung
        for number in left:
            shape = names[number % len(names)]
            data = request_of(shape, f"{seed} {number}")
            answers, closed = await exchange(str(parts.hostname), parts.port or 80, data)
            statuses[shape].update(answers)
            hung += not closed

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return hung


def works(url: str) -> bool:
    """Say whether a job can be made, and read."""
    with urlopen(f"{url}/v1/jobs", data=b"", timeout=10) as answer:  # noqa: S310 - the URL is this script's own
        job = json.load(answer)
    with urlopen(f"{url}/v1/jobs/{job['id']}", timeout=10) as answer:  # noqa: S310 - as above
        return bool(json.load(answer)["id"] == job["id"])


def mib_of(pid: int) -> list[float]:
    """Return the resident memory of a process, where the system tells: a list of one, or of none."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return []
    return [int(text.partition("VmRSS:")[2].split()[0]) / 1024]


def stand(requests: int, seed: int) -> Report:
    """Send so many requests to a server, and report how it stood them."""
    began = time.monotonic()
    statuses: dict[str, Counter[int]] = {shape: Counter() for shape in SHAPES}
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (url, pid):
        mib, hung = mib_of(pid), 0
        half = requests // 2
        for numbers in (range(half), range(half, requests)):
            hung += asyncio.run(attack(url, numbers, seed, statuses))
            mib += mib_of(pid)
        return Report(
            requests={shape: len(range(first, requests, len(SHAPES))) for first, shape in enumerate(SHAPES)},
            statuses={shape: dict(sorted(counts.items())) for shape, counts in statuses.items()},
            hung=hung,
            tracebacks=(Path(name) / "log").read_text(errors="replace").count("Traceback"),
            mib=mib,
            works=works(url),
            seconds=time.monotonic() - began,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Does a job server stand whatever comes over a socket?")
    parser.add_argument("--requests", type=int, default=100_000, help="how many to send (100000)")
    parser.add_argument("--seed", type=int, default=1, help="of the requests (1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    report = stand(options.requests, options.seed)
    print(json.dumps(asdict(report)) if options.json else report)
    return 0 if report.passes else 1


if __name__ == "__main__":
    sys.exit(main())
