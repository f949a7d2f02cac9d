"""From Altair's charts to Vega, with what Vega-Lite has no words for: labels that do not overlap."""

from __future__ import annotations

from typing import Any

import altair as alt

Spec = dict[str, Any]

INK = "currentColor"
"""The colour of the text around a chart: the page decides whether it is light, dark or printed."""


def to_vega(chart: alt.LayerChart) -> Spec:
    """Return a chart for a page as Vega, its strategies labelled where there is room."""
    spec: Spec = styled(chart.properties(width="container")).to_dict(format="vega", validate=False)
    marks = spec["marks"]
    if any(mark["name"] == "strategies_marks" for mark in marks):
        marks.append(_labels("strategies_marks"))
    return spec


def styled(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    """Return a chart in the style of all: quiet lines, in whatever colour the text around it has."""
    styled: alt.TopLevelMixin = chart.configure(
        background="transparent",
        font="system-ui, sans-serif",
        axis={
            "domainColor": INK,
            "domainOpacity": 0.4,
            "gridColor": INK,
            "gridOpacity": 0.08,
            "tickColor": INK,
            "tickOpacity": 0.4,
            "labelColor": INK,
            "labelOpacity": 0.75,
            "labelFontSize": 11,
            "titleColor": INK,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        axisY={
            "titleAlign": "left",
            "titleAngle": 0,
            "titleAnchor": "end",
            "titleX": 0,
            "titleY": -8,
            "titleBaseline": "bottom",
        },
        axisX={"titleAnchor": "end"},
        legend={"labelColor": INK, "labelFontSize": 11, "labelLimit": 260},
        title={"color": INK, "subtitleColor": INK, "anchor": "start", "fontWeight": 600},
        view={"stroke": None},
    )
    return styled


def _labels(marks: str) -> Spec:
    return {
        "name": "labels",
        "type": "text",
        "from": {"data": marks},
        "interactive": False,
        "encode": {
            "update": {
                "text": {"field": "datum.label"},
                "fill": {"value": INK},
                "fontSize": {"value": 11},
                "fillOpacity": {"signal": "picked && datum.datum.strategy !== picked ? 0.2 : 0.9"},
            }
        },
        "transform": [
            {
                "type": "label",
                "size": {"signal": "[width, height]"},
                "offset": [3],
                "anchor": [
                    "right",
                    "left",
                    "top",
                    "bottom",
                    "top-right",
                    "bottom-right",
                    "top-left",
                    "bottom-left",
                ],
                "avoidMarks": ["words_marks"],
            }
        ],
    }
