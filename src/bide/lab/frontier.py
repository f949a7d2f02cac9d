"""
The frontier: the least calls at every mean lag.

Each worth of a call gives one plan, a point of the frontier, and a line that no policy is below: its slope is
minus that worth. Between two points the frontier lies below their chord, because a client may toss a coin
between two plans, and above their lines. Where that leaves too much room another plan is made, for the slope
of the chord; if it is no better than the chord, the frontier is straight there.

With very many calls, calls = constant + spread**2 / (2 lag): the looks are then so close together that only
the local density of the ends matters.
"""

from __future__ import annotations

import bisect
import math
from itertools import pairwise

from attrs import define, field, frozen

from bide.lab.comparison import Frontier
from bide.lab.distribution import Distribution
from bide.lab.optimum import Plan, Planner

# So many plans show the whole frontier.
_DRAWN_PLANS = 24

# From so many calls on, the law for very many is used.
_MANY_CALLS = 80.0

# A call that is worth so many mean durations is hardly ever made.
_GREATEST_COST = 1e4

# Where the frontier is known so well, as a share of the calls, it is read off.
_LITTLE_ROOM = 2e-3


@frozen
class Corner:
    """
    One point of the frontier, with the slope there.

    Args:
        lag: mean lag, in seconds.
        calls: mean calls per job.
        call_cost: seconds of lag that saving one call is worth.
    """

    lag: float
    calls: float
    call_cost: float


@define(eq=False)
class Optimum:
    """
    The least possible on one distribution of durations; it is found out where somebody asks.

    Args:
        planner: makes plans for the durations.
    """

    planner: Planner
    _corners: list[Corner] = field(init=False)
    _straight: list[bool] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._corners = _ends(self.planner)
        self._straight = [False for _ in self._corners[1:]]

    @property
    def corners(self) -> tuple[Corner, ...]:
        """The points that are known; lag ascending, calls descending."""
        return tuple(self._corners)

    def calls_at(self, lag: float) -> float:
        """Return the least mean calls of any policy with this mean lag, in seconds, or less; to 0.2 %."""
        first, last = self._corners[0], self._corners[-1]
        if lag >= last.lag:
            return last.calls
        if lag <= first.lag:
            return self._many_calls(lag)
        while True:
            left = self._left_of(lag)
            one, other = self._corners[left : left + 2]
            most, least = _chord(one, other, lag), _lines(one, other, lag)
            if self._straight[left]:
                return most
            if most <= least * (1 + _LITTLE_ROOM):
                return (most + least) / 2
            self._refine(left)

    def frontier(self, latency: float = 0.0) -> Frontier:
        """Return the whole frontier as points, where every answer takes `latency` seconds."""
        while len(self._corners) < _DRAWN_PLANS:
            rooms = [_room(*ends) for ends in pairwise(self._corners)]
            rooms = [0.0 if straight else room for room, straight in zip(rooms, self._straight, strict=True)]
            if max(rooms, default=0.0) <= _LITTLE_ROOM:
                break
            self._refine(rooms.index(max(rooms)))
        corners = [*self._towards_no_lag(), *self._corners]
        return Frontier(
            call_cost=tuple(corner.call_cost for corner in corners),
            calls=tuple(corner.calls for corner in corners),
            lag_mean=tuple(corner.lag + latency for corner in corners),
        )

    def _left_of(self, lag: float) -> int:
        return bisect.bisect_right(self._corners, lag, key=lambda corner: corner.lag) - 1

    def _refine(self, left: int) -> None:
        """Make a plan between two corners; if it is not below their chord, the frontier is straight there."""
        one, other = self._corners[left : left + 2]
        slope = (other.lag - one.lag) / (one.calls - other.calls)
        corner = _corner(self.planner.plan(slope))
        if _is_below(corner, one, other, slope):
            self._corners.insert(left + 1, corner)
            self._straight[left : left + 1] = [False, False]
        else:
            self._straight[left] = True

    def _many_calls(self, lag: float) -> float:
        """Return the calls at a lag that is at most that of the first corner."""
        first, spread = self._corners[0], self.planner.points.spread
        if not spread or lag == first.lag:
            return first.calls
        return first.calls + spread**2 / 2 * (1 / lag - 1 / first.lag) if lag > 0 else math.inf

    def _towards_no_lag(self) -> list[Corner]:
        """Return points with ever more calls, up to some thousands."""
        spread = self.planner.points.spread
        if not spread:
            return []
        lags = [self._corners[0].lag / 2**halvings for halvings in range(7, 0, -1)]
        return [Corner(lag, self._many_calls(lag), 2 * (lag / spread) ** 2) for lag in lags]


def optimum(durations: Distribution) -> Optimum:
    """Return the least possible on durations."""
    return Optimum(Planner.of(durations))


def _ends(planner: Planner) -> list[Corner]:
    """Return the corners with the most calls and with the fewest; one alone if there is no choice."""
    spread, mean = planner.points.spread, planner.durations.mean
    few = _corner(planner.plan(max(_GREATEST_COST * mean, 1e-9)))
    if spread:
        many = _corner(planner.plan(spread**2 / (2 * _MANY_CALLS**2)))
    else:
        running = planner.durations.survival(planner.points.atoms[:-1])
        many = Corner(0.0, 1.0 + float(running.sum()), 0.0)
    return [many, few] if many.calls > few.calls and many.lag < few.lag else [few]


def _corner(plan: Plan) -> Corner:
    return Corner(plan.lag_mean, plan.calls, plan.call_cost)


def _is_below(corner: Corner, one: Corner, other: Corner, slope: float) -> bool:
    """Say whether a corner is below the chord of two others, by more than rounding."""
    if not (one.lag < corner.lag < other.lag and other.calls < corner.calls < one.calls):
        return False
    return corner.lag + slope * corner.calls < (one.lag + slope * one.calls) * (1 - 1e-9)


def _room(one: Corner, other: Corner) -> float:
    """Return how far below the chord the frontier may lie between two corners, as a share of the calls."""
    lag, calls = _meeting(one, other)
    return max(0.0, _chord(one, other, lag) / calls - 1) if calls > 0 else math.inf


def _meeting(one: Corner, other: Corner) -> tuple[float, float]:
    """Return where the lines through two corners meet: no policy has fewer calls at that lag."""
    costs = [corner.lag + corner.call_cost * corner.calls for corner in (one, other)]
    calls = (costs[1] - costs[0]) / (other.call_cost - one.call_cost)
    return costs[0] - one.call_cost * calls, calls


def _chord(one: Corner, other: Corner, lag: float) -> float:
    return one.calls + (lag - one.lag) / (other.lag - one.lag) * (other.calls - one.calls)


def _lines(one: Corner, other: Corner, lag: float) -> float:
    """Return the calls on the higher of the lines through two corners."""
    return max(
        corner.calls - (lag - corner.lag) / corner.call_cost for corner in (one, other) if corner.call_cost
    )
