"""What is known of one kind of jobs, drawn for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bide.cli.layout import LAYOUT
from bide.durations import format_duration
from bide.learn.summary import QUANTILES, Bar, Cost, Summary

_WIDEST, _LEAST_WIDEST = 40, 5
_LOOKS_WIDTH, _MARGINS = 24, 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_MOST_LOOKS = 8


def print_summary(found: Summary, fallback: str, console: Console, *, assumed: bool = False) -> None:
    """
    Print how long jobs take, when to look at them, and what that saves against a fallback.

    Args:
        found: what is known.
        fallback: what the fallback is called.
        console: to print on.
        assumed: nobody said what a call is worth.
    """
    for line in _words(found):
        console.print(Text(line))
    console.print(Text(_aim(found.target) + (", a 20th of the mean; see --call-cost" if assumed else "")))
    console.print(_durations(found, console.width))
    console.print(_costs(found, fallback))
    console.print(Text(_saving(found.learned, found.fallback, fallback)))


def _words(found: Summary) -> Iterator[str]:
    own = f", {found.own} of them with the key {found.key!r}" if found.key else ""
    yield f"{found.kind}: {found.jobs} jobs{own}"
    yield f"{found.exact} exact, {found.between} between two polls, {found.given_up} given up on"
    quantiles = zip(QUANTILES, found.quantiles, strict=True)
    within = ", ".join(f"{share:.0%} {format_duration(time)}" for share, time in quantiles)
    yield f"mean {format_duration(found.mean)}; within: {within}"


def _aim(target: Mapping[str, float]) -> str:
    [(name, value)] = target.items()
    if name == "calls":
        return f"planned for {value:g} calls per job"
    return f"planned for a {name.replace('_', ' ')} of {format_duration(value)}"


def _durations(found: Summary, width: int) -> Table:
    """Return the bars, each with the looks at a job that still runs then; no look is in none."""
    spans = [_span(bar) for bar in found.bars]
    shares = [f"{bar.share:.1%}" for bar in found.bars]
    looks = [_looks(bar, found.learned.looks) for bar in found.bars]
    words = [len(word) for text in looks for word in text.split()]
    header = "looks at"
    table = Table(**LAYOUT)
    table.add_column("duration", justify="right", no_wrap=True)
    table.add_column("believed", overflow="fold")  # a bar fits, the heading may not
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(header, min_width=max(words, default=0))  # a word is not broken
    looks_width = max(len(header), min(max(map(len, looks)), _LOOKS_WIDTH))
    used = max(map(len, spans)) + max(map(len, shares)) + looks_width
    widest = min(max(width - used - _MARGINS, _LEAST_WIDEST), _WIDEST)
    most = max(bar.share for bar in found.bars)
    for bar, span, share, text in zip(found.bars, spans, shares, looks, strict=True):
        table.add_row(span, _bar(bar.share / most * widest), share if bar.share else "", text)
    return table


def _looks(bar: Bar, looks: Sequence[float]) -> str:
    """Return the looks within a bar; the first of many."""
    within = [format_duration(at) for at in looks if bar.start <= at < bar.end]
    return ", ".join(within[:_MOST_LOOKS]) + (" …" if len(within) > _MOST_LOOKS else "")


def _span(bar: Bar) -> str:
    if bar.start == 0.0:
        return f"up to {format_duration(bar.end)}"
    if bar.end == math.inf:
        return f"over {format_duration(bar.start)}"
    return f"{format_duration(bar.start)}..{format_duration(bar.end)}"


def _bar(length: float) -> str:
    eighths = round(length * 8)
    return f"{_EIGHTHS[8] * (eighths // 8)}{_EIGHTHS[eighths % 8].strip()}"


def _costs(found: Summary, fallback: str) -> Table:
    table = Table(**LAYOUT)
    table.add_column("strategy")
    table.add_column("calls\nper job", justify="right")
    table.add_column("lag\nmean", justify="right")
    for name, cost in (("learned", found.learned), (fallback, found.fallback)):
        table.add_row(name, f"{cost.calls:.2f}", format_duration(cost.lag_mean))
    return table


def _saving(learned: Cost, fallback: Cost, name: str) -> str:
    if learned == fallback:
        return f"It waits as {name} does: too little is known as yet, or no plan would cost less."
    calls, lag = 1 - learned.calls / fallback.calls, 1 - learned.lag_mean / (fallback.lag_mean or 1e-9)
    return f"Against {name}: {_change(calls, 'fewer')} calls, {_change(lag, 'less')} lag."


def _change(saved: float, less: str) -> str:
    return f"{saved:.0%} {less}" if saved >= 0 else f"{-saved:.0%} more"
