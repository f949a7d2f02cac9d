"""The law that waits are counted: bounds hold, and an envelope keeps its promises."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import pairwise, product

from bide.bounds import request_bounds
from bide.outcome import Outcome
from bide.policy import Limits, Policy
from bide.strategy import Observation, Situation, Strategy, envelope_of
from bide.testing.trials import (
    PENDING,
    TRIALS,
    LawBroken,
    called,
    draws,
    given,
    limits,
    observations,
    situations,
    st,
)
from bide.wait import Wait


def counted(strategy: Strategy) -> None:
    """The polls of a wait lie within `request_bounds`, whatever is drawn and however long answers take."""
    _require_order(strategy)
    _require_enclosed(strategy)

    @TRIALS
    @given(limits, st.floats(0, 1e5), st.floats(0, 10), st.integers(0, 1_000_000))
    def within_bounds(within: Limits, duration: float, latency: float, seed: int) -> None:
        bounds = request_bounds(strategy, duration, within, latency=latency)
        drawn: list[tuple[float, float]] = []
        calls = _calls(strategy, duration, within, latency, random.Random(seed), drawn)
        if not bounds.least <= calls <= bounds.most:
            wait = f"a wait for a job of {duration!r} s within {within!r}, with answers in {latency!r} s"
            polls = f"polls by (u, seconds of the answer): {drawn}"
            raise LawBroken(
                "counted", f"{strategy!r}:\n  {wait},\n  made {calls} {polls},\n  outside {bounds}"
            )

    within_bounds()


# From 1 ms to 10**7 s, fifty a decade; between two of them the steepest fall is searched for.
_TIMES = (0.0, *(10 ** (step / 50) for step in range(-150, 351)))


def _require_order(strategy: Strategy) -> None:
    """Hold the envelope to its promise: of two waits, the one later at a poll is not earlier at the next."""
    envelope = envelope_of(strategy)
    for polls, u in product((1, 5, 1_000), (0.0, 1.0)):
        # A poll is later because of all the delays before it, or because of the last.
        situations = [partial(_after, polls, previous) for previous in (0.0, 100.0)]
        situations += [partial(_after_delay, polls, begun) for begun in (0.0, 1.0, 100.0)]
        for situation in situations:
            _require_no_step_anywhere(envelope, situation, u)


def _after(polls: int, previous: float, at: float) -> Situation:
    return Situation(polls, at, previous, PENDING)


def _after_delay(polls: int, begun: float, delay: float) -> Situation:
    return Situation(polls, begun + delay, delay, PENDING)


def _require_no_step_anywhere(envelope: Strategy, situation: Callable[[float], Situation], u: float) -> None:
    delays = [envelope.delay(situation(at), u) for at in _TIMES]
    for (at, before), (later, after) in pairwise(zip(_TIMES, delays, strict=True)):
        if after < before * (1 - 1e-9):
            _require_no_step(envelope, situation, u, (at, later))


def _require_no_step(
    envelope: Strategy, situation: Callable[[float], Situation], u: float, ends: tuple[float, float]
) -> None:
    """Halve an interval in which the delay falls, to where it falls more, and see how steep it is there."""

    def delay(at: float) -> float:
        return envelope.delay(situation(at), u)

    at, later = ends
    for _ in range(30):
        middle = (at + later) / 2
        if delay(at) - delay(middle) > delay(middle) - delay(later):
            later = middle
        else:
            at = middle
    if later + delay(later) < (at + delay(at)) * (1 - 1e-9):
        falls = [f"  .delay({situation(time)!r}, {u}) == {delay(time)!r}" for time in (at, later)]
        reason = "  a poll that comes later is followed by one that comes earlier; declare an 'envelope'"
        raise LawBroken("counted", "\n".join([f"{envelope!r}:", *falls, reason]))


def _require_enclosed(strategy: Strategy) -> None:
    """Hold the envelope to its other promise: not later at u = 0, nor earlier at u = 1, whatever is seen."""
    envelope = envelope_of(strategy)

    @TRIALS
    @given(situations, observations, draws)
    def enclosed(situation: Situation, other: Observation | None, u: float) -> None:
        ends = [envelope.delay(situation._replace(observation=other), end) for end in (0.0, 1.0)]
        delay = strategy.delay(situation, u)
        if not ends[0] * (1 - 1e-9) <= delay <= ends[1] * (1 + 1e-9):
            what = f"{delay!r}; with {other!r} the envelope is from {ends[0]!r} to {ends[1]!r}"
            raise LawBroken("counted", called(strategy, situation, u, what))

    enclosed()


def _calls(
    strategy: Strategy,
    duration: float,
    within: Limits,
    latency: float,
    chance: random.Random,
    drawn: list[tuple[float, float]],
) -> int:
    """Return how many polls a wait makes; enter what is drawn."""
    u = 0.0

    def draw() -> float:
        nonlocal u
        u = chance.choice((0.0, 1.0, chance.random()))
        return u

    wait = Wait(Policy(strategy, within), now=0.0, draw=draw)
    now = 0.0
    step: float | Outcome = wait.first_delay()
    while not isinstance(step, Outcome):
        looked = now + step
        now = looked + latency * chance.random()
        drawn.append((u, now - looked))
        seen = chance.uniform(looked, now)  # the server looks at the job some time before the answer comes
        step = wait.answered(Observation("completed" if seen >= duration else "pending"), now)
    return step.calls
