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

    Capping after the draw, as published, gathers delays at the cap: once saturated, some 38 % of them equal
    it. With `cap_first` the draw is from U(base, min(cap, 3 * previous)), and none gather.

    Args:
        base: least delay, in seconds; > 0.
        cap: greatest delay, in seconds; >= base.
        cap_first: cap the range of the draw, not what was drawn.
        first: delay before the first poll, in seconds; >= 0.

    Source: AWS architecture blog, "Exponential Backoff And Jitter", and its simulator; capped first in
    Polly.Contrib.WaitAndRetry and hyx.
    """

    base: Seconds = field(default=0.1, validator=seconds(above=0))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    cap_first: bool = False
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return max(self.first, self.cap)

    @property
    def clump(self) -> float:
        """
        The greatest share of draws at the ceiling.

        After a delay s, 1 - (cap - base) / (3 s - base) of the draws are capped. That is greatest at s = cap:
        2 cap / (3 cap - base). The published 38 % is the mean over a chain.
        """
        return 0.0 if self.cap_first else 2 * self.cap / (3 * self.cap - self.base)

    def delay(self, situation: Situation, u: float) -> float:
        """Return the u-quantile of the range between the base and three times the delay before."""
        if not situation.polls:
            return self.first
        # The delay before the first poll is no part of the chain, nor is one that is beyond the cap.
        previous = self.base if situation.polls == 1 else min(situation.previous_delay, self.cap)
        most = max(self.base, 3 * previous)
        if self.cap_first:
            most = min(self.cap, most)
        return min(self.cap, self.base + u * (most - self.base))
