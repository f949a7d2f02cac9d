"""Sorts of jobs, whose durations are lognormal, and how well they agree with what is known of each job."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from attrs import frozen
from scipy.special import ndtr

from bide.lab.distribution import Array

# What is believed of a sort beforehand: that its centre is in the middle of all jobs, its spread the usual;
# and the standard deviations of the centre, and of the logarithm of the spread. It counts for less than a job
# does, but of jobs that were over at the first look nothing else tells that they did not end at once.
_USUAL_SPREAD = 0.5
_DOUBTS = np.array([[3.0], [1.5]])

# A spread is between these; beyond so many spreads a normal is nothing.
LEAST_SPREAD, MOST_SPREAD, _FAR = 3e-4, 3.0, 38.0

# A sort is divided into halves so far from its centre, in spreads; together they spread as it did.
_APART = 0.8
_NARROWER = math.sqrt(1 - _APART**2)

# Where a piece of evidence has but one end, the other is taken to be so far away, to begin with.
_OPEN = 1.0

# From the middle of a piece of evidence to its ends, in halves of its width.
_SIDES = np.array([-1.0, 1.0])[:, None, None]

# What keeps a step defined where the jobs say nothing.
_RIDGE = 0.2


@frozen(kw_only=True, eq=False)
class Evidence:
    """
    Where the logarithms of durations lie.

    Args:
        ends: where each begins, and where it ends, always above that; shape (2, n).
        jobs: how many jobs each stands for, > 0; shape (n,).
    """

    ends: Array
    jobs: Array

    @property
    def total(self) -> float:
        """How many jobs there are."""
        return float(self.jobs.sum())

    @cached_property
    def centre(self) -> float:
        """The mean of the middles."""
        return float(np.average(self.middles, weights=self.jobs))

    @cached_property
    def closed(self) -> Array:
        """The ends; where there is none, at some distance from the other; shape (2, n)."""
        low, high = self.ends
        return np.stack(
            (np.where(np.isfinite(low), low, high - _OPEN), np.where(np.isfinite(high), high, low + _OPEN))
        )

    @property
    def middles(self) -> Array:
        """The middle of each; shape (n,)."""
        return np.asarray(self.closed.mean(axis=0))


@frozen(kw_only=True, eq=False)
class Sorts:
    """
    Sorts of jobs, whose durations are lognormal.

    Args:
        shares: of the jobs, of each sort; their sum is 1; shape (k,).
        centres: the logarithm of the median of each; shape (k,).
        spreads: the standard deviation of the logarithm of each; shape (k,).
    """

    shares: Array
    centres: Array
    spreads: Array

    def halved(self, index: int) -> Sorts:
        """Return the sorts with one of them in two halves."""
        share, centre, spread = self.shares[index], self.centres[index], self.spreads[index]
        return Sorts(
            shares=replaced(self.shares, index, share / 2, share / 2),
            centres=replaced(self.centres, index, centre - _APART * spread, centre + _APART * spread),
            spreads=replaced(self.spreads, index, _NARROWER * spread, _NARROWER * spread),
        )

    def moved(self, step: Array) -> Sorts:
        """Return the sorts after a step: logarithms of shares, centres in spreads, logarithms of spreads."""
        by_share, by_centre, by_spread = step.reshape(3, -1)
        shares = self.shares * np.exp(by_share)
        return Sorts(
            shares=shares / shares.sum(),
            centres=self.centres + by_centre * self.spreads,
            spreads=np.clip(self.spreads * np.exp(by_spread), LEAST_SPREAD, MOST_SPREAD),
        )


@frozen(kw_only=True, eq=False)
class Fit:
    """
    How well sorts agree with evidence.

    Args:
        evidence: of jobs.
        sorts: of jobs.
        value: the logarithm of the likelihood, and of what is believed of sorts beforehand.
        scores: how fast the likelihood of each piece of evidence grows with a step, as `Sorts.moved` takes
            it; shape (n, 3 k).
    """

    evidence: Evidence
    sorts: Sorts
    value: float
    scores: Array

    @property
    def slope(self) -> Array:
        """How fast the likelihood of all grows with a step; shape (3, k)."""
        return np.asarray((self.evidence.jobs @ self.scores).reshape(3, -1))

    @property
    def uphill(self) -> Array:
        """How fast the value grows with a step; shape (3 k,)."""
        slope = self.slope
        slope[1:] -= _oddness(self.evidence, self.sorts) * _by_step(self.sorts)
        return slope.ravel()

    @property
    def known(self) -> Array:
        """What is known of the numbers that a step changes: the inverse of their covariances."""
        known = self.scores.T @ (self.scores * self.evidence.jobs[:, None])
        believed = np.zeros((3, len(self.sorts.shares)))
        believed[1:] = _by_step(self.sorts) ** 2
        return np.asarray(known + np.diag(believed.ravel() + _RIDGE))


def fit_of(evidence: Evidence, sorts: Sorts) -> Fit:
    """Return how well sorts agree with evidence."""
    within, first, second = _moments(evidence, sorts)
    parts = within * sorts.shares
    total = parts.sum(axis=1)
    parts = parts / total[:, None]
    return Fit(
        evidence=evidence,
        sorts=sorts,
        value=float(evidence.jobs @ np.log(total) - (_oddness(evidence, sorts) ** 2).sum() / 2),
        scores=np.concatenate((parts - sorts.shares, parts * first, parts * (second - 1.0)), axis=1),
    )


def _oddness(evidence: Evidence, sorts: Sorts) -> Array:
    """Return by how many standard deviations centres, and spreads, are not as believed; shape (2, k)."""
    odd = np.array((sorts.centres - evidence.centre, np.log(sorts.spreads / _USUAL_SPREAD)))
    return np.asarray(odd / _DOUBTS)


def _by_step(sorts: Sorts) -> Array:
    """Return how fast the oddness grows with a step; shape (2, k)."""
    return np.asarray(np.array((sorts.spreads, np.ones_like(sorts.spreads))) / _DOUBTS)


def replaced(values: Array, index: int, first: float, second: float) -> Array:
    """Return the values with two in the place of one."""
    return np.concatenate((values[:index], [first, second], values[index + 1 :]))


def _moments(evidence: Evidence, sorts: Sorts) -> tuple[Array, Array, Array]:
    """
    Return for each piece of evidence and each sort its probability, and the first two moments in it.

    The moments are those of the standard normal that the logarithm is, in spreads from the centre.
    """
    low, high = np.clip((evidence.ends[:, :, None] - sorts.centres) / sorts.spreads, -_FAR, _FAR)
    middle, half = (low + high) / 2, (high - low) / 2
    # What is right of the centre is mirrored, where small shares are exact.
    ends = -np.abs(middle) + half * _SIDES
    low, high = ends
    at_ends, up_to = np.exp(-ends * ends / 2) / math.sqrt(2 * math.pi), ndtr(ends)
    within = np.maximum(up_to[1] - up_to[0], 1e-300)
    is_plain = within > 1e-200
    first = np.where(is_plain, (at_ends[0] - at_ends[1]) / within, high).clip(low, high)
    slopes = ends * at_ends
    second = np.where(is_plain, 1.0 + (slopes[0] - slopes[1]) / within, 0.0)
    return within, np.copysign(first, middle), np.maximum(second, first * first)
