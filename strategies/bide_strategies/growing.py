"""What the growing strategies share: count, cap, then jitter, so that no cap takes the jitter away."""

from __future__ import annotations

import math
from typing import Protocol

from bide.strategy import Situation
from bide_strategies.jitter import Jitter


class _Fields(Protocol):
    @property
    def cap(self) -> float: ...
    @property
    def jitter(self) -> Jitter: ...
    @property
    def first(self) -> float: ...
    def grown(self, steps: int) -> float: ...


class Growing:
    """A strategy whose delay depends on how often it has grown; the class that mixes it in says how."""

    __slots__ = ()

    @property
    def ceiling(self: _Fields) -> float:
        """The greatest delay, in seconds."""
        return max(self.first, self.jitter.spread(self.cap, 1.0))

    def delay(self: _Fields, situation: Situation, u: float) -> float:
        """Return the delay, grown ``polls - 1`` times, capped, and spread by the jitter."""
        if not situation.polls:
            return self.first
        try:
            grown = self.grown(situation.polls - 1)
        except OverflowError:  # long past any cap
            grown = math.inf
        return self.jitter.spread(grown if grown < self.cap else self.cap, u)
