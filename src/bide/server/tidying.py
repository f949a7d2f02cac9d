"""Something that is done now and then, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

_OFTEN = 60.0  # seconds


class Tidying:
    """
    Tidies up at once, and then every minute, or more often where jobs are kept for less.

    Args:
        tidy: does it.
        keep: seconds for which a job is kept after it ended.
    """

    def __init__(self, tidy: Callable[[], None], keep: float) -> None:
        """Begin."""
        self._tidy = tidy
        self._pause = min(_OFTEN, keep)
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="bide-tidying", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End, and wait for it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        self._tidy()
        while not self._stopping.wait(self._pause):
            self._tidy()
