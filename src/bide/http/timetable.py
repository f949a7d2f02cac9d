"""Many waits, and whose look is due next."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from bide.outcome import Outcome
from bide.wait import Wait


class Waiting(Protocol):
    """Whatever looks for a wait of its own."""

    @property
    def wait(self) -> Wait:
        """The wait."""
        ...


L = TypeVar("L", bound=Waiting)


class Timetable(Generic[L]):
    """
    Waits that sleep, by when their next look is due.

    A wait in it takes no thread and no task, only its place in a heap.

    Args:
        clock: gives the time in seconds; only differences count.
        waiting: the waits, before their first look.
    """

    def __init__(self, clock: Callable[[], float], waiting: Iterable[L]) -> None:
        """Choose the first delays."""
        self._clock = clock
        self._heap: list[tuple[float, int, L]] = []
        self._numbers = itertools.count()  # settle who is first of those due at the same time
        for each in waiting:
            each.wait.first_delay()
            self.put(each)

    def put(self, waiting: L) -> None:
        """Let a wait sleep for what is left of its delay."""
        now = self._clock()
        due = now + waiting.wait.delay_left(now)
        heapq.heappush(self._heap, (due, next(self._numbers), waiting))

    def take(self) -> L | None:
        """Take out the wait that is due to look; None if none is due yet."""
        now = self._clock()
        if not self._heap or self._heap[0][0] > now:
            return None
        waiting = heapq.heappop(self._heap)[-1]
        waiting.wait.delay_left(now)  # it may be late, and at the deadline by now
        return waiting

    def seconds_left(self) -> float | None:
        """Return the seconds until the next look is due; None if no wait sleeps."""
        return max(0.0, self._heap[0][0] - self._clock()) if self._heap else None

    def cancel(self) -> list[tuple[L, Outcome]]:
        """Take out all that sleep, tell them that nobody waits any more, and return how they ended."""
        now, sleeping, self._heap = self._clock(), self._heap, []
        return [(waiting, waiting.wait.cancelled(now)) for *_, waiting in sleeping]
