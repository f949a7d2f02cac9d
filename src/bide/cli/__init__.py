"""The command ``bide``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say which extra it needs."""
    from bide.cli.process import prepare, status_of_stop

    try:
        prepare()
        status = _run()
    except KeyboardInterrupt as stop:  # before there is a command, or after it
        status = status_of_stop(stop)
    sys.exit(status)


def _run() -> int:
    try:
        import click  # noqa: F401 - only to see that it is there
        import rich  # noqa: F401
    except ImportError as error:
        sys.stderr.write(f"bide: the command line needs {error.name}: install bide with its extra 'cli'\n")
        return 2
    from bide.cli.app import run

    return run()
