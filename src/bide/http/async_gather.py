"""Many waits at once in one task, which starts another for each look."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

import anyio
from anyio.abc import TaskGroup

from bide.http.timetable import Timetable, Waiting
from bide.outcome import Outcome
from bide.poller import AsyncPoller
from bide.strategy import Observation


class AsyncLook(Waiting, Protocol):
    """A wait, and what looks at its job once."""

    async def __call__(self) -> Observation:
        """Look."""
        ...


L = TypeVar("L", bound=AsyncLook)


@asynccontextmanager
async def outcomes(
    poller: AsyncPoller, looks: Sequence[L], at_once: float
) -> AsyncIterator[AsyncIterator[tuple[L, Outcome]]]:
    """
    Carry out many waits; iterate over what it gives for each with its outcome, as it ends.

    Whoever leaves before the end cancels the waits that are left.

    Args:
        poller: whose waits they are.
        looks: the waits, each with what looks at its job.
        at_once: most looks at the same time; >= 1.
    """
    send, receive = anyio.create_memory_object_stream[tuple[L, Outcome]](math.inf)
    gathering = _Gathering(poller, looks, at_once, send.send_nowait)
    try:
        async with send, receive, anyio.create_task_group() as group:
            group.start_soon(gathering.work, group, send.close)
            yield receive
            group.cancel_scope.cancel()
    except ExceptionGroup as errors:
        first = errors.exceptions[0]
    else:
        return
    finally:
        gathering.sleeping.cancel()
    raise first  # nobody asked for a group


class _Gathering(Generic[L]):
    """Waits that one task carries on."""

    def __init__(
        self,
        poller: AsyncPoller,
        looks: Sequence[L],
        at_once: float,
        ended: Callable[[tuple[L, Outcome]], object],
    ) -> None:
        self._poller = poller
        self._ended = ended
        self._left = len(looks)
        self._room = at_once
        self.sleeping = Timetable(poller.clock, looks)
        self._nap = anyio.CancelScope()

    async def work(self, group: TaskGroup, done: Callable[[], object]) -> None:
        """Start each look when it is due, until no wait is left."""
        while self._left:
            look = self.sleeping.take() if self._room else None
            if look is None:
                await self._sleep()
            else:
                self._room -= 1
                group.start_soon(self._look, look)
        done()

    async def _sleep(self) -> None:
        """Sleep until the next look is due, or one has ended."""
        seconds = self.sleeping.seconds_left() if self._room else None
        with anyio.CancelScope() as self._nap:
            if seconds is None:
                await anyio.sleep_forever()
            else:
                await (self._poller.sleep or anyio.sleep)(seconds)

    async def _look(self, look: L) -> None:
        try:
            step = await self._poller.look(look.wait, look)
        except BaseException:
            look.wait.cancelled(self._poller.clock())
            raise
        self._room += 1
        if isinstance(step, Outcome):
            self._left -= 1
            self._ended((look, step))
        else:
            self.sleeping.put(look)
        self._nap.cancel()
