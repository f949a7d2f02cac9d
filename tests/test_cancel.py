"""Cancelling a wait at any moment: soon, clean, and without loss."""

from __future__ import annotations

import asyncio
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import trio

from bide import AsyncPoller, End, Limits, Observation, Poller, Update, WaitCancelled
from bide.events import WaitEnded
from bide.testing import ScriptedJob, VirtualClock
from bide_strategies import Fixed

PENDING = Observation("pending")
DONE = Observation("completed")
SOON = 0.05
"""Seconds within which a wait ends that somebody cancels."""

TRIES = 5
"""The best of so many counts: the machine may be busy with something else."""

LONG = Fixed(interval=60.0)


class Answering:
    """A poll function that blocks until it is released, as a server that hangs does."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()

    def poll(self) -> Observation:
        """Look once, for up to ten seconds."""
        self.asked.set()
        self.released.wait(10.0)
        return PENDING


def seconds_to_end(wait: Callable[[threading.Event], object], ready: Callable[[], object]) -> float:
    """Return the seconds from setting the event, once ready, to the end of the wait."""
    cancel = threading.Event()
    set_at = []

    def set_it() -> None:
        ready()
        set_at.append(time.perf_counter())
        cancel.set()

    threading.Thread(target=set_it).start()
    with pytest.raises(WaitCancelled):
        wait(cancel)
    return time.perf_counter() - set_at[0]


def look_threads() -> list[threading.Thread]:
    """Return the threads of looks that are still under way."""
    return [thread for thread in threading.enumerate() if thread.name == "bide-poll"]


@pytest.mark.wire
def test_a_sleeping_wait_ends_soon() -> None:
    """Set while the wait sleeps for a minute, the event ends it within 50 ms."""

    def once() -> float:
        looked = threading.Event()

        def poll() -> Observation:
            looked.set()
            return PENDING

        def asleep() -> None:
            looked.wait()
            time.sleep(0.01)

        return seconds_to_end(lambda cancel: Poller(LONG).wait(poll, cancel=cancel), asleep)

    assert min(once() for _ in range(TRIES)) < SOON


@pytest.mark.wire
@pytest.mark.parametrize("form", ["wait", "watch"])
def test_a_wait_ends_soon_while_a_look_is_under_way(form: str) -> None:
    """A look that takes seconds is left to itself, in a thread that ends with it."""

    def once() -> float:
        answering = Answering()
        before = look_threads()  # of other tests' waits, which have left theirs

        def wait(cancel: threading.Event) -> None:
            if form == "wait":
                Poller(LONG).wait(answering.poll, cancel=cancel)
            else:
                list(Poller(LONG).watch(answering.poll, cancel=cancel))

        seconds = seconds_to_end(wait, answering.asked.wait)
        (look,) = [thread for thread in look_threads() if thread not in before]
        answering.released.set()
        look.join(5.0)
        assert not look.is_alive()
        return seconds

    assert min(once() for _ in range(TRIES)) < SOON


def test_who_cancels_before_the_start_sees_no_look() -> None:
    """The wait ends at once, without a call."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(WaitCancelled, match="wait cancelled after 0 calls") as caught:
        Poller(LONG).wait(lambda: pytest.fail("looked"), cancel=cancel)
    assert caught.value.outcome is not None
    assert caught.value.outcome.end is End.CANCELLED


def test_a_job_that_ended_is_not_lost_to_cancelling() -> None:
    """What a look saw, while somebody cancelled, counts."""
    cancel = threading.Event()

    def poll() -> Observation:
        cancel.set()
        return DONE

    assert Poller(LONG).wait(poll, cancel=cancel).end is End.COMPLETED


def test_a_cancelled_wait_tells_how_far_it_had_come() -> None:
    """Calls, time, the last observation and a token; and its last update has the outcome."""
    clock, cancel = VirtualClock(), threading.Event()
    job = ScriptedJob([Observation("pending", progress=0.5)], clock)
    poller = Poller(Fixed(interval=1.0), clock=clock.time, wall_clock=clock.time, sleep=clock.sleep)
    updates: list[Update] = []

    def on_update(update: Update) -> None:
        updates.append(update)
        if update.calls == 3:
            cancel.set()

    with pytest.raises(WaitCancelled, match="wait cancelled after 3 calls in 3s") as caught:
        poller.wait(job.poll, on_update=on_update, cancel=cancel)
    assert updates[-1].outcome == caught.value.outcome
    assert caught.value.observation == Observation("pending", progress=0.5)
    assert caught.value.token is not None
    resumed = poller.resume(caught.value.token)
    assert (resumed.calls, resumed.first_delay()) == (3, 0.0)  # its delay had passed when it was noticed


def test_the_context_of_the_caller_reaches_the_look() -> None:
    """A look in a thread of its own sees the caller's context variables, and raises what it raises."""
    from contextvars import ContextVar

    span: ContextVar[str] = ContextVar("span")
    span.set("mine")

    def poll() -> Observation:
        raise ZeroDivisionError(span.get())

    with pytest.raises(ZeroDivisionError, match="mine"):
        Poller(LONG).wait(poll, cancel=threading.Event())


CTRL_C = """
import os, signal, sys, threading, time
from bide import Observation, Poller
from bide_strategies import Fixed

def poll():
    print("looking", flush=True)
    if "{where}" == "look":
        time.sleep(60)
    return Observation("pending")

try:
    Poller(Fixed(interval=60.0)).wait(poll, cancel={cancel})
except KeyboardInterrupt:
    print("clean", flush=True)
"""


@pytest.mark.wire
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
@pytest.mark.parametrize("where", ["sleep", "look"])
@pytest.mark.parametrize("cancel", ["None", "threading.Event()"])
def test_ctrl_c_is_clean(where: str, cancel: str) -> None:
    """In a sleep or a look it is a KeyboardInterrupt, at once; no thread holds the process back."""
    code = CTRL_C.format(where=where, cancel=cancel)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "looking\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("clean\n", "", 0)


class AsyncAnswering:
    """A job that answers after a while, and knows whether a look was broken off."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.looks = 0
        self.broken_off = False

    async def poll(self) -> Observation:
        """Look once."""
        self.looks += 1
        try:
            await anyio.sleep(self.seconds)
        except BaseException:
            self.broken_off = True
            raise
        return PENDING


@pytest.mark.parametrize("with_event", [False, True])
@pytest.mark.parametrize("form", ["wait", "watch"])
def test_a_look_that_is_broken_off_was_a_call(form: str, with_event: bool) -> None:
    """Whoever breaks off a look of a sync wait, by Ctrl-C or by the event, finds it counted once."""
    poller, cancel = Poller(LONG), threading.Event()
    wait = poller.begin()

    def poll() -> Observation:
        if not with_event:
            raise KeyboardInterrupt
        cancel.set()
        threading.Event().wait(0.2)  # longer than a wait takes to notice
        return PENDING

    event = cancel if with_event else None
    carry_out: Callable[..., Any] = poller.watch if form == "watch" else poller.wait
    with pytest.raises((KeyboardInterrupt, WaitCancelled)):
        list(carry_out(poll, wait, cancel=event))
    resumed = poller.resume(wait.token())
    assert (resumed.calls, resumed.failed_calls, resumed.failed_in_a_row) == (1, 1, 0)
    assert resumed.first_delay() == 0.0


@pytest.mark.wire
@pytest.mark.parametrize("seconds", [0.0, 60.0])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_wait_is_cancelled_at_once(seconds: float, backend: str) -> None:
    """Asleep or in a look, as any task is; its token goes on, and counts the look that was made."""
    events: list[object] = []
    poller = AsyncPoller(LONG, Limits(timeout=None), observers=[events.append])
    answering, wait = AsyncAnswering(seconds), poller.begin()

    async def main() -> float:
        async with anyio.create_task_group() as group:
            group.start_soon(poller.wait, answering.poll, wait)
            while answering.looks == 0 or (seconds == 0.0 and wait.calls == 0):
                await anyio.sleep(0.01)
            cancelled_at = time.perf_counter()
            group.cancel_scope.cancel()
        return time.perf_counter() - cancelled_at

    assert anyio.run(main, backend=backend) < 5.0  # and not after a minute
    assert (answering.looks, answering.broken_off) == (1, seconds > 0)
    assert [type(event) for event in events].count(WaitEnded) == 1
    resumed = poller.resume(wait.token())
    assert (resumed.calls, resumed.failed_calls) == (1, 1 if seconds else 0)
    assert resumed.first_delay() == pytest.approx(0.0 if seconds else 60.0, abs=5.0)


@pytest.mark.wire
def test_a_cancelled_task_of_asyncio_says_so() -> None:
    """`task.cancel()` ends it with CancelledError, and nothing is left in the loop."""

    async def main() -> int:
        task = asyncio.create_task(AsyncPoller(LONG).wait(AsyncAnswering(0.0).poll))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1


@pytest.mark.wire
def test_a_timeout_of_the_caller_ends_an_async_wait() -> None:
    """`asyncio.timeout` and `trio.move_on_after` work as around anything else."""

    async def in_asyncio() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await AsyncPoller(LONG).wait(AsyncAnswering(0.0).poll)

    async def in_trio() -> bool:
        with trio.move_on_after(0.02) as scope:
            await AsyncPoller(LONG).wait(AsyncAnswering(0.0).poll)
        return scope.cancelled_caught

    asyncio.run(in_asyncio())
    assert trio.run(in_trio)


@pytest.mark.wire
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_updates_that_somebody_leaves_leave_nothing(backend: str) -> None:
    """An async iterator of updates can be closed at any update."""
    wait = AsyncPoller(LONG).begin()

    async def main() -> None:
        updates = AsyncPoller(LONG).watch(AsyncAnswering(0.0).poll, wait)
        async for _ in updates:
            break
        await updates.aclose()  # type: ignore[attr-defined]

    anyio.run(main, backend=backend)
    assert wait.calls == 1


def test_no_cancelling_changes_the_schedule() -> None:
    """A wait that could be cancelled, and is not, makes the same polls as one that could not."""
    ends = []
    for cancel in (None, threading.Event()):
        job = ScriptedJob([PENDING], ends_at=math.inf)
        poller = Poller(Fixed(interval=1.0), clock=job.clock.time, sleep=job.clock.sleep)
        with pytest.raises(Exception, match="attempts exhausted"):
            poller.wait(job.poll, cancel=cancel)
        ends.append(job.polls)
    assert ends[0] == ends[1]
