"""The same delay, always."""

from __future__ import annotations

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import seconds
from bide_strategies.growing import Growing
from bide_strategies.jitter import JITTER, Jitter, NoJitter


@frozen(kw_only=True)
class Fixed(Growing):
    """
    Wait the same time between all polls.

    Args:
        interval: delay between two polls, in seconds; > 0.
        jitter: how the draw spreads the interval.
        first: delay before the first poll, in seconds; >= 0.
    """

    interval: Seconds = field(default=1.0, validator=seconds(above=0))
    jitter: Jitter = field(default=NoJitter(), validator=JITTER)
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    @property
    def cap(self) -> float:
        """The greatest delay before jitter, in seconds."""
        return self.interval

    def grown(self, steps: int) -> float:
        """Return the interval."""
        return self.interval
