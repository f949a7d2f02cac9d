"""Another strategy's delays, multiplied."""

from __future__ import annotations

from attrs import evolve, field, frozen

from bide.rules import STRATEGY, Number
from bide.strategy import Situation, Strategy, ceiling_of, clump_of, envelope_of


@frozen(kw_only=True)
class Scale:
    """
    Stretch or shrink the time of another strategy.

    Args:
        strategy: chooses the delays.
        factor: of all its delays; from 1e-6 to 1e6.
    """

    strategy: Strategy = field(validator=STRATEGY)
    factor: float = field(validator=Number(least=1e-6, most=1e6))

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return self.factor * ceiling_of(self.strategy)

    @property
    def clump(self) -> float:
        """The greatest share of draws at one value: that of the strategy."""
        return clump_of(self.strategy)

    @property
    def envelope(self) -> Scale:
        """The bounds of the strategy, in the same way."""
        return evolve(self, strategy=envelope_of(self.strategy))

    def delay(self, situation: Situation, u: float) -> float:
        """Return what the strategy would choose if time ran faster by the factor, in its own seconds."""
        unscaled = Situation(
            situation.polls,
            situation.elapsed / self.factor,
            situation.previous_delay / self.factor,
            situation.observation,
        )
        return self.factor * self.strategy.delay(unscaled, u)
