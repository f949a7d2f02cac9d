"""What became of herds, for the terminal: a table, and calls per second over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bide.cli.layout import LAYOUT
from bide.durations import format_duration
from bide.lab.figures import NOTHING, format_number, format_share
from bide.lab.herd import HerdResult
from bide.lab.load import resampled

_WIDE = 78
_LEGEND = (
    "Peaks are calls per second, over a tenth of one: at the start, the calls that clients make as they"
    " start; later, all others, as in peak / mean. All know: those who did not give up.\n"
    "Sorted by who gave up, then by the later peak."
)
_BARS = " ▁▂▃▄▅▆▇█"


def print_herd(results: Sequence[HerdResult], console: Console) -> None:
    """Print what the server saw, what the clients saw, and calls per second over time."""
    names = [result.strategy for result in results]
    server, clients = dict(_server(results)), dict(_clients(results))
    if console.width < _WIDE:
        _print_sheets(names, server | clients, console)
    else:
        console.print(_table("The server", names, server), _table("The clients", names, clients))
    console.print(_load_over_time(results, console.width))
    console.print(Text(_LEGEND))


def _server(results: Sequence[HerdResult]) -> Iterator[tuple[str, list[str]]]:
    """Yield the columns of what came to the server; those of failures only where there are some."""
    yield "calls\nper job", [f"{result.calls_per_job:.1f}" for result in results]
    yield "peak at\nthe start", [_short(result.start_peak) for result in results]
    yield "peak\nlater", [_short(result.peak) for result in results]
    yield "peak\n/ mean", [format_number(result.peak_over_mean, 1) for result in results]
    failures: dict[str, Callable[[HerdResult], int]] = {
        "refused\n429": lambda result: result.rate_limited,
        "refused\n503": lambda result: result.overloaded,
        "not\nanswered": lambda result: result.unreachable + result.abandoned,
    }
    for heading, count in failures.items():
        if any(map(count, results)):
            yield heading, [format_share(count(result) / result.calls) for result in results]


def _clients(results: Sequence[HerdResult]) -> Iterator[tuple[str, list[str]]]:
    """Yield the columns of what the clients learn."""
    yield "gave\nup", [format_share(result.gave_up / result.clients) for result in results]
    yield "all\nknow", [_time(result.all_know) for result in results]
    yield "lag\nmean", [_time(result.lag_mean) for result in results]
    yield "lag\np95", [_time(result.lag_p95) for result in results]


def _table(title: str, names: Sequence[str], columns: Mapping[str, Sequence[str]]) -> Table:
    table = Table(title=title, **LAYOUT)
    table.add_column("strategy", overflow="fold")
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, *cells in zip(names, *columns.values(), strict=True):
        table.add_row(Text(name), *cells)
    return table


def _print_sheets(names: Sequence[str], columns: Mapping[str, Sequence[str]], console: Console) -> None:
    """Print the figures of each strategy below each other, as a narrow window needs it."""
    for number, name in enumerate(names):
        table = Table(show_header=False, **LAYOUT)
        for heading, cells in columns.items():
            table.add_row(heading.replace("\n", " "), cells[number])
        console.print(Text(name, style="bold"), table)


def _load_over_time(results: Sequence[HerdResult], width: int) -> Table:
    """Return a line of bars for each herd, all to one scale."""
    name = min(width // 3, max(len("strategy"), *(len(result.strategy) for result in results)))
    room = max(8, width - name - 4)
    seconds = max(result.step * len(result.series) for result in results)
    loads = [resampled(each.series, each.step, until=seconds, count=room) for each in results]
    # What comes at the very start would press all else down to the line.
    most = max((each for load in loads for each in load[1:]), default=0.0) or max(map(max, loads))
    table = Table(**LAYOUT)
    table.add_column("strategy", overflow="fold", width=name)
    heading = f"calls per second, in {format_duration(seconds)}; █: {_short(most)} or more"
    table.add_column(heading, overflow="fold")
    for result, load in zip(results, loads, strict=True):
        table.add_row(Text(result.strategy), "".join(_bar(each / most) for each in load))
    return table


def _bar(share: float) -> str:
    """Return a bar as high as a share of the line; any call at all shows."""
    return _BARS[max(round(min(share, 1.0) * (len(_BARS) - 1)), 1 if share else 0)]


def _short(number: float) -> str:
    """Return a number in few characters: 950, 12.5k, 1.27M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def _time(seconds: float | None) -> str:
    return NOTHING if seconds is None else format_duration(seconds)
