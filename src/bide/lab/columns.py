"""The figures of a workload as columns of text, for the terminal and for the page alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
)

GIVES_UP = 0.01
"""The share of jobs given up on above which a strategy is set apart from those that wait for the end."""


@frozen(kw_only=True)
class Figure:
    """
    One figure of a result.

    Args:
        name: what tables call it.
        about: what it is, in a clause.
        field: of `Result`, which holds it.
        error: the field that holds its standard error, if it has one.
        kind: ``count``, ``time`` in seconds, or ``share``.
        essential: whether it is shown where there is little room.
    """

    name: str
    about: str
    field: str
    error: str | None = None
    kind: str = "count"
    essential: bool = False


FIGURES = (
    Figure(
        name="excess",
        about="calls, as a multiple of the least possible at the same mean lag",
        field="excess",
        essential=True,
    ),
    Figure(name="calls", about="status requests per job", field="calls", error="calls_se", essential=True),
    Figure(name="least", about="the least calls possible at the same mean lag", field="optimal_calls"),
    Figure(
        name="lag mean",
        about="from a job's end to the answer that showed it, in the mean",
        field="lag_mean",
        error="lag_se",
        kind="time",
        essential=True,
    ),
    Figure(
        name="lag p95",
        about="the lag that 95 % of the jobs do not exceed",
        field="lag_p95",
        kind="time",
        essential=True,
    ),
    Figure(name="lag p99", about="the lag that 99 % do not exceed", field="lag_p99", kind="time"),
    Figure(name="calls p95", about="the calls that 95 % of the jobs do not exceed", field="calls_p95"),
    Figure(name="calls max", about="the most calls that one job can take", field="calls_max"),
    Figure(
        name="in time",
        about="jobs with a lag within the target",
        field="within",
        kind="share",
        essential=True,
    ),
    Figure(
        name="gave up", about="jobs whose end was not seen", field="timed_out", kind="share", essential=True
    ),
)


@frozen(kw_only=True)
class Column:
    """
    One figure of all results of a workload, as text.

    Args:
        figure: which.
        unit: of its times; empty for what is no time.
        cells: the figure of each result.
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
        """What stands above it: the figure and its unit, and in a second line what the figure is of that."""
        what, _, of_that = self.figure.name.partition(" ")
        unit = f", {self.unit}" if self.unit else ""
        return f"{what}{unit}\n{of_that}" if of_that else f"{what}{unit}"

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

    Of all lags it is the one in the middle, so that the figures are of the size of the others.
    """
    by_lag = sorted(compared(workload), key=lambda result: result.lag_mean)
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
        timed_out=0.0,
        schedule=(),
        **unknown,
    )


def columns(results: Sequence[Result], unit: Unit) -> dict[str, Column]:
    """
    Return the columns of results, by the name of their figure, with a cell for each result.

    Those that say nothing are left out: shares that are all 0, or that nobody asked for.
    """
    found = [_column(figure, results, unit) for figure in FIGURES]
    return {column.figure.name: column for column in found if column.figure.kind != "share" or _says(column)}


def _says(column: Column) -> bool:
    known = [value for value in column.values if value is not None]
    return any(known) or (bool(known) and column.figure.field == "within")


def _column(figure: Figure, results: Sequence[Result], unit: Unit) -> Column:
    scale = unit.seconds if figure.kind == "time" else 1.0
    values = [_scaled(getattr(result, figure.field), scale) for result in results]
    errors = [_scaled(getattr(result, figure.error), scale) if figure.error else None for result in results]
    decimals = decimals_for(values)
    return Column(
        figure=figure,
        unit=unit.name if figure.kind == "time" else "",
        cells=tuple(
            format_share(value) if figure.kind == "share" else format_number(value, decimals)
            for value in values
        ),
        values=tuple(values),
        errors=tuple(format_error(error, decimals) for error in errors),
    )


def _scaled(value: float | None, scale: float) -> float | None:
    return value / scale if is_number(value) else None
