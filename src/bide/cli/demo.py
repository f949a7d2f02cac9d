"""``bide demo``: several strategies wait for the same real jobs, side by side."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import attrs
import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from bide.catalogue import find_policy
from bide.cli.as_json import print_json
from bide.cli.layout import LAYOUT
from bide.cli.options import DURATIONS
from bide.cli.race import Entrant, Lane, Work, calls_at_server, draw_work, run_race
from bide.cli.server_process import server_process
from bide.cli.training import JOBS, LEARNED, can_learn, untrained
from bide.errors import ConfigError
from bide.rules import seconds

ENTRANTS = ("fixed", "full-jitter", "decorrelated-jitter", "seed", LEARNED)
FAILING = 0.5
"""The share of jobs that fail, as on a server that was told nothing else."""

_HEADINGS = [
    "strategy",
    "jobs",
    "completed",
    "failed",
    "calls\nclient",
    "calls\nserver",
    "calls\nper job",
    "lag, s\nmean",
    "lag, s\np95",
]
_WIDE = 78


@click.command()
@click.option("--jobs", default=12, show_default=True, type=click.IntRange(1, 100), help="Jobs per strategy.")
@click.option(
    "--strategy",
    "names",
    multiple=True,
    help="A TOML file, a name in the catalogue, a kind, or kind(field=value, …); repeatable.",
)
@click.option("--seed", type=int, help="Draw the same jobs and delays again.")
@click.option("--durations", default="2s..5s", show_default=True, type=DURATIONS, help="How long jobs last.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else.")
def demo(
    jobs: int, names: tuple[str, ...], seed: int | None, durations: tuple[float, float], as_json: bool
) -> None:
    """
    Show what strategies cost: real jobs on a real server.

    Starts a job server on a free port of this machine, lets every strategy create and wait for the same jobs
    over HTTP, and prints a table. Calls are counted by the client and by the server; lag is the time from a
    job's end to the answer that showed it. The strategy 'learned' has waited for some earlier jobs before.
    """
    seed = random.randrange(2**32) if seed is None else seed
    work = draw_work(jobs, *_checked(durations), FAILING, seed)
    entrants = _entrants(names or _known_entrants(), durations, seed)
    with server_process() as server:
        _train(server, entrants, durations, seed, quiet=as_json)
        lanes = _run(server, entrants, work, seed, quiet=as_json)
        calls = calls_at_server(server, entrants)
    if as_json:
        print_json(_as_data(lanes, calls))
    else:
        console = Console()
        console.print(_results(lanes, calls, console.width))
        console.print(
            "lag: from a job's end to the answer that showed it. Fewer calls and less lag are better."
        )
    if _warn_of_unfinished(lanes):
        raise click.exceptions.Exit(3)


def _known_entrants() -> Sequence[str]:
    """Return the entrants for which everything is installed; say what the others need."""
    if can_learn():
        return ENTRANTS
    click.echo(f"without {LEARNED!r}: install bide with its extra 'learn'", err=True)
    return [name for name in ENTRANTS if name != LEARNED]


def _entrants(names: Sequence[str], durations: tuple[float, float], seed: int) -> list[Entrant]:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"--strategy: {name!r} is given twice")
    return [
        Entrant(number, name, untrained(durations, seed) if name == LEARNED else find_policy(name))
        for number, name in enumerate(names)
    ]


def _checked(durations: tuple[float, float]) -> tuple[float, float]:
    rule = seconds(above=0)
    for end in durations:
        if not rule.holds(end):
            raise ConfigError(f"--durations: each end {rule}, got {end:g}")
    if durations[0] > durations[1]:
        raise ConfigError(f"--durations: the shorter end comes first, got {durations[0]:g}..{durations[1]:g}")
    return durations


def _train(
    server: str, entrants: Sequence[Entrant], durations: tuple[float, float], seed: int, *, quiet: bool
) -> None:
    """Let those that learn wait for earlier jobs, whose calls are nobody's in the table."""
    learned = [entrant for entrant in entrants if entrant.name == LEARNED]
    if learned:
        from bide.learn.background import flush

        work = draw_work(JOBS, *durations, FAILING, seed + 1)
        random.Random(seed).shuffle(work)  # in their order they would seem to take ever longer
        trainees = [attrs.evolve(learned[0], number=len(entrants))]
        _run(server, trainees, work, seed, quiet=quiet, title="Learning from earlier jobs")
        flush()


def _run(
    server: str,
    entrants: Sequence[Entrant],
    work: Sequence[Work],
    seed: int,
    *,
    quiet: bool,
    title: str = "Waiting for real jobs",
) -> list[Lane]:
    console = Console(stderr=True, quiet=quiet)
    lanes = [Lane(entrant.name, len(work)) for entrant in entrants]
    with Live(
        get_renderable=lambda: _progress(title, lanes, console.width),
        console=console,
        refresh_per_second=8,
        transient=True,
    ):
        run_race(server, entrants, work, lanes, seed)
    return lanes


def _progress(title: str, lanes: Sequence[Lane], width: int) -> Table:
    """Return what is shown while the race goes on; bars, if there is room."""
    bars = 20 if width >= _WIDE else 0
    table = Table("strategy", "jobs", "calls", title=title, **LAYOUT)
    for lane in lanes:
        ended = len(lane.ends)
        bar = f"{'━' * round(bars * ended / lane.jobs):<{bars}} " if bars else ""
        table.add_row(lane.name, f"{bar}{ended}/{lane.jobs}", str(lane.calls))
    return table


def _results(lanes: Sequence[Lane], server_calls: Sequence[int], width: int) -> Table:
    """Return the table of results; in a narrow window, turned on its side."""
    rows = [_HEADINGS, *map(_row, lanes, server_calls)]
    if width < _WIDE:
        rows = [[cell.replace("\n", " ") for cell in row] for row in zip(*rows, strict=True)]
    table = Table(title="The same jobs, waited for by each strategy", **LAYOUT)
    for column, heading in enumerate(rows[0]):
        table.add_column(heading, justify="right" if column else "left", overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _row(lane: Lane, server_calls: int) -> list[str]:
    counts = (lane.jobs, lane.completed, lane.failed, lane.calls, server_calls)
    lags = (f"{lag:.2f}" if lag is not None else "-" for lag in (lane.lag_mean, lane.lag_p95))
    return [lane.name, *map(str, counts), f"{lane.calls / lane.jobs:.1f}", *lags]


def _as_data(lanes: Sequence[Lane], server_calls: Sequence[int]) -> dict[str, Any]:
    results = [
        {
            "strategy": lane.name,
            "jobs": lane.jobs,
            "completed": lane.completed,
            "failed": lane.failed,
            "calls": lane.calls,
            "server_calls": calls,
            "calls_per_job": lane.calls / lane.jobs,
            "lag_mean": lane.lag_mean,
            "lag_p95": lane.lag_p95,
        }
        for lane, calls in zip(lanes, server_calls, strict=True)
    ]
    return {"jobs": sum(lane.jobs for lane in lanes), "results": results}


def _warn_of_unfinished(lanes: Sequence[Lane]) -> bool:
    """Say which waits gave up, and why; return whether any did."""
    for lane in lanes:
        if lane.unfinished:
            reasons = {str(end) for end in lane.ends} - {"completed", "job failed"}
            message = (
                f"{lane.name}: {lane.unfinished} of {lane.jobs} waits gave up: {', '.join(sorted(reasons))}"
            )
            click.echo(message, err=True)
    return any(lane.unfinished for lane in lanes)
