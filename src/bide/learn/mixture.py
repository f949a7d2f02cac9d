"""
Durations as a mixture of lognormals, fitted to what is known of each job.

The logarithm of a duration lies in an interval, or is known almost exactly. The likelihood of that is climbed
by scoring. There are as many sorts of jobs as pay for themselves: one to begin with; the sort whose division
helps most is divided in two, as long as the likelihood gains more than the new numbers are worth. It is
divided in halves, or at the widest gap: a few jobs far from all others would draw halves towards them.

Source: Dempster, Laird and Rubin, J. R. Statist. Soc. B 39 (1977), section 4.3, for the moments; Berndt,
Hall, Hall and Hausman, Ann. Econ. Soc. Meas. 3 (1974), for the scoring; Schwarz, Ann. Statist. 6 (1978), for
what a number is worth.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray
from scipy.special import ndtr

from bide.lab.distribution import Array

# No sort of fewer jobs is divided.
_FEWEST_JOBS = 2.0

# What is believed of a spread before any job is seen: the median of its values, and the standard deviation of
# its logarithm. It counts for less than a job does.
_USUAL_SPREAD, _DOUBT = 0.5, 1.5

# A spread is between these; beyond so many spreads a normal is nothing.
_LEAST_SPREAD, _MOST_SPREAD, _FAR = 3e-4, 3.0, 38.0

# A sort is divided into halves so far from its centre, in spreads; together they spread as it did.
_APART = 0.8
_NARROWER = math.sqrt(1 - _APART**2)

# A sort that is found beside a gap spreads so far to begin with, at least.
_LEAST_START = 0.05

# A step is at most so long; it is shortened so often, by this; a climb ends with a gain below the least.
_LONGEST_STEP, _SHORTENINGS, _SHORTER, _LEAST_GAIN = 0.3, 8, 0.3, 0.1

# A climb has so many steps at most; the first ones show which of several is worth going on with.
_STEPS, _FIRST_STEPS = 40, 8

# How far the point two spreads after a centre moves with the centre, and with the logarithm of the spread.
_LATE = np.array([1.0, 2.0])

# From the middle of a piece of evidence to its ends, in halves of its width.
_SIDES = np.array([-1.0, 1.0])[:, None, None]

# The spread of the next job is at most so many times that of a sort.
_WIDEST = 2.0

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

    @property
    def middles(self) -> Array:
        """The middle of each, or the end that it has; shape (n,)."""
        low, high = self.ends
        low = np.where(np.isfinite(low), low, high)
        return np.asarray((low + np.where(np.isfinite(high), high, low)) / 2)


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
            shares=_replaced(self.shares, index, share / 2, share / 2),
            centres=_replaced(self.centres, index, centre - _APART * spread, centre + _APART * spread),
            spreads=_replaced(self.spreads, index, _NARROWER * spread, _NARROWER * spread),
        )

    def moved(self, step: Array) -> Sorts:
        """Return the sorts after a step: logarithms of shares, centres in spreads, logarithms of spreads."""
        by_share, by_centre, by_spread = step.reshape(3, -1)
        shares = self.shares * np.exp(by_share)
        return Sorts(
            shares=shares / shares.sum(),
            centres=self.centres + by_centre * self.spreads,
            spreads=np.clip(self.spreads * np.exp(by_spread), _LEAST_SPREAD, _MOST_SPREAD),
        )


@frozen(kw_only=True, eq=False)
class Fit:
    """
    How well sorts agree with evidence.

    Args:
        sorts: of jobs.
        value: the logarithm of the likelihood, and of what is believed of spreads beforehand.
        scores: how fast it grows with each number of the sorts, by piece of evidence; shape (n, 3 k).
    """

    sorts: Sorts
    value: float
    scores: Array


def fit_sorts(evidence: Evidence, most: int) -> Fit:
    """Return the sorts of jobs that the evidence speaks for, at most so many, and how well they agree."""
    best = _climb(evidence, _one_sort(evidence))
    price = 1.5 * math.log(evidence.total)  # of three numbers more
    while len(best.sorts.shares) < most:
        large = np.flatnonzero(best.sorts.shares * evidence.total >= _FEWEST_JOBS)
        starts = [(best.sorts.halved(int(index)), price) for index in large]
        # Which of so many gaps it is, is another number.
        starts += [(parted, price + math.log(evidence.total)) for parted in _parted(evidence, best)]
        divided = [(_climb(evidence, start, _FIRST_STEPS), price) for start, price in starts]
        better, its_price = max(divided, key=lambda found: found[0].value - found[1], default=(best, price))
        if better.value > best.value + its_price / 2:
            better = _climb(evidence, better.sorts)
        if not better.value > best.value + its_price:
            break
        best = better
    return best


def foreseen(evidence: Evidence, fit: Fit) -> Sorts:
    """
    Return the sorts with the spreads of the next job, which is not among those they were fitted to.

    A spread is widened by the doubt about where most jobs are over, and looks come: two spreads after the
    centre, with the other sorts as they are. Of n exact durations that is by sqrt(1 + 3 / n). What two sorts
    that overlap may take from each other is no doubt about the durations of both.
    """
    sorts = len(fit.sorts.shares)
    known = _information(evidence, fit)[sorts:, sorts:].reshape(2, sorts, 2, sorts)
    doubt = np.linalg.inv(np.einsum("isjs->sij", known))  # of the centre and the spread of each
    wider = np.sqrt(1.0 + _LATE @ doubt @ _LATE)
    return evolve(fit.sorts, spreads=np.minimum(fit.sorts.spreads * np.minimum(wider, _WIDEST), _MOST_SPREAD))


def _one_sort(evidence: Evidence) -> Sorts:
    centre, spread = _about(evidence, np.ones(len(evidence.jobs), dtype=np.bool_))
    spread = min(max(spread, 0.3), _MOST_SPREAD)
    return Sorts(shares=np.ones(1), centres=np.array([centre]), spreads=np.array([spread]))


def _parted(evidence: Evidence, fit: Fit) -> list[Sorts]:
    """Return the sorts with that one in two whose jobs leave the widest gap; none if nothing is between."""
    sorts, middles = fit.sorts, evidence.middles
    order = np.argsort(middles)
    belongs = np.argmax(fit.scores[:, : len(sorts.shares)] + sorts.shares, axis=1)
    gaps = np.where(np.diff(belongs[order]) == 0, np.diff(middles[order]), 0.0)
    if not gaps.any():
        return []
    last = order[np.argmax(gaps)]
    index, is_before = int(belongs[last]), middles <= middles[last]
    sides = [(belongs == index) & side for side in (is_before, ~is_before)]
    jobs = [float(evidence.jobs[side].sum()) for side in sides]
    centres, spreads = zip(*(_about(evidence, side) for side in sides), strict=True)
    return [
        Sorts(
            shares=_replaced(sorts.shares, index, *(sorts.shares[index] * part / sum(jobs) for part in jobs)),
            centres=_replaced(sorts.centres, index, *centres),
            spreads=_replaced(sorts.spreads, index, *np.clip(spreads, _LEAST_START, _MOST_SPREAD)),
        )
    ]


def _about(evidence: Evidence, chosen: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the mean of some of the evidence, and its standard deviation."""
    middles, jobs = evidence.middles[chosen], evidence.jobs[chosen]
    centre = float(np.average(middles, weights=jobs))
    spread = math.sqrt(np.average((middles - centre) ** 2, weights=jobs))
    return centre, spread


def _replaced(values: Array, index: int, first: float, second: float) -> Array:
    """Return the values with two in the place of one."""
    return np.concatenate((values[:index], [first, second], values[index + 1 :]))


def _climb(evidence: Evidence, sorts: Sorts, steps: int = _STEPS) -> Fit:
    """Return the best fit that is reached uphill from sorts."""
    here = _fit(evidence, sorts)
    for _ in range(steps):
        step = _step(evidence, here)
        for _ in range(_SHORTENINGS):
            there = _fit(evidence, here.sorts.moved(step))
            if there.value > here.value:
                break
            step = step * _SHORTER
        else:
            return here
        gain, here = there.value - here.value, there
        if gain < _LEAST_GAIN:
            return here
    return here


def _step(evidence: Evidence, fit: Fit) -> Array:
    """Return the step that scoring suggests."""
    slope = evidence.jobs @ fit.scores
    sorts = len(fit.sorts.shares)
    slope[2 * sorts :] -= np.log(fit.sorts.spreads / _USUAL_SPREAD) / _DOUBT**2
    step = np.linalg.solve(_information(evidence, fit), slope)
    shorter = min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
    return np.asarray(step * shorter, dtype=np.float64)


def _information(evidence: Evidence, fit: Fit) -> Array:
    """Return what is known of the numbers that a step changes: the inverse of their covariances."""
    known = fit.scores.T @ (fit.scores * evidence.jobs[:, None])
    before = np.repeat([0.0, 0.0, 1 / _DOUBT**2], len(fit.sorts.shares))
    return np.asarray(known + np.diag(before + _RIDGE), dtype=np.float64)


def _fit(evidence: Evidence, sorts: Sorts) -> Fit:
    within, first, second = _moments(evidence, sorts)
    parts = within * sorts.shares
    total = parts.sum(axis=1)
    parts = parts / total[:, None]
    beliefs = np.log(sorts.spreads / _USUAL_SPREAD) / _DOUBT
    return Fit(
        sorts=sorts,
        value=float(evidence.jobs @ np.log(total) - beliefs @ beliefs / 2),
        scores=np.concatenate((parts - sorts.shares, parts * first, parts * (second - 1.0)), axis=1),
    )


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
