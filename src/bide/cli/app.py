"""The group of commands, and what an error means to the shell."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bide import __version__
from bide.cli.check import check
from bide.cli.compare import compare
from bide.cli.demo import demo
from bide.cli.herd import herd
from bide.cli.jobs import list_mappings, submit, wait
from bide.cli.serve import serve
from bide.cli.strategies import strategies
from bide.errors import (
    AttemptsExhausted,
    BideError,
    ConfigError,
    JobCancelled,
    JobFailed,
    JobNotFound,
    StrategyError,
    TokenError,
    WaitTimeout,
)
from bide.registry import import_kinds

JOB_FAILED, USAGE, GAVE_UP, NO_SUCH_JOB, NO_SERVER, INTERNAL, INTERRUPTED = 1, 2, 3, 4, 5, 70, 130


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
    130  interrupted
    """  # noqa: D301 - click wants the character that \\b stands for
    for module in modules:
        import_kinds(module)


for command in (check, compare, demo, herd, list_mappings, serve, strategies, submit, wait):
    cli.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. An error is one clear line, never a traceback."""
    try:
        return cli.main(arguments, prog_name="bide", standalone_mode=False) or 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:  # click's word for Ctrl-C
        return INTERRUPTED
    except Exception as error:  # never a traceback, and never the status of a failed job
        known = isinstance(error, (BideError, ImportError))
        click.echo(
            f"bide: {_told(error) if known else f'a fault of bide or of a plug-in: {error!r}'}", err=True
        )
        return status_of(error)


def _told(error: Exception) -> str:
    """Return what an error says; of a shape that nobody knows, how to map it."""
    report: str = getattr(error.__cause__, "report", "")
    return report or str(error)


def status_of(error: Exception) -> int:
    """Return the exit status that tells of an error."""
    # An ImportError is an extra that is not installed.
    unmapped = hasattr(error.__cause__, "report")  # an UnknownShape, which a mapping mends
    if unmapped or isinstance(error, (ConfigError, TokenError, StrategyError, ImportError)):
        return USAGE
    if not isinstance(error, BideError):
        return INTERNAL
    if isinstance(error, (JobFailed, JobCancelled)):
        return JOB_FAILED
    if isinstance(error, JobNotFound):
        return NO_SUCH_JOB
    if isinstance(error, (WaitTimeout, AttemptsExhausted)):
        return GAVE_UP if error.observation is not None else NO_SERVER  # nothing ever answered
    return NO_SERVER
