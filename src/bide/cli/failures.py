"""What an error means to the shell: an exit status, a line on standard error and, for scripts, JSON."""

from __future__ import annotations

from typing import Any

import click

from bide.cli.as_json import print_json
from bide.cli.process import INTERRUPTED, OutputLost, status_of_stop
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

JOB_FAILED, USAGE, GAVE_UP, NO_SUCH_JOB, NO_SERVER, INTERNAL, OUTPUT_LOST = 1, 2, 3, 4, 5, 70, 74


def report(error: Exception, *, as_json: bool) -> int:
    """
    Tell of what ended a command; return its exit status.

    Args:
        error: what did; never told as a traceback.
        as_json: whether standard output is to have it too.
    """
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    else:
        tell(message_of(error))
    if as_json:
        print_json(as_data(error))
    return status_of(error)


def tell(message: str) -> None:
    """Print a message on standard error."""
    click.echo(f"bide: {message}", err=True)


def as_data(error: BaseException) -> dict[str, Any]:
    """Return what a script is told of an error."""
    message = "; ".join([message_of(error), *notes_of(error)])
    return {"error": {"exit_status": status_of(error), "message": message}}


def notes_of(error: BaseException) -> list[str]:
    """Return what was noted on an error on its way, such as that the job was not cancelled."""
    return getattr(error, "__notes__", [])


def message_of(error: BaseException) -> str:
    """Return what an error says; of a shape that nobody knows, how to map it."""
    if isinstance(error, click.ClickException):
        return _usage(error)
    if _is_stop(error):
        return "interrupted" if status_of(error) == INTERRUPTED else "terminated"
    if not isinstance(error, (BideError, ImportError)):
        return f"a fault of bide or of a plug-in: {error!r}"
    report: str = getattr(error.__cause__, "report", "")
    return report or str(error)


def _usage(error: click.ClickException) -> str:
    """Return what click says, in our form: place, value and rule, and where there is more."""
    text = error.format_message()
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter):
        text = f"{error.param.opts[-1]}: {error.message}" if error.param is not None else text
    context = getattr(error, "ctx", None)
    return text if context is None else f"{text.rstrip('.')}; see '{context.command_path} --help'"


def status_of(error: BaseException) -> int:
    """Return the exit status that tells of an error."""
    if _is_stop(error):
        return status_of_stop(error.__cause__ or error)
    # An ImportError is an extra that is not installed.
    unmapped = hasattr(error.__cause__, "report")  # an UnknownShape, which a mapping mends
    if unmapped or isinstance(error, (ConfigError, TokenError, StrategyError, ImportError)):
        return USAGE
    if isinstance(error, click.ClickException):
        return error.exit_code
    if isinstance(error, BideError):
        return _status_of_ours(error)
    return INTERNAL


def _is_stop(error: BaseException) -> bool:
    """Say whether somebody ended the command; click has a word of its own for it."""
    return isinstance(error, (click.Abort, KeyboardInterrupt))


def _status_of_ours(error: BideError) -> int:
    if isinstance(error, OutputLost):
        return OUTPUT_LOST
    if isinstance(error, (JobFailed, JobCancelled)):
        return JOB_FAILED
    if isinstance(error, JobNotFound):
        return NO_SUCH_JOB
    if isinstance(error, (WaitTimeout, AttemptsExhausted)):
        return GAVE_UP if error.observation is not None else NO_SERVER  # nothing ever answered
    return NO_SERVER
