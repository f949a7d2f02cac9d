"""The command ``bide``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say which extra it needs."""
    try:
        import click  # noqa: F401 - only to see that it is there
        import rich  # noqa: F401
    except ImportError as error:
        sys.stderr.write(f"bide: the command line needs {error.name}: install bide with its extra 'cli'\n")
        sys.exit(2)
    from bide.cli.app import run

    sys.exit(run())
