"""The kit for people who test pollers and strategies: time that passes at will."""

from __future__ import annotations

from attrs import define


@define
class VirtualClock:
    """
    A clock that only sleeping moves: give its methods to a `bide.Poller` and waits take no time.

    Args:
        now: the time, in seconds.
    """

    now: float = 0.0

    def time(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds
