"""From what is known of past jobs to the distribution of durations."""

from __future__ import annotations

import math

import numpy as np

from bide.errors import ConfigError
from bide.lab.distribution import Array, Distribution
from bide.lab.distributions import Fixed
from bide.learn.bins import Bins, between
from bide.learn.histogram import Histogram
from bide.learn.sample import Samples
from bide.learn.smoothing import smooth

# So many neighbours, times the root of the number of jobs, share the width of a kernel.
_NEIGHBOURS = 1.2

# A kernel's width is between these, as the logarithm of a factor.
_WIDEST, _NARROWEST = 3.0, 1e-3

# So often the jobs are shared out again among the bins where they may have ended.
_ROUNDS = 30

# Beyond the longest duration, the logarithm of time decays with a scale between these: the mean stays finite.
_LEAST_TAIL, _MOST_TAIL = 1e-3, 0.7


def estimate(samples: Samples, weights: Array | None = None) -> Distribution:
    """
    Return the distribution of durations that samples speak for.

    Args:
        samples: of past jobs; at least one of them is over.
        weights: how much each counts, in (0, 1]; all alike if there are none.

    Raises:
        ConfigError: no job is over, or there is not one weight for each sample.
    """
    weights = np.ones(len(samples)) if weights is None else weights
    if weights.shape != samples.low.shape:
        raise ConfigError(f"needs a weight for each sample, got {len(weights)} for {len(samples)}")
    if not np.isfinite(samples.high).any():
        raise ConfigError("needs a job that is over to learn how long jobs take")
    if not max(samples.low.max(), samples.high[np.isfinite(samples.high)].max()) > 0:
        return Fixed(0.0)
    bins = Bins.around(samples)
    count = weights.sum() ** 2 / (weights**2).sum()
    neighbours = max(_NEIGHBOURS * math.sqrt(count), 1.0)
    shares = _shared_out(samples, weights / weights.sum(), bins, neighbours, count)
    return _with_tail(bins, shares, _smooth(shares, bins, neighbours, count), neighbours, count)


def _smooth(shares: Array, bins: Bins, neighbours: float, count: float) -> Array:
    return smooth(shares, neighbours, count, _WIDEST / bins.width, _NARROWEST / bins.width)


def _shared_out(samples: Samples, weights: Array, bins: Bins, neighbours: float, count: float) -> Array:
    """
    Return the share of jobs in each bin, by expectation-maximisation with smoothing.

    Source: Turnbull, J. R. Statist. Soc. B 38 (1976); Silverman, Jones, Wilson and Nychka, J. R. Statist.
    Soc. B 52 (1990).
    """
    lows, highs = bins.places(samples.low), bins.places(samples.high)
    narrow, middles = highs - lows < 1, (lows + highs) / 2
    lows = np.where(narrow, np.clip(middles - 0.5, 0.0, bins.count - 1.0), lows)
    highs = np.where(narrow, lows + (1.0 - 1e-6), highs)
    shares = np.diff(bins.edges) / (bins.edges[-1] - bins.edges[0])
    shares = _share_out(lows, highs, weights, shares)
    if not narrow.all():
        for _ in range(_ROUNDS):
            shares = _share_out(lows, highs, weights, _smooth(shares, bins, neighbours, count))
    return shares


def _share_out(lows: Array, highs: Array, weights: Array, shares: Array) -> Array:
    """Return the shares of jobs in bins, if each ended between two places, and otherwise as the shares say."""
    below = np.concatenate(([0.0], np.cumsum(shares)))
    edges = np.arange(len(below))
    within = np.interp(highs, edges, below) - np.interp(lows, edges, below)
    shared = shares * between(lows, highs, weights / np.maximum(within, 1e-300), len(shares))
    return np.asarray(shared / shared.sum())


def _with_tail(bins: Bins, shares: Array, smoothed: Array, neighbours: float, count: float) -> Histogram:
    """
    Return the smoothed shares, and the one job in n + 1 that takes longer than n others.

    Beyond the longest, the logarithm of time falls off exponentially, as among the longest.

    Source: Hill, Ann. Statist. 3 (1975).
    """
    below = np.cumsum(shares)
    start = int(np.searchsorted(below, 1 - min(neighbours / count, 0.5)))
    longest = shares[start:]
    scale = bins.width * float(np.arange(len(longest)) @ longest) / float(longest.sum())
    scale = min(max(scale, _LEAST_TAIL), _MOST_TAIL)
    end = float(np.searchsorted(below, 1 - 0.5 / count))
    far = end + np.concatenate(([0.0], np.geomspace(0.02, 12.0, 60))) * scale / bins.width
    edges = np.arange(bins.count + 1.0)
    places = np.union1d(edges, far)
    beyond = np.exp(-np.maximum(places - end, 0.0) * bins.width / scale)
    beyond[-1] = 0.0
    inside = np.interp(places, edges, 1.0 - np.concatenate(([0.0], np.cumsum(smoothed))), right=0.0)
    running = (count * inside + beyond) / (count + 1)
    first = int(np.flatnonzero(running < 1.0)[0]) - 1
    return Histogram(bins.times(places[first:]), np.clip(running[first:], 0.0, 1.0))
