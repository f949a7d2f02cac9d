"""The chart of learning: how far from the least possible a strategy is after ever more jobs; by Altair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from bide.lab.comparison import Learning, WorkloadResults
from bide.lab.figures import format_number
from bide.lab.report.symbols import Symbol

_FADED = alt.condition("picked && datum.strategy !== picked", alt.value(0.25), alt.value(1))


def learning_curves(workload: WorkloadResults, symbols: Mapping[str, Symbol]) -> alt.LayerChart:
    """
    Return the excess of those that learn, against the jobs that they learned from.

    Its parameter ``picked`` is the name of the strategy to bring forward, or empty.

    Args:
        workload: whose learning to draw.
        symbols: of all strategies, by name.
    """
    colours = alt.Scale(domain=list(symbols), range=[symbol.colour for symbol in symbols.values()])
    curves = alt.Chart(alt.InlineData(_rows(workload.learning))).encode(
        x=alt.X("jobs:O", title="jobs that it learned from", axis=alt.Axis(labelAngle=0)),
        y=alt.Y(
            "excess:Q", title="excess", scale=alt.Scale(type="log", domainMin=1), axis=alt.Axis(format="~g")
        ),
        color=alt.Color("strategy:N", legend=None, scale=colours),
        opacity=_FADED,
    )
    points = curves.mark_point(filled=True, size=50, tooltip=alt.TooltipContent("data"))
    return alt.LayerChart(
        layer=[
            curves.mark_line(),
            points.add_params(alt.param(name="picked", value="")),
        ],
        height=200,
        description=f"Excess after ever more jobs, on {workload.name}",
    )


def _rows(learning: Sequence[Learning]) -> list[dict[str, Any]]:
    return [
        {
            "strategy": each.result.strategy,
            "jobs": each.jobs,
            "excess": each.result.excess,
            "told": {
                "title": each.result.strategy,
                "jobs": str(each.jobs),
                "excess": format_number(each.result.excess, 2),
                "calls": format_number(each.result.calls, 3),
            },
        }
        for each in learning
        if each.result.excess is not None
    ]
