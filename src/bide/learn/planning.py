"""From how long jobs take to when to look: a plan for what the user asks, and its form at run time."""

from __future__ import annotations

import bisect
import math
from array import array
from collections.abc import Callable

from attrs import field, frozen

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError, Problem, shown
from bide.lab.distribution import Distribution
from bide.lab.optimum import Plan, Planner
from bide.rules import Number, seconds

# A table has at most so many rows, of 16 bytes each.
_MOST_ROWS = 4096

# Beyond the longest known duration, the time since then grows by this factor from look to look.
_GROWTH = 2.0

# The first delay beyond, in seconds, at the least: jobs of no duration leave no other.
_LEAST_GAP = 1e-3

# A call is worth no more than so many mean durations, and no plan makes more calls than so many.
_GREATEST_COST, _MOST_CALLS = 1e4, 500.0

# A target is sought in strides of the worth of a call by this factor; then it is met so nearly, as a share,
# or the worth of a call is.
_STRIDE, _NEAR, _NARROW = 16.0, 5e-3, 1e-3

# So many seconds, and such a share of the time, are nothing to wait for.
_AT_ONCE, _ROUNDING = 1e-6, 1e-9


@frozen(kw_only=True, eq=False)
class Table:
    """
    When to look at a job that is known to run: what a strategy needs of a plan, with nothing to compute.

    Beyond the end the delays grow geometrically.

    Args:
        known: times at which a job may be known to run, in seconds, ascending, from 0.
        looks: when to look next, at each of them or later, up to the next.
        gap: the delay at the end, in seconds; > 0.
        ceiling: the greatest delay, in seconds; > 0.
        curious: earlier looks, for what is learned from them.
        share: of the looks that are so, from 0 to 1.
    """

    known: array[float] = field(repr=False)
    looks: array[float] = field(repr=False)
    gap: float
    ceiling: float = field(default=MAX_SECONDS, validator=seconds(above=0))
    curious: Table | None = field(default=None, repr=False)
    share: float = 0.0

    @property
    def end(self) -> float:
        """The last planned look, in seconds."""
        return self.looks[-1]

    @property
    def nbytes(self) -> int:
        """The size of what it holds, in bytes."""
        own = (len(self.known) + len(self.looks)) * self.known.itemsize
        return own + (self.curious.nbytes if self.curious else 0)

    def delay(self, elapsed: float, u: float = 1.0) -> float:
        """
        Return the seconds to the next look at a job known to run at a time; always > 0.

        Args:
            elapsed: that time, in seconds.
            u: a draw from 0 to 1; below the share, the look is a curious one.
        """
        if u < self.share and self.curious:
            return min(self.curious.delay(elapsed), self.delay(elapsed))
        end = self.looks[-1]
        # A look that is this near has been made: what rounding left of a delay would move no clock.
        reached = elapsed + _AT_ONCE + _ROUNDING * elapsed
        if reached < end:
            planned = self.looks[bisect.bisect_right(self.known, reached) - 1] - elapsed
        else:
            planned = self.gap + (_GROWTH - 1) * (elapsed - end)
        return min(planned, self.ceiling)


def table_of(
    plan: Plan, ceiling: float = MAX_SECONDS, *, curious: Plan | None = None, share: float = 0.0
) -> Table:
    """
    Return a plan in its form at run time.

    Args:
        plan: when to look.
        ceiling: the greatest delay, in seconds; > 0.
        curious: a plan that looks earlier, for what is learned from it.
        share: of the looks that follow it, from 0 to 1.
    """
    step = -(-len(plan.known) // _MOST_ROWS)
    # The last look of the rows that are joined: it comes after all times for which they hold.
    looks = [*plan.looks[step - 1 :: step], plan.looks[-1]][: len(plan.known[::step])]
    gap = max(plan.times[-1] - (plan.times[-2] if len(plan.times) > 1 else 0.0), _LEAST_GAP)
    return Table(
        known=array("d", plan.known[::step]),
        looks=array("d", looks),
        gap=gap,
        ceiling=ceiling,
        curious=table_of(curious, ceiling) if curious else None,
        share=share,
    )


def plan_for(
    durations: Distribution,
    *,
    call_cost: float | None = None,
    mean_lag: float | None = None,
    calls: float | None = None,
) -> Plan:
    """
    Return the plan that does what is asked at the least cost; exactly one thing is asked.

    Args:
        durations: how long jobs take.
        call_cost: seconds of lag that saving one call is worth; > 0.
        mean_lag: the mean lag that is wanted, in seconds; the plan makes as few calls as that allows.
        calls: the mean calls per job that are wanted; the plan has as little lag as that allows.

    Raises:
        ConfigError: not exactly one is given, or no plan can do it; the error names what plans can.
    """
    targets = {"call_cost": call_cost, "mean_lag": mean_lag, "calls": calls}
    given = {name: value for name, value in targets.items() if value is not None}
    if len(given) != 1:
        names = " and ".join(given) or "none"
        raise ConfigError(f"needs exactly one of call_cost, mean_lag and calls, got {names}")
    name, value = given.popitem()
    if not Number(above=0).holds(value):
        raise ConfigError(Problem(f"{Number(above=0)}, got {shown(value)}", (name,)))
    return _SOLVERS[name](Planner.of(durations), float(value))


def _for_mean_lag(planner: Planner, most: float) -> Plan:
    """Return the plan with the fewest calls whose mean lag is at most this."""
    found = _last_within(planner, 1 / _STRIDE, lambda plan: plan.lag_mean / most)
    if found is None:
        many, few = (planner.plan(cost) for cost in _extremes(planner))
        raise _out_of_reach("mean_lag", most, many.lag_mean, few.lag_mean, " seconds")
    return found


def _for_calls(planner: Planner, most: float) -> Plan:
    """Return the plan with the least lag whose mean calls are at most this."""
    found = _last_within(planner, _STRIDE, lambda plan: plan.calls / most)
    if found is None:
        many, few = (planner.plan(cost) for cost in _extremes(planner))
        raise _out_of_reach("calls", most, few.calls, many.calls)
    return found


_SOLVERS: dict[str, Callable[[Planner, float], Plan]] = {
    "call_cost": Planner.plan,
    "mean_lag": _for_mean_lag,
    "calls": _for_calls,
}


def _last_within(planner: Planner, inwards: float, share: Callable[[Plan], float]) -> Plan | None:
    """
    Return the plan that is nearest to a target, and within it; None if there is none.

    Args:
        planner: makes plans.
        inwards: by what to multiply the worth of a call for plans that take less of the target.
        share: how much of the target a plan takes.
    """
    least, greatest = _extremes(planner)
    within = beyond = planner.plan(min(max(planner.durations.mean / _STRIDE, least), greatest))
    while share(within) > 1:
        if within.call_cost == (least if inwards < 1 else greatest):
            return None
        beyond, within = within, planner.plan(min(max(within.call_cost * inwards, least), greatest))
    while share(beyond) <= 1:
        if beyond.call_cost == (greatest if inwards < 1 else least):
            return beyond
        within, beyond = beyond, planner.plan(min(max(beyond.call_cost / inwards, least), greatest))
    return _between(planner, within, beyond, share)


def _between(planner: Planner, within: Plan, beyond: Plan, share: Callable[[Plan], float]) -> Plan:
    """Return the plan between two that is nearest to a target, and within it as the first one is."""
    while share(within) < 1 - _NEAR and abs(math.log(beyond.call_cost / within.call_cost)) > _NARROW:
        middle = planner.plan(math.sqrt(within.call_cost * beyond.call_cost))
        if share(middle) <= 1:
            within = middle
        else:
            beyond = middle
    return within


def _extremes(planner: Planner) -> tuple[float, float]:
    """Return the worths of a call for the most calls, and for the fewest."""
    greatest = max(_GREATEST_COST * planner.durations.mean, 1e-9)
    spread = planner.points.spread
    return (spread**2 / (2 * _MOST_CALLS**2) if spread else greatest * 1e-12), greatest


def _out_of_reach(name: str, value: float, least: float, most: float, unit: str = "") -> ConfigError:
    """Return the error for a target that no plan meets."""
    rule = f"must be between {least:.4g} and {most:.4g}{unit} for these durations, got {value:g}"
    return ConfigError(Problem(rule, (name,)))
