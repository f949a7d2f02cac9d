"""What a command owes to the process that it is: standard streams that last, and an end by signals."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn, TextIO

from bide.errors import BideError

INTERRUPTED, TERMINATED = 130, 143
"""The exit statuses of a shell for SIGINT and SIGTERM: 128 and the number."""


class OutputLost(BideError):
    """What a command prints cannot be written, and not because nobody reads it."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does."""


def prepare() -> None:
    """Make the standard streams last, and SIGTERM an exception, unless the process is to ignore it."""
    _fill_gaps()
    sys.stdout = _lasting(1, sys.stdout)
    sys.stderr = _lasting(2, sys.stderr)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def status_of_stop(stop: BaseException | None) -> int:
    """Return the exit status of a command that SIGTERM has ended, or otherwise Ctrl-C."""
    return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _fill_gaps() -> None:
    """Open nothing in place of standard streams that are closed: the next file would be taken for one."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


class _Lasting(io.FileIO):
    """A standard stream that outlasts its reader: what nobody reads is dropped, as by ``/dev/null``."""

    is_lost = False

    def write(self, data: Any) -> int:
        try:
            return len(data) if self.is_lost else super().write(data)
        except BrokenPipeError:
            self.is_lost = True
            return len(data)
        except OSError as error:
            self.is_lost = True  # or the interpreter tries again in the end
            raise OutputLost(f"the output cannot be written: {error.strerror}") from error


def _lasting(number: int, stream: TextIO | None) -> TextIO:
    """Return a stream to the same place that lasts; a terminal's own is kept, for its reader stays."""
    if stream is not None and stream.isatty():
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(number, "w", closefd=False)),
        encoding=None if stream is None else stream.encoding,
        errors="backslashreplace",  # rather an escape than no output
        line_buffering=number == 2,
    )
