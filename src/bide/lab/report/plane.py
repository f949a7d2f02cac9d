"""The plane of calls against lag, both on logarithmic axes, and the lines of the frontier in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from attrs import frozen

from bide.lab.comparison import Frontier, Result
from bide.lab.figures import Unit

Rows = list[dict[str, Any]]

_FEWEST_TICKS = 3
_ROOM = 1.5
_ROOM_FOR_WORDS = 1.95
"""Below the least calls: beyond the last mark the line falls by `_ROOM` at most, and has its name below."""


def shortest_lag(mean: float) -> float:
    """Return the lag, in seconds, up to which there counts as none, on jobs of a mean duration."""
    return 1e-5 * mean


@frozen
class Axis:
    """
    A logarithmic axis.

    Args:
        title: what it shows.
        least: the number at its beginning.
        most: the number at its end.
    """

    title: str
    least: float
    most: float

    @classmethod
    def around(cls, title: str, values: Sequence[float], *, below: float = _ROOM) -> Axis:
        """Return an axis with room around values: by so many times the least of them, and the greatest."""
        return cls(title, min(values) / below, max(values) * _ROOM)

    def encoding(self) -> dict[str, Any]:
        """Return what a channel of Altair's needs."""
        return {
            "scale": alt.Scale(type="log", domain=[self.least, self.most], nice=False),
            "axis": alt.Axis(values=self._ticks(), format="~g", labelOverlap="greedy"),
            "title": self.title,
        }

    def _ticks(self) -> list[float]:
        exponents = range(math.floor(math.log10(self.least)), math.ceil(math.log10(self.most)) + 1)
        few = self._ticks_at(exponents, (1, 2, 5) if len(exponents) <= 5 else (1,))
        return few if len(few) >= _FEWEST_TICKS else self._ticks_at(exponents, range(1, 10))

    def _ticks_at(self, exponents: Sequence[int], steps: Sequence[int]) -> list[float]:
        ticks = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
        return [tick for tick in ticks if self.least <= tick <= self.most]


@frozen
class Plane:
    """
    The plane that results are drawn in.

    Args:
        lag: its axis, in the unit.
        calls: its axis.
        unit: of lags.
        shortest: a lag below it, in seconds, stands at the edge.
    """

    lag: Axis
    calls: Axis
    unit: Unit
    shortest: float

    @classmethod
    def around(cls, results: Sequence[Result], mean: float, unit: Unit) -> Plane:
        """Return a plane with room for results on jobs of such a mean duration, in seconds."""
        shortest = shortest_lag(mean)
        lags = [result.lag_mean for result in results if result.lag_mean > shortest] or [mean]
        calls = [calls for result in results for calls in (result.calls, result.optimal_calls) if calls]
        return cls(
            Axis.around(f"mean lag, {unit.name}", [lag / unit.seconds for lag in lags]),
            Axis.around("calls per job", calls or [1.0], below=_ROOM_FOR_WORDS),
            unit,
            shortest,
        )

    def place(self, lag: float) -> float:
        """Return where a lag, in seconds, stands on its axis."""
        return lag / self.unit.seconds if lag > self.shortest else self.lag.least

    def x(self) -> alt.X:
        """Return the channel of lags."""
        return alt.X("lag", type="quantitative", **self.lag.encoding())

    def y(self) -> alt.Y:
        """Return the channel of calls."""
        return alt.Y("calls", type="quantitative", **self.calls.encoding())

    def line(self, frontier: Frontier, factor: float) -> Rows:
        """Return the part within the plane of the line at so many times the least calls; it may be empty."""
        lags, calls = self._logarithms(frontier)
        calls += math.log(factor)
        begins = max(lags[0], math.log(self.lag.least), np.interp(-math.log(self.calls.most), -calls, lags))
        ends = min(lags[-1], math.log(self.lag.most))
        if begins >= ends:
            return []
        xs = [begins, *lags[(begins < lags) & (lags < ends)], ends]
        return [{"lag": math.exp(x), "calls": math.exp(np.interp(x, lags, calls))} for x in xs]

    def _logarithms(self, frontier: Frontier) -> tuple[Any, Any]:
        """Return the logarithms of the frontier's lags, in the unit, and of its calls."""
        lags = [self.place(lag) for lag in frontier.lag_mean]
        calls = list(frontier.calls)
        if calls[-1] < 1.001:  # one call is the least at any longer lag as well
            lags.append(max(self.lag.most, lags[-1]))
            calls.append(1.0)
        return np.log(lags), np.log(calls)
