"""The chart of schedules: when each strategy looks, over the durations of the jobs; drawn by Altair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from bide.lab.columns import sees_the_end
from bide.lab.comparison import Result, WorkloadResults
from bide.lab.figures import Unit, unit_for
from bide.lab.report.symbols import Symbol
from bide.lab.report.vega import INK

MOST_POLLS = 200
"""How many polls a schedule holds at most: one that long goes on."""

_ROW = 29  # pixels: a name, and below it a line of ticks
_FADED = alt.condition("picked && datum.strategy !== picked", alt.value(0.25), alt.value(1))


def strips(workload: WorkloadResults, symbols: Mapping[str, Symbol]) -> alt.LayerChart:
    """
    Return the chart of the schedules of a workload, one row for each strategy, in the order of its results.

    Its parameter ``picked`` is the name of the strategy to bring forward, or empty.

    Args:
        workload: whose results to draw.
        symbols: of all strategies, by name.
    """
    unit = unit_for(workload.mean)
    quantiles = [quantile / unit.seconds for quantile in workload.quantiles]
    longest = quantiles[-1] * 1.15
    rows = alt.Chart(alt.InlineData([_row(result, unit, longest) for result in workload.results])).encode(
        y=alt.Y("strategy:N", sort=None, title=None, axis=None), opacity=_FADED
    )
    time = _time(longest, unit)
    layers = [
        *_durations(quantiles, time),
        _names(rows),
        _ends(rows, time),
        _polls(rows, time, unit, symbols),
    ]
    return alt.LayerChart(
        layer=layers,
        height=alt.Step(_ROW),
        description=f"When each strategy polls, over the durations of {workload.name}",
    )


def _row(result: Result, unit: Unit, longest: float) -> dict[str, Any]:
    """Return a schedule as far as it is shown, and a sign for how it goes on; when, if that is far off."""
    times = [float(f"{time / unit.seconds:.4g}") for time in result.schedule]
    sign = "…" if len(times) == MOST_POLLS else "" if sees_the_end(result) else "\N{BALLOT X}"
    shown = [time for time in times if time <= longest]
    if len(shown) < len(times):
        far = max(shown, default=0.0) < longest / 2
        sign = f"… {times[len(shown)]:.3g} {unit.name}" if far else "…"
    return {
        "strategy": result.strategy,
        "times": shown,
        "time": max(shown, default=0.0),
        "sign": sign,
    }


def _time(longest: float, unit: Unit) -> alt.X:
    return alt.X(
        "time:Q",
        title=f"time since the start of the wait, {unit.name}",
        scale=alt.Scale(domain=[-longest / 100, longest], nice=False),  # room for a tick at 0
        axis=alt.Axis(grid=False, orient="top", tickCount=10),
    )


def _durations(quantiles: list[float], time: alt.X) -> list[alt.Chart]:
    """Return bands that hold nine in ten, and half, of the durations, and a line at their median."""
    q05, q25, median, q75, q95 = quantiles
    bands = alt.Chart(alt.InlineData([{"time": q05, "end": q95}, {"time": q25, "end": q75}]))
    line = alt.Chart(alt.InlineData([{"time": median}]))
    return [
        bands.mark_rect(color=INK, opacity=0.07).encode(x=time, x2="end"),
        line.mark_rule(color=INK, opacity=0.6, strokeDash=[4, 3]).encode(x=time),
    ]


def _names(rows: alt.Chart) -> alt.Chart:
    text = rows.mark_text(color=INK, align="left", baseline="bottom", dx=3, fontSize=11)
    names: alt.Chart = text.encode(x=alt.value(0), text="strategy:N")
    return names


def _ends(rows: alt.Chart, time: alt.X) -> alt.Chart:
    """Return a sign behind the last tick of those schedules that stop there, or were cut there."""
    text = rows.mark_text(color=INK, align="left", dx=5, dy=7, fontSize=10)
    ends: alt.Chart = text.encode(x=time, text="sign:N")
    return ends


def _polls(rows: alt.Chart, time: alt.X, unit: Unit, symbols: Mapping[str, Symbol]) -> alt.Chart:
    colours = alt.Scale(domain=list(symbols), range=[symbol.colour for symbol in symbols.values()])
    told = f"{{title: datum.strategy, poll: datum.poll, at: format(datum.time, '.3~g') + ' {unit.name}'}}"
    polls: alt.Chart = (
        rows.transform_flatten(["times"], ["time"])
        .transform_window(poll="row_number()", groupby=["strategy"])
        .transform_calculate(told=told)
        .mark_tick(thickness=2, height=9, yOffset=7, tooltip=alt.TooltipContent("data"))
        .encode(x=time, color=alt.Color("strategy:N", legend=None, scale=colours))
        .add_params(alt.param(name="picked", value=""))
    )
    return polls
