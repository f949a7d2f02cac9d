"""``bide submit`` and ``bide wait``: one job, from the shell."""

from __future__ import annotations

from urllib.parse import unquote

import click

from bide.cli.options import policy_options
from bide.errors import ConfigError, shown
from bide.http import JobClient
from bide.http.transfer import checked_url, public
from bide.resolve import resolve_policy


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
@policy_options
def wait(url: str, strategy: str | None, config: str | None, limits: dict[str, str]) -> None:
    """
    Wait for the job at URL, as printed by `bide submit`.

    Tells of every poll on standard error, and how it ended on standard output. The exit status tells the
    same; see `bide --help`.
    """
    policy = resolve_policy(strategy, limits, config=config).policy
    server, job_id = _parts_of(url)
    with JobClient(server, policy.strategy, policy.limits) as client:
        outcome = client.wait_for_job_with_updates(job_id, lambda update: click.echo(str(update), err=True))
    click.echo(str(outcome))


def _parts_of(url: str) -> tuple[str, str]:
    """Return a job's server and its id."""
    parts = checked_url(url)
    server, found, job_id = parts.raw_path.decode().rpartition("/v1/jobs/")
    if not found or not job_id.strip("/") or "/" in job_id.strip("/"):
        rule = "must be that of a job, such as http://127.0.0.1:8080/v1/jobs/ID"
        raise ConfigError(f"URL {rule}, got {shown(public(parts))}")
    try:
        return str(parts.copy_with(raw_path=server.encode() or b"/")), unquote(
            job_id.strip("/"), errors="strict"
        )
    except UnicodeDecodeError as error:
        raise ConfigError(f"URL must be in UTF-8: {error}, got {shown(public(parts))}") from error
