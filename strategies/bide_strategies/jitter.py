"""How a draw spreads a delay: values that every growing strategy takes."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen

from bide.durations import Seconds
from bide.errors import ConfigError
from bide.rules import Has, Number
from bide.rules import seconds as duration


@frozen
class NoJitter:
    """Keep the delay as it is."""

    kind: ClassVar[str] = "none"

    def spread(self, delay: float, u: float) -> float:
        """Return the delay."""
        return delay


@frozen(kw_only=True)
class Full:
    """
    Draw from the least up to the delay: U(least, delay).

    Args:
        least: least delay, in seconds; >= 0. A delay below it is kept as it is.

    Source: AWS architecture blog, "Exponential Backoff And Jitter", where the least is 0.
    """

    kind: ClassVar[str] = "full"

    least: Seconds = field(default=0.0, validator=duration(least=0))

    def spread(self, delay: float, u: float) -> float:
        """Return the u-quantile of U(least, delay)."""
        least = self.least if self.least < delay else delay
        return least + u * (delay - least)


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
class Proportional:
    """
    Draw a share of the delay below it or above: delay * U(1 - share, 1 + share).

    Args:
        share: the greatest deviation, as a share of the delay; > 0, at most 1.

    Source: gRPC proposal A6, with a share of 0.2.
    """

    kind: ClassVar[str] = "proportional"

    share: float = field(validator=Number(above=0, most=1))

    def spread(self, delay: float, u: float) -> float:
        """Return the u-quantile of delay * U(1 - share, 1 + share)."""
        return delay * (1 + self.share * (2 * u - 1))


@frozen(kw_only=True)
class Additive:
    """
    Draw something on top of the delay: delay + U(0, share * delay), or delay + U(0, seconds).

    Args:
        share: the greatest addition, as a share of the delay; > 0, at most 1.
        seconds: the greatest addition, in seconds; > 0. Exactly one of the two is given.

    Source: the job-status client that bide grew from adds up to half; databricks-sdk adds up to a second.
    """

    kind: ClassVar[str] = "additive"

    share: float | None = field(default=None, validator=Number(above=0, most=1, optional=True))
    seconds: Seconds | None = field(default=None, validator=duration(above=0, optional=True))

    def __attrs_post_init__(self) -> None:
        if (self.share is None) == (self.seconds is None):
            raise ConfigError(f"takes a share or seconds, and one of them, got {self!r}")

    def spread(self, delay: float, u: float) -> float:
        """Return the u-quantile of the delay and its addition."""
        most = self.share * delay if self.share is not None else self.seconds or 0.0
        return delay + u * most


JITTER = Has("spread", "a jitter, such as Full()")
"""The rule for a field that holds a jitter."""

Jitter = NoJitter | Full | Equal | Proportional | Additive
