"""
Does a job server keep what it acknowledged?

Several threads create jobs over raw HTTP; meanwhile the server gets SIGKILL at random moments, and starts
again on the same database. At last every acknowledged id is asked for. The exit status is 1 if one of them is
lost, or if the time did not suffice.
"""

from __future__ import annotations

import argparse
import json
import random
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event

from attrs import frozen

GREETING = "bide is listening on http://"
START_SECONDS = 20.0


class OutOfTime(Exception):
    """The run did not finish within its time."""


@frozen(kw_only=True)
class Report:
    """
    What came out of one run.

    Args:
        acknowledged: jobs whose creation was answered.
        found: those of them that the server knows at the end.
        kills: how often the server was killed.
        unanswered: requests that got no answer, because of the kills.
        seconds: how long it all took.
    """

    acknowledged: int
    found: int
    kills: int
    unanswered: int
    seconds: float

    @property
    def lost(self) -> int:
        """How many acknowledged jobs the server does not know."""
        return self.acknowledged - self.found

    def __str__(self) -> str:
        return (
            f"acknowledged {self.acknowledged}, found {self.found}, lost {self.lost} "
            f"({self.kills} kills, {self.unanswered} requests unanswered, {self.seconds:.1f} s)"
        )


class Server:
    """
    A job server in a process of its own, which can be killed and started again.

    Args:
        database: path of the file that it keeps its jobs in.
    """

    def __init__(self, database: Path) -> None:
        """Start it."""
        self._command = [sys.executable, "-m", "bide", "serve", "--port", "0", "--db", str(database)]
        self.start()

    def start(self) -> None:
        """Start the process, and learn the address that it listens on."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        try:
            self.address = _first_address(self._process)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process with SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.communicate()


def survive(*, jobs: int, kills: int, threads: int, seconds: float, folder: Path) -> Report:
    """
    Submit jobs while the server is killed and restarted, then look for all of them.

    Args:
        jobs: how many creations must be acknowledged.
        kills: how often the server is killed meanwhile.
        threads: how many clients submit at once.
        seconds: the time for everything.
        folder: where the database is made.

    Raises:
        OutOfTime: it took longer.
    """
    start = time.monotonic()
    ids: list[str] = []
    with closing(Server(folder / "survival.db")) as server:
        with _submitters(server, ids, jobs, threads) as submitters:
            for count in sorted(random.randrange(jobs) for _ in range(kills)):
                _wait_for(count, ids, submitters, start + seconds)
                server.close()
                server.start()
            _wait_for(jobs, ids, submitters, start + seconds)
            unanswered = sum(one.result() for one in submitters)
        found = _count_found(server, ids, start + seconds)
    return Report(
        acknowledged=len(ids),
        found=found,
        kills=kills,
        unanswered=unanswered,
        seconds=time.monotonic() - start,
    )


@contextmanager
def _submitters(server: Server, ids: list[str], jobs: int, threads: int) -> Iterator[list[Future[int]]]:
    """Run threads that together create so many jobs; at the end they stop, done or not."""
    stop = Event()
    with ThreadPoolExecutor(threads) as pool:
        shares = [jobs // threads + (number < jobs % threads) for number in range(threads)]
        try:
            yield [pool.submit(_submit, server, ids, share, stop) for share in shares]
        finally:
            stop.set()


def _submit(server: Server, ids: list[str], share: int, stop: Event) -> int:
    """Create jobs until a share of them is acknowledged; return how many requests got no answer."""
    unanswered = 0
    while share and not stop.is_set():
        try:
            ids.append(_create(server.address))
            share -= 1
        except (OSError, HTTPException):
            unanswered += 1
            stop.wait(0.005)
    return unanswered


def _create(address: str) -> str:
    with closing(HTTPConnection(address, timeout=5)) as connection:
        connection.request("POST", "/v1/jobs")
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != 202:
        raise ValueError(f"creating a job was answered with {answer.status}: {body!r}")
    return str(json.loads(body)["id"])


def _count_found(server: Server, ids: list[str], deadline: float) -> int:
    with closing(HTTPConnection(server.address, timeout=5)) as connection:
        return sum(_knows(connection, one, deadline) for one in ids)


def _knows(connection: HTTPConnection, id: str, deadline: float) -> bool:  # noqa: A002 - the API's word
    if time.monotonic() > deadline:
        raise OutOfTime("not every job was asked for in time")
    connection.request("GET", f"/v1/jobs/{id}")
    answer = connection.getresponse()
    document = json.loads(answer.read())
    return answer.status == 200 and document["id"] == id


def _wait_for(count: int, ids: list[str], submitters: list[Future[int]], deadline: float) -> None:
    while len(ids) < count:
        for one in submitters:
            if one.done():
                one.result()  # raises what ended the thread too early
        if time.monotonic() > deadline:
            raise OutOfTime("not every job was acknowledged in time")
        time.sleep(0.001)


def _first_address(process: subprocess.Popen[bytes]) -> str:
    """Return the address in the first line of a server, which one that hangs never writes."""
    assert process.stdout is not None  # noqa: S101 - Popen was told to make it
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline().decode() if selector.select(START_SECONDS) else ""
    if not line.startswith(GREETING):
        raise OutOfTime(f"the server did not start; it said {line!r}")
    return line.removeprefix(GREETING).strip()


def main() -> int:
    parser = argparse.ArgumentParser(description="Does a job server keep what it acknowledged?")
    parser.add_argument("--jobs", type=int, default=1000, help="creations to be acknowledged (1000)")
    parser.add_argument("--kills", type=int, default=8, help="how often the server is killed (8)")
    parser.add_argument("--threads", type=int, default=4, help="clients that submit at once (4)")
    parser.add_argument("--seconds", type=float, default=120.0, help="time for everything (120)")
    options = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = survive(**options, folder=Path(folder))
        except OutOfTime as error:
            print(f"out of time: {error}")
            return 1
    print(report)
    return 1 if report.lost else 0


if __name__ == "__main__":
    sys.exit(main())
