"""Drawing schedules through the engine: the very code that runs in production, for a job that never ends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain, islice, repeat

import numpy as np
from attrs import define, evolve, field

from bide.lab.distribution import Array
from bide.lab.schedules import Schedules
from bide.outcome import Outcome
from bide.policy import Policy
from bide.strategy import Observation, Strategy, envelope_of
from bide.wait import Wait

GROUPS = 16
"""Independent groups that schedules with jitter are drawn in."""

MOST_POLLS = 10_000
"""A schedule without jitter is cut after so many polls, and taken to go on as it did last."""

MOST_SHOWN = 200
"""Polls of one wait that are worth showing."""

# Of the schedules of a group with jitter, a sixteenth go on to the last depth, a quarter to the one before.
_DEPTHS = ((1, 128), (4, 512), (16, 2048))

# So many polls without any delay are taken for a wait that polls for ever in no time.
_MOST_AT_ONCE = 10_000


def draw_schedules(
    policy: Policy,
    horizon: float,
    *,
    count: int,
    latency: float = 0.0,
    hint: float | None = None,
    seed: int = 0,
) -> Schedules:
    """
    Draw schedules of a policy through the engine.

    Args:
        policy: a strategy and its limits.
        horizon: seconds up to which they are drawn.
        count: how many, if the strategy has jitter.
        latency: seconds that every answer takes.
        hint: seconds after which every answer asks to come back; None: it does not.
        seed: of the draws.
    """
    draw = _Drawing(policy, horizon, latency, hint)
    earliest = draw.wait(repeat(0.0), MOST_POLLS)
    waits, cut_short = [earliest], [False]
    if draw.has_jitter(earliest[0]):
        waits, cut_short = _jittered(draw, count, seed)
    if envelope_of(policy.strategy) != policy.strategy:
        earliest = draw.wait(repeat(0.0), MOST_POLLS, envelope_of(policy.strategy))
    return Schedules(
        waits=tuple(times for times, _ in waits),
        gave_up=np.array([gave_up for _, gave_up in waits]),
        cut_short=np.array(cut_short),
        groups=min(GROUPS, len(waits)),
        latency=latency,
        most_calls=policy.limits.max_attempts or math.inf,
        deadline=policy.limits.timeout or math.inf,
        earliest=(earliest[0],),
        earliest_gave_up=(earliest[1],),
        middle=draw.wait(repeat(0.5), MOST_SHOWN)[0],
        listens=draw.listens,
    )


def stratified(count: int, polls: int, chance: np.random.Generator) -> Array:
    """Return draws for so many waits: at each poll, one in each of as many equal strata, in any order."""
    strata = chance.permuted(np.tile(np.arange(count)[:, None], polls), axis=0)
    return np.asarray((strata + chance.random((count, polls))) / count)


def _jittered(draw: _Drawing, count: int, seed: int) -> tuple[list[tuple[Array, bool]], list[bool]]:
    """Return waits in groups, and for which of them others speak once they are cut."""
    chance = np.random.default_rng(seed)
    per_group = max(1, count // GROUPS)
    waits, cut_short = [], []
    for _ in range(GROUPS):
        draws = stratified(per_group, _DEPTHS[0][1], chance)
        for rank in range(per_group):
            depth = max(polls for share, polls in _DEPTHS if rank % share == 0)
            later = iter(chance.random, None)
            times, gave_up = draw.wait(chain(draws[rank].tolist(), later), depth)
            is_cut = not gave_up and times[-1] < draw.horizon
            waits.append((times, gave_up))
            cut_short.append(is_cut and depth < _DEPTHS[-1][1])
    return waits, cut_short


class _Pending(Observation):
    """What a poll of a pending job sees; it tells nothing of its progress, but notes who asks."""

    was_asked: bool = False

    @property
    def progress(self) -> None:
        object.__setattr__(self, "was_asked", True)

    @progress.setter
    def progress(self, progress: float | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        pass


@define
class _Drawing:
    """Waits of one policy for a job that never ends, and whether its strategy asks how far the job is."""

    policy: Policy
    horizon: float
    latency: float
    hint: float | None
    _pending: _Pending = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pending = _Pending("pending", hint=self.hint)

    @property
    def listens(self) -> bool:
        return self._pending.was_asked

    def wait(self, draws: Iterable[float], most: int, strategy: Strategy | None = None) -> tuple[Array, bool]:
        """Return the poll times of a wait, up to the horizon, and whether a limit ended it."""
        times = list(islice(self.polls(draws, strategy), most + 1))
        if times[-1] is None:
            return np.array(times[:-1], dtype=float), True
        return np.array(times[:most], dtype=float), False

    def has_jitter(self, earliest: Array) -> bool:
        """Say whether the latest wait differs from the earliest: strategies are monotone in u."""
        latest = self.polls(repeat(1.0))
        return any(one != other for one, other in zip(earliest.tolist(), latest, strict=False))

    def polls(self, draws: Iterable[float], strategy: Strategy | None = None) -> Iterator[float | None]:
        """Yield the time of each poll up to the horizon, and None if a limit ends the wait before."""
        policy = self.policy if strategy is None else evolve(self.policy, strategy=strategy)
        wait = Wait(policy, now=0.0, hint=self.hint, draw=iter(draws).__next__)
        now, at_once = 0.0, 0
        step: float | Outcome = wait.first_delay()
        while not isinstance(step, Outcome):
            at_once = 0 if step else at_once + 1
            now += step
            yield now
            if now >= self.horizon or at_once > _MOST_AT_ONCE:
                return
            now += self.latency
            step = wait.answered(self._pending, now)
        yield None
