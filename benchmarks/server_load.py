"""
What does the job server stand, beside a bare Falcon app on waitress with one constant answer?

The servers take turns under the same load, so their ratios hold on a busy machine too; the median of the
rounds is told. It needs Linux, for its cores and ``/proc``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

from attrs import asdict, frozen
from raw_load import Load

from bide.server.schema import open_database
from bide.server.store import Store

HERE = Path(__file__).parent
CONNECTIONS = 64
SAMPLE = 200_000  # of the ids, for which requests are made beforehand: more than a server remembers
POLLED = 10_000  # of them, that are looked at again and again
SOCKETS = 3000
HOLDS = 64  # four times the threads of the default settings
_INSERT = "INSERT INTO jobs (id, created_at, ends_at, outcome) VALUES (?, ?, ?, 'completed')"


@frozen(kw_only=True)
class Finding:
    """
    One figure.

    Args:
        what: was measured.
        figure: it came to.
        unit: of the figure.
        aim: what it should come to.
        more: whether it should be at least the aim, and not at most.
        note: what else was seen.
    """

    what: str
    figure: float
    unit: str
    aim: float | None = None
    more: bool = True
    note: str = ""

    def __str__(self) -> str:
        sign = ">=" if self.more else "<"
        aim = "" if self.aim is None else f"{sign} {self.aim:g}"
        return f"{self.what:44} {self.figure:10,.2f} {self.unit:10} {aim:9} {self.note}".rstrip()


@frozen
class Server:
    """
    A server in a process of its own.

    Args:
        url: that it listens on.
        process: that it runs in.
    """

    url: str
    process: subprocess.Popen[str]

    def under(self, requests: list[str], *, standing: tuple[str, ...] = (), **limits: Any) -> dict[str, Any]:
        """Return what came of a load that another process puts on it."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        limits = {"connections": CONNECTIONS, "most": 10**9, "seconds": 600.0, **limits}
        load = Load(
            address=(host, int(port)),
            requests=requests,
            standing=list(standing),
            cores=self._others(),
            **limits,
        )
        command = [sys.executable, str(HERE / "raw_load.py")]
        done = subprocess.run(
            command, input=json.dumps(asdict(load)), stdout=subprocess.PIPE, text=True, check=True
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def resident(self) -> float:
        """Return what the system has given its process, in MB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def computing(self) -> float:
        """Return for how many seconds its process has computed."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def create(self) -> str:
        """Return the id of a new job that lasts longer than any load."""
        body = b'{"input": {"duration": 3600}}'
        request = Request(f"{self.url}/v1/jobs", body, {"Content-Type": "application/json"})  # noqa: S310
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            return str(json.load(answer)["id"])

    def _others(self) -> list[int]:
        """Return the cores that it leaves to others, or all if it leaves none."""
        every = os.sched_getaffinity(0)
        return sorted(every - os.sched_getaffinity(self.process.pid) or every)


@contextmanager
def started(*arguments: str) -> Iterator[Server]:
    """Run a Python program that says on its first line where it listens, and end it afterwards."""
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - Popen was told to make it
            yield Server(process.stdout.readline().split()[-1], process)
        finally:
            process.kill()


def bide(database: str | Path) -> Any:
    """Return a context with a job server of the default settings."""
    return started("-m", "bide", "serve", "--port", "0", "--db", str(database))


def fill(path: Path, jobs: int) -> list[str]:
    """Make a database of so many jobs, half of which have ended; return the ids of some."""
    now = time.time()
    ids = [str(uuid4()) for _ in range(jobs)]
    with closing(open_database(str(path))) as connection:
        connection.execute("BEGIN")
        connection.executemany(_INSERT, ((one, now - 3600, now + random.uniform(-3600, 3600)) for one in ids))
        connection.execute("COMMIT")
    return random.sample(ids, min(SAMPLE, jobs))


def reading(job: str, *headers: str) -> str:
    """Return a request for the status of a job, as raw HTTP."""
    return "\r\n".join([f"GET /v1/jobs/{job} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""])


CREATING = "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"


@frozen(kw_only=True)
class Trial:
    """
    What is measured on, and how long.

    Args:
        great: a database of many jobs.
        ids: of some of them.
        empty: a path where there is no database yet.
        rounds: in which servers take turns.
        seconds: that a turn takes.
        reads: after which the memory is looked at.
        looks: by which a delay is judged.
    """

    great: Path
    ids: list[str]
    empty: Path
    rounds: int
    seconds: float
    reads: int
    looks: int

    @cached_property
    def readings(self) -> list[str]:
        """Requests for the status of jobs."""
        return [reading(one) for one in self.ids]


def opening(trial: Trial) -> Iterator[Finding]:
    """How long does it take to open the great database?"""
    times = []
    for _ in range(trial.rounds):
        began = time.perf_counter()
        Store(str(trial.great)).close()
        times.append(time.perf_counter() - began)
    yield Finding(what="opening the great database", figure=median(times), unit="s", aim=1, more=False)


def reads(trial: Trial) -> Iterator[Finding]:
    """How many status reads does it answer in a second, beside the bare app?"""
    with bide(trial.great) as ours, urlopen(f"{ours.url}/v1/jobs/{trial.ids[0]}") as answer:  # noqa: S310
        size, bare = str(len(answer.read())), str(HERE / "bare_server.py")
        with started(bare, size, "pinned") as pinned, started(bare, size, "default") as default:
            polled = trial.readings[:POLLED]
            ours.under(polled, most=POLLED)
            rounds = [
                _Round.of(trial, number, polled, ours, pinned, default) for number in range(trial.rounds)
            ]
    for name in ("polled", "new", "pinned", "default"):
        rates = [getattr(one, name).rate for one in rounds]
        note = f"{min(rates):,.0f} to {max(rates):,.0f}"
        yield Finding(what=f"status reads: {_NAMES[name]}", figure=median(rates), unit="/s", note=note)
    for name, beside, aim in (
        ("polled", "pinned", 0.8),
        ("new", "pinned", None),
        ("polled", "default", 5.0),
    ):
        pairs = [(getattr(one, name), getattr(one, beside)) for one in rounds]
        computed = median(other.computed / one.computed for one, other in pairs)
        yield Finding(
            what=f"status reads: {_NAMES[name]} / {_NAMES[beside]}",
            figure=median(one.rate / other.rate for one, other in pairs),
            unit="times",
            aim=aim,
            note=f"{computed:.2f} by time of computing",
        )


_NAMES = {"polled": "bide", "new": "bide, each once", "pinned": "bare, pinned", "default": "bare, default"}


@frozen
class _Pace:
    """
    What a server did in a turn.

    Args:
        rate: of status reads, per second.
        computed: seconds of its computing for each.
    """

    rate: float
    computed: float

    @classmethod
    def of(cls, server: Server, requests: list[str], seconds: float) -> _Pace:
        before = server.computing()
        seen = server.under(requests, seconds=seconds)
        return cls(seen["rate"], (server.computing() - before) / sum(seen["statuses"].values()))


@frozen
class _Round:
    """
    A turn of each server.

    Args:
        polled: ours, asked for jobs that it was asked for before.
        new: ours, asked for each job once.
        pinned: the bare app with the settings of ours.
        default: the bare app with the settings of waitress.
    """

    polled: _Pace
    new: _Pace
    pinned: _Pace
    default: _Pace

    @classmethod
    def of(cls, trial: Trial, number: int, polled: list[str], *servers: Server) -> _Round:
        ours, pinned, default = servers
        others = trial.readings[POLLED:]
        share = len(others) // trial.rounds
        return cls(
            _Pace.of(ours, polled, trial.seconds),
            _Pace.of(ours, others[number * share : (number + 1) * share], trial.seconds),
            _Pace.of(pinned, polled, trial.seconds),
            _Pace.of(default, polled, trial.seconds),
        )


def creates(trial: Trial) -> Iterator[Finding]:
    """How many new jobs does it have on disk in a second?"""
    with bide(trial.empty) as server:
        turns = [server.under([CREATING], seconds=trial.seconds) for _ in range(trial.rounds)]
    note = f"p99 {median(turn['p99'] for turn in turns):.0f} ms"
    yield Finding(
        what="durable creates", figure=median(turn["rate"] for turn in turns), unit="/s", aim=1000, note=note
    )


def memory(trial: Trial) -> Iterator[Finding]:
    """How much does its memory grow with reads?"""
    with bide(trial.great) as server:
        server.under(trial.readings, most=trial.reads // 10)  # fills the caches
        before = server.resident()
        server.under(trial.readings, most=trial.reads)
        grown = server.resident() - before
    note = f"from {before:.1f} MB"
    yield Finding(
        what=f"growth in {trial.reads:,} reads", figure=grown, unit="MB", aim=1, more=False, note=note
    )


def sockets(trial: Trial) -> Iterator[Finding]:
    """How long does a status read take beside thousands of sockets that say nothing, or half a request?"""
    silent = ("", reading(trial.ids[0])[:30]) * (SOCKETS // 2)
    with bide(trial.great) as server:
        yield delay(f"status read beside {SOCKETS:,} sockets", 50, server, trial, silent)


def holds(trial: Trial) -> Iterator[Finding]:
    """How long does a status read take beside requests that would rather be held?"""
    with bide(trial.empty) as server:
        held = reading(server.create(), "Prefer: wait=60")
        yield delay(f"status read beside {HOLDS} long polls", 100, server, trial, (held,) * HOLDS)


def delay(what: str, aim: float, server: Server, trial: Trial, standing: tuple[str, ...]) -> Finding:
    """Return the 99th percentile of the times of status reads, one after the other."""
    seen = server.under(trial.readings, standing=standing, connections=1, most=trial.looks)
    note = f"p50 {seen['p50']:.1f}, worst {seen['worst']:.0f} ms"
    return Finding(what=what, figure=seen["p99"], unit="ms p99", aim=aim, more=False, note=note)


FIGURES: dict[str, Callable[[Trial], Iterator[Finding]]] = {
    "opening": opening,
    "reads": reads,
    "creates": creates,
    "memory": memory,
    "sockets": sockets,
    "holds": holds,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0].strip())
    parser.add_argument("--only", choices=FIGURES, nargs="+", default=list(FIGURES), help="figures (all)")
    parser.add_argument("--jobs", type=int, default=10**6, help="in the great database (1000000)")
    parser.add_argument("--rounds", type=int, default=5, help="in which servers take turns (5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="that a turn takes (3)")
    parser.add_argument("--reads", type=int, default=10**6, help="for the memory (1000000)")
    parser.add_argument("--looks", type=int, default=1000, help="by which a delay is judged (1000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = vars(parser.parse_args(arguments))
    only, jobs, as_json = options.pop("only"), options.pop("jobs"), options.pop("json")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        great, empty = Path(folder, "great.db"), Path(folder, "empty.db")
        trial = Trial(great=great, ids=fill(great, jobs), empty=empty, **options)
        for name in only:
            for finding in FIGURES[name](trial):
                found.append(finding)
                if not as_json:
                    print(finding, flush=True)
    if as_json:
        print(json.dumps({"load": os.getloadavg()[0], "findings": [asdict(one) for one in found]}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
