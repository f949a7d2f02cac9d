"""What a comparison found, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import accumulate

from attrs import frozen
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from bide.cli.layout import LAYOUT
from bide.lab.columns import (
    GIVES_UP,
    Column,
    LeastPossible,
    arranged,
    columns,
    lag_unit,
    least_possible,
    sees_the_end,
)
from bide.lab.comparison import Comparison, Result, WorkloadResults
from bide.lab.figures import durations_in_words

_RANKS = {"excess": 0, "calls": 1, "least": 7, "lag mean": 2, "lag p95": 5, "in time": 4, "gave up": 3}
"""What is shown, in this order. Where room is scarce, a higher rank is left out before a lower one."""

_RANK_OF_ERRORS = 6
_LAST_ESSENTIAL = 4  # a name is folded before a strip up to this rank is left out
_LEAST_NAME = 13  # columns of the window, at least, for the names
_EDGES = 3  # columns of the window that the table's own edges take


def print_comparison(comparison: Comparison, console: Console, notes: Sequence[str] = ()) -> None:
    """Print a table for each workload, in a narrow window with fewer columns, and notes on all of them."""
    for workload in arranged(comparison).workloads:
        least = least_possible(workload)
        console.print(Text(workload.name, style="bold"))
        console.print(Text(durations_in_words(workload)))
        rows = [*([least.result] if least else []), *workload.results]
        strips = list(_strips(columns(rows, lag_unit(rows))))
        shown = _fitting(strips, rows, console.width)
        console.print(_table(rows, shown, sections_after={0 if least else -1, _waiting(rows) - 1}))
        for line in (*_explained(workload, least), *_left_out(strips, shown)):
            console.print(Text(line))
        console.print()
    for note in notes:
        console.print(Text(note))


def _explained(workload: WorkloadResults, least: LeastPossible | None) -> Iterator[str]:
    """Yield what the table does not say of itself, a line each."""
    if least:
        who = "" if sees_the_end(least.result) else " that gives up on as many jobs"
        yield f"least possible: what no schedule{who} can better at the mean lag of {least.beside}."
    waiting = _waiting(workload.results)
    if waiting < len(workload.results):
        excess = "their excess is over an optimum that gives up on as many" if least else "they see no end"
        rows = "The last rows" if waiting else "All rows"
        yield f"{rows} give up on more than {GIVES_UP:.0%} of the jobs; {excess}."
    if not waiting:
        yield "They wait to the end with --timeout none --max-attempts none."


def _waiting(rows: Sequence[Result]) -> int:
    return sum(map(sees_the_end, rows))


def _table(rows: Sequence[Result], strips: Sequence[_Strip], sections_after: Container[int]) -> Table:
    """Return the figures: the optimum's first, then those that can be compared, then the others."""
    table = Table(**LAYOUT)
    table.add_column("strategy", overflow="fold")
    for strip in strips:
        table.add_column(strip.heading, justify=strip.justify, no_wrap=True)
    for index, row in enumerate(rows):
        cells = [strip.cells[index] for strip in strips]
        table.add_row(Text(row.strategy), *cells, end_section=index in sections_after)
    return table


def _left_out(strips: Sequence[_Strip], shown: Sequence[_Strip]) -> Iterator[str]:
    """Yield which columns there is no room for, if any."""
    names = [strip.name for strip in strips if strip.name and strip not in shown]
    if names:
        yield f"No room for: {', '.join(names)}; a wider window, --json and --html have all."


@frozen
class _Strip:
    """What stands below each other, under one heading; the lower its rank, the sooner it is shown."""

    heading: str
    cells: Sequence[str]
    rank: int
    name: str = ""
    justify: JustifyMethod = "right"

    @property
    def width(self) -> int:
        return 2 + max(map(len, (*self.heading.split("\n"), *self.cells)))


def _strips(found: Mapping[str, Column]) -> Iterator[_Strip]:
    """Yield all that may be shown; standard errors stand beside their figures."""
    for name in (name for name in _RANKS if name in found):
        column = found[name]
        yield _Strip(column.heading, column.cells, _RANKS[name], name)
        if any(column.errors):
            yield _Strip("", column.errors, _RANK_OF_ERRORS, justify="left")


def _fitting(strips: Sequence[_Strip], rows: Sequence[Result], width: int) -> list[_Strip]:
    """Return those that there is room for: of the first rank, the second, and so on as far as it goes."""
    room = width - _EDGES
    names = room - sum(strip.width for strip in strips if strip.rank <= _LAST_ESSENTIAL)
    room -= min(max(_LEAST_NAME, names), max(len(row.strategy) for row in rows))
    by_rank = sorted(strips, key=lambda strip: strip.rank)
    taken = accumulate(strip.width for strip in by_rank)
    shown = [strip for strip, width in zip(by_rank, taken, strict=True) if width <= room]
    return [strip for strip in strips if strip in shown]
