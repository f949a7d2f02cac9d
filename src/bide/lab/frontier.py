"""
The frontier: the least calls at every mean lag.

Each worth of a call gives one plan, a point of the frontier, and a line that no policy is below: its slope is
minus that worth. Between two points the frontier lies below their chord, because a client may toss a coin
between two plans, and above their lines. Where that leaves most room, the next plan is made, for the slope of
the chord; if it is no better than the chord, the frontier is straight there.

With very many calls, calls = constant + spread**2 / (2 lag): the looks are then so close together that only
the local density of the ends matters.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from attrs import field, frozen

from bide.lab.comparison import Frontier
from bide.lab.distributions import Distribution
from bide.lab.optimum import Plan, Planner

_MOST_PLANS = 40

# From so many calls on, the law for very many is used.
_MANY_CALLS = 80.0

# A call that is worth so many mean durations is hardly ever made.
_GREATEST_COST = 1e4

# No room that is worth a plan.
_LITTLE_ROOM = 1e-4


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


@frozen(kw_only=True)
class Optimum:
    """
    The least possible on one distribution of durations.

    Args:
        corners: points of the frontier; lag ascending, calls descending.
        straight: for each but the last, whether the frontier is straight from there to the next.
        spread: see `bide.lab.points.Points`; 0 where the first corner has no lag.
    """

    corners: tuple[Corner, ...]
    straight: tuple[bool, ...]
    spread: float = field(repr=False)

    def calls_at(self, lag: float) -> float:
        """Return the least mean calls of any policy with this mean lag, in seconds, or less."""
        first, last = self.corners[0], self.corners[-1]
        if lag <= first.lag:
            return self._many_calls(max(lag, 0.0)) if lag < first.lag else first.calls
        if lag >= last.lag:
            return last.calls
        right = int(np.searchsorted([corner.lag for corner in self.corners], lag))
        one, other = self.corners[right - 1], self.corners[right]
        between = _chord if self.straight[right - 1] else _curve
        return between(one, other, lag)

    def frontier(self, latency: float = 0.0) -> Frontier:
        """Return the frontier as points, where every answer takes `latency` seconds."""
        many = [corner for corner in self._towards_no_lag() if corner.lag > 0]
        corners = [*many, *self.corners]
        return Frontier(
            call_cost=tuple(corner.call_cost for corner in corners),
            calls=tuple(corner.calls for corner in corners),
            lag_mean=tuple(corner.lag + latency for corner in corners),
        )

    def _many_calls(self, lag: float) -> float:
        first = self.corners[0]
        if not self.spread:
            return first.calls
        return first.calls + self.spread**2 / 2 * (1 / lag - 1 / first.lag) if lag else math.inf

    def _towards_no_lag(self) -> list[Corner]:
        """Return points with ever more calls, up to some thousands."""
        if not self.spread:
            return []
        lags = [self.corners[0].lag / 2**halvings for halvings in range(7, 0, -1)]
        return [Corner(lag, self._many_calls(lag), 2 * (lag / self.spread) ** 2) for lag in lags]


def optimum(durations: Distribution) -> Optimum:
    """Trace the frontier of durations."""
    planner = Planner.of(durations)
    corners = _ends(planner)
    rooms = _rooms(corners)
    for _ in range(_MOST_PLANS):
        widest = int(np.argmax(rooms)) if rooms else 0
        if not rooms or rooms[widest] < _LITTLE_ROOM:
            break
        one, other = corners[widest : widest + 2]
        slope = (other.lag - one.lag) / (one.calls - other.calls)
        corner = _corner(planner.plan(slope))
        if _gains(corner, one, other, slope):
            corners.insert(widest + 1, corner)
            rooms[widest : widest + 1] = [_room(one, corner), _room(corner, other)]
        else:
            rooms[widest] = -1.0
    return Optimum(
        corners=tuple(corners),
        straight=tuple(room < 0 for room in rooms),
        spread=planner.points.spread,
    )


def _ends(planner: Planner) -> list[Corner]:
    """Return the corners with the most calls and with the fewest; one alone if there is no choice."""
    spread, mean = planner.points.spread, planner.durations.mean
    few = _corner(planner.plan(max(_GREATEST_COST * mean, 1e-9)))
    if spread:
        many = _corner(planner.plan(spread**2 / (2 * _MANY_CALLS**2)))
    else:
        atoms = planner.durations.atoms
        running = np.concatenate(([1.0], planner.durations.survival(atoms[:-1])))
        many = Corner(0.0, float(running.sum()), 0.0)
    return [many, few] if many.calls > few.calls else [few]


def _corner(plan: Plan) -> Corner:
    return Corner(plan.lag_mean, plan.calls, plan.call_cost)


def _gains(corner: Corner, one: Corner, other: Corner, slope: float) -> bool:
    """Say whether a corner is below the chord of two others, by more than rounding."""
    if not one.lag < corner.lag < other.lag or not other.calls < corner.calls < one.calls:
        return False
    cost = corner.lag + slope * corner.calls
    return cost < (one.lag + slope * one.calls) * (1 - 1e-9)


def _rooms(corners: list[Corner]) -> list[float]:
    return [_room(one, other) for one, other in pairwise(corners)]


def _room(one: Corner, other: Corner) -> float:
    """Return how far below the chord the frontier may lie between two corners, as a share of the calls."""
    lag, calls = _meeting(one, other)
    return max(0.0, _chord(one, other, lag) / calls - 1) if calls > 0 else math.inf


def _meeting(one: Corner, other: Corner) -> tuple[float, float]:
    """Return where the lines through two corners meet: no policy has fewer calls at that lag."""
    if one.call_cost == other.call_cost:
        return one.lag, one.calls
    costs = [corner.lag + corner.call_cost * corner.calls for corner in (one, other)]
    calls = (costs[1] - costs[0]) / (other.call_cost - one.call_cost)
    return costs[0] - one.call_cost * calls, calls


def _chord(one: Corner, other: Corner, lag: float) -> float:
    return one.calls + (lag - one.lag) / (other.lag - one.lag) * (other.calls - one.calls)


def _curve(one: Corner, other: Corner, lag: float) -> float:
    """
    Return the calls between two corners, by Hermite's cubic in the logarithms, within chord and lines.

    Source: Fritsch and Carlson, "Monotone Piecewise Cubic Interpolation", SIAM J. Numer. Anal. 17 (1980).
    """
    lines = [
        corner.calls - (lag - corner.lag) / corner.call_cost for corner in (one, other) if corner.call_cost
    ]
    least, most = max([1.0, *lines]), _chord(one, other, lag)
    if not one.lag or not one.call_cost:
        return most
    width = math.log(other.lag / one.lag)
    x = math.log(lag / one.lag) / width
    slopes = [-width * corner.lag / (corner.calls * corner.call_cost) for corner in (one, other)]
    curve = (
        (1 + 2 * x) * (1 - x) ** 2 * math.log(one.calls)
        + x * (1 - x) ** 2 * slopes[0]
        + x**2 * (3 - 2 * x) * math.log(other.calls)
        + x**2 * (x - 1) * slopes[1]
    )
    return min(max(math.exp(curve), least), most)
