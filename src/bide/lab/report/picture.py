"""The charts of a comparison as one picture."""

from __future__ import annotations

import altair as alt
import vl_convert

from bide.lab.columns import arranged, sees_the_end, strategies_of
from bide.lab.comparison import Comparison, WorkloadResults
from bide.lab.figures import durations_in_words
from bide.lab.report.pareto import has_no_lag, has_place, pareto
from bide.lab.report.symbols import symbols_for
from bide.lab.report.vega import styled


def compare_png(comparison: Comparison) -> bytes:
    """
    Return calls against lag on each workload, as a PNG.

    Args:
        comparison: what was found.
    """
    comparison = arranged(comparison)
    drawn = {
        each.strategy for workload in comparison.workloads for each in workload.results if has_place(each)
    }
    symbols = symbols_for(strategies_of(comparison))
    symbols = {name: symbol for name, symbol in symbols.items() if name in drawn}
    charts = [
        pareto(workload, symbols, legend=True).properties(
            width=640,
            height=420,
            title={"text": workload.name, "subtitle": _subtitle(workload), "offset": 12},
        )
        for workload in comparison.workloads
    ]
    chart = styled(alt.concat(*charts, columns=2, spacing=40))
    return vl_convert.vegalite_to_png(chart.properties(background="white", padding=24).to_dict(), scale=2)


def _subtitle(workload: WorkloadResults) -> str:
    drawn = list(filter(has_place, workload.results))
    hollow = " Hollow: gives up on more than 1 % of them." if not all(map(sees_the_end, drawn)) else ""
    no_lag = " At the left edge: no lag." if any(has_no_lag(each, workload) for each in drawn) else ""
    return durations_in_words(workload) + hollow + no_lag
