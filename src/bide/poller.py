"""The drivers: they sleep, poll and tell the engine, until the wait is over."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from attrs import field, frozen

from bide.aside import Aside
from bide.driver import Driver, Update, no_observation, update_of
from bide.outcome import Outcome
from bide.strategy import Observation
from bide.wait import Wait

NOTICE = 0.02
"""How soon a wait notices that it was cancelled while a poll was under way, in seconds."""

Sleep = Callable[[float], object]
AsyncSleep = Callable[[float], Awaitable[object]]


@frozen
class Poller(Driver):
    """
    Waits for jobs by calling a function of yours until it sees an end.

    The function takes nothing and returns an `Observation`. It raises `RequestError` to say that this look
    failed and another may succeed; any other exception of its own passes through, unless it is `transient`.
    One poller serves any number of waits, also at once from several threads.

    Args:
        strategy: chooses the delays.
        limits: end a wait if the job does not.
        hints: what is made of the server's hints.
        error_strategy: chooses the delays after failed polls; by default the strategy does.
        initial_delay: seconds before the first poll; None to let the strategy choose.
        clock: gives the time in seconds; only differences count.
        wall_clock: gives the time in seconds since the epoch, for tokens and the lag.
        draw: gives one number in [0, 1] for each delay; by default each wait has a stream of its own.
        observers: are told what happens, as `bide.events` has it.
        transient: exceptions of the poll function that mean: this look failed, another may succeed.
        fatal: exceptions that end a wait at once where one is why a poll failed, or among what led to it.
        sleep: sleeps for that many seconds of the clock; by default really, until somebody cancels.
    """

    sleep: Sleep | None = field(default=None, kw_only=True)

    def wait(
        self,
        poll: Callable[[], Observation],
        wait: Wait | None = None,
        *,
        key: str = "",
        on_update: Callable[[Update], object] | None = None,
        cancel: threading.Event | None = None,
    ) -> Outcome:
        """
        Poll until the job has completed, and return how it went.

        Args:
            poll: looks at the job once.
            wait: the wait to carry out; by default one that begins now.
            key: what the job has in common with some others of its kind, for a strategy that learns; not with
                a `wait`, which has its own.
            on_update: called with an update after every poll, as it happens.
            cancel: ends the wait within 50 ms when somebody sets it, also while a poll is under way: such a
                poll is left to itself, in a thread of its own.

        Raises:
            WaitError: the job ended otherwise, a limit was reached, or the wait was cancelled.
            ConfigError: both a wait and a key are given, or the key is no text.
        """
        wait, step = self._begun(wait, key)
        sleep = self.sleep or (time.sleep if cancel is None else cancel.wait)
        try:
            while not isinstance(step, Outcome):
                step = self._step(wait, step, sleep, poll, cancel)
                if on_update is not None:
                    on_update(update_of(wait, step))
                    step = self._left_of(step, wait)
        except BaseException:
            wait.cancelled(self.clock())
            raise
        return step.raise_for_end()

    def watch(
        self,
        poll: Callable[[], Observation],
        wait: Wait | None = None,
        *,
        key: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Args:
            poll: looks at the job once.
            wait: the wait to carry out; by default one that begins now.
            key: what the job has in common with some others of its kind, for a strategy that learns; not with
                a `wait`, which has its own.
            cancel: ends the wait within 50 ms when somebody sets it.

        Raises:
            WaitError: after the last update, if the job did not complete, a limit was reached, or the wait
                was cancelled.
            ConfigError: both a wait and a key are given, or the key is no text.
        """
        wait, step = self._begun(wait, key)
        sleep = self.sleep or (time.sleep if cancel is None else cancel.wait)
        try:
            while not isinstance(step, Outcome):
                step = self._step(wait, step, sleep, poll, cancel)
                yield update_of(wait, step)
                step = self._left_of(step, wait)
        except BaseException:
            wait.cancelled(self.clock())
            raise
        step.raise_for_end()

    def _step(
        self,
        wait: Wait,
        delay: float,
        sleep: Sleep,
        poll: Callable[[], Observation],
        cancel: threading.Event | None,
    ) -> float | Outcome:
        """Sleep, look once, and return what the engine makes of it."""
        if delay > 0:  # even a sleep of zero seconds costs a system call
            sleep(delay)
        if cancel is not None and cancel.is_set():
            return wait.cancelled(self.clock())
        return self.look(wait, poll, cancel=cancel)

    def look(
        self, wait: Wait, poll: Callable[[], Observation], *, cancel: threading.Event | None = None
    ) -> float | Outcome:
        """
        Look once, without sleeping; return the seconds until the next look, or the outcome.

        For a driver of your own, which has slept as long as the last look, or `Wait.first_delay`, said.

        Args:
            wait: the wait to carry on.
            poll: looks at the job once.
            cancel: ends the wait within 50 ms when somebody sets it; the poll is then left to itself.
        """
        wait.starting(self.clock())
        try:
            observation = poll() if cancel is None else _apart(poll, cancel)
        except _Cancelled:
            return wait.cancelled(self.clock())
        except Exception as error:
            return self._failed(wait, error)
        if not isinstance(observation, Observation):
            raise no_observation(observation)
        return wait.answered(observation, self.clock())


@frozen
class AsyncPoller(Driver):
    """
    Does for asyncio and trio what `Poller` does for threads.

    The poll function is a coroutine function. A wait is cancelled as any task is; what its `Wait` holds
    stays, so a new one can go on from its `token`.

    Args:
        strategy: chooses the delays.
        limits: end a wait if the job does not.
        hints: what is made of the server's hints.
        error_strategy: chooses the delays after failed polls; by default the strategy does.
        initial_delay: seconds before the first poll; None to let the strategy choose.
        clock: gives the time in seconds; only differences count.
        wall_clock: gives the time in seconds since the epoch, for tokens and the lag.
        draw: gives one number in [0, 1] for each delay; by default each wait has a stream of its own.
        observers: are told what happens, as `bide.events` has it.
        transient: exceptions of the poll function that mean: this look failed, another may succeed.
        fatal: exceptions that end a wait at once where one is why a poll failed, or among what led to it.
        sleep: sleeps for that many seconds of the clock; by default as asyncio does, or trio.
    """

    sleep: AsyncSleep | None = field(default=None, kw_only=True)

    async def wait(
        self,
        poll: Callable[[], Awaitable[Observation]],
        wait: Wait | None = None,
        *,
        key: str = "",
        on_update: Callable[[Update], object] | None = None,
    ) -> Outcome:
        """
        Poll until the job has completed, and return how it went.

        Args:
            poll: looks at the job once.
            wait: the wait to carry out; by default one that begins now.
            key: what the job has in common with some others of its kind, for a strategy that learns; not with
                a `wait`, which has its own.
            on_update: called with an update after every poll, as it happens.

        Raises:
            WaitError: the job ended otherwise, or a limit was reached.
            ConfigError: both a wait and a key are given, or the key is no text.
        """
        wait, step = self._begun(wait, key)
        sleep = self.sleep or _native_sleep()
        try:
            while not isinstance(step, Outcome):
                if step > 0:
                    await sleep(step)  # here, not further down: every frame of a sleeper takes memory
                step = await self.look(wait, poll)
                if on_update is not None:
                    on_update(update_of(wait, step))
                    step = self._left_of(step, wait)
        except BaseException:
            wait.cancelled(self.clock())
            raise
        return step.raise_for_end()

    async def watch(
        self, poll: Callable[[], Awaitable[Observation]], wait: Wait | None = None, *, key: str = ""
    ) -> AsyncIterator[Update]:
        """
        Yield an update after every poll, as it happens; the last one holds the outcome.

        Args:
            poll: looks at the job once.
            wait: the wait to carry out; by default one that begins now.
            key: what the job has in common with some others of its kind, for a strategy that learns; not with
                a `wait`, which has its own.

        Raises:
            WaitError: after the last update, if the job did not complete or a limit was reached.
            ConfigError: both a wait and a key are given, or the key is no text.
        """
        wait, step = self._begun(wait, key)
        sleep = self.sleep or _native_sleep()
        try:
            while not isinstance(step, Outcome):
                if step > 0:
                    await sleep(step)
                step = await self.look(wait, poll)
                yield update_of(wait, step)
                step = self._left_of(step, wait)
        except BaseException:
            wait.cancelled(self.clock())
            raise
        step.raise_for_end()

    async def look(self, wait: Wait, poll: Callable[[], Awaitable[Observation]]) -> float | Outcome:
        """
        Look once, without sleeping; return the seconds until the next look, or the outcome.

        Args:
            wait: the wait to carry on.
            poll: looks at the job once.
        """
        wait.starting(self.clock())
        try:
            observation = await poll()
        except Exception as error:
            return self._failed(wait, error)
        if not isinstance(observation, Observation):
            raise no_observation(observation)
        return wait.answered(observation, self.clock())


class _Cancelled(Exception):
    """Somebody cancelled the wait while a poll was under way."""


def _apart(poll: Callable[[], Observation], cancel: threading.Event) -> Observation:
    """Look once in a thread of its own, and leave it to itself when somebody cancels."""
    look = Aside(poll, "bide-poll")
    while not look.ends_within(NOTICE):
        if cancel.is_set():
            raise _Cancelled
    return look.result()


def _native_sleep() -> AsyncSleep:
    """Return the sleep of the library that runs this task; anyio's would take another 800 bytes."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        sleep: AsyncSleep = trio.sleep
        return sleep
    import asyncio

    return asyncio.sleep
