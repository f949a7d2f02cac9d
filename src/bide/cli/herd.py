"""``bide herd``: many clients at one server that has limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click
from rich.console import Console

from bide.cli.as_json import print_json
from bide.cli.command import Command
from bide.cli.entrants import find_entrants
from bide.cli.findings import Findings, findings_options
from bide.cli.options import limit_options
from bide.cli.progress import progress_bar
from bide.convert import structure
from bide.errors import ConfigError
from bide.inline import parse_scalar
from bide.policy import Policy

if TYPE_CHECKING:
    from bide.lab.distribution import Distribution
    from bide.lab.herd import HerdResult
    from bide.lab.server_model import ServerModel
    from bide.lab.starts import Start

ENTRANTS = ("fixed", "full-jitter", "decorrelated-jitter", "seed")
MOST_CLIENTS = 1_000_000

SERVER = {
    "rate": ("100", "Requests per second that the server takes, by a token bucket; none: any number."),
    "burst": ("none", "Requests that it takes at once after a pause; none: those of one second."),
    "retry_after": ("none", "Retry-After of its refusals, 429 and 503, such as 5s; none: they have none."),
    "service": ("20ms", "How long a worker takes for an answer."),
    "workers": ("4", "How many answers are worked on at once."),
    "queue": ("100", "Requests that wait for a worker, before there is a 503; none: any number."),
}
"""The options of the server model, by the name of its field: what they are unless given, and help."""

F = TypeVar("F", bound=Callable[..., Any])


def _server_options(command: F) -> F:
    for name, (default, about) in reversed(SERVER.items()):
        option = click.option(f"--{name.replace('_', '-')}", default=default, show_default=True, help=about)
        command = option(command)
    return command


@click.command(cls=Command)
@click.argument("strategies", nargs=-1)
@click.option(
    "--clients",
    default=1000,
    show_default=True,
    type=click.IntRange(1, MOST_CLIENTS),
    help="How many wait, each for a job of its own.",
)
@click.option(
    "--workload",
    default="uniform(5s, 15s)",
    show_default=True,
    help="How long jobs take: a TOML file, or kind(field=value, …).",
)
@click.option(
    "--start",
    default="together",
    show_default=True,
    help="together, spread(30s), or outage(5s, 10s): spread over 5 s, then nothing gets through for 10 s.",
)
@_server_options
@limit_options
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all draws.")
@findings_options("calls per second over time")
def herd(
    strategies: tuple[str, ...],
    clients: int,
    workload: str,
    start: str,
    limits: dict[str, str],
    seed: int,
    findings: Findings,
    **server: str,
) -> None:
    """
    Show what many clients at once do to a server that has limits.

    STRATEGIES are TOML files, names in the catalogue, kinds, or strategies in one line, such as
    'exponential(base=1s, cap=30s, jitter=full)'; without any, four of the catalogue. Each gives up within its
    own limits, unless an option says otherwise. Time is virtual; the clients wait by bide's own engine.
    """
    from bide.lab import find_workload

    entrants = find_entrants(strategies or ENTRANTS, limits)
    model, scenario = _server(server), _start(start)
    found = find_workload(workload)
    results = _results(entrants, found.durations, clients, model, scenario, seed)
    setting = {"clients": clients, "workload": found.name, "start": start, "seed": seed}
    _tell(results, model, findings, setting)


def _tell(
    results: list[HerdResult], server: ServerModel, findings: Findings, setting: dict[str, Any]
) -> None:
    def page() -> str:
        from bide.lab.report.herd_page import herd_page

        words = {name: str(value) for name, value in setting.items()}
        return herd_page(results, server=server, setting=words)

    def picture() -> bytes:
        from bide.lab.report.herd_page import herd_png

        return herd_png(results, server=server)

    findings.write(page, picture)
    if findings.as_json:
        rows = [attrs.asdict(result) for result in results]
        print_json({**setting, "server": attrs.asdict(server), "results": rows})
    else:
        from bide.cli.herd_table import print_herd

        print_herd(results, Console())


def _server(options: dict[str, str]) -> ServerModel:
    """Return the model that the options describe."""
    from bide.lab.server_model import ServerModel

    return structure({name: parse_scalar(text) for name, text in options.items()}, ServerModel)


def _start(text: str) -> Start:
    from bide.lab.starts import parse_start

    try:
        return parse_start(text)
    except ConfigError as error:
        raise error.inside(source="--start") from error


def _results(
    entrants: dict[str, Policy],
    durations: Distribution,
    clients: int,
    server: ServerModel,
    start: Start,
    seed: int,
) -> list[HerdResult]:
    """Return what becomes of each herd: those whose clients give up least first, then by their peak."""
    from bide.lab.herd import draw_durations, run_herd

    jobs = draw_durations(durations, clients, seed)
    results: list[HerdResult] = []
    with progress_bar("Waiting") as tell:
        for name, policy in entrants.items():
            result = run_herd(
                name,
                policy,
                jobs,
                server=server,
                start=start,
                seed=seed,
                progress=lambda done: tell(len(results) * clients + done, len(entrants) * clients),
            )
            results.append(result)
    return sorted(results, key=lambda result: (result.gave_up, result.peak))
