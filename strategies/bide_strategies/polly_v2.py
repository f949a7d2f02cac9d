"""Polly's exponential schedule with decorrelated jitter, version 2."""

from __future__ import annotations

import math

from attrs import field, frozen

from bide.durations import Seconds
from bide.rules import ordered, seconds
from bide.strategy import Situation

_SCALE = 1 / 1.4
_ROUNDING = 1e-9


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
    Slow answers move a poll within its range, and make the next delay shorter. One that is later than its
    range (very slow answers, a hint, another strategy before) is taken to have come in the middle of it.

    Args:
        base: scale of the first delays, in seconds; > 0. The median of the first is about that.
        cap: greatest delay, in seconds; >= base.
        first: delay before the first poll, in seconds; >= 0.

    Source: Polly, `RetryHelper.cs`, DecorrelatedJitterBackoffV2.
    """

    base: Seconds = field(default=0.1, validator=seconds(above=0))
    cap: Seconds = field(default=10.0, validator=seconds(above=0))
    first: Seconds = field(default=0.0, validator=seconds(least=0))
    _straight_from: int = field(default=0, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        ordered(self, "base", "cap")
        object.__setattr__(self, "_straight_from", self._find_straight())

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
        """Return the seconds from the last poll to the time of the next."""
        polls = situation.polls
        if not polls:
            return self.first
        return max(0.0, min(self._time(polls - 1 + u) - self._reached(situation), self.cap))

    def _reached(self, situation: Situation) -> float:
        """Return the time of the last poll; if that is out of its range, the middle of the range."""
        polls, time = situation.polls, situation.elapsed - self.first
        earliest, latest = self._time(polls - 2), self._time(polls - 1)
        if earliest * (1 - _ROUNDING) <= time <= latest * (1 + _ROUNDING):
            return min(max(time, earliest), latest)
        return self._time(polls - 1.5)

    def _time(self, t: float) -> float:
        """Return the time that belongs to t, in seconds from the first poll; 0 before it."""
        if t <= self._straight_from:
            return _curve(max(0.0, t)) * _SCALE * self.base
        return _curve(self._straight_from) * _SCALE * self.base + (t - self._straight_from) * self.cap / 2
