"""Delays that grow by a constant factor."""

from __future__ import annotations

import math

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import Number, ordered, seconds
from bide_strategies.growing import Growing
from bide_strategies.jitter import JITTER, Jitter, NoJitter


@frozen(kw_only=True)
class Exponential(Growing):
    """
    Grow the delay by a constant factor from one poll to the next, up to a cap.

    Args:
        base: delay after the first poll, in seconds; > 0.
        factor: growth from one poll to the next; >= 1.
        cap: greatest delay before jitter, in seconds; >= base.
        jitter: how the draw spreads the grown and capped delay.
        first: delay before the first poll, in seconds; >= 0.

    Source: RFC 6298, section 5.5 (the doubling timer).
    """

    base: Seconds = field(default=0.1, validator=seconds(above=0))
    factor: float = field(default=2.0, validator=Number(least=1))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    jitter: Jitter = field(default=NoJitter(), validator=JITTER)
    first: Seconds = field(default=0.0, validator=seconds(least=0))

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")

    def grown(self, steps: int) -> float:
        """Return ``base * factor ** steps``."""
        return self.base * math.pow(self.factor, steps)
