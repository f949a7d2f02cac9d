"""Files that config names: relative to the file that holds them, regular, and not too large to be read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

from bide.errors import ConfigError, Problem

_folder: ContextVar[Path] = ContextVar("folder", default=Path())

FileName = Annotated[str, "file"]
"""The type of a field that names a file: text, which config takes relative to its own folder."""


@contextmanager
def beside(source: str | Path) -> Iterator[None]:
    """
    Take the names of files relative to the folder of a config file, while its values are built.

    Args:
        source: the file; or what else a policy may come from, which lies in the current folder.
    """
    before = _folder.set(Path() if "(" in str(source) else Path(source).parent)
    try:
        yield
    finally:
        _folder.reset(before)


def located(name: str) -> str:
    """Return the name of a file as seen from the current folder."""
    return str(_folder.get() / name)


def check_readable(path: str | Path, most: int) -> None:
    """
    Refuse what would block whoever reads it, or fill the memory: pipes, devices, and too large files.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ConfigError: it is no regular file, or too large.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return  # whoever reads it says why that cannot be
    problem = ""
    if not stat.S_ISREG(status.st_mode):
        problem = "cannot be read: it is no regular file"
    elif status.st_size > most:
        problem = f"must have at most {most:,} bytes, got {status.st_size:,}"
    if problem:
        raise ConfigError(Problem(problem, source=str(path)))
