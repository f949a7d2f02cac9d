"""Delays that grow as the Fibonacci numbers."""

from __future__ import annotations

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import ordered, seconds
from bide_strategies.growing import Growing
from bide_strategies.jitter import JITTER, Jitter, NoJitter


@frozen(kw_only=True)
class Fibonacci(Growing):
    """
    Make each delay the sum of the two before it, up to a cap: 1, 1, 2, 3, 5 … times the base.

    Args:
        base: delay after the first poll, in seconds; > 0.
        cap: greatest delay before jitter, in seconds; >= base.
        jitter: how the draw spreads the grown and capped delay.
        first: delay before the first poll, in seconds; >= 0.

    Source: backoff's `fibo`, go-retry, backon.
    """

    base: Seconds = field(default=0.1, validator=seconds(above=0))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    jitter: Jitter = field(default=NoJitter(), validator=JITTER)
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")

    def grown(self, steps: int) -> float:
        """Return ``base * F(steps + 1)``, with F(1) = F(2) = 1, or the first of these beyond the cap."""
        one, other = self.base, self.base
        for _ in range(steps):
            if one >= self.cap:
                break
            one, other = other, one + other
        return one
