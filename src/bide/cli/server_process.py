"""A job server as a process of its own, for as long as somebody needs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bide.errors import BideError

_GREETING = "bide is listening on "


@contextmanager
def server_process(*arguments: str) -> Iterator[str]:
    """
    Run ``bide serve`` on a port that the system chooses; give its URL, and end it afterwards.

    Raises:
        BideError: the server did not start; what it said is on standard error.
    """
    import bide.server  # noqa: F401 - says which extra is missing, if one is

    serve = ["serve", "--port", "0", "--db", ":memory:", "--until-eof", *arguments]
    command = [sys.executable, "-m", "bide", *serve]
    # Its standard input ends when we do, however we do: so it never outlives us.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - our own
        try:
            yield _url_of(process)
        finally:
            _end(process)


def _url_of(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line.startswith(_GREETING):
        raise BideError(f"the demo's server did not start; it said {line.strip()!r}")
    return line.removeprefix(_GREETING).strip()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
