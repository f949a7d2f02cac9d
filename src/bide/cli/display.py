"""How a wait looks in a terminal: a bar or a spinner that lives, or plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bide.durations import format_duration
from bide.policy import Limits
from bide.poller import Update

if TYPE_CHECKING:
    from rich.console import ConsoleRenderable

Show = Callable[[Update], None]


@contextmanager
def display(limits: Limits) -> Iterator[Show]:
    """
    Give a function that shows each update of a wait on standard error, as the terminal allows.

    Args:
        limits: of the wait.
    """
    if not sys.stderr.isatty():
        yield lambda update: click.echo(str(update), err=True)
        return
    from rich.console import Console
    from rich.live import Live

    line = _Line(limits)
    with Live(get_renderable=line.render, console=Console(stderr=True), transient=True, refresh_per_second=8):
        yield line.take


class _Line:
    """One line that says where a wait stands now."""

    def __init__(self, limits: Limits) -> None:
        from rich.spinner import Spinner

        self._limits = limits
        self._started = time.monotonic()
        self._at = self._started
        self._update: Update | None = None
        self._spinner = Spinner("dots")

    def take(self, update: Update) -> None:
        """Show this update from now on."""
        self._at, self._update = time.monotonic(), update

    def render(self) -> ConsoleRenderable:
        """Return what to draw now."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        seen = self._update.observation if self._update is not None else None
        progress = seen.progress if seen is not None else None
        row = Table.grid(padding=(0, 1))
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True, overflow="ellipsis")
        if progress is None:
            row.add_row(self._spinner, Text(self._words()))
        else:
            row.add_row(ProgressBar(total=1.0, completed=progress, width=20), Text(self._words(progress)))
        return row

    def _words(self, progress: float | None = None) -> str:
        now = time.monotonic()
        parts = [] if progress is None else [f"{progress:.0%}"]
        if self._update is not None:
            parts += self._parts_of(self._update, now)
        if self._limits.timeout is not None:
            left = max(0.0, self._started + self._limits.timeout - now)
            parts.append(f"{format_duration(round(left))} left")
        return " · ".join(parts)

    def _parts_of(self, update: Update, now: float) -> list[str]:
        status = "unknown" if update.observation is None else update.observation.status
        calls = f"{update.calls} call{'' if update.calls == 1 else 's'}"
        wait = self._at + (update.next_delay or 0.0) - now
        then = f"next in {format_duration(round(wait, 1))}" if wait > 0.05 else "looking"
        failed = [] if update.failure is None else ["the last one failed"]
        return [status, calls, *failed, then]
