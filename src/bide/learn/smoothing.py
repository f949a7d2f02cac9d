"""Smoothing with a width of its own at every place: narrow where jobs are many, wide where they are few."""

from __future__ import annotations

import numpy as np

from bide.lab.distribution import Array
from bide.learn.bins import between

# A kernel with heavy tails, as a sum of boxes: half the width of each, and its share.
_KERNEL = ((0.5, 0.3), (1.0, 0.4), (2.0, 0.2), (4.0, 0.07), (8.0, 0.03))

# The widths of several numbers of neighbours, as parts of the greatest, are taken together.
_PARTS = (1 / 3, 2 / 3, 1.0)

# A width is at most so many times the one at which half as many neighbours are within: at the rim of a mode
# the next neighbours are those of another mode, far away.
_GROWTH = 4.0

_HALVINGS = 14


def smooth(shares: Array, neighbours: float, count: float, widest: float, narrowest: float) -> Array:
    """
    Return the shares of jobs in bins, each spread over its surroundings.

    Args:
        shares: of the jobs, in each bin; their sum is 1.
        neighbours: how many jobs are to be within half the width of a kernel.
        count: of the jobs.
        widest: half the width of any kernel, at most, in bins.
        narrowest: half the width of any kernel, at least, in bins.
    """
    filled = np.flatnonzero(shares > 0)
    places, masses = np.asarray(filled + 0.5), np.asarray(shares[filled])
    spread = np.zeros(len(shares))
    for part in _PARTS:
        half, full = (
            _widths(shares, places, (near + 0.5) / count, widest)
            for near in (neighbours * part / 2, neighbours * part)
        )
        widths = np.maximum(np.minimum(full, _GROWTH * half), narrowest)
        for size, mass in _KERNEL:
            spread += _boxes(places, masses * mass, widths * size, len(shares))
    return np.asarray(spread / spread.sum())


def _widths(shares: Array, places: Array, share: float, widest: float) -> Array:
    """Return how far around each place a share of the jobs is."""
    edges = np.arange(len(shares) + 1.0)
    below = np.concatenate(([0.0], np.cumsum(shares)))
    near, far = np.zeros_like(places), np.full_like(places, widest)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        within = np.interp(places + middle, edges, below) - np.interp(places - middle, edges, below)
        enough = within >= share
        far, near = np.where(enough, middle, far), np.where(enough, near, middle)
    return far


def _boxes(places: Array, masses: Array, widths: Array, count: int) -> Array:
    """Return masses spread evenly around places, cut to the bins."""
    lows = np.clip(places - widths, 0.0, count - 1.0)
    highs = np.clip(places + widths, 1.0, count - 1e-6)
    return between(lows, highs, masses / (highs - lows), count)
