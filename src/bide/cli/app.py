"""The group of commands, and what an error means to the shell."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from bide import __version__
from bide.cli.failures import report
from bide.registry import import_kinds

_MODULES = {
    "check": "check",
    "compare": "compare",
    "demo": "demo",
    "herd": "herd",
    "key": "key",
    "learn": "learn",
    "mappings": "jobs",
    "serve": "serve",
    "strategies": "strategies",
    "submit": "jobs",
    "wait": "jobs",
}


class _Commands(click.Group):
    """Imports a command when it is asked for: libraries that only others need take half a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*_MODULES, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, or None."""
        if cmd_name in _MODULES and cmd_name not in self.commands:
            module = import_module(f"bide.cli.{_MODULES[cmd_name]}")
            found = (one for one in vars(module).values() if isinstance(one, click.Command))
            self.add_command(next(one for one in found if one.name == cmd_name))
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bide")
@click.option(
    "--import",
    "modules",
    multiple=True,
    metavar="MODULE",
    help="Import a module whose strategies are to be known.",
)
def cli(modules: tuple[str, ...]) -> None:
    """
    Wait for long-running jobs: look seldom, learn soon.

    \b
    Exit status of every command:
    0    done: the job completed
    1    the job failed or was cancelled; check: a law is broken
    2    wrong usage or configuration
    3    timed out, or the limit of calls was reached
    4    no such job
    5    the server cannot be reached, refuses, or answers nonsense;
         also a limit that is reached before any answer about the job
    70   a fault of bide, or of a plug-in
    74   the output cannot be written
    130  interrupted, by Ctrl-C
    143  terminated, by SIGTERM
    """  # noqa: D301 - click wants the character that \\b stands for
    for module in modules:
        import_kinds(module)


def run(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command; return its exit status.

    Args:
        arguments: of the command; by default those of the process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return cli.main(arguments, prog_name="bide", standalone_mode=False) or 0
    except Exception as error:
        return report(error, as_json="--json" in arguments)
