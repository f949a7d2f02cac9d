"""Distributions of durations: their integrals and quantiles agree with scipy's, and with each other."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st
from lab_generators import durations

from bide.lab.distribution import Distribution
from bide.lab.distributions import Exponential, Fixed, Gamma, Lognormal, Uniform, Weibull
from bide.lab.mixed import Cut, Mixture, Samples

SHARES = np.array([1e-6, 0.01, 0.3, 0.5, 0.9, 0.999, 1 - 1e-9])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Uniform(5.0, 15.0), scipy.stats.uniform(5, 10)),
        (Exponential(60.0), scipy.stats.expon(scale=60)),
        (Lognormal(60.0, 0.5), scipy.stats.lognorm(0.5, scale=60)),
        (Weibull(0.6, 60.0), scipy.stats.weibull_min(0.6, scale=60)),
        (Weibull(3.0, 60.0), scipy.stats.weibull_min(3.0, scale=60)),
        (Gamma(4.0, 30.0), scipy.stats.gamma(4, scale=30)),
        (Gamma(0.3, 30.0), scipy.stats.gamma(0.3, scale=30)),
    ],
)
def test_a_distribution_is_scipy_s(ours: Distribution, theirs: scipy.stats.rv_continuous) -> None:
    """Mean, survival and quantiles are those of scipy.stats, and the limited mean is the integral."""
    times = theirs.ppf(SHARES)
    assert ours.mean == pytest.approx(theirs.mean())
    assert ours.survival(times) == pytest.approx(theirs.sf(times))
    assert ours.quantile(SHARES) == pytest.approx(times)
    for share in (0.1, 0.5, 0.95):
        t = float(theirs.ppf(share))
        integral, _ = scipy.integrate.quad(theirs.sf, 0, t, limit=200)
        assert ours.limited_mean(np.array([t])) == pytest.approx([integral], rel=1e-6)


@given(durations, st.lists(st.floats(0, 1e5), min_size=2, max_size=20))
def test_a_limited_mean_grows_as_the_survival_says(distribution: Distribution, times: list[float]) -> None:
    """It lies between 0 and the mean, and between two times it grows by at most and least the survivals."""
    t = np.sort(np.array(times))
    survival, limited = distribution.survival(t), distribution.limited_mean(t)
    slack = 1e-9 * (1 + distribution.mean)
    assert (np.diff(survival) <= 1e-12).all()
    assert (limited <= np.minimum(t, distribution.mean) + slack).all()
    assert (np.diff(limited) <= np.diff(t) * survival[:-1] + slack).all()
    assert (np.diff(limited) >= np.diff(t) * survival[1:] - slack).all()


@example(Mixture([0.75, 0.75, 0.25], [Gamma(0.3, 0.25), Gamma(0.3, 0.25), Fixed(1.0)]), 1e-6)
@given(durations, st.floats(1e-6, 1 - 1e-6))
def test_a_quantile_is_the_least_that_a_share_does_not_exceed(
    distribution: Distribution, share: float
) -> None:
    """The share of jobs up to it is at least the one asked for, and just before it is not more."""
    at = distribution.quantile(np.array([share]))
    assert 1 - distribution.survival(at * (1 + 1e-9))[0] >= share - 1e-9
    assert 1 - distribution.survival(at * (1 - 1e-9) - 1e-300)[0] <= share + 1e-9


def test_the_mean_of_quantiles_is_the_mean() -> None:
    """A mixture with atoms, of two sorts of jobs and one of measured ones, adds up."""
    mixture = Mixture([2, 1, 1], [Uniform(2.0, 9.0), Fixed(5.0), Samples([1.0, 3.0, 3.0, 7.0])])
    shares = (np.arange(100_000) + 0.5) / 100_000
    assert mixture.quantile(shares).mean() == pytest.approx(mixture.mean, rel=1e-4)
    assert mixture.mean == pytest.approx(0.5 * 5.5 + 0.25 * 5.0 + 0.25 * 3.5)
    assert mixture.atoms.tolist() == [1.0, 3.0, 5.0, 7.0]
    assert mixture.longest == 9.0
    # At an atom of a quarter of the jobs: F(5) = 0.5 * 3/7 + 0.25 + 0.25 * 3/4.
    assert mixture.survival(np.array([5.0])) == pytest.approx([1 - (0.5 * 3 / 7 + 0.25 + 0.25 * 0.75)])
    assert mixture.quantile(np.array([0.5])).tolist() == [5.0]


def test_samples_are_counted() -> None:
    """Survival, limited mean and quantiles of four values, by hand."""
    samples = Samples([4.0, 1.0, 4.0, 3.0])
    assert samples.survival(np.array([0.0, 1.0, 3.5, 4.0])).tolist() == [1.0, 0.75, 0.5, 0.0]
    assert samples.limited_mean(np.array([2.0, 10.0])).tolist() == [(1 + 2 + 2 + 2) / 4, 3.0]
    assert samples.quantile(np.array([0.25, 0.26, 0.5, 0.9])).tolist() == [1.0, 3.0, 3.0, 4.0]
    assert samples.atoms.tolist() == [1.0, 3.0, 4.0]


def test_a_cut_is_the_lesser_of_the_duration_and_a_time() -> None:
    """Its mean is the limited mean, and all that is longer ends at the cut."""
    cut = Cut(Exponential(60.0), 30.0)
    assert cut.mean == pytest.approx(60 * (1 - np.exp(-0.5)))
    assert cut.survival(np.array([29.0, 30.0])) == pytest.approx([np.exp(-29 / 60), 0.0])
    assert cut.quantile(np.array([0.1, 0.9])) == pytest.approx([-60 * np.log(0.9), 30.0])
    assert cut.atoms.tolist() == [30.0]
