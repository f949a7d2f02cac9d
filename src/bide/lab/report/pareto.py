"""The chart of calls against lag, with the least calls that are possible at each lag; drawn by Altair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from bide.lab.columns import columns, sees_the_end
from bide.lab.comparison import Frontier, Result, WorkloadResults
from bide.lab.figures import is_number, unit_for
from bide.lab.report.plane import Plane, Rows, shortest_lag
from bide.lab.report.symbols import Symbol
from bide.lab.report.vega import INK

MULTIPLES = (1, 2, 5, 10, 20)
"""The multiples of the least possible calls that are drawn."""

MOST_GIVEN_UP = 0.5
"""Who gives up on this share of the jobs, or on more, is not drawn."""

_TOLD = ("excess", "calls", "least", "lag mean", "lag p95", "gave up")
_LABEL = 28  # characters
_FADED = "picked && datum.strategy !== picked"


def pareto(workload: WorkloadResults, symbols: Mapping[str, Symbol], *, legend: bool) -> alt.LayerChart:
    """
    Return the chart of an arranged workload.

    Its parameter ``picked`` is the name of the strategy to bring forward, or empty.

    Args:
        workload: whose results to draw.
        symbols: of all strategies, by name.
        legend: whether to list them beside the chart.
    """
    results = [result for result in workload.results if has_place(result)]
    plane = Plane.around(results, workload.mean, unit_for(workload.mean))
    rows = _rows(results, plane)
    points = _points(rows, plane, symbols, legend=legend).add_params(alt.param(name="picked", value=""))
    return alt.LayerChart(
        layer=[*_frontier(workload.frontier, plane), _stems(rows, plane), points],
        description=f"Calls per job against mean lag, for each strategy, on {workload.name}",
    )


def has_place(result: Result) -> bool:
    """Say whether a result has a place in the chart: not if its lag is that of a few jobs, or of none."""
    return is_number(result.lag_mean) and result.timed_out < MOST_GIVEN_UP


def has_no_lag(result: Result, workload: WorkloadResults) -> bool:
    """Say whether a result stands at the edge of the chart: no lag has no logarithm."""
    return result.lag_mean <= shortest_lag(workload.mean)


def _rows(results: Sequence[Result], plane: Plane) -> Rows:
    told, together = columns(results, plane.unit), _together(results)
    return [
        {
            "strategy": result.strategy,
            "lag": plane.place(result.lag_mean),
            "calls": result.calls,
            "least": result.optimal_calls,
            "sees_the_end": sees_the_end(result),
            "label": _label(together[index]) if result.strategy == together[index][0] else "",
            "told": {
                "title": ", ".join(together[index]),
                **{name: told[name].with_unit(index) for name in _TOLD if name in told},
            },
        }
        for index, result in enumerate(results)
    ]


def _label(names: Sequence[str]) -> str:
    """Return what to write beside a mark: the first of its names, and how many there are more."""
    first = names[0] if len(names[0]) <= _LABEL else f"{names[0][: _LABEL - 1]}…"
    return first if len(names) == 1 else f"{first} +{len(names) - 1}"


def _together(results: Sequence[Result]) -> list[list[str]]:
    """Return for each result the names of all that stand at its place."""
    places = [(f"{result.calls:.3g}", f"{result.lag_mean:.3g}") for result in results]
    names: dict[tuple[str, str], list[str]] = {}
    for place, result in zip(places, results, strict=True):
        names.setdefault(place, []).append(result.strategy)
    return [names[place] for place in places]


def _frontier(frontier: Frontier, plane: Plane) -> list[alt.Chart]:
    """Return the least possible as a line, its multiples, and below it the ground that none reaches."""
    lines = {factor: plane.line(frontier, factor) for factor in MULTIPLES}
    return [
        _ground(lines[1], plane),
        _line(lines[1], plane, strokeWidth=2),
        *(_line(lines[factor], plane, strokeDash=[2, 3], opacity=0.45) for factor in MULTIPLES[1:]),
        _words(lines, plane),
    ]


def _ground(line: Rows, plane: Plane) -> alt.Chart:
    """Fill what lies below the line, also where it runs above the plane."""
    begins_above = line[:1] and math.isclose(line[0]["calls"], plane.calls.most)
    rows = [{"lag": plane.lag.least, "calls": plane.calls.most}, *line] if begins_above else line
    ground = alt.Chart(alt.InlineData(rows)).mark_area(color=INK, opacity=0.06)
    drawn: alt.Chart = ground.encode(x=plane.x(), y=plane.y(), y2=alt.datum(plane.calls.least))
    return drawn


def _line(line: Rows, plane: Plane, **style: Any) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(line))
        .mark_line(color=INK, **{"strokeWidth": 1, **style})
        .encode(x=plane.x(), y=plane.y())
    )
    return drawn


def _words(lines: Mapping[int, Rows], plane: Plane) -> alt.Chart:
    """Return at the end of each line what it is."""
    names = {factor: f"\N{MULTIPLICATION SIGN}{factor}" for factor in lines} | {1: "least possible"}
    rows = [{"text": names[factor], **line[-1]} for factor, line in lines.items() if line]
    words = alt.Chart(alt.InlineData(rows), name="words").mark_text(
        color=INK, opacity=0.7, align="right", baseline="top", dx=-3, dy=3, fontSize=11
    )
    drawn: alt.Chart = words.encode(x=plane.x(), y=plane.y(), text="text:N")
    return drawn


def _stems(rows: Rows, plane: Plane) -> alt.Chart:
    """Return a line from the strategy that is picked down to the least possible: its length is the excess."""
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData([row for row in rows if row["least"] is not None]))
        .mark_rule(color=INK, strokeWidth=1.5)
        .encode(
            x=plane.x(),
            y=plane.y(),
            y2="least:Q",
            opacity=alt.condition("datum.strategy === picked", alt.value(0.8), alt.value(0)),
        )
    )
    return drawn


def _points(rows: Rows, plane: Plane, symbols: Mapping[str, Symbol], *, legend: bool) -> alt.Chart:
    names = list(symbols)
    colours = alt.Scale(domain=names, range=[symbols[name].colour for name in names])
    shapes = alt.Scale(domain=names, range=[symbols[name].shape for name in names])
    key = alt.Legend(title=None, columns=1, symbolLimit=0, labelLimit=220) if legend else None
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(rows), name="strategies")
        .mark_point(size=110, strokeWidth=1.5, opacity=1, tooltip=alt.TooltipContent("data"))
        .encode(
            x=plane.x(),
            y=plane.y(),
            shape=alt.Shape("strategy:N", scale=shapes, legend=key),
            stroke=alt.Stroke("strategy:N", scale=colours, legend=key),
            fill=alt.Fill("strategy:N", scale=colours, legend=key),
            fillOpacity=alt.condition("datum.sees_the_end", alt.value(0.85), alt.value(0)),
            opacity=alt.condition(_FADED, alt.value(0.2), alt.value(1)),
        )
    )
    return drawn
