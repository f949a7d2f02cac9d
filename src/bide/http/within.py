"""Something that blocks, for as long as one is willing to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from bide.durations import Seconds

T = TypeVar("T")


def within(seconds: Seconds | None, call: Callable[[], T]) -> T:
    """
    Return what a call returns, or raise what it raises.

    It runs in a thread of its own, which is left to itself when its time is over.

    Args:
        seconds: to wait at most; None to wait for ever, in this thread.
        call: what may block.

    Raises:
        TimeoutError: it takes longer.
    """
    if seconds is None:
        return call()
    done = threading.Event()
    came: list[Any] = []

    def run() -> None:
        try:
            came.append((call(), None))
        except BaseException as error:  # for who waits
            came.append((None, error))
        done.set()

    threading.Thread(target=copy_context().run, args=(run,), name="bide-within", daemon=True).start()
    if not done.wait(seconds):
        raise TimeoutError(f"nothing in {seconds:.3g} s")
    value, error = came[0]
    if error is not None:
        raise error
    result: T = value
    return result
