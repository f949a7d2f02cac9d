"""Polly's exponential schedule with decorrelated jitter, version 2."""

from __future__ import annotations

import math

from attrs import Factory, field, frozen

from bide.durations import Seconds
from bide.rules import ordered, seconds
from bide.strategy import Situation

_SCALE = 1 / 1.4


def _curve(t: float) -> float:
    return math.pow(2, t) * math.tanh(math.sqrt(4 * t))


@frozen(kw_only=True)
class PollyV2:
    """
    Draw the time of each poll, not the delay before it, so that growth is smooth and delays do not gather.

    The n-th poll after the first (n = 1, 2 …) comes f(n - 1 + u) * base / 1.4 seconds after it, with
    f(t) = 2**t * tanh(sqrt(4 t)); a delay is the difference between two such times, so they telescope.

    Polly cuts long delays to the greatest, and with them their jitter. Here the times grow along a straight
    line, cap / 2 a poll, from where f would grow faster: so no delay passes the cap, and none gather there.
    A poll that comes late (a slow answer, a hint) does not hasten the next.

    Args:
        base: scale of the first delays, in seconds; > 0. The median of the first is about that.
        cap: greatest delay, in seconds; >= base.
        first: delay before the first poll, in seconds; >= 0.

    Source: Polly, `RetryHelper.cs`, DecorrelatedJitterBackoffV2.
    """

    base: Seconds = field(default=0.1, validator=seconds(above=0))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    first: Seconds = field(default=0.0, validator=seconds(least=0))
    _straight_from: int = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(lambda self: self._find_straight(), takes_self=True),
    )

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")

    def _find_straight(self) -> int:
        """Return the first n from which f grows by more than half a cap to n + 1."""
        n = 0
        while n < 1000 and (_curve(n + 1) - _curve(n)) * _SCALE * self.base <= self.cap / 2:
            n += 1
        return n

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds."""
        return max(self.first, self.cap)

    def delay(self, situation: Situation, u: float) -> float:
        """Return the seconds to the next time, from now or from the latest the last poll should have been."""
        polls = situation.polls
        if not polls:
            return self.first
        since_first = situation.elapsed - self.first
        reached = min(max(since_first, self._time(polls - 2)), self._time(polls - 1))
        return max(0.0, min(self._time(polls - 1 + u) - reached, self.cap))

    def _time(self, t: float) -> float:
        """Return the time that belongs to t, in seconds from the first poll; 0 before it."""
        if t <= self._straight_from:
            return _curve(max(0.0, t)) * _SCALE * self.base
        return _curve(self._straight_from) * _SCALE * self.base + (t - self._straight_from) * self.cap / 2
