"""``bide serve``: the job server."""

from __future__ import annotations

import os
import signal
import sys
import threading

import click

from bide.cli.options import DURATIONS
from bide.errors import ConfigError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: the system chooses."
)
@click.option("--db", default="bide.db", show_default=True, help="SQLite file of the jobs, or :memory:.")
@click.option("--durations", default="5s..15s", show_default=True, type=DURATIONS, help="How long jobs last.")
@click.option("--failing", default=0.5, show_default=True, help="Share of the jobs that fail, 0 to 1.")
@click.option("--seed", type=int, help="Draw the same jobs again.")
@click.option(
    "--until-eof", is_flag=True, help="End when standard input does: with whoever started the server."
)
def serve(
    host: str,
    port: int,
    db: str,
    durations: tuple[float, float],
    failing: float,
    seed: int | None,
    until_eof: bool,
) -> None:
    """
    Serve simulated jobs over HTTP.

    The first line on standard output tells the address. SIGTERM or Ctrl-C ends the server; jobs that it
    acknowledged are in the database, and go on.
    """
    from bide.server import ServerConfig, run

    if until_eof:
        if sys.stdin is None:  # closed: its number will be another file's
            raise ConfigError("--until-eof needs a standard input, and it is closed")
        threading.Thread(target=_end_at_eof, daemon=True).start()
    shortest, longest = durations
    config = ServerConfig(database=db, shortest=shortest, longest=longest, failing=failing, seed=seed)
    run(config, host=host, port=port, on_ready=lambda url: click.echo(f"bide is listening on {url}"))


def _end_at_eof() -> None:
    """Read standard input to its end, then end as SIGTERM does."""
    # Not through `sys.stdin`: a thread that waits in its buffer is fatal to the interpreter's end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
