"""The figures of a workload as columns of text, for the terminal and for the page alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import attrs
from attrs import frozen

from bide.lab.comparison import Comparison, Result, WorkloadResults
from bide.lab.figures import (
    Unit,
    decimals_for,
    format_error,
    format_number,
    format_share,
    is_number,
    unit_for,
)

GIVES_UP = 0.01
"""The share of jobs given up on above which a strategy is set apart from those that wait for the end."""


@frozen(kw_only=True)
class Figure:
    """
    What a column tells.

    Args:
        name: what tables call it.
        about: what it is, in a clause.
        kind: ``count``, ``time`` or ``share``.
        essential: whether it is shown where there is little room.
    """

    name: str
    about: str
    kind: str = "count"
    essential: bool = False


@frozen
class _Field:
    """The field of a `Result` that holds a figure, and that of its standard error, if it has one."""

    value: str
    figure: Figure
    error: str | None = None


_FIELDS = (
    _Field(
        "excess",
        Figure(
            name="excess",
            about="calls, as a multiple of the least possible at the same mean lag",
            essential=True,
        ),
    ),
    _Field("calls", Figure(name="calls", about="status requests per job", essential=True), "calls_se"),
    _Field("optimal_calls", Figure(name="least", about="the least calls possible at the same mean lag")),
    _Field(
        "lag_mean",
        Figure(
            name="lag mean",
            about="from a job's end to the answer that showed it, in the mean",
            kind="time",
            essential=True,
        ),
        "lag_se",
    ),
    _Field(
        "lag_p95",
        Figure(name="lag p95", about="the lag that 95 % of the jobs do not exceed", kind="time"),
    ),
    _Field("lag_p99", Figure(name="lag p99", about="the lag that 99 % do not exceed", kind="time")),
    _Field("calls_p95", Figure(name="calls p95", about="the calls that 95 % of the jobs do not exceed")),
    _Field("calls_max", Figure(name="calls max", about="the most calls that one job can take")),
    _Field(
        "within",
        Figure(name="in time", about="jobs with a lag within the target", kind="share", essential=True),
    ),
    _Field(
        "timed_out",
        Figure(name="gave up", about="jobs whose end was not seen", kind="share", essential=True),
    ),
)


@frozen(kw_only=True)
class Column:
    """
    One figure of each row of a table, as text.

    Args:
        figure: what it tells.
        unit: of its times; empty for what is no time.
        cells: the figure of each row.
        values: the same as numbers, to sort by; None where there is none.
        errors: the standard errors that are large enough to be seen; the others are empty.
    """

    figure: Figure
    unit: str
    cells: tuple[str, ...]
    values: tuple[float | None, ...]
    errors: tuple[str, ...]

    @property
    def heading(self) -> str:
        """What stands above it, in two lines if it has two words, and its unit."""
        name = self.figure.name.replace(" ", "\n", 1)
        return f"{name}, {self.unit}" if self.unit else name

    def with_unit(self, index: int) -> str:
        """Return one of its cells as it may stand alone."""
        return f"{self.cells[index]} {self.unit}" if self.unit else self.cells[index]


def sees_the_end(result: Result) -> bool:
    """Say whether a strategy waits for the end of all jobs, but for a few."""
    return result.timed_out <= GIVES_UP


def arranged(comparison: Comparison) -> Comparison:
    """Return a comparison with those that give up after those that do not, each in their order."""
    return Comparison(workloads=tuple(map(_arranged, comparison.workloads)))


def _arranged(workload: WorkloadResults) -> WorkloadResults:
    in_order = sorted(workload.results, key=sees_the_end, reverse=True)
    return attrs.evolve(workload, results=tuple(in_order))


def strategies_of(comparison: Comparison) -> list[str]:
    """Return the names of all strategies, each as often as it was compared."""
    return [result.strategy for workload in comparison.workloads for result in workload.results]


def compared(workload: WorkloadResults) -> list[Result]:
    """Return the results that can be set against each other: those that see the end, and have an excess."""
    return [result for result in workload.results if result.excess is not None and sees_the_end(result)]


@frozen(kw_only=True)
class LeastPossible:
    """
    The optimum, as a row for the tables.

    Args:
        result: what it costs, named as in the table.
        beside: the strategy at whose mean lag it is.
    """

    result: Result
    beside: str


def least_possible(workload: WorkloadResults) -> LeastPossible | None:
    """
    Return the optimum at the lag of one of the strategies, or None if nothing can be compared.

    Of all lags it is the one in the middle, so that the figures are of the size of the others. Where all give
    up, so does the optimum, on as many jobs as the one that it stands beside.
    """
    known = [result for result in workload.results if result.excess is not None]
    by_lag = sorted(compared(workload) or known, key=lambda result: result.lag_mean)
    if not by_lag:
        return None
    middle = by_lag[(len(by_lag) - 1) // 2]
    return LeastPossible(result=_optimum(middle), beside=middle.strategy)


def _optimum(result: Result) -> Result:
    """Return what the optimum costs at the mean lag of a result; of the rest, nothing is known."""
    least = math.nan if result.optimal_calls is None else result.optimal_calls
    unknown = dict.fromkeys(("calls_p95", "calls_max", "lag_p50", "lag_p95", "lag_p99"), math.nan)
    return attrs.evolve(
        result,
        strategy="least possible",
        calls=least,
        excess=1.0,
        calls_se=0.0,
        lag_se=0.0,
        within=None,
        timed_out=0.0 if sees_the_end(result) else result.timed_out,
        schedule=(),
        **unknown,
    )


def lag_unit(results: Sequence[Result]) -> Unit:
    """Return the unit in which to tell the lags: that of the middle, by ratio, of the least and the most."""
    lags = [result.lag_mean for result in results if result.lag_mean > 0]
    return unit_for(math.sqrt(min(lags)) * math.sqrt(max(lags)) if lags else 1.0)


def columns(results: Sequence[Result], unit: Unit) -> dict[str, Column]:
    """
    Return the columns of results, by the name of their figure, with a cell for each result.

    Those that say nothing are left out: shares that are all 0, or that nobody asked for.
    """
    found = [(each.value, _column_of(each, results, unit)) for each in _FIELDS]
    return {column.figure.name: column for field, column in found if _says(field, column)}


def _says(field: str, column: Column) -> bool:
    known = [value for value in column.values if value is not None]
    return column.figure.kind != "share" or any(known) or (bool(known) and field == "within")


def _column_of(field: _Field, results: Sequence[Result], unit: Unit) -> Column:
    values = [getattr(result, field.value) for result in results]
    errors = [getattr(result, field.error) if field.error else None for result in results]
    return column(field.figure, values, unit, errors)


def column(
    figure: Figure, values: Sequence[float | None], unit: Unit, errors: Sequence[float | None] | None = None
) -> Column:
    """
    Return a column.

    Args:
        figure: what it tells.
        values: the figure of each row; times in seconds.
        unit: in which to tell times.
        errors: the standard error of each, if there are any.
    """
    scale = unit.seconds if figure.kind == "time" else 1.0
    scaled = [_scaled(value, scale) for value in values]
    decimals = decimals_for(scaled)
    form = format_share if figure.kind == "share" else partial(format_number, decimals=decimals)
    return Column(
        figure=figure,
        unit=unit.name if figure.kind == "time" else "",
        cells=tuple(map(form, scaled)),
        values=tuple(scaled),
        errors=tuple(
            format_error(_scaled(error, scale), decimals) for error in errors or [None] * len(scaled)
        ),
    )


def _scaled(value: float | None, scale: float) -> float | None:
    return value / scale if is_number(value) else None
