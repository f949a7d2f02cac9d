"""Calls in threads of their own, so that whoever waits for one can leave before it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from bide.durations import Seconds

T = TypeVar("T")


class Aside(Generic[T]):
    """
    A call that has begun in a thread of its own; who leaves it leaves it to itself.

    Args:
        call: what may block.
        name: of the thread.
    """

    def __init__(self, call: Callable[[], T], name: str) -> None:
        """Begin it."""
        self._call = call
        self._ended = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        threading.Thread(target=copy_context().run, args=(self._run,), name=name, daemon=True).start()

    def ends_within(self, seconds: Seconds | None) -> bool:
        """Wait for it, for so many seconds at most, or for ever; say whether it has ended."""
        return self._ended.wait(seconds)

    def result(self) -> T:
        """Return what it returned, or raise what it raised; it has ended."""
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def _run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # for who waits
            self._error = error
        self._ended.set()
