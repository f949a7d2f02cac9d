"""
Who answers a request: the loop itself if it need not wait for anything, or else one of the threads.

To hand a request to a thread, and its answer back, costs more than most answers do. So threads are for what
waits: for the disk, for the end of a job, or for a late answer that somebody asked for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """
    Gives requests to threads, and keeps the quick ones for the loop.

    Args:
        threads: how many there are.
        is_quick: says whether a request, as waitress has read it, is answered without waiting.
    """

    def __init__(self, threads: int, is_quick: Callable[[Any], bool]) -> None:
        """Start the threads; until there is a loop, they answer everything."""
        super().__init__()
        self._is_quick = is_quick
        self._loop: int | None = None
        self._kept: deque[Any] = deque()
        self.set_thread_count(threads)

    def begin(self) -> None:
        """Take the thread that calls this for the loop's."""
        self._loop = threading.get_ident()

    def is_loop(self) -> bool:
        """Say whether it is the loop's thread that asks."""
        return threading.get_ident() == self._loop

    def add_task(self, task: Any) -> None:
        """Take a connection whose next request has come."""
        if self.is_loop() and self._is_quick(task.requests[0]):
            self._kept.append(task)
        else:
            super().add_task(task)

    def answer(self) -> None:
        """Answer the requests that were kept for the loop."""
        while self._kept:
            channel = self._kept.popleft()
            channel.service()  # which may keep the next one of the same connection
            if channel.connected:
                wasyncore.write(channel)
