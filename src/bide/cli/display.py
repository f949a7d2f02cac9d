"""How a wait looks in a terminal: a bar or a spinner that lives, or plain lines."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bide.driver import Update
from bide.durations import Seconds, format_duration
from bide.errors import RequestError, printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleRenderable

Show = Callable[[Update], None]

_ASKED = re.compile(r"[A-Z]+ \S+ (answered )?")
_LONGEST_REASON = 60
"""In characters: what a proxy has to say fills a screen."""

_BAR = 10
"""In columns: so bar and words are one line of 80 columns, whatever the numbers, and do not jump."""


@contextmanager
def display(*, time_left: Seconds | None = None, max_calls: int | None = None) -> Iterator[Show]:
    """
    Give a function that shows each update of a wait on standard error, as the terminal allows.

    Args:
        time_left: seconds from now to the wait's deadline, if it has one.
        max_calls: most calls of the wait, if there is such a limit.
    """
    console = _drawable()
    if console is None:
        yield lambda update: click.echo(str(update), err=True)
        return
    from rich.constrain import Constrain
    from rich.live import Live

    line = Line(time_left, max_calls)

    def drawn() -> Constrain:
        """Leave room for the ^C that a terminal writes: it must not begin another line."""
        return Constrain(line.render(), console.width - 2)

    with Live(get_renderable=drawn, console=console, transient=True, refresh_per_second=8):
        yield line.take


def _drawable() -> Console | None:
    """Return a console on standard error, if a line can be drawn there again and again."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    console = Console(stderr=True)
    return None if console.is_dumb_terminal else console


class Line:
    """
    What says where a wait stands now: one line, or more where the terminal is narrow.

    Args:
        time_left: seconds from now to the deadline, if there is one.
        max_calls: most calls of the wait, if there is such a limit.
        clock: gives the time in seconds; only differences count.
    """

    def __init__(
        self,
        time_left: Seconds | None,
        max_calls: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the spinner."""
        from rich.spinner import Spinner

        self._clock = clock
        self._max_calls = max_calls
        self._deadline = None if time_left is None else clock() + time_left
        self._update: Update | None = None
        self._next = 0.0
        self._spinner = Spinner("dots")

    def take(self, update: Update) -> None:
        """Show this update from now on."""
        self._update = update
        self._next = self._clock() + (update.next_delay or 0.0)

    def render(self) -> ConsoleRenderable:
        """Return what to draw now."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        seen = self._update.observation if self._update is not None else None
        progress = seen.progress if seen is not None else None
        row = Table.grid(padding=(0, 1))
        row.add_column(no_wrap=True)
        row.add_column()  # a narrow terminal gets more lines, not fewer words
        mark = self._spinner if progress is None else ProgressBar(total=1.0, completed=progress, width=_BAR)
        words = [] if progress is None else [f"{progress:.0%}"]
        row.add_row(mark, Text(" · ".join([*words, *self._words()])))
        return row

    def _words(self) -> Iterator[str]:
        now = self._clock()
        if self._update is not None:
            yield from self._of_update(self._update, now)
        if self._deadline is not None:
            yield f"{format_duration(round(max(0.0, self._deadline - now)))} left"

    def _of_update(self, update: Update, now: float) -> Iterator[str]:
        yield "unknown" if update.observation is None else update.observation.words
        most = "" if self._max_calls is None else f" of {self._max_calls}"
        yield f"{update.calls}{most} call{'' if update.calls == 1 and not most else 's'}"
        if update.failure is not None:
            yield f"the last look: {_why(update.failure)}"
        wait = self._next - now
        yield f"next in {format_duration(round(wait, 1))}" if wait > 0.05 else "looking"


def _why(failure: RequestError) -> str:
    """Return why a look failed, without what was asked for, which all its lines would begin with."""
    text = str(failure)
    asked = _ASKED.match(text)
    return printable(text[asked.end() :] if asked else text, _LONGEST_REASON)
