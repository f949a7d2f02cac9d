"""Delays that grow by a constant step."""

from __future__ import annotations

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import ordered, seconds
from bide_strategies.growing import Growing
from bide_strategies.jitter import JITTER, Jitter, NoJitter


@frozen(kw_only=True)
class Linear(Growing):
    """
    Add the same step to the delay from one poll to the next, up to a cap.

    Args:
        base: delay after the first poll, in seconds; > 0.
        step: growth from one poll to the next, in seconds; >= 0.
        cap: greatest delay before jitter, in seconds; >= base.
        jitter: how the draw spreads the grown and capped delay.
        first: delay before the first poll, in seconds; >= 0.

    Source: tenacity's `wait_incrementing`; databricks-sdk waits 1, 2 … 10 s.
    """

    base: Seconds = field(default=1.0, validator=seconds(above=0))
    step: Seconds = field(default=1.0, validator=seconds(least=0))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    jitter: Jitter = field(default=NoJitter(), validator=JITTER)
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")

    def grown(self, steps: int) -> float:
        """Return ``base + steps * step``."""
        return self.base + steps * self.step
