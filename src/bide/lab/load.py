"""The load on a server: calls per second, over time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

BINS_PER_SECOND = 10
"""How finely calls are counted: enough to see clients that march in step once a second."""

MOST_POINTS = 1000
"""So many points a series has at most."""


class Load:
    """Counts calls by the tenth of a second in which they come."""

    __slots__ = ("_calls", "_last")

    def __init__(self) -> None:
        """Begin at nothing."""
        self._calls: Counter[int] = Counter()  # by bin; few of a long time may have any
        self._last = 0.0

    def enter(self, now: float) -> None:
        """Count a call; the time in seconds is not before that of the last."""
        self._calls[int(now * BINS_PER_SECOND)] += 1
        self._last = now

    def __add__(self, other: Load) -> Load:
        """Return the load of both."""
        both = Load()
        both._calls = self._calls + other._calls
        both._last = max(self._last, other._last)
        return both

    @property
    def calls(self) -> int:
        """All calls."""
        return self._calls.total()

    @property
    def peak(self) -> float:
        """Most calls per second, over a tenth of one."""
        return max(self._calls.values(), default=0) * BINS_PER_SECOND

    @property
    def mean(self) -> float:
        """Calls per second, from the start to the end of the tenth in which the last came."""
        return self.calls / self._bins * BINS_PER_SECOND

    @property
    def _bins(self) -> int:
        return int(self._last * BINS_PER_SECOND) + 1

    def series(self) -> tuple[float, tuple[float, ...]]:
        """Return the seconds that a point stands for, and calls per second at each, from the start on."""
        width = math.ceil(self._bins / MOST_POINTS)
        points = [0] * math.ceil(self._bins / width)
        for at, count in self._calls.items():
            points[at // width] += count
        step = width / BINS_PER_SECOND
        return step, tuple(count / step for count in points)


def resampled(series: Sequence[float], step: float, *, until: float, count: int) -> list[float]:
    """
    Return a series in equal parts, more or fewer than it has; each takes its share of those that it overlaps.

    Args:
        series: calls per second.
        step: seconds that each of them stands for.
        until: seconds that all parts stand for together, at least those of the series.
        count: how many parts.
    """
    part = until / count
    parts = [0.0] * count
    for number, load in enumerate(series):
        start, end = number * step, (number + 1) * step
        for place in range(min(count - 1, int(start / part)), min(count - 1, int(end / part)) + 1):
            ends_at = math.inf if place == count - 1 else (place + 1) * part
            parts[place] += load * max(0.0, min(end, ends_at) - max(start, place * part)) / part
    return parts
