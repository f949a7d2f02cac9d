"""Many waits at once, on a real server: results as they come, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from urllib.request import urlopen

import anyio
import httpx
import pytest
from attrs import frozen

from bide import (
    AsyncPoller,
    ConfigError,
    End,
    JobClient,
    Limits,
    Observation,
    Outcome,
    Poller,
    Situation,
    StrategyError,
    Wait,
)
from bide.cli.server_process import server_process
from bide.events import Event, WaitEnded
from bide.http import AsyncHttpPoller, AsyncJobClient, HttpJob, HttpPoller
from bide.http.gather import outcomes
from bide_strategies import Fixed

pytestmark = pytest.mark.wire

QUICK = Fixed(interval=0.02)
FREE = Limits(max_attempts=None, timeout=20.0)
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a real server."""
    with server_process("--failing", "0") as url:
        yield url


class Broken:
    """A strategy that answers nonsense after its third poll."""

    def delay(self, situation: Situation, u: float) -> float:
        return 0.01 if situation.polls < 3 else -1.0


def jobs_of(url: str, *seconds: float) -> dict[str, float]:
    """Create jobs that take so many seconds, and return these by their ids."""
    with JobClient(url) as client:
        return {client.create_job({"duration": one, "outcome": "completed"}): one for one in seconds}


def calls_at(url: str) -> int:
    """Return how often the server was asked for a status."""
    with urlopen(f"{url}/v1/stats") as answer:  # noqa: S310 - our own server
        return int(json.load(answer)["status_calls"]["total"])


def look_threads() -> list[threading.Thread]:
    """Return the threads that look."""
    return [thread for thread in threading.enumerate() if thread.name == "bide-look"]


def assert_nothing_is_left(url: str) -> None:
    """Hold threads to end, and the server to be left alone."""
    for thread in look_threads():
        thread.join(5.0)
    assert look_threads() == []
    calls = calls_at(url)
    time.sleep(0.1)  # five polls of any wait that went on
    assert calls_at(url) == calls


def test_outcomes_come_as_jobs_end(url: str) -> None:
    """The first to end is the first to come, and each comes with its id."""
    jobs = jobs_of(url, 0.9, 0.1, 0.5)
    with JobClient(url, QUICK, FREE) as client:
        ended = list(client.wait_for_jobs(jobs))
    assert [jobs[job_id] for job_id, _ in ended] == [0.1, 0.5, 0.9]
    assert {outcome.end for _, outcome in ended} == {End.COMPLETED}
    assert_nothing_is_left(url)


@BACKENDS
def test_outcomes_come_as_jobs_end_in_tasks_too(url: str, backend: str) -> None:
    """The same for asyncio and trio."""
    jobs = jobs_of(url, 0.9, 0.1, 0.5)

    async def main() -> list[float]:
        async with AsyncJobClient(url, QUICK, FREE) as client, client.wait_for_jobs(jobs) as ended:
            return [jobs[job_id] async for job_id, outcome in ended if outcome.end is End.COMPLETED]

    assert anyio.run(main, backend=backend) == [0.1, 0.5, 0.9]


def test_no_job_raises(url: str) -> None:
    """An unknown job, one that failed and one that takes too long are outcomes like any other."""
    with JobClient(url, QUICK, Limits(max_attempts=None, timeout=0.5)) as client:
        failing = client.create_job({"duration": 0.1, "outcome": "error"})
        jobs = {
            "no-such-job": End.JOB_NOT_FOUND,
            failing: End.JOB_FAILED,
            client.create_job({"duration": 60}): End.TIMED_OUT,
        }
        assert {job_id: outcome.end for job_id, outcome in client.wait_for_jobs(jobs)} == jobs


def test_few_threads_serve_many_jobs(url: str) -> None:
    """Sixty jobs and three threads: all complete, and each was looked at for itself."""
    jobs = jobs_of(url, *[0.3] * 60)
    with JobClient(url, Fixed(interval=0.1), FREE) as client:
        ended = {}
        for job_id, outcome in client.wait_for_jobs(jobs, at_once=3):
            ended[job_id] = outcome
            assert len(look_threads()) <= 3
    assert ended.keys() == jobs.keys()
    assert all(outcome.calls >= 1 and outcome.end is End.COMPLETED for outcome in ended.values())


def test_no_jobs_are_soon_done(url: str) -> None:
    """Nothing is asked, and nothing comes."""
    with JobClient(url) as client:
        assert list(client.wait_for_jobs([])) == []


@pytest.mark.parametrize("at_once", [0, -1, 1.5, None])
def test_at_once_is_a_number_of_threads(url: str, at_once: int) -> None:
    """What is none is refused at the call, by name."""
    with JobClient(url) as client, pytest.raises(ConfigError, match="at_once: must be a whole number >= 1"):
        client.wait_for_jobs(["a1"], at_once=at_once)


@pytest.mark.parametrize("at_once", [0, -1, 1.5])
def test_at_once_is_a_number_of_tasks(at_once: int) -> None:
    """The same before any task begins."""
    client = AsyncJobClient("http://server.test")
    with pytest.raises(ConfigError, match="at_once: must be a whole number >= 1"):
        client.wait_for_jobs(["a1"], at_once=at_once)


def test_waits_go_on_while_the_caller_is_busy(url: str) -> None:
    """Who takes time over the first outcome does not make the other jobs' ends come late."""
    jobs = jobs_of(url, 0.0, 0.3)
    with JobClient(url, QUICK, FREE) as client:
        waits = client.wait_for_jobs(jobs)
        next(waits)
        time.sleep(1.0)
        (_, last), *others = waits
    assert others == []
    assert last.lag is not None
    assert last.lag < 0.5


def test_who_leaves_early_leaves_nothing_running(url: str) -> None:
    """After the first outcome no thread goes on, and each wait has been told as ended."""
    jobs = jobs_of(url, 0.1, 60.0, 60.0)
    events: list[Event] = []
    poller = Poller(QUICK, FREE, observers=[events.append])
    with JobClient(url, poller) as client:
        for _ in client.wait_for_jobs(jobs):
            break
        assert_nothing_is_left(url)
    ends = [event.outcome.end for event in events if isinstance(event, WaitEnded)]
    assert sorted(ends) == sorted([End.COMPLETED, End.CANCELLED, End.CANCELLED])


@BACKENDS
def test_who_leaves_tasks_early_leaves_nothing_running(url: str, backend: str) -> None:
    """Leaving the block cancels the other waits; what the caller raises there arrives as it is."""
    jobs = jobs_of(url, 0.1, 60.0, 60.0)
    events: list[Event] = []

    async def main() -> None:
        poller = AsyncPoller(QUICK, FREE, observers=[events.append])
        async with AsyncJobClient(url, poller) as client, client.wait_for_jobs(jobs) as ended:
            async for job_id, _ in ended:
                raise LookupError(job_id)

    with pytest.raises(LookupError) as caught:
        anyio.run(main, backend=backend)
    assert jobs[caught.value.args[0]] == 0.1
    assert_nothing_is_left(url)
    ends = [event.outcome.end for event in events if isinstance(event, WaitEnded)]
    assert sorted(ends) == sorted([End.COMPLETED, End.CANCELLED, End.CANCELLED])


def test_a_strategy_that_is_none_stops_all(url: str) -> None:
    """A StrategyError is nobody's outcome: it is raised, and nothing goes on."""
    jobs = jobs_of(url, 60.0, 60.0, 60.0)
    with JobClient(url, Broken(), FREE) as client:
        with pytest.raises(StrategyError, match=r"answered -1\.0"):
            list(client.wait_for_jobs(jobs))
        assert_nothing_is_left(url)


@BACKENDS
def test_a_strategy_that_is_none_stops_all_tasks(url: str, backend: str) -> None:
    """It is raised as itself, though several waits raise it."""
    jobs = jobs_of(url, 60.0, 60.0, 60.0)

    async def main() -> None:
        async with AsyncJobClient(url, Broken(), FREE) as client:
            with pytest.raises(StrategyError, match=r"answered -1\.0"):
                async with client.wait_for_jobs(jobs) as ended:
                    assert [one async for one in ended] == []

    anyio.run(main, backend=backend)
    assert_nothing_is_left(url)


def test_a_cancelled_caller_takes_the_waits_along(url: str) -> None:
    """A timeout around the block ends all, as around anything else."""
    jobs = jobs_of(url, 60.0, 60.0)

    async def main() -> None:
        async with AsyncJobClient(url, QUICK, FREE) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), client.wait_for_jobs(jobs) as ended:
                    assert [one async for one in ended] == []

    asyncio.run(main())
    assert_nothing_is_left(url)


def test_an_event_ends_all_waits(url: str) -> None:
    """Those that sleep and those that are being looked at: each has an outcome, and a token to go on from."""
    jobs = jobs_of(url, 60.0, 60.0, 60.0)
    cancel = threading.Event()
    with JobClient(url, Fixed(interval=30.0, first=0.0), FREE) as client:
        threading.Timer(0.1, cancel.set).start()
        began = time.monotonic()
        ended = dict(client.wait_for_jobs(jobs, cancel=cancel))
        assert time.monotonic() - began < 1.0
        assert ended.keys() == jobs.keys()
        assert {(outcome.end, outcome.calls) for outcome in ended.values()} == {(End.CANCELLED, 1)}
        assert all(outcome.token for outcome in ended.values())
        assert_nothing_is_left(url)


def test_an_event_leaves_looks_under_way_to_themselves() -> None:
    """A look that hangs holds up neither its own wait's end nor that of one which has no thread yet."""
    released, cancel = threading.Event(), threading.Event()
    poller = Poller(QUICK, FREE)

    def slow() -> Observation:
        cancel.set()
        released.wait(5.0)
        return Observation("completed")

    waits = outcomes(poller, [Look(poller.begin(), slow), Look(poller.begin(), slow)], 1, cancel)
    assert sorted((outcome.end, outcome.calls) for _, outcome in waits) == [
        (End.CANCELLED, 0),
        (End.CANCELLED, 1),
    ]
    assert not released.is_set()
    released.set()


def test_each_of_many_waits_has_the_deadline_of_the_call(url: str) -> None:
    """A timeout goes before that of the limits, in threads and in tasks; what is none is refused at once."""
    jobs = jobs_of(url, 0.1, 60.0)
    ends = {job_id: End.COMPLETED if jobs[job_id] < 1 else End.TIMED_OUT for job_id in jobs}

    async def main() -> dict[str, End]:
        async with AsyncJobClient(url, QUICK, FREE) as client:
            with pytest.raises(ConfigError, match="timeout: must be"):
                client.wait_for_jobs(jobs, timeout=-1.0)
            async with client.wait_for_jobs(jobs, timeout=0.4) as ended:
                return {job_id: outcome.end async for job_id, outcome in ended}

    with JobClient(url, QUICK, FREE) as client:
        with pytest.raises(ConfigError, match="timeout: must be"):
            client.wait_for_jobs(jobs, timeout=-1.0)
        assert {job_id: outcome.end for job_id, outcome in client.wait_for_jobs(jobs, timeout=0.4)} == ends
    assert asyncio.run(main()) == ends


@frozen(eq=False)
class Look:
    """A wait, and what looks at its job."""

    wait: Wait
    at_job: Callable[[], Observation]

    def __call__(self) -> Observation:
        """Look once."""
        return self.at_job()


def looks_until(end: float) -> Callable[[], Observation]:
    """Return a look at a job that ends at a time of the monotonic clock."""
    return lambda: Observation("completed" if time.monotonic() >= end else "pending")


def test_an_earlier_look_is_not_missed_by_a_later() -> None:
    """While one look takes its time, what becomes due meanwhile is looked at by another thread."""
    released = threading.Event()
    poller = Poller(Fixed(interval=0.02), FREE)

    def slow() -> Observation:
        released.wait(5.0)
        return Observation("completed")

    seen = iter([*[Observation("pending")] * 4, Observation("completed")])
    second = Look(poller.begin(), lambda: next(seen))
    first = Look(poller.begin(), slow)
    waits = outcomes(poller, [first, second], 2)
    look, outcome = next(waits)
    released.set()
    assert (look, outcome.end, outcome.calls) == (second, End.COMPLETED, 5)
    assert [look for look, _ in waits] == [first]


def test_a_look_that_outlives_the_caller_ends_its_wait_too() -> None:
    """Nobody waits for it; when it is answered, its wait is told as ended, and the thread goes."""
    asked, released = threading.Event(), threading.Event()
    events: list[Event] = []
    poller = Poller(QUICK, FREE, observers=[events.append])

    def slow() -> Observation:
        asked.set()
        released.wait(5.0)
        return Observation("pending")

    looks = [Look(poller.begin(), looks_until(0.0)), Look(poller.begin(), slow)]
    for _ in outcomes(poller, looks, 2):
        asked.wait(5.0)
        break
    released.set()
    for thread in look_threads():
        thread.join(5.0)
    ends = [event.outcome.end for event in events if isinstance(event, WaitEnded)]
    assert (ends, look_threads()) == ([End.COMPLETED, End.CANCELLED], [])


def test_a_late_look_at_the_deadline_is_the_last() -> None:
    """With one thread that was busy beyond a wait's deadline, that wait looks once more, and no more."""
    looked: list[float] = []
    poller = Poller(Fixed(interval=0.05), Limits(max_attempts=None, timeout=0.12))

    def slow() -> Observation:
        time.sleep(0.3)
        return Observation("completed")

    def pending() -> Observation:
        looked.append(time.monotonic())
        return Observation("pending")

    wait = poller.begin()
    late = Look(wait, pending)
    ended: dict[Look, Outcome] = dict(outcomes(poller, [Look(poller.begin(), slow), late], 1))
    assert ended[late].end is End.TIMED_OUT
    assert len([at for at in looked if at >= wait.started + 0.12]) == 1


def test_jobs_of_several_servers_are_waited_for_at_once() -> None:
    """`HttpPoller` takes any jobs; more are not asked for at the same time than allowed."""
    under_way, most, lock = 0, 0, threading.Lock()

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.01)
        with lock:
            under_way -= 1
        return httpx.Response(200, json={"id": request.url.path[-1], "status": "completed"})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    jobs = [HttpJob(f"http://{host}.test/{number}") for host in "ab" for number in range(8)]
    with HttpPoller(QUICK, http=http) as waits:
        assert {job.url for job, _ in waits.wait_for_all(jobs, at_once=4)} == {job.url for job in jobs}
    assert 1 < most <= 4


@BACKENDS
def test_sleeping_waits_are_no_tasks(backend: str) -> None:
    """Of many jobs only those that are looked at have a task each, and no more at once than allowed."""
    under_way, most, tasks = 0, 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most, tasks
        under_way += 1
        most, tasks = max(most, under_way), max(tasks, running_tasks())
        await anyio.sleep(0.01)
        under_way -= 1
        status = "pending" if "if-none-match" not in request.headers else "completed"
        return httpx.Response(200, json={"id": "1", "status": status}, headers={"etag": '"1"'})

    async def main() -> int:
        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        jobs = [HttpJob(f"http://server.test/{number}") for number in range(40)]
        async with AsyncHttpPoller(QUICK, http=http) as waits, waits.wait_for_all(jobs, at_once=4) as ended:
            return sum([outcome.calls async for _, outcome in ended])

    assert anyio.run(main, backend=backend) == 80
    assert 1 < most <= 4
    assert tasks <= 2 * 4 + 4  # a look has a task, and so has its request; some are the program's own


def test_a_sleeping_wait_takes_little_memory() -> None:
    """Job, schedule, what the last answer said, the place in a heap: less than 2 kB, without the client."""
    looked, many = 0, 100

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal looked
        looked += 1
        job = {"id": request.url.path.rpartition("/")[2], "status": "pending", "progress": looked / 1e6}
        return httpx.Response(200, json=job, headers={"etag": f'"{looked:16}"', "retry-after": "600"})

    async def asleep(client: AsyncJobClient, count: int) -> int:
        """Return the traced bytes once so many waits sleep."""
        until = looked + count
        async with client.wait_for_jobs([f"{number:032}" for number in range(count)]):
            while looked < until:
                await anyio.sleep(0.01)
            await anyio.sleep(0.05)  # what the last looks leave
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

    async def main() -> float:
        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        client = AsyncJobClient("http://server.test", Fixed(interval=600.0), Limits(timeout=9e5), http)
        return (await asleep(client, many + 1) - await asleep(client, 1)) / many

    tracemalloc.start()
    try:
        taken = asyncio.run(main())
        assert 500 < taken < 2000
    finally:
        tracemalloc.stop()


def running_tasks() -> int:
    """Return how many tasks there are."""
    return len(anyio.get_running_tasks())


CTRL_C = """
import time
from bide import Poller
from bide.http.gather import outcomes
from bide_strategies import Fixed

def poll():
    print("looking", flush=True)
    time.sleep(60)

poll.wait = Poller(Fixed()).begin()
try:
    list(outcomes(Poller(Fixed()), [poll], 4))
except KeyboardInterrupt:
    print("clean", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
def test_ctrl_c_does_not_wait_for_looks() -> None:
    """It is a KeyboardInterrupt at once, and no look that is under way holds the process back."""
    with subprocess.Popen(
        [sys.executable, "-c", CTRL_C], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "looking\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("clean\n", "", 0)
