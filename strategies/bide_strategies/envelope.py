"""The bounds of a strategy that chooses between others by something that no bound can know."""

from __future__ import annotations

from attrs import frozen

from bide.strategy import Situation, Strategy


@frozen
class Envelope:
    """
    Be as early as the earliest of several strategies at u = 0, and as late as the latest at u = 1.

    It is for bounds: what a strategy that chooses between others declares as its ``envelope``.

    Args:
        strategies: one of which chooses each delay; the first of them the one before the first poll.
    """

    strategies: tuple[Strategy, ...]

    def delay(self, situation: Situation, u: float) -> float:
        """Return a delay between the least and the greatest that any of them may choose."""
        choosing = self.strategies if situation.polls else self.strategies[:1]
        least = min(strategy.delay(situation, 0.0) for strategy in choosing)
        most = max(strategy.delay(situation, 1.0) for strategy in choosing)
        return least if u == 0 else least + u * (most - least)
