"""How a draw spreads a delay: values that any growing strategy takes."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen

from bide.rules import Number


@frozen
class NoJitter:
    """Keep the delay as it is."""

    kind: ClassVar[str] = "none"

    def spread(self, delay: float, u: float) -> float:
        """Return the delay."""
        return delay


@frozen
class Full:
    """
    Draw from nothing up to the delay: U(0, delay).

    Source: AWS architecture blog, "Exponential Backoff And Jitter".
    """

    kind: ClassVar[str] = "full"

    def spread(self, delay: float, u: float) -> float:
        """Return the u-quantile of U(0, delay)."""
        return u * delay


@frozen
class Equal:
    """
    Keep half of the delay and draw the other half: delay / 2 + U(0, delay / 2).

    Source: AWS architecture blog, "Exponential Backoff And Jitter".
    """

    kind: ClassVar[str] = "equal"

    def spread(self, delay: float, u: float) -> float:
        """Return the u-quantile of U(delay / 2, delay)."""
        return delay / 2 + u * (delay / 2)


@frozen(kw_only=True)
class Additive:
    """
    Draw a share of the delay on top of it: delay + U(0, share * delay).

    Args:
        share: the greatest addition, as a share of the delay; > 0, at most 1.

    Source: the job-status client that bide grew from adds up to half.
    """

    kind: ClassVar[str] = "additive"

    share: float = field(default=0.5, validator=Number(above=0, most=1))

    def spread(self, delay: float, u: float) -> float:
        """Return the u-quantile of U(delay, (1 + share) * delay)."""
        return delay + u * (self.share * delay)


Jitter = NoJitter | Full | Equal | Additive
