"""Another strategy's delays, held between two bounds."""

from __future__ import annotations

from attrs import evolve, field, frozen

from bide.durations import MAX_SECONDS, Seconds
from bide.rules import STRATEGY, ordered, seconds
from bide.strategy import Situation, Strategy, envelope_of


@frozen(kw_only=True)
class Clamp:
    """
    Hold the delays of another strategy between two bounds.

    Draws beyond a bound gather there: where the strategy has a cap of its own, prefer that.

    Args:
        strategy: chooses the delays.
        low: least delay between two polls, in seconds; >= 0. The first poll may come sooner.
        high: greatest delay, in seconds; >= low.
    """

    strategy: Strategy = field(validator=STRATEGY)
    low: Seconds = field(default=0.0, validator=seconds(least=0))
    high: Seconds = field(default=MAX_SECONDS, validator=seconds(above=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "low", "high")

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return self.high

    @property
    def clump(self) -> float:
        """All draws may gather at a bound."""
        return 1.0

    @property
    def envelope(self) -> Clamp:
        """The bounds of its bounds."""
        return evolve(self, strategy=envelope_of(self.strategy))

    def delay(self, situation: Situation, u: float) -> float:
        """Return the strategy's delay, or the bound that it passes."""
        delay = min(self.strategy.delay(situation, u), self.high)
        return max(self.low, delay) if situation.polls else delay
