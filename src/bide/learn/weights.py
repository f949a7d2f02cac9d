"""How much each of the past jobs tells of the next one: less, if durations have changed since."""

from __future__ import annotations

import math

import numpy as np

from bide.lab.distribution import Array, Distribution
from bide.learn.estimate import rough_estimate
from bide.learn.sample import Samples

# Before this many jobs nothing can have changed.
_FEWEST = 10

# How likely a change is beforehand to have come before the newest k jobs, times k: as likely within the last
# ten as between ten and a hundred.
_CHANGES = 0.02

# So many scores tell how jobs compare. One that differs by much less than the root of a variance tells
# nothing. No job is odder than so many standard deviations: a rare one is no drift.
_SCORES, _LEAST_VARIANCE, _ODDEST = 4, 0.05, 2.0

# Durations may have become so many times as long; and a job may be of neither, with this probability.
_TIMES = np.array([1 / 5, 1 / 3, 1 / 2, 2 / 3, 4 / 5, 5 / 4, 3 / 2, 2.0, 3.0, 5.0])
_NEITHER = 0.05

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
        durations = rough_estimate(newest)
        ways = _shifted(_scores(newest, durations)), _scaled(newest, durations)
        unchanged = _unchanged(_log_mean(np.stack(ways, axis=1)))
        weights[-len(newest) :] *= unchanged
        weights[: -len(newest)] *= unchanged[0]
        kept = int(np.count_nonzero(unchanged >= 0.5))
        if kept == len(newest):
            break
        newest = newest.newest(kept)
    return np.maximum(weights, _LEAST)


def _unchanged(factors: Array) -> Array:
    """
    Return for each job, the oldest first, the probability that nothing has changed since.

    Args:
        factors: logarithms of the Bayes factors of a change before the newest k jobs, from k = 1 on; shape
            (n - 1,).
    """
    newest = np.arange(1, len(factors) + 1)
    odds = np.exp(np.minimum(factors + np.log(_CHANGES / newest), 600.0))
    since = np.cumsum(odds) / (1 + odds.sum())
    return np.append(1.0 - since[::-1], 1.0)


def _shifted(scores: Array) -> Array:
    """
    Return what speaks for a shift of the mean of the scores, by about their standard deviation.

    It is the Bayes factor of the mean of the newest k jobs against that of the others, as a logarithm: the
    mean over that of the first score alone, of the first two, and so on, as a change takes few or many.
    """
    total = len(scores)
    newest = np.arange(1, total)[:, None]
    size = newest * (total - newest) / total
    sums = np.cumsum(scores[::-1], axis=0)[:-1]
    return _log_mean(np.cumsum(0.5 * (sums**2 / (1 + size) - np.log1p(size)), axis=1))


def _scaled(samples: Samples, durations: Distribution) -> Array:
    """
    Return what speaks for durations that have become longer, or shorter, by a factor.

    It is the likelihood of the newest k jobs, as a logarithm: the mean over some factors, against that of
    none. A run of jobs that were over at the first look says more so than by its ranks. Durations that are
    known exactly say nothing here.
    """
    ways = np.append(1.0, _TIMES)
    between = samples.low < samples.high
    ends = samples.low[between], samples.high[between]
    with np.errstate(divide="ignore"):
        low, high = (durations.survival(end[:, None] / ways) for end in ends)
    likelihood = np.log(np.maximum(low - high, 0.0) + _NEITHER)
    told = np.zeros((len(samples), len(_TIMES)))
    told[between] = likelihood[:, 1:] - likelihood[:, :1]
    newest = np.cumsum(told[::-1], axis=0)
    by_newest = _log_mean(newest)
    # If all are like that, the distribution is, and nothing has changed.
    return np.asarray(by_newest[:-1] - np.logaddexp(by_newest[-1], 0.0) + math.log(2))


def _log_mean(logs: Array) -> Array:
    """Return the logarithms of the means over the second axis."""
    return np.asarray(np.logaddexp.reduce(logs, axis=1) - math.log(logs.shape[1]))


def _scores(samples: Samples, durations: Distribution) -> Array:
    """
    Return some numbers for each job that tell how it compares with the others; see `_uncorrelated`.

    They are cosines of its rank, as a share; where the duration is not known exactly, their mean over the
    ranks that it may have. So they do not depend on when somebody looked.

    Source: Neyman's smooth test, Skand. Aktuarietidskr. 20 (1937), for the components; Ledwina, J. Am. Stat.
    Assoc. 89 (1994), for as many of them as the jobs ask for.
    """
    low, high = 1.0 - durations.survival(samples.low), 1.0 - durations.survival(samples.high)
    waves = np.pi * np.arange(1, _SCORES + 1)
    width = np.maximum(high - low, 1e-9)[:, None]
    middle = (low + high)[:, None] / 2
    # The mean of cos(w x) over an interval is its value in the middle, times sin(h) / h for h = w width / 2.
    scores = math.sqrt(2) * np.cos(waves * middle) * np.sinc(waves * width / (2 * np.pi))
    return _uncorrelated(scores - scores.mean(axis=0))


def _uncorrelated(scores: Array) -> Array:
    """Return scores of variance 1 at most, each of them less what those before it have told."""
    covariances = scores.T @ scores / len(scores) + _LEAST_VARIANCE * np.eye(_SCORES)
    left = np.linalg.solve(np.linalg.cholesky(covariances), scores.T).T
    bounded = np.clip(left, -_ODDEST, _ODDEST)
    return np.asarray(bounded - bounded.mean(axis=0))
