"""Strategies that learn, in a comparison: trained on some jobs of a workload, and judged on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np
from attrs import frozen

from bide.lab.contenders import Contender, Costs, Entrant, contender
from bide.lab.distribution import Array, Distribution
from bide.lab.evaluate import Jobs, Sums
from bide.lab.mixed import Samples
from bide.lab.recorded import Recorded
from bide.policy import Policy
from bide.strategy import Strategy

TRAINED_ON = 100
"""On how many jobs a strategy is trained, unless somebody says otherwise."""

CURVE = (0, 10, 30, 100, 1000)
"""After how many jobs the learning curve shows what a strategy costs."""

SETS = 20
"""How often it is trained anew, each time on other jobs; its figures are the mean."""


@runtime_checkable
class Trainable(Strategy, Protocol):
    """A strategy that can be trained on durations."""

    @property
    def is_trained(self) -> bool:
        """Whether it knows of jobs already, and is to be judged as it is."""
        ...

    def trained(self, durations: Sequence[float], /) -> Strategy:
        """Return what it would be if it had learned from jobs of these durations alone, the oldest first."""
        ...


@frozen
class Suited(Entrant):
    """
    One whose strategy is made for each workload.

    Args:
        suit: makes it, from how long the jobs take.
    """

    suit: Callable[[Distribution], Strategy]


def is_untrained(entrant: Entrant | Recorded) -> bool:
    """Say whether an entrant has to be trained to be judged."""
    if not isinstance(entrant, Entrant):
        return False
    strategy = entrant.policy.strategy
    return isinstance(strategy, Trainable) and not strategy.is_trained


def enter(
    entrant: Entrant | Recorded, horizon: float, *, trained_on: int = TRAINED_ON, seed: int, **setting: Any
) -> Contender:
    """
    Return who takes part in a comparison for an entrant: if it is untrained, one that trains it.

    Args:
        entrant: who takes part.
        horizon: how far schedules are drawn, in seconds.
        trained_on: on how many jobs it is trained.
        seed: of all draws.
        setting: as `bide.lab.contenders.contender` takes it.
    """

    def as_it_is(entrant: Entrant | Recorded) -> Contender:
        return contender(entrant, horizon, seed=seed, **setting)

    if isinstance(entrant, Suited):
        enter_suited = partial(enter, horizon=horizon, trained_on=trained_on, seed=seed, **setting)
        return _Fitting(entrant, enter_suited)
    if isinstance(entrant, Entrant) and is_untrained(entrant):
        return Trainee(entrant.name, entrant.policy, trained_on, seed, as_it_is)
    return as_it_is(entrant)


@frozen
class _Fitting:
    """One that is suited to each workload before it is judged."""

    entrant: Suited
    enter: Callable[[Entrant], Contender]

    @property
    def name(self) -> str:
        return self.entrant.name

    def costs(self, durations: Distribution, ends: Array, until: float) -> Costs:
        """Evaluate what suits."""
        policy = attrs.evolve(self.entrant.policy, strategy=self.entrant.suit(durations))
        return self.enter(Entrant(self.name, policy)).costs(durations, ends, until)


@frozen
class Trainee:
    """One that is trained on jobs of each workload, several times, and judged on the others."""

    name: str
    policy: Policy
    jobs: int
    seed: int
    enter: Callable[[Entrant], Contender]

    def costs(self, durations: Distribution, ends: Array, until: float) -> Costs:
        """Evaluate what it is after each training, each a group of its own."""
        if not self.jobs:
            return self._trained([]).costs(durations, ends, until)
        chance = np.random.default_rng(self.seed)
        found = []
        for number in range(SETS):
            known, others = _split(durations, self.jobs, chance)
            judged_on = others.quantile((np.arange(len(ends)) + 0.5) / len(ends))[number::SETS]
            found.append(self._trained(known).costs(others, judged_on, until))
        return Costs(
            sums=Sums(
                **{name: np.array([_mean(each.sums, name) for each in found]) for name in _names(Sums)}
            ),
            jobs=Jobs(
                **{
                    name: np.concatenate([getattr(each.jobs, name) for each in found])
                    for name in _names(Jobs)
                }
            ),
            most_calls=max(each.most_calls for each in found),
            schedule=found[0].schedule,
        )

    def _trained(self, known: Sequence[float]) -> Contender:
        strategy: Any = self.policy.strategy
        policy = attrs.evolve(self.policy, strategy=strategy.trained(known))
        return self.enter(Entrant(self.name, policy))


def _split(
    durations: Distribution, count: int, chance: np.random.Generator
) -> tuple[Sequence[float], Distribution]:
    """Return durations to learn from, and the distribution of others; of measured ones at most a half."""
    if isinstance(durations, Samples) and len(durations.values) > 1:
        shuffled = chance.permutation(durations.values)
        known = min(count, len(shuffled) // 2)
        return shuffled[:known].tolist(), Samples(tuple(shuffled[known:].tolist()))
    return durations.quantile(chance.random(count)).tolist(), durations


def _names(kind: type[Any]) -> list[str]:
    return [field.name for field in attrs.fields(kind)]


def _mean(sums: Sums, name: str) -> float:
    return float(getattr(sums, name).mean())
