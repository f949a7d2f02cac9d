"""Durations that are spread evenly within each of many bins: the form in which they are learned."""

from __future__ import annotations

import numpy as np
from attrs import field, frozen

from bide.lab.distribution import NO_ATOMS, Array


@frozen(eq=False)
class Histogram:
    """
    A distribution of durations whose density is constant between any two edges.

    Args:
        edges: times in seconds, ascending; the first >= 0; shape (m,).
        running: the share of jobs that still run at each edge, from 1 down to 0; shape (m,).
    """

    edges: Array
    running: Array
    _areas: Array = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        areas = np.diff(self.edges) * (self.running[1:] + self.running[:-1]) / 2
        object.__setattr__(self, "_areas", self.edges[0] + np.concatenate(([0.0], np.cumsum(areas))))

    @property
    def mean(self) -> float:
        """The mean duration."""
        return float(self._areas[-1])

    @property
    def longest(self) -> float:
        """The last edge."""
        return float(self.edges[-1])

    @property
    def atoms(self) -> Array:
        """No duration has a probability of its own."""
        return NO_ATOMS

    def survival(self, t: Array) -> Array:
        """Return the share of jobs that still run, which falls in a straight line within each bin."""
        return np.interp(t, self.edges, self.running)

    def limited_mean(self, t: Array) -> Array:
        """Return the area under the survival up to t."""
        inside = np.clip(t, self.edges[0], self.edges[-1])
        left = np.searchsorted(self.edges, inside, side="right").clip(1, len(self.edges) - 1) - 1
        heights = self.running[left] + self.survival(inside)
        area = self._areas[left] + (inside - self.edges[left]) * heights / 2
        return np.asarray(np.minimum(t, self.edges[0]) + area - self.edges[0])

    def quantile(self, p: Array) -> Array:
        """Return the duration that a share p of the jobs does not exceed."""
        return np.interp(p, 1.0 - self.running, self.edges)
