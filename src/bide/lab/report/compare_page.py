"""The page of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bide.lab.columns import (
    arranged,
    columns,
    compared,
    lag_unit,
    least_possible,
    sees_the_end,
    strategies_of,
)
from bide.lab.comparison import Comparison, Result, WorkloadResults
from bide.lab.figures import durations_in_words, format_number, format_share, unit_for
from bide.lab.report.learning import learning_curves
from bide.lab.report.page import Page
from bide.lab.report.pareto import has_no_lag, has_place, pareto
from bide.lab.report.strips import strips
from bide.lab.report.symbols import Symbol, symbols_for
from bide.lab.report.table import bar_share, table
from bide.lab.report.vega import Spec, to_vega


def compare_page(comparison: Comparison, *, setting: Mapping[str, str], notes: Sequence[str] = ()) -> str:
    """
    Return the page of a comparison as HTML.

    Args:
        comparison: what was found.
        setting: what the figures depend on, by name; told at the foot.
        notes: on all that was compared, a sentence each.

    Raises:
        ImportError: what draws charts is not installed.
    """
    comparison = arranged(comparison)
    marks = symbols_for(strategies_of(comparison))
    workloads = {f"workload-{n}": each for n, each in enumerate(comparison.workloads, start=1)}
    page = Page(
        title=_title(len(marks), len(workloads)),
        command="bide compare",
        setting=setting,
        charts={id_: spec for name, each in workloads.items() for id_, spec in _charts(name, each, marks)},
    )
    return page.html(
        "compare.html",
        notes=notes,
        workloads=[_workload(id_, each, marks) for id_, each in workloads.items()],
        overview=_overview(comparison, marks) if len(workloads) > 1 else [],
    )


def _title(strategies: int, workloads: int) -> str:
    subject = "one strategy costs" if strategies == 1 else f"{strategies} strategies cost"
    return f"What {subject} on {'one workload' if workloads == 1 else f'{workloads} workloads'}"


def _charts(id_: str, workload: WorkloadResults, marks: Mapping[str, Symbol]) -> list[tuple[str, Spec]]:
    plane = pareto(workload, marks, legend=False).properties(height=440)
    charts = [(f"{id_}-pareto", to_vega(plane)), (f"{id_}-strips", to_vega(strips(workload, marks)))]
    if workload.learning:
        charts.append((f"{id_}-learning", to_vega(learning_curves(workload, marks))))
    return charts


def _workload(id_: str, workload: WorkloadResults, marks: Mapping[str, Symbol]) -> dict[str, Any]:
    """Return what the template says of a workload."""
    least, ranked = least_possible(workload), compared(workload)
    timely = [result for result in ranked if not _one_call_does(result)] or ranked
    best, worst = (
        (_in_words(ends[at], ranked) if ends else None) for ends, at in ((timely, 0), (ranked, -1))
    )
    rows = [*([least.result] if least else []), *workload.results]
    pale = {result.strategy for result in rows if not sees_the_end(result)}
    names = [result.strategy for result in rows]
    return {
        "id": id_,
        "name": workload.name,
        "durations": durations_in_words(workload),
        "best": best,
        "worst": worst if worst != best else None,
        "table": table(names, columns(rows, lag_unit(rows)), marks, pale=pale, bars="excess"),
        "beside": least.beside if least else None,
        "hollow": any(has_place(result) and result.strategy in pale for result in workload.results),
        "no_lag": any(has_place(result) and has_no_lag(result, workload) for result in workload.results),
        "pale": pale,
        "learns": bool(workload.learning),
        "missing": [result.strategy for result in workload.results if not has_place(result)],
    }


def _one_call_does(result: Result) -> bool:
    """Say whether a single call would have no longer lag than these, so that the excess tells little."""
    return result.optimal_calls is not None and result.optimal_calls <= 1.0 < result.calls


def _in_words(result: Result, ranked: Sequence[Result]) -> dict[str, Any]:
    """Return what is said of a result, and who all have such figures."""
    figures = _figures(result)
    names = [each.strategy for each in ranked if _figures(each) == figures]
    return {"strategies": names, "figures": figures}


def _figures(result: Result) -> str:
    unit = unit_for(result.lag_mean)
    lag = f"{result.lag_mean / unit.seconds:.3g} {unit.name}"
    return f"{result.calls:.3g} calls at a mean lag of {lag}, {result.excess:.2f} times the least"


def _overview(comparison: Comparison, marks: Mapping[str, Symbol]) -> list[dict[str, Any]]:
    """Return the excess of each strategy on each workload; the least, in the geometric mean, first."""
    found = [{result.strategy: result for result in each.results} for each in comparison.workloads]
    rows = {name: [results[name] for results in found] for name in marks}
    greatest = max((excess for row in rows.values() for excess in _ranked(row)), default=1.0)
    return [
        {
            "strategy": name,
            "symbol": marks[name],
            "cells": [_glance(result, greatest) for result in rows[name]],
        }
        for name in sorted(rows, key=lambda name: _rank(rows[name]))
    ]


def _ranked(row: Sequence[Result]) -> list[float]:
    return [result.excess for result in row if result.excess is not None and sees_the_end(result)]


def _rank(row: Sequence[Result]) -> tuple[int, float]:
    logarithms = [math.log(excess) for excess in _ranked(row)]
    return len(row) - len(logarithms), sum(logarithms) / max(1, len(logarithms))


def _glance(result: Result, greatest: float) -> dict[str, Any]:
    if not sees_the_end(result):
        return {"text": f"gave up {format_share(result.timed_out)}", "value": ""}
    share = round(0.7 * bar_share(result.excess, greatest))
    value = "" if result.excess is None else result.excess
    return {"text": format_number(result.excess, 2), "value": value, "share": share}
