"""
waitress's loop, for connections of which most say nothing.

waitress asks every connection at every turn whether it would read or write, and tells the system anew:
with 3,000 of them open, a turn takes 10 ms of computing. Here a connection stays registered, and is asked
only while something happens on it.
"""

from __future__ import annotations

from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any

from waitress import wasyncore  # type: ignore[import-untyped]


class Polling(dict[int, Any]):
    """waitress's map of what it listens to, by file number; what is put in it is polled."""

    def __init__(self) -> None:
        """Listen to nothing."""
        super().__init__()
        self._selector = DefaultSelector()
        self._watched: dict[int, int] = {}
        self._lively: dict[int, Any] = {}

    def __setitem__(self, number: int, one: Any) -> None:
        super().__setitem__(number, one)
        self._lively[number] = one

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        self._lively.pop(number, None)
        self._watch(number, None, 0)

    def turn(self, timeout: float) -> None:
        """Wait until something can be read or written, for no more than so many seconds, and do it."""
        for number, one in list(self._lively.items()):
            self._settle(number, one)
        for key, events in self._selector.select(timeout):
            one = self.get(key.fd)
            if one is not None and one is key.data:  # else it was closed a moment ago
                self._lively[key.fd] = one
                self._handle(key.fd, one, events)

    def review(self) -> None:
        """Ask everything what it would do, at the next turn."""
        self._lively.update(self)

    def close(self) -> None:
        """Let go of the system's poller."""
        self._selector.close()

    def _settle(self, number: int, one: Any) -> None:
        wanted = _wanted(one)
        if wanted:  # else it is busy, and most have answered before anything more comes
            self._watch(number, one, wanted)
        # The listener has to look after the others now and then.
        if wanted == EVENT_READ and not one.accepting:
            self._lively.pop(number, None)

    def _handle(self, number: int, one: Any, events: int) -> None:
        events &= _wanted(one)
        if not events:  # it is busy: it is told once, and hears no more until it is not
            self._watch(number, one, _wanted(one))
            if not one.accepting:
                one.handle_expt_event()
        if events & EVENT_WRITE:
            wasyncore.write(one)
        if events & EVENT_READ and self.get(number) is one:
            wasyncore.read(one)

    def _watch(self, number: int, one: Any, events: int) -> None:
        before = self._watched.get(number, 0)
        if events == before:
            return
        if not events:
            self._selector.unregister(number)
            del self._watched[number]
            return
        if before:
            self._selector.modify(number, events, one)
        else:
            self._selector.register(number, events, one)
        self._watched[number] = events


def _wanted(one: Any) -> int:
    return (EVENT_READ if one.readable() else 0) | (
        EVENT_WRITE if one.writable() and not one.accepting else 0
    )
