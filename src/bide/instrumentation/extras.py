"""What to install when an optional package is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str, package: str) -> Iterator[None]:
    """
    Import an optional package inside this, and its absence names the extra to install.

    Args:
        name: of the extra.
        package: its top-level module.

    Raises:
        ImportError: the package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ImportError(
            f"bide.instrumentation.{name} needs {package}: install bide with its extra '{name}'"
        ) from error
