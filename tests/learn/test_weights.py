"""How much past jobs count: less, once durations have changed."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_estimate import KINDS, TWO_MODES, evenly, histories, samples_of

from bide.lab.distribution import Distribution
from bide.lab.distributions import Lognormal
from bide.learn import Samples, estimate, recency


@settings(max_examples=15)
@example([[23.0, math.inf], [0.0, 1.0], [0.0, 0.00390625], [1.0, 1.0]], 3)
@given(histories, st.integers(1, 4))
def test_weights_grow_towards_the_present(found: list[list[float]], times: int) -> None:
    """Each weight is above 0 and at most 1, and none exceeds that of a later job; the newest counts fully."""
    weights = recency(samples_of(found * times))
    assert np.all((weights > 0) & (weights <= 1))
    assert np.all(np.diff(weights) >= -1e-12)
    assert weights[-1] == 1


@pytest.mark.parametrize("durations", KINDS)
def test_jobs_without_a_change_all_count(durations: Distribution) -> None:
    """A thousand jobs of one distribution weigh at least nine tenths each, on the mean."""
    assert recency(Samples.exact(evenly(durations, 1000))).mean() > 0.9


def test_other_polls_are_no_change() -> None:
    """If the same durations are seen through coarse intervals first and then through fine ones, all count."""
    ends = evenly(Lognormal(60.0, 0.5), 300)
    coarse, fine = np.array([0.0, 50.0, 1e4]), np.arange(0.0, 1e4, 5.0)
    rows = [(coarse, ends[:150]), (fine, ends[150:])]
    low = np.concatenate([polls[np.searchsorted(polls, part) - 1] for polls, part in rows])
    high = np.concatenate([polls[np.searchsorted(polls, part)] for polls, part in rows])
    assert recency(Samples(low=low, high=high)).mean() > 0.9


def test_looks_that_tell_little_are_no_change() -> None:
    """If hardly any look tells jobs apart, thirty of the same answer, as chance has it, are not a drift."""
    steady = ([(0.0, 125.8)] * 70 + [(125.8, 126.7)]) * 12
    since_another_plan = ([(0.0, 124.4)] * 16 + [(124.4, 126.5)]) * 7 + [(0.0, 124.4)] * 30
    low, high = np.array(steady + since_another_plan).T
    assert recency(Samples(low=low, high=high)).mean() > 0.5


def test_a_rare_answer_is_no_change() -> None:
    """One that comes once in sixty jobs, as it has to, takes nothing from the others."""
    low, high = np.array([(0.0, 123.0)] * 59 + [(123.0, 125.0)]).T
    assert recency(Samples(low=low, high=high)).mean() > 0.8


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_a_run_of_the_same_answer_is_a_change(share: float) -> None:
    """If more jobs in a row are over at the first look than chance explains, the others do not count."""
    steady = np.random.default_rng(0).permutation(np.arange(300) < share * 300)
    low = np.append(np.where(steady, 0.0, 60.0), np.zeros(math.ceil(math.log(1e-6, share))))
    weights = recency(Samples(low=low, high=np.where(low, 66.0, 60.0)))
    assert weights[:250].mean() < 0.2


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_a_drift_is_followed_within_thirty_jobs(factor: float) -> None:
    """If the last thirty of 330 jobs took twice or half as long, the others count for less than three."""
    ends = evenly(Lognormal(60.0, 0.5), 330)
    ends[300:] *= factor
    samples = Samples.exact(ends)
    weights = recency(samples)
    assert weights[:300].sum() < 3
    median = float(estimate(samples, weights).quantile(np.array(0.5)))
    assert median == pytest.approx(np.median(ends[300:]), rel=0.1)


def test_a_drift_of_two_modes_is_followed_whatever_comes() -> None:
    """Also if as many of the last thirty jobs are long as are short, and each takes what none took before."""
    ends = evenly(TWO_MODES, 330)
    ends[:300] *= 2
    ends[300:] = [20.0, 200.0] * 15
    assert recency(Samples.exact(ends))[:300].mean() < 0.02


def test_of_two_changes_the_last_one_counts() -> None:
    """Jobs before a first change do not hide a second."""
    ends = evenly(Lognormal(60.0, 0.3), 500)
    ends[:200] *= 4
    ends[440:] *= 3
    weights = recency(Samples.exact(ends))
    assert weights[:440].sum() < 5
    assert weights[445:].mean() > 0.8
