"""The same delay, always."""

from __future__ import annotations

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import seconds
from bide.strategy import Situation


@frozen(kw_only=True)
class Fixed:
    """
    Wait the same time between all polls.

    Args:
        interval: delay between two polls, in seconds; > 0.
        first: delay before the first poll, in seconds; >= 0.
    """

    interval: Seconds = field(default=1.0, validator=seconds(above=0))
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return max(self.first, self.interval)

    def delay(self, situation: Situation, u: float) -> float:
        """Return the interval."""
        return self.interval if situation.polls else self.first
