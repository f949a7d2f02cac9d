"""Files that config names: their names are relative to the file that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

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
