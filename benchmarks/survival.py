"""
Does a job server keep what it acknowledged, and make no job twice?

Several threads create jobs over raw HTTP, each with a key of its own, and try again with that key until they
are answered; and they read what they made. Meanwhile the server gets SIGKILL at random moments, and starts
again on the same database. At last every job is asked for, and the database is read without the server. The
exit status is 1 if a job is lost or doubled, if the database is damaged, or if the server does not come back.
"""

from __future__ import annotations

import argparse
import json
import random
import selectors
import sqlite3
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
from uuid import uuid4

from attrs import define, field, frozen

GREETING = "bide is listening on http://"
PATIENCE = 60.0  # seconds for anything: only a server that hangs needs them
LONGEST_LIFE = 0.2  # seconds from a server's first answer to its death


class OutOfTime(Exception):
    """The server did not start, or does not answer."""


@frozen(kw_only=True)
class Report:
    """
    What came out of one run.

    Args:
        kills: how often the server was killed.
        acknowledged: jobs whose creation was answered.
        lost: those of them that the server, or its database, does not know at the end.
        doubled: jobs in the database beyond one for each acknowledged key.
        unanswered: requests that got no answer, because of the kills.
        slowest: seconds from a start of the server's process to its first answer, at the worst.
        integrity: what ``PRAGMA integrity_check`` says.
        seconds: how long it all took.
    """

    kills: int
    acknowledged: int
    lost: int
    doubled: int
    unanswered: int
    slowest: float
    integrity: str
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled or damaged."""
        return (self.lost, self.doubled, self.integrity) == (0, 0, "ok")

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.seconds:.0f} s: acknowledged {self.acknowledged}, "
            f"lost {self.lost}, doubled {self.doubled}, unanswered {self.unanswered}, "
            f"integrity {self.integrity}; first answer after {self.slowest:.2f} s at the worst"
        )


@define
class Life:
    """
    One process of the server.

    Args:
        process: of the server.
        began: when it was started, on the monotonic clock.
        address: that it listens on.
        first: seconds from its start to its first answer.
    """

    process: subprocess.Popen[bytes]
    began: float
    address: str = ""
    first: float = 0.0
    answered: Event = field(init=False, factory=Event)

    def end(self) -> None:
        """Kill the process, and wait until it is gone."""
        self.process.kill()
        self.process.communicate()

    def note_answer(self) -> None:
        """Note that a request was answered."""
        if not self.answered.is_set():
            self.first = time.monotonic() - self.began
            self.answered.set()


class Server:
    """
    A job server in a process of its own, which can be killed and started again.

    Args:
        database: path of the file that it keeps its jobs in.
    """

    def __init__(self, database: Path) -> None:
        """Start it."""
        self._command = [sys.executable, "-m", "bide", "serve", "--port", "0", "--db", str(database)]
        self.life = self._started()

    def restart(self) -> None:
        """Kill it, and start it again."""
        self.life.end()
        self.life = self._started()

    def close(self) -> None:
        """Kill it."""
        self.life.end()

    def _started(self) -> Life:
        began = time.monotonic()
        life = Life(subprocess.Popen(self._command, stdout=subprocess.PIPE), began)
        try:
            life.address = _first_address(life.process)
        except BaseException:
            life.end()
            raise
        return life


def survive(*, kills: int, threads: int, folder: Path) -> Report:
    """
    Create and read jobs while the server is killed and restarted, then look for all of them.

    Args:
        kills: how often the server is killed.
        threads: how many clients there are at once.
        folder: where the database is made.

    Raises:
        OutOfTime: the server does not start, or does not answer.
    """
    began, database = time.monotonic(), folder / "survival.db"
    made: dict[str, str] = {}
    slowest = 0.0
    with closing(Server(database)) as server:
        with _clients(server, made, threads) as clients:
            for _ in range(kills):
                slowest = max(slowest, _until_answered(server.life))
                time.sleep(random.uniform(0, LONGEST_LIFE))
                server.restart()
            slowest = max(slowest, _until_answered(server.life))
        unanswered = sum(client.result() for client in clients)
        unknown = _count_unknown(server.life, list(made.values()))
    with closing(sqlite3.connect(database)) as connection:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
        rows = connection.execute("SELECT idempotency_key, id FROM jobs").fetchall()
    return Report(
        kills=kills,
        acknowledged=len(made),
        lost=max(unknown, len(set(made.items()) - set(rows))),
        doubled=len(rows) - len(made),
        unanswered=unanswered,
        slowest=slowest,
        integrity=integrity,
        seconds=time.monotonic() - began,
    )


@contextmanager
def _clients(server: Server, made: dict[str, str], threads: int) -> Iterator[list[Future[int]]]:
    """Run threads that create jobs; at the end each of them finishes the one that it is at."""
    stop = Event()
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield [pool.submit(_create_and_read, server, made, stop) for _ in range(threads)]
        finally:
            stop.set()


def _create_and_read(server: Server, made: dict[str, str], stop: Event) -> int:
    """Create and read jobs; return how many requests got no answer."""
    unanswered = 0
    while not stop.is_set():
        key = str(uuid4())
        refused, created = _insist(server, "POST", "/v1/jobs", key)
        made[key] = created
        again, read = _insist(server, "GET", f"/v1/jobs/{created}", key)
        if read != created:
            raise ValueError(f"the job {created} was read as {read}")
        unanswered += refused + again
    return unanswered


def _insist(server: Server, method: str, path: str, key: str) -> tuple[int, str]:
    """Make a request until it is answered; return how often it was not, and the id of the job."""
    unanswered, ends_at = 0, time.monotonic() + PATIENCE
    while time.monotonic() < ends_at:
        life = server.life
        try:
            status, body = _ask(life.address, method, path, key)
        except (OSError, HTTPException):
            unanswered += 1
            time.sleep(0.02)
            continue
        life.note_answer()
        if status not in {200, 202}:
            raise ValueError(f"{method} {path} was answered with {status}: {body!r}")
        return unanswered, str(json.loads(body)["id"])
    raise OutOfTime(f"{method} {path} was not answered in {PATIENCE:g} s")


def _ask(address: str, method: str, path: str, key: str) -> tuple[int, bytes]:
    with closing(HTTPConnection(address, timeout=PATIENCE)) as connection:
        connection.request(method, path, headers={"Idempotency-Key": f'"{key}"'})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _until_answered(life: Life) -> float:
    """Wait for the first answer of a server; return how many seconds after its start that was."""
    if not life.answered.wait(PATIENCE):
        raise OutOfTime(f"the server answered nothing in {PATIENCE:g} s")
    return life.first


def _count_unknown(life: Life, ids: list[str]) -> int:
    """Return how many jobs the server does not know."""
    with closing(HTTPConnection(life.address, timeout=PATIENCE)) as connection:
        return sum(not _knows(connection, one) for one in ids)


def _knows(connection: HTTPConnection, id: str) -> bool:  # noqa: A002 - the API's word
    connection.request("GET", f"/v1/jobs/{id}")
    answer = connection.getresponse()
    document = json.loads(answer.read())
    return answer.status == 200 and document["id"] == id


def _first_address(process: subprocess.Popen[bytes]) -> str:
    """Return the address in the first line of a server, which one that hangs never writes."""
    assert process.stdout is not None  # noqa: S101 - Popen was told to make it
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline().decode() if selector.select(PATIENCE) else ""
    if not line.startswith(GREETING):
        raise OutOfTime(f"the server did not start; it said {line!r}")
    return line.removeprefix(GREETING).strip()


def main() -> int:
    parser = argparse.ArgumentParser(description="Does a job server keep what it acknowledged?")
    parser.add_argument("--kills", type=int, default=200, help="how often the server is killed (200)")
    parser.add_argument("--threads", type=int, default=8, help="clients at once (8)")
    options = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = survive(**options, folder=Path(folder))
        except OutOfTime as error:
            print(f"out of time: {error}")
            return 1
    print(report)
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
