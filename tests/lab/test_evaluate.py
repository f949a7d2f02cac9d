"""Exact evaluation: closed forms, published figures, and a plain simulation that knows none of it."""

import math
import random
from itertools import count
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_generators import durations, scales

from bide import Limits, Observation, Poller, Situation, Strategy, WaitError
from bide.catalogue import find_policy
from bide.lab.distribution import Distribution
from bide.lab.distributions import Exponential, Fixed, Lognormal, Uniform
from bide.lab.drawing import draw_schedules, stratified
from bide.lab.evaluate import Sums, jobs_over, sums_over
from bide.lab.listening import listen
from bide.lab.mixed import Mixture, Samples
from bide.lab.workloads import load_workload
from bide.policy import HintMode, Hints, Policy
from bide.strategy import ceiling_of
from bide.testing import VirtualClock
from bide_strategies import (
    Additive,
    DecorrelatedJitter,
    Equal,
    FollowProgress,
    Full,
    Linear,
    NoJitter,
    PollyV2,
    Proportional,
    Schedule,
    Then,
)
from bide_strategies import Exponential as Growing
from bide_strategies import Fixed as Every

ENDLESS = Limits(max_attempts=None, timeout=None)
MINUTE = Exponential(60.0)


def sums_of(strategy: Strategy, jobs: Distribution, limits: Limits = ENDLESS, latency: float = 0.0) -> Sums:
    """Return what a strategy costs on jobs, up to where one in a million still runs."""
    horizon = min(jobs.longest, float(jobs.quantile(np.array([1 - 1e-6]))[0]))
    policy = Policy(strategy, limits)
    return sums_over(draw_schedules(policy, horizon, count=128, latency=latency), jobs)


def calls_and_lag(sums: Sums) -> tuple[float, float]:
    """Return the mean calls, and the mean lag of what was seen."""
    return float(sums.calls.mean()), float(sums.lag.sum() / sums.seen.sum())


@pytest.mark.parametrize("interval", [0.3, 0.7, 6.0, 45.0, 500.0])
@pytest.mark.parametrize("latency", [0.0, 0.25])
def test_a_fixed_interval_over_exponential_durations(interval: float, latency: float) -> None:
    """Polls every d make 1 / (1 - exp(-d / m)) calls on average, and each job has lasted m: by hand."""
    every = Every(interval=interval - latency, first=interval)
    calls, lag = calls_and_lag(sums_of(every, MINUTE, latency=latency))
    expected = 1 / -math.expm1(-interval / 60)
    assert calls == pytest.approx(expected, rel=1e-6)
    assert lag == pytest.approx(interval * expected - 60 + latency, rel=1e-4)


def test_a_look_at_once_is_one_call_more() -> None:
    """A first poll at 0 sees nothing, and changes no lag."""
    at_once, later = Every(interval=6.0), Every(interval=6.0, first=6.0)
    calls, lag = calls_and_lag(sums_of(at_once, MINUTE))
    assert (calls - 1, lag) == pytest.approx(calls_and_lag(sums_of(later, MINUTE)))


def test_limits_end_waits_by_hand() -> None:
    """With n polls every d, a share q = exp(-d / m) goes on from each; q**n of the jobs are given up on."""
    every, q = Every(interval=30.0, first=30.0), math.exp(-0.5)
    sums = sums_of(every, MINUTE, Limits(max_attempts=4, timeout=None))
    assert sums.calls[0] == pytest.approx((1 - q**4) / (1 - q))
    assert sums.timed_out[0] == pytest.approx(q**4)
    assert sums.seen[0] == pytest.approx(1 - q**4)
    # The lag of those seen, with the k-th poll at 30 k.
    by_hand = sum(30 * k * (q ** (k - 1) - q**k) for k in range(1, 5))
    limited = 60 * (1 - q**4) - 120 * q**4  # the mean of the durations up to 120 s, over all jobs
    assert sums.lag[0] == pytest.approx(by_hand - limited)
    # A deadline at 100 s is polled at exactly: 30, 60, 90, 100.
    cut = sums_of(every, MINUTE, Limits(max_attempts=None, timeout=100.0))
    assert cut.calls[0] == pytest.approx(1 + q + q**2 + q**3)
    assert cut.timed_out[0] == pytest.approx(math.exp(-100 / 60))


def test_an_answer_at_the_very_end_of_a_job_has_no_lag() -> None:
    """A poll that starts when the job ends sees the end; with slow answers, that late."""
    every = Every(interval=5.0, first=5.0)
    assert calls_and_lag(sums_of(every, Fixed(15.0))) == (3.0, 0.0)
    assert calls_and_lag(sums_of(Every(interval=4.5, first=5.0), Fixed(15.0), latency=0.5)) == (3.0, 0.5)
    jobs = Samples([4.0, 5.0, 5.5, 11.0])
    assert calls_and_lag(sums_of(every, jobs)) == (7 / 4, (1 + 0 + 4.5 + 4) / 4)
    single = jobs_over(draw_schedules(Policy(every), 20.0, count=16), np.array([4.0, 5.0, 5.5, 11.0]))
    assert single.calls.tolist() == [1, 1, 2, 3]
    assert single.lag.tolist() == [1.0, 0.0, 4.5, 4.0]


# What benchmarks published of 1,500 simulated jobs: mean calls and mean lag, on four workloads.
WORKLOADS: dict[str, Distribution] = {
    "seed": Uniform(5.0, 15.0),
    "lognormal": Lognormal(60.0, 0.5),
    "exponential": MINUTE,
    "bimodal": Mixture([0.7, 0.3], [Lognormal(20.0, 0.1), Lognormal(200.0, 0.05)]),
}
PUBLISHED = {
    "seed": [(7.75, 3.82), (12.76, 6.30), (11.88, 5.58), (13.32, 7.51)],
    "full-jitter": [(9.49, 3.14), (20.94, 3.31), (19.16, 3.22), (22.35, 3.41)],
    "decorrelated-jitter": [(11.49, 2.62), (22.30, 4.14), (20.94, 3.58), (24.83, 3.85)],
    "openai": [(11.51, 0.50), (69.89, 0.49), (61.21, 0.50), (76.39, 0.50)],
    "openai-files": [(3.50, 2.46), (15.18, 2.49), (13.44, 2.47), (16.47, 2.48)],
    "botocore": [(2.00, 4.99), (6.06, 7.56), (5.49, 7.65), (6.60, 9.14)],
    "azure-core": [(2.00, 19.99), (3.78, 15.05), (3.54, 16.41), (3.87, 11.16)],
    "google-api-core": [(7.43, 3.47), (14.12, 6.53), (12.58, 5.63), (14.53, 6.00)],
    "smithy": [(4.56, 5.85), (7.34, 29.21), (6.51, 22.09), (6.88, 20.56)],
    "terraform": [(7.13, 4.29), (13.09, 5.07), (12.06, 4.49), (13.63, 4.04)],
    "databricks": [(5.08, 2.55), (12.21, 4.99), (10.80, 4.10), (12.41, 3.99)],
    "snowflake": [(7.55, 2.29), (19.27, 2.45), (17.41, 2.27), (20.57, 2.46)],
    "azure-dotnet-management": [(6.60, 3.78), (9.60, 15.90), (8.82, 12.34), (9.72, 13.75)],
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_figures_are_found(name: str) -> None:
    """Within seven standard errors of a sample of 1,500 jobs, whose schedules may have been fewer."""
    policy = attrs.evolve(find_policy(name), limits=ENDLESS)
    schedules = draw_schedules(policy, 2000.0, count=256)
    for jobs, (calls, lag) in zip(WORKLOADS.values(), PUBLISHED[name], strict=True):
        found = calls_and_lag(sums_over(schedules, jobs))
        single = jobs_over(schedules, jobs.quantile((np.arange(4096) + 0.5) / 4096))
        for mine, theirs, spread in ((0, calls, single.calls.std()), (1, lag, single.lag.std())):
            assert found[mine] == pytest.approx(theirs, abs=7 * spread / math.sqrt(1500) + 0.01)


jitters = st.sampled_from([NoJitter(), Full(), Equal(), Proportional(share=0.3), Additive(share=0.5)])
# Delays of a size with the durations, so that a simulation sees many different numbers of calls.
deaf: st.SearchStrategy[Strategy] = st.one_of(
    st.builds(Every, interval=scales, jitter=jitters, first=st.just(0.0) | scales),
    st.builds(
        lambda base, factor, jitter: Growing(base=base, factor=factor, cap=base * 20, jitter=jitter),
        scales,
        st.floats(1, 4),
        jitters,
    ),
    st.builds(lambda base, step: Linear(base=base, step=step, cap=base + 5 * step), scales, scales),
    st.builds(lambda base, first: DecorrelatedJitter(base=base, cap=9 * base, first=first), scales, scales),
    st.builds(lambda base: PollyV2(base=base, cap=9 * base), scales),
    st.builds(Schedule, delays=st.lists(scales, min_size=1, max_size=4), jitter=jitters),
    st.builds(
        lambda seconds, one, other: Then(
            start=Every(interval=one), seconds=seconds, rest=Every(interval=other)
        ),
        scales,
        scales,
        scales,
    ),
)
limits = st.builds(
    Limits, max_attempts=st.integers(1, 25), timeout=st.none() | st.floats(1, 2000), max_failures=st.just(5)
)


def simulate(
    policy: Policy, duration: float, latency: float, chance: random.Random
) -> tuple[int, float | None]:
    """Wait for one job, by hand: return the calls and, if its end was seen, the lag."""
    deadline = math.inf if policy.limits.timeout is None else policy.limits.timeout
    now = delay = 0.0
    seen: Observation | None = None
    for calls in count(1):
        delay = policy.strategy.delay(Situation(calls - 1, now, delay, seen), chance.random())
        starts = min(now + delay, max(now, deadline))
        now = starts + latency
        if starts >= duration:
            return calls, now - duration
        if calls == policy.limits.max_attempts or now + delay < 0 or starts >= deadline - 1e-6:
            return calls, None
        seen = Observation("pending")
    raise AssertionError


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(deaf, durations, limits, st.just(0.0) | st.floats(0.01, 5), st.integers(0, 10**6))
def test_a_plain_simulation_agrees(
    strategy: Strategy, jobs: Distribution, within: Limits, latency: float, seed: int
) -> None:
    """Calls, share given up on and lag are within five standard errors of those of 1,500 simulated jobs."""
    chance, policy = random.Random(seed), Policy(strategy, within)
    ends = jobs.quantile(np.array([chance.random() for _ in range(1500)]))
    results = [simulate(policy, float(end), latency, chance) for end in ends]
    calls = np.array([calls for calls, _ in results], dtype=float)
    lags = np.array([0.0 if lag is None else lag for _, lag in results])
    missed = np.array([lag is None for _, lag in results], dtype=float)

    sums = sums_of(strategy, jobs, within, latency)
    longest = ceiling_of(strategy) + latency
    for exact, sample, most in (
        (sums.calls, calls, 25),
        (sums.timed_out, missed, 1),
        (sums.lag, lags, longest),
    ):
        own = exact.std(ddof=1) / math.sqrt(len(exact)) if len(exact) > 1 else 0.0
        spread = math.hypot(sample.std() / math.sqrt(1500), own)
        # What is rarer than one in a few hundred need not be in the sample.
        rare = most * 5 / 1500
        assert exact.mean() == pytest.approx(sample.mean(), abs=5 * spread + rare)


def test_a_fast_poller_over_a_heavy_tail_is_cut_short() -> None:
    """A tenth of a second, over jobs of which some take days: few polls are drawn, and all are counted."""
    jobs = Lognormal(30.0, 2.0)
    schedules = draw_schedules(Policy(Every(interval=0.1, first=0.1), ENDLESS), 1e9, count=128)
    assert len(schedules.times) <= 10_000
    calls, lag = calls_and_lag(sums_over(schedules, jobs))
    # With polls so close together, a job takes a poll for each interval, and half a one more.
    assert calls == pytest.approx(jobs.mean / 0.1 + 0.5, rel=1e-4)
    assert lag == pytest.approx(0.05, rel=1e-3)
    single = jobs_over(schedules, jobs.quantile((np.arange(1000) + 0.5) / 1000))
    assert ((single.lag >= 0) & (single.lag <= 0.1)).all()
    assert single.calls[-1] == pytest.approx(float(jobs.quantile(np.array([0.9995]))[0]) / 0.1, abs=2)


@pytest.mark.parametrize(
    ("within", "until"),
    [
        (Limits(max_attempts=None, timeout=2000.0), 2000.0),
        (Limits(max_attempts=15_000, timeout=None), 1500.0),
    ],
)
def test_limits_that_come_after_the_drawn_polls_count(within: Limits, until: float) -> None:
    """Polls every 0.1 s are drawn for 1,000 s; jobs that outlast a later limit are given up on there."""
    jobs, every = Exponential(1000.0), Every(interval=0.1, first=0.1)
    sums = sums_of(every, jobs, within)
    left = math.exp(-until / 1000)
    assert sums.timed_out[0] == pytest.approx(left, rel=1e-6)
    assert sums.seen[0] == pytest.approx(1 - left, rel=1e-6)
    assert sums.calls[0] == pytest.approx((1 - left) / (1 - math.exp(-0.0001)), rel=1e-4)
    schedules = draw_schedules(Policy(every, within), 1e5, count=16)
    single = jobs_over(schedules, jobs.quantile((np.arange(1000) + 0.5) / 1000))
    assert np.isnan(single.lag).mean() == pytest.approx(left, abs=2e-3)
    assert single.calls.max() == pytest.approx(until / 0.1, abs=1)


def test_jitter_over_a_heavy_tail_is_counted_on() -> None:
    """Schedules that are cut go on at the same rate: full jitter of 2 s takes a poll a second in the end."""
    jobs = Lognormal(300.0, 1.5)
    sums = sums_of(Every(interval=2.0, jitter=Full()), jobs)
    # A renewal process of U(0, 2): a poll at 0, one a second, and v / (2 m**2) = 2/3 for the last.
    assert sums.calls.mean() == pytest.approx(1 + jobs.mean + 2 / 3, rel=5e-3)
    assert calls_and_lag(sums)[1] == pytest.approx(2 / 3, rel=0.02)
    schedules = draw_schedules(Policy(Every(interval=2.0, jitter=Full()), ENDLESS), 1e5, count=128)
    single = jobs_over(schedules, jobs.quantile((np.arange(1024) + 0.5) / 1024))
    lasting = jobs.quantile((np.arange(900, 1000) + 0.5) / 1024)
    assert single.calls[900:1000] == pytest.approx(lasting, rel=0.2)
    assert single.calls[900:1000].mean() == pytest.approx(lasting.mean(), rel=0.03)


@attrs.frozen
class Hot:
    """Never waits."""

    def delay(self, situation: Situation, u: float) -> float:
        """Return 0."""
        return 0.0


def test_polls_without_end_in_no_time_are_infinitely_many() -> None:
    """A strategy that never waits is told the truth about, and what limits it is counted."""
    sums = sums_of(Hot(), MINUTE)
    assert sums.calls[0] == math.inf
    sums = sums_of(Hot(), MINUTE, Limits(max_attempts=30_000, timeout=None))
    assert (sums.calls[0], sums.timed_out[0]) == (30_000, 1.0)


def test_the_same_seed_draws_the_same() -> None:
    """Schedules are a function of the seed."""
    policy = Policy(Growing(jitter=Full()), ENDLESS)
    one, again, other = (draw_schedules(policy, 100.0, count=32, seed=seed) for seed in (1, 1, 2))
    assert one.times.tolist() == again.times.tolist() != other.times.tolist()


def test_at_each_poll_every_stratum_is_drawn_from_once() -> None:
    """Of eight waits one draws from the lowest eighth, one from the next, at every poll in another order."""
    draws = stratified(8, 50, np.random.default_rng(1))
    assert (np.sort(np.floor(draws * 8), axis=0) == np.arange(8)[:, None]).all()
    assert len({tuple(column) for column in np.floor(draws * 8).T}) > 40


def test_strata_make_the_error_smaller_and_say_so() -> None:
    """The groups' spread is the error of their mean: over seeds, the means scatter as it says."""
    policy = Policy(Growing(jitter=Full()), ENDLESS)
    means, errors = [], []
    for seed in range(12):
        sums = sums_over(draw_schedules(policy, 300.0, count=64, seed=seed), MINUTE)
        means.append(sums.calls.mean())
        errors.append(sums.calls.std(ddof=1) / 4)
    assert np.std(means) == pytest.approx(float(np.mean(errors)), rel=0.6)


def test_single_jobs_add_up_to_the_means() -> None:
    """Quantiles come from jobs whose means are the exact ones, also where many are given up on."""
    policy = Policy(Growing(base=1.0, cap=30.0, jitter=Equal()), Limits(max_attempts=9, timeout=None))
    schedules = draw_schedules(policy, 1e4, count=256)
    sums = sums_over(schedules, MINUTE)
    single = jobs_over(schedules, MINUTE.quantile((np.arange(8192) + 0.5) / 8192))
    assert single.calls.mean() == pytest.approx(sums.calls.mean(), rel=0.01)
    assert np.isnan(single.lag).mean() == pytest.approx(sums.timed_out.mean(), abs=0.005)
    assert np.nanmean(single.lag) == pytest.approx(calls_and_lag(sums)[1], rel=0.02)


def test_lags_after_thousands_of_polls_are_those_of_renewals() -> None:
    """From a moment to the next of many polls U(0, 1) s apart, over x s pass with probability (1 - x)**2."""
    jobs = Uniform(3600.0, 7200.0)
    schedules = draw_schedules(Policy(Every(interval=1.0, jitter=Full()), ENDLESS), 7200.0, count=512)
    single = jobs_over(schedules, jobs.quantile((np.arange(8192) + 0.5) / 8192))
    for share in (0.5, 0.95, 0.99):
        assert np.quantile(single.lag, share) == pytest.approx(1 - math.sqrt(1 - share), abs=0.01)
    assert single.calls.mean() == pytest.approx(sums_over(schedules, jobs).calls.mean(), rel=1e-3)


def test_limits_end_waits_beyond_what_is_drawn() -> None:
    """Polls every 10 ms for 40 s are 4,001, and 7,001 see the jobs of up to 70 s: two in five of these."""
    follow = FollowProgress(fallback=Every(interval=0.01), floor=0.01, cap=0.01)
    jobs = Uniform(50.0, 100.0)
    in_time = Policy(follow, Limits(max_attempts=None, timeout=40.0))
    heard = listen(in_time, jobs, count=16, latency=0.0, seed=0)
    assert heard.sums.timed_out.mean() == 1.0
    assert heard.jobs.calls == pytest.approx(4001, abs=1)
    counted = Policy(follow, Limits(max_attempts=7001, timeout=None))
    heard = listen(counted, jobs, count=64, latency=0.0, seed=0)
    assert heard.sums.seen.mean() == pytest.approx(0.4, abs=0.05)
    assert max(heard.jobs.calls) == 7001
    assert 0.0 <= np.nanmin(heard.jobs.lag) <= np.nanmax(heard.jobs.lag) <= 0.011


@pytest.mark.parametrize(
    ("mode", "interval", "apart"),
    [("replace", 10.0, 4.0), ("floor", 10.0, 10.0), ("floor", 1.0, 4.0), ("ignore", 1.0, 1.0)],
)
def test_every_answer_may_give_a_hint(mode: HintMode, interval: float, apart: float) -> None:
    """Asked to come back in 4 s, policies do it as they say; also those that listen to progress."""
    policy = Policy(Every(interval=interval, first=interval), ENDLESS, hints=Hints(mode=mode))
    assert draw_schedules(policy, 50.0, count=16, hint=4.0).middle[:3].tolist() == [
        apart,
        2 * apart,
        3 * apart,
    ]
    follow = FollowProgress(fallback=Every(interval=interval, first=interval), floor=interval, cap=interval)
    heard = listen(
        attrs.evolve(policy, strategy=follow), Fixed(40.0), count=16, latency=0.0, hint=4.0, seed=0
    )
    assert heard.jobs.calls.tolist() == [40 / apart] * 16


def test_the_most_calls_of_a_long_job_are_extrapolated() -> None:
    """Ten looks a second make 72,001 until 2 h have passed, and 152 or 151 in 15 s, as 0.1 is rounded."""
    schedules = draw_schedules(Policy(Every(interval=0.1), ENDLESS), 7200.0, count=16)
    assert schedules.most_calls_for(7200.0) == 72_001
    assert schedules.most_calls_for(15.0) in (151, 152)
    limited = draw_schedules(
        Policy(Every(interval=0.1), Limits(timeout=3600.0, max_attempts=None)), 7200.0, count=16
    )
    assert limited.most_calls_for(math.inf) == 36_001


def test_the_most_calls_are_those_of_the_earliest_wait() -> None:
    """For jobs of at most 15 s the seed makes 9 calls, by its bounds; for some durations there is no most."""
    seed = draw_schedules(find_policy("seed"), 1e4, count=16)
    assert [seed.most_calls_for(15.0), seed.most_calls_for(math.inf)] == [9, 10]
    # Who follows progress may be as early as its floor, whatever the job says.
    follow = FollowProgress(fallback=Every(interval=2.0), floor=1.0, cap=10.0)
    assert draw_schedules(Policy(follow, ENDLESS), 100.0, count=16).most_calls_for(20.0) == 21
    endless = draw_schedules(Policy(Every(interval=1.0), ENDLESS), 100.0, count=16)
    assert [endless.most_calls_for(10.0), endless.most_calls_for(math.inf)] == [11, math.inf]


class _Progressing:
    """A job that reports which share of its duration has passed."""

    def __init__(self, duration: float) -> None:
        self.clock = VirtualClock()
        self.duration = duration
        self.polls: list[float] = []

    def poll(self) -> Observation:
        self.polls.append(self.clock.now)
        done = self.clock.now >= self.duration
        return (
            Observation("completed")
            if done
            else Observation("pending", progress=self.clock.now / self.duration)
        )


def test_who_follows_progress_is_simulated() -> None:
    """The means are those of the driver, on a virtual clock, over as many jobs."""
    policy = Policy(FollowProgress(fallback=Every(interval=2.0), floor=1.0, cap=15.0), Limits(max_attempts=6))
    jobs = Lognormal(30.0, 0.6)
    heard = listen(policy, jobs, count=512, latency=0.0, seed=1)
    calls, lags = [], []
    for end in jobs.quantile((np.arange(512) + 0.5) / 512):
        job = _Progressing(float(end))
        poller = Poller(policy.strategy, policy.limits, clock=job.clock.time, sleep=job.clock.sleep)
        try:
            poller.wait(job.poll)
            lags.append(job.clock.now - end)
        except WaitError:
            pass
        calls.append(len(job.polls))
    assert heard.sums.calls.mean() == pytest.approx(np.mean(calls), abs=0.1)
    assert heard.sums.timed_out.mean() == pytest.approx(1 - len(lags) / 512, abs=0.01)
    assert heard.sums.lag.sum() / heard.sums.seen.sum() == pytest.approx(np.mean(lags), abs=0.1)


@pytest.mark.parametrize(
    ("strategy", "listens"),
    [
        (Every(), False),
        (Growing(jitter=Full()), False),
        (FollowProgress(fallback=Every()), True),
        (Then(start=Every(), polls=60, rest=FollowProgress(fallback=Every())), True),
    ],
)
def test_who_asks_for_progress_is_noticed(strategy: Strategy, listens: bool) -> None:
    """Also one that asks only after a minute; and nobody who does not."""
    assert draw_schedules(Policy(strategy, ENDLESS), 100.0, count=16).listens is listens


def test_the_catalogue_over_the_shipped_workloads_loses_nothing() -> None:
    """Of all jobs each is seen or given up on."""
    folder = Path(__file__).parents[2] / "benchmarks" / "workloads"
    jobs = [load_workload(path).durations for path in sorted(folder.glob("*.toml"))]
    for name in ("seed", "full-jitter", "kubernetes-default-retry", "fal"):
        schedules = draw_schedules(find_policy(name), 2000.0, count=64)
        for workload in jobs:
            sums = sums_over(schedules, workload)
            assert (sums.seen + sums.timed_out).mean() == pytest.approx(1.0, abs=1e-3)
