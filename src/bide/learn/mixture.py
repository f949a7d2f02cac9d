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
from attrs import evolve
from numpy.typing import NDArray

from bide.lab.distribution import Array
from bide.learn.sorts import LEAST_SPREAD, MOST_SPREAD, Evidence, Fit, Sorts, fit_of, replaced

# No sort of fewer jobs is divided.
_FEWEST_JOBS = 2.0

# A gap of so many spreads may divide a sort.
_WIDE_GAP = 0.5

# A sort that is found beside a gap spreads so far to begin with, at least.
_LEAST_START = 0.05

# A step is at most so long; it is shortened so often, by this; a climb ends with a gain below the least.
_LONGEST_STEP, _SHORTENINGS, _SHORTER, _LEAST_GAIN = 0.3, 8, 0.3, 0.1

# A climb has so many steps at most; the first ones show which of several is worth going on with.
_STEPS, _FIRST_STEPS = 40, 8

# How far the point two spreads after a centre moves with the centre, and with the logarithm of the spread.
_LATE = np.array([1.0, 2.0])

# The spread of the next job is at most so many times that of a sort.
_WIDEST = 2.0

# What has a logarithm in the place of no jobs.
_NO_JOBS = 1e-9


def fit_sorts(evidence: Evidence, most: int) -> Fit:
    """Return the sorts of jobs that the evidence speaks for, at most so many, and how well they agree."""
    best = _climb(evidence, _one_sort(evidence))
    price = 1.5 * math.log(evidence.total)  # of three numbers more
    while len(best.sorts.shares) < most:
        large = np.flatnonzero(best.sorts.shares * evidence.total >= _FEWEST_JOBS)
        starts = [(best.sorts.halved(int(index)), price) for index in large]
        # Which of so many gaps it is, is another number.
        starts += [(parted, price + math.log(evidence.total)) for parted in _parted(best)]
        divided = [(_climb(evidence, start, _FIRST_STEPS), price) for start, price in starts]
        better, its_price = max(divided, key=lambda found: found[0].value - found[1], default=(best, price))
        if better.value > best.value + its_price / 2:
            better = _climb(evidence, better.sorts)
        if not better.value > best.value + its_price:
            break
        best = better
    return best


def foreseen(fit: Fit) -> Sorts:
    """
    Return the sorts with the spreads of the next job, which is not among those they were fitted to.

    A spread is widened by the doubt about where most jobs are over, and looks come: two spreads after the
    centre, with the other sorts as they are. Of n exact durations that is by sqrt(1 + 3 / n). What two sorts
    that overlap may take from each other is no doubt about the durations of both.
    """
    sorts = len(fit.sorts.shares)
    known = fit.known[sorts:, sorts:].reshape(2, sorts, 2, sorts)
    doubt = np.linalg.inv(np.einsum("isjs->sij", known))  # of the centre and the spread of each
    wider = np.sqrt(1.0 + _LATE @ doubt @ _LATE)
    return evolve(fit.sorts, spreads=np.minimum(fit.sorts.spreads * np.minimum(wider, _WIDEST), MOST_SPREAD))


def _one_sort(evidence: Evidence) -> Sorts:
    centre, spread = _about(evidence, np.ones(len(evidence.jobs), dtype=np.bool_))
    spread = min(max(spread, 0.3), MOST_SPREAD)
    return Sorts(shares=np.ones(1), centres=np.array([centre]), spreads=np.array([spread]))


def _parted(fit: Fit) -> list[Sorts]:
    """Return the sorts with that one in two whose jobs leave the widest gap; none if none is wide."""
    evidence, sorts = fit.evidence, fit.sorts
    middles = evidence.middles
    order = np.argsort(middles)
    belongs = np.argmax(fit.scores[:, : len(sorts.shares)] + sorts.shares, axis=1)
    before, after = belongs[order[:-1]], belongs[order[1:]]
    gaps = np.where(before == after, np.diff(middles[order]), 0.0)
    is_wide = gaps > _WIDE_GAP * sorts.spreads[before]
    if not is_wide.any():
        return []
    last = order[np.argmax(gaps * is_wide)]
    index, is_before = int(belongs[last]), middles <= middles[last]
    sides = [(belongs == index) & side for side in (is_before, ~is_before)]
    jobs = [float(evidence.jobs[side].sum()) for side in sides]
    centres, spreads = zip(*(_about(evidence, side) for side in sides), strict=True)
    return [
        Sorts(
            shares=replaced(sorts.shares, index, *(sorts.shares[index] * part / sum(jobs) for part in jobs)),
            centres=replaced(sorts.centres, index, *centres),
            spreads=replaced(sorts.spreads, index, *np.clip(spreads, _LEAST_START, MOST_SPREAD)),
        )
    ]


def _about(evidence: Evidence, chosen: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the mean of some of the evidence, and its standard deviation, as if ends were evenly within."""
    middles, jobs = evidence.middles[chosen], evidence.jobs[chosen]
    within = np.diff(evidence.closed[:, chosen], axis=0)[0] ** 2 / 12
    centre = float(np.average(middles, weights=jobs))
    return centre, math.sqrt(np.average((middles - centre) ** 2 + within, weights=jobs))


def _climb(evidence: Evidence, sorts: Sorts, steps: int = _STEPS) -> Fit:
    """
    Return the best fit that is reached uphill from sorts.

    The first step is that of expectation-maximisation, which is as long as it has to be where durations are
    known exactly. Scoring goes on, faster where they are not.
    """
    here = fit_of(evidence, sorts)
    there = fit_of(evidence, sorts.moved(_expected_step(here)))
    here = max(here, there, key=lambda fit: fit.value)
    for _ in range(steps):
        step = _step(here)
        for _ in range(_SHORTENINGS):
            there = fit_of(evidence, here.sorts.moved(step))
            if there.value > here.value:
                break
            step = step * _SHORTER
        else:
            return here
        gain, here = there.value - here.value, there
        if gain < _LEAST_GAIN:
            return here
    return here


def _expected_step(fit: Fit) -> Array:
    """Return the step to the shares and moments that jobs have, as things look."""
    by_share, by_centre, by_spread = fit.slope
    before = fit.evidence.total * fit.sorts.shares
    jobs = np.maximum(before + by_share, _NO_JOBS)
    first, second = by_centre / jobs, 1.0 + by_spread / jobs
    spread = np.sqrt(np.maximum(second - first**2, LEAST_SPREAD**2))
    return np.concatenate((np.log(jobs / before), first, np.log(spread)))


def _step(fit: Fit) -> Array:
    """Return the step that scoring suggests."""
    step = np.linalg.solve(fit.known, fit.uphill)
    shorter = min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
    return np.asarray(step * shorter, dtype=np.float64)
