"""``bide compare``: what strategies cost, and how far that is from the least possible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.console import Console

from bide.catalogue import catalogue
from bide.cli.as_json import print_json
from bide.cli.command import Command
from bide.cli.entrants import find_entrants
from bide.cli.findings import Findings, findings_options
from bide.cli.options import DURATION
from bide.cli.progress import progress_bar
from bide.cli.training import can_learn
from bide.durations import format_duration
from bide.policy import Policy

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
@click.option("--hint", type=DURATION, help="What every answer gives as Retry-After; by default nothing.")
@click.option(
    "--trained-on",
    type=click.IntRange(0, 100_000),
    default=100,
    show_default=True,
    help="How many jobs a strategy learns from that has no history.",
)
@click.option("--lag-target", type=DURATION, help="Tell the share of jobs with a lag within this.")
@click.option("--timeout", help="Give up after so long, whatever the policies say; none: never.")
@click.option("--max-attempts", help="Give up after so many calls, whatever the policies say; none: never.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all draws.")
@findings_options("calls against lag")
def compare(
    strategies: tuple[str, ...],
    workloads: tuple[str, ...],
    peers: bool,
    timeout: str | None,
    max_attempts: str | None,
    findings: Findings,
    **scenario: Any,
) -> None:
    """
    Compare what strategies cost with the least possible.

    STRATEGIES are TOML files, names in the catalogue, kinds, or strategies in one line, such as
    'exponential(base=1s, cap=30s, jitter=full)'; without any, the whole catalogue, 'learned' and 'optimal'.
    To these two, by their names alone, a call is worth 5% of the mean duration, and they wait to the end;
    each other gives up within its own limits, unless an option says otherwise.
    """
    from bide.cli.suited import entrants_of, find_suited
    from bide.lab import compare as compare_all
    from bide.lab import find_workload
    from bide.lab.training import CURVE, SETS, is_untrained

    grounds = [find_workload(text) for text in workloads]
    options = {"timeout": timeout, "max_attempts": max_attempts}
    limits = {name: text for name, text in options.items() if text is not None}
    texts = strategies or _known_entrants()
    policies = find_entrants(texts, limits, find_suited)
    entrants: list[Any] = [*entrants_of(policies, texts)]
    if peers:
        entrants += _recorded(grounds, latency=scenario["latency"], seed=scenario["seed"])
    with progress_bar("Comparing") as tell:
        curve = CURVE if findings.html else ()
        comparison = compare_all(entrants, grounds, **scenario, curve=curve, progress=tell)
    notes = [
        *_notes_on_hints(policies, scenario["hint"]),
        *_notes_on_peers(peers, limits, scenario["hint"]),
        *_notes_on_training(
            SETS, [each.name for each in entrants if is_untrained(each)], scenario["trained_on"]
        ),
    ]
    _tell(comparison, findings, {**scenario, "limits": limits, "notes": notes})


def _known_entrants() -> tuple[str, ...]:
    """Return the entrants for which everything is installed; say what the others need."""
    from bide.cli.suited import SUITED

    if can_learn():
        return *catalogue(), *SUITED
    click.echo(f"without {' and '.join(SUITED)}: install bide with its extra 'learn'", err=True)
    return tuple(catalogue())


def _recorded(workloads: Sequence[Workload], *, latency: float, seed: int) -> list[Recorded]:
    """Return what other libraries do while the longest job but one in ten thousand runs; name the missing."""
    import numpy as np

    from bide_peers import record_peers

    horizon = max(workload.durations.quantile(np.array([0.9999])).item() for workload in workloads)
    with progress_bar("Recording peers") as tell:
        recorded, missing = record_peers(horizon, latency=latency, seed=seed, progress=tell)
    for peer in missing:
        click.echo(f"not compared: {peer}", err=True)
    return list(recorded)


def _notes_on_hints(policies: Mapping[str, Policy], hint: float | None) -> Iterator[str]:
    """Name those whose delays are not their strategy's as soon as there are hints."""
    followers = [name for name, policy in policies.items() if policy.hints.mode == "replace"]
    if followers and hint is None:
        yield f"No answer gives a hint here (see --hint), by which these would go: {', '.join(followers)}."


def _notes_on_peers(peers: bool, limits: Mapping[str, str], hint: float | None) -> Iterator[str]:
    """Say what other libraries are not told."""
    untold = [f"--{name.replace('_', '-')}" for name in limits] + ["--hint"] * (hint is not None)
    if peers and untold:
        yield f"Other libraries wait within limits of their own; not for them: {', '.join(untold)}."


def _notes_on_training(times: int, names: Sequence[str], jobs: int) -> Iterator[str]:
    """Say on what those were trained that learn."""
    if names:
        trained = f"Trained on {jobs} jobs of the workload and judged on others, {times} times over"
        yield f"{trained}: {', '.join(names)}."


def _tell(comparison: Comparison, findings: Findings, setting: dict[str, Any]) -> None:
    def page() -> str:
        from bide.lab.report.compare_page import compare_page

        return compare_page(comparison, setting=_in_words(setting), notes=setting["notes"])

    def picture() -> bytes:
        from bide.lab.report.picture import compare_png

        return compare_png(comparison)

    findings.write(page, picture)
    if findings.as_json:
        print_json({**attrs.asdict(comparison), **setting})
    else:
        from bide.cli.comparison import print_comparison

        print_comparison(comparison, Console(), setting["notes"])


def _in_words(setting: Mapping[str, Any]) -> dict[str, str]:
    """Return what was asked for, for people to read."""
    times = {name: setting[name] for name in ("latency", "hint", "lag_target")}
    given = {name: format_duration(value) for name, value in times.items() if value is not None}
    return {**given, "seed": str(setting["seed"]), **setting["limits"]}
