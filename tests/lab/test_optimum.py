"""The optimum: against closed forms, against brute force, and below every other policy."""

import math
from itertools import combinations

import attrs
import numpy as np
import pytest
import scipy.optimize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_generators import durations, samples

from bide import ConfigError, Limits
from bide.lab import find_workload, plan
from bide.lab.distribution import Distribution
from bide.lab.distributions import Exponential, Fixed, Lognormal, Uniform, Weibull
from bide.lab.drawing import draw_schedules
from bide.lab.evaluate import sums_over
from bide.lab.frontier import optimum
from bide.lab.mixed import Mixture, Samples
from bide.lab.optimum import Planner
from bide.policy import Policy
from bide_strategies import Exponential as Growing
from bide_strategies import Fixed as Every
from bide_strategies import Full

MINUTE = Exponential(60.0)
COSTS = [0.001, 0.03, 1.0, 5.0, 60.0, 600.0]


def best_interval(call_cost: float) -> float:
    """Return the root of exp(x) - x - 1 = call_cost / 60, in seconds."""
    root = scipy.optimize.brentq(
        lambda x: math.expm1(x) - x - call_cost / 60, 1e-9, 50.0, xtol=1e-14, rtol=1e-14
    )
    return 60 * float(root)


def at_interval(interval: float) -> tuple[float, float]:
    """Return mean calls and mean lag of looks at a fixed interval over exponential durations of a minute."""
    calls = 1 / -math.expm1(-interval / 60)
    return calls, interval * calls - 60


def costs_of(times: tuple[float, ...], jobs: Distribution) -> tuple[float, float]:
    """Return mean calls and mean lag of looks, the last after all jobs, by the textbook's sums."""
    looks = np.array([0.0, *times])
    share_over = 1 - jobs.survival(looks)
    share_over[0], share_over[-1] = 0.0, 1.0
    calls = float((1 - share_over[:-1]).sum())
    return calls, float((looks[1:] * np.diff(share_over)).sum() - jobs.mean)


@pytest.mark.parametrize("call_cost", COSTS)
def test_exponential_durations_have_a_best_interval(call_cost: float) -> None:
    """The cheapest interval, by exact evaluation, is the root of e**(ld) - ld - 1 = lc, to six digits."""

    def excess_cost(interval: float) -> float:
        schedule = draw_schedules(
            Policy(Every(interval=interval, first=interval), Limits(max_attempts=None, timeout=None)),
            3000.0,
            count=16,
        )
        sums = sums_over(schedule, MINUTE)
        return call_cost * float(sums.calls[0]) + float(sums.lag[0])

    best = best_interval(call_cost)
    step = 3e-4 * best
    below, level, above = (excess_cost(best + k * step) for k in (-1, 0, 1))
    bend, slope = (below + above - 2 * level) / step**2, (above - below) / (2 * step)
    assert bend > 0
    assert slope / bend == pytest.approx(0.0, abs=1e-6 * best)  # how far the least is, by Newton


@pytest.mark.parametrize("call_cost", COSTS)
def test_the_optimum_over_exponential_durations_costs_what_the_closed_form_says(call_cost: float) -> None:
    """The numerical plan is within 0.2 % of the closed form, and never below it."""
    calls, lag = at_interval(best_interval(call_cost))
    found = plan(MINUTE, call_cost)
    assert 1 - 1e-9 <= found.cost / (call_cost * calls + lag) <= 1.002
    assert found.times[0] == pytest.approx(best_interval(call_cost), rel=0.05)


@pytest.mark.parametrize("call_cost", [0.5, 3.0, 7.0, 30.0, 90.0, 150.0])
def test_over_uniform_durations_the_gaps_shrink_by_the_cost(call_cost: float) -> None:
    """On [0, b], n looks, the first at b / n + (n - 1) c / 2; n as great as leaves the last gap positive."""
    looks = max(n for n in range(1, 100) if n * (n - 1) * call_cost / 2 < 100)
    gaps = [100 / looks + (looks - 1) * call_cost / 2 - k * call_cost for k in range(looks)]
    times = tuple(np.cumsum(gaps).tolist())
    calls, lag = costs_of(times, Uniform(0.0, 100.0))
    found = plan(Uniform(0.0, 100.0), call_cost)
    assert 1 - 1e-9 <= found.cost / (call_cost * calls + lag) <= 1.002
    assert len(found.times) == pytest.approx(looks, abs=1)
    assert np.diff(np.diff([0.0, *found.times])) == pytest.approx(-call_cost, abs=max(0.3, call_cost * 0.05))


def test_a_plan_is_what_it_says() -> None:
    """Its calls and its lag are those of its looks by the textbook's sums."""
    for jobs in (MINUTE, Lognormal(60.0, 0.5), Weibull(0.5, 60.0), Uniform(5.0, 15.0)):
        found = plan(jobs, 2.0)
        assert (found.calls, found.lag_mean) == pytest.approx(costs_of(found.times, jobs), rel=1e-6, abs=1e-6)


def brute_force(jobs: Samples) -> dict[tuple[float, ...], tuple[float, float]]:
    """Return mean calls and mean lag of every set of looks that ends with the last job."""
    *earlier, last = sorted(set(jobs.values))
    sets = (chosen for size in range(len(earlier) + 1) for chosen in combinations(earlier, size))
    return {(*chosen, last): costs_of((*chosen, last), jobs) for chosen in sets}


@given(samples, st.floats(0.001, 100))
def test_the_optimum_of_few_durations_is_the_best_of_all_sets_of_looks(
    jobs: Samples, call_cost: float
) -> None:
    """No set of looks at the durations is cheaper, and the plan is one of them."""
    least = min(call_cost * calls + lag for calls, lag in brute_force(jobs).values())
    assert plan(jobs, call_cost).cost == pytest.approx(least, rel=1e-9)


@settings(max_examples=50)
@given(samples, st.floats(0.001, 100), st.floats(0, 25))
def test_who_knows_that_a_job_runs_looks_next_where_it_is_best(
    jobs: Samples, call_cost: float, known: float
) -> None:
    """The next look is the first of the optimum for the jobs that are left, counted from that time."""
    found = plan(jobs, call_cost).next_look(known)
    left = [value - known for value in jobs.values if value > known]
    if not left:
        assert found == math.inf
        return
    costs = {times: call_cost * calls + lag for times, (calls, lag) in brute_force(Samples(left)).items()}
    best = min(costs.values())
    firsts = [times[0] for times, cost in costs.items() if cost <= best * (1 + 1e-9) + 1e-12]
    assert any(found - known == pytest.approx(first) for first in firsts)


@settings(max_examples=50)
@given(samples, st.floats(0, 1))
def test_the_least_calls_are_those_of_the_convex_hull_of_all_sets(jobs: Samples, share: float) -> None:
    """At any lag, a client may toss a coin between two sets of looks, and cannot do better."""
    points = [(calls, abs(round(lag, 12))) for calls, lag in brute_force(jobs).values()]
    longest = max(lag for _, lag in points)
    lag = share * longest
    # The hull's lower left edge at this lag, as the least of all chords.
    chords = [
        calls + (lag - at) / (other - at) * (others - calls)
        for calls, at in points
        for others, other in points
        if at <= lag <= other and other > at
    ]
    least = min([*chords, *(calls for calls, at in points if at <= lag)])
    assert optimum(jobs).calls_at(lag) == pytest.approx(least, rel=2.1e-3)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(durations)
def test_the_frontier_falls_and_is_convex(jobs: Distribution) -> None:
    """More lag never costs more calls, each call saved costs more than the last, and one is the least."""
    frontier = optimum(jobs).frontier()
    lag, calls = np.array(frontier.lag_mean), np.array(frontier.calls)
    assert (np.diff(frontier.call_cost) >= 0).all()
    assert (calls >= 1 - 1e-9).all()
    assert (np.diff(lag) >= -1e-9 * lag[-1]).all()
    assert (np.diff(calls) <= 1e-9).all()
    slopes = np.diff(calls) / np.maximum(np.diff(lag), 1e-12)
    assert (np.diff(slopes) >= -0.03 * np.abs(slopes[:-1]) - 1e-6).all()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(durations, st.floats(0.02, 3), st.sampled_from([1.0, 1.3, 2.0]), st.booleans())
def test_no_strategy_makes_fewer_calls_than_the_least(
    jobs: Distribution, size: float, factor: float, jittered: bool
) -> None:
    """At its own mean lag, a strategy that waits for all jobs has an excess of at least 1."""
    base = size * jobs.mean
    strategy = Growing(base=base, cap=10 * base, factor=factor, first=base)
    if jittered:
        strategy = Growing(base=base, cap=10 * base, factor=factor, first=base, jitter=Full())
    horizon = float(jobs.quantile(np.array([1 - 1e-6]))[0])
    drawn = draw_schedules(Policy(strategy, Limits(max_attempts=None, timeout=None)), horizon, count=64)
    sums = sums_over(drawn, jobs)
    calls, lag = float(sums.calls.mean()), float(sums.lag.mean())
    error = float(sums.calls.std() + sums.lag.std() / base) if jittered else 0.0
    assert calls >= optimum(jobs).calls_at(lag) * (1 - 2.1e-3) - error


@pytest.mark.parametrize("interval", [0.01, 0.1, 0.5, 2.0, 10.0, 60.0, 400.0])
def test_a_fixed_interval_is_the_optimum_over_exponential_durations(interval: float) -> None:
    """Its excess is 1.00, whatever the interval, if its first look comes after one."""
    calls, lag = at_interval(interval)
    assert calls / optimum(MINUTE).calls_at(lag) == pytest.approx(1.0, abs=0.005)


def test_beyond_the_lag_of_one_call_the_least_is_one_call() -> None:
    """Over 5 to 15 s, one look at 15 s has a lag of 5 s; the more lag, the fewer calls, but never fewer."""
    best = optimum(Uniform(5.0, 15.0))
    assert best.calls_at(5.0) == best.calls_at(60.0) == 1.0
    assert best.calls_at(4.9) > 1.0
    assert optimum(Fixed(60.0)).calls_at(0.0) == 1.0


def test_with_very_many_calls_the_local_density_decides() -> None:
    """Over a width b, calls times lag tend to 2 b / 9: half the square of the integral of sqrt(f S)."""
    best = optimum(Uniform(5.0, 15.0))
    assert best.calls_at(1e-5) * 1e-5 == pytest.approx(20 / 9, rel=1e-3)
    # Where the law takes over from the plans, the two agree.
    planner = Planner.of(Lognormal(60.0, 0.5))
    many = planner.plan(planner.points.spread**2 / (2 * 300**2))
    assert optimum(Lognormal(60.0, 0.5)).calls_at(many.lag_mean) == pytest.approx(many.calls, rel=2e-3)


@pytest.mark.parametrize(
    "text",
    [
        "lognormal(30s, 3)",
        "weibull(0.2, 60s)",
        "mixture([0.999, 0.001], [uniform(1s, 2s), lognormal(1h, 1)])",
    ],
)
@pytest.mark.parametrize("looks", [1.0, 2.0])
def test_tails_over_many_orders_of_magnitude_are_planned_for(text: str, looks: float) -> None:
    """The cost is within 0.2 % of the best among 20,000 times that lie evenly on a logarithmic scale."""
    planner = Planner.of(find_workload(text).durations)
    evenly = np.geomspace(1e-3, planner.points.fine[-1], 20_000)
    even = attrs.evolve(planner, points=attrs.evolve(planner.points, atoms=evenly, is_discrete=True))
    cost = (planner.points.spread / looks) ** 2 / 2
    assert planner.plan(cost).cost <= 1.002 * even.plan(cost).cost


def test_atoms_among_continuous_durations_are_looked_at() -> None:
    """Where half of the jobs take exactly a minute, the optimum looks at exactly a minute."""
    jobs = Mixture([1, 1], [Fixed(60.0), Lognormal(60.0, 0.8)])
    assert 60.0 in plan(jobs, 2.0).times
    # Nor does it look a moment too early where one sort of jobs is over and a long pause begins.
    assert 1.0 in plan(Mixture([1, 1], [Fixed(12.0), Uniform(0.0, 1.0)]), 0.01).times


def test_who_gives_up_is_planned_for_too() -> None:
    """A plan until 60 s looks last at 60 s, and costs what the best found by another method costs."""
    found = Planner.of(MINUTE).until(60.0).plan(5.0)
    assert found.times[-1] == 60.0

    def cost(inner: np.ndarray) -> float:
        looks = np.sort(np.clip(inner, 0.0, 60.0))
        times = np.concatenate(([0.0], looks, [60.0]))
        running = np.exp(-times / 60)
        return float(5.0 * running[:-1].sum() + np.diff(times) @ running[:-1] - 60 * (1 - np.exp(-1)))

    best = min(
        scipy.optimize.minimize(cost, np.linspace(0, 60, looks + 2)[1:-1], method="Nelder-Mead").fun
        for looks in range(1, 6)
    )
    assert found.cost == pytest.approx(best, rel=2e-3)


def test_a_plan_of_a_thousand_samples_is_small() -> None:
    """It has no more times than there are durations, and no plan at all without a cost."""
    jobs = Samples(Lognormal(60.0, 0.7).quantile((np.arange(1000) + 0.5) / 1000).tolist())
    found = plan(jobs, 3.0)
    assert len(found.known) == len(found.looks) <= 1000
    assert set(found.times) <= set(jobs.values)
    assert found.next_look(0.0) == found.times[0]
    assert found.next_look(max(jobs.values)) == math.inf
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ConfigError, match="call_cost: must be a finite number > 0 seconds"):
            plan(jobs, wrong)


def test_jobs_that_end_at_once_are_looked_at_once() -> None:
    """A duration of 0 is legal: one look at 0 sees it, and a job known to run then is another."""
    assert plan(Fixed(0.0), 1.0).times == (0.0,)
    found = plan(Samples([0.0, 0.0, 5.0]), 1.0)
    assert found.times == (0.0, 5.0)
    assert (found.calls, found.lag_mean) == pytest.approx((4 / 3, 0.0))
    assert found.next_look(0.0) == 5.0


def test_many_samples_are_as_good_as_their_distribution() -> None:
    """With more durations than are looked at one by one, the plan is still the optimum's."""
    values = Uniform(0.0, 100.0).quantile((np.arange(30_000) + 0.5) / 30_000)
    found, exact = plan(Samples(values.tolist()), 7.0), plan(Uniform(0.0, 100.0), 7.0)
    assert found.cost == pytest.approx(exact.cost, rel=2e-3)


def test_the_bimodal_workload_is_looked_at_where_its_jobs_end() -> None:
    """Between the two sorts of jobs, which end around 20 s and 200 s, nobody looks."""
    jobs = find_workload("mixture([0.7, 0.3], [lognormal(20s, 0.1), lognormal(200s, 0.05)])").durations
    times = plan(jobs, 5.0).times
    assert not [time for time in times if 40.0 < time < 150.0]
