"""``bide compare``: what strategies cost, and how far that is from the least possible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.console import Console

from bide.catalogue import catalogue
from bide.cli.as_json import print_json
from bide.cli.command import Command
from bide.cli.entrants import find_entrants
from bide.cli.options import DURATION, OUTPUT
from bide.cli.progress import progress_bar
from bide.durations import format_duration

if TYPE_CHECKING:
    from bide.lab import Comparison, Workload
    from bide.lab.recorded import Recorded


@click.command(cls=Command)
@click.argument("strategies", nargs=-1)
@click.option(
    "--workload",
    "workloads",
    multiple=True,
    default=("uniform(5s, 15s)",),
    show_default=True,
    help="How long jobs take: a TOML file, or kind(field=value, …); repeatable.",
)
@click.option("--peers", is_flag=True, help="Add other libraries, those of the extra 'peers'.")
@click.option("--latency", type=DURATION, default="0s", show_default=True, help="How long an answer takes.")
@click.option("--lag-target", type=DURATION, help="Tell the share of jobs with a lag within this.")
@click.option("--timeout", help="Give up after so long, whatever the policies say; none: never.")
@click.option("--max-attempts", help="Give up after so many calls, whatever the policies say; none: never.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all draws.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=OUTPUT, help="Write a page with charts, complete in itself, to this file.")
@click.option("--png", type=OUTPUT, help="Draw calls against lag into this file.")
def compare(
    strategies: tuple[str, ...],
    workloads: tuple[str, ...],
    peers: bool,
    latency: float,
    lag_target: float | None,
    timeout: str | None,
    max_attempts: str | None,
    seed: int,
    as_json: bool,
    html: Path | None,
    png: Path | None,
) -> None:
    """
    Compare what strategies cost with the least possible.

    STRATEGIES are TOML files, names in the catalogue, kinds, or strategies in one line, such as
    'exponential(base=1s, cap=30s, jitter=full)'; without any, the whole catalogue. Each gives up within its
    own limits, unless an option says otherwise.
    """
    from bide.lab import Entrant, find_workload
    from bide.lab import compare as compare_all

    if html or png:
        import bide.lab.report  # noqa: F401 - says what is missing before anything is computed
    grounds = [find_workload(text) for text in workloads]
    limits = {
        name: text
        for name, text in (("timeout", timeout), ("max_attempts", max_attempts))
        if text is not None
    }
    policies = find_entrants(strategies or tuple(catalogue()), limits)
    entrants: list[Any] = [Entrant(name, policy) for name, policy in policies.items()]
    if peers:
        entrants += _recorded(grounds, seed)
    with progress_bar("Comparing") as tell:
        comparison = compare_all(
            entrants, grounds, latency=latency, lag_target=lag_target, seed=seed, progress=tell
        )
    setting = {"latency": format_duration(latency), "seed": str(seed), **limits}
    _write(comparison, setting, html, png)
    if as_json:
        print_json(attrs.asdict(comparison))
    else:
        from bide.cli.comparison import print_comparison

        print_comparison(comparison, Console())


def _recorded(workloads: Sequence[Workload], seed: int) -> list[Recorded]:
    """Return what other libraries do while the longest job but one in ten thousand runs; name the missing."""
    import numpy as np

    from bide_peers import record_peers

    horizon = max(workload.durations.quantile(np.array([0.9999])).item() for workload in workloads)
    with progress_bar("Recording peers") as tell:
        recorded, missing = record_peers(horizon, seed=seed, progress=tell)
    for peer in missing:
        click.echo(f"not compared: {peer}", err=True)
    return list(recorded)


def _write(comparison: Comparison, setting: dict[str, str], html: Path | None, png: Path | None) -> None:
    if html is not None:
        from bide.lab.report.compare_page import compare_page

        html.write_text(compare_page(comparison, setting=setting), encoding="utf-8")
    if png is not None:
        from bide.lab.report.picture import compare_png

        png.write_bytes(compare_png(comparison))
