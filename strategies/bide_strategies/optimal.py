"""The optimum for durations that are known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bide.durations import MAX_SECONDS, Seconds
from bide.errors import ConfigError, Problem, shown
from bide.files import located
from bide.inline import format_inline
from bide.rules import Number, seconds, such_as
from bide.strategy import Situation
from bide.target import target_among, targets_of

if TYPE_CHECKING:
    from bide.learn import Table

# Jobs that outlast all that is known are looked at this often at the least, in seconds, or once in that time.
_RARELY = 3600.0

# What an error shows where nobody says how long jobs take, or what a call is worth.
_EXAMPLE = "optimal(durations='lognormal(60s, 0.5)', call_cost=1s)"


def _in_one_line(durations: str | Mapping[str, Any]) -> str:
    """Return durations as text, from a table as config has it; a file is named as seen from here."""
    if isinstance(durations, str):
        return durations
    if not isinstance(durations, Mapping):
        rule = "must be text such as 'lognormal(60s, 0.5)', or a table"
        raise ConfigError(Problem(f"{rule}, got {shown(durations)}", ("durations",)))
    table = dict(durations)
    if "samples" in table:
        table = {"kind": "samples", "file": table.pop("samples"), **table}
    if "file" in table:
        table["file"] = located(str(table["file"]))
    return format_inline(table)


@frozen(kw_only=True)
class Optimal:
    """
    Look when it pays: as is best where it is known how long jobs take.

    Of a job that is known to run after so many seconds it tells when to look next, so that
    call_cost * calls + lag is the least there is on average. The plan is made once, when the strategy is.
    Beyond the longest known duration the delays double. What a call is worth is said in exactly one way.

    Args:
        durations: how long jobs take: in one line, such as ``lognormal(60s, 0.5)``, or as a table; or a table
            with ``samples``, a CSV or JSON file of measured durations, and its ``column``, if it has several.
        call_cost: seconds of lag that saving one call is worth; > 0.
        mean_lag: the mean lag that is wanted, in seconds, with as few calls as that allows; > 0.
        calls: the mean calls per job that are wanted, with as little lag as that allows; >= 1.

    Raises:
        ConfigError: the durations are none, their file cannot be read, or no plan does what is wanted.
        ImportError: the extra ``learn`` is not installed.

    Source: Barlow, Hunter and Proschan, "Optimum Checking Procedures", J. SIAM 11 (1963).
    """

    durations: Any = field(converter=_in_one_line, metadata=such_as(_EXAMPLE))
    call_cost: Seconds | None = field(default=None, validator=seconds(above=0, optional=True))
    mean_lag: Seconds | None = field(default=None, validator=seconds(above=0, optional=True))
    calls: float | None = field(default=None, validator=Number(least=1, optional=True))
    _table: Any = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        target_among(targets_of(self), _EXAMPLE)
        table = _table(self.durations, self.call_cost, self.mean_lag, self.calls)
        object.__setattr__(self, "_table", table)

    @property
    def ceiling(self) -> float:
        """The greatest delay, in seconds: an hour, or all the time that is known."""
        return float(self._table.ceiling)

    def delay(self, situation: Situation, u: float) -> float:
        """Return the time that is left to the next look at a job that still runs."""
        delay: float = self._table.delay(situation.elapsed)
        return delay


@lru_cache(64)
def _table(durations: str, call_cost: float | None, mean_lag: float | None, calls: float | None) -> Table:
    from bide.lab.workloads import find_workload
    from bide.learn import plan_for, table_of

    try:
        known = find_workload(durations).durations
    except ConfigError as error:
        raise ConfigError(Problem(str(each), ("durations",)) for each in error.problems) from error
    plan = plan_for(known, call_cost=call_cost, mean_lag=mean_lag, calls=calls)
    return table_of(plan, min(max(_RARELY, plan.times[-1]), MAX_SECONDS))
