"""The strategies' formulas, against the figures of their sources."""

import random

import pytest

from bide import Limits, Observation, Outcome, Situation, Strategy, Wait
from bide_strategies import Additive, DecorrelatedJitter, Equal, Exponential, Fixed, Full


def delays(strategy: Strategy, count: int, u: float) -> list[float]:
    """Return the first delays that the engine asks for, the one before the first poll included."""
    wait = Wait(strategy, Limits(max_attempts=None, timeout=None), now=0.0, draw=lambda: u)
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
