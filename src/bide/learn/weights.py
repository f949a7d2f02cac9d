"""How much each of the past jobs tells of the next one: less, if durations have changed since."""

from __future__ import annotations

import math

import numpy as np

from bide.lab.distribution import Array
from bide.learn.estimate import rough_estimate
from bide.learn.sample import Samples

# Before this many jobs nothing can have changed.
_FEWEST = 10

# How likely a change is beforehand to have come before the newest k jobs, times k: as likely within the last
# ten as between ten and a hundred.
_CHANGES = 0.02

# Scores that differ by less than the root of this among all jobs tell nothing.
_LEAST_VARIANCE = 0.05

# No job counts for less than this.
_LEAST = 1e-3


def recency(samples: Samples) -> Array:
    """
    Return how much each sample counts, in (0, 1]: how likely it is that nothing has changed since.

    Args:
        samples: the oldest first.
    """
    weights = np.ones(len(samples))
    newest = samples
    while len(newest) >= _FEWEST and np.isfinite(newest.high).any():
        unchanged = _unchanged(_scores(newest))
        weights[-len(newest) :] *= unchanged
        weights[: -len(newest)] *= unchanged[0]
        kept = int(np.count_nonzero(unchanged >= 0.5))
        if kept == len(newest):
            break
        newest = newest.newest(kept)
    return np.maximum(weights, _LEAST)


def _unchanged(scores: Array) -> Array:
    """
    Return for each job, the oldest first, the probability that nothing has changed since.

    A change shifts the mean of the scores, by about their standard deviation. What speaks for one before the
    newest k jobs is the Bayes factor of their mean against that of the others.
    """
    total = len(scores)
    newest = np.arange(1, total)
    sums = np.cumsum(scores[::-1], axis=0)[:-1]
    size = newest * (total - newest) / total
    squares = (sums**2).sum(axis=1) / size
    factors = 0.5 * squares * size / (1 + size) - 0.5 * scores.shape[1] * np.log1p(size)
    odds = np.exp(np.minimum(factors + np.log(_CHANGES / newest), 600.0))
    since = np.cumsum(odds) / (1 + odds.sum())
    return np.append(1.0 - since[::-1], 1.0)


def _scores(samples: Samples) -> Array:
    """
    Return two numbers for each job that tell how it compares with the others; see `_uncorrelated`.

    They are cosines of its rank, as a share; where the duration is not known exactly, their mean over the
    ranks that it may have. So they do not depend on when somebody looked.

    Source: Neyman's smooth test, Skand. Aktuarietidskr. 20 (1937), for the components.
    """
    durations = rough_estimate(samples)
    low, high = 1.0 - durations.survival(samples.low), 1.0 - durations.survival(samples.high)
    waves = np.pi * np.array([1.0, 2.0])
    width = np.maximum(high - low, 1e-9)[:, None]
    middle = (low + high)[:, None] / 2
    # The mean of cos(w x) over an interval is its value in the middle, times sin(h) / h for h = w width / 2.
    scores = math.sqrt(2) * np.cos(waves * middle) * np.sinc(waves * width / (2 * np.pi))
    return _uncorrelated(scores - scores.mean(axis=0))


def _uncorrelated(scores: Array) -> Array:
    """Return scores turned so that none tells what another has told, and of variance 1."""
    variances, axes = np.linalg.eigh(scores.T @ scores / len(scores))
    return np.asarray(scores @ axes / np.sqrt(np.maximum(variances, _LEAST_VARIANCE)))
