"""The page of herds: calls per second over time, and what the clients learn; and its charts as a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert

from bide.durations import format_duration
from bide.lab.columns import Column, Figure, column
from bide.lab.figures import Unit, unit_for
from bide.lab.herd import HerdResult
from bide.lab.report.load_chart import load_charts
from bide.lab.report.page import Page
from bide.lab.report.symbols import symbols_for
from bide.lab.report.table import table
from bide.lab.report.vega import styled, to_vega
from bide.lab.server_model import ServerModel

_FIGURES: tuple[tuple[Figure, Callable[[HerdResult], float | None]], ...] = (
    (Figure(name="calls", about="requests per job", essential=True), lambda each: each.calls_per_job),
    (
        Figure(name="start peak", about="most calls per second that clients make as they start"),
        lambda each: each.start_peak,
    ),
    (
        Figure(name="later peak", about="most of all other calls per second", essential=True),
        lambda each: each.peak,
    ),
    (
        Figure(name="peak / mean", about="the later peak, as a multiple of their mean", essential=True),
        lambda each: each.peak_over_mean,
    ),
    (
        Figure(name="refused 429", about="calls beyond the server's rate", kind="share"),
        lambda each: each.rate_limited / each.calls,
    ),
    (
        Figure(name="refused 503", about="calls that found no place in the queue", kind="share"),
        lambda each: each.overloaded / each.calls,
    ),
    (
        Figure(name="not answered", about="calls that failed, or whose answer came too late", kind="share"),
        lambda each: (each.unreachable + each.abandoned) / each.calls,
    ),
    (
        Figure(name="gave up", about="clients that a limit ended", kind="share", essential=True),
        lambda each: each.gave_up / each.clients,
    ),
    (
        Figure(
            name="all know",
            about="until the last client saw its job's end, of those that saw it",
            kind="time",
            essential=True,
        ),
        lambda each: each.all_know,
    ),
    (
        Figure(name="lag mean", about="from a job's end to the answer that showed it", kind="time"),
        lambda each: each.lag_mean,
    ),
    (
        Figure(name="lag p95", about="the lag that 95 % of the clients do not exceed", kind="time"),
        lambda each: each.lag_p95,
    ),
)


def herd_page(results: Sequence[HerdResult], *, server: ServerModel, setting: Mapping[str, str]) -> str:
    """
    Return the page of herds as HTML.

    Args:
        results: one for each strategy, in the order to show them in.
        server: at which all of them waited.
        setting: what the figures depend on, by name: ``workload`` and ``start`` among others.
    """
    names = [result.strategy for result in results]
    symbols, clients = symbols_for(names), results[0].clients
    charts = load_charts(results, symbols, rate=server.rate)
    page = Page(
        title=f"What {clients:,} clients at once do to a server",
        command="bide herd",
        setting=setting,
        charts={f"load-{number}": to_vega(chart) for number, chart in enumerate(charts.values())},
    )
    return page.html(
        "herd.html",
        server=_in_words(server),
        limited=server.rate is not None,
        herds=[_herd(f"load-{number}", each) for number, each in enumerate(results)],
        symbols=symbols,
        table=table(names, _columns(results), symbols),
    )


def herd_png(results: Sequence[HerdResult], *, server: ServerModel) -> bytes:
    """Return calls per second over time, of each herd, as a PNG."""
    charts = load_charts(results, symbols_for([each.strategy for each in results]), rate=server.rate)
    titled = [
        chart.properties(width=720, title={"text": result.strategy, "subtitle": _peaks(result), "offset": 16})
        for result, chart in zip(results, charts.values(), strict=True)
    ]
    picture = styled(alt.VConcatChart(vconcat=titled, spacing=24, background="white", padding=24))
    return vl_convert.vegalite_to_png(picture.to_dict(), scale=2)


def _columns(results: Sequence[HerdResult]) -> dict[str, Column]:
    """Return the columns; of refusals and failures, those that there are."""
    unit = _unit(results)
    found = [column(figure, [value(result) for result in results], unit) for figure, value in _FIGURES]
    return {each.figure.name: each for each in found if each.figure.kind != "share" or any(each.values)}


def _unit(results: Sequence[HerdResult]) -> Unit:
    return unit_for(max((each.all_know for each in results if each.all_know is not None), default=1.0))


def _herd(chart: str, result: HerdResult) -> dict[str, Any]:
    return {"strategy": result.strategy, "chart": chart, "peaks": _peaks(result)}


def _peaks(result: HerdResult) -> str:
    ratio = f", {result.peak_over_mean:.1f} times the mean" if result.peak_over_mean is not None else ""
    return f"{result.start_peak:,.0f} calls per second at the start; later at most {result.peak:,.0f}{ratio}"


def _in_words(server: ServerModel) -> str:
    """Return what a server can bear, in sentences."""
    rate = "The server takes any number of requests."
    if server.rate is not None:
        rate = f"The server takes {server.rate:g} requests per second, and refuses more with a 429."
    workers = "It works on one answer at once, for"
    if server.workers > 1:
        workers = f"It works on {server.workers} answers at once, each for"
    queue = "any number wait" if server.queue is None else f"{server.queue} wait; more get a 503"
    hint = ""
    if server.retry_after is not None:
        hint = f" Who is refused is asked to wait for {format_duration(server.retry_after)}."
    return f"{rate} {workers} {format_duration(server.service)}; {queue}.{hint}"
