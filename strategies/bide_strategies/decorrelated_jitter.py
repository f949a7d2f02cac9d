"""Delays drawn between the base and three times the delay before."""

from __future__ import annotations

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import ordered, seconds
from bide.strategy import Situation


@frozen(kw_only=True)
class DecorrelatedJitter:
    """
    Draw each delay between the base and three times the one before: min(cap, U(base, 3 * previous)).

    Capping after the draw gathers delays at the cap: once saturated, some 38 % of them equal it.

    Args:
        base: least delay, in seconds; > 0.
        cap: greatest delay, in seconds; >= base.
        first: delay before the first poll, in seconds; >= 0.

    Source: AWS architecture blog, "Exponential Backoff And Jitter", and its simulator.
    """

    base: Seconds = field(default=0.1, validator=seconds(above=0))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return max(self.first, self.cap)

    def delay(self, situation: Situation, u: float) -> float:
        """Return the u-quantile of ``min(cap, U(base, 3 * previous))``; the chain starts at the base."""
        if not situation.polls:
            return self.first
        # The delay before the first poll is no part of the chain, nor is one that is beyond the cap.
        previous = self.base if situation.polls == 1 else min(situation.previous_delay, self.cap)
        spread = max(0.0, 3 * previous - self.base)
        return min(self.cap, self.base + u * spread)
