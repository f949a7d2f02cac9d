"""
What does a poll cost in bookkeeping, in bide and in other libraries?

All wait for the same job, by exponential full jitter (stamina: by its own jitter), with a limit of attempts
and one of time (google-api-core: of time, all it has); once as threads wait, and once as tasks of asyncio do.
None of them sleeps: `time.sleep` and `asyncio.sleep` do nothing meanwhile. Their turns alternate, and CPU
time is counted, so that what else the machine does falls on all alike. Two rows show what there is to gain: a
loop without delays, and a poller as people write it by hand. What is not installed is skipped, by name.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from importlib import import_module, metadata
from statistics import median
from timeit import Timer
from typing import Any
from unittest import mock

from attrs import asdict, define, frozen

from bide import AsyncPoller, Limits, Observation, Poller
from bide_strategies import Exponential, Full

BASE = 0.1
CAP = 10.0
# Both limits are on, and never reached.
ATTEMPTS = 1_000_000
TIMEOUT = 1_000_000.0

CALLS = 200
"""How many waits of one poll make one measurement."""

# CPU time leaves out what other processes take; Windows counts it in steps of 15 ms, longer than a wait here.
CLOCK = time.perf_counter if sys.platform == "win32" else time.process_time

PENDING = Observation("pending")
DONE = Observation("completed")

Waiting = Callable[[], Any]
"""Waits for a job; as a coroutine function for one of tasks."""


class StillPending(Exception):
    """Raised for the libraries that can only repeat what failed."""


@define
class Job:
    """A job that is done at the last of so many looks."""

    looks: int = 1

    def look(self) -> Any:
        """Look at it once."""
        return self._seen()

    def look_or_raise(self) -> Any:
        """Look at it once, and raise while it is pending."""
        return _done(self._seen())

    def _seen(self) -> Observation:
        self.looks -= 1
        return PENDING if self.looks > 0 else DONE


class AsyncJob(Job):
    """The same for tasks."""

    async def look(self) -> Observation:
        """Look at it once."""
        return self._seen()

    async def look_or_raise(self) -> Observation:
        """Look at it once, and raise while it is pending."""
        return _done(self._seen())


def is_pending(seen: Observation) -> bool:
    """Tell whether to look again."""
    return seen.status == "pending"


def _done(seen: Observation) -> Observation:
    if is_pending(seen):
        raise StillPending
    return seen


def no_sleep(seconds: float) -> None:
    """Do not sleep."""


async def no_async_sleep(seconds: float) -> None:
    """Do not sleep."""


def _sleep_for(job: Job) -> Callable[[float], Any]:
    return no_async_sleep if isinstance(job, AsyncJob) else no_sleep


def bare_loop(job: Job) -> Waiting:
    def wait() -> None:
        while is_pending(job.look()):
            pass

    async def wait_as_task() -> None:
        while is_pending(await job.look()):
            pass

    return wait_as_task if isinstance(job, AsyncJob) else wait


def by_hand(job: Job) -> Waiting:
    def wait() -> Observation:
        deadline = time.monotonic() + TIMEOUT
        ceiling = BASE
        for _ in range(ATTEMPTS):
            seen: Observation = job.look()
            if not is_pending(seen):
                return seen
            delay = random.uniform(0, ceiling)
            if time.monotonic() + delay > deadline:
                break
            time.sleep(delay)
            ceiling = min(CAP, 2 * ceiling)
        raise TimeoutError

    return _task_by_hand(job) if isinstance(job, AsyncJob) else wait


def _task_by_hand(job: AsyncJob) -> Waiting:
    async def wait() -> Observation:
        deadline = time.monotonic() + TIMEOUT
        ceiling = BASE
        for _ in range(ATTEMPTS):
            if not is_pending(seen := await job.look()):
                return seen
            delay = random.uniform(0, ceiling)
            if time.monotonic() + delay > deadline:
                break
            await asyncio.sleep(delay)
            ceiling = min(CAP, 2 * ceiling)
        raise TimeoutError

    return wait


def bide(job: Job) -> Waiting:
    strategy = Exponential(base=BASE, cap=CAP, jitter=Full())
    limits = Limits(max_attempts=ATTEMPTS, timeout=TIMEOUT)
    if isinstance(job, AsyncJob):
        tasks = AsyncPoller(strategy, limits, sleep=no_async_sleep)
        return lambda: tasks.wait(job.look)
    poller = Poller(strategy, limits, sleep=no_sleep)
    return lambda: poller.wait(job.look)


def backoff(job: Job) -> Waiting:
    library = import_module("backoff")
    retry = library.on_predicate(
        library.expo,
        is_pending,
        factor=BASE,
        max_value=CAP,
        jitter=library.full_jitter,
        max_tries=ATTEMPTS,
        max_time=TIMEOUT,
        logger=None,
    )
    wait: Waiting = retry(job.look)
    return wait


def backoffs(job: Job) -> Waiting:
    library = import_module("backoffs")
    policy = library.Policy(
        library.Exponential(BASE, 2.0),
        library.FullJitter(),
        cap=CAP,
        max_retries=ATTEMPTS,
        max_elapsed=TIMEOUT,
    )
    retry = library.aretry if isinstance(job, AsyncJob) else library.retry
    return lambda: retry(job.look_or_raise, policy, retry_on=StillPending, sleep=_sleep_for(job))


def google_api_core(job: Job) -> Waiting:
    library = import_module("google.api_core.retry")
    retry = (library.AsyncRetry if isinstance(job, AsyncJob) else library.Retry)(
        predicate=library.if_exception_type(StillPending),
        initial=BASE,
        maximum=CAP,
        multiplier=2.0,
        timeout=TIMEOUT,
    )
    wait: Waiting = retry(job.look_or_raise)
    return wait


def tenacity(job: Job) -> Waiting:
    library = import_module("tenacity")
    retry = library.retry(
        retry=library.retry_if_result(is_pending),
        wait=library.wait_random_exponential(multiplier=BASE, max=CAP),
        stop=library.stop_after_attempt(ATTEMPTS) | library.stop_after_delay(TIMEOUT),
        sleep=_sleep_for(job),
    )
    wait: Waiting = retry(job.look)
    return wait


def stamina(job: Job) -> Waiting:
    library = import_module("stamina")
    import_module("stamina.instrumentation").set_on_retry_hooks([])
    retry = library.retry(
        on=StillPending,
        attempts=ATTEMPTS,
        timeout=TIMEOUT,
        wait_initial=BASE,
        wait_max=CAP,
        wait_jitter=BASE,
    )
    wait: Waiting = retry(job.look_or_raise)
    return wait


OWN: dict[str, Callable[[Job], Waiting]] = {"bare loop": bare_loop, "by hand": by_hand}
# By the names of their distributions.
LIBRARIES: dict[str, Callable[[Job], Waiting]] = {
    "bide": bide,
    "backoff": backoff,
    "backoffs": backoffs,
    "google-api-core": google_api_core,
    "tenacity": tenacity,
    "stamina": stamina,
}


JOBS: dict[str, Callable[[], Job]] = {"sync": Job, "async": AsyncJob}
"""The forms of waiting, each with its job."""


@frozen
class Contender:
    """One way to wait for a job, ready to be timed."""

    name: str
    version: str | None
    job: Job
    wait: Waiting
    form: str = "sync"

    def microseconds(self, looks: int, waits: int) -> float:
        """
        Return the mean CPU time of a wait that ends at the given look.

        Raises:
            RuntimeError: it looked more or less often, or slept.
        """

        def once() -> None:
            self.job.looks = looks
            waiting = self.wait()
            if self.form == "async":
                _finish(waiting)

        seconds = Timer(once, timer=CLOCK).timeit(waits) / waits
        if self.job.looks != 0:
            raise RuntimeError(f"{self.name} looked {looks - self.job.looks} times instead of {looks}")
        return 1e6 * seconds


def _finish(waiting: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine to its end, which it reaches without a pause: nothing here really sleeps."""
    try:
        waiting.send(None)
    except StopIteration:
        return
    raise RuntimeError("it slept all the same")


@frozen(kw_only=True)
class Row:
    """
    What one contender costs.

    Args:
        form: how it waits: ``sync``, as threads do, or ``async``, as tasks do.
        name: of the distribution, or of the loop.
        version: of the distribution.
        per_poll: microseconds for every poll after a wait's first, the look included; median.
        per_call: microseconds for a wait that ends at its first poll; median.
        ratio: its time per poll over bide's of the same round and form; median.
    """

    form: str
    name: str
    version: str | None
    per_poll: float
    per_call: float
    ratio: float


def installed() -> tuple[list[Contender], list[str]]:
    """Return who is here to be timed, in each form, and the names of those who are not."""
    contenders, skipped = [], []
    for name, build in {**OWN, **LIBRARIES}.items():
        try:
            version = None if name in OWN else metadata.version(name)
            contenders += [_contender(name, version, build, form) for form in JOBS]
        except (metadata.PackageNotFoundError, ModuleNotFoundError):
            skipped.append(name)
    return contenders, skipped


def _contender(name: str, version: str | None, build: Callable[[Job], Waiting], form: str) -> Contender:
    job = JOBS[form]()
    return Contender(name, version, job, build(job), form)


async def compare(contenders: list[Contender], *, polls: int, repeats: int) -> list[Row]:
    """
    Time all contenders in turn, so many times, with so many polls in a wait.

    It is a coroutine because some libraries want to see a loop of asyncio around them.
    """
    per_call: dict[tuple[str, str], list[float]] = {(one.form, one.name): [] for one in contenders}
    per_poll: dict[tuple[str, str], list[float]] = {key: [] for key in per_call}
    with mock.patch("time.sleep", no_sleep), mock.patch("asyncio.sleep", no_async_sleep):
        for _ in range(repeats):
            for one in contenders:
                call = one.microseconds(1, CALLS)
                per_call[one.form, one.name].append(call)
                per_poll[one.form, one.name].append((one.microseconds(polls, 1) - call) / (polls - 1))
    return [
        Row(
            form=form,
            name=one.name,
            version=one.version,
            per_poll=median(per_poll[form, one.name]),
            per_call=median(per_call[form, one.name]),
            ratio=median(
                a / b for a, b in zip(per_poll[form, one.name], per_poll[form, "bide"], strict=True)
            ),
        )
        for form in JOBS
        for one in contenders
        if one.form == form
    ]


def _lines(rows: list[Row], skipped: list[str]) -> Iterator[str]:
    for form in JOBS:
        yield f"{form:16} {'version':>9} {'us per poll':>12} {'of bide':>8} {'us per call':>12}"
        for row in rows:
            if row.form == form:
                name = f"{row.name:16} {row.version or '':>9}"
                yield f"{name} {row.per_poll:12.2f} {row.ratio:7.2f}x {row.per_call:12.2f}"
    if skipped:
        yield f"not installed: {', '.join(skipped)}"


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if (value := int(text)) < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        return value

    return number


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What does a poll cost in bookkeeping?")
    parser.add_argument("--polls", type=_at_least(2), default=1000, help="polls of one wait (1000)")
    parser.add_argument("--repeats", type=_at_least(1), default=25, help="measurements of each (25)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    contenders, skipped = installed()
    rows = asyncio.run(compare(contenders, polls=options.polls, repeats=options.repeats))
    if options.json:
        document = {
            "python": platform.python_version(),
            "polls": options.polls,
            "repeats": options.repeats,
            "rows": [asdict(row) for row in rows],
            "skipped": skipped,
        }
        print(json.dumps(document, indent=2))
    else:
        print(f"Python {platform.python_version()}, {options.polls} polls, median of {options.repeats}")
        print("\n".join(_lines(rows, skipped)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
