"""The chart of the load on a server: calls per second over time; drawn by Altair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
from attrs import frozen

from bide.lab.figures import Unit, unit_for
from bide.lab.herd import HerdResult
from bide.lab.load import resampled
from bide.lab.report.plane import Rows
from bide.lab.report.symbols import Symbol
from bide.lab.report.vega import INK

_BARS = 240
"""How many bars a chart has: each is more than a pixel wide, also on a phone."""


def load_charts(
    results: Sequence[HerdResult], symbols: Mapping[str, Symbol], *, rate: float | None
) -> dict[str, alt.LayerChart]:
    """
    Return a chart for each herd, by its strategy; all have the same axes.

    The parameter ``picked`` of each is the name of the strategy to bring forward, or empty.

    Args:
        results: of the herds.
        symbols: of all strategies, by name.
        rate: calls per second that the server takes; None for any number.
    """
    until = max(result.step * len(result.series) for result in results)
    loads = {each.strategy: resampled(each.series, each.step, until=until, count=_BARS) for each in results}
    # What comes at the very start would press all else down to the line.
    most = max(max(load[1:]) for load in loads.values()) or max(map(max, loads.values()))
    frame = _Frame(until, unit_for(until), 1.05 * max(most, rate or 0.0), rate)
    return {name: frame.chart(name, load, symbols[name].colour) for name, load in loads.items()}


@frozen
class _Frame:
    """What all charts share: until when they go, in which unit, up to how many calls, and the rate."""

    until: float
    unit: Unit
    top: float
    rate: float | None

    def chart(self, name: str, load: Sequence[float], colour: str) -> alt.LayerChart:
        """Return the chart of one herd."""
        rows = self._rows(name, load)
        layers = [self._bars(rows, colour), self._cut(rows)]
        if self.rate is not None:
            layers.append(self._limit(self.rate))
        return alt.LayerChart(layer=layers, height=90, description=f"Calls per second over time: {name}")

    def _rows(self, name: str, load: Sequence[float]) -> Rows:
        part = self.until / len(load) / self.unit.seconds
        return [
            {
                "strategy": name,
                "time": number * part,
                "end": (number + 1) * part,
                "calls": min(calls, self.top),
                "more": f"{calls:,.0f} ↑" if calls > self.top else "",
                "told": {
                    "title": name,
                    "from": f"{number * part:.3g} {self.unit.name}",
                    "to": f"{(number + 1) * part:.3g} {self.unit.name}",
                    "calls per second": f"{calls:,.1f}",
                },
            }
            for number, calls in enumerate(load)
            if calls
        ]

    def _bars(self, rows: Rows, colour: str) -> alt.Chart:
        bars: alt.Chart = (
            alt.Chart(alt.InlineData(rows))
            .mark_rect(color=colour, tooltip=alt.TooltipContent("data"))
            .encode(
                x=self._x(),
                x2="end",
                y=self._y(),
                y2=alt.datum(0),
                opacity=alt.condition("picked && datum.strategy !== picked", alt.value(0.25), alt.value(1)),
            )
            .add_params(alt.param(name="picked", value=""))
        )
        return bars

    def _cut(self, rows: Rows) -> alt.Chart:
        """Return above the bar that is cut at the top, the first, how high it would be."""
        cut = alt.Chart(alt.InlineData([row for row in rows if row["more"]]), name="cut")
        text = cut.mark_text(color=INK, align="left", baseline="bottom", dy=-2, fontSize=10)
        words: alt.Chart = text.encode(x=self._x(), y=self._y(), text="more:N")
        return words

    def _limit(self, rate: float) -> alt.Chart:
        """Return a line at what the server takes."""
        line = alt.Chart(alt.InlineData([{"calls": rate}])).mark_rule(
            color=INK, strokeDash=[4, 3], opacity=0.7
        )
        limit: alt.Chart = line.encode(y=self._y())
        return limit

    def _x(self, field: str = "time") -> alt.X:
        return alt.X(
            field,
            type="quantitative",
            title=None,
            scale=alt.Scale(domain=[0, self.until / self.unit.seconds], nice=False),
            axis=alt.Axis(
                grid=False,
                tickCount=8,
                labelExpr=f"datum.label + ' {self.unit.name}'",
                labelOverlap="greedy",
                labelSeparation=8,
            ),
        )

    def _y(self) -> alt.Y:
        return alt.Y(
            "calls:Q",
            title=None,
            scale=alt.Scale(domain=[0, self.top], nice=False),
            axis=alt.Axis(tickCount=3, labelExpr="format(datum.value, '~s')", minExtent=34),
        )
