"""Bins of equal width in the logarithm of time: where durations are counted, spread and smoothed."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from bide.lab.distribution import Array
from bide.learn.sample import Samples

# There are so many bins; they go so far beyond the least and the greatest time that was seen, as a factor.
_BINS = 2048
_BEYOND = math.e**1.5

# No time below this part of the greatest one counts as more than nothing.
_LEAST = 1e-12


@frozen(kw_only=True)
class Bins:
    """
    Bins whose edges are in a geometric progression; places among them are counted in bins from the first edge.

    Args:
        first: the natural logarithm of the first edge, in seconds.
        width: of each bin, in the natural logarithm of time.
    """

    first: float
    width: float
    count: int = _BINS

    @classmethod
    def around(cls, samples: Samples) -> Bins:
        """Return bins for samples, of which one at least has an end above 0."""
        ends = np.concatenate((samples.low, samples.high))
        ends = ends[(ends > 0) & np.isfinite(ends)]
        top = float(ends.max())
        bottom = max(float(ends.min()), top * _LEAST)
        first, last = math.log(bottom / _BEYOND), math.log(top * _BEYOND)
        return cls(first=first, width=(last - first) / _BINS)

    @property
    def edges(self) -> Array:
        """The edges, in seconds; one more than there are bins."""
        return self.times(np.arange(self.count + 1.0))

    @property
    def middles(self) -> Array:
        """The places of the middles of all bins."""
        return np.arange(self.count) + 0.5

    def times(self, places: Array) -> Array:
        """Return the times at places, in seconds."""
        return np.asarray(np.exp(self.first + self.width * places))

    def places(self, times: Array) -> Array:
        """Return the places of times, in seconds; those beyond the bins are moved to the nearest."""
        with np.errstate(divide="ignore"):  # 0 seconds are before the first bin
            return np.clip((np.log(times) - self.first) / self.width, 0.0, self.count - 1e-6)


def between(lows: Array, highs: Array, heights: Array, count: int) -> Array:
    """
    Return the sum of rectangles, in each of so many bins.

    Args:
        lows: where each begins; a place within the bins.
        highs: where each ends; not before its begin.
        heights: how high each is.
        count: of the bins.
    """
    steps = np.zeros(count + 1)
    for places, signs in ((lows, heights), (highs, -heights)):
        left = places.astype(int)
        part = signs * (places - left)
        steps += np.bincount(left, signs - part, count + 1) + np.bincount(left + 1, part, count + 1)
    return np.maximum(np.cumsum(steps[:-1]), 0.0)
