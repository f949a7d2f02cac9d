"""The store: jobs in SQLite, over one connection for everything."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Self

from bide.server.job import Job
from bide.server.schema import explained, open_database


class Store:
    """
    The jobs of one server. Any thread may use it.

    Args:
        path: the SQLite file, created if there is none, or ``:memory:``.

    Raises:
        ConfigError: the file cannot be opened, is not bide's, is newer than this code, or is in use.
    """

    def __init__(self, path: str) -> None:
        """Open the file, and hold it until `close`."""
        self._lock = Lock()
        with explained(path):
            self._connection = open_database(path)
            self._last = self._last_number()

    def add(self, plan: Callable[[int], Job]) -> Job:
        """
        Keep one more job; it is on disk when this returns.

        Args:
            plan: makes the job of a sequence number; the first is 1. Called once, by one thread at a time.
        """
        with self._lock:
            number = self._last + 1
            job = plan(number)
            row = (number, job.id, job.created_at, job.ends_at, job.outcome)
            self._connection.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", row)
            self._last = number
        return job

    def get(self, id: str) -> Job | None:  # noqa: A002 - the word that the API uses
        """Return the job of an id, or None."""
        query = "SELECT created_at, ends_at, outcome FROM jobs WHERE id = ?"
        with self._lock:
            row = self._connection.execute(query, (id,)).fetchone()
        if row is None:
            return None
        created_at, ends_at, outcome = row
        return Job(id=id, created_at=created_at, ends_at=ends_at, outcome=outcome)

    def close(self) -> None:
        """Let go of the file. A second call does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _last_number(self) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
        return int(row[0]) if row else 0
