"""Work beside the waits: what they found out is written, and planned with, in a thread of its own."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable

_log = logging.getLogger("bide")

_AT_EXIT = 2.0
"""How long the end of the process waits for what is not yet written, in seconds."""


class Background:
    """Carries out tasks, one after the other, in a thread that begins with the first."""

    def __init__(self) -> None:
        self._tasks: deque[Callable[[], object]] = deque()
        self._changed = threading.Condition()
        self._left = 0
        self._thread: threading.Thread | None = None

    def put(self, task: Callable[[], object]) -> None:
        """Have a task carried out soon; once, if it waits already. What it raises is logged."""
        with self._changed:
            if task in self._tasks:
                return
            self._tasks.append(task)
            self._left += 1
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="bide-learn", daemon=True)
                self._thread.start()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all is done, at most so many seconds; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._left, timeout)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._tasks))
                task = self._tasks.popleft()
            try:
                task()
            except Exception:
                _log.exception("what waits found out could not be learned")
            with self._changed:
                self._left -= 1
                self._changed.notify_all()


_background = Background()


def put(task: Callable[[], object]) -> None:
    """Have a task carried out soon, in this process's background; see `Background.put`."""
    _background.put(task)


def flush(timeout: float | None = None) -> bool:
    """Wait until all that waits have found out is written and planned with; return whether it is."""
    return _background.flush(timeout)


def _after_fork() -> None:
    """A forked process has no such thread, and its tasks are its parent's."""
    global _background  # noqa: PLW0603
    _background = Background()


atexit.register(flush, _AT_EXIT)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
