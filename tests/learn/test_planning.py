"""Plans for what is asked, their form at run time, and how far they are trusted."""

import math
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_estimate import KINDS, TWO_MODES, evenly, looks_of

from bide import AttemptsExhausted, ConfigError, Limits, Poller
from bide.lab.distribution import Distribution
from bide.lab.distributions import Exponential, Fixed, Lognormal, Uniform
from bide.lab.frontier import optimum
from bide.lab.mixed import Mixture
from bide.learn import Samples, Table, curious_table, estimate, is_trusted, plan_for, table_of
from bide.learn.blend import cost_of
from bide.testing import ScriptedJob, VirtualClock
from bide_strategies import Optimal

JOBS = Lognormal(60.0, 0.5)

PLANS = [plan_for(durations, call_cost=0.05 * durations.mean) for durations in KINDS]
PLAIN = table_of(plan_for(TWO_MODES, call_cost=8.0))
CURIOUS = table_of(plan_for(TWO_MODES, call_cost=8.0), curious=plan_for(TWO_MODES, call_cost=2.0), share=0.2)


@pytest.mark.parametrize("durations", KINDS)
@settings(max_examples=20)
@given(share=st.floats(0, 0.999))
def test_a_table_says_what_the_plan_says(durations: Distribution, share: float) -> None:
    """At any time before the end, the delay leads to the plan's next look, unless that is too near."""
    plan = PLANS[KINDS.index(durations)]
    elapsed = share * plan.times[-1]
    planned, least = plan.next_look(elapsed) - elapsed, min(plan.call_cost / 4, elapsed)
    assert table_of(plan).delay(elapsed) == pytest.approx(max(planned, least))


@pytest.mark.parametrize("durations", [*KINDS, Lognormal(60.0, 3e-4), Lognormal(1e-3, 0.1), Fixed(60.0)])
@pytest.mark.parametrize("worth", [0.02, 1.0, 50.0])
def test_a_job_that_outlasts_all_that_is_known_meets_no_burst_of_looks(
    durations: Distribution, worth: float
) -> None:
    """Past the plan, the next look but one comes once a call's worth is over, or the time that jobs took."""
    plan = plan_for(durations, call_cost=worth * durations.mean)
    table = table_of(plan)
    looks = looks_of(table, table.end + 1e6)
    first = next(at for at in looks if at >= table.end)
    for_nothing = [at for at in looks if first < at < first + 0.99 * min(plan.call_cost, table.end)]
    assert not for_nothing


@pytest.mark.parametrize("sigma", [3e-4, 0.02, 0.1, 0.5])
@pytest.mark.parametrize("worth", [0.01, 0.1, 0.3, 1.0, 3.0])
def test_delays_that_a_call_is_worth_cost_next_to_nothing(sigma: float, worth: float) -> None:
    """Looks that come no sooner than a quarter of a call's worth cost half a percent more at the most."""
    durations = Lognormal(60.0, sigma)
    plan = plan_for(durations, call_cost=worth * durations.mean)
    looks = looks_of(table_of(plan), plan.times[-1] * (1 + 1e-9))
    assert cost_of(looks, durations, plan.call_cost) < 1.005 * plan.cost


@pytest.mark.parametrize("durations", [*KINDS, Fixed(0.0), Fixed(60.0)])
def test_beyond_the_end_looks_grow_ever_rarer(durations: Distribution) -> None:
    """The time since the end doubles from look to look, up to the ceiling: no hot loop, no endless delay."""
    plan = plan_for(durations, call_cost=1.0)
    table = table_of(plan)
    times = looks_of(table, table.end + 1e6)
    beyond = times[times >= table.end] - table.end
    assert np.all(np.diff(times) > 0)
    assert beyond[2:] + table.gap == pytest.approx(2 * (beyond[1:-1] + table.gap), rel=1e-6)
    assert table_of(plan, 0.5).delay(1e6) == 0.5


def test_a_plan_of_a_thousand_looks_is_small() -> None:
    """However little a call costs, a table stays below 100 kB, and each look comes after what is known."""
    plan = plan_for(Exponential(60.0), call_cost=1e-5)
    table = table_of(plan)
    assert len(plan.times) > 1000
    assert table.nbytes < 100_000
    assert all(table.delay(at) > 0 for at in np.linspace(0, table.end, 5000).tolist())


def test_a_large_plan_keeps_its_first_looks() -> None:
    """If some jobs take years, a plan has more rows than a table, and looks at the others all the same."""
    jobs = Mixture([0.98, 0.02], [Lognormal(10.0, 0.1), Lognormal(1e9, 0.05)])
    plan = plan_for(jobs, call_cost=10.0)
    assert len(plan.known) > 4096
    table = table_of(plan, curious=plan, share=0.1)
    assert table.nbytes < 100_000
    assert looks_of(table, plan.times[3])[:4] == pytest.approx(plan.times[:4])


@settings(max_examples=10)
@given(st.sampled_from(KINDS), st.sampled_from(["mean_lag", "calls"]), st.floats(0.05, 0.95))
def test_a_target_is_met_as_nearly_as_plans_can(durations: Distribution, name: str, share: float) -> None:
    """A plan for a call that is worth a twentieth less, or more, takes more than what is wanted."""
    wanted = {"mean_lag": share * durations.mean / 2, "calls": 1 + 10 * share}[name]
    figure = {"mean_lag": "lag_mean", "calls": "calls"}[name]
    plan = plan_for(durations, **{name: wanted})
    assert getattr(plan, figure) <= wanted
    beyond = plan_for(durations, call_cost=plan.call_cost * (1.05 if name == "mean_lag" else 0.95))
    assert getattr(plan, figure) >= 0.98 * wanted or getattr(beyond, figure) > wanted


@pytest.mark.parametrize("most", [25.0, 10.0, 3.0])
def test_a_mean_lag_is_kept_with_few_calls(most: float) -> None:
    """The plan keeps the mean lag, with as few calls as the frontier has there."""
    plan = plan_for(JOBS, mean_lag=most)
    assert 0.98 * most <= plan.lag_mean <= most
    assert plan.calls == pytest.approx(optimum(JOBS).calls_at(most), rel=0.015)


@pytest.mark.parametrize("most", [1.5, 3.0, 12.0])
def test_calls_are_kept_with_little_lag(most: float) -> None:
    """The plan makes at most the mean calls asked for, and nearly as many as the frontier has at its lag."""
    plan = plan_for(JOBS, calls=most)
    assert 0.97 * most <= plan.calls <= most
    assert plan.calls == pytest.approx(optimum(JOBS).calls_at(plan.lag_mean), rel=0.01)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "exactly one of call_cost, mean_lag, calls, got none; such as call_cost=1s"),
        ({"calls": 2.0, "mean_lag": 1.0}, "got mean_lag and calls"),
        ({"call_cost": 0.0}, "call_cost: must be a finite number > 0, got 0.0"),
        ({"calls": math.nan}, "calls: must be a finite number > 0, got nan"),
        ({"calls": 0.5}, r"calls: must be between 1 and .* for these durations, got 0.5"),
        ({"mean_lag": 1e-9}, r"mean_lag: must be between .* seconds for these durations, got 1e-09"),
    ],
)
def test_what_no_plan_can_do_is_refused(asked: dict[str, float], says: str) -> None:
    """The error names what is asked, and what plans can do."""
    with pytest.raises(ConfigError, match=says):
        plan_for(JOBS, **asked)


def test_a_fixed_duration_needs_one_look() -> None:
    """If all jobs take a minute, one look then costs no lag, whatever is asked."""
    assert plan_for(Fixed(60.0), mean_lag=1.0).times == (60.0,)
    assert plan_for(Fixed(60.0), calls=1.0).times == (60.0,)


@settings(max_examples=20)
@given(st.floats(0, 300), st.floats(0, 1))
def test_a_curious_look_comes_no_later(elapsed: float, u: float) -> None:
    """A draw below the share leads to an earlier look, or the same, and others to that of the plan."""
    plain, table = PLAIN, CURIOUS
    delay = table.delay(elapsed, u)
    assert 0 < delay <= plain.delay(elapsed)
    assert u < 0.2 or delay == plain.delay(elapsed)
    assert table.delay(elapsed, 0.0) <= delay <= table.delay(elapsed, 1.0)


def test_curiosity_ebbs() -> None:
    """The more jobs are known, the fewer looks are made for what they tell; and they cost little."""
    shares = [
        curious_table(plan_for(JOBS, call_cost=3.0), estimated(jobs), jobs).share for jobs in (10, 100, 1000)
    ]
    assert 0.5 > shares[0] > shares[1] > shares[2] > 0
    assert shares[2] < 0.05


def estimated(jobs: int) -> Distribution:
    """Return what so many jobs say."""
    return estimate(Samples.exact(evenly(JOBS, jobs)))


def every(interval: float) -> np.ndarray:
    """Return looks at an interval, for an hour."""
    return np.arange(interval, 3600.0, interval)


def test_a_good_fallback_is_left_late() -> None:
    """Over memoryless jobs no plan is trusted against the best interval; against a bad one, after five."""
    jobs = Exponential(60.0)
    best = float(np.diff(plan_for(jobs, call_cost=6.0).times)[:5].mean())
    trusted: dict[tuple[float, int], bool] = {}
    for interval in (best, 1.0):
        for count in (3, 5, 10, 30):
            learned = estimate(Samples.exact(evenly(jobs, count)))
            plan = plan_for(learned, call_cost=6.0)
            trusted[interval, count] = is_trusted(plan, learned, every(interval), count)
    assert [trusted[1.0, count] for count in (3, 5, 10, 30)] == [False, True, True, True]
    assert not any(trusted[best, count] for count in (3, 5, 10))


def test_the_cost_of_looks_has_a_closed_form() -> None:
    """Over memoryless jobs, looks every d make 1 / (1 - e**(-d/m)) calls, with d times that less m lag."""
    calls = 1 / -math.expm1(-20.0 / 60.0)
    expected = 3.0 * calls + 20.0 * calls - 60.0
    assert cost_of(every(20.0), Exponential(60.0), 3.0) == pytest.approx(expected)


def test_at_equal_lag_the_seed_makes_thrice_the_calls() -> None:
    """On its server's durations the seed makes 7.75 calls at a lag of 3.82 s; a plan, less than a third."""
    learned = estimate(Samples.exact(evenly(Uniform(5.0, 15.0), 100)))
    times = looks_of(table_of(plan_for(learned, mean_lag=3.82)), 15.0)
    calls = 1.0 + Uniform(5.0, 15.0).survival(times[:-1]).sum()
    assert cost_of(times, Uniform(5.0, 15.0), 0.0) == pytest.approx(3.82, rel=0.02)
    assert calls < 7.75 / 3


def test_tables_without_rows_to_spare_are_kept_whole() -> None:
    """A plan of few looks has all its rows in the table."""
    plan = plan_for(JOBS, call_cost=3.0)
    table = table_of(plan)
    assert isinstance(table, Table)
    assert (tuple(table.known), tuple(table.looks)) == (plan.known, plan.looks)


@pytest.mark.parametrize("start", [2500.3, 1e6 + 0.1, 1e9 / 3])
def test_rounding_makes_no_hot_loop(start: float) -> None:
    """Whenever a wait begins, no look follows another at the same time, in the plan or beyond its end."""
    clock = VirtualClock()
    clock.sleep(start)
    job = ScriptedJob(clock=clock, ends_at=clock.now + 9000)
    poller = Poller(
        Optimal(durations="lognormal(60s, 0.5)", call_cost=2.0),
        Limits(max_attempts=200, timeout=None),
        clock=clock.time,
        sleep=clock.sleep,
    )
    with suppress(AttemptsExhausted):
        poller.wait(job.poll)
    assert all(earlier < later for earlier, later in pairwise(job.polls))
    assert len(job.polls) < 100
