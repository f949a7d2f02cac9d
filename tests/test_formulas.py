"""The strategies' formulas, against the figures of their sources."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide import Limits, Observation, Outcome, Policy, Poller, Situation, Strategy, Wait
from bide.testing import VirtualClock
from bide_strategies import (
    Additive,
    Clamp,
    DecorrelatedJitter,
    Equal,
    Exponential,
    Fibonacci,
    Fixed,
    FollowProgress,
    Full,
    Linear,
    PollyV2,
    Polynomial,
    Proportional,
    Scale,
    Schedule,
    Then,
)


def delays(strategy: Strategy, count: int, u: float | list[float]) -> list[float]:
    """Return the first delays that the engine asks for, the one before the first poll included."""
    draw = iter(u).__next__ if isinstance(u, list) else lambda: u
    wait = Wait(Policy(strategy, Limits(max_attempts=None, timeout=None)), now=0.0, draw=draw)
    chosen, now = [wait.first_delay()], 0.0
    while len(chosen) < count:
        now += chosen[-1]
        step = wait.answered(Observation("pending"), now)
        assert not isinstance(step, Outcome)
        chosen.append(step)
    return chosen


SEED = Exponential(base=0.1, factor=2.0, cap=10.0, jitter=Additive(share=0.5))


@pytest.mark.parametrize(
    ("strategy", "u", "expected"),
    [
        (Fixed(interval=15.0), 0.5, [0, 15, 15, 15]),
        (Fixed(interval=0.5, first=0.5), 0.5, [0.5, 0.5, 0.5]),
        # the smaller of the cap and base * factor ** n
        (Exponential(base=0.2, cap=10.0), 0.5, [0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]),
        (Exponential(base=1.0, factor=1.5, cap=20.0), 0.5, [0, 1, 1.5, 2.25, 3.375]),
        # full is U(0, v), equal v / 2 + U(0, v / 2)
        (Exponential(base=1.0, cap=4.0, jitter=Full()), 0.25, [0, 0.25, 0.5, 1, 1]),
        (Exponential(base=1.0, cap=4.0, jitter=Equal()), 0.0, [0, 0.5, 1, 2, 2]),
        (Exponential(base=1.0, cap=4.0, jitter=Equal()), 1.0, [0, 1, 2, 4, 4]),
        # the seed: v + U(0, v / 2), v = min(cap, base * 2 ** n); exceeds the cap by half
        (SEED, 0.0, [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]),
        (SEED, 1.0, [0, 0.15, 0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 15, 15]),
        # AWS: the smaller of the cap and U(base, 3 s), where s is the delay before, and the base at first
        (DecorrelatedJitter(base=1.0, cap=30.0), 1.0, [0, 3, 9, 27, 30, 30]),
        (DecorrelatedJitter(base=1.0, cap=30.0), 0.0, [0, 1, 1, 1]),
        (DecorrelatedJitter(base=1.0, cap=30.0), 0.5, [0, 2, 3.5, 5.75]),
        (DecorrelatedJitter(base=1.0, cap=30.0, first=20.0), 1.0, [20, 3, 9]),
        # the same, where the smaller of the cap and 3 s ends the range of the draw
        (DecorrelatedJitter(base=1.0, cap=30.0, cap_first=True), 1.0, [0, 3, 9, 27, 30, 30]),
        (DecorrelatedJitter(base=1.0, cap=5.0, cap_first=True), 0.5, [0, 2, 3, 3]),
        (Linear(base=1.0, step=2.0, cap=6.0), 0.5, [0, 1, 3, 5, 6, 6]),
        # databricks-sdk waits 1, 2 … 10 s and up to a second more
        (Linear(jitter=Additive(seconds=1.0)), 1.0, [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11]),
        (Polynomial(base=0.5, power=2.0, cap=10.0), 0.5, [0, 0.5, 2, 4.5, 8, 10]),
        (Fibonacci(base=1.0, cap=10.0), 0.5, [0, 1, 1, 2, 3, 5, 8, 10, 10]),
        (Schedule(delays=[0.5, 0.0, 3.0]), 0.5, [0, 0.5, 0, 3, 3, 3]),
        # gRPC A6 spreads by a fifth either way, at the cap too
        (Exponential(base=1.0, cap=2.0, jitter=Proportional(share=0.2)), 0.0, [0, 0.8, 1.6, 1.6]),
        (Exponential(base=1.0, cap=2.0, jitter=Proportional(share=0.2)), 1.0, [0, 1.2, 2.4, 2.4]),
        # smithy-go draws from its least delay to the grown one
        (Exponential(base=2.0, cap=8.0, jitter=Full(least=2.0)), 0.5, [0, 2, 3, 5, 5]),
        # Polly's f(t) = 2**t tanh(sqrt(4 t)), over 1.4: at u = 0 its times are f(0), f(1), f(2) …
        (PollyV2(base=1.4, cap=1e6), 0.0, [0, 0, 1.92805516, 2.04409422, 4.01218981]),
        (Clamp(strategy=Exponential(base=1.0, cap=64.0), low=3.0, high=10.0), 0.5, [0, 3, 3, 4, 8, 10]),
        (Scale(strategy=DecorrelatedJitter(base=1.0, cap=30.0), factor=0.1), 1.0, [0, 0.3, 0.9, 2.7, 3]),
        (Then(start=Fixed(), polls=3, rest=Exponential(base=5.0, cap=20.0)), 0.5, [0, 1, 1, 5, 10, 20]),
        (Then(start=Fixed(), seconds=3.0, rest=Exponential(base=5.0, cap=20.0)), 0.5, [0, 1, 1, 1, 5, 10]),
    ],
)
def test_delays_are_those_of_the_formula(strategy: Strategy, u: float, expected: list[float]) -> None:
    """The engine gets the delays that the published formula gives, in order."""
    assert delays(strategy, len(expected), u) == pytest.approx(expected)


def test_growth_survives_where_powers_overflow() -> None:
    """At 1,030 polls, where base * factor ** n overflows in other libraries, the cap holds."""
    assert Exponential(cap=10.0).delay(Situation(polls=1_030), 0.5) == 10.0
    assert Exponential(factor=1e3, cap=10.0).delay(Situation(polls=10**6), 0.5) == 10.0


def test_decorrelated_jitter_gathers_38_percent_at_its_cap() -> None:
    """Once saturated, the published share of delays equals the cap: base 1, cap 30, attempts 20 to 40."""
    strategy = DecorrelatedJitter(base=1.0, cap=30.0)
    chance, capped, chains = random.Random(1), 0, 4_000
    for _ in range(chains):
        delay = 0.0
        for polls in range(1, 41):
            delay = strategy.delay(Situation(polls=polls, previous_delay=delay), chance.random())
            capped += polls > 20 and delay == 30.0
    assert capped / (20 * chains) == pytest.approx(0.38, abs=0.01)


@given(st.lists(st.floats(0, 1), min_size=10, max_size=10))
def test_polly_v2_telescopes_as_polly_does(drawn: list[float]) -> None:
    """Below the cap every delay is (f(n + u) - f(n - 1 + u before)) / 1.4 times the base, as published."""
    strategy = PollyV2(base=0.7, cap=1e6)
    expected, before = [0.0], 0.0
    for n, u in enumerate(drawn):
        reached = 2 ** (n + u) * math.tanh(math.sqrt(4 * (n + u)))
        expected.append((reached - before) / 1.4 * 0.7)
        before = reached
    assert delays(strategy, 11, [0.5, *drawn]) == pytest.approx(expected, abs=1e-9)


def test_polly_v2_counts_from_its_first_poll() -> None:
    """A delay before the first poll moves all times, and no delay."""
    assert delays(PollyV2(first=5.0), 8, 0.3)[1:] == pytest.approx(delays(PollyV2(), 8, 0.3)[1:])


def test_a_chain_goes_on_from_its_cap_after_a_longer_delay() -> None:
    """What another strategy, or a clamp, made of the delay before does not throw the chain to its cap."""
    situation = Situation(polls=5, previous_delay=100.0)
    assert DecorrelatedJitter(base=1.0, cap=10.0).delay(situation, 0.25) == pytest.approx(1 + 0.25 * 29)


def test_polly_v2_keeps_its_jitter_at_the_cap() -> None:
    """Where Polly's own delays all equal the greatest, these spread below it, with a mean of half the cap."""
    chance = random.Random(1)
    far = delays(PollyV2(base=1.0, cap=30.0), 2_000, [chance.random() for _ in range(2_000)])[20:]
    assert max(far) < 30.0
    assert sum(far) / len(far) == pytest.approx(15.0, rel=0.02)
    assert len(set(far)) == len(far)


def test_a_late_poll_does_not_hasten_polly_s_next() -> None:
    """A hint of ten minutes is no debt to be paid back by polling in a loop: the mean stays."""
    strategy = PollyV2(base=1.0, cap=1e6)
    late = [strategy.delay(Situation(polls=6, elapsed=600.0), u / 100) for u in range(100)]
    assert min(late) > 5.0
    assert sum(late) / len(late) == pytest.approx(16.4, rel=0.03)  # Polly's own mean after the fifth retry


@pytest.mark.parametrize(
    ("progress", "elapsed", "delay"),
    [
        (0.25, 10.0, 30.0),  # a quarter took 10 s, so 30 s are left
        (0.9, 9.0, 1.0),
        (0.999, 9.99, 0.5),  # the floor
        (0.01, 10.0, 60.0),  # the cap
        (1.0, 10.0, 0.5),
        (0.0, 10.0, 7.0),  # none yet: the fallback
        (None, 10.0, 7.0),
        (float("nan"), 10.0, 7.0),
        (5e-324, 10.0, 60.0),
    ],
)
def test_progress_foretells_the_end(progress: float | None, elapsed: float, delay: float) -> None:
    """What is left follows from what took so long, between floor and cap."""
    strategy = FollowProgress(fallback=Fixed(interval=7.0), floor=0.5, cap=60.0)
    situation = Situation(polls=3, elapsed=elapsed, observation=Observation("pending", progress=progress))
    assert strategy.delay(situation, 0.5) == pytest.approx(delay)


def test_a_job_of_even_progress_is_found_in_three_polls() -> None:
    """One look at once, one by the fallback, and one at the end."""
    clock = VirtualClock()

    def poll() -> Observation:
        return Observation("completed" if clock.now >= 40 else "pending", progress=clock.now / 40)

    strategy = FollowProgress(fallback=Fixed(interval=4.0), cap=60.0)
    outcome = Poller(strategy, clock=clock.time, sleep=clock.sleep).wait(poll)
    assert (outcome.calls, outcome.elapsed) == (3, 40.0)
