"""``bide submit`` and ``bide wait``: one job, from the shell."""

from __future__ import annotations

from typing import Any

import attrs
import click

from bide.catalogue import find_policy
from bide.cli.options import DURATION
from bide.config import Policy, default_strategy
from bide.errors import ConfigError
from bide.http import JobClient
from bide.wait import Limits


@click.command()
@click.argument("server", default="http://127.0.0.1:8080")
def submit(server: str) -> None:
    """
    Create a job, and print its URL.

    SERVER is where a bide server listens; by default http://127.0.0.1:8080.
    """
    with JobClient(server) as client:
        click.echo(client.url_of(client.create_job()))


@click.command()
@click.argument("url")
@click.option("--strategy", help="A TOML file, a name in the catalogue, or a kind; by default the seed.")
@click.option("--timeout", type=DURATION, help="Give up after so long, such as 90s or 2m.")
@click.option("--max-attempts", type=int, help="Give up after so many calls.")
def wait(url: str, strategy: str | None, timeout: float | None, max_attempts: int | None) -> None:
    """
    Wait for the job at URL, as printed by `bide submit`.

    Tells of every poll on standard error, and how it ended on standard output. The exit status tells the
    same; see `bide --help`.
    """
    policy = Policy(strategy=default_strategy()) if strategy is None else find_policy(strategy)
    limits = _changed(policy.limits, timeout=timeout, max_attempts=max_attempts)
    server, job_id = _parts_of(url)
    with JobClient(server, policy.strategy, limits) as client:
        outcome = client.wait_for_job_with_updates(job_id, lambda update: click.echo(str(update), err=True))
    click.echo(str(outcome))


def _changed(limits: Limits, **changes: Any) -> Limits:
    return attrs.evolve(limits, **{name: value for name, value in changes.items() if value is not None})


def _parts_of(url: str) -> tuple[str, str]:
    server, found, job_id = url.rpartition("/v1/jobs/")
    if not found or not job_id.strip("/"):
        raise ConfigError(f"URL must be that of a job, such as http://127.0.0.1:8080/v1/jobs/ID, got {url!r}")
    return server, job_id.strip("/")
