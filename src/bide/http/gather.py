"""Many waits at once in a few threads."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from queue import SimpleQueue

from bide.outcome import Outcome
from bide.poller import Poller
from bide.strategy import Observation
from bide.wait import Wait

Look = Callable[[], Observation]


def outcomes(
    poller: Poller, waits: Sequence[tuple[Wait, Look]], at_once: int
) -> Iterator[tuple[int, Outcome]]:
    """
    Carry out many waits, and yield the place of each with its outcome, as it ends.

    The waits go on while the caller is busy with an outcome. Who leaves before the end cancels those that are
    left; a look that is under way then is left to itself.

    Args:
        poller: whose waits they are.
        waits: each with the function that looks at its job.
        at_once: most looks at the same time; >= 1.
    """
    gathering = _Gathering(poller, waits)
    for _ in range(min(at_once, len(waits))):
        run = copy_context().run
        threading.Thread(target=run, args=(gathering.work,), name="bide-look", daemon=True).start()
    try:
        for _ in waits:
            place, end = gathering.ended.get()
            if isinstance(end, BaseException):
                raise end
            yield place, end
    finally:
        gathering.close()


class _Gathering:
    """Waits that threads carry on, each looking at what is due next."""

    def __init__(self, poller: Poller, waits: Sequence[tuple[Wait, Look]]) -> None:
        self.ended: SimpleQueue[tuple[int, Outcome | BaseException]] = SimpleQueue()
        self._poller = poller
        self._waits = waits
        self._left = len(waits)
        self._due: list[tuple[float, int]] = []
        self._changed = threading.Condition()
        self._turn = threading.Lock()
        for place, (wait, _) in enumerate(waits):
            wait.first_delay()
            self._put(place)

    def work(self) -> None:
        """Look at what is due, again and again, until nothing is left."""
        while (place := self._next()) is not None:
            try:
                self._told(place, self._poller.look(*self._waits[place]))
            except BaseException as error:  # the caller raises it
                self._waits[place][0].cancelled(self._poller.clock())
                self.ended.put((place, error))

    def close(self) -> None:
        """Cancel what is left."""
        with self._changed:
            self._left = 0
            now = self._poller.clock()
            for _, place in self._due:
                self._waits[place][0].cancelled(now)
            self._due.clear()
            self._changed.notify()

    def _next(self) -> int | None:
        """Wait until a look is due, and return its place; None if nothing is left."""
        with self._turn, self._changed:  # so that only one thread wakes for it
            while self._left > 0:
                now = self._poller.clock()
                if self._due and self._due[0][0] <= now:
                    place = heapq.heappop(self._due)[1]
                    self._waits[place][0].delay_left(now)  # it may be late, and at the deadline by now
                    return place
                self._changed.wait(self._due[0][0] - now if self._due else None)
        return None

    def _told(self, place: int, step: float | Outcome) -> None:
        """Take what the engine made of a look."""
        with self._changed:
            if isinstance(step, Outcome):
                self._left -= 1
                self.ended.put((place, step))
            elif self._left > 0:
                self._put(place)
            else:  # nobody waits any more
                self._waits[place][0].cancelled(self._poller.clock())
            self._changed.notify()

    def _put(self, place: int) -> None:
        now = self._poller.clock()
        heapq.heappush(self._due, (now + self._waits[place][0].delay_left(now), place))
