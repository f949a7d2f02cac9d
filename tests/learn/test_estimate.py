"""What is learned from durations, from the intervals in which jobs ended, and from jobs given up on."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bide import ConfigError
from bide.lab.distribution import Array, Distribution
from bide.lab.distributions import Exponential, Fixed, Lognormal, Uniform, Weibull
from bide.lab.mixed import Mixture
from bide.learn import Samples, Table, estimate, plan_for, table_of
from bide.learn.blend import cost_of

TWO_MODES = Mixture([0.7, 0.3], [Lognormal(20.0, 0.1), Lognormal(200.0, 0.05)])
KINDS: list[Distribution] = [
    Uniform(5.0, 15.0),
    Exponential(60.0),
    Lognormal(300.0, 1.0),
    Weibull(3.0, 120.0),
    TWO_MODES,
]

seconds = st.floats(0.0, 1e6) | st.sampled_from([0.0, 1.0, 5.0, 1e-9, 1e9])
jobs = st.tuples(seconds, seconds).map(sorted) | seconds.map(lambda low: [low, math.inf])
histories = st.lists(jobs, min_size=1, max_size=12).filter(
    lambda found: any(high < math.inf for _, high in found)
)


def samples_of(found: list[list[float]]) -> Samples:
    """Return jobs that ended between two times as samples."""
    return Samples(low=[low for low, _ in found], high=[high for _, high in found])


def evenly(durations: Distribution, count: int) -> Array:
    """Return so many durations, spread as the distribution says, in an order without meaning."""
    shares = (np.arange(count) + 0.5) / count
    return durations.quantile(np.random.default_rng(1).permutation(shares))


def looks_of(table: Table, until: float) -> Array:
    """Return the times of the looks of one wait."""
    times = [table.delay(0.0)]
    while times[-1] < until:
        times.append(times[-1] + table.delay(times[-1]))
    return np.array(times)


def ratio(durations: Distribution, samples: Samples, share: float) -> float:
    """Return what is learned from samples costs, over the optimum, if a call costs a share of the mean."""
    call_cost = share * durations.mean
    table = table_of(plan_for(estimate(samples), call_cost=call_cost))
    until = float(durations.quantile(np.array([1 - 1e-12]))[0])
    best = plan_for(durations, call_cost=call_cost).cost
    return cost_of(looks_of(table, until), durations, call_cost) / best


@settings(max_examples=25)
@example([[0.0, 1.0], [1e-9, math.inf], *[[0.0, math.inf]] * 3])
@given(histories)
def test_a_share_of_jobs_runs_ever_less(found: list[list[float]]) -> None:
    """Whatever was seen, the survival falls from at most 1 to at least 0, and no number is lost."""
    learned = estimate(samples_of(found))
    survival = learned.survival(np.concatenate(([0.0], np.geomspace(1e-12, 1e12, 200))))
    assert np.all((survival >= 0) & (survival <= 1))
    assert np.all(np.diff(survival) <= 1e-12)
    assert 0 <= learned.mean < math.inf


@settings(max_examples=6)
@given(histories, st.floats(1e-3, 1e3))
def test_whatever_was_seen_there_is_a_plan(found: list[list[float]], call_cost: float) -> None:
    """Ties, zeros, huge and absurd values leave delays that are positive and finite, at all times."""
    table = table_of(plan_for(estimate(samples_of(found)), call_cost=call_cost))
    delays = [table.delay(float(at)) for at in np.geomspace(1e-9, 1e12, 60)]
    assert all(0 < delay <= table.ceiling for delay in delays)
    assert table.delay(0.0) >= 0


@pytest.mark.parametrize("factor", [math.exp(-4 * 1.024), math.exp(3 * 1.024)])
@pytest.mark.parametrize("durations", KINDS)
def test_the_unit_of_time_does_not_matter(durations: Distribution, factor: float) -> None:
    """If all jobs take so many times as long, and a call costs as much more, so do the looks."""
    ends = evenly(durations, 60)
    plan = plan_for(estimate(Samples.exact(ends)), call_cost=0.1 * durations.mean)
    scaled = plan_for(estimate(Samples.exact(factor * ends)), call_cost=0.1 * factor * durations.mean)
    some = min(len(plan.times), 4)
    assert np.array(scaled.times[:some]) / factor == pytest.approx(np.array(plan.times[:some]), rel=0.02)


@pytest.mark.parametrize("durations", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.1])
def test_a_thousand_jobs_are_as_good_as_the_distribution(durations: Distribution, share: float) -> None:
    """The plan made of a thousand exact durations costs at most 1.5 % more than the optimum."""
    assert 1 - 1e-3 <= ratio(durations, Samples.exact(evenly(durations, 1000)), share) <= 1.015


@pytest.mark.parametrize("durations", KINDS)
def test_sorts_that_overlap_invent_no_long_jobs(durations: Distribution) -> None:
    """The mean of what a thousand exact durations say is theirs, to 5 %."""
    ends = evenly(durations, 1000)
    assert estimate(Samples.exact(ends)).mean == pytest.approx(ends.mean(), rel=0.05)


def test_one_sort_is_what_the_closed_form_says() -> None:
    """Of lognormal durations the median is the geometric mean; the spread is that of the logarithms."""
    ends = evenly(Lognormal(60.0, 0.5), 400)
    (part,) = estimate(Samples.exact(ends)).parts
    assert isinstance(part, Lognormal)
    assert part.median == pytest.approx(math.exp(np.log(ends).mean()), rel=2e-3)
    assert part.sigma == pytest.approx(np.log(ends).std(), rel=0.01)


def test_intervals_are_fitted_as_scipy_fits_them() -> None:
    """Of jobs that ended between two polls, the most likely lognormal is the one that scipy finds."""
    ends = np.log(evenly(Lognormal(60.0, 0.5), 300))
    polls = np.log([25.0, 45.0, 70.0, 100.0, 400.0])
    poll = np.searchsorted(polls, ends)
    low, high = np.concatenate(([-np.inf], polls))[poll], polls[poll]
    peer: Any = scipy.stats.CensoredData(
        left=high[poll == 0], interval=np.stack((low, high), axis=1)[poll > 0].tolist()
    )
    centre, spread = scipy.stats.norm.fit(peer)
    (part,) = estimate(Samples(low=np.exp(low), high=np.exp(high))).parts
    assert isinstance(part, Lognormal)
    assert part.median == pytest.approx(math.exp(centre), rel=0.01)
    assert part.sigma == pytest.approx(spread, rel=0.03)


def test_far_modes_are_found() -> None:
    """A hundred durations of two sorts give both medians, both spreads, and their shares."""
    learned = estimate(Samples.exact(evenly(TWO_MODES, 100)))
    order = np.argsort([part.mean for part in learned.parts])
    parts = [learned.parts[i] for i in order]
    assert [learned.weights[i] for i in order] == pytest.approx([0.7, 0.3], abs=0.01)
    assert [float(part.quantile(np.array(0.5))) for part in parts] == pytest.approx([20, 200], rel=0.02)


def test_jobs_given_up_on_count() -> None:
    """If half of the jobs are given up on at the median, the rest still tells the median."""
    ends = evenly(Lognormal(60.0, 0.5), 200)
    given_up = ends > 60.0
    samples = Samples(low=np.where(given_up, 60.0, ends), high=np.where(given_up, np.inf, ends))
    assert float(estimate(samples).quantile(np.array(0.5))) == pytest.approx(60.0, rel=0.05)


@settings(max_examples=10)
@given(
    durations=st.sampled_from(KINDS),
    times=st.just(0.0) | st.floats(-9, 9).map(lambda digits: 10.0**digits),
    place=st.integers(0, 100),
)
def test_one_odd_duration_does_no_harm(durations: Distribution, times: float, place: int) -> None:
    """A hundred jobs and one of any duration, at any place, leave a plan within 10 % of the optimum."""
    ends = np.insert(evenly(durations, 100), place, times * durations.mean)
    assert ratio(durations, Samples.exact(ends), 0.1) <= 1.10


@pytest.mark.parametrize("durations", [Lognormal(10.0, 0.1), TWO_MODES])
def test_one_absurd_duration_in_fifty_does_no_harm(durations: Distribution) -> None:
    """Nor do calls and a mean lag that are wanted depend on those that took 31 years."""
    ends = np.insert(evenly(durations, 100), [3, 50, 100], 1e9)
    learned = estimate(Samples.exact(ends))
    assert learned.mean < 1.5 * durations.mean
    assert ratio(durations, Samples.exact(ends), 0.1) <= 1.10


@pytest.mark.parametrize("place", [3, 100])
def test_an_absurd_interval_does_no_harm(place: int) -> None:
    """Nor does one that is only known to have ended between two polls that were years apart."""
    ends = evenly(TWO_MODES, 100)
    samples = Samples(low=np.insert(ends, place, 150.0), high=np.insert(ends, place, 1e9))
    assert ratio(TWO_MODES, samples, 0.1) <= 1.10


@pytest.mark.parametrize(
    ("durations", "ends"),
    [
        (Fixed(0.0), [0.0]),
        (Fixed(10.0), [10.0]),
        (Fixed(1e9), [1e9]),
        (Mixture([0.5, 0.5], [Fixed(5.0), Fixed(500.0)]), [5.0, 500.0]),
        (Mixture([0.5, 0.5], [Fixed(0.0), Fixed(60.0)]), [0.0, 60.0]),
    ],
)
def test_few_values_are_learned(durations: Distribution, ends: list[float]) -> None:
    """All zero, all equal, huge, or of two values: looks come within 10 % of the optimum."""
    call_cost = max(0.05 * durations.mean, 1.0)
    table = table_of(plan_for(estimate(Samples.exact(ends * 30)), call_cost=call_cost))
    best = plan_for(durations, call_cost=call_cost).cost
    until = float(durations.quantile(np.array([1.0]))[0])
    assert cost_of(looks_of(table, until), durations, call_cost) <= 1.10 * best


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_jobs_that_fail_early_are_a_sort_of_their_own(share: float) -> None:
    """If 30 % fail at about a second, and the others take a minute, a hundred ends come near the optimum."""
    fail_early = Mixture([0.3, 0.7], [Lognormal(1.0, 0.3), Lognormal(60.0, 0.15)])
    chance = np.random.default_rng(2)
    ratios = [
        ratio(fail_early, Samples.exact(fail_early.quantile(chance.random(100))), share) for _ in "four"
    ]
    assert np.mean(ratios) <= 1.05


@pytest.mark.parametrize("durations", [Lognormal(30.0, 1.5), Lognormal(30.0, 2.5)])
def test_heavy_tails_are_learned(durations: Distribution) -> None:
    """A hundred jobs of which some take a hundred times as long as most leave the plan within 5 %."""
    assert ratio(durations, Samples.exact(evenly(durations, 100)), 0.1) <= 1.05


def test_a_weight_counts_as_jobs() -> None:
    """A job that weighs next to nothing leaves what the others say."""
    ends = evenly(Lognormal(60.0, 0.5), 50)
    weights = np.append(np.ones(50), 1e-9)
    with_it = estimate(Samples.exact(np.append(ends, 7.0)), weights)
    without = estimate(Samples.exact(ends))
    assert with_it.quantile(np.array([0.1, 0.5, 0.9])) == pytest.approx(
        without.quantile(np.array([0.1, 0.5, 0.9])), rel=5e-3
    )


def test_without_an_end_nothing_is_learned() -> None:
    """Jobs that were all given up on are refused, and so is a wrong number of weights."""
    with pytest.raises(ConfigError, match="needs a job that is over"):
        estimate(Samples(low=[1.0, 2.0], high=[math.inf, math.inf]))
    with pytest.raises(ConfigError, match="got 1 for 2"):
        estimate(Samples.exact([1.0, 2.0]), np.ones(1))


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        ([1.0, math.nan], [2.0, 3.0], r"low\[1\]: must be a finite number >= 0 seconds, got nan"),
        ([1.0, -1.0], [2.0, 3.0], r"low\[1\]: must be a finite number >= 0 seconds, got -1.0"),
        ([math.inf], [math.inf], r"low\[0\]: must be a finite number"),
        ([1.0, 5.0], [2.0, 3.0], r"high\[1\]: must be a number >= 'low', in seconds, got 3.0"),
        ([1.0], [math.nan], r"high\[0\]: must be a number >= 'low'"),
        ([1.0], [2.0, 3.0], "two rows of equal length"),
    ],
)
def test_samples_that_cannot_be_are_refused(low: list[float], high: list[float], says: str) -> None:
    """The error names the place, the rule and the value."""
    with pytest.raises(ConfigError, match=says):
        Samples(low=low, high=high)
    with pytest.raises(ConfigError, match=r"durations\[1\]: must be a finite number >= 0 seconds, got inf"):
        Samples.exact([1.0, math.inf])


@given(counts=st.lists(st.integers(10, 60), min_size=1, max_size=3), factor=st.floats(1.5, 20.0))
def test_values_that_jobs_share_have_their_share(counts: list[int], factor: float) -> None:
    """As many jobs are over by each of few durations as there are."""
    values = [10.0 * factor**place for place in range(len(counts))]
    learned = estimate(Samples.exact(np.repeat(values, counts)))
    running = learned.survival(np.array(values) * 1.05)
    assert np.allclose(running, 1 - np.cumsum(counts) / sum(counts), atol=0.02)


@given(start=st.floats(1e-3, 1e3), short=st.integers(5, 50), long=st.integers(10, 50))
def test_jobs_that_nobody_saw_run_did_not_end_at_once(start: float, short: int, long: int) -> None:
    """Of those that were over at the first look, most are believed to have taken a tenth of that, or more."""
    low, high = [0.0] * short + [7 * start] * long, [start] * short + [8 * start] * long
    learned = estimate(Samples(low=low, high=high))
    running = learned.survival(np.array([0.1, 1.0]) * start)
    assert 1 - running[0] < (1 - running[1]) / 2
