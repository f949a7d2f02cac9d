"""Bounds: they hold for every draw, and where they say so they are attained."""

import math
from typing import Any

import pytest
from generators import draws, shipped, situations
from hypothesis import given
from hypothesis import strategies as st

from bide import AttemptsExhausted, ConfigError, Limits, Poller, Situation, Strategy, Wait
from bide.bounds import (
    Bounds,
    delay_bounds,
    give_up_bounds,
    max_total_sleep,
    request_bounds,
    schedule,
    schedule_bounds,
)
from bide.testing import ScriptedJob, VirtualClock
from bide_strategies import (
    Additive,
    Clamp,
    DecorrelatedJitter,
    Exponential,
    Fixed,
    FollowProgress,
    Full,
    PollyV2,
    Scale,
    Schedule,
    Then,
)

SEED = Exponential(base=0.1, factor=2.0, cap=10.0, jitter=Additive(share=0.5))
UNLIMITED = Limits(max_attempts=None, timeout=None)


def polls_of(strategy: Strategy, u: float, count: int, latency: float = 0.0) -> list[float]:
    """Return the times of the first polls of a wait whose draws are all the same, by the driver."""
    clock = VirtualClock()
    job = ScriptedJob(clock=clock, ends_at=math.inf, latency=latency)
    poller = Poller(strategy, UNLIMITED, clock=clock.time, sleep=clock.sleep, draw=lambda: u)
    for update in poller.watch(job.poll):
        if update.calls == count:
            break
    return job.polls


@given(shipped, situations, draws)
def test_a_delay_lies_within_its_bounds(strategy: Strategy, situation: Situation, u: float) -> None:
    """Law 3 in use: the ends bound every draw."""
    bounds = delay_bounds(strategy, situation)
    delay = strategy.delay(situation, u)
    assert bounds.least * (1 - 1e-12) <= delay <= bounds.most * (1 + 1e-12)


@given(shipped, st.integers(1, 30), st.lists(draws, min_size=30, max_size=30), st.floats(0, 10))
def test_every_poll_comes_within_its_bounds(
    strategy: Strategy, n: int, drawn: list[float], latency: float
) -> None:
    """
    The n-th poll of a wait with any draws is never earlier nor later than the bounds, exact or not.

    The wait knows no time of day, so nothing is learned between the examples.
    """
    clock = VirtualClock()
    job = ScriptedJob(clock=clock, ends_at=math.inf, latency=latency)
    limited = Limits(max_attempts=n, timeout=None)
    poller = Poller(strategy, limited, clock=clock.time, sleep=clock.sleep)
    with pytest.raises(AttemptsExhausted):
        poller.wait(job.poll, wait=Wait(poller, now=clock.now, draw=iter(drawn).__next__))
    bounds = schedule_bounds(strategy, n, latency=latency)
    assert bounds.least * (1 - 1e-9) <= job.polls[-1] <= bounds.most * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize(
    "strategy",
    [
        SEED,
        DecorrelatedJitter(base=1.0, cap=30.0),
        PollyV2(base=1.0, cap=30.0),
        Scale(strategy=PollyV2(), factor=3.0),
        Then(start=Fixed(), polls=3, rest=Exponential(base=2.0, cap=60.0, jitter=Full())),
    ],
)
@pytest.mark.parametrize("latency", [0.0, 0.7])
def test_exact_bounds_are_attained(strategy: Strategy, latency: float) -> None:
    """The earliest schedule is that of u = 0 with answers at once, the latest that of u = 1, answers slow."""
    earliest, latest = polls_of(strategy, 0.0, 8), polls_of(strategy, 1.0, 8, latency)
    for n in range(1, 9):
        bounds = schedule_bounds(strategy, n, latency=latency)
        assert bounds.exact
        assert (bounds.least, bounds.most) == pytest.approx((earliest[n - 1], latest[n - 1]))


def test_the_seed_s_calls_are_known_beforehand() -> None:
    """On its own server, 5 to 15 s, the seed makes 6 to 9 calls: delays of 0.1, 0.2, 0.4 … by hand."""
    # With u = 0 the polls are at 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 12.7, 22.7; with u = 1 half as late again.
    assert request_bounds(SEED, 5.0, Limits()) == Bounds(7, 7)
    assert request_bounds(SEED, 15.0, Limits()) == Bounds(8, 9)
    assert request_bounds(SEED, 6.3, Limits()) == Bounds(7, 7)
    assert request_bounds(SEED, 4.0, Limits()) == Bounds(6, 7)


def test_when_a_wait_gives_up_is_known_beforehand() -> None:
    """The seed's tenth poll is at 32.7 to 49.05 s, by hand; a job of between is seen by some waits only."""
    assert give_up_bounds(SEED, 15.0, Limits()) is None
    some, none = (give_up_bounds(SEED, duration, Limits()) for duration in (40.0, 60.0))
    assert some is not None
    assert none is not None
    assert (some.least, some.most) == pytest.approx((32.7, math.inf))
    assert (none.least, none.most) == pytest.approx((32.7, 49.05))
    assert give_up_bounds(SEED, 60.0, Limits(timeout=3.0)) == Bounds(3.0, 3.0)
    assert give_up_bounds(SEED, 60.0, Limits(max_attempts=None, timeout=60.0)) is None
    assert give_up_bounds(SEED, math.inf) is None
    assert give_up_bounds(SEED, math.inf, Limits(max_attempts=None)) == Bounds(120.0, 120.0)


def test_polls_at_once_give_up_at_once_or_in_time() -> None:
    """Draws of zero may use up all attempts in no time; without attempts only the timeout gives up."""
    strategy = Exponential(base=1.0, jitter=Full())
    assert give_up_bounds(strategy, 1.0, Limits(max_attempts=40)) == Bounds(0.0, math.inf)
    assert give_up_bounds(strategy, 1.0, Limits(max_attempts=10**6)) == Bounds(0.0, math.inf, exact=False)
    assert give_up_bounds(strategy, 1.0, Limits(max_attempts=None)) is None
    assert give_up_bounds(strategy, 99.0, Limits(max_attempts=None, timeout=9.0)) == Bounds(9.0, 9.0, False)


def test_full_jitter_has_no_bound_but_the_limit() -> None:
    """Draws of zero poll without end in no time; then `max_attempts` is the bound, or there is none."""
    strategy = Exponential(jitter=Full())
    assert request_bounds(strategy, 60.0, Limits(max_attempts=40)).most == 40
    assert request_bounds(strategy, 60.0).most == math.inf
    assert request_bounds(strategy, 60.0, Limits(max_attempts=None)).most == math.inf
    assert request_bounds(Exponential(base=0.25, jitter=Full(least=0.25)), 1.0).most == 5


def test_a_long_run_of_zeros_is_no_endless_one() -> None:
    """A schedule that polls 1,501 times at once goes on after that, and is counted."""
    strategy = Schedule(delays=[0.0] * 1_500 + [1.0])
    assert request_bounds(strategy, 10.0) == Bounds(1511, 1511)


def test_the_longest_sleep_of_a_billion_polls_is_bounded_soon() -> None:
    """What is too much to add up is bounded by the ceiling, safely."""
    limits = Limits(max_attempts=10**9, timeout=None)
    assert 15.0 * (10**9 - 100) < max_total_sleep(SEED, limits) < 15.0 * 10**9
    assert max_total_sleep(SEED, Limits(max_attempts=10**9)) == pytest.approx(120.0)


def test_a_job_that_never_ends_is_bounded_by_the_limits() -> None:
    """An infinite duration is a legal question."""
    assert request_bounds(Fixed(interval=10.0), math.inf, Limits(max_attempts=None, timeout=60.0)) == Bounds(
        7, 7
    )
    assert request_bounds(Fixed(interval=10.0), math.inf).most == math.inf


def test_what_is_too_many_to_count_is_not_called_exact() -> None:
    """A million polls and more are bounded from below by what was counted, and from above by the limit."""
    bounds = request_bounds(Fixed(interval=1e-4), 1e9, Limits(max_attempts=None))
    assert 100_000 < bounds.least < 1_200_001 < bounds.most
    assert not bounds.exact


def test_where_time_or_progress_decides_the_bounds_say_that_they_are_not_exact() -> None:
    """They are safe all the same: between all that either strategy may do."""
    by_time = Then(start=Fixed(interval=1.0), seconds=10.0, rest=Fixed(interval=5.0))
    assert request_bounds(by_time, 20.0) == Bounds(5, 21, exact=False)
    follow = FollowProgress(fallback=Fixed(interval=2.0), floor=1.0, cap=10.0)
    assert request_bounds(follow, 20.0) == Bounds(3, 21, exact=False)
    assert not request_bounds(Scale(strategy=by_time, factor=2.0), 20.0).exact


@pytest.mark.parametrize("duration", [-1.0, math.nan, "15s", None])
def test_a_duration_that_is_none_is_refused(duration: Any) -> None:
    """Neither a negative time nor what is no number is a duration."""
    with pytest.raises(ConfigError, match="duration: must be a number of seconds >= 0"):
        request_bounds(SEED, duration)


def test_there_is_no_poll_before_the_first() -> None:
    """Polls count from 1."""
    with pytest.raises(ConfigError, match="n: must be a whole number from 1 to 100000, got 0"):
        schedule_bounds(SEED, 0)


def test_slow_answers_make_fewer_polls_never_more() -> None:
    """With a latency, the least number of polls counts slow answers, and the most still counts fast ones."""
    assert request_bounds(Fixed(interval=1.0), 10.0, latency=1.0) == Bounds(6, 11)


@pytest.mark.parametrize(
    ("strategy", "limits", "slept"),
    [
        (Fixed(interval=2.0), Limits(max_attempts=4, timeout=None), 6.0),
        (Fixed(interval=2.0), Limits(max_attempts=4, timeout=5.0), 5.0),
        (Fixed(interval=2.0), Limits(max_attempts=None, timeout=5.0), 5.0),
        (Fixed(interval=2.0), UNLIMITED, math.inf),
        # 0.15 * (1 + 2 + … + 64) and twice 15
        (SEED, Limits(timeout=None), 0.15 * 127 + 30),
    ],
)
def test_the_longest_sleep_is_known(strategy: Strategy, limits: Limits, slept: float) -> None:
    """All draws at 1, a job that never ends, and the limits as they stand."""
    assert max_total_sleep(strategy, limits) == pytest.approx(slept)


def test_bounds_of_what_is_inside_are_those_of_the_outside() -> None:
    """A combinator around a strategy with an envelope has one of its own, for calls and for sleep."""
    follow = FollowProgress(fallback=Fixed(interval=2.0), floor=1.0, cap=10.0)
    assert request_bounds(Clamp(strategy=follow, low=2.0, high=5.0), 20.0) == Bounds(5, 11, exact=False)
    by_time = Then(start=Fixed(interval=1.0), seconds=3.0, rest=Fixed(interval=5.0))
    assert max_total_sleep(by_time, Limits(max_attempts=5, timeout=None)) == 20.0


def test_the_longest_sleep_holds_for_slow_answers_too() -> None:
    """A strategy that reads the time may sleep longer once answers are slow; then its ceiling bounds it."""
    limits = Limits(max_attempts=4, timeout=None)
    strategy = PollyV2(base=1.0, cap=1.5, first=0.25)
    assert max_total_sleep(strategy, limits, latency=0.5) == 0.25 + 3 * 1.5
    assert max_total_sleep(strategy, limits) == polls_of(strategy, 1.0, 4)[-1]
    assert max_total_sleep(SEED, limits, latency=0.5) == max_total_sleep(SEED, limits)


@pytest.mark.parametrize(("count", "latency"), [(2.5, 0.0), (2, math.inf), (2, math.nan), (0, 0.0)])
def test_a_schedule_is_of_whole_polls_and_real_latencies(count: float, latency: float) -> None:
    """What is out of range is a ConfigError."""
    with pytest.raises(ConfigError):
        schedule(SEED, count, latency=latency)  # type: ignore[arg-type]


@given(shipped, st.lists(draws, min_size=10, max_size=10), st.floats(0.001, 10))
def test_no_wait_sleeps_longer(strategy: Strategy, drawn: list[float], latency: float) -> None:
    """Whatever is drawn, and however slow the answers, the sleeps of a wait stay below their bound."""
    clock, slept = VirtualClock(), 0.0

    def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds
        clock.sleep(seconds)

    job = ScriptedJob(clock=clock, ends_at=math.inf, latency=latency)
    limits = Limits(max_attempts=10, timeout=None)
    poller = Poller(strategy, limits, clock=clock.time, sleep=sleep)
    with pytest.raises(AttemptsExhausted):
        poller.wait(job.poll, wait=Wait(poller, now=clock.now, draw=iter(drawn).__next__))
    assert slept <= max_total_sleep(strategy, limits, latency=latency) * (1 + 1e-9)
