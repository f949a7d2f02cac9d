"""Many waits at once in a few threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from bide.http.timetable import Timetable, Waiting
from bide.outcome import Outcome
from bide.poller import NOTICE, Poller
from bide.strategy import Observation


class Look(Waiting, Protocol):
    """A wait, and what looks at its job once."""

    def __call__(self) -> Observation:
        """Look."""
        ...


L = TypeVar("L", bound=Look)


def outcomes(
    poller: Poller, looks: Sequence[L], at_once: int, cancel: threading.Event | None = None
) -> Iterator[tuple[L, Outcome]]:
    """
    Carry out many waits, and yield each with its outcome, as it ends.

    The waits go on while the caller is busy with an outcome. Who leaves before the end cancels those that are
    left; a look that is under way then is left to itself.

    Args:
        poller: whose waits they are.
        looks: the waits, each with what looks at its job.
        at_once: most looks at the same time; >= 1.
        cancel: ends all waits within 50 ms when somebody sets it.
    """
    gathering = _Gathering(poller, looks, cancel)
    for _ in range(min(at_once, len(looks))):
        run = copy_context().run
        threading.Thread(target=run, args=(gathering.work,), name="bide-look", daemon=True).start()
    try:
        for _ in range(len(looks)):
            look, end = gathering.ended.get()
            if isinstance(end, BaseException):
                raise end
            yield look, end
    finally:
        gathering.close()


class _Gathering(Generic[L]):
    """Waits that threads carry on, each looking at what is due next."""

    def __init__(self, poller: Poller, looks: Sequence[L], cancel: threading.Event | None) -> None:
        self.ended: SimpleQueue[tuple[L, Outcome | BaseException]] = SimpleQueue()
        self._poller = poller
        self._cancel = cancel
        self._left = len(looks)
        self._sleeping = Timetable(poller.clock, looks)
        self._changed = threading.Condition()
        self._turn = threading.Lock()

    def work(self) -> None:
        """Look at what is due, again and again, until nothing is left."""
        while (look := self._next()) is not None:
            try:
                self._told(look, self._poller.look(look.wait, look, cancel=self._cancel))
            except BaseException as error:  # the caller raises it
                look.wait.cancelled(self._poller.clock())
                self.ended.put((look, error))

    def close(self) -> None:
        """Cancel what is left."""
        with self._changed:
            self._left = 0
            self._sleeping.cancel()
            self._changed.notify()

    def _next(self) -> L | None:
        """Wait until a look is due, and return it; None if nothing is left."""
        with self._turn, self._changed:  # so that only one thread wakes for it
            while self._left > 0:
                if self._cancel is not None and self._cancel.is_set():
                    for ended in self._sleeping.cancel():
                        self._end(*ended)
                look = self._sleeping.take()
                if look is not None:
                    return look
                self._changed.wait(self._nap())
        return None

    def _nap(self) -> float | None:
        """Return the seconds for which nothing is due; an event that is set wakes nobody here."""
        due = self._sleeping.seconds_left()
        return due if self._cancel is None else min(NOTICE, NOTICE if due is None else due)

    def _end(self, look: L, outcome: Outcome) -> None:
        self._left -= 1
        self.ended.put((look, outcome))

    def _told(self, look: L, step: float | Outcome) -> None:
        """Take what the engine made of a look."""
        with self._changed:
            if isinstance(step, Outcome):
                self._end(look, step)
            elif self._left > 0:
                self._sleeping.put(look)
            else:  # nobody waits any more
                look.wait.cancelled(self._poller.clock())
            self._changed.notify()
