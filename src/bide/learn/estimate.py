"""From what is known of past jobs to the distribution of durations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError
from bide.lab.distribution import Array
from bide.lab.distributions import Lognormal
from bide.lab.mixed import Mixture
from bide.learn.mixture import fit_sorts, foreseen
from bide.learn.sample import Samples
from bide.learn.sorts import Evidence, Sorts

# Durations are known to this part, at best; and no job takes less, in seconds.
_FINEST, _NOTHING = 1e-3, 1e-6

# There are at most so many sorts of jobs, and so many different intervals; of more, the ends are rounded.
_SORTS, _INTERVALS = 4, 120

# The same, for when it has to be fast.
_FEW_SORTS, _FEW_INTERVALS = 3, 40

# Of so many jobs one, and one more of each so many, may take so many times longer than all others: they count
# as given up on after these.
_MANY, _MANY_MORE, _ABSURD = 5, 50, 1e3


def estimate(samples: Samples, weights: Array | None = None) -> Mixture:
    """
    Return the distribution of durations that samples speak for: a mixture of few lognormals.

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
    evidence = _evidence(samples, weights, _INTERVALS)
    return _mixture(foreseen(fit_sorts(evidence, _SORTS)))


def rough_estimate(samples: Samples) -> Mixture:
    """Return what samples say of those jobs, in less time, and nothing of the next one; one is over."""
    evidence = _evidence(samples, np.ones(len(samples)), _FEW_INTERVALS)
    return _mixture(fit_sorts(evidence, _FEW_SORTS).sorts)


def _mixture(sorts: Sorts) -> Mixture:
    medians = np.clip(np.exp(sorts.centres), 1 / MAX_SECONDS, MAX_SECONDS)
    parts = zip(medians.tolist(), sorts.spreads.tolist(), strict=True)
    return Mixture(sorts.shares.tolist(), [Lognormal(median, spread) for median, spread in parts])


def _evidence(samples: Samples, weights: Array, most: int) -> Evidence:
    """Return samples as intervals of the logarithm of time, the same ones counted together."""
    longest = _longest(samples)
    low, high = np.minimum(samples.low, longest), np.where(samples.high > longest, np.inf, samples.high)
    low = np.where(low == high, np.maximum(low, _NOTHING), np.where(low < _NOTHING, 0.0, low))
    with np.errstate(divide="ignore"):  # from 0 seconds on means from minus infinity on
        intervals = np.log(np.stack((low, np.maximum(high, _NOTHING)), axis=1))
    says_something = np.isfinite(intervals).any(axis=1)
    intervals, weights = intervals[says_something], weights[says_something]
    step = _FINEST
    rounded, place = _rounded(intervals, step)
    while len(rounded) > most:
        step *= 2
        rounded, place = _rounded(intervals, step)
    jobs = np.bincount(place, weights).astype(np.float64)
    return Evidence(ends=rounded.T, jobs=jobs)


def _rounded(intervals: Array, step: float) -> tuple[Array, NDArray[np.int_]]:
    """Return the different intervals among those rounded to a step, and which of them each is."""
    whole = np.rint(intervals / step)
    narrow = whole[:, 0] == whole[:, 1]
    whole[narrow] += [-0.5, 0.5]
    # As complex numbers pairs are sorted some ten times as fast.
    different, place = np.unique(whole.view(np.complex128).ravel(), return_inverse=True)
    return different.view(np.float64).reshape(-1, 2) * step, place


def _longest(samples: Samples) -> float:
    """Return the longest duration that is believed; one job at least took no longer."""
    ends = np.sort(np.where(np.isfinite(samples.high), samples.high, samples.low))
    if len(ends) < _MANY:
        return float(ends[-1])
    last = ends[-2 - len(ends) // _MANY_MORE :]
    is_absurd = (last[:-1] > 0) & (last[1:] > _ABSURD * last[:-1])
    longest = last[np.argmax(is_absurd)] if is_absurd.any() else last[-1]
    return float(max(longest, samples.high.min()))
