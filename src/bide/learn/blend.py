"""How far what is learned is trusted: against the fallback, and against looking a little earlier."""

from __future__ import annotations

import math

import numpy as np

from bide.durations import MAX_SECONDS
from bide.lab.distribution import Array, Distribution
from bide.lab.distributions import Lognormal
from bide.lab.mixed import Mixture
from bide.lab.optimum import Plan, Planner
from bide.learn.planning import Table, table_of

# With fewer jobs whose end was seen, the fallback is followed.
_FEWEST = 5

# A plan costs more on the next jobs than on those it was made from: as a share, about this over their number.
_FORESIGHT = 4.0

# A curious look is made as if calls cost this part of what they do, and each sort of jobs spread so many
# times wider, if that is not very wide.
_CHEAPER, _WIDER, _VERY_WIDE = 0.5, 2.0, 1.0

# A sort of so many jobs is no rare one; when so small a share of them still runs, all are taken to be over.
_COMMON, _LAST = 3.0, 1e-3

# The share of curious looks, times the root of the number of jobs; and the most.
_CURIOSITY, _MOST_CURIOUS = 1.5, 0.25


def is_trusted(plan: Plan, durations: Distribution, fallback: Array, jobs: float) -> bool:
    """
    Say whether to follow a plan, and not the fallback.

    Args:
        plan: made for the durations that were learned.
        durations: those.
        fallback: the poll times of the fallback, in seconds, ascending; the last comes after all jobs but so
            few that they do not count.
        jobs: how many jobs the durations were learned from.
    """
    if jobs < _FEWEST:
        return False
    return plan.cost * (1 + _FORESIGHT / jobs) < cost_of(fallback, durations, plan.call_cost)


def curious_table(plan: Plan, durations: Distribution, jobs: float, ceiling: float = MAX_SECONDS) -> Table:
    """
    Return a plan in its form at run time, with some looks that come early out of curiosity.

    Between two looks nothing is learned of when jobs end: a plan that is wrong there would stay so.

    Args:
        plan: made for the durations that were learned.
        durations: those.
        jobs: how many jobs they were learned from; the more, the fewer looks are curious.
        ceiling: the greatest delay, in seconds; > 0.
    """
    if not isinstance(durations, Mixture):
        return table_of(plan, ceiling)
    curious = Planner.of(_doubted(durations)).plan(_CHEAPER * plan.call_cost)
    share = min(_CURIOSITY / math.sqrt(max(jobs, 1.0)), _MOST_CURIOUS)
    return table_of(plan, ceiling, curious=curious, share=share)


def sure_until(durations: Mixture, jobs: float) -> float:
    """
    Return until when next to all jobs are over but those of rare sorts, in seconds.

    That nobody ends before one of these is believed of no few jobs: one that took an hour says nothing of the
    next that takes a minute more than the others.

    Args:
        durations: that were learned.
        jobs: how many jobs they were learned from.
    """
    shares = np.array(durations.weights) / sum(durations.weights)
    common = np.flatnonzero(shares * jobs >= min(_COMMON, float(shares.max()) * jobs))
    known = Mixture([durations.weights[part] for part in common], [durations.parts[part] for part in common])
    return float(known.quantile(np.array([1 - _LAST]))[0])


def _doubted(durations: Mixture) -> Mixture:
    """Return durations that spread wider."""
    parts = [
        Lognormal(part.median, max(part.sigma, min(_WIDER * part.sigma, _VERY_WIDE)))
        if isinstance(part, Lognormal)
        else part
        for part in durations.parts
    ]
    return Mixture(durations.weights, parts)


def cost_of(times: Array, durations: Distribution, call_cost: float) -> float:
    """
    Return call_cost * E[calls] + E[lag], in seconds.

    Args:
        times: of the polls, in seconds, ascending; the last comes after all jobs but so few that they do not
            count.
        durations: of the jobs.
        call_cost: seconds of lag that saving one call is worth.
    """
    running = np.append(1.0, durations.survival(times[:-1]))
    waited = np.diff(times, prepend=0.0) @ running
    return float(call_cost * running.sum() + waited - durations.limited_mean(times[-1:])[0])
