"""Delays that grow as a power of their number."""

from __future__ import annotations

import math

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import Number, ordered, seconds
from bide_strategies.growing import Growing
from bide_strategies.jitter import JITTER, Jitter, NoJitter


@frozen(kw_only=True)
class Polynomial(Growing):
    """
    Grow the delay as a power of its number, up to a cap: slower than exponential, faster than linear.

    Args:
        base: delay after the first poll, in seconds; > 0.
        power: of the delay's number, counted from 1; > 0.
        cap: greatest delay before jitter, in seconds; >= base.
        jitter: how the draw spreads the grown and capped delay.
        first: delay before the first poll, in seconds; >= 0.

    Source: Sidekiq's retries wait ``n ** 4`` and more; the power 2 is quadratic backoff.
    """

    base: Seconds = field(default=0.1, validator=seconds(above=0))
    power: float = field(default=2.0, validator=Number(above=0))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    jitter: Jitter = field(default=NoJitter(), validator=JITTER)
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")

    def grown(self, steps: int) -> float:
        """Return ``base * (steps + 1) ** power``."""
        return self.base * math.pow(steps + 1, self.power)
