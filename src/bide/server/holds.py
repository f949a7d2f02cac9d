"""Requests that wait for a job to end: only so many, since each of them keeps a thread of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock

Pause = Callable[[Event, float], object]
"""Waits until an event is set, but for no more than so many seconds."""

WhenGone = Callable[[Callable[[], object]], object]
"""Takes what to do when the client of a request goes away."""

WHEN_GONE = "bide.when_gone"
"""Where the WSGI environment has a `WhenGone`, if the server can tell."""


class Holds:
    """
    The places for requests that wait. Any thread may use it.

    Args:
        places: how many requests wait at once.
        pause: how one waits.
    """

    def __init__(self, places: int, pause: Pause = Event.wait) -> None:
        """Begin with all places free."""
        self._places = places
        self._pause = pause
        self._lock = Lock()
        self._waiting: dict[Event, str] = {}

    def hold(self, id: str, seconds: Callable[[], float], when_gone: WhenGone | None = None) -> bool:  # noqa: A002 - the word that the API uses
        """
        Wait for a job, if there is a place free; return whether there was anything to wait for.

        Args:
            id: of the job.
            seconds: tells how long to wait at most. It is asked once no `release` can be missed any more.
            when_gone: lets the waiting end when there is nobody left who waits for the answer.
        """
        with self._place(id) as released:
            left = 0.0 if released is None else seconds()
            if released is None or left <= 0:
                return False
            if when_gone is not None:
                when_gone(released.set)
            self._pause(released, left)
            return True

    def taken(self) -> int:
        """Return how many requests wait."""
        with self._lock:
            return len(self._waiting)

    def release(self, id: str) -> None:  # noqa: A002 - the word that the API uses
        """End the waiting for a job."""
        with self._lock:
            for event, waited_for in self._waiting.items():
                if waited_for == id:
                    event.set()

    def close(self) -> None:
        """End all waiting, and let nobody wait any more."""
        with self._lock:
            self._places = 0
            for event in self._waiting:
                event.set()

    @contextmanager
    def _place(self, id: str) -> Iterator[Event | None]:  # noqa: A002 - the word that the API uses
        """Take a place, and give what ends the waiting there; None if no place is free."""
        released = Event()
        with self._lock:
            free = len(self._waiting) < self._places
            if free:
                self._waiting[released] = id
        try:
            yield released if free else None
        finally:
            with self._lock:
                self._waiting.pop(released, None)
