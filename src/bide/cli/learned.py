"""What is known of one kind of jobs, drawn for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bide.cli.layout import LAYOUT
from bide.durations import format_duration
from bide.learn.summary import QUANTILES, Bar, Cost, Summary

_WIDEST = 40
_NARROW = 64
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SHOWN_LOOKS = 8


def print_summary(found: Summary, fallback: str, console: Console) -> None:
    """Print how jobs take, when to look at them, and what that saves against a fallback."""
    for line in _words(found):
        console.print(Text(line))
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


def _durations(found: Summary, width: int) -> Table:
    """Return the bars, each with the looks at a job that still runs then."""
    table = Table(**LAYOUT)
    table.add_column("duration", justify="right", no_wrap=True)
    table.add_column("jobs", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("looks at", overflow="fold")
    most = max(bar.share for bar in found.bars)
    widest = _WIDEST if width >= _NARROW + _WIDEST // 2 else _WIDEST // 4
    first, last = found.bars[0], found.bars[-1]
    for bar in found.bars:
        earliest = 0.0 if bar is first else bar.start
        looks = [
            at for at in found.learned.looks if earliest <= at < bar.end or (bar is last and at == bar.end)
        ]
        shown = ", ".join(format_duration(at) for at in looks[:_SHOWN_LOOKS])
        more = " …" if len(looks) > _SHOWN_LOOKS else ""
        share = f"{bar.share:.1%}" if bar.share else ""
        table.add_row(_until(bar), _bar(bar.share / most * widest), share, f"{shown}{more}")
    return table


def _until(bar: Bar) -> str:
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
    calls, lag = 1 - learned.calls / fallback.calls, 1 - learned.lag_mean / (fallback.lag_mean or 1e-9)
    return f"Against {name}: {_change(calls, 'fewer')} calls, {_change(lag, 'less')} lag."


def _change(saved: float, less: str) -> str:
    return f"{saved:.0%} {less}" if saved >= 0 else f"{-saved:.0%} more"
