"""``bide serve``: the job server."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import attrs
import click

from bide.cli.command import Command
from bide.cli.options import DURATION
from bide.errors import ConfigError

if TYPE_CHECKING:
    from bide.server import ServerConfig

DATABASE = "bide.db"
"""Where jobs lie if nobody says otherwise."""


@click.command(cls=Command)
@click.option("--config", help="A TOML file with the settings; what is given beside it comes first.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: the system chooses."
)
@click.option("--db", "database", help="SQLite file of the jobs, or :memory:.  [default: bide.db]")
@click.option(
    "--durations", help="How long jobs last, such as 5s..15s or 'lognormal(60s, 0.5)'.  [default: 5s..15s]"
)
@click.option("--failing", type=float, help="Share of the jobs that fail, 0 to 1.  [default: 0.5]")
@click.option("--speed", type=float, help="Run jobs so many times as fast.  [default: 1]")
@click.option("--seed", type=int, help="Draw the same jobs again.")
@click.option(
    "--keep", type=DURATION, help="Forget jobs so long after their end, such as 24h.  [default: never]"
)
@click.option("--public", is_flag=True, default=None, help="Let other machines ask without keys.")
@click.option("--access-log", is_flag=True, help="Write a line of JSON for each request to standard error.")
@click.option(
    "--until-eof", is_flag=True, help="End when standard input does: with whoever started the server."
)
def serve(host: str, port: int, access_log: bool, until_eof: bool, config: str | None, **given: Any) -> None:
    """
    Serve simulated jobs over HTTP.

    The first line on standard output tells the address. SIGTERM or Ctrl-C ends the server; jobs that it
    acknowledged are in the database, and go on.
    """
    from bide.server import run

    if until_eof:
        if sys.stdin is None:  # closed: its number will be another file's
            raise ConfigError("--until-eof needs a standard input, and it is closed")
        threading.Thread(target=_end_at_eof, daemon=True).start()
    if access_log:
        _log_requests()
    settings = _settings(config, {name: value for name, value in given.items() if value is not None})
    run(settings, host=host, port=port, on_ready=lambda url: click.echo(f"bide is listening on {url}"))


def _log_requests() -> None:
    from bide.server.traffic import access_log

    access_log.addHandler(logging.StreamHandler())  # nothing but the line itself
    access_log.setLevel(logging.INFO)
    access_log.propagate = False


def _settings(path: str | None, given: dict[str, Any]) -> ServerConfig:
    """Return the settings of a file, or the defaults, with what was given on the command line."""
    from bide.server import ServerConfig, load_config

    config = ServerConfig(database=DATABASE) if path is None else load_config(path)
    kind = {name: given.pop(name) for name in ("durations", "failing") if name in given}
    usual = attrs.evolve(config.kinds["default"], **kind)
    return attrs.evolve(config, kinds={**config.kinds, "default": usual}, **given)


def _end_at_eof() -> None:
    """Read standard input to its end, then end as SIGTERM does."""
    # Not through `sys.stdin`: a thread that waits in its buffer is fatal to the interpreter's end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
