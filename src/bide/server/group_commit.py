"""Group commit: threads that write at the same time share one transaction, and one wait for the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from threading import Event, Lock
from typing import Any, Generic, TypeVar

from attrs import define, field

T = TypeVar("T")


class GroupCommit:
    """
    Runs writes, each of which returns once it is on disk. Any thread may use it.

    Args:
        connection: to the database, in autocommit mode.
        lock: held by whoever uses the connection.
    """

    def __init__(self, connection: sqlite3.Connection, lock: Lock) -> None:
        """Begin with nothing to write."""
        self._connection = connection
        self._lock = lock
        self._turn = Lock()
        self._waiting: list[_Write[Any]] = []
        self._led = False

    def run(self, action: Callable[[], T]) -> T:
        """
        Return what an action returned, once what it wrote is on disk.

        One thread acts for all that wait; then it wakes them, and one that came meanwhile acts for the next.

        Args:
            action: uses the connection. It may raise before it writes; an error of SQLite's fails all who
                share the transaction.
        """
        write = _Write(action)
        with self._turn:
            self._waiting.append(write)
            leads = not self._led
            self._led = True
        if not leads:
            write.woken.wait()
        if not write.done:
            self._lead()
        if write.error is not None:
            raise write.error
        return write.value

    def _lead(self) -> None:
        with self._lock:
            with self._turn:
                group, self._waiting = self._waiting, []
            self._commit(group)
        with self._turn:
            self._led = bool(self._waiting)
            following = self._waiting[:1]
        for write in (*following, *group):
            write.woken.set()

    def _commit(self, group: list[_Write[Any]]) -> None:
        try:
            with self._connection:  # commits, or rolls back
                self._connection.execute("BEGIN")
                for write in group:
                    write.act()
        except BaseException as error:  # whatever it was, nobody's work is on disk
            for write in group:
                write.error = error
        for write in group:
            write.done = True


@define
class _Write(Generic[T]):
    action: Callable[[], T]
    value: T = field(init=False)
    error: BaseException | None = None
    done: bool = False
    woken: Event = field(init=False, factory=Event)

    def act(self) -> None:
        try:
            self.value = self.action()
        except sqlite3.Error:
            raise
        except Exception as error:  # raised again in the thread whose action it was
            self.error = error
