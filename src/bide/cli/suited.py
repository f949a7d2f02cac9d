"""Strategies that a comparison suits to each workload, where nobody says what a call is worth to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from bide.catalogue import find_policy
from bide.config import from_config
from bide.lab import Entrant
from bide.lab.distribution import Distribution
from bide.lab.distributions import Fixed
from bide.lab.training import Suited
from bide.policy import Limits, Policy
from bide.strategy import Situation, Strategy

if TYPE_CHECKING:
    from bide.learn import Table

WORTH = 0.05
"""What a call is worth then: this share of the mean duration, in seconds of lag."""


@frozen
class _Planned:
    """What ``optimal`` is for durations that are at hand, and need no name."""

    table: Table

    @property
    def ceiling(self) -> float:
        return self.table.ceiling

    def delay(self, situation: Situation, u: float) -> float:
        return self.table.delay(situation.elapsed)


def usual_worth(durations: Distribution) -> float:
    """Return what a call is worth on jobs of these durations, if nobody says it, in seconds of lag; > 0."""
    return WORTH * durations.mean or WORTH  # jobs of no duration have no share


def _learned(durations: Distribution) -> Strategy:
    return from_config({"kind": "learned", "job_kind": "compare", "call_cost": usual_worth(durations)})


def _optimal(durations: Distribution) -> Strategy:
    from bide.learn import plan_for, table_of

    return _Planned(table_of(plan_for(durations, call_cost=usual_worth(durations))))


SUITED = {"learned": _learned, "optimal": _optimal}
"""How each is made, by the name alone."""


def find_suited(text: str) -> Policy:
    """Return the policy that a person means; of what is to be suited, the one for jobs of a second."""
    if text not in SUITED:
        return find_policy(text)
    return Policy(SUITED[text](Fixed(1.0)), Limits(max_attempts=None, timeout=None))


def entrants_of(policies: Mapping[str, Policy], texts: Collection[str]) -> list[Entrant]:
    """
    Return who takes part.

    Args:
        policies: by name.
        texts: as the command line names them.
    """
    return [
        Suited(name, policy, SUITED[name]) if name in SUITED and name in texts else Entrant(name, policy)
        for name, policy in policies.items()
    ]
