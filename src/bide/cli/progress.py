"""A bar that tells on standard error how far a long run has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

_LONG = 1.0
"""Seconds after which a run is long enough to tell of it."""


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """
    Give a function to be told how much is done, and how much there is.

    The bar shows only on a terminal, only in long runs, and vanishes in the end.
    """
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(doing, total=None)
    began = time.monotonic()

    def tell(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if time.monotonic() - began > _LONG:
            bar.start()  # more than once does no harm

    try:
        yield tell
    finally:
        bar.stop()
