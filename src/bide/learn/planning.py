"""From how long jobs take to when to look: a plan for what the user asks, and its form at run time."""

from __future__ import annotations

import bisect
import math
from array import array
from collections.abc import Callable, Mapping

from attrs import field, frozen

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError, Problem, shown
from bide.lab.distribution import Distribution
from bide.lab.optimum import Plan, Planner
from bide.rules import Number, seconds
from bide.target import target_among

# A table has at most so many rows, of 16 bytes each; with the curious one there are twice as many.
_MOST_ROWS = 3072

# Beyond the longest known duration, the time since then grows by this factor from look to look.
_GROWTH = 2.0

# The first delay beyond, in seconds, at the least: jobs of no duration leave no other.
_LEAST_GAP = 1e-3

# No delay is less than this part of what a call is worth, nor than the time so far. A look that comes sooner
# gains less lag than that, of the few jobs that are believed to run on, and costs a call each time.
_SOON = 0.25

# A call is worth no more than so many mean durations, and no plan makes more calls than so many.
_GREATEST_COST, _MOST_CALLS = 1e4, 500.0

# Where only rare sorts of jobs are left, looks are no closer together than this part of the time since.
_FINE = 0.125

# A target is met so nearly, as a share, or the worth of a call is, which says as much: where calls are many,
# the share goes with its root.
_NEAR, _NARROW = 0.01, 0.02

# The slope there is taken for between these parts of what it is where calls are many.
_FLAT, _STEEP = 0.1, 3.0

# What has a logarithm in the place of 0.
_NOTHING = 1e-300

# So many seconds, and such a share of the time, are nothing to wait for.
_AT_ONCE, _ROUNDING = 1e-6, 1e-9


@frozen(kw_only=True)
class Table:
    """
    When to look at a job that is known to run: what a strategy needs of a plan, with nothing to compute.

    Beyond the end the delays grow geometrically.

    Args:
        known: times at which a job may be known to run, in seconds, ascending, from 0.
        looks: when to look next, at each of them or later, up to the next.
        gap: the delay at the end, in seconds; > 0.
        least: no delay is less, nor than the time so far, in seconds.
        sure: until then delays are as planned, in seconds; beyond, none is longer than the time so far, nor
            much shorter.
        ceiling: the greatest delay, in seconds; > 0.
        curious: earlier looks, for what is learned from them.
        share: of the looks that are so, from 0 to 1.
    """

    known: array[float] = field(repr=False, eq=tuple)
    looks: array[float] = field(repr=False, eq=tuple)
    gap: float
    least: float = 0.0
    sure: float = math.inf
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
        if reached + planned > self.sure:
            planned = min(max(planned, _FINE * (elapsed - self.sure)), max(elapsed, self.sure - elapsed))
        # Comparisons, not min and max, which cost a call each at every poll.
        least = self.least if self.least < elapsed else elapsed
        planned = planned if planned > least else least
        return planned if planned < self.ceiling else self.ceiling


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
    begins = _rows(len(plan.known))
    # The last look of the rows that are joined: it comes after all times for which they hold.
    looks = [plan.looks[end - 1] for end in (*begins[1:], len(plan.known))]
    end = plan.times[-1]
    last = end - (plan.times[-2] if len(plan.times) > 1 else 0.0)
    return Table(
        known=array("d", [plan.known[begin] for begin in begins]),
        looks=array("d", looks),
        gap=max(last, min(plan.call_cost, end), _LEAST_GAP),
        least=_SOON * plan.call_cost,
        ceiling=ceiling,
        curious=table_of(curious, ceiling) if curious else None,
        share=share,
    )


def _rows(count: int) -> list[int]:
    """Return which rows begin those of a table: all at first, while many jobs run, and then one in a few."""
    whole = min(count, _MOST_ROWS // 2)
    step = max(1, -(-(count - whole) // (_MOST_ROWS - whole)))
    return [*range(whole), *range(whole, count, step)]


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
    target = {"call_cost": call_cost, "mean_lag": mean_lag, "calls": calls}
    return nearest_plan(durations, target, missed=_refuse)


def nearest_plan(
    durations: Distribution, target: Mapping[str, float | None], *, missed: Callable[[ConfigError], None]
) -> Plan:
    """
    Return the plan that does what is asked, or what comes nearest to it.

    Args:
        durations: how long jobs take.
        target: what is asked, as `plan_for` takes it.
        missed: is told what plans can do, if none does what is asked.

    Raises:
        ConfigError: not exactly one thing is asked, or it is no positive number.
    """
    name, value = target_among(target)
    if not Number(above=0).holds(value):
        raise ConfigError(Problem(f"{Number(above=0)}, got {shown(value)}", (name,)))
    planner = Planner.of(durations)
    if name == "call_cost":
        return planner.plan(float(value))
    figure, *_, unit = _FIGURES[name]
    plan = _nearest(planner, name, value)
    if figure(plan) > value * (1 + _NEAR):
        least, most = sorted(figure(planner.plan(cost)) for cost in _extremes(planner))
        rule = f"must be between {least:.4g} and {most:.4g}{unit} for these durations, got {value:g}"
        missed(ConfigError(Problem(rule, (name,))))
    return plan


# What a target is about; how much of it is there however much a call is worth, about; the slope of the
# logarithm of the rest over that of the worth of a call, where calls are many; and its unit.
_FIGURES: dict[str, tuple[Callable[[Plan], float], float, float, str]] = {
    "mean_lag": (lambda plan: plan.lag_mean, 0.0, 0.5, " seconds"),
    "calls": (lambda plan: plan.calls, 2 / 3, -0.5, ""),
}


def _refuse(error: ConfigError) -> None:
    raise error


def _nearest(planner: Planner, name: str, value: float) -> Plan:
    """
    Return the plan that is nearest to a target, and within it if any is.

    It is sought first where it is if calls are many, and by the slope there until there are plans on both
    sides of the target. Then it is where the line between them meets the target; or halfway, if that has led
    to the same side as before.

    Args:
        planner: makes plans.
        name: what the target is about.
        value: the target.
    """
    figure, always, slope, _ = _FIGURES[name]
    least, greatest = (math.log(cost) for cost in _extremes(planner))
    goal = _log(value * (1 - _NEAR / 2) - always)
    spread = planner.points.spread or math.sqrt(planner.durations.mean)
    at = (goal - _log(spread / math.sqrt(2))) / slope
    ends: dict[bool, tuple[float, float, Plan]] = {}
    was_within = None
    while True:
        at = min(max(at, least), greatest)
        plan = planner.plan(math.exp(at))
        reached = figure(plan)
        is_within, error = reached <= value, _log(reached - always) - goal
        last = ends.get(is_within)
        ends[is_within] = (at, error, plan)
        if value * (1 - _NEAR) <= reached <= value or (last and last[0] == at):
            return plan
        if len(ends) == 1:
            steepness = (error - last[1]) / (at - last[0]) / slope if last else 1.0
            at -= error / (slope * min(max(steepness, _FLAT), _STEEP))
        else:
            (beyond, over, _), (within, under, found) = ends[False], ends[True]
            if abs(within - beyond) <= _NARROW:
                return found
            share = 0.5 if is_within == was_within else over / (over - under)
            at = beyond + share * (within - beyond)
        was_within = is_within


def _log(value: float) -> float:
    return math.log(max(value, _NOTHING))


def _extremes(planner: Planner) -> tuple[float, float]:
    """Return the worths of a call for the most calls, and for the fewest."""
    greatest = max(_GREATEST_COST * planner.durations.mean, 1e-9)
    spread = planner.points.spread
    return (spread**2 / (2 * _MOST_CALLS**2) if spread else greatest * 1e-12), greatest
