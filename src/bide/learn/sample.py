"""What is known of how long jobs took."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from attrs import field, frozen

from bide.errors import ConfigError, Problem, shown
from bide.lab.distribution import Array


def _as_array(values: Iterable[float]) -> Array:
    """Return the values as an array of their own, that nobody writes to."""
    array = np.array(values if isinstance(values, np.ndarray) else list(values), dtype=np.float64)
    array.setflags(write=False)
    return array


@frozen(kw_only=True, eq=False)
class Samples:
    """
    What is known of the durations of some jobs, the oldest first.

    A duration lies in (low, high]. With low == high it is known exactly; with an infinite high the job was
    given up on at low.

    Args:
        low: when each job was last known to run, in seconds; shape (n,).
        high: when each was first known to be over, in seconds; shape (n,).

    Raises:
        ConfigError: a value is negative or not a number, or a low is above its high.
    """

    low: Array = field(converter=_as_array)
    high: Array = field(converter=_as_array)

    def __attrs_post_init__(self) -> None:
        if self.low.ndim != 1 or self.low.shape != self.high.shape:
            sizes = f"{self.low.shape} and {self.high.shape}"
            raise ConfigError(f"'low' and 'high' must be two rows of equal length, got {sizes}")
        _refuse(self.low, ~((self.low >= 0) & np.isfinite(self.low)), "low", "a finite number >= 0 seconds")
        _refuse(self.high, ~(self.high >= self.low), "high", "a number >= 'low', in seconds")

    @classmethod
    def exact(cls, durations: Iterable[float]) -> Samples:
        """
        Return samples of jobs whose durations are known.

        Args:
            durations: in seconds, the oldest first; >= 0.

        Raises:
            ConfigError: one of them is no duration.
        """
        values = _as_array(durations)
        _refuse(values, ~((values >= 0) & np.isfinite(values)), "durations", "a finite number >= 0 seconds")
        return cls(low=values, high=values)

    def __len__(self) -> int:
        return len(self.low)

    def newest(self, count: int) -> Samples:
        """Return the newest samples, at most so many."""
        start = max(len(self) - count, 0)
        return Samples(low=self.low[start:], high=self.high[start:])


def _refuse(
    values: Array, wrong: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], name: str, rule: str
) -> None:
    """Raise an error that names the first value that is wrong, if any is."""
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ConfigError(Problem(f"must be {rule}, got {shown(float(values[first]))}", (name, f"[{first}]")))
