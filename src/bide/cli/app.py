"""The group of commands, and what an error means to the shell."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from bide import __version__
from bide.cli.check import check
from bide.cli.compare import compare
from bide.cli.demo import demo
from bide.cli.failures import report
from bide.cli.herd import herd
from bide.cli.jobs import list_mappings, submit, wait
from bide.cli.key import key
from bide.cli.learn import learn
from bide.cli.serve import serve
from bide.cli.strategies import strategies
from bide.registry import import_kinds


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
    5    the server cannot be reached, refuses, or answers nonsense
    70   a fault of bide, or of a plug-in
    74   the output cannot be written
    130  interrupted, by Ctrl-C
    143  terminated, by SIGTERM
    """  # noqa: D301 - click wants the character that \\b stands for
    for module in modules:
        import_kinds(module)


for command in (check, compare, demo, herd, key, learn, list_mappings, serve, strategies, submit, wait):
    cli.add_command(command)


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
