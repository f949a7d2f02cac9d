"""The laws of strategies, held over every strategy shipped and any parameters."""

import math
import pickle

from generators import draws, limits, shipped, situations
from hypothesis import given
from hypothesis import strategies as st

import bide_strategies
from bide import (
    Limits,
    Observation,
    Outcome,
    Policy,
    Situation,
    Strategy,
    Wait,
    from_config,
    request_bounds,
    to_config,
)
from bide.strategy import ceiling_of


@given(shipped, situations, draws)
def test_pure(strategy: Strategy, situation: Situation, u: float) -> None:
    """Equal input gives an equal answer, also from a copy; a strategy can be hashed."""
    copy = pickle.loads(pickle.dumps(strategy))
    assert copy == strategy
    assert hash(copy) == hash(strategy)
    assert copy.delay(situation, u) == strategy.delay(situation, u)


@given(shipped, situations, draws)
def test_finite(strategy: Strategy, situation: Situation, u: float) -> None:
    """No delay is negative, infinite or no number, up to a million polls."""
    assert 0 <= strategy.delay(situation, u) < math.inf


@given(shipped, situations, draws, draws)
def test_monotone_in_u(strategy: Strategy, situation: Situation, one: float, other: float) -> None:
    """A greater draw never gives a smaller delay, so the ends bound every draw."""
    low, high = sorted((one, other))
    before, after = strategy.delay(situation, low), strategy.delay(situation, high)
    assert before <= after or math.isclose(before, after, rel_tol=1e-12)


@given(shipped, situations, draws)
def test_no_draw_leaves_the_ceiling(strategy: Strategy, situation: Situation, u: float) -> None:
    """No delay is above the strategy's own ceiling."""
    assert strategy.delay(situation, u) <= ceiling_of(strategy) * (1 + 1e-12) < math.inf


@given(shipped)
def test_round_trip(strategy: Strategy) -> None:
    """Config and repr give the same strategy again."""
    assert from_config(to_config(strategy)) == strategy
    assert eval(repr(strategy), vars(bide_strategies)) == strategy  # noqa: S307 - the law itself


@given(shipped, limits, st.floats(0, 100), st.lists(draws, min_size=1, max_size=200))
def test_counted(strategy: Strategy, within: Limits, duration: float, drawn: list[float]) -> None:
    """The polls of a wait with any draws lie within the computed bounds."""
    bounds = request_bounds(strategy, duration, within)
    calls = _calls(strategy, within, duration, drawn)
    assert calls is None or bounds.least <= calls <= bounds.most


def _calls(strategy: Strategy, within: Limits, duration: float, drawn: list[float]) -> int | None:
    """Count the polls of a wait that draws these numbers again and again; None if it does not soon end."""
    wait = Wait(Policy(strategy, within), now=0.0, draw=lambda: drawn[wait.calls % len(drawn)])
    now, step = 0.0, wait.first_delay()
    for _ in range(10_000):
        now += step
        answer = wait.answered(Observation("completed" if now >= duration else "pending"), now)
        if isinstance(answer, Outcome):
            return answer.calls
        step = answer
    return None
